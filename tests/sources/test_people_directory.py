"""Several sources of which one is a directory: its groups within groups, names, renames; on a server joined to it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from provisioning import world
from several_sources import Several, several

from tabwarden.model.site import Group

PEOPLE = (
    ("g-jane", "jane", "jane@corp.example.com", "Sales"),
    ("g-joe", "joe", "joe@corp.example.com", "Finance"),
    ("g-new", "newton", "newton@corp.example.com", "Finance"),
)


def directory(folder: Path, people: tuple[tuple[str, str, str, str], ...] = PEOPLE) -> None:
    """A directory as a file: Tableau-East lies in Tableau-All, which closes a cycle; jane is in the inner one."""
    inside = [guid for guid, *_ in people if guid == "g-jane"]
    whole = {
        "format": 1,
        "when": "2026-11-21T18:24:00Z",
        "domains": [{"fqdn": "corp.example.com", "netbios": "CORP"}],
        "trusts": [],
        "people": [
            {
                "guid": guid,
                "domain": "corp.example.com",
                "sam_account_name": name,
                "upn": mail,
                "email": mail,
                "attributes": {"department": department},
            }
            for guid, name, mail, department in people
        ],
        "groups": [
            {"guid": "e", "domain": "corp.example.com", "name": "Tableau-East", "members": [*inside, "a"]},
            {"guid": "a", "domain": "corp.example.com", "name": "Tableau-All", "members": ["e"]},
        ],
    }
    (folder / "directory.json").write_text(json.dumps(whole), encoding="utf-8")


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Several]:
    roles = {"ada": "ServerAdministrator", "sam": "SiteAdministratorCreator"}
    held = world(
        roles | {"corp.example.com\\jane": "Viewer", "corp.example.com\\joe": "Viewer"},
        (),
        more_groups=(Group("g-fin", "Finance"),),
    )
    with several(tmp_path, held) as opened:
        directory(tmp_path)
        users = {name: {} for _, name, *_ in (*PEOPLE, ("", "jane.doe"))}
        domains = {"corp.example.com": {"netbios": "CORP", "users": users}}
        opened.sandbox.state.put_directory({"joined": True, "domains": domains})
        opened.more["directory"] = {"file": str(tmp_path / "directory.json")}
        source: dict[str, Any] = {
            "name": "ad",
            "from": {"type": "ldap", "state": "enabled"},
            "columns": {
                "key": {"guid": "objectGUID"},
                "name": "sAMAccountName",
                "email": "mail",
                "department": "department",
                "groups": "memberOf",
            },
            "authoritative": True,
        }
        opened.people["sources"] = [source]
        opened.people["nested"] = {"directory": True}
        opened.people["mapping"] = [
            {"when": {"group": "CORP\\Tableau-A*"}, "groups": ["Analysts"]},
            {"when": {"department": "Finance"}, "groups": ["Finance"]},
        ]
        yield opened


def test_groups_of_the_directory_count_through_other_groups(desk: Several) -> None:
    applied = desk.run()
    assert applied.succeeded, applied.plan.held
    assert desk.groups_of("corp.example.com\\jane") == {"Analysts", "Grant_Role_On_Sign_In"}
    assert desk.groups_of("corp.example.com\\joe") == {"Finance", "Grant_Role_On_Sign_In"}
    because = next(
        c.because for c in applied.plan.changes if c.of_group and c.of_group.name == "Analysts" and c.of_user
    )
    assert because == "joiner, group `CORP\\Tableau-All` through `CORP\\Tableau-East` (row 1 of ad)"
    assert desk.run().plan.changes == ()


def test_a_mail_in_one_list_and_an_account_in_another_are_one_user(desk: Several) -> None:
    desk.tell("hr", [{"mail": "JOE@corp.example.com", "status": "left"}], columns={"email": "mail", "status": "status"})
    desk.people["precedence"] = {"status": ["hr"]}
    applied = desk.run()
    assert applied.succeeded, applied.plan.held
    assert (desk.role("corp.example.com\\joe"), desk.role("corp.example.com\\jane")) == ("Unlicensed", "Viewer")
    assert desk.run().plan.changes == ()


def test_a_rename_in_the_directory_is_held_with_the_domain(desk: Several) -> None:
    assert desk.run().succeeded
    directory(desk.folder, (("g-jane", "jane.doe", "jane.doe@corp.example.com", "Sales"), *PEOPLE[1:]))
    plan = desk.plan()
    assert plan.changes == ()
    (held,) = plan.held
    assert "by the key it is the same account: was `corp.example.com\\jane`" in held.reason
    assert 'tabwarden plan rename "corp.example.com\\jane=corp.example.com\\jane.doe"' in held.remedy


def test_who_is_gone_from_the_directory_has_left(desk: Several) -> None:
    assert desk.run().succeeded
    directory(desk.folder, PEOPLE[1:])
    applied = desk.run("source-shrank=1")
    assert applied.succeeded, applied.plan.held
    assert (desk.role("corp.example.com\\jane"), desk.groups_of("corp.example.com\\jane")) == ("Unlicensed", set())
    assert desk.run().plan.changes == ()


def test_a_directory_that_cannot_be_read_stops_all(desk: Several) -> None:
    (desk.folder / "directory.json").unlink()
    with pytest.raises(Exception, match=r"directory\.json"):
        desk.run()
    assert desk.writes() == {}
