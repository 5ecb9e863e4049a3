"""What happens to people: sign-in, roles, synchronisation, adding, removing, groups; and what is refused."""

from __future__ import annotations

from dataclasses import replace
from itertools import permutations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from small_site import group, group_set, project, rules, site, workbook

from tabwarden.effects import people
from tabwarden.model.roles import MERGE, SETTABLE, rank
from tabwarden.model.seats import free_seats
from tabwarden.model.site import ALL_USERS, Group, Site, User

ROLES = sorted(SETTABLE, key=lambda role: rank(role) or 0)


def grants(name: str, role: str, *members: str, on: str = "onLogin") -> Group:
    return group(name, *members, minimum_site_role=role, grant_on=on)


def role_of(outcome: people.Outcome, user: str = "ann") -> str:
    return outcome.site.users[user].site_role


def groups_of(where: Site, user: str = "ann") -> set[str]:
    return set(where.groups_of(user))


# -- sign-in --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("minimum", ROLES[1:])
@pytest.mark.parametrize("now", ROLES)
def test_signing_in_gives_the_minimum_and_never_lowers(now: str, minimum: str) -> None:
    where = site(users=[f"ann:{now}"], groups=[grants("m", minimum, "ann")])
    done = people.sign_in(where, "ann")
    assert done.done
    assert role_of(done) == max(now, minimum, key=lambda role: rank(role) or 0)
    assert done.because == ("licensed" if done.site is where else "glsi_grant")


def test_without_such_a_group_an_unlicensed_person_stays_out() -> None:
    where = site(users=["ann:Unlicensed"], groups=[grants("m", "Viewer"), grants("s", "Creator", "ann", on="onSync")])
    assert people.sign_in(where, "ann") == people.Outcome(where, False, "unlicensed")
    guest = site(users=["ann:Guest"], groups=[grants("m", "Creator", "ann")])
    assert role_of(people.sign_in(guest, "ann")) == "Guest", "no group lifts Guest"


@pytest.mark.parametrize("order", list(permutations(["Viewer", "Creator", "Explorer"])))
def test_of_several_groups_the_highest_minimum_wins(order: tuple[str, ...]) -> None:
    groups = [grants(f"m{n}", role, "ann") for n, role in enumerate(order)]
    assert role_of(people.sign_in(site(users=["ann:Unlicensed"], groups=groups), "ann")) == "Creator"


def test_all_users_may_grant_and_seats_may_run_out() -> None:
    everyone = Group(ALL_USERS, ALL_USERS, everyone=True, minimum_site_role="Viewer", grant_on="onLogin")
    where = site(users=["ann:Unlicensed", "vic:Viewer"]).with_groups(everyone)
    assert role_of(people.sign_in(where, "ann")) == "Viewer"
    full = replace(where, licences={"Viewer": 1})
    assert people.sign_in(full, "ann") == people.Outcome(full, False, "no_seat")
    assert people.sign_in(full, "vic").done
    assert people.sign_in(replace(where, licences={"Viewer": 2}), "ann").done
    licensed = site(users=["ann:Viewer"], groups=[grants("m", "Creator", "ann")], licences={"Creator": 2})
    assert people.sign_in(licensed, "ann") == people.Outcome(licensed, True, "licensed"), "she still may sign in"


# -- setting a role -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("wanted", ROLES)
@pytest.mark.parametrize("minimum", ROLES[1:])
def test_no_role_below_the_floor_of_a_granting_group(minimum: str, wanted: str) -> None:
    where = site(users=["ann:Unlicensed"], groups=[grants("m", minimum, "ann")])
    done = people.set_site_role(where, "ann", wanted)
    below = (rank(wanted) or 0) < (rank(minimum) or 0)
    assert (done.done, done.because) == ((False, "glsi_floor") if below else (True, "role_set"))
    assert role_of(done) == ("Unlicensed" if below else wanted)
    free = people.remove_from_group(where, "m", ["ann"]).site
    assert people.set_site_role(free, "ann", wanted).done, "out of the group first"


