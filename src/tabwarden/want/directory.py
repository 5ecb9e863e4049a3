"""A Directory: what was read of Active Directory at one moment, as plain values.

The attributes carry Active Directory's own words in the docstrings. Keys are `objectGUID`s, which a rename and a move
leave alone; names are compared in any letter case ("User Management in Active Directory Deployments").
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from types import MappingProxyType
from typing import NamedTuple

from tabwarden.model.names import same
from tabwarden.model.tables import grouped


class Domain(NamedTuple):
    """A domain that was read: `fqdn` its DNS name, `netbios` its real NetBIOS name, `sid` its objectSid.

    `usn` is the highestCommittedUSN of the server asked, from which an incremental read goes on. It counts on that
    server alone: `server` is its invocationId.
    """

    fqdn: str
    netbios: str
    sid: str = ""
    usn: int = 0
    server: str = ""
    sees_deleted: bool = False


class Trust(NamedTuple):
    """A trustedDomain object of `domain`: whether `domain` trusts `partner` (outbound), is trusted by it (inbound)."""

    domain: str
    partner: str
    partner_netbios: str
    trusts_partner: bool
    trusted_by_partner: bool


class DirectoryPerson(NamedTuple):
    """A user object. `guid` is its objectGUID; `domain` an FQDN; `deleted` marks a tombstone, which keeps few names.

    `attributes` are those the settings asked for besides (department, title, ...), as text. `primary_group` is the
    objectSid of the group he is in by primaryGroupID.
    """

    guid: str
    domain: str
    sam_account_name: str
    upn: str = ""
    display_name: str = ""
    email: str = ""
    enabled: bool = True
    deleted: bool = False
    sid: str = ""
    dn: str = ""
    attributes: Mapping[str, str] = MappingProxyType({})
    primary_group: str = ""


class DirectoryGroup(NamedTuple):
    """A group object. `members` are the guids of its direct members, people and groups, of any domain that was read.

    The members by primary group (`primaryGroupID`) are among them. `orphans` are foreign SIDs whose object is gone
    from the domain they name; `others` counts members that are neither people nor groups.
    """

    guid: str
    domain: str
    name: str
    members: frozenset[str] = frozenset()
    sid: str = ""
    dn: str = ""
    orphans: tuple[str, ...] = ()
    others: int = 0


@dataclass(frozen=True)
class Directory:
    """Domains (the server's first), trusts, people and groups by guid; `when` an ISO time in UTC.

    Whole by construction: a reader that could not see all of it raised instead.
    """

    domains: tuple[Domain, ...] = ()
    trusts: tuple[Trust, ...] = ()
    people: Mapping[str, DirectoryPerson] = field(default_factory=lambda: MappingProxyType({}))
    groups: Mapping[str, DirectoryGroup] = field(default_factory=lambda: MappingProxyType({}))
    when: str = ""

    def domain(self, word: str) -> Domain | None:
        """The domain whose FQDN or NetBIOS name is `word`."""
        wanted = same(word)
        return next((d for d in self.domains if wanted in (same(d.fqdn), same(d.netbios))), None)

    def groups_named(self, name: str, domain: str = "") -> tuple[DirectoryGroup, ...]:
        """The groups of that name, in one domain (FQDN) or in all."""
        return tuple(
            g for g in self._groups_by_name.get(same(name), ()) if not domain or same(g.domain) == same(domain)
        )

    def people_with_account(self, name: str, domain: str = "") -> tuple[DirectoryPerson, ...]:
        """Who has this sAMAccountName, in one domain (FQDN) or in all; nobody deleted."""
        return tuple(p for p in self._by_account.get(same(name), ()) if not domain or same(p.domain) == same(domain))

    def people_with_upn(self, upn: str) -> tuple[DirectoryPerson, ...]:
        """Who has this whole userPrincipalName; nobody deleted."""
        return self._by_upn.get(same(upn), ())

    def people_with_upn_prefix(self, prefix: str, domain: str = "") -> tuple[DirectoryPerson, ...]:
        """Whose userPrincipalName has this prefix, in one domain (FQDN) or in all; nobody deleted."""
        people = self._by_upn_prefix.get(same(prefix), ())
        return tuple(p for p in people if not domain or same(p.domain) == same(domain))

    def people_with_email(self, email: str) -> tuple[DirectoryPerson, ...]:
        """Who has this mail address; nobody deleted."""
        return self._by_email.get(same(email), ())

    def everybody_in(self, guid: str) -> frozenset[str]:
        """The guids of the people in a group and in the groups within it, each once; a cycle ends where it closes."""
        people: set[str] = set()
        met, waiting = {guid}, [guid]
        while waiting:
            members = self.groups[waiting.pop()].members
            people |= members & self.people.keys()
            inner = {m for m in members - met if m in self.groups}
            met |= inner
            waiting += inner
        return frozenset(people)

    @cached_property
    def _alive(self) -> tuple[DirectoryPerson, ...]:
        return tuple(p for p in self.people.values() if not p.deleted)

    @cached_property
    def _by_account(self) -> Mapping[str, tuple[DirectoryPerson, ...]]:
        return _index((p.sam_account_name, p) for p in self._alive)

    @cached_property
    def _by_upn(self) -> Mapping[str, tuple[DirectoryPerson, ...]]:
        return _index((p.upn, p) for p in self._alive)

    @cached_property
    def _by_upn_prefix(self) -> Mapping[str, tuple[DirectoryPerson, ...]]:
        return _index((p.upn.rpartition("@")[0], p) for p in self._alive)

    @cached_property
    def _by_email(self) -> Mapping[str, tuple[DirectoryPerson, ...]]:
        return _index((p.email, p) for p in self._alive)

    @cached_property
    def _groups_by_name(self) -> Mapping[str, tuple[DirectoryGroup, ...]]:
        groups_by_name = grouped((same(group.name), group) for group in self.groups.values())
        return {name: tuple(groups) for name, groups in groups_by_name.items()}


def _index(pairs: Iterable[tuple[str, DirectoryPerson]]) -> Mapping[str, tuple[DirectoryPerson, ...]]:
    people_by_name = grouped((same(name), person) for name, person in pairs if name)
    return {name: tuple(people) for name, people in people_by_name.items()}
