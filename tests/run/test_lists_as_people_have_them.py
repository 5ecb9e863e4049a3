"""Lists as Excel, Tableau's own import and people leave them: who is taken, what is put aside and why.

Every case is a real file, planned by the settings that name it against the sandbox.
"""

from __future__ import annotations

import io
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import openpyxl
import pytest
from provisioning import Bench, bench

from tabwarden.plan.plan import Plan

MIA, NOA = "mia@corp.example", "noa@corp.example"
BOTH = (MIA, NOA)


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bench]:
    with bench(tmp_path_factory.mktemp("lists")) as running:
        yield running


def planned(site: Bench, content: bytes, **options: Any) -> Plan:
    site.file("joiners", content, options.pop("name", "list.csv"), **options)
    return site.plan()


def sheet(*rows: list[object]) -> bytes:
    book, file = openpyxl.Workbook(), io.BytesIO()
    assert book.active is not None
    for row in rows:
        book.active.append(row)
    book.save(file)
    return file.getvalue()


IMPORT = f"{MIA},Hush-55,Mia Ito,Viewer,None,false,{MIA},\n{NOA},,Noa Rey,Creator,Site,true,{NOA},\n".encode()

TAKEN: dict[str, tuple[bytes, dict[str, Any], tuple[str, ...]]] = {
    "byte order mark, semicolons, CRLF": (f"\ufeffEmail Address;Team\r\n{MIA};A\r\n{NOA};B\r\n".encode(), {}, BOTH),
    "UTF-16 with tabs": (f"Email Address\tTeam\n{MIA}\tA\n{NOA}\tB\n".encode("utf-16"), {}, BOTH),
    "UTF-16 by name": (f"Email Address\n{MIA}\n{NOA}\n".encode("utf-16-le"), {"encoding": "utf-16-le"}, BOTH),
    "windows-1252": (f"Email Address,Name\n{MIA},Jürgen\n".encode("cp1252"), {"encoding": "windows-1252"}, (MIA,)),
    "two empty headings": (f"Email Address,Name,,\n{MIA},Mia,,\n{NOA},Noa,,\n,,,\n,,,\n".encode(), {}, BOTH),
    "an index without a heading": (f",Email Address\n0,{MIA}\n1,{NOA}\n".encode(), {}, BOTH),
    "more blank cells than headings": (f"Email Address,Name\n{MIA},Mia,,,\n{NOA},Noa\n".encode(), {}, BOTH),
    "sep=": (f"sep=;\r\nEmail Address;Team\r\n{MIA};A,B\r\n{NOA};C\r\n".encode(), {}, BOTH),
    "sep= in quotes": (f'"SEP=|"\nTeam|Email Address\nA;B,C|{MIA}\n'.encode(), {}, (MIA,)),
    "a title": (f"New people, week 12;;\n;;\nEmail Address;Name;Start\n{MIA};Mia;now\n".encode(), {}, (MIA,)),
    "a title, by its line": (f"Week,12\nEmail Address,Name\n{MIA},Mia\n".encode(), {"header": 2}, (MIA,)),
    "positions": (f"{MIA}\n{NOA}\n".encode(), {"header": False}, BOTH),
    "a position": (f"Mia,{MIA}\nNoa,{NOA}\n".encode(), {"header": False, "column": 2}, BOTH),
    "Tableau's import": (IMPORT, {"header": "tableau"}, BOTH),
    "no-break spaces around": (f"Email Address\n\xa0{MIA}\xa0\n{NOA}\u2003\n".encode(), {}, BOTH),
    "a sheet with a title": (
        sheet(["Week 12"], [], ["Name", "Email Address"], ["Mia", MIA]),
        {"name": "a.xlsx"},
        (MIA,),
    ),
    "a sheet without heading": (sheet([MIA, 1], [NOA, 2]), {"name": "b.xlsx", "header": False}, BOTH),
}


