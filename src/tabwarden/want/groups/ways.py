"""Which group of Tableau each group of the directory becomes, and by which way it is kept the same.

By import: Tableau's own group of the directory, which Tableau fills when it is told to. By membership: a local group,
into which people are put one by one. Only a server that is joined to the directory can do the first.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from tabwarden.model.names import same
from tabwarden.model.site import LOCAL, Group, Site
from tabwarden.model.tables import grouped
from tabwarden.want.directory import Directory, DirectoryGroup, Domain
from tabwarden.want.groups.rules import AUTO, IMPORT, MEMBERSHIP, FoundGroup, GroupRule
from tabwarden.want.names.domains import untrusted
from tabwarden.want.wanted import Held


class Target(NamedTuple):
    """A group to be synchronised: `into` is the group on Tableau as it is, or as it will be made (`is_new`)."""

    rule: GroupRule
    group: DirectoryGroup
    members: frozenset[str]
    into: Group
    is_new: bool
    way: str
    because: str

    @property
    def name(self) -> str:
        """The group on Tableau as people write it."""
        return self.into.name if same(self.into.domain) == LOCAL else f"{self.into.domain}\\{self.into.name}"


class Names:
    """Which domain of the directory a word on Tableau means, and whether the server is joined to any of them."""

    def __init__(self, now: Site, directory: Directory) -> None:
        self._directory = directory
        self._nicknames = {same(name): fqdn for fqdn, name in (now.nicknames or {}).items()}
        self._kept: dict[str, str] = {}
        domains = now.nicknames if now.nicknames is not None else {o.domain for o in _with_domains(now)}
        self.joined = any(self.fqdn(word) in self._fqdns for word in domains if same(word) != LOCAL)

    @property
    def _fqdns(self) -> Mapping[str, Domain]:
        return {same(d.fqdn): d for d in self._directory.domains}

    def fqdn(self, word: str) -> str:
        """The FQDN, as compared, of a domain by any of its names; a word that means none stands for itself."""
        if word not in self._kept:
            known = self._directory.domain(self._nicknames.get(same(word), word)) if same(word) != LOCAL else None
            self._kept[word] = same(known.fqdn if known is not None else word)
        return self._kept[word]

    def is_of_directory(self, word: str) -> bool:
        """Whether a user or group of that domain is of a domain that was read."""
        return self.fqdn(word) in self._fqdns


def _with_domains(now: Site) -> list[Group]:
    groups_by_domain = {same(u.domain): Group("", "", u.domain) for u in now.users.values()}
    return [*groups_by_domain.values(), *now.groups.values()]


def targets(
    now: Site, directory: Directory, groups: Sequence[FoundGroup]
) -> tuple[tuple[Target, ...], tuple[Held, ...]]:
    """A Target for each group, those by import first, and who is held because it cannot be done."""
    names, held = Names(now, directory), list[Held]()
    by_name = grouped((same(group.name), group) for group in now.groups.values())
    listed: list[Target] = []
    taken: dict[str, str] = {}
    for one in groups:
        target = _target(by_name, directory, names, one)
        if isinstance(target, Held):
            held.append(target)
        elif target.into.id in taken:
            reason = f"`{taken[target.into.id]}` goes into the group `{target.name}` already"
            held.append(Held(one.rule.group, reason, "put one group into the other in the directory, or drop one"))
        else:
            taken[target.into.id] = one.rule.group
            listed.append(target)
    listed.sort(key=lambda target: target.way != IMPORT)
    return tuple(listed), tuple(held)


def _target(groups: Mapping[str, list[Group]], directory: Directory, names: Names, one: FoundGroup) -> Target | Held:
    rule, group, members = one
    into = rule.into.strip() or group.name
    by_name = groups.get(same(into), [])
    local = next((g for g in by_name if same(g.domain) == LOCAL), None)
    imported = next((g for g in by_name if names.fqdn(g.domain) == same(group.domain)), None)
    if local is not None and local.everyone:
        return Held(rule.group, "All Users holds everybody", "name another group in `into`")
    way, because = _way(directory, names, one, into, local=local is not None and imported is None)
    if isinstance(because, Held):
        return because
    existing, domain = (imported, group.domain) if way == IMPORT else (local, LOCAL)
    new = Group(f"new:group:{same(domain)}\\{same(into)}", group.name if way == IMPORT else into, domain, frozenset())
    return Target(rule, group, members, existing or new, existing is None, way, because)


def _way(directory: Directory, names: Names, one: FoundGroup, into: str, *, local: bool) -> tuple[str, str | Held]:
    """The way and why; the reason why neither goes."""
    rule, group = one.rule, one.group
    if rule.by == MEMBERSHIP:
        return MEMBERSHIP, "the settings say so"
    renamed, obstacle = same(into) != same(group.name), ""
    if not names.joined:
        obstacle = f"the server is not joined to `{group.domain}`"
    elif renamed:
        obstacle = f"Tableau gives a group of the directory its own name, `{group.name}`, and it is to be `{into}`"
    elif rule.by == AUTO and local:
        obstacle = f"`{into}` is a local group"
    if obstacle and rule.by == AUTO:
        return MEMBERSHIP, obstacle
    if obstacle:
        return IMPORT, Held(rule.group, f"cannot be imported: {obstacle}", "say `by: membership`, or `auto`")
    domain = directory.domain(group.domain)
    refusal = untrusted(directory, domain) if domain is not None else None
    if refusal is not None:
        return IMPORT, Held(rule.group, f"cannot be imported: {refusal.reason}", refusal.remedy)
    return IMPORT, f"the server is joined to `{group.domain}`"
