"""`plan undo --to`: locked, overwritten, moved and handed over through REST, then put back, every rule of it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from random import Random
from typing import Any

import pytest
import tableauserverclient as TSC  # noqa: N812
from test_restore import in_force, only_known

from tabwarden.compare.snapshots import facts as differing
from tabwarden.model.errors import UnknownName
from tabwarden.model.governing import managing_project
from tabwarden.model.scope import CONNECTIONS
from tabwarden.model.site import CUSTOMIZABLE, LOCKED, LOCKED_WITHOUT_NESTED, Grantee, Rule, Site
from tabwarden.plan.plan import Plan
from tabwarden.plan.restore import without_contradiction
from tabwarden.plan.stops import NO_WAY_BACK, RULES_REMOVED
from tabwarden.plan.waivers import parse_waivers
from tabwarden.run import history
from tabwarden.run import undo as undo
from tabwarden.run.apply import Applied, apply, terms_of
from tabwarden.run.context import Context, connected
from tabwarden.run.undo import Scope, plan_undo_to
from tabwarden.sandbox.http.server import Sandbox, running
from tabwarden.settings import Settings, load
from tabwarden.tableau.read.site import read_site


class Bench:
    """A sandbox, settings for it, and what a person does."""

    def __init__(self, sandbox: Sandbox, folder: Path) -> None:
        self.sandbox, self.folder = sandbox, folder
        auth = {"pat": {"name": "tok", "secret": "sec"}}
        whole = {"tableau": {"server": sandbox.url, "site": "sandbox", "auth": auth}}
        whole |= {"stops": {"rules_removed": {"count": 9999}}}
        (folder / "settings.yaml").write_text(json.dumps(whole), encoding="utf-8")

    @property
    def settings(self) -> Settings:
        return load(self.folder / "settings.yaml", {})

    @property
    def site(self) -> Site:
        return self.sandbox.site("sandbox")

    def read(self) -> int:
        with connected(self.settings) as connection:
            return history.keep(self.settings, read_site(connection)).number

    def plan(self, to: str = "1", **scope: str) -> Plan:
        with connected(self.settings) as connection:
            return plan_undo_to(Context(self.settings, connection), to, Scope(**scope))

    def apply(self, plan: Plan, *accept: str, **more: Any) -> Applied:
        with connected(self.settings) as connection:
            terms = replace(terms_of(Context(self.settings, connection), parse_waivers(accept)), **more)
            return apply(plan, connection, terms)

    @contextmanager
    def tableau(self) -> Iterator[TSC.Server]:
        server = TSC.Server(self.sandbox.url, use_server_version=True)
        with server.auth.sign_in(TSC.PersonalAccessTokenAuth("tok", "sec", "sandbox")):
            yield server

    def lock(self, project: str, mode: str) -> None:
        with self.tableau() as server:
            item = next(each for each in TSC.Pager(server.projects) if each.id == project)
            item.content_permissions = mode
            server.projects.update(item)


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    with running("w0") as sandbox:
        yield Bench(sandbox, tmp_path)


def state(site: Site) -> dict[str, object]:
    """What is in force; an Allow beside a Deny of the same, which the world has and REST cannot make, left out."""
    plain = (replace(c, rules=c.rules and without_contradiction(c.rules)) for c in site.contents.values())
    return in_force(only_known(site.with_contents(*plain)))


def managers(site: Site) -> list[str]:
    return [
        c.id for c in site.contents.values() if c.kind == "project" and managing_project(site, c.id) in (None, c.id)
    ]


def test_every_lock_over_every_project_is_taken_back_whole(bench: Bench) -> None:
    """Lock, overwrite, undo: the site's own rules are then as they were, every one."""
    before = bench.site
    bench.read()
    locked = 0
    for project in managers(before):
        for mode in {LOCKED, LOCKED_WITHOUT_NESTED, CUSTOMIZABLE} - {before.contents[project].mode}:
            bench.lock(project, mode)
            if state(bench.site) == state(before):
                continue
            locked += 1
            plan = bench.plan(project=project)
            applied = bench.apply(plan)
            assert applied.succeeded, applied.not_done
            assert state(bench.site) == state(before)
            assert not [fact for fact in differing(before, bench.site) if fact.what == "mode"]
    assert locked >= 6


