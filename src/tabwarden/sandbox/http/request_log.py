"""Every request a sandbox answered: in memory for tests and benchmarks, as JSON lines where asked. No bodies."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import IO, NamedTuple

from tabwarden.model.errors import WorldError

WRITES = frozenset({"POST", "PUT", "DELETE"})


class LoggedRequest(NamedTuple):
    """One answered request. `endpoint` is the table's name or '' where nothing matched; `user` a name or ''.

    `at` is the sandbox's clock in seconds since 1970, `took` the real seconds of the answer, `faults` the names of
    the faults it met, parted by commas. `status` is 0 where a fault kept the request from being done or answered.
    """

    method: str
    path: str
    endpoint: str
    status: int
    site: str
    user: str
    at: float
    took: float
    faults: str = ""


class RequestLog:
    """The log of one sandbox, oldest first; only ever added to."""

    def __init__(self, path: Path | None = None) -> None:
        self.entries: list[LoggedRequest] = []
        self._out: IO[str] | None = None
        if path is not None:
            try:
                self._out = path.open("a", encoding="utf-8")
            except OSError as problem:
                raise WorldError(f"log file `{path}` cannot be written: {problem.strerror}") from None

    def add(self, entry: LoggedRequest) -> None:
        """Keep one entry."""
        self.entries.append(entry)
        if self._out is not None:
            self._out.write(json.dumps(entry._asdict()) + "\n")
            self._out.flush()

    def counts(self) -> dict[str, int]:
        """How often each endpoint was asked, by name."""
        return dict(Counter(entry.endpoint for entry in self.entries))

    def faults(self) -> dict[str, int]:
        """How often each fault was given, by name."""
        return dict(Counter(name for entry in self.entries if entry.faults for name in entry.faults.split(",")))

    def writes(self, *, succeeded: bool = True) -> list[LoggedRequest]:
        """What was written: POST, PUT and DELETE other than signing in and out, those that succeeded."""
        return [
            e
            for e in self.entries
            if e.method in WRITES and "/auth/" not in e.path.lower() and (not succeeded or 0 < e.status < 300)
        ]

    def clear(self) -> None:
        """Forget what is in memory."""
        self.entries.clear()

    def close(self) -> None:
        """Let go of the file."""
        if self._out is not None:
            self._out.close()
            self._out = None
