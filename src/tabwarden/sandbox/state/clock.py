"""What the sandbox takes for the time: any clock, which can be turned forward."""

from __future__ import annotations

from collections.abc import Callable

Clock = Callable[[], float]
"""Seconds since 1970."""


class TurnedClock:
    """Another clock, as far ahead of it as it was turned forward; never back."""

    def __init__(self, within: Clock) -> None:
        self._within = within
        self._ahead = 0.0

    def __call__(self) -> float:
        """The present moment."""
        return self._within() + self._ahead

    def forward(self, seconds: float) -> None:
        """Turn it forward: tokens grow old, jobs come due, the hour of the cap passes."""
        if seconds < 0:
            raise ValueError(f"a clock is not turned back, not by {-seconds:g} seconds")
        self._ahead += seconds
