"""`tabwarden cases`: run case files, each failure with its trace."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from tabwarden.commands._answer import PLAIN, Output
from tabwarden.commands._options import SNAPSHOT, WHEN, SettingsPath, SiteUrl, SnapshotFolder, StoreWords
from tabwarden.commands._output import ERROR, leave, print_json
from tabwarden.commands._parsing import Argument, Option
from tabwarden.model.errors import UnknownName

if TYPE_CHECKING:
    from tabwarden.cases.running import Verdict
    from tabwarden.cases.ways import Way
    from tabwarden.report.table import Drawable


def cases(
    files: Annotated[list[Path] | None, Argument("JSON files of cases (`tabwarden help case-files`).")] = None,
    snapshot: Annotated[
        str | None,
        Option(
            "--on",
            "--snapshot",
            about=f"Put them to a snapshot, not to the cases' own sites: {WHEN}, or a folder.",
            under=SNAPSHOT,
        ),
    ] = None,
    newest: Annotated[bool, Option("--newest", about="Put them to the newest snapshot.", under=SNAPSHOT)] = False,
    snapshots: SnapshotFolder = None,
    store: StoreWords = None,
    site_url: SiteUrl = None,
    settings: SettingsPath = None,
    api: Annotated[
        list[str] | None,
        Option("--api", about="Ask in this way, or `all` ways; repeatable. Default: check."),
    ] = None,
    schema: Annotated[bool, Option("--schema", about="Print the JSON Schema of case files, and run nothing.")] = False,
    output: Output = PLAIN,
) -> None:
    """Print each failure with its trace and a closing line; exit code 1 when a case fails."""
    if schema:
        from tabwarden.cases.schema import SCHEMA

        print_json(SCHEMA)
        return
    if not files:
        from tabwarden.model.errors import UnknownName

        raise UnknownName("`cases` needs a case file; `--schema` prints what may stand in one")
    from tabwarden.cases.file import load
    from tabwarden.cases.running import run
    from tabwarden.cases.snapshot import run_on
    from tabwarden.cases.ways import Opened
    from tabwarden.run.open_snapshot import Where, open_site

    with _ways(api or ["check"]) as ways:
        if snapshot is not None or newest or site_url is not None:
            opened = Opened(open_site(Where(snapshots, snapshot, site_url, store, settings)))
            output.warn_partial(opened.site)
            verdicts = [run_on(opened, case, ways) for file in files for case in load(file, of_snapshot=True)]
        else:
            verdicts = [run(case, ways) for file in files for case in load(file)]
    failed = [verdict for verdict in verdicts if not verdict.passed]
    parts: list[Drawable] = [part for verdict in failed for part in _failure(verdict)]
    parts += _right(ways, verdicts) if len(ways) > 1 else ()
    parts.append(f"{len(verdicts) - len(failed)} passed, {len(failed)} failed")
    output.give(parts, lambda: [_as_json(verdict) for verdict in verdicts])
    leave(ERROR if failed else 0)


@contextmanager
def _ways(named: list[str]) -> Iterator[Mapping[str, Way]]:
    """The ways of these names, or all of them; UnknownName for one that is none."""
    from tempfile import TemporaryDirectory

    from tabwarden.cases.ways import WAYS
    from tabwarden.commands._typed import CommandLine

    with TemporaryDirectory(prefix="tabwarden-cases-") as folder:
        known = {**WAYS, **CommandLine(Path(folder)).ways}
        strange = [name for name in named if name not in (*known, "all")]
        if strange:
            raise UnknownName(f"no way to ask is called `{strange[0]}`; ways are all, {', '.join(known)}")
        yield known if "all" in named else {name: known[name] for name in known if name in named}


def _right(ways: Mapping[str, Way], verdicts: list[Verdict]) -> Iterator[str]:
    """How many cases each way was asked, and how many of them it got right."""
    total, right = Counter[str](), Counter[str]()
    for verdict in verdicts:
        total.update(verdict.ways)
        right.update(name for name, passed in verdict.ways.items() if passed)
    return (f"{name}: {right[name]} of {total[name]}" for name in ways)


def _failure(verdict: Verdict) -> Iterator[Drawable]:
    from tabwarden.report.answers import sentence, trace_table
    from tabwarden.report.table import Text

    yield Text(f"FAILED {verdict.case.id}", "bold")
    yield from (f"  {problem}" for problem in verdict.problems)
    if verdict.answer is not None and verdict.site is not None:
        yield f"  {sentence(verdict.site, verdict.answer)}"
        yield trace_table(verdict.site, verdict.answer)
    yield ""


def _as_json(verdict: Verdict) -> dict[str, object]:
    from tabwarden.report.answers import answer_json

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
