"""What is asked while pages are served: the newest snapshot of each site, exchanged when a newer one is kept.

A request takes one `ServedSite` and keeps it to its end, so that nobody reads half of an old answer and half of a new.
"""

from __future__ import annotations

import gc
import os
import threading
from collections import Counter
from collections.abc import Callable, Hashable, Iterator, Mapping, Sequence
from concurrent.futures import Future, wait
from contextlib import contextmanager
from contextvars import copy_context
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any, TypeVar

from tabwarden.mirror.own import OwnQuestions
from tabwarden.model.errors import TabwardenError, UnknownName
from tabwarden.model.names import hint
from tabwarden.model.open_points import CURRENT, DOCUMENTED, OpenPoints
from tabwarden.model.roles import ui_role
from tabwarden.places import Meant, about
from tabwarden.questions import Questions
from tabwarden.run.catalog import CatalogPeople
from tabwarden.run.history import every_site, opened, store_of
from tabwarden.settings import load
from tabwarden.store import beside
from tabwarden.store.snapshots import Snapshot, listed
from tabwarden.tableau.http.address import address_of
from tabwarden.web.catalogs import Catalogs

if TYPE_CHECKING:
    from pathlib import Path

    from tabwarden.model.site import Site, User
    from tabwarden.model.usage import LastUse
    from tabwarden.questions import People
    from tabwarden.settings import Settings

Answer = TypeVar("Answer")
ROWS = 300_000  # of lists that are kept of a snapshot: some hundred bytes each
CONFIRMED = 25  # people whom the reference confirms where a page lists everybody, beside one for each answer
DEFAULT_SITE = "Default"  # how the site without a content URL is called
WITHIN = 3.0  # seconds that a page waits for what it can do without
EVERY = 1.0  # seconds between two looks for a newer snapshot


class NotYetError(TabwardenError):
    """What was asked for takes longer than a page waits, and is there when it is asked for again."""


