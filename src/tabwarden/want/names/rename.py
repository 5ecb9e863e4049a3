"""A person under another user name: the new user with everything the old one had, the old one gone.

Tableau renames nobody: the account is deleted and imported again ("User Management in Active Directory Deployments",
on names imported by UPN). What Tableau keeps for a user and no rule tells (favourites, subscriptions) goes with it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import NamedTuple

from tabwarden.model.capability import KIND_NAMES
from tabwarden.model.errors import TabwardenError
from tabwarden.model.names import same
from tabwarden.model.roles import SETTABLE, is_licensed, licence_of, may_own, rank
from tabwarden.model.seats import free_seats
from tabwarden.model.site import ALLOW, LOCAL, Content, Grantee, Group, Rule, Rules, Site, User
from tabwarden.model.tables import grouped
from tabwarden.want.directory import Directory
from tabwarden.want.names.identity import imported_by_mistake, told
from tabwarden.want.names.imports import Imports
from tabwarden.want.provision import UNLICENSED
from tabwarden.want.wanted import EXISTS, SITE_ROLE, Held, Wanted, Why

LOST = "favourites, subscriptions, alerts, custom views and personal access tokens do not come along"


class Rename(NamedTuple):
    """A user (id) who becomes `domain\\name`; `because` is a reason for people.

    `given` are the words that an import makes the new name of, `old_given` those for the old name, for the way back;
    empty: the name itself. A UPN prefix is made of the whole UPN only.
    """

    old: str
    name: str
    domain: str = LOCAL
    because: str = ""
    given: str = ""
    old_given: str = ""

    @property
    def qualified(self) -> str:
        """The new name as a person types it."""
        return self.name if self.domain.casefold() == LOCAL else f"{self.domain}\\{self.name}"


def new_id(rename: Rename) -> str:
    """The id of the new user until Tableau gives one: the same as that of a plan that adds him."""
    return f"new:user:{rename.domain.casefold()}\\{rename.name.casefold()}"


def renames_of(now: Site, words: Iterable[str]) -> tuple[Rename, ...]:
    """`OLD=NEW` each, both as `name` or `domain\\name`; a new name without domain stays in the old one's domain.

    TabwardenError with every one that is not of that form; UnknownName, AmbiguousName for old names.
    """
    renames, wrong = [], []
    for word in words:
        old, equals, new = word.partition("=")
        if not (equals and old.strip() and new.strip()):
            wrong.append(f"`{word}`")
            continue
        user = now.find_user(old.strip())
        domain, slash, name = new.strip().rpartition("\\")
        renames.append(Rename(user.id, name, domain if slash else user.domain, "asked for"))
    if wrong:
        raise TabwardenError(f"a rename is written OLD=NEW, as in `corp\\john.smith=jsmith`, not {', '.join(wrong)}")
    return tuple(renames)


def upn_renames(now: Site, directory: Directory) -> tuple[tuple[Rename, ...], tuple[Held, ...]]:
    """The renames that give users imported by UPN their sAMAccountName; who is held because that is unclear."""
    mistakes, held = imported_by_mistake(directory, now)
    renames = (
        Rename(
            user.id,
            person.sam_account_name,
            user.domain,
            f"imported by UPN; `{told(person)}` is the sAMAccountName",
            old_given=person.upn,
        )
        for user, person in mistakes
    )
    return tuple(renames), tuple(held)


def importable(
    now: Site, directory: Directory, renames: Sequence[Rename]
) -> tuple[tuple[Rename, ...], tuple[Held, ...]]:
    """The renames whose new name an import really makes; the others held. Local names are nobody's business."""
    fit: list[Rename] = []
    held: list[Held] = []
    for one in renames:
        if one.domain.casefold() == LOCAL:
            fit.append(one)
            continue
        where = directory.domain(one.domain)
        checked = Imports(directory, now=now).check(f"{where.fqdn if where else one.domain}\\{one.name}")
        old = now.users[one.old].qualified
        if checked.refusal is not None:
            held.append(Held(old, checked.refusal.reason, checked.refusal.remedy))
        elif same(checked.name) != same(one.name):
            remedy = f"rename to `{one.domain}\\{checked.name}`"
            held.append(Held(old, f"an import of `{one.qualified}` makes the user `{checked.qualified}`", remedy))
        else:
            # By the word that Tableau has for the domain.
            fit.append(
                one._replace(domain=now.users[checked.user].domain if checked.user is not None else checked.domain)
            )
    return tuple(fit), tuple(held)


