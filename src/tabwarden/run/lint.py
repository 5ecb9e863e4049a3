"""Findings of a snapshot: with what the settings say, against a baseline or an older snapshot, over the history."""

from __future__ import annotations

import os
from collections.abc import Collection, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple, cast

from tabwarden.audit.audited import Audited
from tabwarden.audit.baseline import Judged, PutBy, judged
from tabwarden.audit.finding import CONTENT, SITE, Finding
from tabwarden.audit.from_use import FromUse, from_use
from tabwarden.audit.knobs import Knobs, knobs_of
from tabwarden.audit.lint import Findings, findings_of, lint_named, lints_named
from tabwarden.audit.score import Score, scores, whole
from tabwarden.effects.change import Change
from tabwarden.model.errors import SettingsError, UnknownName
from tabwarden.model.names import hint
from tabwarden.model.site import Site
from tabwarden.model.usage import Usage
from tabwarden.places import located
from tabwarden.plan.plan import SiteIdentity
from tabwarden.questions import Questions
from tabwarden.report.findings.tables import NO_TREND, Trend
from tabwarden.run.elsewhere import ELSEWHERE, done
from tabwarden.run.history import open_last
from tabwarden.run.open_snapshot import Where, doubts, open_site
from tabwarden.safe_files import read_text
from tabwarden.want.candidates import Candidates, KnownAs
from tabwarden.want.people.joiners_and_leavers import Known, Standing
from tabwarden.want.people.unlisted import unlisted_users
from tabwarden.want.roster import named_only


class Wanted(NamedTuple):
    """What is asked: lints (words; none: all), a project (words), a baseline, an older snapshot.

    `trend` is of how many snapshots the points are asked too.
    """

    lints: Sequence[str] = ()
    scope: str | None = None
    baseline: Path | None = None
    since: str | None = None
    trend: int = 0


class Linted(NamedTuple):
    """All findings, those that are new (not put by, not in the older snapshot), and what is to be said beside them."""

    all: Findings
    new: Findings
    put_by: int
    notes: tuple[str, ...]
    scores: list[Score]
    trend: Trend = NO_TREND


def lint(questions: Questions, where: Where, wanted: Wanted) -> Linted:
    """The findings of the site that is asked. UnknownName, SettingsError with every name or entry that fits nothing."""
    section = _section(where.settings)
    knobs = Knobs() if section is None else knobs_of(section)
    only = lints_named(wanted.lints or knobs.ignore)
    chosen = only if wanted.lints else ()
    site, today = questions.site, datetime.now(UTC).date().isoformat()
    project = _project(site, wanted.scope)
    audited = audited_of(questions, where, knobs, today)
    findings = _findings(audited, chosen, project)
    path = wanted.baseline or getattr(section, "baseline", None)
    result = judged(findings, _entries(path), today) if path is not None else Judged(findings, 0, ())
    new, notes = result.left, result.notes
    if wanted.since is not None:
        new = new.without(_known(questions, where, wanted, knobs, chosen))
    some = scores(findings)
    trend = NO_TREND if not wanted.trend else _trend(questions, where, wanted, knobs, chosen)
    return Linted(findings, new, result.put_by, (*doubts(site, datetime.now(UTC)), *notes), some, trend)


def _findings(audited: Audited, only: Collection[str], scope: str | None) -> Findings:
    """What the lints remark, worked out elsewhere where somebody takes it."""
    if ELSEWHERE.get() is None:
        return findings_of(audited, only=only, scope=scope)
    from tabwarden.run.spark_work import known_of

    knobs, questions, since = audited.knobs, audited.questions, date.fromisoformat(audited.today)
    days = {knobs.unused_days, *knobs.unused_days_of.values()} if audited.usage is not None else ()
    before = [(since - timedelta(days=number)).isoformat() for number in days]
    shared = {
        "model": questions.model,
        "open_points": questions.open_points,
        "knows": {"knobs": knobs, "usage": audited.usage, "today": audited.today, "unlisted": audited.unlisted},
        "newcomers": {day: set(audited.newcomers(day)) for day in before},
        "only": tuple(only),
        "scope": scope,
    }
    return cast(Findings, done("lint", [audited.site], shared, known_of(audited)))


