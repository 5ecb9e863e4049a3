"""The mirror: who is matched to whom, what hangs where, which projects, what is off, and what a change writes."""

from __future__ import annotations

from dataclasses import replace
from random import Random

import pytest
from dense_sites import UNREAD_SHARES, dense_site
from mirror_disclosure import SOURCE, leaks, missed, rows_in, sql_sink, truth
from plain_mirror import plain_mirror
from small_site import group, project, rules, site, workbook

from tabwarden import sinks
from tabwarden.engine.convert import columns_of
from tabwarden.mirror.browse import browse
from tabwarden.mirror.build import MirrorRequest, mirrored
from tabwarden.mirror.items import items_of, sets_of
from tabwarden.mirror.match import Matches, Matching, match, tableau_people
from tabwarden.mirror.rows import COMPRESSED, FLAT, FORMS, NO
from tabwarden.mirror.tables import Tables, difference, flat, rows_for
from tabwarden.model.site import CUSTOMIZABLE, LOCKED, Content, Group, Site, User
from tabwarden.want.roster import Person

SIGHT = "group:All Users +Read"


def person(name: str, full_name: str = "", email: str = "") -> Person:
    return Person(name, full_name, email, "", 1, "catalog")


def users(*names: str, **more: str) -> Site:
    """A Site of users by `name` or `domain\\name`; their ids are the names."""
    made = []
    for name in names:
        domain, _, plain = name.rpartition("\\")
        made.append(User(name, plain, "Viewer", domain=domain or "local", **more))
    return Site(users={user.id: user for user in made}, groups={"All": Group("All", "All Users", everyone=True)})


def matched(people: list[Person], held: Site, **matching: object) -> dict[str, str]:
    found = match(people, columns_of(held), Matching(**matching))  # type: ignore[arg-type]
    return {each.person: each.user for each in found.matched}


def reason(name: str, held: Site, **matching: object) -> str:
    (found,) = match([person(name)], columns_of(held), Matching(**matching)).unmatched  # type: ignore[arg-type]
    return found.reason


# -- matching -------------------------------------------------------------------------------------------------


def test_the_documents_names_match_only_as_the_document_says() -> None:
    """jsmith is not john.smith; John.Smith is john.smith."""
    tableau = users("jsmith@company.com")
    assert matched([person("john.smith@company.com")], tableau) == {}
    assert matched([person("jsmith@company.com")], tableau) == {"jsmith@company.com": "jsmith@company.com"}
    tableau = users("john.smith@company.com")
    found = {"John.Smith@company.com": "john.smith@company.com"}
    assert matched([person("John.Smith@company.com")], tableau) == found
    assert matched([person("JOHN.SMITH@COMPANY.COM")], tableau) == {"JOHN.SMITH@COMPANY.COM": "john.smith@company.com"}


def test_who_does_not_match_is_told_with_the_likely_counterpart() -> None:
    tableau = users("jsmith@company.com", "ann@company.com")
    (john,) = match([person("john.smith@company.com")], columns_of(tableau)).unmatched
    assert john.likely == ("jsmith@company.com",)
    assert john.reason == "no Tableau user has this name"
    named = replace(tableau.users["ann@company.com"], full_name="Annette Kurtz")
    (other,) = match([person("x17", "Annette Kurtz")], columns_of(tableau.with_users(named))).unmatched
    assert other.likely == ("ann@company.com",)
    (typo,) = match([person("jsmiht@company.com")], columns_of(tableau)).unmatched
    assert typo.likely == ("jsmith@company.com",)
    (nobody,) = match([person("zoe@company.com")], columns_of(tableau)).unmatched
    assert nobody.likely == ()


def test_accents_are_compared_however_they_are_written() -> None:
    assert matched([person("rene\u0301")], users("RENÉ")) == {"rene\u0301": "RENÉ"}


def test_an_exception_goes_before_the_name() -> None:
    tableau = users("jsmith", "john.smith")
    exceptions = (("John.Smith", "jsmith"),)
    assert matched([person("john.smith")], tableau, exceptions=exceptions) == {"john.smith": "jsmith"}
    told = reason("john.smith", tableau, exceptions=(("john.smith", "gone"),))
    assert told == "its exception names `gone`, and no Tableau user has that name"


def test_a_name_on_two_domains_is_nobody_until_an_exception_says_which() -> None:
    tableau = users("corp\\ann", "labs\\ann")
    (ann,) = match([person("ann")], columns_of(tableau)).unmatched
    assert ann.reason.startswith("several Tableau users have this name")
    assert ann.likely == ("corp\\ann", "labs\\ann")
    assert matched([person("ann")], tableau, exceptions=(("ann", "labs\\ann"),)) == {"ann": "labs\\ann"}
    assert matched([person("corp\\ann")], tableau) == {"corp\\ann": "corp\\ann"}


