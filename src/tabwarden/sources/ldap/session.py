"""A signed-in line to one domain controller: the only module that knows ldap3.

Everything a server may do wrong becomes a SourceError of one sentence: `source-unreadable` before the first object of a
search has come, `source-partial` after. Without a validated certificate nothing is said to a server.
"""

from __future__ import annotations

import contextlib
import math
import re
import ssl
import time
import warnings
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from tabwarden.model.errors import SourceError
from tabwarden.sources import partial, unreadable
from tabwarden.sources.ldap.options import DirectoryDomain
from tabwarden.sources.ldap.values import LdapEntry, reference
from tabwarden.troubles import of_connecting, of_entering, of_tls, why

with warnings.catch_warnings():
    # ldap3 2.9 uses two names that pyasn1 has renamed (docs/decisions/0017-ldap.md).
    warnings.filterwarnings("ignore", r"(tagMap|typeMap) is deprecated", DeprecationWarning)
    import ldap3
    from ldap3.core.tls import Tls
    from ldap3.protocol.microsoft import extended_dn_control, show_deleted_control

_DOMAIN_SCOPE = ("1.2.840.113556.1.4.1339", True, None)
_PAGED = "1.2.840.113556.1.4.319"
_SUCCESS, _REFERRAL, _STRONGER, _NO_OBJECT, _CREDENTIALS = 0, 10, 8, 32, 49
MOST_OBJECTS = 10_000_000  # of one domain: forests of the largest companies have a tenth
LEAST_OF_A_PAGE = 1000  # answers without an object
MOST_OF_AN_ANSWER = 256 << 20
TIMES_FOR_ALL = 10  # a whole answer may take so many times as long as the pause within it
_LIMITS = {3: "time", 4: "size", 11: "administrative"}
_SUB_CODE = re.compile(r"data ([0-9a-fA-F]+)")
_REFUSED = {
    "525": "no such account; check `user`",
    "52e": "the password or the account is wrong; check `user` and `password`",
    "530": "the account may not sign in at this time",
    "531": "the account may not sign in from this machine",
    "532": "the password has expired; set a new one",
    "533": "the account is disabled; enable it or name another",
    "701": "the account has expired; extend it or name another",
    "773": "the password must be changed first; sign in with it once",
    "775": "the account is locked; unlock it",
}
"""Active Directory's sub-codes of invalidCredentials ([MS-ERREF] 2.2, in hexadecimal)."""


class Unreachable(SourceError):
    """Nobody answers at an address: the next server of the domain may be asked instead."""


class Refused(SourceError):
    """A server does not take an account's password."""


class _Verified(Tls):
    """TLS as Python checks it, host name included; `trouble` is what was wrong with it."""

    def __init__(self, ca_file: Path | None) -> None:
        super().__init__(validate=ssl.CERT_REQUIRED)
        self.context = ssl.create_default_context()
        if ca_file:
            self.context.load_verify_locations(ca_file)
        self.trouble: Exception | None = None

    def wrap_socket(self, connection: Any, do_handshake: bool = False) -> None:
        line = connection.socket.line if isinstance(connection.socket, _Bounded) else connection.socket
        try:
            connection.socket = self.context.wrap_socket(
                line, do_handshake_on_connect=do_handshake, server_hostname=connection.server.host
            )
        except (OSError, ValueError) as error:
            self.trouble = error
            raise


class _Bounded:
    """The socket as ldap3 uses it, which waits for the end of an answer for ever and keeps what has come of it."""

    def __init__(self, line: Any, seconds: float) -> None:
        self.line, self._seconds = line, seconds
        self._size, self._until = 0, math.inf

    def sendall(self, data: bytes) -> None:
        """A question: its answer begins."""
        self._size, self._until = 0, time.monotonic() + self._seconds
        self.line.sendall(data)

    def recv(self, size: int) -> bytes:
        """More of the answer; SourceError where it has too much, or does not come to its end."""
        data: bytes = self.line.recv(size)
        self._size += len(data)
        if self._size > MOST_OF_AN_ANSWER:
            raise SourceError(f"one answer of it has more than {MOST_OF_AN_ANSWER:,} bytes; lower `page_size`")
        if time.monotonic() > self._until:
            raise SourceError(f"an answer of it has no end after {self._seconds:g} seconds; raise `timeout`")
        return data

    def __getattr__(self, name: str) -> Any:
        return getattr(self.line, name)


