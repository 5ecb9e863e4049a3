"""Several sources to a sandbox and back: joiners, movers, rehires, renames and leavers, read back by a client."""

from __future__ import annotations

import json
import os
import random
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import tableauserverclient
from provisioning import SECRET, URL, by_name, world
from several_sources import Several, several

from tabwarden.model.errors import SettingsError, TabwardenError
from tabwarden.model.site import Group

UNA = {"id": "17", "login": "una@a.example", "mail": "una@a.example", "department": "Sales North"}
VIC = {"id": "23", "login": "vic@a.example", "mail": "vic@a.example", "department": "Finance"}
NEW = {"id": "42", "login": "new@a.example", "mail": "new@a.example", "department": "Finance"}


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Several]:
    with several(tmp_path) as opened:
        yield opened


def as_a_client_sees_it(desk: Several) -> dict[str, tuple[str, set[str]]]:
    """Site role and groups by user name, read by tableauserverclient."""
    server = tableauserverclient.Server(desk.sandbox.url, use_server_version=True)
    with server.auth.sign_in(tableauserverclient.PersonalAccessTokenAuth("tok", SECRET, URL)):
        found: dict[str, tuple[str, set[str]]] = {
            str(user.name): (str(user.site_role), set()) for user in tableauserverclient.Pager(server.users)
        }
        for group in tableauserverclient.Pager(server.groups):
            server.groups.populate_users(group)
            for user in group.users if group.name != "All Users" else ():
                found[str(user.name)][1].add(str(group.name))
    return found


def test_joiners_come_into_the_groups_of_their_department(desk: Several) -> None:
    desk.tell("hr", [UNA, NEW])
    applied = desk.run()
    assert applied.succeeded
    seen = as_a_client_sees_it(desk)
    assert seen["new@a.example"] == ("Unlicensed", {"Finance", "Grant_Role_On_Sign_In"})
    assert seen["una@a.example"][1] == {"Sales", "Grant_Role_On_Sign_In"}
    assert [c.because for c in applied.plan.changes if c.of_group and c.of_group.name == "Finance"] == [
        "joiner, department `Finance` (row 2 of hr)"
    ]
    again = desk.run()
    assert again.plan.changes == ()


def test_a_mover_leaves_what_no_longer_applies_and_enters_what_does(desk: Several) -> None:
    desk.tell("hr", [UNA, VIC])
    assert desk.run().succeeded
    choir = desk.site.find_group("Choir")
    desk.change_site(desk.site.with_groups(Group(choir.id, "Choir", members=frozenset({"u-una@a.example"}))))
    desk.tell("hr", [UNA | {"department": "Finance"}, VIC])
    plan = desk.plan()
    assert desk.steps(plan) == ["add_to_group una Finance", "remove_from_group una Sales"]
    assert [change.because for change in plan.changes] == [
        "mover, department `Finance` (row 1 of hr)",
        "mover, department `Sales North` is now `Finance` (row 1 of hr)",
    ]
    assert desk.apply(plan).succeeded
    assert as_a_client_sees_it(desk)["una@a.example"][1] == {"Finance", "Grant_Role_On_Sign_In", "Choir"}
    assert desk.plan().changes == ()
    desk.apply(desk.undo())
    assert desk.groups_of("una@a.example") == {"Sales", "Grant_Role_On_Sign_In", "Choir"}


def test_a_leaver_and_his_return(desk: Several) -> None:
    desk.tell("hr", [UNA, VIC])
    assert desk.run().succeeded
    assert desk.groups_of("vic@a.example") == {"Finance", "Grant_Role_On_Sign_In"}
    desk.tell("hr", [UNA, VIC | {"status": "LEFT"}])
    left = desk.run()
    assert left.succeeded
    assert {change.because for change in left.plan.changes} == {"leaver, left by row 2 of hr"}
    assert as_a_client_sees_it(desk)["vic@a.example"] == ("Unlicensed", set())
    assert desk.run().plan.changes == ()
    desk.tell("hr", [UNA, VIC])
    back = desk.plan()
    assert desk.steps(back) == ["add_to_group vic Grant_Role_On_Sign_In", "add_to_group vic Finance"]
    assert back.changes[0].because == "joiner, rehire: row 2 of hr, had left before"
    assert back.changes[1].because == "rehire, department `Finance` (row 2 of hr)"
    assert "1 rehire: `vic@a.example`" in back.notes
    assert desk.apply(back).succeeded
    assert desk.groups_of("vic@a.example") == {"Finance", "Grant_Role_On_Sign_In"}
    assert desk.plan().changes == ()
    assert "rehire" not in " ".join(desk.plan().notes)


