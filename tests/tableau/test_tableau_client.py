"""The connection over a transport that misbehaves: busy, broken, shortened, foreign, with and without TLS."""

from __future__ import annotations

import contextlib
import socket
import ssl
import time
from datetime import UTC, datetime
from threading import Event, Thread

import certifi
import pytest
import trustme
from small_server import RESET, SITE, Answer, error, serving, users, xml

from tabwarden.model.errors import IncompleteRead, TableauError
from tabwarden.tableau.http import transport, wire
from tabwarden.tableau.http.address import address_of
from tabwarden.tableau.http.connection import connect
from tabwarden.tableau.http.lists import ROUNDS
from tabwarden.tableau.http.session import Jwt, Password, Pat, SignIn
from tabwarden.tableau.http.transport import asked_wait, backoff, is_repeatable, proxy_of
from tabwarden.tableau.http.wire import Part, Request, element

SECRET = "a-secret-nobody-may-see-0123456789"


def options(server, **more):
    return SignIn(server, more.pop("site", "small"), more.pop("auth", Pat("tok", SECRET)), first_wait=0.01, **more)


def script(*steps):
    """One answer for each request to `users`, the last one for ever."""
    left = list(steps)

    def answer(asked):
        if not asked.path.endswith("/users"):
            return None
        return left.pop(0) if len(left) > 1 else left[0]

    return answer


# -- patience -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("status", [408, 429, 500, 502, 503, 504])
def test_a_busy_server_is_asked_again(status):
    with serving(script(Answer(status), Answer(status), users(["a"], 1))) as small, connect(options(small.url)) as c:
        assert [one.get("id") for one in c.pages("users", "user")] == ["a"]
        assert small.count("GET", "/users") == 3
        assert c.calls["GET sites/{id}/users"] == 3


def test_retry_after_is_waited_for():
    with (
        serving(script(error("429000", Retry_After="1"), users(["a"], 1))) as small,
        connect(options(small.url)) as c,
    ):
        began = time.monotonic()
        c.pages("users", "user")
        assert time.monotonic() - began >= 1.0


def test_patience_ends_and_says_so():
    with serving(script(error("503000", "down"))) as small, connect(options(small.url, retries=2)) as c:
        with pytest.raises(TableauError, match="trouble of its own") as caught:
            c.call("GET", "users")
        assert (caught.value.status, caught.value.code) == (503, "503000")
        assert small.count("GET", "/users") == 3


def test_a_broken_connection_is_made_again_for_reads():
    with serving(script(RESET, users(["a"], 1))) as small, connect(options(small.url)) as c:
        assert len(c.pages("users", "user")) == 1


@pytest.mark.parametrize("answer", [RESET, Answer(503), Answer(500)])
def test_a_post_that_may_have_been_done_is_not_sent_again(answer):
    with serving(script(answer)) as small, connect(options(small.url)) as c:
        with pytest.raises(TableauError) as caught:
            c.call("POST", "users", body=element("user", name="new"))
        assert caught.value.status in (0, 503, 500)
        assert small.count("POST", "/users") == 1


def test_a_post_refused_as_too_many_is_sent_again():
    with serving(script(error("429000", Retry_After="0"), xml('<user id="n"/>'))) as small:
        with connect(options(small.url)) as c:
            answer = c.call("POST", "users", body=element("user", name="new"))
        assert answer is not None
        assert small.count("POST", "/users") == 2
        assert b'<user name="new"' in small.asked[-2].body


def test_waits():
    now = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)
    assert asked_wait("7", now) == 7
    assert asked_wait("100000", now) == 100000
    assert asked_wait("Sat, 21 Nov 2026 12:00:30 GMT", now) == 30
    assert asked_wait("Sat, 21 Nov 2026 11:00:30 GMT", now) == 0
    assert asked_wait("soon", now) is None
    assert asked_wait(None, now) is None
    assert max(backoff(20, 0.5) for _ in range(200)) <= 30
    assert {round(backoff(3, 0.5), 3) for _ in range(20)} != {0}


