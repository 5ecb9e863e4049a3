"""The same questions by other means, on resolved facts: plain dictionaries, DuckDB, Polars, Cedar, casbin. Not ours.

Peers are given their best: which rule list governs is resolved beforehand, DuckDB and Polars get the rows of View
alone, memberships (All Users and group sets among them) sorted by user and again by group, and powers over projects
as pairs; Cedar gets parsed policies and entities, casbin its faster enforcer and group rules alone.
"""

from __future__ import annotations

import json
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np

from tabwarden.access.columns import GROUP, GROUP_SET, USER, Array
from tabwarden.access.engine import Engine
from tabwarden.access.engine_rules import expand

VIEW = 0  # the bit of Read
# What a row of View says, as bits in the order they are asked.
USER_DENY, USER_ALLOW, GROUP_DENY, GROUP_ALLOW, SET_DENY, SET_ALLOW = (1 << place for place in range(6))
_SAYS = {USER: (USER_ALLOW, USER_DENY), GROUP: (GROUP_ALLOW, GROUP_DENY), GROUP_SET: (SET_ALLOW, SET_DENY)}


class Facts(NamedTuple):
    """Resolved facts of one site.

    `entry_*`: rows of View of each rule list; `grant_*`: which grantee codes include which user; `power_*`: who rules
    which project; `reach`: by role whether View is open (0), only by rules (1), always (2).
    """

    entry_list: Array
    entry_code: Array
    entry_says: Array
    grant_user: Array
    grant_code: Array
    power_user: Array
    power_project: Array
    item_list: Array
    item_project: Array
    item_owner: Array
    item_kind: Array
    user_reach: Array
    open_kinds: Array


def facts_of(engine: Engine) -> Facts:
    """The facts of a site whose every fact was read."""
    parts = engine.parts
    lists, people = parts.columns.rules, parts.people
    one = np.uint64(1 << VIEW)
    used = np.unique(parts.sources.rules)
    of, row = expand(lists.offsets, used)
    allow, deny = lists.allow[row] & one != 0, lists.deny[row] & one != 0
    speaks = allow | deny
    kind = lists.grantee[row] & 3
    says = np.zeros(len(row), np.uint8)
    for code, (allows, denies) in _SAYS.items():
        says |= np.where(kind == code, allows * allow + denies * deny, 0).astype(np.uint8)
    group, user = people.memberships
    in_sets = [people.ids(people.rows[people.n_groups + each]) for each in range(people.n_sets)]
    every = np.arange(people.count)
    users = [user, *(every for _ in people.everyone), *in_sets, every]
    codes = [
        group.astype(np.int64) * 4 + GROUP,
        *(np.full(people.count, each * 4 + GROUP) for each in people.everyone),
        *(np.full(len(ids), each * 4 + GROUP_SET) for each, ids in enumerate(in_sets)),
        every * 4 + USER,
    ]
    ruling = [people.ids(bits) for bits in parts.powers.rows[:-1]]
    reach, roles = parts.tables.reach >> parts.tables.mask(VIEW) & parts.tables.mask(1), parts.columns.users.role
    return Facts(
        used[of[speaks]],
        lists.grantee[row[speaks]].astype(np.int64),
        says[speaks],
        np.concatenate(users).astype(np.int64),
        np.concatenate(codes).astype(np.int64),
        np.concatenate(ruling).astype(np.int64),
        np.repeat(np.arange(len(ruling)), [len(ids) for ids in ruling]),
        parts.sources.rules,
        parts.project_row,
        parts.owner.astype(np.int64),
        parts.columns.contents.kind.astype(np.int64),
        np.where(parts.tables.admin, 2, reach.any(axis=1))[roles].astype(np.int64),
        np.flatnonzero(parts.tables.applies & parts.tables.mask(1)),
    )


# -- plain dictionaries ---------------------------------------------------------------------------------------


