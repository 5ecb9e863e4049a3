"""What joiners and leavers make of a Site: each task, each person who is held, each who is left alone."""

from __future__ import annotations

from dataclasses import fields, replace

import pytest
from people_site import GROUP, joiners, leavers, site

from tabwarden.model.errors import AmbiguousName, UnknownName
from tabwarden.model.site import ALL_USERS, Content, Group, Site
from tabwarden.model.takes import Authentication
from tabwarden.want.provision import Policy, Tasks, want
from tabwarden.want.roster import Roster
from tabwarden.want.wanted import EXISTS, GRANTS, SITE_ROLE, Wanted

NOBODY = Roster("nothing")
POLICY = Policy(group=GROUP, own_id="u-ada")
EVERYTHING_OFF = Tasks(**{task.name: False for task in fields(Tasks)})


def role_of(wanted: Wanted, name: str) -> str | None:
    ids = wanted.site.users_named(name)
    return wanted.site.users[ids[0]].site_role if ids else None


def members(wanted: Wanted, group: str = GROUP) -> set[str]:
    found = wanted.site.find_group(group)
    return {wanted.site.users[u].name for u in wanted.site.members(found.id)}


def people_held(wanted: Wanted) -> dict[str, str]:
    return {held.person: held.reason for held in wanted.held}


NOW = site({"ada": "ServerAdministrator", "vic": "Viewer", "una": "Unlicensed", "carl": "Creator"}, ("vic", "carl"))


# -- joiners -----------------------------------------------------------------------------------------------------


def test_a_joiner_becomes_unlicensed_member_with_auth_setting_and_a_reason() -> None:
    wanted = want(
        NOW, joiners("new@acme.example"), NOBODY, Tasks(), replace(POLICY, authentication=Authentication("SAML"))
    )
    user = wanted.site.find_user("new@acme.example")
    assert (user.site_role, user.auth_setting, user.domain) == ("Unlicensed", "SAML", "local")
    assert "new@acme.example" in members(wanted)
    assert wanted.why.says(user.id, EXISTS) == "joiner, row 1 of joiners.csv"


def test_a_persons_own_auth_setting_wins() -> None:
    person = joiners("new").people[0]._replace(auth_setting="OpenID")
    wanted = want(
        NOW, Roster("x", (person,), count=1), NOBODY, Tasks(), replace(POLICY, authentication=Authentication("SAML"))
    )
    assert wanted.site.find_user("new").auth_setting == "OpenID"


def test_a_joiner_with_domain_is_split() -> None:
    user = want(NOW, joiners("CORP\\jane"), NOBODY, Tasks(), POLICY).site.find_user("CORP\\jane")
    assert (user.domain, user.name) == ("CORP", "jane")


@pytest.mark.parametrize("words", ["VIC", " vic ", "local\\Vic"])
def test_who_is_there_already_is_found_whatever_the_letters(words: str) -> None:
    wanted = want(NOW, joiners(words), NOBODY, Tasks(), POLICY)
    assert wanted.site.users == NOW.users
    assert wanted.site.groups == NOW.groups


def test_set_viewer_raises_and_never_lowers() -> None:
    tasks = Tasks(set_joiners_viewer=True)
    wanted = want(NOW, joiners("una", "carl", "vic", "new"), NOBODY, tasks, POLICY)
    assert [role_of(wanted, n) for n in ("una", "carl", "vic", "new")] == ["Viewer", "Creator", "Viewer", "Viewer"]
    assert wanted.why.says("u-una", SITE_ROLE).startswith("joiners get Viewer")


def test_an_administrator_among_the_joiners_is_left_alone_and_said() -> None:
    wanted = want(NOW, joiners("ada"), NOBODY, Tasks(set_joiners_viewer=True), POLICY)
    assert wanted.site.users == NOW.users
    assert "ada" not in members(wanted)
    assert any("`ada` is ServerAdministrator" in note for note in wanted.notes)


def test_a_protected_joiner_is_left_alone() -> None:
    wanted = want(NOW, joiners("una"), NOBODY, Tasks(), replace(POLICY, protected=("LOCAL\\UNA",)))
    assert "una" not in members(wanted)
    assert wanted.held == ()


