"""Who may View what of a site, and where it hangs for whom. Not for which catalog people, nor how rows look.

After "Tableau Permission Mirroring": sites, projects, workbooks, sheets and data sources; every site role but
Unlicensed; administrators everywhere on their own site. Unknown is not visible. What somebody may View below something
she may not hangs on the nearest ancestor she may, in the end on the site, so that no hidden name is shown.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import NamedTuple

from tabwarden.engine.convert import columns_of
from tabwarden.engine.engine import Engine
from tabwarden.engine.mirror import Shares, shares
from tabwarden.model.names import same
from tabwarden.model.roles import is_known, is_licensed
from tabwarden.model.site import Content, Site

SITE = "site"
KINDS = ("project", "workbook", "view", "datasource")
"""What is mirrored beside the site itself; a view is the documents' sheet."""
VIEW = "Read"
GUEST = "Guest"

People = int
"""Some of the people: bit n stands for `Visible.users[n]`."""


class Placed(NamedTuple):
    """A content (or the site itself) for those of its viewers who see `parent` as what holds it; None for the site.

    Who sees it for reasons of his own, as an owner does, stands in a row of its own that is `apart`, so that the other
    row has the same people as its like.
    """

    id: str
    kind: str
    name: str
    parent: str | None
    who: People
    apart: bool = False


@dataclass(frozen=True, slots=True)
class Visible:
    """All that is mirrored of a site: who is on it, by bit, and each content once for each parent.

    `missing` are the words of the selection that name no project of the site.
    """

    users: tuple[str, ...]
    placed: tuple[Placed, ...]
    missing: tuple[str, ...] = ()


def visible(site: Site, projects: Collection[str] | None = None, users: Collection[str] | None = None) -> Visible:
    """Who of these users, or of all, may View what; of the projects with these paths or ids and all below them."""
    chosen, missing = chosen_of(site, projects)
    columns = columns_of(site)
    on_site = [
        (number, user)
        for number, user in enumerate(columns.ids("user"))
        if (users is None or user in users) and may_enter(site.users[user].site_role)
    ]
    mirror = Engine(columns).mirror(VIEW)
    seen = shares(mirror, [number for number, _ in on_site])
    sights = _Sights(site, chosen, seen, columns.content_numbers)
    placed = [Placed(site.id, SITE, site.name, None, (1 << len(on_site)) - 1)]
    placed += (row for content in chosen.values() for row in sights.places(content))
    return Visible(tuple(user for _, user in on_site), tuple(placed), missing)


def everything(site: Site, projects: Collection[str] | None = None) -> Visible:
    """The same content where nothing is enforced: each where it lies, for nobody in particular."""
    chosen, missing = chosen_of(site, projects)
    placed = [Placed(site.id, SITE, site.name, None, 0)]
    for content in chosen.values():
        parent = content.parent if content.parent in chosen else site.id
        placed.append(Placed(content.id, content.kind, content.name, parent, 0))
    return Visible((), tuple(placed), missing)


def may_enter(role: str) -> bool:
    """Whether somebody with this site role sees the site: all but Unlicensed, and but roles nobody told us of."""
    return is_known(role) and (is_licensed(role) or role == GUEST)


def chosen_of(site: Site, projects: Collection[str] | None) -> tuple[Mapping[str, Content], tuple[str, ...]]:
    """What is mirrored at all, by id, and the words that name no project: they choose nothing."""
    kept = {c.id: c for c in site.contents.values() if c.kind in KINDS}
    if projects is None:
        return kept, ()
    by_path = {same(site.path(c.id)): c.id for c in kept.values() if c.kind == "project"}
    meant = {words: words if words in kept else by_path.get(same(words.strip().strip("/"))) for words in projects}
    roots = frozenset(found for found in meant.values() if found is not None)
    inside = {c.id: c for c in kept.values() if not roots.isdisjoint(site.ancestors(c.id))}
    return inside, tuple(words for words, found in meant.items() if found is None)


class _Sights:
    """Who sees each chosen content, and below what."""

    def __init__(self, site: Site, chosen: Mapping[str, Content], seen: Shares, numbers: Mapping[str, int]) -> None:
        self._site, self._chosen, self._seen, self._numbers = site, chosen, seen, numbers
        self._known: dict[tuple[int, str | None], tuple[tuple[str, People], ...]] = {}

    def places(self, content: Content) -> Iterator[Placed]:
        """The content once for each ancestor that is the nearest visible one of some viewer."""
        number, seen = self._numbers[content.id], self._seen
        form = seen.of_content[number]
        if number in seen.less:
            shared = self._below(content.parent, seen.rows[form] & ~seen.less[number])
        else:
            key = form, content.parent
            if key not in self._known:
                self._known[key] = self._below(content.parent, seen.rows[form])
            shared = self._known[key]
        for parent, who in shared:
            yield Placed(content.id, content.kind, content.name, parent, who)
        for parent, who in self._below(content.parent, seen.more.get(number, 0)):
            yield Placed(content.id, content.kind, content.name, parent, who, apart=True)

    def _below(self, parent: str | None, left: People) -> tuple[tuple[str, People], ...]:
        """What the nearest thing is that these viewers see of what lies above, in the end the site."""
        found = []
        for holder in self._site.ancestors(parent) if left else ():
            here = left & self._of(holder)
            if here:
                found.append((holder, here))
                left &= ~here
            if not left:
                break
        if left:
            found.append((self._site.id, left))
        return tuple(found)

    def _of(self, content: str) -> People:
        """Who sees it; nobody what is not mirrored."""
        if content not in self._chosen:
            return 0
        number, seen = self._numbers[content], self._seen
        return seen.rows[seen.of_content[number]] & ~seen.less.get(number, 0) | seen.more.get(number, 0)
