"""The catalogs of a served site, one a person: made of Questions by the rules of the mirror, and kept for a while."""

from __future__ import annotations

import threading
from collections import OrderedDict
from typing import TYPE_CHECKING, NamedTuple

from tabwarden.mirror.personal import Browsable, Personal
from tabwarden.mirror.visible import may_enter
from tabwarden.questions import VIEW, Questions

if TYPE_CHECKING:
    from tabwarden.model.site import User
    from tabwarden.settings.mirror import Mirror
    from tabwarden.store.web.sources import SourceChange

MOST_OCTETS = 64 << 20  # of the catalogs that are kept
MOST_SELECTIONS = 4  # of projects


class Source(NamedTuple):
    """What counts for a site as a source of the catalog: its mirror's settings, and what was set on the pages."""

    mirror: Mirror
    change: SourceChange | None = None

    @property
    def enforced(self) -> bool:
        """Whether people see only what they may View."""
        return self.mirror.enforce

    @property
    def enforced_on_all(self) -> Source:
        """The same of all projects, with mirroring on."""
        return Source(self.mirror.model_copy(update={"enforce": True, "projects": ()}))


class Catalogs:
    """The catalogs of one snapshot. What is kept of one person is never another's: it lies under her id."""

    def __init__(self, questions: Questions) -> None:
        self._questions = questions
        self._browsable: OrderedDict[tuple[str, ...], Browsable] = OrderedDict()
        self._personal: OrderedDict[tuple[str, tuple[str, ...], bool], Personal] = OrderedDict()
        self._lock, self._octets = threading.Lock(), 0

    def of(self, user: User | None, source: Source) -> Personal:
        """The catalog of a user (None: of somebody who matches none). AmbiguousName for projects of one path."""
        key = (user.id if user and source.enforced else "", source.mirror.projects, source.enforced)
        with self._lock:
            personal = self._personal.get(key)
            if personal is not None:
                self._personal.move_to_end(key)
                return personal
        personal = self._made(user, source)
        with self._lock:
            if key not in self._personal:
                self._personal[key] = personal
                self._octets += personal.size
            while self._octets > MOST_OCTETS and len(self._personal) > 1:
                self._octets -= self._personal.popitem(last=False)[1].size
        return personal

    def browsable(self, projects: tuple[str, ...] = ()) -> Browsable:
        """What there is to show of some projects, or of all."""
        with self._lock:
            if projects not in self._browsable:
                self._browsable[projects] = Browsable.of(self._questions.engine.columns, projects)
                while len(self._browsable) > MOST_SELECTIONS:
                    self._browsable.popitem(last=False)
            return self._browsable[projects]

    def _made(self, user: User | None, source: Source) -> Personal:
        browsable = self.browsable(source.mirror.projects)
        if not source.enforced:
            return browsable.seen_by(None)
        if user is None:
            return browsable.seen_by(None, enters=False)
        may_view = self._questions.what(user.id).allowed >> self._questions.engine.bit(VIEW) & 1 != 0
        return browsable.seen_by(may_view, enters=may_enter(user.site_role))
