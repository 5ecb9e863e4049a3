"""Publishing from snapshots by the settings: what is refused, what is told, what a limited reader publishes, verify."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from mirror_disclosure import truth
from paths import ROOT
from small_site import group, project, site, workbook
from test_mirror import mirror
from watchdog import patience

from support import command_line
from tabwarden.access.question import Asked
from tabwarden.engine.convert import columns_of
from tabwarden.mirror.match import tableau_people
from tabwarden.mirror.rows import KINDS
from tabwarden.mirror.tables import flat
from tabwarden.model.errors import SettingsError, SinkError, SourceError, UnknownName
from tabwarden.model.scope import OUTSIDE, is_limited
from tabwarden.model.site import Site, Taken
from tabwarden.plan.plan import SiteIdentity
from tabwarden.questions import Questions
from tabwarden.report.answers import sentence
from tabwarden.run.catalog import browse_as, last_mirror
from tabwarden.run.mirror import publish
from tabwarden.run.mirror_verify import verify
from tabwarden.sandbox.http.server import Sandbox, running
from tabwarden.settings import Settings, load
from tabwarden.store import snapshot
from tabwarden.store.history import History
from tabwarden.store.journal import keep_good_run
from tabwarden.tableau.http.connection import connect
from tabwarden.tableau.http.session import Password, SignIn
from tabwarden.tableau.read.site import read_site

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)
SEE = "group:All Users +Read"
TAKEN = Taken("https://tableau.example.com", "2026-11-21T11:00:00Z", "adm", "SiteAdministratorCreator")
SITE = site(
    project("Public", None, SEE),
    project("Private", None, "group:G +Read"),
    workbook("Budget", "Private", "group:G +Read"),
    users=["john:Viewer", "jane:Viewer"],
    groups=[group("G", "john")],
    taken=TAKEN,
    content_url="a",
)
IDENTITY = SiteIdentity(TAKEN.where, SITE.content_url, SITE.id, SITE.name)
SETTINGS = """\
tableau:
  server: https://tableau.example.com
  site: a
  auth: {pat: {name: tok, secret: "file:token.txt"}}