@pytest.mark.parametrize(
    ("role", "because"),
    [
        ("UnlicensedWithPublish", "invalid_site_role"),
        ("ViewerWithPublish", "invalid_site_role"),
        ("viewer", "invalid_site_role"),
        ("ServerAdministrator", "invalid_site_role"),
        ("Guest", "guest_not_addable"),
    ],
)
def test_roles_that_are_not_taken(role: str, because: str) -> None:
    added = people.add_user(site(), User("n", "new", role))
    assert (added.done, added.because, "n" in added.site.users) == (False, because, False)
    where = site(users=["ann:Viewer"])
    expected = "not_settable_by_rest" if role == "ServerAdministrator" else because
    assert people.set_site_role(where, "ann", role) == people.Outcome(where, False, expected)


def test_server_administrators_and_old_names_and_seats() -> None:
    boss = site(users=["ann:ServerAdministrator"])
    assert people.set_site_role(boss, "ann", "Viewer").because == "not_settable_by_rest"
    assert role_of(people.set_site_role(boss, "ann", "Viewer", via_rest=False)) == "Viewer"
    assert role_of(people.set_site_role(boss, "ann", "ServerAdministrator", via_rest=False)) == "ServerAdministrator"
    assert role_of(people.set_site_role(site(users=["ann:Viewer"]), "ann", "Interactor")) == "Explorer"
    full = site(users=["ann:Viewer", "eve:Explorer"], licences={"Explorer": 1, "Creator": 2})
    assert people.set_site_role(full, "ann", "Explorer").because == "no_seat"
    assert people.set_site_role(full, "eve", "ExplorerCanPublish").done, "the same seat"
    assert people.set_site_role(full, "ann", "Creator").because == "no_seat", "adm and bob sit on both"
    assert free_seats(full, "Viewer") is None
    assert free_seats(full, "Unlicensed") is None
    assert free_seats(full, "Explorer") == 0


# -- directory ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("now", "imported"), MERGE)
def test_synchronising_follows_the_matrix(now: str, imported: str) -> None:
    done = people.directory_sync(site(users=[f"ann:{now}"]), "ann", imported)
    assert (done.done, role_of(done)) == (True, MERGE[now, imported])


def test_importing_a_member() -> None:
    at_sign_in = site(users=["ann:Unlicensed"], groups=[grants("m", "Creator", "ann")])
    assert people.import_member(at_sign_in, "ann") == people.Outcome(at_sign_in, True, "imported_unlicensed")
    at_sync = site(users=["ann:Viewer"], groups=[grants("m", "Explorer", "ann", on="onSync")])
    assert role_of(people.import_member(at_sync, "ann")) == "Explorer", "lowered by hand, restored by the sync"
    no_mode = site(users=["ann:Viewer"], groups=[group("m", "ann", minimum_site_role="Explorer")])
    assert role_of(people.import_member(no_mode, "ann")) == "Explorer"
    kept = site(users=["ann:Creator"], groups=[group("m", "ann")])
    assert people.import_member(kept, "ann") == people.Outcome(kept, True, "role_kept")
    full = replace(at_sync, licences={"Explorer": 0})
    assert people.import_member(full, "ann") == people.Outcome(full, False, "no_seat")


@pytest.mark.parametrize(("gone", "role"), [(True, "Unlicensed"), (False, "Explorer")])
def test_the_two_scenarios_of_the_active_directory_document(gone: bool, role: str) -> None:
    where = site(
        project("p"),
        workbook("w", "p", "group:All Users +Read", owner="ann"),
        users=["ann:Explorer"],
        groups=[group("ad", "ann", "bob"), group("other", "ann")],
    )
    done = people.group_sync(where, "ad", "ann", gone=gone)
    assert done.done
    assert role_of(done) == role
    assert groups_of(done.site) == {ALL_USERS, "other"}
    assert people.owned_by(done.site, "ann") == ("w",)
    assert people.sign_in(done.site, "ann").done is not gone
    assert people.group_sync(done.site, ALL_USERS, "ann", gone=False).site == done.site


# -- coming and going -----------------------------------------------------------------------------------------