def test_adding_switched_off_adds_nobody_but_groups_who_is_there() -> None:
    wanted = want(NOW, joiners("una", "new"), NOBODY, Tasks(add_joiners=False), POLICY)
    assert role_of(wanted, "new") is None
    assert members(wanted) == {"vic", "carl", "una"}
    assert any("adding joiners is switched off" in note for note in wanted.notes)


def test_two_rows_that_may_be_one_new_person_are_held() -> None:
    wanted = want(NOW, joiners("jane", "CORP\\jane"), NOBODY, Tasks(), POLICY)
    assert people_held(wanted) == {
        "jane": "may be the same person as `CORP\\jane`, row 2 of joiners.csv",
        "CORP\\jane": "may be the same person as `jane`, row 1 of joiners.csv",
    }
    two = want(NOW, joiners("EU\\jane", "CORP\\jane"), NOBODY, Tasks(), POLICY)
    assert (two.held, len(two.site.users)) == ((), len(NOW.users) + 2)


def test_all_switches_off_want_what_is() -> None:
    wanted = want(NOW, joiners("una", "new"), leavers("vic", "carl"), EVERYTHING_OFF, POLICY)
    assert wanted.site == NOW


# -- seats -------------------------------------------------------------------------------------------------------


def test_people_beyond_the_free_seats_are_held_in_roster_order_with_numbers() -> None:
    now = replace(NOW, licences={"Viewer": 3})
    wanted = want(now, joiners("one", "una", "three"), NOBODY, Tasks(set_joiners_viewer=True), POLICY)
    assert [role_of(wanted, n) for n in ("one", "una", "three")] == ["Viewer", "Viewer", "Unlicensed"]
    assert people_held(wanted) == {"three": "no Viewer seat is left: the 2 free seats go to joiners before"}
    assert "three" in members(wanted)


def test_without_set_viewer_missing_seats_are_said_and_nobody_is_held() -> None:
    wanted = want(replace(NOW, licences={"Viewer": 2}), joiners("one", "una"), NOBODY, Tasks(), POLICY)
    assert wanted.held == ()
    assert any("2 joiners get Viewer at their first sign-in, and 1 Viewer seats are free" in n for n in wanted.notes)


# -- the group ---------------------------------------------------------------------------------------------------


def without_group(now: Site = NOW) -> Site:
    return replace(now, groups={i: g for i, g in now.groups.items() if i != "g-grant"})


def test_a_missing_group_is_created_for_joiners() -> None:
    wanted = want(without_group(), joiners("una"), NOBODY, Tasks(), POLICY)
    group = wanted.site.find_group(GROUP)
    assert (group.minimum_site_role, group.grant_on, group.domain) == ("Viewer", "onLogin", "local")
    assert members(wanted) == {"una"}


def test_a_missing_group_is_not_created_for_leavers_alone() -> None:
    wanted = want(without_group(), NOBODY, leavers("vic"), Tasks(), POLICY)
    assert set(wanted.site.groups) == {"g-all"}
    assert role_of(wanted, "vic") == "Unlicensed"


@pytest.mark.parametrize("role", [None, "Explorer", "ExplorerCanPublish"])
def test_a_group_named_without_a_role_keeps_what_it_grants(role: str | None) -> None:
    group = replace(NOW.groups["g-grant"], minimum_site_role=role, grant_on=role and "onLogin")
    wanted = want(NOW.with_groups(group), joiners("una"), NOBODY, Tasks(), POLICY)
    kept = wanted.site.groups["g-grant"]
    assert (kept.minimum_site_role, kept.grant_on) == (group.minimum_site_role, group.grant_on)
    assert any("grants no site role" in note for note in wanted.notes) is (role is None)


def test_a_wrong_minimum_role_is_corrected_with_a_reason() -> None:
    now = NOW.with_groups(replace(NOW.groups["g-grant"], minimum_site_role=None, grant_on=None))
    wanted = want(now, joiners("una"), NOBODY, Tasks(), replace(POLICY, minimum_site_role="Viewer"))
    group = wanted.site.groups["g-grant"]
    assert (group.minimum_site_role, group.grant_on) == ("Viewer", "onLogin")
    assert "grants no role" in wanted.why.says("g-grant", GRANTS)


