"""One history for everything: questions about a day, several sites, reads of a part, and what the mirror publishes."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from test_sight import on, story

from support import command_line
from tabwarden.model.errors import SettingsError, UnknownName
from tabwarden.model.scope import OUTSIDE, scope_of
from tabwarden.model.site import Site, Taken
from tabwarden.run.history import every_site, newest_site, of_site, open_either, snapshot_of
from tabwarden.run.snapshots import bring_in, export
from tabwarden.settings import load, load_store
from tabwarden.store import snapshot
from tabwarden.store.history import History

WHERE = "https://t.example.com"
SETTINGS = """\
tableau:
  server: https://t.example.com/
  site: acme
  auth: {pat: {name: tok, secret: "env:NO_SUCH_TOKEN"}}
store: {folder: kept}
"""


@pytest.fixture
def desk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with settings whose token is not there, and three days in its history."""
    (tmp_path / "settings.yaml").write_text(SETTINGS, encoding="utf-8")
    keep(tmp_path, *story())
    monkeypatch.chdir(tmp_path)
    return tmp_path


def keep(folder: Path, *sites: Site) -> None:
    with History(folder / "kept") as history:
        for site in sites:
            history.keep(site)


def command(*words: str) -> tuple[int, str]:
    result = command_line.run(*words, env={"COLUMNS": "200"})
    return result.exit_code, result.output


def test_every_question_is_asked_of_any_day(desk: Path) -> None:
    """Jane comes into Finance on the second day and is denied on the third (`test_sight.story`)."""

    def may(*more: str) -> bool:
        code, told = command("why", "jane", "View", "Finance/Budget", "--json", *more)
        assert code == 0, told
        return bool(json.loads(told)["verdict"] == "allowed")

    assert [may("--on", day) for day in ("1", "2026-03-02", "last")] == [False, True, False]
    assert [may("--snapshot", day) for day in ("2026-03-01T23:00:00Z", "previous", "3")] == [False, True, False]
    assert not may()
    for words in (
        ("who", "View", "Finance/Budget"),
        ("what", "jane", "Finance/Budget"),
        ("what", "jane"),
        ("rules", "Finance/Budget"),
        ("whatif", "lock Finance"),
    ):
        (then, now) = (command(*words, "--json", *more) for more in (("--on", "2"), ()))
        assert (then[0], now[0]) == (0, 0), then[1] + now[1]
        assert then[1] != now[1]
        exported = export(str(desk / "kept"), "2", desk / "out")
        assert command(*words, "--json", "--snapshot", str(exported)) == then
    code, told = command("why", "jane", "View", "Finance/Budget", "--on", "someday")
    assert (code, "`someday` is no snapshot's folder, and no number, day" in told) == (1, True)


