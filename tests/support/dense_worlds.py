"""Worlds of many small dense sites as a server keeps them, for whoever reads a whole server. Not a test."""

from __future__ import annotations

import functools
from dataclasses import replace
from uuid import NAMESPACE_URL, uuid5

from dense_sites import dense_site

from tabwarden.model.roles import SITE_ROLES
from tabwarden.model.site import ALL_USERS, CUSTOMIZABLE, Content, Group, Rules, Site, Use, User
from tabwarden.sandbox.state.server_state import Account, World

ADMIN, CREATED = "ServerAdministrator", "2025-01-01T08:00:00Z"


def on_a_server(seed: int) -> Site:
    """A dense site as a server keeps it: known roles, owners that are there, views with their workbook's owner."""
    site = dense_site(seed, users=8, items=16)
    known = {i: u if u.site_role in SITE_ROLES else replace(u, site_role="Viewer") for i, u in site.users.items()}
    known = {i: replace(u, name=f"{i}-{seed}", full_name=f"Number {i}") for i, u in known.items()}
    root = User("root", f"root-{seed}", ADMIN, full_name="root")
    contents = dict(site.contents)
    for content in site.contents.values():
        owner = contents[content.parent].owner if content.kind == "view" and content.parent else content.owner
        owner = owner if owner in known else "u0"
        # Dense sites are locked nearly everywhere; without a lock rules of their own and tabs decide.
        mode = content.mode if seed % 2 or content.kind != "project" else CUSTOMIZABLE
        contents[content.id] = replace(content, owner=owner, mode=mode, created=CREATED, updated=CREATED)
    everyone = {i: g for i, g in site.groups.items() if g.everyone} or {
        ALL_USERS: Group(ALL_USERS, ALL_USERS, everyone=True)
    }
    made = replace(site, users={**known, "root": root}, groups={**site.groups, **everyone}, contents=contents)
    return renamed(with_uses(made), f"site-{seed}")


def with_uses(site: Site) -> Site:
    """Every second workbook uses the data sources there are."""
    sources = [c.id for c in site.contents.values() if c.kind == "datasource"]
    books = [c for c in site.contents.values() if c.kind == "workbook"][::2]
    uses = tuple(Use(source, ("embed", "prompt")[n % 2]) for n, source in enumerate(sources))
    return site.with_contents(*(replace(book, uses=uses) for book in books))


def renamed(site: Site, name: str) -> Site:
    """The site under that name with ids as a server gives them, so that several in one database share none."""

    def new(old: str) -> str:
        return str(uuid5(NAMESPACE_URL, f"{name}/{old}"))

    def rules(held: Rules | None) -> Rules | None:
        return held and frozenset(r._replace(grantee=r.grantee._replace(id=new(r.grantee.id))) for r in held)

    def content(c: Content) -> Content:
        return replace(
            c,
            id=new(c.id),
            parent=c.parent and new(c.parent),
            owner=new(c.owner),
            rules=rules(c.rules),
            defaults={kind: rules(held) for kind, held in c.defaults.items()},
            uses=tuple(use._replace(datasource=new(use.datasource)) for use in c.uses),
        )

    users = [replace(u, id=new(i)) for i, u in site.users.items()]
    groups = [replace(g, id=new(i), members=frozenset(map(new, g.members or ()))) for i, g in site.groups.items()]
    sets = [replace(s, id=new(i), groups=frozenset(map(new, s.groups))) for i, s in site.group_sets.items()]
    made = Site(new("site"), name, name).with_users(*users).with_groups(*groups).with_group_sets(*sets)
    return made.with_contents(*map(content, site.contents.values()))


@functools.cache
def dense_world(first: int, number: int = 8) -> World:
    """So many sites, from that seed on; nobody is on two of them."""
    sites = tuple(on_a_server(seed) for seed in range(first, first + number))
    names = sorted({u.name for s in sites for u in s.users.values()})
    return World("dense", sites, tuple(Account(name, name) for name in names))
