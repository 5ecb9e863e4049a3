"""The sandbox's own pages under /sandbox/: counts, log, faults, clock, directory. Nothing here is part of Tableau."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import IO, NamedTuple, Protocol

from pydantic import ValidationError

from tabwarden.model.errors import TabwardenError, WorldError
from tabwarden.model.roles import is_server_admin
from tabwarden.sandbox.directories.directory import DirectoryText
from tabwarden.sandbox.faults.script import FaultsGiven, script_from
from tabwarden.sandbox.http.call import Request
from tabwarden.sandbox.http.errors import Refusal
from tabwarden.sandbox.state.server_state import TurnedClock
from tabwarden.sandbox.state.sessions import Sessions
from tabwarden.sandbox.state.sites import State

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


class Holder(Protocol):
    """What the pages ask of a sandbox."""

    log: RequestLog
    clock: TurnedClock
    state: State
    sessions: Sessions

    def strike(self, faults: FaultsGiven) -> None:
        """Play another script of faults."""
        ...


class Page(NamedTuple):
    """An answer: a status and text."""

    status: int
    text: str
    content_type: str = "text/plain"


def answer(box: Holder, request: Request) -> Page | None:
    """The page at a path, None where the path is none of ours."""
    if request.path == "/sandbox/counts":
        return _json(box.log.counts())
    page = _PAGES.get(request.path)
    if page is None:
        return None
    if not _is_admins(box, request.headers.get("x-tableau-auth")):
        return Page(403, "this page is for a server administrator's token")
    return page(box, request)


def _is_admins(box: Holder, token: str | None) -> bool:
    try:
        session = box.sessions.of(token)
    except Refusal:
        return False
    return is_server_admin(box.state.site(session.site).users[session.user].site_role)


def _json(value: object) -> Page:
    return Page(200, json.dumps(value), "application/json")


def _log(box: Holder, _asked: Request) -> Page:
    return _json([entry._asdict() for entry in box.log.entries])


def _faults(box: Holder, request: Request) -> Page:
    """GET counts the faults given so far; PUT plays another script, YAML or JSON; an empty body ends it."""
    if request.method == "PUT":
        try:
            box.strike(script_from((request.body or b"").decode("utf-8", "replace"), "of the request"))
        except TabwardenError as problem:
            return Page(400, str(problem))
    elif request.method != "GET":
        return Page(405, "the faults are read with GET and replaced with PUT")
    return _json(box.log.faults())


def _clock(box: Holder, request: Request) -> Page:
    """GET tells the time; POST with `forward=SECONDS` turns it forward."""
    if request.method == "POST":
        words = request.query.get("forward", ("",))[-1]
        if not (words.isascii() and words.isdecimal() and len(words) < 12):
            return Page(400, "give `forward`, a number of seconds")
        box.clock.forward(float(words))
    elif request.method != "GET":
        return Page(405, "the clock is read with GET and turned with POST")
    return _json({"now": box.clock()})


def _directory(box: Holder, request: Request) -> Page:
    """GET gives the directory as JSON, PUT replaces it; 400 with every mistake of what was sent."""
    if request.method == "PUT":
        try:
            text = DirectoryText.model_validate_json(request.body or b"")
            box.state.put_directory(text.model_dump(mode="json", exclude_defaults=True))
        except ValidationError as problem:
            lines = (f"{'.'.join(map(str, e['loc']))}: {e['msg'].lower()}" for e in problem.errors())
            return Page(400, "\n".join(lines))
        except TabwardenError as problem:
            return Page(400, str(problem))
        box.state.commit()
    elif request.method != "GET":
        return Page(405, "the page is read with GET and replaced with PUT")
    return _json(box.state.pretended)


_PAGES: Mapping[str, Callable[[Holder, Request], Page]] = {
    "/sandbox/log": _log,
    "/sandbox/faults": _faults,
    "/sandbox/clock": _clock,
    "/sandbox/directory": _directory,
}