def renamed(now: Site, renames: Sequence[Rename], *, keep_old: bool = False, protected: Iterable[str] = ()) -> Wanted:
    """The Site with each old user's groups, rules, ownership and site role on the new one, and the old one gone.

    `now` is read with content. `keep_old` leaves the old user, Unlicensed. Where the new user is on the site already
    the two become one: of two site roles the higher, of an Allow and a Deny the Deny. `heirs` of the result names the
    new user of each old one. Held are those who cannot be renamed; ids of `protected` among them.
    """
    work = _Work(now, keep_old, frozenset(protected))
    for rename in renames:
        if work.fits(rename, renames):
            work.take(rename)
    return work.wanted()


@dataclass
class _Work:
    """A wanted Site in the making; only inside `renamed`."""

    now: Site
    keep_old: bool
    protected: frozenset[str]
    new: dict[str, str] = field(default_factory=dict)
    added: dict[str, User] = field(default_factory=dict)
    sentences: dict[tuple[str, str], str] = field(default_factory=dict)
    held: list[Held] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    seats: dict[str, int | None] = field(default_factory=dict)

    # -- who can be renamed -----------------------------------------------------------------------------------

    def fits(self, rename: Rename, all_of_them: Sequence[Rename]) -> bool:
        """Whether it can be done; else it is held."""
        old = self.now.users[rename.old]
        refused = self._refusal(rename, old, all_of_them)
        if refused is not None:
            self.held.append(Held(old.qualified, *refused))
        return refused is None

    def _refusal(self, rename: Rename, old: User, all_of_them: Sequence[Rename]) -> tuple[str, str] | None:
        if (same(old.name), same(old.domain)) == (same(rename.name), same(rename.domain)):
            return "has that name already", "take it off the list"
        if old.site_role not in SETTABLE:
            return f"is {old.site_role}, which is neither given nor taken through REST", "rename this user by hand"
        if rename.old in self.protected:
            return "is protected, or runs this", "let another administrator rename this user"
        if sum(1 for one in all_of_them if one.old == rename.old) > 1:
            return "is to get several names", "keep one of them"
        twins = [one for one in all_of_them if same(one.qualified) == same(rename.qualified)]
        if len(twins) > 1:
            names = ", ".join(f"`{self.now.users[one.old].qualified}`" for one in twins)
            return f"several would become `{rename.qualified}`: {names}", "rename one of them"
        there = self._there(rename)
        if there is not None and any(one.old == there.id for one in all_of_them):
            return f"would become `{rename.qualified}`, who is to be renamed too", "rename one after the other"
        return self._may_not_own(rename, old) or self._no_seat(rename, old)

    def _may_not_own(self, rename: Rename, old: User) -> tuple[str, str] | None:
        """Somebody may own from earlier what nobody of that site role is given."""
        there = self._there(rename)
        role = old.site_role if there is None else _higher(old, there)
        unfit = next((c for c in self._owned.get(old.id, ()) if not may_own(role, c.kind)), None)
        if unfit is None:
            return None
        reason = f"owns {KIND_NAMES[unfit.kind]} `{self.now.path(unfit.id)}`, which no {role} is given"
        return reason, "give that to somebody who publishes, or give a higher site role first"

    @cached_property
    def _owned(self) -> Mapping[str, Sequence[Content]]:
        return grouped((content.owner, content) for content in self.now.contents.values() if content.kind != "view")

    def _no_seat(self, rename: Rename, old: User) -> tuple[str, str] | None:
        """For a moment both users hold a licence: the new one is whole before the old one goes."""
        tier = licence_of(old.site_role)
        there = self._there(rename)
        if tier is None or (there is not None and is_licensed(there.site_role)):
            return None
        free = self.seats.setdefault(tier, free_seats(self.now, tier))
        if free is None:
            return None
        if free <= 0:
            reason = f"no {tier} seat is free, and for a moment the old and the new user both hold one"
            return reason, f"free a {tier} seat, or rename fewer at a time"
        self.seats[tier] = free - 1
        return None

    def _there(self, rename: Rename) -> User | None:
        users = (self.now.users[user] for user in self.now.users_named(f"{rename.domain}\\{rename.name}"))
        return next(users, None)

    # -- one of them ------------------------------------------------------------------------------------------

    def take(self, rename: Rename) -> None:
        """The new user, and what is to be said of it."""
        old, there = self.now.users[rename.old], self._there(rename)
        because = f"`{old.qualified}` becomes `{rename.qualified}`: {rename.because or 'asked for'}"
        if there is None:
            user = replace(old, id=new_id(rename), name=rename.name, domain=rename.domain, last_login=None)
        else:
            user = replace(there, site_role=_higher(old, there))
            self.notes.append(
                f"`{rename.qualified}` is on the site already: what both have comes together, of an Allow and a Deny "
                "the Deny"
            )
        self.new[rename.old] = user.id
        self.added[user.id] = user
        self.sentences[user.id, EXISTS] = self.sentences[user.id, SITE_ROLE] = because
        self.sentences[rename.old, EXISTS] = self.sentences[rename.old, SITE_ROLE] = because
        self.notes.append(f"{because}; {LOST}")
        self._tell_groups(rename, old)
        if rename.domain.casefold() == LOCAL and there is None:
            self.notes.append(f"`{rename.qualified}` is a new local user: the old password does not count")

    def _tell_groups(self, rename: Rename, old: User) -> None:
        groups = [g for g in self._groups_of(old) if _is_directory(g)]
        if groups:
            names = ", ".join(f"`{g.domain}\\{g.name}`" for g in groups)
            self.notes.append(
                f"`{rename.qualified}` comes into {names} with the next synchronisation, and not before: groups of a "
                "directory take nobody from Tableau"
            )

    def _groups_of(self, user: User) -> list[Group]:
        groups = (self.now.groups[g] for g in sorted(self.now.groups_of(user.id)))
        return [g for g in groups if not g.everyone]

    # -- the result -------------------------------------------------------------------------------------------

    def wanted(self) -> Wanted:
        """The Site with all of them, each in the place of the old one."""
        if not self.new:
            return Wanted(self.now, Why(), tuple(self.held), tuple(self.notes))
        gone = frozenset() if self.keep_old else frozenset(self.new)
        users = {u.id: u for u in self.now.users.values() if u.id not in gone} | self.added
        if self.keep_old:
            users |= {old: replace(users[old], site_role=UNLICENSED) for old in self.new}
        groups = {g.id: self._group(g, gone) for g in self.now.groups.values()}
        contents = {c.id: self._content(c) for c in self.now.contents.values()}
        self._tell_contents()
        site = replace(self.now, users=users, groups=groups, contents=contents)
        why = Why("the same person under another user name", self.sentences, dict(self.new))
        return Wanted(site, why, tuple(self.held), tuple(self.notes))

    def _group(self, group: Group, gone: frozenset[str]) -> Group:
        if group.everyone or group.members is None:
            return group
        carried = frozenset() if _is_directory(group) else {self.new[m] for m in group.members if m in self.new}
        # Who stays as Unlicensed leaves what would raise him again.
        leaves = frozenset(self.new) if self.keep_old and not _is_directory(group) else gone
        return replace(group, members=(group.members - leaves) | carried)

    def _content(self, content: Content) -> Content:
        """Rules for the old user as rules for the new one too; his own die with him."""
        rules = self._rules(content.rules)
        defaults = {kind: self._rules(listed) for kind, listed in content.defaults.items()}
        owner = self.new.get(content.owner, content.owner)
        if rules == content.rules and defaults == dict(content.defaults) and owner == content.owner:
            return content
        return replace(content, rules=rules, defaults=defaults, owner=owner)

    def _rules(self, rules: Rules | None) -> Rules | None:
        if rules is None:
            return None
        mine = [
            rule._replace(grantee=Grantee("user", self.new[rule.grantee.id]))
            for rule in rules
            if rule.grantee.kind == "user" and rule.grantee.id in self.new
        ]
        return rules.union(_without_contradiction(mine, rules)) if mine else rules

    def _tell_contents(self) -> None:
        unread = sum(1 for c in self.now.contents.values() if c.rules is None)
        if unread:
            self.held.append(
                Held(
                    "everybody",
                    f"the rules of {unread} things were not read, and may name one who is renamed",
                    "read the site as an administrator",
                )
            )


def _higher(one: User, other: User) -> str:
    return max(one.site_role, other.site_role, key=lambda role: rank(role) or 0)


def _without_contradiction(mine: Iterable[Rule], others: Rules) -> frozenset[Rule]:
    """Rules carried over to somebody who may have some: a Deny stands against an Allow, whosesoever it was."""
    carried = frozenset(mine)
    denied = {(r.grantee, r.capability) for r in (*carried, *others) if r.mode != ALLOW}
    return frozenset(r for r in carried if r.mode != ALLOW or (r.grantee, r.capability) not in denied)


def _is_directory(group: Group) -> bool:
    return group.domain.casefold() != LOCAL
