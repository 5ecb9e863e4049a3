"""A person under another user name: afterwards the new user can do exactly what the old one could, and nobody else."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from joined_sandbox import HOME, Desk, desk_of

from tabwarden.access.abilities.ability import ACTIONS
from tabwarden.access.question import Asked
from tabwarden.access.reference import what
from tabwarden.effects.ref import Ref
from tabwarden.model.errors import TabwardenError, UnknownName
from tabwarden.model.names import same
from tabwarden.model.site import Content, Grantee, Rule, Site
from tabwarden.plan.file import from_json, to_json
from tabwarden.plan.rename import carried
from tabwarden.sandbox.http.answering import Answered
from tabwarden.want.names.rename import renamed, renames_of

WORLD = """
world: renames
tokens: [{name: tok, secret: sec, user: ada}]
directory:
  joined: true
  domains:
    corp.example:
      netbios: CORP
      users:
        jsmith: {upn: john.smith@corp.example, display_name: John Smith, email: john.smith@corp.example}
        mia: {display_name: Mia Miller, email: mia@corp.example}
      groups: {Staff: {members: [jsmith, mia]}}
sites:
  - name: Site
    content_url: site
    users:
      ada: {role: ServerAdministrator}
      eva: {role: Creator}
      olaf: {role: Creator}
    groups:
      Sales: {members: [eva]}
      Board: {members: [olaf], minimum_site_role: Viewer, grant_on: onLogin}
    group_sets: {Both: {groups: [Sales, Board]}}
    projects:
      Open:
        owner: ada
        rules: [{user: olaf, leader: true}, {group: Sales, template: View}]
        defaults: {workbook: [{user: olaf, template: Publish}, {user: eva, deny: [Read]}]}
      Open/Inner: {owner: olaf, rules: [{user: eva, template: View}]}
      Shut:
        owner: ada
        mode: LockedToProject
        rules: [{user: olaf, template: Publish}]
        defaults: {workbook: [{user: olaf, template: Explore}]}
      Shut/Deep: {owner: ada}
    content:
      Open/W:
        kind: workbook
        owner: olaf
        tabs: false
        rules: [{user: eva, template: View}]
        views: [{name: V, rules: [{user: olaf, deny: [ExportData]}]}]
      Open/X: {kind: workbook, owner: eva, rules: [{user: olaf, allow: [Read, Filter], deny: [ExportImage]}]}
      Open/Inner/D: {kind: datasource, owner: olaf, rules: [{group: Sales, template: View}]}
      Shut/S: {kind: workbook, owner: eva}
      Shut/Deep/F: {kind: flow, owner: olaf}