class LdapSession:
    """A signed-in connection; close it. `words` names the domain and server in messages."""

    def __init__(self, connection: Any, options: DirectoryDomain, address: str) -> None:
        self._connection = connection
        self._page_size = options.page_size
        self.options = options
        self.words = f"domain `{options.fqdn}` ({address})"

    def close(self) -> None:
        """Say goodbye; a failing goodbye changes nothing about what was read."""
        _end(self._connection)

    def __enter__(self) -> LdapSession:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def root(self, *attributes: str) -> LdapEntry:
        """The root DSE: what the server says of itself."""
        return self.get("", *attributes)

    def get(self, dn: str, *attributes: str, deleted: bool = False) -> LdapEntry:
        """One object by its distinguished name (or `<GUID=...>`). SourceError where there is none or it is hidden."""
        entry = self.find(dn, *attributes, deleted=deleted)
        if entry is None:
            raise unreadable(
                f"{self.words} has no object `{dn}`, or hides it; check the name and what the account may read"
            )
        return entry

    def find(self, dn: str, *attributes: str, deleted: bool = False) -> LdapEntry | None:
        """The same, None where there is none or it is hidden."""
        controls = [show_deleted_control(True), *self._controls()] if deleted else self._controls()
        with self._troubles(dn, 0):
            self._connection.search(
                dn, "(objectClass=*)", ldap3.BASE, attributes=list(attributes) or ["1.1"], controls=controls
            )
        if self._connection.result["result"] == _NO_OBJECT:
            return None
        entries = self._taken(dn, 0)
        return entries[0] if entries else None

    def search(
        self, base: str, wanted: str, attributes: Sequence[str], *, deleted: bool = False
    ) -> Iterator[LdapEntry]:
        """Every object below `base` that fits the filter, page by page; SourceError unless all of them came."""
        controls = [show_deleted_control(True), *self._controls()] if deleted else self._controls()
        cookie: bytes | None = None
        number = pages = 0
        while True:
            with self._troubles(base, number):
                self._connection.search(
                    base,
                    wanted,
                    ldap3.SUBTREE,
                    attributes=list(attributes),
                    controls=controls,
                    paged_size=self._page_size,
                    paged_criticality=True,
                    paged_cookie=cookie,
                )
            page = self._taken(base, number)
            number += len(page)
            pages += 1
            if number > MOST_OBJECTS or pages > LEAST_OF_A_PAGE + number:
                raise partial(f"{self.words} does not come to an end: {number:,} objects in {pages:,} answers so far")
            # Before anything is handed out: whoever takes it may ask over this line too.
            answer = (self._connection.result.get("controls") or {}).get(_PAGED)
            if answer is None:
                raise partial(f"{self.words} does not say whether more follows {number} objects; ask another server")
            cookie = answer["value"]["cookie"]
            yield from page
            if not cookie:
                return

    @staticmethod
    def _controls() -> list[Any]:
        # Names with their GUIDs and SIDs; and no hints at other partitions, so that a hint is a part that is missing.
        return [extended_dn_control(True), _DOMAIN_SCOPE]

    @contextlib.contextmanager
    def _troubles(self, base: str, number: int) -> Iterator[None]:
        try:
            yield
        except Exception as error:  # what ldap3 makes of an answer it cannot read is any kind of error
            if number:
                raise partial(
                    f"{self.words} broke off after {number} objects ({_plain(error)}); nothing of it is used"
                ) from None
            raise unreadable(
                f"{self.words} does not answer a search of `{base}` ({_plain(error)}); try again"
            ) from None

    def _taken(self, base: str, number: int) -> list[LdapEntry]:
        """The objects of an answer; SourceError unless it is whole."""
        result = self._connection.result
        code, failed = result["result"], partial if number else unreadable
        if code in _LIMITS:
            raise partial(
                f"{self.words} gave up at its {_LIMITS[code]} limit after {number} objects; "
                "lower `page_size`, or raise the limit"
            )
        if code == _NO_OBJECT:
            raise failed(f"{self.words} has nothing called `{base}`; check the base")
        responses = self._connection.response or []
        elsewhere = [r for r in responses if r["type"] == "searchResRef"]
        if code == _REFERRAL or elsewhere:
            to = (result.get("referrals") or (elsewhere[0]["uri"] if elsewhere else None) or ["another server"])[0]
            raise failed(f"{self.words} sends us to `{to}` for a part of `{base}`; name a server of that domain itself")
        if code != _SUCCESS:
            raise failed(f"{self.words} refuses a search of `{base}`: {_told(result)}")
        return [_entry(response) for response in responses if response["type"] == "searchResEntry"]


def _entry(response: Any) -> LdapEntry:
    # Windows tells an empty `member` beside `member;range=0-1499`; ldap3 makes None of it.
    attributes = {name.lower(): list(values) for name, values in response["raw_attributes"].items() if values}
    return LdapEntry(reference(response["dn"].encode()).dn, attributes)


# -- opening ---------------------------------------------------------------------------------------------------


