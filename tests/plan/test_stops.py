"""Each stop just below and just above its limit, told with base, limit and number; waivers that fit and do not."""

from __future__ import annotations

from dataclasses import replace

import pytest
from people_site import GROUP, joiners, leavers, site

from tabwarden.model.errors import SourceError, TabwardenError
from tabwarden.model.site import Group, Site
from tabwarden.model.site_settings import SiteSettings
from tabwarden.plan import stops
from tabwarden.plan.order import diff
from tabwarden.plan.plan import Stop, Waiver
from tabwarden.plan.rename import carried
from tabwarden.plan.stops import (
    Guarded,
    Limit,
    Limits,
    Reading,
    people_stops,
    source_stops,
    stale_plan,
)
from tabwarden.plan.waivers import mismatches, not_waived, parse_waivers
from tabwarden.want.names.rename import renamed, renames_of
from tabwarden.want.provision import Policy, Tasks, want
from tabwarden.want.roster import Person, Quarantined, Roster

NOW = "2026-11-21T12:00:00Z"
LIMITS = Limits()
HOUR = 3600


def roster(rows: int, people: int | None = None, as_of: str | None = None) -> Roster:
    names = tuple(Person(f"p{n}", "", "", "", n, "list") for n in range(rows if people is None else people))
    return Roster("list", names, count=rows, as_of=as_of)


def reading(held: Roster | None = None, *, error: SourceError | None = None, stale_after: int | None = None) -> Reading:
    return Reading("joiners", "list", held, error, stale_after)


def stops_of(*readings: Reading, last: dict[str, int] | None = None) -> dict[str, tuple[int, int, int, bool]]:
    stops, _ = source_stops(readings, last or {}, NOW, LIMITS)
    return {stop.id: (stop.base, stop.limit, stop.number, stop.waivable) for stop in stops}


# -- sources -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("stop", ["source-unreadable", "source-empty", "source-partial"])
def test_a_source_that_failed_is_the_stop_it_says_and_cannot_be_waived(stop: str) -> None:
    found = stops_of(reading(error=SourceError("the list is broken", stop=stop)))
    assert set(found) == {stop}
    assert found[stop][3] is False


def test_a_list_without_one_usable_person_is_empty() -> None:
    held = Roster("list", (), (Quarantined(1, "", "is blank"),), count=3)
    stops, _ = source_stops([reading(held)], {"joiners": 3}, NOW, LIMITS)
    assert [(stop.id, stop.sentence) for stop in stops] == [
        ("source-empty", "the joiners (list) have 3 rows and no usable person")
    ]


def test_a_list_that_may_be_empty_still_stops_on_rows_without_a_person() -> None:
    held = Roster("list", (), (Quarantined(1, "", "is blank"),), count=3)
    allowed = reading(held)._replace(may_be_empty=True)
    assert set(stops_of(allowed, last={"joiners": 3})) == {"source-empty"}
    assert stops_of(allowed._replace(roster=Roster("list")), last={"joiners": 3}) == {}


@pytest.mark.parametrize(
    ("as_of", "stopped"),
    [("2026-11-21T11:00:00Z", False), ("2026-11-21T10:59:59Z", True), ("2026-11-21T12:30:00Z", False), (None, True)],
)
def test_a_list_is_stale_when_it_is_older_than_allowed_or_does_not_say(as_of: str | None, stopped: bool) -> None:
    assert ("source-stale" in stops_of(reading(roster(3, as_of=as_of), stale_after=HOUR))) is stopped


def test_age_is_not_judged_unless_asked() -> None:
    assert stops_of(reading(roster(3, as_of="2001-01-01T00:00:00Z"))) == {}