def test_who_vanishes_from_an_authoritative_source_has_left(desk: Several) -> None:
    desk.tell("hr", [UNA, VIC], authoritative=True)
    desk.tell("crm", [VIC])
    assert desk.run().succeeded
    desk.tell("hr", [UNA])
    gone = desk.run()
    assert gone.succeeded
    assert {change.because for change in gone.plan.changes} == {"leaver, vanished from hr (row 2 at the last good run)"}
    assert desk.role("vic@a.example") == "Unlicensed"
    assert desk.run().plan.changes == ()


def test_who_vanishes_from_another_source_is_left_as_he_is(desk: Several) -> None:
    desk.tell("hr", [UNA, VIC])
    assert desk.run().succeeded
    desk.tell("hr", [UNA])
    plan = desk.plan()
    assert plan.changes == ()
    assert "1 person of the last good run is in no source any more" in " ".join(plan.notes)


def test_many_who_vanish_are_a_stop(desk: Several) -> None:
    desk.stops = {"licences_lost": {"count": 0, "percent": 0}}
    desk.tell("hr", [UNA, VIC, *(NEW | {"id": f"n{n}", "login": f"n{n}@a.example", "mail": ""} for n in range(8))])
    desk.people["sources"][0]["authoritative"] = True
    assert desk.run().succeeded
    desk.tell("hr", [UNA])
    stopped = desk.run()
    assert {stop.id for stop in stopped.stops} == {"source-shrank", "licences-lost"}
    assert desk.role("vic@a.example") == "Viewer"


def test_a_row_that_cannot_be_used_lets_nobody_vanish(desk: Several) -> None:
    desk.tell("hr", [UNA, VIC], authoritative=True)
    assert desk.run().succeeded
    desk.tell("hr", [UNA, {"id": "", "login": "v i c", "department": "Finance"}])
    plan = desk.plan()
    assert plan.changes == ()
    assert [(held.person, held.remedy) for held in plan.held] == [
        ("vic@a.example", "mend the rows that cannot be used")
    ]


def test_a_rename_is_held_with_the_way_to_do_it(desk: Several) -> None:
    desk.tell("hr", [UNA, VIC], authoritative=True)
    assert desk.run().succeeded
    desk.tell("hr", [UNA, VIC | {"login": "victor@a.example", "mail": "victor@a.example"}])
    for _ in range(2):  # planning tells the same until it is done
        applied = desk.run()
        assert applied.plan.changes == ()
        (held,) = applied.plan.held
        assert held.person == "victor@a.example"
        assert "tabwarden plan rename vic@a.example=victor@a.example" in held.remedy
    assert desk.role("vic@a.example") == "Viewer"


def test_an_unknown_name_with_the_mail_of_a_user_is_not_added_twice(desk: Several) -> None:
    desk.tell("hr", [{"login": "vicky", "mail": "VIC@a.example", "department": "Finance"}])
    plan = desk.plan()
    assert plan.changes == ()
    assert "`vic@a.example` has the same e-mail" in plan.held[0].reason


def test_overrides_and_precedence_decide_and_are_shown(desk: Several) -> None:
    desk.tell("hr", [UNA], rank=1)
    desk.tell("crm", [{"login": "UNA@a.example", "department": "Finance", "title": "Head"}], rank=2)
    assert desk.groups_of("una@a.example") == set()
    assert desk.run().succeeded
    assert "Sales" in desk.groups_of("una@a.example")
    desk.people["precedence"] = {"department": ["crm"]}
    assert desk.run().succeeded
    assert "Finance" in desk.groups_of("una@a.example")
    desk.people["overrides"] = [{"person": "una@a.example", "department": "Sales South", "reason": "on loan"}]
    assert desk.run().succeeded
    assert "Sales" in desk.groups_of("una@a.example")
    (una,) = desk.show().standings.people
    assert una.person is not None
    field = una.person.fields["department"]
    assert (field.value, field.source, field.row) == ("Sales South", "overrides", 1)
    assert [(given.value, given.source) for given in field.overruled] == [("Finance", "crm"), ("Sales North", "hr")]


