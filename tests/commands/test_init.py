"""`init`: what it writes is valid in every part, its sign-in is tried, and no secret is shown, at a terminal too."""

from __future__ import annotations

import os
import pty
import re
import select
import stat
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from provisioning import SECRET, URL, Bench, bench
from watchdog import patience

from support import command_line
from tabwarden.run.first_settings import REST, Answers, address_and_site, written
from tabwarden.settings import load


@pytest.fixture
def desk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Bench]:
    monkeypatch.chdir(tmp_path)
    with bench(tmp_path) as bench_:
        yield bench_


def init(desk: Bench, *words: str) -> command_line.Ended:
    given = ("--server", f"{desk.sandbox.url}/#/site/{URL}/home", "--token", "tok", "--secret", "env:PAT")
    return command_line.run("init", *given, *words, env=desk.environment)


def test_by_options_from_an_address_of_a_browser_to_a_read(desk: Bench) -> None:
    ended = init(desk)
    assert (ended.exit_code, ended.stderr) == (0, "")
    assert "signed in as `ada` (ServerAdministrator) on site `people`" in ended.stdout
    assert "next: tabwarden read\n" in ended.stdout
    assert SECRET not in Path("settings.yaml").read_text(encoding="utf-8")
    assert command_line.run("read", env=desk.environment).exit_code == 0
    again = init(desk)
    assert (again.exit_code, "is there already" in again.stderr) == (1, True)
    assert init(desk, "--overwrite", "--site", "nowhere").exit_code == 1
    assert 'site: "nowhere"' in Path("settings.yaml").read_text(encoding="utf-8"), "it is there to be mended"
    assert "next: tabwarden doctor --settings own" in init(desk, "--to", "own/settings.yaml", "--no-test").stdout


def test_what_is_missing_is_told_at_once_and_a_secret_on_the_command_line_refused(desk: Bench) -> None:
    ended = command_line.run("init")
    assert "needs `--server`, `--token` or `--user`, `--secret`; at a terminal it asks" in ended.stderr
    assert "no place for a secret" in init(desk, "--secret", SECRET).stderr
    assert "give `--token` or `--user`" in init(desk, "--user", "ada").stderr
    assert not Path("settings.yaml").exists()


@pytest.mark.parametrize(
    ("words", "server", "site"),
    [
        ("https://eu.example.com/#/site/acme/home", "https://eu.example.com", "acme"),
        ("https://eu.example.com/#/home", "https://eu.example.com", ""),
        ("tableau.example.com", "https://tableau.example.com", None),
        ("http://127.0.0.1:8080/", "http://127.0.0.1:8080", None),
    ],
)
def test_the_address_that_a_browser_shows(words: str, server: str, site: str | None) -> None:
    assert address_and_site(words) == (server, site)


def test_every_example_in_the_file_is_valid_when_its_signs_are_taken_away(tmp_path: Path) -> None:
    path, secret = written(Answers("https://t.example", "a: b #c", 'to"k', secret="s3"), tmp_path / "settings.yaml")
    assert stat.S_IMODE(secret.stat().st_mode) == stat.S_IMODE(path.stat().st_mode) == 0o600
    settings = load(path)
    assert (settings.tableau.site, settings.tableau.auth.pat and settings.tableau.auth.pat.name) == ("a: b #c", 'to"k')
    text = path.read_text(encoding="utf-8")
    live = re.sub(r"^# (?=[a-z]+:( [{]|$)|  )", "", text, flags=re.MULTILINE)
    path.write_text(live, encoding="utf-8")
    settings = load(path)
    assert settings.mail.enabled
    assert settings.sources.joiners is not None
    assert settings.tableau.auth.pat is not None
    assert settings.tableau.auth.pat.expires is not None
    assert {line.split(":")[0][2:] for line in REST.splitlines() if re.match(r"# [a-z]+:", line)} <= set(
        type(settings).model_fields
    )


def test_at_a_terminal_it_asks_and_shows_no_secret(desk: Bench) -> None:
    """A real terminal, which echoes whatever is typed unless it is told not to."""
    terminal, inner = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, "-m", "tabwarden", "init"], stdin=inner, stdout=inner, stderr=inner, start_new_session=True
    )
    os.close(inner)
    answers = {"Address of": desk.sandbox.url, "Content URL": URL, "Name of": "tok", "not shown": SECRET}
    printed, end = "", time.monotonic() + patience(30)
    try:
        while process.poll() is None and time.monotonic() < end:
            if not select.select([terminal], [], [], 0.2)[0]:
                continue
            printed += os.read(terminal, 4096).decode()
            asked = next(
                (words for words in answers if words in printed.rpartition("\n")[2] or f"{words}" in printed), ""
            )
            if asked:
                os.write(terminal, f"{answers.pop(asked)}\n".encode())
    except OSError:  # the terminal is gone with the process
        pass
    finally:
        process.kill()
        process.wait()
        os.close(terminal)
    assert "signed in as `ada`" in printed
    assert SECRET not in printed
    assert Path("secret.txt").read_text(encoding="utf-8") == f"{SECRET}\n"
