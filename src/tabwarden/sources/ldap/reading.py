"""One domain read whole: its people, tombstones, groups with what they refer to, trusts.

A line per domain is given; nothing here knows the wire. Where a server tells less than all, the line raised.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple, Protocol

from tabwarden.model.names import same
from tabwarden.sources import partial, unreadable
from tabwarden.sources.ldap.options import DirectoryDomain, DirectorySettings
from tabwarden.sources.ldap.values import DISABLED, LdapEntry, Reference, domain_of_dn, escaped, reference
from tabwarden.want.directory import DirectoryPerson, Domain, Trust

PEOPLE = "(sAMAccountType=805306368)"
"""Accounts of people, by the one attribute that computers and trusts do not share ([MS-ADTS] 3.1.1.1.3)."""
GROUPS = "(objectClass=group)"
TOMBSTONES = "(&(isDeleted=TRUE)(objectClass=user))"
_EVERY = ("objectClass", "objectGUID", "objectSid", "isDeleted", "sAMAccountName", "uSNChanged", "uSNCreated")
_PERSON = (*_EVERY, "userPrincipalName", "displayName", "mail", "userAccountControl", "primaryGroupID")
_INBOUND, _OUTBOUND = 1, 2
_TRIES = 3


class Wire(Protocol):
    """What is asked of a line; `session.LdapSession` is one."""

    options: DirectoryDomain
    words: str

    def root(self, *attributes: str) -> LdapEntry:
        """What the server says of itself."""
        ...

    def get(self, dn: str, *attributes: str, deleted: bool = False) -> LdapEntry: ...

    def find(self, dn: str, *attributes: str, deleted: bool = False) -> LdapEntry | None:
        """One object, or None."""
        ...

    def search(
        self, base: str, wanted: str, attributes: Sequence[str], *, deleted: bool = False
    ) -> Iterator[LdapEntry]:
        """Every object below a base that fits a filter."""
        ...


class GroupFacts(NamedTuple):
    """A group as its domain tells it. `others` counts members that are known to be neither people nor groups."""

    guid: str
    name: str
    sid: str
    dn: str
    references: tuple[Reference, ...]
    others: int = 0


@dataclass
class Facts:
    """What one domain tells; people and groups by guid, tombstones among the people. `partners` are trusted domains'
    full names by their SIDs.
    """

    domain: Domain
    base: str
    trusts: tuple[Trust, ...] = ()
    partners: dict[str, str] = field(default_factory=dict)
    people: dict[str, DirectoryPerson] = field(default_factory=dict)
    groups: dict[str, GroupFacts] = field(default_factory=dict)


def read_domain(line: Wire, options: DirectorySettings) -> Facts:
    """Everything of a domain. SourceError unless it is whole."""
    facts = introduce(line)
    fields = person_fields(options)
    for entry in line.search(facts.base, PEOPLE, fields):
        facts.people[entry.guid] = person(entry, facts.domain, options)
    if facts.domain.sees_deleted:
        for entry in line.search(facts.base, TOMBSTONES, _PERSON, deleted=True):
            if entry.is_person:
                facts.people[entry.guid] = person(entry, facts.domain, options)
    for entry in line.search(facts.base, GROUPS, group_fields(line, options)):
        facts.groups[entry.guid] = group(line, entry, options)
    if not facts.people or not facts.groups:
        missing = "people" if not facts.people else "groups"
        raise unreadable(f"{line.words} shows no {missing} at all to `{line.options.user}`; check what it may read")
    return facts


def introduce(line: Wire) -> Facts:
    """Which domain it is, by which server, and whom it trusts; nobody of it yet."""
    # The number first: what changes while we read is then read again by the next incremental read.
    root = line.root("defaultNamingContext", "configurationNamingContext", "dsServiceName", "highestCommittedUSN")
    base = _plain_dn(root, "defaultNamingContext")
    its_domain, wanted = domain_of_dn(base), line.options.fqdn
    if same(its_domain) != same(wanted):
        raise unreadable(f"{line.words} is a server of `{its_domain}`; correct `fqdn` or `servers`")
    partitions = f"CN=Partitions,{_plain_dn(root, 'configurationNamingContext')}"
    named = f"(&(nCName={escaped(base)})(nETBIOSName=*))"
    netbios = [e.text("nETBIOSName") for e in line.search(partitions, named, ("nETBIOSName",))]
    if len(netbios) != 1:
        raise unreadable(f"{line.words} does not tell its NetBIOS name; let `{line.options.user}` read `{partitions}`")
    server = line.get(_plain_dn(root, "dsServiceName"), "invocationId").attributes.get("invocationid")
    domain = Domain(
        wanted,
        netbios[0],
        line.get(base, "objectSid").sid,
        root.number("highestCommittedUSN"),
        server[0].hex() if server else "",
        _sees_deleted(line, base),
    )
    facts = Facts(domain, base)
    facts.trusts, facts.partners = _trusts(line, base)
    return facts


def _sees_deleted(line: Wire, base: str) -> bool:
    """Whether the account may look into the container of tombstones: its name shows to all, its attributes do not."""
    deleted_objects = line.find(f"CN=Deleted Objects,{base}", "objectGUID", deleted=True)
    return deleted_objects is not None and bool(deleted_objects.guid)


def _plain_dn(entry: LdapEntry, name: str) -> str:
    return reference(entry.text(name).encode()).dn


def _trusts(line: Wire, base: str) -> tuple[tuple[Trust, ...], dict[str, str]]:
    fields = ("trustPartner", "flatName", "trustDirection", "securityIdentifier")
    trusts: list[Trust] = []
    partners: dict[str, str] = {}
    for entry in line.search(f"CN=System,{base}", "(objectClass=trustedDomain)", fields):
        partner, direction = entry.text("trustPartner"), entry.number("trustDirection")
        trusts.append(
            Trust(
                line.options.fqdn,
                partner,
                entry.text("flatName"),
                trusts_partner=bool(direction & _OUTBOUND),
                trusted_by_partner=bool(direction & _INBOUND),
            )
        )
        if sid := entry.sid_of("securityIdentifier"):
            partners[sid] = partner
    return tuple(sorted(trusts)), partners


def person_fields(options: DirectorySettings) -> tuple[str, ...]:
    """The attributes a person is asked for."""
    return tuple(dict.fromkeys((*_PERSON, *options.attributes)))


def person(entry: LdapEntry, domain: Domain, options: DirectorySettings) -> DirectoryPerson:
    """A user object, or the tombstone of one, as a person."""
    more = {name: "; ".join(_texts(entry, name)) for name in options.attributes if entry.text(name)}
    group = entry.number("primaryGroupID")
    return DirectoryPerson(
        guid=entry.must("objectGUID"),
        domain=domain.fqdn,
        sam_account_name=entry.must("sAMAccountName"),
        upn=entry.text("userPrincipalName"),
        display_name=entry.text("displayName"),
        email=entry.text("mail"),
        enabled=not entry.number("userAccountControl") & DISABLED,
        deleted=entry.deleted,
        sid=entry.sid,
        dn=entry.dn,
        attributes=more,
        primary_group=f"{domain.sid}-{group}" if group and not entry.deleted else "",
    )


def _texts(entry: LdapEntry, name: str) -> Iterable[str]:
    for raw in entry.attributes.get(name.lower(), ()):
        # Names of other objects, such as a manager's, come with their GUIDs.
        yield reference(raw).dn if raw.startswith(b"<GUID=") else raw.decode("utf-8", "replace")


def group_fields(line: Wire, options: DirectorySettings) -> tuple[str, ...]:
    """The attributes a group is asked for; members in ranges where a range was told."""
    return tuple(dict.fromkeys((*_EVERY, options.group_name, _members_from(0, line.options.member_range))))


def _members_from(first: int, size: int) -> str:
    if not size:
        return f"member;range={first}-*" if first else "member"
    return f"member;range={first}-{first + size - 1}"


def group(line: Wire, entry: LdapEntry, options: DirectorySettings) -> GroupFacts:
    """A group with all it refers to, the rest of its members fetched where the server gave a part."""
    references = tuple(reference(raw) for raw in _members(line, entry))
    name = entry.text(options.group_name) or entry.must("sAMAccountName")
    return GroupFacts(entry.must("objectGUID"), name, entry.sid, entry.dn, references)


def _members(line: Wire, entry: LdapEntry) -> list[bytes]:
    """All values of `member`. A server gives 1,500 at a time as `member;range=0-1499`, the last as `...-*`."""
    size, at = line.options.member_range, f"<GUID={entry.guid}>"
    for _ in range(_TRIES):
        members: list[bytes] = []
        part, changed = entry, entry.number("uSNChanged")
        while True:
            values, last = _part(part)
            members += values
            if last is None:
                return members
            part = line.get(at, _members_from(last + 1, size), "uSNChanged")
            if part.number("uSNChanged") != changed:
                break  # somebody came or went between two parts, which shifts them
            if _part(part) == ([], None):
                raise partial(
                    f"{line.words} gave {len(members)} members of `{entry.dn}` and no more; nothing of it is used"
                )
        entry = LdapEntry(entry.dn, line.get(at, _members_from(0, size), "uSNChanged", "objectGUID").attributes)
    raise partial(f"{line.words} changes the members of `{entry.dn}` faster than they can be read; try again later")


def _part(entry: LdapEntry) -> tuple[list[bytes], int | None]:
    """The members in one answer, and the number of the last one where more follow."""
    for name, values in entry.attributes.items():
        if name.startswith("member;range="):
            last = name.rpartition("-")[2]
            return values, None if last == "*" else int(last)
    return entry.attributes.get("member", []), None
