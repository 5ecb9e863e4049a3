"""What a person's department, title and source groups give on Tableau: groups and a site role.

An entry of the mapping applies where all its conditions hold, a condition where one of its patterns fits one value.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from tabwarden.model.names import hint, same
from tabwarden.model.roles import rank
from tabwarden.want.people.nested import NONE, Nesting
from tabwarden.want.people.person import MergedPerson
from tabwarden.want.people.records import DEPARTMENT, EMAIL, MANAGER, NAME, SITE_ROLE, TITLE, fits

GROUP, SOURCE = "group", "source"
OF_FIELDS = (DEPARTMENT, TITLE, MANAGER, EMAIL, NAME)
ABOUT = (*OF_FIELDS, GROUP, SOURCE)
"""What a condition may be about: a field, the source groups (nested ones too), the sources that list the person."""


class Condition(NamedTuple):
    """`about` one of ABOUT; one of `patterns` (with `*` and `?`, in any letter case) must fit."""

    about: str
    patterns: tuple[str, ...]


class MappedGroups(NamedTuple):
    """Who fulfils `when` is in these Tableau groups and has at least this site role ('' gives none)."""

    when: tuple[Condition, ...]
    groups: tuple[str, ...] = ()
    site_role: str = ""


class Gives(NamedTuple):
    """What one entry gives, and the value that fitted, for a sentence."""

    what: str
    because: str


@dataclass(frozen=True, slots=True)
class Mapped:
    """What the mapping gives one person: groups by their compared names, and the highest site role."""

    groups: Mapping[str, Gives] = field(default_factory=dict)
    site_role: Gives | None = None
    applies: bool = False


class GroupMapping:
    """All entries; asked person by person, it judges each value only once."""

    def __init__(self, entries: Sequence[MappedGroups], nesting: Nesting = NONE) -> None:
        self.entries, self.nesting = tuple(entries), nesting
        self.groups: Mapping[str, str] = {
            same(group.strip()): group.strip() for entry in reversed(self.entries) for group in reversed(entry.groups)
        }
        self._places = [[(number, part) for part in range(len(entry.when))] for number, entry in enumerate(entries)]
        self._for_everybody = {number for number, entry in enumerate(entries) if not entry.when}
        self._fitting: dict[tuple[str, str], frozenset[tuple[int, int]]] = {}

    def gives(self, person: MergedPerson) -> Mapped:
        because_by_place: dict[tuple[int, int], str] = {}
        for about, value, because in self._values(person):
            for place in self._fits(about, value):
                because_by_place.setdefault(place, because)
        groups: dict[str, Gives] = {}
        role: Gives | None = None
        applies = False
        for number in sorted({number for number, _ in because_by_place} | self._for_everybody):
            entry, places = self.entries[number], self._places[number]
            if not all(place in because_by_place for place in places):
                continue
            applies = True
            because = " and ".join(dict.fromkeys(because_by_place[place] for place in places)) or "everybody"
            for group in entry.groups:
                groups.setdefault(same(group.strip()), Gives(group.strip(), because))
            if entry.site_role and (role is None or (rank(entry.site_role) or 0) > (rank(role.what) or 0)):
                role = Gives(entry.site_role, because)
        said = person.fields.get(SITE_ROLE)
        if said is not None:
            role = Gives(said.value, f"site role of row {said.row} of {said.source}")
        return Mapped(groups, role, applies)

    def fit_no_row(self, people: Collection[MergedPerson]) -> Iterator[str]:
        """A sentence for each pattern of a condition that fits no value of anybody; none where there is nobody."""
        values: dict[str, dict[str, str]] = {about: {} for about in ABOUT}
        for person in people:
            for about, value, _ in self._values(person):
                forms = (value, bare_group(value)) if about == GROUP else (value,)
                values[about].update({same(form): form for form in forms})
        for number, entry in enumerate(self.entries if people else (), 1):
            for about, patterns in entry.when:
                known = values[about]
                for pattern in patterns:
                    if same(pattern.strip()) not in known and not any(fits(pattern, value) for value in known.values()):
                        near = hint(pattern, dict.fromkeys(known.values(), ""))
                        yield f"`people.mapping[{number}].when.{about}`: `{pattern}` fits no row{near}"

    def _values(self, person: MergedPerson) -> Sequence[tuple[str, str, str]]:
        """What is known of a person: about what, the value, and where it is from."""
        values = [
            (about, known.value, f"{about} `{known.value}` (row {known.row} of {known.source})")
            for about in OF_FIELDS
            if (known := person.fields.get(about)) is not None
        ]
        values += [(SOURCE, source, f"row {row} of {source}") for source, row in person.rows]
        rows = {same(self.nesting.called(given.value)): f"row {given.row} of {given.source}" for given in person.groups}
        for group, within in self.nesting.everything(given.value for given in person.groups).items():
            through = f" through `{within.through}`" if within.through else ""
            row = rows.get(same(within.through) if within.through else group, "")
            values.append((GROUP, within.name, f"group `{within.name}`{through} ({row})"))
        return values

    def _fits(self, about: str, value: str) -> frozenset[tuple[int, int]]:
        """The conditions, as number of the entry and within it, that one value fulfils."""
        known = (about, value)
        if known not in self._fitting:
            words = {value, bare_group(value)} if about == GROUP else {value}
            self._fitting[known] = frozenset(
                (number, part)
                for number, entry in enumerate(self.entries)
                for part, condition in enumerate(entry.when)
                if condition.about == about
                and any(fits(pattern, word) for pattern in condition.patterns for word in words)
            )
        return self._fitting[known]


def bare_group(name: str) -> str:
    """A source group's name without its domain, of a distinguished name its first part: what people call it."""
    first, equals, rest = name.partition("=")
    if equals and first.strip().casefold() in ("cn", "ou"):
        return rest.partition(",")[0].replace("\\", "").strip()
    return name.rpartition("\\")[2]