def test_a_question_needs_no_secret_and_makes_nothing(
    desk: Path, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(SettingsError, match="NO_SUCH_TOKEN"):
        load(None, {})
    assert load_store(None, {}).folder == Path("kept")
    assert load_store(None, {"TABWARDEN_STORE__FOLDER": "elsewhere"}).folder == Path("elsewhere")
    (desk / "settings.yaml").write_text(SETTINGS.replace("folder: kept", "foldr: kept"), encoding="utf-8")
    with pytest.raises(SettingsError, match="foldr"):
        load_store(None, {})
    bare = tmp_path_factory.mktemp("bare")
    monkeypatch.chdir(bare)
    code, told = command("why", "jane", "View", "Finance/Budget")
    assert (code, "no snapshot in `.tabwarden` yet: take one with `tabwarden read`" in told) == (1, True)
    assert list(bare.iterdir()) == []


def test_what_was_there_once_is_told_with_its_day(desk: Path) -> None:
    last = story()[-1]
    keep(desk, replace(last.without_contents(["w"]), taken=on(4)))
    code, told = command("history", "Finance/Budget")
    assert code == 1
    assert "it was there until snapshot 3 of 2026-03-03T06:00:00Z; ask with `--on 3`" in told
    assert "View of Finance/Budget on snapshot 3" in command("history", "Finance/Budget", "--on", "3")[1]


# -- several sites --------------------------------------------------------------------------------------------


def test_sites_are_told_apart_by_content_url_and_by_address(desk: Path) -> None:
    first = story()[0]
    keep(desk, replace(first, id="b", content_url="other", taken=on(5)))
    alone = command("who", "View", "Finance/Budget", "--site", "acme")
    assert command("who", "View", "Finance/Budget") == alone  # of the two the one that the settings name
    assert alone[0] == 0
    assert command("who", "View", "Finance/Budget", "--site", "other")[0] == 0
    code, told = command("what", "jane", "--all-sites", "--json")
    assert [row["site"] for row in json.loads(told)] == ["acme", "other"]
    elsewhere = replace(first, taken=replace(on(6), where="https://second.example.com"))
    keep(desk, elsewhere)
    code, told = command("history", "jane", "--site", "acme")
    assert (code, "`https://second.example.com/#/site/acme`" in told, f"`{WHERE}/#/site/acme`" in told) == (
        1,
        True,
        True,
    )
    assert open_either("last", None, "https://second.example.com/#/site/acme") == elsewhere
    code, told = command("history", "--site", f"{WHERE}/#/site/acme", "--json")
    assert [kept["number"] for kept in json.loads(told)] == [1, 2, 3]


def test_a_site_that_was_made_anew_is_another_and_the_newer_is_asked(desk: Path) -> None:
    keep(desk, replace(story()[0], id="anew", taken=on(8)))
    with History(desk / "kept") as history:
        assert [kept.number for kept in of_site(history, "acme")] == [4]
        assert [kept.number for kept in every_site(history)] == [4]
        assert history.open(snapshot_of(history, "last").number).id == "anew"


# -- a part of a site -----------------------------------------------------------------------------------------


def part(day: int) -> Site:
    return replace(story()[0].without_contents(["w"]), taken=on(day), partial=(f"{OUTSIDE}`HR`", "connections"))


@pytest.mark.parametrize("pseudonyms", [False, True])
def test_a_read_of_some_projects_is_never_the_history_of_the_site(desk: Path, pseudonyms: bool) -> None:
    keep(desk, part(7))
    assert scope_of(part(7)) == f"{OUTSIDE}`HR`"
    for words in (("diff", "3", "4"), ("diff", "last", "4")):
        code, told = command(*words)
        assert (code, "reads of different parts of the site" in told) == (1, True), told
    assert command("history", "Finance/Budget")[1].startswith("View of Finance/Budget on snapshot 3")
    folders = [export("kept", number, desk / "out", pseudonyms=pseudonyms) for number in ("3", "4")]
    bring_in("second", folders)
    with History("second") as history:
        assert [bool(kept.scope) for kept in history.snapshots()] == [False, True]
        assert snapshot_of(history, "last").number == 1


def test_who_is_no_administrator_reads_a_history_of_his_own(desk: Path) -> None:
    less = replace(story()[0], contents={}, taken=replace(on(9), by="vic", by_role="Viewer"), partial=("the rest",))
    keep(desk, less)
    assert command("diff", "3", "4")[0] == 1
    assert open_either("last") == story()[-1]
    assert open_either("4") == less


# -- what is published ----------------------------------------------------------------------------------------


def test_the_newest_complete_snapshot_of_the_settings_site(desk: Path) -> None:
    settings = load(None, {"NO_SUCH_TOKEN": "x"})
    keep(desk, part(7), replace(story()[0], id="b", content_url="other", taken=on(8)))
    now = datetime(2026, 3, 3, 9, tzinfo=UTC)
    found = newest_site(settings, now=now)
    assert (found.site, found.snapshot.number, found.age) == (story()[-1], 3, timedelta(hours=3))
    assert not found.snapshot.limited
    assert newest_site(settings, "previous").site == story()[1]
    assert newest_site(settings, "2026-03-01").site == story()[0]
    assert newest_site(settings, "4").snapshot.limited
    with pytest.raises(UnknownName, match="the settings name another site"):
        newest_site(settings, "5")


def test_nothing_was_read_yet(tmp_path: Path) -> None:
    (tmp_path / "settings.yaml").write_text(SETTINGS, encoding="utf-8")
    settings = load(tmp_path, {"NO_SUCH_TOKEN": "x"})
    with pytest.raises(UnknownName, match="take one with `tabwarden read`"):
        newest_site(settings)
    assert not (tmp_path / "kept").exists()
    with History(tmp_path / "kept") as history:
        history.keep(replace(story()[0], taken=Taken(WHERE, "", "reader", "ServerAdministrator")))
    assert newest_site(settings).age is None


def test_a_folder_of_snapshots_is_asked_as_well(desk: Path) -> None:
    for site in story():
        snapshot.save(site, desk / "folders")
    assert command("who", "View", "Finance/Budget", "--snapshots", "folders", "--json") == command(
        "who", "View", "Finance/Budget", "--json"
    )
