"""Files that arrive in parts: upload sessions, appended to until they are published.

Like tokens they end with the process; a client that lost one starts anew. Bounded in number and size, so that
nobody fills the memory with sessions he never publishes.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass, field

from tabwarden.sandbox.http.errors import Refusal

MOST_SESSIONS = 50
MOST_BLOCKS = 1000
MOST_BYTES = 256 * 1024 * 1024


@dataclass(slots=True)
class Upload:
    """One upload session: whose it is and what has arrived."""

    id: str
    site: str
    user: str
    began: float
    blocks: list[bytes] = field(default_factory=list, repr=False)

    @property
    def size(self) -> int:
        """Bytes that have arrived."""
        return sum(map(len, self.blocks))


class Uploads:
    """The open upload sessions; the oldest gives way when there are too many."""

    def __init__(self) -> None:
        self._open: dict[str, Upload] = {}
        self._count = 0

    def begin(self, site: str, user: str, now: float) -> Upload:
        """A new, empty session."""
        self._count += 1
        begun = Upload(f"{self._count}:{secrets.token_hex(16)}-1:0", site, user, now)
        self._open[begun.id] = begun
        if len(self._open) > MOST_SESSIONS:
            del self._open[min(self._open, key=lambda i: self._open[i].began)]
        return begun

    def find(self, upload_id: str, site: str, user: str) -> Upload:
        """The session of that id; only who began it knows it."""
        upload = self._open.get(upload_id)
        if upload is None or (upload.site, upload.user) != (site, user):
            raise Refusal("404003", f"upload session `{upload_id}` could not be found")
        return upload

    def append(self, upload: Upload, block: bytes) -> None:
        """Add one block; 413000 beyond what all sessions may hold together."""
        size = sum(other.size for other in self._open.values())
        if len(upload.blocks) >= MOST_BLOCKS or size + len(block) > MOST_BYTES:
            most = f"{MOST_BLOCKS} blocks and all together {MOST_BYTES // 2**20} MB"
            raise Refusal("413000", f"an upload session holds at most {most}")
        upload.blocks.append(block)

    def finish(self, upload: Upload) -> bytes:
        """The whole file; the session ends."""
        del self._open[upload.id]
        return b"".join(upload.blocks)
