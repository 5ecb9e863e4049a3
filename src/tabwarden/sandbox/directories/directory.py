"""What the sandbox asks a directory: people, groups, members, passwords.

A pretend one stands in the world file; whoever starts a sandbox may hand it a real one. An implementation raises
TabwardenError where it cannot answer: half an answer is none.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple, Protocol

from tabwarden.model.names import same
from tabwarden.want.names.import_rules import upn_prefix


class Domain(NamedTuple):
    """A domain: `netbios` is its real NetBIOS name; `trusted` whether the domain of the server trusts it."""

    fqdn: str
    netbios: str
    trusted: bool = True


class Person(NamedTuple):
    """A user object of a directory; `domain` is the FQDN."""

    domain: str
    sam_account_name: str
    upn: str = ""
    display_name: str = ""
    email: str = ""
    enabled: bool = True


class DirectoryGroup(NamedTuple):
    """A group object of a directory; `domain` is the FQDN."""

    domain: str
    name: str


class Directory(Protocol):
    """A directory with one or several domains; the first domain is that of the server.

    Names compare in any letter case. Every method raises TabwardenError when the directory does not answer whole.
    """

    def domains(self) -> Sequence[Domain]:
        """Every domain, that of the server first."""
        ...

    def find_people(self, domain: str, name: str) -> Sequence[Person]:
        """The people of a domain whose sAMAccountName, UPN or UPN prefix is `name`, disabled ones too."""
        ...

    def find_group(self, domain: str, name: str) -> DirectoryGroup | None:
        """The group of that name in a domain."""
        ...

    def members(self, group: DirectoryGroup) -> Sequence[Person]:
        """Everybody in a group and the groups within it, across domains, each once, disabled ones too."""
        ...

    def authenticate(self, person: Person, password: str) -> bool:
        """Whether the directory lets this person in; never one who is disabled, never with an empty password."""
        ...


def one_by_name(people: Sequence[Person], name: str, *, by_upn: bool) -> tuple[Person, ...]:
    """Of the people a look-up found, those the name means: by sAMAccountName first, or by UPN first."""

    def by_account() -> tuple[Person, ...]:
        return tuple(p for p in people if same(p.sam_account_name) == same(name))

    def by_principal() -> tuple[Person, ...]:
        whole = tuple(p for p in people if p.upn and same(p.upn) == same(name))
        return whole or tuple(p for p in people if p.upn and same(upn_prefix(p.upn)) == same(name))

    return (by_principal() or by_account()) if by_upn else (by_account() or by_principal())
