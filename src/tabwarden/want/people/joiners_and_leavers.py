"""Where each person stands since the last good run: stays, new, moved, back again, renamed, or left.

The roster of the last good run is the only memory: without one nobody is a mover, nobody is back, nobody vanished.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

from tabwarden.model.names import same, some
from tabwarden.want.days import JOIN, LEAVE, NOT_YET, next_change
from tabwarden.want.people.person import KEY, OVERRIDE, Given, Merged, MergedPerson, Precedence, Token, tokens_of
from tabwarden.want.people.records import (
    ACTIVE,
    DEPARTMENT,
    EMAIL,
    FULL_NAME,
    LEAVES_LATER,
    LEFT,
    NAME,
    STATUS,
    TITLE,
    rows_of,
)
from tabwarden.want.wanted import Held

MOVES = (DEPARTMENT, TITLE)
"""The fields whose change makes a mover; so do the source groups."""


@dataclass(frozen=True, slots=True)
class KnownPerson:
    """Somebody as the last good run knew her; `rows` are pairs of source and row, `left` whether she had left."""

    name: str
    keys: tuple[tuple[str, str], ...] = ()
    email: str = ""
    full_name: str = ""
    department: str = ""
    title: str = ""
    groups: tuple[str, ...] = ()
    rows: tuple[tuple[str, int], ...] = ()
    left: bool = False


@dataclass(frozen=True, slots=True)
class Known:
    """The roster of the last good run; `when` an ISO time in UTC, '' where there was none.

    `active_words` are the status words, as compared, that active people had by then.
    """

    people: tuple[KnownPerson, ...] = ()
    when: str = ""
    active_words: tuple[str, ...] = ()


class Standing(NamedTuple):
    """One person who is clear: `said` tells the rows, `why_left` is empty for who is active.

    `person` is None of somebody no source lists any more. `was` is how the last good run knew her. `moved` tells
    what differs since, `was_called` is another user name she had then. Who `waits` has not started yet, or is in a list
    of leavers before her last day: she is left as she is.
    """

    name: str
    said: str
    person: MergedPerson | None = None
    was: KnownPerson | None = None
    why_left: str = ""
    moved: str = ""
    is_back: bool = False
    was_called: str = ""
    waits: bool = False

    @property
    def word(self) -> str:
        """`joiner`, `mover`, `rehire`, `leaver` or `waiting`; '' for somebody who stays as she was."""
        if self.why_left:
            return "leaver"
        if self.waits:
            return "waiting"
        if self.was is None:
            return "joiner"
        return "rehire" if self.is_back else "mover" if self.moved else ""


@dataclass(frozen=True, slots=True)
class Standings:
    """Everybody, by user name; who is held, and remarks. `untouched` are known people nothing is decided about."""

    people: tuple[Standing, ...] = ()
    held: tuple[Held, ...] = ()
    notes: tuple[str, ...] = ()
    untouched: tuple[KnownPerson, ...] = ()


def standings(merged: Merged, known: Known, precedence: Precedence, refused: Collection[str] = ()) -> Standings:
    """Compare the roster with the one of the last good run.

    `refused` names the sources in which rows could not be used: who vanished from those may be in such a row.
    """
    return _Comparing(merged, known, precedence, refused).all()


def known_after(standings_: Standings, held_names: Collection[str], when: str, before: Iterable[str] = ()) -> Known:
    """What the next run is to know: those of `held_names` (as compared) stay as they were.

    `before` are the words for active that were known.
    """
    people = list(dict.fromkeys(standings_.untouched))
    for standing in standings_.people:
        if same(standing.name) not in held_names and not standing.waits:
            people.append(_known(standing))
        elif standing.was is not None:
            people.append(standing.was)
    active = (one.person for one in standings_.people if one.person is not None and not one.why_left)
    words = {same(person.value(STATUS)) for person in active} | set(before)
    return Known(tuple(sorted(people, key=lambda p: (same(p.name), p))), when, tuple(sorted(words - {""})))


def _known(standing: Standing) -> KnownPerson:
    person, left = standing.person, bool(standing.why_left)
    if person is None:
        assert standing.was is not None  # nobody is told of who is neither listed nor known
        return replace(standing.was, left=left)
    rows = person.rows if standing.was is None or not left else standing.was.rows
    return KnownPerson(
        person.name,
        person.keys,
        person.value(EMAIL),
        person.value(FULL_NAME),
        person.value(DEPARTMENT),
        person.value(TITLE),
        tuple(group.value for group in person.groups),
        rows,
        left,
    )


class _Comparing:
    """Takes one person after the other; `all()` is the result."""

    def __init__(self, merged: Merged, known: Known, precedence: Precedence, refused: Collection[str]) -> None:
        self.merged, self.known, self.precedence, self.refused = merged, known, precedence, refused
        self.configured = {source.name for source in precedence.sources}
        self.authoritative = {source.name for source in precedence.sources if source.authoritative}
        self.by_token: dict[Token, list[KnownPerson]] = defaultdict(list)
        for person in known.people:
            for token in _tokens(person):
                self.by_token[token].append(person)
        self.claimed = {
            id(one)
            for person in (*merged.people, *merged.unnamed)
            for token in tokens_of(person.keys, {NAME: person.name} if person.name else {})
            for one in self.by_token.get(token, ())
        }
        self.met: set[int] = set()
        self.people: list[Standing] = []
        self.held: list[Held] = []
        self.notes: list[str] = []
        self.untouched: list[KnownPerson] = []
        self.nowhere: list[str] = []

    def all(self) -> Standings:
        for person in self.merged.people:
            self.listed(person)
        for person in self.merged.unnamed:
            self.listed_without_name(person)
        for known in self.known.people:
            if id(known) not in self.met:
                self.not_listed(known)
        self.tell_nowhere()
        self.tell_days()
        people = tuple(sorted(self.people, key=lambda s: (same(s.name), s.name)))
        return Standings(people, tuple(self.held), tuple(self.notes), tuple(self.untouched))

    # -- people whom a source lists ---------------------------------------------------------------------------

    def listed(self, person: MergedPerson) -> None:
        """Known from before or new; active or left."""
        was, trouble = self.known_as(person)
        if was is not None:
            self.met.add(id(was))
        word, why_left = ACTIVE, ""
        if trouble is None:
            word, why_left, trouble = self.says(person, was)
        if trouble is None and was is not None and was.left and word == ACTIVE:
            trouble = self.new_word(person)
        if trouble is not None:
            self.held.append(trouble)
            if was is not None:
                self.untouched.append(was)
            return
        called = was.name if was is not None and same(was.name) != same(person.name) else ""
        waits = word in (NOT_YET, LEAVES_LATER)
        is_back = was is not None and was.left and word == ACTIVE
        moved = _moved(was, person) if was is not None and not is_back and word == ACTIVE else ""
        said = why_left or (f"{person.told}, had left before" if is_back else person.told)
        self.people.append(Standing(person.name, said, person, was, why_left, moved, is_back, called, waits))

    def new_word(self, person: MergedPerson) -> Held | None:
        """Held where somebody who had left is back by a status word alone that nobody had before."""
        status = person.fields.get(STATUS)
        sure = {OVERRIDE, *(source.name for source in self.precedence.sources if source.lists_active)}
        if status is None or status.source in sure or same(status.value) in self.known.active_words:
            return None
        reason = f"had left, and has a status that was never seen before: `{status.value}` ({person.told})"
        remedy = f"write the word into `left` or `active` of source `{status.source}`"
        return Held(person.name, reason, remedy, leaver=True)

    def listed_without_name(self, person: MergedPerson) -> None:
        """Who has no user name any more may have left; nothing else can be decided."""
        was, trouble = self.known_as(person)
        if was is None or id(was) in self.met:
            return
        self.met.add(id(was))
        _, why, unclear = self.says(person, was)
        trouble = trouble or unclear
        if trouble is not None:
            self.held.append(replace(trouble, person=was.name))
        if why and trouble is None:
            self.people.append(Standing(was.name, why, None, was, why))
        else:
            self.untouched.append(was)

    def known_as(self, person: MergedPerson) -> tuple[KnownPerson | None, Held | None]:
        """How the last good run knew this person, by key, then by user name, then by e-mail; or why that is unclear."""
        matches: dict[str, dict[int, KnownPerson]] = {KEY: {}, NAME: {}, EMAIL: {}}
        fields = {name: person.value(name) for name in (NAME, EMAIL) if person.value(name)}
        for token in tokens_of(person.keys, fields):
            for one in self.by_token.get(token, ()):
                matches[token[0].partition(":")[0]][id(one)] = one
        by_key, by_name = list(matches[KEY].values()), list(matches[NAME].values())
        if len(by_key) > 1:
            reason = f"has the keys of several people of the last good run: {_names(by_key)} ({person.told})"
            return by_key[0], Held(person.name, reason, "mend the keys in the sources")
        if by_key:
            return by_key[0], self.taken_over(person, by_key[0], by_name)
        if by_name:
            return by_name[0], self.reused(person, by_name[0])
        by_email = [o for o in matches[EMAIL].values() if id(o) not in self.claimed and not _differ(o, person)]
        return (by_email[0], None) if len(by_email) == 1 else (None, None)

    def taken_over(self, person: MergedPerson, was: KnownPerson, by_name: Sequence[KnownPerson]) -> Held | None:
        """Held where the new name of somebody was somebody else's at the last good run."""
        others = [one for one in by_name if one is not was]
        if not others:
            return None
        reason = f"has a user name that was somebody else's at the last good run: was `{was.name}` ({person.told})"
        return Held(person.name, reason, "give the person a user name that was nobody's")

    def reused(self, person: MergedPerson, was: KnownPerson) -> Held | None:
        """Held where a user name comes back with another key: perhaps with another person behind it."""
        differ = _differ(was, person)
        if not differ or (not was.left and was.email and same(was.email) == same(person.value(EMAIL))):
            return None
        kind, before = differ
        now = dict(person.keys)[kind]
        left = "of somebody who left" if was.left else "of somebody with another key"
        reason = f"has the user name {left}, perhaps another person: `{kind}` was {before}, is {now} ({person.told})"
        remedy = f"if it is the same person, write an override with `key: {{{kind}: {before}}}`; else another user name"
        return Held(person.name, reason, remedy)

    def says(self, person: MergedPerson, was: KnownPerson | None) -> tuple[str, str, Held | None]:
        """What the sources say of her now (one of SAYS), who says that she left; or held where they disagree."""
        overrides = [given for given in person.says if given.source == OVERRIDE]
        said = {given.source: given for given in person.says}
        first = next((source for source in self.precedence.fields.get(STATUS, ()) if source in said), None)
        if overrides or first is not None:
            count = overrides[:1] or [said[first or ""]]
            return count[0].value, _left_by(count), None
        vanished = self.vanished_from(was, {source for source, _ in person.rows})
        if vanished and any(source in self.refused for source, _ in vanished):
            return ACTIVE, "", self.perhaps_refused(person.name, vanished)
        strong = [given for given in person.says if given.source in self.authoritative]
        gone = [Given(LEFT, source, row) for source, row in vanished]
        count = [*strong, *gone] or list(person.says)
        words = {given.value for given in count}
        if {ACTIVE, LEFT} <= words:
            statements = ", ".join(f"{given.value} by {_row(given, gone)}" for given in count)
            remedy = "mend the sources, write an override with `status`, or name the source that counts in "
            reason = f"is active and left at once: {statements}"
            held = Held(person.name, reason, f"{remedy}`people.precedence.status`", leaver=True)
            return ACTIVE, "", held
        if gone:
            return LEFT, _vanished(vanished), None
        # Who starts another day is not there yet, whatever account she has already.
        word = next(word for word in (LEFT, NOT_YET, ACTIVE, LEAVES_LATER) if word in words)
        return word, _left_by(count), None

    # -- people whom none lists -------------------------------------------------------------------------------

    def not_listed(self, known: KnownPerson) -> None:
        """Vanished where an authoritative source knew her; else left as she is."""
        if any(token in self.merged.mentioned for token in _tokens(known)):
            self.untouched.append(known)
            return
        if all(source not in self.configured for source, _ in known.rows):
            self.notes.append(f"`{known.name}` was known by sources that are not in the settings any more: forgotten")
            return
        vanished = self.vanished_from(known, set())
        if vanished and not known.left and any(source in self.refused for source, _ in vanished):
            self.held.append(self.perhaps_refused(known.name, vanished))
            self.untouched.append(known)
        elif vanished or known.left:
            why = _vanished(vanished) if vanished else "had left by the last good run"
            self.people.append(Standing(known.name, why, None, known, why))
        else:
            self.nowhere.append(known.name)
            self.untouched.append(known)

    def vanished_from(self, was: KnownPerson | None, listing: Collection[str]) -> list[tuple[str, int]]:
        """The authoritative sources that listed her at the last good run and do not now, with her row then."""
        rows = was.rows if was is not None else ()
        return sorted((s, row) for s, row in rows if s in self.authoritative and s not in listing)

    def perhaps_refused(self, name: str, vanished: Sequence[tuple[str, int]]) -> Held:
        """Not in the source any more, or in a row of it that could not be used."""
        sources = ", ".join(source for source, _ in vanished)
        return Held(
            name,
            f"is not in {sources} any more, or in a row of it that cannot be used",
            "mend the rows that cannot be used",
            leaver=True,
        )

    def tell_nowhere(self) -> None:
        """One remark for all who are in no source, and whom no authoritative one knew."""
        if self.nowhere:
            one = len(self.nowhere) == 1
            who = "1 person of the last good run is" if one else f"{len(self.nowhere)} people of the last good run are"
            left = "him, and is left as he is" if one else "them, and are left as they are"
            words = f"{who} in no source any more, none of them authoritative for {left}: {some(self.nowhere)}"
            self.notes.append(words)

    def tell_days(self) -> None:
        """Who waits for her day, and the next day on which anybody joins or leaves."""
        waiting = sorted(one.name for one in self.people if one.waits)
        if waiting:
            have = "people have" if len(waiting) > 1 else "person has"
            self.notes.append(f"{len(waiting)} {have} a day to come, and nothing is done before: {some(waiting)}")
        self.notes += next_change(
            turn
            for one in self.people
            for turn in (one.person.turns if one.person is not None else ())
            if (turn.what == JOIN and (one.waits or one.why_left)) or (turn.what == LEAVE and not one.why_left)
        )


