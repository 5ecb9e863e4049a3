"""Findings for people and machines: tables by group of equal ones and one by one, JSON, SARIF, JUnit."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple
from urllib.parse import quote

from tabwarden.audit.finding import CONTENT, ERROR, LINTS, SEVERITIES, SITE, Finding
from tabwarden.audit.lint import Findings, keys_of
from tabwarden.audit.score import Score
from tabwarden.model.tables import grouped
from tabwarden.report.findings.junit import Case, junit
from tabwarden.report.findings.sarif import MOST_RESULTS, Result, sarif
from tabwarden.report.table import LINT, MARK, NAME, NUMBER, Cell, Column, Drawable, Many, Rows, Table, Text

COLOURS = {"error": "red", "warning": "yellow", "note": ""}
SHOWN = 100  # subjects of a finding in JSON
THINGS = {"content": "things", "user": "people", "group": "groups", "group_set": "group sets", "site": "site"}


class Trend(NamedTuple):
    """Points over the history: the days of the snapshots, and by the site and its projects what each reached."""

    days: tuple[str, ...]
    points: Mapping[str, Sequence[int | None]]

    def table(self) -> Table:
        """A row a project, a column a snapshot; the site first, then what fell most."""
        first, *others = self.points.items()
        fell = sorted(others, key=lambda pair: ((pair[1][-1] or 0) - (pair[1][0] or 0), pair[1][-1] or 0))
        columns = [Column(day, NUMBER, f"day_{number}") for number, day in enumerate(self.days, 1)]
        rows: list[list[Cell]] = [[name, *values] for name, values in (first, *fell)]
        return Table(Column("Points", NAME), *columns, name="trend", title="Points over time", rows=rows, shown=12)


NO_TREND = Trend((), {})


def heading(findings: Findings, put_by: int = 0, since: str = "") -> str:
    """`Acme: 3 errors, 12 warnings, 40 notes in 17 groups`."""
    counts = dict.fromkeys(SEVERITIES, 0)
    for finding in findings.findings:
        counts[finding.severity] += len(finding.subjects)
    words = [f"{number:,} {severity if number == 1 else severity + 's'}" for severity, number in counts.items()]
    new = f" new since {since}" if since else ""
    by = f"; {put_by:,} put by" if put_by else ""
    kinds = f"{len(findings.findings)} {'kind' if len(findings.findings) == 1 else 'kinds'}"
    return f"{findings.audited.site.name}: {', '.join(words)}{new}, of {kinds}{by}"


def parts(findings: Findings, scores: Sequence[Score], trend: Trend, *, singly: bool) -> Iterator[Drawable]:
    """Groups of equal findings, or `singly` by itself; what could not be judged; projects by points."""
    if findings.findings:
        yield each_table(findings) if singly else table(findings)
    else:
        yield "nothing is found"
    if findings.unjudged:
        yield unjudged_table(findings)
    if scores and not singly:
        yield score_table(findings, scores)
    if trend.days:
        yield trend.table()
    if findings.left_out:
        yield f"{len(findings.left_out)} lints about people and the whole site are left out: a project was asked about"


def table(findings: Findings) -> Table:
    """A row for each group of equal findings, the worst first."""
    audited = findings.audited

    def row(finding: Finding) -> list[Any]:
        of = finding.lint.of
        names = [audited.written(of, subject) for subject in finding.subjects[:3].tolist()]
        where = ", ".join(names) + (f" and {len(finding.subjects) - 3:,} more" if len(finding.subjects) > 3 else "")
        mends = "plan" if finding.remark.fix is not None else ""
        severity = Text(finding.severity, COLOURS[finding.severity])
        return [
            severity,
            finding.lint.id,
            finding.remark.words,
            len(finding.subjects),
            where,
            finding.lint.mender,
            mends,
        ]

    return Table(
        Column("Severity", MARK),
        Column("Lint", NAME, of=LINT),
        "What",
        Column("Number", NUMBER),
        Column("Where", NAME),
        Column("Who mends", MARK),
        Column("Fix", MARK),
        name="findings",
        rows=Rows(findings.findings, row),
    )


def each_table(findings: Findings) -> Table:
    """A row for each finding, in the order of the groups."""
    audited = findings.audited
    pairs = [(finding, subject) for finding in findings.findings for subject in finding.subjects.tolist()]

    def row(pair: tuple[Finding, int]) -> list[Any]:
        finding, subject = pair
        severity = Text(finding.severity, COLOURS[finding.severity])
        subject_ = audited.written(finding.lint.of, subject)
        return [severity, finding.lint.id, subject_, finding.remark.words, finding.facts(subject), finding.lint.mender]

    columns = (Column("Severity", MARK), Column("Lint", NAME, of=LINT), Column("Where", NAME), "What", "Facts")
    return Table(*columns, Column("Who mends", MARK), name="findings", rows=Rows(pairs, row))


def unjudged_table(findings: Findings) -> Table:
    """What could not be judged, and why: by reason."""
    by_reason = grouped(((one.because, one.number), one.lint.id) for one in findings.unjudged)
    table = Table(
        Column("Number", NUMBER),
        "Not known",
        Column("Lints", NAME, of=LINT),
        name="unknown",
        title="Could not be judged",
    )
    for (because, number), lints in by_reason.items():
        table.add_row(number if number is not None else "all", because, Many(lints))
    return table


def score_table(findings: Findings, scores: Sequence[Score]) -> Table:
    """Projects at the top by points, the worst first."""
    audited = findings.audited
    columns = (Column(words, NUMBER) for words in ("Points", "Things", "Errors", "Warnings", "Notes"))
    rows: list[list[Cell]] = [
        [audited.written(CONTENT, score.project), score.points, score.things, *score.counts.values()]
        for score in scores
    ]
    return Table(
        Column("Project", NAME, of=CONTENT),
        *columns,
        name="projects",
        title="Projects by points",
        rows=rows,
        shown=12,
    )


def findings_json(findings: Findings, scores: Sequence[Score], *, singly: bool, **more: Any) -> dict[str, Any]:
    """The document: groups with up to 100 subjects, `singly` with all of them and their facts."""
    audited = findings.audited
    groups = []
    for finding in findings.findings:
        subjects = finding.subjects.tolist()[: None if singly else SHOWN]
        names = [audited.written(finding.lint.of, subject) for subject in subjects]
        group: dict[str, Any] = {
            "lint": finding.lint.id,
            "severity": finding.severity,
            "what": finding.remark.words,
            "of": finding.lint.of,
            "number": len(finding.subjects),
            "mender": finding.lint.mender,
            "fix": finding.remark.fix is not None,
            "subjects": names,
        }
        if singly:
            group["facts"] = [finding.facts(subject) for subject in subjects]
        groups.append(group)
    unknown = [{"lint": one.lint.id, "because": one.because, "number": one.number} for one in findings.unjudged]
    projects = [
        {"project": audited.written(CONTENT, s.project), "points": s.points, "things": s.things, **s.counts}
        for s in scores
    ]
    taken = audited.site.taken.when
    return {
        "site": audited.site.name,
        "taken": taken,
        **more,
        "findings": groups,
        "unknown": unknown,
        "projects": projects,
    }


def findings_sarif(findings: Findings) -> Any:
    """One result a finding, the worst first, up to what code hosts show; the rest is told in a note."""
    audited, results = findings.audited, list[Result]()
    for finding in findings.findings:
        for subject, key in zip(finding.subjects.tolist(), keys_of(audited, finding), strict=True):
            if len(results) == MOST_RESULTS:
                break
            where, facts = audited.written(finding.lint.of, subject), finding.facts(subject)
            words = f"{where} {finding.remark.words}{': ' + facts if facts else ''}"
            mark = hashlib.sha256("\0".join(key).encode("utf-8", "surrogatepass")).hexdigest()[:32]
            file = f"tableau/{finding.lint.of}/{quote(where.encode('utf-8', 'surrogatepass'))}"
            results.append(Result(finding.lint.id, finding.severity, words, file, 1, where, mark))
    total = sum(len(finding.subjects) for finding in findings.findings)
    notes = [f"not judged: {one.lint.id}: {one.because}" for one in findings.unjudged]
    notes += [f"{total - len(results):,} more findings are not in this file"] if total > len(results) else []
    rules = {
        lint.id: {"shortDescription": {"text": lint.title}, "fullDescription": {"text": lint.why}}
        for lint in LINTS.values()
    }
    return sarif(results, rules, notes)


def findings_junit(findings: Findings, fail_on: Sequence[str]) -> bytes:
    """A test case a lint: failed where it finds something of a severity that fails, skipped where it was not judged."""
    audited = findings.audited
    skipped = {one.lint.id: one.because for one in findings.unjudged if one.number is None}
    by_lint = grouped((finding.lint.id, finding) for finding in findings.findings)
    failing = {name for name, some in by_lint.items() if any(finding.severity in fail_on for finding in some)}
    cases = []
    for lint in LINTS.values():
        if lint.id not in {*findings.left_out, *audited.knobs.ignore}:
            lines = [line for finding in by_lint.get(lint.id, ()) for line in _lines(findings, finding)]
            failure = lint.title if lint.id in failing else ""
            cases.append(Case(lint.of, lint.id, failure, lint.severity, skipped.get(lint.id, ""), lines))
    return junit("lint", audited.site.name, cases)


def _lines(findings: Findings, finding: Finding) -> Iterator[str]:
    audited, of = findings.audited, finding.lint.of
    for subject in finding.subjects[:SHOWN].tolist():
        facts = finding.facts(subject)
        words = f"{finding.remark.words}{': ' + facts if facts else ''}"
        yield f"{finding.severity}: {audited.written(of, subject)} {words}"
    if len(finding.subjects) > SHOWN:
        yield f"and {len(finding.subjects) - SHOWN:,} more {THINGS[of]}"


def first_words(findings: Findings, scores: Sequence[Score]) -> tuple[str, str, str]:
    """Three sentences for somebody who has no more time: how much, where, and what to do first."""
    audited, some = findings.audited, findings.findings
    errors = sum(len(finding.subjects) for finding in some if finding.severity == ERROR)
    total = sum(len(finding.subjects) for finding in some)
    first = f"{audited.site.name} has {total:,} findings, {errors:,} of them errors."
    worst = [score for score in scores if score.points < 100][:3]
    names = ", ".join(f"{audited.written(CONTENT, score.project)} ({score.points} of 100 points)" for score in worst)
    second = f"It is worst in {names}." if names else "No project stands out."
    if not some:
        return first, second, "There is nothing to do."
    top = some[0]
    where = audited.written(top.lint.of, int(top.subjects[0])) if top.lint.of != SITE else "the site"
    where = f"{len(top.subjects):,} {THINGS[top.lint.of]}, {where} first" if len(top.subjects) > 1 else where
    third = f"Begin with “{top.lint.title}” ({where}): the {top.lint.mender} can mend it."
    return first, second, third
