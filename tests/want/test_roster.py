"""The roster: what is kept, what is put in quarantine, and that no bad row stops the others."""

from __future__ import annotations

import unicodedata
from datetime import date, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tabwarden.model.errors import SourceError
from tabwarden.model.names import same
from tabwarden.want.roster import ONLY_COLUMN, Broken, Columns, Person, Quarantined, Roster, clean, latest, shown

COLUMNS = Columns()


def roster(*values: object, require_email: bool = False) -> Roster:
    rows = [{"Email Address": value} for value in values]
    return clean(rows, COLUMNS, "the list", require_email=require_email)


def reason(value: object, *, require_email: bool = False) -> str:
    """Why this value is not used, between two good ones that are."""
    result = roster("first@acme.com", value, "last@acme.com", require_email=require_email)
    assert [person.name for person in result.people] == ["first@acme.com", "last@acme.com"]
    assert [person.row for person in result.people] == [1, 3]
    assert result.count == 3
    (bad,) = result.quarantined
    assert bad.row == 2
    assert bad.value.isprintable()
    return bad.reason


@pytest.mark.parametrize(
    ("value", "told"),
    [
        (None, "is empty (null)"),
        ("", "is blank"),
        ("   ", "is blank"),
        ("\u00a0\t\u2003", "is blank"),
        (42, "is of type int, not text"),
        (float("nan"), "is of type float, not text"),
        (True, "is of type bool, not text"),
        (b"jane@acme.com", "is of type bytes, not text"),
        (["jane@acme.com"], "is of type list, not text"),
        ("jane\x00@acme.com", "U+0000"),
        ("jane\u200b@acme.com", "U+200B ZERO WIDTH SPACE"),
        ("ja\u00adne@acme.com", "U+00AD SOFT HYPHEN"),
        ("jane doe@acme.com", "white space inside"),
        ("jane\u00a0doe@acme.com", "white space inside"),
        ("jane\ndoe@acme.com", "U+000A"),
        ("jane@acme.com;joe@acme.com", "more than one @"),
        ("#jane@acme.com", "begins with `#`"),
        ("ｊane@acme.com", "U+FF4A FULLWIDTH LATIN SMALL LETTER J); write a plain `j`"),
        ("o\ufb03ce@acme.com", "write a plain `ffi`"),
        ("j\u0430ne@acme.com", "U+0430 CYRILLIC SMALL LETTER A) among letters of another alphabet"),
        ("x" * 256, "has 256 characters; Tableau takes at most 255"),
        ("first@acme.com", "is a duplicate of row 1"),
        ("FIRST@Acme.com", "`first@acme.com` of row 1 in other letter case"),
        (Broken("a,b,c", "has 3 cells under 2 columns"), "has 3 cells under 2 columns"),
    ],
)
def test_a_bad_row_is_put_aside_and_the_rest_goes_on(value: object, told: str) -> None:
    assert told in reason(value)


@pytest.mark.parametrize("value", ["jane", "jane@acme", "jane@acme..com", "jane@.com"])
def test_the_shape_of_an_address_counts_only_where_the_site_wants_addresses(value: str) -> None:
    assert roster(value).people[0].name == value
    assert "is not an e-mail address" in reason(value, require_email=True)


@pytest.mark.parametrize(
    "name",
    [
        "o'brien@acme.com",
        "jane+test@acme.com",
        "r&d@acme.com",
        "doe,jane@acme.com",
        "jörg@bücher.example",
        "李@acme.com",
        "иванов@acme.com",
        "ποιητής2@acme.com",
    ],
)
def test_unusual_names_survive(name: str) -> None:
    result = roster(name, require_email=True)
    assert [person.name for person in result.people] == [name]
    assert not result.quarantined


@pytest.mark.parametrize("margin", [" ", "\u00a0", "\t", "\r\n", "\u3000"])
def test_white_space_around_a_name_is_taken_off(margin: str) -> None:
    assert roster(f"{margin}jane@acme.com{margin}").people[0].name == "jane@acme.com"


@pytest.mark.parametrize("mark", ["\ufeff", "\u200b", "\u202a", "\u2060"])
@pytest.mark.parametrize("name", ["{}jane@acme.com", "jane@acme.com{}"])
def test_a_mark_nobody_sees_is_told_and_never_taken_off(name: str, mark: str) -> None:
    result = roster(name.format(mark))
    assert (result.people, [bad.row for bad in result.quarantined]) == ((), [1])
    assert f"U+{ord(mark):04X}" in result.quarantined[0].reason


def test_names_are_normalised_so_that_two_spellings_of_one_letter_are_one_name() -> None:
    composed, decomposed = "jose\u0301@acme.com", "jos\u00e9@acme.com"
    result = roster(composed, decomposed, decomposed.upper())
    assert [person.name for person in result.people] == ["jos\u00e9@acme.com"]
    assert [bad.row for bad in result.quarantined] == [2, 3]
    assert "duplicate of row 1" in result.quarantined[0].reason