"""
SINKS = (
    "mirror:\n  sinks:\n    - {type: jsonl, folder: out}\n    - {type: sql, driver: sqlite, connect: {database: %s}}\n"
)


def settings(folder: Path, more: str = "", server: str = "") -> Settings:
    (folder / "token.txt").write_text("sec")
    text = SETTINGS.replace("https://tableau.example.com", server) if server else SETTINGS
    (folder / "settings.yaml").write_text(text + more)
    return load(folder / "settings.yaml", {})


def kept(folder: Path, held: Site = SITE) -> None:
    with History(folder / ".tabwarden") as history:
        history.keep(held)


def exported(folder: Path, held: Site = SITE) -> Path:
    return snapshot.save(held, folder / "exported", durable=False)


def published_people(found: Settings) -> set[str]:
    return {row[1] for row in flat(last_mirror(found).held("a"))}


def test_every_sink_of_the_settings_gets_the_mirror(tmp_path: Path) -> None:
    found = settings(tmp_path, SINKS % (tmp_path / "x.db"))
    kept(tmp_path)
    published = publish(found, now=NOW)
    assert [name for name, _ in published.written] == ["store", "sink 1", "sink 2"]
    assert published.failed == ()
    assert published.warnings == ()
    assert (tmp_path / "out" / "a" / "content.jsonl").is_file()
    assert flat(last_mirror(found).held("a")) == truth(SITE, tableau_people(columns_of(SITE)), source="a")
    assert [e.path for e in browse_as(found, "jane").catalog.entries] == ["", "Public"]


def test_the_next_mirror_is_made_out_of_the_last_by_the_same_release(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = settings(tmp_path, SINKS % (tmp_path / "x.db"))
    kept(tmp_path)
    publish(found, now=NOW)
    monkeypatch.setattr("tabwarden.run.mirror.mirrored", lambda *_, **__: pytest.fail("it was made whole"))
    assert not any(written.added for _, written in publish(found, now=NOW).written)
    later = replace(SITE.with_groups(group("G", "jane")), taken=replace(TAKEN, when="2026-11-21T11:30:00Z"))
    kept(tmp_path, later)
    published = publish(found, now=NOW)
    truth_now = truth(later, tableau_people(columns_of(later)), source="a")
    assert flat(last_mirror(found).held("a")) == flat(found.mirror.sinks[0].held("a")) == truth_now
    assert {name: dict(written.removed) for name, written in published.written}["sink 1"] == {
        "sources": 1,
        "viewers": 1,
    }
    monkeypatch.setattr("tabwarden.run.mirror.__version__", "another")
    with pytest.raises(pytest.fail.Exception, match="made whole"):
        publish(found, now=NOW)


def test_a_sink_that_fails_does_not_keep_the_others_from_theirs(tmp_path: Path) -> None:
    found = settings(tmp_path, (SINKS % "/no/such/folder/x.db") + "    - {type: csv, folder: out2}\n")
    kept(tmp_path)
    published = publish(found, now=NOW)
    assert [name for name, _ in published.written] == ["store", "sink 1", "sink 3"]
    (failed,) = published.failed
    assert failed.startswith("sink 2 (`sql`): sqlite does not take the mirror")


@pytest.mark.parametrize(
    ("held", "words"),
    [
        (
            replace(SITE, taken=replace(TAKEN, when="2026-11-20T11:00:00Z")),
            "is 25 hours old, and `mirror.max_age` is 24 hours",
        ),
        (replace(SITE, taken=replace(TAKEN, when="")), "does not tell when it was read"),
        (replace(SITE, taken=replace(TAKEN, when="2026-11-21T13:00:00Z")), "lies in the future"),
        (replace(SITE, users={}), "is incomplete: it holds no users"),
        (replace(SITE, contents={}, partial=("projects, content and rules",)), "is incomplete: it holds no content"),
    ],
)
def test_what_must_not_be_published_is_refused_and_the_last_mirror_stays(
    held: Site, words: str, tmp_path: Path
) -> None:
    found = settings(tmp_path)
    publish(found, snapshot=exported(tmp_path), now=NOW)
    with pytest.raises(SinkError) as told:
        publish(found, snapshot=exported(tmp_path, held), now=NOW)
    assert words in str(told.value)
    assert published_people(found) == {"adm", "bob", "john", "jane"}


def test_an_older_snapshot_is_not_published_over_a_newer_mirror(tmp_path: Path) -> None:
    found = settings(tmp_path)
    older = exported(tmp_path, replace(SITE, taken=replace(TAKEN, when="2026-11-21T10:00:00Z")))
    kept(tmp_path)
    publish(found, now=NOW)
    with pytest.raises(SinkError, match="which is older"):
        publish(found, snapshot=older, now=NOW)


def test_a_later_read_of_some_projects_does_not_take_the_place_of_the_whole_site(tmp_path: Path) -> None:
    found = settings(tmp_path)
    kept(tmp_path)
    some = SITE.without_contents(["Private", "Budget"])
    later = replace(some, partial=(f"{OUTSIDE}`Public`",), taken=replace(TAKEN, when="2026-11-21T11:30:00Z"))
    with History(tmp_path / ".tabwarden") as history:
        number = history.keep(later).number
    assert publish(found, now=NOW).site.taken.when == TAKEN.when
    assert publish(found, snapshot=str(number), now=NOW).site.taken.when == later.taken.when  # asked for by its number


def test_two_runs_at_once_and_a_run_after_a_sink_failed(tmp_path: Path) -> None:
    kept(tmp_path)
    found = settings(tmp_path, SINKS % (tmp_path / "later" / "x.db"))
    busy = last_mirror(found).opened("a")
    with busy, pytest.raises(SinkError, match="somebody else is publishing"):
        publish(found, now=NOW)
    assert len(publish(found, now=NOW).failed) == 1
    (tmp_path / "later").mkdir()
    again = publish(found, now=NOW)
    assert again.failed == ()
    assert [bool(written.added) for _, written in again.written] == [False, False, True]


def test_without_a_snapshot_or_a_mirror_it_says_what_to_do(tmp_path: Path) -> None:
    found = settings(tmp_path)
    with pytest.raises(UnknownName, match="take one with `tabwarden read`"):
        publish(found, now=NOW)
    with pytest.raises(UnknownName, match="publish one with `tabwarden mirror`"):
        browse_as(found, "jane")


def test_catalog_people_that_cannot_be_read_or_are_stale_publish_nothing(tmp_path: Path) -> None:
    kept(tmp_path)
    with pytest.raises(SourceError):
        publish(settings(tmp_path, "catalog: {people: {type: file, path: gone.csv}}\n"), now=NOW)
    (tmp_path / "people.csv").write_text("Email Address,at\njane,2020-01-01\n")
    stale = "catalog: {people: {type: file, path: people.csv, stale_after: 1d, as_of: {column: at}}}\n"
    with pytest.raises(SourceError, match="load them again") as told:
        publish(settings(tmp_path, stale), now=NOW)
    assert told.value.stop == "source-stale"
    assert not (tmp_path / ".tabwarden" / "mirror").exists()


def test_catalog_people_exceptions_domains_and_the_quarantine(tmp_path: Path) -> None:
    (tmp_path / "people.csv").write_text("Email Address\nJANE@x.com\nj.smith\n\nnobody\na b\n")
    more = (
        "catalog:\n  people: {type: file, path: people.csv}\n  domains: [x.com]\n"
        "  exceptions: [{person: J.Smith, user: john}]\nmirror: {source: one}\n"
    )
    kept(tmp_path)
    published = publish(settings(tmp_path, more), now=NOW)
    assert {(m.person, m.user, m.how) for m in published.mirror.matches.matched} == {
        ("JANE@x.com", "jane", "domain"),
        ("j.smith", "john", "exception"),
    }
    assert [each.person for each in published.mirror.matches.unmatched] == ["nobody"]
    assert [each.value for each in published.quarantined][-1] == "a b"


def test_switched_off_is_told_on_every_run_and_every_look(tmp_path: Path) -> None:
    kept(tmp_path)
    found = settings(tmp_path, "mirror: {enforce: false}\n")
    (warning,) = publish(found, now=NOW).warnings
    assert "permission mirroring is OFF for source `a`" in warning
    assert browse_as(found, "jane").enforced is False
    assert len(browse_as(found, "jane").catalog.entries) == 4


def test_a_selection_that_names_nothing_is_refused_and_one_that_is_gone_since_is_told(tmp_path: Path) -> None:
    kept(tmp_path)
    found = settings(tmp_path, "mirror: {projects: [public, Pubic]}\n")
    with pytest.raises(SettingsError, match=r"`mirror.projects`: no project `Pubic` on site .*; near it: `Public`"):
        publish(found, now=NOW)
    keep_good_run(found.store.folder, IDENTITY, {}, {"mirror.projects": ["public", "Pubic"]})
    (warning,) = publish(found, now=NOW).warnings
    assert "`Pubic`, which was on the site at the last good run and is gone" in warning
    assert [e.path for e in browse_as(found, "john").catalog.entries] == ["", "Public"]


@pytest.mark.parametrize(
    ("change", "limited"),
    [
        ({}, False),
        ({"partial": ("connections of workbooks",)}, False),
        ({"partial": ("rules of 3 workbooks",)}, True),
        ({"taken": replace(TAKEN, by_role="Explorer")}, True),
        ({"taken": replace(TAKEN, by_role="ServerAdministrator")}, False),
    ],
)
def test_which_reads_are_limited(change: dict[str, object], limited: bool) -> None:
    assert is_limited(replace(SITE, **change)) is limited  # type: ignore[arg-type]


# -- the sandbox ----------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def box() -> Iterator[Sandbox]:
    with running("w0") as started:
        yield started


def read_as(box: Sandbox, name: str) -> Site:
    with connect(SignIn(box.url, "sandbox", Password(name, name))) as connection:
        return read_site(connection)


@pytest.mark.parametrize("name", ["sam", "carl", "cleo", "eve", "egon", "vic"])
def test_what_a_limited_reader_publishes_is_less_and_never_more(name: str, box: Sandbox) -> None:
    """Each reader of w0, over REST: what she publishes is part of what the administrator does."""
    whole = read_as(box, "ada")
    allowed = {row[:5] for row in truth(whole, tableau_people(columns_of(whole)))}
    some = read_as(box, name)
    shown = {("acme", row[1], *row[2:5]) for row in flat(mirror(some))}
    assert shown <= allowed
    assert is_limited(some) is (name != "sam")
    if name != "sam":
        assert shown < allowed


@pytest.mark.parametrize("name", ["carl", "cleo", "eve", "egon", "vic"])
def test_what_a_limited_reader_was_shown_is_view_for_him(name: str, box: Sandbox) -> None:
    """The server lists for him what he may View: so he sees all that was read, and others what its rules tell."""
    some, whole = read_as(box, name), read_as(box, "ada")
    me = some.find_user(name).id
    mirrored_kinds = {c.id for c in some.contents.values() if c.kind in KINDS}
    rows = {row[2] for row in flat(mirror(some)) if row[1] == name}
    assert rows >= mirrored_kinds
    questions, truth_of = Questions(some), Questions(whole)
    assert set(questions.what_ids(me, "Read")) == set(some.contents)
    for content in some.contents:
        answer = questions.why(Asked(me, "Read", content))
        assert answer.allowed, content
        assert truth_of.why(Asked(me, "Read", content)).allowed, "the server tells the truth"
        assert me in questions.who_ids("Read", content)
        others = {u for u in questions.who_ids("Read", content) if u != me}
        assert others <= set(truth_of.who_ids("Read", content))
        if answer.because == "shown":
            assert f"Tableau listed it for {name}" in sentence(some, answer)
    mine = [questions.why(Asked(me, "Read", content)).because for content in some.contents]
    assert "shown" in mine or not some.partial
    assert {r.content for r in questions.reach(me)} == {c.id for c in some.contents.values()}


def test_on_a_large_site_a_limited_reader_is_told_apart(monkeypatch: pytest.MonkeyPatch, box: Sandbox) -> None:
    some = read_as(box, "eve")
    me, small = some.find_user("eve").id, Questions(some)
    expected = {c: (sorted(small.who_ids("Read", c)), small.reach(me)) for c in some.contents}
    monkeypatch.setattr("tabwarden.questions.FEW", 0)
    large = Questions(some)
    view = 1 << large.engine.bit("Read")
    assert (large.what(me).allowed & view).all()
    for content, (who, reach) in expected.items():
        assert sorted(large.who_ids("Read", content)) == who
        assert sorted(u for p in large.who("Read", content) if p.answer.allowed for u in p.users) == who
        assert large.reach(me) == reach


def on_sandbox(folder: Path, box: Sandbox, more: str = "") -> Settings:
    text = SETTINGS.replace("site: a", "site: sandbox")
    (folder / "token.txt").write_text("sec")
    (folder / "settings.yaml").write_text(text.replace("https://tableau.example.com", box.url) + more)
    return load(folder / "settings.yaml", {})


def test_verify_finds_nothing_where_nothing_differs_and_what_does(tmp_path: Path, box: Sandbox) -> None:
    found = on_sandbox(tmp_path, box)
    held = read_as(box, "ada")
    publish(found, snapshot=exported(tmp_path, held))
    same = verify(found, now=datetime.fromisoformat(held.taken.when) + timedelta(minutes=90))
    assert not same.differs
    assert (len(same.people), same.of, same.age) == (8, 8, "90 minutes")
    assert {each.kinds for each in same.people} == {("project", "workbook", "view", "datasource")}
    # A mirror in which everybody sees everything, and one in which nobody sees a workbook.
    later = replace(held.taken, when=(datetime.now(UTC) + timedelta(seconds=2)).isoformat())
    wide = {i: replace(u, site_role="ServerAdministrator") for i, u in held.users.items()}
    publish(found, snapshot=exported(tmp_path, replace(held, users=wide, taken=later)))
    una = next(each for each in verify(found).people if each.person == "una")
    assert una.trouble or una.beyond
    vic = next(each for each in verify(found).people if each.person == "vic")
    assert vic.beyond
    assert not vic.missing
    later = replace(held.taken, when=(datetime.now(UTC) + timedelta(seconds=4)).isoformat())
    less = held.without_contents([c.id for c in held.contents.values() if c.kind == "workbook"])
    publish(found, snapshot=exported(tmp_path, replace(less, taken=later)))
    vic = next(each for each in verify(found).people if each.person == "vic")
    assert vic.missing
    assert verify(found, sample=2).of == 8
    assert len(verify(found, sample=2).people) == 2


def test_verify_without_a_server_administrator_compares_workbooks(tmp_path: Path, box: Sandbox) -> None:
    found = on_sandbox(tmp_path, box)
    publish(found, snapshot=exported(tmp_path, read_as(box, "ada")))
    text = (tmp_path / "settings.yaml").read_text()
    (tmp_path / "settings.yaml").write_text(
        text.replace('pat: {name: tok, secret: "file:token.txt"}', "password: {username: sam, password: sam}")
    )
    told = verify(load(tmp_path / "settings.yaml", {}))
    assert not told.differs
    assert {each.kinds for each in told.people} == {("workbook",)}


def test_the_benchmark_checks_its_answers_and_writes_what_differs(tmp_path: Path) -> None:
    told = tmp_path / "told.json"
    words = [sys.executable, str(ROOT / "benchmarks" / "mirror.py"), "--size", "tiny", "--people", "50"]
    done = subprocess.run(
        [*words, "--json", str(told)], capture_output=True, text=True, timeout=patience(120), check=False
    )
    assert done.returncode == 0, done.stderr
    measures = json.loads(told.read_text())
    changes = {
        measures[f"{sink}: make and publish after one group changed"]["remark"]
        for sink in ("DuckDB", "Parquet", "JSON Lines")
    }
    assert len(changes) == 1
    assert measures["DuckDB: make and publish, nothing differs"]["remark"] == "+0 -0 rows" not in changes


# -- the command line -----------------------------------------------------------------------------------------


def run(folder: Path, monkeypatch: pytest.MonkeyPatch, *words: str) -> tuple[int, str]:
    monkeypatch.chdir(folder)
    done = command_line.run(*words)
    return done.exit_code, done.output


def test_the_commands_tell_what_they_did(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fresh = replace(SITE, taken=replace(TAKEN, when=datetime.now(UTC).isoformat(timespec="seconds")))
    settings(tmp_path, SINKS % "/no/such/folder/x.db")
    kept(tmp_path, fresh)
    code, told = run(tmp_path, monkeypatch, "mirror")
    assert code == 1
    assert "sink 1 (jsonl): +1 source rows" in told
    code, told = run(tmp_path, monkeypatch, "mirror", "--json")
    shown = json.loads(told)
    assert (code, shown["source"], len(shown["matched"])) == (1, "a", 4)
    code, told = run(tmp_path, monkeypatch, "catalog", "--as", "JANE")
    assert (code, told.split()) == (0, ["Site", "(site)", "Public", "(project)"])
    for name in ("nobody", "una"):
        code, told = run(tmp_path, monkeypatch, "catalog", "--as", name)
        assert (code, told) == (0, f"{name} sees nothing of Tableau\n")
    code, told = run(tmp_path, monkeypatch, "catalog", "--as", "john", "--json")
    assert {entry["path"] for entry in json.loads(told)["entries"]} == {"", "Public", "Private", "Private/Budget"}


def test_facts_are_kept_browsed_and_made_whole_each_time(tmp_path: Path) -> None:
    more = SINKS.replace("mirror:\n", "mirror:\n  form: facts\n") % (tmp_path / "x.db")
    found = settings(tmp_path, more)
    kept(tmp_path)
    published = publish(found, now=NOW)
    assert [name for name, _ in published.written] == ["store", "sink 1", "sink 2"]
    assert published.failed == ()
    rows = last_mirror(found).held("a")
    assert {row[:5] for row in flat(rows)} == {
        row[:5] for row in truth(SITE, tableau_people(columns_of(SITE)), source="a")
    }
    assert flat(rows) == flat(found.mirror.sinks[0].held("a")) == flat(found.mirror.sinks[1].held("a"))
    assert [e.path for e in browse_as(found, "jane").catalog.entries] == ["", "Public"]
    assert not any(written.added for _, written in publish(found, now=NOW).written)
    kept(tmp_path, replace(SITE.with_groups(group("G", "jane")), taken=replace(TAKEN, when="2026-11-21T11:30:00Z")))
    written = {name: (dict(one.added), dict(one.removed)) for name, one in publish(found, now=NOW).written}
    assert written["sink 2"] == ({"sources": 1, "members": 1}, {"sources": 1, "members": 1})
    compressed = settings(tmp_path, SINKS % (tmp_path / "x.db"))
    publish(compressed, now=NOW)
    assert not len(compressed.mirror.sinks[1].held("a").get("items", ()))
