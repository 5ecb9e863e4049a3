"""What stands between a client and a domain in tests: a proxy that breaks off or falls silent. Not a test."""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Iterator

_BLOCK = 4096


class Proxy:
    """Passes bytes on, to and from `target`. After `cut_after` bytes from the server it hangs up, after `silent_after`
    it says no more. `passed` counts what came from the server.
    """

    def __init__(self, target: tuple[str, int], *, cut_after: int | None = None, silent_after: int | None = None):
        self.target, self.cut_after, self.silent_after = target, cut_after, silent_after
        self.passed = 0
        # The address of the target, for that is what its certificate is for.
        self._listening = socket.create_server((target[0], 0))
        self._open: list[socket.socket] = []
        self._ended = threading.Event()
        self._threads = [threading.Thread(target=self._accept, daemon=True)]
        self._threads[0].start()

    @property
    def url(self) -> str:
        """Where it is asked instead."""
        host, port = self._listening.getsockname()
        return f"ldaps://{host}:{port}"

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listening.accept()
                server = socket.create_connection(self.target)
            except OSError:
                return
            self._open += [client, server]
            for way in ((client, server), (server, client)):
                thread = threading.Thread(target=self._pass, args=way, daemon=True)
                self._threads.append(thread)
                thread.start()

    def _pass(self, source: socket.socket, to: socket.socket) -> None:
        from_server = source.getpeername() == self.target
        with contextlib.suppress(OSError):
            while block := source.recv(_BLOCK):
                if from_server:
                    self.passed += len(block)
                    if self.cut_after is not None and self.passed > self.cut_after:
                        break
                    if self.silent_after is not None and self.passed > self.silent_after:
                        self._ended.wait(30)
                        break
                to.sendall(block)
        for end in (source, to):
            with contextlib.suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        """Hang up on everybody."""
        self._ended.set()
        with contextlib.suppress(OSError):
            self._listening.shutdown(socket.SHUT_RDWR)
        self._listening.close()
        for end in self._open:
            with contextlib.suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)
        for thread in self._threads:
            thread.join(10)
        for end in self._open:
            end.close()


@contextlib.contextmanager
def proxied(address: str, **how: int) -> Iterator[Proxy]:
    """A proxy before the LDAPS port of an address."""
    proxy = Proxy((address, 636), **how)
    try:
        yield proxy
    finally:
        proxy.close()
