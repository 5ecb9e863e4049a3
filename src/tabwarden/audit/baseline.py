"""What is known and left for now: findings that somebody has put by, until a day and for a reason."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from tabwarden.audit.finding import CONTENT, GROUP, GROUP_SET, LINTS, SITE, USER, Finding
from tabwarden.audit.lint import Findings, Key, keys_of, lint_named
from tabwarden.model.errors import AmbiguousName, UnknownName
from tabwarden.model.site import Site


class PutBy(NamedTuple):
    """One entry: a lint, its subject as people type it ('' : all of it; a path ending in `/*`: all below), until which
    day (ISO) and why. `where` is the file and line.
    """

    lint: str
    subject: str
    until: str
    reason: str
    where: str = ""


class Judged(NamedTuple):
    """The findings that are left, how many were put by, and what is to be said of the entries."""

    left: Findings
    put_by: int
    notes: tuple[str, ...]


def judged(findings: Findings, entries: Sequence[PutBy], today: str) -> Judged:
    """The findings without what is put by and not over yet. UnknownName with every entry that fits nobody."""
    site = findings.audited.site
    problems, notes = list[str](), list[str]()
    by_lint: dict[str, list[tuple[PutBy, str]]] = {}
    for entry in entries:
        try:
            lint = lint_named(entry.lint)
            subject = _meant(site, lint.of, entry.subject)
        except (UnknownName, AmbiguousName) as error:
            problems.append(f"{entry.where}: {error}")
            continue
        if entry.until < today:
            notes.append(f"{entry.where}: `{entry.lint}` was put by until {entry.until}, which is over")
        else:
            by_lint.setdefault(lint.id, []).append((entry, subject))
    if problems:
        raise UnknownName(*problems)
    known = {key for finding in findings.findings for key in _put_by(findings, finding, by_lint)}
    return Judged(findings.without(known), len(known), tuple(notes))


def _put_by(findings: Findings, finding: Finding, by_lint: dict[str, list[tuple[PutBy, str]]]) -> list[Key]:
    entries = by_lint.get(finding.lint.id)
    if not entries:
        return []
    keys = list(keys_of(findings.audited, finding))
    if any(not subject for _, subject in entries):
        return keys
    ids = {subject for entry, subject in entries if not entry.subject.endswith("/*")}
    trees = {subject for entry, subject in entries if entry.subject.endswith("/*")}
    site = findings.audited.site
    return [
        key
        for key in keys
        if key[2] in ids or (trees and any(above in trees for above in list(site.ancestors(key[2]))[1:]))
    ]


def _meant(site: Site, of: str, subject: str) -> str:
    if not subject:
        return ""
    if of == CONTENT:
        return site.find_content(subject.removesuffix("/*")).id
    if of == USER:
        return site.find_user(subject).id
    if of == GROUP:
        return site.find_group(subject).id
    return site.find_group_set(subject).id if of == GROUP_SET else site.id


def entries_of(findings: Findings, until: str, reason: str) -> list[dict[str, str]]:
    """Everything that is there, as entries of a baseline file: sorted, each lint and subject once."""
    site, rows = findings.audited.site, set[tuple[str, str]]()
    for finding in findings.findings:
        for key in keys_of(findings.audited, finding):
            rows.add((finding.lint.id, _written(site, finding.lint.of, key[2])))
    order = list(LINTS)
    listed = sorted(rows, key=lambda row: (order.index(row[0]), row[1]))
    return [
        {"lint": lint, **({"subject": words} if words else {}), "until": until, "reason": reason}
        for lint, words in listed
    ]


def _written(site: Site, of: str, key: str) -> str:
    """The subject as people type it, or its id where that could mean another too."""
    if of == SITE:
        return ""
    if of == CONTENT:
        return site.written(key)
    if of == USER:
        return site.called(key)
    if of == GROUP:
        name = site.groups[key].name
        return name if site.groups_named(name) == (key,) else key
    return key