@dataclass
class ServedSite:
    """One site as it was last read, and the questions to it.

    `url` is what addresses call it by: its content URL, or as a browser shows it where two servers share that.
    """

    snapshot: Snapshot
    site: Site
    store: str
    url: str = field(kw_only=True)
    settings: Settings | None = field(default=None, kw_only=True)  # what the file says of it; None: it is about others
    _kept: dict[Hashable, tuple[Any, int]] = field(default_factory=dict)
    _keeping: threading.Lock = field(default_factory=threading.Lock)
    _under_way: dict[Hashable, Future[Any]] = field(default_factory=dict)

    def questions(self, model: str = CURRENT, open_points: OpenPoints = DOCUMENTED) -> Questions:
        """The questions under a model and its open points; UnknownName for a model there is not.

        The usual ones stay; of the others, which anybody may ask for by the address, as many as are kept of a snapshot.
        """
        if (model, open_points) == (CURRENT, DOCUMENTED):
            return self.usual
        key = ("questions", model, open_points)
        questions = lambda: Questions(self.site, model=model, open_points=open_points)  # noqa: E731
        return self.kept(key, questions, lambda one: len(one.site.contents))

    @cached_property
    def usual(self) -> Questions:
        """Those under today's model, as it is documented."""
        return Questions(self.site)

    def kept(self, key: Hashable, make: Callable[[], Answer], rows: Callable[[Answer], int] = lambda _: 1) -> Answer:
        """What is made of this snapshot once for all who ask; `rows` tells how long it is.

        What was made first goes when more than ROWS are kept. Two who ask at once may both make it.
        """
        with self._keeping:
            known = self._kept.get(key)
        if known is not None:
            value: Answer = known[0]
            return value
        value = make()
        with self._keeping:
            self._kept[key] = (value, rows(value))
            while len(self._kept) > 1 and sum(size for _, size in self._kept.values()) > ROWS:
                self._kept.pop(next(iter(self._kept)))
        return value

    def soon(self, key: Hashable, make: Callable[[], Answer]) -> Answer:
        """What is kept under that key, made in a thread of its own; NotYetError where it takes longer than WITHIN."""
        with self._keeping:
            if key in self._kept:
                known: Answer = self._kept[key][0]
                return known
            future = self._under_way.get(key)
            if future is None:
                future = self._under_way[key] = Future()
                words = (self._work, future, key, make)
                threading.Thread(target=copy_context().run, args=words, name="tabwarden soon", daemon=True).start()
        if not wait([future], WITHIN).done:
            raise NotYetError("it is being worked out for this snapshot")
        with self._keeping:
            self._under_way.pop(key, None)
        value: Answer = future.result()
        return value

    def _work(self, future: Future[Any], key: Hashable, make: Callable[[], Answer]) -> None:
        try:
            future.set_result(self.kept(key, make))
        except BaseException as error:  # it is whoever asks that is told
            future.set_exception(error)

    def own(self, user: str, whole: Questions) -> OwnQuestions:
        """The questions of one person (id) about himself."""
        key = ("own", user, whole.model, whole.open_points)
        return self.kept(key, lambda: OwnQuestions(whole, user), lambda own: len(own.site.contents))

    def who(self, questions: Questions, capability: str, content: str) -> list[People]:
        """Everybody by the answer they are given.

        Chance chooses other people for each content, so that pages together have many of them confirmed.
        """
        key = ("who", questions.model, questions.open_points, capability, content)
        users = len(questions.site.users)
        return self.kept(key, lambda: questions.who(capability, content, CONFIRMED), lambda _: users)

    @cached_property
    def by_name(self) -> Sequence[str]:
        """Every user (id), in the order of names."""
        columns = self.usual.engine.columns
        texts = (columns.names.words.at(codes).all() for codes in (columns.names.user_name, columns.names.user_domain))
        keys = [(name.casefold(), domain) for name, domain in zip(*texts, strict=True)]
        ids = columns.all_ids("user")
        return [ids[number] for number in sorted(range(len(keys)), key=keys.__getitem__)]

    @cached_property
    def ticked(self) -> frozenset[str]:
        """The names of it that hold back-ticks, which are no marks of a sentence; nearly always none."""
        words = self.usual.engine.columns.names.words
        return frozenset(one for one in words.all() if "`" in one) if (words.data == ord("`")).any() else frozenset()

    @cached_property
    def roles(self) -> list[str]:
        """The site roles that people of it have, as they are shown."""
        columns = self.usual.engine.columns
        return sorted({ui_role(columns.vocabulary.roles[code]) for code in set(columns.users.role.tolist())})

    @cached_property
    def use(self) -> LastUse | None:
        """Who last used what, where that was read."""
        from tabwarden.store.usage.days import last_use

        return last_use(self.store, self.site)

    @cached_property
    def people(self) -> CatalogPeople:
        """Who is who of the catalog."""
        return CatalogPeople(self.settings)

    @cached_property
    def catalogs(self) -> Catalogs:
        """What each person sees of it in the catalog."""
        return Catalogs(self.questions())

    @property
    def address(self) -> str:
        """What names it in the history and in the database of the pages, whatever else is served."""
        return self.snapshot.address

    @property
    def meant(self) -> Meant:
        """The site that commands are about which are asked of it; settings that do not know it say what is common."""
        return Meant(self.address, of_history=self.settings is None)

    def demand_settings(self) -> None:
        """TabwardenError where these settings are about other sites, and would be taken for this one's."""
        if self.settings is None:
            raise TabwardenError(f"{self.site.name} is read by other settings than these")

    @property
    def tag(self) -> str:
        """What changes with everything in it: for ETags."""
        return f"{self.snapshot.number}-{self.snapshot.mark}"

    def user_of(self, name: str) -> User | None:
        """The one user of that name on the site, letter case aside; None where nobody is, or several are."""
        users = self.site.users_named(name)
        return self.site.users[users[0]] if len(users) == 1 else None

    def warm(self) -> None:
        """Make now what the first question would wait for."""
        engine = self.questions().engine
        if self.site.users:
            engine.what(0)
        browsable = self.catalogs.browsable()
        _ = browsable.order, browsable.texts, engine.columns.all_ids("content"), self.by_name


