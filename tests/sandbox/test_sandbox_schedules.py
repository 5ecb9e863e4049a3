"""Schedules and tasks as Tableau's own client uses them; on Cloud each task has a frequency of its own."""

from __future__ import annotations

from datetime import time

import pytest
from sandbox_client import TSC, Raw, by_name, error, tsc

from tabwarden.model.usage import TASK
from tabwarden.sandbox.handlers import schedules
from tabwarden.sandbox.http.server import running
from tabwarden.sandbox.state.personality import personality
from tabwarden.sandbox.state.server_state import FIRST_SCHEDULES, Timing

NOON = 1_760_616_000.0  # Thursday, 2025-10-16T12:00:00Z


DUE = [
    (Timing("Daily", "13:30:00"), "2025-10-16T13:30:00Z"),
    (Timing("Daily", "12:00:00"), "2025-10-17T12:00:00Z"),
    (Timing("Hourly", "01:15:00", "23:15:00", (("hours", "4"),)), "2025-10-16T13:15:00Z"),
    (Timing("Hourly", "06:00:00", "11:00:00", (("minutes", "15"),)), "2025-10-17T06:00:00Z"),
    (Timing("Weekly", "04:00:00", "", (("weekDay", "Monday"),)), "2025-10-20T04:00:00Z"),
    (Timing("Monthly", "23:00:00", "", (("monthDay", "LastDay"),)), "2025-10-31T23:00:00Z"),
    (Timing("Monthly", "23:00:00", "", (("monthDay", "31"),)), "2025-10-31T23:00:00Z"),
    (Timing("Monthly", "04:00:00", "", (("monthDay", "First"), ("weekDay", "Monday"))), "2025-11-03T04:00:00Z"),
]


@pytest.fixture
def box():
    with running("w0") as box:
        yield box


@pytest.mark.parametrize(("timing", "due"), DUE)
def test_when_a_schedule_comes_due(timing, due):
    assert schedules.next_run(timing, NOON) == due


def test_schedules_are_made_changed_and_deleted(box):
    with tsc(box) as server:
        first, _pages = server.schedules.get()
        assert {one.name for one in first} == {one.name for one in FIRST_SCHEDULES}
        interval = TSC.WeeklyInterval(time(6, 30), "Monday", "Friday")
        wanted = TSC.ScheduleItem(
            "Ours", 60, TSC.ScheduleItem.Type.Extract, TSC.ScheduleItem.ExecutionOrder.Serial, interval
        )
        made = server.schedules.create(wanted)
        read = server.schedules.get_by_id(made.id)
        assert (read.name, read.priority, read.execution_order) == ("Ours", 60, "Serial")
        assert (read.interval_item.start_time, set(read.interval_item.interval)) == (time(6, 30), {"Monday", "Friday"})
        read.priority, read.state = 5, "Suspended"
        server.schedules.update(read)
        listed = by_name(server.schedules.get()[0], "Ours")
        assert (listed.priority, listed.state) == (5, "Suspended")
        with pytest.raises(TSC.ServerResponseError, match="409021"):
            server.schedules.create(wanted)
        server.schedules.delete(made.id)
        with pytest.raises(TSC.ServerResponseError, match="404023"):
            server.schedules.get_by_id(made.id)


@pytest.mark.parametrize(
    ("attributes", "details", "code"),
    [
        ('type="Extract" frequency="Weekly"', '<frequencyDetails start="06:00:00"/>', "409004"),
        ('type="Extract" frequency="Daily"', "", "409004"),
        ('type="Extract" frequency="Never"', "", "400008"),
        ('type="Extract" frequency="Daily"', '<frequencyDetails start="25:00"/>', "400008"),
        ('type="Party" frequency="Daily"', '<frequencyDetails start="06:00"/>', "400000"),
        ('type="Extract" frequency="Daily" priority="101"', '<frequencyDetails start="06:00"/>', "400008"),
    ],
)
def test_what_is_no_schedule_is_refused(box, attributes, details, code):
    body = f'<tsRequest><schedule name="X" {attributes}>{details}</schedule></tsRequest>'
    answer = Raw(box).sign_in().call("POST", "schedules", body)
    assert error(answer, at_odds=code == "409004") == (400, code)
    assert len(box.state.schedules) == len(FIRST_SCHEDULES)


