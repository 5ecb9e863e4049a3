"""Many sites: which ones a command is about, and one run for each of them side by side, in a process of its own.

What fails on one site is told of that site and holds no other: not an error, not a process that is ended from outside.
"""

from __future__ import annotations

import multiprocessing
import os
import signal
import sys
import threading
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from functools import lru_cache, partial
from multiprocessing.connection import Connection as Pipe
from multiprocessing.connection import wait
from pathlib import Path
from typing import Any, Generic, NamedTuple, TypeVar, cast
from urllib.parse import urlsplit

from tabwarden.model.errors import SettingsError, TableauError, TabwardenError, UnknownName
from tabwarden.model.names import hint, some
from tabwarden.places import ALL, Meant, about, browser_address, is_pattern, located
from tabwarden.run.catalog import source_name
from tabwarden.run.context import connected
from tabwarden.run.elsewhere import ELSEWHERE, Elsewhere, Work, asked_through, hand_over
from tabwarden.run.history import sites_kept, store_named
from tabwarden.settings import Settings, load, sites_named
from tabwarden.settings.sites import Named, fits, parts_of
from tabwarden.store.names import known
from tabwarden.tableau.read.site import list_sites

T = TypeVar("T")
LEAST = 8  # sites side by side where most of the time is spent waiting for servers
INTERRUPTED = 130
GRACE = 20.0  # seconds in which a run that is interrupted writes down how far it is
REFUSALS = 3  # of a password in a row
LOCKING_OUT = "was not tried: the password of `{}` was refused on others before, and once more may lock that user out"
SAME_SOURCE = (
    "is what mirrors would call several of these sites, and each would undo the others; say `mirror: {source: ...}` "
    "under `settings` of its item in `sites`"
)
SUSPENDED = "Suspended"
SERVERS, KEPT, SETTINGS = "servers", "kept", "settings"


@dataclass(frozen=True, slots=True)
class OneSite:
    """One of the sites that a command is about; `problem` is why nothing can be done about it.

    Sites of one `lane` go one after the other, for they sign in with one token, which carries one session at a time;
    `at_once` of a server go side by side. `password` is whose password they sign in with.
    """

    server: str
    url: str
    name: str = ""
    problem: str = ""
    lane: str = ""
    password: str = ""
    at_once: int = 1
    alone: bool = True  # whether no other site of the run has this content URL
    among: tuple[tuple[str, ...], ...] = ()  # where all sites of the server are read at once: which ones

    @property
    def address(self) -> str:
        """As a browser shows it, and `--site` takes it."""
        return browser_address(self.server, self.url)

    @property
    def label(self) -> str:
        """What it is called in an answer: its content URL, and the server's host where that tells it from another."""
        if self.among:
            return urlsplit(self.server).netloc
        short = self.url or "Default"
        return short if self.alone else f"{short} on {urlsplit(self.server).netloc}"


# -- which sites -----------------------------------------------------------------------------------------------


def sites_meant(words: str, path: Path | None, told_by: str = SERVERS, store: str | None = None) -> list[OneSite]:
    """Every site that a pattern or `all` means, in the order of the settings, then of their content URLs.

    `told_by` says who knows which there are: the SERVERS, what was KEPT in the store, or the SETTINGS as they are
    written. UnknownName where there is none; SettingsError where the settings cannot be read.
    """
    if told_by == SETTINGS:
        sites = [OneSite(one.server, one.words) for one in sites_named(path, os.environ)]
    else:
        sites = list(_kept(path, store) if told_by == KEPT else _live(path))
    server, pattern = parts_of(words)
    meant: dict[tuple[str, str], OneSite] = {}
    for site in sites:
        if server in (None, site.server) and (is_pattern(site.url) or fits(pattern, site.url, site.name)):
            meant.setdefault((site.server, site.url), site)
    if not meant:
        near = hint(words, {site.url or "Default": site.name for site in sites})
        raise UnknownName(f"`{words}` means no site; there are {some([s.url or 'Default' for s in sites])}{near}")
    urls = [site.url for site in meant.values()]
    return [replace(site, alone=urls.count(site.url) == 1) for site in meant.values()]


def servers_meant(words: str, path: Path | None) -> list[OneSite]:
    """For each server that has sites of the list `sites` one of them, and which of its sites a pattern or `all` means.

    Without a list it is the server of the settings. UnknownName where there is none.
    """
    server, pattern = parts_of(words)
    every = sites_named(path, os.environ) or [Named(ALL, load(path, os.environ).tableau.server)]
    items = [one for one in every if server in (None, one.server)]
    if not items:
        raise UnknownName(f"`{words}` is on no server of the settings; there are {some([one.server for one in every])}")
    by_server = {one.server: tuple(other.words for other in items if other.server == one.server) for one in items}
    return [OneSite(server, words[0], among=((pattern,), words)) for server, words in by_server.items()]


