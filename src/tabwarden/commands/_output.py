"""What every command says and how it ends: lines, tables, JSON, progress bars, problems, exit codes."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, NoReturn, TextIO

from tabwarden.model.errors import TabwardenError
from tabwarden.model.names import visible, visible_in_json

if TYPE_CHECKING:
    from tabwarden.model.site import Site
    from tabwarden.report.table import Drawable, Pen

DONE, ERROR, CHANGES, STOPPED = 0, 1, 2, 3
IN_A_PIPE, BAR = 160, 30  # columns of a table in a pipe, of a progress bar
LONG = 100_000  # letters of JSON from which on another library writes it sooner, its loading included


def show(*parts: Drawable, style: str = "", now: bool = False) -> None:
    """Lines and tables on standard output. A string is one line of data: nothing in it is markup, what would act is
    an escape, and a pipe gets it uncut. `now` where somebody waits for the line.
    """
    if style or not all(isinstance(part, str) for part in parts):
        from tabwarden.report.table import Text, drawn

        pen = _pen(sys.stdout)
        some = (Text(part, style) if style and isinstance(part, str) else part for part in parts)
        lines = [line for part in some for line in drawn(part, pen)]
    else:
        lines = [visible(str(part)) for part in parts]
    if lines:
        print(*lines, sep="\n", flush=now)


def _pen(file: TextIO) -> Pen:
    """As wide as the terminal, in a pipe wide enough for a table; in colours where somebody looks at them."""
    from tabwarden.report.table import ASCII, HEAVY, Pen

    watched = file.isatty() and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"
    if os.name == "nt":  # the old console shows styles as letters
        watched = watched and bool({"WT_SESSION", "TERM", "ANSICON"} & os.environ.keys())
    width = _columns() if file.isatty() else max(_columns(), IN_A_PIPE)
    return Pen(width, watched, HEAVY if _shows(file, HEAVY) else ASCII)


def _columns() -> int:
    from shutil import get_terminal_size  # which loads what unpacks archives

    return get_terminal_size().columns


def _shows(file: TextIO, strokes: Iterable[str]) -> bool:
    try:
        "".join(strokes).encode(file.encoding or "utf-8")
    except (UnicodeEncodeError, LookupError):
        return False
    return True


@contextmanager
def progress_bar(words: str, *, hidden: bool = False) -> Iterator[Callable[[int, int], None]]:
    """How far something long is, on standard error; it takes (done, of). Not where nobody watches."""
    if hidden or not sys.stderr.isatty():
        yield lambda _done, _of: None
        return
    import time

    shown = 0.0

    def progress(done: int, of: int) -> None:
        nonlocal shown
        now = time.monotonic()
        if done == of or now - shown >= 0.1:  # a thousand steps a second are nothing to look at
            shown = now
            bar = "#" * (BAR * done // max(of, 1))
            print(f"\r{words} [{bar:{BAR}}] {done:,} of {of:,} ", end="", file=sys.stderr, flush=True)

    try:
        yield progress
    finally:
        if shown:
            print(f"\r{'':{_columns() - 1}}\r", end="", file=sys.stderr, flush=True)


def print_json(value: Any) -> None:
    """One JSON document on standard output."""
    import json

    text = json.dumps(value, ensure_ascii=False, default=str)
    if len(text) < LONG:
        text = json.dumps(value, indent=2, ensure_ascii=False, default=str)
    else:
        from tabwarden.model.codec import indented

        text = indented(text)
    print(visible_in_json(text))


def say(words: str) -> None:
    """A line on standard error, beside the result."""
    print(visible(words), file=sys.stderr)


def say_error(problem: TabwardenError | str) -> None:
    """A problem, on standard error."""
    first, *more = problem.lines if isinstance(problem, TabwardenError) else (problem,)
    say(f"tabwarden: {first}")
    for line in more:
        say(line)


def show_what_is_logged() -> None:
    """Warnings that are logged while no log is open go the way of all that is said, and without a traceback."""
    import logging

    class Said(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            from tabwarden.scrubber import KNOWN

            say(KNOWN(record.getMessage()))

    logging.lastResort = Said(logging.WARNING)


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