def test_rules_that_a_lock_overwrote_come_back_to_what_had_them(bench: Bench) -> None:
    site = bench.site
    project = next(p for p in managers(site) if site.contents[p].mode == CUSTOMIZABLE and list(site.below(p)))
    books = [c for c in site.below(project) if site.contents[c].kind == "workbook"]
    rules = frozenset(Rule(Grantee("user", user), name, "Allow") for user in site.users for name in ("Read", "Filter"))
    bench.sandbox.state.put(site.with_contents(*(replace(site.contents[b], rules=rules) for b in books)))
    before = bench.site
    bench.read()
    bench.lock(project, LOCKED)
    assert any(bench.site.contents[b].rules != rules for b in books)
    plan = bench.plan(project=project)
    assert plan.changes[0].op == "set_mode"
    assert plan.impact.contents
    assert bench.apply(plan).succeeded
    assert all(bench.site.contents[b].rules == rules for b in books)
    assert state(bench.site) == state(before)
    assert bench.plan(project=project).changes == ()


def test_leaders_of_a_nested_project_that_are_those_of_its_parent_come_back(bench: Bench) -> None:
    """A lock took them, and a locked project does not list its parent's leaders as its own."""
    site = bench.site
    nested = site.find_content("Ops/Sub")
    leader = Rule(Grantee("group", site.find_group("Sales").id), "ProjectLeader", "Allow")
    parent = replace(site.find_content("Ops"), mode=CUSTOMIZABLE)
    both = (replace(thing, rules=(thing.rules or frozenset()) | {leader}) for thing in (parent, nested))
    bench.sandbox.state.put(site.with_contents(*both))
    bench.read()
    bench.lock(parent.id, LOCKED)
    bench.read()
    assert bench.apply(bench.plan()).succeeded
    assert leader in (bench.site.contents[nested.id].rules or ())
    assert bench.plan().changes == ()


def test_everything_that_was_done_in_a_day_is_put_back(bench: Bench) -> None:
    bench.read()
    before = bench.site
    with bench.tableau() as server:
        users = {user.name: user for user in TSC.Pager(server.users)}
        groups = {group.name: group for group in TSC.Pager(server.groups)}
        server.groups.add_user(groups["Finance"], users["vic"].id)
        users["egon"].site_role = "Viewer"
        server.users.update(users["egon"])
        for book in TSC.Pager(server.workbooks):
            server.workbooks.populate_permissions(book)
            for rule in book.permissions:
                if managing_project(before, str(book.project_id)) is None:
                    server.workbooks.delete_permission(book, rule)
    assert state(bench.site) != state(before)
    applied = bench.apply(bench.plan())
    assert applied.succeeded, applied.not_done
    assert state(bench.site) == state(before)
    assert {u.id: u.site_role for u in bench.site.users.values()} == {u.id: u.site_role for u in before.users.values()}
    assert bench.site.groups == before.groups


def test_one_group_one_person(bench: Bench) -> None:
    bench.read()
    before = bench.site
    finance, vic = before.find_group("Finance"), before.find_user("vic")
    with bench.tableau() as server:
        users = {user.name: user for user in TSC.Pager(server.users)}
        groups = {group.name: group for group in TSC.Pager(server.groups)}
        server.groups.add_user(groups["Finance"], users["vic"].id)
        users["egon"].site_role = "Viewer"
        server.users.update(users["egon"])
    plan = bench.plan(group="Finance")
    assert [(c.op, c.person) for c in plan.changes] == [("remove_from_group", "vic")]
    assert [(c.op, c.person) for c in bench.plan(user="egon").changes] == [("set_site_role", "egon")]
    assert bench.apply(plan).succeeded
    assert bench.site.groups[finance.id] == finance
    assert vic.id not in bench.site.members(finance.id)
    assert bench.site.find_user("egon").site_role == "Viewer"


