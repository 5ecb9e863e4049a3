"""Use of a site: from the repository, Admin Insights, REST, the activity log; kept by day, apart from the Site."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any
from uuid import NAMESPACE_URL, uuid5

import pytest
from command_line import run
from paths import ROOT
from sandbox_client import Raw
from test_repository_read import over_rest
from workgroups import workgroup

from tabwarden.model.capability import CAPABILITIES, applies, ui_name
from tabwarden.model.errors import TabwardenError
from tabwarden.model.site import Content, Grantee, Rule
from tabwarden.model.usage import (
    ALERT,
    COMMENT,
    CONNECT,
    CUSTOM_VIEW,
    DOWNLOAD,
    EDIT,
    PROOFS,
    PUBLISH,
    RUN,
    SIGN_IN,
    STANDING,
    SUBSCRIPTION,
    TASK,
    TOKEN,
    VIEW,
    Usage,
    event_name,
    proven,
    what_of,
)
from tabwarden.run.store_check import check
from tabwarden.run.usage import events_of, used
from tabwarden.sandbox.http.server import running
from tabwarden.sandbox.state.server_state import World
from tabwarden.sandbox.worlds.finding import find_world, world_of
from tabwarden.sandbox.worlds.save import text_of
from tabwarden.store.history import History
from tabwarden.store.usage import days
from tabwarden.tableau.http.connection import connect
from tabwarden.tableau.http.session import Password, SignIn
from tabwarden.tableau.read.usage import NO_INSIGHTS, NO_TOKENS, read_usage
from tabwarden.tableau.repository.usage import read_usage as from_repository
from tabwarden.workgroup import RELEASES

DAY, LATER = "2025-03-01", "2025-03-02"


def used_world(insights: bool = True) -> World:
    """Somebody who did something of each kind, and has something of each."""
    world = find_world("w0")
    (site,) = world.sites
    admin = site.find_user("ada").id
    ids = {path: site.find_content(path).id for path in ("Ops/W1", "Ops/W1/V1", "Ops/W2/V4", "Ops/D1")}
    carl, vic = site.find_user("carl").id, site.find_user("vic").id

    def did(what: str, user: str, path: str, times: int = 1, day: str = DAY, hour: int = 9) -> Usage:
        return Usage(day, what, user, ids.get(path, ""), times, f"{day}T{hour:02}:30:00Z", "world")

    rows = (
        did(VIEW, carl, "Ops/W1/V1", 3),
        did(VIEW, carl, "Ops/W1/V1", 2, LATER),
        did(VIEW, vic, "Ops/W2/V4"),
        did(EDIT, carl, "Ops/W1/V1"),
        did(PUBLISH, carl, "Ops/W1"),
        did(DOWNLOAD, vic, "Ops/W1"),
        did(CONNECT, carl, "Ops/D1", 4),
        did(SUBSCRIPTION, vic, "Ops/W1/V1"),
        did(ALERT, vic, "Ops/W2/V4"),
        did(CUSTOM_VIEW, carl, "Ops/W1/V1", 2),
        did(TASK, carl, "Ops/D1"),
        did(TOKEN, carl, ""),
    )
    if insights:
        project = Content(str(uuid5(NAMESPACE_URL, "insights")), "project", "Admin Insights", None, admin)
        api = frozenset({Rule(Grantee("user", admin), "VizqlDataApiAccess", "Allow")})
        tables = (
            Content(str(uuid5(NAMESPACE_URL, name)), "datasource", name, project.id, admin, rules=api)
            for name in ("TS Events", "TS Users")
        )
        site = site.with_contents(project, *tables)
    return replace(world, sites=(site,), usage={site.id: rows})


@pytest.fixture(scope="module")
def world() -> World:
    return used_world()


def did(rows: Any, *whats: str) -> set[tuple[str, str, str, str, int, str]]:
    return {(r.day, r.what, r.user, r.content, r.times, r.last) for r in rows if not whats or r.what in whats}


def of_world(world: World, *whats: str) -> set[tuple[str, str, str, str, int, str]]:
    return did(next(iter(world.usage.values())), *whats)


CHANGES = (("lock", "project:Ops"), ("update permissions", "Ops/W1"))
CHANGED = (("lock_project", "project:Ops"), ("update_permissions_workbook", "Ops/W1"))
DEEDS = (VIEW, EDIT, PUBLISH, DOWNLOAD, CONNECT)


@pytest.mark.parametrize("release", [RELEASES[0], "2020.4", RELEASES[-1]])
def test_the_repository_tells_who_did_what_and_who_has_what(postgres: Any, world: World, release: str) -> None:
    (site,) = world.sites
    carl, at = site.find_user("carl").id, f"{DAY}T09:30:00Z"
    hands = (Usage(DAY, what, carl, site.find_content(path).id, 1, at, "world") for what, path in CHANGES)
    changed = replace(world, usage={site.id: (*world.usage[site.id], *hands)})
    with workgroup(postgres.admin, changed, release=release) as made:
        read = from_repository(made.options, "sandbox", "2025-06-01")
    assert read.site_id == site.id
    events = [row for row in read.rows if row.source == "historical_events"]
    assert did(events) == of_world(world, *DEEDS)
    # The counter of views knows the last time alone, and all there ever were.
    (carl, *_), _ = [sorted(did(r for r in read.rows if r.source == "views_stats"))[::-1], None]
    assert carl[0] == LATER
    have = {(r.what, r.user, r.content, r.times) for r in read.rows if r.what in STANDING}
    told = {(r[1], r[2], r[3], r[4]) for r in of_world(world, *STANDING)}
    if release == RELEASES[0]:
        # 2019.3 does not tell what a subscription is of, nor who made a task.
        told = {(what, user, "" if what == SUBSCRIPTION else c, n) for what, user, c, n in told if what != TASK}
    assert have == told
    assert {r.day for r in read.rows if r.what in STANDING} == {"2025-06-01"}
    assert ("extract tasks" in read.unread) == (release == RELEASES[0])
    assert [dict(event) for event in read.changes] == [
        {
            "eventTime": f"{DAY}T09:30:00Z",
            "eventType": kind,
            "siteLuid": read.site_id,
            "actorUserLuid": site.find_user("carl").id,
            "contentLuid": site.find_content(path).id,
            "source": "historical_events",
        }
        for kind, path in CHANGED
    ]


def read_over_rest(world: World) -> Any:
    with running(world) as sandbox:
        options = SignIn(sandbox.url, "sandbox", Password("ada", "ada"))
        with connect(options) as connection:
            return read_usage(connection, "2025-06-01")


def test_admin_insights_tell_the_same(world: World) -> None:
    told = read_over_rest(world)
    assert did((r for r in told.rows if r.source == "TS Events"), *DEEDS) == of_world(world, *DEEDS)
    assert told.unread[0] == NO_TOKENS
    assert {r.what for r in told.rows if r.source == "TS Users"} <= {SIGN_IN}


def test_what_people_have_is_listed_over_rest_too(world: World) -> None:
    """Whose a task is, REST does not tell; what this server does not list is named."""
    told = read_over_rest(world)
    (site,) = world.sites
    carl, view, source = site.find_user("carl").id, *(site.find_content(p).id for p in ("Ops/W1/V1", "Ops/D1"))
    have = {(r.day, r.what, r.user, r.content, r.times) for r in told.rows if r.source == "REST"}
    assert {("2025-06-01", CUSTOM_VIEW, carl, view, 2), ("2025-06-01", TASK, "", source, 1)} <= have
    for what in (SUBSCRIPTION, ALERT):
        assert what in {r.what for r in told.rows} or f"{what}s (404)" in told.unread


def test_without_them_rest_sums_up_the_views_of_all() -> None:
    told = read_over_rest(used_world(insights=False))
    (site,) = used_world().sites
    views = {site.find_content("Ops/W1/V1").id: 5, site.find_content("Ops/W2/V4").id: 1}
    seen = [r for r in told.rows if r.what == VIEW]
    assert {r.content: r.times for r in seen} == views
    assert {(r.user, r.day) for r in seen} == {("", "2025-06-01")}
    assert told.unread[0] == NO_INSIGHTS


def test_who_may_not_query_them_is_told_so(world: World) -> None:
    with running(world) as sandbox:
        options = SignIn(sandbox.url, "sandbox", Password("carl", "carl"))
        with connect(options) as connection:
            told = read_usage(connection, "2025-06-01")
    # Carl does not see the project at all: for him there is none.
    assert told.unread[0] == NO_INSIGHTS


# -- what proves what -----------------------------------------------------------------------------------------


def test_events_have_the_names_that_are_read_back_and_prove_what_there_is() -> None:
    for what in (VIEW, EDIT, DOWNLOAD, PUBLISH, CONNECT, RUN, COMMENT, SIGN_IN):
        kinds = PROOFS[what].capabilities if what in PROOFS else {"": ""}
        for kind in kinds:
            assert what_of(event_name(what, kind)) == what or (what, kind) == (CONNECT, "virtualconnection")
    for event in (
        "Delete Workbook",
        "Update Permissions",
        "Create User",
        "Publish failed",
        "Update Published Connection",
    ):
        assert what_of(event) is None
    for proof in PROOFS.values():
        assert proof.mark in ("V", "B")
        for kind, capability in proof.capabilities.items():
            assert capability in CAPABILITIES
            assert applies(capability, kind)
    row = Usage(DAY, EDIT, "u", "c", 1, "", "")
    assert (proven(row, "workbook"), proven(row, "datasource")) == ("WebAuthoring", None)


def test_the_page_has_the_table() -> None:
    page = (ROOT / "docs" / "how-to" / "read-use.md").read_text(encoding="utf-8")
    rows = [line.split(" | ") for line in page.partition("## What proves what")[2].splitlines() if "| `" in line]
    told = {what: (words, mark.strip(" |")) for whats, words, mark in rows for what in whats.strip("| `").split("`, `")}
    assert told.keys() == PROOFS.keys()
    for what, proof in PROOFS.items():
        words, mark = told[what]
        assert mark == proof.mark
        assert all(ui_name(capability, kind) in words for kind, capability in proof.capabilities.items()), what


# -- kept by day ----------------------------------------------------------------------------------------------


def test_days_keep_the_fullest_that_was_told_and_what_people_have_as_it_is(tmp_path: Path) -> None:
    seen = Usage(DAY, VIEW, "ann", "v", 3, f"{DAY}T09:00:00Z", "historical_events")
    has = Usage(DAY, SUBSCRIPTION, "ann", "v", 1, "", "subscriptions")
    assert days.keep(tmp_path, "site", [seen, has, seen._replace(day=LATER)]) == 2
    # The source has forgotten a part of the day, and the subscription is another's now.
    days.keep(tmp_path, "site", [seen._replace(times=1), has._replace(user="bob")])
    days.keep(tmp_path, "site", [seen._replace(day=LATER, times=5)])
    assert list(days.kept(tmp_path, "site", DAY, LATER)) == [has._replace(user="bob"), seen]
    assert [row.times for row in days.kept(tmp_path, "site", LATER)] == [5]
    assert list(days.kept(tmp_path, "another")) == []
    path = next(days.folder_of(tmp_path, "site").glob(f"{DAY}.jsonl"))
    assert path.stat().st_mode & 0o077 == 0
    path.write_text("[1, 2]\n")
    with History(tmp_path) as history:
        history.keep(find_world("w0").sites[0])
    assert [one.what for one in check(str(tmp_path)) if one.problem] == [f"use of {DAY}"]
    with pytest.raises(TabwardenError, match="is damaged"):
        list(days.kept(tmp_path, "site"))


# -- the activity log -----------------------------------------------------------------------------------------


def test_the_activity_log_of_the_sandbox_is_read_once_and_tells_who_viewed(tmp_path: Path) -> None:
    log = tmp_path / "activity.json"
    (tmp_path / "settings.yaml").write_text(
        "tableau: {server: 'https://t.example.com', auth: {pat: {name: t, secret: a-secret}}}\nstore: {folder: store}\n"
    )
    world = find_world("w0")
    with running(world, activity_to=log) as sandbox:
        site = sandbox.site("sandbox")
        view = site.find_content("Ops/W1/V1").id
        raw = Raw(sandbox).sign_in()
        assert raw.get(f"{{s}}/views/{view}/image").status_code == 200
        assert raw.get(f"{{s}}/views/{view}/image").status_code == 200
        assert raw.call("DELETE", f"{{s}}/users/{site.find_user('vic').id}").status_code in (204, 409)
        total = [json.loads(line) for line in log.read_text().splitlines()]
        told = raw.xml("{s}/views?includeUsageStatistics=true")
    (usage,) = told.findall(f".//{{*}}view[@id='{view}']/{{*}}usage")
    assert usage.get("totalViewCount") == "2"
    words = ("read", "--settings", tmp_path / "settings.yaml", "--activity", log, "--json")
    ended = run(*words)
    assert ended.exit_code == 0, ended.output
    (one,) = json.loads(ended.stdout)["sites"]
    assert (one["site_id"], one["new"], sum(one["counts"].values())) == (site.id, len(total), len(total))
    assert json.loads(run(*words).stdout)["sites"][0]["new"] == 0
    (row,) = [r for r in days.kept(tmp_path / "store", site.id) if r.what == VIEW]
    assert (row.user, row.content, row.times) == (raw.user, view, 2)
    events = list(days.kept_activity(tmp_path / "store", site.id))
    assert {e["eventType"] for e in events} == {e["eventType"] for e in total}


def test_a_line_that_is_no_event_keeps_nothing(tmp_path: Path) -> None:
    path = tmp_path / "log.json"
    good = {"eventTime": f"{DAY}T08:00:00Z", "eventType": "hist_access_view", "siteLuid": "s", "viewLuid": "v"}
    for bad in ("{", "[]", '{"eventType": "x"}', json.dumps({**good, "eventTime": "soon"})):
        path.write_text(f"{json.dumps(good)}\n{bad}\n")
        with pytest.raises(TabwardenError, match=r"line 2 of .* is no event"):
            list(events_of(path))
    (row,) = used([{**good, "actorUserLuid": "ann"}, {**good, "eventOutcome": "unauthorized"}])
    assert row == Usage(DAY, VIEW, "ann", "v", 1, good["eventTime"], "activity log")


def test_a_world_file_tells_use_and_gets_it_back(world: World) -> None:
    again = world_of(text_of(world))
    assert of_world(again) == of_world(world)


def test_use_changes_nothing_of_the_site(world: World) -> None:
    bare = replace(world, usage={})
    one, other = over_rest(world, "sandbox"), over_rest(bare, "sandbox")
    assert (one.contents, one.groups) == (other.contents, other.groups)