def test_a_mode_that_was_not_told_is_not_wrong() -> None:
    now = NOW.with_groups(replace(NOW.groups["g-grant"], grant_on=None))
    assert want(now, joiners("vic"), NOBODY, Tasks(), POLICY).site.groups == now.groups


def test_a_group_of_the_directory_cannot_be_entered() -> None:
    now = NOW.with_groups(replace(NOW.groups["g-grant"], domain="corp"))
    wanted = want(now, joiners("una"), NOBODY, Tasks(), POLICY)
    assert set(people_held(wanted)) == {f"corp\\{GROUP}"}
    assert wanted.site.groups == now.groups


def test_a_missing_group_of_a_directory_is_not_created() -> None:
    wanted = want(without_group(), joiners("una", "new"), NOBODY, Tasks(), replace(POLICY, group="corp\\Staff"))
    assert set(people_held(wanted)) == {"corp\\Staff"}
    assert set(wanted.site.groups) == {"g-all"}
    assert role_of(wanted, "new") == "Unlicensed"


def test_a_group_name_on_two_domains_means_the_local_one() -> None:
    now = NOW.with_groups(Group("g-ad", GROUP, "corp"))
    wanted = want(now, joiners("una"), NOBODY, Tasks(), POLICY)
    assert "u-una" in wanted.site.members("g-grant")
    assert wanted.site.groups["g-ad"] == now.groups["g-ad"]


# -- leavers -----------------------------------------------------------------------------------------------------


def test_a_leaver_leaves_the_group_and_loses_the_licence() -> None:
    wanted = want(NOW, NOBODY, leavers("Vic"), Tasks(), POLICY)
    assert role_of(wanted, "vic") == "Unlicensed"
    assert members(wanted) == {"carl"}


def test_a_leaver_leaves_every_group_that_would_give_the_role_back() -> None:
    other = Group("g-other", "Editors", members=frozenset({"u-vic"}), minimum_site_role="Explorer", grant_on="onLogin")
    plain = Group("g-plain", "Readers", members=frozenset({"u-vic"}))
    wanted = want(NOW.with_groups(other, plain), NOBODY, leavers("vic"), Tasks(), POLICY)
    assert wanted.site.members("g-other") == frozenset()
    assert wanted.site.members("g-plain") == {"u-vic"}


def test_a_leaver_may_stay_eligible() -> None:
    wanted = want(NOW, NOBODY, leavers("vic"), Tasks(add_leavers_to_group=True), POLICY)
    assert (role_of(wanted, "vic"), members(wanted)) == ("Unlicensed", {"vic", "carl"})


def test_a_removed_leaver_is_gone_everywhere_and_the_heir_owns() -> None:
    now = NOW.with_contents(Content("w", "workbook", "W", None, "u-vic"))
    tasks = Tasks(remove_leavers=True)
    wanted = want(
        now, NOBODY, leavers("vic"), tasks, replace(POLICY, assets_to="Carl", owners={"u-vic": ("workbook",)})
    )
    assert "u-vic" not in wanted.site.users
    assert members(wanted) == {"carl"}
    assert wanted.site.contents["w"].owner == "u-carl"
    assert wanted.why.heirs == {"u-vic": "u-carl"}


def test_an_owner_without_heir_is_kept_as_unlicensed() -> None:
    tasks = Tasks(remove_leavers=True, set_leavers_unlicensed=False, remove_leavers_from_group=False)
    policy = replace(POLICY, owners={"u-vic": ("workbook",)})
    wanted = want(NOW, NOBODY, leavers("vic", "una"), tasks, policy)
    assert (role_of(wanted, "vic"), role_of(wanted, "una")) == ("Unlicensed", None)
    assert members(wanted) == {"carl"}
    assert any("`vic` owns content and is kept as Unlicensed" in note for note in wanted.notes)


def test_the_heir_is_not_removed_and_must_be_somebody_with_a_licence() -> None:
    tasks = Tasks(remove_leavers=True)
    wanted = want(NOW, NOBODY, leavers("carl"), tasks, replace(POLICY, assets_to="carl"))
    assert role_of(wanted, "carl") == "Creator"
    assert "assets_to" in people_held(wanted)["carl"]
    with pytest.raises(UnknownName, match="una"):
        want(NOW, NOBODY, leavers("vic"), tasks, replace(POLICY, assets_to="una"))
    with pytest.raises(UnknownName, match="nobody"):
        want(NOW, NOBODY, leavers("vic"), tasks, replace(POLICY, assets_to="nobody"))