@pytest.mark.parametrize(
    ("before", "rows", "stopped"), [(100, 80, False), (100, 79, True), (4, 4, False), (3, 2, True)]
)
def test_a_list_shrank_when_more_than_a_fifth_is_missing(before: int, rows: int, stopped: bool) -> None:
    found = stops_of(reading(roster(rows)), last={"joiners": before})
    expected = {"source-shrank": (before, before // 5, before - rows, True)} if stopped else {}
    assert found == expected


def test_of_a_list_of_changes_shrinking_is_not_judged() -> None:
    changes = reading(roster(1))._replace(delta=True)
    stops, notes = source_stops([changes], {"joiners": 999}, NOW, LIMITS)
    assert (stops, notes) == ((), ("whether joiners shrank is not judged: `delta` says it holds changes alone",))
    assert set(stops_of(changes._replace(roster=roster(0)))) == {"source-empty"}, "an empty one is still a stop"


def test_shrinking_is_not_judged_on_the_first_run_and_that_is_said() -> None:
    stops, notes = source_stops([reading(roster(1))], {"leavers": 999}, NOW, LIMITS)
    assert stops == ()
    assert notes == ("whether joiners shrank is not judged: there is no earlier good run to compare with",)


# -- people ------------------------------------------------------------------------------------------------------


def company(licensed: int, unlicensed: int = 0) -> Site:
    viewers = {f"v{n}": "Viewer" for n in range(licensed - 1)}
    idle = {f"u{n}": "Unlicensed" for n in range(unlicensed)}
    return site({"ada": "ServerAdministrator", **viewers, **idle}, tuple(viewers))


def planned(now: Site, tasks: Tasks, *names: str, protected: tuple[str, ...] = ()) -> tuple[Stop, ...]:
    policy = Policy(group=GROUP, own_id="u-ada", protected=protected)
    wanted = want(now, Roster("nothing"), leavers(*names), tasks, policy)
    return people_stops(now, diff(now, wanted.site, wanted.why), LIMITS, Guarded("u-ada", protected))


UNLICENSE = Tasks(remove_leavers_from_group=False)


@pytest.mark.parametrize(
    ("licensed", "lose", "stopped"), [(20, 5, False), (20, 6, True), (100, 10, False), (100, 11, True)]
)
def test_licences_lost(licensed: int, lose: int, stopped: bool) -> None:
    stops = planned(company(licensed), UNLICENSE, *(f"v{n}" for n in range(lose)))
    assert [(s.id, s.base, s.limit, s.number) for s in stops] == (
        [("licences-lost", licensed, max(5, licensed // 10), lose)] if stopped else []
    )


def test_stepping_around_the_floor_loses_no_membership() -> None:
    stops = planned(company(300), UNLICENSE, *(f"v{n}" for n in range(25)))
    assert stops == ()


@pytest.mark.parametrize(
    ("users", "gone", "stopped"), [(50, 5, False), (50, 6, True), (200, 10, False), (200, 11, True)]
)
def test_users_removed(users: int, gone: int, stopped: bool) -> None:
    now = company(1, users - 1)
    stops = planned(now, Tasks(remove_leavers=True), *(f"u{n}" for n in range(gone)))
    assert [(s.id, s.base, s.number) for s in stops] == ([("users-removed", users, gone)] if stopped else [])


@pytest.mark.parametrize(
    ("users", "new", "stopped"), [(3, 20, False), (3, 21, True), (500, 100, False), (500, 101, True)]
)
def test_users_added(users: int, new: int, stopped: bool) -> None:
    now = company(users)
    wanted = want(now, joiners(*(f"n{n}" for n in range(new))), Roster("nothing"), Tasks(), Policy(group=GROUP))
    stops = people_stops(now, diff(now, wanted.site, wanted.why), LIMITS, Guarded("u-ada"))
    assert [(s.id, s.base, s.limit, s.number, s.waivable) for s in stops] == (
        [("users-added", users, max(20, users // 5), new, True)] if stopped else []
    )


def test_who_comes_in_place_of_somebody_is_not_added() -> None:
    now = company(50)
    renames = renames_of(now, [f"v{n}=w{n}" for n in range(40)])
    changes = carried(now, renamed(now, renames), renames).changes
    assert sum(change.creates is not None for change in changes) == 40
    assert "users-added" not in {stop.id for stop in people_stops(now, changes, LIMITS, Guarded("u-ada"))}


@pytest.mark.parametrize(("members", "leave", "stopped"), [(30, 20, False), (30, 21, True), (400, 40, False)])
def test_memberships_removed_of_each_group(members: int, leave: int, stopped: bool) -> None:
    now = company(members + 1)
    only_group = Tasks(set_leavers_unlicensed=False)
    stops = planned(now, only_group, *(f"v{n}" for n in range(leave)))
    assert [(s.id, s.base, s.number) for s in stops] == ([("memberships-removed", members, leave)] if stopped else [])


def test_each_group_has_a_stop_of_its_own() -> None:
    now = company(60)
    now = now.with_groups(replace(now.groups["g-grant"], id="g-2", name="Second"))
    stops = planned(now, Tasks(set_leavers_unlicensed=False), *(f"v{n}" for n in range(30)))
    assert sorted(stop.sentence.partition("`")[2].partition("`")[0] for stop in stops) == [GROUP, "Second"]
    assert not_waived(stops, [Waiver("memberships-removed", 30)]) == ()


# -- lock-out ----------------------------------------------------------------------------------------------------


def test_the_user_who_runs_it_is_never_lowered() -> None:
    now = site({"ada": "SiteAdministratorCreator", "sam": "ServerAdministrator"})
    (stop,) = planned(now, Tasks(), "ada")
    assert (stop.id, stop.base, stop.limit, stop.number, stop.waivable) == ("lock-out", 1, 0, 1, False)
    assert stop.sentence == "the user who runs this, `ada`, would be locked out"


def test_own_account_and_last_administrator_are_told_both() -> None:
    now = site({"ada": "SiteAdministratorCreator", "vic": "Viewer"})
    stops = planned(now, Tasks(), "ada")
    assert [stop.id for stop in stops] == ["lock-out", "lock-out"]
    assert "no administrator would be left" in stops[1].sentence


def test_another_administrator_may_go_while_one_stays() -> None:
    now = site({"ada": "SiteAdministratorCreator", "sam": "SiteAdministratorCreator"})
    sam = diff(now, now.with_users(replace(now.users["u-sam"], site_role="Viewer")), want_nothing(now))
    assert people_stops(now, sam, LIMITS, Guarded("u-ada")) == ()


def want_nothing(now: Site):
    return want(now, Roster("a"), Roster("b"), Tasks(), Policy()).why


def test_a_protected_name_in_any_form_is_never_lowered() -> None:
    for name in ("v1", "V1", "local\\v1"):
        stops = planned(company(10), Tasks(), "v1", "v2", protected=(name,))
        assert [(stop.id, stop.number) for stop in stops] == [("lock-out", 1)]


@pytest.mark.parametrize(
    ("role", "mode", "stopped"),
    [
        ("SiteAdministratorCreator", "ContentOnly", True),
        ("SiteAdministratorCreator", "ContentAndUsers", False),
        ("ServerAdministrator", "ContentOnly", False),
    ],
)
def test_content_only_sites_are_not_managed_by_site_administrators(role: str, mode: str, stopped: bool) -> None:
    now = company(10)
    now = replace(now, taken=replace(now.taken, by_role=role), settings=SiteSettings(admin_mode=mode))
    assert [stop.id for stop in planned(now, Tasks(), "v1")] == (["lock-out"] if stopped else [])


def test_who_is_only_put_into_a_group_is_not_locked_out() -> None:
    now = company(3).with_groups(Group("g-2", "Other"))
    more = now.with_groups(replace(now.groups["g-2"], members=frozenset({"u-ada"})))
    assert people_stops(now, diff(now, more, want_nothing(now)), LIMITS, Guarded("u-ada", ("ada",))) == ()


# -- stale plans and waivers -------------------------------------------------------------------------------------


def test_a_stale_plan_tells_the_first_differences_and_how_many_there_are() -> None:
    (stop,) = stale_plan([f"fact {n}" for n in range(7)], 40)
    assert (stop.base, stop.number, stop.waivable) == (40, 7, False)
    assert "fact 4; and 2 more" in stop.sentence
    assert stale_plan([], 40) == ()


STOPS = (
    Stop("licences-lost", 100, 10, 37, True, "", ""),
    Stop("lock-out", 1, 0, 1, False, "", ""),
    Stop("source-empty", 0, 0, 1, False, "", ""),
)


@pytest.mark.parametrize(
    ("words", "left", "complaint"),
    [
        ("licences-lost=37", ["lock-out", "source-empty"], None),
        ("licences-lost=36", ["licences-lost", "lock-out", "source-empty"], "the number is 37"),
        ("lock-out=1", ["licences-lost", "lock-out", "source-empty"], "cannot be waived"),
        ("source-empty=1", ["licences-lost", "lock-out", "source-empty"], "cannot be waived"),
        ("users-removed=3", ["licences-lost", "lock-out", "source-empty"], "there is no such stop now"),
    ],
)
def test_a_waiver_must_name_the_stop_and_its_number(words: str, left: list[str], complaint: str | None) -> None:
    waivers = parse_waivers([words])
    assert [stop.id for stop in not_waived(STOPS, waivers)] == left
    told = mismatches(STOPS, waivers)
    assert (told == ()) if complaint is None else (complaint in told[0])


def test_every_malformed_waiver_is_named_at_once() -> None:
    with pytest.raises(TabwardenError, match="not `licences-lost`, `=3`, `x=many`"):
        parse_waivers(["licences-lost", "=3", "x=many", "users-removed=3"])


def test_a_waiver_of_no_stop_is_an_error_with_the_nearest_names() -> None:
    with pytest.raises(TabwardenError, match="no stop is called `rules-remvoed`; near it: `rules-removed`"):
        parse_waivers(["users-removed=3", "rules-remvoed=3"])
    with pytest.raises(TabwardenError, match="no stop is called `everything`; stops are source-unreadable, "):
        parse_waivers(["everything=1"])


def test_every_stop_can_be_named() -> None:
    names = {
        value
        for name, value in vars(stops).items()
        if name.isupper() and isinstance(value, str) and "-" in value and " " not in value
    }
    assert names == set(stops.STOPS)


def test_the_larger_of_number_and_share_counts() -> None:
    assert [Limit(5, 10).of(base) for base in (0, 49, 50, 59, 60, 1000)] == [5, 5, 5, 5, 6, 100]
    assert Limit(0, 29).of(100) == 29
