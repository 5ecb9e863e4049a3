"""Users added, given a site role, removed."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import ClassVar, Self

from tabwarden.effects import people
from tabwarden.effects.change import ALL_GROUPS, CONTENT, NOBODY, Change, Refusal, Value, groups_fact, refused
from tabwarden.effects.content import without_grantee
from tabwarden.effects.draft import Draft, Undoing
from tabwarden.effects.people import Outcome
from tabwarden.effects.ref import GROUP, USER, Lookup, Ref, group_ref, user_of, user_ref
from tabwarden.model.capability import KIND_NAMES
from tabwarden.model.open_points import DOCUMENTED, OpenPoints
from tabwarden.model.roles import SETTABLE, is_server_admin, licence_of, may_own, rank
from tabwarden.model.site import LOCAL, Grantee, Site, User
from tabwarden.model.takes import SiteTakes

NO_RULES, UNLICENSED = "none", "Unlicensed"


@dataclass(frozen=True, slots=True)
class AddUser(Change):
    """Add somebody to the site; `given` is how an import has to write the name where that is not the name itself.

    `full_name` and `email` are empty where nothing is said of them.
    """

    op: ClassVar[str] = "add_user"
    step: ClassVar[str] = "add user"
    WORDS: ClassVar[tuple[str, str, str]] = (
        "add user `{c.user.qualified}` as {c.role}{c.signs_in}{c.is_called}",
        "added user `{c.user.qualified}` as {c.role}{c.signs_in}{c.is_called}",
        "user `{c.user.qualified}` was not added to the site",
    )

    user: Ref
    role: str
    auth_setting: str | None = None
    given: str = ""
    full_name: str = ""
    email: str = ""
    idp_configuration_id: str | None = None

    @classmethod
    def of(cls, ref: Ref, user: User, role: str, because: str = "") -> Self:
        # A directory tells the names of its people itself.
        names = (user.full_name, user.email) if user.domain.casefold() == LOCAL else ("", "")
        return cls(ref, role, user.auth_setting, "", *names, user.idp_configuration_id, because=because)

    @property
    def creates(self) -> Ref:
        return self.user

    @property
    def as_user(self) -> User:
        """The user it makes, with the id he is thought to get."""
        ref, provider = self.user, self.idp_configuration_id
        words = self.full_name, self.email, self.auth_setting
        return User(ref.new_id, ref.name, self.role, ref.domain, *words, idp_configuration_id=provider)

    def fitting(self, takes: SiteTakes) -> AddUser:
        return replace(self, full_name="", email="") if takes.cloud else self

    def refusal(self, draft: Draft) -> Refusal | None:
        if draft.takes.cloud and "@" not in self.user.name:
            return "is no e-mail address, and Tableau Cloud takes no other user names", "write the person's e-mail"
        if self.role not in SETTABLE:
            return f"cannot be added as {self.role}", "add the person as Unlicensed"
        return None

    def done_to(self, site: Site, open_points: OpenPoints = DOCUMENTED) -> Outcome:
        """Without a free seat he silently comes in Unlicensed."""
        return people.add_user(site, self.as_user)

    def carry(self, draft: Draft) -> None:
        draft.add_user(self.user, self.as_user)

    def take_back(self, undoing: Undoing) -> None:
        user = undoing.user(self.user)
        if user is None:
            return
        if undoing.owners is not None and user.id in undoing.owners:
            undoing.hold(user.qualified, "owns content by now", "give the content to somebody else first")
        else:
            undoing.remove_user(user.id)

    def moves(self, facts: dict[str, Value]) -> None:
        facts[self.user.key] = self.role
        facts.pop(f"id of {self.user.key}", None)

    def is_true(self, lookup: Lookup) -> str | None:
        user = lookup.user(self.user)
        return user.id if user is not None else None

    @property
    def signs_in(self) -> str:
        """How, in words."""
        return f" with {self.auth_setting} sign-in" if self.auth_setting else ""

    @property
    def is_called(self) -> str:
        """Display name and e-mail address, in words."""
        if not self.full_name and not self.email:
            return ""
        both = (("full name", self.full_name), ("e-mail", self.email))
        return "".join(f", {name} `{value}`" for name, value in both if value)


@dataclass(frozen=True, slots=True)
class SetRole(Change):
    """Another site role."""

    op: ClassVar[str] = "set_site_role"
    step: ClassVar[str] = "site role"
    WORDS: ClassVar[tuple[str, str, str]] = (
        "set user `{c.user.qualified}` from {c.before} to {c.role}",
        "set user `{c.user.qualified}` from {c.before} to {c.role}",
        "user `{c.user.qualified}` was not set from {c.before} to {c.role}",
    )

    user: Ref
    before: str
    role: str

    @classmethod
    def on(cls, site: Site, user: str, role: str) -> Self:
        return cls(user_ref(site.users[user]), site.users[user].site_role, role)

    @property
    def destructive(self) -> bool:
        return height(self.role) <= height(self.before)

    @property
    def ends_as(self) -> str:
        return self.role

    @property
    def effort(self) -> int:
        return 50 + height(self.role)

    @property
    def shape(self) -> object:
        return "role"

    def done_to(self, site: Site, open_points: OpenPoints = DOCUMENTED) -> Outcome:
        """Refused as REST refuses it: below a group's minimum, without a seat, to or from Server Administrator."""
        user = user_of(site, self.user)
        if user is None:
            return refused(site, NOBODY)
        return people.set_site_role(site, user.id, self.role, open_points=open_points)

    def refusal(self, draft: Draft) -> Refusal | None:
        user = draft.user(self.user)
        if user is None:
            return None
        if is_server_admin(user.site_role) or self.role not in SETTABLE:
            return f"is {user.site_role} and is to be {self.role}, which REST does not set", "set the role by hand"
        floor = draft.floor(user.id)
        if floor is not None and height(self.role) < height(floor[0]):
            reason = f"cannot be {self.role}: group `{floor[1].name}` grants its members {floor[0]} on sign-in"
            return reason, "let the group grant less, or take the person out of it first"
        if not draft.has_seat(user, self.role):
            tier = licence_of(self.role)
            return f"no {tier} seat is left for the site role {self.role}", f"free or buy {tier} seats, then plan again"
        return None

    def carry(self, draft: Draft) -> None:
        if (user := draft.user(self.user)) is not None:
            draft.put(replace(user, site_role=self.role))

    def take_back(self, undoing: Undoing) -> None:
        user = undoing.user(self.user)
        if user is None:
            return
        if user.site_role == self.role:
            undoing.put(replace(user, site_role=self.before))
        elif user.site_role != self.before:
            undoing.hold(user.qualified, f"became {self.role} and is {user.site_role} by now")

    def inverse(self) -> SetRole:
        return SetRole(self.user, self.role, self.before)

    def moves(self, facts: dict[str, Value]) -> None:
        facts[self.user.key] = self.role

    def is_true(self, lookup: Lookup) -> str | None:
        user = lookup.user(self.user)
        return "" if user is not None and user.site_role == self.role else None

    def otherwise(self, lookup: Lookup) -> str:
        user = lookup.user(self.user)
        if user is None:
            return Change.otherwise(self, lookup)
        return f"Tableau left the user at {user.site_role}; plan again, and look whether seats are free"


