"""Several sources as one roster: who is who, whose word counts, who is held; never a matter of the order of reading."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from people_site import site

from tabwarden.model.errors import SourceError
from tabwarden.plan.order import diff
from tabwarden.want.people.joiners_and_leavers import Known, KnownPerson, Standings, known_after, standings
from tabwarden.want.people.mapping import Condition, GroupMapping, MappedGroups, bare_group
from tabwarden.want.people.merged import merge
from tabwarden.want.people.nested import Nesting
from tabwarden.want.people.overrides import override_rows
from tabwarden.want.people.person import Given, Merged, Override, Precedence, SourceRank
from tabwarden.want.people.records import LEFT, RecordColumns, Records, StatusWords, fits, records
from tabwarden.want.people.wanted_people import PeoplePolicy, want_people
from tabwarden.want.provision import Policy, Tasks

FIELDS = ("name", "full_name", "email", "department", "title", "status")
COLUMNS = RecordColumns((("employee", "id"),), {each: each for each in FIELDS}, "groups")
WORDS = StatusWords(left=("left", "term*"))
HEAD = ("id", *FIELDS, "groups")


def told(source: str, *rows: str, words: StatusWords = WORDS) -> Records:
    """A source's rows as `id=1 name=jane department=Sales`; `_` stands for a space."""
    made = []
    for row in rows:
        cells = dict(pair.split("=", 1) for pair in row.split())
        made.append({head: cells.get(head, "").replace("_", " ") for head in HEAD})
    return records(made, COLUMNS, words, name=source, source=f"file `{source}`")


def ranks(*names: str, **more: bool) -> Precedence:
    """Ranks in this order; `hr=True` makes hr authoritative."""
    return Precedence(tuple(SourceRank(name, rank, more.get(name, False)) for rank, name in enumerate(names)))


def fields(merged: Merged, name: str) -> dict[str, str]:
    (person,) = (person for person in merged.people if person.name == name)
    return {each: field.value for each, field in person.fields.items()}


def held(merged: Merged | Standings) -> list[tuple[str, str]]:
    return [(one.person, one.reason) for one in merged.held]


def test_several_rows_of_one_person_are_merged_any_active_row_keeps_her_and_groups_add_up() -> None:
    rows = (
        "id=1 name=jane.old department=Ops groups=x status=left",
        "id=1 name=jane department=Sales groups=a;b",
        "id=1 department=Sales groups=b;c manager=m",
    )
    for order in (rows, rows[::-1]):
        (jane,) = merge([told("hr", *order)], ranks("hr")).people
        assert jane.name == "jane"
        assert (jane.value("department"), jane.fields["department"].overruled[0].value) == ("Sales", "Ops")
        assert [group.value for group in jane.groups] == ["a", "b", "c"]
        assert [given.value for given in jane.says] == ["active"]
        assert len(jane.rows) == 3
    gone = merge([told("hr", "id=1 name=jane department=a status=left", "id=1 department=b status=left")], ranks("hr"))
    assert [given.value for given in gone.people[0].says] == ["left"]


# -- who is who --------------------------------------------------------------------------------------------------


def test_rows_are_matched_by_key_then_by_name_then_by_mail() -> None:
    hr = told("hr", "id=1 name=jane full_name=Jane", "name=joe department=Sales", "name=zoë email=Z@x.example")
    ad = told("ad", "id=1 department=Ops", "name=JOE title=Boss", "email=z@X.example department=Art")
    merged = merge([hr, ad], ranks("hr", "ad"))
    assert [person.name for person in merged.people] == ["jane", "joe", "zoë"]
    assert fields(merged, "jane")["department"] == "Ops"
    assert fields(merged, "joe")["title"] == "Boss"
    assert fields(merged, "zoë")["department"] == "Art"
    assert merged.held == ()


def test_one_key_with_two_names_is_one_person_called_as_the_stronger_source_says() -> None:
    merged = merge([told("hr", "id=1 name=jane"), told("ad", "id=1 name=jdoe")], ranks("ad", "hr"))
    (jane,) = merged.people
    assert (jane.name, jane.fields["name"].overruled) == ("jdoe", (Given("jane", "hr", 1),))
    assert jane.told == "row 1 of ad and row 1 of hr"


def test_keys_of_two_kinds_are_never_compared() -> None:
    guid = replace(COLUMNS, keys=(("guid", "id"),))
    ad = records([{"id": "99", "name": "jane", **dict.fromkeys(HEAD[2:], "")}], guid, name="ad", source="ad")
    (jane,) = merge([told("hr", "id=1 name=jane"), ad], ranks("hr", "ad")).people
    assert jane.keys == (("employee", "1"), ("guid", "99"))


