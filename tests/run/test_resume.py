"""A plan of 300 changes, ended at every position of its journal and killed at 30 of them, ends as if undisturbed.

And by the sandbox's own request log no write succeeded twice.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest
from dying import AFTER_BEGIN, AFTER_END, BEFORE_END, TORN_END, WAYS
from paths import TESTS
from provisioning import STAFF, Bench, bench, by_name, staff, world
from watchdog import patience

from tabwarden.plan.plan import Plan
from tabwarden.sandbox.state.personality import Personality, personality
from tabwarden.store.journal import path_of, read

CHANGES = 300
Ends = dict[bool, tuple[object, ...]]
ENDPOINT = {
    "create_group": "POST sites/{site}/groups",
    "add_user": "POST sites/{site}/users",
    "add_to_group": "POST sites/{site}/groups/{group}/users",
    "set_site_role": "PUT sites/{site}/users/{user}",
    "remove_from_group": "DELETE sites/{site}/groups/{group}/users/{user}",
}


@contextmanager
def prepared(folder: Path, *, bulk: bool, plays: Personality | None = None) -> Iterator[tuple[Bench, Plan]]:
    """A site and a plan of 300 changes of every kind.

    One by one: 75 people join and get Viewer, 37 leave. With bulk calls what can be sent together is more: 120 join,
    30 leave, one of whom has no licence to lose.
    """
    joining, leaving = (staff(120), staff(30, 5000)) if bulk else (staff(75), staff(37, 5000))
    people = STAFF | dict.fromkeys(leaving, "Viewer") | ({leaving[0]: "Unlicensed"} if bulk else {})
    with bench(folder, world(people, tuple(leaving)), plays=plays) as desk:
        desk.provision = {
            "group": {"name": "Newcomers"},
            "set_joiners_viewer": not bulk,
            "bulk": "auto" if bulk else "never",
        }
        desk.joiners(*joining)
        desk.leavers(*leaving)
        plan = desk.plan()
        assert len(plan.changes) == CHANGES
        desk.sandbox.log.clear()
        yield desk, plan


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> Ends:
    """What the site is like after the plan, by whether bulk calls were used."""
    found = {}
    for bulk in (False, True):
        with prepared(tmp_path_factory.mktemp("undisturbed"), bulk=bulk) as (desk, plan):
            assert desk.apply(plan).succeeded
            found[bulk] = by_name(desk.site)
    return found


def dying(desk: Bench, plan: Plan, what: str, *words: object) -> int:
    """Run tests/support/dying.py to its end; how many children died."""
    program = TESTS / "support" / "dying.py"
    ran = subprocess.run(
        [sys.executable, str(program), what, str(desk.settings_path), str(desk.keep(plan)), *map(str, words)],
        capture_output=True,
        text=True,
        env={**os.environ, **desk.environment},
        timeout=patience(120),
        check=False,
    )
    assert ran.returncode == 0, ran.stderr
    return int(ran.stdout)


def assert_nothing_twice(desk: Bench, plan: Plan) -> None:
    """As many writes succeeded as there are changes, and no request with a path of its own came twice."""
    writes = desk.writes()
    assert writes == Counter(ENDPOINT[change.op] for change in plan.changes)
    paths = Counter((e.method, e.path) for e in desk.sandbox.log.writes() if e.method != "POST")
    assert max(paths.values()) == 1


def assert_no_batch_twice(desk: Bench, plan: Plan) -> None:
    writes = desk.writes()
    assert writes["POST sites/{site}/users/import"] == 1
    assert writes["POST sites/{site}/users"] == 0
    assert writes["POST sites/{site}/groups/{group}/users"] == 1
    assert writes["PUT sites/{site}/groups/{group}/users/remove"] == 1
    roles = sum(change.op == "set_site_role" for change in plan.changes)
    assert writes["PUT sites/{site}/users/{user}"] == roles


def test_ended_hard_at_every_position_of_the_journal(tmp_path: Path, undisturbed: Ends) -> None:
    """One chain: each process dies at the next position, begun, sent, torn or recorded. Two positions a change."""
    with prepared(tmp_path, bulk=False) as (desk, plan):
        assert dying(desk, plan, "chain") == 2 * CHANGES
        assert by_name(desk.site) == undisturbed[False]
        assert_nothing_twice(desk, plan)
        assert read(path_of(desk.settings.store.folder, plan.id)).finished


def test_ended_hard_at_every_position_with_bulk_calls(tmp_path: Path, undisturbed: Ends) -> None:
    with prepared(tmp_path, bulk=True) as (desk, plan):
        group, added, joined, left, unlicensed = 1, 1, 1, 1, 29
        batches = group + added + joined + left + unlicensed
        assert dying(desk, plan, "chain") == 2 * batches
        assert by_name(desk.site) == undisturbed[True]
        assert_no_batch_twice(desk, plan)


@pytest.mark.parametrize(
    ("position", "how"),
    [(2, BEFORE_END), (151, AFTER_BEGIN), (300, TORN_END)],
)
def test_ended_once_and_gone_on(tmp_path: Path, undisturbed: Ends, position: int, how: str) -> None:
    with prepared(tmp_path, bulk=False) as (desk, plan):
        assert dying(desk, plan, "at", position, how) == 1
        assert by_name(desk.site) == undisturbed[False]
        assert_nothing_twice(desk, plan)


@pytest.mark.parametrize("bulk", [False, True], ids=["one by one", "bulk"])
def test_killed_at_30_moments(tmp_path: Path, undisturbed: Ends, bulk: bool) -> None:
    times = 5 if bulk else 30
    with prepared(tmp_path, bulk=bulk) as (desk, plan):
        assert dying(desk, plan, "kill", 20261121, times) == times
        assert by_name(desk.site) == undisturbed[bulk]
        (assert_no_batch_twice if bulk else assert_nothing_twice)(desk, plan)


def test_the_command_itself_killed_and_typed_again(tmp_path: Path, undisturbed: Ends) -> None:
    with prepared(tmp_path, bulk=False) as (desk, plan):
        path = desk.keep(plan)
        journal = path_of(desk.settings.store.folder, plan.id)
        words = [sys.executable, "-m", "tabwarden", "apply", str(path), "--settings", str(desk.settings_path)]
        environment = {**os.environ, **desk.environment}
        for size in (2_000, 9_000):
            process = subprocess.Popen(words, env=environment, cwd=tmp_path, stdout=subprocess.DEVNULL)
            while not journal.exists() or journal.stat().st_size < size:
                assert process.poll() is None
                time.sleep(0.002)
            process.send_signal(signal.SIGKILL)
            assert process.wait() == -signal.SIGKILL
        last = subprocess.run(words, env=environment, cwd=tmp_path, capture_output=True, text=True, check=False)
        assert last.returncode == 0, last.stdout + last.stderr
        assert last.stdout.startswith("resumed: 300 changes done")
        assert by_name(desk.site) == undisturbed[False]
        assert_nothing_twice(desk, plan)


def test_an_import_that_still_runs_is_waited_for_and_not_sent_again(tmp_path: Path, undisturbed: Ends) -> None:
    slow = replace(personality(), job_seconds=1.5)
    with prepared(tmp_path, bulk=True, plays=slow) as (desk, plan):
        words = [
            sys.executable,
            "-m",
            "tabwarden",
            "apply",
            str(desk.keep(plan)),
            "--settings",
            str(desk.settings_path),
        ]
        process = subprocess.Popen(
            words, env={**os.environ, **desk.environment}, cwd=tmp_path, stdout=subprocess.DEVNULL
        )
        while not desk.writes()["POST sites/{site}/users/import"]:
            assert process.poll() is None
            time.sleep(0.005)
        process.kill()
        process.wait()
        assert len(desk.site.users) < 120
        assert desk.apply(plan).succeeded
        assert by_name(desk.site) == undisturbed[True]
        assert_no_batch_twice(desk, plan)


def test_every_way_of_dying_is_in_the_chain() -> None:
    assert set(WAYS) == {AFTER_BEGIN, BEFORE_END, TORN_END, AFTER_END}
