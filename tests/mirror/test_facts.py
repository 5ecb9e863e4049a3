"""A mirror as facts: items by class, classes by circle, circles by person; every pair against the reference."""

from __future__ import annotations

from random import Random

import pytest
from dense_sites import UNREAD_SHARES, dense_site
from mirror_disclosure import SOURCE, leaks, missed, rows_in, truth
from patched_modules import Patch, planted
from small_site import group, project, site, workbook
from test_mirror import changed
from test_mirror_leaks import first_leak, planted_in

from tabwarden.engine.convert import columns_of
from tabwarden.mirror.browse import browse
from tabwarden.mirror.build import MirrorRequest, mirrored, numbered
from tabwarden.mirror.items import items_of, sets_of
from tabwarden.mirror.match import Matches, tableau_people
from tabwarden.mirror.rows import FACTS, NUMBERS, OF_FACTS
from tabwarden.mirror.tables import Tables, difference, flat, rows_for, tables_of
from tabwarden.model.site import Site, User
from tabwarden.sandbox.worlds.acme import acme
from tabwarden.sandbox.worlds.finding import world_of

SIGHT = "group:All Users +Read"


def facts(held: Site, matches: Matches | None = None, **wish: object) -> Tables:
    columns = columns_of(held)
    people = tableau_people(columns) if matches is None else matches
    return mirrored(columns, people, MirrorRequest(SOURCE, FACTS, **wish)).tables  # type: ignore[arg-type]


def check(held: Site, matches: Matches) -> Tables:
    """The facts of a site, every pair compared with the reference, and the ways to read them with each other."""
    tables, allowed = facts(held, matches), truth(held, matches)
    assert not leaks(tables, allowed)
    assert not missed(tables, allowed)
    rows = flat(tables)
    assert len(rows) == len(allowed)
    for match in matches.matched[:9]:
        assert rows_for(tables, match.person) == {row for row in rows if row[1] == match.person}
    return tables


@pytest.mark.parametrize("part", range(2))
def test_every_pair_of_dense_sites_is_the_references(part: int) -> None:
    """Rules of every kind, group sets, denials, owners, leaders, what was not read; people twice or not at all."""
    for seed in range(part, 60, 2):
        held = dense_site(seed, unread=UNREAD_SHARES[seed % len(UNREAD_SHARES)], users=9, items=16)
        dice, everybody = Random(seed), tableau_people(columns_of(held)).matched
        some = dice.sample(everybody, dice.randrange(len(everybody) + 1))
        twins = [m._replace(person=f"{m.person}{n}") for m in some for n in range(dice.choice((1, 2)))]
        for matched in (everybody, tuple(twins)):
            check(held, Matches(matched))


@pytest.mark.parametrize("url", ["acme-europe", "acme-lab"])
def test_every_pair_of_acme_is_the_references(url: str) -> None:
    held = next(one for one in world_of(acme()).sites if one.content_url == url)
    people = tableau_people(columns_of(held))
    tables = check(held, people)
    assert sum(len(tables[name]) for name in OF_FACTS) < len(flat(tables)) / 2


def test_catalogs_with_one_place_get_the_same_sets_out_of_facts() -> None:
    for seed in range(20):
        held = dense_site(seed, users=8, items=14)
        tables = facts(held)
        sets, shown = sets_of(tables), {(row[1], row[2]) for row in flat(tables)}
        assert {(name, one.id) for one in items_of(tables) for each in one.viewers for name in sets[each]} == shown


def test_a_class_is_said_by_its_group_and_not_by_its_people() -> None:
    """A hundred people of one group: a row for the class, whoever of them comes or goes."""
    names = [f"user{number}" for number in range(100)]
    books = [workbook(f"w{number}", "p", "group:G +Read") for number in range(30)]
    held = site(
        project("p", None, "group:G +Read"),
        *books,
        users=[f"{name}:Viewer" for name in names],
        groups=[group("G", *names)],
    )
    tables = facts(held)
    assert len(tables["classes"]) == 4  # the group and the administrator; everybody on the site; the owner
    later = held.with_groups(group("G", *names[1:]))
    deltas = difference(tables, facts(later))
    assert {name: (len(delta.add), len(delta.remove)) for name, delta in deltas.items()} == {"members": (0, 1)}


def denying() -> Site:
    """A hundred people who may View thirty workbooks, but for a group of two and one more."""
    rules = (SIGHT, "group:Out -Read", "user:user7 -Read")
    return site(
        project("p"),
        *(workbook(f"w{number}", "p", *rules) for number in range(30)),
        users=[f"user{number}:Viewer" for number in range(100)],
        groups=[group("Out", "user1", "user2")],
    )


