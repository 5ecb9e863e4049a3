"""What single questions look up, kept in plain dictionaries: persons, places, gates, rules and chains of projects."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from tabwarden.access.answer import ALLOWED, DENIED, UNKNOWN, Step
from tabwarden.engine.columns import GROUP, GROUP_SET, NONE, USER
from tabwarden.engine.convert import rule_list
from tabwarden.engine.governing import LEVELS
from tabwarden.engine.index import Parts
from tabwarden.model.capability import CHANGE_PERMISSIONS, LEADER_CAPABILITIES
from tabwarden.model.governing import NOT_IN_PERSONAL_SPACE, OWNERS_IN_PERSONAL_SPACE, Governing
from tabwarden.model.roles import ceiling_row, is_admin, role_in_personal_space
from tabwarden.model.site import ALLOW, DENY, Rule, Rules
from tabwarden.model.site_settings import sees_nobody, setting_against

# Steps 3 to 5 in their order; one connector reads the Deny of a group set as final over groups.
_STEPS = (
    (USER, DENY, "user_deny"),
    (USER, ALLOW, "user_allow"),
    (GROUP, DENY, "group_deny"),
    (GROUP, ALLOW, "group_allow"),
    (GROUP_SET, DENY, "groupset_deny"),
    (GROUP_SET, ALLOW, "groupset_allow"),
)
_SET_DENY_FIRST = (*_STEPS[:2], _STEPS[4], *_STEPS[2:4], _STEPS[5])
NO_OVERRIDE = Step("override", "none")
WORD = {True: "yes", False: "no", None: "unknown"}
_KIND = {"user": USER, "group": GROUP, "groupSet": GROUP_SET}


class SpeakingRule(NamedTuple):
    """A rule that may speak: the code of its grantee, the place of its step, the rule."""

    grantee: int
    step: int
    rule: Rule


class Power(NamedTuple):
    """Who rules a project: its owner or leader, nearest first."""

    reason: str
    at: str
    rule: Rule | None


class Chain(NamedTuple):
    """A project and its parents: owners by number and leader rules by grantee, with the place in the chain.

    `unread` tells that rules of one of them, or a parent, were not read.
    """

    owners: Mapping[int, int]
    leaders: tuple[tuple[int, SpeakingRule], ...]
    grantees: frozenset[int]
    allowing: frozenset[int]
    ids: tuple[str, ...]
    unread: bool
    people: frozenset[int]  # every grantee that rules it for sure or by a rule, owners as users


class Person(NamedTuple):
    """What includes a user: codes of grantees for sure and perhaps; the role as code and word."""

    number: int
    grantees: frozenset[int]
    perhaps: frozenset[int]
    role: int
    word: str


class Place(NamedTuple):
    """What governs a content: kind, column of the ceilings, list, governing value, owner, project, lock; ids of what an
    override names.

    `ruling` are the grantees that rule its project (see `Chain.people`).
    """

    kind: str
    column: int
    rules: int
    governing: Governing
    level: Step
    owner: int
    owned: str
    project: int
    lock: int
    lock_unread: bool
    ruling: frozenset[int]


class Gate(NamedTuple):
    """Steps 0 to 2 for a role, kind and capability: what they decide alone, if so, and their trace."""

    alone: tuple[str, str, Step, Step] | None  # verdict, reason, override and what the rules are then
    ceiling: str
    steps: tuple[Step, ...]
    plain: bool  # it decides nothing alone, and neither does anything but rules, owners and leaders


class CapabilityFacts(NamedTuple):
    """What is kept of one capability: its REST name, gates by role and kind, rules that may speak by list."""

    name: str
    gates: dict[int, Gate]
    speaking: dict[int, tuple[SpeakingRule, ...]]


class Lookups:
    """The dictionaries of one site, filled as questions come."""

    def __init__(self, parts: Parts) -> None:
        self.parts, self.columns = parts, parts.columns
        self.order = _SET_DENY_FIRST if parts.open_points.group_set_deny_is_final else _STEPS
        self.because = (*(step[2] for step in self.order), "default_deny")
        self.step = {(kind, mode): place for place, (kind, mode, _) in enumerate(self.order)}
        self.persons: dict[str, Person] = {}
        self.places: dict[str, Place] = {}
        self.capabilities: dict[str, CapabilityFacts] = {}  # by whatever name was asked for
        self.lists: dict[int, Rules | None] = {}
        # Whether nothing is unread and no Deny comes before owners: what nearly every question is.
        self.plain = not parts.deny_first and not parts.powers.some_unread and parts.unread is None
        self.chains: dict[int, Chain] = {}
        self._last_power: tuple[tuple[Person | None, int], Power | None] = ((None, NONE), None)

    # -- what is kept -----------------------------------------------------------------------------------------

    def person(self, user: str) -> Person:
        """A user by id; UnknownName for one who is not on the site."""
        number = self.columns.number_of("user", user)
        people = self.parts.people
        belongs = people.of(number)
        sure = {number * 4 + USER}
        sure.update(g * 4 + GROUP for g in (*belongs.groups.tolist(), *people.everyone.tolist()))
        sure.update(s * 4 + GROUP_SET for s in belongs.sets.tolist())
        perhaps = {g * 4 + GROUP for g in people.unread_groups.tolist()}
        perhaps |= {s * 4 + GROUP_SET for s in (*people.unread_sets.tolist(), *belongs.perhaps_sets.tolist())}
        role = int(self.columns.users.role[number])
        person = Person(number, frozenset(sure), frozenset(perhaps), role, self.columns.vocabulary.roles[role])
        self.persons[user] = person
        return person

    def place(self, content: str) -> Place:
        """A content by id; UnknownName for one that was not read."""
        number = self.columns.number_of("content", content)
        parts, sources = self.parts, self.parts.sources
        kind = self.columns.vocabulary.kinds[int(self.columns.contents.kind[number])]
        level, holder = LEVELS[int(sources.level[number])], self.columns.id_of("content", int(sources.holder[number]))
        rules = int(sources.rules[number])
        of_kind = self.columns.vocabulary.kinds[int(sources.kind[number])]
        owned = number
        if kind == "view" and 0 <= int(self.columns.contents.parent[number]) < parts.n_contents:
            owned = int(self.columns.contents.parent[number])
        project = int(parts.project_row[number])
        place = Place(
            kind,
            int(sources.column[number]),
            rules,
            Governing(level, holder, of_kind, self._list(rules)),
            Step("level", level, (holder,)),
            int(parts.owner[number]),
            self.columns.id_of("content", owned),
            project,
            int(parts.lock_row[number]),
            bool(sources.lock_unread[number]),
            self.chain(project).people,
        )
        self.places[content] = place
        return place

    def _list(self, number: int) -> Rules | None:
        if number not in self.lists:
            self.lists[number] = rule_list(self.columns, number)
        return self.lists[number]

    def speaking_of(self, number: int, capability: str) -> tuple[SpeakingRule, ...]:
        """The rules of a list for a capability, in the order of the reference."""
        speaking = self._speaking(number, capability)
        self.named(capability).speaking[number] = speaking
        return speaking

    def _speaking(self, number: int, capability: str) -> tuple[SpeakingRule, ...]:
        rules = sorted(rule for rule in self._list(number) or () if rule.capability == capability)
        return tuple(SpeakingRule(self._code(r), self.step[_KIND[r.grantee.kind], r.mode], r) for r in rules)

    def _code(self, rule: Rule) -> int:
        kind = _KIND[rule.grantee.kind]
        return self.columns.grantee_numbers[kind][rule.grantee.id] * 4 + kind

    def named(self, words: str) -> CapabilityFacts:
        """What is kept of the capability that somebody calls so."""
        if words not in self.capabilities:
            name = self.parts.capability(words)
            self.capabilities[words] = self.capabilities.setdefault(name, CapabilityFacts(name, {}, {}))
        return self.capabilities[words]

    def gate(self, person: Person, place: Place, of_capability: CapabilityFacts) -> Gate:
        """What role and kind decide before any rule."""
        capability = of_capability.name
        tables, role, kind = self.parts.tables, person.word, place.kind
        personal = place.governing.level == "personal_space"
        ceiling = tables.reachable(role_in_personal_space(role) if personal else role, kind, capability)
        exists = tables.exists(capability, kind)
        off = setting_against(tables.settings, capability)
        no_dialog = capability == CHANGE_PERMISSIONS and sees_nobody(tables.settings, role)
        against = off or ("user_visibility" if no_dialog else None)
        steps = (
            Step("capability", WORD[exists], (kind,)),
            *((Step("setting", "no", (against,)),) if against else ()),
            Step(
                "ceiling",
                WORD[ceiling],
                (role, *ceiling_row(role, kind, capability, tables.model, tables.open_points)),
            ),
        )
        refusal = None
        if exists is False:
            refusal = (DENIED, "not_applicable")
        elif off:
            refusal = (DENIED, "site_setting")
        elif personal and capability in NOT_IN_PERSONAL_SPACE:
            refusal = (DENIED, "personal_space")
        elif not tables.known[person.role]:
            refusal = (UNKNOWN, "role_unknown")
        elif ceiling is False:
            refusal = (DENIED, "site_role")
        elif no_dialog:
            refusal = (DENIED, "site_setting")
        admin, alone = is_admin(role), None
        owners = admin and personal and capability in OWNERS_IN_PERSONAL_SPACE
        if refusal is not None:
            alone = (*refusal, NO_OVERRIDE, Step("rules", "unknown" if refusal[0] == UNKNOWN else "none"))
        elif admin and not owners:
            alone = (ALLOWED, "admin", Step("override", "admin"), Step("rules", "none"))
        plain = self.plain and alone is None and capability != CHANGE_PERMISSIONS and not owners
        gate = Gate(alone, WORD[ceiling], steps, plain)
        of_capability.gates[person.role << 8 | place.column] = gate
        return gate

    # -- owners and leaders -----------------------------------------------------------------------------------

    def chain(self, project: int) -> Chain:
        """A project (row of the powers) with its parents; nothing at all for NONE."""
        if project not in self.chains:
            self.chains[project] = self._chain(project)
        return self.chains[project]

    def _chain(self, project: int) -> Chain:
        powers = self.parts.powers
        if project == len(powers.contents):
            return Chain({}, (), frozenset(), frozenset(), (), True, frozenset())
        owners: dict[int, int] = {}
        leaders: list[tuple[int, SpeakingRule]] = []
        unread = False
        rows = powers.chain(project)
        for place, row in enumerate(rows):
            content = int(powers.contents[row])
            if self.parts.model != "classic":
                owners.setdefault(int(powers.owner[row]), place)
            number = int(self.columns.contents.rules[content])
            unread |= number == NONE or int(self.columns.contents.parent[content]) >= self.parts.n_contents
            speaking = (speaker for name in LEADER_CAPABILITIES for speaker in self._speaking(number, name))
            leaders.extend((place, speaker) for speaker in sorted(speaking, key=lambda t: t.rule))
        ids = tuple(self.columns.id_of("content", int(powers.contents[row])) for row in rows)
        allowing = frozenset(t.grantee for _, t in leaders if t.rule.mode == ALLOW)
        named = frozenset(t.grantee for _, t in leaders)
        people = named | {owner * 4 + USER for owner in owners}
        return Chain(owners, tuple(leaders), named, allowing, ids, unread, people)

    def power(self, person: Person, project: int) -> Power | None:
        """The power of a user over a project (row of the powers), nearest project first."""
        last, power = self._last_power
        if last[0] is not person or last[1] != project:  # several capabilities of one content are asked in turn
            power = self._power(person, project)
            self._last_power = (person, project), power
        return power

    def _power(self, person: Person, project: int) -> Power | None:
        chain = self.chain(project)
        owns = chain.owners.get(person.number, NONE)
        if chain.grantees.isdisjoint(person.grantees):
            return None if owns == NONE else Power("project_owner", chain.ids[owns], None)
        leading = [(at, t) for at, t in chain.leaders if t.grantee in person.grantees]
        for place, project_id in enumerate(chain.ids):
            if place == owns:
                return Power("project_owner", project_id, None)
            mine = [t for at, t in leading if at == place]
            rule = self._leads(mine) if mine else None
            if rule is not None:
                return Power("project_leader", project_id, rule)
        return None

    def _leads(self, mine: list[SpeakingRule]) -> Rule | None:
        if self.parts.model == "classic":
            for kind, mode in ((USER, DENY), (USER, ALLOW), (GROUP, DENY)):
                hit = [t.rule for t in mine if t.grantee & 3 == kind and t.rule.mode == mode]
                if hit:
                    return hit[0] if mode == ALLOW else None
        return next((t.rule for t in mine if t.rule.mode == ALLOW), None)

    def power_unknown(self, person: Person, project: int) -> bool:
        """Whether facts that were not read could make the user a leader of the project."""
        chain = self.chain(project)
        return chain.unread or not chain.allowing.isdisjoint(person.perhaps)