def test_what_is_counted_and_what_may_be_sent_twice():
    assert Request("GET", "/sites/4af2/users/7-b?x=1").endpoint == "GET sites/{id}/users/{id}"
    assert Request("GET", "/serverinfo").endpoint == "GET serverinfo"
    assert is_repeatable(Request("PUT", "/sites/1/users/2"))
    assert is_repeatable(Request("POST", "/auth/signin"))
    assert not is_repeatable(Request("POST", "/sites/1/users"))


# -- whole lists ----------------------------------------------------------------------------------------------


def test_more_than_a_page():
    def pages(asked):
        if not asked.path.endswith("/users"):
            return None
        assert asked.query["pageSize"] == "1000"
        page = int(asked.query["pageNumber"])
        return users(range((page - 1) * 1000, min(page * 1000, 2500)), 2500, page)

    with serving(pages) as small, connect(options(small.url)) as c:
        assert len({one.get("id") for one in c.pages("users", "user")}) == 2500
        assert small.count("GET", "/users") == 3


@pytest.mark.parametrize(
    ("bad", "told"),
    [
        (users(["a", "b"], 3), "2 of 3 came"),
        (users(["a", "a"], 2), "1 came twice"),
        (users([], 5), "0 of 5 came"),
    ],
)
def test_a_list_that_is_not_whole_is_read_again_and_then_refused(bad, told):
    with serving(script(bad, users(["a", "b"], 2))) as small, connect(options(small.url)) as c:
        assert len(c.pages("users", "user")) == 2
    with serving(script(bad)) as small, connect(options(small.url)) as c:
        with pytest.raises(IncompleteRead, match=told):
            c.pages("users", "user")
        assert small.count("GET", "/users") == ROUNDS


def test_a_page_that_vanished_means_not_whole():
    def gone(asked):
        if not asked.path.endswith("/users"):
            return None
        return users(range(1000), 1001) if asked.query["pageNumber"] == "1" else error("400006")

    with serving(gone) as small, connect(options(small.url)) as c, pytest.raises(IncompleteRead, match="page 2"):
        c.pages("users", "user")


def test_a_length_that_changes_means_not_whole():
    moved = script(users(range(1000), 1001), users([1000], 1002, 2), users(range(3), 3))
    with serving(moved) as small, connect(options(small.url)) as c:
        assert len(c.pages("users", "user")) == 3


# -- sessions -------------------------------------------------------------------------------------------------


def only(token):
    """Users for whoever shows that token, 401002 for others."""

    def answer(asked):
        if not asked.path.endswith("/users"):
            return None
        return users(["a"], 1) if asked.headers["X-Tableau-Auth"] == token else error("401002")

    return answer


def test_a_token_that_ran_out_is_renewed_silently_and_once_for_all_threads():
    with serving(only("token-2")) as small, connect(options(small.url)) as c:
        threads = [Thread(target=c.pages, args=("users", "user")) for _ in range(6)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert small.tokens == 2
        assert len(c.pages("users", "user")) == 1


def test_a_token_that_is_taken_away_again_and_again_is_told():
    with serving(only("another")) as small, connect(options(small.url)) as c:
        told = []
        for _ in range(9):
            with pytest.raises(TableauError) as caught:
                c.call("GET", "users")
            told.append((caught.value.code, "something else signs in" in str(caught.value)))
        assert told[0] == ("401002", False)
        assert told[-1] == ("401002", True)
        assert small.tokens <= 5


def test_signing_out_at_the_end_even_after_a_failure():
    with serving() as small:
        with pytest.raises(ZeroDivisionError), connect(options(small.url)):
            raise ZeroDivisionError
        assert small.count("POST", "/auth/signout") == 1


# -- addresses ------------------------------------------------------------------------------------------------


def test_the_base_path_is_kept():
    with serving(script(users(["a"], 1)), base="/tableau") as small, connect(options(small.url + "/")) as c:
        c.pages("users", "user")
        assert {a.path.split("/api/")[0] for a in small.asked} == {"/tableau"}
        assert small.asked[-1].path == f"/tableau/api/3.27/sites/{SITE}/users"


@pytest.mark.parametrize(
    ("words", "address"),
    [
        ("tableau.example.com", "https://tableau.example.com"),
        ("https://tableau.example.com/#/site/x/home", "https://tableau.example.com"),
        (" http://localhost:80/base/ ", "http://localhost:80/base"),
    ],
)
def test_addresses(words, address):
    assert address_of(words) == address


@pytest.mark.parametrize("words", ["", "ftp://x", "https://", "https://me:pw@tableau.example.com"])
def test_addresses_that_are_none(words):
    with pytest.raises(TableauError, match="`server`") as caught:
        address_of(words)
    assert "pw" not in str(caught.value)


def test_plain_http_elsewhere_is_warned_of(caplog):
    address_of("http://tableau.example.com")
    assert "without TLS" in caplog.text


PROXIES = {
    "HTTPS_PROXY": "http://proxy.example.com:3128",
    "HTTP_PROXY": "plain.example.com:3128",
    "NO_PROXY": "inside.example.com, 10.0.0.0/8, localhost",
}


@pytest.mark.parametrize(
    ("server", "proxy"),
    [
        ("https://tableau.example.com", "http://proxy.example.com:3128"),
        ("http://tableau.example.com:8000", "http://plain.example.com:3128"),
        ("https://tableau.inside.example.com", None),
        ("https://10.1.2.3:8443", None),
        ("https://11.1.2.3", "http://proxy.example.com:3128"),
        ("http://localhost:80/base", None),
    ],
)
def test_the_environments_proxies(server, proxy, monkeypatch):
    for name in ("ALL_PROXY", *PROXIES):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.lower(), raising=False)
    assert proxy_of(server) is None
    for name, value in PROXIES.items():
        monkeypatch.setenv(name, value)
    assert proxy_of(server) == proxy


