"""Provisioning from lists to a sandbox and back: what is done, what is held, what stops, what Tableau answers."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from dataclasses import astuple, replace
from pathlib import Path

import pytest
from people_site import GROUP
from provisioning import SECRET, STAFF, URL, Bench, bench, by_name, staff, world
from watchdog import patience

from tabwarden.commands._plans import exit_code
from tabwarden.model.errors import SettingsError, TableauError, TabwardenError
from tabwarden.model.site import Content, Grantee, Group, Rule
from tabwarden.run.provision import run_provision
from tabwarden.sandbox.http.answering import Answered
from tabwarden.sandbox.http.call import Request
from tabwarden.sandbox.state.personality import personality
from tabwarden.settings import load
from tabwarden.store.journal import only_writer

LIMITED = personality(api_version="3.14")
ON, OFF = True, False


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Bench]:
    with bench(tmp_path) as opened:
        yield opened


def fault(sandbox, answer: Callable[[Request], Answered | None]) -> None:
    """Let `answer` speak first on every request; where it says nothing, the sandbox does."""
    real = sandbox.answer
    sandbox.answer = lambda asked, *struck: answer(asked) or real(asked, *struck)


def refusal(status: int, code: str, **headers: str) -> Answered:
    body = (
        '<?xml version="1.0"?><tsResponse xmlns="http://tableau.com/api">'
        f'<error code="{code}"><summary>No</summary><detail>Not now</detail></error></tsResponse>'
    )
    return Answered(status, body.encode(), "application/xml", headers, "fault", "", "")


# -- the seed done right -----------------------------------------------------------------------------------------


def test_joiners_come_in_and_leavers_go_out(desk: Bench) -> None:
    desk.joiners("new@a.example", "UNA@a.example")
    desk.leavers("vic@a.example", "gone@a.example")
    applied = desk.run()
    assert applied.succeeded
    assert desk.role("new@a.example") == "Unlicensed"
    assert desk.role("vic@a.example") == "Unlicensed"
    assert desk.members() == {"new@a.example", "una@a.example"}
    assert "1 leaver is not on the site" in " ".join(applied.plan.notes)


@pytest.mark.parametrize("plays", [LIMITED, personality(), personality("cloud")], ids=["no bulk", "server", "cloud"])
def test_a_second_run_plans_nothing_and_writes_nothing(tmp_path: Path, plays) -> None:
    with bench(tmp_path, plays=plays) as desk:
        desk.provision = {"set_joiners_viewer": True, "remove_leavers": True, "auth_setting": "SAML"}
        desk.joiners(*staff(15), "una@a.example")
        desk.leavers("vic@a.example", "gone@a.example")
        assert desk.run().succeeded
        kept = desk.kept_files()
        desk.sandbox.log.clear()
        again = desk.run()
        assert again.plan.changes == ()
        assert desk.writes(succeeded=False) == {}
        assert desk.kept_files() == kept


def test_all_seven_switches_in_order(desk: Bench) -> None:
    desk.provision = {"set_joiners_viewer": ON, "add_leavers_to_group": ON}
    desk.joiners("new@a.example", "una@a.example")
    desk.leavers("vic@a.example", "cleo@a.example")
    plan = desk.plan()
    steps = [f"{c.op} {c.person.partition('@')[0]}" for c in plan.changes]
    assert steps == [
        "add_user new",
        "add_to_group una",
        "add_to_group new",
        "remove_from_group vic",
        "set_site_role una",
        "set_site_role new",
        "set_site_role cleo",
        "set_site_role vic",
        "add_to_group vic",
        "add_to_group cleo",
    ]
    assert desk.apply(plan).succeeded
    assert {n: desk.role(f"{n}@a.example") for n in ("new", "una", "vic", "cleo")} == {
        "new": "Viewer",
        "una": "Viewer",
        "vic": "Unlicensed",
        "cleo": "Unlicensed",
    }
    assert len(desk.members()) == 4
    assert desk.plan().changes == ()


def test_a_demotion_goes_around_the_groups_floor(desk: Bench) -> None:
    """The seed's order is needed: Tableau refuses the demotion of a member."""
    desk.provision = {"remove_leavers_from_group": OFF}
    desk.leavers("vic@a.example")
    applied = desk.run()
    assert [change.op for change in applied.plan.changes] == ["remove_from_group", "set_site_role", "add_to_group"]
    assert applied.succeeded
    assert (desk.role("vic@a.example"), desk.members()) == ("Unlicensed", {"vic@a.example"})


def refuse_to_add(sandbox, name: str) -> None:
    """What nobody could know: this one name is refused."""
    fault(sandbox, lambda asked: refusal(400, "400003") if f'name="{name}"'.encode() in asked.body else None)