def test_adding() -> None:
    added = people.add_user(site(), User("n", "new", "Publisher"))
    assert (added.done, added.site.users["n"].site_role) == (True, "ExplorerCanPublish")
    for name in ("adm", "ADM", "Adm"):
        assert people.add_user(site(), User("n", name, "Viewer")).because == "user_exists"
    assert people.add_user(site(), User("n", "adm", "Viewer", domain="corp")).done, "another domain, another person"
    full = site(licences={"Creator": 2, "Viewer": 1})
    silent = people.add_user(full, User("n", "new", "Creator"))
    assert (silent.done, silent.because) == (False, "added_unlicensed")
    assert silent.site.users["n"].site_role == "Unlicensed"
    refused = people.add_user(full, User("n", "new", "Creator"), refuse_without_seat=True)
    assert refused == people.Outcome(full, False, "no_seat")
    assert people.add_user(full, User("n", "new", "Viewer")).done
    assert people.add_user(full, User("n", "new", "Unlicensed")).done


def leaving() -> Site:
    return site(
        project("p", None, "user:ann +ProjectLeader", workbook=("user:ann +Read",)),
        workbook("w", "p", "user:ann +Filter", owner="ann"),
        workbook("v", "w", kind="view", owner="ann"),
        users=["ann:Explorer", "eve:Viewer"],
        groups=[group("g", "ann", "eve")],
    )


def test_an_owner_is_unlicensed_instead_and_stays_owner() -> None:
    done = people.remove_user(leaving(), "ann")
    assert (done.done, done.because) == (False, "owns_content")
    assert role_of(done) == "Unlicensed"
    assert groups_of(done.site) == {ALL_USERS}
    assert people.owned_by(done.site, "ann") == ("w",)
    assert done.site.contents["p"].rules == rules("user:ann +ProjectLeader")


def test_with_an_heir_he_is_removed_and_nothing_speaks_of_him() -> None:
    done = people.remove_user(leaving(), "ann", heir="bob")
    assert (done.done, "ann" in done.site.users) == (True, False)
    assert {done.site.contents[c].owner for c in ("w", "v")} == {"bob"}
    assert done.site.contents["p"].rules == rules()
    assert done.site.contents["p"].defaults["workbook"] == rules()
    assert done.site.contents["w"].rules == rules()
    assert done.site.groups["g"].members == {"eve"}


def test_who_owns_nothing_is_removed() -> None:
    done = people.remove_user(leaving(), "eve")
    assert (done.done, done.because) == (True, "no_content")
    assert done.site.groups["g"].members == {"ann"}


def test_under_all_users_with_a_grant_an_owner_is_neither_removed_nor_unlicensed() -> None:
    everyone = Group(ALL_USERS, ALL_USERS, everyone=True, minimum_site_role="Viewer", grant_on="onLogin")
    where = leaving().with_groups(everyone)
    assert people.remove_user(where, "ann") == people.Outcome(where, False, "owns_content_all_users_glsi")
    assert people.set_site_role(where, "ann", "Unlicensed").because == "glsi_floor"
    assert people.remove_user(where, "ann", heir="bob").done
    assert people.remove_user(where, "eve").done


@pytest.mark.parametrize(
    ("role", "kind", "because"),
    [
        ("Viewer", "workbook", "assigned"),
        ("Explorer", "datasource", "assigned"),
        ("Unlicensed", "workbook", "site_role"),
        ("Guest", "workbook", "guest_cannot_own"),
        ("Guest", "project", "guest_cannot_own"),
        ("Explorer", "project", "site_role"),
        ("ExplorerCanPublish", "project", "assigned"),
        ("SiteAdministratorExplorer", "project", "assigned"),
    ],
)
def test_who_may_become_an_owner(role: str, kind: str, because: str) -> None:
    found = people.assign_owner(site(users=[f"ann:{role}"]), "ann", kind)
    assert (found.done, found.because) == (because == "assigned", because)


# -- groups and sets ------------------------------------------------------------------------------------------


