"""Everything on a site whose name holds some words, the nearest first: people, groups, group sets, content."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any, NamedTuple

from tabwarden.model.capability import KIND_NAMES
from tabwarden.model.names import hint, same
from tabwarden.model.roles import ui_role
from tabwarden.model.site import Site
from tabwarden.report.table import MARK, NAME, Column, Table


class Thing(NamedTuple):
    """Something that has a name: its kind, id, what it is called or its path, and more of it in words."""

    kind: str
    id: str
    name: str
    more: str


def things_called(site: Site, words: Sequence[str]) -> list[Thing]:
    """What has all the words in its names or its path, one at least in a name.

    What is called so comes first, then what begins so, then the rest, each by name.
    """
    wanted = [same(word.strip("/")) for word in words if word.strip("/")]
    phrase = " ".join(wanted)
    ranked = []
    for thing, names, place in _every(site):
        text = "\n".join((*names, place))
        own = [word for word in wanted if "/" in word or any(word in name for name in names)]
        if own and all(word in text for word in wanted):
            begins = any(name.startswith(phrase) for name in names)
            rank = 0 if phrase in (*names, place) else 1 if begins else 2 if phrase in text else 3
            ranked.append((rank, same(thing.name), thing))
    return [thing for _, _, thing in sorted(ranked)]


def _every(site: Site) -> Iterator[tuple[Thing, tuple[str, ...], str]]:
    """Each thing, its own names, and where it is, as they are compared."""
    for user in site.users.values():
        more = ", ".join(filter(None, (user.full_name, ui_role(user.site_role))))
        names = tuple(map(same, (user.name, user.full_name, user.email)))
        yield Thing("user", user.id, site.called(user.id), more), names, same(f"{user.domain}\\{user.name}")
    for group in site.groups.values():
        read = group.everyone or group.members is not None
        more = f"{len(site.members(group.id))} members" if read else "members not read"
        yield Thing("group", group.id, group.name, more), (same(group.name),), same(f"{group.domain}\\{group.name}")
    for group_set in site.group_sets.values():
        more = f"of {len(group_set.groups)} groups"
        yield Thing("group set", group_set.id, group_set.name, more), (same(group_set.name),), ""
    for content in site.contents.values():
        kind, path = KIND_NAMES[content.kind], site.path(content.id)
        more = f"of {site.called(content.owner)}"
        yield Thing(kind, content.id, path, more), (same(content.name),), same(path)


def near(site: Site, words: str) -> str:
    """`; near it: ...`: what is called much like it."""
    names = {user.name: user.full_name for user in site.users.values()}
    names |= {group.name: "" for group in site.groups.values()}
    names |= {content.name: "" for content in site.contents.values()}
    return hint(words, names)


def table_of(things: Iterable[Thing]) -> Table:
    """A thing a line."""
    rows = [(thing.kind, thing.name, thing.more) for thing in things]
    return Table(Column("What", MARK), Column("Name", NAME), "More", name="things", rows=rows)


def as_json(things: Iterable[Thing]) -> list[dict[str, Any]]:
    """Each with its id."""
    return [thing._asdict() for thing in things]