def test_who_stepped_out_of_the_group_is_put_back_when_the_demotion_fails(desk: Bench) -> None:
    fault(desk.sandbox, lambda asked: refusal(400, "400003") if asked.method == "PUT" else None)
    desk.provision = {"remove_leavers_from_group": OFF}
    desk.leavers("vic@a.example")
    applied = desk.run()
    assert [(c.op, e.status if e else "") for c, e in applied.not_done] == [("set_site_role", "failed")]
    assert (desk.role("vic@a.example"), desk.members()) == ("Viewer", {"vic@a.example"})


def test_a_promoted_role_is_kept(desk: Bench) -> None:
    desk.provision = {"set_joiners_viewer": ON}
    desk.joiners("cleo@a.example")
    assert desk.run().succeeded
    assert (desk.role("cleo@a.example"), "cleo@a.example" in desk.members()) == ("Creator", True)


@pytest.mark.parametrize(
    "group",
    [None, Group("g-grant", GROUP), Group("g-grant", GROUP, minimum_site_role="Explorer", grant_on="onLogin")],
    ids=["missing", "no minimum", "wrong minimum"],
)
def test_the_group_is_created_or_corrected_and_then_left_alone(tmp_path: Path, group: Group | None) -> None:
    with bench(tmp_path, world(group=group)) as desk:
        desk.provision = {"group": {"name": GROUP, "minimum_site_role": "Viewer"}}
        desk.joiners("una@a.example")
        assert desk.run().succeeded
        found = desk.site.find_group(GROUP)
        assert (found.minimum_site_role, found.grant_on) == ("Viewer", "onLogin")
        assert "una@a.example" in desk.members()
        assert desk.plan().changes == ()


def test_odd_names_reach_tableau_letter_by_letter(desk: Bench) -> None:
    desk.stops["source_shrank"] = {"count": 99}
    names = ("o'neil@a.example", "a+b@a.example", "a&b@a.example", "zoë@a.example", "last,first", "<b>@a.example")
    desk.joiners(*names)
    assert desk.run().succeeded
    assert desk.members() >= set(names)
    desk.leavers(*names)
    desk.joiners("una@a.example")
    assert desk.run().succeeded
    assert desk.members() == {"vic@a.example", "una@a.example"}


def test_bad_rows_are_told_and_the_rest_goes_on(desk: Bench) -> None:
    desk.joiners(
        None, "   ", "good@a.example", "GOOD@a.example", "two words", "\u00a0trimmed@a.example\u00a0", "good@a.example"
    )
    applied = desk.run()
    assert applied.succeeded
    assert desk.members() == {"vic@a.example", "good@a.example", "trimmed@a.example"}
    assert [row.row for row in applied.plan.refused] == [1, 2, 4, 5, 7]
    assert applied.plan.sources[0].rows == 7


# -- held --------------------------------------------------------------------------------------------------------


def test_joiner_and_leaver_at_once_is_held_and_the_rest_goes_on(desk: Bench) -> None:
    desk.joiners("vic@a.example", "new@a.example")
    desk.leavers("VIC@a.example", "cleo@a.example")
    applied = desk.run()
    assert applied.succeeded
    assert [held.person for held in applied.plan.held] == ["vic@a.example"]
    assert (desk.role("vic@a.example"), desk.role("cleo@a.example")) == ("Viewer", "Unlicensed")
    assert "new@a.example" in desk.members()


def test_one_name_on_two_domains_is_held_until_the_domain_is_written(tmp_path: Path) -> None:
    roles = {"ada": "ServerAdministrator", "jane": "Viewer", "corp\\jane": "Viewer"}
    with bench(tmp_path, world(roles, ())) as desk:
        desk.leavers("jane")
        held = desk.run().plan.held
        assert "`corp\\jane`, `local\\jane`" in held[0].reason
        desk.leavers("CORP\\jane")
        assert desk.run().succeeded
        assert {desk.site.users[u].domain: desk.site.users[u].site_role for u in desk.site.users_named("jane")} == {
            "local": "Viewer",
            "corp": "Unlicensed",
        }


def test_people_beyond_the_free_seats_are_held_with_numbers(tmp_path: Path) -> None:
    with bench(tmp_path, world(seats={"Viewer": 3, "Creator": 9, "Explorer": 9})) as desk:
        desk.provision = {"set_joiners_viewer": ON}
        desk.joiners("one@a.example", "two@a.example", "three@a.example")
        applied = desk.run()
        assert applied.succeeded
        assert [desk.role(f"{n}@a.example") for n in ("one", "two", "three")] == ["Viewer", "Viewer", "Unlicensed"]
        assert [held.person for held in applied.plan.held] == ["three@a.example"]
        assert "the 2 free seats" in applied.plan.held[0].reason


def test_seats_that_run_out_meanwhile_cost_those_people_alone(tmp_path: Path) -> None:
    """409014: an ERROR line each with name, step and remedy, the rest goes on."""
    with bench(tmp_path, world(seats={"Viewer": 5, "Creator": 9, "Explorer": 9})) as desk:
        desk.provision = {"set_joiners_viewer": ON}
        desk.joiners(*staff(4), "una@a.example")
        desk.leavers("vic@a.example")
        desk.joiners(*staff(4))
        plan = desk.plan()
        desk.change_site(replace(desk.site, licences={"Viewer": 3, "Creator": 9, "Explorer": 9}))
        applied = desk.apply(plan)
        failed = [(c.person, e.code if e else "") for c, e in applied.not_done]
        assert failed == [("p0002@a.example", "409014"), ("p0003@a.example", "409014")]
        assert "seat" in (applied.not_done[0][1].remedy if applied.not_done[0][1] else "")
        assert desk.role("vic@a.example") == "Unlicensed"
        assert desk.members() == set(staff(4))


