"""A mirror made the plain way, content by content in sets of Python, to hold the fast way against."""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Iterator

from tabwarden.engine.convert import columns_of
from tabwarden.engine.engine import Engine
from tabwarden.mirror.match import Matches
from tabwarden.mirror.rows import KINDS, Row
from tabwarden.mirror.visible import may_enter
from tabwarden.model.site import Content, Site

Placed = tuple[str, str, str]  # id, parent, "apart" or nothing


def plain_mirror(site: Site, matches: Matches, source: str) -> dict[str, frozenset[Row]]:
    """The tables `viewers` and `content` of a site for these people."""
    by_set: dict[frozenset[str], list[Placed]] = defaultdict(list)
    served = frozenset(user for user in matches.by_user if may_enter(site.users[user].site_role))
    if served:
        by_set[served].append((site.id, "", ""))
    for content, parent, users, apart in _placed(site, served):
        by_set[users].append((content.id, parent, "apart" if apart else ""))
    viewers, rows = set(), set()
    for users, places in by_set.items():
        name = hashlib.sha256("\0".join(min(places)).encode()).hexdigest()[:20]
        viewers |= {(source, name, person) for user in users for person in matches.by_user[user]}
        for each, parent, _ in places:
            content = site.contents.get(each)
            kind, called = ("site", site.name) if content is None else (content.kind, content.name)
            rows.add((source, name, each, kind, called, parent))
    return {"viewers": frozenset(viewers), "content": frozenset(rows)}


def _placed(site: Site, served: frozenset[str]) -> Iterator[tuple[Content, str, frozenset[str], bool]]:
    """Each content for each parent: for those of its class, and for those who see it for reasons of their own."""
    columns = columns_of(site)
    users, mirror = columns.ids("user"), Engine(columns).mirror("Read")
    sees: dict[str, frozenset[str]] = {}
    of_class: dict[str, frozenset[str]] = {}
    for number, content in enumerate(columns.ids("content")):
        if site.contents[content].kind in KINDS:
            row = mirror.parts.people.ids(mirror.rows[mirror.of_content[number]])
            of_class[content] = frozenset(users[user] for user in row.tolist()) & served
            sees[content] = frozenset(users[user] for user in mirror.ids(number).tolist()) & served
    for each, those in sees.items():
        for some, apart in ((those & of_class[each], False), (those - of_class[each], True)):
            left = some
            for holder in site.ancestors(site.contents[each].parent):
                if seen := left & sees.get(holder, frozenset()):
                    yield site.contents[each], holder, seen, apart
                left -= seen
            if left:
                yield site.contents[each], site.id, left, apart
