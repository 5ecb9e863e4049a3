"""One person as several sources say, and what they are matched by; whose word counts, and overrides. Values alone."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import NamedTuple

from tabwarden.model.names import same
from tabwarden.want.days import Turn
from tabwarden.want.people.records import EMAIL, FIELDS, FULL_NAME, NAME, STATUS, rows_of
from tabwarden.want.wanted import Held

KEY = "key"
MATCH = (KEY, NAME, EMAIL)
MUST_AGREE = tuple(name for name in FIELDS if name not in (STATUS, FULL_NAME))
"""Where the rows of one person in one source may not contradict each other; elsewhere the first counts."""
OVERRIDE = "overrides"
"""The source that provenance names for what an override says."""

Token = tuple[str, str]
"""Something rows are matched by: `key:` and its kind, `name` or `email`, with the value as it is compared."""


class SourceRank(NamedTuple):
    """A source by its name: the lower the rank, the more its word counts; of equal ranks the first by name.

    Who vanishes from a source that is authoritative has left; `lists_active` where the words for active are listed.
    """

    name: str
    rank: int = 100
    authoritative: bool = False
    lists_active: bool = False


@dataclass(frozen=True, slots=True)
class Precedence:
    """Whose word counts. `fields` names sources, by field, that come before the others there; `match` by what."""

    sources: tuple[SourceRank, ...]
    fields: Mapping[str, tuple[str, ...]] = field(default_factory=lambda: MappingProxyType({}))
    match: tuple[str, ...] = MATCH

    def order(self, field_name: str) -> Mapping[str, int]:
        """The place of every source for one field, 0 first."""
        first = [name for name in self.fields.get(field_name, ()) if name in {s.name for s in self.sources}]
        ranked = [s.name for s in sorted(self.sources, key=lambda s: (s.rank, same(s.name), s.name))]
        return {name: place for place, name in enumerate(dict.fromkeys((*first, *ranked)))}


class Override(NamedTuple):
    """What somebody says about one person, against all sources. `person` is her user name, e-mail or `kind:value`.

    `groups` None leaves them to the sources; `row` counts the overrides as they are written, from 1.
    """

    person: str
    fields: Mapping[str, str]
    keys: tuple[tuple[str, str], ...] = ()
    groups: tuple[str, ...] | None = None
    row: int = 1
    source: str = OVERRIDE


class Given(NamedTuple):
    """One value, and which row of which source gave it."""

    value: str
    source: str
    row: int


class Field(NamedTuple):
    """The value that counts with where it is from, and the other values it overrules, the strongest first."""

    value: str
    source: str
    row: int
    overruled: tuple[Given, ...] = ()


@dataclass(frozen=True, slots=True)
class MergedPerson:
    """One person as all sources together say.

    `known_by` are kinds of key, each with its key. `fields` has only what anybody said. `says` holds one of SAYS by
    source, `turns` the days on which that changes, by what it changes to. `rows` are pairs of source and row, the
    strongest source first. `groups` by the source's name for them.
    """

    known_by: tuple[tuple[str, Given], ...]
    fields: Mapping[str, Field]
    groups: tuple[Given, ...]
    says: tuple[Given, ...]
    rows: tuple[tuple[str, int], ...]
    turns: tuple[Turn, ...] = ()

    @property
    def keys(self) -> tuple[tuple[str, str], ...]:
        """Kinds of key with the keys alone."""
        return tuple((kind, key.value) for kind, key in self.known_by)

    def value(self, field_name: str) -> str:
        """A field's value, '' where nobody says any."""
        field = self.fields.get(field_name)
        return field.value if field is not None else ""

    @property
    def name(self) -> str:
        """The Tableau user name, '' where no source knows one."""
        return self.value(NAME)

    @property
    def called(self) -> str:
        """The user name, else whatever is known, with the rows she stands in."""
        known = self.name or self.value(EMAIL) or next((value for _, value in self.keys), "?")
        return f"{known} ({self.told})"

    @property
    def told(self) -> str:
        """The rows she stands in, for a sentence."""
        return rows_of(self.rows)


@dataclass(frozen=True, slots=True)
class Merged:
    """The one roster: people by user name, those who are held, and remarks.

    `unnamed` are people whom no source gives a user name; `mentioned` is all that any row is known by, held ones too.
    """

    people: tuple[MergedPerson, ...] = ()
    unnamed: tuple[MergedPerson, ...] = ()
    held: tuple[Held, ...] = ()
    notes: tuple[str, ...] = ()
    mentioned: frozenset[Token] = frozenset()


def tokens_of(keys: Iterable[tuple[str, str]], fields: Mapping[str, str]) -> Iterator[Token]:
    """All that a person can be known again by."""
    for kind, value in keys:
        yield f"{KEY}:{kind}", same(value)
    for known in (NAME, EMAIL):
        if known in fields:
            yield known, same(fields[known])