# -- leavers who own, administrators, who runs it ----------------------------------------------------------------


def test_an_owner_is_removed_with_his_content_handed_over(tmp_path: Path) -> None:
    with bench(tmp_path, world(owners=("vic@a.example",))) as desk:
        desk.provision = {"remove_leavers": ON, "assets_to": "cleo@a.example"}
        desk.leavers("vic@a.example", "una@a.example")
        assert desk.run().succeeded
        assert (desk.role("vic@a.example"), desk.role("una@a.example")) == (None, None)
        assert desk.site.contents["w-0"].owner == "u-cleo@a.example"


def test_an_owner_without_heir_is_kept_as_unlicensed_and_never_asked_again(tmp_path: Path) -> None:
    with bench(tmp_path, world(owners=("vic@a.example",))) as desk:
        desk.provision = {"remove_leavers": ON}
        desk.leavers("vic@a.example", "una@a.example")
        applied = desk.run()
        assert applied.succeeded
        assert (desk.role("vic@a.example"), desk.role("una@a.example")) == ("Unlicensed", None)
        assert any("owns content and is kept as Unlicensed" in note for note in applied.plan.notes)
        desk.sandbox.log.clear()
        assert desk.run().plan.changes == ()
        assert desk.writes(succeeded=False) == {}


def test_an_owner_who_became_one_meanwhile_is_an_error_line_and_has_lost_his_licence(tmp_path: Path) -> None:
    with bench(tmp_path) as desk:
        desk.provision = {"remove_leavers": ON}
        desk.leavers("vic@a.example", "una@a.example")
        plan = desk.plan()
        book = desk.site.contents["p-default"]
        desk.change_site(desk.site.with_contents(replace(book, id="w-new", kind="workbook", owner="u-vic@a.example")))
        applied = desk.apply(plan)
        ((change, entry),) = applied.not_done
        assert (change.person, desk.role("vic@a.example"), desk.role("una@a.example")) == (
            "vic@a.example",
            "Unlicensed",
            None,
        )
        assert entry is not None
        assert (entry.status, applied.count("instead")) == ("instead", 1)
        assert "stays on the site as Unlicensed instead: owns content" in entry.remedy
        assert "Tableau said: Resource Conflict" in entry.remedy
        assert desk.apply(desk.undo()).succeeded
        assert (desk.role("vic@a.example"), "vic@a.example" in desk.members()) == ("Viewer", True)


@pytest.mark.parametrize(("name", "token"), [("ada", "tok"), ("sam", "sam")])
def test_the_user_who_runs_it_among_the_leavers_is_a_stop(desk: Bench, name: str, token: str) -> None:
    desk.token = token
    desk.leavers(name, "vic@a.example")
    applied = desk.run("lock-out=1")
    assert [stop.id for stop in applied.stops] == ["lock-out"]
    assert applied.wrong_waivers == ("`lock-out` cannot be waived",)
    assert desk.writes(succeeded=False) == {}


def test_a_protected_leaver_is_a_stop_and_another_administrator_is_held(desk: Bench) -> None:
    desk.provision = {"protected": ["VIC@a.example"]}
    desk.leavers("vic@a.example", "una@a.example")
    assert [stop.id for stop in desk.run().stops] == ["lock-out"]
    desk.leavers("sam", "una@a.example")
    applied = desk.run()
    assert applied.succeeded
    assert [held.person for held in applied.plan.held] == ["sam"]
    assert desk.role("sam") == "SiteAdministratorCreator"


def test_a_site_administrator_may_not_manage_people_where_the_site_says_so(tmp_path: Path) -> None:
    with bench(tmp_path, world(admin_mode="ContentOnly")) as desk:
        desk.token = "sam"
        desk.joiners("new@a.example")
        applied = desk.run()
        assert [stop.id for stop in applied.stops] == ["lock-out"]
        assert "ContentOnly" in applied.stops[0].sentence
        desk.token = "tok"
        assert desk.run().succeeded