def test_the_longest_name_is_taken() -> None:
    assert len(roster("x" * 255).people) == 1


def test_a_quarantined_value_shows_what_cannot_be_seen() -> None:
    (bad,) = roster("jane\u00a0doe\u200b@acme.com").quarantined
    assert bad.value == "jane\\xa0doe\\u200b@acme.com"
    assert len(shown("x" * 1000)) == 80


def test_other_columns_are_read_where_they_are_mapped() -> None:
    columns = Columns("login", "full name", "mail", "auth")
    rows = [
        {"login": "jane", "Full Name": " Jane  Doe\u00a0", "mail": "jane@acme.com", "auth": "SAML", "salary": 1},
        {"login": "joe", "Full Name": None, "mail": "", "auth": None, "salary": 2},
        {"login": "jim", "Full Name": 7, "mail": "", "auth": None, "salary": 2},
        {"login": "jon", "Full Name": "Jon\x07", "mail": "", "auth": None, "salary": 2},
    ]
    result = clean(rows, columns, "hr", as_of="2026-11-21T06:00:00+00:00")
    assert result.people[0] == Person("jane", "Jane  Doe", "jane@acme.com", "SAML", 1, "hr")
    assert result.people[1] == Person("joe", "", "", "", 2, "hr")
    assert [bad.row for bad in result.quarantined] == [3, 4]
    assert "(column `Full Name`) is of type int" in result.quarantined[0].reason
    assert "U+0007" in result.quarantined[1].reason
    assert result.as_of == "2026-11-21T06:00:00+00:00"


@pytest.mark.parametrize(
    "heading", ["Email Address", "email address", "EMAILADDRESS", "\ufeffEmail  Address ", "Email\u00a0Address"]
)
def test_a_column_is_found_in_other_letter_case_and_white_space(heading: str) -> None:
    assert clean([{"id": "1", heading: "jane"}], COLUMNS, "hr").people[0].name == "jane"


def test_the_exact_column_wins_over_one_that_is_alike() -> None:
    row = {"email address": "wrong", "Email Address": "right"}
    assert clean([row], COLUMNS, "hr").people[0].name == "right"


def test_two_columns_that_are_alike_are_an_error() -> None:
    with pytest.raises(SourceError, match="could be `email address`, `EMAIL ADDRESS`; found: `id`"):
        clean([{"id": 1, "email address": "a", "EMAIL ADDRESS": "b"}], COLUMNS, "hr")


def test_every_missing_column_is_named_with_those_there_are() -> None:
    with pytest.raises(
        SourceError, match=r"hr has no column `Email Address`, `Title`; found: `id`, `mail\\xa0`"
    ) as told:
        clean([{"id": 1, "mail\u00a0": "a"}], Columns(full_name="Title"), "hr")
    assert told.value.stop == "source-unreadable"


def test_a_column_may_be_absent_from_some_rows() -> None:
    result = clean([{"Email Address": "jane"}, {"other": 1}, {"email address": "joe"}], COLUMNS, "hr")
    assert [person.name for person in result.people] == ["jane", "joe"]
    assert result.quarantined == (Quarantined(2, "", "is empty (null); give the user name or delete the row"),)


def test_bare_names_need_no_column() -> None:
    assert clean([{ONLY_COLUMN: "jane"}], Columns(name="login"), "hr").people[0].name == "jane"


def test_a_column_can_say_how_old_the_list_is() -> None:
    rows: list[dict[str, object]] = [
        {"Loaded At": "2026-11-20T23:30:00-02:00"},
        {"loaded at": datetime(2026, 11, 21, 1, 0)},  # noqa: DTZ001 - as most databases hand it over
        {"other": "2030-01-01", "Loaded At": "soon"},
        {"Loaded At": date(2026, 11, 21)},
        {"Loaded At": None},
    ]
    assert latest(rows, "LOADED AT", "hr") == "2026-11-21T01:30:00+00:00"
    with pytest.raises(SourceError, match="hr has no time in column `loaded`; found: `Loaded At`"):
        latest(rows[:1], "loaded", "hr")


def test_no_rows_are_an_empty_roster() -> None:
    assert clean([], COLUMNS, "hr") == Roster("hr")


@given(st.lists(st.one_of(st.none(), st.integers(), st.text(), st.binary(), st.text("aA \u00a0@ßS\u0301", max_size=4))))
def test_every_row_is_either_used_or_put_aside(values: list[object]) -> None:
    result = roster(*values)
    rows = [person.row for person in result.people] + [bad.row for bad in result.quarantined]
    assert sorted(rows) == list(range(1, len(values) + 1))
    names = [same(person.name) for person in result.people]
    assert len(set(names)) == len(names)
    for person in result.people:
        assert unicodedata.is_normalized("NFC", person.name)
        assert person.name.isprintable()
        assert not any(c.isspace() for c in person.name)
    again = roster(*(person.name for person in result.people))
    assert [person.name for person in again.people] == [person.name for person in result.people]
