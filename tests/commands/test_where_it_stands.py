"""`status` and `doctor`: what is told of a place where nothing is yet, where all is well, and where much is not."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path

import pytest
from inbox import Inbox, open_inbox
from provisioning import SECRET, URL, Bench, bench, world

from support import command_line
from tabwarden.run.doctor import NO, NONE, YES, examined


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Bench]:
    with bench(tmp_path) as bench_:
        bench_.joiners("new@a.example")
        _ = bench_.settings_path
        yield bench_


def tabwarden(desk: Bench, *words: str) -> command_line.Ended:
    return command_line.run(*words, "--settings", desk.folder, env=desk.environment)


def diagnoses(desk: Bench, *words: str) -> dict[str, tuple[str, str]]:
    _ = desk.settings_path
    ended = tabwarden(desk, "doctor", "--json", *words)
    document = json.loads(ended.stdout)
    assert (ended.exit_code == 0) == document["ok"]
    assert SECRET not in ended.output
    return {one["what"]: (one["well"], one["says"]) for one in document["diagnoses"]}


def standing(desk: Bench) -> dict[str, object]:
    document: dict[str, object] = json.loads(tabwarden(desk, "status", "--json").stdout)
    return document


def test_status_from_the_first_hour_to_a_stop(desk: Bench) -> None:
    first = tabwarden(desk, "status")
    assert first.exit_code == 0
    assert "last read\tnever; `tabwarden read` reads the site" in first.stdout
    assert f"`{URL}` on {desk.sandbox.url}" in first.stdout
    assert not (desk.folder / ".tabwarden").exists(), "looking writes nothing"

    assert tabwarden(desk, "read").exit_code == 0
    assert tabwarden(desk, "plan", "provision").exit_code == 2
    now = standing(desk)
    assert (now["last_read"] or {})["snapshot"] == 1  # type: ignore[index]
    assert [plan["number"] for plan in now["waiting"]] == [1]  # type: ignore[attr-defined]
    assert "`tabwarden apply 1 --settings" in tabwarden(desk, "status").stdout

    desk.provision = {"protected": ["vic@a.example"]}
    desk.leavers("vic@a.example")
    _ = desk.settings_path
    assert tabwarden(desk, "run", "provision").exit_code == 3
    text = tabwarden(desk, "status").stdout
    assert "stops\tplan 2: lock-out; `tabwarden plan show 2` tells why" in text
    assert "1 error, 0 warnings" in text
    assert [(run["errors"]) for run in standing(desk)["runs"]] == [1]  # type: ignore[attr-defined]


def test_status_of_broken_settings_tells_them_and_everything_else(desk: Bench) -> None:
    tabwarden(desk, "read")
    text = desk.settings_path.read_text(encoding="utf-8")
    desk.settings_path.write_text(text.replace("tableau", "tabelau"), encoding="utf-8")
    ended = tabwarden(desk, "status")
    assert (ended.exit_code, "snapshot 1 of People" in ended.stdout) == (1, True)
    assert "there is no setting `tabelau`; did you mean `tableau`?" in ended.stdout


def test_a_read_of_another_site_is_told_as_such(desk: Bench) -> None:
    tabwarden(desk, "read")
    path = desk.settings_path
    path.write_text(path.read_text(encoding="utf-8").replace(f'"{URL}"', '"elsewhere"'), encoding="utf-8")
    text = command_line.run("status", "--settings", path, env=desk.environment).stdout
    assert "last read\tof `elsewhere` never; `tabwarden read` reads the site" in text
    assert "also People (`--site people`), read 2" in text


def test_all_is_well_and_a_mail_arrives_where_it_is_asked_for(desk: Bench) -> None:
    with open_inbox() as inbox:
        desk.more = {"mail": inbox.settings}
        lines = diagnoses(desk)
        assert {well for well, _ in lines.values()} <= {YES, NONE}
        assert (lines["mail"][0], len(inbox)) == (YES, 0)
        assert "sent to desk@a.example" in diagnoses(desk, "--mail")["mail"][1]
        assert [message["Subject"] for message in inbox] == ["Tabwarden: a test"]
    assert "`ada` on site `people`" in lines["sign-in"][1]
    assert "this session lasts 3:59:5" in lines["token's end"][1]
    assert lines["joiners"] == (YES, f"1 row of file `{desk.folder / 'joiners.csv'}`")
    assert "from the server's" in lines["clock"][1]
    assert not (desk.folder / ".tabwarden").exists(), "looking writes nothing"
    assert tabwarden(desk, "doctor").stdout.endswith("1 to see to\n"), "the mail server is gone"


def test_each_trouble_is_a_line_of_its_own_with_what_to_do(desk: Bench, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    desk.more = {
        "mail": Inbox().settings | {"port": 1},
        "logs": {"folder": "file/logs"},
        "directory": {"file": "missing.json"},
    }
    desk.lists["leavers"] = tmp_path / "gone.csv"
    lines = diagnoses(desk)
    troubles = {what: says for what, (well, says) in lines.items() if well == NO}
    assert set(troubles) == {"leavers", "directory", "mail", "disk of the logs"}
    assert "cannot be reached" in troubles["mail"]
    assert "gone.csv" in troubles["leavers"]
    assert "is a file; name another" in troubles["disk of the logs"]


def test_a_sign_in_that_is_refused_hides_no_other_line(desk: Bench) -> None:
    desk.token = "nobody"
    lines = diagnoses(desk)
    assert (lines["sign-in"][0], "401001" in lines["sign-in"][1]) == (NO, True)
    assert lines["joiners"][0] == YES
    assert "rights" not in lines


@pytest.mark.parametrize(
    ("role", "mode", "says"),
    [
        ("Explorer", "ContentAndUsers", "changes nobody; let an administrator make it"),
        ("SiteAdministratorExplorer", "ContentOnly", "site administrators may not manage users here"),
        ("SiteAdministratorExplorer", "ContentAndUsers", ""),
    ],
)
def test_the_rights_of_who_signs_in(tmp_path: Path, role: str, mode: str, says: str) -> None:
    people = world({"ada": "ServerAdministrator", "sam": role}, admin_mode=mode)
    with bench(tmp_path, people) as desk:
        desk.joiners("new@a.example")
        desk.token = "sam"
        well, words = diagnoses(desk)["rights"]
    assert (well, says in words) == (NO if says else YES, True)
    assert f"`sam` is {role}" in words


def test_a_token_that_ends_soon_is_something_to_see_to(desk: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PAT", SECRET)
    path = desk.settings_path
    values = json.loads(path.read_text(encoding="utf-8"))
    values["tableau"]["auth"]["pat"]["expires"] = "2027-03-31"
    path.write_text(json.dumps(values), encoding="utf-8")
    end = date(2027, 3, 31)
    for days, well, says in ((15, YES, "in 15 days"), (14, NO, "in 14 days; make a new one"), (-1, NO, "ended on")):
        lines = {one.what: one for one in examined(path, today=end - timedelta(days=days))}
        assert (lines["token's end"].well, says in lines["token's end"].says) == (well, True)
