"""What joiners and leavers make of a Site: seven tasks, one group that grants a role on sign-in, people held."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Set
from dataclasses import dataclass, field, replace

from tabwarden.model.capability import KIND_NAMES
from tabwarden.model.errors import UnknownName
from tabwarden.model.names import same
from tabwarden.model.resolver import compared
from tabwarden.model.roles import is_admin, is_licensed, may_own, rank
from tabwarden.model.seats import free_seats
from tabwarden.model.site import LOCAL, ON_LOGIN, Group, Site, User
from tabwarden.model.takes import Authentication, SiteTakes
from tabwarden.want.candidates import Candidates, KnownAs, parted, row_of
from tabwarden.want.described import Described, Remarks, named
from tabwarden.want.roster import Person, Roster
from tabwarden.want.sign_in_group import sign_in_group
from tabwarden.want.wanted import DETAILS, EXISTS, LEAVER, SITE_ROLE, Held, Wanted, Why

UNLICENSED, VIEWER, GUEST = "Unlicensed", "Viewer", "Guest"
NOT_RANKED = ("Guest", "SupportUser")


@dataclass(frozen=True, slots=True, kw_only=True)
class Tasks:
    """The seven tasks, in the order in which they are carried out, called as in the settings."""

    add_joiners: bool = True
    add_joiners_to_group: bool = True
    set_joiners_viewer: bool = False
    remove_leavers_from_group: bool = True
    set_leavers_unlicensed: bool = True
    add_leavers_to_group: bool = False
    remove_leavers: bool = False


@dataclass(frozen=True, slots=True)
class Policy:
    """What the tasks need.

    `group` is the group that grants `minimum_site_role` on sign-in (None: what it grants already); empty: there is
    none. `authentication` is that of new people, with `change_authentication` of those who are there too.
    `assets_to` is the user who receives what removed leavers own; empty: whoever owns something is not removed.
    `all_groups` takes leavers out of every group, whatever leaves those of `mapped` (as compared) to the mapping.
    `protected` are user names that are never touched; `own_id` is the user who runs this. `owners` has the kinds of
    what users (ids) own, None when that was not read; `takes` is what the site takes, `known_as` what else is known
    of names.
    """

    group: str = ""
    minimum_site_role: str | None = None
    grant_on: str = ON_LOGIN
    authentication: Authentication | None = None
    change_authentication: bool = False
    assets_to: str = ""
    all_groups: bool = False
    mapped: frozenset[str] = frozenset()
    protected: tuple[str, ...] = ()
    own_id: str = ""
    owners: Mapping[str, Collection[str]] | None = None
    takes: SiteTakes = field(default_factory=SiteTakes)
    known_as: KnownAs = field(default_factory=KnownAs)


def want(now: Site, joiners: Roster, leavers: Roster, tasks: Tasks, policy: Policy) -> Wanted:
    """The Site as joiners and leavers would have it, with a sentence for each difference.

    A leaver who is the user who runs this, or is protected, is *not* left alone here: the plan shows what was
    asked and a lock-out stop says no to all of it, because a list that names them cannot be trusted.
    """
    candidates = Candidates(now, policy.known_as, joiners.people, leavers.people)
    deciding = _Deciding(now, tasks, policy, candidates)
    deciding.find_the_group(any_joiners=bool(joiners.people), any_leavers=bool(leavers.people))
    both = deciding.in_both(joiners, leavers) if leavers.people else ()
    for person in joiners.people:
        if not both or same(person.name) not in both:
            deciding.joiner(person)
    for person in leavers.people:
        if same(person.name) not in both:
            deciding.leaver(person)
    return deciding.wanted()


def is_protected(user: User, names: tuple[str, ...]) -> bool:
    """Whether one of `names` (bare, `domain\\name` or id, any letter case, perhaps in quotes) is this user's."""
    return not compared(names).isdisjoint((same(user.name), same(f"{user.domain}\\{user.name}"), same(user.id)))


def is_left_alone(user: User, policy: Policy) -> bool:
    """Whether nothing is done about a user: administrators, the guest, protected names, who runs this."""
    ranked = not is_admin(user.site_role) and user.site_role not in NOT_RANKED
    return not ranked or is_protected(user, policy.protected) or user.id == policy.own_id