def _tokens(known: KnownPerson) -> Iterable[Token]:
    fields = {name: value for name, value in ((NAME, known.name), (EMAIL, known.email)) if value}
    return tokens_of(known.keys, fields)


def _differ(known: KnownPerson, person: MergedPerson) -> tuple[str, str] | None:
    """The first kind of key of which both have one, and not the same, with the value it was."""
    now: Mapping[str, str] = dict(person.keys)
    return next(((k, v) for k, v in known.keys if k in now and same(now[k]) != same(v)), None)


def _moved(was: KnownPerson, person: MergedPerson) -> str:
    """What differs: `department `Sales` is now `Finance``; '' where nothing does."""
    sentences = []
    for name, before in zip(MOVES, (was.department, was.title), strict=True):
        now = person.value(name)
        if same(before) != same(now):
            sentences.append(f"{name} `{before}` is now `{now}`" if before else f"{name} is now `{now}`")
    old = {same(group): group for group in was.groups}
    new = {same(group.value): group.value for group in person.groups}
    sentences += [f"out of `{old[group]}`" for group in sorted(old.keys() - new.keys())]
    sentences += [f"now in `{new[group]}`" for group in sorted(new.keys() - old.keys())]
    return ", ".join(sentences)


def _left_by(count: Sequence[Given]) -> str:
    """Who says that she left, '' where nobody does."""
    left = [given for given in count if given.value == LEFT]
    return f"left by {rows_of([(given.source, given.row) for given in left])}" if left else ""


def _vanished(rows: Sequence[tuple[str, int]]) -> str:
    return "vanished from " + " and ".join(f"{source} (row {row} at the last good run)" for source, row in rows)


def _row(given: Given, gone: Sequence[Given]) -> str:
    return f"no more in {given.source}" if given in gone else f"row {given.row} of {given.source}"


def _names(people: Sequence[KnownPerson]) -> str:
    return some(sorted(person.name for person in people))
