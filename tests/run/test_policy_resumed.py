"""A policy's plan of 300 changes, ended at every position of its journal and between requests, and met by faults.

It ends as if undisturbed, nothing is made or deleted twice, and the way back gives every rule.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from types import MappingProxyType

import pytest
from paths import TESTS
from plans_of_chance import in_force_of
from provisioning import Bench, bench, world
from watchdog import patience

from tabwarden.model.capability import capabilities_of
from tabwarden.model.site import ALLOW, CUSTOMIZABLE, DENY, LOCKED, Content, Grantee, Group, Rule, Site
from tabwarden.plan.plan import Plan
from tabwarden.run.policy import plan_policy
from tabwarden.sandbox.faults.script import Fault, Script
from tabwarden.sandbox.state.personality import personality
from tabwarden.sandbox.state.server_state import World
from tabwarden.store.journal import path_of, read

GROUPS, BOOKS, CHANGES = 30, 6, 300
KINDS = ("workbook", "datasource", "flow")
FAULTS = ("reset", "truncated", "unavailable", "internal", "html", "too-many", "expired-token")
State = dict[str, object]


def rules(kind: str, mode: str, groups: range) -> frozenset[Rule]:
    """Two capabilities of a kind for these groups."""
    names = [name for name in capabilities_of(kind) if "Leader" not in name][:2]
    return frozenset(Rule(Grantee("group", f"r-{n}"), name, mode) for n in groups for name in names)


def crowded() -> World:
    """Two projects with rules of their own on everything in them, one that is locked, and Default."""
    held = world()
    (site,) = held.sites
    groups = [Group(f"r-{n}", f"Crowd {n:02}") for n in range(GROUPS)]
    defaults = MappingProxyType({kind: rules(kind, ALLOW, range(4)) for kind in KINDS})
    projects = [
        Content("p-open", "project", "Open", None, "u-ada", defaults=defaults),
        Content("p-shut", "project", "Shut", None, "u-ada", mode=LOCKED, defaults=defaults),
    ]
    books = [
        Content(f"b-{n}", "workbook", f"Book {n}", "p-open", "u-sam", rules("workbook", DENY, range(GROUPS // 2)))
        for n in range(BOOKS)
    ]
    projects.append(Content("p-mixed", "project", "Mixed", None, "u-ada", defaults=defaults))
    books += [replace(book, id=f"m-{book.id}", parent="p-mixed") for book in books[:2]]
    books.append(Content("b-shut", "workbook", "Inside", "p-shut", "u-ada", defaults["workbook"]))
    return replace(held, sites=(site.with_groups(*groups).with_contents(*projects, *books),))


def text() -> str:
    """Rules of every book turned round, one project locked over what lies in it, the locked one set free, a new one."""
    allow = [name for name in capabilities_of("workbook") if "Leader" not in name][:2]
    row = {"workbooks": {"allow": allow}}
    rows = [{"group": f"Crowd {n:02}", **row} for n in range(GROUPS)]
    projects = {
        "Open": {"mode": "customizable", "description": "Open to many", "rules": [*rows[:8]]},
        "Shut": {"mode": "customizable", "owner": "sam", "rules": [{"group": "Crowd 00", "all": "View"}, *rows[1:]]},
        "Mixed": {"mode": "locked", "rules": [{"group": "Crowd 01", "all": "View"}]},
        "Fresh": {"mode": "locked", "rules": [{"group": f"Crowd {n:02}", "all": "View"} for n in range(GROUPS)]},
    }
    books = [{"paths": [f"Open/Book {n}"], "kind": "workbook", "rules": rows} for n in range(BOOKS - 1)]
    return json.dumps({"projects": projects, "content": books})


@contextmanager
def prepared(folder: Path, *, whole_lists: bool) -> Iterator[tuple[Bench, Plan]]:
    """The site and the plan; a server that takes whole lists of rules or one that does not."""
    with bench(folder, crowded(), plays=replace(personality(), whole_lists=whole_lists)) as desk:
        desk.stops["rules_removed"] = {"count": 9999}
        policy = folder / "policy.yaml"
        policy.write_text(text(), encoding="utf-8")
        plan = plan_policy(desk.settings, [policy])
        assert len(plan.changes) >= CHANGES
        assert not plan.stops
        desk.sandbox.log.clear()
        yield desk, plan


def state(site: Site) -> State:
    return in_force_of(replace(site, contents={c: replace(t, description="") for c, t in site.contents.items()}))


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> State:
    """What the site is like after the plan."""
    with prepared(tmp_path_factory.mktemp("undisturbed"), whole_lists=True) as (desk, plan):
        applied = desk.apply(plan)
        assert applied.succeeded, applied.not_done
        assert [desk.site.contents[p].mode for p in ("p-shut", "p-mixed")] == [CUSTOMIZABLE, LOCKED]
        return state(desk.site)


def dying(desk: Bench, plan: Plan, what: str, *words: object) -> int:
    """Run tests/support/dying.py to its end; how many children died."""
    program = [sys.executable, str(TESTS / "support" / "dying.py"), what]
    ran = subprocess.run(
        [*program, str(desk.settings_path), str(desk.keep(plan)), *map(str, words)],
        capture_output=True,
        text=True,
        env={**os.environ, **desk.environment},
        timeout=patience(180),
        check=False,
    )
    assert ran.returncode == 0, ran.stderr
    return int(ran.stdout)


def assert_nothing_twice(desk: Bench) -> None:
    """No rule was deleted twice, no project made twice: what is put again is what is there."""
    writes = [
        e for e in desk.sandbox.log.writes() if e.method == "DELETE" or e.endpoint == "POST sites/{site}/projects"
    ]
    assert max(Counter((e.method, e.path) for e in writes).values()) == 1


def assert_taken_back(desk: Bench, plan: Plan) -> None:
    """Every rule as it was, by the snapshot kept before the first change."""
    before = crowded().sites[0]
    assert read(path_of(desk.settings.store.folder, plan.id)).snapshot is not None
    applied = desk.apply(desk.undo())
    assert applied.succeeded, applied.not_done
    assert state(desk.site) == state(before)


def test_ended_hard_at_every_position_of_the_journal(tmp_path: Path, undisturbed: State) -> None:
    with prepared(tmp_path, whole_lists=True) as (desk, plan):
        assert dying(desk, plan, "chain") >= 20
        assert state(desk.site) == undisturbed
        assert_nothing_twice(desk)
        assert read(path_of(desk.settings.store.folder, plan.id)).finished
        assert_taken_back(desk, plan)


def test_ended_hard_between_two_requests(tmp_path: Path, undisturbed: State) -> None:
    """Each process gets up to so many writes done, so that rows of one list are left half written."""
    with prepared(tmp_path, whole_lists=False) as (desk, plan):
        assert dying(desk, plan, "requests", 20261129, 25) >= 8
        assert state(desk.site) == undisturbed
        assert_nothing_twice(desk)
        assert_taken_back(desk, plan)


@pytest.mark.parametrize("whole_lists", [True, False], ids=["whole lists", "rule by rule"])
def test_whatever_the_line_does_the_plan_is_done(tmp_path: Path, undisturbed: State, whole_lists: bool) -> None:
    """Every other write meets some fault; what is broken off goes on when the plan is applied again."""
    with prepared(tmp_path, whole_lists=whole_lists) as (desk, plan):
        at = ("PUT *", "POST *permissions*", "DELETE *")
        faults = tuple(Fault(fault=name, at=at, rate=0.08, times=9) for name in FAULTS)
        desk.sandbox.strike(Script(seed=7, faults=faults))
        for _ in range(40):
            if desk.apply(plan).succeeded:
                break
        assert set(desk.sandbox.log.faults()) >= (set(FAULTS) if not whole_lists else set(FAULTS[:1]))
        desk.sandbox.strike(None)
        assert state(desk.site) == undisturbed
        assert_taken_back(desk, plan)
