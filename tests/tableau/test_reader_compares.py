"""Sites and projects alone, people compared with what the server lists, and what a reader cannot do."""

from __future__ import annotations

import ast
from dataclasses import replace
from functools import cache

import pytest
from paths import SOURCE
from reading_world import ACME, CORE, w0

from tabwarden.access.reference import may
from tabwarden.run.verify import verify_on
from tabwarden.sandbox.http.server import running
from tabwarden.sandbox.state.personality import personality
from tabwarden.tableau.http.connection import connect
from tabwarden.tableau.http.session import Password, SignIn
from tabwarden.tableau.read.site import read_projects, read_site, read_sites

# -- projects, verification -----------------------------------------------------------------------------------


def test_sites_and_projects_alone():
    with running("acme") as sandbox, connect(SignIn(sandbox.url, "acme", ACME)) as connection:
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


def test_what_a_read_left_out_is_unknown_and_no_difference():
    with running("w0") as sandbox:
        with w0(sandbox) as connection:
            whole = read_site(connection, CORE)
            one = next(c for c in whole.contents.values() if c.kind == "project")
            some = read_site(connection, replace(CORE, projects=(whole.path(one.id),)))
            found = verify_on(connection, some, 100)
            assert found.differences == []
            assert found.unknown > 0
            without = whole.without_contents(whole.contents.keys() - some.contents.keys())
            assert verify_on(connection, without, 100).differences, "who read everything ought to have it"
        with w0(sandbox, auth=Password("cleo", "cleo")) as connection:
            limited = verify_on(connection, read_site(connection, CORE), 100)
            refused = verify_on(connection, whole, 100)
    assert (limited.people, limited.differences) == (("cleo",), [])
    others = len(refused.people) - 1
    assert sum("the server refuses to list them" in line for line in refused.not_verified) == others > 0
    assert (refused.kinds, refused.differences) == (("workbook",), [])


# -- nothing is written ---------------------------------------------------------------------------------------


@cache
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
    "name", ["tableau.read.site", "tableau.read.listed", "run.read", "run.verify", "commands.read"]
)
def test_what_reads_cannot_reach_what_writes(name):
    seen, left = set(), [f"tabwarden.{name}"]
    while left:
        here = left.pop()
        if here not in seen:
            seen.add(here)
            left += imports_of(here)
    assert "tabwarden.tableau.http.reader" in seen
    assert not {one for one in seen if one.startswith(("tabwarden.tableau.writ", "tabwarden.run.apply"))}


def test_the_reader_sends_nothing_but_get():
    """And a read sends nothing else but its sign-in and sign-out."""
    tree = ast.parse((SOURCE / "tableau" / "http" / "reader.py").read_text(encoding="utf-8"))
    calls = [node for node in ast.walk(tree) if isinstance(node, ast.Call)]
    requests = [node for node in calls if isinstance(node.func, ast.Name) and node.func.id == "Request"]
    assert {ast.unparse(node.args[0]) for node in requests} == {"'GET'"}
    sent = {ast.unparse(node.func) for node in calls if ast.unparse(node.func).startswith(("self.conn", "connection"))}
    assert sent <= {f"self.connection.{name}" for name in ("send", "target", "understood")} | {"connection.run"}
    with running("w0") as sandbox, w0(sandbox) as connection:
        read_site(connection)
        others = {e.endpoint for e in sandbox.log.entries if e.method != "GET"}
    assert others == {"POST auth/signin"}
