"""Several sources as one roster: which rows are one person, and which source each field of hers is taken from.

Rows are matched by key, then by user name, then by e-mail; fields are taken by the declared precedence. Nothing
depends on the order in which sources or rows are read. Several rows of one person in one source are merged where they
do not contradict each other: any active row keeps her, and the groups of the rows that count add up. Not who stays
or leaves (joiners_and_leavers.py), not what it means for a Site (wanted_people.py).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from tabwarden.model.names import hint, same
from tabwarden.model.tables import grouped
from tabwarden.want.days import JOIN, LEAVE, NOT_YET, Turn
from tabwarden.want.people.person import (
    KEY,
    MATCH,
    MUST_AGREE,
    Field,
    Given,
    Merged,
    MergedPerson,
    Override,
    Precedence,
    Token,
    tokens_of,
)
from tabwarden.want.people.records import (
    ACTIVE,
    EMAIL,
    FIELDS,
    LEAVES_LATER,
    LEFT,
    NAME,
    SAYS,
    STATUS,
    Record,
    Records,
    rows_of,
)
from tabwarden.want.wanted import Held


def merge(sources: Iterable[Records], precedence: Precedence, overrides: Sequence[Override] = ()) -> Merged:
    """One roster of all sources; rows that contradict each other about who is who are held with all they touch."""
    rows = _without_twins(record for source in sources for record in source.records)
    held: list[Held] = []
    alone = [_Cluster((record,)) for record in rows]
    for stage in MATCH:
        if stage in precedence.match:
            alone = _joined(alone, stage, held)
    making = _Making(precedence)
    people = [making.person(cluster.records) for cluster in alone if not cluster.is_held]
    people, notes = _overridden(people, overrides, held)
    people = _with_one_name_each(people, held)
    return Merged(
        people=tuple(sorted((p for p in people if p.name), key=_by_name)),
        unnamed=tuple(sorted((p for p in people if not p.name), key=_by_name)),
        held=tuple(sorted(dict.fromkeys(held), key=lambda h: (same(h.person), h.person, h.reason))),
        notes=tuple(notes),
        mentioned=frozenset(token for record in rows for token in tokens_of(record.keys, record.fields)),
    )


def _by_name(person: MergedPerson) -> tuple[object, ...]:
    return same(person.name), person.name, person.keys, person.rows


def _without_twins(rows: Iterable[Record]) -> list[Record]:
    """The rows, those a source repeats word for word only once; in an order that is no matter of reading."""
    ordered = sorted(rows, key=lambda r: (r.source, r.row))
    first: dict[object, Record] = {}
    for record in ordered:
        known = (record.source, record.keys, frozenset(record.fields.items()), *record[4:])
        first.setdefault(known, record)
    return list(first.values())


# -- who is who ------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Cluster:
    """Rows that are one person so far; `is_held` when it is not clear that they are."""

    records: tuple[Record, ...]
    is_held: bool = False


def _joined(clusters: Sequence[_Cluster], stage: str, held: list[Held]) -> list[_Cluster]:
    """Clusters that share a key, a name or an e-mail (by `stage`) become one, or are held where that cannot be."""
    known_by: dict[Token, int] = {}
    above = list(range(len(clusters)))
    for place, cluster in enumerate(clusters):
        for token in _tokens(cluster, stage):
            low, high = sorted((_top(above, place), _top(above, known_by.setdefault(token, place))))
            above[high] = low
    together = grouped((_top(above, place), cluster) for place, cluster in enumerate(clusters))
    joined: list[_Cluster] = []
    for several in together.values():
        if len(several) == 1:
            joined.append(several[0])
            continue
        records = tuple(record for cluster in several for record in cluster.records)
        trouble = _trouble(several, records, stage)
        if trouble:
            held += [_held(record, records, trouble, stage) for record in records]
        joined.append(_Cluster(records, bool(trouble)))
    return joined


def _tokens(cluster: _Cluster, stage: str) -> Iterator[Token]:
    for record in cluster.records:
        keys = record.keys if stage == KEY else ()
        yield from tokens_of(keys, {} if stage == KEY or stage not in record.fields else {stage: record.fields[stage]})


def _top(above: list[int], place: int) -> int:
    while above[place] != place:
        above[place] = above[above[place]]
        place = above[place]
    return place


def _trouble(several: Sequence[_Cluster], records: Sequence[Record], stage: str) -> str:
    """Why these cannot be one person; '' when they can."""
    for source in sorted({record.source for record in records}):
        differs = _contradiction([record for record in records if record.source == source])
        if differs:
            return f"is in several rows of {source} that differ in `{differs}`, with one {_WORDS[stage]}"
    keys: dict[str, set[str]] = defaultdict(set)
    for record in records:
        for kind, value in record.keys:
            keys[kind].add(same(value))
    against = sorted(kind for kind, values in keys.items() if len(values) > 1)
    if against:
        return f"has one {_WORDS[stage]} and several values of `{against[0]}`"
    names = {same(record.fields[NAME]) for record in records if NAME in record.fields}
    if stage == EMAIL and len(names) > 1:
        return f"shares one {_WORDS[stage]} with somebody of another user name"
    return (
        f"shares one {_WORDS[stage]} with somebody who is held" if any(cluster.is_held for cluster in several) else ""
    )


def _contradiction(records: Sequence[Record]) -> str:
    """The first field in which the rows that count contradict each other, '' where they may be one person's."""
    # Of several rows of one person in one source those that count: any active row keeps her.
    best = min((record.says for record in records), key=SAYS.index)
    count = [record for record in records if record.says == best]
    for name in (NAME,) if count[0].says == LEFT else MUST_AGREE:
        if len({same(record.fields[name]) for record in count if name in record.fields}) > 1:
            return name
    return ""


