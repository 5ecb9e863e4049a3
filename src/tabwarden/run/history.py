"""The history of a store: keeping a read in it, finding a snapshot by number or day. Not what is asked of it.

The database is loaded when it is first needed: SQLAlchemy takes longer than most commands.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from tabwarden.model.errors import UnknownName
from tabwarden.model.site import Site
from tabwarden.settings import ENCRYPTED, PLAIN, Settings, load
from tabwarden.store import snapshot

if TYPE_CHECKING:
    from tabwarden.store.history import History, Kept

DEFAULT_STORE = ".tabwarden"
LAST, PREVIOUS = "last", "previous"
DAYS = {"today": 0, "yesterday": 1}
_DAY = re.compile(r"\d{4}-\d\d-\d\d")


def store_of(settings: Settings) -> str:
    """Where the history of these settings is: a URL, or a folder."""
    url = settings.store.url
    return url.get_secret_value() if url is not None else str(settings.store.folder)


def store_named(words: str | None) -> str:
    """The store of `--store`, else of the settings in this folder, else the default folder."""
    if words:
        return words
    if any(Path(name).exists() for name in (PLAIN, ENCRYPTED)):
        return store_of(load(None, os.environ))
    return DEFAULT_STORE


@contextmanager
def opened(store: str, *, must_exist: bool = True) -> Iterator[History]:
    """The history of a store; UnknownName where nothing was ever kept (`must_exist`)."""
    from tabwarden.store.database import FILE
    from tabwarden.store.history import History

    if must_exist and "://" not in store and not (Path(store) / FILE).is_file():
        raise UnknownName(f"there is no history in `{store}` yet: take a snapshot with `tabwarden read`")
    with History(store) as history:
        yield history


def keep(settings: Settings, site: Site, projects: Sequence[str] = ()) -> Kept:
    """Keep a read in the history, and let go of what the retention lets go of.

    A read of some projects only is a history of its own: what it left out is not gone.
    """
    from tabwarden.store.retention import Retention, thin

    kept_days = settings.store.retention
    with opened(store_of(settings), must_exist=False) as history:
        kept = history.keep(site, f"projects {', '.join(sorted(projects))}" if projects else None)
        thin(history, Retention(kept_days.every_days, kept_days.daily_days, kept_days.most_days), kept.taken)
        return kept


# -- finding ---------------------------------------------------------------------------------------------------


def of_site(history: History, site: str | None = None) -> tuple[Kept, ...]:
    """The snapshots of one site in their order: of the whole of it where there are such.

    UnknownName where there are none, or of several sites and none was named (`site` is a content URL).
    """
    found = history.snapshots(site)
    if not found:
        of = f" of site `{site}`" if site is not None else ""
        raise UnknownName(f"there is no snapshot{of} in the history: take one with `tabwarden read`")
    whole = [kept for kept in found if not kept.scope] or list(found)
    chains = {kept.site: kept for kept in whole}
    if len(chains) > 1 and len({(kept.where, kept.content_url, kept.site_id) for kept in chains.values()}) > 1:
        named = ", ".join(sorted({f"`{kept.content_url}` on `{kept.where}`" for kept in chains.values()}))
        raise UnknownName(f"the history holds several sites; say which with --site: {named}")
    newest = whole[-1].site
    return tuple(kept for kept in whole if kept.site == newest)


def snapshot_of(history: History, words: str, site: str | None = None, now: datetime | None = None) -> Kept:
    """The snapshot somebody means: a number, `last`, `previous`, `today`, `yesterday`, a day or a time (UTC).

    A day is its end, a time itself: the newest snapshot that was taken by then. UnknownName where there is none.
    """
    asked = words.strip()
    if re.fullmatch(r"#?\d{1,9}", asked):
        return history.snapshot(int(asked.removeprefix("#")))
    kept = of_site(history, site)
    if asked in (LAST, PREVIOUS):
        if asked == PREVIOUS and len(kept) < 2:
            raise UnknownName("there is one snapshot in the history, and none before it")
        return kept[-1 if asked == LAST else -2]
    until = moment(asked, now or datetime.now(UTC))
    found = [one for one in kept if one.taken and _time(one.taken) < until]
    if not found:
        raise UnknownName(f"no snapshot was taken by `{asked}`; the first is {kept[0].words}")
    return found[-1]


def moment(words: str, now: datetime) -> datetime:
    """The time before which a snapshot must have been taken; UnknownName where the words are no day and no time."""
    if words in DAYS:
        words = (now - timedelta(days=DAYS[words])).date().isoformat()
    try:
        if _DAY.fullmatch(words):
            return datetime.fromisoformat(words).replace(tzinfo=UTC) + timedelta(days=1)
        return _time(words) + timedelta(microseconds=1)
    except ValueError:
        raise UnknownName(
            f"`{words}` is no snapshot's folder, and no number, day (2026-11-21), time (2026-11-21T18:00Z), `last`, "
            "`previous`, `today` or `yesterday`"
        ) from None


def _time(words: str) -> datetime:
    found = datetime.fromisoformat(words.replace("Z", "+00:00"))
    return found if found.tzinfo else found.replace(tzinfo=UTC)


def open_either(words: str | Path, store: str | None = None, site: str | None = None) -> Site:
    """The Site of a snapshot's folder, else of the snapshot of the history that is meant."""
    try:
        is_folder = Path(words).is_dir() or isinstance(words, Path) or "/" in words
    except OSError:  # longer than any file name
        is_folder = False
    if is_folder:
        return snapshot.load(words)
    moment_or_number(str(words))
    with opened(store_named(store)) as history:
        return history.open(snapshot_of(history, str(words), site).number)


def moment_or_number(words: str) -> None:
    """UnknownName for words that can mean no snapshot, before a database is asked."""
    if words not in (LAST, PREVIOUS) and not re.fullmatch(r"#?\d{1,9}", words):
        moment(words, datetime.now(UTC))
