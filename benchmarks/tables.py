"""Questions about many by other means: DuckDB and Polars on tables of the resolved facts. Not single checks (`peers`).

Given their best: rows of View alone, whole numbers as narrow as they fit, tables in the order each question likes.
"""

from __future__ import annotations

from functools import cached_property
from typing import Any

import numpy as np

from facts import GROUP_ALLOW, GROUP_DENY, SET_ALLOW, SET_DENY, USER_ALLOW, USER_DENY, Facts
from tabwarden.engine.columns import GROUP, GROUP_SET, USER, Array

_ALL = (1 << 32) - 1

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
        self._table("entries", "source, code", source=facts.entry_source, code=facts.entry_code, says=facts.entry_says)
        self._table("grants", "u, code", u=facts.grant_user, code=facts.grant_code)
        self.connection.execute("create table by_code as select * from grants order by code, u")
        items = np.flatnonzero(np.isin(facts.item_kind, facts.open_kinds))
        self._table("powers", "u, project", u=facts.power_user, project=facts.power_project)
        self._table("led", "code, project", code=facts.led_code, project=facts.led_project)
        self._table(
            "items",
            "item",
            item=items.astype(np.int32),
            source=facts.item_source[items],
            project=facts.item_project[items],
            owner=facts.item_owner[items],
        )
        self._table("users", "u", u=np.arange(len(facts.user_reach), dtype=np.int32), reach=facts.user_reach)

    def _table(self, name: str, order: str, **columns: Array) -> None:
        self.connection.register("given", columns)
        self.connection.execute(f"create table {name} as select * from given order by {order}")
        self.connection.unregister("given")

    def _ids(self, query: str, *values: int) -> Array:
        found = self.connection.execute(query, list(values)).fetchnumpy()
        return np.ma.getdata(next(iter(found.values())))

    def what(self, user: int, grants: str = "grants", powers: str = "powers") -> Array:
        """Items a user may View."""
        reach = int(self.facts.user_reach[user])
        if reach == 0:
            return np.zeros(0, np.int64)
        if reach == 2:
            return self._ids("select item from items")
        return self._ids(
            "with ok as (select source from (select source, bit_or(says) as says "
            f"from entries join {grants} using (code) where u = $1 group by source) where {_DECIDED}) "
            "select item from items where source in (select source from ok) or owner = $1 "
            f"or project in (select project from {powers} where u = $1)",
            user,
        )

    def who(self, item: int, extra: tuple[int, int] | None = None) -> Array:
        """Users who may View an item; or might, with one more row (grantee code, what it says) in its list."""
        facts = self.facts
        values = (int(facts.item_source[item]), int(facts.item_project[item]), int(facts.item_owner[item]))
        entries = "select code, says from entries where source = $1"
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
        self.connection.execute(
            "create or replace temp view ruling as select u, project from powers union all "
            f"select {user} as u, project from led where code = {group * 4 + GROUP}"
        )
        return self.what(user), self.what(user, "joined", "ruling")

    def mirror_rows(self, table: str = "mirror") -> int:
        """Every pair of item and user, as rows of a table; how many."""
        self.connection.execute(
            f"create or replace temp table {table} as with ok as (select source, u from (select source, u, "
            f"bit_or(says) as says from entries join grants using (code) group by source, u) where {_DECIDED}), "
            "seen as (select item, u from items join ok using (source) "
            "union all select item, u from items join powers using (project) "
            "union all select item, owner as u from items where owner >= 0), "
            "pairs as (select item, u from (select distinct item, u from seen) join users using (u) where reach = 1 "
            "union all select item, u from items, users where reach = 2) "
            "select item, u from pairs"
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
        self.entries = frame({"source": facts.entry_source, "code": facts.entry_code, "says": facts.entry_says})
        self.by_source = self.entries.sort("source").set_sorted("source")
        self.grants = frame({"u": facts.grant_user, "code": facts.grant_code}).sort("u", "code").set_sorted("u")
        self.by_code = self.grants.sort("code", "u").set_sorted("code")
        self.powers = frame({"u": facts.power_user, "project": facts.power_project})
        self.by_user = self.powers.sort("u").set_sorted("u")
        self.items = frame(
            {
                "item": np.arange(len(facts.item_source), dtype=np.int32),
                "source": facts.item_source,
                "project": facts.item_project,
                "owner": facts.item_owner,
            }
        ).filter(polars.Series(np.isin(facts.item_kind, facts.open_kinds)))
        self.users = frame({"u": np.arange(len(facts.user_reach), dtype=np.int32), "reach": facts.user_reach})

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
        items = self.items.lazy()
        if reach == 1:
            grants = self.grants.lazy().filter(pl.col("u") == user)
            ok = self._ok(self.entries.lazy(), grants, ["source"]).collect()["source"]
            ruled = self.by_user.filter(pl.col("u") == user)["project"]
            items = items.filter(
                pl.col("source").is_in(ok.implode())
                | (pl.col("owner") == user)
                | pl.col("project").is_in(ruled.implode())
            )
        return items.select("item").collect()["item"].to_numpy() if reach else np.zeros(0, np.int64)

    @cached_property
    def _every(self) -> tuple[Any, Any]:
        """Rows of all capabilities, and all items with kind and lock."""
        frame, every, facts = self.pl.DataFrame, self.facts.every, self.facts
        rows = frame({"source": every.source, "code": every.code, "allow": every.allow, "deny": every.deny})
        columns = {"source": facts.item_source, "project": facts.item_project, "owner": facts.item_owner}
        return rows, frame({**columns, "kind": facts.item_kind, "lock": every.item_lock})

    def masks(self, user: int) -> Array:
        """For every item the mask of all a user may."""
        pl, every, role = self.pl, self.facts.every, int(self.facts.user_role[user])
        (rows, items), reach = self._every, every.reach[role]
        if not reach.any() or role in self.facts.admins:
            return reach[self.facts.item_kind]
        grants = self.grants.lazy().filter(pl.col("u") == user)
        level, none = pl.col("code") % 4, pl.lit(0, pl.UInt32)
        said = {
            f"{side}{kind}": pl.when(level == kind).then(pl.col(side)).otherwise(none).bitwise_or()
            for side in ("allow", "deny")
            for kind in (USER, GROUP, GROUP_SET)
        }
        lists = rows.lazy().join(grants, on="code").group_by("source").agg(**said)
        ruled = self.by_user.filter(pl.col("u") == user)["project"].implode()
        ceilings = pl.LazyFrame({"kind": np.arange(len(reach), dtype=np.uint8), "reach": reach})
        power = (pl.col("owner") == user) | pl.col("project").is_in(ruled)
        barred = (pl.col("lock") >= 0) & ~pl.col("lock").is_in(ruled)
        given = pl.when(power).then(pl.lit(_ALL, pl.UInt32)).otherwise(pl.col("rules").fill_null(0))
        found = (
            items.lazy()
            .join(lists.select("source", rules=self._masks_decided), on="source", how="left", maintain_order="left")
            .join(ceilings, on="kind", how="left", maintain_order="left")
            .select(pl.when(barred).then(given & (_ALL ^ every.edit)).otherwise(given) & pl.col("reach"))
        )
        return found.collect().to_series().to_numpy()

    @cached_property
    def _masks_decided(self) -> Any:
        col = self.pl.col

        def no(name: str) -> Any:
            return col(name) ^ self.pl.lit(_ALL, self.pl.UInt32)

        by_sets = no(f"deny{GROUP_SET}") & col(f"allow{GROUP_SET}")
        by_groups = no(f"deny{GROUP}") & (col(f"allow{GROUP}") | by_sets)
        return no(f"deny{USER}") & (col(f"allow{USER}") | by_groups)

    def who(self, item: int) -> Array:
        """Users who may View an item."""
        pl, facts = self.pl, self.facts
        entries = self.by_source.lazy().filter(pl.col("source") == int(facts.item_source[item]))
        ok = self._ok(entries, self.by_code.lazy(), ["u"]).collect()["u"]
        ruling = self.powers.filter(pl.col("project") == int(facts.item_project[item]))["u"]
        u, reach = pl.col("u"), pl.col("reach")
        allowed = u.is_in(ok.implode()) | u.is_in(ruling.implode()) | (u == int(facts.item_owner[item]))
        return self.users.lazy().filter((reach == 2) | ((reach == 1) & allowed)).collect()["u"].to_numpy()

    def give_classes(self, class_of_source: Array) -> None:
        """The classes of the sources, told beforehand (NONE: allows nobody), with the rows of each class once."""
        pl = self.pl
        entries = self.entries.filter(pl.col("code") % 4 != USER)
        entries = entries.with_columns(form=pl.Series(class_of_source[entries["source"].to_numpy()]))
        self.of_class = entries.filter(pl.col("form") >= 0).unique(["form", "code"]).select("form", "code", "says")

    def mirror(self) -> int:
        """The mirror in class form: pairs of class and user; how many."""
        pl = self.pl
        licensed = self.users.lazy().filter(pl.col("reach") == 1).select("u")
        grants = self.grants.lazy().join(licensed, on="u", how="semi")
        # One key of both numbers is grouped in half the time of two.
        key = pl.col("form").cast(pl.Int64) * len(self.facts.user_reach) + pl.col("u")
        pairs = self.of_class.lazy().join(grants, on="code").select(key.alias("pair"), pl.col("says"))
        said = pairs.group_by("pair").agg(pl.col("says").bitwise_or())
        return int(said.filter(self._decided).select("pair").collect().height)
