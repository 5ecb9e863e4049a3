"""Every source keeps one contract: the same three stops, rows with names, nothing secret in its options."""

from __future__ import annotations

import dataclasses
import sqlite3
from collections.abc import Callable
from datetime import datetime
from pathlib import Path

import pytest

from tabwarden.model.errors import SourceError
from tabwarden.sources import Source, files, members, python, read, sql
from tabwarden.want.roster import Columns, clean

Case = Callable[[Path, str], object]


def a_file(folder: Path, state: str) -> object:
    content = {"good": "jane\njoe\n", "empty": "", "partial": 'jane\n"joe'}
    path = folder / "people.csv"
    if state != "unreadable":
        path.write_text("Email Address\n" + content[state])
    return files.Options(str(path))


def a_database(folder: Path, state: str) -> object:
    path = folder / "people.db"
    if state != "unreadable":
        with sqlite3.connect(path) as connection:
            connection.execute("CREATE TABLE people (name TEXT, extra TEXT)")
            last = "{" if state == "partial" else "{}"
            rows = [] if state == "empty" else [("jane", "{}"), ("joe", last)]
            connection.executemany("INSERT INTO people VALUES (?, ?)", rows)
        connection.close()
    query = "SELECT name AS \"Email Address\", json_extract(extra, '$.a') AS extra FROM people"
    return sql.Options("sqlite", {"database": str(path)}, query=query)


def a_function(folder: Path, state: str) -> object:
    body = {
        "good": "return ['jane', 'joe']",
        "empty": "return []",
        "partial": "yield 'jane'; raise OSError('gone')",
        "unreadable": "raise OSError('gone')",
    }
    (folder / "contract_people.py").write_text(f"def people(): {body[state]}\n")
    return python.Options("contract_people:people", str(folder))


CASES: dict[str, Case] = {"file": a_file, "sql": a_database, "python": a_function}


def test_every_source_has_a_case_here() -> None:
    assert set(CASES) == set(members())


@pytest.mark.parametrize("name", sorted(members()))
class TestEverySource:
    def test_good(self, name: str, tmp_path: Path) -> None:
        reading = read(CASES[name](tmp_path, "good"))
        roster = clean(reading.rows, Columns(), reading.source, as_of=reading.as_of)
        assert [person.name for person in roster.people] == ["jane", "joe"]
        assert roster.count == 2
        assert all(isinstance(row, dict) and all(isinstance(key, str) for key in row) for row in reading.rows)
        assert reading.source
        assert reading.warnings == []
        assert reading.as_of is None or datetime.fromisoformat(reading.as_of).tzinfo is not None
        assert "jane" not in repr(reading)

    @pytest.mark.parametrize("state", ["unreadable", "empty", "partial"])
    def test_stops(self, name: str, state: str, tmp_path: Path) -> None:
        with pytest.raises(SourceError) as told:
            read(CASES[name](tmp_path, state))
        assert told.value.stop == f"source-{state}"
        message = str(told.value)
        assert message.isprintable()
        assert "`" in message
        assert not message.endswith(".")
        assert told.value.__suppress_context__ or told.value.__context__ is None

    def test_options_are_plain_frozen_values(self, name: str) -> None:
        source: Source = members()[name]
        assert name == source.TYPE
        assert dataclasses.is_dataclass(source.Options)
        assert source.Options.__dataclass_params__.frozen  # type: ignore[attr-defined]
        for field in dataclasses.fields(source.Options):
            assert field.type in ("str", "int", "Mapping[str, object]")
            assert field.repr or field.type == "Mapping[str, object]"


def test_options_of_no_source_are_a_mistake_of_ours() -> None:
    with pytest.raises(TypeError, match="no source has options of type int"):
        read(1)
