"""The bulk reader: what it costs, everything a site holds, what it cannot see, two percent of every fault."""

from __future__ import annotations

import time
from dataclasses import replace

import pytest
from people_world import SITE_URL, options, passed_on, people_world
from reading_world import ACME, CORE, timeless, w0
from small_server import error, serving

from tabwarden.access.reference import may
from tabwarden.engine.convert import columns_of
from tabwarden.model.errors import TableauError, TabwardenError, UnknownName
from tabwarden.model.governing import LOCKED_TO_DATABASE
from tabwarden.model.site import Content, Grantee, Rule
from tabwarden.sandbox.faults.script import KINDS, Fault, Script
from tabwarden.sandbox.http.server import running
from tabwarden.sandbox.state.personality import personality
from tabwarden.tableau.http import lists
from tabwarden.tableau.http.connection import connect
from tabwarden.tableau.http.session import Password, Pat, SignIn
from tabwarden.tableau.read.site import Wishes, read_site

# Faults that no GET can meet.
NOT_OF_READS = {"no-seats", "search-lag", "directory-partial", "directory-timeout"}


# -- what it costs --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("connections", [False, True], ids=["core", "connections"])
@pytest.mark.parametrize(("world", "site", "auth"), [("w0", "sandbox", Pat("tok", "sec")), ("acme", "acme", ACME)])
def test_the_budget_told_before_is_what_is_counted_after(world, site, auth, connections):
    told = []
    with running(world) as sandbox:
        with connect(SignIn(sandbox.url, site, auth)) as connection:
            read_site(connection, Wishes(connections), say=told.append)
        sent = len(sandbox.log.entries)
        held = sandbox.site(site)
    (budget,) = told
    assert budget.sure
    assert budget.total == sent == sum(connection.calls.values())
    # Saved: whatever is governed from elsewhere, groups known to be empty, All Users.
    everyone, empty = 1, sum(1 for g in held.groups.values() if not g.everyone and not g.members)
    assert budget.saved_by_groups == everyone + empty
    assert budget.contents + budget.saved_by_locks + budget.saved_by_tabs == sum(
        1 for c in held.contents.values() if c.kind != "project"
    )
    assert f"{budget.total:,} requests" in str(budget)


def test_a_read_that_would_cost_too_much_does_not_begin():
    told = []
    with running("w0") as sandbox, w0(sandbox) as connection:
        with pytest.raises(TabwardenError, match="and it may take 20"):
            read_site(connection, replace(CORE, at_most=20), say=told.append)
        assert not [e for e in sandbox.log.entries if e.path.endswith("/permissions")]


# -- everything a site holds ----------------------------------------------------------------------------------


def test_databases_and_tables_with_their_rules():
    world = people_world()
    (site,) = world.sites
    project, _ = site.contents.values()
    rules = frozenset({Rule(Grantee("group", "a0000000-0000-4000-8000-000000000002"), "Read", "Allow")})
    ids = [f"d1000000-0000-4000-8000-00000000000{n}" for n in range(4)]
    warehouse = Content(ids[0], "database", "Warehouse", project.id, project.owner, rules, defaults={"table": rules})
    sales = Content(ids[1], "table", "Sales", warehouse.id, project.owner, rules)
    lake = Content(
        ids[2], "database", "Lake", project.id, project.owner, mode=LOCKED_TO_DATABASE, defaults={"table": rules}
    )
    fish = Content(ids[3], "table", "Fish", lake.id, project.owner)
    world = replace(world, sites=(site.with_contents(warehouse, sales, lake, fish),))
    with running(world) as sandbox, connect(options(sandbox)) as connection:
        read = read_site(connection, CORE)
        asked = {e.path.split("/")[-2] for e in sandbox.log.entries if e.path.endswith("/permissions")}
    assert read.contents[ids[0]].rules == read.contents[ids[1]].rules == rules
    assert read.contents[ids[0]].defaults == {"table": rules}
    assert (read.contents[ids[2]].mode, read.contents[ids[3]].rules) == (LOCKED_TO_DATABASE, rules)
    assert ids[1] in asked
    assert ids[3] not in asked
    assert read.contents[ids[3]].parent == ids[2]
    assert set(read.contents[project.id].defaults) == {"workbook", "datasource", "flow", "database", "table"}


@pytest.mark.parametrize(("version", "unknown"), [("3.0", True), ("3.4", False)])
def test_view_rules_before_3_2_are_unknown(version, unknown):
    with running("w0", plays=personality("server", version)) as sandbox:
        with w0(sandbox, auth=Password("ada", "ada")) as connection:
            read = read_site(connection, CORE)
        held = sandbox.site("sandbox")
        assert not [e for e in sandbox.log.entries if e.status >= 400]
    workbook = next(c for c in held.contents.values() if c.kind == "workbook" and not c.tabs)
    views = [read.contents[view] for view in held.children(workbook.id)]
    assert views
    assert all((view.rules is None) == unknown for view in views)
    assert any("version 3.0 of the API does not tell them, 3.2 and later do" in r for r in read.partial) == unknown
    # By the rules of views alone somebody may or may not see them; leaders and administrators see them anyhow.
    verdicts = {may(read, user, "Read", view.id).verdict for view in views for user in held.users}
    assert ("unknown" in verdicts) == unknown


