"""On a server joined to a directory, joiners and leavers of any source are one person under one name."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from joined_sandbox import HOME, WEST, Desk, desk_of
from people_site import joiners, leavers

from tabwarden.model.errors import IncompleteRead, UnknownName
from tabwarden.model.site import Site, User
from tabwarden.run.provision import plan_provision
from tabwarden.want.directory import Directory, DirectoryPerson, Domain, Trust
from tabwarden.want.names.resolve import people_meant, resolved_joiners, resolved_leavers

FQDN, FAR = "corp.example", "far.example"


def person(name: str, domain: str = FQDN, **more: object) -> DirectoryPerson:
    told = {"upn": f"{name}@{domain}", **more}
    return DirectoryPerson(f"{domain}/{name}", domain, name, **told)  # type: ignore[arg-type]


JANE = person("jdoe", upn="jane.doe@corp.example", email="jane@mail.example", display_name="Jane Doe")
SEVERAL = (
    JANE,
    person("jdoe", FAR, email="jd@mail.example"),
    person("max", enabled=False),
    person("one", email="shared@mail.example"),
    person("two", email="shared@mail.example"),
    person("three", upn="one@mail.example", email="x@mail.example"),
    person("four", email="one@mail.example"),
    person("a" * 21),
    person("uma", "odd.example"),
    person("gone", deleted=True, upn=""),
)
HELD = Directory(
    (Domain(FQDN, "CORP"), Domain(FAR, "FAR"), Domain("odd.example", "ODD")),
    (Trust(FQDN, FAR, "FAR", True, False), Trust(FQDN, "odd.example", "ODD", False, True)),
    {p.guid: p for p in SEVERAL},
)


@pytest.mark.parametrize(
    ("word", "by"),
    [
        ("jane.doe@corp.example", "UPN"),
        ("JANE@mail.example", "mail address"),
        ("jdoe@corp.example", "UPN"),
        ("CORP\\jdoe", "DOMAIN\\name"),
        ("corp.example\\JDOE", "DOMAIN\\name"),
        ("corp.example\\jane.doe", "DOMAIN\\name"),
        ("jane.doe", "sAMAccountName"),
    ],
)
def test_one_person_by_any_of_her_names(word: str, by: str) -> None:
    found = people_meant(HELD, word)
    assert ([p.guid for p in found.people], found.by) == ([JANE.guid], by)
    assert [p.name for p in resolved_joiners(joiners(word), HELD, Site()).roster.people] == ["corp.example\\jdoe"]


@pytest.mark.parametrize(
    ("word", "reason"),
    [
        ("nobody@x.example", "is not found in the directory"),
        ("gone", "is not found in the directory"),
        ("NIX\\jdoe", "is not found in the directory"),
        ("jdoe", "means 2 people of the directory: `corp.example\\jdoe`, `far.example\\jdoe`"),
        ("shared@mail.example", "means 2 people of the directory: `corp.example\\one`, `corp.example\\two`"),
        ("one@mail.example", "means 2 people of the directory: `corp.example\\four`, `corp.example\\three`"),
        ("max", "`corp.example\\max` is disabled in the directory, and is not added"),
        ("a" * 21, "the sAMAccountName `aaaaaaaaaaaaaaaaaaaaa` has 21 characters or an @"),
        ("ODD\\uma", "`odd.example` trusts `corp.example`, and not the other way round"),
    ],
)
def test_who_cannot_be_told_is_held_with_reason_and_remedy(word: str, reason: str) -> None:
    found = resolved_joiners(joiners("CORP\\jdoe", word), HELD, Site())
    (held,) = found.held
    assert (held.person, held.reason[: len(reason)]) == (word, reason)
    assert held.remedy
    assert [p.name for p in found.roster.people] == ["corp.example\\jdoe"]
    assert found.roster.count == 2, "the rows of the source stay what they were: a stop judges them"


def test_two_rows_of_one_person_are_one() -> None:
    found = resolved_joiners(joiners("jane@mail.example", "CORP\\jdoe"), HELD, Site())
    assert [(p.name, p.row) for p in found.roster.people] == [("corp.example\\jdoe", 1)]
    assert "`CORP\\jdoe` (row 2) is the same person as `jane@mail.example` (row 1)" in found.notes


def site(*users: User) -> Site:
    return Site(users={user.id: user for user in users})


def test_a_user_imported_by_upn_is_the_person_and_not_a_second_one() -> None:
    there = site(User("u", "jane.doe", "Viewer", "CORP"))
    found = resolved_joiners(joiners("jane@mail.example"), HELD, there)
    assert [p.name for p in found.roster.people] == ["CORP\\jane.doe"]


def test_a_name_that_somebody_else_has_on_tableau_is_held() -> None:
    anna, braun = person("anna", email="a@x.example"), person("b", upn="anna@corp.example", email="b@x.example")
    held = Directory(HELD.domains, (), {p.guid: p for p in (anna, braun)})
    there = site(User("u", "anna", "Viewer", FQDN, email="b@x.example"))
    found = resolved_joiners(joiners("a@x.example"), held, there)
    assert found.held[0].reason == "`corp.example\\anna` on Tableau is somebody else, imported by UPN"
    theirs = resolved_joiners(joiners("b@x.example"), held, there)
    assert [p.name for p in theirs.roster.people] == ["corp.example\\anna"]


def test_leavers_who_are_disabled_or_gone_from_the_directory_still_leave() -> None:
    there = site(
        User("m", "max", "Viewer", FQDN),
        User("g", "ghost", "Viewer", FQDN, email="ghost@mail.example"),
        User("r", "robot", "Viewer"),
        User("j", "jdoe", "Viewer", FQDN),
        User("u", "jane.doe", "Viewer", FQDN),
    )
    words = ("max", "ghost@mail.example", "robot", "nobody@x.example", "jane@mail.example")
    found = resolved_leavers(leavers(*words), HELD, there)
    assert [p.name for p in found.roster.people] == [
        f"{FQDN}\\max",
        f"{FQDN}\\ghost",
        "robot",
        "nobody@x.example",
        f"{FQDN}\\jdoe",
        f"{FQDN}\\jane.doe",
    ]
    assert found.held == ()


def test_a_leaver_who_may_be_two_is_held() -> None:
    there = site(User("a", "ghost", "Viewer", FQDN), User("b", "ghost", "Viewer", FAR))
    (held,) = resolved_leavers(leavers("ghost"), HELD, there).held
    assert held.reason.endswith("means several users: `corp.example\\ghost`, `far.example\\ghost`")


def test_a_local_user_stays_local() -> None:
    there = site(User("r", "robot", "Viewer"))
    found = resolved_joiners(joiners("robot", "local\\other"), HELD, there)
    assert [p.name for p in found.roster.people] == ["robot", "local\\other"]


# -- end to end ---------------------------------------------------------------------------------------------------


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    with desk_of(tmp_path) as opened:
        opened.provision(set_joiners_viewer=True)
        yield opened


def test_a_table_with_mail_addresses_and_a_second_run_that_finds_nothing(desk: Desk) -> None:
    rows = [
        "mia@corp.example",
        "JOHN.SMITH@corp.example",
        "jsmith@west.na.corp.example",
        "CORP\\noa",
        "max",
        "ghost@x.example",
    ]
    desk.list_of("joiners", rows)
    plan = desk.plan()
    added = [change.person for change in plan.changes if change.op == "add_user"]
    assert added == [f"{HOME}\\mia", f"{HOME}\\jsmith", f"{WEST}\\jsmith", f"{HOME}\\noa"]
    assert [(h.person, h.reason.partition(",")[0]) for h in plan.held] == [
        ("max", "`corp.example\\max` is disabled in the directory"),
        ("ghost@x.example", "is not found in the directory"),
    ]
    assert desk.apply(plan).succeeded
    assert {(u.domain, u.name) for u in desk.site.users.values() if u.domain != "local"} == {
        (HOME, "mia"),
        (HOME, "jsmith"),
        (WEST, "jsmith"),
        (HOME, "noa"),
    }
    again = desk.plan()
    assert again.changes == ()
    # The same people by other words: still nothing.
    desk.list_of("joiners", ["CORP\\mia", "CORP\\jsmith", f"{WEST}\\jsmith", "noa@corp.example"])
    assert desk.plan().changes == ()


def test_a_leaver_by_mail_address_is_the_user_by_account(desk: Desk) -> None:
    desk.list_of("joiners", ["mia@corp.example", "noa@corp.example"])
    assert desk.apply(desk.plan()).succeeded
    desk.list_of("joiners", ["noa@corp.example"])
    desk.list_of("leavers", ["mia@corp.example", "CORP\\noa"])
    plan = desk.plan()
    assert [(c.op, c.person) for c in plan.changes] == [("set_site_role", f"{HOME}\\mia")]
    assert "joiner" in plan.held[0].reason, "one person in both lists, by different words"
    assert desk.apply(plan, "source-shrank=1").succeeded
    assert desk.site.find_user(f"{HOME}\\mia").site_role == "Unlicensed"


def test_who_was_deleted_in_the_directory_is_found_on_tableau_by_mail(desk: Desk) -> None:
    desk.list_of("joiners", ["mia@corp.example"])
    assert desk.apply(desk.plan()).succeeded
    plain = desk.sandbox.state.pretended
    domains = {f: {**d, "groups": {}} for f, d in plain["domains"].items()}
    desk.sandbox.state.put_directory({**plain, "domains": domains})
    desk.change_directory(HOME, {"mia": None})
    desk.list_of("joiners", ["noa@corp.example"])
    desk.list_of("leavers", ["mia@corp.example"])
    assert ("set_site_role", f"{HOME}\\mia") in [(c.op, c.person) for c in desk.plan().changes]


def test_a_directory_that_cannot_be_read_plans_nothing(desk: Desk) -> None:
    desk.list_of("joiners", ["mia@corp.example"])
    settings = desk.settings
    (desk.folder / "directory.json").write_text('{"format": 1, "domains": [', encoding="utf-8")
    with pytest.raises(IncompleteRead, match="directory file"):
        plan_provision(settings)
    (desk.folder / "directory.json").unlink()
    with pytest.raises(UnknownName, match="there is no directory file"):
        plan_provision(settings)
    assert not [u for u in desk.site.users.values() if u.domain != "local"]


def test_a_server_that_is_not_joined_takes_names_as_they_stand(tmp_path: Path) -> None:
    local = "world: l\ntokens: [{name: tok, secret: sec, user: ada}]\nsites:\n  - {name: S, content_url: s, "
    with desk_of(tmp_path, local + "users: {ada: {role: ServerAdministrator}}}\n", "s", joined=False) as desk:
        desk.values = HELD
        desk.provision()
        desk.list_of("joiners", ["jane@mail.example"])
        plan = desk.plan()
        assert [change.person for change in plan.changes] == ["jane@mail.example"]
        assert any("names are taken as they stand" in note for note in plan.notes)