@contextmanager
def _out_of_collections() -> Iterator[None]:
    """What is made is in no collection of garbage: each would hold everything up for seconds. None of it holds itself,
    so that all of it goes with the last request that asks it.
    """
    gc.disable()
    try:
        yield
        gc.freeze()
    finally:
        gc.enable()


def _by_url(snapshots: Sequence[Snapshot]) -> dict[str, Snapshot]:
    """By content URL; by their address those that share one on two servers."""
    counts = Counter(one.content_url for one in snapshots)
    return {one.content_url if counts[one.content_url] == 1 else one.address: one for one in snapshots}


class Served:
    """The sites that are served, by content URL. `refresh` looks for newer snapshots; `watch` does so by itself."""

    def __init__(self, settings: Settings, file: Path | None = None) -> None:
        self.settings, self.file, self.store = settings, file, store_of(settings)
        self.sites: Mapping[str, ServedSite] = {}
        self.problem = ""  # why the last look failed
        self._ended = threading.Event()
        self.refresh()

    def refresh(self) -> bool:
        """Take over what is newer; whether anything was. An error leaves what is served as it is, and is told."""
        try:
            newest = self._newest()
            fresh = {url: one for url, one in newest.items() if self._number(url) != (one.number, one.mark)}
            opened_sites = {url: self._opened(snapshot, url) for url, snapshot in fresh.items()}
        except UnknownName:
            newest, opened_sites = {}, {}  # nothing was ever read
        except TabwardenError as error:
            self.problem = str(error)
            return False
        self.problem = ""
        self.sites = {url: opened_sites.get(url) or self.sites[url] for url in newest}
        return bool(opened_sites)

    def _number(self, url: str) -> tuple[int, str] | None:
        served = self.sites.get(url)
        return (served.snapshot.number, served.snapshot.mark) if served else None

    def _settings_of(self, snapshot: Snapshot) -> Settings | None:
        """The settings as they are for a site; None where the file is about others."""
        words = snapshot.content_url or DEFAULT_SITE

        def fit(settings: Settings) -> bool:
            tableau = settings.tableau
            return (address_of(tableau.server), tableau.site) == (snapshot.where, snapshot.content_url)

        if not self.settings.is_of_several and fit(self.settings):
            return self.settings
        try:
            with about(Meant(words)):
                settings = load(self.file, os.environ)
        except TabwardenError:
            return None
        return settings if fit(settings) else None

    def _newest(self) -> dict[str, Snapshot]:
        listing = listed(self.store)
        if listing is not None:
            return _by_url(every_site(listing))
        with opened(self.store) as history:
            return _by_url(every_site(history))

    @_out_of_collections()
    def _opened(self, snapshot: Snapshot, url: str) -> ServedSite:
        """The site of a snapshot, ready to answer."""
        site = beside.opened(self.store, snapshot)
        if site is None:
            with opened(self.store) as history:
                site = history.open(snapshot.number)
        served = ServedSite(snapshot, site, self.store, url=url, settings=self._settings_of(snapshot))
        served.warm()
        return served

    def site(self, url: str | None = None) -> ServedSite:
        """The site of that content URL; without one that of the settings, else the first. UnknownName."""
        sites = self.sites
        if not sites:
            raise UnknownName("no site was read yet: take a snapshot with `tabwarden read`")
        if url is None:
            tableau = self.settings.tableau
            own = (address_of(tableau.server), tableau.site)
            usual = (one for one in sites.values() if (one.snapshot.where, one.snapshot.content_url) == own)
            return next(usual, None) or sites.get(tableau.site) or next(iter(sites.values()))
        if url not in sites:
            raise UnknownName(f"no site `{url}` is served{hint(url, dict.fromkeys(sites, ''))}")
        return sites[url]

    def watch(self) -> None:
        """Look for newer snapshots until `end`, in a thread of its own."""

        def look() -> None:
            while not self._ended.wait(EVERY):
                self.refresh()

        threading.Thread(target=look, name="tabwarden snapshots", daemon=True).start()

    def end(self) -> None:
        """Look no more."""
        self._ended.set()
