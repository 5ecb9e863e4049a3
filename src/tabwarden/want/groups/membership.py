"""What keeping local groups like those of the directory asks of people, one by one.

For servers that are not joined to the directory, and for groups that are local there. The same is wanted as of an
import: out of the group and Unlicensed who is gone, out of it only who left, in who is in it; roles never fall.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from tabwarden.effects.ops.groups import Grants
from tabwarden.model.names import same
from tabwarden.model.roles import is_admin, is_licensed, merge, minimum_that_counts, rank
from tabwarden.model.site import LOCAL, ON_LOGIN, ON_SYNC, User
from tabwarden.model.takes import Authentication
from tabwarden.want.candidates import rename_words, renamed_since
from tabwarden.want.directory import Directory, DirectoryPerson
from tabwarden.want.groups.imported import granted
from tabwarden.want.groups.people import Behind
from tabwarden.want.groups.rules import SAM_ACCOUNT_NAME, in_order, written
from tabwarden.want.groups.state import UNLICENSED, State
from tabwarden.want.groups.ways import Target
from tabwarden.want.names.identity import told
from tabwarden.want.names.import_rules import imported_by_upn
from tabwarden.want.provision import NOT_RANKED
from tabwarden.want.wanted import EXISTS, GRANTS, Held


@dataclass(frozen=True, slots=True)
class Care:
    """Who is left alone (ids), and how new users sign in."""

    untouched: frozenset[str] = frozenset()
    authentication: Authentication | None = None


class Joining:
    """Keeps one local group after the other; `grant` and `finish` when all are done."""

    def __init__(self, state: State, directory: Directory, behind: Behind, care: Care) -> None:
        self.state, self.directory, self.behind, self.care = state, directory, behind, care
        self.joined = behind.names.joined
        self.user_by_name: dict[str, str] = {}
        self.new: dict[str, DirectoryPerson] = {}
        self.left: dict[str, list[str]] = {}
        self.gone: set[str] = set()
        self.no_seat: dict[str, str] = {}
        self.held: list[Held] = []
        self.restored: dict[str, str] = {}
        self.waits: dict[str, str] = {}
        self.took: dict[str, str] = {}
        self.untouched: set[str] = set()
        self.unclear: set[str] = set()
        self._minimums: dict[str, list[str]] = {}
        self._groups: dict[str, str] = {}

    def keep(self, target: Target) -> None:
        """One group: what it grants, who leaves, who comes."""
        state, group = self.state, target.into.id
        wanted = replace(target.into, members=frozenset(state.members(group)))
        role, mode = target.rule.minimum_site_role, target.rule.grant_on
        if role is not None:
            # What is granted at synchronisation Tabwarden gives itself: a local group grants on sign-in only.
            on_login = mode == ON_LOGIN and bool(rank(role))
            wanted = replace(wanted, minimum_site_role=role if on_login else None, grant_on=mode if on_login else None)
        if target.is_new or Grants.of(wanted) != Grants.of(target.into):
            state.put_group(wanted)
            aspect = EXISTS if target.is_new else GRANTS
            because = "is not there yet" if target.is_new else "is to grant what the settings say"
            state.sentences[group, aspect] = because
        enabled = in_order(self.directory.people[guid] for guid in target.members - self.behind.disabled)
        users = [member for person in enabled if (member := self._user(person, target)) is not None]
        for user in sorted(state.members(group) - set(users)):
            self._take_out(user, target)
        for user in users:
            self._take_in(user, target)
            if role is not None and mode == ON_SYNC and user not in self.care.untouched:
                self._minimums.setdefault(user, []).append(role)
                self._groups[user] = group

    # -- who is meant ---------------------------------------------------------------------------------------------

    def _user(self, person: DirectoryPerson, target: Target) -> str | None:
        """The user a person is, one to be added among them; None where that is unclear: held, once."""
        attribute = SAM_ACCOUNT_NAME if self.joined else target.rule.user_name
        key = f"{person.guid} {attribute}"
        if key not in self.user_by_name:
            user = self._joined_user(person) if self.joined else self._local_user(person, attribute)
            if isinstance(user, Held):
                self.held.append(user)
                self.unclear |= self.behind.user_by_key(person)
                user = ""
            self.user_by_name[key] = user
        return self.user_by_name[key] or None

    def _joined_user(self, person: DirectoryPerson) -> str | Held:
        known = self.behind.users.get(person.guid) or self._by_name(person.domain, person.sam_account_name)
        if known is not None:
            return known
        renamed = self.behind.renamed(person, person.sam_account_name)
        if renamed is not None:
            return renamed_since(told(person), renamed, told(person))
        name = f"{person.domain}\\{person.sam_account_name}"
        if imported_by_upn(person.sam_account_name) is not None:
            reason = f"would be added by the UPN, because `{person.sam_account_name}` is longer than 20 or has an `@`"
            return Held(name, reason, "let the group be imported (`by: import`), which takes the sAMAccountName")
        return self._placeholder(person.sam_account_name, person.domain, person)

    def _local_user(self, person: DirectoryPerson, attribute: str) -> str | Held:
        name = written(person, attribute)
        shown = f"{person.domain}\\{person.sam_account_name}"
        if not name:
            return Held(
                shown, f"has no {attribute} in the directory", "give the person one, or choose another `user_name`"
            )
        twins = [p for p in self.behind.people_called(name, attribute) if p.guid != person.guid]
        if twins:
            other = f"{twins[0].domain}\\{twins[0].sam_account_name}"
            return Held(shown, f"has the {attribute} of `{other}` too", "correct one of the two in the directory")
        ids = self.behind.users_called(name)
        if len(ids) > 1:
            listed = ", ".join(sorted(f"`{self.state.now.users[i].qualified}`" for i in ids))
            return Held(shown, f"several users are called so: {listed}", "rename or remove one of them on Tableau")
        if ids:
            return ids[0]
        renamed = self.behind.renamed(person, name)
        if renamed is not None:
            self.unclear.add(renamed.id)
            return renamed_since(shown, renamed, name)
        candidates = self.behind.candidates(person, name, attribute)
        if candidates:
            self.unclear.update(candidate.user for candidate in candidates)
            reason = f"is not on the site as `{name}`: {', '.join(map(str, candidates))}"
            remedy = (
                f"if it is the same person, {rename_words(candidates[0].called, name)}, or choose another `user_name`"
            )
            return Held(shown, reason, remedy)
        return self._placeholder(name, LOCAL, person)

    def _by_name(self, domain: str, name: str) -> str | None:
        """Somebody an import of this very plan adds."""
        user = f"new:user:{domain}\\{name}"
        return user if user in self.state.users else None

    def _placeholder(self, name: str, domain: str, person: DirectoryPerson) -> str:
        user = f"new:user:{domain}\\{name}"
        self.new[user] = person
        return user

    # -- in and out -----------------------------------------------------------------------------------------------

    def _take_in(self, user: str, target: Target) -> None:
        state, group, name = self.state, target.into.id, target.group.name
        if user in self.care.untouched:
            self.untouched.add(user)
            return
        if user not in state.users:
            domain, _, bare = user.removeprefix("new:user:").partition("\\")
            person = self.new[user]
            how, names = self.care.authentication or Authentication(), (person.display_name, person.email)
            added = User(user, bare, UNLICENSED, domain, *names, how.setting, idp_configuration_id=how.provider)
            state.add(added, f"is in `{name}` in the directory, and not on the site yet", group)
        if user not in state.members(group):
            state.enter(user, group, f"is in `{name}` in the directory")

    def _take_out(self, user: str, target: Target) -> None:
        state, user_now = self.state, self.state.users[user]
        gone = self._is_gone(user_now, target.rule.user_name)
        person = self.behind.person_of(user_now) if gone and not self.joined else None
        called = same(written(person, target.rule.user_name)) if person is not None else ""
        if person is not None and (person.enabled or called != same(user_now.name)):
            if user not in self.unclear:
                self.unclear.add(user)
                self.held.append(_by_another_name(user_now, person, target.rule.user_name))
            return
        if gone and is_admin(user_now.site_role) and user not in self.care.untouched:
            reason = f"is {user_now.site_role} and gone from the directory; administrators are never touched"
            remedy = "take the administrator's role away by hand first, if that is meant"
            if user not in self.gone:
                self.held.append(Held(user_now.qualified, reason, remedy))
            self.gone.add(user)
            return
        if not gone:
            because = f"is not in `{target.group.name}` any more in the directory; the site role stays"
            state.leave(user, target.into.id, because)
            self.left.setdefault(user, []).append(target.name)
            return
        because = "is disabled in the directory, or deleted there"
        state.leave(user, target.into.id, because)
        self.gone.add(user)
        if user_now.site_role not in (UNLICENSED, *NOT_RANKED):
            self.took[user] = user_now.site_role
            state.give(user, UNLICENSED, because, target.into.id)

    def _is_gone(self, user: User, attribute: str) -> bool:
        if self.joined:
            return self.behind.is_gone(user)
        people = self.behind.people_called(user.name, attribute)
        return not any(person.enabled for person in people)

    # -- roles ----------------------------------------------------------------------------------------------------

    def grant(self) -> None:
        """Give everybody what the groups grant at synchronisation: the highest of them, by the matrix."""
        promised = self.state.minimums_on_login(self._minimums.keys())
        for user in self._minimums:
            minimum = minimum_that_counts(self._minimums[user])
            user_now = self.state.users[user]
            role = user_now.site_role if minimum is None else merge(user_now.site_role, minimum)
            if role == user_now.site_role:
                continue
            if self.state.seat_missing(user, role):
                self.no_seat[user] = role
                continue
            on_login = promised.get(user)
            if (rank(role) or 0) < (rank(on_login or "") or 0):
                self.waits[user] = str(on_login)
                continue
            group = self._groups[user]
            was_there = group in self.state.now.groups and user in self.state.now.members(group)
            if was_there:
                self.restored[user] = role
            because = granted(user_now.site_role, str(minimum), role, was_there=was_there)
            self.state.give(user, role, because, group)

    def finish(self) -> None:
        """Whom a group that nobody is taken out of still grants a role keeps the one he has: Tableau would refuse."""
        for user, role in sorted(self.took.items()):
            keeper = self._keeper(user)
            if keeper is not None:
                before = self.state.users[user] = replace(self.state.users[user], site_role=role)
                reason = f"cannot be Unlicensed: `{keeper}` grants its members a site role"
                self.held.append(Held(before.qualified, reason, "let it grant no role, or synchronise that group too"))

    def _keeper(self, user: str) -> str | None:
        groups = (self.state.groups[g] for g in sorted(self.state.now.groups_of(user)))
        for group in groups:
            keeps = group.everyone or same(group.domain) != LOCAL
            stays = group.everyone or user in self.state.members(group.id)
            if keeps and stays and (rank(group.minimum_site_role or "") or 0) > 0:
                return group.name
        return None


def _by_another_name(user: User, person: DirectoryPerson, attribute: str) -> Held:
    name = written(person, attribute)
    reason = f"is nobody's {attribute} in the directory, and is `{told(person)}` by the key or by another name"
    remedy = f"{rename_words(user.qualified, name)}, or choose another `user_name`" if name else "choose a `user_name`"
    return Held(user.qualified, reason, remedy, not person.enabled and is_licensed(user.site_role))