# -- sources that cannot be trusted ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("spoil", "stop"),
    [
        (lambda path: path.unlink(), "source-unreadable"),
        (lambda path: path.write_text("Email Address\n"), "source-empty"),
        (lambda path: path.write_text("Email Address\n\n \n"), "source-empty"),
        (lambda path: path.write_text("Name\nvic\n"), "source-unreadable"),
    ],
    ids=["down", "no rows", "blank rows", "another column"],
)
@pytest.mark.parametrize("task", ["joiners", "leavers"])
def test_a_list_that_cannot_be_trusted_stops_what_concerns_it_alone(desk: Bench, task: str, spoil, stop: str) -> None:
    desk.joiners("new@a.example")
    desk.leavers("vic@a.example")
    assert (desk.role("new@a.example"), desk.role("vic@a.example")) == (None, "Viewer")
    whole = desk.lists[task].read_bytes()
    spoil(desk.lists[task])
    plan = desk.plan()
    assert [(s.id, s.only, s.waivable) for s in plan.stops] == [(stop, task, False)]
    assert ("holds no row" in plan.stops[0].sentence) == ("`min_rows: 0`" in plan.stops[0].remedy)
    applied = desk.run()
    assert (applied.stops, applied.succeeded, exit_code(applied)) == ((), True, 3)
    expected = ("Unlicensed", "Viewer") if task == "leavers" else (None, "Unlicensed")
    assert (desk.role("new@a.example"), desk.role("vic@a.example")) == expected
    desk.lists[task].write_bytes(whole)
    assert exit_code(desk.run()) == 0
    assert (desk.role("new@a.example"), desk.role("vic@a.example")) == ("Unlicensed", "Unlicensed")


def test_where_no_list_can_be_trusted_nothing_is_written(desk: Bench) -> None:
    desk.joiners("new@a.example")
    desk.leavers()
    desk.lists["joiners"].unlink()
    applied = desk.run()
    assert [(s.id, s.only) for s in applied.stops] == [("source-unreadable", "joiners"), ("source-empty", "leavers")]
    assert desk.writes(succeeded=False) == {}
    kept = desk.folder / ".tabwarden" / "plans" / f"{applied.plan.id}.json"
    assert kept.is_file()


def test_a_stale_or_shrunk_list_leaves_the_other_alone(desk: Bench) -> None:
    desk.joiners(*staff(10))
    desk.leavers("vic@a.example")
    assert exit_code(desk.run()) == 0
    desk.joiners(*staff(2, 10))
    desk.leavers("cleo@a.example")
    applied = desk.run("source-shrank=1")
    assert [(s.id, s.only) for s in applied.stops_told] == [("source-shrank", "joiners")]
    assert applied.wrong_waivers == ("`--accept source-shrank=1` does not match: the number is 8",)
    assert (exit_code(applied), desk.role("cleo@a.example"), desk.role(staff(1, 10)[0])) == (3, "Unlicensed", None)
    assert [s.only for s in desk.plan().stops] == [""]  # who looks at the plan may waive it
    desk.file("leavers", b"Email Address,at\nuna@a.example,2020-01-01\n", stale_after="1d", as_of={"column": "at"})
    applied = desk.run("source-shrank=8")
    assert [(s.id, s.only) for s in applied.stops_told] == [("source-stale", "leavers")]
    assert desk.role(staff(1, 10)[0]) == "Unlicensed"


def test_a_list_that_may_be_empty_is_a_good_list_when_it_is(desk: Bench) -> None:
    desk.joiners("new@a.example")
    desk.leavers()
    path = desk.settings_path
    told = json.loads(path.read_text())
    told["sources"]["leavers"]["min_rows"] = 0
    path.write_text(json.dumps(told))
    assert run_provision(load(path, desk.environment)).succeeded
    assert "new@a.example" in {user.name for user in desk.site.users.values()}
    desk.lists["leavers"].write_text("Name\nvic\n")
    applied = run_provision(load(path, desk.environment))
    assert [stop.id for stop in applied.stops_told] == ["source-unreadable"]


def test_fewer_rows_than_the_settings_promise_is_partial(desk: Bench) -> None:
    desk.joiners("new@a.example")
    path = desk.settings_path
    told = json.loads(path.read_text())
    told["sources"]["joiners"]["min_rows"] = 2
    path.write_text(json.dumps(told))
    applied = run_provision(load(path, desk.environment))
    assert [(s.id, s.waivable) for s in applied.stops] == [("source-partial", False)]


def test_a_list_that_shrank_since_the_last_good_run_is_a_stop_with_its_number(desk: Bench) -> None:
    desk.joiners(*staff(10))
    first = desk.run()
    assert first.succeeded
    assert any("joiners shrank is not judged" in note for note in first.plan.notes)
    desk.joiners(*staff(7))
    (stop,) = desk.run().stops
    assert (stop.id, stop.base, stop.limit, stop.number) == ("source-shrank", 10, 2, 3)
    assert desk.run("source-shrank=4").wrong_waivers == ("`--accept source-shrank=4` does not match: the number is 3",)
    assert desk.run("source-shrank=3").succeeded
    desk.joiners(*staff(6))
    assert desk.run().succeeded


# -- too much ----------------------------------------------------------------------------------------------------


