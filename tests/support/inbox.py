"""A mail server that keeps what arrives."""

from __future__ import annotations

import email
import email.policy
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from email.message import EmailMessage

from aiosmtpd.controller import Controller


class Inbox(list[EmailMessage]):
    """The mails that arrived, at `port` of this machine."""

    port = 0

    async def handle_DATA(self, server, session, envelope) -> str:  # noqa: N802
        message = email.message_from_bytes(envelope.content, policy=email.policy.default)
        assert isinstance(message, EmailMessage)
        self.append(message)
        return "250 OK"

    @property
    def settings(self) -> dict[str, object]:
        """The section `mail` that leads here."""
        people: dict[str, object] = {"from": "tw@a.example", "to": ["desk@a.example"]}
        return {"enabled": True, "security": "none", "host": "127.0.0.1", "port": self.port, **people}


@contextmanager
def open_inbox() -> Iterator[Inbox]:
    """An empty one on a free port."""
    inbox = Inbox()
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        inbox.port = int(probe.getsockname()[1])
    controller = Controller(inbox, hostname="127.0.0.1", port=inbox.port)
    controller.start()
    try:
        yield inbox
    finally:
        controller.stop()
