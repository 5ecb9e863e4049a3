"""What every command shares: exit codes, one way to fail, one way to print JSON. No command of its own."""

from __future__ import annotations

import functools
import json
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Annotated, Any, NoReturn, ParamSpec, TypeVar

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from tabwarden.model.errors import TabwardenError

DONE, ERROR, CHANGES, STOPPED = 0, 1, 2, 3

P = ParamSpec("P")
R = TypeVar("R")

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON for machines instead of text.")]


def console() -> Console:
    """Where people read results: standard output, as wide as the terminal, never cutting words in a pipe."""
    out = Console(highlight=False, soft_wrap=False)
    if not out.is_terminal:
        out = Console(highlight=False, width=max(out.width, 160))
    return out


@contextmanager
def progress_bar(words: str, *, hidden: bool = False) -> Iterator[Callable[[int, int], None]]:
    """A bar on standard error while something long goes on; it takes (done, of). Not where nobody watches."""
    err = Console(stderr=True, highlight=False)
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=err, transient=True, disable=hidden or not err.is_terminal) as bar:
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
    print(json.dumps(value, indent=2, ensure_ascii=False, default=str))


def say_error(message: str) -> None:
    """A problem, on standard error."""
    Console(stderr=True, highlight=False, soft_wrap=True, markup=False, emoji=False).print(f"tabwarden: {message}")


def leave(code: int) -> NoReturn:
    """End the command with an exit code."""
    raise typer.Exit(code)


def fail_cleanly(command: Callable[P, R]) -> Callable[P, R]:
    """A TabwardenError becomes its message on standard error and exit code 1; anything else stays a traceback."""

    @functools.wraps(command)
    def guarded(*args: P.args, **kwargs: P.kwargs) -> R:
        try:
            return command(*args, **kwargs)
        except TabwardenError as error:
            say_error(str(error))
            raise typer.Exit(ERROR) from None
        except BrokenPipeError:
            sys.stderr.close()
            raise typer.Exit(DONE) from None

    return guarded
