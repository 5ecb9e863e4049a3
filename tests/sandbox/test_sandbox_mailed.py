"""Subscriptions, data alerts, favourites, webhooks, runs of flows and linked tasks with Tableau's own client."""

from __future__ import annotations

import pytest
from full_world import full_sandbox
from sandbox_client import TSC, error, tsc

from tabwarden.sandbox.state.server_state import FIRST_SCHEDULES

ON_ANOTHER = (
    '<subscription subject="x"><content id="{view}" type="View"/><schedule id="{schedule}"/><user id="{user}"/>'
    "</subscription>"
)
MORNING = FIRST_SCHEDULES[3].id


@pytest.fixture(scope="module")
def full():
    with full_sandbox() as (raw, ids), tsc(raw.box) as server:
        yield server, raw, ids


def test_somebody_is_subscribed_paused_and_left_alone(full):
    server, _raw, ids = full
    new = TSC.SubscriptionItem("Weekly", MORNING, ids["user"], TSC.Target(ids["view"], "View"))
    stored = server.subscriptions.create(new)
    stored.subject, stored.suspended = "Monthly", True
    server.subscriptions.update(stored)
    read = server.subscriptions.get_by_id(stored.id)
    assert (read.subject, read.suspended, read.target.id, read.schedule_id) == ("Monthly", True, ids["view"], MORNING)
    server.subscriptions.delete(stored.id)
    assert stored.id not in [one.id for one in server.subscriptions.get()[0]]


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ('<subscription subject="x"><content id="{flow}" type="Flow"/></subscription>', "400068"),
        ('<subscription subject=""><content id="{view}" type="View"/><user id="{user}"/></subscription>', "400067"),
        (ON_ANOTHER, "400069"),
    ],
)
def test_what_cannot_be_subscribed_is_refused(full, body, code):
    _server, raw, ids = full
    sent = f"<tsRequest>{body.format(**{name: ids[name] for name in ('flow', 'view', 'user', 'schedule')})}</tsRequest>"
    assert error(raw.call("POST", "{s}/subscriptions", sent)) == (400, code)


def test_a_data_alert_changes_hands_and_recipients(full):
    server, raw, ids = full
    body = f'<dataAlertCreateAlert subject="Fresh" frequency="Daily" visibility="public" viewId="{ids["view"]}"/>'
    assert raw.call("POST", "{s}/dataAlerts", f"<tsRequest>{body}</tsRequest>").status_code == 201
    alert = next(one for one in server.data_alerts.get()[0] if one.subject == "Fresh")
    carl = raw.box.site("sandbox").find_user("carl").id
    server.data_alerts.add_user_to_alert(alert, carl)
    assert set(server.data_alerts.get_by_id(alert.id).recipients) == {carl, ids["user"]}
    server.data_alerts.delete_user_from_alert(alert, carl)
    server.data_alerts.delete(alert)
    assert alert.id not in [one.id for one in server.data_alerts.get()[0]]


def test_favourites_are_marked_once_and_taken_back(full):
    server, _raw, ids = full
    ada, flow = server.users.get_by_id(ids["user"]), server.flows.get_by_id(ids["flow"])
    server.favorites.add_favorite_flow(ada, flow)
    server.favorites.get(ada)
    assert [one.id for one in ada.favorites["flows"]] == [ids["flow"]]
    server.favorites.delete_favorite_flow(ada, flow)
    server.favorites.get(ada)
    assert ada.favorites["flows"] == []


def test_a_webhook_lives(full):
    server, _raw, _ids = full
    new = TSC.WebhookItem()
    new.name, new.url, new.event = "Made", "https://h", "datasource-created"
    stored = server.webhooks.create(new)
    assert server.webhooks.get_by_id(stored.id).event == "datasource-created"
    assert server.webhooks.test(stored.id).status_code == 200
    server.webhooks.delete(stored.id)
    assert stored.id not in [one.id for one in server.webhooks.get()[0]]


def test_flows_run_alone_and_linked(full):
    server, _raw, ids = full
    runs = {run.id: run for run in server.flow_runs.get()}
    assert (runs[ids["flowrun"]].flow_id, runs[ids["flowrun"]].status) == (ids["flow"], "Success")
    (task, *_others), _pages = server.linked_tasks.get()
    assert task.num_steps == 2
    assert server.linked_tasks.run_now(task).linked_task_id == task.id
    assert len(server.flow_runs.get()) == len(runs) + 2


def test_what_is_about_gone_content_goes_with_it(full):
    server, raw, ids = full
    assert raw.box.state.favorites
    server.workbooks.delete(ids["workbook"])
    state = raw.box.state
    about = [one.about for one in (*state.subscriptions.values(), *state.favorites.values())]
    assert ids["workbook"] not in about
    assert ids["view"] not in about
    assert not state.alerts
