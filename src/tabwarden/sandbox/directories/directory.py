"""A pretend Active Directory as part of a world file: domains, users, groups within groups.

Within a domain a name belongs to one user or one group, as in Active Directory; a member of another domain is written
`fqdn\\name`. Every user's password is his sAMAccountName unless the file says other.
"""

from __future__ import annotations

import hmac
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple, Protocol

from pydantic import BaseModel, ConfigDict, Field

from tabwarden.model.errors import WorldError
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


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class PersonText(_Part):
    """A user object by sAMAccountName. Without `upn` it is `name@fqdn`; an empty one means there is none."""

    upn: str | None = None
    display_name: str | None = None
    email: str = ""
    enabled: bool = True
    password: str | None = Field(default=None, repr=False)


class GroupEntryText(_Part):
    """A group object by name, its members by name: users and groups of this domain, `fqdn\\name` of another."""

    members: tuple[str, ...] = ()


class DomainText(_Part):
    """A domain by FQDN. `netbios` is its real NetBIOS name, by default the first label in capitals."""

    netbios: str | None = None
    trusted: bool = True
    users: Mapping[str, PersonText] = Field(default_factory=dict)
    groups: Mapping[str, GroupEntryText] = Field(default_factory=dict)


class DirectoryText(_Part):
    """A directory; its first domain is that of the server.

    `domain` with `nickname` is the short form for one domain with nobody in it. `joined` says that the directory is
    the identity store: a plain name then means the domain of the server.
    """

    domain: str | None = None
    nickname: str | None = None
    joined: bool = False
    domains: Mapping[str, DomainText] = Field(default_factory=dict)

    def all_domains(self) -> dict[str, DomainText]:
        """The domains by FQDN, the short form among them."""
        short = {self.domain: DomainText(netbios=self.nickname)} if self.domain else {}
        return {**short, **self.domains}


class PretendDirectory:
    """A directory of plain data; make another one for every change of it."""

    def __init__(self, text: DirectoryText) -> None:
        self._text = text.all_domains()
        self._domains = tuple(
            Domain(fqdn, one.netbios or fqdn.partition(".")[0].upper(), one.trusted) for fqdn, one in self._text.items()
        )
        self._people: dict[tuple[str, str], tuple[Person, str]] = {}
        self._groups: dict[tuple[str, str], tuple[DirectoryGroup, tuple[str, ...]]] = {}
        for fqdn, domain in self._text.items():
            for name, user in domain.users.items():
                self._people[same(fqdn), same(name)] = _person(fqdn, name, user), user.password or name
            for name, group in domain.groups.items():
                self._groups[same(fqdn), same(name)] = DirectoryGroup(fqdn, name), group.members

    def problems(self) -> Iterator[str]:
        """What is wrong with the text: names used twice, members that are nobody."""
        if len({same(d.netbios) for d in self._domains}) < len(self._domains):
            yield "directory: two domains have one NetBIOS name"
        for key in self._people.keys() & self._groups.keys():
            yield f"directory.{key[0]}: a user and a group are called `{key[1]}`"
        for group, members in self._groups.values():
            for member in members:
                if not self._entry(group.domain, member):
                    yield f"directory.{group.domain}.groups.{group.name}: nothing is called `{member}`"

    def _entry(self, domain: str, member: str) -> tuple[str, str] | None:
        """The key of a member as written in a group of `domain`."""
        named, _slash, name = member.rpartition("\\")
        key = same(named or domain), same(name)
        return key if key in self._people or key in self._groups else None

    def domains(self) -> Sequence[Domain]:
        return self._domains

    def find_people(self, domain: str, name: str) -> Sequence[Person]:
        """The people of a domain whose sAMAccountName, UPN or UPN prefix is `name`."""
        wanted = same(name)
        return tuple(
            person
            for (where, account), (person, _password) in self._people.items()
            if where == same(domain) and wanted in (account, same(person.upn), same(upn_prefix(person.upn)))
        )

    def find_group(self, domain: str, name: str) -> DirectoryGroup | None:
        groups = self._groups.get((same(domain), same(name)))
        return groups[0] if groups is not None else None

    def members(self, group: DirectoryGroup) -> Sequence[Person]:
        """Everybody in the group and in the groups within it, each once; groups that hold each other are no trouble."""
        people: dict[tuple[str, str], Person] = {}
        waiting, seen = [(same(group.domain), same(group.name))], set()
        while waiting:
            key = waiting.pop()
            if key in seen:
                continue
            seen.add(key)
            if key in self._people:
                people[key] = self._people[key][0]
                continue
            group_held, members = self._groups[key]
            waiting.extend(entry for m in members if (entry := self._entry(group_held.domain, m)) is not None)
        return tuple(people[key] for key in sorted(people))

    def authenticate(self, person: Person, password: str) -> bool:
        """Whether he is there, enabled, and this is his password."""
        entries = self._people.get((same(person.domain), same(person.sam_account_name)))
        if entries is None or not entries[0].enabled or not password:
            return False
        return hmac.compare_digest(entries[1].encode(), password.encode())


def _person(fqdn: str, name: str, text: PersonText) -> Person:
    upn = f"{name}@{fqdn}" if text.upn is None else text.upn
    return Person(fqdn, name, upn, name if text.display_name is None else text.display_name, text.email, text.enabled)


def pretend_directory(plain: Mapping[str, Any]) -> PretendDirectory | None:
    """The directory of a world's plain data, None where it has none; WorldError with every mistake of it."""
    text = DirectoryText.model_validate(dict(plain))
    if not text.all_domains():
        return None
    directory = PretendDirectory(text)
    problems = sorted(set(directory.problems()))
    if problems:
        raise WorldError("the directory has mistakes:", *(f"  {line}" for line in problems))
    return directory
