"""`tabwarden read` and `tabwarden projects` from outside: what they print and leave on disk. Not how they fail."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from reading_folder import Desk

from tabwarden.access.reference import may
from tabwarden.model.site import Site, User
from tabwarden.sandbox.faults.script import Fault
from tabwarden.sandbox.http.server import Sandbox, running


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[tuple[Desk, Sandbox]]:
    with running("acme") as sandbox:
        yield Desk(tmp_path, sandbox.url), sandbox


def test_what_a_read_says_and_leaves(desk: tuple[Desk, Sandbox]) -> None:
    here, sandbox = desk
    guessed = here.run("read", "--estimate")
    assert (guessed.code, guessed.out.startswith("reading takes between")) == (0, True), guessed.err
    sandbox.log.clear()
    ran = here.run("read", "--json", "--verify", "3")
    assert (ran.code, ran.err) == (0, "")
    told = json.loads(ran.out)
    assert (told["partial"], told["resumed"]) == (["connections of workbooks"], 0)
    assert (told["verified"]["differences"], len(told["verified"]["people"])) == ([], 3)
    assert [site.taken.by_role for site in here.snapshots()] == ["ServerAdministrator"]
    assert told["snapshot"] == 1
    assert here.unfinished() == []
    assert not sandbox.log.writes()


def test_what_was_sent_again_is_counted_and_told_one_by_one_where_that_is_wished(desk: tuple[Desk, Sandbox]) -> None:
    here, sandbox = desk
    for words, shown in ((("read", "-v"), 1), (("read",), 0)):
        sandbox.strike([Fault(fault="unavailable", at="GET groups", times=1, retry_after=0)])
        ran = here.process(*words)  # in this one, records would go to the test's own handlers
        assert (ran.code, ran.out.count("not at the first try: 1 sent again\n")) == (0, 1), ran.err
        assert ran.err.count("GET sites/{id}/groups is sent again (503)\n") == shown


def test_a_limited_read_warns_at_its_start(desk: tuple[Desk, Sandbox]) -> None:
    here, sandbox = desk
    name = next(u.name for u in sandbox.site("acme-lab").users.values() if u.site_role == "Explorer")
    here.settings(f"password: {{username: {name}, password: {name}}}")
    assert here.run("read", "--estimate").out.startswith("reading takes between")
    ran = here.run("read")
    assert ran.code == 0, ran.err
    first, *_ = ran.err.splitlines()
    assert first.startswith(f"warning: `{name}` (Explorer) is no administrator")
    assert f"not read: what `{name}` (Explorer) cannot see" in ran.out
    (kept,) = here.snapshots()
    assert (kept.taken.by, kept.taken.by_role) == (name, "Explorer")


def sees(site: Site, user: User, content: str) -> bool:
    return may(site, user.id, "Read", content).allowed


def test_projects_are_listed_and_not_published(desk: tuple[Desk, Sandbox]) -> None:
    here, sandbox = desk
    here.settings(site="acme")
    held = sandbox.site("acme")
    every = {held.path(c.id) for c in held.contents.values() if c.kind == "project"}
    ran = here.run("projects", "--json")
    assert ran.code == 0, ran.err
    told = json.loads(ran.out)
    assert {one["path"] for one in told["projects"]} == every
    assert set(told["sites"]) == {s.name for s in sandbox.state.sites}
    assert (here.folder / told["kept"] / "sites.json").is_file()
    assert here.snapshots() == []
    closed = next(c.id for c in held.contents.values() if c.kind == "project" and c.name == "Drafts")
    somebody = next(u.name for u in held.users.values() if u.site_role == "Viewer" and not sees(held, u, closed))
    refused = here.run("projects", "--as", somebody)
    assert (refused.code, "`tabwarden read`" in refused.err) == (1, True), refused.err
    assert here.run("read").code == 0
    seen = {one["path"] for one in json.loads(here.run("projects", "--as", somebody, "--json").out)["projects"]}
    here.settings(f"password: {{username: {somebody}, password: {somebody}}}", site="acme")
    own = {one["path"] for one in json.loads(here.run("projects", "--json").out)["projects"]}
    assert seen == own
    assert seen < every
