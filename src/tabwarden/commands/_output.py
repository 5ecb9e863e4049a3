"""What every command says and how it ends: lines, tables, JSON, progress bars, problems, exit codes."""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, NoReturn

from tabwarden.model.errors import TabwardenError
from tabwarden.model.names import visible

if TYPE_CHECKING:
    from rich.console import Console

    from tabwarden.model.site import Site

DONE, ERROR, CHANGES, STOPPED = 0, 1, 2, 3
# What JSON leaves as it is and a terminal obeys.
ACTING = re.compile(
    r"[\x7f-\x9f\u00ad\u061c\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb\U000e0000-\U000e0fff]"
)
LONG = 100_000  # letters of JSON from which on another library writes it sooner, its loading included


def show(*parts: Any, style: str = "", now: bool = False) -> None:
    """Lines and tables on standard output. A string is one line of data: nothing in it is markup, what would act is
    an escape, and a pipe gets it uncut.

    `now` where somebody waits for the line. Rich is loaded where a table or a colour is really drawn: it costs as much
    as a small question.
    """
    for part in parts:
        if isinstance(part, str) and not (style and sys.stdout.isatty()):
            print(visible(part), flush=now)
        else:
            _console().print(visible(part) if isinstance(part, str) else part, style=style or None)


def _console(*, stderr: bool = False) -> Console:
    """As wide as the terminal; in a pipe wide enough for a table."""
    from rich.console import Console

    out = Console(stderr=stderr, highlight=False, markup=False, emoji=False)
    if not out.is_terminal:
        out.width = max(out.width, 160)
    return out


@contextmanager
def progress_bar(words: str, *, hidden: bool = False) -> Iterator[Callable[[int, int], None]]:
    """A bar on standard error while something long goes on; it takes (done, of). Not where nobody watches."""
    if hidden or not sys.stderr.isatty():
        yield lambda _done, _of: None
        return
    import time

    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=_console(stderr=True), transient=True) as bar:
        task = bar.add_task(words, total=None)
        shown = 0.0

        def progress(done: int, of: int) -> None:
            nonlocal shown
            now = time.monotonic()
            if done == of or now - shown >= 0.1:  # a thousand steps a second are nothing to look at
                shown = now
                bar.update(task, completed=done, total=of)

        yield progress


def print_json(value: Any) -> None:
    """One JSON document on standard output."""
    import json

    text = json.dumps(value, ensure_ascii=False, default=str)
    if len(text) < LONG:
        text = json.dumps(value, indent=2, ensure_ascii=False, default=str)
    else:
        from tabwarden.model.codec import indented

        text = indented(text)
    print(text if text.isascii() else ACTING.sub(_as_json_escape, text))


def _as_json_escape(match: re.Match[str]) -> str:
    units = match[0].encode("utf-16-be")
    return "".join(f"\\u{units[at]:02x}{units[at + 1]:02x}" for at in range(0, len(units), 2))


def say(words: str) -> None:
    """A line on standard error, beside the result."""
    print(visible(words), file=sys.stderr)


def say_error(problem: TabwardenError | str) -> None:
    """A problem, on standard error."""
    first, *more = problem.lines if isinstance(problem, TabwardenError) else (problem,)
    say(f"tabwarden: {first}")
    for line in more:
        say(line)


def warn_partial(site: Site) -> None:
    """A Site that is not whole says so before it answers."""
    if site.partial:
        say(f"not read: {'; '.join(site.partial)}; what depends on it is unknown")


def confirmed(question: str) -> bool:
    """Whether somebody at a terminal answers yes; nobody is there in a pipe or under cron."""
    if not sys.stdin.isatty():
        return False
    say(f"{question} (yes or no)")
    return input().strip().lower() in ("y", "yes")


def leave(code: int) -> NoReturn:
    """End the command with an exit code."""
    raise SystemExit(code)
