"""Lints of access that nobody uses, by the events that prove use; what no event proves is unknown, never unused.

What is told without a person, as views that are counted alone, is nobody's use, and reaches back for nobody.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import date, timedelta
from functools import lru_cache, partial
from typing import NamedTuple

import numpy as np

from tabwarden.audit.audited import MOST_ROWS, NOTHING, Audited, without
from tabwarden.audit.finding import (
    ADMINISTRATORS,
    CONTENT,
    EVERY_RULE,
    GROUP,
    LEADERS,
    MEMBERS,
    NOTE,
    RECORD,
    RULES,
    USE,
    Remark,
    Remarks,
    Unknown,
    lint,
)
from tabwarden.audit.finding import USER as USER_TABLE
from tabwarden.audit.knobs import fits
from tabwarden.effects.change import Change
from tabwarden.engine import columns as c
from tabwarden.engine.columns import GRANTEE_KINDS, USER, Array
from tabwarden.engine.columns import GROUP as GROUP_CODE
from tabwarden.engine.governing import OWN, PROJECT_DEFAULT, WORKBOOK
from tabwarden.engine.memberships import has_bit
from tabwarden.engine.rules import expand
from tabwarden.model.capability import ui_name
from tabwarden.model.roles import is_admin, is_licensed
from tabwarden.model.site import ALLOW, Grantee
from tabwarden.model.usage import PROOFS, SIGN_IN, STANDING, TOKEN, proven, proves

MOST_LATE = 14  # days that a source may be late with
PASSED_ON = ("Read", "Connect")  # what whoever opens a content needs of the published sources below it


class Judged(NamedTuple):
    """What the record of use lets judge: capabilities by the days they are asked for, and those it does not reach."""

    by_days: Mapping[int, tuple[str, ...]]
    short: tuple[str, ...]
    first: str
    last: str
    late: bool

    @property
    def reach(self) -> str:
        """From which day to which, in words."""
        return f"from {self.first} to {self.last}" if self.first else "of nobody's doings"


def judged(audited: Audited) -> Judged:
    """A capability is judged where an event that proves it is older than its days, and the record goes on until now."""
    today = _today(audited)
    firsts: dict[str, str] = {}
    rows = [row for row in audited.usage or () if row.what not in STANDING and row.user]
    days = [row.day for row in rows]
    for row in rows:
        for name in PROOFS[row.what].capabilities.values() if row.what in PROOFS else ():
            firsts[name] = min(row.day, firsts.get(name, row.day))
    first, last = min(days, default=""), max(days, default="")
    late = not last or date.fromisoformat(last[:10]) < today - timedelta(MOST_LATE)
    by_days, short = dict[int, tuple[str, ...]](), list[str]()
    for name in filter(proves, audited.vocabulary.capabilities):
        days_of = audited.knobs.unused_days_of.get(name, audited.knobs.unused_days)
        if late or firsts.get(name, "9999") > _before(today, days_of):
            short.append(name)
        else:
            by_days[days_of] = (*by_days.get(days_of, ()), name)
    return Judged(by_days, tuple(short), first, last, late)


def _before(today: date, days: int) -> str:
    return (today - timedelta(days)).isoformat()


def _today(audited: Audited) -> date:
    return date.fromisoformat(audited.today or audited.site.taken.when[:10])


def lacking(audited: Audited, of: str) -> Iterator[Unknown]:
    """What the record does not reach: where rules allow it, of people whether it goes back so far at all."""
    record, today = judged(audited), _today(audited)
    if of == USER_TABLE:
        if not record.first or record.first > _before(today, audited.knobs.unused_days) or record.late:
            yield Unknown(f"the record of use, {record.reach}, is not one of the last {audited.knobs.unused_days} days")
        return
    rows, masks = audited.rows, _provable(audited)
    short = np.asarray(rows.allow & masks[rows.kind] & audited.mask(*record.short), np.uint64)
    if short.any():
        names = ", ".join(map(ui_name, audited.names_of(int(np.bitwise_or.reduce(short)))))
        because = f"the record of use, {record.reach}, does not tell enough of {names}"
        yield Unknown(because, audited.holders(short != 0))


def _provable(audited: Audited) -> Array:
    """By kind the capabilities that events prove; of projects none, for the content in them is opened without them."""
    kinds = [kind if kind != "project" else "" for kind in audited.vocabulary.kinds]
    names = [{proof.capabilities[kind] for proof in PROOFS.values() if kind in proof.capabilities} for kind in kinds]
    return np.array([audited.mask(*some) for some in names], np.uint64)


class _Entries:
    """Rule rows of each list by itself (`place` in Lists, `row` in Rows), and what was used through each."""

    def __init__(self, audited: Audited, names: tuple[str, ...], since: str) -> None:
        self.audited, self.since = audited, since
        rows = audited.rows
        provable = rows.allow & _provable(audited)[rows.kind] & audited.mask(*names)
        self.place, self.row = audited.spread(provable != 0)
        order = np.lexsort((self.row, self.place))
        self.place, self.row = self.place[order], self.row[order]
        self.allowed = np.asarray(provable[self.row], np.uint64)
        self.unused = np.asarray(self.allowed & ~self._used(), np.uint64)
        self.unused[~(self._governs_old()[self.place] & self._speaks_to_old())] = NOTHING

    def _key(self, holder: Array, is_default: Array, kind: Array) -> Array:
        keys: Array = (holder.astype(np.int64) * 2 + is_default) * len(self.audited.vocabulary.kinds) + kind
        return keys

    def _places(self) -> Array:
        """Of each content the place of the list that governs it; -1 of whose list is not kept or is empty."""
        lists, rows, sources = self.audited.lists, self.audited.rows, self.audited.parts.sources
        kinds = np.zeros(int(lists.flavour.max(initial=-1)) + 1, np.int64)
        kinds[rows.flavour] = rows.kind
        keys = self._key(lists.holder, lists.is_default, kinds[lists.flavour])
        order = np.argsort(keys)
        wanted = self._key(sources.holder, sources.level == PROJECT_DEFAULT, sources.kind)
        known = np.isin(sources.level, (OWN, WORKBOOK, PROJECT_DEFAULT)) & np.isin(wanted, keys)
        places = np.full(len(wanted), -1)
        places[known] = order[np.searchsorted(keys[order], wanted[known])]
        return places

    def _used(self) -> Array:
        """Of each entry the capabilities that somebody behind its grantee used."""
        used, rows, people = np.zeros(len(self.place), np.uint64), self.audited.rows, self.audited.parts.people
        acts = self._acts()
        at, entry = expand(np.searchsorted(self.place, np.arange(len(self.audited.lists.holder) + 1)), acts[:, 0])
        user, codes = acts[at, 1], rows.grantee[self.row[entry]]
        is_user = (codes & 3) == USER
        mine = is_user & (codes >> 2 == user)
        mine[~is_user] = has_bit(people.rows, people.row_of(codes[~is_user]), user[~is_user])
        np.bitwise_or.at(used, entry[mine], acts[at[mine], 2].view(np.uint64))
        return used

    def _acts(self) -> Array:
        """Place of a list, user and mask of each use since the day, each once; whoever did something saw it too."""
        audited, places = self.audited, self._places()
        numbers, users, sources = audited.columns.content_numbers, audited.columns.user_numbers, self._sources()
        masks, view = dict[tuple[int, int], int](), audited.vocabulary.kinds.index("view")
        passed_on, seeing = int(audited.mask(*PASSED_ON)), int(audited.mask("Read"))
        for row in audited.usage or ():
            content, user = numbers.get(row.content, len(places)), users.get(row.user, -1)
            if row.day < self.since or content >= len(places) or not 0 <= user < audited.parts.people.count:
                continue
            name = proven(row, audited.vocabulary.kinds[int(audited.contents.kind[content])])
            is_view = audited.contents.kind[content] == view
            mask = seeing | int(audited.mask(*([name] if name else [])))
            above = int(audited.contents.parent[content])
            both = (content, above) if is_view and 0 <= above < len(places) else (content,)
            for place in both:
                masks[place, user] = masks.get((place, user), 0) | mask
                for source in sources.get(place, ()):
                    masks[source, user] = masks.get((source, user), 0) | passed_on
        acts = [(int(places[content]), user, mask) for (content, user), mask in masks.items() if places[content] >= 0]
        return np.array(acts, np.uint64).reshape(-1, 3).view(np.int64)

    def _sources(self) -> Mapping[int, list[int]]:
        uses, sources = self.audited.columns.uses, dict[int, list[int]]()
        for content, source in zip(uses.content.tolist(), uses.datasource.tolist(), strict=True):
            if source < len(self.audited.contents.kind):
                sources.setdefault(content, []).append(source)
        return sources

    def _governs_old(self) -> Array:
        """Of each list whether it governs something, and nothing that is new or of which nobody knows."""
        places, created = self._places(), self.audited.words("content_created")
        new = np.array([not day or day[:10] > self.since for day in created], np.bool_)
        governing = places >= 0
        counts = [
            np.bincount(places[some], minlength=len(self.audited.lists.holder)) for some in (governing, governing & new)
        ]
        return np.asarray((counts[0] > 0) & (counts[1] == 0))

    def _speaks_to_old(self) -> Array:
        """Of each entry whether its grantee's people are known, and some of them are there for longer."""
        audited, people = self.audited, self.audited.parts.people
        newcomers = audited.newcomers(self.since)
        old = np.array([key not in newcomers for key in audited.columns.ids("user")[: people.count]], np.bool_)
        behind = np.asarray((people.rows & people.pack(np.flatnonzero(old))).any(axis=1))
        behind &= ~np.asarray(people.perhaps_rows.any(axis=1))
        codes = audited.rows.grantee[self.row]
        is_user, speaks = (codes & 3) == USER, np.zeros(len(codes), bool)
        known = is_user & (codes >> 2 < people.count)
        speaks[known] = old[codes[known] >> 2]
        speaks[~is_user] = behind[people.row_of(codes[~is_user])]
        return speaks

    def of(self, holder: int) -> Iterator[Unused]:
        """Of each entry of one holder what is unused."""
        first, last = np.searchsorted(self.audited.lists.holder[self.place], [holder, holder + 1]).tolist()
        return self._entries(range(first, last))

    def of_grantee(self, code: int) -> Iterator[Unused]:
        """Of each entry of one grantee what is unused."""
        return self._entries(np.flatnonzero(self.audited.rows.grantee[self.row] == code).tolist())

    def _entries(self, entries: Iterable[int]) -> Iterator[Unused]:
        audited, lists = self.audited, self.audited.lists
        for entry in entries:
            if names := audited.names_of(int(self.unused[entry])):
                kind, place = int(audited.rows.kind[self.row[entry]]), self.place[entry]
                default_for = audited.vocabulary.kinds[kind] if lists.is_default[place] else None
                code = int(audited.rows.grantee[self.row[entry]])
                yield Unused(int(lists.holder[place]), code, kind, default_for, names)


