"""The one roster of several sources, in words and as JSON: who, and where each field is from."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict, astuple
from typing import Any

from tabwarden.model.names import same
from tabwarden.report.table import NAME, Column, Drawable, Group, Row, Rows, Table, Text
from tabwarden.want.people.joiners_and_leavers import Standing, Standings
from tabwarden.want.people.person import KEY, Field, Given, Merged, MergedPerson
from tabwarden.want.people.records import ACTIVE, DEPARTMENT, EMAIL, FIELDS, LEFT, TITLE
from tabwarden.want.wanted import Held


def chosen(standings: Standings, words: str) -> tuple[Standing, ...]:
    """Whom a person means by user name, e-mail or key; by nothing: everybody."""
    wanted = same(words.strip())
    return tuple(one for one in standings.people if not wanted or wanted in _known_by(one))


def _known_by(one: Standing) -> set[str]:
    keys = one.person.keys if one.person is not None else one.was.keys if one.was is not None else ()
    mail = one.person.value(EMAIL) if one.person is not None else one.was.email if one.was is not None else ""
    return {same(word) for word in (one.name, mail, *(w for kind, v in keys for w in (v, f"{kind}:{v}"))) if word}


def roster_table(merged: Merged, standings: Standings) -> Drawable:
    """Everybody on a line, then who is held and remarks."""
    people = standings.people
    numbers = [f"{len(people)} people"]
    for word in ("joiner", "mover", "rehire", "leaver", "waiting"):
        count = sum(1 for one in people if one.word == word)
        numbers += [f"{count} {word}{'s' if count != 1 and word != 'waiting' else ''}"] if count else []
    held = (*merged.held, *standings.held)
    columns = (Column("Person", NAME), "Department", "Title", "Since the last good run", Column("Rows", NAME))
    table = Table(*columns, name="people", rows=Rows(people, _person_row))
    parts: list[Drawable] = [Text(", ".join([*numbers, f"{len(held)} held"]), style="bold"), table]
    if held:
        parts.append(held_words(held))
    parts += [Text(f"note: {note}") for note in (*merged.notes, *standings.notes)]
    return Group(parts)


def person_table(one: Standing) -> Drawable:
    """One person: each field with the row it is from, and what it overrules."""
    head = Text(f"{one.name}: {_since(one) or 'stays as known'}", style="bold")
    if one.person is None:
        return Group((head, Text(f"listed by no source any more; {one.said}")))
    person = one.person
    table = Table("Field", Column("Value", NAME), "From", "Overrules", name="fields")
    rows = [(kind if kind == KEY else f"key {kind}", key.value, _row(key), "") for kind, key in person.known_by]
    for name in FIELDS:
        field = person.fields.get(name)
        if field is not None:
            overruled = "; ".join(f"{given.value} ({_row(given)})" for given in field.overruled)
            rows.append((name, field.value, _row(field), overruled))
    rows += [("group", group.value, _row(group), "") for group in person.groups]
    rows += [("says", given.value, _row(given), "") for given in person.says]
    for row in rows:
        table.add_row(*row)
    return Group((head, table))


def _person_row(one: Standing) -> Row:
    department, title = (one.person.value(field) if one.person is not None else "" for field in (DEPARTMENT, TITLE))
    return one.name, department, title, _since(one), one.person.told if one.person is not None else ""


def _since(one: Standing) -> str:
    sentence = f"leaver: {one.why_left}" if one.why_left else one.word
    if one.moved and not one.why_left:
        sentence = f"mover: {one.moved}"
    return ", ".join(part for part in (sentence, f"was called {one.was_called}" if one.was_called else "") if part)


def _row(given: Given | Field) -> str:
    return f"row {given.row} of {given.source}"


def held_words(held: Iterable[Held]) -> Table:
    """Who is held, why, and what to do."""
    columns = (Column("Person", NAME), "Why", "What to do")
    return Table(*columns, name="held", title="Held: left as they are", rows=[astuple(one) for one in held])


def roster_json(merged: Merged, standings: Standings, people: Iterable[Standing]) -> Mapping[str, Any]:
    """These people with everything that is known of where it is from; who is held, and remarks."""
    return {
        "people": [_standing(one) for one in people],
        "held": [asdict(one) for one in (*merged.held, *standings.held)],
        "without_user_name": len(merged.unnamed),
        "notes": [*merged.notes, *standings.notes],
    }


def _standing(one: Standing) -> Mapping[str, Any]:
    document = {
        "name": one.name,
        "status": LEFT if one.why_left else "waiting" if one.waits else ACTIVE,
        "because": one.said,
        "since_last_good_run": one.word or "same",
        "moved": one.moved,
        "was_called": one.was_called,
    }
    return {**document, **(_person(one.person) if one.person is not None else {})}


def _person(person: MergedPerson) -> Mapping[str, Any]:
    return {
        "keys": {kind: _given(key) for kind, key in person.known_by},
        "fields": {name: _field(field) for name, field in person.fields.items()},
        "groups": [_given(group) for group in person.groups],
        "says": [_given(given) for given in person.says],
        "rows": [{"source": source, "row": row} for source, row in person.rows],
    }


def _field(field: Field) -> Mapping[str, Any]:
    return {**_given(field), "overruled": [_given(given) for given in field.overruled]}


def _given(given: Given | Field) -> Mapping[str, Any]:
    return {"value": given.value, "source": given.source, "row": given.row}
