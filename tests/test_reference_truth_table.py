"""The reference against a second opinion in bit arithmetic, over every combination; and the bugs it would catch.

One bit a capability. The oracle below is the whole of the rules as the documents state them, written without a look
at the reference: ((group allow & ~group deny) | user allow) & ~user deny, group sets where nothing else spoke, then
overrides, then what a lock takes away, then the ceiling.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from itertools import product
from types import MappingProxyType
from typing import Any, NamedTuple

import pytest

from tabwarden.access import reference
from tabwarden.access.answer import ALLOWED, UNKNOWN
from tabwarden.access.reference import may
from tabwarden.model.governing import Governing, governing
from tabwarden.model.site import Content, Grantee, Group, GroupSet, Rule, Site, User
from tabwarden.model.switches import Switches

READ, EDIT, SET, NEW = 1, 2, 4, 8
CAPABILITIES = {READ: "Read", EDIT: "WebAuthoring", SET: "ChangePermissions", NEW: "NotYetNamed"}
ALL = READ | EDIT | SET | NEW

# A list of rules as six masks: user allow and deny, group allow and deny, group set allow and deny.
GRANTEES = (
    (Grantee("user", "ann"), "Allow"),
    (Grantee("user", "ann"), "Deny"),
    (Grantee("group", "g"), "Allow"),
    (Grantee("group", "h"), "Deny"),
    (Grantee("groupSet", "s"), "Allow"),
    (Grantee("groupSet", "t"), "Deny"),
)
ROLES = ("SiteAdministratorExplorer", "Creator", "Viewer", "Unlicensed")
CEILING = {"SiteAdministratorExplorer": ALL, "Creator": ALL, "Viewer": READ | NEW, "Unlicensed": 0}
POWERS = ("none", "owns it", "owns p", "leads p", "leads p by group", "leads p by set", "leads top")
LOCKS = ("open", "p", "p for itself", "top", "top for itself")
TARGETS = ("workbook", "view with tabs", "view without tabs")
MODELS = ("current", "classic", "deny_first")
MODES = {
    "open": ("ManagedByOwner", "ManagedByOwner"),
    "p": ("ManagedByOwner", "LockedToProject"),
    "p for itself": ("ManagedByOwner", "LockedToProjectWithoutNested"),
    "top": ("LockedToProject", "LockedToProject"),
    "top for itself": ("LockedToProjectWithoutNested", "ManagedByOwner"),
}


class Combination(NamedTuple):
    seed: int
    role: str
    power: str
    lock: str
    target: str
    model: str


def every_combination(step: int = 1) -> Iterator[Combination]:
    """All of them; of roles that no rule can touch a quarter of the mixtures of rules is enough."""
    found = map(Combination._make, product(range(64), ROLES, POWERS, LOCKS, TARGETS, MODELS))
    wanted = (case for case in found if 0 < CEILING[case.role] < ALL or case.role == "Creator" or case.seed % 4 == 0)
    return (case for n, case in enumerate(wanted) if n % step == 0)


def masks(seed: int) -> tuple[int, ...]:
    """Each capability meets another of the 64 mixtures of rules: six masks."""
    mixtures = {bit: (seed * (1, 5, 25, 61)[place] + 17 * place) % 64 for place, bit in enumerate(CAPABILITIES)}
    return tuple(sum(bit for bit, mixture in mixtures.items() if mixture >> place & 1) for place in range(6))


# Four lists that could govern, each with rules of its own.
LISTS = {"own": (1, 0), "view": (5, 1), "p": (7, 2), "top": (11, 3)}
MASKS = {(name, seed): masks((a * seed + b) % 64) for name, (a, b) in LISTS.items() for seed in range(64)}


# -- the second opinion ---------------------------------------------------------------------------------------


def expected(case: Combination) -> int:
    if case.model != "classic" and case.lock in ("p", "p for itself"):
        level = "p"
    elif case.model != "classic" and case.lock == "top":
        level = "top"
    else:
        level = "view" if case.target == "view without tabs" else "own"
    user_allow, user_deny, group_allow, group_deny, set_allow, set_deny = MASKS[level, case.seed]
    allowed = ((group_allow & ~group_deny) | user_allow) & ~user_deny
    allowed |= set_allow & ~set_deny & ~(user_allow | user_deny | group_allow | group_deny)
    if case.power != "none" and not (case.model == "classic" and case.power == "owns p"):
        allowed = ALL
    if level in ("p", "top") and not (case.power == "leads top" or (level == "p" and case.power.endswith(_OF_P))):
        allowed &= ~SET
    if case.model == "deny_first":
        allowed &= ~(user_deny | group_deny | set_deny)
    if case.role.startswith("SiteAdministrator"):
        allowed = ALL
    return allowed & CEILING[case.role]


_OF_P = ("owns p", "leads p", "leads p by group", "leads p by set")


# -- the same as a Site ---------------------------------------------------------------------------------------


def rules(name: str, seed: int) -> frozenset[Rule]:
    return frozenset(
        Rule(grantee, capability, mode)
        for (grantee, mode), mask in zip(GRANTEES, MASKS[name, seed], strict=True)
        for bit, capability in CAPABILITIES.items()
        if mask & bit
    )


RULES = {key: rules(*key) for key in MASKS}
LEADER = {
    "leads p": Grantee("user", "ann"),
    "leads p by group": Grantee("group", "g"),
    "leads p by set": Grantee("groupSet", "s"),
    "leads top": Grantee("user", "ann"),
}
GROUPS = {name: Group(name, name, members=frozenset({"ann"})) for name in ("g", "h")}
SETS = {"s": GroupSet("s", "s", frozenset({"g", "h"})), "t": GroupSet("t", "t", frozenset({"h"}))}


def site_of(case: Combination) -> Site:
    top_mode, p_mode = MODES[case.lock]
    leads = frozenset({Rule(LEADER[case.power], "ProjectLeader", "Allow")}) if case.power in LEADER else frozenset()
    in_p = case.power != "leads top"
    top = Content("top", "project", "top", None, "bob", rules=frozenset() if in_p else leads, mode=top_mode)
    p = Content("p", "project", "p", "top", "ann" if case.power == "owns p" else "bob", rules=leads if in_p else NONE)
    defaults = {name: MappingProxyType({"workbook": RULES[name, case.seed]}) for name in ("top", "p")}
    owner = "ann" if case.power == "owns it" else "bob"
    tabs = case.target == "view with tabs"
    contents = (
        replace(top, defaults=defaults["top"]),
        replace(p, defaults=defaults["p"], mode=p_mode),
        Content("w", "workbook", "w", "p", owner, rules=RULES["own", case.seed], tabs=tabs),
        Content("v", "view", "v", "w", owner, rules=RULES["view", case.seed]),
    )
    users = {"ann": User("ann", "ann", case.role), "bob": User("bob", "bob", "Creator")}
    return Site(users=users, groups=GROUPS, group_sets=SETS, contents={c.id: c for c in contents})


NONE: frozenset[Rule] = frozenset()


def found(case: Combination) -> int:
    site, content = site_of(case), "w" if case.target == "workbook" else "v"
    allowed = 0
    for bit, capability in CAPABILITIES.items():
        answer = may(site, "ann", capability, content, model=case.model)
        assert answer.verdict != UNKNOWN
        allowed |= bit if answer.verdict == ALLOWED else 0
    return allowed


def differences(step: int) -> list[Combination]:
    return [case for case in every_combination(step) if found(case) != expected(case)]


@pytest.mark.parametrize("model", MODELS)
def test_every_combination_is_as_the_arithmetic_says(model: str) -> None:
    wrong = [c for c in every_combination() if c.model == model and found(c) != expected(c)]
    assert wrong == []


def test_the_table_is_not_one_sided() -> None:
    verdicts = [expected(case) for case in every_combination()]
    assert len(verdicts) == (64 + 64 + 16 + 16) * 7 * 5 * 3 * 3
    assert len(set(verdicts)) >= 10
    for bit in CAPABILITIES:
        share = sum(1 for v in verdicts if v & bit) / len(verdicts)
        assert 0.15 < share < 0.85


# -- planted bugs: each must be seen --------------------------------------------------------------------------

ORDER = reference.PRECEDENCE


def _order(*places: int) -> tuple[tuple[str, str, str], ...]:
    return tuple(ORDER[place] for place in places)


def _ignoring_tabs(site: Site, content: str) -> Governing:
    held = site.contents[content]
    level = governing(site, content)
    return Governing("own", content, held.kind, held.rules) if level.level == "workbook" else level


def _ignoring_locks(site: Site, content: str) -> Governing:
    held = site.contents[content]
    return Governing("own", content, held.kind, held.rules)


def _without(mode: str) -> Callable[[Any], Any]:
    original = reference._rules_about
    return lambda asked: [s for s in original(asked) if s.rule.mode != mode]


BUGS: dict[str, tuple[str, Any]] = {
    "user allow before user deny": ("PRECEDENCE", _order(1, 0, 2, 3, 4, 5)),
    "group deny before user allow": ("PRECEDENCE", _order(0, 2, 1, 3, 4, 5)),
    "group allow before group deny": ("PRECEDENCE", _order(0, 1, 3, 2, 4, 5)),
    "group set deny before group allow": ("PRECEDENCE", _order(0, 1, 2, 4, 3, 5)),
    "group set allow before group set deny": ("PRECEDENCE", _order(0, 1, 2, 3, 5, 4)),
    "group sets never asked": ("PRECEDENCE", _order(0, 1, 2, 3)),
    "ceiling skipped": ("permits", lambda *_: True),
    "classic ceiling skipped": ("classic_permits", lambda *_: True),
    "deny lost": ("_rules_about", _without("Deny")),
    "allow lost": ("_rules_about", _without("Allow")),
    "owners and leaders forgotten": ("_override", lambda _: None),
    "administrators forgotten": ("is_admin", lambda _: False),
    "everybody an administrator": ("is_admin", lambda _: True),
    "a lock leaves permissions editable": ("_editable", lambda _: True),
    "permissions never editable": ("_editable", lambda _: False),
    "the nearest locked project taken for the managing one": ("managing_project", lambda _, project: project),
    "tabs ignored": ("governing", _ignoring_tabs),
    "locks ignored": ("governing", _ignoring_locks),
    "locks in the classic model": ("as_seen_by", lambda site, _: site),
    "deny_first as current": ("_deny_first", reference._tableau),
}


@pytest.mark.parametrize("bug", BUGS)
def test_a_planted_bug_is_seen(bug: str, monkeypatch: pytest.MonkeyPatch) -> None:
    name, instead = BUGS[bug]
    monkeypatch.setattr(reference, name, instead)
    assert len(differences(step=83)) > 0


def test_the_connectors_reading_of_group_sets_is_a_switch() -> None:
    site = site_of(Combination(0, "Creator", "none", "open", "workbook", "current"))
    spoken = {Rule(Grantee("group", "g"), "Read", "Allow"), Rule(Grantee("groupSet", "t"), "Read", "Deny")}
    site = site.with_contents(replace(site.contents["w"], rules=frozenset(spoken)))
    assert may(site, "ann", "Read", "w").because == "group_allow"
    strict = Switches(group_set_deny_is_final=True)
    assert may(site, "ann", "Read", "w", switches=strict).because == "groupset_deny"
