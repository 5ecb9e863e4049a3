"""The leak test: nobody is shown more than the slow reference allows, in no form, no sink and no listing."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from dataclasses import replace
from pathlib import Path
from random import Random
from typing import Any

import pytest
from dense_sites import UNREAD_SHARES, dense_site
from mirror_disclosure import SINKS, SOURCE, disclosed, leaks, may_be_disclosed, truth
from patched_modules import Patch, engine_modules, fresh, planted, source_with
from small_site import project, rules, site, workbook

from tabwarden import sinks
from tabwarden.access.reference import may
from tabwarden.engine.convert import columns_of
from tabwarden.mirror.browse import browse
from tabwarden.mirror.build import MirrorRequest, mirrored
from tabwarden.mirror.match import Matches, tableau_people
from tabwarden.mirror.rows import COMPRESSED, FLAT, Row
from tabwarden.mirror.tables import Delta, Tables, difference, flat, tables_of
from tabwarden.mirror.visible import may_enter
from tabwarden.model.site import Site
from tabwarden.run.read import shown_to
from tabwarden.sandbox.worlds.acme import acme
from tabwarden.sandbox.worlds.finding import world_of

SITES = 200
PARTS = 4


def named_apart(site: Site) -> Site:
    """The same Site, in which a name of content tells which content it is."""
    return replace(site, contents={i: replace(c, name=f"secret {i}") for i, c in site.contents.items()})


def dense(seed: int) -> Site:
    return named_apart(dense_site(seed, unread=UNREAD_SHARES[seed % len(UNREAD_SHARES)], users=8, items=14))


def mirror(site: Site, form: str = COMPRESSED) -> Tables:
    columns = columns_of(site)
    return mirrored(columns, tableau_people(columns), MirrorRequest(SOURCE, form)).tables


@pytest.mark.parametrize("part", range(PARTS))
def test_dense_sites_disclose_exactly_what_the_reference_allows(part: int, tmp_path: Path) -> None:
    """Both forms, every sink and every listing; the sinks get one site after the other, so a stale row would show."""
    shown = 0
    for seed in range(part, SITES, PARTS):
        site = dense(seed)
        people = tableau_people(columns_of(site))
        allowed = truth(site, people)
        tables = mirror(site)
        assert flat(tables) == frozenset(mirror(site, FLAT)["access"]) == allowed, f"seed {seed}"
        for user in site.users.values():
            told = {(e.id, e.parent) for e in browse(tables, user.name).entries}
            assert told == {(row[2], row[5]) for row in allowed if row[1] == user.name}
            shown += len(told)
        check_projects(site, allowed)
        check_sinks(tmp_path, tables, people, allowed)
    assert shown > 1_000


def fetched(site: Site) -> Site:
    """The list of projects as a server administrator fetches it."""
    return replace(site, contents={i: c for i, c in site.contents.items() if c.kind == "project"})


def check_projects(site: Site, allowed: frozenset[Row]) -> None:
    """`tabwarden projects --as`: the projects a person sees, under names she sees."""
    listed, names = fetched(site), defaultdict(dict)
    for row in allowed:
        if row[3] == "project":
            names[row[1]][row[2]] = row[4]
    for user in site.users.values():
        told = shown_to(user.id, site, listed) if may_enter(user.site_role) else ()
        assert {content.id for _, content in told} == set(names[user.name])
        assert {name for path, _ in told for name in path.split("/")} <= set(names[user.name].values())


def check_sinks(folder: Path, tables: Tables, people: Matches, allowed: frozenset[Row]) -> None:
    """Every sink shows exactly what is allowed, read as the sink's owner reads it."""
    names = [match.person for match in people.matched]
    for name, options in SINKS.items():
        (folder / name).mkdir(exist_ok=True)
        sinks.publish(options(folder / name), SOURCE, tables)
        assert disclosed(name, folder / name, names) == may_be_disclosed(name, allowed), name


@pytest.mark.parametrize("url", ["acme", "acme-europe", "acme-lab"])
def test_acme_discloses_exactly_what_the_reference_allows(url: str, tmp_path: Path) -> None:
    """Every user of every site of acme, everything that is mirrored."""
    site = next(s for s in world_of(acme()).sites if s.content_url == url)
    people = tableau_people(columns_of(site))
    allowed = truth(site, people)
    compressed, flat_form = mirror(site), mirror(site, FLAT)
    assert flat(compressed) == frozenset(flat_form["access"]) == allowed
    assert len(compressed["content"]) + len(compressed["viewers"]) < len(flat_form["access"]) / 4
    check_sinks(tmp_path, compressed, people, allowed)
    check_projects(named_apart(site), frozenset((*row[:4], f"secret {row[2]}", row[5]) for row in allowed))


# -- a limited read -------------------------------------------------------------------------------------------


def owned_as_on_a_server(site: Site) -> Site:
    """A view's owner is its workbook's, as every server tells it."""
    held = site.contents
    return site.with_contents(
        *(replace(c, owner=held[c.parent].owner) for c in held.values() if c.kind == "view" and c.parent in held)
    )


def limited(site: Site, seed: int) -> Site:
    """What a reader might get of a Site who is refused some rules, members, projects and defaults."""
    dice = Random(seed)

    def lost() -> bool:
        return dice.random() < 0.25

    contents = {i: c for i, c in site.contents.items() if not lost()}
    for each, content in contents.items():
        defaults = {kind: None if lost() else found for kind, found in content.defaults.items()}
        contents[each] = replace(content, rules=None if lost() else content.rules, defaults=defaults)
    groups = {i: g if g.everyone or not lost() else replace(g, members=None) for i, g in site.groups.items()}
    return replace(site, contents=contents, groups=groups, partial=("some things were refused",))