def test_whom_rules_deny_are_excepted_from_all_users_and_not_everybody_else_listed() -> None:
    held = denying()
    tables = check(held, tableau_people(columns_of(held)))
    out = {row[2] for row in tables["classes"] if row[3] == "1"}
    excepted = {circle: {row[2] for row in tables["members"] if row[1] == circle} for circle in out}
    assert sorted(map(sorted, excepted.values())) == [["user1", "user2"], ["user7"]]
    assert len(tables["members"]) <= 100 + 2 + 3 + 2  # All Users, the administrators twice at most, and those


def test_what_hangs_on_different_things_for_different_people_hangs_where_all_of_them_see() -> None:
    held = site(
        project("A", None, SIGHT),
        project("Secret", "A", "group:G +Read"),
        workbook("W", "Secret", SIGHT),
        workbook("V", "Secret", "group:G +Read"),
        users=["ann:Viewer", "bob:Viewer"],
        groups=[group("G", "bob")],
    )
    tables = facts(held)
    assert [entry.path for entry in browse(tables, "ann").entries] == ["", "A", "A/W"]
    assert [entry.path for entry in browse(tables, "bob").entries] == ["", "A", "A/Secret", "A/Secret/V", "A/W"]


def test_nobody_served_and_nothing_enforced() -> None:
    held = site(project("A", None), users=["ann:Unlicensed"])
    nobody = facts(held, Matches(tuple(m for m in tableau_people(columns_of(held)).matched if m.person == "ann")))
    assert not any(len(nobody[name]) for name in OF_FACTS)
    everybody = facts(held, enforced=False)
    assert {row[1:3] for row in flat(everybody)} == {
        (name, one) for name in ("adm", "ann") for one in ("site", "A")
    } | {(name, one) for name in held.users for one in ("site", "A")}


def test_numbers_of_classes_and_circles_fit_every_place_and_stay_the_same() -> None:
    held = dense_site(3, users=9, items=16)
    tables, later = facts(held), facts(held.with_users(User("zoe", "zoe", "Viewer")))
    for name in OF_FACTS:
        for row in tables[name]:
            named = zip(("source", "class", "id"), row, strict=False)
            assert all(0 <= int(value) < 1 << 53 for column, value in named if column in NUMBERS)
    assert len(set(tables["items"]) & set(later["items"])) > len(tables["items"]) * 0.8
    assert len(set(numbered([str(number) for number in range(50_000)]))) == 50_000


def test_after_each_of_80_changes_the_difference_leads_to_what_is_true() -> None:
    dice, held = Random(80), dense_site(11, users=8, items=20)
    before = facts(held)
    for _ in range(80):
        held = changed(held, dice)
        after = facts(held)
        rows = rows_in(before)
        for name, delta in difference(before, after).items():
            rows[name] = rows.get(name, frozenset()) - frozenset(delta.remove) | frozenset(delta.add)
        assert {name: table for name, table in rows.items() if table} == rows_in(after)
        assert not leaks(tables_of(rows), truth(held, tableau_people(columns_of(held))))
        before = after


# -- planted bugs -----------------------------------------------------------------------------------------------


def as_published(load: object, held: Site) -> Tables:
    """The facts of a copy of the house, by the text of what was published, as a join in a database has them."""
    columns = load("engine.convert").columns_of(held)  # type: ignore[operator]
    build, people = load("mirror.build"), load("mirror.match").tableau_people  # type: ignore[operator]
    tables = build.mirrored(columns, people(columns), build.MirrorRequest(SOURCE, FACTS)).tables
    return tables_of({name: frozenset(table) for name, table in tables.items()})


@pytest.mark.parametrize("bug", planted("facts"), ids=lambda bug: bug.name)
def test_a_planted_bug_of_facts_is_caught(bug: Patch) -> None:
    held = denying()
    with planted_in(bug) as load:
        told = leaks(as_published(load, held), truth(held, tableau_people(columns_of(held))))
        assert told or first_leak(lambda held: as_published(load, held)) is not None


def test_a_stale_membership_is_caught() -> None:
    """A difference that forgets one table, as a sink might."""
    held = site(
        project("p", None, "group:G +Read"), users=["ann:Viewer", "zoe:Viewer"], groups=[group("G", "ann", "zoe")]
    )
    later = held.with_groups(group("G", "ann"))
    allowed = truth(later, tableau_people(columns_of(later)))
    stale = {**facts(later), "members": facts(held)["members"]}
    assert {row[1] for row in leaks(stale, allowed)} == {"zoe"}
    assert not leaks(facts(later), allowed)
