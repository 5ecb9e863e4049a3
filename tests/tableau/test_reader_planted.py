"""Planted bugs in the reader: each makes one of a few reads come out otherwise than it must."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import pytest
from patched_modules import Patch, fresh, planted, source_with
from people_world import passed_on
from reading_world import CORE, timeless, w0
from small_server import Asked, error, serving
from test_tableau_read import same_content, same_people, told

from tabwarden.model.errors import TableauError
from tabwarden.model.governing import governing
from tabwarden.sandbox.faults.script import Fault
from tabwarden.sandbox.http.server import Sandbox, running
from tabwarden.tableau.http import lists
from tabwarden.tableau.http.connection import connect
from tabwarden.tableau.http.pace import Pace
from tabwarden.tableau.read.site import read_site

ROOMS = ("http.lists", "http.connection", "http.reader", "read.people", "read.content", "read.site")
READER = tuple(f"tableau.{room}" for room in ROOMS)
PAGE_SIZE = 3


class Reader(NamedTuple):
    """`connect` and `read_site`, with or without a bug."""

    connect: Callable[..., Any]
    read_site: Callable[..., Any]


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    with pytest.MonkeyPatch.context() as patch, running("w0") as here:
        patch.setattr(lists, "PAGE_SIZE", PAGE_SIZE)
        yield here


def reader_with(bug: Patch) -> Reader:
    """A reader with a bug."""
    module = bug.file.removesuffix(".py").replace("/", ".")
    with fresh(READER, {module: source_with(bug)}) as load:
        load("tableau.http.lists").PAGE_SIZE = PAGE_SIZE
        return Reader(load("tableau.http.connection").connect, load("tableau.read.site").read_site)


# -- reads that tell ------------------------------------------------------------------------------------------


def is_the_truth(reader: Reader, sandbox: Sandbox) -> None:
    """A calm read is the sandbox's own Site, and whole; everything carries the rules that govern it."""
    with w0(sandbox, by=reader.connect) as connection:
        site = reader.read_site(connection)
    held = sandbox.site("sandbox")
    same_people(timeless(site), timeless(held))  # signing in again is a sign-in of the reader's
    same_content(site, held)
    for content in site.contents.values():
        if content.kind != "project":
            assert told(content.rules) == told(governing(held, content.id).rules), content.name
    assert site.partial == ()


def mends_lists(reader: Reader, sandbox: Sandbox) -> None:
    """A list that came short, with something twice, or growing, is asked again."""
    for name, at in (("short-page", "GET users"), ("duplicates", "GET workbooks"), ("duplicates", "GET groups")):
        sandbox.strike([Fault(fault=name, at=at, page=2, times=1)])
        is_the_truth(reader, sandbox)


def goes_on_after_a_session_ended(reader: Reader, sandbox: Sandbox) -> None:
    """One session that ends is renewed; where every one ends at once, that is told, after a few sign-ins."""
    sandbox.strike([Fault(fault="expired-token", at="GET projects/*", times=1)])
    is_the_truth(reader, sandbox)
    sandbox.strike([Fault(fault="expired-token", at="GET projects/*", every=1)])
    sandbox.log.clear()
    with w0(sandbox, by=reader.connect, retries=1) as connection, pytest.raises(TableauError):
        reader.read_site(connection, CORE, pace=Pace(1, 1))
    assert sandbox.log.counts()["POST auth/signin"] <= 4


def tells_trouble(reader: Reader, sandbox: Sandbox) -> None:
    """A server that stays ill, and a site that goes, end the read; one thing that is refused is named."""
    sandbox.strike([Fault(fault="internal", at="*permissions*", every=1)])
    with w0(sandbox, by=reader.connect, retries=1) as connection, pytest.raises(TableauError):
        reader.read_site(connection, CORE)
    sandbox.strike(None)
    place = next(c for c in sandbox.site("sandbox").contents.values() if c.kind == "project")

    def forbidden(asked: Asked) -> object:
        return error("403004") if asked.path.endswith(f"{place.id}/permissions") else passed_on(sandbox, asked)

    def gone(asked: Asked) -> object:
        return error("404000") if asked.path.endswith("/permissions") else passed_on(sandbox, asked)

    with serving(forbidden) as small, w0(sandbox, by=reader.connect, server=small.url) as connection:
        assert f"rules of project `{place.name}` (403)" in reader.read_site(connection, CORE).partial
    with (
        serving(gone) as small,
        w0(sandbox, by=reader.connect, server=small.url) as connection,
        pytest.raises(TableauError),
    ):
        reader.read_site(connection, CORE)


CHECKS = (is_the_truth, mends_lists, goes_on_after_a_session_ended, tells_trouble)


def first_failure(reader: Reader, sandbox: Sandbox) -> str | None:
    """The name of the first check that a reader does not pass."""
    for check in CHECKS:
        try:
            check(reader, sandbox)
        except (AssertionError, TableauError, KeyError, IndexError, pytest.fail.Exception):
            return check.__name__
        finally:
            sandbox.strike(None)
    return None


@pytest.mark.parametrize("bug", [pytest.param(bug, id=bug.name) for bug in planted("reader")])
def test_reads_see_a_bug_in_the_reader(bug: Patch, sandbox: Sandbox) -> None:
    assert first_failure(reader_with(bug), sandbox) is not None


def test_without_a_bug_nothing_is_seen(sandbox: Sandbox) -> None:
    assert first_failure(Reader(connect, read_site), sandbox) is None
    same = "from __future__ import annotations"
    assert first_failure(reader_with(Patch("nothing", "tableau/read/site.py", same, same)), sandbox) is None
