"""A second opinion in bit arithmetic, and the table of every combination it is asked about. Not a test of its own.

One bit a capability. `certain` is the whole of the rules as the documents state them, written without a look at the
reference: ((group allow & ~group deny) | user allow) & ~user deny, group sets where nothing else spoke, then owners,
leaders and administrators, then what a lock takes away, then the ceiling. A fact that was not read is tried both ways:
what comes out the same is certain, the rest is unknown.
All rows of one seed and of all models are one Site, so that an engine for whole sites is asked as it is meant.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from itertools import product
from types import MappingProxyType
from typing import NamedTuple

from tabwarden.model.site import ALL_USERS, Content, Grantee, Group, GroupSet, Rule, Rules, Site, User
from tabwarden.model.site_settings import SiteSettings

READ, EDIT, SET, NEW = 1, 2, 4, 8
ALL = READ | EDIT | SET | NEW
CAPABILITIES = {READ: "Read", EDIT: "ShareView", SET: "ChangePermissions", NEW: "NotYetNamed"}
OF_PROJECTS = {READ: "Read", EDIT: "Write", SET: "ChangePermissions", NEW: "NotYetNamed"}

CEILING = {
    "SiteAdministratorExplorer": ALL,
    "Creator": ALL,
    "ExplorerCanPublish": ALL,
    "Viewer": READ | NEW,
    "Unlicensed": 0,
}
ROLES = tuple(CEILING)
POWERS = ("none", "owns it", "owns p", "owns top", "leads p", "leads p by group", "leads p by set", "leads top")
MODES = {
    "open": ("ManagedByOwner", "ManagedByOwner"),
    "p": ("ManagedByOwner", "LockedToProject"),
    "p for itself": ("ManagedByOwner", "LockedToProjectWithoutNested"),
    "top": ("LockedToProject", "LockedToProject"),
    "top for itself": ("LockedToProjectWithoutNested", "ManagedByOwner"),
}
TARGETS = ("workbook", "view with tabs", "view without tabs", "project")
PRIVATE = ("workbook in no project", "view in no project")
UNREAD = ("nothing", "members", "list", "leaders")
MODELS = ("current", "classic", "deny_first")
SEEDS = range(64)


class Row(NamedTuple):
    """One line of the table, for each seed and model."""

    role: str
    power: str
    lock: str
    target: str
    unread: str


class Planes(NamedTuple):
    """A list of rules as masks of what it allows and denies by user, group and group set."""

    user_allow: int
    user_deny: int
    group_allow: int
    group_deny: int
    set_allow: int
    set_deny: int


ROWS = (
    *(
        Row(*each)
        for each in product(ROLES, POWERS, MODES, TARGETS, UNREAD)
        if each[0] not in ROLES[2::2] or each[2][0] == "p"
    ),
    *(
        Row(role, power, "open", target, unread)
        for role in ROLES
        for power in POWERS[:3]
        for target in PRIVATE
        for unread in UNREAD
    ),
)
# Six lists that could govern, each with rules of its own: factor and term by which it meets the 64 mixtures.
LISTS = {"own": (1, 0), "view": (5, 1), "p": (7, 2), "top": (11, 3), "rules of p": (13, 4), "rules of top": (19, 5)}


def _planes(mixture: int) -> Planes:
    """Each capability meets another of the 64 mixtures of rules."""
    of = {bit: (mixture * (1, 5, 25, 61)[place] + 17 * place) % 64 for place, bit in enumerate(CAPABILITIES)}
    return Planes(*(sum(bit for bit, mixed in of.items() if mixed >> place & 1) for place in range(6)))


PLANES = {(name, seed): _planes((a * seed + b) % 64) for name, (a, b) in LISTS.items() for seed in SEEDS}


# -- the second opinion ---------------------------------------------------------------------------------------


def level_of(row: Row, model: str) -> str:
    """The list that governs."""
    lock = "open" if model == "classic" else row.lock
    if row.target == "project":
        return "rules of top" if lock == "top" else "rules of p"
    if lock in ("p", "p for itself", "top"):
        return lock[:3].strip(" f")
    return "view" if row.target == "view without tabs" else "own"


def limited(seed: int) -> bool:
    """Whether user visibility is limited on the Site of a seed."""
    return seed % 24 in (8, 22)


def private(row: Row, model: str) -> int:
    """What holds in a Personal Space: all but Set Permissions to its owner, to administrators all but editing."""
    editing = EDIT if row.target.startswith("workbook") else 0
    owns, shared = row.power == "owns it", ALL & ~editing if row.role.startswith("SiteAdministrator") else 0
    allowed = (ALL if owns else shared) & ~SET & (ALL if editing else ~EDIT)
    return allowed & CEILING[row.role] & (~NEW if model == "classic" else ALL)


def certain(row: Row, model: str, planes: Planes, power: str) -> int:
    """What holds when every fact is known."""
    user_allow, user_deny, group_allow, group_deny, set_allow, set_deny = planes
    allowed = ((group_allow & ~group_deny) | user_allow) & ~user_deny
    allowed |= set_allow & ~set_deny & ~(user_allow | user_deny | group_allow | group_deny)
    owner_rules_nothing = model == "classic" and power.startswith("owns ") and power != "owns it"
    if power != "none" and not owner_rules_nothing:
        allowed = ALL
    manager = {"p": "p", "p for itself": "p", "top": "top"}.get(row.lock, "") if model != "classic" else ""
    rules_top = power in ("owns top", "leads top")
    if manager and not (rules_top or (manager == "p" and power.startswith(("owns p", "leads p")))):
        allowed &= ~SET
    if model == "deny_first":
        allowed &= ~(user_deny | group_deny | set_deny)
    if row.role.startswith("SiteAdministrator"):
        allowed = ALL
    if row.target == "project" and model != "classic":
        allowed &= ~SET  # projects have no such capability since 2012
    return allowed & CEILING[row.role] & (~NEW if model == "classic" else ALL)


def expected(row: Row, seed: int, model: str) -> tuple[int, int]:
    """Masks of what is allowed and of what is unknown."""
    every, unknown = (private(row, model), 0) if row.target in PRIVATE else _by_rules(row, seed, model)
    if limited(seed):
        gone = EDIT if row.target in (*TARGETS[:3], PRIVATE[1]) else 0
        gone |= SET if row.role == "ExplorerCanPublish" else 0
        every, unknown = every & ~gone, unknown & ~gone
    return every, unknown


def _by_rules(row: Row, seed: int, model: str) -> tuple[int, int]:
    every, some = ALL, 0
    for planes, power in _completions(row, seed, model):
        mask = certain(row, model, planes, power)
        every, some = every & mask, some | mask
    unknown = some & ~every
    if model == "deny_first" and not row.role.startswith("SiteAdministrator"):
        # A Deny that perhaps speaks is not weighed against anything else there.
        unsure = _perhaps_denied(row, seed, model) & CEILING[row.role]
        every, unknown = every & ~unsure, unknown | unsure
    return every, unknown


def _completions(row: Row, seed: int, model: str) -> Iterator[tuple[Planes, str]]:
    """Every way the facts that were not read could be, each fact by itself."""
    level = level_of(row, model)
    planes, power = PLANES[level, seed], "none" if (row.target, row.power) == ("project", "owns it") else row.power
    lists, powers = [planes], {power}
    if level in _unread_lists(row):
        lists = [_NOTHING, _NOTHING._replace(user_allow=ALL), _NOTHING._replace(user_deny=ALL)]
    elif row.unread == "members" and level == level_of(row, "current"):
        lists.append(planes._replace(**{"group_deny" if lost_denies(level, seed) else "group_allow": 0}))
    if row.unread == "members" and power in ("leads p by group", "leads p by set"):
        powers.add("none")
    if "rules of p" in _unread_lists(row):
        weak = power in ("none", "owns it") or (model == "classic" and power.startswith("owns"))
        powers |= {"none"} if power.startswith("leads p") else set()
        powers |= {"leads p"} if weak else set()
    if "rules of top" in _unread_lists(row):
        powers |= {"none"} if power == "leads top" else set()
        powers |= {"leads top"} if power != "owns top" else set()
    return product(lists, powers)


_NOTHING = Planes(0, 0, 0, 0, 0, 0)


def _perhaps_denied(row: Row, seed: int, model: str) -> int:
    level = level_of(row, model)
    exists = (~SET if row.target == "project" and model != "classic" else ALL) & (~NEW if model == "classic" else ALL)
    if level in _unread_lists(row):
        return ALL & exists
    if row.unread == "members" and level == level_of(row, "current") and lost_denies(level, seed):
        planes = PLANES[level, seed]
        return planes.group_deny & ~(planes.user_deny | planes.set_deny) & exists
    return 0


def _unread_lists(row: Row) -> set[str]:
    """The lists that were not read: all that could govern, or only the one that may tell of leaders of p."""
    if row.unread == "list":
        return {level_of(row, model) for model in MODELS}
    return {"rules of p"} if row.unread == "leaders" else set()


def lost_denies(level: str, seed: int) -> bool:
    """Whether it is the Deny or the Allow that names a group whose members were not read."""
    return (seed + len(level)) % 2 == 0


# -- the same as a Site ---------------------------------------------------------------------------------------


def user_of(row: Row) -> str:
    """The user a row asks about."""
    return f"ann {row.role}"


def content_of(row: Row) -> str:
    """The content a row asks about."""
    return f"{row.target[0]} {_tree(row)}"


def capabilities_of(row: Row) -> dict[int, str]:
    """The capability each bit stands for."""
    return OF_PROJECTS if row.target in ("project", PRIVATE[0]) else CAPABILITIES


def _tree(row: Row) -> str:
    return f"{row.role}/{row.power}/{row.lock}/{row.target}/{row.unread}"


_USERS = {user.id: user for user in (User(f"ann {role}", f"ann {role}", role) for role in ROLES)}
_ALL = frozenset(_USERS)
_GROUPS = (
    Group("g", "g", members=_ALL),
    Group("h", "h", members=_ALL | {"bob"}),
    Group("out", "out", members=frozenset({"bob"})),
    Group("lost", "lost", members=None),
    Group(ALL_USERS, ALL_USERS, members=frozenset(), everyone=True),
)
_SETS = (
    GroupSet("s", "s", frozenset({"g", "h"})),
    GroupSet("t", "t", frozenset({"h", ALL_USERS})),
    GroupSet("half", "half", frozenset({"g", "out"})),
    GroupSet("perhaps", "perhaps", frozenset({"h", "lost"})),
    GroupSet("empty", "empty"),
)
# Rules that speak of others: whoever hears them errs.
_OTHERS = (
    Grantee("user", "bob"),
    Grantee("group", "out"),
    Grantee("groupSet", "half"),
    Grantee("groupSet", "empty"),
)


def site_of(seed: int, rows: tuple[Row, ...] = ROWS) -> Site:
    """All rows of a seed in one Site: a tree of projects each; a group that was not read only if a row wants it."""
    contents = [content for row in rows for content in _contents(row, seed)]
    users = {**_USERS, "bob": User("bob", "bob", "Creator")}
    missing = any(row.unread == "members" for row in rows)
    groups = {g.id: g for g in _GROUPS if missing or g.id != "lost"}
    sets = {s.id: s for s in _SETS if missing or s.id != "perhaps"}
    settings = SiteSettings(user_visibility="LIMITED" if limited(seed) else "FULL")
    return Site(users=users, groups=groups, group_sets=sets, contents={c.id: c for c in contents}, settings=settings)


def _contents(row: Row, seed: int) -> Iterator[Content]:
    tree, (top_mode, p_mode) = _tree(row), MODES[row.lock]
    ann = user_of(row)

    def owner(power: str) -> str:
        return ann if row.power == power else "bob"

    def listed(name: str) -> Rules | None:
        return None if name in _unread_lists(row) else rules_of(name, seed, row)

    leads_p, leads_top = _leaders(row)
    of_p, of_top = listed("rules of p"), listed("rules of top")
    yield Content(
        f"top {tree}",
        "project",
        "top",
        None,
        owner("owns top"),
        rules=None if of_top is None else of_top | leads_top,
        mode=top_mode,
        defaults=MappingProxyType({"workbook": listed("top"), "flow": rules_of("own", seed, row)}),
    )
    yield Content(
        f"p {tree}",
        "project",
        "p",
        f"top {tree}",
        owner("owns p"),
        rules=None if of_p is None else of_p | leads_p,
        mode=p_mode,
        defaults=MappingProxyType({"workbook": listed("p")}),
    )
    if row.target != "project":
        tabs = row.target == "view with tabs"
        within = None if row.target in PRIVATE else f"p {tree}"
        yield Content(f"w {tree}", "workbook", "w", within, owner("owns it"), rules=listed("own"), tabs=tabs)
        yield Content(f"v {tree}", "view", "v", f"w {tree}", owner("owns it"), rules=listed("view"))


def _leaders(row: Row) -> tuple[Rules, Rules]:
    """Leader rules on p and top: the one that counts, and some of others."""
    unread = row.unread == "members"
    named = {
        "leads p": Grantee("user", user_of(row)),
        "leads p by group": Grantee("group", "lost" if unread else "h"),
        "leads p by set": Grantee("groupSet", "perhaps" if unread else "s"),
        "leads top": Grantee("user", user_of(row)),
    }
    others = frozenset(Rule(grantee, "ProjectLeader", "Allow") for grantee in _OTHERS)
    if row.power not in named:
        return others, others
    mine = others | {Rule(named[row.power], "ProjectLeader", "Allow")}
    return (others, mine) if row.power == "leads top" else (mine, others)


def rules_of(name: str, seed: int, row: Row) -> Rules:
    """A list as rules: its six masks, and rules that speak of others."""
    lost = row.unread == "members" and name == level_of(row, "current")
    return _rules(name, seed, user_of(row), row.target == "project", lost)


@cache
def _rules(name: str, seed: int, user: str, of_project: bool, lost: bool) -> Rules:
    planes, turn, denies = PLANES[name, seed], seed % 3, lost_denies(name, seed)
    grantees = (
        Grantee("user", user),
        Grantee("user", user),
        Grantee("group", "lost" if lost and not denies else (ALL_USERS if turn == 1 else "g")),
        Grantee("group", "lost" if lost and denies else (ALL_USERS if turn == 2 else "h")),
        Grantee("groupSet", "s"),
        Grantee("groupSet", "t"),
    )
    capabilities = OF_PROJECTS if of_project else CAPABILITIES
    found = {
        Rule(grantee, capability, "Deny" if place % 2 else "Allow")
        for place, (grantee, mask) in enumerate(zip(grantees, planes, strict=True))
        for bit, capability in capabilities.items()
        if mask & bit
    }
    for place, grantee in enumerate(_OTHERS[seed % 2 :: 2]):
        for bit, capability in capabilities.items():
            found.add(Rule(grantee, capability, "Allow" if (seed >> 1 + place) & 1 ^ (bit in (READ, SET)) else "Deny"))
    return frozenset(found)