def _trend(questions: Questions, where: Where, wanted: Wanted, knobs: Knobs, chosen: Collection[str]) -> Trend:
    """The points of the last snapshots of the history, by project at the top."""
    days, points = list[str](), dict[str, list[int | None]]()
    for number, site in enumerate(open_last(wanted.trend, where.store, where.site, where.settings)):
        before = Questions(site, model=questions.model, open_points=questions.open_points)
        audited = Audited(before, knobs, _use(where, site))
        some = scores(findings_of(audited, only=chosen))
        days.append(site.taken.when[:10])
        for name, reached in [
            (site.name, whole(some)),
            *((audited.written(CONTENT, score.project), score.points) for score in some),
        ]:
            points.setdefault(name, [None] * number).append(reached)
        for missing in points.values():
            missing += [None] * (number + 1 - len(missing))
    return Trend(tuple(days), points)


def _entries(path: Path) -> list[PutBy]:
    from tabwarden.settings.baseline import load_baseline

    return load_baseline(path)


def _known(questions: Questions, where: Where, wanted: Wanted, knobs: Knobs, chosen: Collection[str]) -> set[Any]:
    """The findings of the older snapshot; what is said of it is not worded anew, so the words must be the same."""
    older = open_site(replace(where, path=wanted.since))
    if older.id != questions.site.id:
        raise UnknownName(f"`{wanted.since}` is a snapshot of site `{older.name}`, not of `{questions.site.name}`")
    before = Questions(older, model=questions.model, open_points=questions.open_points)
    return findings_of(Audited(before, knobs, _use(where, older)), only=chosen).keys()


def _section(settings: Path | None) -> Any:
    from tabwarden.settings.lint import LintSettings

    return part_there("lint", LintSettings, settings)


def part_there(name: str, kind: type[Any], settings: Path | None) -> Any:
    """A section of the settings, None where there is none: most is asked without any."""
    path = located(settings, os.environ).path
    if path is None and settings is None:
        return None
    if path is not None and path.suffix != ".aes":
        try:
            by_variable = any(variable.startswith(f"TABWARDEN_{name.upper()}__") for variable in os.environ)
            if f"{name}:" not in read_text(path) and not by_variable:
                return None
        except (OSError, UnicodeDecodeError):
            pass  # told by whoever loads it
    from tabwarden.settings import load_part

    return load_part(name, kind, settings, os.environ)


def audited_of(questions: Questions, where: Where, knobs: Knobs, today: str) -> Audited:
    """The Site that is asked with its use, and with who came after a day as far as the history tells."""
    site = questions.site
    use, newcomers = _use(where, site), partial(_newcomers, where, site)
    return Audited(questions, knobs, use, today, newcomers, unlisted=_unlisted(where, site))


def _unlisted(where: Where, site: Site) -> set[str] | None:
    """Ids of users whom no authoritative source knew at the last good run of `people`; None where none is kept."""
    from tabwarden.run.history import store_named
    from tabwarden.settings.people import SeveralSources
    from tabwarden.store.rosters import known_accounts, known_roster

    try:
        section = part_there("people", SeveralSources, where.settings)
    except SettingsError:  # a secret of a source, say, which lints do not need
        return None
    authoritative = {source.name for source in section.sources if source.authoritative} if section is not None else ()
    if not authoritative:
        return set()
    store, identity = store_named(where.store, where.settings), SiteIdentity.of(site)
    known = known_roster(Path(store), identity) if "://" not in store else Known()
    if not known.when:
        return None
    people = [one for one in known.people if any(source in authoritative for source, _ in one.rows)]
    candidates = Candidates(site, KnownAs())
    meant = {user for name in known_accounts(Path(store), identity).values() for user in site.users_named(name)}
    for one in people:
        meant |= {c.user for c in candidates.of(named_only(one.name)._replace(email=one.email))}
    standings = [Standing(one.name, "", was=one) for one in people]
    strangers = unlisted_users(site, standings, (), (), candidates, authoritative)
    return {user.id for user in strangers} - meant


