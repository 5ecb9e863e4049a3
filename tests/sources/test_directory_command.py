"""`tabwarden directory` on two real domains and on a file, and increments from one command to the next."""

from __future__ import annotations

import json

import domain_people as forest
import pytest
from domain_people import CORP, SEATTLE
from samba import ADMINISTRATOR

from support import command_line
from tabwarden.run.directory import KEPT, read_directory
from tabwarden.settings import load
from tabwarden.sources.ldap import changes
from tabwarden.store import directory_file


def run(*words: object, code: int = 0) -> str:
    done = command_line.run("directory", *words)
    assert done.exit_code == code, done.output
    return done.output


@pytest.fixture(scope="module")
def settings(domains, tmp_path_factory):
    """A settings file with both domains, read by who sees deletions."""
    return domains.settings_file(tmp_path_factory.mktemp("settings"), user=ADMINISTRATOR)


@pytest.fixture(scope="module")
def kept(settings, tmp_path_factory):
    """The directory as the command keeps it."""
    path = tmp_path_factory.mktemp("kept") / "directory.json"
    told = run("read", "--out", path, "--settings", settings)
    assert f"written to {path}" in told.replace("\n", "")
    return path


def test_it_is_read_into_a_file(settings, kept):
    assert directory_file.load(kept).people == read_directory(load(settings, {})).people


def test_domains_counts_and_trusts(kept):
    told = run("show", "--file", kept)
    assert f"trusts {SEATTLE} and is trusted by it" in told
    assert "trusts trusted.example.net" in told
    assert "is trusted by trusting.example.net" in told
    plain = json.loads(run("show", "--file", kept, "--json"))
    corp, seattle = plain["domains"]
    assert (corp["netbios"], seattle["netbios"]) == ("CORP", "SEATTLE")
    assert corp["enabled"] > 310
    assert (corp["orphans"], seattle["orphans"]) == (1, 0)


def test_a_group_and_a_person(settings, kept):
    told = run("show", "--settings", settings, "--group", "seattle\\coast")
    assert f"{SEATTLE}\\wendy.west" in told
    assert f"2 of {len(directory_file.load(kept).people)} people" in told
    (ada,) = json.loads(run("show", "--file", kept, "--person", "ada@example.org", "--json"))
    assert (ada["sam_account_name"], ada["display_name"]) == ("ada", "Ada Lovelace")
    assert [p["domain"] for p in json.loads(run("show", "--file", kept, "--person", "jsmith", "--json"))] == [
        CORP,
        SEATTLE,
    ]
    assert forest.ODD in run("show", "--file", kept, "--groups")
    groups = json.loads(run("show", "--file", kept, "--groups", "--json"))
    assert len(next(g for g in groups if g["name"] == "Everybody")["members"]) == 300


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("--group", "Vanished"), "no group `Vanished` in the directory"),
        (("--group", "Domain Users"), f"several groups are called `Domain Users`; write `{CORP}\\Domain Users` or"),
        (("--group", "NOWHERE\\Sales"), f"no domain `NOWHERE` was read; there are `{CORP}`, `{SEATTLE}`"),
        (("--person", "nobody.at.all"), "nobody in the directory is called `nobody.at.all`"),
        (("--groups", "--person", "ada"), "ask for one of `--group`, `--person` and `--groups`"),
    ],
)
def test_what_is_not_there(kept, words, message):
    assert message in run("show", "--file", kept, *words, code=1)


def test_a_directory_that_cannot_be_read_leaves_no_file(domains, tmp_path):
    section = domains.section()
    section["domains"][1]["password"] = "wrong-wrong"
    path = domains.settings_file(tmp_path, directory=section)
    told = run("read", "--out", tmp_path / "new.json", "--settings", path, code=1)
    assert "does not let `SEATTLE\\svc.tabwarden` in" in told.replace("\n", "")
    assert "wrong-wrong" not in told
    assert not (tmp_path / "new.json").exists()


def test_settings_may_name_a_file(domains, kept, tmp_path):
    path = domains.settings_file(tmp_path, directory={"file": str(kept)})
    assert read_directory(load(path, {})) == directory_file.load(kept)


def test_increments_from_one_read_to_the_next(domains, tmp_path, monkeypatch):
    whole = []
    real = changes.read_domain
    monkeypatch.setattr(changes, "read_domain", lambda line, told: whole.append(line.words) or real(line, told))
    section = {**domains.section(ADMINISTRATOR), "incremental": True}
    path = domains.settings_file(tmp_path, directory=section, store={"folder": str(tmp_path / "store")})
    settings = load(path, {})
    first = read_directory(settings)
    (place,) = (tmp_path / "store" / KEPT).iterdir()
    domains.corp.add_person("ines.new")
    try:
        second = read_directory(settings)
        assert {p.sam_account_name for g, p in second.people.items() if g not in first.people} == {"ines.new"}
        assert directory_file.load(place) == second
    finally:
        domains.corp.delete("ines.new")
    place.write_text("{")
    assert read_directory(settings).people_with_account("ines.new") == ()
    assert whole == []
    asks_more = domains.settings_file(
        tmp_path, directory={**section, "attributes": ["title"]}, store={"folder": str(tmp_path / "store")}
    )
    read_directory(load(asks_more, {}))
    assert len(list((tmp_path / "store" / KEPT).iterdir())) == 2