class Naive:
    """One check by dictionaries keyed by (resolved rule list, grantee), with the reason and the deciding grantee."""

    def __init__(self, engine: Engine) -> None:
        parts = engine.parts
        lists = parts.columns.rules
        of = np.repeat(np.arange(len(lists.offsets) - 1), np.diff(lists.offsets))
        rows = zip(of.tolist(), lists.grantee.tolist(), lists.allow.tolist(), lists.deny.tolist(), strict=True)
        self.rules = {(rule_list, code): (allow, deny) for rule_list, code, allow, deny in rows}
        self.list_of, self.kind_of = parts.sources.rules.tolist(), parts.columns.contents.kind.tolist()
        self.owner_of, self.project_of = parts.owner.tolist(), parts.project_row.tolist()
        self.lock_of = parts.lock_row.tolist()
        self.role_of = parts.columns.users.role.tolist()
        self.reach, self.admin = parts.tables.reach.tolist(), parts.tables.admin.tolist()
        self.edit = parts.tables.bit("ChangePermissions")
        self.bits = dict(parts.tables.bits)
        self.ruling = [frozenset(parts.people.ids(bits).tolist()) for bits in parts.powers.rows]
        everyone = [each * 4 + GROUP for each in parts.people.everyone.tolist()]
        belongs = [parts.people.of(user) for user in range(parts.n_users)]
        self.groups = [[*(g * 4 + GROUP for g in each.groups.tolist()), *everyone] for each in belongs]
        self.sets = [[s * 4 + GROUP_SET for s in each.sets.tolist()] for each in belongs]

    def check(self, user: int, capability: str, item: int) -> tuple[bool, str, int | None]:
        """Allowed or not, the step that decided, and the grantee of the deciding rule."""
        bit, role = self.bits[capability], self.role_of[user]
        if not self.reach[role][self.kind_of[item]] >> bit & 1:
            return False, "site_role", None
        if self.admin[role]:
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


# -- DuckDB ---------------------------------------------------------------------------------------------------

_DECIDED = (
    f"(says & {USER_DENY}) = 0 and ((says & {USER_ALLOW}) > 0 or ((says & {GROUP_DENY}) = 0 and "
    f"((says & {GROUP_ALLOW}) > 0 or ((says & {SET_DENY}) = 0 and (says & {SET_ALLOW}) > 0))))"
)