def test_domains_that_do_not_count() -> None:
    tableau = users("ann", "bob@company.com", "eve@other.com")
    people = [person("ann@company.com"), person("CORP\\bob"), person("eve@company.com")]
    assert matched(people, tableau) == {}
    found = {"ann@company.com": "ann", "CORP\\bob": "bob@company.com"}
    assert matched(people, tableau, domains=("company.com", "corp")) == found


def test_a_domain_never_makes_two_people_one() -> None:
    tableau = users("ann@company.com")
    both = [person("ann@company.com"), person("ann@company.net")]
    domains = ("company.com", "company.net")
    assert matched(both, tableau, domains=domains) == {"ann@company.com": "ann@company.com"}
    strangers = [person("ann"), person("ann@company.net")]
    assert matched(strangers, tableau, domains=domains) == {}
    assert "so is `ann@company.net`" in match(strangers, columns_of(tableau), Matching(domains)).unmatched[0].reason
    several = users("ann@company.com", "ann@company.net")
    assert "several Tableau users" in reason("ann", several, domains=domains)


# -- what is shown --------------------------------------------------------------------------------------------


@pytest.fixture
def company() -> Site:
    """The document's own example: Public for all, Private for one group, John in it and Jane not."""
    return site(
        project("Public", None, SIGHT),
        project("Private", None, "group:Partners +Read"),
        workbook("Budget", "Private", "group:Partners +Read"),
        users=["John Smith:Viewer", "Jane Brown:Viewer", "Una:Unlicensed"],
        groups=[group("Partners", "John Smith")],
    )


def mirror(held: Site, form: str = COMPRESSED, matches: Matches | None = None, **wish: object) -> Tables:
    request = MirrorRequest(SOURCE, form, **wish)  # type: ignore[arg-type]
    columns = columns_of(held)
    return mirrored(columns, tableau_people(columns) if matches is None else matches, request).tables


def projects_of(tables: Tables, name: str) -> set[str]:
    return {entry.path for entry in browse(tables, name).entries if entry.kind == "project"}


@pytest.mark.parametrize("form", FORMS)
def test_jane_sees_one_project_and_john_two(company: Site, form: str) -> None:
    tables = mirror(company, form)
    assert projects_of(tables, "Jane Brown") == {"Public"}
    assert projects_of(tables, "john smith") == {"Public", "Private"}
    assert browse(tables, "Una").entries == ()
    assert browse(tables, "a stranger").entries == ()


@pytest.mark.parametrize(
    ("form", "join"),
    [
        (COMPRESSED, "tabwarden_content JOIN tabwarden_viewers USING (source, viewers)"),
        (FLAT, "tabwarden_access"),
    ],
)
def test_a_join_in_duckdb_shows_jane_one_project_and_john_two(company: Site, form: str, join: str, tmp_path) -> None:
    import duckdb

    path = str(tmp_path / "catalog.duckdb")
    sinks.publish(sql_sink("duckdb", {"database": path}), SOURCE, mirror(company, form))
    with duckdb.connect(path) as database:
        asked = f"SELECT name FROM {join} WHERE lower(person) = lower(?) AND kind = 'project' ORDER BY name"
        assert database.execute(asked, ["Jane Brown"]).fetchall() == [("Public",)]
        assert database.execute(asked, ["John Smith"]).fetchall() == [("Private",), ("Public",)]
        assert database.execute(asked, ["Una"]).fetchall() == []


def test_a_catalog_administrator_whom_tableau_does_not_know_sees_nothing(company: Site) -> None:
    found = match([person("Server Admin"), person("jane brown")], columns_of(company))
    tables = mirror(company, matches=found)
    assert browse(tables, "Server Admin").entries == ()
    assert projects_of(tables, "Jane Brown") == {"Public"}
    assert {row[1] for row in flat(tables)} == {"jane brown"}
    assert {row[1:4] for row in tables["people"]} == {("jane brown", "Jane Brown", "Jane Brown")}


def test_an_administrator_sees_everything_of_the_site_and_nobody_else_does(company: Site) -> None:
    tables = mirror(company)
    assert {entry.path for entry in browse(tables, "adm").entries} == {"", "Public", "Private", "Private/Budget"}


