"""Invariants held against the reference, pair by pair, on sites of chance; stops of plans; with bugs planted."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from random import Random

import pytest
from dense_sites import ASKED, dense_site
from patched_modules import Patch, in_place, planted
from small_site import group, project, site, workbook

from tabwarden.access.answer import UNKNOWN
from tabwarden.access.reference import may
from tabwarden.compare.what_if import done, steps_of
from tabwarden.model.capability import CAPABILITIES
from tabwarden.model.errors import TabwardenError
from tabwarden.model.roles import is_admin
from tabwarden.model.site import Site
from tabwarden.plan import invariants
from tabwarden.plan.build import Basis, build
from tabwarden.plan.plan import SiteIdentity
from tabwarden.plan.stops import INVARIANT_BROKEN
from tabwarden.want.invariants import NEVER_BOTH, NO_RULE, NOBODY, ONLY, Act, Crowd, Exemption, Invariant, Selection

TODAY, NOW = "2026-11-21", "2026-11-21T12:00:00Z"
SEEDS = range(250)
IDENTITY = SiteIdentity("https://t.example", "s", "s", "S")


def of_chance(random: Random, now: Site) -> Invariant:
    """An invariant of one of the forms that are about people."""
    names = [f"group {one.name}" for one in now.groups.values() if not one.everyone]
    people = [*names, "owners", "role Viewer", f"user {random.choice(list(now.users.values())).name}"]
    kind = random.choice(("", "workbook", "project", "view", "datasource"))
    asked = [name for name in ASKED if name in CAPABILITIES and (not kind or kind in CAPABILITIES[name].kinds)]
    some = tuple(random.sample(people, random.randint(1, min(3, len(people)))))
    asked = [*asked, *["Read"] * len(asked)]  # what rules are dense with
    acts = tuple(Act((random.choice(asked),), Selection(kind=kind)) for _ in range(2))
    form = random.choice((ONLY, ONLY, NOBODY, NEVER_BOTH))
    more = {"people": () if form == NEVER_BOTH else some, "acts": acts if form == NEVER_BOTH else acts[:1]}
    return Invariant("chance", "f:1", form, administrators=random.random() < 0.2, **more)


def belonging(crowd: Crowd, site: Site) -> frozenset[str]:
    """Ids of those who belong to it, person by person; owners are not among them."""
    if crowd.everybody:
        return frozenset(site.users)
    members = (site.members(group) for group in crowd.groups if group in site.groups)
    others = (u for u in site.users.values() if u.site_role in crowd.roles)
    filled = (u for u in site.users if crowd.group_sets & site.group_sets_of(u))
    return crowd.users.union(*members, (u.id for u in others), filled) & site.users.keys()


def by_the_reference(now: Site, one: Invariant, laid: invariants.Invariants) -> tuple[int, int]:
    """How many breaches, and how many pairs of which nobody knows; by asking about everybody and everything."""
    crowd = laid._laid[0].crowd
    inside = belonging(crowd, now)
    among = {ONLY: now.users.keys() - inside, NOBODY: inside, NEVER_BOTH: now.users.keys()}[one.form]
    suspects = [u for u in among if one.administrators or not is_admin(now.users[u].site_role)]
    answers = [
        list(answers_of(now, suspects, what, [list(now.contents)[n] for n in contents]))
        for what, contents in laid._laid[0].acts
    ]
    if one.form == NEVER_BOTH:
        half = laid._laid[0].acts_of_first
        first, second = (
            {a.user for answers_of_one in part for a in answers_of_one if a.allowed}
            for part in (answers[:half], answers[half:])
        )
        number = len(first & second)
    else:
        number = sum(a.allowed and not (crowd.owners and owns(now, a)) for part in answers for a in part)
    return number, sum(a.verdict == UNKNOWN for part in answers for a in part)


def answers_of(now: Site, users: list[str], what: str, contents: list[str]) -> Iterator:
    return (may(now, user, what, content) for user in users for content in contents)


def owns(now: Site, answer) -> bool:
    content = now.contents[answer.content]
    owned = now.contents.get(content.parent or "", content) if content.kind == "view" else content
    return owned.owner == answer.user


def holds_against_the_reference(seeds: range) -> int:
    """How many breaches the sites of these seeds had."""
    breaches = 0
    for seed in seeds:
        random = Random(seed)
        now = dense_site(seed, unread=random.choice((0.0, 0.0, 0.1)), users=12, items=12)
        one = of_chance(random, now)
        laid = invariants.Invariants(now, [one], TODAY)
        assert not laid.problems
        judged = laid.judge()[0]
        if one.form != NEVER_BOTH and any(now.groups[g].members is None for g in laid._laid[0].crowd.groups):
            assert not judged.number
            continue
        assert (judged.number, judged.unknown) == by_the_reference(now, one, laid), seed
        assert len(judged.breaches) == judged.number
        breaches += judged.number
    return breaches


def test_breaches_are_those_of_the_reference() -> None:
    assert holds_against_the_reference(SEEDS) > 800


def small() -> Site:
    """Finance is seen by Finance; Sales has two people, one of whom is in Finance too."""
    finance = project("Finance", None, "group:finance +Read")
    return site(
        finance,
        workbook("budget", finance.id, "group:finance +Read", "group:nobody-yet +Read", owner="adm"),
        users=("ann:Creator", "cid:Creator"),
        groups=(group("finance", "ann"), group("sales", "ann", "bob"), group("nobody-yet")),
    )


def only(*people: str, **more: object) -> Invariant:
    acts = (Act(("View",), Selection(("Finance", "Finance/*"))),)
    return replace(Invariant("finance", "inv.yaml:2", ONLY, people, acts), **more)


def stops_of(now: Site, sentence: str, *laid: Invariant) -> list[str]:
    """The sentences of the stops that invariants put before a change."""
    basis = Basis(kind="change", site=IDENTITY, made_at=NOW, invariants=laid)
    changes = [one.change for one in done(now, [sentence])[1]]
    plan = build(basis, now, [step for steps in steps_of(now, changes) for step in steps])
    return [stop.sentence for stop in plan.stops if stop.id == INVARIANT_BROKEN]


def test_a_change_that_breaks_one_is_stopped_and_no_other() -> None:
    now = small()
    assert stops_of(now, "add bob to finance", only("group finance")) == []
    assert stops_of(now, "allow View on Finance to group sales", only("group sales", "group finance")) == []
    told = stops_of(now, "allow View on Finance to group sales", only("group finance"))
    assert told == ["`finance` would be broken once: `bob may View Finance`"]
    none = Invariant("none", "f:2", NO_RULE, ("everybody",), (Act(()),), mode="Allow")
    told = stops_of(now, 'allow View on Finance to group "All Users"', none)
    assert told == ["`none` would be broken once: `a rule of Finance: Allow View for group All Users`"]


def test_what_was_broken_before_stops_nothing() -> None:
    now = small()
    broken = only("group sales")
    assert invariants.Invariants(now, [broken], TODAY).judge()[0].number == 0
    broken = only("group nobody-yet")
    assert invariants.Invariants(now, [broken], TODAY).judge()[0].number == 2  # ann, on both
    assert stops_of(now, "add bob to sales", broken) == []
    assert len(stops_of(now, "allow View on Finance to user bob", broken)) == 1


def test_names_that_are_gone_afterwards_and_content_that_was_not_read_are_stops() -> None:
    now = small()
    told = stops_of(now, "delete group finance", only("group finance"))
    assert "cannot be judged" in told[0]
    assert "inv.yaml:2" in told[0]
    bare = replace(now, contents={})
    assert "no content of the site was read" in stops_of(bare, "add bob to finance", only("group finance"))[0]


def test_whoever_could_be_put_into_a_group_counts_where_anybody_does() -> None:
    assert invariants.Invariants(small(), [only("group finance")], TODAY).judge()[0].state == "holds"
    anybody = only("group finance", anybody=True)
    judged = invariants.Invariants(small(), [anybody], TODAY).judge()[0]
    assert (judged.number, judged.possible, judged.state) == (0, 1, "broken")
    assert [breach.group for breach in judged.could] == ["nobody-yet"]
    assert stops_of(small(), "add bob to sales", anybody) == []
    told = stops_of(small(), "allow View on Finance to group nobody-yet", anybody)
    assert told == ["`finance` would be broken once: `whoever is put into nobody-yet may View Finance`"]


@pytest.mark.parametrize(
    ("form", "people", "role", "possible"),
    [
        (NOBODY, ("role Viewer",), "Viewer", 1),
        (NOBODY, ("role Unlicensed",), "", 0),
        (NOBODY, ("user bob",), "Creator", 1),
        (NOBODY, ("role Viewer", "group sales"), "Creator", 1),
        (ONLY, ("role Creator", "group finance"), "ExplorerCanPublish", 1),
        (ONLY, ("role Creator", "role ExplorerCanPublish", "role Explorer", "role Viewer"), "", 0),
    ],
)
def test_whoever_has_a_role_that_must_not(form: str, people: tuple[str, ...], role: str, possible: int) -> None:
    one = only(*people, form=form, anybody=True, acts=(Act(("View",), Selection(("Finance/budget",))),))
    now = small()
    budget = replace(
        now.contents["budget"], rules=frozenset(r for r in now.contents["budget"].rules if "no" in r.grantee.id)
    )
    now = replace(now, contents={**now.contents, "budget": budget})
    judged = invariants.Invariants(now, [one], TODAY).judge()[0]
    assert judged.possible == possible
    assert all(breach.answer.allowed for breach in judged.could)


def test_what_was_not_read_is_unknown_and_never_green() -> None:
    now = small()
    bare = replace(now.contents["budget"], rules=None, tags=None)
    partly = replace(now, contents={**now.contents, "budget": bare})
    none = Invariant("none", "f:2", NO_RULE, ("everybody",), (Act(()),))
    tagged = only("group finance", acts=(Act(("View",), Selection(tag="pii")),))
    states = [one.state for one in invariants.Invariants(partly, [none, tagged], TODAY).judge()]
    assert states == ["unknown", "unknown"]
    assert [one.state for one in invariants.Invariants(now, [none], TODAY).judge()] == ["holds"]


def test_an_invariant_of_nothing_is_told() -> None:
    tagged = only("group finance", acts=(Act(("View",), Selection(tag="pii")),))
    of_role = Invariant("none", "f:2", NO_RULE, ("role Viewer",), (Act(()),))
    problems = invariants.Invariants(small(), [tagged, of_role], TODAY).problems
    assert [problem.partition(": ")[2][:20] for problem in problems] == ["nothing has the tag ", "rules are for groups"]
    flows = only("group finance", acts=(Act(("View",), Selection(kind="flow")),))
    assert "nothing on the site" in invariants.Invariants(small(), [flows], TODAY).judge()[0].notes[0]


def test_an_exemption_counts_until_its_last_day() -> None:
    exempt = Exemption(("user ann",), "olga", "the audit", TODAY)
    laid = [only("group nobody-yet", exemptions=(exempt,))]
    assert invariants.Invariants(small(), laid, TODAY).judge()[0].number == 0
    judged = invariants.Invariants(small(), laid, "2026-11-22").judge()[0]
    assert judged.number == 2
    assert judged.notes == (f"the exemption of user ann expired on {TODAY}; olga answered for it",)


def test_every_name_that_fits_nothing_is_told_with_its_line() -> None:
    wrong = only("group finanse", "role Boss")
    nothing = replace(only("group finance"), acts=(Act(("Vew",), Selection(("Finanse", "HR/*"))),))
    problems = invariants.Invariants(small(), [wrong, nothing], TODAY).problems
    assert len(problems) == 5
    assert all(problem.startswith("inv.yaml:2: ") for problem in problems)


@pytest.mark.parametrize("bug", [pytest.param(bug, id=bug.name) for bug in planted("invariants")])
def test_a_planted_bug_is_seen(bug: Patch) -> None:
    with in_place(bug), pytest.raises((AssertionError, KeyError, TabwardenError)):
        holds_against_the_reference(SEEDS)
