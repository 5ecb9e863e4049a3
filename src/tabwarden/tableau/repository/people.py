"""Users, groups, group sets and rules from rows of the repository; a list with an unknown code is not known."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from typing import NamedTuple

from tabwarden.model.roles import is_known
from tabwarden.model.site import NO_RULES, Grantee, Group, GroupSet, Rule, Rules, User
from tabwarden.tableau.repository.codes import (
    GRANTEES,
    GROUP_SET,
    MODES,
    capability_of,
    grant_of,
    kind_of,
    role_of_person,
    site_role_of,
)
from tabwarden.tableau.repository.connecting import Repository
from tabwarden.tableau.repository.selects import FIELD, ROW


class People(NamedTuple):
    """Users, groups and group sets by id; whom a rule's `grantee_type` and number mean; what is not known."""

    users: Mapping[str, User]
    groups: Mapping[str, Group]
    group_sets: Mapping[str, GroupSet]
    grantees: Mapping[tuple[str, str], Grantee]
    remarks: tuple[str, ...]

    def user(self, number: str) -> str:
        """The id of a user by number; '' for one who is not on the site."""
        user = self.grantees.get(("User", number))
        return user.id if user is not None else ""


def read_people(repository: Repository, site: str) -> People:
    """Everybody on the site with that number."""
    grantees: dict[tuple[str, str], Grantee] = {}
    users = _users(repository, site, grantees)
    groups = _groups(repository, site, grantees)
    sets = _group_sets(repository, site, grantees)
    strange = Counter(user.site_role for user in users.values() if not is_known(user.site_role))
    remarks = [*repository.statements["users"].unknown, *repository.statements["groups"].unknown]
    for role, number in sorted(strange.items()):
        remarks.append(f"site roles of {number} users" + (f": what `{role}` is, is not known" if role else ""))
    return People(users, groups, sets, grantees, tuple(remarks))


def _users(repository: Repository, site: str, grantees: dict[tuple[str, str], Grantee]) -> dict[str, User]:
    users: dict[str, User] = {}
    for row in repository.rows("users", site):
        number, luid, name, domain, full_name, email, last_login, level, *role = row
        users[luid] = User(
            id=luid,
            name=name,
            site_role=role_of_person(site_role_of(*role), level),
            domain=domain,
            full_name=full_name,
            email=email,
            last_login=last_login or None,
        )
        grantees["User", number] = Grantee("user", luid)
    return users


def _groups(repository: Repository, site: str, grantees: dict[tuple[str, str], Grantee]) -> dict[str, Group]:
    groups_by_id: dict[str, Group] = {}
    for number, luid, name, domain, everyone, minimum, minimum_name, shown, grant in repository.rows("groups", site):
        groups_by_id[luid] = Group(
            id=luid,
            name=name,
            domain=domain,
            minimum_site_role=site_role_of(minimum, minimum_name, shown) or None,
            grant_on=grant_of(grant),
            everyone=everyone == "true",
        )
        grantees["Group", number] = Grantee("group", luid)
    members: defaultdict[str, list[str]] = defaultdict(list)
    for group, user in repository.rows("memberships", site):
        group_there, who = grantees.get(("Group", group)), grantees.get(("User", user))
        if group_there is not None and who is not None:
            members[group_there.id].append(who.id)
    return {luid: replace(group, members=frozenset(members.get(luid, ()))) for luid, group in groups_by_id.items()}


def _group_sets(repository: Repository, site: str, grantees: dict[tuple[str, str], Grantee]) -> dict[str, GroupSet]:
    names: dict[str, str] = {}
    within: defaultdict[str, set[str]] = defaultdict(set)
    for number, luid, name, group in repository.rows("group sets", site):
        names[luid] = name
        grantees[GROUP_SET, number] = Grantee("groupSet", luid)
        group_there = grantees.get(("Group", group))
        if group_there is not None:
            within[luid].add(group_there.id)
    return {luid: GroupSet(luid, name, frozenset(within[luid])) for luid, name in names.items()}


class Strange(NamedTuple):
    """A rule with a code that has no known meaning; `why` shows it."""

    why: str


