"""`tabwarden read` and `tabwarden projects` from outside: what they print, what they leave on disk, how they fail."""

from __future__ import annotations

import json
import os
import re
import resource
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tabwarden.access.reference import may
from tabwarden.model.errors import TabwardenError, UnknownName
from tabwarden.model.site import Site, User
from tabwarden.run.projects import list_projects
from tabwarden.run.read import Listener, Taken, read_and_keep
from tabwarden.sandbox.server import Sandbox, running
from tabwarden.sandbox.troubles.faults import Fault
from tabwarden.settings import load
from tabwarden.store import snapshot
from tabwarden.tableau.read import Wishes

PAT = "pat: {name: tabwarden, secret: acme-demo-secret}"


def tabwarden(folder: Path, *words: str, **more: object) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "tabwarden", *words], cwd=folder, capture_output=True, text=True, timeout=120, **more
    )


def settings(folder: Path, url: str, auth: str = PAT, site: str = "acme-lab", retries: int = 1) -> None:
    tableau = f"{{server: '{url}', site: {site}, retries: {retries}, auth: {{{auth}}}}}"
    (folder / "settings.yaml").write_text(f"tableau: {tableau}\nstore: {{folder: store}}\n")


@pytest.fixture
def desk(tmp_path: Path):
    with running("acme") as sandbox:
        settings(tmp_path, sandbox.url)
        yield tmp_path, sandbox


def snapshots(folder: Path) -> list[Path]:
    return sorted((folder / "store" / "snapshots").glob("*/meta.json"))


def unfinished(folder: Path) -> list[Path]:
    return sorted((folder / "store" / "unfinished").glob("*"))


def test_what_a_read_says_and_leaves(desk: tuple[Path, Sandbox]) -> None:
    folder, sandbox = desk
    guessed = tabwarden(folder, "read", "--estimate")
    assert (guessed.returncode, guessed.stdout.startswith("reading takes between")) == (0, True), guessed.stderr
    sandbox.log.clear()
    ran = tabwarden(folder, "read", "--json", "--verify", "3")
    assert ran.returncode == 0, ran.stderr
    told = json.loads(ran.stdout)
    assert ran.stderr.startswith(f"reading takes {told['requests']:,} requests (")
    assert "not needed:" in ran.stderr
    assert (told["partial"], told["resumed"]) == (["connections of workbooks"], 0)
    assert (told["verified"]["differences"], len(told["verified"]["people"])) == ([], 3)
    assert snapshot.load(folder / told["snapshot"]).taken.by_role == "ServerAdministrator"
    assert unfinished(folder) == []
    assert not sandbox.log.writes()
    assert len(snapshots(folder)) == 1


def test_a_limited_read_warns_at_its_start(desk: tuple[Path, Sandbox]) -> None:
    folder, sandbox = desk
    name = next(u.name for u in sandbox.site("acme-lab").users.values() if u.site_role == "Explorer")
    settings(folder, sandbox.url, f"password: {{username: {name}, password: {name}}}")
    ran = tabwarden(folder, "read")
    assert ran.returncode == 0, ran.stderr
    first, *_ = ran.stderr.splitlines()
    assert first.startswith(f"warning: `{name}` (Explorer) is no administrator")
    assert f"not read: what `{name}` (Explorer) cannot see" in ran.stdout


def sees(site: Site, user: User, content: str) -> bool:
    return may(site, user.id, "Read", content).allowed


