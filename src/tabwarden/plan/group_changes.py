"""From a group synchronisation that was decided to the changes of a plan, in order. Not what is wanted.

First the imports and synchronisations that Tableau does itself, then what they bring about (read back, not sent),
then what membership calls do.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace

from tabwarden.model.site import Group, Site
from tabwarden.plan.order import ASIDE, BACK, diff
from tabwarden.plan.plan import (
    ADD_TO_GROUP,
    ADD_USER,
    CREATE_GROUP,
    IMPORT_GROUP,
    REMOVE_FROM_GROUP,
    SET_SITE_ROLE,
    SYNC_GROUP,
    UPDATE_GROUP,
    Change,
    Fields,
    Ref,
)
from tabwarden.want.groups.imported import UPDATED, Synced
from tabwarden.want.groups.sync import Decision
from tabwarden.want.wanted import EXISTS, SITE_ROLE


def group_changes(now: Site, decision: Decision) -> tuple[Change, ...]:
    """The changes that make `now` into what was decided; empty where nothing is to be done."""
    after = decision.by_import.site
    brought = _Brought(now, decision)
    later = [_as_known(change, now) for change in diff(after, decision.wanted.site, decision.wanted.why)]
    return (*brought.syncs(), *brought.effects(diff(now, after, decision.by_import.why)), *_out_before_up(later))


def _out_before_up(changes: list[Change]) -> Iterator[Change]:
    """Whoever gets a higher role is first taken out of the groups he leaves: they may grant more, and refuse less."""
    rising = {c.user for c in changes if c.op == SET_SITE_ROLE and not c.destructive}
    early = [c for c in changes if c.op == REMOVE_FROM_GROUP and c.user in rising and c.because != ASIDE]
    place = next((n for n, change in enumerate(changes) if change.op == SET_SITE_ROLE), len(changes))
    yield from changes[:place]
    yield from early
    taken = set(map(id, early))
    yield from (change for change in changes[place:] if id(change) not in taken)


class _Brought:
    """The part that Tableau does itself."""

    def __init__(self, now: Site, decision: Decision) -> None:
        self.now, self.decision = now, decision
        after = decision.by_import.site
        self._by_key = {Ref("user", u.name, u.domain).key: u.id for u in after.users.values() if u.id not in now.users}
        self._by_key |= {Ref("group", g.name, g.domain).key: g.id for g in after.groups.values()}
        self.refs = {synced.target.into.id: _ref(now, synced.target.into) for synced in decision.synced}

    def syncs(self) -> Iterator[Change]:
        """One change for each import or synchronisation, with what it is expected to count."""
        for synced in self.decision.synced:
            group = self.decision.by_import.site.groups[synced.target.into.id]
            yield Change(
                IMPORT_GROUP if synced.target.is_new else SYNC_GROUP,
                group=self.refs[group.id],
                before={} if synced.target.is_new else _grants(synced.target.into),
                after={**_grants(group), **synced.expected},
                because=_because(synced),
            )

    def effects(self, changes: Iterable[Change]) -> Iterator[Change]:
        """What the synchronisations do to people; a demotion by Tableau itself needs nobody to step aside."""
        for change in changes:
            if change.op in (CREATE_GROUP, UPDATE_GROUP) or change.because in (ASIDE, BACK):
                continue
            group = self.refs.get(self._group_of(change))
            yield _brought_by(_as_known(change, self.now), group)

    def _group_of(self, change: Change) -> str:
        if change.op in (ADD_TO_GROUP, REMOVE_FROM_GROUP) and change.group is not None:
            return change.group.id or self._by_key[change.group.key]
        user = change.user
        subject = "" if user is None else user.id or self._by_key.get(user.key, "")
        return self.decision.brought_by[subject, EXISTS if change.op == ADD_USER else SITE_ROLE]


def _brought_by(change: Change, group: Ref | None) -> Change:
    before, after, because = change.before, change.after, change.because
    return Change(change.op, change.user, change.group, before, after, because, change.destructive, brought_by=group)


def _because(synced: Synced) -> str:
    if synced.target.is_new:
        return f"is not on Tableau yet; {synced.target.because}"
    renamed = synced.expected.get(UPDATED, 0)
    if renamed and not any(number for note, number in synced.expected.items() if note != UPDATED):
        return f"names or e-mail addresses of {renamed} people follow the directory"
    return synced.target.because


def _ref(now: Site, group: Group) -> Ref:
    return Ref("group", group.name, group.domain, group.id if group.id in now.groups else None)


def _as_known(change: Change, now: Site) -> Change:
    """The change with ids of what is on the site by now only; what comes before it in the plan has no id yet."""
    user, group = change.user, change.group
    if (user is None or user.id is None or user.id in now.users) and (group is None or group.id in now.groups):
        return change
    if user is not None and user.id is not None and user.id not in now.users:
        user = user._replace(id=None)
    if group is not None and group.id is not None and group.id not in now.groups:
        group = group._replace(id=None)
    return replace(change, user=user, group=group)


def _grants(group: Group) -> Fields:
    return {"minimum_site_role": group.minimum_site_role, "grant_on": group.grant_on}