def test_a_leaver_who_is_not_on_the_site_is_noted() -> None:
    wanted = want(NOW, NOBODY, leavers("gone@acme.example"), Tasks(), POLICY)
    assert wanted.site == NOW
    assert wanted.notes == ("1 leaver is not on the site, nothing to do: `gone@acme.example`",)


def test_an_administrator_among_the_leavers_is_held() -> None:
    now = site({"ada": "ServerAdministrator", "sam": "SiteAdministratorCreator"})
    wanted = want(now, NOBODY, leavers("sam"), Tasks(), POLICY)
    assert role_of(wanted, "sam") == "SiteAdministratorCreator"
    assert "administrators are never touched" in people_held(wanted)["sam"]


def test_all_users_with_a_minimum_role_keeps_everybody_licensed() -> None:
    everyone = Group("g-all", ALL_USERS, everyone=True, minimum_site_role="Viewer", grant_on="onLogin")
    wanted = want(NOW.with_groups(everyone), NOBODY, leavers("vic"), Tasks(), POLICY)
    assert role_of(wanted, "vic") == "Viewer"
    assert "`All Users` grants its members Viewer" in people_held(wanted)["vic"]


def test_a_granting_group_of_the_directory_is_left_only_there() -> None:
    theirs = Group("g-ad", "Staff", "corp", frozenset({"u-vic"}), "Viewer", "onSync")
    wanted = want(NOW.with_groups(theirs), NOBODY, leavers("vic"), Tasks(), POLICY)
    assert role_of(wanted, "vic") == "Viewer"
    assert wanted.site.members("g-ad") == {"u-vic"}
    assert set(people_held(wanted)) == {"vic"}


# -- held --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("one", "other"), [("vic", "VIC"), ("new", "New"), ("vic", "local\\vic")])
def test_joiner_and_leaver_at_once_is_held_once_and_the_rest_goes_on(one: str, other: str) -> None:
    wanted = want(NOW, joiners(one, "una"), leavers(other, "carl"), Tasks(), POLICY)
    assert [held.person for held in wanted.held] == [one]
    assert "joiner (row 1 of joiners.csv) and leaver (row 1 of leavers.csv) at once" in wanted.held[0].reason
    assert role_of(wanted, "new") is None
    assert (role_of(wanted, "vic"), role_of(wanted, "carl")) == ("Viewer", "Unlicensed")
    assert "una" in members(wanted)


def test_a_name_on_two_domains_is_held_with_candidates_until_the_domain_is_written() -> None:
    now = site({"ada": "ServerAdministrator", "jane": "Viewer", "corp\\jane": "Viewer"})
    wanted = want(now, NOBODY, leavers("jane"), Tasks(), POLICY)
    assert wanted.site == now
    assert people_held(wanted) == {"jane": "several users have this name: `corp\\jane`, `local\\jane`"}
    named = want(now, NOBODY, leavers("CORP\\Jane"), Tasks(), POLICY)
    assert named.site.users["u-corp\\jane"].site_role == "Unlicensed"
    assert named.site.users["u-jane"].site_role == "Viewer"


def test_the_guest_is_held() -> None:
    now = site({"ada": "ServerAdministrator", "guest": "Guest"})
    for both in ((joiners("guest"), NOBODY), (NOBODY, leavers("Guest"))):
        wanted = want(now, *both, Tasks(remove_leavers=True), POLICY)
        assert wanted.site.users == now.users
        assert len(wanted.held) == 1


def test_an_ambiguous_heir_is_refused_with_candidates() -> None:
    now = site({"ada": "ServerAdministrator", "jane": "Viewer", "corp\\jane": "Viewer"})
    with pytest.raises(AmbiguousName):
        want(now, NOBODY, leavers("ada"), Tasks(remove_leavers=True), replace(POLICY, assets_to="jane"))


def test_odd_but_legal_names_are_kept_letter_by_letter() -> None:
    names = ("o'neil+x@acme.example", "a&b@acme.example", "last,first", "zoë@acme.example")
    wanted = want(NOW, joiners(*names), NOBODY, Tasks(), POLICY)
    assert members(wanted) >= set(names)
