"""When a clock may be believed that says that something is old enough to be deleted."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from itertools import pairwise

JUMP = timedelta(days=1)
USUAL, LAST = 1.5, 10  # so many times the longest pause between the last runs, as of a weekend, is no jump
AHEAD = 300.0  # seconds by which this machine and a server may differ


def doubt(known: Sequence[datetime], now: datetime) -> str:
    """Why nothing may be deleted by what the clock says `now`; empty where there is no doubt.

    `known` are the times of earlier runs, rising. Where there is no doubt, what was old at the last of them may go:
    so a clock that is wrong once deletes nothing, in that run or by it.
    """
    if not known:
        return ""
    jump = now - known[-1]
    pauses = [later - earlier for earlier, later in pairwise(known[-LAST:])]
    usual = max(pauses, default=JUMP) * USUAL
    if jump < timedelta():
        return f"the clock says {_told(now)}, and the last run was at {_told(known[-1])}: is the clock behind?"
    if jump > max(JUMP, usual):
        return f"the last run was at {_told(known[-1])}, long before {_told(now)}: is the clock ahead?"
    return ""


def doubt_beside(ahead: float | None) -> str:
    """The same, of a clock that is so many seconds ahead of the server's; None where the server told no time."""
    if ahead is None or abs(ahead) <= AHEAD:
        return ""
    way = "ahead of" if ahead > 0 else "behind"
    return f"the clock here is {timedelta(seconds=round(abs(ahead)))} {way} the server's; set it right"


def _told(moment: datetime) -> str:
    return f"{moment:%Y-%m-%d %H:%M}"
