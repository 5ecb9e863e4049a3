"""Which snapshots of the history stay, and letting go of the others.

What was true in a snapshot that goes is moved to the next that stays: nothing of those that stay changes.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from itertools import groupby
from typing import NamedTuple

from tabwarden import clocks
from tabwarden.model.tables import grouped
from tabwarden.store.database import Connection, chunks, marks
from tabwarden.store.history import History
from tabwarden.store.snapshots import Snapshot


class Retention(NamedTuple):
    """Every snapshot for so many days, then the last of each day, then the last of each month; all in days.

    After `most_days` none, where that is given; the newest of a site always stays.
    """

    every_days: int = 30
    daily_days: int = 365
    most_days: int | None = None


def thin(history: History, retention: Retention, taken: Snapshot, doubt: str = "") -> str:
    """Let go of what the retention did not hold any more when the read before `taken` was made.

    Returns why nothing went, where the time cannot be believed: `doubt`, or a jump from the reads before.
    """
    chains: dict[int, list[Snapshot]] = defaultdict(list)
    for snapshot in history.snapshots():
        chains[snapshot.site].append(snapshot)
    times = [datetime.fromisoformat(s.taken) for s in chains[taken.site] if s.taken and s.number < taken.number]
    if not times or not taken.taken:
        return doubt
    doubt = doubt or clocks.doubt(times, datetime.fromisoformat(taken.taken))
    if not doubt:
        gone = [snapshot.number for chain in chains.values() for snapshot in superfluous(chain, retention, times[-1])]
        forget(history, gone)
    return doubt


def superfluous(chain: Sequence[Snapshot], retention: Retention, today: datetime) -> list[Snapshot]:
    """Those of one chain, in their order, that the retention does not hold."""
    newest_of: dict[tuple[str, str], int] = {}
    for snapshot in chain:
        newest_of[_period(snapshot, retention, today)] = snapshot.number
    stay = {number for (period, _), number in newest_of.items() if period} | {chain[-1].number}
    return [snapshot for snapshot in chain if snapshot.number not in stay]


def _period(snapshot: Snapshot, retention: Retention, today: datetime) -> tuple[str, str]:
    """Of each period one stays; of '' none."""
    if not snapshot.taken:
        return "every", str(snapshot.number)
    age = today - datetime.fromisoformat(snapshot.taken)
    if age <= timedelta(days=retention.every_days):
        return "every", str(snapshot.number)
    if retention.most_days is not None and age > timedelta(days=retention.most_days):
        return "", ""
    daily = age <= timedelta(days=retention.daily_days)
    return ("day", snapshot.taken[:10]) if daily else ("month", snapshot.taken[:7])


def forget(history: History, numbers: Iterable[int]) -> None:
    """Take these snapshots out of the history."""
    gone = frozenset(numbers)
    if not gone:
        return
    chains = grouped((snapshot.site, snapshot.number) for snapshot in history.snapshots())
    with history.database.writing() as connection:
        for chain in chains.values():
            for leaving, run in groupby(chain, key=gone.__contains__):
                if leaving:
                    some = list(run)
                    _move(connection, some, next((n for n in chain if n > some[-1]), None))
        for some in chunks(gone):
            connection.run(f"delete from snapshot where number in {marks(some)}", *some)
        # Bodies that nothing is any more.
        connection.run("delete from body where hash not in (select body from version)")


def _move(connection: Connection, leaving: Sequence[int], to: int | None) -> None:
    """Neighbours that go, and the next that stays. Without one what began with them never was, what ended goes on."""
    if to is None:
        for some in chunks(leaving):
            connection.run(f"delete from version where since in {marks(some)}", *some)
            connection.run(f"update version set until = null where until in {marks(some)}", *some)
        return
    for some in chunks(leaving):
        connection.run(f"delete from version where since in {marks(some)} and until <= ?", *some, to)
    for some in chunks(leaving):
        connection.run(f"update version set since = ? where since in {marks(some)}", to, *some)
        connection.run(f"update version set until = ? where until in {marks(some)}", to, *some)