_WORDS = {KEY: "key", NAME: "user name", EMAIL: "e-mail"}
_REMEDIES = {
    KEY: "give each person a key of her own in that source",
    NAME: "give each person a user name of her own, or one person one key",
    EMAIL: "give each person an e-mail of her own, or one person one key, or take `email` out of `people.match`",
}


def _held(record: Record, records: Sequence[Record], trouble: str, stage: str) -> Held:
    known = record.fields.get(NAME) or record.fields.get(EMAIL) or (record.keys[0][1] if record.keys else "?")
    of_stage = dict(tokens_of(record.keys, record.fields))
    what = next((value for token, value in sorted(of_stage.items()) if token.partition(":")[0] == stage), "")
    value = f": `{what}`" if what else ":"
    where = rows_of(sorted((r.source, r.row) for r in records))
    return Held(known, f"{trouble}{value} ({where})", _REMEDIES[stage])


# -- whose word counts -----------------------------------------------------------------------------------------


class _Making:
    """Makes a person of her rows, field by field."""

    def __init__(self, precedence: Precedence) -> None:
        self.ranks = precedence.order("")
        self.orders = {name: precedence.order(name) for name in FIELDS if name in precedence.fields}

    def person(self, records: Sequence[Record]) -> MergedPerson:
        """One person; of the rows of one source those that count come first, and their groups add up."""
        ranked = sorted(records, key=lambda r: (self.ranks[r.source], SAYS.index(r.says), r.row))
        first: dict[str, Record] = {}
        for record in ranked:
            first.setdefault(record.source, record)
        counting = [record for record in ranked if record.says == first[record.source].says]
        given: dict[str, list[Given]] = {}
        for record in ranked:
            for name, value in record.fields.items():
                given.setdefault(name, []).append(Given(value, record.source, record.row))
        for name, order in self.orders.items():
            if name in given:
                given[name].sort(key=lambda g: order[g.source])
        fields = {name: _field(givens) for name, givens in given.items()}
        keys: dict[str, Given] = {}
        groups: dict[str, Given] = {}
        for record in ranked:
            for kind, key in record.keys:
                keys.setdefault(kind, Given(key, record.source, record.row))
        for record in counting:
            for group in record.groups:
                groups.setdefault(same(group), Given(group, record.source, record.row))
        return MergedPerson(
            known_by=tuple(sorted(keys.items())),
            fields=fields,
            groups=tuple(groups[known] for known in sorted(groups)),
            says=tuple(Given(r.says, r.source, r.row) for r in first.values()),
            rows=tuple((r.source, r.row) for r in ranked),
            turns=_turns(ranked, counting),
        )