@pytest.mark.parametrize(
    ("rows", "other", "reason"),
    [
        (("id=1 name=jane", "id=1 name=joan"), (), "is in several rows of hr that differ in `name`, with one key: `1`"),
        (
            ("name=jane department=a", "name=JANE department=b"),
            (),
            "is in several rows of hr that differ in `department`, with one user name: `jane`",
        ),
        (
            ("name=jane email=m@x.example", "name=joan email=M@x.example"),
            (),
            "is in several rows of hr that differ in `name`, with one e-mail",
        ),
        (("id=1 name=jane",), ("id=2 name=jane",), "has one user name and several values of `employee`"),
        (
            ("name=jane email=m@x.example",),
            ("name=joan email=m@x.example",),
            "shares one e-mail with somebody of another",
        ),
    ],
    ids=["key", "name", "mail", "keys against", "mail of another"],
)
def test_rows_that_contradict_each_other_are_held(rows: tuple[str, ...], other: tuple[str, ...], reason: str) -> None:
    merged = merge([told("hr", *rows, "name=egon"), told("ad", *other)], ranks("hr", "ad"))
    assert [person.name for person in merged.people] == ["egon"]
    assert len(merged.held) == 2 or {one.person for one in merged.held} == {"jane"}
    assert all(reason in one.reason for one in merged.held)
    assert all(one.remedy for one in merged.held)


def test_who_touches_somebody_held_is_held_too() -> None:
    hr = told("hr", "id=1 name=jane email=m@x.example", "id=1 name=joan")
    ad = told("ad", "email=m@x.example department=Ops")
    assert merge([hr, ad], ranks("hr", "ad")).people == ()


def test_mail_may_be_left_out_of_the_matching() -> None:
    hr = told("hr", "name=jane email=shop@x.example", "name=joan email=shop@x.example")
    merged = merge([hr], replace(ranks("hr"), match=("key", "name")))
    assert [person.name for person in merged.people] == ["jane", "joan"]


def test_a_row_that_is_repeated_word_for_word_counts_once() -> None:
    (jane,) = merge([told("hr", "name=jane", "name=jane")], ranks("hr")).people
    assert jane.rows == (("hr", 1),)


def test_people_without_a_user_name_are_no_people_of_the_roster() -> None:
    merged = merge([told("hr", "id=1 department=Ops", "id=2 name=jane")], ranks("hr"))
    assert ([p.name for p in merged.people], len(merged.unnamed)) == (["jane"], 1)


# -- whose word counts -------------------------------------------------------------------------------------------


def test_ranks_decide_and_equal_ranks_go_by_name() -> None:
    sources = [told("b", "name=jane title=B"), told("a", "name=jane title=A"), told("c", "name=jane title=C")]
    equal = Precedence(tuple(SourceRank(name, 5) for name in "cba"))
    assert fields(merge(sources, equal), "jane")["title"] == "A"
    assert fields(merge(sources, ranks("c", "b", "a")), "jane")["title"] == "C"


def test_a_field_may_have_a_precedence_of_its_own_and_blank_says_nothing() -> None:
    sources = [told("hr", "name=jane title=A department=X"), told("ad", "name=jane title=B")]
    merged = merge(sources, replace(ranks("hr", "ad"), fields={"title": ("ad",), "department": ("ad",)}))
    assert (fields(merged, "jane")["title"], fields(merged, "jane")["department"]) == ("B", "X")


def test_groups_of_all_sources_are_taken_together() -> None:
    sources = [told("hr", "name=jane groups=a;b"), told("ad", "name=jane groups=B;c")]
    (jane,) = merge(sources, ranks("hr", "ad")).people
    assert jane.groups == (Given("a", "hr", 1), Given("b", "hr", 1), Given("c", "ad", 1))


def test_an_override_wins_and_what_it_overrules_can_be_seen() -> None:
    override = Override("JANE", {"department": "Art", "name": "jane.doe"}, groups=("x",), row=3)
    (jane,) = merge([told("hr", "name=jane department=Ops groups=a")], ranks("hr"), [override]).people
    field = jane.fields["department"]
    assert (jane.name, field.value, field.source, field.row) == ("jane.doe", "Art", "overrides", 3)
    assert field.overruled == (Given("Ops", "hr", 1),)
    assert jane.groups == (Given("x", "overrides", 3),)


