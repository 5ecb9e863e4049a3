"""Every source keeps one contract: the same three stops, rows with names, nothing secret in its options."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import datetime
from pathlib import Path
from typing import Any, get_args

import pytest
from ldap_proxy import proxied
from pydantic import SecretStr

from tabwarden.model.errors import SourceError
from tabwarden.section import Connect
from tabwarden.settings.sources import AnySource
from tabwarden.sources import Source
from tabwarden.sources.files import FileSource
from tabwarden.sources.ldap import LdapSource
from tabwarden.sources.ldap.options import DirectoryDomain, DirectorySettings
from tabwarden.sources.python import PythonSource
from tabwarden.sources.sql import SqlSource
from tabwarden.want.roster import Columns, clean

Case = Callable[[Path, str], Source]
SOURCES: dict[str, type[Source]] = {
    get_args(source.model_fields["type"].annotation)[0]: source for source in get_args(get_args(AnySource)[0])
}


def a_file(folder: Path, state: str) -> Source:
    content = {"good": "jane\njoe\n", "empty": "", "partial": 'jane\n"joe'}
    path = folder / "people.csv"
    if state != "unreadable":
        path.write_text("Email Address\n" + content[state])
    return FileSource(type="file", path=path)


def a_database(folder: Path, state: str) -> Source:
    path = folder / "people.db"
    if state != "unreadable":
        with sqlite3.connect(path) as connection:
            connection.execute("CREATE TABLE people (name TEXT, extra TEXT)")
            last = "{" if state == "partial" else "{}"
            rows = [] if state == "empty" else [("jane", "{}"), ("joe", last)]
            connection.executemany("INSERT INTO people VALUES (?, ?)", rows)
        connection.close()
    query = "SELECT name AS \"Email Address\", json_extract(extra, '$.a') AS extra FROM people"
    connect = Connect({"database": str(path)})
    return SqlSource(type="sql", driver="sqlite", connect=connect, query=query)


def a_function(folder: Path, state: str) -> Source:
    body = {
        "good": "return ['jane', 'joe']",
        "empty": "return []",
        "partial": "yield 'jane'; raise OSError('gone')",
        "unreadable": "raise OSError('gone')",
    }
    (folder / "contract_people.py").write_text(f"def people(): {body[state]}\n")
    source = {"type": "python", "function": "contract_people:people"}
    return PythonSource.model_validate(source, context={"folder": folder})


def a_directory(domains: Any, state: str) -> LdapSource:
    """Jane and Joe in a group of a real domain; another domain is knowingly left out."""
    if not domains.corp.has("jane"):
        domains.corp.add_group("Contract")
        for name in ("jane", "joe"):
            domains.corp.add_person(name)
            domains.corp.add_member("Contract", name)
    corp = domains.corp
    password = "wrong-wrong" if state == "unreadable" else domains.password
    domain = DirectoryDomain(
        fqdn=corp.fqdn,
        servers=(corp.url,),
        user=f"{corp.netbios}\\Administrator",
        password=SecretStr(password),
        ca_file=domains.ca_file,
    )
    directory = DirectorySettings(domains=(domain,), unread=(domains.seattle.fqdn,))
    groups = ("Empty" if state == "empty" else "Contract",)
    return LdapSource(type="ldap", state="enabled", groups=groups).within(directory)


CASES: dict[str, Case] = {"file": a_file, "sql": a_database, "python": a_function}
NEEDS_DOMAINS = {"ldap"}
COLUMNS = {"ldap": Columns("sAMAccountName")}


@pytest.fixture
def made(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Callable[[str, str], Source]]:
    """Makes the options of a source in a state; for one that breaks off, what breaks it stands until the test ends."""
    with ExitStack() as standing:

        def make(name: str, state: str) -> Source:
            if name not in NEEDS_DOMAINS:
                return CASES[name](tmp_path, state)
            domains = request.getfixturevalue("domains")
            options = a_directory(domains, state)
            if state != "partial":
                return options
            proxy = standing.enter_context(proxied(domains.corp.address, cut_after=60_000))
            whole: Any = options._directory
            (domain,) = whole.domains
            dying = domain.model_copy(update={"servers": (proxy.url,), "page_size": 20})
            return options.within(whole.model_copy(update={"domains": (dying,)}))

        yield make


def test_every_source_has_a_case_here() -> None:
    assert set(CASES) | NEEDS_DOMAINS == set(SOURCES)


@pytest.mark.parametrize("name", sorted(SOURCES))
class TestEverySource:
    def test_good(self, name: str, made: Callable[[str, str], Source]) -> None:
        reading = made(name, "good").read()
        roster = clean(reading.rows, COLUMNS.get(name, Columns()), reading.source, as_of=reading.as_of)
        assert [person.name for person in roster.people] == ["jane", "joe"]
        assert roster.count == 2
        assert all(isinstance(row, dict) and all(isinstance(key, str) for key in row) for row in reading.rows)
        assert reading.source
        assert reading.warnings == []
        assert reading.as_of is None or datetime.fromisoformat(reading.as_of).tzinfo is not None
        assert "jane" not in repr(reading)

    @pytest.mark.parametrize("state", ["unreadable", "empty", "partial"])
    def test_stops(self, name: str, state: str, made: Callable[[str, str], Source]) -> None:
        options = made(name, state)
        with pytest.raises(SourceError) as told:
            options.read()
        assert told.value.stop == f"source-{state}"
        message = str(told.value)
        assert message.isprintable()
        assert "`" in message
        assert not message.endswith(".")
        assert told.value.__suppress_context__ or told.value.__context__ is None

    def test_options_do_not_change(self, name: str) -> None:
        assert SOURCES[name].model_config["frozen"]
