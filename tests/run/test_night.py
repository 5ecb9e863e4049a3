"""A read of many sites: told what it takes before it begins, gone on with where it was killed, sparing the servers."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from command_line import run
from watchdog import patience

from tabwarden.places import Meant, about
from tabwarden.run.context import connected
from tabwarden.run.history import sites_kept
from tabwarden.run.night import Night
from tabwarden.run.sites import OneSite
from tabwarden.sandbox.http.server import Sandbox, running
from tabwarden.settings import load


@pytest.fixture(scope="module")
def acme() -> Iterator[Sandbox]:
    with running("acme") as sandbox:
        yield sandbox


def settled(folder: Path, acme: Sandbox, sites: str = "[acme-lab, acme-europe]", more: str = "") -> Path:
    (folder / "settings.yaml").write_text(
        f"tableau:\n  server: {acme.url}\n  auth: {{pat: {{name: tabwarden, secret: acme-demo-secret}}}}\n{more}"
        f"sites: {sites}\nstore: {{folder: store}}\n",
        encoding="utf-8",
    )
    return folder / "settings.yaml"


def test_a_night_that_was_killed_goes_on_where_it_was(
    acme: Sandbox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settled(tmp_path, acme)
    night = subprocess.Popen(
        [sys.executable, "-m", "tabwarden", "read", "--site", "all"],
        cwd=tmp_path,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    until = time.monotonic() + patience(60)
    while not list((tmp_path / "store" / "unfinished").glob("*.night")):  # the first site is read
        assert time.monotonic() < until
        assert night.poll() is None, "the night ended before it was killed"
        time.sleep(0.02)
    night.send_signal(signal.SIGKILL)
    night.wait(patience(10))
    monkeypatch.chdir(tmp_path)
    before = {one.content_url: one.number for one in sites_kept("store")}
    assert "acme-europe" not in before
    ended = run("read", "--site", "all")
    while "is being read already" in ended.output:  # a process of the night has not ended yet
        assert time.monotonic() < until
        ended = run("read", "--site", "all")
    assert ended.exit_code == 0, ended.output
    assert "acme-lab: read by the run that was cut short, and not again" in ended.stdout
    after = {one.content_url: one.number for one in sites_kept("store")}
    assert after["acme-lab"] == before["acme-lab"]
    assert set(after) == {"acme-europe", "acme-lab"}
    again = run("read", "--site", "acme-l*")
    assert again.exit_code == 0
    assert sites_kept("store")[-1].number > max(after.values())  # it is another night, and reads anew


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no signal for a group of processes")
def test_a_night_that_is_interrupted_says_how_far_it_is(acme: Sandbox, tmp_path: Path) -> None:
    settled(tmp_path, acme, "[acme-lab, acme]")
    night = subprocess.Popen(
        [sys.executable, "-m", "tabwarden", "read", "--site", "all"],
        cwd=tmp_path,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    until = time.monotonic() + patience(60)
    while not list((tmp_path / "store" / "unfinished").glob("*.night")):
        assert time.monotonic() < until
        time.sleep(0.02)
    os.killpg(night.pid, signal.SIGINT)  # as Ctrl-C does
    _, said = night.communicate(timeout=patience(60))
    assert night.returncode == 130
    assert "interrupted; 1 of 2 sites are done; the same command goes on with the others" in said
    assert "Traceback" not in said


def test_what_the_night_takes_is_told_before_it_begins(
    acme: Sandbox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settled(tmp_path, acme, "[acme-lab, acme-europe, gone]", "  calls_per_hour: 100\n")
    monkeypatch.chdir(tmp_path)
    told = run("read", "--site", "all", "--estimate", "--json")
    assert told.exit_code == 1
    lab, europe, gone = json.loads(told.stdout)["sites"]
    assert 0 < lab["least"] < europe["least"] < europe["most"]
    assert "401001" in gone["problem"]
    (line,) = json.loads(told.stdout)["servers"]
    least = lab["least"] + europe["least"]
    assert f"2 sites, between {least:,} and {lab['most'] + europe['most']:,} requests" in line
    assert f"at least {least / 100:.1f} hours, since it takes 100 an hour" in line
    ended = run("read", "--site", "all", "--at-most", "5")
    assert ended.exit_code == 1
    assert f"takes at least {least:,} requests, more than the 5 of `--at-most`" in ended.stderr
    assert not (tmp_path / "store" / "history.db").exists()


def test_sites_of_a_server_share_what_it_takes_in_an_hour(acme: Sandbox, tmp_path: Path) -> None:
    path = settled(tmp_path, acme, more="  calls_per_hour: 900\n")

    def sent(at_once: int) -> tuple[int, int]:
        with about(Meant("acme-lab", at_once=at_once)), connected(load(path, {})) as connection:
            allowance = connection.transport.gate.allowance
            assert allowance is not None
            connection.call("GET", "users")
            return allowance.hourly, len(allowance.moments)

    first = sent(1)
    second = sent(1)
    assert first[0] == second[0] == 900
    assert second[1] > first[1] > 0
    third = sent(3)
    assert third[0] == 300
    assert first[1] < third[1] < second[1] + first[1]  # a third of what was sent before, and its own
    (ledger,) = (tmp_path / "store" / "sent").iterdir()
    with ledger.open("a") as file:
        file.write("[17")  # torn by a power cut
    assert sent(1) == first
    an_hour_ago = time.time() - 3601
    os.utime(ledger, (an_hour_ago, an_hour_ago))
    assert sent(1) == first
    assert sent(1) == second


def test_a_night_is_of_its_words_and_of_today(tmp_path: Path) -> None:
    site = OneSite("https://a.example.com", "x")
    night = Night(tmp_path, {"sites": ["x"]})
    night.add(site, "X: 3 users")
    assert Night(tmp_path, {"sites": ["x"]}).read == {site.address: "X: 3 users"}
    assert not Night(tmp_path, {"sites": ["x", "y"]}).read
    assert not Night(tmp_path, {"sites": ["x"]}, fresh=True).read
    text = night.path.read_text()
    night.path.write_text(text + '{"site": "cut o')
    assert Night(tmp_path, {"sites": ["x"]}).read == {site.address: "X: 3 users"}
    night.path.write_text(text.replace(text.splitlines()[0], json.dumps({"begun": time.time() - 2 * 86_400})))
    assert not Night(tmp_path, {"sites": ["x"]}).read
    night.end()
    assert not os.listdir(night.path.parent)
