"""What every command says and how it ends: lines, JSON, progress bars, notes, problems, exit codes.

An answer goes out by `_answer.Output`.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, nullcontext, suppress
from typing import TYPE_CHECKING, Any, NoReturn, TextIO

from tabwarden.model.errors import TabwardenError
from tabwarden.model.names import visible, visible_in_json

if TYPE_CHECKING:
    from tabwarden.report.screen import Pen
    from tabwarden.report.table import Drawable

DONE, ERROR, CHANGES, STOPPED = 0, 1, 2, 3
BAR = 30  # columns of a progress bar
LONG = 100_000  # letters of JSON from which on another library writes it sooner, its loading included
SCREEN = "TABWARDEN_SCREEN"  # set: a pipe is drawn for as a terminal is
PROGRESS = "TABWARDEN_PROGRESS"  # set: how far something long is stands in lines, whoever reads them

Progress = Callable[[int, int], None]


def screen() -> bool:
    """Whether somebody looks at standard output, or wants it as if."""
    return sys.stdout.isatty() or bool(os.environ.get(SCREEN))


def show(*parts: Drawable, style: str = "", now: bool = False) -> None:
    """Lines and tables on standard output, of what is no answer to be handed on. A string is one line of data: nothing
    in it is markup, what would act is an escape, and a pipe gets it uncut. `now` where somebody waits for the line.
    """
    lines: Iterable[str]
    if screen() and (style or not all(isinstance(part, str) for part in parts)):
        from tabwarden.report.screen import drawn
        from tabwarden.report.table import Text

        whole = f"{style} command".strip()  # a token or a path is copied
        some = [Text(part, whole) if isinstance(part, str) else part for part in parts]
        lines = list(drawn(some, pen(sys.stdout)))
    elif all(isinstance(part, str) for part in parts):
        lines = [visible(str(part)) for part in parts]
    else:
        from tabwarden.report.text import tabbed

        lines = list(tabbed(parts, None))
    if lines:
        print(*lines, sep="\n", flush=now)


def emit(lines: Iterable[str], *, paged: bool = False) -> None:
    """Lines that are visible already, on standard output as they come; `paged` where somebody may want a pager."""
    with _paged() if paged else nullcontext(sys.stdout) as file:
        for line in lines:
            file.write(f"{line}\n")


@contextmanager
def _paged() -> Iterator[TextIO]:
    """Where lines of a terminal go: through its pager as soon as they are more than fit, else as they are."""
    pager = os.environ.get("TABWARDEN_PAGER", os.environ.get("PAGER", "" if os.name == "nt" else "less"))
    dumb = os.environ.get("TERM", "dumb") == "dumb"
    if not sys.stdout.isatty() or dumb or pager.strip() in ("", "cat"):
        yield sys.stdout
        return
    lines = _Paged(pager, size().lines - 1)
    try:
        yield lines  # type: ignore[misc]
    except BrokenPipeError:  # whoever reads has read enough
        pass
    finally:
        lines.end()


class _Paged:
    """A file that holds back the first lines and, as soon as there are more than a screen has, feeds a pager."""

    def __init__(self, pager: str, most: int) -> None:
        self.pager, self.most = pager, most
        self.lines: list[str] = []
        self.process: Any = None

    def write(self, words: str) -> None:
        """A line with its end."""
        if self.process is not None:
            self.process.stdin.write(words)
            return
        self.lines.append(words)
        if len(self.lines) > self.most:
            self._start()

    def _start(self) -> None:
        import shlex
        import subprocess

        environment = {"LESS": "FRX", "LV": "-c", **os.environ}
        try:
            self.process = subprocess.Popen(
                shlex.split(self.pager), stdin=subprocess.PIPE, env=environment, text=True, errors="backslashreplace"
            )
        except OSError:  # there is none of that name
            self.most = sys.maxsize
            return
        self.process.stdin.write("".join(self.lines))
        self.lines = []

    def end(self) -> None:
        """What was held back, and the end of the pager."""
        if self.process is None:
            sys.stdout.write("".join(self.lines))
            return
        with suppress(BrokenPipeError):
            self.process.stdin.close()
        self.process.wait()


def pen(file: TextIO, limit: int | None = None, *, bare: bool = False) -> Pen:
    """As wide as the terminal; in colours where somebody looks at them."""
    from tabwarden.report.screen import Pen

    watched = file.isatty() and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"
    if os.name == "nt":  # the old console shows styles as letters
        watched = watched and bool({"WT_SESSION", "TERM", "ANSICON"} & os.environ.keys())
    return Pen(size().columns, watched, "─" if _shows(file, "─") else "-", limit, bare)


def size() -> os.terminal_size:
    from shutil import get_terminal_size  # which loads what unpacks archives

    return get_terminal_size()


def _shows(file: TextIO, strokes: str) -> bool:
    try:
        strokes.encode(file.encoding or "utf-8")
    except (UnicodeEncodeError, LookupError):
        return False
    return True


_bar_shown = [False]  # whether a progress bar stands in the last line of standard error


@contextmanager
def progress_bar(words: str, *, hidden: bool = False) -> Iterator[Progress]:
    """How far something long is, on standard error; it takes (done, of). Not where nobody watches."""
    if os.environ.get(PROGRESS):
        yield _in_lines(words)
        return
    if hidden or not sys.stderr.isatty():
        yield lambda _done, _of: None
        return
    import time

    shown, first = 0.0, (time.monotonic(), 0)

    def progress(done: int, of: int) -> None:
        nonlocal shown, first
        now = time.monotonic()
        first = first if shown else (now, done)  # of what was done before, nobody knows how long it took
        if done == of or now - shown >= 0.1:  # a thousand steps a second are nothing to look at
            shown, _bar_shown[0] = now, True
            width = min(BAR, max(size().columns - len(words) - 42, 5))
            bar = "#" * (width * done // max(of, 1))
            left = time_left(now - first[0], done - first[1], of - done)
            print(f"\r{words} [{bar:{width}}] {done:,} of {of:,} {left:14}", end="", file=sys.stderr, flush=True)

    try:
        yield progress
    finally:
        _wipe_bar()


def _in_lines(words: str) -> Progress:
    """A line a second, which another program reads."""
    import time

    shown = float("-inf")

    def progress(done: int, of: int) -> None:
        nonlocal shown
        if done == of or time.monotonic() - shown >= 1:
            shown = time.monotonic()
            print(f"{words}: {done} of {of}", file=sys.stderr, flush=True)

    return progress


def time_left(took: float, done: int, still: int) -> str:
    """`3 min left` when `done` took so many seconds; nothing in the first seconds, which tell little."""
    if took < 3 or done <= 0 or not still:
        return ""
    left = took / done * still
    return (
        f"{left / 3600:.1f} h left"
        if left >= 5400
        else f"{left / 60:.0f} min left"
        if left >= 90
        else f"{left:.0f} s left"
    )


def _wipe_bar() -> None:
    """The next line begins on a line of its own."""
    if _bar_shown[0]:
        _bar_shown[0] = False
        print(f"\r{'':{size().columns - 1}}\r", end="", file=sys.stderr, flush=True)


def print_json(value: Any) -> None:
    """One JSON document on standard output."""
    print(json_text(value))


def json_text(value: Any) -> str:
    import json

    text = json.dumps(value, ensure_ascii=False, default=str)
    if len(text) < LONG:
        text = json.dumps(value, indent=2, ensure_ascii=False, default=str)
    else:
        from tabwarden.model.codec import indented

        text = indented(text)
    return visible_in_json(text)


def say(words: str) -> None:
    """A line on standard error, beside the result; never in the line of a progress bar."""
    _wipe_bar()
    lines = [visible(words)]
    if sys.stderr.isatty() and len(lines[0]) > size().columns:
        from tabwarden.report.screen import folded

        lines = folded(lines[0], size().columns)
    print(*lines, sep="\n", file=sys.stderr)


def say_error(problem: TabwardenError | str, *, as_json: bool = False, code: int = ERROR) -> None:
    """A problem, on standard error: in words, or where JSON was asked for as a document with the exit code."""
    lines = problem.lines if isinstance(problem, TabwardenError) else (problem,)
    if as_json:
        kind = type(problem).__name__ if isinstance(problem, TabwardenError) else "Unforeseen"
        error = {"kind": kind, "message": lines[0], "more": [line.strip() for line in lines[1:]]}
        _wipe_bar()
        print(json_text({"error": error, "exit_code": code}), file=sys.stderr)
        return
    say(f"tabwarden: {lines[0]}")
    for line in lines[1:]:
        say(line)


def show_what_is_logged(*, requests: bool = False) -> None:
    """Warnings that are logged while no log is open go the way of all that is said, and without a traceback.

    `requests` also shows each request that was sent again, list that was read again and new session.
    """
    import logging

    class Said(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            from tabwarden.scrubber import KNOWN

            say(KNOWN(record.getMessage()))

    logging.lastResort = Said(logging.DEBUG if requests else logging.WARNING)
    logging.getLogger("tabwarden.tableau.http").setLevel(logging.DEBUG if requests else logging.NOTSET)


def confirmed(question: str) -> bool:
    """Whether somebody at a terminal answers yes; nobody is there in a pipe or under cron."""
    if not sys.stdin.isatty():
        return False
    say(f"{question} (yes or no)")
    return input().strip().lower() in ("y", "yes")


def leave(code: int) -> NoReturn:
    """End the command with an exit code."""
    raise SystemExit(code)
