"""Plans as values: the order of changes, the facts they rest on, the file; and that applying one leaves nothing."""

from __future__ import annotations

import hashlib
import json
from dataclasses import fields, replace

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from people_site import GROUP, joiners, leavers, roster, site

from tabwarden.effects.change import Change, carried_out
from tabwarden.effects.ops.groups import CreateGroup, DeleteGroup, Grants
from tabwarden.effects.ops.users import AddUser
from tabwarden.effects.ref import GROUP as GROUP_KIND
from tabwarden.effects.ref import USER, Ref
from tabwarden.model.errors import TabwardenError
from tabwarden.model.roles import SETTABLE, rank
from tabwarden.model.site import Content, Grantee, Group, Rule, Site
from tabwarden.plan.build import after, differences, facts
from tabwarden.plan.file import from_json, to_json
from tabwarden.plan.impact import impact
from tabwarden.plan.order import ASIDE, diff
from tabwarden.plan.plan import Plan, Refused, SiteIdentity, SourceSummary, Stop, Waiver
from tabwarden.plan.undo import undone
from tabwarden.want.provision import Policy, Tasks, want
from tabwarden.want.roster import Roster
from tabwarden.want.wanted import Held, Wanted, Why

POLICY = Policy(group=GROUP, own_id="u-ada")
NOW = site({"ada": "ServerAdministrator", "vic": "Viewer", "una": "Unlicensed", "carl": "Creator"}, ("vic", "carl"))
NOBODY = Roster("nothing")


def changes_of(now: Site, wanted: Wanted) -> tuple[Change, ...]:
    return diff(now, wanted.site, wanted.why)


def told(changes: tuple[Change, ...]) -> list[str]:
    """Each change in a word or three."""
    both = ((c.op, c.of_user.name if c.of_user else "", c.ends_as) for c in changes)
    return [" ".join(word for word in words if word) for words in both]


# -- order -------------------------------------------------------------------------------------------------------


def test_the_order_is_groups_people_memberships_out_up_down_back_gone() -> None:
    now = replace(NOW, groups={"g-all": NOW.groups["g-all"]}).with_groups(
        Group("g-old", "Old", members=frozenset({"u-vic"}), minimum_site_role="Viewer", grant_on="onLogin")
    )
    wanted = want(now, joiners("new"), leavers("vic", "una"), Tasks(set_joiners_viewer=True), POLICY)
    without_una = replace(wanted.site, users={i: u for i, u in wanted.site.users.items() if i != "u-una"})
    assert told(diff(now, without_una, wanted.why)) == [
        "create_group",
        "add_user new",
        "add_to_group new",
        "remove_from_group vic",
        "set_site_role new Viewer",
        "set_site_role vic Unlicensed",
        "remove_user una",
    ]


def test_a_demotion_below_the_floor_steps_out_of_the_group_and_back() -> None:
    tasks = Tasks(remove_leavers_from_group=False)
    changes = changes_of(NOW, want(NOW, NOBODY, leavers("vic"), tasks, POLICY))
    assert told(changes) == ["remove_from_group vic", "set_site_role vic Unlicensed", "add_to_group vic"]
    assert changes[0].because == ASIDE


def test_who_enters_the_group_by_a_demotion_enters_after_it() -> None:
    now = NOW.with_groups(replace(NOW.groups["g-grant"], members=frozenset()))
    tasks = Tasks(add_leavers_to_group=True)
    changes = changes_of(now, want(now, NOBODY, leavers("vic"), tasks, POLICY))
    assert told(changes) == ["set_site_role vic Unlicensed", "add_to_group vic"]


def test_a_demotion_above_the_floor_needs_no_stepping() -> None:
    lower = NOW.with_users(replace(NOW.users["u-carl"], site_role="Explorer"))
    assert told(diff(NOW, lower, Why())) == ["set_site_role carl Explorer"]


def test_a_group_that_goes_is_left_before_a_demotion_it_forbids() -> None:
    gone = replace(NOW, groups={"g-all": NOW.groups["g-all"]}).with_users(
        replace(NOW.users["u-vic"], site_role="Unlicensed")
    )
    assert told(diff(NOW, gone, Why())) == [
        "remove_from_group vic",
        "set_site_role vic Unlicensed",
        "delete_group",
    ]


def test_a_removal_says_what_is_lost_and_who_inherits() -> None:
    policy = replace(POLICY, assets_to="carl")
    (change,) = changes_of(NOW, want(NOW, NOBODY, leavers("vic"), Tasks(remove_leavers=True), policy))
    assert change.destructive
    assert change.groups == (GROUP,)
    assert change.role == "Viewer"
    assert change.heir == Ref("user", "carl", "local", "u-carl")