def test_a_proxy_is_asked_for_every_request(monkeypatch):
    with serving(script(users(["a"], 1))) as small:
        monkeypatch.setenv("http_proxy", small.url)
        monkeypatch.delenv("no_proxy", raising=False)
        monkeypatch.delenv("NO_PROXY", raising=False)
        with connect(options("http://tableau.example.com")) as c:
            assert len(c.pages("users", "user")) == 1
        assert {asked.headers["Host"] for asked in small.asked} == {"tableau.example.com"}
        assert small.count("POST", "/auth/signin") == 1


def test_nobody_there():
    with serving() as small:
        pass
    with pytest.raises(TableauError, match="no answer from") as caught, connect(options(small.url, retries=1)):
        pass
    assert caught.value.status == 0


@pytest.mark.parametrize("page", ["<html><body>Sign in</body></html>", "{}", "", "<tsResponse/>"])
def test_something_that_is_not_tableau(page):
    with (
        serving(lambda asked: Answer(200, page)) as small,
        pytest.raises(TableauError, match="does not answer as a Tableau server"),
        connect(options(small.url)),
    ):
        pass
    with (
        serving(lambda asked: Answer(200, page)) as small,
        pytest.raises(TableauError, match="did not answer the sign-in as Tableau does"),
        connect(options(small.url, api_version="3.27")),
    ):
        pass


def test_an_html_page_in_the_middle():
    page = script(Answer(200, "<html><p>maintenance<br></html>"))
    told = pytest.raises(TableauError, match="not Tableau's XML")
    with serving(page) as small, connect(options(small.url)) as c, told:
        c.call("GET", "users")


@pytest.mark.parametrize(
    "declared", ["<!DOCTYPE x [<!ENTITY a 'aaaa'><!ENTITY b '&a;&a;&a;'>]>", "<!DOCTYPE x SYSTEM 'file:///etc/passwd'>"]
)
def test_an_answer_with_a_document_type_is_no_answer(declared):
    """Without one there are no entities to expand and nothing outside to fetch."""
    body = "<tsResponse><users><user id='&b;'/></users></tsResponse>" if "ENTITY" in declared else "<tsResponse/>"
    assert wire.parse(body.replace("&b;", "b").encode()) is not None
    assert wire.parse((declared + body).encode()) is None


