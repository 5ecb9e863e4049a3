"""Tags, certification and connections: over REST and from the repository, kept, compared, played and saved again."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from sandbox_client import Raw
from test_repository_read import over_rest
from workgroups import workgroup

from tabwarden.compare.snapshots import Fact, facts
from tabwarden.effects.ops.content import SetDescription
from tabwarden.engine.convert import columns_of, site_of
from tabwarden.model.feeds import DataConnection
from tabwarden.model.site import Content, Site
from tabwarden.plan.restore import restored
from tabwarden.sandbox.http.server import running
from tabwarden.sandbox.state.server_state import World
from tabwarden.sandbox.worlds.finding import find_world
from tabwarden.store import snapshot
from tabwarden.store.pseudonyms import pseudonymised
from tabwarden.tableau.repository.read import read_repository

LAKE = DataConnection("postgres", "db.example.com", "etl", True)
ASKS = DataConnection("snowflake", "lake.example.com", "", False)


def marked_world() -> World:
    world = find_world("w0")
    (site,) = world.sites
    source, book, view = (site.find_content(path) for path in ("Ops/D1", "Ops/W2", "Ops/W2/V4"))
    site = site.with_contents(
        replace(
            source,
            tags=frozenset({"gold", "two words"}),
            certified=True,
            certification_note="checked by finance",
            connections=(LAKE,),
        ),
        replace(book, tags=frozenset({"mine"}), connections=(LAKE, ASKS)),
        replace(view, tags=frozenset({"seen"})),
    )
    return replace(world, sites=(site,))


@pytest.fixture(scope="module")
def world() -> World:
    return marked_world()


def marks(site: Site) -> dict[str, tuple[Any, ...]]:
    return {c.id: (c.tags, c.certified, c.certification_note, c.connections) for c in site.contents.values()}


def test_over_rest_they_are_the_worlds(world: World) -> None:
    (site,) = world.sites
    # Lists tell that something is certified, and not why.
    why = {c.id: replace(c, certification_note=None if c.certified else "") for c in site.contents.values()}
    assert marks(over_rest(world, "sandbox")) == marks(replace(site, contents=why))


def test_from_the_repository_all_but_tags_are(postgres: Any, world: World) -> None:
    with workgroup(postgres.admin, world) as made:
        read = read_repository(made.options, "sandbox")
        assert {i: m[1:] for i, m in marks(read).items()} == {i: m[1:] for i, m in marks(world.sites[0]).items()}
        assert {c.tags for c in read.contents.values() if c.kind == "datasource"} == {None}
        # A password that is no flag is not looked at; what is archived feeds nothing.
        made.run("update data_connections set state = 'archived' where dbclass = 'snowflake'")
        made.run("alter table data_connections alter column password type varchar using 'a password'")
        now = read_repository(made.options, "sandbox")
    assert now.contents[world.sites[0].find_content("Ops/W2").id].connections == (LAKE._replace(embedded=None),)


def test_a_snapshot_the_columns_and_a_saved_world_hold_them(world: World, tmp_path: Path) -> None:
    (site,) = world.sites
    assert snapshot.load(snapshot.save(site, tmp_path)) == site
    assert marks(site_of(columns_of(site))) == marks(site)
    with running(world) as sandbox:
        assert marks(sandbox.site("sandbox")) == marks(site)
        again = sandbox.state.world() if hasattr(sandbox, "state") else None
    assert again is None or marks(again.sites[0]) == marks(site)


def test_a_comparison_tells_them_and_what_was_not_read_differs_in_nothing(world: World) -> None:
    (site,) = world.sites
    source = site.find_content("Ops/D1")

    def told(content: Content) -> list[Fact]:
        return list(facts(site, site.with_contents(content)))

    now = replace(source, tags=frozenset({"gold", "new"}), certified=False, connections=(LAKE._replace(user="bi"),))
    assert told(now) == [
        Fact("content", source.id, "certified", True, False),
        Fact("content", source.id, "tags", frozenset({"two words"}), frozenset({"new"})),
        Fact(
            "content",
            source.id,
            "connections",
            frozenset({"postgres on db.example.com as etl, password embedded"}),
            frozenset({"postgres on db.example.com as bi, password embedded"}),
        ),
    ]
    assert told(replace(source, tags=None, certified=None, connections=None)) == []


def test_what_rest_changes_the_content_says(world: World) -> None:
    with running(world) as sandbox:
        source = sandbox.site("sandbox").find_content("Ops/D1")
        raw = Raw(sandbox).sign_in()
        place, body = f"{{s}}/datasources/{source.id}/tags", "<tsRequest><tags><tag label='more'/></tags></tsRequest>"
        assert raw.call("PUT", place, body).status_code == 200
        assert raw.call("DELETE", f"{place}/gold").status_code == 204
        now = sandbox.site("sandbox").contents[source.id]
    assert now.tags == {"two words", "more"}
    assert now.connections == source.connections


def test_under_pseudonyms_no_word_of_theirs_is_left(world: World) -> None:
    (site,) = world.sites
    hidden = repr(pseudonymised(site, b"a key"))
    for words in ("gold", "two words", "checked by finance", "db.example.com", "etl", "mine"):
        assert f"'{words}'" not in hidden


def test_what_a_repository_does_not_tell_is_not_put_back(postgres: Any, world: World) -> None:
    (site,) = world.sites
    book = replace(site.find_content("Ops/W2"), description="told over REST alone")
    project = replace(site.find_content("Ops"), description="of a project")
    described = site.with_contents(book, project)
    with workgroup(postgres.admin, replace(world, sites=(described,))) as made:
        then = read_repository(made.options, "sandbox")
    now = described.with_contents(replace(project, description="another"))
    assert [(f.id, f.what) for f in facts(then, now) if f.what == "description"] == [(project.id, "description")]
    changes = restored(now, then, now.contents.keys(), "undo").changes
    assert [(change.op, change.content.id) for change in changes if isinstance(change, SetDescription)] == [
        ("set_description", project.id)
    ]
