"""Several domains read into one Directory, whole or not at all."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from datetime import UTC, datetime
from types import MappingProxyType
from typing import NamedTuple

from tabwarden.extras import install
from tabwarden.model.errors import SourceError
from tabwarden.model.names import same
from tabwarden.sources import unreadable
from tabwarden.sources.ldap.changes import read_changes
from tabwarden.sources.ldap.options import DirectorySettings
from tabwarden.sources.ldap.reading import (
    Facts,
    GroupFacts,
    Wire,
    group,
    group_fields,
    person,
    person_fields,
    read_domain,
)
from tabwarden.sources.ldap.values import (
    LdapEntry,
    Reference,
    domain_of_dn,
    domain_of_sid,
    escaped,
    guid_bytes,
    sid_bytes,
)
from tabwarden.want.directory import Directory, DirectoryGroup, DirectoryPerson
from tabwarden.want.roster import shown

_AT_A_TIME = 100
_FOREIGN = "CN=FOREIGNSECURITYPRINCIPALS,"


class _Sought(NamedTuple):
    """An object to look up in a domain (FQDN in lower case) by `objectGUID` or `objectSid`."""

    domain: str
    attribute: str
    value: str


class _Found:
    """All domains together, and what is known of each reference."""

    def __init__(self, facts: Sequence[Facts], lines: Mapping[str, Wire], options: DirectorySettings) -> None:
        self.facts = {same(f.domain.fqdn): f for f in facts}
        self.lines = lines
        self.options = options
        self.by_sid = {f.domain.sid: f for f in facts}
        self.partners = {sid: name for f in facts for sid, name in f.partners.items()}
        self.unread = {same(word) for word in options.unread}
        self.known: dict[str, str] = {}  # guids by themselves and by SIDs, of all that is alive
        for one in facts:
            for guid, someone in one.people.items():
                if not someone.deleted:
                    self._know(guid, someone.sid)
            for guid, group_facts in one.groups.items():
                self._know(guid, group_facts.sid)
        self.others: set[_Sought] = set()
        self.gone: set[_Sought] = set()

    def _know(self, guid: str, sid: str) -> None:
        self.known[guid] = guid
        if sid:
            self.known[sid] = guid

    def seek(self, of: Facts, group: GroupFacts, member: Reference) -> _Sought | str | None:
        """A guid, or what to look up, or None for a member of no domain, or of one that is knowingly not read."""
        foreign = _FOREIGN in member.dn.upper()
        if not foreign and member.guid in self.known:
            return self.known[member.guid]
        if foreign and member.sid in self.known:
            return self.known[member.sid]
        if foreign:
            sid = domain_of_sid(member.sid)
            if not sid:
                return None  # Authenticated Users and their like
            if sid in self.by_sid:
                return _Sought(same(self.by_sid[sid].domain.fqdn), "objectSid", member.sid)
            name = self.partners.get(sid, "")
        else:
            name, sid = domain_of_dn(member.dn), domain_of_sid(member.sid)
            if same(name) in self.facts and member.guid:
                return _Sought(same(name), "objectGUID", member.guid)
        if self.unread & {same(name), same(sid)}:
            return None
        known = f"`{name}` ({sid})" if name and sid else f"`{name or sid}`"
        sentence = f"group `{group.name}` of `{of.domain.fqdn}` has a member of the domain {known}"
        trust = "" if name else ", which none of its trusts names"
        raise unreadable(f"{sentence}{trust}; add that domain to `directory.domains`, or name it in `directory.unread`")

    def look_up(self, sought: set[_Sought]) -> None:
        """Fetch what is sought; afterwards each of it is known, one of the others, or gone."""
        by_domain: defaultdict[tuple[str, str], list[_Sought]] = defaultdict(list)
        for one in sorted(sought):
            by_domain[one.domain, one.attribute].append(one)
        for (domain, attribute), wanted in by_domain.items():
            for start in range(0, len(wanted), _AT_A_TIME):
                some = wanted[start : start + _AT_A_TIME]
                self._fetch(domain, attribute, {one.value: one for one in some})

    def _fetch(self, domain: str, attribute: str, wanted: dict[str, _Sought]) -> None:
        line, facts, by_guid = self.lines[domain], self.facts[domain], attribute == "objectGUID"
        as_bytes: Callable[[str], bytes] = guid_bytes if by_guid else sid_bytes
        parts = "".join(f"({attribute}={escaped(as_bytes(value))})" for value in wanted)
        fields = tuple(dict.fromkeys((*person_fields(self.options), *group_fields(line, self.options))))
        for entry in line.search(facts.base, f"(|{parts})", fields):
            one = wanted.pop(entry.guid if by_guid else entry.sid, None)
            if one is None:
                raise unreadable(f"{line.words} answers with `{shown(entry.dn)}`, which nobody asked for")
            if not self._take(facts, line, entry):
                self.others.add(one)
        self.gone |= set(wanted.values())

    def _take(self, facts: Facts, line: Wire, entry: LdapEntry) -> bool:
        if entry.is_person:
            facts.people[entry.guid] = person(entry, facts.domain, self.options)
        elif entry.is_group:
            facts.groups[entry.guid] = group(line, entry, self.options)
        else:
            return False
        self._know(entry.guid, entry.sid)
        return True

    def references(self) -> Iterator[tuple[Facts, GroupFacts, Reference]]:
        """Every member of every group."""
        for one in self.facts.values():
            for group_facts in tuple(one.groups.values()):
                for member in group_facts.references:
                    yield one, group_facts, member


def assembled(facts: Sequence[Facts], lines: Mapping[str, Wire], options: DirectorySettings, when: str) -> Directory:
    """One Directory of all domains; `lines` by FQDN in lower case. SourceError for a member of a domain not read."""
    index = _Found(facts, lines, options)
    while True:
        sought = {s for s in (index.seek(*row) for row in index.references()) if isinstance(s, _Sought)}
        sought -= index.others | index.gone
        if not sought:
            break
        index.look_up(sought)
    people = {guid: person for one in facts for guid, person in one.people.items()}
    primary = _primary(people)
    groups = {
        guid: _group(index, one, group, primary.get(group.sid, frozenset()))
        for one in facts
        for guid, group in one.groups.items()
    }
    return Directory(
        tuple(one.domain for one in facts),
        tuple(trust for one in facts for trust in one.trusts),
        MappingProxyType(people),
        MappingProxyType(groups),
        when,
    )


def _primary(people: Mapping[str, DirectoryPerson]) -> Mapping[str, frozenset[str]]:
    """Who is in a group by being in it first of all: those no `member` tells. By the group's SID."""
    people_by_sid: defaultdict[str, set[str]] = defaultdict(set)
    for guid, someone in people.items():
        if someone.primary_group:
            people_by_sid[someone.primary_group].add(guid)
    return {sid: frozenset(guids) for sid, guids in people_by_sid.items()}


