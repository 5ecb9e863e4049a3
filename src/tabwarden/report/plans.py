"""Plans, stops and impact in words, as tables for people and as JSON for machines."""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from tabwarden.effects.change import OPS, Change
from tabwarden.effects.ops.details import SetDetails
from tabwarden.effects.ref import DOMAIN
from tabwarden.effects.sentences import site_named, words_of
from tabwarden.model.tables import grouped
from tabwarden.plan.file import to_json
from tabwarden.plan.plan import Impact, Plan, Rights, Stop
from tabwarden.report.access_changes import COLOURS, verb_of
from tabwarden.report.table import (
    MARK,
    NAME,
    NUMBER,
    TIME,
    Cell,
    Column,
    Drawable,
    Group,
    Many,
    Row,
    Rows,
    Table,
    Text,
)

MOST_ROWS = 40
MOST_CONTENTS = 12
SAMPLE = 8
SITE_SETTING = "site setting"  # the step of what concerns the site alone


def count_of(number: int, one: str, many: str) -> str:
    """`1 person`, `3 people`."""
    return f"{number} {one if number == 1 else many}"


def headline(plan: Plan) -> str:
    """`12 people join, 3 lose their licence, 1 held: joiner and leaver at once`."""
    if not plan.changes and not plan.held:
        return "nothing to change" if not plan.stops else "nothing was planned"
    renamed = sum(1 for change in plan.changes if change.renamed_to is not None)
    parts = [count_of(renamed, "person gets another user name", "people get another user name")] if renamed else []
    parts += _people(plan.impact)
    if not parts and plan.changes:
        parts = [f"{count_of(len(plan.changes), 'change', 'changes')} to {_subjects(plan.changes)}"]
    reasons = Counter(_kind_of(one.reason) for one in plan.held)
    parts += [f"{number} held: {reason}" for reason, number in reasons.items()]
    return ", ".join(parts)


def _subjects(changes: Sequence[Change]) -> str:
    """What changes are about that say nothing of single people."""
    if all(change.subject is not None and change.subject.kind == DOMAIN for change in changes):
        return "domain nicknames"
    if all(change.step == SITE_SETTING for change in changes):
        return "the site's settings"
    if all(isinstance(change, SetDetails) for change in changes):
        return "details of people"
    to_content = sum(1 for change in changes if change.of_content is not None)
    if 0 < to_content < len(changes):
        return "groups, memberships and content"
    return "content" if to_content else "groups and memberships"


def _people(impact: Impact) -> Iterator[str]:
    for names, one, many in (
        (impact.join, "person joins", "people join"),
        (impact.gain_licence, "gains a licence", "gain a licence"),
        (impact.eligible, "gets a role at the next sign-in", "get a role at their next sign-in"),
        (impact.lose_licence, "loses the licence", "lose their licence"),
        (impact.other_role, "gets another site role", "get another site role"),
        (impact.removed, "is removed", "are removed"),
    ):
        if names:
            yield count_of(len(names), one, many)


def _kind_of(reason: str) -> str:
    """A reason without what is particular to one person, so that equal ones are counted together."""
    for words in ("joiner and leaver at once",):
        if reason.startswith("joiner (") and reason.endswith("at once"):
            return words
    return reason.partition(":")[0]


def minute(when: str) -> str:
    """`2026-11-21 10:04 UTC` of an ISO time; as it is where it is none."""
    return f"{when[:10]} {when[11:16]} UTC" if len(when) > 16 and when[10] == "T" else when


def stop_words(stop: Stop) -> str:
    """One stop with everything: id, the sentence with base, limit and number, what to do."""
    return f"stop {stop.id}: {stop.sentence}; {stop.remedy}"


