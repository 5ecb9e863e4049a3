"""Who may View what of a site, and where it hangs for whom. Not for which catalog people, nor how rows look.

After "Tableau Permission Mirroring": sites, projects, workbooks, sheets and data sources; every site role but
Unlicensed; administrators everywhere on their own site. Unknown is not visible. What somebody may View below something
she may not hangs on the nearest ancestor she may, in the end on the site, so that no hidden name is shown.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import NamedTuple

from tabwarden.access.convert import columns_of
from tabwarden.access.engine import Engine
from tabwarden.model.names import same
from tabwarden.model.roles import is_known, is_licensed
from tabwarden.model.site import Content, Site

SITE = "site"
KINDS = ("project", "workbook", "view", "datasource")
"""What is mirrored beside the site itself; a view is the documents' sheet."""
VIEW = "Read"
GUEST = "Guest"

People = int
"""Some of a site's users: bit n stands for `Visible.users[n]`."""


class Placed(NamedTuple):
    """A content (or the site itself) for those of its viewers who see `parent` as what holds it; None for the site."""

    id: str
    kind: str
    name: str
    parent: str | None
    who: People


@dataclass(frozen=True, slots=True)
class Visible:
    """All that is mirrored of a site: user ids by bit, who is on the site, and each content once for each parent.

    `missing` are the words of the selection that name no project of the site.
    """

    users: tuple[str, ...]
    licensed: People
    placed: tuple[Placed, ...]
    missing: tuple[str, ...] = ()


def visible(site: Site, projects: Collection[str] | None = None) -> Visible:
    """Who may View what; of the projects with these paths or ids and of all below them, or of everything."""
    chosen, missing = chosen_of(site, projects)
    users, seen = _viewers(site, chosen)
    licensed = sum(1 << number for number, user in enumerate(users) if may_enter(site.users[user].site_role))
    placed = [Placed(site.id, SITE, site.name, None, licensed)]
    placed += (row for content in chosen.values() for row in _places(site, content, seen, licensed))
    return Visible(users, licensed, tuple(placed), missing)


def everything(site: Site, projects: Collection[str] | None = None) -> Visible:
    """The same content where nothing is enforced: each where it lies, for nobody in particular."""
    chosen, missing = chosen_of(site, projects)
    placed = [Placed(site.id, SITE, site.name, None, 0)]
    for content in chosen.values():
        parent = content.parent if content.parent in chosen else site.id
        placed.append(Placed(content.id, content.kind, content.name, parent, 0))
    return Visible(tuple(site.users), 0, tuple(placed), missing)


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
    inside = {c.id: c for c in kept.values() if not roots.isdisjoint(_up(site, c.id))}
    return inside, tuple(words for words, found in meant.items() if found is None)


def _up(site: Site, content: str | None) -> Iterator[str]:
    """A content, then what holds it, up to the top or to what was not read."""
    seen: set[str] = set()
    while content is not None and content in site.contents and content not in seen:
        seen.add(content)
        yield content
        content = site.contents[content].parent


def _viewers(site: Site, chosen: Mapping[str, Content]) -> tuple[tuple[str, ...], dict[str, People]]:
    """User ids by bit, and for each chosen content who may View it. What is unknown is not in it."""
    columns = columns_of(site)
    mirror = Engine(columns).mirror(VIEW)
    numbers = columns.content_numbers
    seen = {each: int.from_bytes(mirror.row(numbers[each]).tobytes(), "little") for each in chosen}
    return tuple(columns.ids("user")), seen


def _places(site: Site, content: Content, seen: Mapping[str, People], licensed: People) -> Iterator[Placed]:
    """The content once for each ancestor that is the nearest visible one of some viewer."""
    left = seen[content.id] & licensed
    above = _up(site, content.id)
    next(above)
    for holder in above:
        here = left & seen.get(holder, 0)
        if here:
            yield Placed(content.id, content.kind, content.name, holder, here)
            left &= ~here
        if not left:
            return
    if left:
        yield Placed(content.id, content.kind, content.name, site.id, left)