class Duck:
    """SQL over the facts in memory."""

    def __init__(self, facts: Facts, threads: int = 2) -> None:
        import duckdb

        self.facts = facts
        self.connection = duckdb.connect(config={"threads": threads})
        self._table("entries", "list, code", list=facts.entry_list, code=facts.entry_code, says=facts.entry_says)
        self._table("grants", "u, code", u=facts.grant_user, code=facts.grant_code)
        self.connection.execute("create table by_code as select * from grants order by code, u")
        self._table("powers", "u, project", u=facts.power_user, project=facts.power_project)
        self._table(
            "items",
            "item",
            item=np.arange(len(facts.item_list)),
            list=facts.item_list,
            project=facts.item_project,
            owner=facts.item_owner,
            kind=facts.item_kind,
        )
        self._table("users", "u", u=np.arange(len(facts.user_reach)), reach=facts.user_reach)
        self._table("kinds", "kind", kind=facts.open_kinds)

    def _table(self, name: str, order: str, **columns: Array) -> None:
        self.connection.register("given", columns)
        self.connection.execute(f"create table {name} as select * from given order by {order}")
        self.connection.unregister("given")

    def _ids(self, query: str, *values: int) -> Array:
        found = self.connection.execute(query, list(values)).fetchnumpy()
        return np.ma.getdata(next(iter(found.values())))

    def what(self, user: int, grants: str = "grants") -> Array:
        """Items a user may View."""
        reach = int(self.facts.user_reach[user])
        if reach == 0:
            return np.zeros(0, np.int64)
        if reach == 2:
            return self._ids("select item from items semi join kinds using (kind)")
        return self._ids(
            f"with ok as (select list from (select list, bit_or(says) as says from entries join {grants} using (code) "
            f"where u = $1 group by list) where {_DECIDED}) "
            "select item from items semi join kinds using (kind) where list in (select list from ok) or owner = $1 "
            "or project in (select project from powers where u = $1)",
            user,
        )

    def who(self, item: int, extra: tuple[int, int] | None = None) -> Array:
        """Users who may View an item; or might, with one more row (grantee code, what it says) in its list."""
        facts = self.facts
        values = (int(facts.item_list[item]), int(facts.item_project[item]), int(facts.item_owner[item]))
        entries = "select code, says from entries where list = $1"
        if extra is not None:
            entries += f" union all select {extra[0]}, {extra[1]}"
        return self._ids(
            f"with ok as (select u from (select u, bit_or(says) as says from ({entries}) join by_code using (code) "
            f"group by u) where {_DECIDED}) "
            "select u from users where reach = 2 or (reach = 1 and (u in (select u from ok) or u = $3 "
            "or u in (select u from powers where project = $2)))",
            *values,
        )

    def what_if_rule(self, item: int, code: int, says: int) -> tuple[Array, Array]:
        """Who may View an item before and after one row more."""
        return self.who(item), self.who(item, (code, says))

    def what_if_member(self, user: int, group: int) -> tuple[Array, Array]:
        """What a user may View before and after joining a group."""
        self.connection.execute(
            "create or replace temp view joined as select u, code from grants union all "
            f"select {user} as u, {group * 4 + GROUP} as code"
        )
        return self.what(user), self.what(user, "joined")

    def mirror_rows(self, table: str = "mirror") -> int:
        """Every pair of item and user, as rows of a table; how many."""
        self.connection.execute(
            f"create or replace temp table {table} as with ok as (select list, u from (select list, u, "
            f"bit_or(says) as says from entries join grants using (code) group by list, u) where {_DECIDED}), "
            "seen as (select item, u from items join ok using (list) "
            "union all select item, u from items join powers using (project) "
            "union all select item, owner as u from items where owner >= 0), "
            "pairs as (select item, u from (select distinct item, u from seen) join users using (u) where reach = 1 "
            "union all select item, u from items, users where reach = 2) "
            "select item, u from pairs join items using (item) semi join kinds using (kind)"
        )
        return int(self.connection.execute(f"select count(*) from {table}").fetchall()[0][0])

    def close(self) -> None:
        self.connection.close()


def difference(before: Duck, after: Duck) -> tuple[int, int]:
    """Pairs gained and lost, of View alone: both mirrors whole, then what the one has and the other has not."""
    rows = [duck.mirror_rows() for duck in (before, after)]
    del rows
    other = after.connection.execute("select item, u from mirror").fetchnumpy()
    before.connection.register("other", other)
    gained, lost = (
        int(
            before.connection.execute(
                f"select count(*) from (select item, u from {a} except all select item, u from {b})"
            ).fetchall()[0][0]
        )
        for a, b in (("other", "mirror"), ("mirror", "other"))
    )
    before.connection.unregister("other")
    return gained, lost


# -- Polars ---------------------------------------------------------------------------------------------------


