"""Refresh schedules as changes: planned, applied, so already, taken back, killed and gone on with, and refused."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from paths import TESTS
from provisioning import SECRET, URL, Bench, bench, world
from sandbox_client import TSC
from watchdog import patience

from tabwarden.model.capability import LEADER
from tabwarden.model.errors import TabwardenError, UnknownName
from tabwarden.model.refreshes import Frequency, frequency_meant
from tabwarden.model.site import ALLOW, Content, Grantee, Rule
from tabwarden.plan.plan import Plan
from tabwarden.plan.stops import NO_WAY_BACK
from tabwarden.run.whatif import plan_changes
from tabwarden.sandbox.faults.script import Fault, Script
from tabwarden.sandbox.state.personality import Personality, personality
from tabwarden.sandbox.state.server_state import FIRST_SCHEDULES, AccessToken, World

BOOK, ROWS = "Default/Sales book", "Default/Sales rows"
NIGHT, EARLY, MONTH = "Saturday night", "Weekday early mornings", "End of the month"


def with_extracts() -> World:
    """A workbook of an administrator and a data source of a Creator, who also leads a project with a workbook."""
    people = world()
    (site,) = people.sites
    cleo = Grantee("user", "u-cleo@a.example")
    default = replace(site.contents["p-default"], rules=frozenset({Rule(cleo, "Read", ALLOW)}))
    book = Content("w-b", "workbook", "Sales book", "p-default", "u-sam", frozenset({Rule(cleo, "Read", ALLOW)}))
    led = Content("p-t", "project", "Team", None, "u-sam", frozenset({Rule(cleo, LEADER, ALLOW)}))
    ours = Content("w-t", "workbook", "Ours", "p-t", "u-sam")
    rows = Content("d-r", "datasource", "Sales rows", "p-default", "u-cleo@a.example")
    flow = Content("f-f", "flow", "Sales flow", "p-default", "u-sam")
    tokens = (*people.tokens, AccessToken("cleo", SECRET, "cleo@a.example"))
    return replace(people, sites=(site.with_contents(default, book, led, ours, rows, flow),), tokens=tokens)


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Bench]:
    with bench(tmp_path, with_extracts()) as desk:
        on_schedule(desk, "w-b", NIGHT)
        yield desk


@pytest.fixture
def cloud(tmp_path: Path) -> Iterator[Bench]:
    with bench(tmp_path, with_extracts(), plays=a_cloud()) as desk:
        desk.token = "sam"
        yield desk


def a_cloud() -> Personality:
    return personality("cloud")


def on_schedule(desk: Bench, content: str, name: str) -> None:
    """As somebody puts it there with Tableau's own client."""
    server = TSC.Server(desk.sandbox.url, use_server_version=True)
    schedule = next(one.id for one in FIRST_SCHEDULES if one.name == name)
    with server.auth.sign_in(TSC.PersonalAccessTokenAuth("tok", SECRET, URL)):
        kind = "workbook" if content.startswith("w") else "datasource"
        items = server.workbooks if kind == "workbook" else server.datasources
        assert server.schedules.add_to_schedule(schedule, **{kind: items.get_by_id(content)}) == []


def refreshed(desk: Bench) -> list[tuple[str, str]]:
    """Every task as the server has it: content and schedule, or frequency."""
    schedules = desk.sandbox.state.schedules
    return sorted(
        (task.about, schedules[task.schedule].name if task.schedule else f"{task.way} {task.timing}")
        for task in desk.sandbox.state.tasks.values()
    )


def change(desk: Bench, *words: str) -> Plan:
    return plan_changes(desk.settings, words)


def test_a_refresh_moves_to_another_schedule_and_back(desk: Bench) -> None:
    words = [f'refresh "{BOOK}" on schedule "saturday NIGHT"', f"refresh {ROWS} on schedule {EARLY}"]
    plan = change(desk, *words, f"refresh {BOOK} on schedule {MONTH}")
    assert [one.because for one in plan.changes] == [
        f"refresh {ROWS} on schedule {EARLY}",
        f'refresh {BOOK} on schedule "{MONTH}"',
    ]
    assert f"`{words[0]}`: it is so already" in plan.notes
    assert not plan.stops
    assert plan.impact.contents == ()
    assert plan.impact.rights is not None
    assert (plan.impact.rights.verdict, plan.impact.rights.shifts) == ("equal", ())
    assert desk.apply(plan).succeeded
    assert refreshed(desk) == [("d-r", EARLY), ("w-b", MONTH)]
    assert change(desk, words[1], f'refresh {BOOK} on schedule "{MONTH}"').changes == ()
    back = desk.undo()
    assert not back.held
    assert desk.apply(back).succeeded
    assert refreshed(desk) == [("w-b", NIGHT)]


def test_stopping_deletes_every_task_and_undo_makes_each_again(desk: Bench) -> None:
    on_schedule(desk, "w-b", EARLY)
    assert desk.apply(change(desk, f"stop refreshing {BOOK}")).succeeded
    assert refreshed(desk) == []
    assert change(desk, f"stop refreshing {BOOK}").changes == ()
    back = desk.undo()
    assert back.changes[0].to_do().endswith(f"from no schedule to `{NIGHT}`, `{EARLY}`")
    assert desk.apply(back).succeeded
    assert refreshed(desk) == [("w-b", NIGHT), ("w-b", EARLY)]


def test_what_somebody_changed_since_stays(desk: Bench) -> None:
    assert desk.apply(change(desk, f"stop refreshing {BOOK}")).succeeded
    on_schedule(desk, "w-b", EARLY)
    back = desk.undo()
    assert not back.changes
    assert [(one.person, one.reason) for one in back.held] == [(BOOK, f"is refreshed on `{EARLY}` by now")]