@pytest.mark.parametrize("words", ["jane", "M@x.example", "employee:7"])
def test_an_override_names_a_person_by_name_mail_or_key(words: str) -> None:
    hr = told("hr", "id=7 name=jane email=m@x.example", "name=joe")
    merged = merge([hr], ranks("hr"), [Override(words, {"title": "Boss"})])
    assert fields(merged, "jane")["title"] == "Boss"
    assert "title" not in fields(merged, "joe")


def test_overrides_that_are_unclear_hold_the_person() -> None:
    hr = told("hr", "name=jane", "name=joe")
    twice = merge([hr], ranks("hr"), [Override("jane", {"title": "a"}, row=1), Override("jane", {"title": "b"}, row=2)])
    assert held(twice) == [("jane", "has several overrides: row 1 of overrides and row 2 of overrides")]
    taken = merge([hr], ranks("hr"), [Override("jane", {"name": "JOE"})])
    assert {name for name, _ in held(taken)} == {"JOE", "joe"}
    nobody = merge([hr], ranks("hr"), [Override("jame", {"title": "a"})])
    assert nobody.notes[0].endswith("`jame` fits nobody; take it out, or mend the name; near it: `jane`")


def test_overrides_from_rows() -> None:
    rows = [
        {"person": "jane", "Department": "Art", "status": "LEFT", "groups": "a; b", "key": "employee:7"},
        {"person": "", "Department": "Art", "status": "", "groups": "", "key": ""},
        {"person": "joe", "Department": "", "status": "gone", "groups": "", "key": ""},
        {"person": "joe", "Department": "", "status": "", "groups": "", "key": "", "Deparment": "x"},
    ]
    found = override_rows(rows, "overrides")
    assert found.overrides == (
        Override("jane", {"department": "Art", "status": LEFT}, (("employee", "7"),), ("a", "b"), 1, "overrides"),
    )
    assert [row.row for row in found.quarantined] == [2, 3, 4]


# -- rows --------------------------------------------------------------------------------------------------------


def test_numbers_and_truths_may_be_keys_and_statuses() -> None:
    columns = RecordColumns((("employee", "id"),), {"name": "name", "status": "enabled"})
    rows = [{"id": 7, "name": "jane", "enabled": False}, {"id": 8, "name": "joe", "enabled": True}]
    found = records(rows, columns, StatusWords(left=("false",)), name="ad", source="ad")
    assert [(record.keys, record.says) for record in found.records] == [
        ((("employee", "7"),), "left"),
        ((("employee", "8"),), "active"),
    ]


def test_rows_that_cannot_be_used_are_told() -> None:
    hr = told(
        "hr", "full_name=Nobody", "name=a_b", "name=jane status=perhaps", words=StatusWords(("left",), ("active",))
    )
    assert hr.records == ()
    assert [row.reason.partition(";")[0] for row in hr.quarantined] == [
        "is blank",
        "has white space inside (U+0020 SPACE)",
        "is a status that is neither in `active` nor in `left`",
    ]
    columns = RecordColumns((), {"name": "name", "site_role": "role"})
    rows = [{"name": "jane", "role": role} for role in ("ServerAdministrator", "Guest")]
    bad = records(rows, columns, name="hr", source="hr").quarantined
    assert ["administrators are made by hand" in row.reason for row in bad] == [True, False]


def test_a_missing_column_is_an_error_that_lists_what_is_there() -> None:
    with pytest.raises(SourceError, match=r"has no column `department`.*found: `name`"):
        records(
            [{"name": "jane"}], RecordColumns((), {"name": "name", "department": "department"}), name="h", source="h"
        )


@pytest.mark.parametrize(
    ("pattern", "text", "whether"),
    [
        ("Sales*", "sales north", True),
        ("Sales", "Sales North", False),
        ("?ales", "Sales", True),
        ("a[b]*", "a[b]c", True),
        ("ZOË", "zoe\u0308", True),
        ("*", "", True),
    ],
)
def test_patterns(pattern: str, text: str, whether: bool) -> None:
    assert fits(pattern, text) is whether


# -- mapping and nesting -----------------------------------------------------------------------------------------


