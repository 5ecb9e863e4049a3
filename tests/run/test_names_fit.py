"""Names fit: in settings, and people of the lists by another form of their names. Over REST, against the sandbox."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from provisioning import Bench, bench, world

from support import command_line
from tabwarden.commands._plans import exit_code
from tabwarden.model.errors import SettingsError
from tabwarden.model.site import Group
from tabwarden.plan.waivers import parse_waivers
from tabwarden.run.apply import Applied
from tabwarden.run.groups import run_groups
from tabwarden.run.people import plan_people, run_people
from tabwarden.run.provision import run_provision
from tabwarden.settings import Settings
from tabwarden.store.directory_file import save
from tabwarden.want.directory import Directory, DirectoryGroup, DirectoryPerson, Domain

ROLES = {
    "ada": "ServerAdministrator",
    "boss": "SiteAdministratorCreator",
    "olga": "Creator",
    "carl": "Creator",
    "vic": "Viewer",
    "corp.example\\ida": "Explorer",
    "una": "Unlicensed",
}


def test_a_protected_name_or_heir_that_fits_nobody_is_refused_with_the_nearest_names(tmp_path: Path) -> None:
    with bench(tmp_path, world(ROLES, ("vic",))) as at:
        at.leavers("olga", "carl", "vic")
        at.provision = {
            "remove_leavers": True,
            "protected": ["olga@corp.example", "crl", "CORP\\vic"],
            "assets_to": "bos",
        }
        for doing in (at.plan, at.run):
            with pytest.raises(SettingsError) as error:
                doing()
            assert [line.partition(": no user")[0] for line in error.value.problems] == [
                *3 * ["`provision.protected`"],
                "`provision.assets_to`",
            ]
            for name in ("`olga`", "`carl`", "`vic`", "`boss`"):
                assert name in str(error.value)
        assert not at.writes()


def test_a_protected_name_that_fits_two_is_refused_on_one_line_with_both(tmp_path: Path) -> None:
    with bench(tmp_path, world({**ROLES, "ida": "Viewer"}, ("vic",))) as at:
        at.leavers("vic")
        at.provision = {"protected": ["IDA"]}
        with pytest.raises(SettingsError) as error:
            at.plan()
        (problem,) = error.value.problems
        assert [word in problem for word in ("corp.example\\ida", "local\\ida", "\n")] == [True, True, False]


def test_a_protected_name_that_fitted_at_the_last_good_run_and_is_gone_is_told(tmp_path: Path) -> None:
    with bench(tmp_path, world(ROLES, ("vic",))) as at:
        at.joiners("vic", "new")
        olga = at.site.find_user("olga")
        at.provision = {"protected": ['"OLGA"', olga.id.upper()]}
        assert at.run().succeeded
        at.change_site(replace(at.site, users={i: u for i, u in at.site.users.items() if u != olga}))
        assert any("gone; take the name out" in note for note in at.plan().notes)
        at.provision = {"protected": ["olgaa"]}
        with pytest.raises(SettingsError):
            at.plan()


# -- people by another form of their names ---------------------------------------------------------------------------

DIRECTORY = Directory(
    (Domain("corp.example", "ACME"),),
    people={
        guid: DirectoryPerson(guid, "corp.example", sam, f"{sam}.upn@corp.example", sam.title(), f"{mail}@mail.example")
        for guid, sam, mail in (("1", "vic", "v.poe"), ("2", "carl", "c.ito"), ("3", "nell", "n.ott"))
    },
)


@pytest.mark.parametrize("doing", ["provision", "people"])
@pytest.mark.parametrize(
    ("words", "candidate", "directory"),
    [
        ("vic@corp.example", "vic", False),
        ("CORP\\vic", "vic", False),
        ("ida@corp.example", "corp.example\\ida", False),
        ("CORP\\ida", "corp.example\\ida", False),
        ("vic.upn@corp.example", "vic", True),
        ("v.poe@mail.example", "vic", True),
    ],
)
def test_joiners_and_leavers_by_another_form_are_held_with_the_candidate_and_a_leaver_ends_the_run_with_1(
    tmp_path: Path, words: str, candidate: str, directory: bool, doing: str
) -> None:
    # Without anybody of the directory on the site the server is not joined to it.
    roles = {name: role for name, role in ROLES.items() if "\\" in candidate or "\\" not in name}
    with bench(tmp_path, world(roles, ("vic",))) as at:
        if directory:
            save(DIRECTORY, tmp_path / "directory.json")
            at.more = {"directory": {"file": "directory.json"}}
        for leaves in (False, True):
            (at.leavers if leaves else at.joiners)(words, f"nobody.{leaves}@else.example")
            if doing == "people":
                source = {
                    "name": "hr",
                    "from": {"type": "file", "path": str(at.lists.popitem()[1])},
                    "all_left": leaves,
                }
                at.more["people"] = {"sources": [source | {"columns": {"name": "Email Address"}}]}
            applied = (run_provision if doing == "provision" else run_people)(at.settings)
            held = next(one for one in applied.plan.held if one.person == words)
            assert f"`{candidate}`" in held.reason
            assert held.leaver is leaves
            new = f"local\\{words.rpartition(chr(92))[2]}"
            assert (f"a new person is `{new}`" in held.remedy) is not (leaves or bool(at.site.users_named(new)))
            assert leaves or (f'plan rename "{candidate}={words}"' in held.remedy) is ("\\" in candidate + words)
            assert not any(words in change.person for change in applied.plan.changes)
            assert exit_code(applied) == (1 if leaves else 0)
            if leaves:
                assert words in applied.leavers_left
                assert any("not on the site, nothing to do: `nobody.True@" in note for note in applied.plan.notes)
            at.lists.clear()


def directory_of(name: str) -> Directory:
    group = DirectoryGroup("g", "corp.example", "BI", frozenset("12"))
    people = {
        key: DirectoryPerson(key, "corp.example", n, n + "@corp.example") for key, n in (("1", name), ("2", "noa"))
    }
    return Directory((Domain("corp.example", "CORP"),), people=people, groups={"g": group})


@pytest.mark.parametrize("doing", [run_groups, run_provision, run_people])
def test_an_account_with_another_name_and_the_same_key_is_held_and_names_plan_rename(
    tmp_path: Path, doing: Callable[[Settings], Applied]
) -> None:
    by_membership = {"group": "CORP\\BI", "by": "membership", "minimum_site_role": "Viewer", "grant_on": "onSync"}
    with bench(tmp_path, world({"ada": "ServerAdministrator"}, ())) as at:
        at.more = {"directory": {"file": "directory.json"}, "groups": [by_membership]}
        for name in ("mmiller", "msmith"):
            save(directory_of(name), tmp_path / "directory.json")
            if doing is run_provision:
                at.joiners(name, "noa")
            people_of(at, f"{name},Sales,on\nnoa,Sales,on\n")
            applied = doing(at.settings)
            assert applied.succeeded
        (held,) = applied.plan.held
        assert "`tabwarden plan rename mmiller=msmith`" in held.remedy
        assert not applied.plan.changes


# -- what a list says and does not say -------------------------------------------------------------------------------


def people_of(at: Bench, rows: str, **more: object) -> None:
    (at.folder / "hr.csv").write_text("login,dept,status\n" + rows)
    columns = {"name": "login", "department": "dept", "status": "status"}
    source = {"name": "hr", "from": {"type": "file", "path": "hr.csv"}, "columns": columns, "left": ["gone"]}
    at.more["people"] = {"sources": [{**source, "authoritative": True}], **more}


def test_whom_no_authoritative_source_knows_is_told_and_leaves_only_by_setting_and_waiver(tmp_path: Path) -> None:
    with bench(tmp_path, world(ROLES, ("vic",))) as at:
        at.provision = {"protected": ["una"]}
        rows = "vic,Sales,on\nida@corp.example,Sales,on\ncarl,Sales,gone\n"
        people_of(at, rows)
        plan = plan_people(at.settings)
        assert [(one.person, one.site_role) for one in plan.unlisted] == [
            *[(name, ROLES[name]) for name in ("ada", "boss", "olga")],
            ("una", "Unlicensed"),
        ]
        assert "olga" not in {change.person for change in plan.changes}
        people_of(at, f"{rows},Sales,on\n", unlisted="leavers")
        assert any(
            "nobody leaves for being in no authoritative source" in note for note in plan_people(at.settings).notes
        )
        people_of(at, rows, unlisted="leavers")
        applied = run_people(at.settings)
        assert [(stop.id, stop.number) for stop in applied.stops] == [("unlisted-leave", 1)]
        run_people(at.settings, parse_waivers(["unlisted-leave=1"]))
        assert (at.role("olga"), at.role("boss"), at.role("vic")) == ("Unlicensed", ROLES["boss"], "Viewer")


def test_a_mapping_that_fits_no_row_is_told_and_one_that_empties_a_group_is_a_stop(tmp_path: Path) -> None:
    three = {"ada": "ServerAdministrator", **dict.fromkeys(("ann", "bob", "cy"), "Viewer")}
    sales = Group("g-sales", "Sales", members=frozenset(f"u-{name}" for name in ("ann", "bob", "cy")))
    with bench(tmp_path, world(three, (), more_groups=(sales,))) as at:
        mapping = [{"when": {"department": "Sales"}, "groups": ["SALES"]}]
        people_of(at, "ann,Sales,on\nbob,Salse,on\ncy,Salse,on\n", mapping=mapping)
        applied = run_people(at.settings)
        assert [(stop.id, stop.number) for stop in applied.stops] == [("memberships-removed", 2)]
        mapping[0]["when"] = {"department": "Slaes"}
        people_of(at, "ann,Sales,on\n", mapping=mapping)
        notes = plan_people(at.settings).notes
        assert any(note.startswith("`people.mapping[1].when.department`: `Slaes` fits no row; near") for note in notes)
        assert any(note.startswith("`left` of source `hr`: `gone` fits no row") for note in notes)


def test_a_status_word_never_seen_before_is_no_rehire(tmp_path: Path) -> None:
    with bench(tmp_path, world({"ada": "ServerAdministrator", "ann": "Viewer", "bob": "Viewer"}, ())) as at:
        for status, role in (("gone", "Unlicensed"), ("retired", "Unlicensed"), ("on", "Unlicensed")):
            people_of(at, f"ann,Sales,{status}\nbob,Sales,on\n")
            applied = run_people(at.settings)
            assert at.role("ann") == role
            reasons = [one.reason for one in applied.plan.held]
            assert any("never seen before: `retired`" in reason for reason in reasons) is (status == "retired")
        assert "ann" in at.members()


def test_a_leavers_row_that_is_refused_ends_the_run_with_1_and_is_named(tmp_path: Path) -> None:
    with bench(tmp_path, world(ROLES, ("vic",))) as at:
        at.leavers("vic", "VIC", "car l")
        applied = at.run()
        (left,) = applied.leavers_left
        assert left.startswith("car l (row 3 of leavers")
        assert exit_code(applied) == 1


def test_next_repeats_the_settings_that_were_given(tmp_path: Path) -> None:
    with bench(tmp_path, world(ROLES, ("vic",))) as at:
        at.joiners("olga")
        given, out = at.settings_path.rename(tmp_path / "the other.yaml"), tmp_path / "a plan.json"
        ended = command_line.run("plan", "provision", "--settings", given, "--out", out, env=at.environment)
        assert f"next: tabwarden apply '{out}' --settings '{given}'" in " ".join(ended.output.split())
