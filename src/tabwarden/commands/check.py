"""`tabwarden check`: whether what must always hold does. Nothing is written, no server is asked."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from tabwarden.commands._answer import OUTPUT, PLAIN, Output
from tabwarden.commands._options import NEWEST, Asking, Engine
from tabwarden.commands._output import CHANGES, STOPPED, emit, leave
from tabwarden.commands._parsing import Argument, Option, UsageError
from tabwarden.commands.lint import LEVELS, check_level

if TYPE_CHECKING:
    from tabwarden.compare.access_changes import Decision
    from tabwarden.model.site import Site
    from tabwarden.plan.breaches import Breach
    from tabwarden.plan.invariants import Judged
    from tabwarden.questions import Questions
    from tabwarden.report.table import Drawable, Table
    from tabwarden.report.timeline import Turned

    Turns = Mapping[Decision, Turned]
STYLES = {"broken": "bold red", "unknown": "bold yellow", "holds": ""}
SHOWN = 20


def check(
    file: Annotated[
        Path | None, Argument("Of invariants; default: the settings', else `invariants.yaml` here.")
    ] = None,
    schema: Annotated[bool, Option("--schema", about="Only print the JSON Schema of such a file.")] = False,
    sarif: Annotated[Path | None, Option("--sarif", about="Also as SARIF, for a code host.", under=OUTPUT)] = None,
    junit: Annotated[Path | None, Option("--junit", about="Also as JUnit's XML.", under=OUTPUT)] = None,
    fail_on: Annotated[
        str | None,
        Option("--fail-on", about="Ask the lints too; leave with 2 where something is that bad.", choices=LEVELS),
    ] = None,
    engine: Engine = None,
    asking: Asking = NEWEST,
    output: Output = PLAIN,
) -> None:
    """Exit code 3 where an invariant is broken, or nobody knows whether it is."""
    if schema and engine is not None:
        raise UsageError("`--engine` is for invariants that are asked, and `--schema` asks none; give one of them")
    if schema:
        from tabwarden.settings.invariants import schema as json_schema

        emit(json.dumps(json_schema(), indent=2).split("\n"))
        return
    from datetime import UTC, datetime

    from tabwarden.run.check import checked, invariants_at, with_causes
    from tabwarden.run.history import store_named
    from tabwarden.run.open_snapshot import doubts

    check_level(fail_on or LEVELS[0])
    invariants = invariants_at(file, asking.settings)
    questions = asking.questions()
    site = questions.site
    output.warn_partial(site)
    for doubt in doubts(site, datetime.now(UTC)):
        output.note(doubt)
    with output.progress("checking") as progress:
        result = checked(site, invariants, progress)
    if asking.snapshots is None:
        store = store_named(asking.store, asking.settings)
        result = with_causes(result, store, asking.snapshot or "last", asking.site_url, asking.settings)
    _files(site, result.judged, sarif, junit)
    as_bad, lines = (False, []) if fail_on is None else _findings(questions, asking, fail_on)
    output.give(
        [*_parts(site, result.judged, result.turns), *lines],
        lambda: _as_json(site, result.judged, result.turns) | ({"findings": lines[0]} if lines else {}),
    )
    if any(one.state != "holds" for one in result.judged):
        leave(STOPPED)
    if as_bad:
        leave(CHANGES)


def _findings(questions: Questions, asking: Asking, fail_on: str) -> tuple[bool, list[str]]:
    """Whether the lints find something new that is as bad as that, and how much they find, in a line."""
    from tabwarden.report.findings.tables import heading
    from tabwarden.run.lint import Wanted, lint

    linted = lint(questions, asking.where, Wanted())
    as_bad = fail_on != "never" and bool(linted.new.at_least(fail_on))
    return as_bad, [f"{heading(linted.new, linted.put_by)}; see `tabwarden lint`"]


def _files(site: Site, judged: list[Judged], sarif: Path | None, junit: Path | None) -> None:
    from tabwarden.report.findings.invariants import judged_junit, judged_sarif
    from tabwarden.safe_files import write_whole

    if sarif is not None:
        write_whole(sarif, json.dumps(judged_sarif(site, judged), indent=1).encode("ascii"))
    if junit is not None:
        write_whole(junit, judged_junit(site, judged))


def _parts(site: Site, judged: list[Judged], turns: Turns) -> Iterator[Drawable]:
    """The answer of `check`: how many, each with its state, then every breach that is told."""
    from tabwarden.plan.invariants import headline
    from tabwarden.report.table import MARK, NAME, NUMBER, Column, Table, Text

    yield Text(headline(judged), "bold")
    columns = (Column("Invariant", NAME), Column("State", MARK), Column("Breaches", NUMBER))
    more = (Column("Could break it", NUMBER, "could"), Column("Unknown", NUMBER))
    table = Table(*columns, *more, Column("Where", NAME), name="invariants")
    for one in judged:
        state = Text(one.state, STYLES[one.state])
        table.add_row(one.invariant.name, state, one.number, one.possible, one.unknown, one.invariant.where)
    yield table
    yield from (f"{one.invariant.name}: {note}" for one in judged for note in one.notes)
    breaches = [(one, breach) for one in judged for breach in (*one.breaches, *one.could)]
    if breaches:
        yield _breaches(site, breaches, turns)


def _breaches(site: Site, breaches: list[tuple[Judged, Breach]], turns: Turns) -> Table:
    """A row for all who break it in the same place for the same reason."""
    from tabwarden.plan.invariants import what_of, who_of
    from tabwarden.report.table import CONTENT, NAME, Column, Many, Table
    from tabwarden.report.timeline import because, since
    from tabwarden.run.check import decision_of

    alike: dict[tuple[str, str, str, str, str], list[str]] = {}
    for one, breach in breaches:
        turn = turns.get(decision_of(breach))
        when = "" if turn is None else f"{since(turn)}: {because(turn)}"
        place = one.invariant.name, what_of(site, breach), site.path(breach.content), _why(site, breach), when
        alike.setdefault(place, []).append(who_of(site, breach))
    together: dict[tuple[str, str, tuple[str, ...], str, str], list[str]] = {}
    for (name, what, path, why, when), who in alike.items():
        together.setdefault((name, path, tuple(dict.fromkeys(who)), why, when), []).append(what)
    content = Column("Content", NAME, of=CONTENT)
    columns = (Column("Invariant", NAME), "May", content, Column("Who", NAME), "Why", "Since")
    rows = [
        (name, Many(whats), path, Many(list(who)), why, when)
        for (name, path, who, why, when), whats in together.items()
    ]
    return Table(*columns, name="breaches", title="Who breaks them", rows=rows, shown=SHOWN)


def _why(site: Site, breach: Breach) -> str:
    from tabwarden.report.answers import reason

    return "" if breach.answer is None or breach.group else reason(site, breach.answer)


def _as_json(site: Site, judged: Iterable[Judged], turns: Turns) -> dict[str, Any]:
    """Each invariant with its breaches by ids and names."""
    return {"snapshot": site.taken.when, "invariants": [_invariant_json(site, one, turns) for one in judged]}


def _invariant_json(site: Site, one: Judged, turns: Turns) -> dict[str, Any]:
    return {
        "name": one.invariant.name,
        "where": one.invariant.where,
        "state": one.state,
        "breaches": one.number,
        "could": one.possible,
        "unknown": one.unknown,
        "notes": list(one.notes),
        "told": [_breach_json(site, breach, turns) for breach in (*one.breaches, *one.could)],
    }


def _breach_json(site: Site, breach: Breach, turns: Turns) -> dict[str, Any]:
    from tabwarden.plan.invariants import breach_words, what_of
    from tabwarden.report.timeline import because, since
    from tabwarden.run.check import decision_of

    turn = turns.get(decision_of(breach))
    return {
        "user": site.called(breach.user) if breach.user else None,
        "group": breach.group or None,
        "content": {
            "id": breach.content,
            "kind": site.contents[breach.content].kind,
            "path": site.path(breach.content),
        },
        "what": what_of(site, breach),
        "words": breach_words(site, breach),
        "why": _why(site, breach) or None,
        "since": None if turn is None else since(turn),
        "because": None if turn is None else because(turn),
    }