def height(role: str) -> int:
    """The rank of a site role; one that cannot be ranked (Guest, SupportUser) counts as the lowest."""
    return rank(role) or 0


# -- going ----------------------------------------------------------------------------------------------------


def rules_fact(user: Ref) -> str:
    """The name of the fact that tells all rules for somebody."""
    return f"rules for {user.key}"


def rules_for(site: Site, user: str) -> str:
    """All rules that name a user, as one word that differs when one of them does: `3 rules, 0c9a1b2c3d4e`."""
    lines = sorted(
        f"{content.id} {kind} {rule.capability} {rule.mode}"
        for content in (site.contents[content] for content in site.speaking_of(Grantee(USER, user)))
        for kind, rules in (("", content.rules), *content.defaults.items())
        for rule in rules or ()
        if rule.grantee == Grantee(USER, user)
    )
    word = hashlib.sha256("\n".join(lines).encode()).hexdigest()[:12]
    return f"{len(lines)} rules, {word}" if lines else NO_RULES


def _groups_of(site: Site, user: User | None) -> list[Ref]:
    if user is None:
        return []
    groups = (site.groups[group] for group in site.groups_of(user.id))
    return [group_ref(group) for group in groups if not group.everyone]


@dataclass(frozen=True, slots=True)
class RemoveUser(Change):
    """Remove somebody from the site; `heir` receives what he owns (None: nobody does), the rest is the way back.

    `owns` are the kinds of what he owns, `own_rules` how many rules name him, where that is known: these come back from
    the snapshot before it. Of somebody who gets another user name `rules` is a word
    for all rules that named him, and `given` how an import would have to write the old name.
    """

    op: ClassVar[str] = "remove_user"
    step: ClassVar[str] = "remove user"
    DESTRUCTIVE: ClassVar[bool] = True
    WORDS: ClassVar[tuple[str, str, str]] = (
        "remove user `{c.user.qualified}` from the site{c.goes_to}",
        "removed user `{c.user.qualified}` from the site{c.goes_to}",
        "user `{c.user.qualified}` was not removed from the site",
    )

    user: Ref
    heir: Ref | None = None
    role: str = ""
    auth_setting: str | None = None
    full_name: str = ""
    email: str = ""
    groups: tuple[str, ...] = ()
    rules: str = ""
    given: str = ""
    idp_configuration_id: str | None = None
    owns: tuple[str, ...] = ()
    own_rules: int = 0

    @classmethod
    def on(cls, site: Site, user: str, heir: str | None = None) -> Self:
        """As a change to somebody of the Site, by id, with what is lost."""
        known = site.users[user]
        groups = tuple(sorted(ref.qualified for ref in _groups_of(site, known)))
        heir_ref = user_ref(site.users[heir]) if heir is not None else None
        words, provider = (known.auth_setting, known.full_name, known.email), known.idp_configuration_id
        named = (site.contents[content] for content in site.speaking_of(Grantee(USER, user)))
        lists = (rules for c in named for rules in (c.rules, *c.defaults.values()))
        number = sum(rule.grantee == (USER, user) for rules in lists for rule in rules or ())
        ref, role = user_ref(known), known.site_role
        return cls(ref, heir_ref, role, *words, groups, idp_configuration_id=provider, own_rules=number)

    @property
    def needs(self) -> Ref | None:
        return self.waits_for or self.heir

    @property
    def reads(self) -> frozenset[str]:
        return frozenset((ALL_GROUPS, CONTENT) if self.rules or self.own_rules else (ALL_GROUPS,))

    @property
    def writes_content(self) -> bool:
        return self.own_rules > 0 and not self.rules

    @property
    def ends_as(self) -> str:
        return ""

    @property
    def renamed_to(self) -> Ref | None:
        return self.heir if self.rules else None

    def done_to(self, site: Site, open_points: OpenPoints = DOCUMENTED) -> Outcome:
        """An owner without heir stays, out of his groups and Unlicensed; the Outcome says it was not done."""
        lookup = Lookup(site)
        user, heir = lookup.user(self.user), lookup.user(self.heir)
        if user is None:
            return refused(site, NOBODY)
        return people.remove_user(site, user.id, heir=None if heir is None else heir.id)

    def refusal(self, draft: Draft) -> Refusal | None:
        user, heir = draft.user(self.user), draft.user(self.heir)
        if user is None or heir is None:
            return None
        owns = self.owns or draft.owned_kinds.get(user.id, ())
        kinds = sorted(kind for kind in owns if not may_own(heir.site_role, kind))
        if not kinds:
            return None
        may_not = f"`{heir.qualified}`, who is {heir.site_role}, may not own"
        return (
            f"owns a {KIND_NAMES[kinds[0]]}, which {may_not}",
            "name an heir who publishes, or give a higher site role",
        )

    def carry(self, draft: Draft) -> None:
        user, heir = draft.user(self.user), draft.user(self.heir)
        if user is None:
            return
        draft.remove_user(user.id)
        if self.writes_content:
            draft.on_content.append(lambda site: without_grantee(site, Grantee(USER, user.id)))
        if heir is not None:
            draft.heirs[user.id] = heir.id

    def take_back(self, undoing: Undoing) -> None:
        ref, user = self.user, undoing.user(self.user)
        if user is not None:
            self._licensed_again(undoing, user)
        elif undoing.lookup.user(ref.with_id(None)) is not None:
            undoing.notes.append(f"`{ref.qualified}` is on the site again already")
        else:
            words = self.full_name, self.email, self.auth_setting
            user = User("", ref.name, self.role, ref.domain, *words, idp_configuration_id=self.idp_configuration_id)
            self._into_groups(undoing, undoing.add_user(ref, user))
            heirs = f", and what the user owned stays with `{self.heir.qualified}`" if self.heir else ""
            lost = "favourites are" if self.writes_content else "rules for the user in person and favourites are"
            undoing.notes.append(f"`{ref.qualified}` is added again as a new user: {lost} lost{heirs}")

    def _licensed_again(self, undoing: Undoing, user: User) -> None:
        """Of somebody whom Tableau did not remove, and who was made Unlicensed instead."""
        if user.site_role == UNLICENSED:
            undoing.put(replace(user, site_role=self.role))
            self._into_groups(undoing, user.id)
        elif user.site_role != self.role:
            undoing.hold(user.qualified, f"became {UNLICENSED} and is {user.site_role} by now")

    def _into_groups(self, undoing: Undoing, user_id: str) -> None:
        ref = self.user
        for name in self.groups:
            domain, _, bare = name.rpartition("\\")
            group = undoing.group(Ref(GROUP, bare, domain or LOCAL))
            if group is None or group.domain.casefold() != LOCAL:
                undoing.hold(ref.qualified, f"was in group `{name}`", "put the user into it by hand")
            elif group.id in undoing.members:
                undoing.members[group.id].add(user_id)

    def facts(self, lookup: Lookup) -> Iterator[tuple[str, Value]]:
        yield from Change.facts(self, lookup)
        user = lookup.user(self.user)
        yield groups_fact(self.user), tuple(sorted(ref.key for ref in _groups_of(lookup.site, user)))
        if self.rules:
            yield rules_fact(self.user), rules_for(lookup.site, user.id if user else "")

    def moves(self, facts: dict[str, Value]) -> None:
        key = self.user.key
        facts[key] = facts[f"id of {key}"] = None
        facts[groups_fact(self.user)] = ()
        if rules_fact(self.user) in facts:
            facts[rules_fact(self.user)] = NO_RULES
        for name in [name for name in facts if name.startswith(f"{key} in ")]:
            facts[name] = False

    def is_true(self, lookup: Lookup) -> str | None:
        return "" if lookup.user(self.user) is None else None

    @property
    def goes_to(self) -> str:
        """The heir, in words."""
        return f"; what the user owns goes to `{self.heir.qualified}`" if self.heir else ""