def test_references_have_ids_where_ids_exist() -> None:
    changes = changes_of(NOW, want(NOW, joiners("new"), NOBODY, Tasks(), POLICY))
    assert [(c.of_user and c.of_user.id, c.of_group and c.of_group.id) for c in changes] == [
        (None, None),
        (None, "g-grant"),
    ]


# -- facts -------------------------------------------------------------------------------------------------------


def test_facts_follow_the_changes_one_by_one() -> None:
    wanted = want(
        NOW, joiners("new"), leavers("vic", "carl", "una"), Tasks(remove_leavers=True, set_joiners_viewer=True), POLICY
    )
    changes = (*changes_of(NOW, wanted), DeleteGroup(Ref("group", GROUP, "local", "g-grant")))
    seen = facts(NOW, changes)
    for number in range(len(changes) + 1):
        here = facts(carried_out(NOW, changes[:number]), changes)
        assert differences(after(seen, changes[:number]), here) == ()


def test_a_difference_is_told_with_was_and_is() -> None:
    changes = changes_of(NOW, want(NOW, NOBODY, leavers("vic"), Tasks(), POLICY))
    later = NOW.with_users(replace(NOW.users["u-vic"], site_role="Creator"))
    lines = differences(facts(NOW, changes), facts(later, changes))
    assert lines == ("user:local\\vic: was `Viewer`, is `Creator`",)


def test_a_user_removed_and_added_again_is_another() -> None:
    changes = changes_of(NOW, want(NOW, NOBODY, leavers("vic"), Tasks(), POLICY))
    users = {i: u for i, u in NOW.users.items() if i != "u-vic"}
    later = replace(NOW, users={**users, "u-2": replace(NOW.users["u-vic"], id="u-2")})
    assert any(
        line.startswith("id of user:local\\vic") for line in differences(facts(NOW, changes), facts(later, changes))
    )


def test_a_change_begun_and_not_recorded_may_be_done_or_not() -> None:
    changes = changes_of(NOW, want(NOW, NOBODY, leavers("vic"), Tasks(), POLICY))
    seen = facts(NOW, changes)
    for number in (0, 1):
        here = facts(carried_out(NOW, changes[:number]), changes)
        assert differences(seen, here, changes[:1]) == ()
    assert differences(seen, facts(carried_out(NOW, changes), changes), changes[:1]) != ()


def test_what_is_not_touched_is_no_fact() -> None:
    changes = changes_of(NOW, want(NOW, NOBODY, leavers("vic"), Tasks(), POLICY))
    later = NOW.with_users(replace(NOW.users["u-carl"], site_role="Explorer"))
    assert differences(facts(NOW, changes), facts(later, changes)) == ()


# -- impact ------------------------------------------------------------------------------------------------------


def test_impact_counts_people() -> None:
    wanted = want(NOW, joiners("new", "una"), leavers("vic", "carl"), Tasks(), POLICY)
    told_impact = impact(NOW, carried_out(NOW, changes_of(NOW, wanted)), held_people=1)
    assert told_impact.join == ("new",)
    assert told_impact.eligible == ("una", "new")
    assert told_impact.lose_licence == ("vic", "carl")
    assert told_impact.licences_lost == {"Creator": 1, "Viewer": 1}
    assert told_impact.memberships_lost == {GROUP: 2}
    assert (told_impact.held, told_impact.contents) == (1, None)


def test_impact_names_who_gains_and_loses_view_of_each_content() -> None:
    see = frozenset({Rule(Grantee("group", "g-grant"), "Read", "Allow")})
    now = NOW.with_contents(
        Content("p", "project", "Finance", None, "u-ada"),
        Content("w", "workbook", "Budget", "p", "u-ada", rules=see),
        Content("x", "workbook", "Secret", "p", "u-ada"),
    )
    wanted = want(now, joiners("una"), leavers("vic"), Tasks(set_joiners_viewer=True), POLICY)
    told_impact = impact(now, carried_out(now, changes_of(now, wanted)))
    assert told_impact.contents is not None
    assert [(c.path, c.gained, c.lost) for c in told_impact.contents] == [("Finance/Budget", ("una",), ("vic",))]


# -- the file ----------------------------------------------------------------------------------------------------


def a_plan() -> Plan:
    now = NOW.with_contents(Content("w", "workbook", "Büdget", None, "u-vic"))
    policy = replace(POLICY, assets_to="carl")
    wanted = want(now, joiners("zoë"), leavers("vic", "una"), Tasks(remove_leavers=True), policy)
    changes = changes_of(now, wanted)
    return Plan(
        kind="provision",
        site=SiteIdentity("https://tableau.example", "sales", "s", "Sales"),
        made_at="2026-11-21T10:00:00Z",
        changes=changes,
        sources=(SourceSummary("joiners", "joiners.csv", 3, 1, "2026-11-21T10:00:00Z"),),
        held=(Held("jane", "unclear", "say which"),),
        refused=(Refused("joiners.csv", 2, "", "is blank"),),
        notes=("a note",),
        stops=(Stop("licences-lost", 3, 0, 1, True, "too many", "look"),),
        impact=impact(now, carried_out(now, changes)),
        seen=facts(now, changes),
        waivers=(Waiver("licences-lost", 1),),
    )