def plan_table(plan: Plan) -> Drawable:
    """The whole plan: headline, changes by step and person, impact, held, refused rows, remarks, stops."""
    parts: list[Drawable] = [Text(f"{_title(plan)}: {headline(plan)}", style="bold")]
    if plan.changes:
        parts += [steps_table(plan.changes), changes_table(plan.changes), impact_table(plan.impact)]
    if plan.impact.rights is not None:
        parts.append(rights_table(plan.impact.rights))
    elif plan.impact.contents:
        parts.append(contents_table(plan.impact))
    if plan.held:
        parts.append(
            Table(
                Column("Person", NAME),
                "Why",
                "What to do",
                name="held",
                title="Held: left as they are",
                rows=[(h.person, h.reason, h.remedy) for h in plan.held],
                shown=MOST_ROWS,
            )
        )
    if plan.refused:
        columns = (Column("Source", NAME), Column("Row", NUMBER), Column("Value", NAME), "Why")
        rows = [(r.source, r.row, r.value, r.reason) for r in plan.refused]
        parts.append(Table(*columns, name="rows", title="Rows that were not used", rows=rows, shown=MOST_ROWS))
    if plan.unlisted:
        title = "On the site, and in no authoritative source"
        of_person = (Column("Person", NAME), "Site role", Column("Last sign-in", TIME))
        people = [(u.person, u.site_role, u.last_login or "never") for u in plan.unlisted]
        parts.append(Table(*of_person, name="unlisted", title=title, rows=people, shown=MOST_ROWS))
    parts += [Text(f"note: {note}") for note in plan.notes]
    if plan.stops:
        parts.append(stops_table(plan.stops))
    return Group(parts)


def _title(plan: Plan) -> str:
    where = plan.site.name or plan.site.content_url or "Default"
    undoes = f" of {plan.takes_back}" if plan.takes_back else ""
    if plan.takes_back.startswith("snapshot "):
        undoes = f" back to {plan.takes_back}"
    return f"{plan.kind}{undoes} for site {where}"


def steps_table(changes: Sequence[Change]) -> Table:
    """How many changes of each step, in the order in which they are done."""
    steps = Counter(change.op for change in changes)
    rows = [(OPS[op].step, number) for op, number in steps.items()]
    title = count_of(len(changes), "change", "changes")
    return Table("Step", Column("Number", NUMBER), name="steps", title=title, rows=rows, aside=True)


def changes_table(changes: Sequence[Change]) -> Table:
    """Each change with its number and reason; a terminal shows the first few of each step of long plans, for every
    step counts.
    """
    most = len(changes) if len(changes) <= MOST_ROWS else SAMPLE
    places: defaultdict[str, list[int]] = defaultdict(list)
    for place, change in enumerate(changes):
        if len(of_step := places[change.op]) < most:
            of_step.append(place)
    first = sorted(place for of_step in places.values() for place in of_step)
    rows = Rows(range(len(changes)), lambda at: (at + 1, changes[at].to_do(), changes[at].because))
    return Table(Column("#", NUMBER, "number"), "Change", "Because", name="changes", rows=rows, first=first)


def impact_table(impact: Impact) -> Drawable:
    """Licences and people: numbers and the first names; a sentence where nobody gains or loses anything."""
    lists = {
        "join the site": impact.join,
        "get a role at their next sign-in": impact.eligible,
        "gain a licence": impact.gain_licence,
        "lose their licence": impact.lose_licence,
        "get another site role": impact.other_role,
        "are removed": impact.removed,
    }
    rows: list[Row] = [(words, len(names), Many(names, shown=SAMPLE)) for words, names in lists.items() if names]
    for words, counts in (
        ("licences taken", impact.licences_gained),
        ("licences given back", impact.licences_lost),
        ("members gained", impact.memberships_gained),
        ("members lost", impact.memberships_lost),
    ):
        rows += [(words, number, name) for name, number in counts.items()]
    if not rows:
        return Text("What it does to people: nobody joins or leaves, no licence and no membership changes")
    columns = (Column("", called="what"), Column("Number", NUMBER), Column("Who", NAME))
    return Table(*columns, name="impact", title="What it does to people", rows=rows)


