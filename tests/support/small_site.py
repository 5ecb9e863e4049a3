"""A small Site in few words, for the tests of access and effects: names are ids. Not a test of its own."""

from __future__ import annotations

from collections.abc import Iterable
from types import MappingProxyType

from tabwarden.model.site import ALL_USERS, Content, Grantee, Group, GroupSet, Rule, Rules, Site, User


def rule(words: str) -> Rule:
    """`user:ann +Read`, `group:g -Filter`, `groupSet:s +Read`."""
    grantee, capability = words.rsplit(" ", 1)
    kind, name = grantee.split(":")
    return Rule(Grantee(kind, name), capability[1:], {"+": "Allow", "-": "Deny"}[capability[0]])


def rules(*words: str) -> Rules:
    """Several of them."""
    return frozenset(map(rule, words))


def project(name: str, parent: str | None = None, *words: str, **more: object) -> Content:
    """A project owned by adm; `workbook=`, `datasource=` give defaults, the rest are fields of Content."""
    defaults = {kind: more.pop(kind) for kind in ("workbook", "datasource", "flow") if kind in more}
    made = {k: v if v is None else rules(*v) for k, v in defaults.items()}  # type: ignore[misc]
    fields: dict[str, object] = {"owner": "adm", "rules": rules(*words), "defaults": MappingProxyType(made), **more}
    return Content(id=name, kind="project", name=name, parent=parent, **fields)  # type: ignore[arg-type]


def workbook(name: str, parent: str | None, *words: str, kind: str = "workbook", **more: object) -> Content:
    """A workbook (or other `kind`) owned by bob."""
    fields: dict[str, object] = {"owner": "bob", "rules": rules(*words), **more}
    return Content(id=name, kind=kind, name=name, parent=parent, **fields)  # type: ignore[arg-type]


def site(*contents: Content, users: Iterable[str] = (), groups: Iterable[Group] = (), **more: object) -> Site:
    """adm administers, bob publishes; `users` as `ann:Viewer`; All Users is there."""
    people = [User("adm", "adm", "SiteAdministratorCreator"), User("bob", "bob", "Creator")]
    people += [User(name, name, role) for name, role in (words.split(":") for words in users)]
    everyone = Group(ALL_USERS, ALL_USERS, everyone=True)
    fields: dict[str, object] = {"users": {u.id: u for u in people}, **more}
    fields["groups"] = {g.id: g for g in (everyone, *groups)}
    fields["contents"] = {c.id: c for c in contents}
    return Site(**fields)  # type: ignore[arg-type]


def group(name: str, *members: str, **more: str) -> Group:
    """A group; `minimum_site_role=`, `grant_on=` as in Group."""
    return Group(name, name, members=frozenset(members), **more)  # type: ignore[arg-type]


def group_set(name: str, *groups: str) -> GroupSet:
    """A group set."""
    return GroupSet(name, name, frozenset(groups))
