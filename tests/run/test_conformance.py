"""Beliefs that are tried: each switch of the sandbox flips its line alone, and nothing is left, killed or not."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest
from command_line import run as typed
from watchdog import patience

from tabwarden.model.errors import TabwardenError
from tabwarden.model.open_points import OPEN_POINTS, OpenPoints
from tabwarden.model.site import Site
from tabwarden.run.beliefs import BY_HAND, CHECKS, PLAY, SWITCH
from tabwarden.run.conformance import DIFFERS, NOT_TRIED, PREFIX, Position, cleaned, remains, tried
from tabwarden.run.open_snapshot import read_open_points
from tabwarden.sandbox.http.server import Sandbox, running
from tabwarden.sandbox.state.personality import Personality, personality, played
from tabwarden.sandbox.worlds.file import read_text
from tabwarden.sandbox.worlds.finding import world_of
from tabwarden.tableau.http.connection import Connection, connect
from tabwarden.tableau.http.session import Jwt, Password, Pat, SignIn

APP = ("11111111-2222-4333-8444-000000000001", "11111111-2222-4333-8444-000000000002")
SECRET = "a-secret-of-a-connected-app-of-32-bytes"
WORLD = f"""
world: lab
tokens: [{{name: tok, secret: sec, user: ada@corp.example}}, {{name: site, secret: sec, user: sam@corp.example}}]
apps: [{{name: door, client_id: {APP[0]}, secret_id: {APP[1]}, secret: {SECRET}}}]
sites:
  - name: Lab
    content_url: lab
    users:
      ada@corp.example: {{role: ServerAdministrator}}
      sam@corp.example: {{role: SiteAdministratorCreator}}
      tabwarden: {{role: Viewer}}
    groups: {{Staff: {{members: [sam@corp.example]}}}}
    projects:
      Lab: {{owner: ada@corp.example}}
      Lab/Throw: {{owner: ada@corp.example, rules: [{{group: All Users, template: Publish}}]}}
      Locked: {{owner: ada@corp.example, mode: LockedToProject}}
    content: {{Lab/W: {{kind: workbook, owner: sam@corp.example, views: [{{name: A}}]}}}}
  - {{name: Next door, content_url: next, users: {{ada@corp.example: {{role: ServerAdministrator}}}}}}
