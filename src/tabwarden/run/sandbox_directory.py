"""A real Active Directory behind the sandbox, asked each time anew."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from tabwarden.model.errors import SourceError, UnknownName
from tabwarden.model.names import same
from tabwarden.sandbox.directories.directory import DirectoryGroup, Domain, Person
from tabwarden.settings import Settings
from tabwarden.sources.ldap.directory import read_directory, without_ldap3
from tabwarden.sources.ldap.options import DirectorySettings
from tabwarden.want.directory import Directory, DirectoryPerson


class LiveDirectory:
    """The sandbox's protocol `Directory` over the domains of the options; close it.

    A domain is trusted where a trust of the first domain says so. SourceError where a domain does not answer whole.
    """

    def __init__(self, options: DirectorySettings) -> None:
        try:
            from tabwarden.sources.ldap.lookups import Asking
        except ImportError as error:
            raise without_ldap3(error) from None
        self._asking = Asking(options)
        self._options = options
        self._read: Directory | None = None
        home, *others = self._asking.domains()
        trusted = {
            same(t.partner) for t in self._asking.trusts() if same(t.domain) == same(home.fqdn) and t.trusts_partner
        }
        home_domain = [Domain(home.fqdn, home.netbios)]
        self._domains = (*home_domain, *(Domain(d.fqdn, d.netbios, same(d.fqdn) in trusted) for d in others))

    def close(self) -> None:
        self._asking.close()

    def domains(self) -> Sequence[Domain]:
        """Every domain as it was at the start, that of the server first."""
        return self._domains

    def find_people(self, domain: str, name: str) -> Sequence[Person]:
        """The people of a domain whose sAMAccountName, UPN or UPN prefix is `name`."""
        return tuple(_person(p) for p in self._asking.people(domain, name))

    def find_group(self, domain: str, name: str) -> DirectoryGroup | None:
        """The group of that name in a domain."""
        spelled = self._asking.group(domain, name)
        fqdn = next((d.fqdn for d in self._domains if same(d.fqdn) == same(domain)), domain)
        return DirectoryGroup(fqdn, spelled) if spelled is not None else None

    def members(self, group: DirectoryGroup) -> Sequence[Person]:
        """Everybody in the group and the groups within it, as the domains tell it now."""
        self._read = directory = read_directory(self._options, self._read)
        groups = directory.groups_named(group.name, group.domain)
        if len(groups) != 1:
            raise UnknownName(f"group `{group.domain}\\{group.name}` is not in the directory any more")
        people = (directory.people[guid] for guid in directory.everybody_in(groups[0].guid))
        return tuple(sorted(_person(p) for p in people))

    def authenticate(self, person: Person, password: str) -> bool:
        """Whether the domain takes the password; it takes none of somebody who is disabled."""
        return self._asking.lets_in(person.domain, person.sam_account_name, password)


def _person(person: DirectoryPerson) -> Person:
    return Person(person.domain, person.sam_account_name, person.upn, person.display_name, person.email, person.enabled)


@contextmanager
def live_directory(settings: Settings) -> Iterator[LiveDirectory]:
    """The domains of the settings behind a sandbox. SourceError where there are none, or one does not answer."""
    if settings.directory is None or not settings.directory.domains:
        raise SourceError("the settings name no `directory.domains` to join; add them")
    directory = LiveDirectory(settings.directory)
    try:
        yield directory
    finally:
        directory.close()
