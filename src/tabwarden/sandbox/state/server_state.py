"""What a sandbox holds beside its sites: accounts, tokens, connected apps, jobs, a pretend directory."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any, NamedTuple

from tabwarden.model.feeds import DataConnection
from tabwarden.model.site import LOCAL, Content, Site
from tabwarden.model.takes import IdentityProvider
from tabwarden.model.usage import Usage

_SPACE = uuid.UUID("6f1d0f3e-8a55-5d0c-9d0e-7a8f5f2c1b10")


def stable_id(*names: str) -> str:
    """An id that follows from names, so that a world has the same ids everywhere."""
    return str(uuid.uuid5(_SPACE, "\x1f".join(names)))


MEGABYTE = 1024 * 1024
MOST_REVISIONS = 25  # Tableau's default revision limit of a site


class Revision(NamedTuple):
    """One published file of an item: its number from 1, where its bytes are kept, who published it and when.

    `blob` is the key of the bytes; `file_name` the name they came with; `size` in bytes; `at` an ISO time in UTC.
    """

    number: int
    blob: str
    file_name: str
    size: int
    by: str
    at: str


class Connection(NamedTuple):
    """A connection to data outside the site; a password is never kept, only whether one is embedded."""

    id: str
    type: str
    server: str = ""
    port: str = ""
    user_name: str = ""
    database: str = ""
    embedded: bool = False
    auth_type: str = ""
    query_tagging: bool = False


@dataclass(frozen=True, slots=True)
class Details:
    """What is kept of one item: revisions oldest first, tags, connections, extracts, the address it was given, whether
    somebody certified it and why.

    `next_revision` is the number the next file gets; numbers of deleted revisions are not given again.
    `content_url` is "" where the address follows from the name. `asides` are elements that a workbook was sent and
    that decide nothing: how fresh its data is to be, whether its views are accelerated.
    """

    revisions: tuple[Revision, ...] = ()
    next_revision: int = 1
    tags: frozenset[str] = frozenset()
    connections: tuple[Connection, ...] = ()
    has_extracts: bool = False
    encrypted: bool = False
    content_url: str = ""
    certified: bool = False
    certification_note: str = ""
    asides: str = ""

    @property
    def current(self) -> Revision | None:
        """The newest file, None for an item that came with the world."""
        return self.revisions[-1] if self.revisions else None

    def with_file(self, revision: Revision, limit: int = MOST_REVISIONS) -> Details:
        """These with a newer file; the oldest go beyond the limit, all of them where the site keeps no revisions: 1."""
        revisions = (*self.revisions, revision)[-limit:]
        return replace(self, revisions=revisions, next_revision=revision.number + 1)


NOTHING = Details()


def details_of(content: Content) -> Details:
    """The details of an item as its world tells it: tags, certification, connections."""
    if not (content.tags or content.certified or content.certification_note or content.connections):
        return NOTHING
    connections = tuple(
        Connection(f"{content.id[:24]}{number:012x}", one.kind, one.server, "", one.user, embedded=bool(one.embedded))
        for number, one in enumerate(content.connections or (), 1)
    )
    return Details(
        tags=content.tags or frozenset(),
        connections=connections,
        certified=bool(content.certified),
        certification_note=content.certification_note or "",
    )


def marked(content: Content, details: Details) -> Content:
    """The content with the tags, certification and connections of its details."""
    connections = {DataConnection(one.type, one.server, one.user_name, one.embedded) for one in details.connections}
    return replace(
        content,
        tags=details.tags,
        certified=details.certified,
        certification_note=details.certification_note,
        connections=tuple(sorted(connections, key=repr)),
    )


Clock = Callable[[], float]
"""Seconds since 1970."""


class TurnedClock:
    """Another clock, as far ahead of it as it was turned forward; never back."""

    def __init__(self, within: Clock) -> None:
        self._within = within
        self._ahead = 0.0

    def __call__(self) -> float:
        return self._within() + self._ahead

    def forward(self, seconds: float) -> None:
        """Turn it forward: tokens grow old, jobs come due, the hour of the cap passes."""
        if seconds < 0:
            raise ValueError(f"a clock is not turned back, not by {-seconds:g} seconds")
        self._ahead += seconds


AccountKey = tuple[str, str]


def key_of(name: str, domain: str = LOCAL) -> AccountKey:
    """How accounts are told apart: domain and name in any letter case."""
    return domain.casefold(), name.casefold()


@dataclass(frozen=True, slots=True)
class Account:
    """A system user: one person of the server, perhaps on several sites."""

    name: str
    password: str = field(repr=False)
    domain: str = LOCAL


@dataclass(frozen=True, slots=True)
class AccessToken:
    """A personal access token: its name, its secret and whose it is."""

    name: str
    secret: str = field(repr=False)
    user: str
    domain: str = LOCAL


@dataclass(frozen=True, slots=True)
class ConnectedApp:
    """A connected app (direct trust): who signs a JWT with `secret` under `secret_id` speaks for any user."""

    client_id: str
    secret_id: str
    secret: str = field(repr=False)
    name: str = "app"


class Note(NamedTuple):
    """One remark of a job: a type (CountOf..., errorCode), a value and a sentence."""

    type: str
    value: str
    text: str


@dataclass(frozen=True, slots=True)
class Job:
    """Something that happens later: `kind` names the work, `rows` is its input; times are seconds of the clock.

    `finish_code` is None until it ran, then 0 for success, 1 for failure, 2 for cancelled.
    `about` is the content it concerns ("" for none), `blob` the file it still needs.
    """

    id: str
    site: str
    kind: str
    by: str
    created: float
    due: float
    rows: tuple[tuple[str, ...], ...] = field(default=(), repr=False)
    finish_code: int | None = None
    completed: float | None = None
    notes: tuple[Note, ...] = ()
    about: str = ""
    blob: str = ""


class Timing(NamedTuple):
    """When a schedule comes due: `frequency` is Hourly, Daily, Weekly or Monthly; `start` and `end` are times of day.

    `intervals` are what is repeated, as in the REST API: ("hours", "4"), ("weekDay", "Monday"), ("monthDay", "15").
    """

    frequency: str
    start: str
    end: str = ""
    intervals: tuple[tuple[str, str], ...] = ()


class Schedule(NamedTuple):
    """A schedule of the server for tasks of one kind (Extract, Flow, Subscription); all sites share it."""

    id: str
    name: str
    kind: str
    timing: Timing
    priority: int = 50
    state: str = "Active"
    order: str = "Parallel"
    created: str = "2020-01-01T00:00:00Z"
    updated: str = "2020-01-01T00:00:00Z"


class Task(NamedTuple):
    """A refresh of an extract or a run of a flow that comes again, by a schedule or with a timing of its own (Cloud).

    `kind` is extractRefresh or flowRun, `way` what it does (`FullRefresh`), `about` the content, `by` who made it.
    """

    id: str
    site: str
    kind: str
    about: str
    by: str
    schedule: str = ""
    timing: Timing | None = None
    way: str = "RefreshExtractTask"
    last_run: str = ""
    created: str = ""


class CustomView(NamedTuple):
    """A view as somebody saved it for himself, or for all; `defaults` are those who see it first."""

    id: str
    site: str
    name: str
    view: str
    owner: str
    shared: bool = False
    created: str = ""
    updated: str = ""
    accessed: str = ""
    defaults: frozenset[str] = frozenset()


_WORKDAYS = tuple(("weekDay", day) for day in ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday"))
# Those that a new server has (documentation: "Create or Modify a Schedule").
_SCHEDULES = (
    ("End of the month", "Extract", Timing("Monthly", "23:00:00", "", (("monthDay", "LastDay"),))),
    ("Saturday night", "Extract", Timing("Weekly", "23:00:00", "", (("weekDay", "Saturday"),))),
    ("Weekday early mornings", "Extract", Timing("Weekly", "04:00:00", "", _WORKDAYS)),
    ("Monday morning", "Subscription", Timing("Weekly", "06:00:00", "", (("weekDay", "Monday"),))),
    ("Weekday mornings", "Subscription", Timing("Weekly", "06:00:00", "", _WORKDAYS)),
)
FIRST_SCHEDULES = tuple(Schedule(stable_id("schedule", name), name, kind, timing) for name, kind, timing in _SCHEDULES)


@dataclass(frozen=True)
class World:
    """What a sandbox starts with. `directory` is the pretend Active Directory as plain data.

    `nicknames` are those of the domains Tableau knows, by FQDN; that of the server is known without being named.
    `providers` are the identity providers of sites, `usage` is what people did and have there, by the site's id.
    """

    name: str
    sites: tuple[Site, ...]
    accounts: tuple[Account, ...]
    tokens: tuple[AccessToken, ...] = ()
    apps: tuple[ConnectedApp, ...] = ()
    directory: Mapping[str, Any] = field(default_factory=dict)
    nicknames: Mapping[str, str] = field(default_factory=dict)
    providers: Mapping[str, tuple[IdentityProvider, ...]] = field(default_factory=dict)
    usage: Mapping[str, tuple[Usage, ...]] = field(default_factory=dict)


def iso(seconds: float) -> str:
    """A moment as Tableau writes it."""
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