def test_all_stops_are_told_together_and_each_is_accepted_by_its_number(tmp_path: Path) -> None:
    people = staff(40)
    with bench(tmp_path, world(STAFF | dict.fromkeys(people, "Viewer"), tuple(people))) as desk:
        desk.stops = {}
        desk.provision = {"remove_leavers": OFF}
        desk.leavers(*people[:30])
        applied = desk.run()
        told = {stop.id: (stop.base, stop.limit, stop.number) for stop in applied.stops}
        assert told == {"licences-lost": (44, 5, 30), "memberships-removed": (40, 20, 30)}
        assert desk.writes(succeeded=False) == {}
        assert [stop.id for stop in desk.run("licences-lost=30").stops] == ["memberships-removed"]
        assert desk.run("licences-lost=30", "memberships-removed=30").succeeded
        desk.provision = {"remove_leavers": ON}
        desk.leavers(*people[:6])
        assert {s.id: s.number for s in desk.run("source-shrank=24").stops} == {"users-removed": 6}


def test_a_stopped_run_leaves_a_plan_that_can_be_applied_with_waivers(tmp_path: Path) -> None:
    people = staff(12)
    with bench(tmp_path, world(STAFF | dict.fromkeys(people, "Viewer"), ())) as desk:
        desk.stops = {}
        desk.leavers(*people)
        plan = desk.run().plan
        assert desk.apply(plan).stops != ()
        assert desk.apply(plan, "licences-lost=12").succeeded


# -- a plan and the world moves on -------------------------------------------------------------------------------


def test_a_plan_that_is_no_longer_true_is_a_stop(desk: Bench) -> None:
    desk.leavers("vic@a.example")
    plan = desk.plan()
    desk.change_site(desk.site.with_users(replace(desk.site.users["u-vic@a.example"], site_role="Creator")))
    (stop,) = desk.apply(plan).stops
    assert (stop.id, stop.number, stop.waivable) == ("stale-plan", 1, False)
    assert "was `Viewer`, is `Creator`" in stop.sentence
    assert desk.writes(succeeded=False) == {}


def test_a_plan_is_untouched_by_what_it_does_not_touch(desk: Bench) -> None:
    desk.leavers("vic@a.example")
    plan = desk.plan()
    desk.change_site(desk.site.with_users(replace(desk.site.users["u-cleo@a.example"], site_role="Explorer")))
    assert desk.apply(plan).succeeded


def test_a_plan_for_one_site_is_not_applied_to_another(desk: Bench) -> None:
    desk.leavers("vic@a.example")
    plan = desk.plan()
    with pytest.raises(TabwardenError, match="the plan is for site"):
        desk.apply(replace(plan, site=replace(plan.site, id="other")))


def test_an_applied_plan_is_not_applied_again(desk: Bench) -> None:
    desk.leavers("vic@a.example")
    plan = desk.plan()
    assert desk.apply(plan).succeeded
    with pytest.raises(TabwardenError, match="was applied already"):
        desk.apply(plan)


# -- what real Tableau answered (the eight answers) --------------------------------------------------------------


def racing(desk: Bench, plan, **meanwhile: object):
    """Apply a plan while somebody does the same just before the first write: the re-read does not see it."""
    done = threading.Event()

    def sneak(asked: Request) -> None:
        if asked.method in ("POST", "PUT", "DELETE") and "/auth/" not in asked.path and not done.is_set():
            done.set()
            desk.change_site(meanwhile["site"](desk.site))

    fault(desk.sandbox, sneak)
    return desk.apply(plan)


@pytest.mark.parametrize("plays", [personality(api_version="3.14"), replace(personality("cloud"), api_version="3.14")])
def test_answer_1_a_user_who_is_there_already_is_no_error(tmp_path: Path, plays) -> None:
    """201 with the same id on Cloud, 409017 on Server: both are understood as already there."""
    with bench(tmp_path, plays=plays) as desk:
        desk.joiners("new@a.example")
        una = desk.site.users["u-una@a.example"]
        applied = racing(desk, desk.plan(), site=lambda s: s.with_users(replace(una, id="u-new", name="new@a.example")))
        assert applied.succeeded
        assert desk.site.users_named("new@a.example") == ("u-new",)
        assert "new@a.example" in desk.members()


def test_answer_2_a_member_with_a_licence_who_is_added_as_unlicensed_is_left_so(tmp_path: Path) -> None:
    """400003 hides a refused demotion: he is on the site with more than was asked for."""
    with bench(tmp_path, plays=replace(personality("cloud"), api_version="3.14")) as desk:
        desk.joiners("new@a.example")
        vic = desk.site.users["u-vic@a.example"]

        def come_in(site):
            group = site.find_group(GROUP)
            newer = site.with_users(replace(vic, id="u-new", name="new@a.example"))
            return newer.with_groups(replace(group, members=group.members | {"u-new"}))

        applied = racing(desk, desk.plan(), site=come_in)
        assert applied.succeeded
        assert {entry.status for entry in applied.entries.values()} == {"already"}
        assert desk.role("new@a.example") == "Viewer"