@pytest.mark.parametrize("case", TAKEN)
def test_a_list_is_read_as_it_is(site: Bench, case: str) -> None:
    content, options, names = TAKEN[case]
    plan = planned(site, content, **dict(options))
    assert plan.stops == ()
    assert plan.refused == ()
    assert plan.impact.join == names


REFUSED: dict[str, tuple[bytes, dict[str, Any], tuple[str, ...]]] = {
    "no heading": (IMPORT, {}, ("no heading line", f"begins with `{MIA}`", "`header: no`", "`header: tableau`")),
    "a person named as the column": (f"{MIA}\n{NOA}\n".encode(), {"column": MIA}, ("no heading line",)),
    "no heading, short names": (
        b"mia,Hush-55,Mia Ito,Viewer,None,false,,\n", {}, ("no heading line", "begins with `mia`"),
    ),
    "another heading": (b"Login;Name\nmia;Mia\n", {}, ("found: `Login`, `Name`", "`header: no` if line 1")),
    "a title above another heading": (
        b"Week 12;;\n\nLogin;Name;X\nmia;Mia;y\n", {}, ("found: `Login`", "line 1 (`Week 12`) seems to be a title"),
    ),
    "a person above the heading": (f"{MIA},\nEmail Address,Name\n{NOA},N\n".encode(), {}, ("above the heading",)),
    "a second list above": (b"Login,Name\nmia,Mia\nEmail Address,Name\n", {}, ("above the heading", "`header: 3`")),
    "a wrong line": (b"Email Address\nmia\n", {"header": 9}, ("line 9", "is no heading")),
    "zero bytes": (f"Email Address\n{MIA}\n".encode("utf-16-le"), {}, ("zero bytes", "`encoding: utf-16-le`")),
    "windows-1252": ("Email Address\njörg\n".encode("cp1252"), {}, ("not UTF-8", "`encoding: windows-1252`")),
}  # fmt: skip


@pytest.mark.parametrize("case", REFUSED)
def test_a_list_that_is_not_clear_says_what_to_do(site: Bench, case: str) -> None:
    content, options, told = REFUSED[case]
    plan = planned(site, content, **options)
    (stop,) = plan.stops
    assert stop.id == "source-unreadable"
    assert [words for words in told if words not in stop.sentence] == []
    assert "Hush" not in str(plan)
    assert plan.changes == ()


def test_what_was_passed_over_is_told(site: Bench, caplog: pytest.LogCaptureFixture) -> None:
    planned(site, f"Week 12,,\n,Email Address,Name\n7,\u2003{MIA},Mia\n".encode())
    lines = [record.getMessage() for record in caplog.records if record.levelname == "WARNING"]
    assert [line for line in lines if "`Week 12`" in line and "taken for a title: the heading is line 2" in line]
    assert [line for line in lines if "no heading over column 1" in line]
    assert [line for line in lines if "no plain space" in line and line.endswith("row 1")]


def test_the_password_of_an_import_is_in_no_plan(site: Bench) -> None:
    plan = planned(site, IMPORT + f"{MIA},Hush-56,,,,,,,one cell too many\n".encode(), header="tableau")
    assert [row.reason for row in plan.refused if "9 cells under 8 columns" in row.reason]
    assert "Hush" not in str(plan)


# -- cells that are no name ------------------------------------------------------------------------------------