def _newcomers(where: Where, site: Site, day: str) -> set[str]:
    """Ids of users who are not in the newest snapshot of before that day, else in the first there is."""
    from tabwarden.run.history import of_site, opened, store_named

    with opened(store_named(where.store, where.settings)) as history:
        chain = [one for one in of_site(history, where.site, settings=where.settings) if one.site_id == site.id]
        before = [one for one in chain if one.taken[:10] <= day] or chain[:1]
        return site.users.keys() - history.open(before[-1].number).users.keys() if before else set()


def _project(site: Site, words: str | None) -> str | None:
    if words is None:
        return None
    content = site.find_content(words)
    if content.kind != "project":
        raise UnknownName(f"`{words}` is a {content.kind}, not a project")
    return content.id


def _use(where: Where, site: Site) -> tuple[Usage, ...] | None:
    """The use of the site that was kept; None where none was read."""
    from tabwarden.run.history import store_named
    from tabwarden.store.usage.days import folder_of, kept

    store = store_named(where.store, where.settings)
    if "://" in store or where.folder is not None or not folder_of(Path(store), site.id).is_dir():
        return None
    return tuple(kept(Path(store), site.id))


def narrowed(questions: Questions, where: Where, scope: str | None, days: int | None) -> tuple[FromUse, str | None]:
    """The Site, or a project (words) and all in it, narrowed to what was used in `days`; and the project's id.

    UnknownName where the words mean no project, or use was not read.
    """
    section = _section(where.settings)
    knobs = Knobs() if section is None else knobs_of(section)
    if days is not None:
        knobs = replace(knobs, unused_days=days, unused_days_of={})
    project = _project(questions.site, scope)
    audited = audited_of(questions, where, knobs, datetime.now(UTC).date().isoformat())
    findings = findings_of(audited, only=("unused-access",), scope=project)
    if audited.usage is None:
        raise UnknownName("nobody knows what is used: `tabwarden read --use` reads it")
    return from_use(findings, knobs.unused_days), project


# -- mending -----------------------------------------------------------------------------------------------------


def changes_of(findings: Findings, words: str) -> tuple[tuple[Change, ...], int]:
    """The changes that mend `LINT` or `LINT:SUBJECT`, and how many findings that are.

    UnknownName where nothing of that is found, or no change mends it.
    """
    name, _, subject = words.partition(":")
    lint = lint_named(name)
    mine = [finding for finding in findings.findings if finding.lint.id == lint.id]
    if not mine:
        raise UnknownName(f"`{lint.id}` finds nothing here, so there is nothing to mend")
    audited = findings.audited
    chosen = [(finding, number) for finding in mine for number in finding.subjects.tolist()]
    if subject:
        number = _number(audited, lint.of, subject)
        chosen = [pair for pair in chosen if pair[1] == number]
        if not chosen:
            places = {audited.written(lint.of, n): "" for finding in mine for n in finding.subjects[:100].tolist()}
            raise UnknownName(f"`{lint.id}` finds nothing of `{subject}`{hint(subject, places)}")
    changes = tuple(change for finding, number in chosen for change in _fix(finding, number))
    if not changes:
        raise UnknownName(f"no change mends `{lint.id}` by itself: {lint.why}")
    return changes, len(chosen)


def _fix(finding: Finding, number: int) -> tuple[Change, ...]:
    return tuple(finding.remark.fix(number)) if finding.remark.fix is not None else ()


def _number(audited: Audited, of: str, subject: str) -> int:
    site = audited.site
    if of == CONTENT:
        return audited.columns.content_numbers[site.find_content(subject).id]
    if of == "user":
        return audited.columns.user_numbers[site.find_user(subject).id]
    if of == SITE:
        return 0
    if of == "group":
        return audited.columns.group_numbers[site.find_group(subject).id]
    return audited.columns.ids("group_set").index(site.find_group_set(subject).id)