class Bears:
    """Data frames of the same tables."""

    def __init__(self, facts: Facts) -> None:
        import polars

        self.pl, self.facts = polars, facts
        frame = polars.DataFrame
        self.entries = frame({"list": facts.entry_list, "code": facts.entry_code, "says": facts.entry_says})
        self.by_list = self.entries.sort("list").set_sorted("list")
        self.grants = frame({"u": facts.grant_user, "code": facts.grant_code}).sort("u", "code").set_sorted("u")
        self.by_code = self.grants.sort("code", "u").set_sorted("code")
        self.powers = frame({"u": facts.power_user, "project": facts.power_project})
        self.by_user = self.powers.sort("u").set_sorted("u")
        self.items = frame(
            {
                "item": np.arange(len(facts.item_list)),
                "list": facts.item_list,
                "project": facts.item_project,
                "owner": facts.item_owner,
                "open": np.isin(facts.item_kind, facts.open_kinds),
            }
        )
        self.users = frame({"u": np.arange(len(facts.user_reach)), "reach": facts.user_reach})

    @cached_property
    def _decided(self) -> Any:
        says = self.pl.col("says")

        def has(bit: int) -> Any:
            return (says & bit) > 0

        by_sets = ~has(SET_DENY) & has(SET_ALLOW)
        return ~has(USER_DENY) & (has(USER_ALLOW) | (~has(GROUP_DENY) & (has(GROUP_ALLOW) | by_sets)))

    def _ok(self, entries: Any, grants: Any, by: list[str]) -> Any:
        said = entries.join(grants, on="code").group_by(by).agg(self.pl.col("says").bitwise_or())
        return said.filter(self._decided).select(by)

    def what(self, user: int) -> Array:
        """Items a user may View."""
        pl, reach = self.pl, int(self.facts.user_reach[user])
        items = self.items.lazy().filter(pl.col("open"))
        if reach == 1:
            grants = self.grants.lazy().filter(pl.col("u") == user)
            ok = self._ok(self.entries.lazy(), grants, ["list"]).collect()["list"]
            ruled = self.by_user.filter(pl.col("u") == user)["project"]
            items = items.filter(
                pl.col("list").is_in(ok.implode())
                | (pl.col("owner") == user)
                | pl.col("project").is_in(ruled.implode())
            )
        return items.select("item").collect()["item"].to_numpy() if reach else np.zeros(0, np.int64)

    def who(self, item: int) -> Array:
        """Users who may View an item."""
        pl, facts = self.pl, self.facts
        entries = self.by_list.lazy().filter(pl.col("list") == int(facts.item_list[item]))
        ok = self._ok(entries, self.by_code.lazy(), ["u"]).collect()["u"]
        ruling = self.powers.filter(pl.col("project") == int(facts.item_project[item]))["u"]
        u, reach = pl.col("u"), pl.col("reach")
        allowed = u.is_in(ok.implode()) | u.is_in(ruling.implode()) | (u == int(facts.item_owner[item]))
        return self.users.lazy().filter((reach == 2) | ((reach == 1) & allowed)).collect()["u"].to_numpy()

    def mirror(self, form_of_list: Array) -> int:
        """The mirror in class form: pairs of form and user, forms told beforehand; how many."""
        pl = self.pl
        entries = self.entries.filter(pl.col("code") % 4 != USER)
        entries = entries.with_columns(form=pl.Series(form_of_list[entries["list"].to_numpy()]))
        entries = entries.filter(pl.col("form") >= 0).unique(["form", "code"])
        licensed = self.users.lazy().filter(pl.col("reach") == 1).select("u")
        grants = self.grants.lazy().join(licensed, on="u", how="semi")
        # One key of both numbers is grouped in half the time of two.
        key = pl.col("form") * len(self.facts.user_reach) + pl.col("u")
        pairs = entries.lazy().join(grants, on="code").select(key.alias("pair"), pl.col("says"))
        said = pairs.group_by("pair").agg(pl.col("says").bitwise_or())
        return int(said.filter(self._decided).select("pair").collect().height)


# -- libraries for authorisation ------------------------------------------------------------------------------

_POLICIES = """
permit (principal, action == Action::"View", resource) when { context.open && context.power };
permit (principal, action == Action::"View", resource) when {
  context.open && resource.userAllow.contains(principal) && !resource.userDeny.contains(principal) };
permit (principal, action == Action::"View", resource) when {
  context.open && principal in resource.groupAllow && !(principal in resource.groupDeny)
  && !resource.userDeny.contains(principal) };
permit (principal, action == Action::"View", resource) when {
  context.open && principal in resource.setAllow && !(principal in resource.setDeny)
  && !(principal in resource.groupDeny) && !resource.userDeny.contains(principal) };
"""


