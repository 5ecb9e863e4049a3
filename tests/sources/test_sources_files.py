"""Files as sources: written by DuckDB, openpyxl and by hand, read back whole, or refused."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import duckdb
import openpyxl
import pytest

from tabwarden.model.errors import SourceError
from tabwarden.sources import Reading
from tabwarden.sources.files import FileSource
from tabwarden.want.roster import Broken, Columns, clean

NAMES = [
    "o'brien@acme.com",
    "jane+test@acme.com",
    "r&d@acme.com",
    "doe,jane@acme.com",
    "jörg@acme.com",
    '"q"@acme.com',
]


def read(path: Path | str, **options: str) -> Reading:
    return FileSource.model_validate({"type": "file", "path": str(path), **options}).read()


def names(reading: Reading) -> list[object]:
    return [row["Email Address"] for row in reading.rows]


def refused(path: Path | str, **options: str) -> SourceError:
    with pytest.raises(SourceError) as told:
        read(path, **options)
    return told.value


@pytest.fixture
def table() -> duckdb.DuckDBPyConnection:
    connection = duckdb.connect()
    connection.execute('CREATE TABLE people ("id" VARCHAR, "Email Address" VARCHAR)')
    connection.executemany("INSERT INTO people VALUES (?, ?)", [[f"00{i}", name] for i, name in enumerate(NAMES)])
    return connection


@pytest.mark.parametrize(
    ("file", "copy"),
    [
        ("people.csv", "FORMAT csv, HEADER"),
        ("people.csv", "FORMAT csv, HEADER, DELIMITER ';', FORCE_QUOTE *"),
        ("people.tsv", "FORMAT csv, HEADER, DELIMITER '\t'"),
        ("people.jsonl", "FORMAT json"),
        ("people.ndjson", "FORMAT json"),
        ("people.parquet", "FORMAT parquet"),
    ],
)
def test_what_duckdb_writes_is_read_letter_by_letter(
    tmp_path: Path, table: duckdb.DuckDBPyConnection, file: str, copy: str
) -> None:
    path = tmp_path / file
    table.execute(f"COPY people TO '{path}' ({copy})")
    reading = read(path)
    assert names(reading) == NAMES
    assert [row["id"] for row in reading.rows] == [f"00{i}" for i in range(len(NAMES))]
    assert reading.source == f"file `{path}`"
    assert [person.name for person in clean(reading.rows, Columns(), "f").people] == NAMES


def test_as_of_is_when_the_oldest_file_was_written(tmp_path: Path) -> None:
    for day, name in enumerate("ab"):
        path = tmp_path / f"{name}.csv"
        path.write_text(f"Email Address\n{name}@acme.com\n")
        os.utime(path, (1_700_000_000 + day * 86_400,) * 2)
    reading = read(tmp_path / "*.csv")
    assert names(reading) == ["a@acme.com", "b@acme.com"]
    assert reading.as_of == "2023-11-14T22:13:20+00:00"


@pytest.mark.parametrize("suffix", ["jsonl", "parquet"])
def test_a_glob_reads_all_files_in_the_order_of_their_names(tmp_path: Path, suffix: str) -> None:
    with duckdb.connect() as connection:
        for name in ("2", "1", "10"):
            connection.execute(f"COPY (SELECT '{name}' AS \"Email Address\") TO '{tmp_path}/{name}.{suffix}'")
    assert names(read(tmp_path / f"*.{suffix}")) == ["1", "10", "2"]


@pytest.mark.parametrize("suffix", ["csv", "parquet"])
def test_a_name_with_brackets_is_a_file_and_no_pattern(tmp_path: Path, suffix: str) -> None:
    for name in ("list[1]", "list1"):
        with duckdb.connect() as connection:
            connection.execute(f"COPY (SELECT '{name}' AS \"Email Address\") TO '{tmp_path}/{name}.{suffix}'")
    assert names(read(tmp_path / f"list[1].{suffix}")) == ["list[1]"]


# --- CSV -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_csv_with_byte_order_mark_any_line_end_and_text_only(tmp_path: Path, end: str) -> None:
    path = tmp_path / "people.csv"
    lines = [
        "Email Address,id",
        "jane@acme.com,007",
        "true,1e5",
        "NULL,2024-01-01",
        "'joe',",
        "",
        "jim",
        "",
        ",",
        "",
    ]
    path.write_bytes(b"\xef\xbb\xbf" + end.join(lines).encode())
    rows = read(path).rows
    assert rows == [
        {"Email Address": "jane@acme.com", "id": "007"},
        {"Email Address": "true", "id": "1e5"},
        {"Email Address": "NULL", "id": "2024-01-01"},
        {"Email Address": "'joe'", "id": ""},
        {"Email Address": None, "id": None},
        {"Email Address": "jim", "id": None},
    ]


def test_csv_cells_may_hold_line_ends_and_odd_separators(tmp_path: Path) -> None:
    path = tmp_path / "people.csv"
    path.write_text('Email Address,note\na,"x\ny"\nb,u\u2028v\x85w\x0cz\nc,"say ""hi"", he"\n', encoding="utf-8")
    rows = read(path).rows
    assert [row["note"] for row in rows] == ["x\ny", "u\u2028v\x85w\x0cz", 'say "hi", he']


def test_a_csv_row_with_too_many_cells_is_put_aside_and_the_rest_goes_on(tmp_path: Path) -> None:
    path = tmp_path / "people.csv"
    path.write_text("name,Email Address\nA,a@acme.com\nDoe, Jane,jane@acme.com\nB,b@acme.com\n")
    reading = read(path)
    assert isinstance(reading.rows[1]["Email Address"], Broken)
    result = clean(reading.rows, Columns(), reading.source)
    assert [person.name for person in result.people] == ["a@acme.com", "b@acme.com"]
    (bad,) = result.quarantined
    assert (bad.row, bad.value) == (2, "Doe, Jane,jane@acme.com")
    assert "has 3 cells under 2 columns" in bad.reason


@pytest.mark.parametrize("broken", ['"cut off,1\nb,2\n', '"joe" x,1\n', 'a,"' + "x" * 200_000])
def test_a_csv_file_with_a_broken_quote_is_partial_however_much_was_good(tmp_path: Path, broken: str) -> None:
    path = tmp_path / "people.csv"
    path.write_text("Email Address,id\n" + "".join(f"user{i}@acme.com,{i}\n" for i in range(30_000)) + broken)
    error = refused(path)
    assert error.stop == "source-partial"
    assert "is broken at line 3000" in str(error)


@pytest.mark.parametrize(
    ("content", "told"),
    [
        ("Email Address\njörg@acme.com\n".encode("latin-1"), "is not UTF-8 (byte 0xF6 in line 2)"),
        ("Email Address\njane@acme.com\n".encode("utf-16-le"), "holds zero bytes"),
        (b"Email Address,b,b\n1,2,3\n", "several columns named `b`"),
    ],
)
def test_a_csv_file_that_cannot_be_understood_says_why(tmp_path: Path, content: bytes, told: str) -> None:
    path = tmp_path / "people.csv"
    path.write_bytes(content)
    error = refused(path)
    assert error.stop == "source-unreadable"
    assert told in str(error)


def test_the_delimiter_can_be_named(tmp_path: Path) -> None:
    path = tmp_path / "people.dat"
    path.write_text("Email Address#id,x;y\njane@acme.com#1\n")
    assert names(read(path, format="csv", delimiter="#")) == ["jane@acme.com"]
    assert "`delimiter`" in str(refused(path, format="csv", delimiter="##"))


# --- JSON Lines ----------------------------------------------------------------------------------------------


def test_json_lines_keep_types_gaps_and_byte_order_mark(tmp_path: Path) -> None:
    path = tmp_path / "people.jsonl"
    path.write_text(
        '\ufeff{"Email Address": "a\u2028b"}\n\n{"Email Address": 7}\r\n{"other": null}\n', encoding="utf-8"
    )
    assert read(path).rows == [{"Email Address": "a\u2028b"}, {"Email Address": 7}, {"other": None}]


@pytest.mark.parametrize("last", ['{"Email Address": "ja', "[1]", "{'a': 1}", "[" * 100_000])
def test_json_lines_that_break_off_are_partial(tmp_path: Path, last: str) -> None:
    path = tmp_path / "people.jsonl"
    path.write_text('{"Email Address": "jane@acme.com"}\n' + last)
    error = refused(path)
    assert error.stop == "source-partial"
    assert "line 2" in str(error)


def test_a_json_list_of_objects_is_read_and_one_that_breaks_off_is_partial(tmp_path: Path) -> None:
    path = tmp_path / "people.json"
    path.write_text('[\n {"Email Address": "jane@acme.com"},\n {"Email Address": 7}\n]\n', encoding="utf-16")
    assert read(path).rows == [{"Email Address": "jane@acme.com"}, {"Email Address": 7}]
    path.write_text('[\n {"Email Address": "jane@acme.com"},\n {"Email')
    error = refused(path)
    assert (error.stop, "broken at line 3" in str(error)) == ("source-partial", True)
    path.write_text('[{"Email Address": "jane@acme.com"}, "joe@acme.com"]')
    assert "as item 2, which is no JSON object" in str(refused(path))
    path.write_text("[]")
    assert refused(path).stop == "source-empty"


@pytest.mark.parametrize(
    ("name", "content", "told"),
    [
        ("people.csv", b"PK\x03\x04\x14\x00 and so on", "is an Excel workbook or a packed file; set `format: xlsx`"),
        ("people.csv", b"\xd0\xcf\x11\xe0\xa1\xb1", "is an old Excel workbook, or one with a password"),
        ("people.xlsx", b"\xd0\xcf\x11\xe0\xa1\xb1", "is an old Excel workbook, or one with a password"),
        ("people.csv", b"\x1f\x8b\x08\x00", "is packed by gzip; unpack it first"),
        ("people.jsonl", b"\n<!DOCTYPE html><html>", "is a web page, perhaps of a sign-in"),
        ("people.xlsx", b"<html><body>", "is a web page, perhaps of a sign-in"),
        ("people.xlsx", b"Email Address\njane\n", "set `format: csv` if it is text"),
    ],
)
def test_a_file_that_is_something_else_than_its_name_says_is_told(
    tmp_path: Path, name: str, content: bytes, told: str
) -> None:
    path = tmp_path / name
    path.write_bytes(content)
    error = refused(path)
    assert (error.stop, told in str(error)) == ("source-unreadable", True)


def test_a_line_parted_otherwise_than_the_heading_is_put_aside(tmp_path: Path) -> None:
    path = tmp_path / "people.csv"
    path.write_text("Email Address;Name\njane@acme.com,Jane\ndoe,jane@acme.com;Jane\njoe\n")
    result = clean(read(path).rows, Columns(), "f")
    assert [person.name for person in result.people] == ["doe,jane@acme.com", "joe"]
    assert [bad.reason for bad in result.quarantined] == ["is parted by `,` and the heading by `;`; write both alike"]


# --- Parquet -------------------------------------------------------------------------------------------------


def test_a_parquet_file_damaged_inside_is_partial_and_one_without_its_end_unreadable(tmp_path: Path) -> None:
    path = tmp_path / "people.parquet"
    with duckdb.connect() as connection:
        query = "SELECT 'user' || i || '@acme.com' AS \"Email Address\" FROM range(20000) t(i)"
        connection.execute(f"COPY ({query}) TO '{path}'")
    assert len(read(path).rows) == 20_000
    whole = path.read_bytes()
    path.write_bytes(whole[:1000] + bytes(500) + whole[1500:])
    assert refused(path).stop == "source-partial"
    path.write_bytes(whole[:-100])
    assert refused(path).stop == "source-unreadable"


# --- Excel ---------------------------------------------------------------------------------------------------


def workbook(path: Path, *rows: list[object], sheet: str = "People", more: str = "") -> Path:
    book = openpyxl.Workbook()
    assert book.active is not None
    book.active.title = sheet
    for row in rows:
        book.active.append(row)
    if more:
        book.create_sheet(more).append(["Email Address"])
    book.save(path)
    return path


def test_excel_cells_keep_their_types(tmp_path: Path) -> None:
    rows: list[list[object]] = [
        ["id", " Email Address", None],
        *([f"00{i}", name] for i, name in enumerate(NAMES)),
    ]
    path = workbook(tmp_path / "people.xlsx", *rows, [7, 42], ["x", "#N/A"], [None, None], ["y", "z@acme.com"], [None])
    reading = read(path)
    assert names(reading)[: len(NAMES)] == NAMES
    assert reading.rows[0]["id"] == "000"
    result = clean(reading.rows, Columns(), "f")
    assert [person.name for person in result.people] == [*NAMES, "z@acme.com"]
    assert [bad.reason.partition(";")[0] for bad in result.quarantined] == [
        "is of type int, not text",
        "is an error of a spreadsheet",
        "is empty (null)",
    ]


def test_of_several_sheets_the_first_is_read_with_a_warning(tmp_path: Path) -> None:
    path = workbook(tmp_path / "people.xlsx", ["Email Address"], ["jane"], more="Notes")
    (warning,) = read(path).warnings
    assert "has the sheets `People`, `Notes`; the first is read" in warning
    assert read(path, sheet="People").warnings == []
    assert names(read(path, sheet="people")) == ["jane"]
    assert "no sheet `persons`; set `sheet` to one of `People`, `Notes`" in str(refused(path, sheet="persons"))
    assert "; set `sheet` to one of `People`, `Notes`" in str(refused(path, column="Login"))
    assert names(read(path, sheet="People")) == ["jane"]
    assert refused(path, sheet="Notes").stop == "source-empty"


def test_a_workbook_that_is_none_is_unreadable(tmp_path: Path) -> None:
    path = tmp_path / "people.xlsx"
    path.write_bytes(b"PK\x03\x04 no zip at all")
    error = refused(path)
    assert error.stop == "source-unreadable"
    assert "is no .xlsx workbook" in str(error)


# --- all -----------------------------------------------------------------------------------------------------


def test_what_is_not_there_or_has_no_known_format_is_refused(tmp_path: Path) -> None:
    (tmp_path / "people.xls").write_bytes(b"")
    (tmp_path / "people.csv").write_text("Email Address\njane\n")
    assert "there is no file" in str(refused(tmp_path / "absent.csv"))
    assert "no file fits" in str(refused(tmp_path / "absent*.csv"))
    if os.sep == "/":
        assert "in which `/` parts folders here" in str(refused(r"C:\lists\people.csv"))
    assert "is a folder" in str(refused(tmp_path))
    assert "save as .xlsx first" in str(refused(tmp_path / "people.xls"))
    (tmp_path / "people").write_text("")
    assert "set `format` to one of csv, jsonl, parquet, xlsx" in str(refused(tmp_path / "people"))
    assert "download the list first" in str(refused("https://example.com/people.csv"))


def test_in_a_glob_an_empty_file_is_passed_over_unless_all_are_empty(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("Email Address\n")
    (tmp_path / "b.csv").write_text("")
    assert refused(tmp_path / "*.csv").stop == "source-empty"
    (tmp_path / "c.csv").write_text("Email Address\njane\n")
    assert names(read(tmp_path / "*.csv")) == ["jane"]


@pytest.mark.parametrize(("module", "file"), [("duckdb", "people.parquet"), ("openpyxl", "people.xlsx")])
def test_a_missing_extra_is_named(tmp_path: Path, module: str, file: str) -> None:
    path = tmp_path / file
    path.write_bytes(b"")
    program = (
        f"import sys; sys.modules[{module!r}] = None\n"
        "from tabwarden.sources.files import FileSource\n"
        f"FileSource(type='file', path={str(path)!r}).read()"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert '-m pip install "duckdb>=' in done.stderr
