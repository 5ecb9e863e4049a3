"""Wrong inputs of every kind for the whole command, as many as one likes, and what came of them.

`python tests/support/fuzz.py --inputs 100000` prints a tally by kind; `--kinds settings,lists`, `--from 5000` and
`--keep` (each input that fails becomes a seed in tests/fuzzed/seeds) say the rest. The tests run ten thousand.
"""

from __future__ import annotations

import argparse
import os
import re
import resource
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

from fuzzing.desk import Desk, opened, random_of
from fuzzing.inputs import Input, smaller
from fuzzing.kinds import KINDS
from fuzzing.laws import broken
from paths import TESTS

SEEDS = TESTS / "fuzzed" / "seeds"
WHOLE = sum(share for generators in KINDS.values() for share, _ in generators)
MUCH = 300 << 10  # KiB by which the process may grow by one input


class Failure(NamedTuple):
    """An input that broke a law, and how."""

    input: Input
    words: str
    number: int = 0


def inputs_of(kind: str, count: int, start: int, desk: Desk) -> Iterator[Input]:
    """So many of a kind, from a number on: always the same ones on the same desk."""
    generators = [generator for share, generator in KINDS[kind] for _ in range(share // 10)]
    for number in range(start, start + count):
        random = random_of(kind, number)
        yield random.choice(generators)(random, desk)


def shares(total: int, kinds: Iterable[str] = KINDS) -> dict[str, int]:
    """How many of each kind so many inputs are."""
    return {kind: max(1, round(total * sum(share for share, _ in KINDS[kind]) / WHOLE)) for kind in kinds}


def tried(one: Input, desk: Desk, after: Callable[[], object] = str) -> str:
    """What law the input breaks; empty where none. The desk is clean again. `after` is called before it is judged."""
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    try:
        try:
            ended = desk.lay(one)
        finally:
            after()
        words = broken(one, ended, desk)
    finally:
        desk.replay.live = True
        desk.clean()
    grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    return words or (f"it takes {grown >> 10} MB" if grown > MUCH else "")


def smallest(failure: Failure, desk: Desk) -> Failure:
    """The same failure with as few edits as it needs."""
    for one in smaller(failure.input):
        if words := tried(one, desk):
            return smallest(Failure(one, words), desk)
    return failure


def run(desk: Desk, kind: str, count: int, start: int = 0) -> tuple[list[Failure], Counter[int]]:
    """The failures of so many inputs of a kind, and how often each exit code."""
    failures, codes = [], Counter[int]()
    for number, one in enumerate(inputs_of(kind, count, start, desk), start):
        words = tried(one, desk)
        codes[desk.last_code] += 1
        if words:
            failures.append(Failure(one, words, number))
    return failures, codes


def main() -> int:
    parser = argparse.ArgumentParser(description="wrong inputs of every kind")
    parser.add_argument("--inputs", type=int, default=WHOLE)
    parser.add_argument("--kinds", default=",".join(KINDS))
    parser.add_argument("--from", type=int, default=0, dest="start")
    parser.add_argument("--keep", action="store_true")
    given = parser.parse_args()
    os.nice(5)
    total = failed = 0
    with tempfile.TemporaryDirectory() as folder, opened(Path(folder)) as desk:
        for kind, count in shares(given.inputs, given.kinds.split(",")).items():
            began = time.process_time()
            failures, codes = run(desk, kind, count, given.start)
            seconds = time.process_time() - began
            told = ", ".join(f"{number} with {code}" for code, number in sorted(codes.items()))
            print(f"{kind:12} {count:7,} inputs, {len(failures):3} failed, {seconds:5.0f} s; ended {told}", flush=True)
            for failure in failures[:40]:
                print(f"  {kind} {failure.number}: {' '.join(map(ascii, failure.input.words))}: {failure.words}")
            if given.keep:
                keep(failures, desk)
            total, failed = total + count, failed + len(failures)
    print(f"{total:,} inputs, {failed} failed")
    return min(failed, 1)


def keep(failures: Iterable[Failure], desk: Desk) -> None:
    """Each way of failing once, as a seed."""
    ways: dict[str, Failure] = {}
    for failure in failures:
        ways.setdefault(re.sub(r"[\W\d]+", " ", failure.words)[:70], failure)
    for failure in ways.values():
        one = smallest(failure, desk).input
        SEEDS.mkdir(parents=True, exist_ok=True)
        (SEEDS / f"{one.kind}-{failure.number}.json").write_text(one.to_json(), encoding="utf-8")


if __name__ == "__main__":
    sys.exit(main())