@pytest.mark.parametrize("part", range(PARTS))
def test_a_limited_read_publishes_less_and_never_more(part: int) -> None:
    less = 0
    for seed in range(part, SITES, PARTS):
        site = owned_as_on_a_server(dense(seed))
        whole = {row[:5] for row in truth(site, tableau_people(columns_of(site)))}
        some = limited(site, seed)
        shown = {row[:5] for row in flat(mirror(some))}
        assert shown <= whole, f"seed {seed}"
        less += len(whole) - len(shown)
    assert less > 100


# -- what is hidden changes nothing that is shown -------------------------------------------------------------


def with_hidden_things(site: Site) -> Site:
    """The Site with a vault nobody but administrators may see."""
    vault = project("vault", None, "user:nobody +Read", owner="nobody")
    papers = [workbook(f"paper{n}", "vault", owner="nobody") for n in range(3)]
    return site.with_contents(vault, *papers)


def told_to_all(tables: Tables, site: Site) -> dict[str, object]:
    """What everybody but administrators is told by the listing, word by word."""
    hidden_from = (u.name for u in site.users.values() if not may(site, u.id, "Read", "vault").allowed)
    return {name: browse(tables, name) for name in hidden_from}


def test_hidden_things_change_no_word_and_no_number_of_what_is_shown() -> None:
    for seed in range(0, SITES, 10):
        site = dense(seed)
        more = with_hidden_things(site)
        assert told_to_all(mirror(site), more) == told_to_all(mirror(more), more)


# -- planted leaks --------------------------------------------------------------------------------------------

MIRROR = tuple(f"mirror.{name}" for name in "match tables items sets part circles visible build browse".split())


def planted_in(patch: Patch) -> AbstractContextManager[Any]:
    """The engine and the mirror with a bug."""
    module = patch.file.removesuffix(".py").replace("/", ".")
    return fresh((*engine_modules(), *MIRROR), {module: source_with(patch)})


def first_leak(mirror_of: Callable[[Site], Tables]) -> int | None:
    """The first of the dense sites of whose mirror somebody is told too much."""
    for seed in range(SITES):
        site = dense(seed)
        if leaks(mirror_of(site), truth(site, tableau_people(columns_of(site)))):
            return seed
    return None


@pytest.mark.parametrize("bug", planted("mirror"), ids=lambda bug: bug.name)
def test_a_planted_leak_is_caught(bug: Patch) -> None:
    with planted_in(bug) as load:
        made, people = load("mirror.build"), load("mirror.match").tableau_people
        request = made.MirrorRequest(SOURCE)
        columns_from = load("engine.convert").columns_of

        def mirror_of(site: Site) -> Tables:
            columns = columns_from(site)
            # As a join in a database would: by the text of what was published.
            tables = made.mirrored(columns, people(columns), request).tables
            return tables_of({name: frozenset(table) for name, table in tables.items()})

        seed = first_leak(mirror_of)
    assert seed is not None


def test_without_a_planted_leak_none_is_caught() -> None:
    assert first_leak(mirror) is None


def test_a_planted_count_is_caught() -> None:
    old, new = "catalog_of($rows, person, $off)", "catalog_of($rows, f\"{person}, of {len(tables['content'])}\", $off)"
    site = dense(3)
    more = with_hidden_things(site)
    with planted_in(Patch("a count", "mirror/browse.py", old, new, "browse")) as load:
        told = load("mirror.browse").browse
        people = list(told_to_all(mirror(site), more))
        assert people
        assert all(told(mirror(site), name).person != told(mirror(more), name).person for name in people)


def test_a_planted_name_of_a_hidden_project_is_caught() -> None:
    patch = Patch("a hidden project's name", "run/read.py", "$up in shown", "True", "_by_path")
    with fresh(("run.read",), {"run.read": source_with(patch)}) as load:
        told = load("run.read").shown_to
        beyond = [
            path
            for site in map(dense, range(SITES))
            for user in site.users.values()
            for path, content in told(user.id, site, fetched(site))
            if not all(may(site, user.id, "Read", name.removeprefix("secret ")).allowed for name in path.split("/"))
        ]
    assert beyond


def test_a_planted_stale_row_is_caught() -> None:
    bug = Patch("a stale row", "mirror/tables.py", "$places[$rows[gone]]", "$places[:0]", "rows_apart")
    users = ["ann:Viewer", "bob:Viewer"]
    before = site(project("p"), workbook("w", "p", "user:ann +Read", "user:bob +Read"), users=users)
    after = before.with_contents(replace(before.contents["w"], rules=rules("user:bob +Read")))

    def left(delta_of: Callable[[Tables, Tables], Mapping[str, Delta]]) -> Tables:
        return applied(mirror(before), delta_of(mirror(before), mirror(after)))

    allowed = truth(after, tableau_people(columns_of(after)))
    assert not leaks(left(difference), allowed)
    with planted_in(bug) as load:
        assert {row[2] for row in leaks(left(load("mirror.tables").difference), allowed)} == {"w"}


def applied(tables: Tables, deltas: Mapping[str, Delta]) -> Tables:
    """Tables after a difference was carried out."""
    rows = {name: set(table) for name, table in tables.items()}
    for name, delta in deltas.items():
        rows[name] = (rows.get(name, set()) - set(delta.remove)) | set(delta.add)
    return tables_of(rows)