JUNK: dict[object, str] = {
    **dict.fromkeys(("null", "NULL", "N/A", "n.a.", "None", "(null)", "<null>", "nan", "\\N", "TBD", "true", "vacant"),
                    "where there is nobody"),
    **dict.fromkeys(("#N/A", "#REF!", "#NAME?", "#NV", "#BEZUG!", "########", "#DIV/0!"), "an error of a spreadsheet"),
    **dict.fromkeys(("-", "--", "?", "***", ".", "CORP\\-"), "no letter and no digit"),
    **dict.fromkeys(("=A2&B2", "=HYPERLINK(\"x\")"), "a formula"),
    **dict.fromkeys(("+mia", "-mia@corp.example"), "begins as a formula does"),
    **dict.fromkeys(("mailto:ada@corp.example", "SMTP:ada@corp.example", "i:0#.f|membership|ada@corp.example"),
                    "`mailto:`"),
    "Ada Lim <ada@corp.example>": "a name and an address",
    "<ada@corp.example>": "a name and an address",
    "CN=Ada Lim,OU=Staff,DC=corp": "a place in a directory",
    "ada;bob": "holds a `;`",
    "ada@corp.example;": "ends in `;`",
    "ada@corp.example,": "ends in `,`",
    "ada@corp.example.": "ends in `.`",
    ";ada@corp.example": "begins with `;`",
    "'ada": "begins with `'`",
    "'ada'": "stands in quotes",
    "@corp.example": "nobody before the @",
    "CORP\\@corp.example": "nobody before the @",
    "ada@": "nothing after the @",
    "CORP\\": "no name after the domain",
    "\\ada": "no domain before",
    "CORP\\\\ada": "more than one backslash",
    "CORP/ada": "holds a `/`",
    "ada lim": "white space inside (U+0020 SPACE)",
    "ada\xa0lim": "U+00A0 NO-BREAK SPACE",
    "ada.lim\u2011ito@corp.example": "U+2011 NON-BREAKING HYPHEN); write a plain `-`",
    "ada\u2013lim": "U+2013 EN DASH",
    "o\u2019lim": "write a plain `'`",
    "ada\uff20corp.example": "write a plain `@`",
    "1.23457E+11": "rounded",
    "2026-03-16": "is a date",
    "16.03.2026": "is a date",
    "email address": "the heading again",
}  # fmt: skip
GOOD = ("null@corp.example", "local\\null", "o'lim", "ada-lim", "ada+x@corp.example", "doe,ada@corp.example", "007",
        "jörg", "CORP\\jörg.x", "svc$", "_ada", "x#EXT#@corp.example", "nana", "李@corp.example")  # fmt: skip


def as_sql(folder: Path, cells: list[object]) -> dict[str, Any]:
    with sqlite3.connect(folder / "list.db") as connection:
        connection.execute('CREATE TABLE list ("Email Address")')
        connection.executemany("INSERT INTO list VALUES (?)", [(cell,) for cell in cells])
    connection.close()
    return {"type": "sql", "driver": "sqlite", "connect": {"database": str(folder / "list.db")}, "table": "list"}


def as_function(folder: Path, cells: list[object]) -> dict[str, Any]:
    rows = [{"Email Address": cell} for cell in cells]
    (folder / "junk_list.py").write_text(f"def rows(): return {rows!r}\n", encoding="utf-8")
    return {"type": "python", "function": "junk_list:rows"}


def as_sheet(folder: Path, cells: list[object]) -> dict[str, Any]:
    book = openpyxl.Workbook()
    assert book.active is not None
    for number, cell in enumerate(("Email Address", *cells), start=1):
        book.active.cell(number, 1, cell).data_type = "s"
    book.save(folder / "junk.xlsx")
    return {"type": "file", "path": str(folder / "junk.xlsx")}


def as_csv(folder: Path, cells: list[object]) -> dict[str, Any]:
    lines = ['"' + str(cell).replace('"', '""') + '"\n' for cell in ("Email Address", *cells)]
    (folder / "junk.csv").write_text("".join(lines), encoding="utf-8")
    return {"type": "file", "path": str(folder / "junk.csv")}


@pytest.mark.parametrize("kind", [as_csv, as_sheet, as_sql, as_function])
def test_a_cell_that_is_no_name_is_put_aside_whatever_the_source(site: Bench, kind: Any) -> None:
    cells = [*JUNK, *GOOD]
    site.more = {"sources": {"joiners": kind(site.folder, cells)}}
    try:
        plan = site.plan()
    finally:
        site.more = {}
    by_row = {row.row: row.reason for row in plan.refused}
    reasons = {cell: by_row.get(number, "taken") for number, cell in enumerate(cells, start=1)}
    assert {c: r for c, r in reasons.items() if JUNK.get(c, "taken") not in r} == {}
    assert len(plan.impact.join) + len(plan.held) == len(GOOD)
