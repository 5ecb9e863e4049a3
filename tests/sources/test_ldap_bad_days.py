"""A directory on a bad day: one clear sentence each, and nothing of what was read."""

from __future__ import annotations

import datetime
import re
import socket
import ssl
import threading
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import domain_people as forest
import pytest
import trustme
from directory_reading import one
from domain_people import CORP
from ldap_proxy import proxied
from pydantic import SecretStr
from scripted_ldap import done, elsewhere, entry, last_page, page_control, scripted

from tabwarden.model.errors import SourceError
from tabwarden.sources.ldap.directory import read_directory
from tabwarden.sources.ldap.options import DirectoryDomain, DirectorySettings
from tabwarden.sources.ldap.reading import group, person
from tabwarden.sources.ldap.session import lets_in, opened
from tabwarden.want.directory import Domain

BASE = forest.base(CORP)


def refused(wanted: DirectoryDomain, stop: str = "source-unreadable") -> str:
    """What reading one domain says."""
    with pytest.raises(SourceError) as told:
        read_directory(DirectorySettings(domains=(wanted,)))
    message = str(told.value)
    assert told.value.stop == stop, message
    assert message.isprintable()
    assert not message.endswith(".")
    assert wanted.password.get_secret_value() not in message
    return message


# -- signing in ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("user", "password"),
    [
        ("CORP\\svc.tabwarden", "wrong-wrong"),
        ("CORP\\nobody.at.all", "wrong-wrong"),
        ("nobody@corp.example.com", "wrong-wrong"),
    ],
)
def test_a_wrong_password(domains, user, password):
    message = refused(changed(one(domains, domains.corp), user=user, password=SecretStr(password)))
    assert message == (
        f"domain `{CORP}` ({domains.corp.url}) does not let `{user}` in: the password or the account is wrong; "
        "check `user` and `password`"
    )


def test_a_disabled_account(domains):
    wanted = changed(one(domains, domains.corp, forest.READER), user="CORP\\dora.disabled")
    assert "does not let `CORP\\dora.disabled` in: the account is disabled; enable it" in refused(wanted)


def test_an_empty_password_is_not_sent(domains):
    wanted = changed(one(domains, domains.corp), password=SecretStr(""))
    with pytest.raises(SourceError, match="no password for `CORP"), opened(wanted):
        pass
    assert not lets_in(one(domains, domains.corp), "CORP\\jsmith", "")


def test_clear_text_is_refused(domains):
    wanted = changed(one(domains, domains.corp), servers=(f"ldap://{domains.corp.address}",), security="none")
    assert refused(wanted).endswith("takes no password in clear text; use `ldaps://`, or remove `security: none`")


# -- certificates ----------------------------------------------------------------------------------------------


@contextmanager
def tls_server(certificate: trustme.LeafCert):
    """Somebody who shows a certificate and says nothing more."""
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    certificate.configure_cert(context)
    listening = socket.create_server(("127.0.0.1", 0))

    def serve() -> None:
        while True:
            try:
                client, _ = listening.accept()
            except OSError:
                return
            with client:
                try:
                    context.wrap_socket(client, server_side=True).close()
                except OSError:
                    continue

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    try:
        yield f"ldaps://127.0.0.1:{listening.getsockname()[1]}"
    finally:
        listening.shutdown(socket.SHUT_RDWR)
        listening.close()
        thread.join(10)


def changed(section: Any, **more: Any) -> Any:
    return section.model_copy(update=more)


def _domain(url: str, **more: Any) -> DirectoryDomain:
    return DirectoryDomain(fqdn=CORP, servers=(url,), user="CORP\\someone", password=SecretStr("pass-word"), **more)


def _asked(url: str, ca_file: str) -> DirectoryDomain:
    return _domain(url, ca_file=ca_file, timeout=5)


def test_an_expired_certificate(tmp_path):
    authority = trustme.CA()
    authority.cert_pem.write_to_path(tmp_path / "ca.pem")
    long_ago = datetime.datetime.now(datetime.UTC) - datetime.timedelta(days=2)
    with tls_server(authority.issue_cert("127.0.0.1", not_after=long_ago)) as url:
        message = refused(_asked(url, str(tmp_path / "ca.pem")))
    assert message == f"domain `{CORP}` ({url}): its certificate has expired; renew it on the domain controller"


