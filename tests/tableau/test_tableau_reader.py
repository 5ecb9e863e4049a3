"""The bulk reader: its cost, going on after a kill, choosing, what it cannot see, what it never does."""

from __future__ import annotations

import ast
import os
import signal
import subprocess
import sys
import textwrap
import time
from dataclasses import replace
from pathlib import Path
from random import Random

import pytest
from people_world import SITE_URL, options, passed_on, people_world
from small_server import error, serving

from tabwarden.access.convert import columns_of
from tabwarden.access.reference import may
from tabwarden.model.errors import TableauError, TabwardenError, UnknownName
from tabwarden.model.governing import LOCKED_TO_DATABASE
from tabwarden.model.site import Content, Grantee, Rule
from tabwarden.run.verify import verify_on
from tabwarden.sandbox.personality import personality
from tabwarden.sandbox.server import running
from tabwarden.sandbox.troubles.faults import KINDS, Fault, Script
from tabwarden.tableau import client
from tabwarden.tableau.checkpoint import opened
from tabwarden.tableau.client import Options, Password, Pat, connect
from tabwarden.tableau.pace import HOUR, Allowance, Pace, hourly_of
from tabwarden.tableau.read import Wishes, read_projects, read_site, read_sites

SOURCE = Path(__file__).parent.parent.parent / "src" / "tabwarden"
ACME = Pat("tabwarden", "acme-demo-secret")
CORE = Wishes(connections=False)
# Faults that no GET can meet.
NOT_OF_READS = {"no-seats", "search-lag", "directory-partial", "directory-timeout"}


def timeless(site):
    """A Site without what two reads cannot agree on."""
    users = {i: replace(u, last_login=None) for i, u in site.users.items()}
    return replace(site, users=users, taken=None)


def w0(sandbox, **more):
    return connect(
        Options(sandbox.url, "sandbox", more.pop("auth", Pat("tok", "sec")), **({"first_wait": 0.01} | more))
    )


# -- what it costs --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("connections", [False, True], ids=["core", "connections"])
@pytest.mark.parametrize(("world", "site", "auth"), [("w0", "sandbox", Pat("tok", "sec")), ("acme", "acme", ACME)])
def test_the_budget_told_before_is_what_is_counted_after(world, site, auth, connections):
    told = []
    with running(world) as sandbox:
        with connect(Options(sandbox.url, site, auth)) as connection:
            read_site(connection, Wishes(connections), say=told.append)
        sent = len(sandbox.log.entries)
        held = sandbox.site(site)
    (budget,) = told
    assert budget.sure
    assert budget.total == sent == sum(connection.calls.values())
    # Saved: whatever is governed from elsewhere, groups known to be empty, All Users.
    everyone, empty = 1, sum(1 for g in held.groups.values() if not g.everyone and not g.members)
    assert budget.saved_by_groups == everyone + empty
    assert budget.contents + budget.saved_by_locks + budget.saved_by_tabs == sum(
        1 for c in held.contents.values() if c.kind != "project"
    )
    assert f"{budget.total:,} requests" in str(budget)


def test_a_read_that_would_cost_too_much_does_not_begin():
    told = []
    with running("w0") as sandbox, w0(sandbox) as connection:
        with pytest.raises(TabwardenError, match="and it may take 20"):
            read_site(connection, replace(CORE, at_most=20), say=told.append)
        assert not [e for e in sandbox.log.entries if e.path.endswith("/permissions")]


# -- everything a site holds ----------------------------------------------------------------------------------


def test_databases_and_tables_with_their_rules():
    world = people_world()
    (site,) = world.sites
    project, _ = site.contents.values()
    rules = frozenset({Rule(Grantee("group", "a0000000-0000-4000-8000-000000000002"), "Read", "Allow")})
    ids = [f"d1000000-0000-4000-8000-00000000000{n}" for n in range(4)]
    warehouse = Content(ids[0], "database", "Warehouse", project.id, project.owner, rules, defaults={"table": rules})
    sales = Content(ids[1], "table", "Sales", warehouse.id, project.owner, rules)
    lake = Content(
        ids[2], "database", "Lake", project.id, project.owner, mode=LOCKED_TO_DATABASE, defaults={"table": rules}
    )
    fish = Content(ids[3], "table", "Fish", lake.id, project.owner)
    world = replace(world, sites=(site.with_contents(warehouse, sales, lake, fish),))
    with running(world) as sandbox, connect(options(sandbox)) as connection:
        read = read_site(connection, CORE)
        asked = {e.path.split("/")[-2] for e in sandbox.log.entries if e.path.endswith("/permissions")}
    assert read.contents[ids[0]].rules == read.contents[ids[1]].rules == rules
    assert read.contents[ids[0]].defaults == {"table": rules}
    assert (read.contents[ids[2]].mode, read.contents[ids[3]].rules) == (LOCKED_TO_DATABASE, rules)
    assert ids[1] in asked
    assert ids[3] not in asked
    assert read.contents[ids[3]].parent == ids[2]
    assert set(read.contents[project.id].defaults) == {"workbook", "datasource", "flow", "database", "table"}


