"""`tabwarden cases`: run case files. Not how a case is judged (that is `cases`)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated

import typer

from tabwarden.cases.file import load
from tabwarden.cases.running import Verdict, run
from tabwarden.cases.snapshot import run_on
from tabwarden.cases.ways import WAYS, Opened, Way
from tabwarden.commands.asking import WHEN, SiteUrl, SnapshotFolder, StoreWords, print_warning
from tabwarden.commands.common import ERROR, AsJson, console, fail_cleanly, leave, print_json
from tabwarden.commands.typed import CommandLine
from tabwarden.model.errors import UnknownName
from tabwarden.report.answers import answer_json, sentence, trace_table
from tabwarden.run.ask import Where, open_site


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("cases", help="Run case files: small sites with a question and the expected answer.")(cases)


@fail_cleanly
def cases(
    files: Annotated[list[Path], typer.Argument(help="JSON files of cases (docs/reference/case-files.md).")],
    snapshot: Annotated[
        str | None,
        typer.Option(
            "--on", "--snapshot", help=f"Put them to a snapshot, not to the cases' own sites: {WHEN}, or a folder."
        ),
    ] = None,
    newest: Annotated[bool, typer.Option("--newest", help="Put them to the newest snapshot.")] = False,
    snapshots: SnapshotFolder = None,
    store: StoreWords = None,
    site: SiteUrl = None,
    api: Annotated[
        list[str] | None,
        typer.Option("--api", help="Ask in this way, or `all` ways; repeatable. Default: check."),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Print each failure with its trace and a closing line; exit code 1 when a case fails."""
    with _ways(api or ["check"]) as ways:
        if snapshot is not None or newest or site is not None:
            held = open_site(Where(snapshots, snapshot, site, store=store))
            print_warning(held)
            opened = Opened(held)
            verdicts = [run_on(opened, case, ways) for file in files for case in load(file, of_snapshot=True)]
        else:
            verdicts = [run(case, ways) for file in files for case in load(file)]
    failed = [v for v in verdicts if not v.passed]
    if as_json:
        print_json([_as_json(v) for v in verdicts])
    else:
        for verdict in failed:
            _print_failure(verdict)
        if len(ways) > 1:
            _print_ways(ways, verdicts)
        print(f"{len(verdicts) - len(failed)} passed, {len(failed)} failed")
    leave(ERROR if failed else 0)


@contextmanager
def _ways(named: list[str]) -> Iterator[Mapping[str, Way]]:
    """The ways of these names, or all of them; UnknownName for one that is none."""
    with TemporaryDirectory(prefix="tabwarden-cases-") as folder:
        known = {**WAYS, **CommandLine(Path(folder)).ways}
        strange = [name for name in named if name not in (*known, "all")]
        if strange:
            raise UnknownName(f"no way to ask is called `{strange[0]}`; ways are all, {', '.join(known)}")
        yield known if "all" in named else {name: known[name] for name in known if name in named}


def _print_ways(ways: Mapping[str, Way], verdicts: list[Verdict]) -> None:
    """How many cases each way was asked, and how many of them it got right."""
    asked, right = Counter[str](), Counter[str]()
    for verdict in verdicts:
        asked.update(verdict.ways)
        right.update(name for name, passed in verdict.ways.items() if passed)
    for name in ways:
        print(f"{name}: {right[name]} of {asked[name]}")


def _print_failure(verdict: Verdict) -> None:
    out = console()
    out.print(f"FAILED {verdict.case.id}", style="bold", markup=False)
    for problem in verdict.problems:
        out.print(f"  {problem}", markup=False)
    if verdict.answer is not None and verdict.site is not None:
        out.print(f"  {sentence(verdict.site, verdict.answer)}", markup=False)
        out.print(trace_table(verdict.site, verdict.answer))
    out.print()


def _as_json(verdict: Verdict) -> dict[str, object]:
    answer = None
    if verdict.answer is not None and verdict.site is not None:
        answer = answer_json(verdict.site, verdict.answer)
    return {
        "id": verdict.case.id,
        "passed": verdict.passed,
        "problems": list(verdict.problems),
        "ways": dict(verdict.ways),
        "answer": answer,
    }
