"""Source groups within source groups: which groups somebody is in besides those a source lists.

Cycles end where they close. A group is known by its name as written, in any letter case.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from typing import NamedTuple

from tabwarden.model.names import same
from tabwarden.want.directory import Directory, DirectoryGroup


class Within(NamedTuple):
    """A group somebody is in: `through` is the group of hers that lies in it, '' where she is in it directly."""

    name: str
    through: str = ""


class Nesting:
    """Groups and the groups they lie in. `also` gives other spellings of a name, each to the one that is used."""

    def __init__(self, pairs: Iterable[tuple[str, str]] = (), also: Mapping[str, str] | None = None) -> None:
        """`pairs` are a group and a group that holds it."""
        self._also = {same(spelling): name for spelling, name in (also or {}).items()}
        self._above: defaultdict[str, dict[str, str]] = defaultdict(dict)
        for inner, outer in pairs:
            name = self.called(outer)
            self._above[same(self.called(inner))].setdefault(same(name), name)
        self._all: dict[str, tuple[str, ...]] = {}

    def called(self, name: str) -> str:
        """The name that is used for a group however it was spelled."""
        return self._also.get(same(name), name)

    def everything(self, direct: Iterable[str]) -> Mapping[str, Within]:
        """All groups, by their compared names, of somebody who is in these directly."""
        mine = {same(name): name for name in (self.called(group) for group in direct)}
        groups = {known: Within(name) for known, name in mine.items()}
        for name in (mine[known] for known in sorted(mine)):
            for outer in self._outer(name):
                groups.setdefault(same(outer), Within(outer, name))
        return groups

    def _outer(self, name: str) -> tuple[str, ...]:
        """Every group above one, nearest first, without itself."""
        start = same(name)
        if start not in self._all:
            met, waiting, groups = {start}, [start], list[str]()
            while waiting:
                for known, outer in sorted(self._above.get(waiting.pop(0), {}).items()):
                    if known not in met:
                        met.add(known)
                        waiting.append(known)
                        groups.append(outer)
            self._all[start] = tuple(groups)
        return self._all[start]


NONE = Nesting()


def nesting_of(directory: Directory) -> Nesting:
    """The groups of a directory as `NETBIOS\\name`; also by FQDN, by DN and, where it is alone, by the bare name."""
    names = {group.guid: _name(directory, group) for group in directory.groups.values()}
    also: dict[str, str] = {}
    for group in directory.groups.values():
        name = names[group.guid]
        also |= {spelling: name for spelling in (f"{group.domain}\\{group.name}", group.dn) if spelling}
        if len(directory.groups_named(group.name)) == 1:
            also.setdefault(group.name, name)
    pairs = (
        (names[member], names[group.guid])
        for group in directory.groups.values()
        for member in group.members
        if member in names
    )
    return Nesting(pairs, also)


def memberships_of(directory: Directory) -> Mapping[str, tuple[str, ...]]:
    """The groups that people of a directory are in directly, as `NETBIOS\\name`, by the guid of the person."""
    groups_by_member: defaultdict[str, list[str]] = defaultdict(list)
    for group in directory.groups.values():
        name = _name(directory, group)
        for member in group.members & directory.people.keys():
            groups_by_member[member].append(name)
    return {guid: tuple(sorted(names)) for guid, names in groups_by_member.items()}


def _name(directory: Directory, group: DirectoryGroup) -> str:
    domain = directory.domain(group.domain)
    return f"{domain.netbios if domain is not None and domain.netbios else group.domain}\\{group.name}"
