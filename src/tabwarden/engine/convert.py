"""From a Site to columns and back, without loss in either direction."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import fields, replace
from types import MappingProxyType
from typing import Any

import numpy as np

from tabwarden.engine.columns import (
    EMPTY_LIST,
    GRANTEE_KINDS,
    MOST_CAPABILITIES,
    NONE,
    NUMBERED,
    Array,
    Columns,
    Contents,
    Defaults,
    Groups,
    GroupSets,
    Names,
    RuleLists,
    Users,
    Uses,
    Vocabulary,
    Words,
)
from tabwarden.model.capability import CAPABILITIES, KINDS
from tabwarden.model.governing import LOCKED_TO_DATABASE
from tabwarden.model.marks import marks_of, marks_text
from tabwarden.model.roles import SITE_ROLES
from tabwarden.model.site import (
    ALLOW,
    DENY,
    MODES,
    NO_RULES,
    Content,
    Grantee,
    Group,
    GroupSet,
    Rule,
    Rules,
    Site,
    Use,
    User,
)

USER_TEXTS = tuple(field.name for field in fields(User) if field.name != "site_role")
_CODE = {kind: code for code, kind in enumerate(GRANTEE_KINDS)}


def columns_of(site: Site) -> Columns:
    """The columnar form of `site`; ValueError where it has more capability names than a mask has bits.

    Of a Site that was opened with columns beside it, those.
    """
    if site.columns_beside is not None:
        beside: Columns = site.columns_beside()
        return beside
    return _Maker(site).made()


class _Numbers:
    """Numbers for ids: those on the site first, then those only named, as they turn up."""

    def __init__(self, ids: Iterable[str]) -> None:
        self.of: dict[str, int] = {}
        for key in ids:
            self.of[key] = len(self.of)
        self.read = len(self.of)

    def __getitem__(self, key: str) -> int:
        return self.of.setdefault(key, len(self.of))

    def named(self) -> list[str]:
        return list(self.of)[self.read :]


class _Codes:
    """Codes of a small vocabulary that may grow."""

    def __init__(self, known: Iterable[str] = ()) -> None:
        self.of: dict[str, int] = {}
        self.of.update((word, code) for code, word in enumerate(known))

    def __getitem__(self, word: str) -> int:
        return self.of.setdefault(word, len(self.of))


class _Maker:
    def __init__(self, site: Site) -> None:
        self.site = site
        self.users = _Numbers(site.users)
        self.groups = _Numbers(site.groups)
        self.sets = _Numbers(site.group_sets)
        self.contents = _Numbers(site.contents)
        self.words = _Codes()
        self.kinds, self.roles, self.auths = _Codes(KINDS), _Codes(SITE_ROLES), _Codes()
        self.modes = _Codes((*MODES, LOCKED_TO_DATABASE))
        self.lists: dict[Rules, int] = {NO_RULES: EMPTY_LIST}

    def made(self) -> Columns:
        site = self.site
        groups, sets, contents = self._groups(), self._sets(), self._contents()
        defaults, uses = self._defaults(), self._uses()
        users = Users(_array([self.roles[user.site_role] for user in site.users.values()], np.uint8))
        rules, capabilities = self._rules()
        names = self._names()
        about = replace(site, users={}, groups={}, group_sets={}, contents={})
        vocabulary = Vocabulary(capabilities, *(tuple(c.of) for c in (self.kinds, self.modes, self.roles, self.auths)))
        return Columns(about, vocabulary, users, groups, sets, contents, defaults, uses, rules, lambda: names)

    def _groups(self) -> Groups:
        groups = list(self.site.groups.values())
        members = [sorted(self.users[user] for user in sorted(group.members or ())) for group in groups]
        return Groups(
            _array([group.everyone for group in groups], np.bool_),
            _array([group.members is not None for group in groups], np.bool_),
            *_rows(members),
        )

    def _sets(self) -> GroupSets:
        return GroupSets(*_rows([sorted(self.groups[g] for g in sorted(s.groups)) for s in self._held_sets()]))

    def _held_sets(self) -> list[GroupSet]:
        return list(self.site.group_sets.values())

    def _contents(self) -> Contents:
        contents = list(self.site.contents.values())
        return Contents(
            kind=_array([self.kinds[content.kind] for content in contents], np.uint8),
            parent=_array([NONE if c.parent is None else self.contents[c.parent] for c in contents], np.int32),
            owner=_array([self.users[content.owner] for content in contents], np.int32),
            rules=_array([self._list(content.rules) for content in contents], np.int32),
            mode=_array([self.modes[content.mode] for content in contents], np.uint8),
            tabs=_array([content.tabs for content in contents], np.bool_),
        )

    def _defaults(self) -> Defaults:
        rows = [
            (number, self.kinds[kind], self._list(rules))
            for number, content in enumerate(self.site.contents.values())
            for kind, rules in content.defaults.items()
        ]
        return Defaults(*_by_column(rows, np.int32, np.uint8, np.int32))

    def _uses(self) -> Uses:
        rows = [
            (number, self.contents[use.datasource], self.auths[use.auth])
            for number, content in enumerate(self.site.contents.values())
            for use in content.uses
        ]
        return Uses(*_by_column(rows, np.int32, np.int32, np.uint8))

    def _list(self, rules: Rules | None) -> int:
        return NONE if rules is None else self.lists.setdefault(rules, len(self.lists))

    def _rules(self) -> tuple[RuleLists, tuple[str, ...]]:
        strange = {rule.capability for rules in self.lists for rule in rules} - CAPABILITIES.keys()
        capabilities = (*CAPABILITIES, *sorted(strange))
        if len(capabilities) > MOST_CAPABILITIES:
            raise ValueError(f"{len(capabilities)} capabilities are named; a mask has bits for {MOST_CAPABILITIES}")
        bits = {capability: 1 << place for place, capability in enumerate(capabilities)}
        numbers = (self.users, self.groups, self.sets)
        rows: list[tuple[int, int, int]] = []
        ends = [0]
        for rules in self.lists:
            masks: dict[int, list[int]] = {}
            for rule in sorted(rules):
                kind = _CODE[rule.grantee.kind]
                mask = masks.setdefault(numbers[kind][rule.grantee.id] * 4 + kind, [0, 0])
                mask[(ALLOW, DENY).index(rule.mode)] |= bits[rule.capability]
            rows.extend((grantee, masks[grantee][0], masks[grantee][1]) for grantee in sorted(masks))
            ends.append(len(rows))
        columns = _by_column(rows, np.int32, np.uint64, np.uint64)
        return RuleLists(_array(ends, np.int64), *columns), capabilities

    def _names(self) -> Names:
        users, groups = list(self.site.users.values()), list(self.site.groups.values())
        contents = list(self.site.contents.values())
        codes: dict[str, Array] = {}
        for table, items, columns in (
            ("user", users, USER_TEXTS),
            ("group", groups, ("id", "name", "domain", "minimum_site_role", "grant_on")),
            ("group_set", self._held_sets(), ("id", "name")),
            ("content", contents, ("id", "name", "description", "created", "updated")),
        ):
            for column in columns:
                codes[f"{table}_{column}"] = self._coded(getattr(item, column) for item in items)
        numberings = (self.users, self.groups, self.sets, self.contents)
        for table, numbers in zip(NUMBERED, numberings, strict=True):
            codes[f"{table}_named"] = self._coded(numbers.named())
        codes["content_marks"] = self._coded(map(marks_text, contents))
        return Names(words=Words.of(self.words.of), **codes)

    def _coded(self, texts: Iterable[str | None]) -> Array:
        return _array([NONE if text is None else self.words[text] for text in texts], np.int32)


def _array(values: Iterable[object], dtype: type) -> Array:
    return np.array(list(values), dtype=dtype)


def _rows(lists: list[list[int]]) -> tuple[Array, Array]:
    offsets = np.zeros(len(lists) + 1, np.int64)
    np.cumsum([len(numbers) for numbers in lists], out=offsets[1:])
    return offsets, _array((number for numbers in lists for number in numbers), np.int32)


def _by_column(rows: list[tuple[int, int, int]], *dtypes: type) -> list[Array]:
    return [_array((row[place] for row in rows), dtype) for place, dtype in enumerate(dtypes)]


# -- back -----------------------------------------------------------------------------------------------------


def site_of(columns: Columns) -> Site:
    return _Reader(columns).site()


def rule_list(columns: Columns, number: int) -> Rules | None:
    """Rule list `number` as rules; None for NONE, a list that was not read."""
    if number == NONE:
        return None
    start, end = (int(end) for end in columns.rules.offsets[number : number + 2])
    rules: list[Rule] = []
    for row in range(start, end):
        code = int(columns.rules.grantee[row])
        grantee = Grantee(GRANTEE_KINDS[code & 3], columns.id_of(NUMBERED[code & 3], code >> 2))
        for mode, masks in ((ALLOW, columns.rules.allow), (DENY, columns.rules.deny)):
            rules.extend(Rule(grantee, name, mode) for name in _named(int(masks[row]), columns.vocabulary.capabilities))
    return frozenset(rules)


def _named(mask: int, capabilities: tuple[str, ...]) -> Iterable[str]:
    return (name for place, name in enumerate(capabilities) if mask >> place & 1)


class _Reader:
    def __init__(self, columns: Columns) -> None:
        self.columns = columns
        self.names = columns.names
        self.words = self.names.words.all()

    def site(self) -> Site:
        users, groups = self._users(), self._groups()
        sets, contents = self._sets(), self._contents()
        return replace(self.columns.about, users=users, groups=groups, group_sets=sets, contents=contents)

    def text(self, column: str, row: int) -> str:
        return self.words[int(getattr(self.names, column)[row])]

    def told(self, column: str, row: int) -> str | None:
        code = int(getattr(self.names, column)[row])
        return None if code == NONE else self.words[code]

    def _users(self) -> dict[str, User]:
        users = {}
        for row, role in enumerate(self.columns.users.role.tolist()):
            plain: dict[str, Any] = {name: self.told(f"user_{name}", row) for name in USER_TEXTS}
            user = User(**plain, site_role=self.columns.vocabulary.roles[role])
            users[user.id] = user
        return users

    def _groups(self) -> dict[str, Group]:
        arrays, groups = self.columns.groups, {}
        for row in range(len(arrays.read)):
            members = arrays.members[arrays.offsets[row] : arrays.offsets[row + 1]].tolist()
            group = Group(
                id=self.text("group_id", row),
                name=self.text("group_name", row),
                domain=self.text("group_domain", row),
                members=frozenset(self.columns.id_of("user", m) for m in members) if arrays.read[row] else None,
                minimum_site_role=self.told("group_minimum_site_role", row),
                grant_on=self.told("group_grant_on", row),
                everyone=bool(arrays.everyone[row]),
            )
            groups[group.id] = group
        return groups

    def _sets(self) -> dict[str, GroupSet]:
        arrays, sets = self.columns.group_sets, {}
        for row in range(len(arrays.offsets) - 1):
            groups = arrays.groups[arrays.offsets[row] : arrays.offsets[row + 1]].tolist()
            ids = frozenset(self.columns.id_of("group", g) for g in groups)
            group_set = GroupSet(self.text("group_set_id", row), self.text("group_set_name", row), ids)
            sets[group_set.id] = group_set
        return sets

    def _contents(self) -> dict[str, Content]:
        arrays, vocabulary = self.columns.contents, self.columns.vocabulary
        lists = [rule_list(self.columns, number) for number in range(len(self.columns.rules.offsets) - 1)]
        lists.append(None)  # NONE is -1
        defaults, uses = self._defaults(lists), self._uses()
        contents = {}
        for row, (kind, parent, owner, rules, mode, tabs) in enumerate(zip(*(c.tolist() for c in arrays), strict=True)):
            content = Content(
                id=self.text("content_id", row),
                kind=vocabulary.kinds[kind],
                name=self.text("content_name", row),
                parent=None if parent == NONE else self.columns.id_of("content", parent),
                owner=self.columns.id_of("user", owner),
                rules=lists[rules],
                mode=vocabulary.modes[mode],
                defaults=MappingProxyType(defaults.get(row, {})),
                tabs=tabs,
                uses=tuple(uses.get(row, ())),
                description=self.text("content_description", row),
                created=self.text("content_created", row),
                updated=self.text("content_updated", row),
                **marks_of(self.told("content_marks", row))._asdict(),
            )
            contents[content.id] = content
        return contents

    def _defaults(self, lists: list[Rules | None]) -> Mapping[int, dict[str, Rules | None]]:
        defaults: dict[int, dict[str, Rules | None]] = {}
        for content, kind, rules in zip(*(c.tolist() for c in self.columns.defaults), strict=True):
            defaults.setdefault(content, {})[self.columns.vocabulary.kinds[kind]] = lists[rules]
        return defaults

    def _uses(self) -> Mapping[int, list[Use]]:
        uses: dict[int, list[Use]] = {}
        for content, datasource, auth in zip(*(c.tolist() for c in self.columns.uses), strict=True):
            use = Use(self.columns.id_of("content", datasource), self.columns.vocabulary.auths[auth])
            uses.setdefault(content, []).append(use)
        return uses
