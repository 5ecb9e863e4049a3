"""A domain read by what changed since a Directory was read of it.

Sources: [MS-ADTS] 3.1.1.1.9 (update sequence numbers count on one server, known by its invocationId), 3.1.1.5.5
(deletion removes a member from its groups without a change of the groups), 3.1.1.5.3.7 (so does bringing it back).
"""

from __future__ import annotations

from collections.abc import Iterator

from tabwarden.model.names import same
from tabwarden.sources.ldap.options import DirectorySettings
from tabwarden.sources.ldap.reading import (
    GROUPS,
    PEOPLE,
    TOMBSTONES,
    Facts,
    GroupFacts,
    Wire,
    group,
    group_fields,
    introduce,
    person,
    person_fields,
    read_domain,
)
from tabwarden.sources.ldap.values import LdapEntry, Reference
from tabwarden.want.directory import Directory, DirectoryGroup, DirectoryPerson, Domain

_CONTAINERS = ("organizationalunit", "container", "builtindomain")


class _Whole(Exception):
    """What changed cannot be told apart from what it was: read everything."""


def read_changes(line: Wire, options: DirectorySettings, previous: Directory) -> Facts:
    """The same as `read_domain`, from a Directory that was read before with the same options.

    Read whole nevertheless where the numbers of that time mean nothing: another server, one put back from a backup,
    one that does not show who was deleted; or where somebody came back from deletion.
    """
    now = introduce(line)
    before = next((d for d in previous.domains if same(d.fqdn) == same(now.domain.fqdn)), None)
    if before is None or not _goes_on(before, now.domain):
        return read_domain(line, options)
    try:
        return _changed(line, options, previous, now, before.usn)
    except _Whole:
        return read_domain(line, options)


def _goes_on(before: Domain, now: Domain) -> bool:
    one_server = bool(now.server) and before.server == now.server and before.sid == now.sid
    return one_server and before.sees_deleted and now.sees_deleted and 0 < before.usn <= now.usn


def _changed(line: Wire, options: DirectorySettings, previous: Directory, now: Facts, usn: int) -> Facts:
    domain = same(now.domain.fqdn)
    old = {guid: known for guid, known in previous.people.items() if same(known.domain) == domain}
    now.people = {guid: known for guid, known in old.items() if not known.deleted}
    now.groups = {
        guid: _remembered(previous, known) for guid, known in previous.groups.items() if same(known.domain) == domain
    }
    fields = tuple(dict.fromkeys((*person_fields(options), *group_fields(line, options))))
    # All tombstones each time, for in the end they are removed without a trace.
    wanted = f"(|(uSNChanged>={usn + 1}){TOMBSTONES})"
    renamed: list[LdapEntry] = []
    others_went = False
    for entry in line.search(now.base, wanted, fields, deleted=True):
        if entry.deleted:
            known = now.people.pop(entry.guid, None) or now.groups.pop(entry.guid, None)
            if entry.is_person:
                now.people[entry.guid] = person(entry, now.domain, options)
            elif known is None and entry.number("uSNChanged") > usn:
                others_went = True
        elif entry.is_person:
            _refuse_returned(entry, old.get(entry.guid), usn)
            now.people[entry.guid] = person(entry, now.domain, options)
        elif entry.is_group:
            _refuse_returned(entry, now.groups.get(entry.guid), usn)
            now.groups[entry.guid] = group(line, entry, options)
        elif any(entry.is_a(kind) for kind in _CONTAINERS):
            renamed.append(entry)
    for container in renamed:
        _move_below(line, container, now)
    if others_went:
        _read_again(line, options, now)
    return now


def _refuse_returned(entry: LdapEntry, known: DirectoryPerson | GroupFacts | None, usn: int) -> None:
    """Raises _Whole for what was there before we read and was not alive then: it brings memberships with it."""
    was_deleted = isinstance(known, DirectoryPerson) and known.deleted
    if was_deleted or (known is None and entry.number("uSNCreated") <= usn):
        raise _Whole


def _remembered(previous: Directory, group: DirectoryGroup) -> GroupFacts:
    """A group with its references as they were: those by primary group are told by the people."""
    return GroupFacts(group.guid, group.name, group.sid, group.dn, tuple(_references(previous, group)), group.others)


def _references(previous: Directory, group: DirectoryGroup) -> Iterator[Reference]:
    for guid in sorted(group.members):
        member: DirectoryPerson | DirectoryGroup = previous.people.get(guid) or previous.groups[guid]
        if isinstance(member, DirectoryPerson) and group.sid and member.primary_group == group.sid:
            continue
        if same(member.domain) == same(group.domain):
            yield Reference(guid, member.sid, member.dn)
        else:
            yield _foreign(member.sid)
    yield from map(_foreign, group.orphans)


def _foreign(sid: str) -> Reference:
    return Reference("", sid, f"CN={sid},CN=ForeignSecurityPrincipals,")


def _move_below(line: Wire, container: LdapEntry, now: Facts) -> None:
    """Take the names of all below a container anew: they change with its own, and nothing of them tells it."""
    for entry in line.search(container.dn, f"(|{PEOPLE}{GROUPS})", ("objectGUID",)):
        if entry.guid in now.people:
            now.people[entry.guid] = now.people[entry.guid]._replace(dn=entry.dn)
        elif entry.guid in now.groups:
            now.groups[entry.guid] = now.groups[entry.guid]._replace(dn=entry.dn)


def _read_again(line: Wire, options: DirectorySettings, now: Facts) -> None:
    """Something that is neither person nor group was deleted: count those of the groups that had some."""
    fields = group_fields(line, options)
    for guid, facts in tuple(now.groups.items()):
        if facts.others:
            now.groups[guid] = group(line, line.get(f"<GUID={guid}>", *fields), options)