"""
OTHER = {"owner_removal_code": "409099", "ai_access_name": "AIAccess", "opposite_rule": "ignore"}
OTHER |= {"existing_user_add": "same-id", "foreign_site": "404"}
OTHER |= {name: f"{name[5:8]}077" for name in ("code_400100", "code_404040", "code_409012")}
TRIED = list(enumerate((check for check in CHECKS if check.kind in (SWITCH, PLAY)), 1))


@contextmanager
def lab(plays: Personality | None = None) -> Iterator[Sandbox]:
    with running(world_of(read_text(WORLD, "lab")), plays=plays) as sandbox:
        yield sandbox


@contextmanager
def signed_in(sandbox: Sandbox, **auth: str) -> Iterator[Connection]:
    with connect(SignIn(sandbox.url, "lab", Pat(**({"name": "tok", "secret": "sec"} | auth)), first_wait=0.01)) as one:
        yield one


def as_it_was(sandbox: Sandbox) -> Site:
    """The site without who signed in when."""
    site = sandbox.site("lab")
    return replace(site, users={i: replace(user, last_login=None) for i, user in site.users.items()})


def answers(plays: Personality | None = None) -> dict[str, Position | None]:
    """What a whole run says, on a site that is afterwards as it was before, and of which nothing else was written."""
    with lab(plays) as sandbox, signed_in(sandbox) as connection:
        before = as_it_was(sandbox)
        conformance = tried(connection, "Lab/Throw", top_level=True)
        assert as_it_was(sandbox) == before
        here = {*before.contents, *before.users, *before.groups}
        assert not [
            entry.path
            for entry in sandbox.log.writes()
            if here & set(entry.path.partition("permissions")[0].split("/"))
        ]
        return {line.check: line.answered for line in conformance.trials}


@pytest.fixture(scope="module")
def usual() -> dict[str, Position | None]:
    return answers()


def test_every_switch_of_the_model_has_a_line(usual: dict[str, Position | None]) -> None:
    assert {check.name for check in CHECKS if check.kind == SWITCH} | set(BY_HAND) == set(OPEN_POINTS)
    assert {check.name for check in CHECKS} | set(BY_HAND) == set(usual)
    believed = {check.name: check.documented for check in CHECKS if check.name != "ai_access_name"}
    assert {name: usual[name] for name in believed} == believed


@pytest.mark.parametrize("bit", range(len(TRIED).bit_length()))
def test_a_switch_flips_its_line_and_no_other(bit: int, usual: dict[str, Position | None]) -> None:
    """Each switch flips in runs of its own pattern; a line that followed another's would show the other's pattern."""
    flipped = {check.name: OTHER.get(check.name, not check.documented) for n, check in TRIED if n >> bit & 1}
    points = {name: value for name, value in flipped.items() if name in OPEN_POINTS}
    plays = [f"{name}={value}" for name, value in flipped.items() if name not in OPEN_POINTS]
    now = answers(replace(played(personality(), plays), open_points=OpenPoints(**points)))
    assert {name: value for name, value in now.items() if value != usual[name]} == flipped


def test_only_the_checks_that_are_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The command, its file, and whoever takes the file."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "secret").write_text("sec")
    with lab(replace(personality(), open_points=OpenPoints(moved_item_keeps_rules=False))) as sandbox:
        of_it = ["--server", sandbox.url, "--site", "lab", "--token", "tok", "--secret", "file:secret"]
        words = ["conformance", *of_it, "--project", "Lab/Throw"]
        ended = typed(*words, "--check", "moved_item_keeps_rules", "--check", "opposite_rule")
        assert (ended.exit_code, "1 hold, 1 do not, 0 could not be tried" in ended.stdout) == (2, True), ended.stderr
        typo = typed(*words, "--check", "moved")
        assert (typo.exit_code, "no check is called `moved`" in typo.stderr) == (1, True)
    text = (tmp_path / "conformance.json").read_text()
    assert not [word for word in ("corp.example", "ada", "Lab", "127.0.0.1", "Throw", PREFIX) if word in text]
    document = json.loads(text)
    assert (document["open_points"], document["play"]) == (
        {"moved_item_keeps_rules": False},
        {"opposite_rule": "refuse"},
    )
    assert read_open_points(["conformance.json"]) == OpenPoints(moved_item_keeps_rules=False)


@pytest.mark.parametrize(("signal_", "writes"), [("SIGKILL", 1), ("SIGKILL", 33), ("SIGTERM", 77), ("SIGINT", 120)])
def test_what_a_killed_run_leaves_is_taken_away(signal_: str, writes: int, tmp_path: Path) -> None:
    with lab() as sandbox, signed_in(sandbox, name="site") as connection:
        before = as_it_was(sandbox)
        (tmp_path / "secret").write_text("sec")
        of_it = ["--server", sandbox.url, "--site", "lab", "--token", "tok", "--secret", "file:secret"]
        words = [sys.executable, "-m", "tabwarden", "conformance", *of_it, "--project", "Lab/Throw", "--top-level"]
        with subprocess.Popen(words, cwd=tmp_path, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
            limit = time.monotonic() + patience(60)
            while len(sandbox.log.writes()) < writes and process.poll() is None and time.monotonic() < limit:
                time.sleep(0.001)
            process.send_signal(getattr(signal, signal_))
        assert process.returncode not in (0, 2)
        if signal_ == "SIGKILL":
            with pytest.raises(TabwardenError, match="take them away with `--clean`"):
                tried(connection, "Lab/Throw")
        ended = subprocess.run([*words, "--clean"], cwd=tmp_path, check=False, capture_output=True, text=True)
        assert ended.returncode == 0, ended.stderr
        assert as_it_was(sandbox) == before


def test_a_locked_project_is_no_place_for_it() -> None:
    with lab() as sandbox, signed_in(sandbox) as connection, pytest.raises(TabwardenError, match="unlock it"):
        tried(connection, "Locked")


def test_what_cannot_be_tried_says_why() -> None:
    """Tableau Cloud lets nobody in by password, and has no server administrators; a connected app is let in."""
    with lab(personality("cloud")) as sandbox:
        with signed_in(sandbox, name="site") as connection:
            lines = {line.check: line for line in tried(connection, "Lab/Throw").trials}
        assert lines["group_set_deny_is_final"].verdict == NOT_TRIED
        assert "use a connected app" in lines["group_set_deny_is_final"].why
        assert "--top-level" in lines["owner_deletes_top_level"].why
        assert lines["moved_item_keeps_rules"].answered is True
        with connect(SignIn(sandbox.url, "lab", Jwt("sam@corp.example", *APP, SECRET, ("tableau:*",)))) as connection:
            lines = {line.check: line for line in tried(connection, "Lab/Throw").trials}
        assert {line.verdict for line in lines.values() if line.why == ""} == {"holds", DIFFERS}
        assert lines["group_set_deny_is_final"].answered is False
        assert lines["existing_user_add"].answered == "same-id"


def test_an_old_server_is_asked_what_it_knows() -> None:
    with lab(personality("server", "3.4")) as sandbox:
        sign_in = SignIn(sandbox.url, "lab", Password("ada@corp.example", "ada@corp.example"))
        with connect(sign_in) as connection:
            lines = {line.check: line for line in tried(connection, "Lab/Throw").trials}
    assert "needs version 3.22" in lines["group_set_deny_is_final"].why
    assert lines["moved_item_keeps_rules"].answered is True


def test_what_another_prefix_made_is_left_alone() -> None:
    with lab() as sandbox, signed_in(sandbox) as connection:
        before = as_it_was(sandbox)
        assert cleaned(connection, "Lab/Throw", "tabwarden-") == {}
        assert as_it_was(sandbox) == before
        assert not any(remains(connection, sandbox.site("lab").find_content("Lab/Throw"), "tabwarden-").values())