def _group(index: _Found, facts: Facts, group: GroupFacts, primary: frozenset[str]) -> DirectoryGroup:
    members, orphans, others = set(primary), [], group.others
    for member in group.references:
        meant = index.seek(facts, group, member)
        if isinstance(meant, str):
            members.add(meant)
        elif meant is None or meant in index.others:
            others += 1
        elif meant.domain != same(facts.domain.fqdn):
            orphans.append(member.sid)
        # What is gone from the group's own domain is no member any more: its server had not tidied up yet.
    return DirectoryGroup(
        group.guid,
        facts.domain.fqdn,
        group.name,
        frozenset(members),
        group.sid,
        group.dn,
        tuple(sorted(orphans)),
        others,
    )


def read_directory(options: DirectorySettings, previous: Directory | None = None) -> Directory:
    """Every domain of the options as it is now.

    With a `previous` Directory, read before with the same options, only what changed since is fetched; the result is
    the same. Raises SourceError where anything is missing, and then nothing is returned.
    """
    try:
        from tabwarden.sources.ldap.session import opened
    except ImportError as error:
        raise without_ldap3(error) from None
    when = datetime.now(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
    lines: dict[str, Wire] = {}
    facts: list[Facts] = []
    with ExitStack() as open_lines:
        for domain in options.domains:
            line = lines[same(domain.fqdn)] = open_lines.enter_context(opened(domain))
            facts.append(read_changes(line, options, previous) if previous else read_domain(line, options))
        return assembled(facts, lines, options, when)


def without_ldap3(error: ImportError) -> SourceError:
    """What to say where the extra is not installed."""
    return unreadable(f"a directory needs the module `ldap3` ({error}); {install('[ldap]')}")
