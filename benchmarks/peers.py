"""Single checks by other means: plain dictionaries, Cedar, casbin. Not questions about many (`tables`)."""

from __future__ import annotations

import json
from collections.abc import Iterator

import numpy as np

from facts import GROUP_ALLOW, GROUP_DENY, SET_ALLOW, SET_DENY, USER_ALLOW, USER_DENY, Facts
from tabwarden.engine.columns import GROUP, GROUP_SET, USER
from tabwarden.engine.engine import Engine


class Naive:
    """One check by dictionaries keyed by (resolved rule list, grantee), with the reason and the deciding grantee."""

    def __init__(self, engine: Engine) -> None:
        parts = engine.parts
        lists = parts.columns.rules
        of = np.repeat(np.arange(len(lists.offsets) - 1), np.diff(lists.offsets))
        rows = zip(of.tolist(), lists.grantee.tolist(), lists.allow.tolist(), lists.deny.tolist(), strict=True)
        self.rules = {(rule_list, code): (allow, deny) for rule_list, code, allow, deny in rows}
        self.list_of, self.column_of = parts.sources.rules.tolist(), parts.sources.column.tolist()
        self.owner_of, self.project_of = parts.owner.tolist(), parts.project_row.tolist()
        self.lock_of = parts.lock_row.tolist()
        self.role_of = parts.columns.users.role.tolist()
        self.reach, self.admin = parts.tables.reach.tolist(), parts.tables.admin.tolist()
        self.edit = parts.bit("ChangePermissions")
        self.bits = dict(parts.tables.bits)
        self.ruling = [frozenset(parts.people.ids(bits).tolist()) for bits in parts.powers.rows]
        everyone = [each * 4 + GROUP for each in parts.people.everyone.tolist()]
        belongs = [parts.people.of(user) for user in range(parts.n_users)]
        self.groups = [[*(g * 4 + GROUP for g in each.groups.tolist()), *everyone] for each in belongs]
        self.sets = [[s * 4 + GROUP_SET for s in each.sets.tolist()] for each in belongs]

    def check(self, user: int, capability: str, item: int) -> tuple[bool, str, int | None]:
        """Allowed or not, the step that decided, and the grantee of the deciding rule."""
        bit, role = self.bits[capability], self.role_of[user]
        column = self.column_of[item]
        if not self.reach[role][column] >> bit & 1:
            return False, "site_role", None
        if self.admin[role][column] >> bit & 1:
            return True, "admin", None
        lock = self.lock_of[item]
        barred = bit == self.edit and lock >= 0 and user not in self.ruling[lock]
        if user in self.ruling[self.project_of[item]]:
            return not barred, "project_leader", None
        if self.owner_of[item] == user:
            return not barred, "content_owner", None
        found = self._by_rules(user, bit, self.list_of[item])
        return (False, "locked_project", None) if barred and found[0] else found

    def _by_rules(self, user: int, bit: int, rule_list: int) -> tuple[bool, str, int | None]:
        rules, code = self.rules, user * 4
        mine = rules.get((rule_list, code))
        if mine is not None:
            if mine[1] >> bit & 1:
                return False, "user_deny", code
            if mine[0] >> bit & 1:
                return True, "user_allow", code
        for grantees, allows, denies in (
            (self.groups[user], "group_allow", "group_deny"),
            (self.sets[user], "groupset_allow", "groupset_deny"),
        ):
            allowed = None
            for grantee in grantees:
                found = rules.get((rule_list, grantee))
                if found is not None:
                    if found[1] >> bit & 1:
                        return False, denies, grantee
                    if found[0] >> bit & 1:
                        allowed = grantee
            if allowed is not None:
                return True, allows, allowed
        return False, "default_deny", None


_POLICY = """
permit (principal, action == Action::"View", resource) when {
  principal in resource.kind.openTo && (
    principal in Role::"administrators" || principal in resource.rulers ||
    (resource has owner && resource.owner == principal) ||
    (!resource.rules.userDeny.contains(principal) && (
      resource.rules.userAllow.contains(principal) ||
      (!(principal in resource.rules.groupDeny) && (
        principal in resource.rules.groupAllow ||
        (!(principal in resource.rules.setDeny) && principal in resource.rules.setAllow))))))
};
"""
_SETS = {"userAllow": USER_ALLOW, "userDeny": USER_DENY, "groupAllow": GROUP_ALLOW, "groupDeny": GROUP_DENY,
         "setAllow": SET_ALLOW, "setDeny": SET_DENY}  # fmt: skip


class Cedar:
    """cedarpy with one policy and the whole site parsed once; it answers the whole question by itself.

    Entities: users in their groups, sets, role and the rulers of projects (through ancestors: resolved); items with
    owner, kind, rulers and the entity of the source that keeps their rules; kinds with the roles they are open to.
    """

    def __init__(self, facts: Facts) -> None:
        import cedarpy

        self.cedarpy = cedarpy
        self.policies = cedarpy.PolicySet.from_str(_POLICY)
        self.entities = cedarpy.Entities.from_json_str(json.dumps([*_people(facts), *_contents(facts)]))

    def check(self, user: int, item: int) -> bool:
        """Whether a user may View an item."""
        return bool(self.cedarpy.is_authorized(_request(user, item), self.policies, self.entities).allowed)

    def check_batch(self, pairs: list[tuple[int, int]]) -> list[bool]:
        """The same for many pairs in one call."""
        requests = [_request(*pair) for pair in pairs]
        found = self.cedarpy.is_authorized_batch(requests, self.policies, self.entities)
        return [bool(each.allowed) for each in found]