class _List(NamedTuple):
    """One list of rules as it was read: None where a code in it is strange; how many rows are of nobody here."""

    rules: Rules | None
    strange: tuple[str, ...] = ()
    gone: int = 0


class Lists:
    """Rule lists by kind and number of what they are on.

    `strange` counts the codes without a known meaning, `types` the lists on kinds that are not known, `gone` the rules
    of users and groups that are not on the site. `seen` are the kinds, `elsewhere` those of lists on nothing known.
    """

    def __init__(self) -> None:
        self.rules: dict[tuple[str, str], Rules | None] = {}
        self.strange: Counter[str] = Counter()
        self.types: Counter[str] = Counter()
        self.seen: set[str] = set()
        self.elsewhere: set[str] = set()
        self.gone = 0

    def get(self, kind: str, number: str) -> Rules | None:
        """The rules on one thing; None where they are not known."""
        return self.rules.get((kind, number), NO_RULES)


class Reading:
    """How the rules of one site are read: whom numbers mean, which capabilities there are.

    `sets_unread` is whether rules speak of group sets that this repository does not tell.
    """

    def __init__(self, repository: Repository, site: str, people: People) -> None:
        self._repository, self._site, self._people = repository, site, people
        self._capabilities = {number: capability_of(name) for number, name in repository.rows("capabilities")}
        # A site has few different lists, and few different rules in them.
        self._lists: dict[str, _List] = {}
        self._rules: dict[str, Rule | Strange | None] = {}
        self.sets_unread = False

    def lists(self, name: str, is_on_site: Callable[[str, str], bool]) -> Lists:
        """The lists of the statement `rules` or `defaults` on things that are `here`, by kind and number.

        Others are of other sites, or stayed when the thing was deleted.
        """
        lists = Lists()
        for type_, number, list_words in self._repository.rows(name, self._site):
            kind = kind_of(type_)
            if kind is None:
                lists.types[type_] += 1
                continue
            if not is_on_site(kind, number):
                lists.elsewhere.add(kind)
                continue
            lists.seen.add(kind)
            if list_words not in self._lists:
                self._lists[list_words] = self._list(list_words)
            one = self._lists[list_words]
            lists.strange.update(one.strange)
            lists.gone += one.gone
            lists.rules[kind, number] = one.rules
        return lists

    def _list(self, list_words: str) -> _List:
        rows = list_words.split(ROW)
        for row in rows:
            if row not in self._rules:
                self._rules[row] = self._rule(row)
        read = [self._rules[row] for row in rows]
        strange = tuple(rule.why for rule in read if isinstance(rule, Strange))
        rules = frozenset(rule for rule in read if isinstance(rule, Rule))
        return _List(None if strange else rules, strange, read.count(None))

    def _rule(self, row: str) -> Rule | Strange | None:
        """What a row says; None where it speaks of somebody who is not, or no longer, on the site."""
        type_, number, capability, permission = row.split(FIELD)
        grantee = self._people.grantees.get((type_, number))
        mode = MODES.get((type_, permission))
        if type_ not in GRANTEES:
            return Strange(f"grantee_type {type_}")
        if mode is None:
            return Strange(f"permission {permission} of a {type_}")
        if grantee is None and type_ == GROUP_SET and self._no_sets:
            self.sets_unread = True
            grantee = Grantee(GRANTEES[type_], f"{type_} {number}")
        if grantee is None:
            return None
        return Rule(grantee, self._capabilities.get(capability, f"capability {capability}"), mode)

    @property
    def _no_sets(self) -> bool:
        return not self._repository.statements["group sets"].sql


def codes_in(lists: Mapping[str, Lists]) -> Iterator[str]:
    """What the rules hold that is not known, in words, with the codes; `lists` are named as in a sentence."""
    for name, things in lists.items():
        for why, number in sorted(things.strange.items()):
            yield f"{name} with the code `{why}`, which is not known ({number} rules)"
        for type_, number in sorted(things.types.items()):
            yield f"{name} on the type `{type_}`, which is not known ({number} things)"
