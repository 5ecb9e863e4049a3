"""What is left of a run that nobody watches and that could not begin, and of one that somebody ends."""

from __future__ import annotations

import json
import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest
from inbox import Inbox, open_inbox
from provisioning import GROUP, bench, staff

from support import command_line
from tabwarden.sandbox.http.server import LoggedRequest, RequestLog


@pytest.fixture
def inbox() -> Iterator[Inbox]:
    with open_inbox() as inbox_:
        yield inbox_


def settings(folder: Path, inbox: Inbox, **more: object) -> Path:
    whole = {
        "tableau": {"server": "http://127.0.0.1:9", "auth": {"pat": {"name": "tok", "secret": "env:NOBODY_SET_IT"}}},
        "sources": {"joiners": {"type": "file", "path": "joiners.csv"}},
        "provision": {"group": {"name": GROUP}},
        "mail": inbox.settings,
        "logs": {"folder": "kept"},
        **more,
    }
    path = folder / "settings.yaml"
    path.write_text(json.dumps(whole), encoding="utf-8")
    return path


def run(path: Path) -> command_line.Ended:
    return command_line.run("run", "provision", "--settings", path)


def logged(folder: Path) -> str:
    (path,) = folder.glob("*.log")
    return path.read_text(encoding="utf-8")


def test_a_missing_secret_is_in_the_log_in_a_mail_and_on_stderr(tmp_path: Path, inbox: Inbox) -> None:
    ended = run(settings(tmp_path, inbox))
    assert ended.exit_code == 1
    assert "`NOBODY_SET_IT` is not set" in ended.stderr
    assert "ERROR | " in logged(tmp_path / "kept")
    assert "`NOBODY_SET_IT` is not set" in logged(tmp_path / "kept")
    (message,) = inbox
    body, log = [part.get_content() for part in message.walk() if not part.is_multipart()]
    assert "the settings cannot be used, and nothing was done; exit code 1" in body
    assert "`NOBODY_SET_IT` is not set" in log


def test_whatever_else_is_broken_the_mail_goes_out_and_what_is_broken_itself_falls_back(
    tmp_path: Path, inbox: Inbox
) -> None:
    run(settings(tmp_path, inbox, logs={"folder": "kept", "level": "LOUD"}, stpos={}))
    assert "there is no setting `stpos`" in logged(tmp_path / "logs")
    assert len(inbox) == 1


@pytest.mark.parametrize(("text", "told"), [("tableau: [\n", "settings.yaml:"), ("- a list\n", "settings.yaml")])
def test_what_is_no_settings_at_all_leaves_a_log(tmp_path: Path, text: str, told: str) -> None:
    path = tmp_path / "settings.yaml"
    path.write_text(text, encoding="utf-8")
    ended = run(path)
    assert (ended.exit_code, told in logged(tmp_path / "logs"), told in ended.stderr) == (1, True, True)


def test_without_a_file_or_a_place_for_the_log_stderr_is_left(tmp_path: Path, inbox: Inbox) -> None:
    ended = run(tmp_path / "none.yaml")
    assert (ended.exit_code, "does not exist" in ended.stderr, list(tmp_path.iterdir())) == (1, True, [])
    (tmp_path / "file").write_text("")
    ended = run(settings(tmp_path, inbox, logs={"folder": "file/logs"}))
    assert "no log was written: log folder" in ended.stderr
    assert "`NOBODY_SET_IT` is not set" in ended.stderr


def test_a_mail_section_that_is_broken_itself_is_told_in_the_log(tmp_path: Path) -> None:
    run(settings(tmp_path, Inbox(), mail={"enabled": True, "password": "env:NOR_THIS"}))
    assert "no mail was sent: the section `mail` cannot be used either" in logged(tmp_path / "kept")


def test_errors_go_to_stderr_and_all_else_to_stdout(tmp_path: Path) -> None:
    with bench(tmp_path) as desk:
        desk.joiners("new@a.example")
        good = command_line.run("run", "provision", "--settings", desk.settings_path, env=desk.environment)
        desk.leavers("ada")
        bad = command_line.run("run", "provision", "--settings", desk.settings_path, env=desk.environment)
    assert (good.exit_code, good.stderr, "INFO | added user `new@a.example`" in good.stdout) == (0, "", True)
    assert (bad.exit_code, bad.stderr.count("ERROR | "), "ERROR" in bad.stdout) == (3, 1, False)


@pytest.fixture
def ctrl_c() -> Iterator[None]:
    """Ctrl-C as a terminal has it; what is started in the background of a shell ignores it."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.mark.usefixtures("ctrl_c")
@pytest.mark.parametrize("command", ["run", "apply"])
def test_ctrl_c_says_where_it_goes_on_and_it_does(
    command: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    names = staff(6)
    with bench(tmp_path) as desk:
        desk.provision = {"bulk": "never"}
        desk.joiners(*names)
        path, env = desk.settings_path, desk.environment
        plan = tmp_path / "plan.json"
        assert command_line.run("plan", "provision", "--settings", path, "--out", plan, env=env).exit_code == 2
        words = ("apply", plan) if command == "apply" else ("run", "provision")
        add = RequestLog.add

        def pressed(self: RequestLog, entry: LoggedRequest) -> None:
            """When the third write has been done and not been answered, somebody presses Ctrl-C."""
            before = len(self.writes())
            add(self, entry)
            if (before, len(self.writes())) == (2, 3):
                os.kill(os.getpid(), signal.SIGINT)

        monkeypatch.setattr(RequestLog, "add", pressed)
        ended = command_line.run(*words, "--settings", path, env=env)
        assert ended.exit_code == 130
        assert "tabwarden: interrupted; " in ended.stderr
        assert "changes were gone through; what was done is in the journal" in ended.stderr
        again = command_line.run(*words, "--settings", path, env=env)
        assert (again.exit_code, "resumed" in again.stdout) == (0, command == "apply")
        assert {name for name in names if desk.role(name) is not None} == set(names)
