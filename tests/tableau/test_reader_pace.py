"""How many requests at once and an hour: the numbers learnt while reading."""

from __future__ import annotations

import time
from itertools import pairwise
from statistics import median

from reading_world import w0

from tabwarden.sandbox.faults.script import Fault
from tabwarden.sandbox.http.server import running
from tabwarden.tableau.http.pace import HOUR, Allowance, Pace, hourly_of
from tabwarden.tableau.read.site import read_site

# -- pace -----------------------------------------------------------------------------------------------------


def played(pace, rate, answers=4000):
    """The limits after each of so many answers of a server that gives `rate(limit)` a second."""
    now, limits = 0.0, []
    for _ in range(answers):
        now += 1.0 / rate(pace.limit)
        pace.answered(now, full=True)
        limits.append(pace.limit)
    return limits


def test_concurrency_rises_only_while_it_helps():
    assert played(Pace(), lambda limit: limit / 0.05)[-1] == 50
    assert median(played(Pace(), lambda limit: min(limit, 8) / 0.05)) == 8
    assert median(played(Pace(), lambda limit: min(limit, 20) / 0.05)) in (16, 32)
    assert played(Pace(1, 1), lambda limit: limit / 0.05)[-1] == 1


def test_the_rise_is_over_after_a_few_hundred_answers_and_noise_does_not_end_it():
    assert played(Pace(), lambda limit: limit / 0.05, 200)[-1] == 50
    noisy = Pace()
    played(noisy, lambda _limit: 160.0, 8 + 16 + 16 + 32)  # something else held the machine while 16 were tried
    assert noisy.limit == 8
    assert played(noisy, lambda limit: limit / 0.05, 400)[-1] == 50


def test_a_step_that_never_helps_is_tried_ever_more_seldom():
    limits = played(Pace(), lambda limit: min(limit, 8) / 0.05)
    tried = [number for number, (before, after) in enumerate(pairwise(limits)) if after > before]
    waits = [after - before for before, after in pairwise(tried)]
    assert waits == sorted(waits)
    assert waits[-1] > 3 * waits[0]


def test_concurrency_falls_where_the_server_is_busy_and_rises_again():
    pace = Pace()
    assert played(pace, lambda limit: limit / 0.05)[-1] == 50
    for number in range(40):
        pace.answered(1000.0 + number, full=True)
        if number % 5 == 0:
            pace.busy()
    assert pace.limit < 50
    now_and_then = Pace()
    played(now_and_then, lambda limit: limit / 0.05)
    for number in range(200):
        now_and_then.answered(1000.0 + number, full=False)
        if number % 50 == 0:
            now_and_then.busy()
    assert now_and_then.limit == 50


def test_the_cap_of_an_hour():
    now = [1_000_000.0]
    allowance = Allowance(3, lambda: now[0])
    for _ in range(3):
        assert allowance.wait() == 0
        allowance.spent()
        now[0] += 10
    assert allowance.wait() == HOUR - 30
    now[0] += HOUR - 30
    assert allowance.wait() == 0
    assert hourly_of("https://10ax.online.tableau.com", None) == 40_000
    assert hourly_of("https://online.tableau.com.example.com", None) is None
    assert hourly_of("https://tableau.example.com", 500) == 500


def test_the_readers_own_cap_is_kept(monkeypatch):
    slept = []
    moment = [time.time()]

    async def sleeping(seconds):
        slept.append(seconds)
        moment[0] += seconds

    monkeypatch.setattr("tabwarden.tableau.http.transport.time.time", lambda: moment[0])
    monkeypatch.setattr("tabwarden.tableau.http.pace.asyncio.sleep", sleeping)
    with running("w0") as sandbox, w0(sandbox, calls_per_hour=20) as connection:
        read_site(connection)
        sent = len(sandbox.log.entries)
    assert sent > 40
    assert sum(slept) >= HOUR
    assert sum(connection.calls.values()) < sent + 5


def test_everybody_pauses_when_the_server_says_when():
    with running("w0") as sandbox, w0(sandbox) as connection:
        sandbox.strike([Fault(fault="too-many", at="GET projects/*", calls=1, retry_after=1)])
        read_site(connection)
        entries = sandbox.log.entries
    at = next(n for n, e in enumerate(entries) if e.faults)
    later = [e.at - entries[at].at for e in entries[at + 1 :]]
    # What was on its way already arrives; nothing sets out during the pause.
    assert not [seconds for seconds in later if 0.3 < seconds < 0.95]
    assert max(later) >= 1.0
