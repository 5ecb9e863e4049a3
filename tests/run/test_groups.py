"""Group synchronisation end to end: the directory changes, the plan says so, applying does it, again it is empty.

Source: "User Management in Active Directory Deployments", sync behavior when removing users. Both ways of doing it:
on a server joined to the pretend directory, and on one that is not.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
import tableauserverclient as tsc
from synced_groups import (
    CORP,
    LOOSE,
    WEST,
    Desk,
    company,
    desk,
    directory_of,
    disabled,
    with_book,
    with_members,
    without,
    world,
)

from tabwarden.model.errors import SettingsError, SourceError
from tabwarden.model.site import Group, Site
from tabwarden.run import history
from tabwarden.sandbox.http.answering import Answered
from tabwarden.sandbox.http.call import Request
from tabwarden.want.groups.rules import GroupRule, Nested
from tabwarden.want.groups.sync import GroupPolicy, want_groups

SALES = {"group": "CORP\\Sales", "minimum_site_role": "Viewer", "grant_on": "onSync"}
BOTH = pytest.mark.parametrize("joined", [True, False], ids=["joined", "not joined"])


def settle(opened: Desk) -> None:
    """The first synchronisation; afterwards everybody is as the directory has them."""
    opened.stops = LOOSE
    assert opened.apply(opened.plan()).succeeded
    assert opened.plan().changes == ()


def signs_in(opened: Desk, name: str) -> bool:
    try:
        with tsc.Server(opened.sandbox.url).auth.sign_in(tsc.TableauAuth(name, name.rpartition("\\")[2], "people")):
            return True
    except tsc.FailedSignInError:
        return False


def keep_snapshot(opened: Desk) -> None:
    """What `tabwarden read` would keep, with content that All Users may see."""
    opened.change_site(with_book(opened.site))
    taken = replace(opened.site.taken, where=opened.sandbox.url, when="2026-11-20T00:00:00Z")
    history.keep(opened.settings, replace(opened.site, taken=taken))


@pytest.fixture
def joined_desk(tmp_path: Path) -> Iterator[Desk]:
    with desk(tmp_path, SALES) as opened:
        yield opened


# -- the two scenarios of the document ---------------------------------------------------------------------------


@BOTH
@pytest.mark.parametrize("how", [disabled, without], ids=["disabled", "deleted"])
def test_who_is_gone_from_the_directory_is_out_of_the_group_and_unlicensed(tmp_path: Path, joined: bool, how) -> None:
    with desk(tmp_path, SALES, joined=joined) as opened:
        settle(opened)
        opened.change(how(opened.plain, "mia"))
        plan = opened.plan()
        told = [(c.op, c.person.rpartition("\\")[2]) for c in plan.changes]
        assert told[-2:] == [("remove_from_group", "mia"), ("set_site_role", "mia")]
        assert (told[0] == ("sync_group", "Sales")) is joined
        assert len(plan.impact.lose_licence) == 1
        assert opened.apply(plan).succeeded
        assert opened.people() == {"noa", "ivy", "wes"}
        assert opened.role("mia") == "Unlicensed"
        assert "mia" in opened.people("All Users")
        assert opened.plan().changes == ()
        if joined:
            assert signs_in(opened, "CORP\\noa")
            assert not signs_in(opened, "CORP\\mia")


@BOTH
def test_who_only_left_the_group_keeps_the_role_and_what_all_users_see(tmp_path: Path, joined: bool) -> None:
    with desk(tmp_path, SALES, joined=joined) as opened:
        settle(opened)
        keep_snapshot(opened)
        opened.change(with_members(opened.plain, "Sales", "noa"))
        plan = opened.plan()
        notes = " ".join(plan.notes)
        assert "`mia` is out of" in notes
        assert "stays Viewer: may sign in, and View through All Users 2 things: `Open`, `Open/Prices`" in notes
        assert plan.impact.lose_licence == ()
        assert opened.apply(plan).succeeded
        assert (opened.people(), opened.role("mia")) == ({"noa"}, "Viewer")
        assert opened.plan().changes == ()
        if joined:
            assert signs_in(opened, "CORP\\mia")


def test_the_unlicensed_who_still_own_content_are_listed(joined_desk: Desk) -> None:
    settle(joined_desk)
    keep_snapshot(joined_desk)
    joined_desk.change(disabled(joined_desk.plain, "mia"))
    plan = joined_desk.plan()
    assert "`mia` is Unlicensed and owns 1 thing: `Open/Drafts`; give it to somebody else" in plan.notes
    assert joined_desk.apply(plan).succeeded
    assert joined_desk.site.contents["w-mia"].owner == joined_desk.site.users_named("mia")[0]
    assert any("owns 1 thing" in note for note in joined_desk.plan().notes)  # also on the days after


def test_who_comes_back_gets_the_role_again(joined_desk: Desk) -> None:
    settle(joined_desk)
    joined_desk.change(disabled(joined_desk.plain, "mia"))
    assert joined_desk.run().succeeded
    joined_desk.change(company())
    assert joined_desk.run().succeeded
    assert joined_desk.role("mia") == "Viewer"


# -- joiners, nesting, domains -----------------------------------------------------------------------------------


@BOTH
def test_people_of_nested_groups_and_of_the_other_domain_come_in(tmp_path: Path, joined: bool) -> None:
    with desk(tmp_path, SALES, joined=joined) as opened:
        settle(opened)
        assert opened.people() == {"mia", "noa", "ivy", "wes"}
        domains = {u.domain for u in opened.site.users.values() if u.name == "wes"}
        assert domains == ({WEST} if joined else {"local"})


def test_cycles_of_groups_hold_everybody_once() -> None:
    plain = with_members(company(), "Juniors", "ivy", "Sales")
    nested = Nested(directory := directory_of(plain))
    for guid in directory.groups:
        assert nested.people_in(guid) == directory.everybody_in(guid)
    assert len(nested.people_in(f"g:{CORP}\\juniors")) == 5


def test_names_longer_than_twenty_come_in_by_their_account_name(tmp_path: Path) -> None:
    plain = company()
    plain["domains"][CORP]["users"]["maximiliane.hohenberg"] = {"upn": f"mh@{CORP}"}
    plain = with_members(plain, "Sales", "maximiliane.hohenberg")
    with desk(tmp_path, SALES, plain=plain) as opened:
        settle(opened)
        assert opened.people() == {"maximiliane.hohenberg"}
    with desk(tmp_path, {**SALES, "by": "membership"}, plain=plain) as opened:
        plan = opened.plan()
        assert [held.person for held in plan.held] == [f"{CORP}\\maximiliane.hohenberg"]
        assert "would be added by the UPN" in plan.held[0].reason


def test_user_names_can_be_mail_addresses_where_the_server_is_not_joined(tmp_path: Path) -> None:
    with desk(tmp_path, {**SALES, "user_name": "mail"}, joined=False) as opened:
        settle(opened)
        assert opened.people() == {"mia@corp.example", "noa@corp.example", "ivy@corp.example", "wes@west.corp.example"}
        plain = company()
        plain["domains"][CORP]["users"]["ivy"]["email"] = "MIA@corp.example"
        opened.change(plain)
        assert {held.person for held in opened.plan().held} == {f"{CORP}\\ivy", f"{CORP}\\mia"}


def test_an_existing_local_group_is_filled_and_a_renamed_one_too(tmp_path: Path) -> None:
    local = Group("g-sales", "Sales")
    for rule in (SALES, {**SALES, "into": "Vendors"}):
        held = world(company(), joined=True, more_groups=(local,))
        with desk(tmp_path, rule, held=held) as opened:
            settle(opened)
            assert opened.people(str(rule.get("into", "Sales"))) == {"mia", "noa", "ivy", "wes"}
            assert not [g for g in opened.site.groups.values() if g.domain != "local"]


# -- roles -------------------------------------------------------------------------------------------------------


@BOTH
def test_a_role_lowered_by_hand_comes_back_and_the_plan_says_so(tmp_path: Path, joined: bool) -> None:
    with desk(tmp_path, SALES, joined=joined) as opened:
        settle(opened)
        mia = opened.site.users[opened.site.users_named("mia")[0]]
        opened.change_site(opened.site.with_users(replace(mia, site_role="Unlicensed")))
        plan = opened.plan()
        assert any("lowered by hand, and back at Viewer" in note for note in plan.notes)
        assert opened.apply(plan).succeeded
        assert opened.role("mia") == "Viewer"


@BOTH
@pytest.mark.parametrize(
    ("now", "minimum", "then"),
    [("Explorer", "SiteAdministratorCreator", "SiteAdministratorExplorer"), ("Creator", "Viewer", "Creator")],
)
def test_roles_follow_the_matrix_and_never_fall(
    tmp_path: Path, joined: bool, now: str, minimum: str, then: str
) -> None:
    name = f"{CORP}\\mia" if joined else "mia"
    held = world(company(), joined=joined, users={name: now})
    with desk(tmp_path, {**SALES, "minimum_site_role": minimum}, joined=joined, held=held) as opened:
        plan = opened.plan()
        assert opened.apply(plan).succeeded
        assert opened.role("mia") == then
        surprising = [c.because for c in plan.changes if c.op == "set_site_role" and c.person == name]
        assert all(f"{now} with {minimum} make {then}" in because for because in surprising)


@BOTH
def test_a_role_on_sign_in_waits_for_the_sign_in(tmp_path: Path, joined: bool) -> None:
    with desk(tmp_path, {**SALES, "grant_on": "onLogin"}, joined=joined) as opened:
        settle(opened)
        assert opened.role("mia") == "Unlicensed"
        if joined:
            assert signs_in(opened, "CORP\\mia")
            assert opened.role("mia") == "Viewer"
            assert opened.plan().changes == ()


def test_people_in_several_groups_are_told_with_the_role_that_counts(joined_desk: Desk) -> None:
    juniors = {"group": "CORP\\Juniors", "minimum_site_role": "Explorer", "grant_on": "onSync"}
    joined_desk.groups.append(juniors)
    plan = joined_desk.plan()
    assert any("in groups that grant Viewer and Explorer" in n and "Explorer counts" in n for n in plan.notes)
    assert joined_desk.apply(plan).succeeded
    assert joined_desk.role("ivy") == "Explorer"


def test_too_few_seats_are_forecast_by_name(tmp_path: Path) -> None:
    held = world(company(), joined=True, seats={"Creator": 9, "Explorer": 9, "Viewer": 2})
    with desk(tmp_path, SALES, held=held) as opened:
        plan = opened.plan()
        assert any("no seat for Viewer; free or buy 2 of tier Viewer" in note for note in plan.notes), plan.notes
        assert opened.apply(plan).succeeded
        assert [opened.role(n) for n in ("ivy", "mia", "noa", "wes")] == [
            "Viewer",
            "Viewer",
            "Unlicensed",
            "Unlicensed",
        ]


def test_a_demotion_that_would_bounce_is_forecast(tmp_path: Path) -> None:
    club = Group("g-club", "Club", "local", frozenset({f"u-{CORP}\\mia"}), "Viewer", "onLogin")
    held = world(company(), joined=True, users={f"{CORP}\\mia": "Viewer"}, more_groups=(club,))
    with desk(tmp_path, SALES, held=held) as opened:
        settle(opened)
        opened.change(disabled(opened.plain, "mia"))
        plan = opened.plan()
        assert any("stays in `Club`, which grants Viewer again at the next sign-in" in note for note in plan.notes)
        assert opened.apply(plan).succeeded
        assert opened.role("mia") == "Unlicensed"


def test_a_raise_that_tableau_would_refuse_is_left_to_the_sign_in(tmp_path: Path) -> None:
    club = Group("g-club", "Club", "local", frozenset({"u-mia"}), "Creator", "onLogin")
    held = world(company(), joined=False, users={"mia": "Unlicensed"}, more_groups=(club,))
    with desk(tmp_path, SALES, joined=False, held=held) as opened:
        plan = opened.plan()
        assert any("another group grants Creator on sign-in" in note for note in plan.notes)
        assert opened.apply(plan).succeeded
        assert opened.role("mia") == "Unlicensed"


# -- who is left alone, and what stops ---------------------------------------------------------------------------


@BOTH
def test_an_administrator_who_is_gone_is_held(tmp_path: Path, joined: bool) -> None:
    name = f"{CORP}\\mia" if joined else "mia"
    held = world(company(), joined=joined, users={name: "SiteAdministratorExplorer"})
    with desk(tmp_path, SALES, joined=joined, held=held) as opened:
        settle(opened)
        opened.change(disabled(opened.plain, "mia"))
        plan = opened.plan()
        assert (len(plan.held), plan.changes) == (1, ())
        assert "administrator" in plan.held[0].reason


@BOTH
def test_a_protected_user_who_would_lose_something_stops_everything(tmp_path: Path, joined: bool) -> None:
    with desk(tmp_path, SALES, joined=joined) as opened:
        settle(opened)
        opened.provision["protected"] = ["mia"]
        opened.change(disabled(opened.plain, "mia"))
        plan = opened.plan()
        assert [(stop.id, stop.waivable) for stop in plan.stops] == [("lock-out", False)]
        assert opened.apply(plan).stops
        assert opened.role("mia") == "Viewer"


def test_a_protected_user_is_drawn_into_nothing(tmp_path: Path) -> None:
    held = world(company(), joined=False, users={"mia": "Unlicensed"})
    with desk(tmp_path, SALES, joined=False, held=held) as opened:
        opened.provision["protected"] = ["mia"]
        settle(opened)
        assert (opened.people(), opened.role("mia")) == ({"noa", "ivy", "wes"}, "Unlicensed")


@BOTH
def test_too_many_licences_lost_and_members_lost_are_stops(tmp_path: Path, joined: bool) -> None:
    plain = company()
    crowd = [f"p{number}" for number in range(30)]
    plain["domains"][CORP]["users"] |= {name: {} for name in crowd}
    with desk(tmp_path, SALES, plain=with_members(plain, "Sales", *crowd), joined=joined) as opened:
        settle(opened)
        opened.stops = {}
        gone = opened.plain
        for name in crowd[:25]:
            gone = disabled(gone, name)
        opened.change(gone)
        plan = opened.plan()
        assert {stop.id for stop in plan.stops} == {"licences-lost", "memberships-removed"}
        applied = opened.run()
        assert applied.stops
        assert opened.role("p0") == "Viewer"
        assert opened.run(*(f"{stop.id}={stop.number}" for stop in applied.stops)).succeeded
        assert opened.role("p0") == "Unlicensed"


def test_an_empty_group_is_a_stop_unless_it_may_be_empty(joined_desk: Desk) -> None:
    settle(joined_desk)
    joined_desk.change(with_members(joined_desk.plain, "Sales"))
    plan = joined_desk.plan()
    assert [(stop.id, stop.waivable) for stop in plan.stops] == [("source-empty", False)]
    assert joined_desk.apply(plan).stops
    joined_desk.groups[0] = {**SALES, "may_be_empty": True}
    assert joined_desk.run().succeeded
    assert joined_desk.people() == set()


def test_a_group_that_vanished_is_an_error_and_nothing_is_planned(joined_desk: Desk) -> None:
    settle(joined_desk)
    joined_desk.groups.append({"group": "CORP\\Salse"})
    joined_desk.groups.append({"group": "MARS\\Sales"})
    with pytest.raises(SourceError) as told:
        joined_desk.plan()
    assert "no group `CORP\\Salse`; near it: `Sales`" in str(told.value)
    assert "no domain `MARS` was read" in str(told.value)


def test_a_group_of_a_domain_that_is_not_trusted_is_held(tmp_path: Path) -> None:
    plain = company()
    plain["domains"][WEST]["trusted"] = False
    with desk(tmp_path, {"group": "SEATTLE\\Westerners"}, plain=plain) as opened:
        assert "does not trust" in opened.plan().held[0].reason


@pytest.mark.parametrize(
    ("rule", "told"),
    [
        ({"by": "import", "into": "Other"}, "keeps its own"),
        ({"grant_on": "onSync"}, "does nothing without `minimum_site_role`"),
        ({"by": "magic"}, "`groups[1].by`"),
    ],
)
def test_rules_that_cannot_be_are_told_with_the_settings(joined_desk: Desk, rule, told: str) -> None:
    joined_desk.groups = [{"group": "CORP\\Sales", **rule}]
    with pytest.raises(SettingsError) as problems:
        joined_desk.plan()
    assert told in str(problems.value)


@pytest.mark.parametrize("words", ["corp/Sales", "CN=Sales,OU=Groups,DC=corp,DC=example", "Sales@corp.example"])
def test_a_group_in_another_form_of_its_name_is_near_it(words: str) -> None:
    with pytest.raises(SourceError, match=r"has no group `.*`; near it: `Sales`"):
        want_groups(Site("s", nicknames={}), directory_of(company()), (GroupRule(words),), GroupPolicy())


def test_all_users_and_two_groups_into_one_are_held() -> None:
    now = Site("s", groups={"all": Group("all", "All Users", everyone=True)}, nicknames={})
    rules = (
        GroupRule("CORP\\Sales", "All Users"),
        GroupRule("CORP\\Juniors", "One"),
        GroupRule("SEATTLE\\Westerners", "one"),
    )
    found = want_groups(now, directory_of(company()), rules, GroupPolicy())
    assert [held.person for held in found.wanted.held] == ["CORP\\Sales", "SEATTLE\\Westerners"]


# -- the way back, and going on ----------------------------------------------------------------------------------


def test_an_import_is_undone_whole_and_a_synchronisation_where_it_can(joined_desk: Desk) -> None:
    joined_desk.stops = LOOSE
    before = set(joined_desk.site.users)
    assert joined_desk.run().succeeded
    assert joined_desk.apply(joined_desk.undo(), "users-removed=4").succeeded
    assert set(joined_desk.site.users) == before
    assert not [g for g in joined_desk.site.groups.values() if g.domain == CORP]
    settle(joined_desk)
    joined_desk.change(disabled(joined_desk.plain, "mia"))
    assert joined_desk.run().succeeded
    undo = joined_desk.undo()
    assert [held.reason for held in undo.held] == ["has 1 other members than before, as the directory wants"]
    assert joined_desk.apply(undo).succeeded
    assert joined_desk.role("mia") == "Viewer"
    assert not signs_in(joined_desk, "CORP\\mia")


def test_memberships_by_calls_are_undone(tmp_path: Path) -> None:
    with desk(tmp_path, SALES, joined=False) as opened:
        settle(opened)
        opened.change(with_members(disabled(opened.plain, "mia"), "Juniors"))
        assert opened.run().succeeded
        assert opened.apply(opened.undo()).succeeded
        assert (opened.people(), opened.role("mia")) == ({"mia", "noa", "ivy", "wes"}, "Viewer")


def test_what_tableau_does_otherwise_is_told(joined_desk: Desk) -> None:
    """The directory changes between the plan and the synchronisation."""
    settle(joined_desk)
    joined_desk.change(disabled(joined_desk.plain, "mia"))
    plan = joined_desk.plan()
    joined_desk.sandbox.state.put_directory(disabled(company(), "noa"))
    applied = joined_desk.apply(plan)
    assert not applied.succeeded
    remedies = [entry.remedy for _, entry in applied.not_done if entry is not None]
    assert any("still in the group" in remedy for remedy in remedies)
    assert any("left the user at Viewer" in remedy for remedy in remedies)


def test_notes_of_the_job_that_differ_are_told(joined_desk: Desk) -> None:
    settle(joined_desk)
    joined_desk.change(disabled(joined_desk.plain, "mia"))
    plan = joined_desk.plan()
    joined_desk.sandbox.state.put_directory(disabled(disabled(company(), "mia"), "noa"))
    told = [entry.remedy for entry in joined_desk.apply(plan).entries.values() if entry.remedy]
    counts = "CountOfUsersRemovedFromGroup 2 instead of 1, CountOfUsersUnlicensed 2 instead of 1"
    assert told == [f"Tableau's notes differ from the plan: {counts}"]


def test_a_group_that_vanishes_before_the_job_fails_that_group_only(joined_desk: Desk) -> None:
    joined_desk.groups.append({"group": "CORP\\Juniors", "minimum_site_role": "Explorer", "grant_on": "onLogin"})
    settle(joined_desk)
    joined_desk.change(with_members(disabled(joined_desk.plain, "noa"), "Juniors", "ivy", "mia"))
    plan = joined_desk.plan()
    plain = with_members(joined_desk.plain, "Sales", "mia", "ivy", "noa")
    del plain["domains"][CORP]["groups"]["Juniors"]
    joined_desk.sandbox.state.put_directory(plain)
    applied = joined_desk.apply(plan)
    failed = [(c.op, e.code) for c, e in applied.not_done if e is not None and e.status == "failed"]
    assert ("sync_group", "404017") in failed
    assert joined_desk.role("noa") == "Unlicensed"


@pytest.mark.parametrize("bulk", [True, False])
def test_it_goes_on_where_it_broke_off_between_the_job_and_reading_back(tmp_path: Path, bulk: bool) -> None:
    with desk(tmp_path, SALES) as opened:
        settle(opened)
        opened.change(with_members(disabled(opened.plain, "mia"), "Juniors"))
        plan = opened.plan()
        real, synced = opened.sandbox.answer, []

        def broken(asked: Request, *struck: object) -> Answered:
            if synced and asked.path.endswith("/users"):
                return Answered(503, b"", "application/xml", {}, "fault", "", "")
            if asked.method == "PUT" and "/groups/" in asked.path:
                synced.append(asked)
            return real(asked, *struck)

        opened.sandbox.answer = broken
        first = opened.apply(plan, bulk=bulk)
        assert first.broken_off
        assert opened.role("mia") == "Unlicensed"
        opened.sandbox.answer = real
        again = opened.apply(plan, bulk=bulk)
        assert (again.resumed, again.succeeded) == (True, True), (again.stops, again.not_done)
        assert len(synced) == 1
        assert opened.plan().changes == ()
