"""Every source keeps one contract: the same three stops, rows with names, nothing secret in its options."""

from __future__ import annotations

import dataclasses
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from ldap_proxy import proxied

from tabwarden.model.errors import SourceError
from tabwarden.sources import Source, files, ldap, members, python, read, sql
from tabwarden.sources.ldap.options import DirectoryOptions, DomainOptions
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


def a_directory(domains: Any, state: str) -> ldap.Options:
    """Jane and Joe in a group of a real domain; another domain is knowingly left out."""
    if not domains.corp.has("jane"):
        domains.corp.add_group("Contract")
        for name in ("jane", "joe"):
            domains.corp.add_person(name)
            domains.corp.add_member("Contract", name)
    corp = domains.corp
    password = "wrong-wrong" if state == "unreadable" else domains.password
    domain = DomainOptions(corp.fqdn, (corp.url,), f"{corp.netbios}\\Administrator", password, str(domains.ca_file))
    wanted = DirectoryOptions((domain,), unread=(domains.seattle.fqdn,))
    return ldap.Options({"directory": wanted}, groups="Empty" if state == "empty" else "Contract")


CASES: dict[str, Case] = {"file": a_file, "sql": a_database, "python": a_function}
NEEDS_DOMAINS = {"ldap"}
COLUMNS = {"ldap": Columns("sAMAccountName")}


@pytest.fixture
def made(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Callable[[str, str], object]]:
    """Makes the options of a source in a state; for one that breaks off, what breaks it stands until the test ends."""
    with ExitStack() as standing:

        def make(name: str, state: str) -> object:
            if name not in NEEDS_DOMAINS:
                return CASES[name](tmp_path, state)
            domains = request.getfixturevalue("domains")
            options = a_directory(domains, state)
            if state != "partial":
                return options
            proxy = standing.enter_context(proxied(domains.corp.address, cut_after=60_000))
            whole: Any = options.connect["directory"]
            (domain,) = whole.domains
            dying = replace(domain, servers=(proxy.url,), page_size=20)
            return ldap.Options({"directory": replace(whole, domains=(dying,))})

        yield make


def test_every_source_has_a_case_here() -> None:
    assert set(CASES) | NEEDS_DOMAINS == set(members())


@pytest.mark.parametrize("name", sorted(members()))
class TestEverySource:
    def test_good(self, name: str, made: Callable[[str, str], object]) -> None:
        reading = read(made(name, "good"))
        roster = clean(reading.rows, COLUMNS.get(name, Columns()), reading.source, as_of=reading.as_of)
        assert [person.name for person in roster.people] == ["jane", "joe"]
        assert roster.count == 2
        assert all(isinstance(row, dict) and all(isinstance(key, str) for key in row) for row in reading.rows)
        assert reading.source
        assert reading.warnings == []
        assert reading.as_of is None or datetime.fromisoformat(reading.as_of).tzinfo is not None
        assert "jane" not in repr(reading)

    @pytest.mark.parametrize("state", ["unreadable", "empty", "partial"])
    def test_stops(self, name: str, state: str, made: Callable[[str, str], object]) -> None:
        options = made(name, state)
        with pytest.raises(SourceError) as told:
            read(options)
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
