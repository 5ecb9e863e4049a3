"""Timing side by side: ours and a peer take turns on the same questions. Not the questions."""

from __future__ import annotations

import gc
import resource
import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

# What `docs/explanation/performance.md` calls the rate of the machine the anchors were taken on, bytes a second.
ANCHOR_RATE = 11.9e9


class Line(NamedTuple):
    """One line of the table; `least` is the ratio asked for (None: not judged), seconds are for one question."""

    question: str
    site: str
    peer: str
    ours: float
    theirs: float | None
    ratio: float | None
    least: float | None
    verdict: str
    note: str = ""


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
        note: str = "",
    ) -> Line:
        """A peer more than twice slower than its anchor, scaled by the machine's rate, makes the line void."""
        ours, theirs = times
        ratio = theirs / ours
        verdict = ""
        if self.judged and least is not None:
            verdict = "held" if ratio >= least else "MISSED"
            if anchor is not None and theirs > 2 * anchor * max(ANCHOR_RATE / self.rate, 1.0):
                verdict = "void: the peer was slow"
        return Line(question, site, peer, ours, theirs, ratio, least if self.judged else None, verdict, note)

    def limit(self, question: str, site: str, what: str, value: float, most: float, note: str = "") -> Line:
        """A line that must stay below a limit, in seconds or times a floor (`what` says which)."""
        verdict = ("held" if value <= most else "MISSED") if self.judged else ""
        return Line(question, site, what, value, None, None, None, verdict, f"at most {most:g}; {note}".rstrip("; "))


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


def or_bandwidth(megabytes: int = 128) -> float:
    """Bytes a second of `a | b` into a third array, all in memory, on one thread: three streams."""
    a, b, out = (np.ones(megabytes << 17, np.uint64) for _ in range(3))
    seconds = min(alone(lambda: np.bitwise_or(a, b, out), 1) for _ in range(7))
    return 3 * a.nbytes / seconds


def peak_memory() -> float:
    """Bytes of memory this process has held at most."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024.0
