"""The state file: what was acknowledged survives kill -9, torn lines and restarts."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import threading
import time
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import pytest
import requests
from sandbox_client import TSC, Raw, by_name, everything, rule, tsc
from watchdog import patience

from tabwarden.model.errors import TabwardenError, WorldError
from tabwarden.sandbox.http.server import running
from tabwarden.sandbox.serve import ServeOptions, run, save
from tabwarden.sandbox.state.personality import personality
from tabwarden.sandbox.state.server_state import Job, Note
from tabwarden.sandbox.state.sites import State
from tabwarden.sandbox.worlds.finding import find_world


@contextmanager
def process(*options):
    """The sandbox as a process; yields its URL and the process."""
    command = [sys.executable, "-m", "tabwarden", "sandbox", "--port", "0", *map(str, options)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as running_:
        try:
            line = running_.stdout.readline()
            assert line.startswith("listening on http://127.0.0.1:"), line
            yield SimpleNamespace(url=line.split()[-1]), running_
        finally:
            if running_.poll() is None:
                running_.terminate()
            running_.wait(timeout=patience(10))


def world_after(path):
    state = State(find_world("w0"), time.time, path)
    try:
        return state.world()
    finally:
        state.close()


def test_everything_that_can_be_written_comes_back(tmp_path, clock):
    path = tmp_path / "state"
    with running("w0", state=path, clock=clock) as box, tsc(box) as server:
        user = server.users.add(TSC.UserItem("new", "Viewer"))
        server.users.update(user, password="other")
        group = server.groups.create(TSC.GroupItem("Crew"))
        server.groups.add_user(group, user.id)
        server.groups.remove_user(by_name(everything(server.groups), "Sales"), box.site("sandbox").find_user("vic").id)
        made = server.group_sets.create(TSC.GroupSetItem("Both"))
        server.group_sets.add_group(made, group)
        project = server.projects.create(TSC.ProjectItem("P"))
        project.content_permissions = "LockedToProject"
        server.projects.update(project)
        w1 = by_name(everything(server.workbooks), "W1")
        server.workbooks.update_permissions(w1, [rule(group, Read="Allow")])
        server.workbooks.delete_permission(w1, rule(by_name(everything(server.groups), "Finance"), Read="Allow"))
        w1.project_id = project.id
        server.workbooks.update(w1)
        server.users.remove(box.site("sandbox").find_user("sam").id)
        server.users.bulk_remove([by_name(everything(server.users), "eve")])
        before = box.state.world()
        jobs = dict(box.state.jobs)
    with running("w0", state=path, clock=clock) as again:
        assert again.state.world() == before
        assert {i: replace(j, rows=()) for i, j in jobs.items()} == again.state.jobs
        assert Raw(again).sign_in("new", "other").token
        fresh = again.state.new_id(again.site("sandbox"), "user")
        assert fresh not in before.sites[0].users


def test_a_waiting_job_runs_after_a_restart(tmp_path, clock):
    path, plays = tmp_path / "state", replace(personality(), job_seconds=60)
    with running("w0", state=path, clock=clock, plays=plays) as box, tsc(box) as server:
        job = server.users.bulk_add([TSC.UserItem("late", "Viewer")])
    clock.now += 61
    with running("w0", state=path, clock=clock, plays=plays) as box, tsc(box) as server:
        assert server.jobs.get_by_id(job.id).finish_code == 0
        assert box.site("sandbox").users_named("late")


def test_jobs_keep_their_notes(tmp_path):
    path = tmp_path / "state"
    job = Job("j", "s", "UserImport", "u", 1.0, 2.0, (("a", "b"),), 0, 3.0, (Note("t", "1", "x"),))
    state = State(find_world("w0"), time.time, path)
    state.put_job(job)
    state.close()
    again = State(find_world("w0"), time.time, path)
    assert again.jobs == {"j": replace(job, rows=())}
    again.close()


def test_acknowledged_writes_survive_kill_9(tmp_path):
    path = tmp_path / "state"
    chance = random.Random(7)
    acknowledged: list[str] = []
    for turn in range(3):
        with process("--world", "w0", "--state", path) as (box, child):
            raw = Raw(box).sign_in()

            def write(raw=raw, turn=turn):
                for number in range(10_000):
                    name = f"n{turn}-{number}"
                    body = f'<tsRequest><user name="{name}" siteRole="Unlicensed"/></tsRequest>'
                    try:
                        if raw.call("POST", "{s}/users", body).status_code == 201:
                            acknowledged.append(name)
                    except requests.RequestException:
                        return

            writer = threading.Thread(target=write)
            writer.start()
            time.sleep(0.1 + chance.random() * 0.3)
            os.kill(child.pid, signal.SIGKILL)
            writer.join()
    assert len(acknowledged) > 40
    world = world_after(path)
    kept = {u.name for u in world.sites[0].users.values()}
    assert set(acknowledged) <= kept
    assert len(kept) <= len(acknowledged) + 8 + 3  # at most one unacknowledged write a turn
    assert {a.name for a in world.accounts} == kept


def test_a_torn_last_line_was_never_acknowledged(tmp_path):
    path = tmp_path / "state"
    with running("w0", state=path) as box, tsc(box) as server:
        server.users.add(TSC.UserItem("kept", "Viewer"))
    with path.open("ab") as out:
        out.write(b'[{"put":"user","site":"')
    world = world_after(path)
    assert any(u.name == "kept" for u in world.sites[0].users.values())
    assert path.read_bytes().endswith(b"\n")


def test_a_file_that_is_no_state_file_is_left_alone(tmp_path):
    path = tmp_path / "notes.txt"
    path.write_text("my notes\n")
    with pytest.raises(WorldError, match="not a state file"):
        State(find_world("w0"), time.time, path)
    assert path.read_text() == "my notes\n"


def test_a_broken_line_in_the_middle_is_named(tmp_path):
    path = tmp_path / "state"
    State(find_world("w0"), time.time, path).close()
    lines = path.read_text().splitlines()
    lines[3] = "[{]"
    path.write_text("\n".join(lines) + "\n")
    with pytest.raises(WorldError, match="line 4"):
        State(find_world("w0"), time.time, path)


def test_two_sandboxes_do_not_share_a_file(tmp_path):
    path = tmp_path / "state"
    with running("w0", state=path), pytest.raises(WorldError, match="in use"):
        State(find_world("w0"), time.time, path)
    State(find_world("w0"), time.time, path).close()


def test_a_place_that_cannot_be_written(tmp_path):
    with pytest.raises(WorldError, match="cannot be opened"):
        State(find_world("w0"), time.time, tmp_path / "no" / "such" / "folder")


def test_the_file_is_for_its_owner_only(tmp_path):
    path = tmp_path / "state"
    State(find_world("w0"), time.time, path).close()
    assert path.stat().st_mode & 0o077 == 0


# -- as a process ---------------------------------------------------------------------------------------------


def test_the_process_stops_when_told_and_leaves_the_log(tmp_path):
    log = tmp_path / "log.jsonl"
    with process("--world", "w0", "--log", log) as (box, child):
        Raw(box).sign_in()
        child.terminate()
        assert child.wait(timeout=patience(10)) == 0
    assert '"endpoint": "POST auth/signin"' in log.read_text()


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"world": "nowhere"}, "no world `nowhere`"),
        ({"api_version": "9.9"}, "no API version"),
        ({"personality": "desktop"}, "no personality"),
        ({"host": "203.0.113.1"}, "has no such address"),
        ({"log": Path("/nonexistent/log")}, "cannot be written"),
    ],
)
def test_what_cannot_be_started_is_said(options, words):
    with pytest.raises(TabwardenError, match=words):
        run(ServeOptions(**options), print)


def test_a_world_with_mistakes_is_not_saved(tmp_path):
    world, saved = tmp_path / "world.yaml", tmp_path / "saved.yaml"
    save(ServeOptions(world="w0"), world)
    world.write_text(world.read_text().replace("    - eve", "    - evee", 1))
    with pytest.raises(TabwardenError, match="mistakes"):
        save(ServeOptions(world=str(world)), saved)
    assert not saved.exists()


def test_what_cannot_be_started_is_one_line():
    command = [sys.executable, "-m", "tabwarden", "sandbox", "--world", "nowhere"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=patience(30), check=False)
    assert done.returncode == 1
    assert len(done.stderr.splitlines()) == 1