def _kept(path: Path | None, store: str | None) -> Iterator[OneSite]:
    """The sites of the history, those of the list `sites` alone where there is one; what was not read yet is told."""
    items = _items(path)
    snapshots = sites_kept(store_named(store, path))
    for one in snapshots:
        if not items or any(i.server == one.where and fits(i.words, one.content_url, one.name) for i in items):
            yield OneSite(one.where, one.content_url, one.name)
    there = {(one.where, one.content_url.casefold()) for one in snapshots}
    for item in items:
        if not is_pattern(item.words) and (item.server, item.words.casefold()) not in there:
            yield OneSite(item.server, item.words, problem="was not read yet; take a snapshot with `tabwarden read`")


def _items(path: Path | None) -> list[Named]:
    """What the list `sites` names; nothing where there are no settings, which a question does without."""
    return sites_named(path, os.environ) if located(path, os.environ).path is not None else []


def _live(path: Path | None) -> Iterator[OneSite]:
    """The sites of the list, each pattern by what its server lists; without a list all of the server's."""
    items = sites_named(path, os.environ)
    if not items:
        items = [Named(ALL, load(path, os.environ).tableau.server)]
    for item in sorted(items, key=lambda one: is_pattern(one.words)):  # what is named goes before what is listed
        pattern, settings, problem = is_pattern(item.words), None, ""
        try:
            settings = _settings(item, path)
            listed = _listed(item, items, settings) if pattern else [(item.words, "")]
        except TabwardenError as error:
            listed, problem = [(item.words, "")], f"{error}" if pattern else ""
        for url, name in listed:
            yield _prepared(OneSite(item.server, url, name, problem), settings)


def _settings(item: Named, path: Path | None) -> Settings:
    with about(Meant(item.address)):
        return load(path, os.environ)


def _prepared(site: OneSite, settings: Settings | None) -> OneSite:
    """With how many of its server go side by side, and with which others it cannot."""
    if settings is None:  # whoever works on it tells why
        return site
    auth, at_once = settings.tableau.auth, settings.tableau.sites_at_once
    lane = f"{site.server} {auth.pat.name}" if auth.pat else ""
    return replace(site, lane=lane, password=auth.password.username if auth.password else "", at_once=at_once)


def _listed(item: Named, items: Iterable[Named], settings: Settings) -> list[tuple[str, str]]:
    """The content URLs and names that fit, as the server lists its sites to whoever signs in."""
    usual = [one.words for one in items if one.server == item.server and not is_pattern(one.words)]
    through = usual[0] if usual else ""
    tableau = settings.tableau.model_copy(update={"site": through})
    try:
        with connected(settings.model_copy(update={"tableau": tableau})) as connection:
            listed = list_sites(connection)
    except TableauError as error:
        who = f"who signs in on `{through or 'Default'}`"
        raise SettingsError(
            [f"the sites of `{item.server}` are not listed to {who} ({error}); name them one by one under `sites`"]
        ) from None
    return [
        (site.content_url, site.name)
        for site in sorted(listed, key=lambda site: site.content_url)
        if fits(item.words, site.content_url, site.name) and site.state != SUSPENDED
    ]


def by_name(words: str, store: str) -> str:
    """The content URL of the site whose name the words are, by what was read before; else the words."""
    sites = [] if "://" in store else list(known(store))
    if any(words == one.content_url for one in sites):
        return words
    urls = {one.content_url or "Default" for one in sites if one.site.casefold() == words.casefold()}
    return urls.pop() if len(urls) == 1 else words


def with_own_sources(sites: Sequence[OneSite], path: Path | None) -> list[OneSite]:
    """The sites for a mirror: of several that a catalog would call the same, none, for each would undo the others."""
    sources: dict[OneSite, str] = {}
    for site in sites:
        with suppress(TabwardenError), about(Meant(site.address)):  # whoever works on it tells why
            sources[site] = source_name(load(path, os.environ))
    counts = Counter(sources.values())
    return [
        replace(site, problem=f"`{sources[site]}` {SAME_SOURCE}") if counts[sources.get(site, "")] > 1 else site
        for site in sites
    ]


# -- side by side ----------------------------------------------------------------------------------------------


class Ended(NamedTuple, Generic[T]):
    """What came of one site: what the work gave, or the sentence of why there is nothing."""

    site: OneSite
    value: T | None
    problem: str = ""