def test_overrides_may_stand_in_a_file(desk: Several) -> None:
    (desk.folder / "overrides.csv").write_text("person,department,site_role\nuna@a.example,Finance,Viewer\nnobody,x,\n")
    desk.people["overrides_from"] = {"type": "file", "path": str(desk.folder / "overrides.csv")}
    desk.tell("hr", [UNA])
    applied = desk.run()
    assert applied.succeeded
    assert (desk.role("una@a.example"), "Finance" in desk.groups_of("una@a.example")) == ("Viewer", True)
    assert "an override for `nobody` fits nobody" in " ".join(applied.plan.notes)
    assert desk.run().plan.changes == ()


def test_the_order_of_sources_changes_nothing(desk: Several) -> None:
    desk.tell("hr", [UNA, VIC], rank=1)
    desk.tell("crm", [NEW, UNA | {"department": "Finance"}], rank=2)
    desk.tell("badge", [VIC | {"department": "Sales", "groups": "Doors;Lifts"}], rank=2)
    told = []
    for number in range(6):
        random.Random(number).shuffle(desk.people["sources"])
        plan = desk.plan()
        told.append((plan.changes, plan.held, plan.notes, plan.sources and [s.task for s in plan.sources]))
    assert all(one == told[0] for one in told)


def test_nested_groups_and_wildcards_map(desk: Several) -> None:
    nesting = (
        "group,parent\nCORP\\Tableau-East,CORP\\Tableau-All\nCORP\\Tableau-All,CORP\\Everyone\n"
        "CORP\\Everyone,CORP\\Tableau-East\n"
    )
    (desk.folder / "nesting.csv").write_text(nesting)
    desk.people["nested"] = {"from": {"type": "file", "path": str(desk.folder / "nesting.csv")}}
    desk.people["mapping"] = [{"when": {"group": "corp\\tableau-a*"}, "groups": ["Analysts"], "site_role": "Viewer"}]
    desk.tell("ad", [UNA | {"groups": "CORP\\Tableau-East; CORP\\Doors"}])
    applied = desk.run()
    assert applied.succeeded
    assert (desk.role("una@a.example"), desk.groups_of("una@a.example")) == (
        "Viewer",
        {"Analysts", "Grant_Role_On_Sign_In"},
    )
    because = next(
        c.because for c in applied.plan.changes if c.of_group and c.of_group.name == "Analysts" and c.of_user
    )
    assert because == "joiner, group `CORP\\Tableau-All` through `CORP\\Tableau-East` (row 1 of ad)"
    assert desk.run().plan.changes == ()


def test_a_site_role_is_raised_and_lowered_only_where_that_is_set(desk: Several) -> None:
    desk.people["mapping"] = [{"when": {"title": "Analyst"}, "site_role": "Explorer"}]
    desk.tell("hr", [UNA | {"title": "Analyst"}, {"login": "cleo@a.example", "title": "analyst"}])
    assert desk.run().succeeded
    assert (desk.role("una@a.example"), desk.role("cleo@a.example")) == ("Explorer", "Creator")
    desk.people["lower"] = True
    assert desk.run().succeeded
    assert desk.role("cleo@a.example") == "Explorer"
    assert desk.run().plan.changes == ()


def test_administrators_and_protected_people_are_left_alone(desk: Several) -> None:
    desk.provision = {"protected": ["cleo@a.example"]}
    desk.people["lower"] = True
    desk.people["mapping"].append({"groups": ["Staff"], "site_role": "Viewer"})
    desk.tell("hr", [{"login": n, "department": "Finance"} for n in ("ada", "sam", "cleo@a.example", "una@a.example")])
    plan = desk.plan()
    assert {change.person for change in plan.changes if change.of_user} == {"una@a.example"}


def test_only_mapped_people_are_added_where_that_is_set(desk: Several) -> None:
    desk.people["add"] = "mapped"
    desk.tell("hr", [NEW | {"department": "Canteen"}, NEW | {"id": "43", "login": "two@a.example", "mail": ""}])
    plan = desk.plan()
    assert {change.person for change in plan.changes if change.of_user} == {"two@a.example"}
    assert "1 people are not added, because no entry of the mapping applies: `new@a.example`" in plan.notes


