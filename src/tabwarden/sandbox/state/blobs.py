"""The bytes of published files by their hash, in memory or beside the state file; files that arrive in parts.

A file is written whole before the state file speaks of it and removed only after the state file no longer does, so
that a sandbox killed at any moment finds every file it acknowledged.
"""

from __future__ import annotations

import hashlib
import os
import secrets
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

from tabwarden.model.errors import WorldError
from tabwarden.sandbox.http.errors import Refusal
from tabwarden.troubles import why

MOST_SESSIONS = 50
MOST_BLOCKS = 1000
MOST_UPLOADED = 256 * 1024 * 1024


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
    """The open upload sessions, bounded in number and size; like tokens they end with the process."""

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
            raise Refusal("unknown_upload", f"upload session `{upload_id}` could not be found")
        return upload

    def append(self, upload: Upload, block: bytes) -> None:
        """Add one block; 413000 beyond what all sessions may hold together."""
        size = sum(other.size for other in self._open.values())
        if len(upload.blocks) >= MOST_BLOCKS or size + len(block) > MOST_UPLOADED:
            most = f"{MOST_BLOCKS} blocks and all together {MOST_UPLOADED // 2**20} MB"
            raise Refusal("413000", f"an upload session holds at most {most}")
        upload.blocks.append(block)

    def finish(self, upload: Upload) -> bytes:
        """The whole file; the session ends."""
        del self._open[upload.id]
        return b"".join(upload.blocks)


MOST_BYTES = 512 * 1024 * 1024


class Blobs:
    """Bytes by SHA-256; `folder` None keeps them in memory. Equal bytes are kept once and counted."""

    def __init__(self, folder: Path | None = None) -> None:
        self._folder = folder
        self._memory: dict[str, bytes] = {}
        self._sizes: dict[str, int] = {}
        self._used: Counter[str] = Counter()
        self._loose: set[str] = set()

    def start(self, used: Iterable[str]) -> None:
        """Take up the files that the state speaks of, by key; WorldError when one is not there. Others are removed."""
        self._used.update(used)
        if self._folder is None:
            return
        present = {path.name for path in self._folder.iterdir()} if self._folder.is_dir() else set()
        lost = sorted(self._used.keys() - present)
        if lost:
            raise WorldError(f"folder `{self._folder}` lacks {len(lost)} published files; keep it with the state file")
        for name in present - self._used.keys():
            (self._folder / name).unlink()
        self._sizes = {key: (self._folder / key).stat().st_size for key in self._used}

    def keep(self, content: bytes) -> str:
        """Store the bytes and give their key; unused until `use` says so. 413000 when there is no room."""
        key = hashlib.sha256(content).hexdigest()
        if key in self._sizes:
            return key
        if sum(self._sizes.values()) + len(content) > MOST_BYTES:
            raise Refusal("413000", f"the sandbox keeps {MOST_BYTES // 2**20} MB of published files; delete some first")
        if self._folder is None:
            self._memory[key] = content
        else:
            self._write(self._folder, key, content)
        self._sizes[key] = len(content)
        self._loose.add(key)
        return key

    def read(self, key: str) -> bytes:
        return self._memory[key] if self._folder is None else (self._folder / key).read_bytes()

    def use(self, key: str) -> None:
        """Count one more that needs the bytes."""
        self._used[key] += 1

    def leave(self, key: str) -> None:
        """Count one less; `sweep` removes what nobody needs."""
        self._used[key] -= 1
        self._loose.add(key)

    def sweep(self) -> None:
        """Remove the bytes that nobody needs any more."""
        for key in self._loose:
            if self._used[key] > 0:
                continue
            del self._sizes[key], self._used[key]
            if self._folder is None:
                del self._memory[key]
            else:
                (self._folder / key).unlink(missing_ok=True)
        self._loose.clear()

    def _write(self, folder: Path, key: str, content: bytes) -> None:
        try:
            folder.mkdir(mode=0o700, exist_ok=True)
            fresh = folder / (key + ".new")
            fresh.write_bytes(content)
            os.replace(fresh, folder / key)
        except OSError as problem:
            raise Refusal("413000", f"the published file cannot be kept: {why(problem)}") from None
