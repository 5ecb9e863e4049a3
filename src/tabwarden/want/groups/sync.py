"""Groups of the directory kept on Tableau: the Site as they would have it, and why.

Deleted or disabled in the directory: out of the groups, Unlicensed, still on the site. Only out of the group there:
out of it here, the site role stays. In it: on the site, in the group, with at least the group's minimum site role,
given when somebody signs in or at synchronisation; nobody is lowered by it and nobody removed from the site.
Source: "User Management in Active Directory Deployments"; tableau-permissions §8.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType

from tabwarden.model.site import Site
from tabwarden.model.takes import Authentication
from tabwarden.want.directory import Directory
from tabwarden.want.groups.imported import Importing, Synced
from tabwarden.want.groups.membership import Care, Joining
from tabwarden.want.groups.people import Behind
from tabwarden.want.groups.remarks import remarks
from tabwarden.want.groups.rules import IMPORT, GroupRule, found_groups
from tabwarden.want.groups.state import Aspect, State
from tabwarden.want.groups.ways import Target, targets
from tabwarden.want.provision import is_protected
from tabwarden.want.wanted import Wanted


@dataclass(frozen=True, slots=True)
class GroupPolicy:
    """Who is not touched: `protected` names, the user who runs this (id); by objectGUID who somebody was on the site at
    the last good run (`accounts`); how new users sign in."""

    protected: tuple[str, ...] = ()
    own_id: str = ""
    authentication: Authentication | None = None
    accounts: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))


@dataclass(frozen=True, slots=True)
class Decision:
    """What is wanted, in two steps, and what is known about it.

    `by_import` is the Site once Tableau has synchronised its own groups (`synced`, in order); `brought_by` names the
    group that does it for each user and aspect of that step. `wanted` is the Site in the end.
    `left` are users who are out of groups (named) and keep their role, `gone` those whom the directory gave up.
    `accounts` tells by objectGUID who somebody is on the site in the end.
    """

    by_import: Wanted
    wanted: Wanted
    targets: tuple[Target, ...] = ()
    synced: tuple[Synced, ...] = ()
    brought_by: Mapping[Aspect, str] = field(default_factory=dict)
    left: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    gone: frozenset[str] = frozenset()
    accounts: Mapping[str, str] = field(default_factory=dict)

    @property
    def empty(self) -> tuple[Target, ...]:
        """The groups that hold nobody in the directory and may not."""
        return tuple(t for t in self.targets if not t.members and not t.rule.may_be_empty)


def want_groups(now: Site, directory: Directory, rules: Sequence[GroupRule], policy: GroupPolicy) -> Decision:
    """The Site as the groups of the directory would have it. SourceError for a group that is not in the directory.

    `now` has read the members of the groups named and of those that grant a role. Protected users and the one who
    runs this are not drawn into anything; where they would lose something it is wanted all the same, and a lock-out
    stop says no to all of it: a directory that gives them up cannot be trusted blindly.
    """
    listed, not_synced = targets(now, directory, found_groups(directory, rules))
    state, behind = State(now), Behind(now, directory, policy.accounts)
    importing = Importing(state, directory, behind)
    for target in listed:
        if target.way == IMPORT:
            importing.synchronise(target)
    by_import, brought_by = Wanted(state.site(), state.why()), dict(state.by)
    state.sentences.clear()
    joining = Joining(state, directory, behind, Care(_untouched(now, policy), policy.authentication))
    for target in listed:
        if target.way != IMPORT:
            joining.keep(target)
    joining.grant()
    joining.finish()
    site = state.site()
    return Decision(
        by_import=by_import,
        wanted=Wanted(
            site,
            state.why(),
            (*not_synced, *importing.held, *joining.held),
            remarks(site, state, listed, importing, joining),
        ),
        targets=listed,
        synced=tuple(importing.synced),
        brought_by=brought_by,
        left=_left(importing, joining),
        gone=frozenset(importing.gone | joining.gone),
        accounts={**policy.accounts, **dict(_accounts(site, importing, joining))},
    )


def _accounts(site: Site, importing: Importing, joining: Joining) -> Iterator[tuple[str, str]]:
    """By objectGUID who each person is whose user is clear."""
    ids = {**importing.user_by_guid, **{key.split()[0]: user for key, user in joining.user_by_name.items()}}
    return ((guid, site.users[user].qualified) for guid, user in ids.items() if user in site.users)


def _untouched(now: Site, policy: GroupPolicy) -> frozenset[str]:
    protected = {u.id for u in now.users.values() if is_protected(u, policy.protected)} if policy.protected else set()
    return frozenset(protected | ({policy.own_id} & now.users.keys()))


def _left(importing: Importing, joining: Joining) -> dict[str, tuple[str, ...]]:
    both = {**importing.left}
    for user, groups in joining.left.items():
        both[user] = [*both.get(user, []), *groups]
    return {user: tuple(groups) for user, groups in both.items() if user not in importing.gone | joining.gone}
