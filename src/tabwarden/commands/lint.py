"""`tabwarden lint`: what is unwise on the site, who can mend it, and the plan that does."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from tabwarden.commands._answer import OUTPUT, PLAIN, Output
from tabwarden.commands._options import NEWEST, Asking, Engine, typed
from tabwarden.commands._output import CHANGES, DONE, ERROR, STOPPED, leave, say
from tabwarden.commands._parsing import SNAPSHOTS, Argument, Option

if TYPE_CHECKING:
    from tabwarden.run.lint import Linted

LEVELS = ("error", "warning", "note", "never")


def lint(
    lints: Annotated[list[str] | None, Argument("These alone, by id; each finding by itself.", name="lint")] = None,
    scope: Annotated[str | None, Option("--scope", about="A project: it and all in it alone.")] = None,
    since: Annotated[
        str | None, Option("--since", about="Only what an older snapshot has not.", value="SNAPSHOT", of=SNAPSHOTS)
    ] = None,
    baseline: Annotated[Path | None, Option("--baseline", about="File of findings that are put by.")] = None,
    put_by: Annotated[
        Path | None, Option("--put-by", about="Write all that is found as a baseline; with --until and --reason.")
    ] = None,
    until: Annotated[str, Option("--until", about="The last day of what is put by.", value="DAY")] = "",
    reason: Annotated[str, Option("--reason", about="Why it is put by.")] = "",
    fail_on: Annotated[
        str, Option("--fail-on", about="Leave with 2 where something new is that bad.", choices=LEVELS)
    ] = "warning",
    fix: Annotated[
        str | None, Option("--fix", about="The changes that mend it, as a plan; with --out.", value="LINT[:SUBJECT]")
    ] = None,
    out: Annotated[Path | None, Option("--out", about="With --fix: where to write the plan.")] = None,
    sarif: Annotated[Path | None, Option("--sarif", about="Also as SARIF, for a code host.", under=OUTPUT)] = None,
    junit: Annotated[Path | None, Option("--junit", about="Also as JUnit's XML.", under=OUTPUT)] = None,
    trend: Annotated[
        int, Option("--trend", about="Points of so many snapshots of the history too.", value="N", least=1, most=1000)
    ] = 0,
    engine: Engine = None,
    asking: Asking = NEWEST,
    output: Output = PLAIN,
) -> None:
    """Findings by groups of equal ones, the worst first; exit code 2 where something new is as bad as --fail-on.

    Of the whole site the invariants of the settings are asked too: exit code 3 where one does not hold.
    """
    from tabwarden.run.check import invariants_there, said_of
    from tabwarden.run.lint import Wanted
    from tabwarden.run.lint import lint as linted

    del engine  # `_many.call` has it done
    lints, output = _page_named(lints or [], output)
    _check(fail_on, (fix, out), (put_by, until, reason))
    result = linted(asking.questions(), asking.where, Wanted(lints, scope, baseline, since, trend))
    output.warn_partial(result.all.audited.site, connections=True)
    for note in result.notes:
        output.note(note)
    if fix is not None and out is not None:
        _mend(result, fix, out, asking.settings, output)
    if put_by is not None:
        result = _put_by(result, put_by, until, reason)
    said = said_of(result.all.audited.site, lambda: () if lints or scope else invariants_there(asking.settings))
    _files(result, fail_on, sarif, junit)
    _give(result, said.words, since or "", output, singly=bool(lints))
    if said.failed or said.broken:
        leave(ERROR if said.failed else STOPPED)
    leave(CHANGES if fail_on != "never" and result.new.at_least(fail_on) else DONE)


def _page_named(lints: list[str], output: Output) -> tuple[list[str], Output]:
    """`--html FILE` is the page for people, in that file."""
    if output.html and output.save is None and lints and Path(lints[-1]).suffix.casefold() in (".html", ".htm"):
        return lints[:-1], output._replace(save=Path(lints[-1]))
    return lints, output


def check_level(fail_on: str) -> None:
    """UsageError for what `--fail-on` does not know."""
    from tabwarden.commands._parsing import UsageError, nearest

    if fail_on not in LEVELS:
        raise UsageError(f"`--fail-on {fail_on}` is none of {', '.join(LEVELS)}{nearest(fail_on, LEVELS)}")


def _check(fail_on: str, plan: tuple[object, object], baseline: tuple[object, str, str]) -> None:
    import datetime

    from tabwarden.commands._parsing import UsageError

    check_level(fail_on)
    if (plan[0] is None) is not (plan[1] is None):
        raise UsageError("`--fix` and `--out` go together: the changes become a plan, which is written")
    path, until, reason = baseline
    if (path is None) is not (not until and not reason) or (path is not None and not (until and reason)):
        raise UsageError("`--put-by FILE` wants `--until DAY` and `--reason WORDS`: nothing is put by for ever")
    try:
        over = bool(until) and datetime.date.fromisoformat(until) < datetime.datetime.now(datetime.UTC).date()
    except ValueError:
        raise UsageError(f"`--until {until}` is no day; write it as 2027-01-31") from None
    if over:
        raise UsageError(f"`--until {until}` is over already: nothing would be put by")


def _mend(result: Linted, fix: str, out: Path, settings: Path | None, output: Output) -> None:
    """The plan, written, with what it does to people and its stops; leaves with 2, or with 3 for a stop."""
    from tabwarden.compare.what_if import written
    from tabwarden.report.plans import plan_json, plan_table
    from tabwarden.report.table import Text
    from tabwarden.run.lint import changes_of
    from tabwarden.run.whatif import plan_of

    changes, number = changes_of(result.all, fix)
    site = result.all.audited.site
    plan = plan_of(site, written(site, changes), out, settings=settings)
    accept = "".join(f" --accept {stop.id}={stop.number}" for stop in plan.stops if stop.waivable)
    mends = f"plan {plan.id} mends {number} {'finding' if number == 1 else 'findings'}, written to {out}"
    parts = [plan_table(plan), Text(mends), Text(f"next: tabwarden apply {typed(out)}{accept}", "command")]
    output.give(parts, lambda: {"file": str(out), "mends": number, **plan_json(plan)}, of=site)
    leave(STOPPED if plan.stops else CHANGES)


def _put_by(result: Linted, path: Path, until: str, reason: str) -> Linted:
    """The same with nothing left that is new."""
    import yaml

    from tabwarden.audit.baseline import entries_of
    from tabwarden.safe_files import write_whole

    entries = entries_of(result.all, until, reason)
    text = yaml.safe_dump({"findings": entries}, sort_keys=False, allow_unicode=True)
    write_whole(path, text.encode())
    say(f"{len(entries):,} entries written to {path}")
    known = result.all.keys()
    return result._replace(new=result.all.without(known), put_by=len(known))


def _files(result: Linted, fail_on: str, sarif: Path | None, junit: Path | None) -> None:
    from tabwarden.report.findings.tables import findings_junit, findings_sarif
    from tabwarden.safe_files import write_whole

    if sarif is not None:
        import json

        write_whole(sarif, json.dumps(findings_sarif(result.new), indent=1).encode("ascii"))
    if junit is not None:
        failing = LEVELS[: LEVELS.index(fail_on) + 1] if fail_on != "never" else ()
        write_whole(junit, findings_junit(result.new, failing))


def _give(result: Linted, invariants: str, since: str, output: Output, *, singly: bool) -> None:
    from tabwarden.report.findings.page import page
    from tabwarden.report.findings.tables import findings_json, heading, parts
    from tabwarden.report.table import Text

    line = [invariants] if invariants else []
    head = Text(heading(result.new, result.put_by, since), "bold")
    more: dict[str, Any] = {
        "notes": list(result.notes),
        "since": since or None,
        "put_by": result.put_by,
        "left_out": list(result.all.left_out),
        "invariants": invariants or None,
    }
    if result.trend.days:
        more["trend"] = {"days": list(result.trend.days), "points": dict(result.trend.points)}
    output.give(
        [head, *parts(result.new, result.scores, result.trend, singly=singly), *line],
        lambda: findings_json(result.new, result.scores, singly=singly, **more),
        of=result.all.audited.site,
        connections=True,
        page=None
        if singly
        else lambda lines: page(result.new, result.scores, result.trend, lines, [*result.notes, *line]),
    )
