"""The narrowest rules that keep everything that was used: the Site without the access that nobody uses."""

from __future__ import annotations

from dataclasses import replace
from typing import NamedTuple

from tabwarden.audit.lint import Findings
from tabwarden.effects.change import carried_out
from tabwarden.model.capability import ui_name
from tabwarden.model.site import ALLOW, Content, Grantee, Rules, Site
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
    audited, site = findings.audited, findings.audited.site
    fixes = ((finding.remark.fix, subject) for finding in findings.findings for subject in finding.subjects.tolist())
    after = carried_out(site, [change for fix, subject in fixes if fix is not None for change in fix(subject)])
    narrower = [_narrower(site.contents[key], one) for key, one in after.contents.items() if one != site.contents[key]]
    narrowed = sum(len(finding.subjects) for finding in findings.findings)
    unproven = sorted({ui_name(name) for name in audited.vocabulary.capabilities if not proves(name)})
    remarks = [
        f"what was used in the last {days} days: {narrowed:,} contents and projects are narrower than they are",
        "what is newer, or speaks to people who all came since, is as it is, and so are projects themselves",
        f"where something was used, what no event proves is as it is: {', '.join(unproven)}",
    ]
    numbers = ((one, "all" if one.number is None else f"{one.number:,}") for one in findings.unjudged)
    remarks += [f"{number} contents are as they are: {one.because}" for one, number in numbers]
    return FromUse(after.with_contents(*narrower), narrowed, tuple(remarks))


def _narrower(before: Content, after: Content) -> Content:
    """Who lost View there, and among a project's defaults, keeps nothing of the row but what it denies."""
    defaults = {kind: _sighted(before.defaults[kind], rules) for kind, rules in after.defaults.items()}
    return replace(after, rules=_sighted(before.rules, after.rules), defaults=defaults)


def _sighted(before: Rules | None, after: Rules | None) -> Rules | None:
    blind = _seeing(before) - _seeing(after)
    return frozenset(r for r in after if r.mode != ALLOW or r.grantee not in blind) if after is not None else None


def _seeing(rules: Rules | None) -> set[Grantee]:
    return {rule.grantee for rule in rules or () if (rule.mode, rule.capability) == (ALLOW, "Read")}
