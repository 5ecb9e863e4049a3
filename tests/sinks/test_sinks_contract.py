"""Every sink keeps one contract: what it holds is the mirror, only differences are written, nobody is shown more."""

from __future__ import annotations

import contextlib
import dataclasses
import json
from collections.abc import Iterator
from pathlib import Path
from random import Random

import pytest
from dense_sites import dense_site
from mirror_disclosure import SINKS, SOURCE, fga_store, leaks, rows_in, texts_beyond, truth
from test_mirror import changed, mirror
from test_mirror_leaks import dense

from tabwarden import sinks
from tabwarden.engine.convert import columns_of
from tabwarden.mirror.match import Match, Matches, tableau_people
from tabwarden.mirror.rows import FORMS
from tabwarden.mirror.tables import Tables, flat, tables_of
from tabwarden.model.errors import SinkError
from tabwarden.model.site import Site
from tabwarden.settings.mirror import Mirror
from tabwarden.sinks import datahub, openfga

CASES = SINKS
ODD = (
    "*",
    'ann, "the" o\'brien\n',
    "user:x#member",
    "ü ∑ 日本",
    "a\\b@c",
    "=1+1",
    "a\rb",
    "'t",
    "'=1\x1b[2J\\x1b",
    "\u202e-x",
)
SEED = 7


def oddly_named(site: Site) -> Site:
    """The Site in which people and content have names that formats trip over."""
    contents = {
        each: dataclasses.replace(content, name=f"{content.name} {ODD[number % len(ODD)]}")
        for number, (each, content) in enumerate(site.contents.items())
    }
    return dataclasses.replace(site, contents=contents)


def odd_people(site: Site) -> Matches:
    return Matches(tuple(Match(name, user, "name") for name, user in zip(ODD, site.users, strict=False)))


def test_every_sink_has_a_case_here_and_is_what_the_settings_say(tmp_path: Path) -> None:
    whole = {"jsonl", "csv", "parquet", "openfga", "datahub", "openmetadata"}
    written = [{"type": name, "folder": str(tmp_path / "out")} for name in sorted(whole)]
    written.append({"type": "sql", "driver": "sqlite", "connect": {"database": str(tmp_path / "out.db")}})
    assert set(CASES) == {*whole, "sql"}
    assert Mirror.model_validate({"sinks": written}).sinks == tuple(CASES[s["type"]](tmp_path) for s in written)
    modules = {path.stem for path in Path(sinks.__file__).parent.glob("[a-z]*.py")}
    assert len(modules) == len(CASES)


@pytest.mark.parametrize("name", sorted(CASES))
class TestEverySink:
    @pytest.mark.parametrize("form", FORMS)
    def test_it_holds_what_was_published_and_writes_nothing_twice(self, name: str, form: str, tmp_path: Path) -> None:
        options, site = CASES[name](tmp_path), oddly_named(dense(SEED))
        tables = mirror(site, form, odd_people(site))
        assert not rows_in(options.held(SOURCE))
        first = sinks.publish(options, SOURCE, tables)
        assert dict(first.added) == {table: len(rows) for table, rows in rows_in(tables).items()}
        assert rows_in(options.held(SOURCE)) == rows_in(tables)
        before = snapshot(tmp_path)
        again = sinks.publish(options, SOURCE, tables)
        assert (again.added, again.removed) == ({}, {})
        assert snapshot(tmp_path) == before

    def test_what_is_gone_is_gone(self, name: str, tmp_path: Path) -> None:
        options, site = CASES[name](tmp_path), dense(SEED)
        sinks.publish(options, SOURCE, mirror(site))
        shown = {row[2] for row in flat(mirror(site)) if row[3] != "site"}
        gone = max(shown, key=lambda each: (not site.children(each), each))
        less = site.without_contents([gone])
        told = sinks.publish(options, SOURCE, mirror(less))
        assert told.removed
        assert gone not in {row[2] for row in flat(options.held(SOURCE))}
        assert not leaks(options.held(SOURCE), truth(less, tableau_people(columns_of(less))))

    def test_from_one_form_to_the_other(self, name: str, tmp_path: Path) -> None:
        options, site = CASES[name](tmp_path), dense(SEED)
        for form in (*FORMS, *FORMS):
            sinks.publish(options, SOURCE, mirror(site, form))
            assert rows_in(options.held(SOURCE)) == rows_in(mirror(site, form))

    def test_sources_do_not_touch_each_other(self, name: str, tmp_path: Path) -> None:
        options = CASES[name](tmp_path)
        one, other = mirror(dense(1)), renamed(mirror(dense(2)), "other")
        sinks.publish(options, SOURCE, one)
        sinks.publish(options, "other", other)
        sinks.publish(options, SOURCE, mirror(dense(3)))
        assert rows_in(options.held("other")) == rows_in(other)
        assert rows_in(options.held(SOURCE)) == rows_in(mirror(dense(3)))

    def test_neither_another_site_nor_an_older_mirror_is_published_over_it(self, name: str, tmp_path: Path) -> None:
        options, site = CASES[name](tmp_path), taken(dense(SEED), "2026-11-21T10:00:00Z")
        sinks.publish(options, SOURCE, mirror(site))
        with pytest.raises(SinkError, match="which is older"):
            sinks.publish(options, SOURCE, mirror(taken(site, "2026-11-21T09:00:00Z")))
        with pytest.raises(SinkError, match="is another site"):
            sinks.publish(options, SOURCE, mirror(dataclasses.replace(site, id="somebody else's")))
        assert rows_in(options.held(SOURCE)) == rows_in(mirror(site))

    def test_nothing_in_it_names_what_nobody_of_the_catalog_may_see(self, name: str, tmp_path: Path) -> None:
        """Not only rows: every text of every file."""
        for seed in range(0, 200, 20):
            site = dense(seed)
            people = Matches(tableau_people(columns_of(site)).matched[:2])
            place = tmp_path / str(seed)
            place.mkdir()
            sinks.publish(CASES[name](place), SOURCE, mirror(site, matches=people))
            texts = {each.name for each in site.contents.values()} | {f"secret {each}" for each in site.contents}
            written = b"\n".join(path.read_bytes() for path in place.rglob("*") if path.is_file())
            found = {text for text in texts if text.encode() + b'"' in written or text.encode() + b"," in written}
            assert not texts_beyond(found, truth(site, people), texts)