def test_an_entry_applies_where_all_its_conditions_hold() -> None:
    mapping = GroupMapping(
        [
            MappedGroups(
                (Condition("department", ("Sales*",)), Condition("title", ("*head*", "Boss"))), ("Heads",), "Explorer"
            ),
            MappedGroups((Condition("department", ("Sales*",)),), ("Sales",), "Viewer"),
            MappedGroups((Condition("source", ("hr",)),), ("Staff",)),
        ]
    )
    people = merge([told("hr", "name=a department=Sales title=Boss", "name=b department=Sales")], ranks("hr")).people
    heads, others = (mapping.gives(person) for person in people)
    assert (set(heads.groups), heads.site_role and heads.site_role.what) == ({"heads", "sales", "staff"}, "Explorer")
    assert (set(others.groups), others.site_role and others.site_role.what) == ({"sales", "staff"}, "Viewer")
    assert others.groups["sales"].because == "department `Sales` (row 2 of hr)"


def test_nested_groups_end_where_a_cycle_closes() -> None:
    nesting = Nesting([("a", "B"), ("b", "c"), ("c", "a"), ("c", "D")])
    found = nesting.everything(["A"])
    assert {known: within.through for known, within in found.items()} == {"a": "", "b": "A", "c": "A", "d": "A"}


def test_a_group_is_called_many_ways() -> None:
    assert [bare_group(name) for name in (r"CORP\Sales", "CN=Sales,OU=x,DC=y", "Sales")] == ["Sales"] * 3
    mapping = GroupMapping(
        [MappedGroups((Condition("group", (r"corp\tab*",)),), ("T",))], Nesting([], {"tab-x": r"CORP\Tab-X"})
    )
    (jane,) = merge([told("hr", "name=jane groups=tab-x")], ranks("hr")).people
    assert set(mapping.gives(jane).groups) == {"t"}


# -- since the last good run -------------------------------------------------------------------------------------

JANE = KnownPerson("jane", (("employee", "1"),), "j@x.example", "", "Ops", "", ("g",), (("hr", 4), ("crm", 2)))


def compared(*rows: str, known: KnownPerson = JANE, hr: bool = True, refused: tuple[str, ...] = ()) -> Standings:
    precedence = ranks("hr", "crm", hr=hr)
    return standings(merge([told("hr", *rows)], precedence), Known((known,), "then"), precedence, refused)


def test_nobody_moved_who_is_as_before() -> None:
    (jane,) = compared("id=1 name=jane department=OPS groups=G").people
    assert (jane.word, jane.moved) == ("", "")


def test_a_mover_is_told_with_what_differs() -> None:
    (jane,) = compared("id=1 name=jane department=Art groups=h").people
    assert (jane.word, jane.moved) == ("mover", "department `Ops` is now `Art`, out of `g`, now in `h`")


def test_a_rename_is_known_by_the_key() -> None:
    (jane,) = compared("id=1 name=jane.doe department=Ops groups=g").people
    assert (jane.name, jane.was_called) == ("jane.doe", "jane")


def test_a_rename_without_a_key_is_known_by_the_mail() -> None:
    (jane,) = compared("name=jane.doe email=J@x.example", known=replace(JANE, keys=())).people
    assert jane.was_called == "jane"


def test_a_rehire_is_somebody_who_had_left() -> None:
    (jane,) = compared("id=1 name=jane", known=replace(JANE, left=True)).people
    assert (jane.word, jane.said) == ("rehire", "row 1 of hr, had left before")


def test_a_user_name_that_comes_back_with_another_key_is_held() -> None:
    found = compared("id=9 name=jane", known=replace(JANE, left=True))
    assert found.people == ()
    assert (
        "has the user name of somebody who left, perhaps another person: `employee` was 1, is 9" in found.held[0].reason
    )
    assert "`key: {employee: 1}`" in found.held[0].remedy
    assert found.untouched == (replace(JANE, left=True),)


def test_who_got_a_new_key_but_kept_name_and_mail_is_the_same() -> None:
    (jane,) = compared("id=9 name=jane email=j@x.example department=Ops groups=g").people
    assert jane.word == ""


def test_swapped_names_are_held() -> None:
    two = KnownPerson("joe", (("employee", "2"),), rows=(("hr", 5),))
    precedence = ranks("hr")
    merged = merge([told("hr", "id=1 name=joe", "id=2 name=jane")], precedence)
    found = standings(merged, Known((JANE, two), "then"), precedence)
    assert (found.people, {one.person for one in found.held}) == ((), {"jane", "joe"})


@pytest.mark.parametrize(("hr", "refused", "word"), [(True, (), "leaver"), (False, (), None), (True, ("hr",), None)])
def test_who_vanished(hr: bool, refused: tuple[str, ...], word: str | None) -> None:
    found = compared("id=2 name=joe", hr=hr, refused=refused)
    assert [one.word for one in found.people if one.name == "jane"] == ([word] if word else [])
    assert bool(found.held) == bool(refused)
    assert bool(found.notes) == (not hr)


