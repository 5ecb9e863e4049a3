"""A suite for several sources on modules that may hold a planted bug: the first thing that is not as it must be."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from tabwarden.model.site import Group, Site, User
from tabwarden.want.provision import Policy, Tasks

# What the merging is made of; values such as Site and Person stay the same classes.
MODULES = (
    "want.cells",
    "want.days",
    *(
        f"want.people.{name}"
        for name in (
            "records",
            "person",
            "merged",
            "nested",
            "mapping",
            "overrides",
            "joiners_and_leavers",
            "wanted_people",
        )
    ),
)
FIELDS = ("name", "email", "department", "title", "status")
Load = Callable[[str], Any]


class House:
    """The modules, with the words of a small company on them."""

    def __init__(self, load: Load) -> None:
        self.records, self.merged, self.mapping = (load(f"want.people.{n}") for n in ("records", "merged", "mapping"))
        self.person = load("want.people.person")
        self.standing, self.people = load("want.people.joiners_and_leavers"), load("want.people.wanted_people")
        self.days = load("want.days")
        self.columns = self.records.RecordColumns((("employee", "id"),), {each: each for each in FIELDS}, "groups")

    def told(self, source: str, *rows: str) -> Any:
        made = [dict(pair.split("=") for pair in row.split()) for row in rows]
        whole = [{each: row.get(each, "") for each in ("id", *FIELDS, "groups")} for row in made]
        return self.records.records(
            whole, self.columns, self.records.StatusWords(("left",)), name=source, source=source
        )

    def says(self, **cells: str) -> str:
        """What a row says on 2026-06-15, '' where it is put aside."""
        columns = replace(self.columns, starts="starts", ends="ends")
        row = {**dict.fromkeys(("id", *FIELDS, "groups", "starts", "ends"), ""), "name": "jane", **cells}
        calendar = self.days.Calendar(datetime(2026, 6, 15, 12, tzinfo=UTC))
        words = self.records.StatusWords(("left",), ("active",))
        result = self.records.records([row], columns, words, name="hr", source="hr", calendar=calendar).records
        return result[0].says if result else ""

    def precedence(self, *authoritative: str, **fields: tuple[str, ...]) -> Any:
        """hr before crm."""
        ranks = (self.person.SourceRank(name, rank, name in authoritative) for rank, name in enumerate(("hr", "crm")))
        return self.person.Precedence(tuple(ranks), fields)

    def wanted(self, sources: list[Any], known: Any, precedence: Any, overrides: tuple[Any, ...] = ()) -> Site:
        roster = self.merged.merge(sources, precedence, overrides)
        found = self.standing.standings(roster, known, precedence)
        entries = (
            self.mapping.MappedGroups((self.mapping.Condition("department", ("Sales*",)),), ("Sales",)),
            self.mapping.MappedGroups((self.mapping.Condition("department", ("Finance",)),), ("Finance",), "Viewer"),
        )
        policy = self.people.PeoplePolicy(self.mapping.GroupMapping(entries))
        site: Site = self.people.want_people(NOW, found, policy, Tasks(), Policy()).wanted.site
        return site

    def known(self, *people: Any) -> Any:
        return self.standing.Known(tuple(people), "then")

    def jane(self, **more: Any) -> Any:
        """As the last good run knew her."""
        rows = (("hr", 1),)
        return replace(self.standing.KnownPerson("jane", (("employee", "1"),), "", "", "Sales", rows=rows), **more)


NOW = Site(
    users={name: User(name, name, "Viewer") for name in ("jane", "joe")},
    groups={
        "sales": Group("sales", "Sales", members=frozenset({"jane"})),
        "finance": Group("finance", "Finance"),
        "choir": Group("choir", "Choir", members=frozenset({"jane"})),
    },
)
ROW = "id=1 name=jane department="


def first_wrong(load: Load) -> str | None:
    """The name of the first expectation that does not hold; None when all do."""
    house = House(load)
    for expectation in EXPECTATIONS:
        try:
            holds = expectation(house)
        except Exception as error:  # a planted bug may break anything
            return f"{expectation.__name__}: {type(error).__name__}"
        if not holds:
            return expectation.__name__
    return None


def _groups(site: Site, user: str = "jane") -> set[str]:
    return {site.groups[group].name for group in site.groups_of(user)}


def the_lower_rank_counts(house: House) -> bool:
    roster = house.merged.merge(
        [house.told("hr", f"{ROW}Sales"), house.told("crm", f"{ROW}Finance")], house.precedence()
    )
    field = roster.people[0].fields["department"]
    return (field.value, field.source, [g.value for g in field.overruled]) == ("Sales", "hr", ["Finance"])


def a_named_source_comes_first(house: House) -> bool:
    sources = [house.told("hr", f"{ROW}Sales title=a"), house.told("crm", f"{ROW}Finance title=b")]
    fields = house.merged.merge(sources, house.precedence(department=("crm",))).people[0].fields
    return (fields["department"].value, fields["title"].value) == ("Finance", "a")


def an_override_wins(house: House) -> bool:
    override = house.person.Override("jane", {"department": "Finance"})
    site = house.wanted([house.told("hr", f"{ROW}Sales")], house.known(house.jane()), house.precedence(), (override,))
    return _groups(site) == {"Finance", "Choir"}


def a_mover_changes_groups(house: House) -> bool:
    site = house.wanted([house.told("hr", f"{ROW}Finance")], house.known(house.jane()), house.precedence())
    return _groups(site) == {"Finance", "Choir"}


def who_stays_keeps_all(house: House) -> bool:
    site = house.wanted([house.told("hr", f"{ROW}Sales")], house.known(house.jane()), house.precedence("hr"))
    return site.groups == NOW.groups and site.users == NOW.users


def who_vanishes_has_left_where_that_is_declared(house: House) -> bool:
    sources = [house.told("hr", "id=2 name=joe")]
    left = house.wanted(sources, house.known(house.jane()), house.precedence("hr"))
    stays = house.wanted(sources, house.known(house.jane()), house.precedence("crm"))
    return left.users["jane"].site_role == "Unlicensed" and stays.users["jane"].site_role == "Viewer"


def a_leaver_loses_mapped_groups_alone(house: House) -> bool:
    site = house.wanted([house.told("hr", f"{ROW}Sales status=left")], house.known(), house.precedence())
    return site.users["jane"].site_role == "Unlicensed" and _groups(site) == {"Choir"}


def days_decide(house: House) -> bool:
    says = [
        house.says(status="active", ends="2026-06-15"),
        house.says(status="active", ends="2026-06-14"),
        house.says(status="active", starts="2026-06-16"),
        house.says(status="active", starts="2026-06-15"),
        house.says(status="left", ends="2027-01-01"),
        house.says(status="left"),
        house.says(),
    ]
    return says == ["active", "left", "not yet", "active", "active", "left", ""]


def cells_that_are_no_name_are_put_aside(house: House) -> bool:
    return not any(house.says(status="active", name=name) for name in ("null", "-", "#N/A", "ada;", "CORP\\"))


def two_people_without_a_key_are_two(house: House) -> bool:
    roster = house.merged.merge([house.told("hr", "id=- name=jane", "id=- name=joe")], house.precedence())
    return len(roster.people) == 2


def several_rows_are_merged_or_held(house: House) -> bool:
    rows = (f"{ROW}Sales", f"{ROW}Ops status=left")
    merged = house.merged.merge([house.told("hr", *rows)], house.precedence())
    held = house.merged.merge([house.told("hr", f"{ROW}Sales", f"{ROW}Ops")], house.precedence())
    return [p.value("department") for p in merged.people] == ["Sales"] and not held.people and len(held.held) == 1


def contradictions_are_held(house: House) -> bool:
    sources = [house.told("hr", f"{ROW}Sales status=left"), house.told("crm", f"{ROW}Sales")]
    undecided = house.wanted(sources, house.known(), house.precedence())
    decided = house.wanted(sources, house.known(), house.precedence(status=("hr",)))
    return undecided.users == NOW.users and decided.users["jane"].site_role == "Unlicensed"


def a_rename_adds_nobody(house: House) -> bool:
    site = house.wanted([house.told("hr", "id=1 name=jane.doe")], house.known(house.jane()), house.precedence("hr"))
    return site.users == NOW.users


def a_name_with_another_key_is_nobody_we_know(house: House) -> bool:
    known = house.known(house.jane(left=True))
    now = replace(NOW, users={**NOW.users, "jane": replace(NOW.users["jane"], site_role="Unlicensed")})
    roster = house.merged.merge([house.told("hr", "id=9 name=jane department=Finance")], house.precedence())
    found = house.standing.standings(roster, known, house.precedence())
    return not found.people and len(found.held) == 1 and now.users["jane"].site_role == "Unlicensed"


def two_rows_with_one_key_are_held(house: House) -> bool:
    roster = house.merged.merge([house.told("hr", "id=1 name=jane", "id=1 name=joe")], house.precedence())
    return not roster.people and {one.person for one in roster.held} == {"jane", "joe"}


def a_role_is_never_lowered_unasked(house: House) -> bool:
    creator = replace(NOW.users["joe"], site_role="Creator")
    found = house.standing.standings(
        house.merged.merge([house.told("hr", "name=joe department=Finance")], house.precedence()),
        house.known(),
        house.precedence(),
    )
    entries = (house.mapping.MappedGroups((), (), "Viewer"),)
    now = NOW.with_users(creator)
    policy = house.people.PeoplePolicy(house.mapping.GroupMapping(entries))
    kept = house.people.want_people(now, found, policy, Tasks(), Policy()).wanted.site
    lowered = house.people.want_people(now, found, replace(policy, lower=True), Tasks(), Policy()).wanted.site
    return (kept.users["joe"].site_role, lowered.users["joe"].site_role) == ("Creator", "Viewer")


EXPECTATIONS = (
    the_lower_rank_counts,
    a_named_source_comes_first,
    an_override_wins,
    a_mover_changes_groups,
    who_stays_keeps_all,
    who_vanishes_has_left_where_that_is_declared,
    a_leaver_loses_mapped_groups_alone,
    contradictions_are_held,
    days_decide,
    cells_that_are_no_name_are_put_aside,
    two_people_without_a_key_are_two,
    several_rows_are_merged_or_held,
    a_rename_adds_nobody,
    a_name_with_another_key_is_nobody_we_know,
    two_rows_with_one_key_are_held,
    a_role_is_never_lowered_unasked,
)
