"""Who gains and who loses what, in words, tables and JSON; fixes with what else they change."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from functools import cache, partial
from typing import TYPE_CHECKING, Any, NamedTuple, cast

from tabwarden.access.answer import UNKNOWN, Answer
from tabwarden.compare.access_changes import Part, Reach, Shift, by_names, together
from tabwarden.effects.phrases import refusal
from tabwarden.effects.sentences import words_of
from tabwarden.model.capability import ui_name
from tabwarden.model.site import Content, Site
from tabwarden.report.answers import answer_json, decider, sentence
from tabwarden.report.table import CONTENT, MARK, NAME, PERSON, Column, Many, Table, Text

if TYPE_CHECKING:
    from tabwarden.compare.fix import Fix, Fixes
    from tabwarden.compare.what_if import Tried, WhatIf
    from tabwarden.plan.plan import RightsShift

_FEW = 5
GAINS, LOSES = "gains", "loses"
# Where one of the two answers is unknown, nobody can say that something was gained or lost.
WAS_UNKNOWN, IS_UNKNOWN = "may have gained", "may lose"
COLOURS = {GAINS: "green", LOSES: "red", WAS_UNKNOWN: "yellow", IS_UNKNOWN: "yellow"}


class ShiftLine(NamedTuple):
    """The same people who gain (or lose) the same capabilities on several contents for one reason; all by name."""

    users: tuple[str, ...]
    verb: str
    capabilities: tuple[str, ...]
    contents: tuple[str, ...]
    why: str

    @property
    def gained(self) -> bool:
        """Whether they surely gain."""
        return self.verb == GAINS


def verb_of(shift: Shift | RightsShift) -> str:
    """gains, loses, or that it is not known."""
    if shift.sure:
        return GAINS if shift.gained else LOSES
    return WAS_UNKNOWN if shift.gained else IS_UNKNOWN


def lines(before: Site, after: Site, shifts: Iterable[Shift]) -> list[ShiftLine]:
    """Shifts put together by what reads the same: people, capabilities, contents, reason."""
    return list(_in_words(before, after, together(_worded(before, after, shifts))))


def _in_words(before: Site, after: Site, parts: Iterable[Part[str]]) -> Iterator[ShiftLine]:
    name, path = (cache(partial(of, before, after)) for of in (_name, _path))
    for part in parts:
        verb, why = cast(tuple[str, str], part.key)
        users, contents = tuple(sorted(map(name, part.users))), tuple(sorted(map(path, part.contents)))
        yield ShiftLine(users, verb, part.names, contents, why)


def _worded(before: Site, after: Site, shifts: Iterable[Shift]) -> Iterator[Part[str]]:
    """The shifts in words; a capability has another name on some kinds."""
    kind_of = cache(lambda content: _held(before, after, content).kind)
    for shift in shifts:
        yield from by_names(shift, (verb_of(shift), _why(before, after, shift)), kind_of)


def _paths(before: Site, after: Site, contents: Iterable[str]) -> tuple[str, ...]:
    return tuple(sorted(_path(before, after, content) for content in contents))


def _held(before: Site, after: Site, content: str) -> Content:
    return (after if content in after.contents else before).contents[content]


def _path(before: Site, after: Site, content: str) -> str:
    return (after if content in after.contents else before).path(content)


def _name(before: Site, after: Site, user: str) -> str:
    return (after if user in after.users else before).called(user)


def _why(before: Site, after: Site, shift: Shift) -> str:
    """What decides afterwards; where that is no rule, also what decided before."""
    if shift.after is None:
        return "no longer there"
    now = decider(after, shift.after)
    if shift.before is None:
        return f"{now}; was not there"
    if shift.sure and (shift.gained or shift.after.because not in ("default_deny", "not_read")):
        return now
    return f"{now}; before: {decider(before, shift.before)}"


def listed(names: Sequence[str]) -> str:
    """`ann, bob`; of many the first few and how many more."""
    shown = ", ".join(names[:_FEW])
    return shown if len(names) <= _FEW else f"{shown} and {len(names) - _FEW:,} more"


def shift_table(rows: Iterable[ShiftLine]) -> Table:
    """One line a group of people, direction, and capabilities on contents."""
    table = Table(
        Column("", MARK, "change"),
        Column("People", NAME, of=PERSON),
        Column("Capabilities", NAME),
        Column("On", NAME, of=CONTENT),
        "Decided by",
        name="people",
    )
    for line in rows:
        verb = Text(line.verb, style=COLOURS[line.verb])
        table.add_row(verb, Many(line.users), Many(line.capabilities), Many(line.contents), line.why)
    return table


def shift_lines(before: Site, after: Site, reach: Reach) -> Iterator[Table | str]:
    """What to print of a Reach: the table, no longer than anybody reads, and in words what is not in it."""
    if not reach.shifts:
        return
    parts = list(together(_worded(before, after, reach.shifts)))
    yield shift_table(_in_words(before, after, parts))
    if reach.told < reach.count.decisions:
        on = sorted(reach.count.contents.items(), key=lambda counted: -sum(counted[1]))[:_FEW]
        most = ", ".join(f"{_path(before, after, content)} ({sum(both):,})" for content, both in on)
        yield f"reasons are told for {reach.told:,} of {reach.count.decisions:,} decisions; most change on {most}"


def shift_json(before: Site, after: Site, shift: Shift) -> dict[str, Any]:
    """Everybody, everything and every capability by name and id; the reasons with the first of them as the example."""
    answers = {"before": (before, shift.before), "after": (after, shift.after)}
    return {
        "people": [
            {"id": user.id, "name": user.name, "domain": user.domain}
            for user in ((after.users.get(id_) or before.users[id_]) for id_ in shift.users)
        ],
        "contents": [
            {"id": content, "kind": _held(before, after, content).kind, "path": _path(before, after, content)}
            for content in shift.contents
        ],
        "capabilities": list(shift.capabilities),
        "gained": shift.gained,
        "sure": shift.sure,
        **{when: None if answer is None else _answer_json(site, answer) for when, (site, answer) in answers.items()},
    }


def _answer_json(site: Site, answer: Answer) -> dict[str, Any]:
    return {
        "verdict": answer.verdict,
        "because": answer.because,
        "decided_by": decider(site, answer),
        "example": sentence(site, answer),
    }


def reach_json(before: Site, after: Site, reach: Reach) -> dict[str, Any]:
    """The numbers, and every shift that is told; of the rest how many decisions change on each content."""
    count = reach.count
    document: dict[str, Any] = {
        "decisions": count.decisions,
        "unsure": count.unsure,
        "people_gain": len(count.gained),
        "people_lose": len(count.lost),
        "shifts": [shift_json(before, after, shift) for shift in reach.shifts],
    }
    if reach.told < count.decisions:
        document["told"] = reach.told
        document["contents"] = [
            {"id": content, "path": _path(before, after, content), "gained": gained, "lost": lost}
            for content, (gained, lost) in count.contents.items()
        ]
    return document


def count_words(reach: Reach) -> str:
    """`12 people gain, 3 lose; 41 decisions on 5 things`."""
    count = reach.count
    gain = f"{_many(len(count.gained), 'person gains', 'people gain')}, {len(count.lost):,} lose"
    words = f"{gain}; {_many(count.decisions - count.unsure, 'decision')} on {_many(len(count.contents), 'thing')}"
    return words + (f"; {count.unsure:,} more are not known on one side" if count.unsure else "")


def _many(number: int, one: str, more: str = "") -> str:
    return f"{number:,} {one if number == 1 else more or one + 's'}"


# -- what-if --------------------------------------------------------------------------------------------------


def tried_lines(what_if: WhatIf) -> Iterator[tuple[str, bool]]:
    """Each change as it was written, with the refusal where there is one, and whether it was done."""
    for tried in what_if.tried:
        yield (tried.words if tried.done else f"{tried.words}: refused, {refusal(tried.because)}"), tried.done


def warnings(what_if: WhatIf) -> Iterator[str]:
    """What should be known about a change beside what it does."""
    for tried in what_if.tried:
        yield from _set_warnings(what_if, tried)


def _set_warnings(what_if: WhatIf, tried: Tried) -> Iterator[str]:
    for change in tried.sets:
        group_set = what_if.before.group_sets.get(change.group_set) or what_if.after.group_sets.get(change.group_set)
        name = group_set.name if group_set is not None else change.group_set
        more = _many(len(change.joined), "person", "people")
        yield (
            f"`{tried.words}` takes the group out of the group set `{name}`, which then holds whoever is in the rest "
            f"of its groups, {more} more; that is believed, Tableau does not "
            "tell (open point deleted_group_leaves_sets)"
        )


def summary(what_if: WhatIf) -> str:
    """`12 people gain, 3 lose; 41 decisions on 5 things; Viewer licences +1`."""
    seats = "".join(f"; {tier} licences {number:+d}" for tier, number in what_if.licences.items())
    if not what_if.reach.count.decisions:
        return f"nobody gains or loses anything{seats}"
    return count_words(what_if.reach) + seats


def whatif_json(what_if: WhatIf) -> dict[str, Any]:
    """What was tried, warnings, seats, and every shift."""
    return {
        "changes": [
            {"words": t.words, "done": t.done, "because": t.because, "refusal": None if t.done else refusal(t.because)}
            for t in what_if.tried
        ],
        "warnings": list(warnings(what_if)),
        "summary": summary(what_if),
        "licences": dict(what_if.licences),
        **reach_json(what_if.before, what_if.after, what_if.reach),
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


def also(site: Site, fixes: Fixes, fix: Fix) -> list[str]:
    """What else it changes for her and for others, `also gives 14 others View on Finance/Budget`."""
    after, me = after_fix(site, fix), fixes.question.user
    words = []
    for mine in (True, False):
        for gained in (True, False):
            some = [s for s in fix.shifts if s.gained is gained and any((u == me) is mine for u in s.users)]
            if not some:
                continue
            people = {u for s in some for u in s.users if (u == me) is mine}
            named = sorted(_name(site, after, user) for user in people)
            who = ", ".join(named) if len(named) <= 2 else f"{len(named)} others"
            kinds = {content: _held(site, after, content).kind for s in some for content in s.contents}
            names = (ui_name(name, kinds[content]) for s in some for content in s.contents for name in s.capabilities)
            capabilities = list(dict.fromkeys(names))
            contents = _paths(site, after, kinds)
            where = contents[0] if len(contents) == 1 else f"{len(contents)} things"
            words.append(f"also {'gives' if gained else 'takes from'} {who} {listed(capabilities)} on {where}")
    return words or ["changes nothing else"]


def fixes_json(site: Site, fixes: Fixes) -> dict[str, Any]:
    """The Answer now and each way with its steps, the Answer after it and every other decision that changes."""
    return {
        "now": answer_json(site, fixes.now),
        "give": fixes.give,
        "ways": [
            {
                "steps": steps_of(site, way),
                "decisions": way.decisions,
                "others": way.reach.count.others(fixes.question.user),
                "also": also(site, fixes, way),
                "after": answer_json(after_fix(site, way), way.answer),
                "shifts": [shift_json(site, after_fix(site, way), s) for s in way.shifts],
            }
            for way in fixes.ways
        ],
    }


def fixes_heading(fixes: Fixes) -> str:
    """What follows, or why nothing does."""
    if fixes.now.verdict == UNKNOWN:
        return "no fix can be told: facts that decide were not read"
    if not fixes.ways:
        return f"no change of rules, memberships, owners, locks or roles {'gives' if fixes.give else 'takes'} it"
    return "what would give it, smallest first:" if fixes.give else "what would take it, smallest first:"