def test_a_request_with_files_has_them_after_its_payload():
    body, content_type = wire.multipart_body(
        element("user", name="ada"), {"tableau_user_import": Part("u.csv", b"ada")}
    )
    boundary = content_type.removeprefix("multipart/mixed; boundary=").encode()
    parts = [part.split(b"\r\n\r\n") for part in body.split(b"--" + boundary)]
    assert [part[0] for part in parts] == [
        b"",
        b'\r\nContent-Disposition: form-data; name="request_payload"; filename=""\r\nContent-Type: text/xml',
        b'\r\nContent-Disposition: form-data; name="tableau_user_import"; filename="u.csv"\r\nContent-Type: text/csv',
        b"--\r\n",
    ]
    assert [part[1] for part in parts[1:3]] == [b'<tsRequest><user name="ada" /></tsRequest>\r\n', b"ada\r\n"]


def test_what_is_asked_for_arrives_as_it_was_meant():
    words = "a=b+c%d e ü,;/?#'\"[x]:1"
    with serving(script(users(["a"], 1))) as small, connect(options(small.url)) as c:
        c.pages("users", "user", {"filter": f"name:eq:{words}"})
        assert small.asked[-1].query["filter"] == f"name:eq:{words}"


def test_a_call_within_the_connections_own_loop_is_refused_and_does_not_hang():
    async def inside():
        c.call("GET", "users")

    refused = pytest.raises(RuntimeError, match="await in it")
    with serving(script(users(["a"], 1))) as small, connect(options(small.url)) as c, refused:
        c.run(inside())


def test_a_redirect_is_told_not_followed():
    moved = Answer(302, "", {"Location": "https://elsewhere.example.com/"})
    with (
        serving(lambda asked: moved) as small,
        pytest.raises(TableauError, match=r"elsewhere\.example\.com"),
        connect(options(small.url)),
    ):
        pass
    told = pytest.raises(TableauError, match=r"elsewhere\.example\.com")
    with serving(script(moved)) as small, connect(options(small.url)) as c, told:
        c.call("GET", "users")


def test_a_sign_in_is_not_sent_elsewhere():
    elsewhere = []

    def other(asked):
        elsewhere.append(asked)
        return

    with serving(other) as thief:
        moved = Answer(302, "", {"Location": thief.url + "/api/3.27/auth/signin"})
        with (
            serving(lambda asked: moved) as small,
            pytest.raises(TableauError, match="sent elsewhere"),
            connect(options(small.url, api_version="3.27")),
        ):
            pass
    assert elsewhere == []


def test_a_version_that_is_too_old_is_told_before_asking():
    with serving() as small, connect(options(small.url, api_version="3.4")) as c:
        asked = len(small.asked)
        assert c.supports("3.4")
        assert not c.supports("3.11")
        with pytest.raises(TableauError, match=r"needs 3\.11"):
            c.call("GET", "things", version_required="3.11")
        assert len(small.asked) == asked


# -- TLS ------------------------------------------------------------------------------------------------------


@pytest.fixture
def authority():
    return trustme.CA()


@pytest.fixture
def tls(authority):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("localhost").configure_cert(context)
    return context


def test_a_certificate_of_a_named_authority(authority, tls, tmp_path, monkeypatch):
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", certifi.where())
    ca_file = tmp_path / "ca.pem"
    authority.cert_pem.write_to_path(str(ca_file))
    with serving(script(users(["a"], 1)), tls=tls) as small:
        with connect(options(small.url, ca_file=ca_file)) as c:
            assert len(c.pages("users", "user")) == 1
        assert small.url.startswith("https://")


def test_certificates_of_the_environment(authority, tls, tmp_path, monkeypatch):
    ca_file = tmp_path / "ca.pem"
    authority.cert_pem.write_to_path(str(ca_file))
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(ca_file))
    with serving(script(users(["a"], 1)), tls=tls) as small, connect(options(small.url)) as c:
        assert len(c.pages("users", "user")) == 1


def test_a_ca_file_without_certificates(tmp_path):
    (tmp_path / "ca.pem").write_text("nothing")
    with pytest.raises(TableauError, match="holds no certificates"), connect(options("x", ca_file=tmp_path / "ca.pem")):
        pass


def test_a_certificate_nobody_vouches_for(tls, tmp_path):
    other = tmp_path / "other.pem"
    trustme.CA().cert_pem.write_to_path(str(other))
    for ca_file in (None, other):
        with (
            serving(tls=tls) as small,
            pytest.raises(TableauError, match="certificate"),
            connect(options(small.url, ca_file=ca_file)),
        ):
            pass
        assert not small.asked


