"""The answers of the commands, taken before they are printed: pages and JSON show the very same.

A command ends in `Output.give`; `Taken` is an Output that keeps what it is given. So a question is put in one place,
worded in one place, and held against the command line by a test.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from tabwarden.commands._answer import Output
from tabwarden.commands._options import Asking
from tabwarden.model.open_points import OpenPoints, open_points_from

if TYPE_CHECKING:
    from tabwarden.model.site import Site
    from tabwarden.model.usage import LastUse
    from tabwarden.questions import Questions
    from tabwarden.report.table import Drawable
    from tabwarden.web.served import ServedSite


class Answered(NamedTuple):
    """What a command answered: its sentences and tables, its JSON document, what it noted, its exit code."""

    parts: Sequence[Drawable]
    document: Callable[[], Any]
    notes: Sequence[str]
    code: int


class Taken(Output):
    """The way out of a command whose answer is not printed."""

    def __new__(cls) -> Taken:
        """One answer."""
        taken = super().__new__(cls, quiet=True)
        taken.notes, taken.parts, taken.document = [], [], None
        return taken

    notes: list[str]
    parts: list[Drawable]
    document: Callable[[], Any] | None

    def give(
        self,
        parts: Iterable[Drawable],
        document: Callable[[], Any] | None = None,
        *,
        of: Site | None = None,
        connections: bool = False,
        page: Callable[[Sequence[str]], Iterable[str]] | None = None,
    ) -> None:
        """Keep it."""
        del of, connections, page
        self.parts += parts
        self.document = document

    def note(self, words: str) -> None:
        """Keep it too."""
        self.notes.append(words)


class Asked(Asking):
    """The options of a question, put to a site that is served, or to another snapshot of it."""

    def __new__(
        cls,
        served: ServedSite,
        model: str = "current",
        open_point: Sequence[str] = (),
        snapshot: str | None = None,
        settings: Path | None = None,
    ) -> Asked:
        """To this site, under a model and open points in words."""
        site, store = served.address, served.store
        asking = super().__new__(cls, snapshot, None, store, site, model, list(open_point), settings)
        asking.served = served
        return asking

    served: ServedSite

    def questions(self) -> Questions:
        """Those that were made once for all who ask, unless another snapshot is meant."""
        if self.snapshot is not None:
            return super().questions()
        return self.served.questions(self.model, self.open_points)

    def site(self) -> Site:
        """The one that is served."""
        return self.served.site

    @property
    def open_points(self) -> OpenPoints:
        """As settled by words; none of them is taken for a file."""
        return open_points_from(self.open_point or ())

    def use(self, site: Site) -> LastUse | None:
        """Read once."""
        return self.served.use if site is self.served.site else super().use(site)


def answered(command: Callable[..., None], *words: Any, **options: Any) -> Answered:
    """What a command answers to these words; its TabwardenError is the asker's to tell."""
    taken, code = Taken(), 0
    try:
        command(*words, output=taken, **options)
    except SystemExit as left:
        code = left.code if isinstance(left.code, int) else 0
    return Answered(taken.parts, taken.document or (lambda: None), taken.notes, code)