def test_a_plan_that_is_no_longer_true_is_a_stop(bench: Bench) -> None:
    bench.read()
    project = next(p for p in managers(bench.site) if bench.site.contents[p].mode == CUSTOMIZABLE)
    bench.lock(project, LOCKED)
    plan = bench.plan(project=project)
    bench.lock(project, LOCKED_WITHOUT_NESTED)
    applied = bench.apply(plan)
    assert [stop.id for stop in applied.stops] == ["stale-plan"]


def test_many_rules_gone_and_no_history_are_stops(bench: Bench) -> None:
    site = bench.site
    book = next(
        c for c in site.contents.values() if c.kind == "workbook" and managing_project(site, c.parent or "") is None
    )
    bench.read()
    rules = frozenset(Rule(Grantee("user", user), name, "Deny") for user in site.users for name in ("Read", "Filter"))
    bench.sandbox.state.put(site.with_contents(replace(book, rules=(book.rules or frozenset()) | rules)))
    path = bench.folder / "settings.yaml"
    path.write_text(path.read_text(encoding="utf-8").replace("9999", "1"), encoding="utf-8")
    plan = bench.plan()
    assert [stop.id for stop in plan.stops] == [RULES_REMOVED]
    number = plan.stops[0].number
    assert [stop.id for stop in bench.apply(plan).stops] == [RULES_REMOVED]
    stopped = bench.apply(plan, f"{RULES_REMOVED}={number}", keep=None)
    assert [stop.id for stop in stopped.stops] == [NO_WAY_BACK]
    assert bench.apply(plan, f"{RULES_REMOVED}={number}").succeeded
    assert bench.site.contents[book.id].rules == book.rules
    with connected(bench.settings) as connection:
        back = undo.plan_undo(Context(bench.settings, connection), None)
    assert bench.apply(back, *(f"{stop.id}={stop.number}" for stop in back.stops)).succeeded
    assert bench.site.contents[book.id].rules == without_contradiction((book.rules or frozenset()) | rules)


@pytest.mark.parametrize("seed", range(3))
def test_killed_anywhere_it_goes_on(bench: Bench, seed: int) -> None:
    before = bench.site
    bench.read()
    project = next(p for p in managers(before) if before.contents[p].mode == CUSTOMIZABLE and list(before.below(p)))
    bench.lock(project, LOCKED)
    plan = bench.plan(project=project)
    assert sum(1 for change in plan.changes if change.op == "put_rules") > 0
    end = Random(seed).randrange(1, len(plan.changes) + 1)

    class Killed(BaseException):
        pass

    def die(done: int, _of: int, _words: str) -> None:
        if done == end:
            raise Killed

    with pytest.raises(Killed):
        bench.apply(plan, progress=die)
    applied = bench.apply(plan)
    assert applied.resumed
    assert applied.succeeded, (applied.stops, applied.not_done)
    assert state(bench.site) == state(before)


def test_last_is_what_was_read_before(bench: Bench) -> None:
    """The site is kept before a plan is made; that is not the day it goes back to."""
    with connected(bench.settings) as connection:
        history.keep(bench.settings, replace(read_site(connection), partial=(CONNECTIONS,)))
    before = bench.site
    project = next(p for p in managers(before) if before.contents[p].mode == CUSTOMIZABLE and list(before.below(p)))
    bench.lock(project, LOCKED)
    plan = bench.plan("last")
    assert plan.changes
    assert plan.undoes.startswith("snapshot 1 of")
    assert plan.notes[-1] == "the site as it is now is snapshot 2 of the history"
    assert not any("not whole" in note for note in plan.notes), "connections, which were not read, are not put back"
    assert bench.apply(plan).succeeded
    assert state(bench.site) == state(before)


def test_what_cannot_be_meant_is_told(bench: Bench) -> None:
    bench.read()
    for to, scope in (("2020-01-01", {}), ("1", {"project": "Nowhere"}), ("1", {"user": "nobody"}), ("77", {})):
        with pytest.raises(UnknownName):
            bench.plan(to, **scope)