def test_https_where_http_is_spoken_is_no_matter_of_certificates():
    with serving() as small:
        address = small.url.replace("http:", "https:")
        with pytest.raises(TableauError, match="speaks no TLS") as error, connect(options(address)):
            pass
        assert "certificate" not in str(error.value)


@pytest.mark.parametrize("ending", ["drips", "never ends"])
def test_an_answer_that_does_not_end_is_given_up(ending, monkeypatch):
    monkeypatch.setattr(transport, "TIMES_FOR_ALL", 2)
    monkeypatch.setattr(transport, "MOST_OF_AN_ANSWER", 1 << 20)
    stop, asked = Event(), []
    with socket.create_server(("127.0.0.1", 0)) as server:

        def answer():
            while not stop.is_set():
                try:
                    talk, _ = server.accept()
                except OSError:
                    return
                asked.append(talk)
                with talk, contextlib.suppress(OSError):
                    talk.recv(65536)
                    talk.sendall(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
                    while not stop.wait(0.05 if ending == "drips" else 0):
                        talk.sendall(b"1\r\n \r\n" if ending == "drips" else b"10000\r\n" + b" " * 65536 + b"\r\n")

        Thread(target=answer, daemon=True).start()
        url = f"http://127.0.0.1:{server.getsockname()[1]}"
        told = "it took longer than" if ending == "drips" else "bytes, which no Tableau sends"
        with pytest.raises(TableauError, match=told), connect(options(url, timeout=0.3, retries=3)):
            pass
        stop.set()
    assert len(asked) == 1, "what drips would drip again, for as long"


def test_a_certificate_for_another_name(authority, tls, tmp_path):
    ca_file = tmp_path / "ca.pem"
    authority.cert_pem.write_to_path(str(ca_file))
    with serving(tls=tls) as small:
        address = small.url.replace("localhost", "127.0.0.1")
        with pytest.raises(TableauError, match="certificate"), connect(options(address, ca_file=ca_file)):
            pass


def test_a_ca_file_that_is_not_there(tmp_path):
    with pytest.raises(TableauError, match="`ca_file`"), connect(options("localhost", ca_file=tmp_path / "no")):
        pass


@pytest.mark.parametrize(
    ("given", "status", "told"),
    [
        ({"api_version": "3.99"}, 404, "the settings name the API version `3.99`; left out, it is the server's own"),
        ({"site": "Default"}, 401, "if the site Default is meant, leave the site out"),
        ({"auth": Pat("tok", "hush-hush ")}, 401, "its secret has white space or quotes around it"),
        ({"auth": Pat("tok", '"hush-hush"')}, 401, "its secret has white space or quotes around it"),
        ({}, 401, "on site `small` with 401"),
    ],
)
def test_what_of_the_settings_may_be_the_reason_is_told(given, status, told):
    refuse = error(f"{status}001")
    with (
        serving(lambda asked: refuse if asked.path.endswith("signin") else None) as small,
        pytest.raises(TableauError) as caught,
        connect(options(small.url, **given)),
    ):
        pass
    assert told in str(caught.value)
    assert "hush" not in str(caught.value)


# -- secrets --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "auth", [Pat("tok", SECRET), Password("ada", SECRET), Jwt("ada", "client", "key", SECRET)], ids=type
)
def test_secrets_show_nowhere(auth, caplog):
    caplog.set_level("DEBUG")
    assert SECRET not in repr(options("x", auth=auth))
    refuse = error("401001", f"no such secret {SECRET}")
    with serving(lambda asked: refuse if asked.path.endswith("signin") else None) as small:
        with pytest.raises(TableauError, match="on site `small`") as caught, connect(options(small.url, auth=auth)):
            pass
        assert caught.value.code == "401001"
        assert SECRET not in str(caught.value)
    leak = script(error("400000", f"{SECRET} and token-1"))
    with serving(leak) as small, connect(options(small.url, auth=auth)) as c:
        with pytest.raises(TableauError) as caught:
            c.call("GET", "users")
        assert SECRET not in str(caught.value)
        assert "token-1" not in str(caught.value)
        assert SECRET not in repr(c)
    assert SECRET not in caplog.text