def renamed(tables: Tables, source: str) -> Tables:
    return tables_of({name: [(source, *row[1:]) for row in table] for name, table in tables.items()})


def taken(site: Site, when: str) -> Site:
    return dataclasses.replace(site, taken=dataclasses.replace(site.taken, when=when))


def snapshot(folder: Path) -> dict[str, bytes]:
    return {str(path): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


FILES = [name for name in sorted(CASES) if name != "sql"]


@pytest.mark.parametrize("name", FILES)
def test_files_are_read_by_nobody_else(name: str, tmp_path: Path) -> None:
    sinks.publish(CASES[name](tmp_path), SOURCE, mirror(dense(SEED)))
    assert {path.stat().st_mode & 0o077 for path in (tmp_path / "out").rglob("*") if path.is_file()} == {0}


@pytest.mark.parametrize("name", ["jsonl", "csv", "parquet"])
def test_a_damaged_file_is_told_and_not_taken_for_an_empty_one(name: str, tmp_path: Path) -> None:
    options = CASES[name](tmp_path)
    sinks.publish(options, SOURCE, mirror(dense(SEED)))
    (path,) = (tmp_path / "out" / SOURCE).glob("viewers.*")
    path.write_bytes(b"{nonsense")
    with pytest.raises(SinkError, match=r"remove it and publish again"):
        sinks.publish(options, SOURCE, mirror(dense(SEED)))
    path.unlink()
    sinks.publish(options, SOURCE, mirror(dense(SEED)))
    assert rows_in(options.held(SOURCE)) == rows_in(mirror(dense(SEED)))


@pytest.mark.parametrize("name", ["jsonl", "csv", "parquet"])
def test_files_in_which_rows_came_and_went_say_what_was_published(name: str, tmp_path: Path) -> None:
    """The files themselves, not what is kept beside them; odd names have other lengths than what stands in a file."""
    sink, dice, site = CASES[name](tmp_path), Random(3), oddly_named(dense_site(3, users=8, items=20))
    for _ in range(30):
        tables = mirror(site)
        sinks.publish(sink, SOURCE, tables)
        files = {path.stem: path for path in (tmp_path / "out" / SOURCE).glob(f"*.{name}")}
        assert {table: frozenset(sink.decode(path, table)) for table, path in files.items()} == {
            table: frozenset(rows) for table, rows in tables.items()
        }
        site = changed(site, dice)


class Killed(BaseException):
    """What no cleaning up hears of, as when the process is killed."""


@pytest.mark.parametrize("problem", [OSError(28, "No space left on device"), Killed()], ids=["disk full", "killed"])
@pytest.mark.parametrize("name", FILES)
def test_a_failure_in_the_middle_leaves_the_old_mirror_whole_and_the_next_run_ends_it(
    name: str, problem: BaseException, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    options, home = CASES[name](tmp_path), tmp_path / "out" / SOURCE
    before, after = mirror(dense(3)), mirror(dense(23))
    sinks.publish(options, SOURCE, before)
    files, steps = snapshot(home), 0
    for steps in range(100):
        failing = iter([None] * steps)

        def broken(number: int, failing: Iterator[None] = failing) -> None:
            if next(failing, number) is not None:
                raise problem

        with monkeypatch.context() as patch, contextlib.suppress(Killed):
            patch.setattr("os.fsync", broken)
            try:
                sinks.publish(options, SOURCE, after)
            except SinkError as error:
                assert "No space left on device" in str(error)  # noqa: PT017
        if snapshot(home) != files:  # the link was turned: that is the end of it
            break
        assert rows_in(options.held(SOURCE)) == rows_in(before)
    assert steps > 2
    sinks.publish(options, SOURCE, after)
    assert rows_in(options.held(SOURCE)) == rows_in(after)
    assert len([path for path in home.parent.rglob("*") if path.name.isdecimal()]) == 1


@pytest.mark.parametrize("name", FILES)
def test_two_at_once_are_one_after_the_other(name: str, tmp_path: Path) -> None:
    options = CASES[name](tmp_path)
    with options.opened(SOURCE):
        with pytest.raises(SinkError, match="somebody else is publishing to"):
            sinks.publish(options, SOURCE, mirror(dense(1)))
        sinks.publish(options, "other", renamed(mirror(dense(2)), "other"))
    sinks.publish(options, SOURCE, mirror(dense(1)))
    assert rows_in(options.held(SOURCE)) == rows_in(mirror(dense(1)))


@pytest.mark.parametrize("name", FILES)
def test_a_folder_of_somebody_else_is_not_replaced(name: str, tmp_path: Path) -> None:
    theirs = tmp_path / "out" / SOURCE / "theirs.txt"
    theirs.parent.mkdir(parents=True)
    theirs.touch()
    with pytest.raises(SinkError, match="no mirror of Tabwarden"):
        sinks.publish(CASES[name](tmp_path), SOURCE, mirror(dense(1)))
    assert theirs.exists()


# -- OpenFGA --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("form", FORMS)
def test_openfga_answers_what_the_reference_does(form: str, tmp_path: Path) -> None:
    for seed in range(0, 60, 6):
        site = oddly_named(dense(seed))
        people = odd_people(site)
        place = tmp_path / str(seed)
        sinks.publish(CASES["openfga"](place), SOURCE, mirror(site, form, people))
        store, allowed = fga_store(place), truth(site, people)
        for match in people.matched:
            wanted = {openfga.object_of(row[3], row[2]) for row in allowed if row[1] == match.person}
            assert store.objects(openfga.object_of("user", match.person), "viewer") == wanted


def test_openfga_tells_what_came_and_what_went(tmp_path: Path) -> None:
    options = CASES["openfga"](tmp_path)
    sinks.publish(options, SOURCE, mirror(dense(3)))
    before = fga_store(tmp_path)
    sinks.publish(options, SOURCE, mirror(dense(23)))
    home = tmp_path / "out" / SOURCE
    added, removed = (
        [json.loads(line) for line in (home / name).read_text().splitlines()]
        for name in (openfga.ADDED, openfga.REMOVED)
    )
    held = {(on, relation, user) for (on, relation), users in before.tuples.items() for user in users}
    held -= {(each["object"], each["relation"], each["user"]) for each in removed}
    held |= {(each["object"], each["relation"], each["user"]) for each in added}
    after = fga_store(tmp_path)
    assert held == {(on, relation, user) for (on, relation), users in after.tuples.items() for user in users}
    assert added
    assert removed


# -- DataHub --------------------------------------------------------------------------------------------------


def test_datahub_is_told_what_is_gone_in_every_later_file(tmp_path: Path) -> None:
    site = dense(SEED)
    gone = next(row[2] for row in sorted(flat(mirror(site))) if row[3] == "view")
    less = site.without_contents([gone])
    sinks.publish(CASES["datahub"](tmp_path), SOURCE, mirror(site))
    for held in (less, less.with_users(*dense(8).users.values())):
        sinks.publish(CASES["datahub"](tmp_path), SOURCE, mirror(held))
        proposals = json.loads((tmp_path / "out" / SOURCE / datahub.METADATA).read_text())
        removed = {p["entityUrn"] for p in proposals if p["aspect"]["json"].get("removed") is True}
        assert datahub.container(SOURCE, gone) in removed