def _turns(records: Sequence[Record], counting: Sequence[Record]) -> tuple[Turn, ...]:
    """The next first day of a row that has not begun, and the last day of all that are active."""
    begin = min((r.turn for r in records if r.says == NOT_YET and r.turn), default="")
    active = [r.turn for r in counting if r.says == ACTIVE]
    leaving = [r.turn for r in counting if r.says == LEAVES_LATER]
    end = max(active) if active and all(active) else ""
    end = min(filter(None, (end, *leaving)), default="")
    return tuple(Turn(day, what) for day, what in ((begin, JOIN), (end, LEAVE)) if day)


def _field(given: Sequence[Given]) -> Field:
    """The first counts; of the others those that say something else are overruled."""
    first = given[0]
    known = same(first.value) if len(given) > 1 else ""
    return Field(first.value, first.source, first.row, tuple(one for one in given[1:] if same(one.value) != known))


# -- overrides -------------------------------------------------------------------------------------------------


def _overridden(
    people: list[MergedPerson], overrides: Sequence[Override], held: list[Held]
) -> tuple[list[MergedPerson], list[str]]:
    """The people with what the overrides say of them; whom two overrides mean, or one means unclearly, is held."""
    if not overrides:
        return people, []
    known = _known_by(people)
    meant: dict[int, list[Override]] = defaultdict(list)
    unclear: set[int] = set()
    notes: list[str] = []
    for override in overrides:
        places = known.get(same(override.person), ())
        if not places:
            near = hint(override.person, {person.name: "" for person in people if person.name})
            notes.append(f"an override for `{override.person}` fits nobody; take it out, or mend the name{near}")
        elif len(places) > 1:
            names = ", ".join(f"`{people[place].name}`" for place in places)
            reason = f"the override for `{override.person}` fits several people: {names}"
            held += [Held(people[p].name, reason, "name the person in it by `kind:value` of a key") for p in places]
            unclear.update(places)
        else:
            meant[places[0]].append(override)
    for place, mine in meant.items():
        if len(mine) > 1:
            reason = f"has several overrides: {rows_of([(o.source, o.row) for o in mine])}"
            held.append(Held(people[place].name or mine[0].person, reason, "write one override for the person"))
            unclear.add(place)
    changed = [_with(p, meant[n][0]) if n in meant else p for n, p in enumerate(people) if n not in unclear]
    return changed, notes


def _known_by(people: Sequence[MergedPerson]) -> Mapping[str, tuple[int, ...]]:
    """Places of people by user name; by e-mail and `kind:value` where that is nobody's user name."""
    indexes: tuple[dict[str, list[int]], ...] = (defaultdict(list), defaultdict(list))
    for place, person in enumerate(people):
        if person.name:
            indexes[0][same(person.name)].append(place)
        others = {same(f"{kind}:{value}") for kind, value in person.keys}
        for other in others | ({same(person.value(EMAIL))} if person.value(EMAIL) else set()):
            indexes[1][other].append(place)
    return {words: tuple(places) for index in reversed(indexes) for words, places in index.items()}


def _with(person: MergedPerson, override: Override) -> MergedPerson:
    fields = dict(person.fields)
    for name, value in override.fields.items():
        before = fields.get(name)
        others = () if before is None else (Given(before.value, before.source, before.row), *before.overruled)
        overruled = tuple(given for given in others if same(given.value) != same(value))
        fields[name] = Field(value, override.source, override.row, overruled)
    groups = person.groups
    if override.groups is not None:
        groups = tuple(Given(group, override.source, override.row) for group in override.groups)
    says = person.says
    if STATUS in override.fields:
        says = (Given(override.fields[STATUS], override.source, override.row), *says)
    said = {kind: Given(key, override.source, override.row) for kind, key in override.keys}
    known_by = tuple(sorted({**dict(person.known_by), **said}.items()))
    return replace(person, known_by=known_by, fields=fields, groups=groups, says=says)


def _with_one_name_each(people: list[MergedPerson], held: list[Held]) -> list[MergedPerson]:
    """Without those whose user name, after precedence and overrides, is somebody else's too."""
    by_name = grouped((same(person.name), person) for person in people)
    clear: list[MergedPerson] = []
    for name, several in by_name.items():
        if not name or len(several) == 1:
            clear += several
            continue
        where = "; ".join(sorted(p.told for p in several))
        for person in several:
            remedy = "write another `name` in the override, or mend the sources"
            held.append(Held(person.name, f"is the user name of {len(several)} people: {where}", remedy))
    return clear