def test_projects_are_listed_and_not_published(desk: tuple[Path, Sandbox]) -> None:
    folder, sandbox = desk
    settings(folder, sandbox.url, site="acme")
    held = sandbox.site("acme")
    every = {held.path(c.id) for c in held.contents.values() if c.kind == "project"}
    ran = tabwarden(folder, "projects", "--json")
    assert ran.returncode == 0, ran.stderr
    told = json.loads(ran.stdout)
    assert {one["path"] for one in told["projects"]} == every
    assert set(told["sites"]) == {s.name for s in sandbox.state.sites}
    assert (folder / told["kept"] / "sites.json").is_file()
    assert snapshots(folder) == []
    closed = next(c.id for c in held.contents.values() if c.kind == "project" and c.name == "Drafts")
    somebody = next(u.name for u in held.users.values() if u.site_role == "Viewer" and not sees(held, u, closed))
    with pytest.raises(UnknownName, match="run `tabwarden read` first"):
        list_projects(load(folder, os.environ), somebody)
    read(folder)
    listed = list_projects(load(folder, os.environ), somebody)
    seen = {listed.site.path(c.id) for c in listed.shown}
    settings(folder, sandbox.url, f"password: {{username: {somebody}, password: {somebody}}}", "acme")
    own = list_projects(load(folder, os.environ))
    assert seen == {own.site.path(c.id) for c in own.shown}
    assert seen < every


# -- failing --------------------------------------------------------------------------------------------------


def read(folder: Path) -> Taken:
    """As the command does it, in this process."""
    return read_and_keep(load(folder, os.environ), Wishes(False), Listener(say=lambda _budget: None))


def kept_as_it_was(folder: Path, before: list[Path]) -> bool:
    return snapshots(folder) == before and all(snapshot.load(meta.parent) for meta in before)


def test_failures_are_told_and_the_last_good_snapshot_stays(desk: tuple[Path, Sandbox]) -> None:
    folder, sandbox = desk
    read(folder)
    before = snapshots(folder)
    cases = [
        ("pat: {name: tabwarden, secret: wrong}", sandbox.url, "acme-lab", "refused to sign in"),
        (PAT, "http://127.0.0.1:9", "acme-lab", "no answer from `http://127.0.0.1:9`"),
        (PAT, sandbox.url, "gone", "on site `gone`"),
    ]
    for auth, url, site, words in cases:
        settings(folder, url, auth, site)
        with pytest.raises(TabwardenError, match=re.escape(words)):
            read(folder)
        assert kept_as_it_was(folder, before)
    settings(folder, sandbox.url)
    sandbox.strike([Fault(fault="short-page", at="GET users")])
    ran = tabwarden(folder, "read")
    assert (ran.returncode, "did not come whole" in ran.stderr) == (1, True), ran.stderr
    assert "Traceback" not in ran.stderr
    assert kept_as_it_was(folder, before)


def test_a_full_disk_is_told(desk: tuple[Path, Sandbox]) -> None:
    folder, _sandbox = desk
    read(folder)
    before = snapshots(folder)

    def small_files() -> None:
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (4000, 4000))

    ran = tabwarden(folder, "read", preexec_fn=small_files)
    assert ran.returncode == 1
    assert "cannot be written" in ran.stderr
    assert "Traceback" not in ran.stderr
    assert kept_as_it_was(folder, before)
    read(folder)
    assert len(snapshots(folder)) == 2


def test_a_second_reader_is_refused_and_a_killed_one_is_gone_on_with(desk: tuple[Path, Sandbox]) -> None:
    folder, sandbox = desk
    sandbox.strike([Fault(fault="slow", at="*permissions*", after=20, seconds=20)])
    words = [sys.executable, "-m", "tabwarden", "read"]
    first = subprocess.Popen(words, cwd=folder, stderr=subprocess.PIPE, text=True)
    assert first.stderr is not None
    assert first.stderr.readline().startswith("reading takes")
    began = time.monotonic()
    while time.monotonic() - began < 30 and sum("permissions" in e.path for e in sandbox.log.entries) < 20:
        time.sleep(0.05)
    sign_ins = sandbox.log.counts()["POST auth/signin"]
    with pytest.raises(TabwardenError, match="is being read already"):
        read(folder)
    assert sandbox.log.counts()["POST auth/signin"] == sign_ins, "it would end the session of the first"
    os.kill(first.pid, signal.SIGKILL)
    first.communicate()
    assert len(unfinished(folder)) == 1
    assert snapshots(folder) == []
    sandbox.strike(None)
    ran = tabwarden(folder, "read", "--json")
    assert ran.returncode == 0, ran.stderr
    assert json.loads(ran.stdout)["resumed"] >= 15
    assert "in the checkpoint" in ran.stderr
    assert unfinished(folder) == []
