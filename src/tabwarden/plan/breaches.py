"""Who breaks an invariant on one Site: abilities are asked of the reference, all else of the engine, and confirmed."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cached_property
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from tabwarden.access.answer import Answer
from tabwarden.compare.cause import ABILITY, answer_of
from tabwarden.engine.columns import GRANTEE_KINDS, NONE, NUMBERED
from tabwarden.engine.rules import expand
from tabwarden.model.errors import Disagreement
from tabwarden.model.roles import is_admin
from tabwarden.model.site import ALLOW, DENY, Grantee, Rule, Site
from tabwarden.plan.able import Able, AbleAmong
from tabwarden.want.invariants import NEVER_BOTH, NO_RULE, NOBODY, ONLY, Crowd, Invariant, Meaning

if TYPE_CHECKING:
    from tabwarden.engine.columns import Array
    from tabwarden.engine.engine import Engine
    from tabwarden.engine.mirror import Among, Mirror

MOST_COMPARED = 1_000_000
Pair = tuple[str, str]


class Breach(NamedTuple):
    """Somebody (id), or whoever is put into `group`, who may do what an invariant forbids; or a `rule` that it forbids.

    `answer` says why, `also` is the other act of NEVER_BOTH. `content` is an id, `what` a REST name or an ability.
    """

    user: str = ""
    group: str = ""
    content: str = ""
    what: str = ""
    answer: Answer | None = None
    also: Answer | None = None
    rule: Rule | None = None


class Laid(NamedTuple):
    """An invariant with whom and what its words mean on one Site; `acts_of_first`: of its first act.

    `untold`: of how many contents nobody knows whether it speaks of them.
    """

    invariant: Invariant
    crowd: Crowd
    exempt: Crowd
    acts: list[tuple[str, Array]]
    acts_of_first: int
    notes: tuple[str, ...]
    untold: int = 0


class Broken(NamedTuple):
    """How many breaches there are, each of them when it is asked for, and of how many more nobody knows."""

    number: int
    breaches: Iterator[Breach]
    unknown: int


class _Who(NamedTuple):
    """Who of the suspects may do one thing: how many pairs of user and content, each pair, and of how many unknown."""

    number: int
    pairs: Iterator[Pair]
    unknown: int


class Breaches:
    """Who may what of one Site; with `phantoms` people stand for whoever is put into a group."""

    def __init__(self, site: Site, *, phantoms: bool = False) -> None:
        self.site, self.phantoms = site, phantoms
        self._mirrors: dict[str, Mirror] = {}

    @cached_property
    def engine(self) -> Engine:
        from tabwarden.engine.convert import columns_of
        from tabwarden.engine.engine import Engine

        return Engine(columns_of(self.site))

    @cached_property
    def meaning(self) -> Meaning:
        return Meaning(self.site, self.engine.columns)

    @cached_property
    def able(self) -> Able:
        """Who is able to do what takes several capabilities."""
        return Able(self.site, self.engine)

    def suspects(self, laid: Laid) -> Array:
        """Numbers of the users who must not."""
        form, inside = laid.invariant.form, self._inside(laid.crowd)
        among = ~inside if form == ONLY else inside | (form == NEVER_BOTH or self._anyone(laid))
        among &= ~self._inside(laid.exempt)
        if not laid.invariant.administrators:
            among &= ~self._administrators
        return np.flatnonzero(among)

    def _anyone(self, laid: Laid) -> bool:
        """Whether whoever is put into a group may be one of these: a person, or of a role beside groups."""
        crowd = laid.crowd
        mixed = bool(crowd.roles and (crowd.groups or crowd.group_sets))
        return self.phantoms and laid.invariant.form == NOBODY and (bool(crowd.users) or mixed)

    @cached_property
    def _administrators(self) -> Array:
        roles, of = self.engine.columns.vocabulary.roles, self.engine.columns.users.role
        administrators: Array = np.asarray([is_admin(role) for role in roles], bool)[of]
        return administrators

    def _inside(self, crowd: Crowd) -> Array:
        """For every user whether he belongs to it; owners do not."""
        columns, numbers = self.engine.columns, self.engine.columns.grantee_numbers
        inside = np.full(len(columns.users.role), crowd.everybody)
        for group in crowd.groups:
            inside |= self._members(numbers[1].get(group, -1))
        for key in crowd.group_sets & self.site.group_sets.keys():
            groups = [self._members(numbers[1].get(group, -1)) for group in self.site.group_sets[key].groups]
            inside |= np.logical_and.reduce(groups) if groups else False
        inside[[numbers[0][user] for user in crowd.users if user in self.site.users]] = True
        if crowd.roles:
            roles = np.asarray([role in crowd.roles for role in columns.vocabulary.roles], bool)
            inside |= roles[columns.users.role]
        return inside

    def _members(self, group: int) -> Array:
        groups, members = self.engine.columns.groups, np.zeros(len(self.engine.columns.users.role), bool)
        if 0 <= group < len(groups.read):
            rows = groups.members[groups.offsets[group] : groups.offsets[group + 1]]
            members[rows[rows < len(members)]] = True
            members |= groups.everyone[group]
        return members

    def broken(self, laid: Laid) -> Broken:
        """Every breach of one invariant: a pair of a suspect and a content, a suspect who may both, a rule."""
        if laid.invariant.form == NO_RULE:
            return self._rules(laid)
        if laid.invariant.form == NEVER_BOTH:
            return self._both(laid)
        some = [(what, self._who(laid, what, contents)) for what, contents in laid.acts]
        breaches = (self._told(*pair, what) for what, who in some for pair in who.pairs)
        return Broken(sum(who.number for _, who in some), breaches, laid.untold + sum(who.unknown for _, who in some))

    def pairs(self, laid: Laid) -> set[tuple[str, str, str]] | None:
        """Who does what where, so that two Sites can be compared; None where they are too many."""
        if laid.invariant.form in (NO_RULE, NEVER_BOTH):
            return {(b.user or rule_key(b.rule), b.content, b.what) for b in self.broken(laid).breaches}
        whole: set[tuple[str, str, str]] = set()
        for what, contents in laid.acts:
            who = self._who(laid, what, contents)
            if len(whole) + who.number > MOST_COMPARED:
                return None
            whole |= {(user, content, what) for user, content in who.pairs}
        return whole

    def _told(self, user: str, content: str, what: str) -> Breach:
        answer = answer_of(self.site, (user, content, what))
        if not answer.allowed:
            raise Disagreement(f"engine and reference disagree about `{what}` of user `{user}` on content `{content}`")
        breach = Breach(content=content, what=what, answer=answer)
        return breach._replace(group=user) if self.phantoms else breach._replace(user=user)

    def _who(self, laid: Laid, what: str, contents: Array) -> _Who:
        columns = self.engine.columns
        among = self._among(what, contents, self.suspects(laid), owners=not laid.crowd.owners)
        pairs = (
            (columns.id_of("user", user), columns.id_of("content", content))
            for content, who in among.by_content()
            for user in who.tolist()
        )
        return _Who(among.count, pairs, among.unknown())

    def _among(self, what: str, contents: Array, users: Array, *, owners: bool = True) -> Among | AbleAmong:
        if what.startswith(ABILITY):
            return self.able.among(what.removeprefix(ABILITY), contents, users, owners=owners)
        if what not in self._mirrors:
            self._mirrors[what] = self.engine.mirror(what)
        return self._mirrors[what].among(users, contents, owners=owners)

    # -- both acts, and rules ----------------------------------------------------------------------------------------

    def _both(self, laid: Laid) -> Broken:
        """Everybody who may do both acts somewhere, with one place of each."""
        suspects, half = self.suspects(laid), laid.acts_of_first
        (first, unsure), (second, unsure_too) = (
            self._places(acts, suspects) for acts in (laid.acts[:half], laid.acts[half:])
        )
        users = [self.engine.columns.id_of("user", number) for number in suspects.tolist()]
        users = [user for user in users if user in first and user in second]
        breaches = (
            self._told(user, *first[user])._replace(also=answer_of(self.site, (user, *second[user]))) for user in users
        )
        return Broken(len(users), breaches, laid.untold + unsure + unsure_too)

    def _places(self, acts: list[tuple[str, Array]], suspects: Array) -> tuple[dict[str, Pair], int]:
        """Of each suspect who may do one of these the first place: content and what. Of how many pairs nobody knows."""
        places: dict[str, Pair] = {}
        columns, unknown = self.engine.columns, 0
        for what, contents in acts:
            among = self._among(what, contents, suspects)
            unknown += among.unknown()
            for user, content in among.places().items():
                places.setdefault(columns.id_of("user", user), (columns.id_of("content", content), what))
        return places, unknown

    def _rules(self, laid: Laid) -> Broken:
        """Every rule on these contents, and every default rule of these projects, that is forbidden."""
        lists, offsets = self._lists(laid), self.engine.columns.rules.offsets
        place, row = expand(offsets, lists.rules)
        mine = np.isin(self.engine.columns.rules.grantee[row], self._codes(laid.crowd))
        place, row = place[mine], row[mine]
        modes = (laid.invariant.mode,) if laid.invariant.mode else (ALLOW, DENY)
        masks = {mode: self._named(laid, mode)[row] for mode in modes}
        number = sum(int(np.bitwise_count(mask).sum()) for mask in masks.values())
        holders = lists.holder[place]
        return Broken(number, self._told_rules(holders, row, masks), laid.untold + int((lists.rules == NONE).sum()))

    def _lists(self, laid: Laid) -> _Lists:
        """The rule lists of the contents it speaks of, those for new content among them."""
        columns, contents = self.engine.columns, np.zeros(len(self.engine.columns.contents.kind), bool)
        for _, some in laid.acts:
            contents[some] = True
        own, default = np.flatnonzero(contents), np.flatnonzero(contents[columns.defaults.content])
        holder = np.concatenate((own, columns.defaults.content[default]))
        rules = np.concatenate((columns.contents.rules[own], columns.defaults.rules[default])).astype(np.int64)
        order = np.argsort(holder, kind="stable")
        return _Lists(holder[order], rules[order])

    def _codes(self, crowd: Crowd) -> list[int]:
        """Grantees as rule rows name them."""
        both = zip(self.engine.columns.grantee_numbers, (crowd.users, crowd.groups, crowd.group_sets), strict=True)
        return [numbers[key] * 4 + kind for kind, (numbers, keys) in enumerate(both) for key in keys if key in numbers]

    def _named(self, laid: Laid, mode: str) -> Array:
        """Of each rule row which of the named capabilities it allows or denies."""
        table, capabilities = self.engine.columns.rules, self.engine.columns.vocabulary.capabilities
        names = {what for what, _ in laid.acts} - {""} or set(capabilities)
        bits = np.uint64(sum(1 << bit for bit, name in enumerate(capabilities) if name in names))
        return np.asarray((table.allow if mode == ALLOW else table.deny) & bits)

    def _told_rules(self, holders: Array, rows: Array, masks: dict[str, Array]) -> Iterator[Breach]:
        columns = self.engine.columns
        for place, (holder, row) in enumerate(zip(holders.tolist(), rows.tolist(), strict=True)):
            code = int(columns.rules.grantee[row])
            grantee = Grantee(GRANTEE_KINDS[code & 3], columns.id_of(NUMBERED[code & 3], code >> 2))
            for mode, mask in masks.items():
                for bit, name in enumerate(columns.vocabulary.capabilities):
                    if int(mask[place]) >> bit & 1:
                        content = columns.id_of("content", holder)
                        yield Breach(content=content, what=name, rule=Rule(grantee, name, mode))


class _Lists(NamedTuple):
    """Rule lists, each with the content that keeps it; NONE was not read."""

    holder: Array
    rules: Array


def rule_key(rule: Rule | None) -> str:
    """Whom a rule names, and its mode, in a word."""
    return f"{rule.grantee.kind}:{rule.grantee.id}:{rule.mode}" if rule is not None else ""