@pytest.mark.parametrize(("version", "unknown"), [("3.0", True), ("3.4", False)])
def test_view_rules_before_3_2_are_unknown(version, unknown):
    with running("w0", plays=personality("server", version)) as sandbox:
        with w0(sandbox, auth=Password("ada", "ada")) as connection:
            read = read_site(connection, CORE)
        held = sandbox.site("sandbox")
        assert not [e for e in sandbox.log.entries if e.status >= 400]
    workbook = next(c for c in held.contents.values() if c.kind == "workbook" and not c.tabs)
    views = [read.contents[view] for view in held.children(workbook.id)]
    assert views
    assert all((view.rules is None) == unknown for view in views)
    assert any("version 3.0 of the API does not tell them, 3.2 and later do" in r for r in read.partial) == unknown
    # By the rules of views alone somebody may or may not see them; leaders and administrators see them anyhow.
    verdicts = {may(read, user, "Read", view.id).verdict for view in views for user in held.users}
    assert ("unknown" in verdicts) == unknown


def test_only_the_projects_wished_for():
    with running("acme") as sandbox, connect(Options(sandbox.url, "acme", ACME)) as connection:
        held = sandbox.site("acme")
        nested = next(c for c in held.contents.values() if c.kind == "project" and c.parent is not None)
        told = []
        read = read_site(connection, replace(CORE, projects=(held.path(nested.id),)), say=told.append)
        whole = read_site(connection, CORE, say=told.append)
        with pytest.raises(UnknownName, match="Nowhere"):
            read_site(connection, replace(CORE, projects=("Nowhere",)))
    assert set(read.contents) == {*held.ancestors(nested.id), *held.below(nested.id)}
    assert all(read.contents[c].rules == whole.contents[c].rules for c in read.contents)
    assert f"content outside of `{held.path(nested.id)}`" in read.partial
    assert read.groups == whole.groups
    assert told[0].projects < told[1].projects


# -- less than everything: limited ----------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["cleo", "vic", "carl"])
def test_who_is_no_administrator_reads_a_limited_site_that_never_says_more(name):
    with running("w0") as sandbox:
        with w0(sandbox, auth=Password(name, name)) as connection:
            read = read_site(connection)
            role = connection.reader.site_role
        held = sandbox.site("sandbox")
    assert f"what `{name}` ({role}) cannot see, not being an administrator" in read.partial
    assert (read.taken.by, read.taken.by_role) == (name, role)
    columns_of(read)
    said = 0
    for user in read.users:
        for content in read.contents:
            answer = may(read, user, "Read", content)
            if answer.verdict != "unknown":
                said += 1
                assert answer.verdict == may(held, user, "Read", content).verdict, (held.users[user].name, content)
    assert said, "of oneself something is known"


def test_much_that_is_refused_is_told_by_kind(monkeypatch):
    monkeypatch.setattr("tabwarden.tableau.read_content.MOST_NAMED", 0)

    def script(asked):
        return error("403004") if "/workbooks/" in asked.path else passed_on(sandbox, asked)

    with running(people_world()) as sandbox, serving(script) as small:
        through = replace(options(sandbox), server=small.url)
        with connect(through) as connection:
            assert read_site(connection).partial == ("rules of 1 workbooks (403)",)


# -- less than everything: incomplete -------------------------------------------------------------------------


def test_a_site_that_vanishes_is_no_site_of_unknown_things():
    def script(asked):
        gone = "/permissions" in asked.path or (asked.path.endswith(f"/sites/{site}") and len(small.asked) > 12)
        return error("404000") if gone else passed_on(sandbox, asked)

    def unclear(asked):
        gone = "/permissions" in asked.path or (asked.path.endswith(f"/sites/{site}") and len(small.asked) > 12)
        return error("404006" if "/permissions" in asked.path else "404000") if gone else passed_on(sandbox, asked)

    with running(people_world()) as sandbox:
        site = sandbox.site(SITE_URL).id
        for one in (script, unclear):
            with serving(one) as small, connect(replace(options(sandbox), server=small.url)) as connection:
                with pytest.raises(TableauError) as caught:
                    read_site(connection)
                assert caught.value.code == "404000"