"""


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    with desk_of(tmp_path, WORLD, "site", joined=False) as opened:
        # olaf is on Tableau under the UPN prefix of jsmith.
        site = opened.site
        olaf = site.find_user("olaf")
        opened.sandbox.state.put(site.with_users(replace(olaf, name="john.smith", domain=HOME, full_name="John Smith")))
        yield opened


def powers(site: Site, user: str) -> dict[tuple[str, str], tuple[str, str]]:
    """Every capability on every content and every ability, as (verdict, reason)."""
    found = {}
    for content in site.contents.values():
        for answer in what(site, user, content.id):
            found[site.path(content.id), answer.what] = (answer.verdict, answer.because)
    return found


def abilities(site: Site, user: str) -> dict[tuple[str, str], str]:
    """Every ability that asks for a content alone, on each."""
    found = {}
    for action, content in itertools.product(sorted(ACTIONS), site.contents.values()):
        try:
            answer = Asked(user, action, content.id, ability=True).of(site)
        except (TabwardenError, TypeError, KeyError, ValueError, AssertionError):
            continue
        found[action, site.path(content.id)] = answer.verdict
    return found


def test_who_was_imported_by_upn_gets_the_sam_account_name_with_all_there_was(desk: Desk) -> None:
    before = desk.site
    old = before.find_user(f"{HOME}\\john.smith")
    could, was_able = powers(before, old.id), abilities(before, old.id)
    others = {u.name: powers(before, u.id) for u in before.users.values() if u.id != old.id}
    plan = desk.rename(upn=True)
    assert [s.id for s in plan.stops] == []
    assert not plan.held
    ops = [change.op for change in plan.changes]
    assert (ops[0], ops[-1]) == ("add_user", "remove_user")
    assert {"put_rules", "set_owner"} <= set(ops)
    impact = plan.impact
    assert (impact.join, impact.removed, impact.lose_licence, impact.gain_licence) == ((), (), (), ())
    assert (impact.memberships_lost, impact.memberships_gained, impact.contents) == ({}, {}, ())
    assert any(
        "favourites" in note and "`corp.example\\john.smith` becomes `corp.example\\jsmith`" in note
        for note in plan.notes
    )
    assert desk.apply(plan).succeeded
    after = desk.site
    new = after.find_user(f"{HOME}\\jsmith")
    assert not after.users_named("john.smith")
    assert new.site_role == old.site_role
    assert powers(after, new.id) == could
    assert abilities(after, new.id) == was_able
    assert len(was_able) > 100
    assert {u.name: powers(after, u.id) for u in after.users.values() if u.id != new.id} == others
    again = desk.rename(upn=True)
    assert (again.changes, again.held) == ((), ())


def test_the_rename_is_undone_with_what_there_was(desk: Desk) -> None:
    before = desk.site
    old = before.find_user(f"{HOME}\\john.smith")
    could = powers(before, old.id)
    assert desk.apply(desk.rename(upn=True)).succeeded
    back = desk.undo()
    assert back.kind == "undo"
    assert back.changes[0].given == "john.smith@corp.example"
    assert desk.apply(back).succeeded
    after = desk.site
    user = after.find_user(f"{HOME}\\john.smith")
    assert powers(after, user.id) == could
    assert not after.users_named(f"{HOME}\\jsmith")


def test_a_group_of_the_directory_takes_nobody_from_tableau_and_that_is_said(desk: Desk) -> None:
    site = desk.site
    staff = replace(site.find_group("Sales"), id="g-staff", name="Staff", domain=HOME, members=frozenset({"nobody"}))
    old = site.find_user("john.smith")
    desk.sandbox.state.put(site.with_groups(replace(staff, members=frozenset({old.id}))))
    plan = desk.rename(upn=True)
    assert any("`corp.example\\Staff` with the next synchronisation" in note for note in plan.notes)
    assert plan.impact.memberships_lost == {"corp.example\\Staff": 1}
    assert not any(change.of_group and change.of_group.name == "Staff" for change in plan.changes)


def test_a_rename_by_words_and_the_old_user_kept(desk: Desk) -> None:
    desk.sandbox.state.put_directory({**desk.sandbox.state.pretended, "joined": False})
    could = powers(desk.site, desk.site.find_user("eva").id)
    plan = desk.rename("eva=eve", keep_old=True)
    assert desk.apply(plan, *(f"{s.id}={s.number}" for s in plan.stops)).succeeded
    after = desk.site
    assert after.find_user("eva").site_role == "Unlicensed"
    assert powers(after, after.find_user("eve").id) == could
    assert after.groups_of(after.find_user("eva").id) == {after.all_users.id if after.all_users else ""}


def test_nothing_is_taken_from_the_old_user_where_the_new_one_was_not_made(desk: Desk) -> None:
    """On a server joined to a directory nobody is called eve; with the old user kept or not."""
    before = desk.site
    for keep_old in (True, False):
        applied = desk.apply(desk.rename("eva=eve", keep_old=keep_old))
        assert len(applied.not_done) == len(applied.plan.changes)
        assert powers(desk.site, desk.site.find_user("eva").id) == powers(before, before.find_user("eva").id)
        assert desk.site.groups_of(desk.site.find_user("eva").id) == before.groups_of(before.find_user("eva").id)


def test_two_users_of_one_person_become_one(desk: Desk) -> None:
    site = desk.site
    both = desk.site.find_user("eva")
    mia = replace(both, id="u-mia", name="mia", site_role="Viewer")
    rule = Rule(Grantee("user", "u-mia"), "Read", "Deny")
    held = site.find_content("Open/W")
    assert held.rules is not None
    desk.sandbox.state.put(site.with_users(mia).with_contents(replace(held, rules=held.rules | {rule})))
    plan = desk.rename("eva=mia")
    assert any("is on the site already" in note for note in plan.notes)
    assert desk.apply(plan, *(f"{s.id}={s.number}" for s in plan.stops)).succeeded
    after = desk.site
    merged = after.find_user("mia")
    assert (merged.id, merged.site_role) == ("u-mia", "Creator")
    mine = {(r.capability, r.mode) for r in after.find_content("Open/W").rules or () if r.grantee.id == "u-mia"}
    assert ("Read", "Deny") in mine
    assert ("Read", "Allow") not in mine
    assert ("Filter", "Allow") in mine
    assert desk.undo().held[0].reason == "was made one with `mia`, who was there before"


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        (["eva=EVA"], "has that name already"),
        (["ada=adam"], "is ServerAdministrator, which is neither given nor taken through REST"),
        (["eva=x", "eva=y"], "is to get several names"),
        (["eva=x", f"{HOME}\\john.smith=local\\x"], "several would become `x`: `eva`, `corp.example\\john.smith`"),
        (["eva=y", f"{HOME}\\john.smith=local\\eva"], "would become `eva`, who is to be renamed too"),
    ],
)
def test_who_cannot_be_renamed_is_held(desk: Desk, words: list[str], reason: str) -> None:
    assert reason in {held.reason for held in desk.rename(*words).held}


def test_words_nobody_understands_are_an_error(desk: Desk) -> None:
    with pytest.raises(UnknownName, match="no user `nobody`"):
        desk.rename("nobody=x")
    with pytest.raises(TabwardenError, match="a rename is written OLD=NEW"):
        desk.rename("eva")
    with pytest.raises(UnknownName, match="say whom to rename"):
        desk.rename()


def test_without_a_free_seat_the_person_is_held(desk: Desk) -> None:
    seats = {"Creator": 2, "Explorer": 5, "Viewer": 5}
    desk.sandbox.state.put(replace(desk.site, licences=seats))
    plan = desk.rename(upn=True)
    assert not plan.changes
    assert plan.held[0].reason.startswith("no Creator seat is free")


def test_a_rule_that_came_since_is_a_stop(desk: Desk) -> None:
    plan = desk.rename(upn=True)
    site = desk.site
    held = site.find_content("Open/Inner/D")
    old = site.find_user("john.smith")
    rule = Rule(Grantee("user", old.id), "Write", "Allow")
    desk.sandbox.state.put(site.with_contents(replace(held, rules=(held.rules or frozenset()) | {rule})))
    applied = desk.apply(plan)
    assert [stop.id for stop in applied.stops] == ["stale-plan"]
    assert "rules for user" in applied.stops[0].sentence


def test_the_old_user_stays_where_the_new_one_did_not_get_it_all(desk: Desk) -> None:
    """One rule is refused: everything else is done, and nobody is removed."""
    real = desk.sandbox.answer
    book = desk.site.find_content("Open/X").id
    body = (
        '<?xml version="1.0"?><tsResponse xmlns="http://tableau.com/api">'
        '<error code="400009"><summary>No</summary><detail>Not now</detail></error></tsResponse>'
    )

    def answer(asked, *struck):  # type: ignore[no-untyped-def]
        if asked.method == "PUT" and f"workbooks/{book}/permissions" in asked.path:
            return Answered(400, body.encode(), "application/xml", {}, "fault", "", "")
        return real(asked, *struck)

    desk.sandbox.answer = answer  # type: ignore[method-assign]
    applied = desk.apply(desk.rename(upn=True))
    assert {change.op for change, _ in applied.not_done} == {"put_rules", "remove_user"}
    assert desk.site.users_named("john.smith")
    desk.sandbox.answer = real  # type: ignore[method-assign]
    rest = desk.rename(upn=True)
    assert desk.apply(rest).succeeded
    assert not [u for u in desk.site.users.values() if same(u.name) == "john.smith"]


def test_rules_on_databases_and_tables_are_held_and_the_rest_is_carried(desk: Desk) -> None:
    site = desk.site
    old = site.find_user("eva")
    rule = Rule(Grantee("user", old.id), "Read", "Allow")
    base = Content("d-1", "database", "Base", site.find_content("Open").id, old.id, frozenset({rule}))
    now = site.with_contents(base)
    renames = renames_of(now, ["eva=eve"])
    found = carried(now, renamed(now, renames), renames)
    assert [(held.person, held.remedy) for held in found.held] == [
        ("database Open/Base", "give the new user the same rules by hand")
    ]
    assert not any(change.of_content and change.of_content.kind == "database" for change in found.changes)
    assert found.changes[-1].needs == Ref("user", "eve")


def test_a_plan_to_rename_is_the_same_out_of_its_file(desk: Desk) -> None:
    plan = desk.rename(upn=True)
    assert from_json(to_json(plan)) == plan
    assert plan.changes[-1].given


@pytest.mark.parametrize(
    ("new", "reason"),
    [
        ("CORP\\nobody", "nobody in `corp.example` is called `nobody`"),
        ("NIX\\mia", "no domain `NIX` was read"),
    ],
)
def test_a_new_name_that_no_import_makes_is_held(desk: Desk, new: str, reason: str) -> None:
    plan = desk.rename(f"eva={new}")
    assert ([(h.person, h.reason) for h in plan.held], plan.changes) == ([("eva", reason)], ())


def test_a_new_name_by_the_netbios_name_is_of_the_domain_as_tableau_calls_it(desk: Desk) -> None:
    plan = desk.rename("eva=CORP\\mia")
    assert plan.changes[0].person == f"{HOME}\\mia"
    assert desk.apply(plan).succeeded
    assert desk.site.find_user(f"{HOME}\\mia").site_role == "Creator"
