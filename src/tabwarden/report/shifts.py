"""Who gains and who loses what, in words, tables and JSON; fixes with what else they change. Not how it is found."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any, NamedTuple

from rich.table import Table
from rich.text import Text

from tabwarden.access.answer import UNKNOWN
from tabwarden.change.fix import Fix, Fixes
from tabwarden.change.reach import Shift
from tabwarden.change.whatif import WhatIf
from tabwarden.model.capability import ui_name
from tabwarden.model.site import Site
from tabwarden.report.answers import answer_json, decider, sentence
from tabwarden.report.edits import refusal, words_of

_FEW = 5


class Line(NamedTuple):
    """The same people who gain (or lose) the same capabilities on several contents for one reason."""

    users: tuple[str, ...]
    gained: bool
    capabilities: tuple[str, ...]
    contents: tuple[str, ...]
    why: str


def lines(before: Site, after: Site, shifts: Iterable[Shift]) -> list[Line]:
    """Shifts put together by person, then by what reads the same: capabilities, contents, reason."""
    on_one: dict[tuple[str, str, bool, str], list[str]] = {}
    for shift in shifts:
        why = _why(before, after, shift)
        name = ui_name(shift.capability, _held(before, after, shift.content).kind)
        for user in shift.users:
            on_one.setdefault((user, shift.content, shift.gained, why), []).append(name)
    on_all: dict[tuple[str, bool, str, tuple[str, ...]], list[str]] = {}
    for (user, content, gained, why), names in on_one.items():
        on_all.setdefault((user, gained, why, tuple(names)), []).append(content)
    of_all: dict[tuple[bool, str, tuple[str, ...], tuple[str, ...]], list[str]] = {}
    for (user, gained, why, names_), contents in on_all.items():
        of_all.setdefault((gained, why, names_, tuple(contents)), []).append(user)
    return [
        Line(tuple(sorted(_names(before, after, users))), gained, names_, _paths(before, after, contents_), why)
        for (gained, why, names_, contents_), users in of_all.items()
    ]


def _paths(before: Site, after: Site, contents: Iterable[str]) -> tuple[str, ...]:
    return tuple(sorted(_path(before, after, content) for content in contents))


def _held(before: Site, after: Site, content: str) -> Any:
    return (after if content in after.contents else before).contents[content]


def _path(before: Site, after: Site, content: str) -> str:
    return (after if content in after.contents else before).path(content)


def _names(before: Site, after: Site, users: Iterable[str]) -> Iterator[str]:
    for user in users:
        yield (after.users.get(user) or before.users[user]).name


def _why(before: Site, after: Site, shift: Shift) -> str:
    """What decides afterwards; where that is no rule, also what decided before."""
    if shift.after is None:
        return "no longer there"
    now = decider(after, shift.after)
    if shift.gained or shift.before is None or shift.after.because not in ("default_deny", "not_read"):
        return now
    return f"{now}; before: {decider(before, shift.before)}"


def listed(names: Sequence[str]) -> str:
    """`ann, bob`; of many the first few and how many more."""
    shown = ", ".join(names[:_FEW])
    return shown if len(names) <= _FEW else f"{shown} and {len(names) - _FEW} more"


def shift_table(before: Site, after: Site, shifts: Iterable[Shift]) -> Table:
    """One line a group of people, direction, and capabilities on contents."""
    table = Table("", "People", "Capabilities", "On", "Decided by")
    for line in lines(before, after, shifts):
        mark = Text("gains", style="green") if line.gained else Text("loses", style="red")
        table.add_row(
            mark,
            Text(listed(line.users)),
            Text(listed(line.capabilities)),
            Text(listed(line.contents)),
            Text(line.why),
        )
    return table


def shift_json(before: Site, after: Site, shift: Shift) -> dict[str, Any]:
    """One capability on one content, everybody by name and id."""
    held = _held(before, after, shift.content)
    answers = {"before": (before, shift.before), "after": (after, shift.after)}
    return {
        "content": {"id": held.id, "kind": held.kind, "path": _path(before, after, held.id)},
        "capability": shift.capability,
        "gained": shift.gained,
        "people": [
            {"id": user, "name": name}
            for user, name in zip(shift.users, _names(before, after, shift.users), strict=True)
        ],
        **{
            when: None
            if answer is None
            else {"because": answer.because, "decided_by": decider(site, answer), "example": sentence(site, answer)}
            for when, (site, answer) in answers.items()
        },
    }


# -- what-if --------------------------------------------------------------------------------------------------


def tried_lines(found: WhatIf) -> Iterator[tuple[str, bool]]:
    """Each change as it was written, with the refusal where there is one, and whether it was done."""
    for tried in found.tried:
        yield (tried.words if tried.done else f"{tried.words}: refused, {refusal(tried.because)}"), tried.done


def summary(found: WhatIf) -> str:
    """`12 people gain, 3 lose; 41 decisions on 5 things; Viewer licences +1`."""
    sides = {side: {u for s in found.shifts if s.gained is side for u in s.users} for side in (True, False)}
    decisions = sum(len(s.users) for s in found.shifts)
    things = len({s.content for s in found.shifts})
    seats = "".join(f"; {tier} licences {number:+d}" for tier, number in found.licences.items())
    if not decisions:
        return f"nobody gains or loses anything{seats}"
    return f"{len(sides[True])} people gain, {len(sides[False])} lose; {decisions} decisions on {things} things{seats}"


def whatif_json(found: WhatIf) -> dict[str, Any]:
    """What was tried, seats, and every shift."""
    return {
        "changes": [
            {"words": t.words, "done": t.done, "because": t.because, "refusal": None if t.done else refusal(t.because)}
            for t in found.tried
        ],
        "summary": summary(found),
        "licences": dict(found.licences),
        "shifts": [shift_json(found.before, found.after, s) for s in found.shifts],
    }


# -- fixes ----------------------------------------------------------------------------------------------------


def steps_of(site: Site, fix: Fix) -> list[str]:
    """Its edits as sentences of what-if, each worded on the Site the ones before it left."""
    words = []
    for edit in fix.edits:
        words.append(words_of(site, edit))
        site = edit.done_to(site).site
    return words


def after_fix(site: Site, fix: Fix) -> Site:
    """The Site with the fix done."""
    for edit in fix.edits:
        site = edit.done_to(site).site
    return site


def also(site: Site, found: Fixes, fix: Fix) -> list[str]:
    """What else it changes for her and for others, `also gives 14 others View on Finance/Budget`."""
    after, me = after_fix(site, fix), found.asked.user
    words = []
    for mine in (True, False):
        for gained in (True, False):
            some = [s for s in fix.shifts if s.gained is gained and any((u == me) is mine for u in s.users)]
            if not some:
                continue
            people = {u for s in some for u in s.users if (u == me) is mine}
            named = sorted(_names(site, after, people))
            who = ", ".join(named) if len(named) <= 2 else f"{len(named)} others"
            kinds = {s.content: _held(site, after, s.content).kind for s in some}
            names = list(dict.fromkeys(ui_name(s.capability, kinds[s.content]) for s in some))
            contents = _paths(site, after, kinds)
            where = contents[0] if len(contents) == 1 else f"{len(contents)} things"
            words.append(f"also {'gives' if gained else 'takes from'} {who} {listed(names)} on {where}")
    return words or ["changes nothing else"]


def fixes_json(site: Site, found: Fixes) -> dict[str, Any]:
    """The Answer now and each way with its steps, the Answer after it and every other decision that changes."""
    return {
        "now": answer_json(site, found.now),
        "give": found.give,
        "ways": [
            {
                "steps": steps_of(site, way),
                "decisions": way.decisions,
                "others": len({u for s in way.shifts for u in s.users} - {found.asked.user}),
                "also": also(site, found, way),
                "after": answer_json(after_fix(site, way), way.answer),
                "shifts": [shift_json(site, after_fix(site, way), s) for s in way.shifts],
            }
            for way in found.ways
        ],
    }


def fixes_heading(found: Fixes) -> str:
    """What follows, or why nothing does."""
    if found.now.verdict == UNKNOWN:
        return "no fix can be told: facts that decide were not read"
    if not found.ways:
        return f"no change of rules, memberships, owners, locks or roles {'gives' if found.give else 'takes'} it"
    return "what would give it, smallest first:" if found.give else "what would take it, smallest first:"
