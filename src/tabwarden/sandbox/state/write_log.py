"""The file that keeps a sandbox across restarts: one acknowledged write a line, compacted at start.

A write is handed to the operating system before it is answered, so an acknowledged write survives the death of the
process at any moment; a line torn by that death was never answered and is dropped. Compaction goes through a
temporary file, fsync and rename. A lock on a file beside it keeps two sandboxes from sharing one.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from contextlib import ExitStack
from pathlib import Path
from typing import IO, Any

from tabwarden.model.codec import decode, encode
from tabwarden.model.errors import IncompleteRead, WorldError
from tabwarden.sandbox.state.record import Draft, Record, read

FORMAT = "tabwarden sandbox state 2"


class StateFile:
    """An open, locked state file; `draft` is what it held (None when it was new or empty)."""

    def __init__(self, path: Path) -> None:
        from filelock import lock_descriptor

        self.path = path
        self.draft: Draft | None = None
        try:
            # The state itself is replaced when it is compacted, so the lock is on a file that stays.
            with ExitStack() as opened:
                self._lock = opened.enter_context(_opened(path.with_name(path.name + ".lock")))
                if not lock_descriptor(self._lock.fileno(), blocking=False):
                    raise WorldError(f"state file `{path}` is in use by another sandbox; stop it first")
                self._file = opened.enter_context(_opened(path))
                self.draft = self._read()
                opened.pop_all()
        except OSError as problem:
            raise WorldError(f"state file `{path}` cannot be opened: {problem.strerror}; give another") from None

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
        fresh.unlink(missing_ok=True)
        with open(fresh, "xb", opener=_for_the_owner) as out:
            out.write(encode(FORMAT) + b"\n")
            out.writelines(_line([record]) for record in records)
            out.flush()
            os.fsync(out.fileno())
        self._file.close()  # Windows replaces no file that is open
        os.replace(fresh, self.path)
        self._file = _opened(self.path)

    def append(self, records: list[Record]) -> None:
        """Keep one write, whole or not at all."""
        if records:
            rest = memoryview(_line(records))
            while rest:
                rest = rest[self._file.write(rest) :]

    def close(self) -> None:
        """Let others use the file."""
        os.fsync(self._file.fileno())
        self._file.close()
        self._lock.close()


def _opened(path: Path) -> IO[bytes]:
    return open(path, "ab", buffering=0, opener=_for_the_owner)


def _for_the_owner(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)


def _line(records: list[dict[str, Any]]) -> bytes:
    return encode(records) + b"\n"
