"""From a group synchronisation that was decided to the changes of a plan, in order."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from tabwarden.effects.change import Change
from tabwarden.effects.ops.groups import Grants, ImportGroup, SyncGroup
from tabwarden.effects.ref import GROUP, Ref, group_ref, user_ref
from tabwarden.model.site import Group, Site
from tabwarden.plan.order import ASIDE, BACK, diff
from tabwarden.want.groups.imported import UPDATED, Synced
from tabwarden.want.groups.sync import Decision
from tabwarden.want.wanted import EXISTS, SITE_ROLE


def group_changes(now: Site, decision: Decision) -> tuple[Change, ...]:
    """The changes that make `now` into what was decided; empty where nothing is to be done."""
    after = decision.by_import.site
    brought = _Brought(now, decision)
    later = [_as_known(change, now) for change in diff(after, decision.wanted.site, decision.wanted.why)]
    return (*brought.syncs(), *brought.effects(diff(now, after, decision.by_import.why)), *later)


class _Brought:
    """The part that Tableau does itself."""

    def __init__(self, now: Site, decision: Decision) -> None:
        self.now, self.decision = now, decision
        after = decision.by_import.site
        self._by_key = {user_ref(u).key: u.id for u in after.users.values() if u.id not in now.users}
        self._by_key |= {group_ref(g).key: g.id for g in after.groups.values()}
        self.refs = {synced.target.into.id: _ref(now, synced.target.into) for synced in decision.synced}

    def syncs(self) -> Iterator[Change]:
        """One change for each import or synchronisation, with what it is expected to count."""
        for synced in self.decision.synced:
            into, because = synced.target.into, _because(synced)
            grants = Grants.of(self.decision.by_import.site.groups[into.id])
            expected = tuple(sorted(synced.expected.items()))
            if synced.target.is_new:
                yield ImportGroup(self.refs[into.id], grants, expected, because=because)
            else:
                yield SyncGroup(self.refs[into.id], Grants.of(into), grants, expected, because=because)

    def effects(self, changes: Iterable[Change]) -> Iterator[Change]:
        """What the synchronisations do to people; a demotion by Tableau itself needs nobody to step aside."""
        for change in changes:
            if change.of_user is None or change.because in (ASIDE, BACK):
                continue
            yield _as_known(change, self.now).but(brought_by=self.refs.get(self._group_of(change)))

    def _group_of(self, change: Change) -> str:
        user, group = change.of_user, change.of_group
        if group is not None:
            return group.id or self._by_key[group.key]
        subject = "" if user is None else user.id or self._by_key.get(user.key, "")
        return self.decision.brought_by[subject, SITE_ROLE if change.creates is None else EXISTS]


def _because(synced: Synced) -> str:
    if synced.target.is_new:
        return f"is not on Tableau yet; {synced.target.because}"
    renamed = synced.expected.get(UPDATED, 0)
    if renamed and not any(number for note, number in synced.expected.items() if note != UPDATED):
        return f"names or e-mail addresses of {renamed} people follow the directory"
    return synced.target.because


def _ref(now: Site, group: Group) -> Ref:
    return Ref(GROUP, group.name, group.domain, group.id if group.id in now.groups else None)


def _as_known(change: Change, now: Site) -> Change:
    """The change with ids of what is on the site by now only; what comes before it in the plan has no id yet."""
    known = {"user": now.users, "group": now.groups}
    refs = {name: ref for name, ref in (("user", change.of_user), ("group", change.of_group)) if ref is not None}
    newer = {name: ref.with_id(None) for name, ref in refs.items() if ref.id and ref.id not in known[name]}
    return change.but(**newer) if newer else change