def test_a_name_cloud_does_not_take_is_held(tmp_path: Path) -> None:
    with bench(tmp_path, plays=personality("cloud")) as desk:
        desk.joiners("plainname", "new@a.example")
        applied = desk.run()
        assert applied.succeeded
        ((person, reason, _, _),) = map(astuple, applied.plan.held)
        assert (person, "is no e-mail address" in reason) == ("plainname", True)
        assert "new@a.example" in desk.members()


@pytest.mark.parametrize("plays", [LIMITED, personality()], ids=["one by one", "bulk"])
def test_answer_4_a_member_who_is_one_already_is_no_error(tmp_path: Path, plays) -> None:
    """409011."""
    with bench(tmp_path, plays=plays) as desk:
        desk.joiners("una@a.example", "cleo@a.example")

        def join(site):
            group = site.find_group(GROUP)
            return site.with_groups(replace(group, members=group.members | {"u-una@a.example"}))

        applied = racing(desk, desk.plan(), site=join)
        assert applied.succeeded
        assert applied.count("already") == 1
        assert desk.members() == {"una@a.example", "cleo@a.example", "vic@a.example"}


@pytest.mark.parametrize("plays", [LIMITED, personality()], ids=["one by one", "bulk"])
def test_answer_5_who_is_out_of_the_group_already_is_no_error(tmp_path: Path, plays) -> None:
    """404022."""
    with bench(tmp_path, world(members=("vic@a.example", "cleo@a.example")), plays=plays) as desk:
        desk.leavers("vic@a.example", "cleo@a.example")

        def leave(site):
            group = site.find_group(GROUP)
            return site.with_groups(replace(group, members=group.members - {"u-vic@a.example"}))

        applied = racing(desk, desk.plan(), site=leave)
        assert applied.succeeded
        assert applied.count("already") == 1
        assert (desk.members(), desk.role("vic@a.example"), desk.role("cleo@a.example")) == (
            set(),
            "Unlicensed",
            "Unlicensed",
        )


# Answer 6, 409014, is test_seats_that_run_out_meanwhile_cost_those_people_alone.


def test_answer_7_a_bad_token_is_one_error_that_names_the_remedy(desk: Bench) -> None:
    """401001."""
    desk.joiners("new@a.example")
    settings = desk.settings_path
    with pytest.raises(TableauError, match="401001") as caught:
        run_provision(load(settings, {"PAT": "wrong-secret"}))
    assert "wrong-secret" not in str(caught.value)


def test_answer_8_a_name_that_comes_back_has_a_new_id(desk: Bench) -> None:
    desk.provision = {"remove_leavers": ON}
    desk.leavers("una@a.example")
    plan = desk.plan()
    assert desk.apply(plan).succeeded
    desk.lists.clear()
    desk.joiners("una@a.example")
    assert desk.run().succeeded
    assert desk.site.users_named("una@a.example") != ("u-una@a.example",)


def test_somebody_who_is_gone_meanwhile_is_removed_already(tmp_path: Path) -> None:
    with bench(tmp_path, plays=LIMITED) as desk:
        desk.provision = {"remove_leavers": ON}
        desk.leavers("una@a.example", "vic@a.example")

        def go(site):
            return replace(site, users={i: u for i, u in site.users.items() if i != "u-una@a.example"})

        applied = racing(desk, desk.plan(), site=go)
        assert applied.succeeded
        assert applied.count("already") == 1


# -- the line to Tableau -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("number", [99, 100, 101, 999, 1000, 1001])
def test_lists_of_every_length_are_read_whole(tmp_path: Path, number: int) -> None:
    people = staff(number)
    with bench(tmp_path, world(STAFF | dict.fromkeys(people, "Unlicensed"), tuple(people))) as desk:
        desk.joiners(*people)
        assert desk.plan().changes == ()
        desk.leavers(people[-1])
        desk.joiners(*people[:-1])
        assert [change.person for change in desk.plan().changes] == [people[-1]]


def test_a_second_run_that_takes_the_token_away_costs_nothing(desk: Bench) -> None:
    """A personal access token carries one session: the run signs in again and goes on."""
    desk.joiners(*staff(6))
    desk.provision = {"bulk": "never"}
    stolen: list[str] = []

    def steal(asked: Request) -> None:
        if asked.method == "POST" and asked.path.endswith("/users") and len(stolen) < 2:
            stolen.append(asked.path)
            if len(stolen) == 2:
                body = (
                    f'<tsRequest><credentials personalAccessTokenName="tok" personalAccessTokenSecret="{SECRET}">'
                    f'<site contentUrl="{URL}"/></credentials></tsRequest>'
                )
                desk.sandbox.answer(Request("POST", "/api/3.27/auth/signin", {}, {}, body.encode()))

    fault(desk.sandbox, steal)
    assert desk.run().succeeded
    assert desk.writes()["POST sites/{site}/users"] == 6