def contents_table(impact: Impact) -> Table:
    """Who gains and who loses View of which content, a line for the same people: what most gain first is the risk."""
    sides = {c: ((c.gained, c.more_gained), (c.lost, c.more_lost)) for c in impact.contents or ()}
    numbers = {c: [len(names) + more for names, more in both] for c, both in sides.items()}
    contents = sorted(sides, key=lambda c: (*(-number for number in numbers[c]), c.path))
    gaining, losing = (sum(1 for c in contents if numbers[c][side]) for side in (0, 1))
    title = (
        f"Who sees what: {count_of(impact.gain_sight, 'person gains', 'people gain')} sight of {gaining} contents, "
        f"{count_of(impact.lose_sight, 'loses', 'lose')} it of {losing}"
    )
    columns = (Column("Content", NAME), Column("Gain View", NAME), Column("Lose View", NAME))
    alike = grouped((sides[content], content.path) for content in contents)
    rows = [(_contents(paths), _signed(*gained, "+"), _signed(*lost, "-")) for (gained, lost), paths in alike.items()]
    return Table(*columns, name="contents", title=title, rows=rows, shown=MOST_CONTENTS)


def rights_table(rights: Rights) -> Drawable:
    """Who gains and who loses what they may do, a line for the same people, capabilities and contents."""
    if not rights.decisions:
        return Text("What people may do: equal before and after")
    word = {"both": "both wider and narrower", "unknown": "nobody can tell whether wider or narrower"}
    unsure = f", {rights.unsure:,} not known on one side" if rights.unsure else ""
    title = (
        f"What people may do: {word.get(rights.verdict, rights.verdict)}; "
        f"{count_of(rights.gain, 'person gains', 'people gain')}, {count_of(rights.lose, 'loses', 'lose')}; "
        f"{rights.decisions:,} decisions on {count_of(rights.contents, 'thing', 'things')}{unsure}"
    )
    columns = (Column("", MARK, "change"), Column("People", NAME), Column("Capabilities", NAME), Column("On", NAME))
    rows: list[Row] = []
    for shift in rights.shifts:
        verb = verb_of(shift)
        rows.append((Text(verb, COLOURS[verb]), Many(shift.people), Many(shift.capabilities), Many(shift.contents)))
    return Table(*columns, name="rights", title=title, rows=rows, shown=MOST_CONTENTS)


def stops_table(stops: Iterable[Stop]) -> Table:
    """All stops together; the sentences have base, limit and number."""
    stops = tuple(stops)
    rows = [(s.id, s.sentence, s.remedy) for s in stops]
    lists = "" if any(not s.only for s in stops) else " and ".join(dict.fromkeys(s.only for s in stops))
    title = f"Stops: nothing is done about {lists}" if lists else "Stops: nothing is written"
    columns = (Column("Stop", NAME), "Why it stops", "What to do")
    return Table(*columns, name="stops", title=Text(title, "bold red"), rows=rows, shown=len(rows))


def _contents(paths: Sequence[str]) -> Cell:
    """The content, or those of which the same people gain and lose sight."""
    return Many(paths, f"{len(paths)} contents: ", SAMPLE) if len(paths) > 1 else paths[0]


def _signed(names: Sequence[str], more: int, sign: str) -> Cell:
    """Who, by name; how many, where they are only counted."""
    number = f"{sign}{len(names) + more}"
    return Many(names, f"{number}: ", SAMPLE) if names else number if more else ""


def plan_json(plan: Plan) -> Mapping[str, Any]:
    """The plan as its file has it, with its headline and how many changes there are of each step."""
    document: dict[str, Any] = json.loads(to_json(plan))
    document.pop("seal")
    steps = Counter(change.op for change in plan.changes)
    return {"headline": headline(plan), "steps": dict(steps), "sentences": sentences(plan.changes), **document}


def sentences(changes: Sequence[Change]) -> list[str]:
    """The changes as `plan change` takes them, by the names that they themselves hold."""
    site = site_named(changes)
    return [words_of(site, change) for change in changes]
