"""Our own reader and writer against a Tableau that misbehaves: what they wait for, notice and never do twice."""

from __future__ import annotations

import time
from dataclasses import replace

import pytest
from people_world import GROUP, SITE_URL, options, people_world, user_id
from test_tableau_write import adds, group, joins, person, removes, role

from tabwarden.effects.ops.groups import CreateGroup
from tabwarden.effects.ref import Ref
from tabwarden.model.errors import IncompleteRead, TableauError
from tabwarden.sandbox.faults.script import Fault
from tabwarden.sandbox.http.server import running
from tabwarden.sandbox.state.personality import personality
from tabwarden.tableau.http import lists
from tabwarden.tableau.http.connection import connect
from tabwarden.tableau.http.pace import Pace
from tabwarden.tableau.http.session import Pat, SignIn
from tabwarden.tableau.read.site import read_site
from tabwarden.tableau.write.writer import Writer

NOBODY_WAITS = {"first_wait": 0.01}


def fault(name, **more):
    return Fault(fault=name, **more)


def opened(sandbox, **more):
    return connect(SignIn(sandbox.url, "sandbox", Pat("tok", "sec"), **(NOBODY_WAITS | more)))


def whole_read(sandbox, **more):
    """Everything of w0, without the moment at which it was read."""
    with opened(sandbox, **more) as connection:
        return replace(read_site(connection), taken=None)


@pytest.fixture(scope="module")
def calm():
    """w0 read from a Tableau that behaves."""
    with running("w0") as sandbox:
        return whole_read(sandbox)


@pytest.fixture
def small_pages(monkeypatch):
    """Lists of three to a page, so that a small world has several."""
    monkeypatch.setattr(lists, "PAGE_SIZE", 3)


def forget_sign_in(site):
    """A site without who signed in when, which two reads cannot agree on."""
    return replace(site, users={i: replace(u, last_login=None) for i, u in site.users.items()})


# -- a busy server --------------------------------------------------------------------------------------------


def test_too_many_requests_with_and_without_a_time_to_wait(calm):
    script = [fault("too-many", every=10, retry_after=1), fault("too-many", every=7)]
    with running("w0", faults=script) as sandbox:
        began = time.monotonic()
        read = whole_read(sandbox)
        took = time.monotonic() - began
        entries = list(sandbox.log.entries)
    assert forget_sign_in(read) == forget_sign_in(calm)
    assert len([e for e in entries if e.faults]) > 8
    assert took >= 1.0
    for number, entry in enumerate(entries):
        if entry.faults == "too-many" and number % 10 == 9:
            again = next((e for e in entries[number + 1 :] if e.path == entry.path and e.method == entry.method), None)
            assert again is None or again.at - entry.at >= 1.0, entry.path


def test_creations_met_by_too_many_requests_are_made_once():
    script = [fault("too-many", at="* users", every=3, retry_after=0)]
    with running(people_world(), faults=script) as sandbox, connect(options(sandbox)) as connection:
        results = Writer(connection, bulk=False).do([adds(f"new-{n}@example.com") for n in range(12)])
        assert [r.status for r in results] == ["done"] * 12
        made = [e for e in sandbox.log.writes() if e.endpoint == "POST sites/{site}/users"]
        assert len(made) == 12
        assert len([e for e in sandbox.log.entries if e.status == 429]) >= 4


@pytest.mark.parametrize(
    "script",
    [
        [fault("unavailable", every=4)],
        [fault("unavailable", rate=0.2, retry_after=0)],
        [fault("html", every=4)],
        [fault("internal", every=5)],
        [fault("reset", every=4)],
        [fault("reset", every=5, done=True)],
        [fault("truncated", at="GET *", every=4)],
        [fault("slow", at="GET projects/*", seconds=0.05, jitter=0.05)],
        [fault("expired-token", calls=(9, 25))],
        [fault("taken-token", calls=(12,))],
        [fault(name, rate=0.05) for name in ("too-many", "reset", "html", "truncated")],
    ],
    ids=lambda script: "+".join(one.fault for one in script),
)
def test_a_read_is_the_same_whatever_the_line_does(calm, script):
    with running("w0", faults=script) as sandbox:
        assert forget_sign_in(whole_read(sandbox)) == forget_sign_in(calm)
        assert sandbox.log.faults()


def test_patience_has_an_end():
    with running("w0") as sandbox, opened(sandbox, retries=2) as connection:
        sandbox.strike([fault("unavailable", at="GET users")])
        with pytest.raises(TableauError, match="trouble of its own"):
            connection.pages("users", "user")
        assert sandbox.log.faults() == {"unavailable": 3}


