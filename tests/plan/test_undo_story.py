"""`plan undo --to` after a day on which everything went wrong at once, done by a real client; rule for rule."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import tableauserverclient as TSC  # noqa: N812
from test_undo_to import Bench, state

from tabwarden.model.site import LOCKED, LOCKED_WITHOUT_NESTED, Grantee, Rule, Site
from tabwarden.plan.restore import translated
from tabwarden.plan.restore_people import ids_now
from tabwarden.sandbox.http.server import running

KINDS = ("workbook", "datasource", "flow")


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    with running("w0") as sandbox:
        found = Bench(sandbox, tmp_path)
        sandbox.state.put(prepared(found.site))
        yield found


def prepared(site: Site) -> Site:
    """w0 with rules for people and groups of every kind of default, so that there is something to lose."""
    sales, vic, eve = site.find_group("Sales").id, site.find_user("vic").id, site.find_user("eve").id
    rows = [Grantee("group", sales), Grantee("user", vic), Grantee("user", eve)]
    listed = frozenset(Rule(who, name, "Allow") for who in rows for name in ("Read", "ChangePermissions"))
    changed = []
    for path in ("Ops", "Ops/Sub", "Sandbox"):
        project = site.find_content(path)
        defaults = {kind: (project.defaults.get(kind) or frozenset()) | listed for kind in KINDS}
        view = frozenset(Rule(who, "Read", "Allow") for who in rows)
        changed.append(replace(project, defaults=defaults, rules=(project.rules or frozenset()) | view))
    for path in ("Ops/W2", "Ops/W2/V4", "Ops/D1"):
        held = site.find_content(path)
        changed.append(replace(held, rules=(held.rules or frozenset()) | listed))
    return site.with_contents(*changed)


class Havoc:
    """What people do to the site, with tableauserverclient."""

    def __init__(self, server: TSC.Server, site: Site) -> None:
        self.server, self.site = server, site

    def project(self, path: str) -> Any:
        return next(p for p in TSC.Pager(self.server.projects) if p.id == self.site.find_content(path).id)

    def book(self, path: str) -> Any:
        return self.server.workbooks.get_by_id(self.site.find_content(path).id)

    def lock(self, path: str, mode: str) -> None:
        item = self.project(path)
        item.content_permissions = mode
        self.server.projects.update(item)

    def clear_defaults(self, path: str) -> None:
        item, projects = self.project(path), self.server.projects
        for kind in KINDS:
            getattr(projects, f"populate_{kind}_default_permissions")(item)
            for rule in list(getattr(item, f"default_{kind}_permissions")):
                getattr(projects, f"delete_{kind}_default_permissions")(item, rule)

    def everything(self) -> None:
        server = self.server
        self.clear_defaults("Sandbox")
        self.clear_defaults("Ops/Sub")
        self.lock("Ops/Sub", LOCKED_WITHOUT_NESTED)
        book = self.book("Ops/W2")
        book.project_id = self.site.find_content("Vault").id
        server.workbooks.update(book)
        self.lock("Ops", LOCKED)
        inner = self.project("Sandbox")
        inner.parent_id = self.site.find_content("Ops").id
        server.projects.update(inner)
        book = self.book("Ops/W1")
        book.show_tabs = not book.show_tabs
        server.workbooks.update(book)
        book = self.book("Ops/W1")
        book.owner_id = self.site.find_user("eve").id
        server.workbooks.update(book)
        server.groups.delete(self.site.find_group("Sales").id)
        server.users.remove(self.site.find_user("vic").id)
        server.workbooks.delete(self.site.find_content("Vault/W3").id)


def test_rules_of_a_deleted_group_wait_for_the_group(bench: Bench) -> None:
    before = bench.site
    bench.read()
    with bench.tableau() as server:
        server.groups.delete(before.find_group("Sales").id)
    plan = bench.plan(project="Ops")
    assert {held.reason for held in plan.held} == {"had rules for group `Sales`, which is gone"}
    assert {held.remedy for held in plan.held} == {"put it back first with `--group`"}
    assert plan.changes == ()
    plan = bench.plan(group="Sales")
    assert plan.changes[0].op == "create_group"
    assert "group `Sales` was deleted and is created again with another id" in plan.notes[0]
    assert bench.apply(plan).succeeded
    ids = ids_now(bench.site, before, create=False)
    assert state(bench.site) == state(translated(before, ids))
    again = bench.plan(project="Ops")
    assert (again.changes, again.held) == ((), ())


def test_a_day_of_havoc_is_put_back_rule_for_rule(bench: Bench) -> None:
    before = bench.site
    bench.read()
    with bench.tableau() as server:
        Havoc(server, before).everything()
    assert state(bench.site) != state(before)
    plan = bench.plan()
    assert {change.op for change in plan.changes} >= {
        "add_user",
        "create_group",
        "move",
        "set_mode",
        "set_owner",
        "put_rules",
        "set_tabs",
    }
    told = "\n".join(plan.notes)
    assert "`vic` is added again as a new user" in told
    assert "group `Sales` was deleted and is created again with another id" in told
    assert "2 things are gone and cannot be put back: `Vault/W3`, `Vault/W3/V8`" in told
    applied = bench.apply(plan)
    assert applied.succeeded, applied.not_done
    after = bench.site
    ids = ids_now(after, before, create=False)
    assert {grantee.kind for grantee in ids} == {"user", "group"}
    gone = [before.find_content(path).id for path in ("Vault/W3", "Vault/W3/V8")]
    assert state(after) == state(translated(before, ids).without_contents(gone))
    sales = after.find_group("Sales")
    assert sales.id != before.find_group("Sales").id
    assert {after.users[u].name for u in after.members(sales.id)} == {
        before.users[u].name for u in before.members(before.find_group("Sales").id)
    }
    again = bench.plan()
    assert again.changes == ()
