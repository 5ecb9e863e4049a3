"""Reads that end early go on where they were: the checkpoint, and the command killed in the middle."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap
import time
from contextlib import closing
from random import Random

import pytest
from reading_world import ACME, timeless

from tabwarden.model.errors import TabwardenError
from tabwarden.sandbox.faults.script import Fault
from tabwarden.sandbox.http.server import running
from tabwarden.tableau.http.connection import connect
from tabwarden.tableau.http.session import SignIn
from tabwarden.tableau.read.checkpoint import opened
from tabwarden.tableau.read.site import read_site

# -- killed and gone on with ----------------------------------------------------------------------------------

ABOUT = {"server": "s", "site": "x"}


def test_a_checkpoint_survives_a_cut_anywhere(tmp_path):
    draw = Random(7)
    kept = opened(tmp_path, ABOUT)
    told = {f"k{n}": (200 if n % 3 else 403, draw.randbytes(draw.randrange(200))) for n in range(30)}
    for key, (status, body) in told.items():
        kept.put(key, status, body)
    kept.put("k1", 200, b"again")
    told["k1"] = (200, b"again")
    assert all(kept.get(key) == answer for key, answer in told.items())
    kept.close()
    data = kept.path.read_bytes()
    for _ in range(40):
        cut = draw.randrange(len(data))
        kept.path.write_bytes(data[:cut])
        again = opened(tmp_path, ABOUT)
        found = {key: again.get(key) for key in told if key in again}
        assert all(answer == told[key] or key == "k1" for key, answer in found.items())
        assert list(found) == list(told)[: len(found)]
        again.put("new", 200, b"x")
        assert again.get("new") == (200, b"x")
        again.close()
        assert again.path.stat().st_mode & 0o077 == 0


def test_no_bit_of_a_checkpoint_changes_an_answer(tmp_path):
    """An answer is as it was put, its status too, or it is asked again; and no read is younger than it is."""
    answers = {f"users?pageNumber={number}": (200 + 4 * number, b"<a/>" * number) for number in range(3)}
    with closing(opened(tmp_path, {"server": "s"})) as kept:
        for key, (status, body) in answers.items():
            kept.put(key, status, body)
        path, begun = kept.path, kept.begun
    right = path.read_bytes()
    for place in range(len(right)):
        wrong = bytearray(right)
        wrong[place] ^= 1 << place % 8
        path.write_bytes(wrong)
        with closing(opened(tmp_path, {"server": "s"})) as again:
            assert all(again.get(key) in (None, answer) for key, answer in answers.items()), place
            assert begun <= again.begun if not again.resumed else begun == again.begun, place


def test_a_checkpoint_of_another_read_or_of_long_ago_is_not_gone_on_with(tmp_path, monkeypatch):
    def again(about, **more):
        found = opened(tmp_path, about, **more)
        found.put("k", 200, b"x")
        found.close()
        return found.resumed

    assert [again(ABOUT), again(ABOUT), again({**ABOUT, "version": "3.4"}), again(ABOUT)] == [0, 1, 0, 0]
    assert again(ABOUT, fresh=True) == 0
    now = time.time()
    monkeypatch.setattr("tabwarden.tableau.read.checkpoint.time.time", lambda: now + 13 * 3600)
    assert again(ABOUT) == 0


def test_two_reads_of_one_site_at_once_are_refused(tmp_path):
    first = opened(tmp_path, ABOUT)
    with pytest.raises(TabwardenError, match="is being read already"):
        opened(tmp_path, ABOUT)
    opened(tmp_path, {**ABOUT, "site": "y"}).close()
    first.close()
    opened(tmp_path, ABOUT).close()


READS = """
    import sys
    from pathlib import Path
    from tabwarden.tableau.read.checkpoint import opened
    from tabwarden.tableau.http.connection import connect
    from tabwarden.tableau.http.session import SignIn, Pat
    from tabwarden.tableau.read.site import read_site
    url, folder = sys.argv[1:]
    with connect(SignIn(url, "acme", Pat("tabwarden", "acme-demo-secret"))) as connection:
        kept = opened(Path(folder), {"site": "acme"})
        read_site(connection, checkpoint=kept, progress=lambda done, of: print(done, of, flush=True))
"""


def test_a_read_that_is_killed_goes_on_and_both_halves_cost_as_one(tmp_path):
    with running("acme") as sandbox:
        with connect(SignIn(sandbox.url, "acme", ACME)) as connection:
            whole = timeless(read_site(connection))
        at_once = len(sandbox.log.entries)
        sandbox.log.clear()
        sandbox.strike([Fault(fault="slow", at="*permissions*", seconds=0.02)])
        half = subprocess.Popen(
            [sys.executable, "-c", textwrap.dedent(READS), sandbox.url, str(tmp_path)],
            stdout=subprocess.PIPE,
            text=True,
        )
        for line in half.stdout:
            done, of = map(int, line.split())
            if done * 2 > of:
                break
        os.kill(half.pid, signal.SIGKILL)
        half.communicate()
        sandbox.strike(None)
        kept, told = opened(tmp_path, {"site": "acme"}), []
        with connect(SignIn(sandbox.url, "acme", ACME)) as connection:
            read = read_site(connection, checkpoint=kept, say=told.append)
        second = sum(connection.calls.values())
        both = len(sandbox.log.entries)
        kept.forget()
        kept.close()
    assert timeless(read) == whole
    assert kept.resumed > at_once // 3
    assert (told[0].total, told[0].remembered > at_once // 3) == (second, True)
    # The second half signs in again and asks once more what was on its way when the first was killed.
    assert both <= at_once + 60
    assert not list(tmp_path.iterdir())
    assert read.taken.when <= time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(kept.begun + 1))