class Unused(NamedTuple):
    """Of a rule row the capabilities that nobody behind its grantee used: on which content (number), for whom (code),
    of which kind, and of a default for which.
    """

    holder: int
    grantee: int
    kind: int
    default_for: str | None
    names: list[str]


@lru_cache(maxsize=1)  # two lints ask for them, of one site at a time
def _parts(audited: Audited) -> list[_Entries]:
    """The entries by how many days they are asked for."""
    days_and_names = sorted(judged(audited).by_days.items())
    return [_Entries(audited, names, _before(_today(audited), days)) for days, names in days_and_names]


def _together(some: Iterable[Unused]) -> Iterator[Unused]:
    """The same with each row once."""
    rows: dict[tuple[int, int, int, str | None], list[str]] = {}
    for one in some:
        rows.setdefault(one[:4], []).extend(one.names)
    return (Unused(*row, names) for row, names in rows.items())


def _without(audited: Audited, some: Iterable[Unused]) -> Iterator[Change]:
    """The rows without what is unused."""
    for one in _together(some):
        code, key = one.grantee, audited.columns.id_of(CONTENT, one.holder)
        grantee = Grantee(GRANTEE_KINDS[code & 3], audited.columns.id_of(c.NUMBERED[code & 3], code >> 2))
        yield from without(audited.site, key, grantee, one.default_for, frozenset((ALLOW, name) for name in one.names))


