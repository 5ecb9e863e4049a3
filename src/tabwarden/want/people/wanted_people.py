"""What one roster of several sources makes of a Site: joiners, movers, rehires, renames and leavers.

Joiners and leavers are those of provisioning, with its tasks, its stops and the people it leaves alone. On top of
that a mapping gives groups and site roles: a mapped group holds whom the mapping puts there; groups nobody mapped are
never touched, nor are members whom no source knows.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import NamedTuple

from tabwarden.model.names import hint, same, some
from tabwarden.model.resolver import NO_DOMAIN, meant, unquoted
from tabwarden.model.roles import is_licensed, licence_of, rank
from tabwarden.model.seats import free_seats
from tabwarden.model.site import LOCAL, Group, Site, User
from tabwarden.want.candidates import Candidates, KnownAs, rename_words
from tabwarden.want.names.resolve import Resolved
from tabwarden.want.people.joiners_and_leavers import Standing, Standings
from tabwarden.want.people.mapping import Gives, GroupMapping, Mapped
from tabwarden.want.people.records import AUTH_SETTING, EMAIL, FULL_NAME
from tabwarden.want.people.unlisted import told_of, unlisted_users
from tabwarden.want.provision import Policy, Tasks, is_left_alone, want
from tabwarden.want.roster import Person, Roster, named_only
from tabwarden.want.wanted import EXISTS, LEAVER, SITE_ROLE, Held, Wanted

ROSTER, UNLISTED = "the sources", "in no authoritative source (`people.unlisted: leavers`)"
Resolving = Callable[[Roster], Resolved]


def as_they_are(roster: Roster) -> Resolved:
    """Every name means what it says: the server is joined to no directory."""
    return Resolved(roster)


@dataclass(frozen=True, slots=True)
class PeoplePolicy:
    """What is done beyond provisioning.

    `lower` lets the mapping lower a site role; `only_mapped` adds nobody to whom no entry of the mapping applies.
    `joiners` and `leavers` turn their names into those of Tableau, through a directory where there is one; `known_as`
    is what else is known of names. Whom none of the `authoritative` sources knows is told, and a leaver by
    `unlisted_leave`.
    """

    mapping: GroupMapping = field(default_factory=lambda: GroupMapping(()))
    lower: bool = False
    only_mapped: bool = False
    joiners: Resolving = as_they_are
    leavers: Resolving = as_they_are
    known_as: KnownAs = field(default_factory=KnownAs)
    authoritative: frozenset[str] = frozenset()
    unlisted_leave: bool = False


class WantedPeople(NamedTuple):
    """The wanted Site, and the user names (as compared) of those about whom nothing was settled.

    `unlisted_leaving` counts who loses something for being in no authoritative source.
    """

    wanted: Wanted
    unsettled: frozenset[str]
    unlisted_leaving: int = 0


def want_people(
    now: Site,
    standings: Standings,
    people: PeoplePolicy,
    tasks: Tasks,
    policy: Policy,
    more_held: Sequence[Held] = (),
) -> WantedPeople:
    """The Site as the roster and the mapping would have it, with a sentence for each difference.

    `more_held` are held for what their rows say.
    """
    sorting = _Sorting(now, standings, people)
    sorting.sort()
    policy = replace(policy, known_as=people.known_as, mapped=frozenset(people.mapping.groups))
    candidates = Candidates(now, people.known_as)
    resolved, in_question = (*sorting.joiners, *sorting.leavers), (*more_held, *standings.held, *sorting.held)
    strangers = unlisted_users(now, standings.people, resolved, in_question, candidates, people.authoritative)
    going = [u for u in strangers if people.unlisted_leave and not is_left_alone(u, policy)]
    sorting.leavers += [named_only(user.qualified)._replace(said=UNLISTED) for user in going]
    provisioned = want(now, _roster(sorting.joiners), _roster(sorting.leavers), tasks, policy)
    mapping = _Mapping(now, provisioned, people, policy)
    mapping.leave(sorting.leavers, tasks)
    mapping.map(sorting)
    unclear = (_with_licence(now, one, candidates) for one in standings.held)
    held = (*unclear, *sorting.held, *provisioned.held, *mapping.held)
    notes = (*standings.notes, *sorting.told(), *provisioned.notes)
    notes = (*notes, *people.mapping.fit_no_row([one.person for one in standings.people if one.person]))
    wanted = replace(mapping.wanted(), held=tuple(dict.fromkeys(held)), notes=tuple(dict.fromkeys(notes)))
    wanted = replace(wanted, unlisted=told_of(strangers))
    leaving = sum(is_licensed(user.site_role) or tasks.remove_leavers for user in going)
    return WantedPeople(wanted, frozenset(same(one.person) for one in held), leaving)


def leaving(now: Site, standings: Standings, people: PeoplePolicy) -> frozenset[str]:
    """Ids of the users who are to leave: whose content matters where leavers are removed."""
    sorting = _Sorting(now, standings, people)
    sorting.sort()
    return frozenset(user for person in sorting.leavers for user in now.users_named(person.name))


def _with_licence(now: Site, held: Held, candidates: Candidates) -> Held:
    """Who is held though some source says that she left, marked only where somebody on the site keeps a licence."""
    users = now.users_named(held.person) or [c.user for c in candidates.of(named_only(held.person))]
    return replace(held, leaver=held.leaver and any(is_licensed(now.users[user].site_role) for user in users))


def _roster(people: Sequence[Person]) -> Roster:
    return Roster(ROSTER, tuple(people), count=len(people))


# -- who is a joiner, who a leaver, who neither ----------------------------------------------------------------


class _Sorting:
    """Sorts the people into joiners, leavers and those who are held, by the names they have on Tableau.

    `mapped` has what the mapping gives everybody who is active, by user name.
    """

    def __init__(self, now: Site, standings: Standings, people: PeoplePolicy) -> None:
        self.now, self.standings, self.people = now, standings, people
        self.joiners: list[Person] = []
        self.leavers: list[Person] = []
        self.held: list[Held] = []
        self.notes: list[str] = []
        self.mapped: dict[str, tuple[Standing, Mapped]] = {}
        self.not_mapped: list[str] = []

    def sort(self) -> None:
        """Everybody once, by user name."""
        active = [one for one in self.standings.people if not one.why_left and not one.waits and self._is_meant(one)]
        left = [one for one in self.standings.people if one.why_left and self._may_lose(one)]
        active_by_name = {same(one.name): one for one in active}
        joiners = self._named(self.people.joiners, active)
        self.leavers = self._named(self.people.leavers, left)
        mine = frozenset(user for person in joiners for user in self.now.users_named(person.name))
        for person in joiners:
            if not self._is_held(active_by_name[same(person.source)], person.name, mine):
                self.joiners.append(person)
        left_by_name = {same(one.name): one for one in left}
        leavers, self.leavers = self.leavers, []
        for person in leavers:
            if not self._is_held(left_by_name[same(person.source)], person.name, mine):
                self.leavers.append(person)

    def _named(self, resolving: Resolving, people: Sequence[Standing]) -> list[Person]:
        """These people with their names on Tableau; a directory holds whom it cannot tell."""
        resolved = resolving(_roster([_person(one) for one in people]))
        self.held += resolved.held
        self.notes += resolved.notes
        return list(resolved.roster.people)

    def _is_meant(self, standing: Standing) -> bool:
        """Whether somebody active is looked at: where only mapped people are added, the others must be there."""
        assert standing.person is not None  # whom no source lists is not active
        mapped = self.people.mapping.gives(standing.person)
        self.mapped[same(standing.name)] = standing, mapped
        if self.people.only_mapped and not mapped.applies and not self._users(standing.name):
            self.not_mapped.append(standing.name)
            return False
        return True

    def _may_lose(self, standing: Standing) -> bool:
        """Whether somebody who left is new to it, or was, and is on the site again."""
        return standing.was is None or not standing.was.left or bool(self._users(standing.name))

    def _users(self, name: str) -> tuple[str, ...]:
        """Users of that name, whatever their domain where none is of that one."""
        return self.now.users_named(name) or self.now.users_named(name.rpartition("\\")[2])

    def _is_held(self, standing: Standing, name: str, mine: frozenset[str]) -> bool:
        """Whether she is on the site under another name: a rename keeps what she owns, a second user would not."""
        if self.now.users_named(name):
            return False
        old = [user for user in self._users(standing.was_called) if user not in mine] if standing.was_called else []
        if old:
            reason = f"has another user name now: was `{standing.was_called}` ({standing.said})"
            keeps = bool(standing.why_left) and is_licensed(self.now.users[old[0]].site_role)
            remedy = rename_words(self.now.users[old[0]].qualified, name)
            self.held.append(Held(standing.name, reason, remedy, keeps))
        return bool(old)

    def told(self) -> Iterator[str]:
        """Remarks on all of them."""
        yield from self.notes
        words = [standing.word for standing in self.standings.people]
        for word in ("mover", "rehire"):
            if word in words:
                number = words.count(word)
                yield f"{number} {word}{'s' if number > 1 else ''}: {_who(self.standings, word)}"
        if self.not_mapped:
            many = f"{len(self.not_mapped)} people are not added, because no entry of the mapping applies"
            yield f"{many}: {some(self.not_mapped)}"


def _person(standing: Standing) -> Person:
    """For provisioning; `source` carries the name of the sources, for a directory may give another."""
    person = standing.person
    if person is None:
        return Person(standing.name, "", "", "", 0, standing.name, standing.said)
    said = f"rehire: {standing.said}" if standing.is_back else standing.said
    full_name, email, auth = (person.value(name) for name in (FULL_NAME, EMAIL, AUTH_SETTING))
    return Person(standing.name, full_name, email, auth, person.rows[0][1], standing.name, said)


def _who(standings: Standings, word: str) -> str:
    return some([standing.name for standing in standings.people if standing.word == word])


# -- what the mapping gives ------------------------------------------------------------------------------------


class _Mapping:
    """Mapped groups and site roles on top of what provisioning wants; `wanted()` is the result."""

    def __init__(self, now: Site, provisioned: Wanted, people: PeoplePolicy, policy: Policy) -> None:
        self.now, self.site, self.people, self.policy = now, provisioned.site, people, policy
        self.why = provisioned.why
        self.heir = now.find_user(policy.assets_to).id if policy.assets_to else ""
        self.users = dict(provisioned.site.users)
        self.sentences = dict(provisioned.why.sentences)
        self.held: list[Held] = []
        self.keys: dict[str, list[str]] = {}
        self.groups = dict(self._groups())
        self.members = {
            known: set(self.site.members(g.id)) for known, g in self.groups.items() if g.id in self.now.groups
        }
        self.created: set[str] = set()
        self.seats: dict[str, int | None] = {}
        self.met: dict[str, str] = {}

    def _groups(self) -> Iterator[tuple[str, Group]]:
        """The mapped groups that people enter through Tableau; the sign-in group is provisioning's business."""
        site, known_by_id = self.site, dict[str, str]()
        sign_in = meant(self.policy.group, site.groups, site.groups_named, lambda _: ())
        for known, name in self.people.mapping.groups.items():
            ids = meant(name, site.groups, site.groups_named, lambda _: ())
            if known == same(self.policy.group.strip()) or set(ids) & set(sign_in):
                continue
            domain, _, bare = unquoted(name).rpartition("\\")
            local = [g for g in map(site.groups.__getitem__, ids) if g.domain.casefold() == LOCAL and not g.everyone]
            first = known_by_id.setdefault(local[0].id if local else f"new:group:{same(bare)}", known)
            self.keys.setdefault(first, []).append(known)
            if first != known:
                continue  # the same group by another name
            if local and local[0].members is not None:
                yield known, local[0]
            elif ids or same(domain) not in NO_DOMAIN:
                reason = "is mapped, and is a group nobody is put into through Tableau"
                self.held.append(Held(name, reason, "map a local group, or put people into it in the directory"))
            else:
                # The id is only a place-holder until Tableau gives one.
                yield known, Group(f"new:group:{same(bare)}", bare, LOCAL, frozenset())

    def leave(self, leavers: Sequence[Person], tasks: Tasks) -> None:
        """Leavers out of the mapped groups."""
        out = tasks.remove_leavers_from_group or tasks.remove_leavers or self.policy.all_groups
        for person in leavers if out else ():
            user = self._user(person.name)
            if user is not None:
                for known, group in self.groups.items():
                    self._out(user, known, group, f"{LEAVER}{person.said}")

    def map(self, sorting: _Sorting) -> None:
        """Everybody else into the groups that apply and out of those that do not, with the role the mapping gives."""
        for person in sorting.joiners:
            standing, mapped = sorting.mapped[same(person.source)]
            user = self._user(person.name)
            if user is None:
                continue
            twin = self.met.setdefault(user.id, standing.name)
            if twin != standing.name:
                reason = f"is the same user as another: `{twin}` ({standing.said})"
                self.held.append(Held(standing.name, reason, "write one name in all sources, or an override"))
                continue
            self._regroup(user, standing, mapped)
            if mapped.site_role is not None:
                self._role(self.users[user.id], mapped.site_role, _prefix(standing))

    def _user(self, name: str) -> User | None:
        """The one user of that name, unless provisioning leaves that user alone."""
        ids = self.site.users_named(name)
        user = self.users.get(ids[0]) if len(ids) == 1 else None
        return None if user is None or is_left_alone(user, self.policy) else user

    def _regroup(self, user: User, standing: Standing, mapped: Mapped) -> None:
        for known, group in self.groups.items():
            gives = next((mapped.groups[key] for key in self.keys[known] if key in mapped.groups), None)
            if gives is None:
                moved = f"mover, {standing.moved} ({standing.said})"
                self._out(
                    user, known, group, moved if standing.moved else f"nothing maps to it any more ({standing.said})"
                )
            elif user.id not in self.members.setdefault(known, set()):
                self.members[known].add(user.id)
                self.sentences[user.id, group.id] = f"{_prefix(standing)}{gives.because}"
                if group.id not in self.site.groups:
                    self.created.add(known)
                    near = hint(group.name, {one.name: "" for one in self.now.groups.values()})
                    self.sentences[group.id, EXISTS] = f"the mapping names it, and it is not there yet{near}"

    def _out(self, user: User, known: str, group: Group, because: str) -> None:
        if user.id in self.members.get(known, ()):
            self.members[known].discard(user.id)
            self.sentences[user.id, group.id] = because

    def _role(self, user: User, gives: Gives, prefix: str) -> None:
        wanted, has = rank(gives.what) or 0, rank(user.site_role) or 0
        if wanted > has:
            if self._takes_seat(user, gives.what):
                self._set(user, gives.what, f"{prefix}{gives.because}")
        elif self.people.lower and wanted < has:
            floor = max((self._minimum(user), gives.what), key=lambda role: rank(role) or 0)
            if user.id == self.heir:
                reason = f"receives what leavers own (`assets_to`), and is not lowered to {gives.what}"
                self.held.append(Held(user.qualified, reason, "name somebody else in `assets_to`"))
            elif (rank(floor) or 0) < has:
                self._set(user, floor, f"{prefix}{gives.because}; `lower` is set")

    def _minimum(self, user: User) -> str:
        """The highest role that the groups of this user grant: below it Tableau would raise the user again."""
        ours = {group.id: known for known, group in self.groups.items()}
        mine = (
            group.minimum_site_role
            for group in self.site.groups.values()
            if group.minimum_site_role
            and user.id in self.members.get(ours.get(group.id, ""), self.site.members(group.id))
        )
        return max(mine, key=lambda role: rank(role) or 0, default="Unlicensed")

    def _takes_seat(self, user: User, role: str) -> bool:
        """Whether a seat is left for the role; none is needed where the user has one of that tier already."""
        tier = licence_of(role) or ""
        if licence_of(user.site_role) == tier:
            return True
        if tier not in self.seats:
            left = [seats for site in (self.now, self.site) if (seats := free_seats(site, tier)) is not None]
            self.seats[tier] = min(left) if left else None
        seats = self.seats[tier]
        if seats is not None and seats <= 0:
            remedy = f"free or buy {tier} seats, then run again; everything else of this person is done"
            self.held.append(Held(user.name, f"no {tier} seat is left for the site role {role}", remedy))
            return False
        self.seats[tier] = None if seats is None else seats - 1
        return True

    def _set(self, user: User, role: str, because: str) -> None:
        self.users[user.id] = replace(user, site_role=role)
        self.sentences[user.id, SITE_ROLE] = because

    def wanted(self) -> Wanted:
        """Everything decided so far, as a Site."""
        changed: Mapping[str, Group] = {
            group.id: replace(group, members=frozenset(self.members[known]))
            for known, group in self.groups.items()
            if known in self.created or group.id in self.site.groups
        }
        site = replace(self.site, users=self.users, groups={**self.site.groups, **changed})
        return Wanted(site, replace(self.why, sentences=self.sentences))


def _prefix(standing: Standing) -> str:
    return f"{standing.word}, " if standing.word else ""
