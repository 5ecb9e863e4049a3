"""The history of a store: keeping a read in it, finding a snapshot by number or day."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from fnmatch import fnmatchcase
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tabwarden.model.errors import UnknownName
from tabwarden.model.names import hint, same, some
from tabwarden.model.resolver import meant
from tabwarden.model.site import Site
from tabwarden.model.tables import grouped
from tabwarden.places import VARIABLE, located
from tabwarden.safe_files import read_text
from tabwarden.store import beside, snapshot
from tabwarden.store.snapshots import Listing, Snapshot, listed

if TYPE_CHECKING:
    from tabwarden.settings import Settings, Store
    from tabwarden.store.history import History

LAST, PREVIOUS = "last", "previous"
DEFAULT_FOLDER = ".tabwarden"
PREFIX, NO_SETTINGS = "TABWARDEN_", ("TABWARDEN_KEY", "TABWARDEN_KEY_FILE", VARIABLE)
TEXT_TAG, NULL_TAG = "tag:yaml.org,2002:str", "tag:yaml.org,2002:null"
PLAIN_TAGS = {TEXT_TAG, NULL_TAG, *(f"tag:yaml.org,2002:{kind}" for kind in ("bool", "int", "float", "map", "seq"))}
DAYS = {"today": 0, "yesterday": 1}
_DAY = re.compile(r"\d{4}-\d\d-\d\d")
_NUMBER = re.compile(r"#?\d{1,9}")


def store_of(settings: Settings) -> str:
    """Where the history of these settings is: a URL, or a folder."""
    return _words_of(settings.store)


def store_named(words: str | None, settings: Path | None = None) -> str:
    """The store of `--store`, else of the settings (those of `--settings`, or that are found), else the default."""
    if words:
        return words
    plain = _plain_folder(os.environ, settings)
    if plain is not None:
        return plain
    from tabwarden.settings import load_store

    return _words_of(load_store(settings, os.environ))


def _plain_folder(environ: Mapping[str, str], settings: Path | None = None) -> str | None:
    """The store's folder where the settings say it in plain words; None where `load_store` has to judge.

    Loading that costs more than most questions, so it judges every doubt, in its own words: encrypted settings, a
    variable, a reference, another key of `store`, an alias, a key that is there twice, what is no YAML.
    """
    if any(name.startswith(PREFIX) and name not in NO_SETTINGS for name in environ):
        return None
    file = located(settings, environ).path
    if file is None:
        return DEFAULT_FOLDER
    if file.suffix == ".aes":
        return None
    import yaml

    try:
        loader = yaml.SafeLoader(read_text(file))
        root = loader.get_single_node()
        if root is None:
            return str(file.parent / DEFAULT_FOLDER)
        if root.id != "mapping" or not _is_plain(root, set()):
            return None
        loader.construct_document(root)
    except (OSError, ValueError, RecursionError, yaml.YAMLError):
        return None
    sections = _plain_values(root)
    store = _plain_values(sections["store"]) if "store" in sections else {}
    folder = store.pop("folder", None)
    if store:
        return None
    if folder is None:
        return str(file.parent / DEFAULT_FOLDER)
    plain = folder.tag == TEXT_TAG and folder.value and ":" not in folder.value and folder.value[0] != "~"
    return str(file.parent / folder.value) if plain else None


def _is_plain(node: Any, above: set[int]) -> bool:
    """Whether a YAML node holds each key once, no alias and nothing but texts, numbers, yes, no and null."""
    if id(node) in above or node.tag not in PLAIN_TAGS:
        return False
    above.add(id(node))
    if node.id == "mapping":
        keys = {key.value for key, _ in node.value if key.tag == TEXT_TAG}
        return len(keys) == len(node.value) and all(_is_plain(value, above) for _, value in node.value)
    return node.id == "scalar" or all(_is_plain(item, above) for item in node.value)


def _plain_values(mapping: Any) -> dict[str, Any]:
    """The nodes of a mapping by key, without those that are empty, which count as not written."""
    if mapping.id != "mapping":
        return {"": mapping}
    return {key.value: value for key, value in mapping.value if value.tag != NULL_TAG}


def _words_of(store: Store) -> str:
    return store.url.get_secret_value() if store.url is not None else str(store.folder)


@contextmanager
def opened(store: str, *, must_exist: bool = True) -> Iterator[History]:
    """The history of a store; UnknownName where nothing was ever kept (`must_exist`)."""
    if must_exist and "://" not in store and not Path(store).is_dir():
        # Before the database is loaded, which takes longer than to say so.
        raise UnknownName(f"there is no snapshot in `{store}` yet: take one with `tabwarden read`")
    from tabwarden.store.history import History

    with History(store, create=not must_exist) as history:
        yield history


def keep(settings: Settings, site: Site, doubt: str = "") -> Snapshot:
    """Keep a read in the history, and let go of what the retention lets go of.

    Nothing goes, and that is told, where there is a `doubt` about the clock, or the time has made a jump.
    """
    from tabwarden.store.retention import Retention, thin

    days = settings.store.retention
    with opened(store_of(settings), must_exist=False) as history:
        taken = history.keep(site)
        doubt = thin(history, Retention(days.every_days, days.daily_days, days.most_days), taken, doubt)
    if doubt:
        import logging

        logging.getLogger(__name__).warning("%s; no old snapshot is let go of this time", doubt)
    if settings.store.url is None:
        beside.keep(settings.store.folder, taken, site)
    return taken


# -- finding ---------------------------------------------------------------------------------------------------


def of_site(
    history: Listing | History, site: str | None = None, where: str | None = None, settings: Path | None = None
) -> tuple[Snapshot, ...]:
    """The snapshots of one site in their order: of the whole of it where there are such.

    `site` is a content URL, the address that a browser shows, an id or a name; `where` a server. Where no site is
    named and there are several, the one of the settings counts (those in `settings`, or that are found).
    UnknownName where there are none, or of several sites and none was named.
    """
    snapshots = [snapshot for snapshot in snapshots_of(history, site) if where in (None, snapshot.where)]
    if not snapshots:
        of = f" of site `{site or 'Default'}`" if site is not None else ""
        known = {one.name: one.content_url for one in history.snapshots()}
        near = hint(site, known, f"; it has {some(list(known))}" if known else "") if site is not None else ""
        raise UnknownName(f"there is no snapshot{of} in the history{near}: take one with `tabwarden read`")
    chains = _chains(snapshots)
    if len(chains) > 1 and site is None:
        chains = _of_the_settings(chains, settings) or chains
    if len(chains) > 1:
        urls = [chain[-1].content_url for chain in chains]
        named = ", ".join(
            sorted(f"`{c[-1].address if urls.count(c[-1].content_url) > 1 else c[-1].content_url}`" for c in chains)
        )
        raise UnknownName(f"the history holds snapshots of several sites; say which with --site: {named}")
    return chains[0]


def _of_the_settings(chains: Sequence[tuple[Snapshot, ...]], settings: Path | None) -> list[tuple[Snapshot, ...]]:
    """Those of the site that the settings name: on their server, else on any."""
    from tabwarden.settings import site_of

    server, url = site_of(settings, os.environ) or (None, None)
    fitting = [chain for chain in chains if chain[-1].content_url == url]
    return [chain for chain in fitting if chain[-1].where == server] or fitting


def every_site(history: Listing | History, site: str | None = None) -> tuple[Snapshot, ...]:
    """The newest snapshot of every site (or of that one), in the order of their content URLs."""
    chains = _chains(snapshots_of(history, site))
    return tuple(sorted((chain[-1] for chain in chains), key=lambda snapshot: (snapshot.content_url, snapshot.where)))


def sites_kept(store: str) -> tuple[Snapshot, ...]:
    """The newest snapshot of every site in the history of a store; nothing is opened. UnknownName where none is."""
    listing = listed(store)
    if listing is not None:
        return every_site(listing)
    with opened(store) as history:
        return every_site(history)


def _chains(snapshots: Sequence[Snapshot]) -> list[tuple[Snapshot, ...]]:
    """For each site its snapshots: those of the whole of it, else those of the scope that was read last."""
    sites = grouped((one.address, one) for one in snapshots)
    chains = []
    for chain in sites.values():
        newest = next((snapshot for snapshot in reversed(chain) if not snapshot.scope), chain[-1])
        chains.append(tuple(snapshot for snapshot in chain if snapshot.site == newest.site))
    return chains


def snapshots_of(history: Listing | History, site: str | None = None) -> tuple[Snapshot, ...]:
    """Every snapshot, or those of the site with that content URL, address, id or name."""
    snapshots = tuple(history.snapshots())
    if site is None:
        return snapshots
    if "*" in site or "?" in site:
        return tuple(one for one in snapshots if _fits(site, one))
    exact = tuple(one for one in snapshots if site in (one.content_url, one.address))
    named = {str(one.number): (one.content_url, one.address, one.site_id, one.name) for one in snapshots}
    alike = lambda name: [number for number, forms in named.items() if same(name) in map(same, forms)]  # noqa: E731
    numbers = () if exact or not site else meant(site, (), alike, named.__getitem__)
    return exact or tuple(one for one in snapshots if str(one.number) in numbers)


def _fits(pattern: str, snapshot: Snapshot) -> bool:
    names = (snapshot.content_url, snapshot.name, snapshot.address)
    return any(fnmatchcase(same(name), same(pattern)) for name in names)


def snapshot_of(
    history: Listing | History,
    words: str,
    site: str | None = None,
    now: datetime | None = None,
    *,
    where: str | None = None,
    settings: Path | None = None,
) -> Snapshot:
    """The snapshot somebody means: a number, `last`, `previous`, `today`, `yesterday`, a day or a time (UTC).

    A day is its end, a time itself: the newest snapshot that was taken by then. UnknownName where there is none.
    """
    name = words.strip()
    if _NUMBER.fullmatch(name):
        return history.snapshot(int(name.removeprefix("#")))
    snapshots = of_site(history, site, where, settings)
    if name in (LAST, PREVIOUS):
        if name == PREVIOUS and len(snapshots) < 2:
            raise UnknownName("there is one snapshot in the history, and none before it")
        return snapshots[-1 if name == LAST else -2]
    until = moment(name, now or datetime.now(UTC))
    earlier = [one for one in snapshots if one.taken and time_of(one.taken) < until]
    if not earlier:
        raise UnknownName(f"no snapshot was taken by `{name}`; the first is {snapshots[0].words}")
    return earlier[-1]


def moment(words: str, now: datetime) -> datetime:
    """The time before which a snapshot must have been taken; UnknownName where the words are no day and no time."""
    if words in DAYS:
        words = (now - timedelta(days=DAYS[words])).date().isoformat()
    try:
        if _DAY.fullmatch(words):
            return datetime.fromisoformat(words).replace(tzinfo=UTC) + timedelta(days=1)
        return time_of(words) + timedelta(microseconds=1)
    except (ValueError, OverflowError):
        raise UnknownName(
            f"`{words}` is no snapshot's folder, and no number, day (2026-11-21), time (2026-11-21T18:00Z), `last`, "
            f"`previous`, `today` or `yesterday`{hint(words, dict.fromkeys(('last', 'previous', *DAYS), ''))}"
        ) from None


def time_of(words: str) -> datetime:
    """An ISO time, UTC where it names no zone; ValueError for what is none."""
    moment_ = datetime.fromisoformat(words)
    return moment_ if moment_.tzinfo else moment_.replace(tzinfo=UTC)


# -- opening ---------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Opened:
    """A snapshot of the history: the Site, what is known of its read (`snapshot`), and how old that is.

    Everything in a history was read whole: a read that broke off is never kept. `snapshot.limited` tells where the
    server refused something, or the reader is no administrator, or some projects were chosen: what is not in it is
    unknown. `age` is None where the read does not tell its time.
    """

    site: Site
    snapshot: Snapshot
    age: timedelta | None


def newest_site(settings: Settings, which: str = LAST, now: datetime | None = None) -> Opened:
    """The newest snapshot of the settings' site, or the one that `which` means (a number, a day, `previous`).

    A read of the whole site comes before a later one of some projects or by somebody who is no administrator; those
    are asked by their number. UnknownName where there is none; SettingsError or TabwardenError where the store of the
    settings cannot be opened.
    """
    from tabwarden.tableau.http.address import address_of

    settings.of_one_site()
    now = now or datetime.now(UTC)
    store, listing = store_of(settings), listed(store_of(settings))
    where = address_of(settings.tableau.server)

    def chosen(history: Listing | History) -> Snapshot:
        snapshot = snapshot_of(history, which, settings.tableau.site, now, where=where)
        if (snapshot.where, snapshot.content_url) != (where, settings.tableau.site):
            raise UnknownName(f"{snapshot.words} is of `{snapshot.address}`, and the settings name another site")
        return snapshot

    if listing is None:
        with opened(store) as history:
            snapshot = chosen(history)
            site = history.open(snapshot.number)
    else:
        snapshot = chosen(listing)
        site = beside.opened(store, snapshot) or _from_history(store, snapshot)
    return Opened(site, snapshot, now - time_of(snapshot.taken) if snapshot.taken else None)


def site_beside(settings: Settings, number: int, mark: str) -> Site | None:
    """The Site of that snapshot with that mark, over the columns kept beside the history; None where there are none."""
    listing = listed(store_of(settings))
    snapshots = listing.snapshots() if listing is not None else ()
    fitting = (beside.opened(store_of(settings), one) for one in snapshots if (one.number, one.mark) == (number, mark))
    return next(fitting, None)


def is_folder(words: str | Path) -> bool:
    """Whether a snapshot's folder is meant, and none of the history."""
    try:
        return isinstance(words, Path) or "/" in words or Path(words).is_dir()
    except OSError:  # longer than any file name
        return False


