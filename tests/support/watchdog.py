"""How long a test waits before it gives up: far longer than anything takes, and longer still on a busy machine."""

from __future__ import annotations

import time

# What `_unit` takes on a quiet machine, in seconds of the wall; only its order of magnitude matters.
QUIET = 0.02
# A watchdog is no measurement: a test that hangs is ended, one that is slow is not.
GENEROUS = 4.0
_measured: tuple[float, float] = (0.0, 1.0)


def patience(seconds: float) -> float:
    """`seconds` as they would be on a quiet machine, scaled by how slow this one is just now."""
    global _measured
    when, slowness = _measured
    if time.monotonic() - when > 5:
        slowness = max(1.0, _unit() / QUIET)
        _measured = (time.monotonic(), slowness)
    return seconds * GENEROUS * slowness


def _unit() -> float:
    start = time.monotonic()
    sum(number * number for number in range(300_000))
    return time.monotonic() - start
