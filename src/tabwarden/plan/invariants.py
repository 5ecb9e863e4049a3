"""Whether invariants hold on a Site, and what a change newly breaks; `breaches` finds who breaks one."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from itertools import islice

from tabwarden.compare.cause import ABILITY
from tabwarden.model.capability import ui_name
from tabwarden.model.names import some
from tabwarden.model.scope import is_limited
from tabwarden.model.site import Site, User
from tabwarden.plan.breaches import Breach, Breaches, Broken, Laid, rule_key
from tabwarden.plan.plan import Stop
from tabwarden.plan.stops import INVARIANT_BROKEN, SAMPLE
from tabwarden.want.invariants import NO_RULE, NOBODY, ONLY, Act, Crowd, Exemption, Invariant

MOST_TOLD, FEW_TOLD = 1_000, 5  # breaches that are told with reasons, of all and of one at least; all are counted
Progress = Callable[[int, int], None]
SEATED = ("Creator", "ExplorerCanPublish", "Explorer", "Viewer")  # the strongest first


@dataclass(frozen=True, slots=True)
class Judged:
    """An invariant on a Site: how many break it today, whom groups could let break it, and what is unknown.

    `breaches` and `could` are the first of `number` and `possible`; the latter is asked where `anybody` counts.
    `partly`: the site was read in part, so that what was not read may break it.
    """

    invariant: Invariant
    number: int = 0
    breaches: tuple[Breach, ...] = ()
    possible: int = 0
    could: tuple[Breach, ...] = ()
    unknown: int = 0
    notes: tuple[str, ...] = ()
    partly: bool = False

    @property
    def broken(self) -> bool:
        """Whether somebody breaks it, or could where that counts."""
        return bool(self.number or (self.invariant.anybody and self.possible))

    @property
    def state(self) -> str:
        """`broken`, `unknown` or `holds`."""
        return "broken" if self.broken else "unknown" if self.unknown or self.partly else "holds"


def headline(judged: list[Judged]) -> str:
    """`2 of 5 invariants are broken, 1 is unknown`."""
    broken, unknown = (sum(one.state == state for one in judged) for state in ("broken", "unknown"))
    words = "all hold" if not broken + unknown else f"{broken} broken, {unknown} unknown"
    return f"{len(judged)} {'invariant' if len(judged) == 1 else 'invariants'}: {words}"


class _Bar:
    """How far it is, of how much; a step that is not foreseen does not count."""

    def __init__(self, progress: Progress | None, of: int) -> None:
        self._progress, self._done, self._of = progress, 0, of

    def step(self) -> None:
        self.reach(min(self._done + 1, self._of))

    def reach(self, done: int) -> None:
        self._done = done
        if self._progress is not None:
            self._progress(done, self._of)


class Invariants:
    """Invariants laid on one Site; `problems` says with file and line what in them fits nobody or nothing there."""

    def __init__(self, site: Site, invariants: Sequence[Invariant], today: str) -> None:
        self.today, self.invariants = today, invariants
        self._most = max(MOST_TOLD // max(len(invariants), 1), FEW_TOLD)
        self._people = Breaches(site)
        self._anybody: dict[str, Breaches] = {}
        self._meaning = self._people.meaning
        self._laid = [self._lay(one) for one in invariants]

    @property
    def problems(self) -> tuple[str, ...]:
        """What fits nobody or nothing."""
        return tuple(self._meaning.problems)

    def _lay(self, one: Invariant) -> Laid:
        meaning, current = self._meaning, [e for e in one.exemptions if e.expires >= self.today]
        exempt = meaning.crowd([words for e in current for words in e.people], one.where)
        both = [(act, *meaning.contents(act.on, one.where)) for act in one.acts]
        listed = [[(what, contents) for what in self._whats(act, one)] for act, contents, _ in both]
        acts = [pair for pairs in listed for pair in pairs]
        notes = tuple(_expired(e) for e in one.exemptions if e not in current)
        untold = sum(number for _, _, number in both)
        if not untold and not all(len(contents) for _, contents, _ in both):
            notes += ("nothing on the site is what it speaks of, so nothing can break it",)
        crowd = meaning.crowd(one.people, one.where)
        if one.form == NO_RULE and (crowd.roles or crowd.owners):
            meaning.refuse(one.where, "rules are for groups, group sets and users; of roles and owners say `nobody`")
        return Laid(one, crowd, exempt, acts, len(listed[0]), notes, untold)

    def _whats(self, act: Act, one: Invariant) -> tuple[str, ...]:
        if one.form == NO_RULE and not act.may:
            return ("",)
        return self._meaning.named(act, one.where)

    def judge(self, progress: Progress | None = None) -> list[Judged]:
        """Each invariant on the Site, in their order; `progress` hears of each, and of each content of an ability."""
        steps = [1 + sum(len(c) for what, c in laid.acts if what.startswith(ABILITY)) for laid in self._laid]
        bar = _Bar(progress, sum(steps))
        self._people.able.step = bar.step
        judged = []
        for number, laid in enumerate(self._laid):
            judged.append(replace(self._judged(laid), partly=is_limited(self._people.site)))
            bar.reach(sum(steps[: number + 1]))
        return judged

    def _judged(self, laid: Laid) -> Judged:
        one, people = laid.invariant, self._people
        if one.form in (ONLY, NOBODY) and laid.crowd.unread(people.site):
            # Who belongs to it nobody knows, so whoever may is no sure breach.
            whole = people.broken(laid._replace(crowd=Crowd(), invariant=replace(one, form=ONLY)))
            return Judged(one, unknown=whole.number + whole.unknown, notes=laid.notes)
        broken = people.broken(laid)
        judged = Judged(one, broken.number, self._first(broken), unknown=broken.unknown, notes=laid.notes)
        if not one.anybody:
            return judged
        could = self._possible(laid).broken(laid)
        return replace(judged, possible=could.number, could=self._first(could))

    def _first(self, broken: Broken) -> tuple[Breach, ...]:
        return tuple(islice(broken.breaches, self._most))

    def _possible(self, laid: Laid) -> Breaches:
        role = role_of_whoever(laid)
        if role not in self._anybody:
            self._anybody[role] = Breaches(whoever(self._people.site, role), phantoms=True)
        return self._anybody[role]

    def pairs(self) -> list[set[tuple[str, str, str]] | None]:
        """Of each invariant who (id) breaks it where with what; None where they are too many to compare."""
        pairs = []
        for laid in self._laid:
            today = self._people.pairs(laid)
            could = self._possible(laid).pairs(laid) if laid.invariant.anybody else set()
            pairs.append(None if today is None or could is None else today | could)
        return pairs


def _expired(exemption: Exemption) -> str:
    names = ", ".join(exemption.people)
    return f"the exemption of {names} expired on {exemption.expires}; {exemption.owner} answered for it"


def newly_broken(before: Invariants, after: Invariants) -> list[Judged]:
    """What is broken on the Site after a change and was not before: of each invariant what is new alone."""
    new = []
    for was, now, judged in zip(before.pairs(), after.pairs(), after.judge(), strict=True):
        if not judged.broken:
            continue
        if was is None or now is None:
            new.append(judged)
        elif more := now - was:
            both = (*judged.breaches, *judged.could)
            breaches = [b for b in both if (b.user or b.group or rule_key(b.rule), b.content, b.what) in more]
            new.append(replace(judged, number=len(more), breaches=tuple(breaches)))
    return new


# -- stops ------------------------------------------------------------------------------------------------------------


def invariant_stops(now: Site, after: Site, invariants: Sequence[Invariant], today: str) -> tuple[Stop, ...]:
    """The stops for what a change newly breaks; what was broken before is no reason. Nobody waives them.

    Without content nobody can judge, which is a stop too, and so is a name that fits nobody or nothing afterwards.
    """
    count = len(invariants)
    if not now.contents:
        sentence = f"{count} invariants cannot be judged: no content of the site was read"
        return (Stop(INVARIANT_BROKEN, count, 0, count, False, sentence, "run `tabwarden read`, then plan again"),)
    before, later = (Invariants(site, invariants, today) for site in (now, after))
    if problems := before.problems or later.problems:
        sentence = f"the invariants cannot be judged: {some(problems, SAMPLE)}"
        return (Stop(INVARIANT_BROKEN, count, 0, len(problems), False, sentence, "mend the names in that file"),)
    return tuple(_stop(after, judged, count) for judged in newly_broken(before, later))


def _stop(site: Site, judged: Judged, count: int) -> Stop:
    one = judged.invariant
    names = some([breach_words(site, breach) for breach in judged.breaches], SAMPLE)
    number = "once" if judged.number == 1 else f"{judged.number:,} times"
    sentence = f"`{one.name}` would be broken {number}{': ' if names else ''}{names}"
    remedy = f"leave that out, or write an exception with owner, reason and end in {one.where}"
    return Stop(INVARIANT_BROKEN, count, 0, judged.number, False, sentence, f"{remedy}; this stop cannot be waived")


def breach_words(site: Site, breach: Breach) -> str:
    """`ann may View Finance/Budget`; `a rule of Finance: Allow View for group All Users`."""
    if breach.rule is not None:
        return f"a rule of {site.path(breach.content)}: {what_of(site, breach)} for {who_of(site, breach)}"
    return f"{who_of(site, breach)} may {what_of(site, breach)} {site.path(breach.content)}"


def who_of(site: Site, breach: Breach) -> str:
    """Somebody as people call him, a grantee of a rule, or whoever is put into a group."""
    if breach.rule is None:
        return site.called(breach.user) if breach.user else f"whoever is put into {_called(site, breach.group)}"
    kind, grantee = breach.rule.grantee
    named = site.called(grantee) if kind == "user" else _called(site, grantee)
    return f"{'group set' if kind == 'groupSet' else kind} {named}"


def what_of(site: Site, breach: Breach) -> str:
    """The capability or ability, of a rule with its mode, and the other act where there are two."""
    kind = site.contents[breach.content].kind
    what = breach.what.removeprefix(ABILITY) if breach.what.startswith(ABILITY) else ui_name(breach.what, kind)
    if breach.rule is not None:
        return f"{breach.rule.mode} {what}"
    if breach.also is None:
        return what
    return f"{what}, and {ui_name(breach.also.what)} {site.path(breach.also.content or '')}"


# -- whoever could be put in a group --------------------------------------------------------------------------------


def role_of_whoever(laid: Laid) -> str:
    """The strongest site role of whoever must not, '' where nobody is left; administrators are put into no group."""
    form, crowd = laid.invariant.form, laid.crowd
    if form == ONLY:
        return next((role for role in SEATED if role not in crowd.roles), "")
    alone = form == NOBODY and not (crowd.users or crowd.groups or crowd.group_sets)
    return next((role for role in SEATED if alone and role in crowd.roles), SEATED[0])


def whoever(site: Site, role: str) -> Site:
    """The Site with other people: one in each group that a rule names, who is in All Users and nothing else.

    For each group set that a rule names one who is in all its groups. They are called as their group, and have
    that site role; without one there is nobody.
    """
    lists = (rules for c in site.contents.values() for rules in (c.rules, *c.defaults.values()))
    grantees = {rule.grantee for rules in lists for rule in rules or ()}
    groups = {g.id: (g.id,) for g in grantees if g.kind == "group" and g.id in site.groups}
    sets = {g.id: site.group_sets[g.id].groups for g in grantees if g.kind == "groupSet" and g.id in site.group_sets}
    people = {**groups, **{key: tuple(members) for key, members in sets.items()}}
    users = {key: User(key, _called(site, key), role) for key in people if role}
    inside: dict[str, set[str]] = {}
    for key, members in people.items():
        for group in members:
            inside.setdefault(group, set()).update({key} & users.keys())
    everybody = frozenset(users)
    later = {
        group.id: replace(group, members=everybody if group.everyone else frozenset(inside.get(group.id, ())))
        for group in site.groups.values()
    }
    return replace(site, users=users, groups=later)


def _called(site: Site, key: str) -> str:
    return site.groups[key].name if key in site.groups else site.group_sets[key].name