def open_either(
    words: str | Path, store: str | None = None, site: str | None = None, settings: Path | None = None
) -> Site:
    """The Site of a snapshot's folder, else of the snapshot of the history that is meant."""
    if is_folder(words):
        return snapshot.load(words)
    name = str(words).strip()
    if name not in (LAST, PREVIOUS) and not _NUMBER.fullmatch(name):
        moment(name, datetime.now(UTC))  # words that can mean nothing are told before a database is asked
    place = store_named(store, settings)
    return _open(place, lambda listing: (snapshot_of(listing, name, site, settings=settings),))[0]


def open_last(
    number: int, store: str | None = None, site: str | None = None, settings: Path | None = None
) -> list[Site]:
    """The newest snapshots of a site, the oldest of them first."""
    return _open(store_named(store, settings), lambda listing: of_site(listing, site, settings=settings)[-number:])


def open_every_site(store: str | None = None, site: str | None = None, settings: Path | None = None) -> list[Site]:
    """The newest snapshot of every site in the history."""
    return _open(store_named(store, settings), lambda listing: every_site(listing, site))


def people_of_every_site(store: str) -> list[Site]:
    """As `open_every_site`; of a database by URL, beside which no columns lie, with users alone. None where none is."""
    try:
        if "://" not in store:
            return open_every_site(store)
        with opened(store) as history:
            return [history.people(snapshot.number) for snapshot in every_site(history)]
    except UnknownName:
        return []


def _open(store: str, choose: Callable[[Listing | History], tuple[Snapshot, ...]]) -> list[Site]:
    """The Sites of some snapshots: over the columns kept beside the history, else from it."""
    listing = listed(store)
    if listing is None:
        with opened(store) as history:
            return [history.open(snapshot.number) for snapshot in choose(history)]
    return [beside.opened(store, snapshot) or _from_history(store, snapshot) for snapshot in choose(listing)]


def _from_history(store: str, chosen: Snapshot) -> Site:
    with opened(store) as history:
        site = history.open(chosen.number)
    # Over the columns again: two Sites that both lie beside a history are compared by what they say of themselves.
    return (beside.keep(store, chosen, site) and beside.opened(store, chosen)) or site