def test_groups() -> None:
    where = site(users=["ann:Viewer"], groups=[group("g", "ann")])
    assert people.create_group(where, group("h")).site.groups.keys() == {ALL_USERS, "g", "h"}
    assert people.create_group(where, Group("other", "G")).because == "group_exists"
    assert people.create_group(where, Group("other", "g", domain="corp")).done
    renamed = people.update_group(where, replace(where.groups["g"], name="G2", minimum_site_role="Viewer"))
    assert (renamed.done, renamed.site.groups["g"].name) == (True, "G2")
    assert people.update_group(where, replace(where.groups[ALL_USERS], name="Everybody")).because == "all_users"
    taken = people.create_group(where, group("h")).site
    assert people.update_group(taken, replace(taken.groups["h"], name="g")).because == "group_exists"
    assert people.add_to_group(where, "g", ["ann", "bob"]) == people.Outcome(where, False, "already_member")
    assert people.add_to_group(where, "g", ["bob"]).site.groups["g"].members == {"ann", "bob"}
    assert people.remove_from_group(where, "g", ["ann"]).site.groups["g"].members == frozenset()
    assert people.remove_from_group(where, "g", ["bob"]) == people.Outcome(where, False, "not_member")
    for refused in (people.add_to_group, people.remove_from_group):
        assert refused(where, ALL_USERS, ["ann"]).because == "all_users"


def test_deleting_groups_and_sets_takes_their_rules_along() -> None:
    where = site(
        project("p", None, "groupSet:s +ProjectLeader", workbook=("group:g +Read",)),
        workbook("w", "p", "group:g +Read", "group:h +Read", "groupSet:s -Read"),
        groups=[group("g"), group("h")],
    ).with_group_sets(group_set("s", "g", "h"))
    done = people.delete_group(where, "g")
    assert done.done
    assert done.site.contents["w"].rules == rules("group:h +Read", "groupSet:s -Read")
    assert done.site.contents["p"].defaults["workbook"] == rules()
    assert done.site.group_sets["s"].groups == {"h"}
    assert people.delete_group(where, ALL_USERS).because == "all_users"
    gone = people.delete_group_set(where, "s").site
    assert gone.contents["p"].rules == rules()
    assert gone.contents["w"].rules == rules("group:g +Read", "group:h +Read")
    assert people.put_group_set(where, group_set("t", "g")).done
    assert people.put_group_set(where, replace(group_set("t"), name="S")).because == "group_set_exists"


def test_every_refusal_that_a_server_words_has_its_code() -> None:
    for because in "invalid_site_role guest_not_addable user_exists group_exists already_member not_member".split():
        assert people.REFUSAL_CODES[because].isdigit()
    assert people.REFUSAL_CODES["invalid_site_role"] == "400013"
    assert people.REFUSAL_CODES["guest_not_addable"] == "409005"
    assert people.REFUSAL_CODES["group_exists"] == "409009"
    assert people.REFUSAL_CODES["already_member"] == "409011"


# -- laws -----------------------------------------------------------------------------------------------------

roles, grants_of = st.sampled_from(ROLES), st.lists(st.tuples(st.sampled_from(ROLES[1:]), st.booleans()), max_size=3)


@settings(deadline=None)
@given(roles, grants_of, roles)
def test_no_event_but_a_persons_own_decision_or_a_departure_lowers_a_role(
    now: str, given_by: list[tuple[str, bool]], imported: str
) -> None:
    groups = [grants(f"m{n}", role, "ann", on="onLogin" if at else "onSync") for n, (role, at) in enumerate(given_by)]
    where = site(users=[f"ann:{now}"], groups=groups)
    for outcome in (
        people.sign_in(where, "ann"),
        people.import_member(where, "ann"),
        people.directory_sync(where, "ann", imported),
        people.group_sync(where, "m0", "ann", gone=False) if groups else people.sign_in(where, "ann"),
    ):
        assert (rank(role_of(outcome)) or 0) >= (rank(now) or 0)
        assert outcome.site.users.keys() == where.users.keys()
    signed_in = people.sign_in(where, "ann").site
    floor = people.floor(signed_in, "ann")
    assert floor is None or (rank(signed_in.users["ann"].site_role) or 0) >= (rank(floor) or 0)
    assert people.sign_in(signed_in, "ann").site == signed_in, "once is enough"


@settings(deadline=None)
@given(roles, grants_of, roles)
def test_a_refused_role_leaves_the_site_as_it_was(now: str, given_by: list[tuple[str, bool]], wanted: str) -> None:
    groups = [grants(f"m{n}", role, "ann", on="onLogin" if at else "onSync") for n, (role, at) in enumerate(given_by)]
    where = site(users=[f"ann:{now}"], groups=groups, licences={"Creator": 3, "Explorer": 0, "Viewer": 1})
    done = people.set_site_role(where, "ann", wanted)
    assert done.site is where if not done.done else role_of(done) == wanted