def test_a_server_that_dies_is_told_soon():
    died = []

    def script(asked):
        if asked.path.endswith("/permissions"):
            died.append(1)
            return "reset"
        return passed_on(sandbox, asked)

    with running(people_world()) as sandbox, serving(script) as small:
        began = time.monotonic()
        told = pytest.raises(TableauError, match="no answer from")
        with connect(replace(options(sandbox), server=small.url)) as connection, told:
            read_site(connection)
        assert time.monotonic() - began < 10
        assert len(died) > 5


# -- two percent of everything --------------------------------------------------------------------------------


@pytest.mark.parametrize("seed", range(3))
def test_two_percent_of_every_fault_change_nothing(monkeypatch, seed):
    monkeypatch.setattr(client, "PAGE_SIZE", 5)
    names = sorted(set(KINDS) - NOT_OF_READS)
    slow = {"seconds": 0.01}
    faults = tuple(Fault(fault=n, rate=0.02, **(slow if n == "slow" else {})) for n in names)
    entered = {"site": "acme-europe", "auth": ACME, "first_wait": 0.005}
    with running("acme") as sandbox:
        with connect(Options(sandbox.url, **entered)) as connection:
            calm = timeless(read_site(connection))
        sandbox.strike(Script(seed=seed, faults=faults))
        with connect(Options(sandbox.url, **entered)) as connection:
            read = timeless(read_site(connection))
        given = sandbox.log.faults()
        sandbox.strike(None)
    assert read == calm
    assert len(given) >= len(names) - 2, given


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


def test_a_checkpoint_of_another_read_or_of_long_ago_is_not_gone_on_with(tmp_path, monkeypatch):
    def again(about, **more):
        found = opened(tmp_path, about, **more)
        found.put("k", 200, b"x")
        found.close()
        return found.resumed

    assert [again(ABOUT), again(ABOUT), again({**ABOUT, "version": "3.4"}), again(ABOUT)] == [0, 1, 0, 0]
    assert again(ABOUT, fresh=True) == 0
    now = time.time()
    monkeypatch.setattr("tabwarden.tableau.checkpoint.time.time", lambda: now + 13 * 3600)
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
    from tabwarden.tableau.checkpoint import opened
    from tabwarden.tableau.client import Options, Pat, connect
    from tabwarden.tableau.read import read_site
    url, folder = sys.argv[1:]
    with connect(Options(url, "acme", Pat("tabwarden", "acme-demo-secret"))) as connection:
        kept = opened(Path(folder), {"site": "acme"})
        read_site(connection, checkpoint=kept, progress=lambda done, of: print(done, of, flush=True))
