"""HTTPS in front of a sandbox, for clients that insist on it or on an address of Tableau Cloud.

It answers as a proxy (`CONNECT 10ax.online.tableau.com:443`) and directly (https://localhost:PORT), with a certificate
of an authority of its own; inside, everything goes to the sandbox as it comes.
"""

from __future__ import annotations

import contextlib
import socket
import ssl
import threading
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import trustme

NAMES = ("localhost", "127.0.0.1", "10ax.online.tableau.com")


@contextlib.contextmanager
def before(url: str, folder: Path) -> Iterator[tuple[str, Path]]:
    """The address of the proxy (http://localhost:PORT) and the file of its authority."""
    authority = trustme.CA()
    authority.cert_pem.write_to_path(str(folder / "authority.pem"))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert(*NAMES).configure_cert(context)
    target = urlsplit(url)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        where = (target.hostname or "", target.port or 80)
        threading.Thread(target=_serve, args=(listener, context, where), daemon=True).start()
        try:
            yield f"http://localhost:{listener.getsockname()[1]}", folder / "authority.pem"
        finally:
            listener.shutdown(socket.SHUT_RDWR)


def _serve(listener: socket.socket, context: ssl.SSLContext, target: tuple[str, int]) -> None:
    with contextlib.suppress(OSError):
        while True:
            client, _address = listener.accept()
            threading.Thread(target=_through, args=(client, context, target), daemon=True).start()


def _through(client: socket.socket, context: ssl.SSLContext, target: tuple[str, int]) -> None:
    with contextlib.suppress(OSError), client:
        if client.recv(7, socket.MSG_PEEK) == b"CONNECT":
            head = b""
            while not head.endswith(b"\r\n\r\n"):
                head += client.recv(1)
            client.sendall(b"HTTP/1.1 200 Connection established\r\n\r\n")
        with context.wrap_socket(client, server_side=True) as inner, socket.create_connection(target) as sandbox:
            back = threading.Thread(target=_pump, args=(sandbox, inner), daemon=True)
            back.start()
            _pump(inner, sandbox)
            back.join()


def _pump(source: socket.socket, sink: socket.socket) -> None:
    with contextlib.suppress(OSError):
        while data := source.recv(65536):
            sink.sendall(data)
        sink.shutdown(socket.SHUT_WR)