class _Deciding:
    """Takes one person after the other; `wanted()` is the result."""

    def __init__(self, now: Site, tasks: Tasks, policy: Policy, candidates: Candidates) -> None:
        self.now, self.tasks, self.policy = now, tasks, policy
        self.users = dict(now.users)
        self.groups = dict(now.groups)
        self.members: dict[str, Set[str]] = {g.id: g.members or frozenset() for g in now.groups.values()}
        self.group: Group | None = None
        self.sentences: dict[tuple[str, str], str] = {}
        self.heirs: dict[str, str] = {}
        self.held: list[Held] = []
        self.notes: list[str] = []
        self.remarks = Remarks()
        self.described = Described(policy.takes, policy.authentication, change=policy.change_authentication)
        self.seats = self.seats_at_first = free_seats(now, VIEWER)
        self.candidates = candidates
        self.met: set[str] = set()
        self.heir = self._find_heir()

    # -- the group that grants a role on sign-in --------------------------------------------------------------

    def find_the_group(self, *, any_joiners: bool, any_leavers: bool) -> None:
        """Find, create or correct it; without it, what needs it is held."""
        tasks, policy = self.tasks, self.policy
        needed = (any_joiners and tasks.add_joiners_to_group) or (any_leavers and tasks.add_leavers_to_group)
        group = sign_in_group(self.now, policy.group, policy.minimum_site_role, policy.grant_on, needed=needed)
        self.held += [group.held] if group.held is not None else []
        if group.group is None:
            return
        self.group = self.groups[group.group.id] = group.group
        self.members.setdefault(group.group.id, frozenset())
        if group.aspect:
            self.sentences[group.group.id, group.aspect] = group.because

    # -- who is meant -----------------------------------------------------------------------------------------

    def in_both(self, joiners: Roster, leavers: Roster) -> frozenset[str]:
        """The names (as compared) of people who are joiner and leaver at once; they are held, once each."""
        leaving = {key: person for person in leavers.people for key in self._keys(person)}
        names: set[str] = set()
        for person in joiners.people:
            keys = self._keys(person)
            twin = next((leaving[key] for key in keys if key in leaving), None)
            if twin is not None:
                names |= {same(person.name), same(twin.name)}
                keeps = self._are_licensed((*keys, *self._keys(twin)))
                self.held.append(replace(self.candidates.both(person, twin), leaver=keeps))
        return frozenset(names)

    def _keys(self, person: Person) -> tuple[str, ...]:
        """What two rows of one person have in common: the name, the user, or who it may be."""
        ids = self.now.users_named(person.name) or tuple(one.user for one in self.candidates.of(person))
        return (same(person.name), *(ids if len(ids) == 1 else ()))

    def _are_licensed(self, users: Collection[str]) -> bool:
        """Whether one of these keeps a licence."""
        return any(is_licensed(self.users[user].site_role) for user in users if user in self.users)

    def _match(self, person: Person) -> tuple[User, ...] | None:
        """The user a person is, in a tuple that is empty when there is none; None when it is unclear: held."""
        if person.name[:1] in "Gg" and same(person.name) == same(GUEST):
            self.held.append(Held(person.name, "the guest is Tableau's own", "take it out of the list"))
            return None
        ids = self.now.users_named(person.name)
        if len(ids) > 1:
            names = ", ".join(sorted(f"`{self.now.users[i].domain}\\{self.now.users[i].name}`" for i in ids))
            self.held.append(Held(person.name, f"several users have this name: {names}", "write it with its domain"))
            return None
        if ids and ids[0] in self.met:  # named twice, with and without the domain
            return None
        self.met.update(ids)
        return tuple(map(self.now.users.__getitem__, ids))

    # -- joiners ----------------------------------------------------------------------------------------------

    def joiner(self, person: Person) -> None:
        """Adds, puts into the group, raises to Viewer; never lowers anybody."""
        match = self._match(person)
        if match is None:
            return
        user = match[0] if match else self._new(person)
        if user is None or self._stays_untouched(user):
            return
        if match:
            user = self._there(user, person)
        if self.tasks.add_joiners_to_group and self.group is not None:
            if user.id not in self.members[self.group.id]:
                self._enter(user, self.group, self.sentences.get((user.id, EXISTS)) or f"joiner, {row_of(person)}")
            self.remarks.eligible += not is_licensed(user.site_role)
        if self.tasks.set_joiners_viewer:
            self._raise(user, person)

    def _new(self, person: Person) -> User | None:
        domain, name = parted(person)
        held = self.candidates.joiner(person)
        if held is not None:
            self.held.append(held)
        elif not self.tasks.add_joiners:
            self.notes.append(f"`{person.name}` is not on the site, and adding joiners is switched off")
        if held is not None or not self.tasks.add_joiners:
            return None
        # The id is only a place-holder until Tableau gives one.
        new = User(f"new:{domain}\\{name}".casefold(), name, UNLICENSED, domain, person.full_name, person.email)
        user = self.described.new(new, person)
        if user is None:
            return None
        self.users[user.id] = user
        self.sentences[user.id, EXISTS] = f"joiner, {row_of(person)}"
        return user

    def _there(self, user: User, person: Person) -> User:
        """Somebody who is on the site, with the details that the list has of him."""
        if not is_licensed(user.site_role):
            ours = "" if self.group is None else self.group.name
            groups = (self.groups[group] for group in self.now.groups_of(user.id))
            others = sorted(group.name for group in groups if not group.everyone and group.name != ours)
            self.remarks.back += [named(user, others)] if others else []
        described = self.described.known(user, person)
        if described != user:
            self.users[user.id] = described
            self.sentences[user.id, DETAILS] = f"as in {row_of(person)}"
        return described

    def _stays_untouched(self, user: User) -> bool:
        if is_admin(user.site_role):
            self.notes.append(f"`{user.qualified}` is {user.site_role}; administrators are left as they are")
            return True
        if user.id == self.policy.own_id or (self.policy.protected and is_protected(user, self.policy.protected)):
            self.notes.append(f"`{user.qualified}` is protected and left as is")
            return True
        return user.site_role in NOT_RANKED

    def _raise(self, user: User, person: Person) -> None:
        if _grants(user.site_role):
            return
        if self.seats is not None and self.seats <= 0:
            given = f"left: the {self.seats_at_first} free seats go to joiners before"
            reason = f"no {VIEWER} seat is {given if self.seats_at_first else 'free'}"
            remedy = f"free or buy {VIEWER} seats, then run again; everything else of this person is done"
            self.held.append(Held(user.qualified, reason, remedy))
            return
        if self.seats is not None:
            self.seats -= 1
        self.users[user.id] = replace(user, site_role=VIEWER)
        self.sentences[user.id, SITE_ROLE] = f"joiners get {VIEWER}, {row_of(person)}"

    # -- leavers ----------------------------------------------------------------------------------------------

    def leaver(self, person: Person) -> None:
        """Out of the groups that grant a role, Unlicensed, perhaps back into the group, perhaps removed."""
        before = len(self.held)
        self._leave(person)
        users = self.now.users_named(person.name) or [one.user for one in self.candidates.of(person)]
        self.held[before:] = [replace(held, leaver=self._are_licensed(users)) for held in self.held[before:]]

    def _leave(self, person: Person) -> None:
        match = self._match(person)
        if match is None:
            return
        if not match:
            held = self.candidates.leaver(person)
            if held is not None:
                self.held.append(held)
            elif not self.candidates.of(person):
                self.remarks.absent.append(person.name)
            return
        user = match[0]
        if self._is_held(user):
            return
        because = f"{LEAVER}{row_of(person)}"
        if self.tasks.remove_leavers and self._removed(user, because):
            return
        if self.tasks.remove_leavers_from_group or self.tasks.remove_leavers or self.policy.all_groups:
            self._leave_granting_groups(user, because)
        if self.tasks.set_leavers_unlicensed or self.tasks.remove_leavers:
            self._unlicense(user, because)
        if self.tasks.add_leavers_to_group and self.group is not None:
            self._enter(user, self.group, f"{because}: stays eligible, so that the person may return")
        self._stays(user)

    def _stays(self, user: User) -> None:
        """Remarks on what somebody who stays as Unlicensed has still."""
        groups = (self.groups[group] for group, members in self.members.items() if user.id in members)
        names = sorted(g.name for g in groups if not g.everyone and same(g.name) not in self.policy.mapped)
        if names:
            self.remarks.staying.append(named(user, names))
        kinds = (self.policy.owners or {}).get(user.id, ())
        if kinds and self.tasks.set_leavers_unlicensed and not self.tasks.remove_leavers:
            self.remarks.owning.append(named(user, sorted(KIND_NAMES[k] for k in kinds)))

    def _is_held(self, user: User) -> bool:
        if user.site_role == GUEST:
            self.held.append(Held(user.qualified, "the guest is Tableau's own", "take it out of the list"))
            return True
        if user.id == self.policy.own_id or is_protected(user, self.policy.protected):
            return False  # a lock-out stop, see `want`
        if is_admin(user.site_role):
            remedy = "take the administrator's role away by hand first, if that is meant"
            self.held.append(Held(user.qualified, f"is {user.site_role}; administrators are never touched", remedy))
            return True
        if self.heir is not None and self.heir.id == user.id:
            reason = "is to receive the content of other leavers (`assets_to`)"
            self.held.append(Held(user.qualified, reason, "name somebody else in `assets_to`"))
            return True
        return False

    def _removed(self, user: User, because: str) -> bool:
        """Whether the user is taken off the site; else he is kept as Unlicensed, and that is said."""
        kinds = (self.policy.owners or {}).get(user.id, ())
        owns = self.policy.owners is None or bool(kinds)
        unfit = sorted(kind for kind in kinds if self.heir is not None and not may_own(self.heir.site_role, kind))
        if self.heir is not None and unfit:
            may_not = f"`{self.heir.qualified}` (`assets_to`), who is {self.heir.site_role}, may not own"
            reason = f"owns a {KIND_NAMES[unfit[0]]}, which {may_not}"
            self.held.append(
                Held(user.qualified, f"{reason}; kept as Unlicensed", "name somebody who publishes in `assets_to`")
            )
            return False
        if self.policy.owners is not None and owns and self.heir is None:
            self.notes.append(
                f"`{user.qualified}` owns content and is kept as Unlicensed; to remove the user, say in `assets_to` "
                "who is to own it"
            )
            return False
        if owns and self.heir is not None:
            self.heirs[user.id] = self.heir.id
        del self.users[user.id]
        self.sentences[user.id, EXISTS] = because
        for group in [group for group, members in self.members.items() if user.id in members]:
            self._changing(group).discard(user.id)
        return True

    def _leave_granting_groups(self, user: User, because: str) -> None:
        """Out of the group, and out of every other that would give the role back at the next sign-in."""
        for group_id in sorted(self.now.groups_of(user.id)):
            group = self.groups[group_id]
            ours = self.group is not None and group_id == self.group.id
            grants = _grants(group.minimum_site_role)
            if not (ours or grants or self.policy.all_groups) or is_kept(group):
                continue
            self._changing(group_id).discard(user.id)
            why = ": the group grants a site role" if grants else ": out of all groups"
            self.sentences[user.id, group_id] = because if ours else f"{because}{why}"

    def _unlicense(self, user: User, because: str) -> None:
        mine = [self.groups[g] for g in sorted(self.now.groups_of(user.id))]
        keeper = next((g for g in mine if is_kept(g) and _grants(g.minimum_site_role)), None)
        if keeper is not None and (user.site_role != UNLICENSED or not keeper.everyone):
            reason = f"cannot be Unlicensed: `{keeper.name}` grants its members {keeper.minimum_site_role}"
            where = "let it grant no role" if keeper.everyone else "take the person out of it in the directory"
            self.held.append(Held(user.qualified, reason, where))
        elif user.site_role != UNLICENSED:
            self.users[user.id] = replace(user, site_role=UNLICENSED)
            self.sentences[user.id, SITE_ROLE] = because

    def _find_heir(self) -> User | None:
        if not (self.policy.assets_to and self.tasks.remove_leavers):
            return None
        heir = self.now.find_user(self.policy.assets_to)
        if not is_licensed(heir.site_role):
            raise UnknownName(f"`assets_to` names `{heir.name}`, who is {heir.site_role}; name somebody with a licence")
        return heir

    # -- the result -------------------------------------------------------------------------------------------

    def _enter(self, user: User, group: Group, because: str) -> None:
        if user.id not in self.members[group.id] and not is_kept(group):
            self._changing(group.id).add(user.id)
            self.sentences[user.id, group.id] = because

    def _changing(self, group: str) -> set[str]:
        """The members of a group whose members differ."""
        members = self.members[group]
        if not isinstance(members, set):
            members = self.members[group] = set(members)
        return members

    def wanted(self) -> Wanted:
        """Everything decided so far, as a Site."""
        changed = {group: frozenset(ids) for group, ids in self.members.items() if isinstance(ids, set)}
        read = (g for g in self.groups.values() if g.id in changed and g.members is not None and not g.everyone)
        groups = {**self.groups, **{g.id: replace(g, members=changed[g.id]) for g in read}}
        self.notes += self.remarks.all(self.now, self.group, self.described)
        contents = {
            c.id: replace(c, owner=self.heirs[c.owner]) if c.owner in self.heirs else c
            for c in self.now.contents.values()
        }
        site = replace(self.now, users=self.users, groups=groups, contents=contents)
        owned = {user: tuple(sorted(kinds)) for user, kinds in (self.policy.owners or {}).items()}
        return Wanted(
            site, Why("", self.sentences, self.heirs, owned), (*self.held, *self.described.held), tuple(self.notes)
        )


def _grants(role: str | None) -> bool:
    """Whether a role is more than Unlicensed."""
    return (rank(role or UNLICENSED) or 0) > 0


def is_kept(group: Group) -> bool:
    """Whether nobody enters or leaves it through Tableau: All Users and the directory's groups."""
    return group.everyone or group.domain.casefold() != LOCAL
