"""What a plan is: changes in order with what they were based on and what speaks against them. Not how one is made.

`diff` (plan/order.py) makes the changes, `stops` judges them, `impact` says what they do to people,
`plan_file` turns a plan into JSON and back.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from types import MappingProxyType
from typing import NamedTuple

from tabwarden.model.site import LOCAL
from tabwarden.want.wanted import Held

FORMAT = 1

CREATE_GROUP = "create_group"
UPDATE_GROUP = "update_group"
ADD_USER = "add_user"
ADD_TO_GROUP = "add_to_group"
SET_SITE_ROLE = "set_site_role"
REMOVE_FROM_GROUP = "remove_from_group"
REMOVE_USER = "remove_user"
DELETE_GROUP = "delete_group"
IMPORT_GROUP = "import_group"
SYNC_GROUP = "sync_group"
MOVE = "move"
SET_MODE = "set_mode"
SET_RULE = "set_rule"
SET_TABS = "set_tabs"
SET_OWNER = "set_owner"
SET_NICKNAME = "set_nickname"
OF_DIRECTORY = (IMPORT_GROUP, SYNC_GROUP)
OF_CONTENT = (MOVE, SET_MODE, SET_RULE, SET_TABS, SET_OWNER)
OPS = (
    CREATE_GROUP,
    UPDATE_GROUP,
    ADD_USER,
    ADD_TO_GROUP,
    SET_SITE_ROLE,
    REMOVE_FROM_GROUP,
    REMOVE_USER,
    DELETE_GROUP,
    *OF_DIRECTORY,
    *OF_CONTENT,
    SET_NICKNAME,
)

Value = str | int | bool | tuple[str, ...] | None
Fields = Mapping[str, Value]
NOTHING: Fields = MappingProxyType({})


def _nothing() -> Fields:
    return NOTHING


def _no_counts() -> Mapping[str, int]:
    return MappingProxyType({})


class Ref(NamedTuple):
    """A user, group or group set by name, a content by path, a domain by FQDN; by id where one is known.

    An id of None: it does not exist yet, or has none.
    """

    kind: str
    name: str
    domain: str = LOCAL
    id: str | None = None

    @property
    def key(self) -> str:
        """The same for the same user or group however its letters were typed, whether it exists or not."""
        return f"{self.kind}:{self.domain.casefold()}\\{self.name.casefold()}"

    @property
    def qualified(self) -> str:
        """The name a person types: bare when local, else `domain\\name`."""
        return self.name if self.domain.casefold() == LOCAL else f"{self.domain}\\{self.name}"


@dataclass(frozen=True, slots=True)
class Change:
    """One thing to do. Which of `user`, `group` and `heir` are set, and the fields, depend on `op`:

    op                  user  group  before                                   after
    create_group         -     x     (nothing)                                minimum_site_role, grant_on
    update_group         -     x     minimum_site_role, grant_on              minimum_site_role, grant_on
    add_user             x     -     (nothing)                                site_role, auth_setting
    add_to_group         x     x     member: False                            member: True
    set_site_role        x     -     site_role                                site_role
    remove_from_group    x     x     member: True                             member: False
    remove_user          x     -     site_role, auth_setting, full_name,      (nothing); `heir` receives what the
                                     email, groups (qualified names)          user owns, None: nobody does
    delete_group         -     x     minimum_site_role, grant_on, members     (nothing)
    import_group         -     x     (nothing)                                minimum_site_role, grant_on, and what
    sync_group           -     x     minimum_site_role, grant_on              the job's notes are expected to count

    Changes to content have `content`; its Ref is its kind, path and id:

    op                  grantee  before and after
    move                   -     parent (id), path of it; None: the top level
    set_mode               -     mode
    set_rule               x     allow, deny: capabilities; default_for: the kind whose default rules they are, or None
    set_tabs               -     tabs
    set_owner              x     owner (qualified name); `grantee` is the new owner

    Of a rename, all that is taken from the old user has the new one as `heir`; add_user has after `given` where other
    words than the name make it, and remove_user has before `given` for the way back and `rules` (plan/facts.py).
    A change to a domain of the server, set_nickname, has `domain` (by FQDN), before and after `nickname`.

    A `Ref` without id is created by an earlier change of the same plan (same `Ref.key`).
    `brought_by` names the group of a directory whose import or synchronisation brings the change about: Tableau does
    it, so it is not sent but read back.
    """

    op: str
    user: Ref | None = None
    group: Ref | None = None
    before: Fields = field(default_factory=_nothing)
    after: Fields = field(default_factory=_nothing)
    because: str = ""
    destructive: bool = False
    heir: Ref | None = None
    content: Ref | None = None
    grantee: Ref | None = None
    brought_by: Ref | None = None
    domain: Ref | None = None

    @property
    def person(self) -> str:
        """Whom it is about, as a person reads it; of a change to a group, content or domain, that."""
        subject = self.user or self.group or self.content or self.domain
        return subject.qualified if subject else ""


class Refused(NamedTuple):
    """A row of a source that is no person: `row` counts from 1, `value` is what stood there."""

    source: str
    row: int
    value: str
    reason: str


class Stop(NamedTuple):
    """A reason not to apply: `number` of `base` is over `limit`. A waiver must name `number` exactly."""

    id: str
    base: int
    limit: int
    number: int
    waivable: bool
    sentence: str
    remedy: str


class Waiver(NamedTuple):
    """Somebody said yes to one stop with this number."""

    id: str
    number: int


class SourceSummary(NamedTuple):
    """What a source of people told: `rows` it gave, `people` of them usable; `when` it was read (ISO, UTC)."""

    task: str
    source: str
    rows: int
    people: int
    when: str = ""


class SiteIdentity(NamedTuple):
    """Which site a plan is for; it is applied to no other."""

    where: str
    content_url: str
    id: str
    name: str


class ContentImpact(NamedTuple):
    """Who gains and who loses View of one content."""

    content: str
    path: str
    gained: tuple[str, ...]
    lost: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Impact:
    """What a plan does to people, by name.

    `eligible` are those who will get a licence at their next sign-in. `licences_gained` and `licences_lost`
    count people per tier. `contents` is None when the content of the site was not read: unknown, not nothing.
    """

    join: tuple[str, ...] = ()
    eligible: tuple[str, ...] = ()
    gain_licence: tuple[str, ...] = ()
    lose_licence: tuple[str, ...] = ()
    other_role: tuple[str, ...] = ()
    removed: tuple[str, ...] = ()
    licences_gained: Mapping[str, int] = field(default_factory=_no_counts)
    licences_lost: Mapping[str, int] = field(default_factory=_no_counts)
    memberships_gained: Mapping[str, int] = field(default_factory=_no_counts)
    memberships_lost: Mapping[str, int] = field(default_factory=_no_counts)
    held: int = 0
    contents: tuple[ContentImpact, ...] | None = None


@dataclass(frozen=True)
class Plan:
    """Changes in order with everything they were based on.

    `seen` holds each fact the changes touch as it was when the plan was made (plan/facts.py);
    `notes` are remarks that ask nothing of anybody; `undoes` names the plan an undo takes back.
    """

    kind: str
    site: SiteIdentity
    made_at: str
    changes: tuple[Change, ...] = ()
    sources: tuple[SourceSummary, ...] = ()
    held: tuple[Held, ...] = ()
    refused: tuple[Refused, ...] = ()
    notes: tuple[str, ...] = ()
    stops: tuple[Stop, ...] = ()
    impact: Impact = field(default_factory=Impact)
    seen: Fields = field(default_factory=_nothing)
    waivers: tuple[Waiver, ...] = ()
    undoes: str = ""
    format: int = FORMAT

    @cached_property
    def fingerprint(self) -> str:
        """One word for all of `seen`; two plans that saw the same have the same."""
        lines = (f"{key}={self.seen[key]!r}\n" for key in sorted(self.seen))
        return hashlib.sha256("".join(lines).encode()).hexdigest()

    @cached_property
    def id(self) -> str:
        """What the journal calls this plan: the same for the same changes made at the same time."""
        changes = [_told(change) for change in self.changes]
        told = repr((self.kind, tuple(self.site), self.made_at, self.fingerprint, changes))
        return hashlib.sha256(told.encode()).hexdigest()[:12]


def _told(change: Change) -> tuple[object, ...]:
    fields = (sorted(change.before.items(), key=str), sorted(change.after.items(), key=str))
    refs = (change.user, change.group, change.heir, change.content, change.grantee)
    # A plan made before there were `brought_by` and `domain` keeps its id.
    newer = tuple(ref for ref in (change.brought_by, change.domain) if ref is not None)
    return (change.op, *refs, *newer, *fields)