def test_an_authoritative_source_says_who_left() -> None:
    precedence = ranks("crm", "hr", hr=True)
    sources = [told("hr", "name=a status=left", "name=b"), told("crm", "name=a", "name=b status=terminated")]
    found = standings(merge(sources, precedence), Known(), precedence)
    assert [(one.name, one.why_left) for one in found.people] == [("a", "left by row 1 of hr"), ("b", "")]


def test_what_the_next_run_knows() -> None:
    found = compared("id=1 name=jane department=Art", "id=2 name=joe")
    after = known_after(found, frozenset({"joe"}), "now")
    assert [(one.name, one.department, one.left) for one in after.people] == [("jane", "Art", False)]
    gone = known_after(compared("id=2 name=joe"), (), "now")
    assert [(one.name, one.left) for one in gone.people] == [("jane", True), ("joe", False)]


# -- never a matter of order -------------------------------------------------------------------------------------

WORD = st.sampled_from(["a", "b", "c", "A", "ä"])
CELL = st.sampled_from(["", "x", "y", "Z", "sales"])
ROW = st.fixed_dictionaries(
    {
        "id": st.sampled_from(["", "1", "2", "3"]),
        "name": WORD,
        "full_name": CELL,
        "email": st.sampled_from(["", "m@x", "n@x", "M@x"]),
        "department": CELL,
        "title": CELL,
        "status": st.sampled_from(["", "left"]),
        "groups": st.sampled_from(["", "g", "G;h", "h"]),
    }
)
SOURCES = st.lists(st.lists(ROW, max_size=4), min_size=1, max_size=4)
MAPPING = GroupMapping(
    [
        MappedGroups((Condition("department", ("s*",)),), ("Sales",)),
        MappedGroups((Condition("group", ("h",)),), ("Halls",), "Viewer"),
        MappedGroups((Condition("title", ("x", "y")),), ("Titles",)),
    ],
    Nesting([("g", "h")]),
)
NOW = site({"ada": "ServerAdministrator", "a": "Viewer", "b": "Unlicensed", "old": "Viewer"})


@settings(max_examples=150, deadline=None)
@given(SOURCES, st.data())
def test_the_order_of_sources_changes_neither_the_roster_nor_the_plan(
    lists: list[list[dict[str, str]]], data: st.DataObject
) -> None:
    sources = [records(rows, COLUMNS, WORDS, name=f"s{n}", source=f"s{n}") for n, rows in enumerate(lists)]
    levels = data.draw(st.lists(st.integers(1, 2), min_size=len(sources), max_size=len(sources)))
    order = Precedence(tuple(SourceRank(f"s{n}", levels[n], n == 0) for n in range(len(sources))), {"title": ("s1",)})
    known = Known(
        (KnownPerson("old", (("employee", "3"),), rows=(("s0", 1),)), KnownPerson("a", rows=(("s0", 2),))), "t"
    )
    overrides = [Override("b", {"department": "sales"}), Override("n@x", {"title": "y"})]

    def plan(read: list[Records], declared: Precedence) -> object:
        merged = merge(read, declared, overrides)
        found = standings(merged, known, declared)
        wanted, unsettled, _ = want_people(NOW, found, PeoplePolicy(MAPPING), Tasks(), Policy())
        changes = diff(NOW, wanted.site, wanted.why)
        return merged, found, changes, wanted.held, wanted.notes, known_after(found, unsettled, "now")

    first = plan(sources, order)
    for _ in range(3):
        shuffled = data.draw(st.permutations(sources))
        declared = replace(order, sources=tuple(data.draw(st.permutations(order.sources))))
        assert plan(shuffled, declared) == first


@settings(max_examples=100, deadline=None)
@given(SOURCES)
def test_every_row_is_of_one_person_or_held(lists: list[list[dict[str, str]]]) -> None:
    sources = [records(rows, COLUMNS, WORDS, name=f"s{n}", source=f"s{n}") for n, rows in enumerate(lists)]
    merged = merge(sources, ranks(*(f"s{n}" for n in range(len(sources)))))
    rows = [row for person in (*merged.people, *merged.unnamed) for row in person.rows]
    assert len(rows) == len(set(rows))
    names = [person.name.casefold() for person in merged.people]
    assert len(names) == len(set(names))
    for person in merged.people:
        for field in person.fields.values():
            assert (field.source, field.row) in person.rows
