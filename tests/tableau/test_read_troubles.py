"""`tabwarden read` in trouble: faults by chance change nothing, every failure is told, the last good snapshot stays."""

from __future__ import annotations

import json
import os
import resource
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from people_world import passed_on
from reading_folder import PAT, Desk
from reading_world import timeless
from small_server import error, serving

from tabwarden.sandbox.faults.script import KINDS, Fault, Script
from tabwarden.sandbox.http.server import Sandbox, running
from tabwarden.tableau.http import lists

# Faults that no GET can meet.
NOT_OF_READS = {"no-seats", "search-lag", "directory-partial", "directory-timeout"}


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[tuple[Desk, Sandbox]]:
    with running("acme") as sandbox:
        yield Desk(tmp_path, sandbox.url), sandbox


def test_two_percent_of_every_fault_and_the_command_keeps_the_same(
    desk: tuple[Desk, Sandbox], monkeypatch: pytest.MonkeyPatch
) -> None:
    here, sandbox = desk
    monkeypatch.setattr(lists, "PAGE_SIZE", 5)
    monkeypatch.setattr("tabwarden.tableau.http.transport.LONGEST_BACKOFF", 0.01)
    names = sorted(set(KINDS) - NOT_OF_READS)
    assert here.run("read").code == 0
    (calm,) = map(timeless, here.snapshots())
    struck: set[str] = set()
    for seed in range(3):
        faults = tuple(Fault(fault=n, rate=0.02, **({"seconds": 0.01} if n == "slow" else {})) for n in names)
        sandbox.strike(Script(seed=seed, faults=faults))
        (here.folder / str(seed)).mkdir()
        there = Desk(here.folder / str(seed), sandbox.url)
        there.settings(retries=5)
        ran = there.run("read")
        assert ran.code == 0, ran.err
        assert [timeless(site) for site in there.snapshots()] == [calm]
        struck |= set(sandbox.log.faults())
        sandbox.strike(None)
        sandbox.log.clear()
    assert struck == set(names)


WRONG = {
    "wrong token": ({"auth": PAT.replace("demo", "wrong")}, "refused to sign in with the token `tabwarden`"),
    "nobody listens": ({"url": "http://127.0.0.1:9"}, "no answer from `http://127.0.0.1:9`"),
    "no such site": ({"site": "gone"}, "on site `gone`"),
}
STRUCK = {
    "server dies": (Fault(fault="reset", after=30), "no answer from"),
    "server is ill": (Fault(fault="internal", at="*permissions*", after=10), "the server has trouble of its own"),
    "token is taken": (Fault(fault="taken-token", at="GET *", after=20), "the same token"),
    "list stays short": (Fault(fault="short-page", at="GET users"), "the list `users` of"),
}


@pytest.mark.parametrize("name", [*WRONG, *STRUCK, "site vanishes"])
def test_a_failure_is_told_and_the_last_good_snapshot_stays(desk: tuple[Desk, Sandbox], name: str) -> None:
    here, sandbox = desk
    assert here.run("read").code == 0
    good = here.history()

    def fails(words: str) -> None:
        ran = here.run("read")
        assert (ran.code, words in ran.err) == (1, True), ran.err
        assert ran.err.count("tabwarden: ") == 1
        assert here.history() == good

    if name in WRONG:
        other, words = WRONG[name]
        here.settings(**other)
        fails(words)
    elif name in STRUCK:
        fault, words = STRUCK[name]
        sandbox.strike([fault])
        fails(words)
        sandbox.strike(None)
    else:

        def script(asked: object) -> object:
            return error("404000") if len(small.asked) > 40 else passed_on(sandbox, asked)

        with serving(script) as small:
            here.settings(url=small.url)
            fails("there is no such site")
    here.settings()
    assert here.run("read").code == 0
    assert [timeless(site) for site in here.snapshots()] == [timeless(good[1])] * len(here.snapshots())


@pytest.mark.parametrize("what", ["checkpoint", "history"])
def test_a_full_disk_is_told(desk: tuple[Desk, Sandbox], what: str) -> None:
    here, _sandbox = desk
    assert here.run("read").code == 0
    good = here.history()
    # No file may grow beyond this: the checkpoint ends early, or the database cannot take a site that is larger.
    room = 4000 if what == "checkpoint" else here.database.stat().st_size
    here.settings(site="acme")

    def small_files() -> None:
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (room, room))

    # Nor may it write what it compiles: a module cut off there would break every later run.
    env = {**os.environ, "PYTHONDONTWRITEBYTECODE": "1"}
    ran = here.process("read", preexec_fn=small_files, env=env)
    assert ran.code == 1, ran.out
    assert ("Traceback" in ran.err, "tabwarden: " in ran.err) == (False, True), ran.err
    assert ("cannot be written" in ran.err) or what == "history"
    assert here.history() == good
    assert here.run("read").code == 0
    assert [site.content_url for site in here.snapshots()] == ["acme-lab", "acme"]


def test_a_second_reader_is_refused_and_a_killed_one_is_gone_on_with(desk: tuple[Desk, Sandbox]) -> None:
    here, sandbox = desk
    sandbox.strike([Fault(fault="slow", at="*permissions*", after=20, seconds=20)])
    words = [sys.executable, "-m", "tabwarden", "read"]
    first = subprocess.Popen(words, cwd=here.folder, stderr=subprocess.PIPE, text=True)
    assert first.stderr is not None
    assert first.stderr.readline().startswith("reading takes")
    began = time.monotonic()
    while time.monotonic() - began < 30 and sum("permissions" in e.path for e in sandbox.log.entries) < 20:
        time.sleep(0.02)
    sign_ins = sandbox.log.counts()["POST auth/signin"]
    second = here.run("read")
    assert (second.code, "is being read already by another process" in second.err) == (1, True), second.err
    assert sandbox.log.counts()["POST auth/signin"] == sign_ins, "it would end the session of the first"
    first.kill()
    first.communicate()
    assert len(here.unfinished()) == 1
    assert here.history() == {}
    sandbox.strike(None)
    ran = here.run("read", "--json")
    assert ran.code == 0, ran.err
    assert json.loads(ran.out)["resumed"] >= 15
    assert here.unfinished() == []