def test_a_plan_comes_back_from_its_file_as_it_was() -> None:
    plan = a_plan()
    text = to_json(plan)
    again = from_json(text)
    assert again == plan
    assert (again.id, again.fingerprint, to_json(again)) == (plan.id, plan.fingerprint, text)


def test_a_plan_file_has_one_change_a_line_with_names_and_reasons() -> None:
    lines = [line for line in to_json(a_plan()).splitlines() if '"op"' in line]
    assert len(lines) == len(a_plan().changes)
    assert all('"because"' in line for line in lines)
    assert '"zoë"' in lines[0]


@pytest.mark.parametrize(
    ("edit", "words"),
    [
        (lambda t: t.replace('"format": 2', '"format": 99'), "format `99`"),
        (lambda t: t.replace('"Unlicensed"', '"Creator"', 1), "was edited"),
        (lambda t: t.replace('"limit": 0', '"limit": 9'), "was edited"),
        (lambda t: t[: len(t) // 2], "not JSON"),
        (lambda t: "[]", "`format` or `changes` is missing"),
    ],
)
def test_a_plan_file_that_is_not_as_it_was_made_is_refused(edit, words: str) -> None:
    text = edit(to_json(a_plan()))
    with pytest.raises(TabwardenError, match=words):
        from_json(text, "p.json")


def test_a_sealed_file_with_a_missing_field_is_refused() -> None:
    from tabwarden.plan.file import _seal

    whole = json.loads(to_json(a_plan()))
    del whole["seal"], whole["impact"]
    whole["seal"] = _seal(whole)
    with pytest.raises(TabwardenError, match="not a whole plan"):
        from_json(json.dumps(whole))


# -- properties --------------------------------------------------------------------------------------------------

NAMES = ["ada", "sam", "vic", "una", "carl", "Eve", "corp\\eve", "o'neil+x@a.example", "new1", "new2", "CORP\\new3"]
ROLES = sorted(SETTABLE)


@st.composite
def sites(draw: st.DrawFn) -> Site:
    there = draw(st.lists(st.sampled_from(NAMES), unique=True))
    roles = {"root": "ServerAdministrator", **{name: draw(st.sampled_from(ROLES)) for name in there}}
    now = site(roles, tuple(draw(st.lists(st.sampled_from(there), unique=True)) if there else ()))
    minimum = draw(st.sampled_from([None, "Viewer", "Explorer"]))
    grant = replace(now.groups["g-grant"], minimum_site_role=minimum, grant_on="onLogin" if minimum else None)
    other = frozenset(f"u-{n}" for n in there[::2])
    now = now.with_groups(grant, Group("g-o", "Other", members=other, minimum_site_role="Viewer", grant_on="onSync"))
    return now if draw(st.booleans()) else replace(now, groups={i: g for i, g in now.groups.items() if i != "g-grant"})


tasks_drawn = st.builds(Tasks, **{task.name: st.booleans() for task in fields(Tasks)})
names_drawn = st.lists(st.sampled_from([*NAMES, "VIC", "Una", "gone"]), unique_by=str.casefold, max_size=8)


def by_name(now: Site) -> tuple[object, ...]:
    """A Site without its ids, which differ between wanting and doing."""
    users = {i: (u.domain.casefold(), u.name.casefold()) for i, u in now.users.items()}
    return (
        {users[i]: (u.site_role, u.auth_setting) for i, u in now.users.items()},
        {
            (g.domain, g.name): (g.minimum_site_role, g.grant_on, frozenset(users[m] for m in g.members or ()))
            for g in now.groups.values()
        },
    )


@settings(max_examples=300, deadline=None)
@given(sites(), names_drawn, names_drawn, tasks_drawn, st.sampled_from(["", "vic", "root"]))
def test_doing_the_plan_yields_the_wanted_site_and_a_second_plan_is_empty(
    now: Site, joining: list[str], leaving: list[str], tasks: Tasks, heir: str
) -> None:
    now = now.with_users(replace(now.users["u-root"], id="u-vic", name="vic")) if heir == "vic" else now
    policy = replace(POLICY, own_id="u-root", assets_to=heir)
    asked = (roster("joiners", *joining), roster("leavers", *leaving), tasks, policy)
    wanted = want(now, *asked)
    changes = changes_of(now, wanted)
    done = carried_out(now, changes)
    assert by_name(done) == by_name(wanted.site)
    # A name stops being that of two users when one of them is removed; then there is more to do, rightly.
    assume(not any("several users" in held.reason for held in wanted.held))
    assert changes_of(done, want(done, *asked)) == ()


@settings(max_examples=300, deadline=None)
@given(sites(), names_drawn, names_drawn, tasks_drawn)
def test_no_change_asks_what_tableau_forbids(now: Site, joining: list[str], leaving: list[str], tasks: Tasks) -> None:
    wanted = want(now, roster("joiners", *joining), roster("leavers", *leaving), tasks, POLICY)
    changes = changes_of(now, wanted)
    for number, change in enumerate(changes):
        here = carried_out(now, changes[:number])
        if not change.ends_as or change.of_user is None:
            continue
        user = here.find_user(f"{change.of_user.domain}\\{change.of_user.name}")
        floors = [rank(here.groups[g].minimum_site_role or "Unlicensed") or 0 for g in here.groups_of(user.id)]
        target = rank(change.ends_as) or 0
        assert target >= max(floors) or target > (rank(user.site_role) or 0)


@settings(max_examples=200, deadline=None)
@given(sites(), names_drawn, names_drawn, tasks_drawn, st.randoms(use_true_random=False))
def test_the_order_of_the_rosters_does_not_matter(now: Site, joining, leaving, tasks: Tasks, chance) -> None:
    def planned(first: list[str], second: list[str]) -> tuple[set[str], set[str]]:
        wanted = want(now, roster("joiners", *first), roster("leavers", *second), tasks, POLICY)
        changes = {repr(change) for change in changes_of(now, wanted)}
        return changes, {held.person.casefold() for held in wanted.held}

    shuffled = (chance.sample(joining, len(joining)), chance.sample(leaving, len(leaving)))
    assert planned(joining, leaving) == planned(*shuffled)


@settings(max_examples=300, deadline=None)
@given(sites(), names_drawn, names_drawn, tasks_drawn)
def test_taking_everything_back_yields_the_site_before(
    now: Site, joining: list[str], leaving: list[str], tasks: Tasks
) -> None:
    wanted = want(now, roster("joiners", *joining), roster("leavers", *leaving), tasks, POLICY)
    changes = changes_of(now, wanted)
    done = carried_out(now, changes)
    back = undone(done, changes, "p")
    assert by_name(carried_out(done, changes_of(done, back))) == by_name(now)
    again = carried_out(done, changes_of(done, back))
    assert changes_of(again, undone(again, changes, "p")) == ()


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"op": "promote_user"}, "knows no change `promote_user`"),
        ({"role": "Emperor"}, "`role` of .* is `Emperor`"),
        ({"role": 7}, "`role` of"),
        ({"user": None}, "is not a whole plan"),
    ],
)
def test_words_that_nobody_knows_are_refused_whoever_sealed_them(change: dict[str, object], told: str) -> None:
    from tabwarden.plan.file import _seal

    whole = json.loads(to_json(a_plan()))
    whole["changes"][0] |= change
    del whole["seal"]
    whole["seal"] = _seal(whole)
    with pytest.raises(TabwardenError, match=told):
        from_json(json.dumps(whole))