def side_by_side(
    sites: Sequence[OneSite],
    work: Callable[[OneSite], T],
    *,
    hear: Callable[[int, Ended[T]], None],
    most: int | None = None,
    refused: Callable[[T], bool] = lambda _: False,
) -> list[Ended[T]]:
    """`work` done for each site in a process of its own, in the order of the sites; `hear` is told each end.

    A password that was `refused` on several sites one after the other is tried on no more: it would lock somebody out.
    `work` can be pickled, and so can what it gives. Interrupted, the runs that have begun are given time to write
    down how far they are; KeyboardInterrupt says how many sites are done.
    """
    cores, others = os.cpu_count() or 1, ELSEWHERE.get()
    most = max(LEAST, min(others.slots, 4 * cores)) if others is not None else most or max(cores, LEAST)
    ended: dict[int, Ended[T]] = {i: Ended(site, None, site.problem) for i, site in enumerate(sites) if site.problem}
    waiting = [place for place in range(len(sites)) if place not in ended]
    running: dict[Pipe, tuple[int, Any]] = {}
    refusals: dict[tuple[str, str], int] = {}
    try:
        while waiting or running:
            for place in list(waiting):
                if len(running) < most and _is_free(sites[place], [sites[other] for other, _ in running.values()]):
                    waiting.remove(place)
                    with _uninterrupted():
                        pipe, process = _started(sites[place], work)
                        running[pipe] = place, process
            for pipe in cast(list[Pipe], wait(list(running))):
                place, process = running[pipe]
                came = _came(pipe)
                if isinstance(came, Work):
                    hand_over(came, pipe)
                    continue
                del running[pipe]
                ended[place] = _ended(sites[place], came, pipe, process)
                hear(len(ended), ended[place])
                value, who = ended[place].value, (sites[place].server, sites[place].password)
                refusals[who] = refusals.get(who, 0) + 1 if value is not None and refused(value) else 0
            for place in [place for place in waiting if _is_locking_out(sites[place], refusals)]:
                waiting.remove(place)
                ended[place] = Ended(sites[place], None, LOCKING_OUT.format(sites[place].password))
    except KeyboardInterrupt:
        for _, process in running.values():
            process.join(GRACE)
            process.terminate()
        raise KeyboardInterrupt(f"{len(ended)} of {len(sites)} sites are done") from None
    return [ended[place] for place in range(len(sites))]


def _is_locking_out(site: OneSite, refusals: Mapping[tuple[str, str], int]) -> bool:
    return bool(site.password) and refusals.get((site.server, site.password), 0) >= REFUSALS


def _is_free(site: OneSite, others: Sequence[OneSite]) -> bool:
    there = [other for other in others if other.server == site.server]
    return len(there) < site.at_once and not any(site.lane and other.lane == site.lane for other in there)


@lru_cache(maxsize=1)
def _processes() -> Any:
    """Fresh processes: quick ones where the system has them, and none that inherits what goes on in this one.

    Ctrl-C, which all processes of a terminal get, waits in each until it is at work.
    """
    if sys.platform == "win32":
        return multiprocessing.get_context("spawn")
    from multiprocessing import forkserver  # which Windows lacks

    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload([__name__])
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        forkserver.ensure_running()
    finally:
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT})
    return context


def _started(site: OneSite, work: Callable[[OneSite], T]) -> tuple[Pipe, Any]:
    ours, theirs = _processes().Pipe()
    others = ELSEWHERE.get()
    there = None if others is None else (others.folder, others.block)
    process = _processes().Process(target=_in_process, args=(theirs, dict(os.environ), there, work, site))
    process.start()
    theirs.close()
    return ours, process


@contextmanager
def _uninterrupted() -> Iterator[None]:
    """Ctrl-C waits until this is over: a process that is told half of what it is to do fails with a traceback."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    came: list[int] = []
    before = signal.signal(signal.SIGINT, lambda number, _: came.append(number))
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
    if came:
        raise KeyboardInterrupt


def _in_process(
    pipe: Pipe,
    environ: Mapping[str, str],
    there: tuple[Path, int] | None,
    work: Callable[[OneSite], Any],
    site: OneSite,
) -> None:
    """A run that is killed is killed with all its processes: what they have begun is in checkpoints and journals."""
    try:
        if sys.platform != "win32":
            signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT})
        os.environ.clear()
        os.environ.update(environ)
        parent = multiprocessing.parent_process()
        if parent is not None:
            threading.Thread(target=_end_with, args=(parent.sentinel,), daemon=True).start()
        ELSEWHERE.set(None if there is None else Elsewhere(partial(asked_through, pipe), *there))
        pipe.send(work(site))
        pipe.close()
    except (KeyboardInterrupt, BrokenPipeError):  # nobody waits any more
        os._exit(INTERRUPTED)


def _end_with(parent: int) -> None:
    wait([parent])
    os._exit(1)


_NOTHING = object()


def _came(pipe: Pipe) -> Any:
    """What a process says, _NOTHING where it ended without a word."""
    try:
        return pipe.recv()
    except (EOFError, OSError):
        return _NOTHING


def _ended(site: OneSite, came: Any, pipe: Pipe, process: Any) -> Ended[Any]:
    value, problem = (None, "its process ended without an answer") if came is _NOTHING else (came, "")
    pipe.close()
    process.join()
    if problem and process.exitcode:
        code = process.exitcode
        by = f"by signal {-code}" if code < 0 else f"with code {code}"
        more = ", as where memory runs out" if code == -9 else ""
        problem = f"its process was ended {by}{more}; run it for this site alone: `--site {site.address}`"
    return Ended(site, value, problem)