def test_a_certificate_for_another_name(tmp_path):
    authority = trustme.CA()
    authority.cert_pem.write_to_path(tmp_path / "ca.pem")
    with tls_server(authority.issue_cert("dc1.corp.example.com", "127.0.0.2")) as url:
        message = refused(_asked(url, str(tmp_path / "ca.pem")))
    assert message.endswith(
        "its certificate is for another name than `127.0.0.1`; name the server as its certificate does"
    )


@pytest.mark.parametrize("how", ["ldaps", "ldap"])
def test_an_authority_nobody_knows(domains, how):
    wanted = changed(one(domains, domains.corp), ca_file=None, servers=(f"{how}://{domains.corp.address}",))
    assert refused(wanted).endswith(
        "signed by an authority nobody here knows; put that authority's PEM file into `ca_file`"
    )


def test_a_ca_file_that_is_none(domains, tmp_path):
    (tmp_path / "ca.pem").write_text("no certificate")
    for place in (tmp_path / "ca.pem", tmp_path / "missing.pem"):
        wanted = changed(one(domains, domains.corp), ca_file=str(place))
        assert refused(wanted).startswith(f"`ca_file` `{place}` holds no certificate that can be read (")


# -- servers ---------------------------------------------------------------------------------------------------


def closed_port() -> str:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        return f"ldaps://127.0.0.1:{taken.getsockname()[1]}"


def test_nobody_there(domains):
    url = closed_port()
    message = refused(changed(one(domains, domains.corp), servers=(url,)))
    assert message.startswith(f"domain `{CORP}` ({url}) cannot be reached (")
    assert message.endswith("; check address and network")


@pytest.mark.parametrize("answer", [b"HTTP/1.1 400 Bad Request\r\n\r\n", b"\x30\x03\x02\x01\x05", b"\xff" * 99, b""])
def test_what_is_no_directory_is_told(answer: bytes) -> None:
    def once(server: socket.socket) -> None:
        line, _ = server.accept()
        with line:
            line.recv(1 << 16)
            line.sendall(answer)

    with socket.create_server(("127.0.0.1", 0)) as server:
        thread = threading.Thread(target=once, args=(server,), daemon=True)
        thread.start()
        wanted = _asked(f"ldap://127.0.0.1:{server.getsockname()[1]}", None)
        message = refused(changed(wanted, security="none"))
        thread.join(10)
    assert "cannot be reached (" in message
    assert "Error" not in message


def test_the_next_server_is_asked_where_one_is_away(domains):
    wanted = changed(one(domains, domains.corp), servers=(closed_port(), domains.corp.url))
    with opened(wanted) as line:
        assert line.words == f"domain `{CORP}` ({domains.corp.url})"


def test_but_not_where_one_refuses(domains):
    """A wrong password tried at every server would lock the account."""
    with proxied(domains.corp.address) as second:
        wanted = changed(
            one(domains, domains.corp), servers=(domains.corp.url, second.url), password=SecretStr("wrong-wrong")
        )
        assert "does not let" in refused(wanted)
        assert second.passed == 0


def test_a_server_of_another_domain(domains):
    wanted = changed(one(domains, domains.corp), servers=(domains.seattle.url,), user="SEATTLE\\Administrator")
    assert refused(wanted).endswith("is a server of `west.na.corp.lan`; correct `fqdn` or `servers`")