@pytest.mark.parametrize(
    ("change", "word"),
    [
        (CreateGroup(Ref(GROUP_KIND, "Staff"), Grants("Boss", "onLogin")), "minimum_site_role"),
        (CreateGroup(Ref(GROUP_KIND, "Staff"), Grants("Viewer", "onMonday")), "grant_on"),
        (AddUser(Ref(USER, "ann"), "Boss"), "role"),
    ],
)
def test_a_word_nobody_knows_is_refused_whoever_sealed_the_plan(change: Change, word: str) -> None:
    with pytest.raises(TabwardenError, match=rf"`{word}` of `\w+` is `(Boss|onMonday)`, which is none of"):
        from_json(to_json(replace(a_plan(), changes=(change,))))


@pytest.mark.parametrize("changes", [0, 1, 2])
def test_the_text_and_the_id_of_a_plan_are_as_they_ever_were(changes: int) -> None:
    """Written piece by piece: the seal is of what `json.dumps` makes of the whole, the id of what `repr` does."""
    plan = replace(a_plan(), changes=(AddUser(Ref(USER, "ann\u202e"), "Viewer"),) * changes)
    for one in (plan, Plan("x", plan.site, "2026-11-21T06:00:00Z", plan.changes)):
        whole = json.loads(to_json(one))
        seal = whole.pop("seal")
        text = json.dumps(whole, sort_keys=True, ensure_ascii=False)
        assert seal == hashlib.sha256(text.encode()).hexdigest()[:32]
        parts = repr((one.kind, one.site, one.made_at, one.fingerprint, one.changes))
        assert one.id == hashlib.sha256(parts.encode()).hexdigest()[:12]
        assert from_json(to_json(one)) == one
        assert "\u202e" not in to_json(one)