def test_sheets_follow_their_own_rules_when_tabs_are_hidden_and_hang_where_their_reader_sees() -> None:
    book = workbook("Book", "P", tabs=False)
    sheet = workbook("Sheet", "Book", SIGHT, kind="view")
    held = site(project("P", None), book, sheet, users=["ann:Viewer"])
    (seen,) = [entry for entry in browse(mirror(held), "ann").entries if entry.kind != "site"]
    assert (seen.name, seen.path, seen.parent) == ("Sheet", "Sheet", "site")
    told = {value for row in rows_for(mirror(held), "ann") for value in row}
    assert not told & {"Book", "P"}
    shown = held.with_contents(replace(book, tabs=True))
    assert browse(mirror(shown), "ann").entries[1:] == ()


def test_what_is_visible_below_what_is_not_hangs_on_the_nearest_visible_ancestor() -> None:
    held = site(
        project("A", None, SIGHT),
        project("Secret", "A"),
        project("C", "Secret", SIGHT),
        workbook("W", "C", SIGHT),
        users=["ann:Viewer"],
    )
    assert [entry.path for entry in browse(mirror(held), "ann").entries] == ["", "A", "A/C", "A/C/W"]
    assert [entry.path for entry in browse(mirror(held), "adm").entries][-1] == "A/Secret/C/W"


def test_unknown_is_not_visible_and_so_is_what_hangs_on_a_project_that_was_not_read() -> None:
    unread = workbook("U", None, rules=None)
    held = site(unread, workbook("W", "never read", SIGHT), users=["ann:Viewer"])
    assert [e.kind for e in browse(mirror(held), "ann").entries] == ["site"]
    assert {e.name for e in browse(mirror(held), "adm").entries} == {"Site", "U", "W"}


def test_a_selection_mirrors_a_project_and_all_below_it_and_names_no_other() -> None:
    held = site(
        project("A", None, SIGHT), project("B", "A", SIGHT), workbook("W", "B", SIGHT), project("C", None, SIGHT)
    )
    found = mirrored(
        columns_of(held), tableau_people(columns_of(held)), MirrorRequest(SOURCE, projects=("a/b", "Gone"))
    )
    assert tuple(found.missing) == ("Gone",)
    assert [e.path for e in browse(found.tables, "bob").entries] == ["", "B", "B/W"]
    assert not {row for row in flat(found.tables) if row[2] in "AC"}


@pytest.mark.parametrize("form", FORMS)
def test_switched_off_everybody_of_the_catalog_sees_everything_and_it_is_told(company: Site, form: str) -> None:
    found = match([person("jane brown"), person("a stranger")], columns_of(company))
    tables = mirror(company, form, found, enforced=False)
    for name in ("jane brown", "a stranger"):
        seen = browse(tables, name)
        assert {entry.path for entry in seen.entries} == {"", "Public", "Private", "Private/Budget"}
        assert seen.open_sources == (SOURCE,)
    (about,) = tables["sources"]
    assert about[-1] == NO
    assert browse(tables, "not of the catalog").entries == ()


def test_both_forms_say_the_same_and_catalogs_with_one_place_get_one_that_all_see() -> None:
    for seed in range(30):
        held = dense_site(seed, users=8, items=14)
        forms = [mirror(held, form) for form in FORMS]
        assert flat(forms[0]) == flat(forms[1])
        seen = {name: {row[2] for row in rows_for(forms[0], name)} for name in held.users}
        for tables in forms:
            sets = sets_of(tables)
            for item in items_of(tables):
                people = [name for viewers in item.viewers for name in sets[viewers]]
                assert sorted(people) == sorted(name for name, ids in seen.items() if item.id in ids)
                assert all(item.parent in seen[name] for name in people if item.parent)


@pytest.mark.parametrize("part", range(4))
def test_the_fast_way_makes_the_rows_of_the_plain_way_name_by_name(part: int) -> None:
    for seed in range(part, 100, 4):
        held = dense_site(seed, unread=UNREAD_SHARES[seed % len(UNREAD_SHARES)], users=9, items=16)
        dice = Random(seed)
        everybody = tableau_people(columns_of(held)).matched
        some = Matches(tuple(dice.sample(everybody, dice.randrange(len(everybody) + 1))))
        twins = Matches(
            tuple(m._replace(person=f"{m.person}{n}") for m in some.matched for n in range(dice.choice((1, 2))))
        )
        for matches in (Matches(everybody), some, twins):
            rows, plain = rows_in(mirror(held, matches=matches)), plain_mirror(held, matches, SOURCE)
            assert {name: rows.get(name, frozenset()) for name in plain} == plain, f"seed {seed}"


