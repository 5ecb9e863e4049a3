"""Where settings are looked for, whose site is asked about, and that every command takes them from anywhere."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from people_site import site

from support import command_line
from tabwarden.cli import COMMANDS
from tabwarden.commands._parsing import parameters_of
from tabwarden.model.errors import SettingsError
from tabwarden.model.site import Taken
from tabwarden.places import ABOVE, BY_OPTION, BY_VARIABLE, HERE, OWN, VARIABLE, located
from tabwarden.run import history
from tabwarden.store import snapshot

NO_SETTINGS = {
    "demo",
    "sandbox",
    "settings encrypt",
    "settings decrypt",
    "settings rotate",
    "settings import",
    "help",
    "init",
}
NO_SETTINGS |= {"list schedules", "policy schema"}


def write(folder: Path, text: str = "", name: str = "settings.yaml") -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / name).write_text(text, encoding="utf-8")
    return folder / name


@pytest.fixture
def deep(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "work" / "reports" / "today"
    folder.mkdir(parents=True)
    monkeypatch.chdir(folder)
    return folder


def test_the_nearest_word_counts(deep: Path, tmp_path: Path) -> None:
    environ = {"XDG_CONFIG_HOME": str(tmp_path / "home")}
    assert located(None, environ).path is None
    own = write(tmp_path / "home" / "tabwarden", name="settings.yaml.aes")
    assert located(None, environ)[:2] == (own, OWN)
    above = write(tmp_path / "work")
    assert located(None, environ)[:2] == (above, ABOVE)
    nearer = write(deep.parent)
    assert located(None, environ)[:2] == (nearer, ABOVE)
    write(deep)
    assert located(None, environ)[:2] == (Path("settings.yaml"), HERE)
    other = write(tmp_path / "other")
    named = environ | {VARIABLE: str(other.parent)}
    assert located(None, named)[:2] == (other, BY_VARIABLE)
    assert located(above, named)[:2] == (above, BY_OPTION)


@pytest.mark.parametrize("name", ["settings.yml", "settings.yaml.txt", "settings.toml"])
def test_a_file_that_is_nearly_called_so_is_told(deep: Path, tmp_path: Path, name: str) -> None:
    write(deep, name=name)
    told = located(None, {"XDG_CONFIG_HOME": str(tmp_path / "home")}).why_not
    assert f"`{name}` is there: if it is YAML, call it `settings.yaml`" in told


def test_what_was_named_and_is_not_there_is_an_error_and_nothing_else_is_taken(deep: Path, tmp_path: Path) -> None:
    write(deep)
    for name in (tmp_path / "none.yaml", tmp_path):
        with pytest.raises(SettingsError, match=r"does not exist|has no settings\.yaml"):
            located(None, {VARIABLE: str(name)})


def test_a_file_above_of_somebody_else_is_passed_over_and_told(
    deep: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    theirs, ours = write(deep.parent), write(tmp_path / "work")
    stat = Path.stat

    def owned(self: Path, **more: bool) -> os.stat_result:
        whole = stat(self, **more)
        return os.stat_result((*whole[:4], 4711, *whole[5:10])) if self == theirs else whole

    monkeypatch.setattr(Path, "stat", owned)
    assert located(None, {}) == (ours, ABOVE, (theirs,))
    ours.unlink()
    assert f"`{theirs}` belongs to somebody else and is not taken by itself" in located(None, {}).why_not


def test_the_store_lies_beside_the_settings_wherever_they_are_found(deep: Path, tmp_path: Path) -> None:
    write(tmp_path / "work", "store: {folder: kept}\n")
    assert history.store_named(None) == str(tmp_path / "work" / "kept")
    more = write(tmp_path / "other", "tableau: {server: https://t.example}\n")
    assert history.store_named(None, more) == str(tmp_path / "other" / ".tabwarden")
    assert history.store_named("here", more) == "here"


@pytest.fixture
def two_sites(deep: Path, tmp_path: Path) -> Callable[..., command_line.Ended]:
    """A history of two sites, and a question to it."""
    write(
        tmp_path / "work", "tableau: {server: https://t.example, site: north, auth: {pat: {name: a, secret: env:X}}}\n"
    )
    for name, people in (("north", ("nora",)), ("south", ("sam",))):
        whole = replace(site(dict.fromkeys(people, "Viewer")), name=name.title(), content_url=name, id=name)
        whole = replace(whole, taken=Taken("https://t.example", "2026-11-21T10:00:00Z", "ada", "ServerAdministrator"))
        folder = snapshot.save(whole, tmp_path / "folders")
        assert command_line.run("snapshots", "import", str(folder)).exit_code == 0

    def ask(*words: str) -> command_line.Ended:
        return command_line.run("what", *words, "--json")

    return ask


def test_the_site_of_the_settings_is_asked_about_and_another_by_any_name(
    two_sites: Callable[..., command_line.Ended], tmp_path: Path
) -> None:
    assert two_sites("nora").exit_code == 0
    assert two_sites("sam").exit_code == 1
    for name in ("south", "South", "https://t.example/#/site/south"):
        assert two_sites("sam", "--site", name).exit_code == 0
    other = write(
        tmp_path / "other", "tableau: {server: https://t.example, site: south}\nstore: {folder: ../work/.tabwarden}\n"
    )
    assert two_sites("sam", "--settings", str(other)).exit_code == 0
    (tmp_path / "work" / "settings.yaml").unlink()
    result = two_sites("nora", "--store", str(tmp_path / "work" / ".tabwarden"))
    assert "say which with --site: `north`, `south`" in result.stderr


def test_every_command_takes_settings_from_anywhere() -> None:
    lacking = [
        words
        for words, command in COMMANDS.items()
        if words not in NO_SETTINGS
        and "--settings" not in {name for p in parameters_of(command.function()) for name in p.names}
    ]
    assert lacking == []
