"""The catalog: what Tableau shows to whoever is signed in, level by level, and a search by name."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple
from urllib.parse import quote

from starlette.responses import Response

from tabwarden.commands.mirror import show_catalog
from tabwarden.mirror.browse import catalog_of
from tabwarden.mirror.match import Match, Unmatched
from tabwarden.mirror.personal import MOST_FOUND, Personal
from tabwarden.model.capability import KIND_NAMES, ui_name
from tabwarden.model.errors import UnknownName
from tabwarden.model.names import same
from tabwarden.model.roles import ui_role
from tabwarden.model.site_settings import LIMITED, sees_nobody
from tabwarden.report.dialog import leaders_of
from tabwarden.run.catalog import Browsed, source_name, told
from tabwarden.web.answers import Answered, answered
from tabwarden.web.rights import AUDITOR, CATALOG
from tabwarden.web.visit import Visit, page

if TYPE_CHECKING:
    from tabwarden.access.answer import Answer
    from tabwarden.model.site import Content, User
    from tabwarden.web.catalogs import Source

ROWS = 100  # of a list on one page


class Shown(NamedTuple):
    """A content as a list shows it: what it is called, and what it hangs on."""

    content: Content
    kind: str
    owner: str
    above: tuple[Content, ...]

    @property
    def path(self) -> str:
        """Its path of names that one sees."""
        return "/".join(content.name for content in (*self.above, self.content))


class CatalogOf:
    """The catalog of whoever visits: only what he sees comes out of it."""

    def __init__(self, visit: Visit, source: Source | None = None) -> None:
        self.visit, self.served = visit, visit.site
        self.site, self.match = self.served.site, visit.match_on(self.served)
        self.user: User | None = self.site.users[self.match.user] if isinstance(self.match, Match) else None
        self.personal: Personal = self.served.catalogs.of(self.user, source or visit.source)
        self._ids = self.personal.of.columns.all_ids("content")

    @property
    def nothing(self) -> str:
        """Why he sees nothing; empty where he sees the site."""
        if self.personal.enters:
            return ""
        if isinstance(self.match, Unmatched):
            return f"you are signed in as `{self.visit.name}`, and {self.match.reason}"
        return f"your site role in Tableau is {ui_role(self.user.site_role) if self.user else 'not known'}"

    @property
    def sees_people(self) -> bool:
        """Whether Tableau shows him other people."""
        settings = self.site.settings
        return (
            settings.user_visibility != LIMITED if self.user is None else not sees_nobody(settings, self.user.site_role)
        )

    def content(self, number: int) -> Content:
        """The content of a number."""
        return self.site.contents[self._ids[number]]

    def owner(self, content: Content) -> str:
        """What its owner is called; empty where he is not to know."""
        if content.owner not in self.site.users or not (self.sees_people or self._is_own(content)):
            return ""
        return self._called(content.owner)

    def _called(self, user: str) -> str:
        return (self.site.display_name(user) if user in self.site.users else "") or self.site.called(user)

    def _is_own(self, content: Content) -> bool:
        return self.user is not None and content.owner == self.user.id

    def shown(self, numbers: Iterable[int]) -> list[Shown]:
        """Contents as a list shows them."""
        listed = []
        for number in numbers:
            content = self.content(number)
            above = tuple(map(self.content, self.personal.trail(number)))
            listed.append(Shown(content, KIND_NAMES[content.kind], self.owner(content), above))
        return listed

    def of_kind(self, kind: str) -> list[int]:
        """All that he sees of a kind."""
        kinds, codes = self.personal.of.columns.vocabulary.kinds, self.personal.of.columns.contents.kind
        wanted = kinds.index(kind) if kind in kinds else -1
        numbers: list[int] = self.personal.contents[codes[self.personal.contents] == wanted].tolist()
        return numbers

    def level(self, number: int) -> dict[str, object]:
        """One page of what hangs on a content, or on the site."""
        return self.list_of(self.personal.children(number).tolist())

    def list_of(self, numbers: Sequence[int]) -> dict[str, object]:
        """One page of a list, how many pages and things there are."""
        pages = max(1, -(-len(numbers) // ROWS))
        wanted = self.visit.word("page", "1")
        number = min(max(int(wanted) if wanted.isdecimal() and len(wanted) < 9 else 1, 1), pages)
        rows = self.shown(numbers[(number - 1) * ROWS : number * ROWS])
        return {"rows": rows, "count": len(numbers), "page": number, "pages": pages}

    def allowed(self, content: Content) -> list[tuple[str, Answer]]:
        """What he may do with a content, and what not, as the dialog calls it."""
        if self.user is None:
            return []
        answers = self.served.questions().on(self.user.id, content.id)
        return [(ui_name(answer.what, content.kind), answer) for answer in answers]

    def askable(self, number: int) -> list[tuple[str, str]]:
        """Who can give more of a content: its owner, and the people who lead the projects he sees it in.

        A group that leads is not named: who is in which group is told in the dialog of whoever may set permissions.
        """
        if not self.sees_people:
            return []
        content = self.content(number)
        owner = self.owner(content)
        people = [("owner", owner)] if owner and not self._is_own(content) else []
        for above in reversed([*map(self.content, self.personal.trail(number)), content]):
            if above.kind == "project":
                leaders = [leader for leader in leaders_of(self.site, above.id) or () if leader.kind == "user"]
                people += [(f"leader of {above.name}", self._called(leader.id)) for leader in leaders]
        return people

    def asked_by(self, content: Content, trail: Sequence[Content]) -> str:
        """How a request names it: by its path where he sees all of that, else by its id."""
        above = [self.site.contents[one] for one in self.site.ancestors(content.parent)]
        return self.site.written(content.id) if above == list(reversed(trail)) else content.id


def item_path(content: str) -> str:
    """The address of a content's page."""
    return f"/catalog/item/{quote(content, safe='')}"


