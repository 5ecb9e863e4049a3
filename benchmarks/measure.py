"""Timing side by side: ours and a peer take turns on the same questions. Not the questions."""

from __future__ import annotations

import gc
import resource
import statistics
import time
import tracemalloc
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import NamedTuple, TypeVar

import numpy as np

Asked = TypeVar("Asked")

# The rate of the machine on which the peers' own figures were taken (`anchor` below), bytes a second.
ANCHOR_RATE = 11.9e9


class Line(NamedTuple):
    """One line of the table. `ours` and `theirs` are in `unit`; `bar` is what is asked for in words ("": not judged).

    `memory` is what one question of ours takes at most beside the index, in bytes; `limit` the seconds that the bytes
    it cannot help touching take at the measured rate.
    """

    question: str
    site: str
    peer: str
    ours: float
    theirs: float | None
    ratio: float | None
    bar: str
    verdict: str
    memory: int | None = None
    limit: float | None = None
    note: str = ""
    unit: str = "s"


class Cost(NamedTuple):
    """What is told of a question beside its time: bytes taken, bytes that have to be touched, a remark."""

    memory: int | None = None
    touched: float | None = None
    note: str = ""


_NO_COST = Cost()


@dataclass(frozen=True)
class Judge:
    """Makes lines: `rate` is the measured OR bandwidth; `judged` whether the bars hold for this run."""

    rate: float
    judged: bool

    def line(
        self,
        question: str,
        site: str,
        peer: str,
        times: tuple[float, float],
        least: float | None = None,
        *,
        anchor: float | None = None,
        cost: Cost = _NO_COST,
    ) -> Line:
        """A peer more than twice slower than its anchor, scaled by the machine's rate, makes the line void."""
        ours, theirs = times
        ratio, bar, verdict = theirs / ours, "", ""
        if self.judged and least is not None:
            bar, verdict = f"at least {least:g}x", "held" if ratio >= least else "MISSED"
            if anchor is not None and theirs > 2 * anchor * max(ANCHOR_RATE / self.rate, 1.0):
                verdict = "void: the peer was slow"
        limit = None if cost.touched is None else cost.touched / self.rate
        return Line(question, site, peer, ours, theirs, ratio, bar, verdict, cost.memory, limit, cost.note)

    def limit(
        self, question: str, site: str, unit: str, value: float, most: float | None, *, cost: Cost = _NO_COST
    ) -> Line:
        """A line without a peer that must stay below a limit (None: not judged), both in `unit`."""
        bar, verdict = "", ""
        if self.judged and most is not None:
            bar, verdict = f"at most {most:g} {unit}", "held" if value <= most else "MISSED"
        return Line(question, site, "", value, None, None, bar, verdict, cost.memory, None, cost.note, unit)

    def floor(self, question: str, site: str, times: tuple[float, float], most: float, *, cost: Cost = Cost()) -> Line:  # noqa: B008
        """A line against the time its bytes take to be OR-ed, taken by turns: `times` are ours and that."""
        ours, floor = times
        bar, verdict = "", ""
        if self.judged:
            bar, verdict = f"at most {most:g}x the limit", "held" if ours <= most * floor else "MISSED"
        return Line(
            question, site, "byte limit", ours, floor, ours / floor, bar, verdict, cost.memory, floor, cost.note
        )


def in_turn(
    ours: Callable[[], object], theirs: Callable[[], object], rounds: int, many: int = 1
) -> tuple[float, float]:
    """Median seconds for one of `many` questions: A B A B, so that neither finds the caches warmer."""
    taken: tuple[list[float], list[float]] = ([], [])
    gc.collect()
    gc.freeze()
    for _ in range(rounds):
        for ask, times in zip((ours, theirs), taken, strict=True):
            start = time.perf_counter()
            ask()
            times.append((time.perf_counter() - start) / many)
    gc.unfreeze()
    return statistics.median(taken[0]), statistics.median(taken[1])


def alone(ask: Callable[[], object], rounds: int = 3) -> float:
    """Median seconds of one question without a peer."""
    taken = []
    for _ in range(rounds):
        start = time.perf_counter()
        ask()
        taken.append(time.perf_counter() - start)
    return statistics.median(taken)


class Turns(NamedTuple):
    """Seconds of one question: ours and theirs in batches by turns, and ours alone right after one of theirs."""

    ours: float
    theirs: float
    cold: float

    @property
    def times(self) -> tuple[float, float]:
        return self.ours, self.theirs


def each_in_turn(asked: Sequence[Asked], ours: Callable[[Asked], object], theirs: Callable[[Asked], object]) -> Turns:
    """The same questions to both, all of ours, all of theirs, nine times; then one by one. Answers are let go."""

    def all_of(ask: Callable[[Asked], object]) -> Callable[[], None]:
        def run() -> None:
            for question in asked:
                ask(question)

        return run

    times = in_turn(all_of(ours), all_of(theirs), 9, len(asked))
    cold = []
    for question in asked[:8]:
        theirs(question)
        start = time.perf_counter()
        ours(question)
        cold.append(time.perf_counter() - start)
    return Turns(*times, float(np.median(cold)))


# -- memory and bytes -----------------------------------------------------------------------------------------


def memory_of(ask: Callable[[], object]) -> int:
    """Bytes that are held at most while a question is answered, its answer included, beyond what was there.

    It is asked once before, so that indexes made on first use are there.
    """
    ask()
    tracemalloc.start()
    try:
        before = tracemalloc.get_traced_memory()[0]
        tracemalloc.reset_peak()
        ask()
        return tracemalloc.get_traced_memory()[1] - before
    finally:
        tracemalloc.stop()


def or_bandwidth(megabytes: int = 128) -> float:
    """Bytes a second of `a | b` into a third array, all in memory, on one thread: three streams."""
    a, b, out = (np.ones(megabytes << 17, np.uint64) for _ in range(3))
    seconds = min(alone(lambda: np.bitwise_or(a, b, out), 1) for _ in range(7))
    return 3 * a.nbytes / seconds


class Oring:
    """Touches so many bytes by `a | b` into a third array, again and again the same three; call it to time it."""

    def __init__(self, count: int, megabytes: int = 128) -> None:
        self.a, self.b, self.out = (np.ones(megabytes << 17, np.uint64) for _ in range(3))
        self.times, self.rest = divmod(count // 24, len(self.a))

    def __call__(self) -> None:
        for _ in range(self.times):
            np.bitwise_or(self.a, self.b, self.out)
        np.bitwise_or(self.a[: self.rest], self.b[: self.rest], self.out[: self.rest])


def peak_memory() -> float:
    """Bytes of memory this process has held at most."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024.0
