"""Running the lints over a Site: findings in order of how bad they are, and what could not be judged."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from typing import NamedTuple

import numpy as np

from tabwarden.audit.audited import Audited
from tabwarden.audit.finding import (
    CONNECTIONS,
    CONTENT,
    EVERY_RULE,
    LINTS,
    MEMBERS,
    RECORD,
    ROSTER,
    RULES,
    SEATS,
    SETTINGS,
    TAGS,
    USE,
    Finding,
    Lint,
    Unknown,
    rank,
)
from tabwarden.audit.lints import unused
from tabwarden.engine.columns import Array
from tabwarden.model import scope
from tabwarden.model.errors import UnknownName
from tabwarden.model.names import hint

Key = tuple[str, str, str]
"""What a finding is the same by, from one snapshot to the next: lint, what is said, id of the subject."""


class Unjudged(NamedTuple):
    """What a lint could not judge, and why: `number` of its subjects, None: all of them."""

    lint: Lint
    because: str
    number: int | None


class Findings(NamedTuple):
    """What the lints remark of a Site, the worst first, and what they could not judge.

    `left_out` are the ids of lints that speak of people or the whole site, where a project alone was looked at.
    """

    audited: Audited
    findings: tuple[Finding, ...]
    unjudged: tuple[Unjudged, ...]
    left_out: tuple[str, ...] = ()

    def keys(self) -> set[Key]:
        """Every finding, one a subject, by what makes it the same in another snapshot."""
        return {key for finding in self.findings for key in keys_of(self.audited, finding)}

    def without(self, known: Collection[Key]) -> Findings:
        fewer = []
        for finding in self.findings:
            keep = np.array([key not in known for key in keys_of(self.audited, finding)], bool)
            fewer += [finding.only(keep)] if keep.any() else []
        return self._replace(findings=tuple(fewer))

    def at_least(self, severity: str) -> int:
        """How many findings are that bad or worse, one a subject."""
        return sum(len(f.subjects) for f in self.findings if rank(f.severity) <= rank(severity))


def keys_of(audited: Audited, finding: Finding) -> Iterator[Key]:
    """The key of each of its subjects, in their order."""
    lint, words = finding.lint, finding.remark.words
    ids = audited.columns.all_ids(lint.of) if lint.of != "site" else [audited.site.id]
    return ((lint.id, words, ids[subject]) for subject in finding.subjects.tolist())


def lint_named(words: str) -> Lint:
    """The lint of that id; UnknownName with the nearest ids."""
    lint = LINTS.get(words.strip().casefold())
    if lint is None:
        near = hint(words, {name: one.title for name, one in LINTS.items()}, "; `tabwarden help findings` lists them")
        raise UnknownName(f"no lint is called `{words}`{near}")
    return lint


def lints_named(words: Iterable[str]) -> list[str]:
    """The ids of lints; UnknownName with every one that is none."""
    ids, problems = list[str](), list[str]()
    for one in words:
        try:
            ids.append(lint_named(one).id)
        except UnknownName as error:
            problems.append(str(error))
    if problems:
        raise UnknownName(*problems)
    return ids


def findings_of(audited: Audited, *, only: Collection[str] = (), scope: str | None = None) -> Findings:
    """What the lints (ids, none: all that the settings do not ignore) remark of the site, or of a project (id)."""
    lints = [lint for lint in LINTS.values() if (lint.id in only if only else lint.id not in audited.knobs.ignore)]
    inside = None if scope is None else below(audited, audited.columns.content_numbers[scope])
    left_out = tuple(lint.id for lint in lints if inside is not None and lint.of != CONTENT)
    findings, unjudged = list[Finding](), list[Unjudged]()
    for lint in lints:
        if lint.id in left_out:
            continue
        lacking = list(_lacking(audited, lint))
        unjudged += [Unjudged(lint, one.because, _number(one.subjects, inside, lint)) for one in lacking]
        if any(one.subjects is None for one in lacking):
            continue
        found_by_it = (Finding(lint, remark) for remark in lint.find(audited) if len(remark.subjects))
        if inside is not None:
            found_by_it = (finding.only(inside[finding.subjects]) for finding in found_by_it)
        findings += [finding for finding in found_by_it if len(finding.subjects)]
    order = sorted(findings, key=lambda finding: (rank(finding.severity), -len(finding.subjects), finding.lint.id))
    whole = tuple(one for one in unjudged if one.number != 0)
    return Findings(audited, tuple(order), whole, left_out)


def below(audited: Audited, project: int) -> Array:
    """Whether each content is the project or lies in it, at any depth."""
    parent, count = audited.contents.parent.astype(np.int64), len(audited.contents.parent)
    inside: Array = np.arange(count) == project
    known = np.where((parent >= 0) & (parent < count), parent, -1)
    while True:
        more = inside | (np.append(inside, False)[known])
        if (more == inside).all():
            return inside
        inside = more


def _number(subjects: Array | None, inside: Array | None, lint: Lint) -> int | None:
    if subjects is None:
        return None
    return len(subjects) if inside is None or lint.of != CONTENT else int(inside[subjects].sum())


def _lacking(audited: Audited, lint: Lint) -> Iterator[Unknown]:
    """The facts that a lint rests on and that were not read."""
    partial = audited.site.partial
    if RULES in lint.reads and len(audited.unread):
        yield Unknown("their rules were not read", audited.unread)
    if EVERY_RULE in lint.reads and (len(audited.unread) or scope.is_limited(audited.site)):
        yield Unknown("not all rules were read")
    if MEMBERS in lint.reads and len(audited.parts.people.unread_groups):
        groups = audited.parts.people.unread_groups
        number = f"{len(groups)} {'group' if len(groups) == 1 else 'groups'}"
        yield Unknown(f"members of {number} were not read", groups[:1])
    for fact, words, mark in (
        (CONNECTIONS, scope.CONNECTIONS, "connections"),
        (TAGS, scope.TAGS, "tags"),
    ):
        if fact in lint.reads and any(words in one for one in partial):
            yield Unknown(f"{words} were not read")
        elif fact in lint.reads and len(unread := audited.without_mark(mark)):
            yield Unknown(f"their {mark} were not read", unread)
    if SETTINGS in lint.reads and any(scope.SETTINGS in one for one in partial):
        yield Unknown(f"{scope.SETTINGS} were not read")
    if SEATS in lint.reads and audited.site.licences is None:
        yield Unknown("the site does not tell its seats")
    if USE in lint.reads and audited.usage is None:
        yield Unknown("no use of it is kept: `tabwarden read --use` reads what the site tells")
    if RECORD in lint.reads and audited.usage is not None:
        yield from unused.lacking(audited, lint.of)
    if ROSTER in lint.reads and audited.unlisted is None:
        yield Unknown("the roster of the sources is not known: `tabwarden run people` keeps it")
