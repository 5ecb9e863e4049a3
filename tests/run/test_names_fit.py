"""Names fit: in settings, and people of the lists by another form of their names. Over REST, against the sandbox."""

from __future__ import annotations

from pathlib import Path

import pytest
from provisioning import bench, world

from tabwarden.commands._plans import exit_code
from tabwarden.model.errors import SettingsError
from tabwarden.run.groups import run_groups
from tabwarden.run.people import run_people
from tabwarden.run.provision import run_provision
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


def test_a_protected_name_that_fitted_at_the_last_good_run_and_is_gone_is_told(tmp_path: Path) -> None:
    with bench(tmp_path, world(ROLES, ("vic",))) as at:
        at.joiners("vic", "new")
        olga = at.site.find_user("olga")
        at.provision = {"protected": ['"OLGA"', olga.id.upper()]}
        assert at.run().succeeded
        at.change_site(
            at.site.__class__(**{**vars(at.site), "users": {i: u for i, u in at.site.users.items() if u != olga}})
        )
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
            assert not any(words in change.person for change in applied.plan.changes)
            assert exit_code(applied) == (1 if leaves else 0)
            if leaves:
                assert words in applied.leavers_left
                assert any("not on the site, nothing to do: `nobody.True@else" in note for note in applied.plan.notes)
            at.lists.clear()


def test_an_account_with_another_name_and_the_same_key_is_held_and_names_plan_rename(tmp_path: Path) -> None:
    def directory(name: str) -> Directory:
        people = [("1", name), ("2", "noa"), ("3", "ada")]
        group = DirectoryGroup("g", "corp.example", "BI", frozenset("12"))
        listed = {k: DirectoryPerson(k, "corp.example", n, f"{n}@corp.example", n, "") for k, n in people}
        return Directory((Domain("corp.example", "CORP"),), people=listed, groups={"g": group})

    for joined in (False, True):
        roles = {"ada": "ServerAdministrator", **({"corp.example\\noa": "Viewer"} if joined else {})}
        for doing in (run_groups, run_provision, run_people):
            folder = tmp_path / f"{joined}{doing.__name__}"
            folder.mkdir()
            with bench(folder, world(roles, ())) as at:
                at.more = {"directory": {"file": "directory.json"}}
                for name in ("mmiller", "msmith"):
                    save(directory(name), folder / "directory.json")
                    if doing is run_groups:
                        rule = {
                            "group": "CORP\\BI",
                            "by": "membership",
                            "minimum_site_role": "Viewer",
                            "grant_on": "onSync",
                        }
                        at.more["groups"] = [rule]
                    elif doing is run_provision:
                        at.joiners(name, "noa")
                    else:
                        (folder / "hr.csv").write_text(f"login\n{name}\nnoa\n")
                        listed = {"type": "file", "path": "hr.csv"}
                        source = {"name": "hr", "from": listed, "columns": {"name": "login"}}
                        at.more["people"] = {"sources": [source]}
                    applied = doing(at.settings)
                    assert applied.succeeded
                old = "corp.example\\mmiller" if joined else "mmiller"
                assert any(f"tabwarden plan rename {old}=" in one.remedy for one in applied.plan.held), doing
                assert at.role(old) in ("Viewer", "Unlicensed")
                assert not applied.plan.changes
