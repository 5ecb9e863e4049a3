"""Very small Sites from a seed: two nested projects, a workbook with a view, three people. Not a test.

Small enough that everything that can be changed can be tried; as a server keeps them: what lies below a lock is locked.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from random import Random
from types import MappingProxyType

from tabwarden.model.capability import applies, capabilities_of
from tabwarden.model.open_points import CURRENT
from tabwarden.model.site import (
    ALL_USERS,
    ALLOW,
    DENY,
    LOCKED,
    MODES,
    Content,
    Grantee,
    Group,
    GroupSet,
    Rule,
    Rules,
    Site,
    User,
)
from tabwarden.model.site_settings import SiteSettings

USERS, GROUPS, SETS = ("ann", "bob", "eve"), ("g", "h"), ("s",)
ROLES = ("Creator", "ExplorerCanPublish", "Explorer", "Viewer", "Unlicensed", "SiteAdministratorExplorer", "Guest")
CAPABILITIES = ("Read", "WebAuthoring", "Write", "ChangePermissions", "NotYetNamed")
GRANTEES = (
    *(Grantee("user", name) for name in USERS),
    *(Grantee("group", name) for name in (*GROUPS, ALL_USERS)),
    *(Grantee("groupSet", name) for name in SETS),
)


def tiny_site(seed: int, capabilities: tuple[str, ...] = CAPABILITIES) -> Site:
    """The Site of a seed; its content has rules about these capabilities."""
    random = Random(seed)
    users = {name: User(name, name, random.choice(ROLES)) for name in USERS}
    groups = {name: Group(name, name, members=_some(random, USERS)) for name in GROUPS}
    groups[ALL_USERS] = Group(ALL_USERS, ALL_USERS, everyone=True)
    sets = {name: GroupSet(name, name, frozenset(GROUPS)) for name in SETS}
    top_mode = random.choice(MODES)
    modes = {"p": top_mode, "q": LOCKED if top_mode == LOCKED else random.choice(MODES)}
    contents = [_project(random, name, parent, modes[name], capabilities) for name, parent in (("p", None), ("q", "p"))]
    owner = random.choice(USERS)
    book = Content("w", "workbook", "w", random.choice("pq"), owner, tabs=random.random() < 0.5)
    book = replace(book, rules=_rules(random, capabilities))
    contents += [book, Content("v", "view", "v", "w", owner, rules=_rules(random, capabilities))]
    settings = SiteSettings(web_authoring=random.random() < 0.9, group_sets=random.random() < 0.9)
    return Site(users=users, groups=groups, group_sets=sets, contents={c.id: c for c in contents}, settings=settings)


def _project(random: Random, name: str, parent: str | None, mode: str, capabilities: tuple[str, ...]) -> Content:
    defaults = MappingProxyType({"workbook": _rules(random, capabilities)})
    rules = _rules(random, ("ProjectLeader", "Read", "Write"))
    return Content(name, "project", name, parent, random.choice(USERS), rules=rules, mode=mode, defaults=defaults)


def _some(random: Random, names: tuple[str, ...]) -> frozenset[str]:
    return frozenset(name for name in names if random.random() < 0.5)


def _rules(random: Random, capabilities: tuple[str, ...]) -> Rules:
    """Up to five rules, of a grantee and capability one at most."""
    pairs = {(random.choice(GRANTEES), random.choice(capabilities)) for _ in range(random.randrange(6))}
    return frozenset(Rule(who, what, random.choice((ALLOW, DENY))) for who, what in sorted(pairs))


def decisions(site: Site, model: str = CURRENT) -> Iterator[tuple[str, str, str]]:
    """Every (user, content, capability) there is, unknown capabilities that rules name included."""
    for held in site.contents.values():
        known = (*capabilities_of(held.kind, model), "NotYetNamed")
        for capability in known:
            if applies(capability, held.kind, model) is not False:
                for user in site.users:
                    yield user, held.id, capability