def test_only_the_projects_wished_for():
    with running("acme") as sandbox, connect(SignIn(sandbox.url, "acme", ACME)) as connection:
        held = sandbox.site("acme")
        nested = next(c for c in held.contents.values() if c.kind == "project" and c.parent is not None)
        told = []
        read = read_site(connection, replace(CORE, projects=(held.path(nested.id),)), say=told.append)
        whole = read_site(connection, CORE, say=told.append)
        with pytest.raises(UnknownName, match="Nowhere"):
            read_site(connection, replace(CORE, projects=("Nowhere",)))
    assert set(read.contents) == {*held.ancestors(nested.id), *held.below(nested.id)}
    assert all(read.contents[c].rules == whole.contents[c].rules for c in read.contents)
    assert f"content outside of `{held.path(nested.id)}`" in read.partial
    assert read.groups == whole.groups
    assert told[0].projects < told[1].projects


# -- less than everything: limited ----------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["cleo", "vic", "carl"])
def test_who_is_no_administrator_reads_a_limited_site_that_never_says_more(name):
    with running("w0") as sandbox:
        with w0(sandbox, auth=Password(name, name)) as connection:
            read = read_site(connection)
            role = connection.reader.site_role
        held = sandbox.site("sandbox")
    assert f"what `{name}` ({role}) cannot see, not being an administrator" in read.partial
    assert (read.taken.by, read.taken.by_role) == (name, role)
    columns_of(read)
    said = 0
    for user in read.users:
        for content in read.contents:
            answer = may(read, user, "Read", content)
            if answer.verdict != "unknown":
                said += 1
                assert answer.verdict == may(held, user, "Read", content).verdict, (held.users[user].name, content)
    assert said, "of oneself something is known"


def test_much_that_is_refused_is_told_by_kind(monkeypatch):
    monkeypatch.setattr("tabwarden.tableau.read.content.MOST_NAMED", 0)

    def script(asked):
        return error("403004") if "/workbooks/" in asked.path else passed_on(sandbox, asked)

    with running(people_world()) as sandbox, serving(script) as small:
        through = replace(options(sandbox), server=small.url)
        with connect(through) as connection:
            assert read_site(connection).partial == ("connections of 1 workbooks (403)", "rules of 1 workbooks (403)")


# -- less than everything: incomplete -------------------------------------------------------------------------


def test_a_site_that_vanishes_is_no_site_of_unknown_things():
    def script(asked):
        gone = "/permissions" in asked.path or (asked.path.endswith(f"/sites/{site}") and len(small.asked) > 12)
        return error("404000") if gone else passed_on(sandbox, asked)

    def unclear(asked):
        gone = "/permissions" in asked.path or (asked.path.endswith(f"/sites/{site}") and len(small.asked) > 12)
        return error("404006" if "/permissions" in asked.path else "404000") if gone else passed_on(sandbox, asked)

    with running(people_world()) as sandbox:
        site = sandbox.site(SITE_URL).id
        for one in (script, unclear):
            with serving(one) as small, connect(replace(options(sandbox), server=small.url)) as connection:
                with pytest.raises(TableauError) as caught:
                    read_site(connection)
                assert caught.value.code == "404000"


def test_a_server_that_dies_is_told_soon():
    died = []

    def script(asked):
        if asked.path.endswith("/permissions"):
            died.append(1)
            return "reset"
        return passed_on(sandbox, asked)

    with running(people_world()) as sandbox, serving(script) as small:
        began = time.monotonic()
        told = pytest.raises(TableauError, match="no answer from")
        with connect(replace(options(sandbox), server=small.url, retries=2)) as connection, told:
            read_site(connection)
        assert time.monotonic() - began < 10
        assert len(died) > 5


# -- two percent of everything --------------------------------------------------------------------------------


@pytest.mark.parametrize("seed", range(3))
def test_two_percent_of_every_fault_change_nothing(monkeypatch, seed):
    monkeypatch.setattr(lists, "PAGE_SIZE", 5)
    names = sorted(set(KINDS) - NOT_OF_READS)
    slow = {"seconds": 0.01}
    faults = tuple(Fault(fault=n, rate=0.02, **(slow if n == "slow" else {})) for n in names)
    entered = {"site": "acme-europe", "auth": ACME, "first_wait": 0.005}
    with running("acme") as sandbox:
        with connect(SignIn(sandbox.url, **entered)) as connection:
            calm = timeless(read_site(connection))
        sandbox.strike(Script(seed=seed, faults=faults))
        with connect(SignIn(sandbox.url, **entered)) as connection:
            read = timeless(read_site(connection))
        given = sandbox.log.faults()
        sandbox.strike(None)
    assert read == calm
    assert len(given) >= len(names) - 2, given
