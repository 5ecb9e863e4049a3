"""What every request to the pages shares."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from tabwarden.store.web.attempts import Attempts
from tabwarden.store.web.sessions import Sessions
from tabwarden.store.web.tokens import Tokens
from tabwarden.web.served import Served

if TYPE_CHECKING:
    from tabwarden.settings import Settings
    from tabwarden.store.database import Database
    from tabwarden.web.openid import Provider


@dataclass
class House:
    """What every request shares: the settings and their file, the sites that are served, the database of sessions and
    the audit trail.
    """

    settings: Settings
    file: Path | None
    served: Served
    database: Database
    sessions: Sessions
    tokens: Tokens
    attempts: Attempts
    openid: Provider | None = None

    @property
    def is_secure(self) -> bool:
        """Whether people reach the pages over TLS, by the settings."""
        return (self.settings.web.url or "").startswith("https://")

    def cookie(self, name: str = "tabwarden") -> str:
        """The name of a cookie: over TLS one that no other host and no page without TLS can set (RFC 6265bis)."""
        return f"__Host-{name}" if self.is_secure else name
