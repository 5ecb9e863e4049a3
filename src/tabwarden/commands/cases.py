"""`tabwarden cases`: run case files. Not how a case is judged (that is `cases`)."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from tabwarden.cases.file import load
from tabwarden.cases.running import Verdict, run
from tabwarden.cases.snapshot import run_on
from tabwarden.commands.asking import SiteUrl, SnapshotFolder, print_warning
from tabwarden.commands.common import ERROR, AsJson, console, fail_cleanly, leave, print_json
from tabwarden.report.answers import answer_json, sentence, trace_table
from tabwarden.run.ask import SNAPSHOTS, Where, open_site


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("cases", help="Run case files: small sites with a question and the expected answer.")(cases)


@fail_cleanly
def cases(
    files: Annotated[list[Path], typer.Argument(help="JSON files of cases (docs/reference/case-files.md).")],
    snapshot: Annotated[
        Path | None,
        typer.Option("--snapshot", help="Put the questions to this snapshot; the cases' own sites are left aside."),
    ] = None,
    newest: Annotated[bool, typer.Option("--newest", help="Put them to the newest snapshot.")] = False,
    snapshots: SnapshotFolder = SNAPSHOTS,
    site: SiteUrl = None,
    as_json: AsJson = False,
) -> None:
    """Print each failure with its trace and a closing line; exit code 1 when a case fails."""
    if snapshot is not None or newest or site is not None:
        held = open_site(Where(snapshots, snapshot, site))
        print_warning(held)
        verdicts = [run_on(held, case) for file in files for case in load(file, of_snapshot=True)]
    else:
        verdicts = [run(case) for file in files for case in load(file)]
    failed = [v for v in verdicts if not v.passed]
    if as_json:
        print_json([_as_json(v) for v in verdicts])
    else:
        for verdict in failed:
            _print_failure(verdict)
        print(f"{len(verdicts) - len(failed)} passed, {len(failed)} failed")
    leave(ERROR if failed else 0)


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
        "answer": answer,
    }