@lint(
    "unused-access",
    "Access that nobody uses",
    NOTE,
    CONTENT,
    LEADERS,
    why="What nobody has used for so long nobody misses when it goes, and nobody can misuse.",
    source="Permissions blog: continual reviews; Tableau Blueprint: content that nobody uses; `lint.unused_days`",
    ignore="It is needed once a year; say so in the baseline, with a last day.",
    reads=(RULES, MEMBERS, USE, RECORD),
)
def unused_access(audited: Audited) -> Remarks:
    """Allow of what nobody behind the grantee used, on content and among people that are there for longer.

    Only where events prove use: View, Web Edit, Overwrite, downloads, Connect and the like, never of projects.
    """
    record, knobs, parts = judged(audited), audited.knobs, _parts(audited)

    def unused(holder: int) -> Iterator[Unused]:
        return (one for entries in parts for one in entries.of(holder))

    def facts(holder: int) -> str:
        words = []
        for one in _together(unused(holder)):
            listed = ", ".join(ui_name(name, audited.vocabulary.kinds[one.kind]) for name in one.names)
            where = f"for {one.default_for}s in it: " if one.default_for else ""
            words.append(f"{where}{listed} of {audited.grantee(one.grantee)}")
        more = [f"{len(words) - MOST_ROWS} more rows"] if len(words) > MOST_ROWS else []
        return "; ".join((*words[:MOST_ROWS], *more, f"use is known {record.reach}"))

    days = min((knobs.unused_days, *knobs.unused_days_of.values()))
    holders = [audited.lists.holder[entries.place[entries.unused != 0]] for entries in parts]
    subjects = np.unique(np.concatenate([np.zeros(0, np.int64), *holders])).astype(np.int64)
    fix = partial(_fix_of, audited, unused)
    yield Remark(f"allows what nobody used for {days} days", subjects, facts, fix)


