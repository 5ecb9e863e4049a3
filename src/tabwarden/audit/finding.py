"""A lint and what it remarks: equal findings are one value, with who can mend them and the changes that do."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np

from tabwarden.effects.change import Change
from tabwarden.engine.columns import Array

ERROR, WARNING, NOTE = SEVERITIES = ("error", "warning", "note")
CONTENT, USER, GROUP, GROUP_SET, SITE = ("content", "user", "group", "group_set", "site")
"""What a lint speaks of: a table of the columns, or the site itself, whose only number is 0."""
OWNERS, LEADERS, ADMINISTRATORS, SERVER, DIRECTORY = (
    "content owner",
    "project leader",
    "site administrator",
    "server administrator",
    "directory",
)
"""Who can mend it."""
RULES, EVERY_RULE, MEMBERS, CONNECTIONS, TAGS, SETTINGS, USE, SEATS, RECORD, ROSTER = FACTS = (
    "rules",
    "every rule",
    "members of groups",
    "connections",
    "tags",
    "settings",
    "use",
    "seats",
    "a record of use that reaches back",
    "the roster of the sources",
)
"""What a lint rests on, of what a snapshot may lack."""


class Remark(NamedTuple):
    """What is so of each of some subjects, as the end of a sentence about one of them.

    `subjects` are numbers in the lint's table, rising and each once. `facts` tells what is particular to one, '' where
    nothing is; `fix` the changes that mend one. `severity` is None where it is the lint's.
    """

    words: str
    subjects: Array
    facts: Callable[[int], str] | None = None
    fix: Callable[[int], Iterable[Change]] | None = None
    severity: str | None = None


class Unknown(NamedTuple):
    """What a lint could not judge: some subjects, or None for all, and which fact was not read."""

    because: str
    subjects: Array | None = None


Remarks = Iterator[Remark]


@dataclass(frozen=True)
class Lint:
    """One rule of what is unwise. `source` is the document it comes from, `ignore` when it may be.

    `find` takes what lints see of a Site (`Audited`). `reads` are the facts it rests on: where one was not read, what
    depends on it is unknown.
    """

    id: str
    title: str
    severity: str
    of: str
    mender: str
    why: str
    source: str
    ignore: str
    reads: tuple[str, ...]
    find: Callable[[Any], Remarks] = field(repr=False)


LINTS: dict[str, Lint] = {}
"""Every lint by its id, in the order of the pages; `audit.lints` fills it."""


def lint(
    name: str,
    title: str,
    severity: str,
    of: str,
    mender: str,
    *,
    why: str,
    source: str,
    ignore: str,
    reads: tuple[str, ...] = (),
) -> Callable[[Callable[[Any], Remarks]], Callable[[Any], Remarks]]:
    """Declares a lint, which is the function below it."""

    def declared(find: Callable[[Any], Remarks]) -> Callable[[Any], Remarks]:
        LINTS[name] = Lint(name, title, severity, of, mender, why, source, ignore, reads, find)
        return find

    return declared


class Finding(NamedTuple):
    """Equal findings of one lint: one sentence that is so of each of its subjects."""

    lint: Lint
    remark: Remark

    @property
    def severity(self) -> str:
        return self.remark.severity or self.lint.severity

    @property
    def subjects(self) -> Array:
        """Numbers in the lint's table, rising."""
        return self.remark.subjects

    def only(self, keep: Array) -> Finding:
        """The same of fewer subjects: those where `keep` is true."""
        return self._replace(remark=self.remark._replace(subjects=self.subjects[keep]))

    def facts(self, subject: int) -> str:
        """What is particular to one subject."""
        return self.remark.facts(subject) if self.remark.facts is not None else ""


def rank(severity: str) -> int:
    """0 for the worst."""
    return SEVERITIES.index(severity)


def numbers(flags: Array) -> Array:
    """The subjects of which something is true."""
    return np.flatnonzero(flags)