def opened(options: DirectoryDomain) -> LdapSession:
    """A line to the first server of a domain that can be reached. SourceError where none can, or it refuses."""
    away: list[Unreachable] = []
    for address in options.servers:
        try:
            return LdapSession(
                signed_in(options, address, options.user, options.password.get_secret_value()), options, address
            )
        except Unreachable as error:
            away.append(error)
    if len(away) == 1:
        raise unreadable(str(away[0]))
    raise unreadable("; ".join(str(error) for error in away))


def signed_in(options: DirectoryDomain, address: str, user: str, password: str) -> Any:
    """An ldap3 connection that is bound. Unreachable where nobody answers, SourceError for all else."""
    if not password:
        raise unreadable(f"no password for `{user}`: a directory takes that for nobody, and lets nobody in")
    parts = urlsplit(address)
    words = f"domain `{options.fqdn}` ({address})"
    secure = parts.scheme == "ldaps"
    try:
        tls = _Verified(options.ca_file)
    except (OSError, ssl.SSLError) as error:
        raise unreadable(
            f"`ca_file` `{options.ca_file}` holds no certificate that can be read ({why(error)})"
        ) from None
    seconds = max(1, math.ceil(options.timeout))
    server = ldap3.Server(
        parts.hostname or "",
        parts.port or (636 if secure else 389),
        use_ssl=secure,
        tls=tls,
        get_info=ldap3.NONE,
        connect_timeout=seconds,
    )
    connection = ldap3.Connection(
        server,
        user,
        password,
        read_only=True,
        auto_range=False,
        return_empty_attributes=False,
        check_names=False,
        auto_referrals=False,
        receive_timeout=seconds,
    )
    try:
        connection.open(read_server_info=False)
        connection.socket = _Bounded(connection.socket, TIMES_FOR_ALL * options.timeout)
        if not secure and options.security != "none":
            connection.start_tls(read_server_info=False)
            connection.socket = _Bounded(connection.socket, TIMES_FOR_ALL * options.timeout)
        connection.bind(read_server_info=False)
    except Exception as error:  # what ldap3 makes of an answer that is none of a directory is any kind of error
        _end(connection)
        if tls.trouble is not None:
            raise unreadable(f"{words}: {_distrust(tls.trouble, parts.hostname or '')}") from None
        raise Unreachable(f"{words} cannot be reached ({_plain(error)}); check address and network") from None
    if connection.result["result"] != _SUCCESS:
        reason, kind = _refusal(connection.result, user)
        _end(connection)
        raise kind(f"{words} {reason}")
    return connection


def lets_in(options: DirectoryDomain, user: str, password: str) -> bool:
    """Whether the domain takes this password of an account. SourceError where it cannot be asked."""
    away: list[Unreachable] = []
    for address in options.servers if password else ():
        try:
            _end(signed_in(options, address, user, password))
        except Unreachable as error:
            away.append(error)
        except Refused:
            return False
        else:
            return True
    if away:
        raise away[0]
    return False


def _end(connection: Any) -> None:
    with contextlib.suppress(Exception):
        connection.unbind()
    # What did not come to be open is not closed by ldap3.
    with contextlib.suppress(Exception):
        connection.socket.close()


def _refusal(result: Any, user: str) -> tuple[str, type[SourceError]]:
    if result["result"] == _CREDENTIALS:
        code = _SUB_CODE.search(result.get("message") or "")
        why = _REFUSED.get(code[1].lower() if code else "", "check `user` and `password`")
        return f"does not let `{user}` in: {why}", Refused
    if result["result"] == _STRONGER:
        return "takes no password in clear text; use `ldaps://`, or remove `security: none`", SourceError
    return f"does not let `{user}` in: {_told(result)}", SourceError


def _distrust(trouble: Exception, host: str) -> str:
    """What is wrong with a certificate, and what to do."""
    code = getattr(trouble, "verify_code", 0)
    if code == 10:
        return "its certificate has expired; renew it on the domain controller"
    if code in (62, 64):
        return f"its certificate is for another name than `{host}`; name the server as its certificate does"
    if code in (18, 19, 20, 21):
        return (
            "its certificate is signed by an authority nobody here knows; put that authority's PEM file into `ca_file`"
        )
    return f"no protected line can be made ({of_tls(trouble)}); check its certificate and the address"


def _told(result: Any) -> str:
    message = " ".join(str(result.get("message") or "").replace("\x00", "").split())
    return f"{result['description']}{f' ({message[:160]})' if message else ''}"


def _plain(error: Exception) -> str:
    """Why a line was not made, or broke."""
    match error:
        case SourceError():
            return str(error)
        case ssl.SSLError():
            return of_tls(error)
        case OSError() if error.errno is not None:
            return of_connecting(error)
    try:
        words = str(error)
    except ValueError:  # ldap3's own words fail on a number without end
        words = ""
    return of_entering(words, "its answer is none that a directory gives")
