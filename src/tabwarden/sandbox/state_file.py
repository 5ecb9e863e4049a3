"""The file that keeps a sandbox across restarts: one acknowledged write a line, compacted at start. Not a world file.

A write is handed to the operating system before it is answered, so an acknowledged write survives the death of the
process at any moment; a line torn by that death was never answered and is dropped. Compaction goes through a
temporary file, fsync and rename. A lock keeps two sandboxes from sharing one file.
"""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from tabwarden.model.codec import decode, encode
from tabwarden.model.errors import IncompleteRead, WorldError
from tabwarden.sandbox.record import Draft, Record, read

FORMAT = "tabwarden sandbox state 2"


class StateFile:
    """An open, locked state file; `draft` is what it held (None when it was new or empty)."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.draft: Draft | None = None
        try:
            self._handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o600)
        except OSError as problem:
            raise WorldError(f"state file `{path}` cannot be opened: {problem.strerror}; give another") from None
        try:
            self._lock(self._handle)
            self.draft = self._read()
        except BaseException:
            os.close(self._handle)
            raise

    def _lock(self, handle: int) -> None:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise WorldError(f"state file `{self.path}` is in use by another sandbox; stop it first") from None

    def _read(self) -> Draft | None:
        lines = self.path.read_bytes().split(b"\n")
        lines.pop()  # what follows the last line end is empty or a write that was never answered
        if not lines:
            return None
        if lines[0] != encode(FORMAT):
            raise WorldError(f"`{self.path}` is not a state file of this release; give another or remove it")
        draft = Draft()
        for number, line in enumerate(lines[1:], start=2):
            try:
                for plain in decode(line, list[Record]):
                    draft.apply(read(plain))
            except (KeyError, TypeError, AttributeError, IncompleteRead) as problem:
                raise WorldError(f"state file `{self.path}` line {number} cannot be read: {problem!r}") from None
        return draft

    def rewrite(self, records: Iterable[Record]) -> None:
        """Replace the whole file by these records, one a line."""
        fresh = self.path.with_name(self.path.name + ".new")
        handle = os.open(fresh, os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND, 0o600)
        self._lock(handle)
        with os.fdopen(os.dup(handle), "wb") as out:
            out.write(encode(FORMAT) + b"\n")
            out.writelines(_line([record]) for record in records)
            out.flush()
            os.fsync(out.fileno())
        os.replace(fresh, self.path)
        os.close(self._handle)
        self._handle = handle

    def append(self, records: list[Record]) -> None:
        """Keep one write, whole or not at all."""
        if records:
            rest = memoryview(_line(records))
            while rest:
                rest = rest[os.write(self._handle, rest) :]

    def close(self) -> None:
        """Let others use the file."""
        os.fsync(self._handle)
        os.close(self._handle)


def _line(records: list[dict[str, Any]]) -> bytes:
    return encode(records) + b"\n"