class Cedar:
    """cedarpy with policies and the whole site parsed once; ceilings, owners and leaders are told by the caller."""

    def __init__(self, facts: Facts) -> None:
        import cedarpy

        self.cedarpy, self.facts = cedarpy, facts
        self.policies = cedarpy.PolicySet.from_str(_POLICIES)
        self.entities = cedarpy.Entities.from_json_str(json.dumps(list(self._entities())))
        self.powers = set(zip(facts.power_user.tolist(), facts.power_project.tolist(), strict=True))

    def _entities(self) -> Any:
        facts = self.facts
        order = np.argsort(facts.grant_user, kind="stable")
        users, codes = facts.grant_user[order].tolist(), facts.grant_code[order].tolist()
        parents: dict[int, list[int]] = {}
        for user, code in zip(users, codes, strict=True):
            if code & 3 != USER:
                parents.setdefault(user, []).append(code)
        for code in np.unique(np.concatenate((facts.grant_code, facts.entry_code))).tolist():
            if code & 3 != USER:
                yield {"uid": _uid("Group", code), "attrs": {}, "parents": []}
        for user in range(len(facts.user_reach)):
            yield {"uid": _uid("User", user), "attrs": {}, "parents": [_uid("Group", c) for c in parents.get(user, ())]}
        names = {USER_ALLOW: "userAllow", USER_DENY: "userDeny", GROUP_ALLOW: "groupAllow", GROUP_DENY: "groupDeny",
                 SET_ALLOW: "setAllow", SET_DENY: "setDeny"}  # fmt: skip
        lists: dict[int, dict[str, list[Any]]] = {}
        rows = zip(facts.entry_list.tolist(), facts.entry_code.tolist(), facts.entry_says.tolist(), strict=True)
        for rule_list, code, says in rows:
            held = lists.setdefault(rule_list, {name: [] for name in names.values()})
            who = _uid("User", code >> 2) if code & 3 == USER else _uid("Group", code)
            for bit, name in names.items():
                if says & bit:
                    held[name].append({"__entity": who})
        for rule_list in np.unique(facts.item_list).tolist():
            attributes = lists.get(rule_list, {name: [] for name in names.values()})
            yield {"uid": _uid("List", rule_list), "attrs": attributes, "parents": []}

    def check(self, user: int, item: int) -> bool:
        """Whether a user may View an item."""
        facts = self.facts
        reach = int(facts.user_reach[user])
        power = reach == 2 or facts.item_owner[item] == user or (user, int(facts.item_project[item])) in self.powers
        request = {
            "principal": _uid("User", user),
            "action": {"type": "Action", "id": "View"},
            "resource": _uid("List", int(facts.item_list[item])),
            "context": {"open": bool(reach), "power": bool(power)},
        }
        return bool(self.cedarpy.is_authorized(request, self.policies, self.entities).allowed)


def _uid(kind: str, number: int) -> dict[str, str]:
    return {"type": kind, "id": str(number)}


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
    """casbin's FastEnforcer keyed by the resolved list, with group rules alone; everything else is done for it."""

    def __init__(self, facts: Facts) -> None:
        import casbin
        from casbin.model import FastModel

        self.facts = facts
        model = FastModel([1, 2])
        model.load_model_from_text(_MODEL)
        self.enforcer = casbin.FastEnforcer(model, cache_key_order=[1, 2])
        policies = model.model["p"]["p"].policy
        rows = zip(facts.entry_list.tolist(), facts.entry_code.tolist(), facts.entry_says.tolist(), strict=True)
        for rule_list, code, says in rows:
            for bit, effect in ((GROUP_ALLOW, "allow"), (GROUP_DENY, "deny")):
                if says & bit:
                    # Straight into its index: add_policy counts all policies each time.
                    policies.append([f"g{code}", f"l{rule_list}", "view", effect])
        self.enforcer.build_role_links()
        manager = self.enforcer.get_role_manager()
        for user, code in zip(facts.grant_user.tolist(), facts.grant_code.tolist(), strict=True):
            if code & 3 == GROUP:
                manager.add_link(f"u{user}", f"g{code}")

    def check(self, user: int, item: int) -> bool:
        """Whether group rules allow a user to View an item."""
        return bool(self.enforcer.enforce(f"u{user}", f"l{int(self.facts.item_list[item])}", "view"))

    def expected(self, user: int, item: int) -> bool:
        """What group rules alone say, to judge the peer by."""
        facts = self.facts
        mine = facts.grant_code[facts.grant_user == user]
        rows = (facts.entry_list == facts.item_list[item]) & np.isin(facts.entry_code, mine)
        says = int(np.bitwise_or.reduce(facts.entry_says[rows])) if rows.any() else 0
        return bool(says & GROUP_ALLOW) and not says & GROUP_DENY
