"""What a policy says, as plain values; `where` is the file and line of each wish."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from tabwarden.model.capability import KIND_NAMES

ALL, EVERYBODY = "all", "all users"
LOCKED_DOWN, READ_ONLY, BLANK = "locked-down", "read-only", "blank"
DEFAULT, PARENT, EMPTY = "default", "parent", "empty"
KIND_WORDS = {
    kind: "project" if kind == "project" else f"{name.lower().replace(' ', '_')}{'es' if kind == 'lens' else 's'}"
    for kind, name in KIND_NAMES.items()
}
"""The key of a kind's cell: `data_sources`, `ask_data_lenses`; of projects `project`."""


@dataclass(frozen=True, slots=True)
class Cell:
    """What one grantee gets on one kind: a template, and capabilities by any of their names, which count before it."""

    template: str = ""
    allow: tuple[str, ...] = ()
    deny: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class RowWish:
    """A grantee (`kind` user, group, groupSet or all users) and its cells by kind; ALL stands for every kind.

    `expires` (an ISO date) and `owner` are an exception's.
    """

    kind: str
    name: str
    cells: Mapping[str, Cell]
    where: str
    reason: str = ""
    owner: str = ""
    expires: str = ""


@dataclass(frozen=True, slots=True)
class ProjectWish:
    """A project by path; what is None is left as it is.

    `as_defaults`: its contents have its default rules. `leaders_named`: the description ends with them. `start` says
    whose rules it gets where it is made: those of the Default project, of its parent, or none.
    """

    path: str
    where: str
    mode: str | None = None
    owner: str | None = None
    leaders: tuple[str, ...] | None = None
    description: str | None = None
    rows: tuple[RowWish, ...] | None = None
    as_defaults: bool = False
    leaders_named: bool = False
    start: str | None = None


@dataclass(frozen=True, slots=True)
class ContentWish:
    """Contents by path or pattern, narrowed by kind, tag, certification and owner, and their whole rule list."""

    where: str
    rows: tuple[RowWish, ...]
    paths: tuple[str, ...] = ()
    kind: str = ""
    tag: str = ""
    certified: bool | None = None
    owner: str = ""


@dataclass(frozen=True, slots=True)
class Policy:
    """Everything that all files say together."""

    projects: tuple[ProjectWish, ...] = ()
    contents: tuple[ContentWish, ...] = ()
    templates: Mapping[str, Mapping[str, Cell]] = field(default_factory=dict)
    default_project: tuple[str, str] | None = None
    switches: Mapping[str, tuple[bool, str]] = field(default_factory=dict)