def _fix_of(audited: Audited, unused: Callable[[int], Iterable[Unused]], subject: int) -> Iterator[Change]:
    return _without(audited, unused(subject))


@lint(
    "idle-group",
    "Group whose access nobody used",
    NOTE,
    GROUP,
    ADMINISTRATORS,
    why="Nobody in it used anything that its rules allow: it is not needed, or its people have the same another way.",
    source="Permissions blog: continual reviews; Tableau Blueprint: what nobody uses; `lint.unused_days`",
    ignore="It is needed once a year; say so in the baseline, with a last day.",
    reads=(EVERY_RULE, MEMBERS, USE, RECORD),
)
def idle_group(audited: Audited) -> Remarks:
    """Groups with rules of which nobody in them used anything, All Users apart; the fix takes what is unused.

    Groups without people, or of people who all came since, are left out, and so are those with rules on new content.
    """
    rows, groups = audited.rows, len(audited.columns.groups.read)
    record, parts = judged(audited), _parts(audited)
    mine = rows.of(GROUP_CODE) & (rows.who < groups) & ~audited.everyone
    provable = np.asarray(rows.allow & _provable(audited)[rows.kind], np.uint64)
    idle, busy = np.zeros(groups, bool), np.zeros(groups, bool)
    # Whoever did anything saw it too, so View that is unused tells of the rest; without it nobody knows.
    seen = rows.allow & audited.mask(*({"Read"} - {*record.short})) != 0
    busy[rows.who[mine & ~seen & (provable & audited.mask(*record.short) != 0)]] = True
    for entries in parts:
        of_group, who = mine[entries.row], rows.who[entries.row]
        idle[who[of_group & (entries.allowed != 0)]] = True
        busy[who[of_group & (entries.unused != entries.allowed)]] = True

    def unused(group: int) -> Iterator[Unused]:
        return (one for entries in parts for one in entries.of_grantee(group * 4 + GROUP_CODE))

    def facts(group: int) -> str:
        number = len({(one.holder, one.default_for) for one in unused(group)})
        return f"{int(audited.sizes[group]):,} people, on {number:,} lists of rules; use is known {record.reach}"

    subjects = np.flatnonzero(idle & ~busy)
    days = min((audited.knobs.unused_days, *audited.knobs.unused_days_of.values()))
    yield Remark(f"gave what nobody used for {days} days", subjects, facts, partial(_fix_of, audited, unused))


@lint(
    "idle-person",
    "Person who used nothing",
    NOTE,
    USER_TABLE,
    ADMINISTRATORS,
    why="The licence is paid, and what he may is nobody's care; `tabwarden plan licences` is the plan that lowers him.",
    source="Tableau Blueprint: inactive users; permissions blog: continual reviews; `lint.unused_days`",
    ignore="He is away for a while, or gets everything by mail from somebody else.",
    reads=(USE, RECORD),
)
def idle_person(audited: Audited) -> Remarks:
    """People with a licence who used nothing for `lint.unused_days`.

    Administrators, service accounts, Guest, and who came since are left out.
    """
    since = _before(_today(audited), audited.knobs.unused_days)
    active = {row.user for row in audited.usage or () if row.day >= since and row.what not in (SIGN_IN, TOKEN)}
    active |= {*audited.newcomers(since)}
    licensed = audited.role_is(lambda role: is_licensed(role) and not is_admin(role) and role != "Guest")
    names, seen = audited.words("user_name"), audited.words("user_last_login")
    ids = audited.columns.ids("user")
    idle = [
        user
        for user in np.flatnonzero(licensed).tolist()
        if ids[user] not in active and not fits(names[user], audited.knobs.service_accounts)
    ]

    def facts(user: int) -> str:
        return f"last signed in on {seen[user][:10]}" if seen[user] else "no sign-in is known"

    words = f"used nothing for {audited.knobs.unused_days} days"
    yield Remark(words, np.asarray(idle, np.int64), facts)
