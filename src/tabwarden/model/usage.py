"""Use of a site: who did what with which content on which day, apart from the Site and never a reason for a rule.

Sources: Tableau's data dictionary (`views_stats`, `historical_events`), the schema of Admin Insights (`TS Events`,
`TS Users`) [D], the Activity Log Event Type Reference. Names of events that no page lists are [B].
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import NamedTuple

from tabwarden.model.site import Site

VIEW, EDIT, DOWNLOAD, EXPORT, PUBLISH, CONNECT = (
    "view",
    "edit in the browser",
    "download",
    "export",
    "publish",
    "connect",
)
RUN, COMMENT, SIGN_IN = "run", "comment", "sign in"
SUBSCRIPTION, ALERT, CUSTOM_VIEW = "subscription", "data alert", "custom view"
TOKEN, TASK = "token", "extract task"
STANDING = (SUBSCRIPTION, ALERT, CUSTOM_VIEW, TOKEN, TASK)
"""What somebody has; the others are what somebody did."""


class Usage(NamedTuple):
    """What one person did with one content on one day (ISO, UTC), or has on the day of the read (`STANDING`).

    `user` and `content` are ids on the site; '' where the source does not tell, or it concerns no content. `times` is
    how often, of a source that only sums up (`views_stats`) ever since; `last` is the last time, '' where not told.
    """

    day: str
    what: str
    user: str
    content: str
    times: int
    last: str
    source: str


class SiteUsage(NamedTuple):
    """The use of one site as a source tells it, and in words what it does not tell.

    `changes` are events that are no use, as the activity log would tell them: what somebody did to content.
    """

    site_id: str
    rows: tuple[Usage, ...]
    unread: tuple[str, ...] = ()
    changes: tuple[Mapping[str, str], ...] = ()


class Proof(NamedTuple):
    """Which capability an event proves, by kind of the content; the mark tells how well that is known."""

    capabilities: Mapping[str, str]
    mark: str


def _proves(mark: str, **capabilities: str) -> Proof:
    return Proof(MappingProxyType(capabilities), mark)


PROOFS: Mapping[str, Proof] = MappingProxyType(
    {
        VIEW: _proves("V", view="Read", workbook="Read", datasource="Read", flow="Read", project="Read"),
        EDIT: _proves("V", view="WebAuthoring", workbook="WebAuthoring", flow="WebAuthoringForFlows"),
        DOWNLOAD: _proves("V", workbook="ExportXml", datasource="ExportXml", flow="ExportXml"),
        # Which of image, data and underlying data it was, the events do not tell apart.
        EXPORT: _proves("B", view="ExportData", workbook="ExportData"),
        PUBLISH: _proves("B", workbook="Write", datasource="Write", flow="Write"),
        CONNECT: _proves("B", datasource="Connect", virtualconnection="Connect"),
        RUN: _proves("B", flow="Execute"),
        COMMENT: _proves("B", view="AddComment", workbook="AddComment"),
        # Who gets a view by mail, or watches a number in it, opened it.
        SUBSCRIPTION: _proves("B", view="Read", workbook="Read"),
        ALERT: _proves("B", view="Read"),
        CUSTOM_VIEW: _proves("B", view="Read"),
        TASK: _proves("B", workbook="ExtractRefresh", datasource="ExtractRefresh"),
    }
)
"""What an event proves that the person could, on that day and in some way. It proves no rule."""


def proven(usage: Usage, kind: str) -> str | None:
    """The capability that was exercised on a content of that kind; None where the event proves none."""
    proof = PROOFS.get(usage.what)
    return None if proof is None else proof.capabilities.get(kind)


# How the names of events begin, in lower-case letters alone.
_WORDS: tuple[tuple[str, str], ...] = (
    ("accessauthoring", EDIT),
    ("webedit", EDIT),
    ("webauthoring", EDIT),
    ("accessview", VIEW),
    ("viewview", VIEW),
    ("accessworkbook", VIEW),
    ("accessdatasource", CONNECT),
    ("connect", CONNECT),
    ("download", DOWNLOAD),
    ("export", EXPORT),
    ("publish", PUBLISH),
    ("runflow", RUN),
    ("flowrun", RUN),
    ("addcomment", COMMENT),
    ("createcomment", COMMENT),
    ("login", SIGN_IN),
    ("signin", SIGN_IN),
)


def what_of(event: str) -> str | None:
    """What an event of that name was (`Access View`, `Publish Workbook`); None for one that is no use."""
    plain = "".join(letter for letter in event.casefold() if letter.isalpha()).removeprefix("hist")
    if "failed" in plain:
        return None
    return next((what for words, what in _WORDS if plain.startswith(words)), None)


def summed(events: Iterable[tuple[str, str, str, str, int]], source: str) -> list[Usage]:
    """Rows of a day each, of events as (moment, what, user, content, count), sorted."""
    counts: dict[tuple[str, str, str, str], tuple[int, str]] = {}
    for moment, what, user, content, count in events:
        key = (moment[:10], what, user, content)
        number, last = counts.get(key, (0, ""))
        counts[key] = number + count, max(last, moment)
    return [Usage(*key, number, last, source) for key, (number, last) in sorted(counts.items())]


def event_name(what: str, kind: str) -> str:
    """What Tableau calls an event on a content of that kind: `Publish Workbook` [B]; `what_of` reads it back."""
    thing = {"datasource": "Data Source", "virtualconnection": "Virtual Connection"}.get(kind, kind.title())
    names = {
        VIEW: "Access View",
        EDIT: "Access Authoring View",
        CONNECT: "Access Data Source",
        RUN: "Run Flow",
        COMMENT: "Add Comment",
        SIGN_IN: "Login",
    }
    return names.get(what) or f"{what.title()} {thing}"


class LastUse:
    """When who last used what on one site, by the rows that are kept; without a row nothing is known, and never zero.

    `days` are the first and the last day of the record. What proves a capability is in `PROOFS`; a workbook is used
    where one of its views is.
    """

    def __init__(self, site: Site, rows: Iterable[Usage]) -> None:
        self._last: dict[tuple[str, str, str], str] = {}
        self._of_user: dict[str, str] = {}
        self._abilities: dict[str, set[tuple[str, str]]] = {}
        days: set[str] = set()
        for row in rows:
            days.add(row.day)
            when = row.last or row.day
            self._of_user[row.user] = max(self._of_user.get(row.user, ""), when)
            content = site.contents.get(row.content)
            capability = proven(row, content.kind) if content is not None else None
            if content is None or capability is None:
                continue
            self._abilities.setdefault(row.user, set()).add((content.kind, capability))
            above = (content.parent or "",) if content.kind == "view" else ()
            for place in (content.id, *above):
                key = row.user, place, capability
                self._last[key] = max(self._last.get(key, ""), when)
        self.days = (min(days), max(days)) if days else None

    def of(self, user: str, content: str, capability: str) -> str:
        """The last time (ISO, or a day), '' where no row tells of one."""
        return self._last.get((user, content, capability), "")

    def of_user(self, user: str) -> str:
        """The last time anything was used."""
        return self._of_user.get(user, "")

    def capabilities(self, user: str) -> frozenset[tuple[str, str]]:
        """Kind and capability of everything that a person was seen to exercise."""
        return frozenset(self._abilities.get(user, ()))


def proves(capability: str) -> bool:
    """Whether any event tells that a capability was used; of the others use is unknown."""
    return any(capability in proof.capabilities.values() for proof in PROOFS.values())