"""


def test_a_read_that_is_killed_goes_on_and_both_halves_cost_as_one(tmp_path):
    with running("acme") as sandbox:
        with connect(Options(sandbox.url, "acme", ACME)) as connection:
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
        with connect(Options(sandbox.url, "acme", ACME)) as connection:
            read = read_site(connection, checkpoint=kept, say=told.append)
        second = sum(connection.calls.values())
        both = len(sandbox.log.entries)
        kept.forget()
        kept.close()
    assert timeless(read) == whole
    assert kept.resumed > at_once // 3
    assert (told[0].total, told[0].kept > at_once // 3) == (second, True)
    # The second half signs in again and asks once more what was on its way when the first was killed.
    assert both <= at_once + 60
    assert not list(tmp_path.iterdir())
    assert read.taken.when <= time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(kept.begun + 1))


# -- pace -----------------------------------------------------------------------------------------------------


def played(pace, rate, answers=4000):
    """The limit after so many answers of a server that gives `rate(limit)` a second."""
    now = 0.0
    for _ in range(answers):
        now += 1.0 / rate(pace.limit)
        pace.answered(now, full=True)
    return pace.limit


def test_concurrency_rises_only_while_it_helps():
    assert played(Pace(), lambda limit: limit / 0.05) == 50
    assert played(Pace(), lambda limit: min(limit, 8) / 0.05) == 8
    assert played(Pace(), lambda limit: min(limit, 20) / 0.05) in (16, 32)
    assert played(Pace(1, 1), lambda limit: limit / 0.05) == 1


def test_concurrency_falls_where_the_server_is_busy_and_rises_again():
    pace = Pace()
    assert played(pace, lambda limit: limit / 0.05) == 50
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

    monkeypatch.setattr("tabwarden.tableau.line.time.time", lambda: moment[0])
    monkeypatch.setattr("tabwarden.tableau.line.asyncio.sleep", sleeping)
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


# -- projects, verification -----------------------------------------------------------------------------------


def test_sites_and_projects_alone():
    with running("acme") as sandbox, connect(Options(sandbox.url, "acme", ACME)) as connection:
        assert set(read_sites(connection)) == {s.name for s in sandbox.state.sites}
        assert {c.kind for c in read_projects(connection).contents.values()} == {"project"}
    with running("w0", plays=personality("cloud")) as sandbox, w0(sandbox) as connection:
        assert read_sites(connection) == [sandbox.site("sandbox").name]


def test_what_was_read_is_what_the_server_lists_for_people():
    with running("w0") as sandbox, w0(sandbox) as connection:
        site = read_site(connection, CORE)
        found = verify_on(connection, site, 100)
        assert found.differences == found.not_verified == []
        assert set(found.people) == {u.name for u in site.users.values()}
        assert {"project", "workbook", "view", "datasource"} <= set(found.kinds)
        assert found.answers > 20
        # A Site that differs is noticed, in both directions.
        books = [c for c in site.contents.values() if c.kind == "workbook"]
        asked = [(user, book, may(site, user.id, "Read", book.id)) for book in books for user in site.users.values()]
        user, book, _ = next(one for one in asked if one[2].because.endswith("_allow"))
        lied = site.with_contents(replace(book, rules=frozenset()))
        told = verify_on(connection, lied, 100).differences
        assert (
            f"`{user.name}` does not see workbook `{site.path(book.id)}` by the snapshot; the server lists it" in told
        )
        lied = site.without_contents([book.id, *site.below(book.id)])
        assert any("does not have" in line for line in verify_on(connection, lied, 100).differences)
        user = next(user for user, _, answer in asked if answer.verdict == "denied")
        lied = site.with_users(replace(user, site_role="ServerAdministrator"))
        assert any("the server does not list it" in line for line in verify_on(connection, lied, 100).differences)
        assert not sandbox.log.writes()


def test_who_may_not_stand_in_verifies_workbooks_and_says_so():
    with running("w0") as sandbox, w0(sandbox, auth=Password("sam", "sam")) as connection:
        site = read_site(connection, CORE)
        found = verify_on(connection, site, 3, seed=1)
    assert (found.kinds, len(found.people), found.differences) == (("workbook",), 3, [])
    assert found.not_verified[0].startswith("everything but workbooks: only a server administrator")


# -- nothing is written ---------------------------------------------------------------------------------------


def imports_of(name: str) -> set[str]:
    path = SOURCE.parent.joinpath(*name.split("."))
    path = path / "__init__.py" if path.is_dir() else path.with_suffix(".py")
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))) if path.exists() else ():
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found |= {node.module, *(f"{node.module}.{alias.name}" for alias in node.names)}
    return {one for one in found if one.startswith("tabwarden.")}


@pytest.mark.parametrize(
    "name", ["tableau.read", "tableau.seen", "run.read", "run.projects", "run.verify", "commands.read"]
)
def test_what_reads_cannot_reach_what_writes(name):
    seen, left = set(), [f"tabwarden.{name}"]
    while left:
        here = left.pop()
        if here not in seen:
            seen.add(here)
            left += imports_of(here)
    assert "tabwarden.tableau.line" in seen
    assert not {one for one in seen if one.startswith(("tabwarden.tableau.writ", "tabwarden.run.apply"))}


def test_the_line_sends_nothing_but_get():
    """And a read sends nothing else but its sign-in and sign-out."""
    tree = ast.parse((SOURCE / "tableau" / "line.py").read_text(encoding="utf-8"))
    sent = {
        node.func.attr
        for node in ast.walk(tree)
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and "_session" in ast.unparse(node.func)
    }
    assert sent == {"get"}
    with running("w0") as sandbox, w0(sandbox) as connection:
        read_site(connection)
        others = {e.endpoint for e in sandbox.log.entries if e.method != "GET"}
    assert others == {"POST auth/signin"}