def test_a_token_that_runs_out_midway_is_renewed(tmp_path: Path) -> None:
    now = [1_000_000.0]
    plays = replace(personality(), idle_seconds=60.0)
    with bench(tmp_path, plays=plays, clock=lambda: now[0]) as desk:
        desk.provision = {"bulk": "never"}
        desk.joiners(*staff(3))

        def age(asked: Request) -> None:
            if asked.method == "POST" and asked.path.endswith("s-people/users") and asked.body not in sent:
                sent.add(asked.body)
                now[0] += 61.0

        sent: set[bytes] = set()
        fault(desk.sandbox, age)
        assert desk.run().succeeded
        assert desk.writes()["POST sites/{site}/users"] == 3
        assert len([e for e in desk.sandbox.log.entries if e.path.endswith("/auth/signin")]) >= 4


@pytest.mark.parametrize("headers", [{"Retry-After": "0"}, {}], ids=["with Retry-After", "without"])
def test_a_busy_server_is_waited_for(desk: Bench, headers: dict[str, str]) -> None:
    asked_so_far = [0]

    def busy(asked: Request) -> Answered | None:
        asked_so_far[0] += 1
        return refusal(429, "429000", **headers) if asked_so_far[0] % 7 == 0 else None

    fault(desk.sandbox, busy)
    desk.provision = {"bulk": "never"}
    desk.joiners(*staff(4))
    desk.leavers("vic@a.example")
    assert desk.run().succeeded
    assert desk.writes()["POST sites/{site}/users"] == 4


def test_a_server_that_goes_away_breaks_off_and_the_same_plan_goes_on(desk: Bench) -> None:
    desk.provision = {"bulk": "never"}
    desk.joiners(*staff(6))
    plan = desk.plan()
    down = [False]

    def fall_over(asked: Request) -> Answered | None:
        if asked.method == "POST" and asked.path.endswith("/users") and desk.writes()["POST sites/{site}/users"] == 3:
            down[0] = True
        return refusal(503, "503000", **{"Retry-After": "0"}) if down[0] else None

    fault(desk.sandbox, fall_over)
    broken = desk.apply(plan)
    assert broken.broken_off
    assert len(broken.not_done) == 9
    fault(desk.sandbox, lambda asked: None)
    down[0] = False
    desk.sandbox.answer = type(desk.sandbox).answer.__get__(desk.sandbox)
    again = desk.apply(plan)
    assert (again.succeeded, again.resumed) == (True, True)
    assert desk.writes()["POST sites/{site}/users"] == 6


def test_two_writers_do_not_meet(desk: Bench) -> None:
    desk.joiners(*staff(2))
    plan = desk.plan()
    with only_writer(desk.settings.store.folder, plan.site):
        with pytest.raises(TabwardenError, match="being written to by process"):
            desk.apply(plan)
        with pytest.raises(TabwardenError, match="being written to by process"):
            desk.run()
    assert desk.writes(succeeded=False) == {}
    assert desk.apply(plan).succeeded


# -- undo --------------------------------------------------------------------------------------------------------


def test_undo_brings_back_what_was(tmp_path: Path) -> None:
    with bench(tmp_path, world(group=None, members=())) as desk:
        before = by_name(desk.site)
        desk.provision = {"set_joiners_viewer": ON}
        desk.joiners("new@a.example", "una@a.example")
        desk.leavers("vic@a.example", "cleo@a.example")
        assert desk.run().succeeded
        assert by_name(desk.site) != before
        undo = desk.undo()
        assert undo.impact.gain_licence == ("cleo@a.example", "vic@a.example")
        assert desk.apply(undo).succeeded
        assert by_name(desk.site) == before
        redo = desk.undo()
        assert redo.undoes == undo.id


def test_undo_of_a_removal_says_what_cannot_come_back(tmp_path: Path) -> None:
    with bench(tmp_path, world(owners=("vic@a.example",))) as desk:
        desk.provision = {"remove_leavers": ON, "assets_to": "cleo@a.example"}
        desk.leavers("vic@a.example")
        assert desk.run().succeeded
        undo = desk.undo()
        assert any("added again as a new user" in note for note in undo.notes)
        assert any("stays with `cleo@a.example`" in note for note in undo.notes)
        assert desk.apply(undo).succeeded
        assert (desk.role("vic@a.example"), desk.members()) == ("Viewer", {"vic@a.example"})
        assert desk.site.users_named("vic@a.example") != ("u-vic@a.example",)


def test_undo_leaves_alone_what_somebody_changed_since(desk: Bench) -> None:
    desk.leavers("vic@a.example")
    assert desk.run().succeeded
    desk.change_site(desk.site.with_users(replace(desk.site.users["u-vic@a.example"], site_role="Explorer")))
    undo = desk.undo()
    assert [change.op for change in undo.changes] == ["add_to_group"]
    assert undo.held[0].reason == "became Unlicensed and is Explorer by now"


def test_undo_takes_back_only_what_was_done(tmp_path: Path) -> None:
    with bench(tmp_path, plays=LIMITED) as desk:
        before = by_name(desk.site)
        refuse_to_add(desk.sandbox, "plainname")
        desk.joiners("plainname", "new@a.example")
        assert not desk.run().succeeded
        undo = desk.undo()
        assert [change.person for change in undo.changes] == ["new@a.example"]
        assert desk.apply(undo).succeeded
        assert by_name(desk.site) == before