def test_an_answer_that_never_comes_is_given_up():
    with running("w0") as sandbox, opened(sandbox, timeout=0.1, retries=1) as connection:
        sandbox.strike([fault("slow", at="GET users", seconds=0.5)])
        with pytest.raises(TableauError, match=r"longer than 0\.1 seconds"):
            connection.pages("users", "user")


def test_the_hourly_cap_is_told_when_it_lasts_too_long():
    plays = replace(personality(), calls_per_hour=5)
    now = [1_760_000_000.0]
    with running("w0", plays=plays, clock=lambda: now[0]) as sandbox, opened(sandbox, retries=0) as connection:
        for _ in range(5):
            connection.call("GET", "projects")
        with pytest.raises(TableauError) as refused:
            connection.call("GET", "projects")
        assert (refused.value.status, refused.value.code) == (429, "429000")
        now[0] += 3600
        assert connection.call("GET", "projects") is not None


# -- lists that change under us -------------------------------------------------------------------------------


@pytest.mark.parametrize(("name", "again"), [("short-page", 1), ("duplicates", 2)])
def test_a_list_that_changes_is_noticed_and_the_pages_that_do_not_fit_are_read_again(small_pages, name, again):
    with running("w0") as sandbox, opened(sandbox) as connection:
        whole = {one.get("id") for one in connection.pages("users", "user")}
        sandbox.strike([fault(name, at="GET users", page=2, times=1)])
        sandbox.log.clear()
        found = connection.pages("users", "user")
        assert {one.get("id") for one in found} == whole
        assert len(found) == len(whole) == 8
        assert sandbox.log.faults() == {name: 1}
        assert sandbox.log.counts()["GET sites/{site}/users"] == 3 + again


@pytest.mark.parametrize("name", ["short-page", "duplicates"])
def test_a_list_that_never_comes_whole_is_refused(small_pages, name):
    with running("w0", faults=[fault(name, at="GET users", page=2)]) as sandbox, opened(sandbox) as connection:
        with pytest.raises(IncompleteRead, match="did not come whole"):
            connection.pages("users", "user")
        with pytest.raises(IncompleteRead):
            read_site(connection)


# -- nothing twice, nothing lost ------------------------------------------------------------------------------


@pytest.mark.parametrize("bulk", [False, True], ids=["one by one", "bulk"])
@pytest.mark.parametrize(
    "name", ["reset", "reset-done", "truncated", "unavailable", "internal", "html", "too-many", "expired-token"]
)
def test_writes_are_done_once_whatever_the_line_does(name, bulk):
    """The first and the third creation or joining meet the fault."""
    done = {"done": True} if name == "reset-done" else {}
    one = fault(name.removesuffix("-done"), at=("POST users*", "POST groups/*"), calls=(1, 3), **done)
    with running(people_world()) as sandbox, connect(options(sandbox)) as connection:
        sandbox.strike([one])
        writer = Writer(connection, bulk=bulk)
        changes = [
            *(adds(f"new-{n}@example.com") for n in range(3)),
            *(joins(Ref("user", f"new-{n}@example.com")) for n in range(3)),
            joins(person("una@example.com")),
            removes("cleo", "Creator"),
        ]
        results = writer.do(changes)
        site = sandbox.site(SITE_URL)
    told = {r.status for r in results}
    for n in range(3):
        ids = site.users_named(f"new-{n}@example.com")
        assert len(ids) <= 1
        # What is told as done is done; what failed is told as failed, and may be tried again.
        assert bool(ids) == (results[n].status in ("done", "already")), results[n]
        assert (bool(ids) and ids[0] in site.groups[GROUP].members) == (results[3 + n].status in ("done", "already"))
    assert (user_id("una@example.com") in site.groups[GROUP].members) == (results[6].status in ("done", "already"))
    assert user_id("cleo") not in site.users
    assert told <= {"done", "already", "failed"}


@pytest.mark.parametrize("make", [True, False], ids=["group", "user"])
def test_what_was_made_is_found_although_the_search_lags(make):
    """The answer was lost, the filter does not find it yet, making it again is a conflict: the whole list knows."""
    path = "POST groups" if make else "POST users"
    script = [fault("search-lag", seconds=3600), fault("reset", at=path, calls=1, done=True)]
    crew = Ref("group", "Crew")
    first = group(CreateGroup, crew, "Viewer", "onLogin") if make else adds("new@example.com")
    second = joins(person("una@example.com"), crew) if make else joins(Ref("user", "new@example.com"))
    with running(people_world(), faults=script) as sandbox, connect(options(sandbox)) as connection:
        results = Writer(connection, bulk=False).do([first, second])
        site = sandbox.site(SITE_URL)
    assert [r.status for r in results] == ["already", "done"]
    members = site.find_group("Crew" if make else "Viewers").members
    assert (user_id("una@example.com") if make else results[0].new_id) in members


