"""The narrowest rules that keep everything that was used: the Site without the access that nobody uses."""

from __future__ import annotations

from dataclasses import replace
from typing import NamedTuple

from tabwarden.audit.lint import Findings
from tabwarden.effects.change import carried_out
from tabwarden.effects.ops.rules import PutRules
from tabwarden.model.capability import ui_name
from tabwarden.model.site import Site
from tabwarden.model.usage import proves


class FromUse(NamedTuple):
    """A Site narrowed to its use, of how many contents and projects, and in sentences what was left as it is."""

    site: Site
    narrowed: int
    remarks: tuple[str, ...]


def from_use(findings: Findings, days: int) -> FromUse:
    """Of each grantee only what somebody used through it, by the findings of the lint `unused-access`.

    Who used nothing of a content through a grantee lost View there, without which nothing else works: that row goes
    whole. Elsewhere what no event proves stays. Nobody gains anything by it, and whoever used something still may.
    """
    audited, changes = findings.audited, list[PutRules]()
    for finding in findings.findings:
        for subject in finding.subjects.tolist():
            fix = finding.remark.fix(subject) if finding.remark.fix is not None else ()
            changes += [_narrowed(change) for change in fix if isinstance(change, PutRules)]
    narrowed = len({change.id for change in changes})
    unproven = sorted({ui_name(name) for name in audited.vocabulary.capabilities if not proves(name)})
    remarks = [
        f"what was used in the last {days} days: {narrowed:,} contents and projects are narrower than they are",
        "what is newer, or speaks to people who all came since, is as it is, and so are projects themselves",
        f"where something was used, what no event proves is as it is: {', '.join(unproven)}",
    ]
    numbers = ((one, "all" if one.number is None else f"{one.number:,}") for one in findings.unjudged)
    remarks += [f"{number} contents are as they are: {one.because}" for one, number in numbers]
    return FromUse(carried_out(audited.site, changes), narrowed, tuple(remarks))


def _narrowed(change: PutRules) -> PutRules:
    """Without View nothing of the row is left but what it denies."""
    if "Read" in change.before.allow and "Read" not in change.row.allow:
        return replace(change, row=replace(change.row, allow=()))
    return change