def _show(visit: Visit, catalog: CatalogOf, title: str, **values: object) -> Response:
    usual: dict[str, object] = {
        "content": None,
        "trail": (),
        "words": "",
        "nothing": catalog.nothing,
        "rows": [],
        "count": 0,
        "page": 1,
        "pages": 1,
        "searched": False,
        "is_cut": False,
        "item_path": item_path,
        "may_change": CATALOG in visit.rights,
    }
    return visit.show("catalog.html", title=title, catalog=catalog, **{**usual, **values})


@page("/catalog")
def catalog_top(visit: Visit) -> Response:
    """The site, and what lies at its top."""
    catalog = CatalogOf(visit)
    level = catalog.level(catalog.personal.of.site) if catalog.personal.enters else {}
    return _show(visit, catalog, catalog.site.name if catalog.personal.enters else "Catalog", **level)


@page("/catalog/item/{content:path}")
def catalog_item(visit: Visit) -> Response:
    """One content, what it says of itself, and what hangs on it."""
    catalog, wanted = CatalogOf(visit), visit.part("content")
    number = catalog.personal.of.number(wanted)
    if number is None or not catalog.personal.sees(number):
        raise UnknownName(f"your catalog has no `{wanted}`")
    content = catalog.content(number)
    trail = [catalog.content(above) for above in catalog.personal.trail(number)]
    return _show(
        visit,
        catalog,
        content.name,
        content=content,
        trail=trail,
        kind=KIND_NAMES[content.kind],
        owner=catalog.owner(content),
        allowed=catalog.allowed(content),
        askable=catalog.askable(number),
        asked_by=catalog.asked_by(content, trail),
        **catalog.level(number),
    )


@page("/catalog/search")
def catalog_search(visit: Visit) -> Response:
    """What is called so, of what he sees."""
    catalog, words = CatalogOf(visit), visit.word("q").strip()[:100]
    numbers = catalog.personal.found(words)
    title = f"Search: {words}" if words else "Search"
    cut = len(numbers) == MOST_FOUND
    return _show(visit, catalog, title, words=words, searched=True, is_cut=cut, **catalog.list_of(numbers))


def catalog_answer(visit: Visit, options: Mapping[str, Any]) -> Answered:
    """What the command `catalog` answers, of the site and the source as the pages show them; of others to auditors."""
    person, served, source = options["person"], visit.site, visit.source
    if AUDITOR not in visit.rights and same(person) != same(visit.name):
        raise UnknownName("you may browse your own catalog; that of others is told to whoever has the right `auditor`")
    match = served.people.who(person, served.questions().engine.columns)
    user = served.site.users[match.user] if isinstance(match, Match) else None
    assert served.settings is not None  # which the question demands
    rows = served.catalogs.of(user, source).rows(source_name(served.settings), person)
    remark = told(source.change) if source.change else ""
    return answered(show_catalog, Browsed(catalog_of(rows, person), served.site.taken.when, source.enforced, remark))