def test_dying_anywhere_is_an_error_and_nothing_else(domains):
    """Cut after any share of the bytes a whole read takes, between pages and within them."""
    wanted = one(domains, domains.seattle, page_size=5)
    told = DirectorySettings(domains=(wanted,), unread=(CORP,))
    with proxied(domains.seattle.address) as proxy:
        whole = read_directory(changed(told, domains=(changed(wanted, servers=(proxy.url,)),)))
        size = proxy.passed
    assert len(whole.people) >= 8
    stops = set()
    for share in range(10, 100, 10):
        with proxied(domains.seattle.address, cut_after=size * share // 100) as proxy:
            with pytest.raises(SourceError) as trouble:
                read_directory(changed(told, domains=(changed(wanted, servers=(proxy.url,)),)))
            stops.add(trouble.value.stop)
            assert f"({proxy.url})" in str(trouble.value)
    assert "source-partial" in stops


def test_dying_between_two_pages(domains):
    with proxied(domains.corp.address) as proxy:
        wanted = one(domains, domains.corp, servers=(proxy.url,), page_size=50)
        with opened(wanted) as line:
            found = line.search(BASE, "(objectClass=user)", ("sAMAccountName",))
            for _ in range(60):
                next(found)
            proxy.close()
            with pytest.raises(SourceError, match="broke off after 100 objects") as told:
                list(found)
    assert told.value.stop == "source-partial"
    assert str(told.value).endswith("; nothing of it is used")


def test_a_server_that_falls_silent(domains):
    with proxied(domains.corp.address, silent_after=30_000) as proxy:
        message = refused(one(domains, domains.corp, servers=(proxy.url,), timeout=1, page_size=50), "source-partial")
    assert "broke off after" in message


def test_an_unknown_base(domains):
    with opened(one(domains, domains.corp)) as line:
        with pytest.raises(SourceError, match=r"has nothing called `OU=Nowhere,.*`; check the base"):
            list(line.search(f"OU=Nowhere,{BASE}", "(objectClass=user)", ("cn",)))
        with pytest.raises(SourceError, match="`DC=elsewhere,DC=org`"):
            list(line.search("DC=elsewhere,DC=org", "(objectClass=user)", ("cn",)))


def test_a_filter_that_is_none(domains):
    with opened(one(domains, domains.corp)) as line, pytest.raises(SourceError, match="does not answer a search"):
        list(line.search(BASE, "((broken", ("cn",)))


# -- what Samba never does ---------------------------------------------------------------------------------------


def _loopback(url: str) -> DirectoryDomain:
    return _domain(url, security="none", timeout=1)


def _searched(*pages: list[bytes]) -> SourceError:
    with (
        scripted(lambda _base, number: pages[number]) as server,
        opened(_loopback(server.url)) as line,
        pytest.raises(SourceError) as told,
    ):
        list(line.search(BASE, "(objectClass=*)", ("cn",)))
    assert server.asked == [BASE] * len(pages)
    return told.value


ADA, JOE = entry("CN=ada", cn=["ada"]), entry("CN=joe", cn=["joe"])


@pytest.mark.parametrize(("code", "limit"), [(4, "size"), (3, "time"), (11, "administrative")])
def test_a_limit_of_the_server(code, limit):
    trouble = _searched([ADA, done() + page_control(b"more")], [JOE, done(code)])
    assert trouble.stop == "source-partial"
    assert f"gave up at its {limit} limit after 1 objects; lower `page_size`" in str(trouble)


def test_a_page_without_the_word_whether_more_follows():
    trouble = _searched([ADA, JOE, done()])
    assert trouble.stop == "source-partial"
    assert "does not say whether more follows 2 objects" in str(trouble)


@pytest.mark.parametrize("within", [True, False])
def test_a_hint_at_another_server_instead_of_objects(within):
    url = "ldap://dc9.corp.example.com/OU=Elsewhere"
    pages = [ADA, elsewhere(url), last_page(done())] if within else [done(10, referral=url)]
    trouble = _searched(pages)
    assert f"sends us to `{url}` for a part of `{BASE}`; name a server of that domain itself" in str(trouble)


@pytest.mark.parametrize(
    "junk",
    [b"\x30\x03\x02\x01\x07", b"HTTP/1.1 400 Bad Request\r\n\r\n", b"\x00" * 64],
    ids=["half a message", "HTTP", "zeros"],
)
def test_an_answer_that_is_no_ldap(junk):
    trouble = _searched([junk])
    assert trouble.stop == "source-unreadable"
    assert "does not answer a search" in str(trouble)


def test_a_refusal_in_the_middle():
    trouble = _searched([ADA, done() + page_control(b"more")], [done(53, "00002120: SvcErr:\x00 no")])
    assert trouble.stop == "source-partial"
    assert str(trouble).endswith(
        "refuses a search of `DC=corp,DC=example,DC=com`: unwillingToPerform (00002120: SvcErr: no)"
    )


GUID = str(uuid.UUID(int=7))


def _members(first: int, last: int) -> list[str]:
    return [f"<GUID={uuid.UUID(int=n)}>;CN=user{n},{BASE}" for n in range(first, last + 1)]


def _group(*parts: dict[str, list[str]], changed: tuple[str, ...] = ()) -> list[str]:
    """The members of a group that comes in such parts."""

    def script(_base: str, number: int) -> list[bytes]:
        usn = changed[number] if changed else "100"
        told = entry(
            "CN=Big",
            sAMAccountName=["Big"],
            uSNChanged=[usn],
            objectGUID=[uuid.UUID(GUID).bytes_le],
            **parts[number % len(parts)],
        )
        return [told, done() + (page_control(b"") if number == 0 else b"")]

    with scripted(script) as server, opened(_loopback(server.url)) as line:
        (found,) = line.search(BASE, "(objectClass=group)", ("member",))
        return [each.dn for each in group(line, found, DirectorySettings()).references]


FIRST = {"member": [], "member__0_1499": _members(0, 1499)}
SECOND = {"member__1500_2999": _members(1500, 2999)}
LAST = {"member__3000_x": _members(3000, 3200)}


def test_members_as_windows_gives_them():
    assert _group(FIRST, SECOND, LAST) == [f"CN=user{n},{BASE}" for n in range(3201)]


def test_members_that_end_before_the_end():
    with pytest.raises(SourceError, match=r"gave 3000 members of `CN=Big` and no more") as told:
        _group(FIRST, SECOND, {})
    assert told.value.stop == "source-partial"


def test_members_that_change_while_they_are_read_are_read_again():
    # The second part is of a later time; then the first anew, and both as they are now.
    found = _group(FIRST, SECOND, FIRST, SECOND, LAST, changed=("100", "101", "101", "101", "101"))
    assert len(found) == 3201


def test_members_that_never_rest():
    with pytest.raises(SourceError, match="faster than they can be read"):
        _group(FIRST, SECOND, changed=tuple(str(n) for n in range(100)))


def test_an_object_that_is_not_there(domains):
    with opened(one(domains, domains.corp)) as line:
        assert line.find(f"CN=nobody,{BASE}", "cn") is None
        with pytest.raises(SourceError, match=r"has no object `CN=nobody.*, or hides it"):
            line.get(f"CN=nobody,{BASE}", "cn")


def test_an_answer_that_never_ends():
    def script(_base: str, _number: int) -> Iterator[bytes]:
        while True:
            time.sleep(0.001)
            yield ADA

    with (
        scripted(script) as server,
        opened(_domain(server.url, security="none", timeout=0.1)) as line,
        pytest.raises(SourceError, match="has no end after 1 seconds; raise `timeout`"),
    ):
        list(line.search(BASE, "(objectClass=*)", ("cn",)))


@pytest.mark.parametrize(
    ("attributes", "words"),
    [
        ({"objectGUID": [b"\x01"]}, "says of `CN=ada` a `objectGUID` that cannot be"),
        ({"objectSid": [b"\x01\xff"]}, "says of `CN=ada` a `objectSid` that cannot be"),
        ({"primaryGroupID": ["Ⅷ"]}, "says of `CN=ada` a `primaryGroupID` that cannot be"),
        ({"objectGUID": []}, "shows `CN=ada` without its `objectGUID`; let the account read it"),
        ({"sAMAccountName": []}, "shows `CN=ada` without its `sAMAccountName`"),
    ],
)
def test_a_person_whose_values_cannot_be(attributes, words):
    told = {"objectGUID": [uuid.UUID(GUID).bytes_le], "sAMAccountName": ["ada"], **attributes}
    with (
        scripted(lambda _base, _number: [entry("CN=ada", **told), last_page(done())]) as server,
        opened(_loopback(server.url)) as line,
    ):
        (someone,) = line.search(BASE, "(objectClass=user)", ("cn",))
    with pytest.raises(SourceError, match=re.escape(words)):
        person(someone, Domain(CORP, "CORP", "S-1-5-21-1-2-3"), DirectorySettings())
