"""Small Sites by hypothesis: well-formed, as a server keeps them (what lies below a lock is locked). Not a test."""

from __future__ import annotations

from dataclasses import replace
from types import MappingProxyType

from hypothesis import strategies as st

from tabwarden.model.governing import managing_project
from tabwarden.model.site import (
    ALL_USERS,
    CUSTOMIZABLE,
    LOCKED,
    LOCKED_WITHOUT_NESTED,
    Content,
    Grantee,
    Group,
    GroupSet,
    Rule,
    Rules,
    Site,
    User,
)

ROLES = ("SiteAdministratorExplorer", "Creator", "ExplorerCanPublish", "Explorer", "Viewer", "Unlicensed", "Guest")
USERS, GROUPS, SETS = ("ann", "bob", "eve", "joe"), ("g", "h", "k"), ("s", "t")
MODES = (LOCKED, LOCKED_WITHOUT_NESTED, CUSTOMIZABLE)
CAPABILITIES = ("Read", "WebAuthoring", "Write", "ChangePermissions", "NotYetNamed")
GRANTEES = st.sampled_from(
    [
        *(Grantee("user", name) for name in USERS),
        *(Grantee("group", name) for name in (*GROUPS, ALL_USERS)),
        *(Grantee("groupSet", name) for name in SETS),
    ]
)
MODES_OF_RULES = st.sampled_from(["Allow", "Deny"])
# The tree: top (project) > p > c, beside it q; a workbook in each of p, c and q, with two views.
PARENTS = {"top": None, "p": "top", "c": "p", "q": None}
WORKBOOKS = {"w": "p", "x": "c", "y": "q"}


@st.composite
def rule_lists(draw: st.DrawFn, leaders: bool = False) -> Rules:
    """Up to six rules, of a grantee and capability one at most, as a server keeps them."""
    named = ("ProjectLeader", "Read", "Write") if leaders else CAPABILITIES
    pairs = draw(st.lists(st.tuples(GRANTEES, st.sampled_from(named)), max_size=6, unique=True))
    return frozenset(Rule(grantee, capability, draw(MODES_OF_RULES)) for grantee, capability in pairs)


@st.composite
def _contents(draw: st.DrawFn) -> dict[str, Content]:
    owners = st.sampled_from(USERS)
    made: dict[str, Content] = {}
    for name, parent in PARENTS.items():
        above_locks = parent is not None and made[parent].mode == LOCKED
        mode = LOCKED if above_locks else draw(st.sampled_from(MODES))
        defaults = MappingProxyType({"workbook": draw(rule_lists())})
        rules = draw(rule_lists(leaders=True))
        made[name] = Content(name, "project", name, parent, draw(owners), rules=rules, mode=mode, defaults=defaults)
    for name, parent in WORKBOOKS.items():
        owner, tabs = draw(owners), draw(st.booleans())
        made[name] = Content(name, "workbook", name, parent, owner, rules=draw(rule_lists()), tabs=tabs)
        for view in (f"{name}1", f"{name}2"):
            made[view] = Content(view, "view", view, name, owner, rules=draw(rule_lists()))
    return made


@st.composite
def sites(draw: st.DrawFn) -> Site:
    """A Site of four people, three groups, two group sets and the tree above."""
    users = {name: User(name, name, draw(st.sampled_from(ROLES))) for name in USERS}
    groups = {name: Group(name, name, members=draw(st.frozensets(st.sampled_from(USERS)))) for name in GROUPS}
    groups[ALL_USERS] = Group(ALL_USERS, ALL_USERS, everyone=True)
    sets = {name: GroupSet(name, name, draw(st.frozensets(st.sampled_from(GROUPS), min_size=1))) for name in SETS}
    return Site(users=users, groups=groups, group_sets=sets, contents=draw(_contents()))


def self_managed(site: Site, mode: str) -> list[str]:
    """Projects in that mode that no parent governs."""
    listed = [c.id for c in site.contents.values() if c.kind == "project" and c.mode == mode]
    return [p for p in listed if managing_project(site, p) in (p, None)]


def with_mode(site: Site, project: str, mode: str) -> Site:
    """The Site as if it had been made so: the project under no lock, in that mode, and locked below it."""
    held = {above: replace(site.contents[above], mode=CUSTOMIZABLE) for above in site.ancestors(project)}
    held[project] = replace(site.contents[project], mode=mode)
    below = [site.contents[c] for c in site.below(project) if site.contents[c].kind == "project"]
    locked = [replace(c, mode=LOCKED) for c in below] if mode == LOCKED else []
    return site.with_contents(*held.values(), *locked)