def test_a_write_that_meets_no_seat_is_told():
    script = [fault("no-seats", at="PUT users/{user}")]
    with running(people_world(), faults=script) as sandbox, connect(options(sandbox)) as connection:
        (result,) = Writer(connection).do([role("una@example.com", "Unlicensed", "Viewer")])
    assert (result.status, result.code) == ("failed", "409014")


# -- many at once ---------------------------------------------------------------------------------------------


def most_at_once(entries) -> int:
    """How many requests were being answered at the same time, by the moments of the request log."""
    turns = sorted(turn for e in entries for turn in ((e.at - e.took, 1), (e.at, -1)))
    found = present = 0
    for _moment, change in turns:
        present += change
        found = max(found, present)
    return found


@pytest.mark.slow
def test_sixteen_at_once_read_the_same():
    """The whole of a site, each answer about rules, members and connections 60 ms on its way; one sign-in a read."""
    reads, at_once, sign_ins = [], [], []
    slow = fault("slow", at=("*permissions*", "*connections", "GET groups/*"), seconds=0.06)
    with running("acme", faults=[slow]) as sandbox:
        for workers in (1, 16):
            sandbox.log.clear()
            with connect(SignIn(sandbox.url, "acme-europe", Pat("tabwarden", "acme-demo-secret"))) as connection:
                read = read_site(connection, pace=Pace(workers, workers))
                reads.append(forget_sign_in(replace(read, taken=None)))
            at_once.append(most_at_once(sandbox.log.entries))
            sign_ins.append(sandbox.log.counts()["POST auth/signin"])
    assert reads[0] == reads[1]
    assert sign_ins == [1, 1]
    # Counted, not timed: a busy machine makes everything slow, but not one after the other.
    assert at_once[0] == 1
    assert at_once[1] >= 12


# -- what was done twice is told -------------------------------------------------------------------------------


def test_a_token_that_somebody_else_uses_too_is_told_at_the_first_sign(caplog):
    with running("w0", faults=[fault("taken-token", calls=(9, 25))]) as sandbox, opened(sandbox) as connection:
        read_site(connection)
        assert connection.again == {"signed in anew": 2}
    (warning,) = [record.getMessage() for record in caplog.records if record.levelname == "WARNING"]
    assert "`tok`" in warning
    assert "give each program a token of its own" in warning


def test_a_session_that_ran_out_is_no_sign_of_somebody_else(caplog):
    plays = replace(personality(), idle_seconds=1.0)
    now = [1_760_000_000.0]
    with running("w0", plays=plays, clock=lambda: now[0]) as sandbox, opened(sandbox) as connection:
        now[0] += 2
        connection.session.ends_in = "0:00:00"
        connection.call("GET", "projects")
        assert connection.again == {"signed in anew": 1}
    assert not [record for record in caplog.records if record.levelname == "WARNING"]


def test_what_was_sent_or_read_again_is_counted_and_each_is_in_the_log(small_pages, caplog):
    script = [fault("unavailable", at="GET groups", times=1), fault("short-page", at="GET users", page=2, times=1)]
    with running("w0", faults=script) as sandbox, opened(sandbox) as connection:
        caplog.set_level("DEBUG", "tabwarden")
        read_site(connection)
        assert connection.again == {"read again": 1, "sent again": 1}
    lines = [record.getMessage() for record in caplog.records if record.levelname == "DEBUG"]
    assert "GET sites/{id}/groups is sent again (503)" in lines
    assert [line for line in lines if line.startswith("GET users?") and line.endswith("is read again")]


def test_a_read_goes_on_beside_somebody_who_takes_the_token_all_the_time():
    """The example of the page on faults, on a world with fifty requests on their way at once."""
    with running("acme", faults=[fault("taken-token", every=50)]) as sandbox:
        options_ = SignIn(sandbox.url, "acme", Pat("tabwarden", "acme-demo-secret"), **NOBODY_WAITS)
        with connect(options_) as connection:
            read_site(connection, pace=Pace(50))
            assert connection.again["signed in anew"] > 1