def test_owners_of_their_own_do_not_make_sets_of_everybody_anew() -> None:
    """Fifty workbooks of fifty people: the set of the group once, and a set of one for each owner outside of it."""
    names = [f"user{number}" for number in range(100)]
    books = [workbook(f"w{n}", "p", "group:G +Read", owner=name) for n, name in enumerate(names[:50])]
    held = site(project("p"), *books, users=[f"{name}:Creator" for name in names], groups=[group("G", *names[25:])])
    tables = mirror(held)
    sizes = sorted(len(people) for people in sets_of(tables).values())
    assert sizes[-2:] == [75, 102]  # the group, and everybody on the site
    assert set(sizes[:-2]) == {1}  # the administrator, and owners outside of the group
    assert not leaks(tables, truth(held, tableau_people(columns_of(held))))
    assert not missed(tables, truth(held, tableau_people(columns_of(held))))


def test_names_that_databases_refuse_are_replaced(company: Site) -> None:
    odd = replace(company.contents["Public"], name="a\ud800b\0c")
    names = {row[4] for row in mirror(company.with_contents(odd))["content"]}
    assert "a?b\ufffdc" in names


# -- a change -------------------------------------------------------------------------------------------------


def changed(held: Site, dice: Random) -> Site:
    """The Site after one change somebody may make in Tableau."""
    content = held.contents[dice.choice(sorted(held.contents))]
    user = held.users[dice.choice(sorted(held.users))]
    plain = [each for each in held.groups.values() if not each.everyone]
    what = dice.randrange(9)
    if what == 0:
        return held.with_users(replace(user, site_role=dice.choice(("Viewer", "Creator", "Unlicensed", "Explorer"))))
    if what == 1 and plain:
        one = dice.choice(plain)
        return held.with_groups(replace(one, members=(one.members or frozenset()) ^ {user.id}))
    if what == 2 and len(held.contents) > 5 and not held.children(content.id):
        return held.without_contents([content.id])
    if what == 3:
        new = f"n{dice.randrange(10**9)}"
        above = dice.choice([c.id for c in held.contents.values() if c.kind == "project"])
        words = f"user:{user.id} +Read"
        return held.with_contents(Content(new, "workbook", new, above, "adm", rules=rules(words, SIGHT)))
    if what == 4:
        return held.with_contents(replace(content, name=f"{content.name}'"))
    if what == 5:
        return held.with_contents(replace(content, mode=dice.choice((LOCKED, CUSTOMIZABLE)), tabs=not content.tabs))
    if what == 6 and content.kind == "workbook":
        return held.with_contents(replace(content, parent=dice.choice(["p0", None])))
    if what == 7:
        new = f"u{dice.randrange(10**9)}"
        return held.with_users(User(new, new, "Viewer"))
    words = f"{dice.choice(('user:' + user.id, 'group:All Users'))} {dice.choice('+-')}Read"
    return held.with_contents(replace(content, rules=rules(words)))


def test_after_each_of_500_changes_the_sink_equals_the_full_mirror_and_only_what_differs_is_written(tmp_path) -> None:
    dice, held = Random(500), dense_site(11, users=8, items=20)
    options = sql_sink("sqlite", {"database": str(tmp_path / "catalog.db")})
    written, rows, before = 0, 0, {}
    for number in range(500):
        tables = mirror(held, dice.choice(FORMS) if number % 50 == 0 else COMPRESSED)
        deltas = difference(before, tables)
        told = sinks.publish(options, SOURCE, tables)
        assert dict(told.added) == {table: len(delta.add) for table, delta in deltas.items() if len(delta.add)}
        assert dict(told.removed) == {table: len(delta.remove) for table, delta in deltas.items() if len(delta.remove)}
        lies_there = options.held(SOURCE)
        assert rows_in(lies_there) == rows_in(tables)
        if number % 25 == 0:
            allowed = truth(held, tableau_people(columns_of(held)))
            assert not leaks(lies_there, allowed)
            assert not missed(lies_there, allowed)
        if number:
            written += sum(told.added.values()) + sum(told.removed.values())
            rows += sum(map(len, tables.values()))
        before, held = tables, changed(held, dice)
    assert 0 < written < rows / 5


def test_a_set_keeps_its_name_when_people_come_and_go() -> None:
    held = site(*(workbook(f"w{n}", None, SIGHT) for n in range(50)), users=["ann:Viewer"])
    more = held.with_users(User("zoe", "zoe", "Viewer"))
    deltas = difference(mirror(held), mirror(more))
    assert {table: (len(d.add), len(d.remove)) for table, d in deltas.items()} == {"people": (1, 0), "viewers": (1, 0)}
