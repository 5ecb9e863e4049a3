"""First and last days: nobody joins before, leaves before or stays after; several rows of one person.

Days are counted from today, so that the present is the machine's own; what a moment more or less does is asked of
`Calendar`.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import openpyxl
import pytest
from provisioning import bench, world
from several_sources import Several, several

from tabwarden.sources import Dates
from tabwarden.want.days import NOT_YET, OVER, WITHIN
from tabwarden.want.roster import Columns, clean

ROLES = {"ada": "ServerAdministrator", **dict.fromkeys(("una", "vic", "eve", "carl", "olga"), "Viewer")}
TODAY = datetime.now(UTC).date()


def day(count: int, form: str = "%Y-%m-%d") -> str:
    return (TODAY + timedelta(days=count)).strftime(form)


# -- what a day is ---------------------------------------------------------------------------------------------

NOON = "2026-06-15T12:00:00+00:00"
STAYS = [  # starts, ends, dates, what it is at noon (UTC) of 2026-06-15
    ("", "", {}, WITHIN),
    ("2026-06-15", "2026-06-15", {}, WITHIN),
    ("2026-06-16", "", {}, NOT_YET),
    ("", "2026-06-14", {}, OVER),
    ("2020-01-01", "9999-12-31", {}, WITHIN),
    ("9999-12-31", "", {}, NOT_YET),
    ("0001-01-01", "n/a", {}, WITHIN),
    (None, "-", {}, WITHIN),
    ("2026-06-15T13:00:00", "", {}, NOT_YET),
    ("2026-06-15 11:59", "", {}, WITHIN),
    ("2026-06-15T13:00:00+02:00", "", {}, WITHIN),
    ("", "2026-06-15T11:30:00Z", {}, OVER),
    ("", "2026-06-15T00:00:00Z", {}, WITHIN),
    ("", datetime(2026, 6, 15), {}, WITHIN),  # noqa: DTZ001 - as sheets and databases hand days over
    (date(2026, 6, 16), "", {}, NOT_YET),
    ("", "2026-06-15", {"zone": "+14:00"}, OVER),
    ("2026-06-16", "", {"zone": "Pacific/Kiritimati"}, WITHIN),
    ("", "2026-06-14", {"zone": "-12:00"}, OVER),
    ("15.06.2026", "16.6.2026", {"format": "DD.MM.YYYY"}, WITHIN),
    ("06/16/2026", "", {"format": "MM/DD/YYYY"}, NOT_YET),
    ("20260616", "", {"format": "YYYYMMDD"}, NOT_YET),
]
NO_DAYS = [
    ("16.06.2026", "", {}, "is no day as 2026-03-16; if days are written otherwise, say how in `dates`"),
    ("06/07/2026", "", {}, "is no day"),
    ("2026-13-01", "", {}, "is no day"),
    ("0000-00-00", "", {}, "is no day"),
    ("soon", "", {}, "is no day"),
    ("45366", "", {}, "is no day"),
    (45366, "", {}, "is of type int, not a date"),
    ("2026-06-15", "", {"format": "DD.MM.YYYY"}, "is no day as DD.MM.YYYY"),
    ("#N/A", "", {}, "is an error of a spreadsheet"),
    ("2026-06-15", "2026-06-14", {}, "ends before it starts"),
]


@pytest.mark.parametrize(("starts", "ends", "dates", "word"), [*STAYS, *NO_DAYS])
def test_a_day_is_read_as_it_is_stated_or_refused(
    starts: object, ends: object, dates: dict[str, str], word: str
) -> None:
    rows = [{"name": "jane", "first": starts, "last": ends}]
    columns = Columns("name", starts="first", ends="last")
    roster = clean(rows, columns, "hr", calendar=Dates(**dates).calendar(NOON))
    by_word = {WITHIN: roster.people, OVER: roster.over, NOT_YET: roster.waiting}
    if word in by_word:
        assert {key: len(people) for key, people in by_word.items()} == {key: int(key == word) for key in by_word}
    else:
        (bad,) = roster.quarantined
        assert word in bad.reason
        assert bad.reason.startswith("(column `")


# -- several sources -------------------------------------------------------------------------------------------


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Several]:
    with several(tmp_path, world(ROLES, members=("vic",))) as opened:
        yield opened


HEAD = "id,login,status,starts,ends,department\n"


def people(desk: Several, rows: str, **more: object) -> None:
    """Rows of HR with days, whose `more` are keys of the source."""
    path = desk.folder / "staff.csv"
    path.write_text(HEAD + rows, encoding="utf-8")
    columns = {"key": "id", "name": "login", "department": "department", "status": "status"}
    days = {"starts": "starts", "ends": "ends"}
    source = {"name": "hr", "from": {"type": "file", "path": str(path)}, "columns": columns | days}
    desk.people["sources"] = [{**source, "left": ["Terminated"], "authoritative": True, **more}]


def test_days_decide_who_joins_and_who_leaves(desk: Several) -> None:
    rows = (
        f"1,vic,Active,2020-01-01,,\n2,eve,Active,2020-01-01,{day(-2)},\n3,carl,Terminated,2020-01-01,{day(40)},\n"
        f"4,new.hire,Active,{day(60)},,\n5,una,,2020-01-01,,\n6,olga,Leave of Absence,2020-01-01,,\n"
        f"7,gus,Pre-Hire,{day(40)},,\n8,max,Active,{day(-1)},{day(40)},\n"
    )
    people(desk, rows, active=["Active", "Leave*"])
    plan = desk.plan()
    assert plan.impact.join == ("max",)
    assert plan.impact.lose_licence == ("eve",)
    assert [(row.row, row.value) for row in plan.refused] == [(5, "")]
    assert "next change on " + day(40) + ": 1 join" in plan.notes
    assert [note for note in plan.notes if note.startswith("2 people have a day to come") and "`gus`" in note]
    people(desk, rows)
    assert desk.plan().refused == ()  # without `active` a blank status says nothing
    roster = {one.name: one.word for one in desk.show().standings.people}
    assert (roster["gus"], roster["carl"], roster["eve"]) == ("waiting", "joiner", "leaver")


def test_whoever_waits_stays_as_the_last_run_left_him(desk: Several) -> None:
    people(desk, "1,vic,Active,,,Sales\n2,eve,Active,,,\n")
    assert desk.run().succeeded
    people(desk, f"1,vic,Terminated,{day(9)},,Sales\n2,eve,Active,{day(9)},,\n")
    applied = desk.run()
    assert applied.plan.impact.lose_licence == ("vic",)
    assert "eve" not in str(applied.plan.changes)
    people(desk, "2,eve,Active,,,\n")
    assert desk.plan().changes == ()


def test_a_last_day_in_a_list_of_leavers_is_lived_to_its_end(desk: Several) -> None:
    desk.tell("hr", [{"id": "1", "login": "vic", "department": "Sales"}])
    gone = desk.folder / "gone.csv"
    gone.write_text(f"who,last\nvic,{day(3)}\nnobody,{day(5)}\neve,{day(-3)}\ncarl,\n", encoding="utf-8")
    source = {"name": "gone", "from": {"type": "file", "path": str(gone)}, "columns": {"name": "who", "ends": "last"}}
    desk.people["sources"].append({**source, "all_left": True})
    plan = desk.plan()
    assert plan.impact.lose_licence == ("eve", "carl") or plan.impact.lose_licence == ("carl", "eve")
    assert plan.impact.join == ()
    assert "vic" in str([change for change in plan.changes if change.of_group and change.of_group.name == "Sales"])
    assert f"next change on {day(4)}: 1 leave" in plan.notes


def test_several_rows_of_one_person_are_merged_or_held(desk: Several) -> None:
    rows = [
        {"id": "1", "login": "vic", "department": "Sales", "status": "left"},
        {"id": "1", "login": "vic", "department": "Finance", "groups": "a"},
        {"id": "1", "login": "vic", "department": "Finance", "groups": "b"},
        {"id": "2", "login": "eve", "department": "Sales"},
        {"id": "2", "login": "eve", "department": "Finance"},
    ]
    desk.tell("hr", rows)
    desk.people["mapping"].append({"when": {"group": "b"}, "groups": ["Choir"]})
    plan = desk.plan()
    assert {c.of_group.name for c in plan.changes if c.of_group and c.person == "vic"} == {"Finance", "Choir"}
    assert [(one.person, "differ in `department`" in one.reason) for one in plan.held] == [("eve", True)]


# -- joiners and leavers ---------------------------------------------------------------------------------------


def test_lists_of_joiners_and_leavers_have_days_too(tmp_path: Path) -> None:
    with bench(tmp_path, world(ROLES, members=("vic", "olga"))) as desk:
        book = openpyxl.Workbook()
        assert book.active is not None
        book.active.append(["Login", "First", "Last"])
        for name, first, last in (("new.one", -1, 20), ("new.two", 8, None), ("vic", -90, -1), ("olga", -90, 0)):
            ends = None if last is None else TODAY + timedelta(days=last)
            book.active.append([name, TODAY + timedelta(days=first), ends])
        book.save(tmp_path / "in.xlsx")
        desk.file(
            "joiners",
            (tmp_path / "in.xlsx").read_bytes(),
            "in.xlsx",
            column={"name": "Login", "starts": "First", "ends": "Last"},
        )
        form = "%d.%m.%Y"
        lines = f"Login;Until\neve;{day(-2, form)}\ncarl;{day(3, form)}\nuna;\nEVE;{day(2, form)}\n"
        column = {"name": "Login", "ends": "Until"}
        desk.file("leavers", lines.encode(), "out.csv", column=column, dates={"format": "DD.MM.YYYY"})
        plan = desk.plan()
        assert plan.impact.join == ("new.one",)
        assert set(plan.impact.lose_licence) == {"vic", "una"}
        assert [c.because for c in plan.changes if c.person == "vic"][-1].endswith("whose last day has passed")
        assert [note for note in plan.notes if note == "1 joiner has not started yet: `new.two`"]
        assert [note for note in plan.notes if note.startswith("2 leavers have not left yet")]
        assert f"next change on {day(1)}: 1 leave" in plan.notes
        assert [row.reason for row in plan.refused if "duplicate" in row.reason or "other letter case" in row.reason]
