"""How a project does: one number, of which anybody can reckon where it comes from."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import NamedTuple

import numpy as np

from tabwarden.audit.finding import CONTENT, ERROR, NOTE, SEVERITIES, WARNING
from tabwarden.audit.lint import Findings
from tabwarden.engine.columns import NONE, Array

WEIGHTS: Mapping[str, int] = MappingProxyType({ERROR: 40, WARNING: 15, NOTE: 3})
"""Points that a lint takes where everything in the project is found by it."""
FORMULA = (
    "A project at the top begins with 100 points. Each lint takes its weight (error 40, warning 15, note 3) times the "
    "square root of the share of the project's things that it finds, and none falls below 0."
)


class Score(NamedTuple):
    """One top project (content number): how many things it holds, findings by severity, points."""

    project: int
    things: int
    counts: Mapping[str, int]
    points: int


def whole(some: list[Score]) -> int:
    """Points of the site: those of its projects, each by how many things it holds."""
    things = sum(score.things for score in some)
    return round(sum(score.points * score.things for score in some) / things) if things else 100


def scores(findings: Findings) -> list[Score]:
    """One for each project at the top, the worst first; findings about people and the site itself are in none."""
    audited = findings.audited
    top = audited.top
    projects = np.flatnonzero(audited.kind("project") & (top == np.arange(len(top))))
    things = np.bincount(top[top != NONE], minlength=len(top))
    lost: Array = np.zeros(len(top))
    counts = {severity: np.zeros(len(top), np.int64) for severity in SEVERITIES}
    by_lint: dict[tuple[str, str], Array] = {}
    for finding in findings.findings:
        if finding.lint.of == CONTENT:
            at = top[finding.subjects]
            number = np.bincount(at[at != NONE], minlength=len(top))
            counts[finding.severity] += number
            key = finding.lint.id, finding.severity
            by_lint[key] = by_lint.get(key, 0) + number
    for (_, severity), number in by_lint.items():
        lost += WEIGHTS[severity] * np.sqrt(np.minimum(number / np.maximum(things, 1), 1))
    rows = (
        Score(p, int(things[p]), {s: int(n[p]) for s, n in counts.items()}, max(0, round(100 - float(lost[p]))))
        for p in projects.tolist()
    )
    return sorted(rows, key=lambda score: (score.points, -score.things))