def test_a_plan_that_somebody_overtook_is_stale(desk: Bench) -> None:
    plan = change(desk, f"stop refreshing {BOOK}")
    on_schedule(desk, "w-b", EARLY)
    assert [stop.id for stop in desk.apply(plan).stops] == ["stale-plan"]
    assert refreshed(desk) == [("w-b", NIGHT), ("w-b", EARLY)]


@pytest.mark.parametrize("what", [["chain"], ["requests", "7", "1"]])
def test_killed_anywhere_it_goes_on(desk: Bench, what: list[str]) -> None:
    on_schedule(desk, "d-r", NIGHT)
    plan = change(desk, f"refresh {BOOK} on schedule {EARLY}", f"stop refreshing {ROWS}")
    words = [str(desk.settings_path), str(desk.keep(plan)), *what[1:]]
    ran = subprocess.run(
        [sys.executable, str(TESTS / "support" / "dying.py"), what[0], *words],
        capture_output=True,
        text=True,
        env={**os.environ, **desk.environment},
        timeout=patience(120),
        check=False,
    )
    assert ran.returncode == 0, ran.stderr
    assert int(ran.stdout) >= 3
    assert refreshed(desk) == [("w-b", EARLY)]


def test_an_answer_that_is_lost_leaves_one_task(desk: Bench) -> None:
    plan = change(desk, f"refresh {BOOK} on schedule {EARLY}")
    lost = Fault(fault="truncated", at=("PUT schedules/{schedule}/workbooks",), times=1)
    desk.sandbox.strike(Script(faults=(lost,)))
    assert desk.apply(plan).succeeded
    assert refreshed(desk) == [("w-b", EARLY)]


PROBLEMS = [
    (f"refresh {BOOK} on schedule Saturday nigth", r"no schedule `Saturday nigth`; near it: `Saturday night`"),
    (f"refresh {BOOK} on schedule Zzz", r"no schedule `Zzz`; for extracts it has `End of the month`"),
    (f"refresh {BOOK} on schedule Monday morning", r"`Monday morning` is for Subscription tasks; .*`Saturday night`"),
]


@pytest.mark.parametrize(("words", "sentence"), PROBLEMS)
def test_a_schedule_that_does_not_fit_is_told(desk: Bench, words: str, sentence: str) -> None:
    with pytest.raises(UnknownName, match=sentence):
        change(desk, words)


@pytest.mark.parametrize("content", ["Default/Sales flow", "Default"])
def test_only_workbooks_and_data_sources_have_extracts(desk: Bench, content: str) -> None:
    with pytest.raises(TabwardenError, match="workbooks and data sources alone"):
        change(desk, f"stop refreshing {content}")


def test_who_may_is_asked(desk: Bench) -> None:
    """A Creator: her own data source; no workbook that she only sees, nor one she leads: its tasks are not told."""
    desk.token = "cleo"
    contents = (ROWS, BOOK, "Team/Ours")
    plan = change(desk, *(f"refresh {content} on schedule {EARLY}" for content in contents))
    assert [one.person for one in plan.changes] == [ROWS]
    assert [(one.person, one.reason) for one in plan.held] == [
        (BOOK, "has an extract refresh that `cleo@a.example` may not change"),
        ("Team/Ours", "belongs to somebody else, whose tasks `cleo@a.example` is not told"),
    ]
    assert desk.apply(plan).succeeded
    assert refreshed(desk) == [("d-r", EARLY), ("w-b", NIGHT)]


def test_a_refresh_of_new_rows_alone_cannot_be_made_again(desk: Bench) -> None:
    (task,) = desk.sandbox.state.tasks.values()
    desk.sandbox.state.keep("task", task._replace(way="IncrementExtractTask"))
    assert [stop.id for stop in change(desk, f"stop refreshing {BOOK}").stops] == [NO_WAY_BACK]


def test_cloud_has_no_schedules_and_a_frequency_for_each_task(cloud: Bench) -> None:
    with pytest.raises(UnknownName, match="Tableau Cloud has no schedules"):
        change(cloud, f"refresh {BOOK} on schedule {NIGHT}")
    words = f"refresh {BOOK} on schedule Hourly 06:00 22:00 hours=4 weekDay=Monday"
    assert cloud.apply(change(cloud, words)).succeeded
    assert change(cloud, words).changes == ()
    first = refreshed(cloud)
    assert "FullRefresh" in first[0][1]
    assert "'22:00:00'" in first[0][1]
    assert cloud.apply(change(cloud, f"refresh {BOOK} on schedule Incremental Daily 05:30")).succeeded
    assert [when.partition(" ")[0] for _, when in refreshed(cloud)] == ["IncrementalRefresh"]
    assert cloud.apply(cloud.undo()).succeeded
    assert refreshed(cloud) == first
    assert cloud.apply(change(cloud, f"stop refreshing {BOOK}")).succeeded
    assert refreshed(cloud) == []
    assert cloud.apply(cloud.undo()).succeeded
    assert refreshed(cloud) == first


@pytest.mark.parametrize("words", ["", "Daily", "Yearly 06:00", "Daily 06:00 07:00 08:00", "Daily at 06:00", NIGHT])
def test_what_is_no_frequency_is_none(words: str) -> None:
    assert frequency_meant(words) is None


def test_a_frequency_is_read_as_it_is_written() -> None:
    frequency = Frequency("Weekly", "06:30:00", "", (("weekDay", "Monday"), ("weekDay", "Friday")), incremental=True)
    assert frequency_meant(frequency.words) == frequency
