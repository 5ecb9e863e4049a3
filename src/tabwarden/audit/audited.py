"""A Site as lints see it: which rule lists count, who is behind their grantees, what was not read; all as columns."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from functools import cached_property
from typing import NamedTuple

import numpy as np

from tabwarden.audit.finding import CONTENT, SITE, Remark
from tabwarden.audit.knobs import Knobs, fits
from tabwarden.effects.change import Change
from tabwarden.effects.ops.rules import PutRules, RuleRow
from tabwarden.effects.ref import content_ref, grantee_ref
from tabwarden.engine import columns as c
from tabwarden.engine.columns import EMPTY_LIST, GRANTEE_KINDS, NONE, Array
from tabwarden.engine.governing import OWN, UNREAD
from tabwarden.engine.rules import distinct, expand
from tabwarden.model.capability import INHERITED_LEADER, KIND_NAMES, LEADER_CAPABILITIES, ui_name
from tabwarden.model.marks import Marks, marks_of
from tabwarden.model.site import ALLOW, DENY, Grantee, Site
from tabwarden.model.usage import Usage
from tabwarden.questions import Questions

MOST_ROWS = 3  # told of one content
NOTHING = np.uint64(0)


class Lists(NamedTuple):
    """The rule lists that count, a row each: on which content it is kept, of which flavour, and whether it is what new
    content gets. Rows are in order of `holder`.
    """

    holder: Array
    flavour: Array
    is_default: Array


class Rows(NamedTuple):
    """The rows of each flavour, which is a rule list that counts for a kind: grantee code, masks, kind."""

    flavour: Array
    kind: Array
    grantee: Array
    allow: Array
    deny: Array

    @property
    def who(self) -> Array:
        """The number of the user, group or group set."""
        return self.grantee >> 2

    def of(self, grantee_kind: int) -> Array:
        """Whether a row speaks of a user, group or group set."""
        rows: Array = (self.grantee & 3) == grantee_kind
        return rows


class Audited:
    """One Site, the questions to it, what its settings say, and its use where that was read."""

    def __init__(
        self,
        questions: Questions,
        knobs: Knobs | None = None,
        usage: tuple[Usage, ...] | None = None,
        today: str = "",
        newcomers: Callable[[str], Collection[str]] = lambda _day: (),
        *,
        unlisted: Collection[str] | None = (),
    ) -> None:
        self.questions, self.site = questions, questions.site
        self.knobs, self.usage, self.today = knobs or Knobs(), usage, today
        self.newcomers = newcomers  # ids of users who came after a day
        self.unlisted = unlisted  # ids of users whom no authoritative source knows; None: nobody knows
        self.columns = questions.engine.columns
        self.parts = questions.engine.parts
        self.contents, self.vocabulary = self.columns.contents, self.columns.vocabulary

    # -- small look-ups ---------------------------------------------------------------------------------------

    def kind(self, *kinds: str) -> Array:
        """Whether each content is of one of these kinds."""
        codes = [self.vocabulary.kinds.index(kind) for kind in kinds if kind in self.vocabulary.kinds]
        return np.isin(self.contents.kind, codes)

    def mask(self, *capabilities: str) -> np.uint64:
        """The bits of some capabilities."""
        names = self.vocabulary.capabilities
        return np.uint64(sum(1 << names.index(name) for name in capabilities if name in names))

    def names_of(self, mask: int) -> list[str]:
        """The capabilities of a mask."""
        return [name for bit, name in enumerate(self.vocabulary.capabilities) if mask >> bit & 1]

    def role_is(self, judge: Callable[[str], object]) -> Array:
        """Whether the role of each user satisfies a function of its name."""
        flags = np.array([bool(judge(name)) for name in self.vocabulary.roles], np.bool_)
        return flags[self.columns.users.role] if len(flags) else np.zeros(0, bool)

    def words(self, column: str, rows: Array | slice = slice(None)) -> list[str]:
        """A column of names, in full or of some rows; '' where it is not told."""
        names = self.columns.names
        codes = getattr(names, column)[rows]
        texts = names.words.at(np.maximum(codes, 0)).all() if len(names.words) else [""] * len(codes)
        return [text if code >= 0 else "" for text, code in zip(texts, codes.tolist(), strict=True)]

    def written(self, table: str, number: int) -> str:
        """A subject as people type it: a path, a user or group name; an id of whom nobody knows."""
        if table == SITE:
            return self.site.name
        key, site = self.columns.id_of(table, number), self.site
        if table == CONTENT:
            return site.path(key) if key in site.contents else key
        if table == "user":
            return site.called(key)
        known = (site.groups if table == "group" else site.group_sets).get(key)
        return key if known is None else known.name

    def grantee(self, code: int) -> str:
        """`user ann`, `group Staff`, as a rule names it."""
        kind = code & 3
        table = c.NUMBERED[kind]
        return f"{table.replace('_', ' ')} {self.written(table, code >> 2)}"

    @cached_property
    def top(self) -> Array:
        """Of each content the project at the top that holds it; NONE in a Personal Space or where it was not read."""
        parent = self.contents.parent.astype(np.int64)
        at, count = np.arange(len(parent)), len(parent)
        for _ in range(count):
            above = parent[at]
            moving = (above >= 0) & (above < count)
            if not moving.any():
                break
            at = np.where(moving, above, at)
        return np.where(self.kind("project")[at], at, NONE)

    @cached_property
    def project(self) -> Array:
        """Of each content its project, of a project itself; NONE or beyond the count where there is none."""
        return self.parts.sources.project

    # -- the rule lists that count ----------------------------------------------------------------------------

    @cached_property
    def _every_list(self) -> tuple[Array, Array, Array, Array]:
        """Holder, kind, list and whether it is a default of every rule list that counts, unread ones among them."""
        sources, defaults = self.parts.sources, self.columns.defaults
        own = np.flatnonzero((sources.level == OWN) & (self.contents.rules != EMPTY_LIST))
        default = np.flatnonzero((sources.level[defaults.content] == OWN) & (defaults.rules != EMPTY_LIST))
        holder = np.concatenate((own, defaults.content[default]))
        kinds = np.concatenate((self.contents.kind[own], defaults.kind[default])).astype(np.int64)
        rules = np.concatenate((self.contents.rules[own], defaults.rules[default])).astype(np.int64)
        is_default = np.arange(len(holder)) >= len(own)
        order = np.argsort(holder, kind="stable")
        return holder[order], kinds[order], rules[order], is_default[order]

    @cached_property
    def _counting(self) -> tuple[Lists, Rows]:
        holder, kinds, rules, is_default = self._every_list
        read = rules != NONE
        holder, kinds, rules, is_default = holder[read], kinds[read], rules[read], is_default[read]
        width = len(self.vocabulary.kinds)
        flavours, flavour = np.unique(rules * width + kinds, return_inverse=True)
        at, row = expand(self.columns.rules.offsets, flavours // width)
        table, own = self.columns.rules, ~self.mask(INHERITED_LEADER)  # the echo of a rule above is none
        rows = Rows(at, (flavours % width)[at], table.grantee[row], table.allow[row] & own, table.deny[row] & own)
        return Lists(holder, flavour.reshape(-1), is_default), rows

    @property
    def lists(self) -> Lists:
        """The rule lists that count and were read."""
        return self._counting[0]

    @property
    def rows(self) -> Rows:
        """The rows of their flavours."""
        return self._counting[1]

    @cached_property
    def unread(self) -> Array:
        """Contents of which a rule list that counts was not read."""
        holder, _, rules, _ = self._every_list
        return distinct(np.concatenate((holder[rules == NONE], np.flatnonzero(self.parts.sources.level == UNREAD))))

    @cached_property
    def leader_mask(self) -> np.uint64:
        """The bits that make a leader."""
        return self.mask(*LEADER_CAPABILITIES)

    def by_rows(
        self,
        words: str,
        allow: Array,
        deny: Array | None = None,
        *,
        severity: str | None = None,
        where: Array | None = None,
        mends: bool = True,
    ) -> Remark:
        """The contents that keep rule rows with these bits; taking the bits away is the fix, where that `mends`.

        `allow` and `deny` are masks, one a row of `rows`; `where` is true for the contents that count.
        """
        deny = np.zeros(len(allow), np.uint64) if deny is None else deny
        blamed = _Blamed(self, allow, deny)
        holders = self.holders((allow | deny) != 0)
        subjects = holders if where is None else holders[where[holders]]
        return Remark(words, subjects, blamed.facts, blamed.fix if mends else None, severity)

    def holders(self, rows: Array) -> Array:
        """The contents that keep one of these rows (flags)."""
        flags = np.zeros(int(self.lists.flavour.max(initial=-1)) + 1, bool)
        flags[self.rows.flavour[rows]] = True
        return distinct(self.lists.holder[flags[self.lists.flavour]])

    def spread(self, rows: Array) -> tuple[Array, Array]:
        """List and row of each of these rows (flags), once for every list of its flavour."""
        chosen = np.flatnonzero(rows)
        order = np.argsort(self.lists.flavour, kind="stable")
        offsets = np.searchsorted(self.lists.flavour[order], np.arange(int(self.lists.flavour.max(initial=-1)) + 2))
        at, entry = expand(offsets, self.rows.flavour[chosen])
        return order[entry], chosen[at]

    def lists_of(self, holder: int) -> Iterator[tuple[int, str | None]]:
        """Flavour, and of a default the kind, of each list that a content keeps."""
        first, last = np.searchsorted(self.lists.holder, [holder, holder + 1]).tolist()
        for place in range(first, last):
            flavour = int(self.lists.flavour[place])
            rows = slice(*np.searchsorted(self.rows.flavour, [flavour, flavour + 1]).tolist())
            kind = self.vocabulary.kinds[int(self.rows.kind[rows][0])] if self.lists.is_default[place] else None
            yield flavour, kind

    # -- who is behind a grantee ------------------------------------------------------------------------------

    @cached_property
    def sizes(self) -> Array:
        """How many people of the site each group has; NONE where its members were not read, or it is only named."""
        groups, people = self.columns.groups, self.parts.people
        sizes = np.full(max(people.n_groups, 1), NONE, np.int64)
        counts = np.bincount(people.memberships[0], minlength=len(groups.read))
        sizes[: len(groups.read)] = np.where(groups.read, counts, NONE)
        sizes[people.everyone] = people.count
        return sizes

    @cached_property
    def roles_in(self) -> Array:
        """Of each group and site role how many people."""
        people, role = self.parts.people, self.columns.users.role.astype(np.int64)
        width = max(len(self.vocabulary.roles), 1)
        group, user = people.memberships
        counts = np.bincount(group.astype(np.int64) * width + role[user], minlength=len(self.sizes) * width)
        counts = counts.reshape(len(self.sizes), width)
        counts[people.everyone] = np.bincount(role, minlength=width)
        return counts

    def any_in(self, flags_of_roles: Array) -> Array:
        return np.asarray(self.roles_in[:, flags_of_roles].sum(axis=1) > 0)

    @cached_property
    def everyone(self) -> Array:
        """Of each rule row whether it speaks of All Users."""
        codes = self.parts.people.everyone * 4 + c.GROUP
        return np.isin(self.rows.grantee, codes)

    def is_in(self, user: Array, group: Array) -> Array:
        """Whether user `user[i]` is in group `group[i]`."""
        count = max(self.parts.people.count, 1)
        groups, users = self.parts.people.memberships
        keys: Array = groups.astype(np.int64) * count + users
        wanted: Array = group.astype(np.int64) * count + user
        inside: Array = np.isin(group, self.parts.people.everyone)
        if len(keys):
            place = np.minimum(np.searchsorted(keys, wanted), len(keys) - 1)
            np.logical_or(inside, keys[place] == wanted, out=inside)
        inside &= user < count  # of who was not read nobody knows, and his key is another's
        return inside

    # -- marks ------------------------------------------------------------------------------------------------

    @cached_property
    def marks(self) -> Mapping[int, Marks]:
        """Tags, certification and connections by the code of their text; of the untouched by NONE."""
        codes = distinct(self.columns.names.content_marks).tolist()
        return {code: marks_of(None if code < 0 else self.columns.names.words[code]) for code in codes}

    def marked(self, judge: Callable[[Marks], object]) -> Array:
        """Whether the marks of each content satisfy a function."""
        codes = self.columns.names.content_marks
        yes = [code for code, marks in self.marks.items() if judge(marks)]
        return np.isin(codes, np.array(yes, np.int64))

    def without_mark(self, mark: str) -> Array:
        """The contents of which a mark was not read."""
        return np.flatnonzero(self.marked(lambda marks: getattr(marks, mark) is None))

    def marks_at(self, content: int) -> Marks:
        return self.marks[int(self.columns.names.content_marks[content])]

    @cached_property
    def is_closed(self) -> Array:
        """Whether each content is meant for some: it is not, and lies not in, a project that is meant for everybody.

        The project Default, which is copied, has a lint of its own.
        """
        projects, ids = np.flatnonzero(self.kind("project")).tolist(), self.columns.ids("content")
        closed, default = np.ones(len(ids) + 1, bool), self.site.default_project_id
        for project in projects:
            public = fits(self.site.path(ids[project]), self.knobs.public_projects)
            closed[project] = ids[project] != default and not public
        inside = np.where((self.project >= 0) & (self.project < len(ids)), self.project, len(ids))
        return closed[inside]


class _Blamed:
    """Rows of which something is remarked: their words on one content, and the rules without them."""

    def __init__(self, audited: Audited, allow: Array, deny: Array) -> None:
        self.audited = audited
        self.rows = np.flatnonzero(allow | deny)
        self.allow, self.deny = allow[self.rows], deny[self.rows]

    def _of(self, content: int) -> Iterator[tuple[int, int, str | None]]:
        """Place among the rows, row, and of a default the kind."""
        for flavour, default_for in self.audited.lists_of(content):
            rows = np.searchsorted(self.audited.rows.flavour, [flavour, flavour + 1])
            for place in range(*np.searchsorted(self.rows, rows).tolist()):
                yield place, int(self.rows[place]), default_for

    def facts(self, content: int) -> str:
        """`Allow View to user ann; for new workbooks: Deny View to group Staff`."""
        rows, audited = list(self._of(content)), self.audited
        words = []
        for place, row, default_for in rows[:MOST_ROWS]:
            kind = audited.vocabulary.kinds[int(audited.rows.kind[row])]
            for mode, masks in ((ALLOW, self.allow), (DENY, self.deny)):
                names = [ui_name(name, kind) for name in audited.names_of(int(masks[place]))]
                if names:
                    shown = ", ".join(names[:4]) + (f" and {len(names) - 4} more" if len(names) > 4 else "")
                    to = audited.grantee(int(audited.rows.grantee[row]))
                    where = f"for new {KIND_NAMES[default_for]}s: " if default_for else ""
                    words.append(f"{where}{mode} {shown} to {to}")
        more = [f"{len(rows) - MOST_ROWS} more rows"] if len(rows) > MOST_ROWS else []
        return "; ".join((*words, *more))

    def fix(self, content: int) -> Iterator[Change]:
        """The same rows without what is blamed."""
        audited, site = self.audited, self.audited.site
        key = audited.columns.id_of(CONTENT, content)
        for place, row, default_for in self._of(content):
            code = int(audited.rows.grantee[row])
            grantee = Grantee(GRANTEE_KINDS[code & 3], audited.columns.id_of(c.NUMBERED[code & 3], code >> 2))
            yield from without(site, key, grantee, default_for, self._names(place))

    def _names(self, place: int) -> frozenset[tuple[str, str]]:
        modes = ((ALLOW, self.allow), (DENY, self.deny))
        return frozenset((mode, name) for mode, m in modes for name in self.audited.names_of(int(m[place])))


def without(
    site: Site, content: str, grantee: Grantee, default_for: str | None, blamed: frozenset[tuple[str, str]]
) -> Iterator[Change]:
    """A grantee's row (all ids) without some modes and capabilities; nothing where the site does not know him."""
    table = {"user": site.users, "group": site.groups, "groupSet": site.group_sets}[grantee.kind]
    if grantee.id not in table:
        return
    thing = site.contents[content]
    rules = thing.rules if default_for is None else thing.defaults.get(default_for)
    mine = [rule for rule in rules or () if rule.grantee == grantee]
    stays = [rule for rule in mine if (rule.mode, rule.capability) not in blamed]
    yield PutRules(
        content_ref(site, content), grantee_ref(site, grantee), RuleRow.of(mine), RuleRow.of(stays), default_for
    )