def _request(user: int, item: int) -> dict[str, str]:
    return {"principal": f'User::"{user}"', "action": 'Action::"View"', "resource": f'Item::"{item}"'}


def _uid(kind: str, number: object) -> dict[str, str]:
    return {"type": kind, "id": str(number)}


def _entity(uid: dict[str, str], parents: list[dict[str, str]], **attributes: object) -> dict[str, object]:
    return {"uid": uid, "attrs": attributes, "parents": parents}


def _one(uid: dict[str, str]) -> dict[str, object]:
    return {"__entity": uid}


def _people(facts: Facts) -> Iterator[dict[str, object]]:
    """Roles, groups and sets, rulers of projects, users in all of these."""
    parents: list[list[dict[str, str]]] = [[_uid("Role", role)] for role in facts.user_role.tolist()]
    codes = np.unique(np.concatenate((facts.grant_code, facts.entry_code)))
    yield _entity(_uid("Role", "administrators"), [])
    for role in range(facts.open_to.shape[1]):
        yield _entity(_uid("Role", role), [_uid("Role", "administrators")] if role in facts.admins else [])
    for code in codes[codes & 3 != USER].tolist():
        yield _entity(_uid("Group", code), [])
    for project in np.unique(facts.item_project).tolist():
        yield _entity(_uid("Rulers", project), [])
    named = facts.grant_code & 3 != USER
    for user, code in zip(facts.grant_user[named].tolist(), facts.grant_code[named].tolist(), strict=True):
        parents[user].append(_uid("Group", code))
    for user, project in zip(facts.power_user.tolist(), facts.power_project.tolist(), strict=True):
        parents[user].append(_uid("Rulers", project))
    for user, those in enumerate(parents):
        yield _entity(_uid("User", user), those)


def _contents(facts: Facts) -> Iterator[dict[str, object]]:
    """Kinds, sources with their rules, items."""
    for kind, roles in enumerate(facts.open_to.tolist()):
        open_to = [_one(_uid("Role", role)) for role, open_ in enumerate(roles) if open_]
        yield _entity(_uid("Kind", kind), [], openTo=open_to)
    sources = [{name: [] for name in _SETS} for _ in range(int(facts.item_source.max()) + 1)]
    rows = zip(facts.entry_source.tolist(), facts.entry_code.tolist(), facts.entry_says.tolist(), strict=True)
    for source, code, says in rows:
        who = _one(_uid("User", code >> 2) if code & 3 == USER else _uid("Group", code))
        for name, bit in _SETS.items():
            if says & bit:
                sources[source][name].append(who)
    for source, sets in enumerate(sources):
        yield _entity(_uid("Source", source), [], **sets)
    columns = (facts.item_source, facts.item_kind, facts.item_project, facts.item_owner)
    for item, (source, kind, project, owner) in enumerate(zip(*(each.tolist() for each in columns), strict=True)):
        owned = {} if owner < 0 else {"owner": _one(_uid("User", owner))}
        parts = {"rules": _uid("Source", source), "kind": _uid("Kind", kind), "rulers": _uid("Rulers", project)}
        yield _entity(_uid("Item", item), [], **{name: _one(uid) for name, uid in parts.items()}, **owned)


_MODEL = """
[request_definition]
r = sub, obj, act
[policy_definition]
p = sub, obj, act, eft
[role_definition]
g = _, _
[policy_effect]
e = some(where (p.eft == allow)) && !some(where (p.eft == deny))
[matchers]
m = r.obj == p.obj && r.act == p.act && g(r.sub, p.sub)
"""


class Casbin:
    """casbin's FastEnforcer keyed by the source of the rules, with group rules alone; all else is done for it."""

    def __init__(self, facts: Facts) -> None:
        import casbin
        from casbin.model import FastModel

        self.facts = facts
        model = FastModel([1, 2])
        model.load_model_from_text(_MODEL)
        self.enforcer = casbin.FastEnforcer(model, cache_key_order=[1, 2])
        policies = model.model["p"]["p"].policy
        rows = zip(facts.entry_source.tolist(), facts.entry_code.tolist(), facts.entry_says.tolist(), strict=True)
        for source, code, says in rows:
            for bit, effect in ((GROUP_ALLOW, "allow"), (GROUP_DENY, "deny")):
                if says & bit:
                    # Straight into its index: add_policy counts all policies each time.
                    policies.append([f"g{code}", f"l{source}", "view", effect])
        self.enforcer.build_role_links()
        manager = self.enforcer.get_role_manager()
        for user, code in zip(facts.grant_user.tolist(), facts.grant_code.tolist(), strict=True):
            if code & 3 == GROUP:
                manager.add_link(f"u{user}", f"g{code}")

    def check(self, user: int, item: int) -> bool:
        """Whether group rules allow a user to View an item."""
        return bool(self.enforcer.enforce(f"u{user}", f"l{int(self.facts.item_source[item])}", "view"))

    def expected(self, user: int, item: int) -> bool:
        """What group rules alone say, to judge the peer by."""
        facts = self.facts
        mine = facts.grant_code[facts.grant_user == user]
        rows = (facts.entry_source == facts.item_source[item]) & np.isin(facts.entry_code, mine)
        says = int(np.bitwise_or.reduce(facts.entry_says[rows])) if rows.any() else 0
        return bool(says & GROUP_ALLOW) and not says & GROUP_DENY
