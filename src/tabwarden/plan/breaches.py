"""Who breaks an invariant on one Site: abilities are asked of the reference, all else of the engine, and confirmed."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import cached_property
from itertools import islice
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from tabwarden.access.abilities.ability import can
from tabwarden.access.answer import UNKNOWN, Answer
from tabwarden.access.reference import may
from tabwarden.model.errors import Disagreement
from tabwarden.model.roles import is_admin
from tabwarden.model.site import Grantee, Rule, Rules, Site
from tabwarden.want.invariants import NEVER_BOTH, NO_RULE, NOBODY, ONLY, Crowd, Invariant, Meaning

if TYPE_CHECKING:
    from tabwarden.engine.columns import Array
    from tabwarden.engine.engine import Engine
    from tabwarden.engine.mirror import Among, Mirror

ABILITY = "ability:"
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
    acts: list[tuple[str, list[int]]]
    acts_of_first: int
    notes: tuple[str, ...]
    untold: int = 0


class Breaches:
    """Who may what of one Site; with `phantoms` people stand for whoever is put into a group."""

    def __init__(self, site: Site, *, phantoms: bool = False) -> None:
        self.site, self.phantoms = site, phantoms
        self._mirrors: dict[str, Mirror] = {}

    @cached_property
    def engine(self) -> Engine:
        """The engine over its columns."""
        from tabwarden.engine.convert import columns_of
        from tabwarden.engine.engine import Engine

        return Engine(columns_of(self.site))

    @cached_property
    def meaning(self) -> Meaning:
        """The meaning of words on this Site."""
        columns = self.engine.columns
        return Meaning(self.site, columns.names.paths(columns.contents.parent))

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

    def breaches(self, laid: Laid, most: int) -> tuple[int, list[Breach]]:
        """How many pairs of a suspect and a content there are, and the first of them with their reasons."""
        number, breaches = 0, list[Breach]()
        for what, contents in laid.acts:
            count, pairs = self._who(laid, what, contents)
            number += count
            breaches += [self._told(*pair, what) for pair in islice(pairs, most - len(breaches))]
        return number, breaches

    def pairs(self, laid: Laid) -> set[tuple[str, str, str]] | None:
        """Who does what where, so that two Sites can be compared; None where they are too many."""
        if laid.invariant.form == NO_RULE:
            return {(rule_key(breach.rule), breach.content, breach.what) for breach in self.rules(laid)}
        if laid.invariant.form == NEVER_BOTH:
            return {(breach.user, breach.content, breach.what) for breach in self.both(laid)}
        whole: set[tuple[str, str, str]] = set()
        for what, contents in laid.acts:
            count, pairs = self._who(laid, what, contents)
            if len(whole) + count > MOST_COMPARED:
                return None
            whole |= {(user, content, what) for user, content in pairs}
        return whole

    def _told(self, user: str, content: str, what: str) -> Breach:
        answer = self._answer(user, content, what)
        if not answer.allowed:
            raise Disagreement(f"engine and reference disagree about `{what}` of user `{user}` on content `{content}`")
        breach = Breach(content=content, what=what, answer=answer)
        return breach._replace(group=user) if self.phantoms else breach._replace(user=user)

    def _answer(self, user: str, content: str, what: str) -> Answer:
        if what.startswith(ABILITY):
            return can(self.site, user, what.removeprefix(ABILITY), content)
        return may(self.site, user, what, content)

    def _who(self, laid: Laid, what: str, contents: Sequence[int]) -> tuple[int, Iterator[Pair]]:
        """How many suspects may on how many contents, and each pair of user and content."""
        suspects = self.suspects(laid)
        if what.startswith(ABILITY):
            able = [(u, c) for u, c in self._each(suspects, contents) if self._answer(u, c, what).allowed]
            pairs = [pair for pair in able if not self._owns(laid, pair)]
            return len(pairs), iter(pairs)
        among = self._among(what, contents, suspects, owners=not laid.crowd.owners)
        ids, people = self.engine.columns.ids("content"), self.engine.columns.ids("user")
        return among.count, ((people[u], ids[c]) for c, who in among.by_content() for u in who.tolist())

    def _each(self, users: Array, contents: Sequence[int]) -> Iterator[Pair]:
        ids, people = self.engine.columns.ids("content"), self.engine.columns.ids("user")
        return ((people[user], ids[content]) for user in users.tolist() for content in contents)

    def _among(self, capability: str, contents: Sequence[int], users: Array, *, owners: bool = True) -> Among:
        if capability not in self._mirrors:
            self._mirrors[capability] = self.engine.mirror(capability)
        return self._mirrors[capability].among(users, np.asarray(contents, np.int64), owners=owners)

    def _owns(self, laid: Laid, pair: Pair) -> bool:
        """Whether owners are among those who may, and this is one."""
        if not laid.crowd.owners:
            return False
        thing = self.site.contents[pair[1]]
        owned = self.site.contents.get(thing.parent or "", thing) if thing.kind == "view" else thing
        return owned.owner == pair[0]

    def unknown(self, laid: Laid) -> int:
        """Of how many pairs of a suspect and a content, lists of rules, or contents nobody knows."""
        count = laid.untold
        if laid.invariant.form == NO_RULE:
            return count + sum(rules is None for content in self._contents(laid) for rules in self._lists(content))
        suspects = self.suspects(laid)
        for what, contents in laid.acts:
            if what.startswith(ABILITY):
                count += sum(self._answer(*pair, what).verdict == UNKNOWN for pair in self._each(suspects, contents))
            else:
                count += self._among(what, contents, suspects).unknown()
        return count

    # -- both acts, and rules ----------------------------------------------------------------------------------------

    def both(self, laid: Laid) -> list[Breach]:
        """Everybody who may do both acts somewhere, with one place of each."""
        suspects, half = self.suspects(laid), laid.acts_of_first
        first, second = (self._places(acts, suspects) for acts in (laid.acts[:half], laid.acts[half:]))
        breaches = []
        for user in (self.engine.columns.id_of("user", number) for number in suspects.tolist()):
            if user in first and user in second:
                also = self._answer(user, *second[user])
                breaches.append(self._told(user, *first[user])._replace(also=also))
        return breaches

    def _places(self, acts: Sequence[tuple[str, list[int]]], suspects: Array) -> dict[str, Pair]:
        """Of each suspect who may do one of these the first place: content and what."""
        places: dict[str, Pair] = {}
        columns = self.engine.columns
        for what, contents in acts:
            if what.startswith(ABILITY):
                for user, content in self._each(suspects, contents):
                    if user not in places and self._answer(user, content, what).allowed:
                        places[user] = (content, what)
            else:
                for number, at in self._among(what, contents, suspects).places().items():
                    places.setdefault(columns.id_of("user", number), (columns.id_of("content", at), what))
        return places

    def rules(self, laid: Laid) -> Iterator[Breach]:
        """Every rule on these contents, and every default rule of these projects, that is forbidden."""
        one, crowd = laid.invariant, laid.crowd
        names = {what for what, _ in laid.acts} - {""}
        for content in self._contents(laid):
            for rules in self._lists(content):
                for rule in rules or ():
                    named = not names or rule.capability in names
                    if named and one.mode in ("", rule.mode) and self._names(crowd, rule.grantee):
                        yield Breach(content=content, what=rule.capability, rule=rule)

    def _contents(self, laid: Laid) -> dict[str, None]:
        ids = self.engine.columns.ids("content")
        return dict.fromkeys(ids[number] for _, contents in laid.acts for number in contents)

    def _lists(self, content: str) -> tuple[Rules | None, ...]:
        thing = self.site.contents[content]
        return thing.rules, *thing.defaults.values()

    def _names(self, crowd: Crowd, grantee: Grantee) -> bool:
        ids = {"user": crowd.users, "group": crowd.groups, "groupSet": crowd.group_sets}[grantee.kind]
        return grantee.id in ids


def rule_key(rule: Rule | None) -> str:
    """Whom a rule names, and its mode, in a word."""
    return f"{rule.grantee.kind}:{rule.grantee.id}:{rule.mode}" if rule is not None else ""
