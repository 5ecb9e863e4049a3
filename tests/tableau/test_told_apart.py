"""Why a server is not reached is told apart, against real sockets, and no word of it is a library's."""

from __future__ import annotations

import re
import socket
import ssl
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from threading import Thread

import pytest
import trustme
from small_server import Answer, serving

from tabwarden.model.errors import TableauError
from tabwarden.tableau.http.connection import connect
from tabwarden.tableau.http.session import Pat, SignIn

THEIRS = re.compile(r"aiohttp|Error\b|Errno|Exception|ssl\.c|\[SSL|None\b|<class|Cannot connect")


@contextmanager
def talking(says: Callable[[socket.socket], None]) -> Iterator[int]:
    """A port where everybody who comes is talked to like that, and then left."""
    with socket.create_server(("127.0.0.1", 0)) as server:

        def accept() -> None:
            with suppress(OSError):
                while True:
                    talk, _ = server.accept()
                    with talk, suppress(OSError):
                        says(talk)

        Thread(target=accept, daemon=True).start()
        yield server.getsockname()[1]
        server.shutdown(socket.SHUT_RDWR)


def told(url: str, **more: object) -> str:
    options = {"timeout": 3.0, "retries": 0, **more}
    with pytest.raises(TableauError) as caught, connect(SignIn(url, "", Pat("t", "never-told"), **options)):  # type: ignore[arg-type]
        pass
    words = str(caught.value)
    assert not THEIRS.search(words), words
    assert "never-told" not in words
    return words


def _says(data: bytes) -> Callable[[socket.socket], None]:
    def says(talk: socket.socket) -> None:
        talk.recv(4096)
        talk.sendall(data)

    return says


def _silent(talk: socket.socket) -> None:
    talk.settimeout(5)
    while talk.recv(4096):
        pass


ON_A_PORT: dict[str, tuple[Callable[[socket.socket], None], str, str]] = {
    "HTTP where https is asked": (_says(b"HTTP/1.1 400 Bad Request\r\n\r\n"), "https", "speaks no TLS; is its address"),
    "another protocol": (_says(b"SSH-2.0-OpenSSH_9.6\r\n"), "http", "speaks no HTTP; is the port that of Tableau"),
    "nginx where http is asked": (
        _says(b"HTTP/1.1 400 Bad Request\r\nContent-Length: 45\r\n\r\nThe plain HTTP request was sent to HTTPS port"),
        "http",
        "speaks TLS; write its address as https",
    ),
    "ends at once": (_says(b""), "http", "it ended the connection before it answered"),
    "half an answer": (_says(b"HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n<ts"), "http", "its answer broke off"),
    "silence": (_silent, "http", "it took longer than"),
}


@pytest.mark.parametrize("case", ON_A_PORT)
def test_what_answers(case: str) -> None:
    says, scheme, words = ON_A_PORT[case]
    with talking(says) as port:
        assert words in told(f"{scheme}://127.0.0.1:{port}", timeout=0.5)


def test_nobody() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    assert "nobody listens there" in told(f"http://127.0.0.1:{port}")
    assert "its name is not known here" in told("https://tableau.no-such-name.invalid")


def tls_server(**more: object) -> tuple[trustme.CA, ssl.SSLContext]:
    authority = trustme.CA()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("localhost", **more).configure_cert(context)  # type: ignore[arg-type]
    return authority, context


def test_certificates_and_protocols(tmp_path: Path) -> None:
    ca_file = tmp_path / "ca.pem"
    authority, context = tls_server()
    authority.cert_pem.write_to_path(str(ca_file))
    with serving(tls=context) as small:
        assert "who issued it is not trusted here" in told(small.url) or "signed by itself" in told(small.url)
        assert "it is for another" in told(small.url.replace("localhost", "127.0.0.1"), ca_file=ca_file)
        assert "speaks TLS; write its address as https" in told(small.url.replace("https", "http"))
    authority, context = tls_server(not_after=datetime.now(UTC) - timedelta(days=1))
    authority.cert_pem.write_to_path(str(ca_file))
    with serving(tls=context) as small:
        assert "it has expired" in told(small.url, ca_file=ca_file)


@pytest.mark.parametrize("scheme", ["http", "https"])
def test_the_proxy(scheme: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("no_proxy", "NO_PROXY"):
        monkeypatch.delenv(name, raising=False)
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    monkeypatch.setenv(f"{scheme}_proxy", f"http://joe:hidden-word@127.0.0.1:{port}")
    url = f"{scheme}://tableau.example.com"
    words = told(url)
    assert f"the proxy `127.0.0.1:{port}` that the environment names cannot be reached: nobody listens" in words
    assert "hidden-word" not in words
    refusal = b"HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 0\r\n\r\n"
    with talking(_says(refusal)) as port:
        monkeypatch.setenv(f"{scheme}_proxy", f"http://127.0.0.1:{port}")
        assert "wants a name and a password (407)" in told(url)


def test_a_page_that_is_not_tableaus_is_told_without_its_words() -> None:
    with serving(lambda _asked: Answer(200, "<html>Traceback</html>")) as small:
        assert "does not answer as a Tableau server" in told(small.url)
