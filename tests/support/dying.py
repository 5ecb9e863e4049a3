"""Applies a plan in children that die: a program of its own, single-threaded, so that forking is safe.

    dying.py chain SETTINGS PLAN                  each child dies at the next position of the journal
    dying.py kill SETTINGS PLAN SEED TIMES        each child is killed with SIGKILL at some moment
    dying.py requests SETTINGS PLAN SEED MOST     each child dies after up to so many requests that write
    dying.py at SETTINGS PLAN POSITION HOW        one child dies there; a second one goes on

Prints how many children died; the last one comes to the end, else the exit code is not 0.
"""

from __future__ import annotations

import gc
import os
import random
import signal
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any
from xml.etree.ElementTree import Element

import filelock  # noqa: F401

import tabwarden.run.apply as applying
import tabwarden.tableau.http.transport  # noqa: F401  as filelock: else each child loads it anew
from tabwarden.run.context import Context, connected
from tabwarden.run.plans import load_plan
from tabwarden.settings import Settings, load
from tabwarden.store.journal import ChangeResult, Journal, path_of
from tabwarden.tableau.http.connection import Connection

DIED = 77
AFTER_BEGIN, BEFORE_END, TORN_END, AFTER_END = "after-begin", "before-end", "torn-end", "after-end"
# After BEFORE_END and TORN_END the request was sent and nobody wrote so; after AFTER_BEGIN it was not sent.
# Each way ends in a line of the journal being the last one, and the next way in the line after it.
WAYS = (BEFORE_END, AFTER_END, TORN_END, AFTER_END, AFTER_BEGIN, AFTER_END)


class Dying(Journal):
    """A journal whose process ends `how`, at the end or beginning number `left` from now."""

    left, how = 0, ""

    def begin(self, positions: Sequence[int]) -> None:
        super().begin(positions)
        Dying.left -= 1
        if Dying.left <= 0 and Dying.how == AFTER_BEGIN:
            os._exit(DIED)

    def end(self, entries: Sequence[ChangeResult]) -> None:
        due = Dying.left <= 0
        if due and Dying.how == BEFORE_END:
            os._exit(DIED)
        if due and Dying.how == TORN_END:
            os.write(self._file.fileno(), b'{"end": [[1, "don')
            os._exit(DIED)
        super().end(entries)
        if due and Dying.how == AFTER_END:
            os._exit(DIED)


def apply(settings: Settings, plan_file: Path) -> int:
    """As the command does; the exit code."""
    with connected(settings) as connection:
        applied = applying.apply(load_plan(plan_file), connection, applying.terms_of(Context(settings, connection)))
    if applied.succeeded:
        return 0
    print(applied.stops, applied.broken_off, applied.not_done[:2], file=sys.stderr, flush=True)
    return 1


def forked(settings: Settings, plan_file: Path, left: int = 0, how: str = "") -> int:
    """A child that applies; its process id."""
    pid = os.fork()
    if pid:
        return pid
    code = 1
    try:
        Dying.left, Dying.how = left, how
        applying.Journal = Dying  # type: ignore[misc]
        code = apply(settings, plan_file)
    finally:
        os._exit(code)


def ended(pid: int) -> int:
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


def has_ended(pid: int) -> bool:
    return os.waitid(os.P_PID, pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is not None


def chain(settings: Settings, plan_file: Path) -> tuple[int, int]:
    """Every position of the journal in turn, in every way; how many died, and the last one's exit code."""
    died = 0
    while True:
        how = WAYS[died % len(WAYS)]
        code = ended(forked(settings, plan_file, 0 if how == AFTER_END else 1, how))
        if code != DIED:
            return died, code
        died += 1


def kill(settings: Settings, plan_file: Path, seed: int, times: int) -> tuple[int, int]:
    """Children killed when the journal has grown by a random number of bytes; then one that may live."""
    chance = random.Random(seed)
    path = path_of(settings.store.folder, load_plan(plan_file).id)
    killed = 0
    for _ in range(times):
        pid = forked(settings, plan_file)
        goal = size_of(path) + chance.randrange(60, 900)
        while size_of(path) < goal and not has_ended(pid):
            time.sleep(chance.uniform(0.0, 0.002))
        os.kill(pid, signal.SIGKILL)
        killed += ended(pid) == -signal.SIGKILL
    return killed, ended(forked(settings, plan_file))


def requests(settings: Settings, plan_file: Path, seed: int, most: int) -> tuple[int, int]:
    """Children that die after 1 to `most` writes, until one comes to its end."""
    chance, call = random.Random(seed), Connection.call
    died = 0
    while True:
        left = chance.randrange(1, most + 1)

        def counting(connection: Connection, method: str, path: str, **more: Any) -> Element | None:
            nonlocal left
            answer = call(connection, method, path, **more)
            left -= method != "GET"
            if not left:
                os._exit(DIED)
            return answer

        Connection.call = counting  # type: ignore[method-assign]
        code = ended(forked(settings, plan_file))
        if code != DIED:
            return died, code
        died += 1


def at(settings: Settings, plan_file: Path, position: int, how: str) -> tuple[int, int]:
    code = ended(forked(settings, plan_file, position, how))
    return int(code == DIED), ended(forked(settings, plan_file)) if code == DIED else code


def size_of(path: Path) -> int:
    return path.stat().st_size if path.exists() else 0


def main(words: Sequence[str]) -> int:
    gc.freeze()  # children share what is loaded instead of copying it
    settings, plan_file = load(Path(words[1]), dict(os.environ)), Path(words[2])
    load_plan(plan_file)  # what the codec makes of the types once is not made in each child
    if words[0] == "chain":
        died, code = chain(settings, plan_file)
    elif words[0] == "requests":
        died, code = requests(settings, plan_file, int(words[3]), int(words[4]))
    elif words[0] == "kill":
        died, code = kill(settings, plan_file, int(words[3]), int(words[4]))
    else:
        died, code = at(settings, plan_file, int(words[3]), words[4])
    print(died)
    return code


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