# -- as processes ------------------------------------------------------------------------------------------------


def tabwarden(desk: Bench, *words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "tabwarden", *words, "--settings", str(desk.settings_path)],
        capture_output=True,
        text=True,
        cwd=desk.folder,
        env={**os.environ, **desk.environment},
        timeout=patience(60),
        check=False,
    )


def test_plan_apply_undo_as_a_person_types_them(desk: Bench) -> None:
    desk.more = {"logs": {"folder": "logs"}}
    desk.joiners("new@a.example", "una@a.example")
    desk.leavers("vic@a.example")
    planned = tabwarden(desk, "plan", "provision", "--out", "p.json")
    assert planned.returncode == 2, planned.stderr
    assert "1 person joins, 2 get a role at their next sign-in, 1 loses their licence" not in planned.stdout
    assert "1 person joins" in planned.stdout
    assert "next: tabwarden apply p.json" in planned.stdout
    applied = tabwarden(desk, "apply", "p.json", "--json")
    assert applied.returncode == 0, applied.stderr
    told = json.loads(applied.stdout)
    assert (told["done"], told["failed"], told["exit_code"]) == (5, 0, 0)
    assert "added user `new@a.example` as Unlicensed" in Path(desk.folder / told["log"]).read_text()
    undo = tabwarden(desk, "plan", "undo", "--last", "--json", "--out", "u.json")
    assert undo.returncode == 2
    assert json.loads(undo.stdout)["undoes"] == told["plan"]
    assert tabwarden(desk, "apply", "u.json").returncode == 0
    assert desk.members() == {"vic@a.example"}


def test_a_snapshot_lets_the_plan_name_who_sees_what(tmp_path: Path) -> None:
    held = world()
    (site,) = held.sites
    see = frozenset({Rule(Grantee("group", "g-grant"), "Read", "Allow")})
    book = Content("w-1", "workbook", "Budget", "p-default", "u-ada", rules=see)
    with bench(tmp_path, replace(held, sites=(site.with_contents(book),))) as desk:
        desk.joiners("una@a.example")
        desk.leavers("vic@a.example")
        desk.provision = {"set_joiners_viewer": ON}
        assert desk.plan().impact.contents is None
        ran = tabwarden(desk, "read", "--json")
        assert ran.returncode == 0, ran.stderr
        told = json.loads(ran.stdout)
        assert (told["users"], told["contents"]) == (5, {"project": 1, "workbook": 1})
        assert desk.writes(succeeded=False) == {}
        contents = desk.plan().impact.contents
        assert [(c.path, c.gained, c.lost) for c in contents or ()] == [
            ("Default/Budget", ("una@a.example",), ("vic@a.example",))
        ]


def test_without_a_list_there_is_nobody_to_provision(desk: Bench) -> None:
    with pytest.raises(SettingsError, match="neither `joiners` nor `leavers`"):
        desk.run()


def test_run_provision_for_cron_one_log_and_one_exit_code(desk: Bench) -> None:
    desk.more = {"logs": {"folder": "logs"}}
    desk.joiners("new@a.example")
    assert tabwarden(desk, "run", "provision").returncode == 0
    assert tabwarden(desk, "plan", "provision").returncode == 0
    desk.leavers("ada")
    stopped = tabwarden(desk, "run", "provision")
    assert stopped.returncode == 3
    assert "ERROR | stop lock-out" in stopped.stderr
    desk.leavers("vic@a.example")
    refused = tabwarden(desk, "run", "provision", "--accept", "licences-lost")
    assert refused.returncode == 1
    assert "STOP=NUMBER" in refused.stderr
    assert len(list((desk.folder / "logs").glob("*.log"))) == 2


def test_a_failing_person_is_an_error_line_with_name_step_and_remedy_and_exit_code_1(tmp_path: Path) -> None:
    with bench(tmp_path, plays=LIMITED) as desk:
        desk.more = {"logs": {"folder": "logs"}}
        refuse_to_add(desk.sandbox, "plainname")
        desk.joiners("plainname", "new@a.example")
        ran = tabwarden(desk, "run", "provision")
        assert ran.returncode == 1
        assert "ERROR | user `plainname` was not added to the site (400003): " in ran.stderr
        assert "not done: user `plainname` was not put into group" in ran.stderr


def test_the_secret_is_nowhere(desk: Bench) -> None:
    desk.more = {"logs": {"folder": "logs", "level": "DEBUG"}}
    desk.joiners("new@a.example")
    desk.leavers("ada")
    assert SECRET not in tabwarden(desk, "plan", "provision").stdout
    desk.leavers("vic@a.example")
    ran = tabwarden(desk, "run", "provision")
    assert (ran.returncode, SECRET in ran.stdout + ran.stderr) == (0, False)
    written = [path.read_text(errors="replace") for path in desk.folder.rglob("*") if path.is_file()]
    assert len(written) > 5
    assert not any(SECRET in text for text in written)
