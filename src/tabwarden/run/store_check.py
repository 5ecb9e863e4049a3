"""Everything that a store holds, against its digests: what is whole, what is damaged, what can be made anew."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

from tabwarden.model.errors import TabwardenError
from tabwarden.plan.plan import SiteIdentity
from tabwarden.run import history
from tabwarden.run.plans import PLANS, kept_plans, load_plan
from tabwarden.store import beside, journal, rosters
from tabwarden.store.history import History
from tabwarden.store.snapshots import Snapshot
from tabwarden.store.usage import days

ANY_SITE = SiteIdentity("", "", "", "")


class Checked(NamedTuple):
    """One thing of a store: `problem` is empty where it is whole; `mended` where that was put right."""

    what: str
    problem: str = ""
    mended: bool = False


def check(store: str, *, repair: bool = False) -> Iterator[Checked]:
    """Every part of the store, in turn; with `repair` what is derived from others is made anew where it is damaged."""
    with history.opened(store) as history_:
        snapshots: tuple[Snapshot, ...] = ()
        try:
            snapshots = history_.snapshots()
        except TabwardenError as error:
            yield Checked("the list of snapshots", str(error))
        yield _checked(f"the history, {len(snapshots)} snapshots", history_.check)
        for snapshot in snapshots:
            yield _checked(snapshot.words, history_.open, snapshot.number)
        if "://" in store:
            return
        yield from _columns(history_, Path(store), snapshots, repair=repair)
    for path in sorted((Path(store) / PLANS).glob("*.json")):
        yield _checked(f"plan {path.stem}", load_plan, path)
    yield _checked("the list of plans", kept_plans, Path(store))
    for path in sorted((Path(store) / journal.JOURNALS).glob("*.jsonl")):
        yield _checked(f"journal {path.stem}", _journal, path)
    yield _checked("the journals begun last", journal.check_last, Path(store))
    yield _checked("rows of the last good runs", journal.last_good_rows, Path(store), ANY_SITE)
    for path in sorted((Path(store) / rosters.ROSTERS).glob("*.json")):
        yield _checked(f"roster {path.stem}", rosters.read, path)
    for path in sorted((Path(store) / days.USAGE).glob("*/*.jsonl")):
        yield _checked(f"use of {path.stem}", days.read, path)
    for path in sorted((Path(store) / days.ACTIVITY).glob("*/*.jsonl")):
        yield _checked(f"activity of {path.stem}", days.read_activity, path)


def _checked(what: str, reads: Callable[..., object], *words: object) -> Checked:
    try:
        reads(*words)
    except TabwardenError as error:
        return Checked(what, str(error))
    except OSError as error:
        return Checked(what, f"cannot be read: {(error.strerror or 'unreadable').lower()}; see to its rights")
    return Checked(what)


def _journal(path: Path) -> None:
    if not journal.read(path).plan:
        raise TabwardenError(
            "it is empty or cut off; put it back from a backup, or delete it if nothing of it was done"
        )


def _columns(history_: History, store: Path, snapshots: tuple[Snapshot, ...], *, repair: bool) -> Iterator[Checked]:
    """Columns are made of snapshots: they can be made anew as long as those are whole."""
    for snapshot in snapshots:
        if not beside.is_there(store, snapshot) or beside.opened(store, snapshot) is not None:
            continue
        what = f"columns of {snapshot.words}"
        if not repair:
            yield Checked(what, "are damaged or of another release; `tabwarden store check --repair` makes them anew")
        else:
            yield Checked(what, "were damaged", mended=beside.keep(store, snapshot, history_.open(snapshot.number)))