def test_seats_that_run_out_hold_the_rest(tmp_path: Path) -> None:
    with several(tmp_path, world(seats={"Viewer": 2, "Explorer": 1, "Creator": 9})) as desk:
        desk.people["mapping"] = [{"site_role": "Explorer"}]
        desk.tell("hr", [UNA, NEW])
        applied = desk.run()
        assert applied.succeeded
        assert [held.person for held in applied.plan.held] == ["una@a.example"]
        assert desk.role("new@a.example") == "Explorer"


def test_active_in_one_source_and_left_in_another_is_held_until_somebody_decides(desk: Several) -> None:
    desk.tell("hr", [VIC | {"status": "left"}])
    desk.tell("crm", [VIC])
    plan = desk.plan()
    assert plan.changes == ()
    assert "is active and left at once: active by row 1 of crm, left by row 1 of hr" in plan.held[0].reason
    desk.people["precedence"] = {"status": ["hr"]}
    assert desk.run().succeeded
    assert desk.role("vic@a.example") == "Unlicensed"


def test_a_source_that_cannot_be_read_stops_all(desk: Several) -> None:
    desk.tell("hr", [UNA])
    desk.tell("crm", [])
    stopped = desk.run()
    assert [stop.id for stop in stopped.stops] == ["source-empty"]
    assert desk.writes() == {}


def test_a_damaged_roster_of_the_last_run_is_told(desk: Several) -> None:
    desk.tell("hr", [UNA])
    assert desk.run().succeeded
    (path,) = (desk.folder / ".tabwarden" / "rosters").iterdir()
    assert path.stat().st_mode & 0o077 == 0
    path.write_text(path.read_text()[:-20])
    with pytest.raises(TabwardenError, match=r"is damaged .* put it back"):
        desk.plan()


def test_a_second_run_writes_nothing(desk: Several) -> None:
    desk.tell("hr", [UNA, NEW])
    assert desk.run().succeeded
    kept = desk.kept_files()
    desk.sandbox.log.clear()
    assert desk.run().succeeded
    assert desk.writes(succeeded=False) == {}
    assert desk.kept_files() == kept


def test_everything_can_be_undone(desk: Several) -> None:
    before = by_name(desk.site)
    desk.tell("hr", [UNA, NEW, VIC | {"status": "left"}])
    assert desk.run().succeeded
    assert by_name(desk.site) != before
    assert desk.apply(desk.undo()).succeeded
    assert by_name(desk.site) == before


def test_without_sources_there_is_nothing_to_plan(desk: Several) -> None:
    with pytest.raises(SettingsError, match=r"`people.sources` names no source"):
        desk.plan()


# -- the commands ------------------------------------------------------------------------------------------------


def tabwarden(desk: Several, *words: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "tabwarden", *words, "--settings", str(desk.settings_path)]
    environment = {**os.environ, **desk.environment, "COLUMNS": "200"}
    return subprocess.run(command, capture_output=True, text=True, env=environment, cwd=desk.folder, check=False)


def test_the_commands_plan_run_and_show(desk: Several) -> None:
    desk.tell("hr", [UNA, VIC], rank=1)
    desk.tell("crm", [{"id": "17", "department": "Finance", "mail": "una@a.example"}])
    planned = tabwarden(desk, "plan", "people", "--json")
    assert planned.returncode == 2, planned.stderr
    told = json.loads(planned.stdout)
    assert [source["task"] for source in told["sources"]] == ["people of hr", "people of crm"]
    assert tabwarden(desk, "apply", told["file"]).returncode == 0
    assert tabwarden(desk, "run", "people").returncode == 0
    shown = json.loads(tabwarden(desk, "people", "show", "employee:17", "--json").stdout)
    (una,) = shown["people"]
    assert una["fields"]["department"] == {
        "value": "Sales North",
        "source": "hr",
        "row": 1,
        "overruled": [{"value": "Finance", "source": "crm", "row": 1}],
    }
    assert una["since_last_good_run"] == "same"
    assert "Finance (row 1 of crm)" in tabwarden(desk, "people", "show", "una@a.example").stdout
    assert "2 people" in tabwarden(desk, "people", "show").stdout
    nobody = tabwarden(desk, "people", "show", "nobody")
    assert (nobody.returncode, "nobody is called `nobody`" in nobody.stderr) == (1, True)
