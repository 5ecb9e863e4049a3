"""A user's own function as a source: found, called, and never able to end the run."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from pydantic import ValidationError

from tabwarden.model.errors import SourceError
from tabwarden.sources import Reading
from tabwarden.sources.python import PythonSource
from tabwarden.want.roster import Columns, clean

PEOPLE = """
from __future__ import annotations
import sys
from dataclasses import dataclass
import helper
from collections import namedtuple

def joiners():
    return ["a@acme.com", "b@acme.com"]

def rows(suffix="@acme.com"):
    for name in ("a", "b"):
        yield {"Email Address": name + suffix, "id": 1}

def mixed(): return ["a", None, 7, {"Email Address": "b"}]
def broken():
    yield "a"
    raise ValueError("the service\\nended the connection")
def at_once():
    raise ValueError("no service")
    yield
def leaves(): sys.exit(0)
def text(): return "a@acme.com"
def nothing(): return None
def one(): return {"Email Address": "a"}
async def later(): return ["a"]
def frame(): return namedtuple("DataFrame", "columns")(["Email Address"])
@dataclass
class Service:
    url: str = ""
    @staticmethod
    def people(): return {"a"}
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "own_people.py").write_text(PEOPLE)
    (tmp_path / "helper.py").write_text("")
    return tmp_path


def read(function: str, folder: Path | None = None) -> Reading:
    source = {"type": "python", "function": function}
    return PythonSource.model_validate(source, context={"folder": folder}).read()


def rows(function: str, folder: Path) -> list[dict[str, object]]:
    return read(function, folder).rows


def refused(function: str, folder: Path) -> SourceError:
    with pytest.raises(SourceError) as told:
        read(function, folder)
    return told.value


def test_names_mappings_and_methods(folder: Path) -> None:
    reading = read("own_people:joiners", folder)
    assert reading.source == "function `own_people:joiners`"
    roster = clean(reading.rows, Columns(name="whatever"), reading.source)
    assert [person.name for person in roster.people] == ["a@acme.com", "b@acme.com"]
    assert rows("own_people:rows", folder)[1] == {"Email Address": "b@acme.com", "id": 1}
    assert len(rows("own_people:Service.people", folder)) == 1


def test_bad_items_reach_the_roster_and_are_put_aside_there(folder: Path) -> None:
    roster = clean(rows("own_people:mixed", folder), Columns(), "f")
    assert [person.name for person in roster.people] == ["a", "b"]
    assert [bad.row for bad in roster.quarantined] == [2, 3]


def test_the_current_folder_is_looked_in(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(folder)
    assert len(read("own_people:joiners").rows) == 2
    assert str(folder) not in sys.path


def test_two_folders_may_use_one_module_name(tmp_path: Path) -> None:
    for name in ("first", "second"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "same_name.py").write_text(f"def people(): return ['{name}']\n")
    found = [list(rows("same_name:people", tmp_path / name)[0].values()) for name in ("first", "second")]
    assert found == [["first"], ["second"]]


def test_a_module_in_a_package_and_an_installed_one(tmp_path: Path) -> None:
    (tmp_path / "own_package").mkdir()
    (tmp_path / "own_package" / "lists.py").write_text("def people(): return ['a']\n")
    assert len(rows("own_package.lists:people", tmp_path)) == 1
    assert len(rows("keyword:kwlist.copy", tmp_path)) > 30


@pytest.mark.parametrize(
    ("function", "told"),
    [
        ("absent_module:joiners", "there is no module `absent_module`"),
        ("own_people:joinerz", "it has: `joiners`, `rows`"),
        ("own_people:at_once", "ValueError: no service at own_people.py:"),
        ("own_people:leaves", "SystemExit: 0"),
        ("own_people:text", "returned a str; return a list"),
        ("own_people:nothing", "returned a NoneType"),
        ("own_people:one", "returned a dict"),
        ("own_people:later", "returned a coroutine"),
        ("own_people:frame", "frame.to_dict('records')"),
    ],
)
def test_what_is_no_list_of_people_is_unreadable(folder: Path, function: str, told: str) -> None:
    error = refused(function, folder)
    assert error.stop == "source-unreadable"
    assert told in str(error)
    assert "\n" not in str(error)


def test_a_function_that_fails_on_the_way_is_partial(folder: Path) -> None:
    error = refused("own_people:broken", folder)
    assert error.stop == "source-partial"
    assert "broke off after 1 people (ValueError: the service ended the connection" in str(error)


@pytest.mark.parametrize(
    ("code", "told"),
    [
        ("import absent_package", "No module named 'absent_package'"),
        ("raise SystemExit(3)", "SystemExit: 3"),
        ("def people(:", "SyntaxError"),
    ],
)
def test_a_module_that_cannot_be_imported_says_why(tmp_path: Path, code: str, told: str) -> None:
    (tmp_path / "own_broken.py").write_text(code)
    assert told in str(refused("own_broken:people", tmp_path))


@pytest.mark.parametrize("function", ["own_people", "own people:joiners", "own_people:", "own_people:joiners()"])
def test_what_is_no_function_is_no_setting(function: str) -> None:
    with pytest.raises(ValidationError, match="must be `module:function`"):
        read(function)
