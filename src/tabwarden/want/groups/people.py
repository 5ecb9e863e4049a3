"""Which user of Tableau a person of the directory is, and which person is behind a user.

A group's import takes the sAMAccountName always, whatever its length ("User Management in Active Directory
Deployments", adding user groups).
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property

from tabwarden.model.names import same
from tabwarden.model.resolver import Candidate, OtherNames
from tabwarden.model.site import LOCAL, Site, User
from tabwarden.model.tables import grouped
from tabwarden.want.directory import Directory, DirectoryPerson
from tabwarden.want.groups.rules import written
from tabwarden.want.groups.ways import Names
from tabwarden.want.names.identity import told
from tabwarden.want.names.import_rules import imported_by_upn

SEVERAL = "several"


class Behind:
    """The people of a directory behind the users of a site."""

    def __init__(self, now: Site, directory: Directory, before: Mapping[str, str]) -> None:
        self._now, self._directory, self.names = now, directory, Names(now, directory)
        self._before = {guid: ids[0] for guid, name in before.items() if len(ids := now.users_named(name)) == 1}
        self._key_of = {user: guid for guid, user in self._before.items()}

    # -- by key, and by another form of a name --------------------------------------------------------------------

    def renamed(self, person: DirectoryPerson, now_called: str) -> User | None:
        """The user somebody was at the last good run by key, where that is not who the name means now."""
        user = self._now.users.get(self._before.get(person.guid, ""))
        return user if user is not None and same(user.name) != same(now_called) else None

    def user_by_key(self, person: DirectoryPerson) -> set[str]:
        """The user (id) somebody was at the last good run."""
        return {self._before[person.guid]} if person.guid in self._before else set()

    @cached_property
    def _other_names(self) -> OtherNames:
        return OtherNames(self._now.users.values(), [(d.fqdn, d.netbios) for d in self._directory.domains])

    def candidates(self, person: DirectoryPerson, name: str, attribute: str) -> tuple[Candidate, ...]:
        """The users a person may be whom `name` does not mean; not those whose own name is somebody else's."""
        forms = (told(person), person.upn, person.email)
        others = self._other_names.of(name, others=[form for form in forms if form])
        return tuple(one for one in others if not self.people_called(self._now.users[one.user].name, attribute))

    @cached_property
    def _by_form(self) -> Mapping[str, tuple[DirectoryPerson, ...]]:
        people = grouped(
            (form, person)
            for person in self._directory.people.values()
            for form in {same(f) for f in (person.sam_account_name, person.upn, person.email) if f}
        )
        return {form: tuple(those) for form, those in people.items()}

    def person_of(self, user: User) -> DirectoryPerson | None:
        """Who a user is whose name fits nobody: by key, else by the one person who has it in another form."""
        if user.id in self._key_of:
            return self._directory.people.get(self._key_of[user.id])
        forms = (user.name, user.email, user.name.rpartition("@")[0])
        people = {p.guid: p for form in forms if form for p in self._by_form.get(same(form), ()) if not p.deleted}
        return next(iter(people.values())) if len(people) == 1 else None

    @cached_property
    def users(self) -> Mapping[str, str]:
        """User ids by guid of those who are on the site with their sAMAccountName."""
        by_name: dict[tuple[str, str], str] = {}
        for user in self._now.users.values():
            if same(user.domain) != LOCAL:
                by_name[self.names.fqdn(user.domain), same(user.name)] = user.id
        if not by_name:
            return {}
        keys = ((p.guid, (same(p.domain), same(p.sam_account_name))) for p in self._directory.people.values())
        return {guid: by_name[key] for guid, key in keys if key in by_name and not self.is_deleted(guid)}

    def is_deleted(self, guid: str) -> bool:
        """Whether a person is a tombstone."""
        return self._directory.people[guid].deleted

    @cached_property
    def disabled(self) -> frozenset[str]:
        """The guids of who is no member in effect: disabled, or deleted."""
        return frozenset(p.guid for p in self._directory.people.values() if p.deleted or not p.enabled)

    def is_gone(self, user: User) -> bool:
        """Whether a user's person is disabled in the directory or not in it any more; a local user's is neither."""
        if not self.names.is_of_directory(user.domain):
            return False
        known = self._directory.people.get(self._key_of.get(user.id, ""))
        if known is not None and known.deleted:
            return True
        person = known or self._person(self.names.fqdn(user.domain), user.name)
        return person is None or not person.enabled

    def _person(self, domain: str, name: str) -> DirectoryPerson | None:
        """The one person a user name of a domain means, by the rules of import."""
        directory = self._directory

        def by_account() -> tuple[DirectoryPerson, ...]:
            return directory.people_with_account(name, domain)

        def by_upn() -> tuple[DirectoryPerson, ...]:
            whole = tuple(p for p in directory.people_with_upn(name) if same(p.domain) == domain)
            return whole or directory.people_with_upn_prefix(name, domain)

        people = (by_upn() or by_account()) if imported_by_upn(name) is not None else (by_account() or by_upn())
        return people[0] if len(people) == 1 else None

    @cached_property
    def _local(self) -> Mapping[str, tuple[str, ...]]:
        ids_by_name = grouped((same(user.name), user.id) for user in self._now.users.values())
        return {name: tuple(ids) for name, ids in ids_by_name.items()}

    @cached_property
    def _by_attribute(self) -> dict[str, Mapping[str, tuple[DirectoryPerson, ...]]]:
        return {}

    def people_called(self, name: str, attribute: str) -> tuple[DirectoryPerson, ...]:
        """The people, none of them deleted, whom an attribute gives this user name."""
        if attribute not in self._by_attribute:
            people_by_name = grouped(
                (same(written(person, attribute)), person)
                for person in self._directory.people.values()
                if not person.deleted and written(person, attribute)
            )
            self._by_attribute[attribute] = {words: tuple(people) for words, people in people_by_name.items()}
        return self._by_attribute[attribute].get(same(name), ())

    def users_called(self, name: str) -> tuple[str, ...]:
        """Ids of the users of that name, whatever their domain: Tableau Cloud has a word of its own for it."""
        return self._local.get(same(name), ())