def test_a_refresh_is_put_on_a_schedule_run_and_deleted(box):
    with tsc(box) as server:
        schedule = by_name(server.schedules.get()[0], "Saturday night")
        (datasource, *_), _pages = server.datasources.get()
        (workbook, *_), _pages = server.workbooks.get()
        assert server.schedules.add_to_schedule(schedule.id, datasource=datasource) == []
        assert server.schedules.add_to_schedule(schedule.id, workbook=workbook) == []
        tasks, _pages = server.tasks.get()
        assert {(task.target.type, task.target.id) for task in tasks} == {
            ("datasource", datasource.id),
            ("workbook", workbook.id),
        }
        assert {task.schedule_id for task in tasks} == {schedule.id}
        extracts, pages = server.schedules.get_extract_refresh_tasks(schedule.id)
        assert ({one.id for one in extracts}, pages.total_available) == ({one.id for one in tasks}, 2)
        (mine,) = [row for row in box.state.usage[box.site("sandbox").id] if row.content == datasource.id]
        assert (mine.what, mine.times) == (TASK, 1)
        server.tasks.run(tasks[0])
        assert server.jobs.get()[0][0].type == "refresh_extracts"
        assert server.tasks.get_by_id(tasks[0].id).last_run_at is not None
        server.tasks.delete(tasks[0].id)
        server.workbooks.delete(workbook.id)
        assert server.tasks.get()[0] == []
        with pytest.raises(TSC.ServerResponseError, match="404026"):
            server.tasks.get_by_id(tasks[0].id)


def test_a_flow_needs_a_schedule_for_flows(box):
    raw = Raw(box).sign_in()
    schedule = FIRST_SCHEDULES[0].id
    assert error(raw.get(f"{{s}}/schedules/{FIRST_SCHEDULES[-1].id}/extracts")) == (400, "400047")
    unknown = '<tsRequest><task><flowRun><flow id="nobody"/></flowRun></task></tsRequest>'
    assert error(raw.call("PUT", f"{{s}}/schedules/{schedule}/flows", unknown))[0] == 404


def test_on_cloud_a_task_has_its_own_frequency():
    with running("w0", plays=personality("cloud")) as box:
        raw = Raw(box)
        auth = TSC.PersonalAccessTokenAuth("tok", "sec", "sandbox")
        server = TSC.Server(box.url, use_server_version=True)
        with server.auth.sign_in(auth):
            (datasource, *_), _pages = server.datasources.get()
            schedule = TSC.ScheduleItem(None, None, None, None, TSC.MonthlyInterval(time(23, 30), (15,)))
            target = TSC.Target(datasource.id, "datasource")
            item = TSC.TaskItem(None, "FullRefresh", None, schedule_item=schedule, target=target)
            server.tasks.create(item)
            (task,), _pages = server.tasks.get()
            assert (task.task_type, task.schedule_id) == ("FullRefresh", None)
            assert task.schedule_item.interval_item.start_time == time(23, 30)
            with pytest.raises(TSC.ServerResponseError, match="403004"):
                server.schedules.get()
            raw.token, raw.site = server.auth_token, server.site_id
            when = '<schedule frequency="Daily"><frequencyDetails start="05:00"/></schedule>'
            body = f'<tsRequest><extractRefresh type="IncrementalRefresh"/>{when}</tsRequest>'
            changed = raw.call("POST", f"{{s}}/tasks/extractRefreshes/{task.id}", body, json=True).json()
            assert changed["extractRefresh"]["type"] == "IncrementalRefresh"
            assert changed["schedule"]["frequencyDetails"]["start"] == "05:00:00"


def test_a_state_file_keeps_tasks(tmp_path):
    with running("w0", state=tmp_path / "state") as box, tsc(box) as server:
        (datasource, *_), _pages = server.datasources.get()
        server.schedules.add_to_schedule(FIRST_SCHEDULES[0].id, datasource=datasource)
        tasks = dict(box.state.tasks)
    with running("w0", state=tmp_path / "state") as box:
        assert box.state.tasks == tasks
