"""The activity log: one JSON object for every event of governance, as Tableau writes them.

Events are told from what became of a site, so none is missing whatever route a change took: a lock that overwrites
rules tells of every rule. The ten shared attributes are those of the "Activity Log Event Type Reference"; names of
event types and of their own attributes are D where that page was read and B else (`EVENT_TYPES`).
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import IO, Any
from zlib import crc32

from tabwarden.model.errors import WorldError
from tabwarden.model.site import Content, Group, Rule, Rules, Site, User
from tabwarden.model.tables import that_differ
from tabwarden.model.usage import PROOFS, event_name
from tabwarden.safe_files import open_to_append
from tabwarden.troubles import why

Event = dict[str, Any]


def used_type(what: str, kind: str) -> str:
    """The event type of the use of a content: `hist_access_view`."""
    return f"hist_{event_name(what, kind).replace(' ', '_').lower()}"


SERVICE = "vizportal"
SUCCESS, UNAUTHORIZED = "success", "unauthorized"
_DOCUMENTED = (
    "add_delete_user_to_group content_owner_change create_permissions update_permissions"
    " delete_permissions delete_all_permissions update_permissions_template display_sheet_tabs"
    " move_content project_lock_unlock"
)
_BELIEVED = "create_delete_user create_delete_group update_site_role login"
EVENT_TYPES: Mapping[str, str] = {
    **dict.fromkeys(_DOCUMENTED.split(), "D"),
    **dict.fromkeys(_BELIEVED.split(), "B"),
    **{used_type(what, kind): "B" for what, proof in PROOFS.items() for kind in proof.capabilities},
}


class ActivityLog:
    """The activity log of one sandbox, oldest first; with a file, what a request did is in it before the answer."""

    def __init__(self, clock: Callable[[], float], path: Path | None = None) -> None:
        self.entries: list[Event] = []
        self._clock = clock
        self._kept = 0
        self._actor = self._initiator = ""
        self._out: IO[str] | None = None
        if path is not None:
            try:
                self._out = open_to_append(path)
            except OSError as problem:
                raise WorldError(f"activity log `{path}` cannot be written: {why(problem)}") from None

    def by(self, actor: str, initiator: str = "") -> None:
        """Whose doing what follows is: user ids; `initiator` is the administrator who impersonates, else the same."""
        self._actor, self._initiator = actor, initiator or actor

    def changed(self, old: Site, new: Site) -> None:
        """Tell every event between two values of a site."""
        for event_type, details in events_between(old, new):
            self._add(new.id, event_type, SUCCESS, details)

    def signed_in(self, site: str, user: User | None) -> None:
        """Tell a sign-in; without a user one that was refused."""
        details = _ids("user", user.id) if user is not None else {}
        self._add(site, "login", SUCCESS if user is not None else UNAUTHORIZED, details)

    def used(self, site: Site, what: str, content: Content | None) -> None:
        """Tell that somebody opened or took a content [B]."""
        if content is not None:
            self._add(site.id, used_type(what, content.kind), SUCCESS, _content(content))

    def _add(self, site: str, event_type: str, outcome: str, details: Mapping[str, Any]) -> None:
        moment = datetime.fromtimestamp(self._clock(), UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
        shared = {
            **_ids("actorUser", self._actor),
            "eventOutcome": outcome,
            "eventProcessedTime": moment,
            "eventTime": moment,
            "eventType": event_type,
            **_ids("initiatingUser", self._initiator),
            "serviceName": SERVICE,
            "siteLuid": site,
        }
        self.entries.append({**shared, **details})

    def commit(self) -> None:
        """Write what was told since the last time."""
        if self._out is not None and self._kept < len(self.entries):
            self._out.writelines(json.dumps(entry) + "\n" for entry in self.entries[self._kept :])
            self._out.flush()
        self._kept = len(self.entries)

    def close(self) -> None:
        """Let go of the file."""
        self.commit()
        if self._out is not None:
            self._out.close()
            self._out = None


def number_of(luid: str) -> int:
    """The integer id beside a LUID: the same for the same LUID everywhere; 0 for none."""
    return crc32(luid.encode()) & 0x7FFFFFFF


def _ids(name: str, luid: str) -> Event:
    return {f"{name}Id": number_of(luid), f"{name}Luid": luid}


Told = tuple[str, Event]


def events_between(old: Site, new: Site) -> Iterator[Told]:
    """The events that make `new` of `old`: people, groups, then content; each with its own attributes."""
    if old.users is not new.users:
        yield from _users(old, new)
    if old.groups is not new.groups:
        yield from _groups(old, new)
    if old.contents is not new.contents:
        yield from _contents(old, new)


def _users(old: Site, new: Site) -> Iterator[Told]:
    for key, user in new.users.items():
        was = old.users.get(key)
        if was is None:
            yield "create_delete_user", {**_ids("user", key), "userOperation": "create", "siteRole": user.site_role}
        elif was.site_role != user.site_role:
            details = {**_ids("user", key), "oldSiteRole": was.site_role, "newSiteRole": user.site_role}
            yield "update_site_role", details
    for key in old.users.keys() - new.users.keys():
        yield "create_delete_user", {**_ids("user", key), "userOperation": "delete"}


def _groups(old: Site, new: Site) -> Iterator[Told]:
    for key, group in new.groups.items():
        was = old.groups.get(key)
        if was is group:
            continue
        if was is None:
            yield "create_delete_group", {**_ids("group", group.id), "groupOperation": "create"}
        yield from _memberships(was, group)
    for key, group in old.groups.items():
        if key not in new.groups:
            yield "create_delete_group", {**_ids("group", group.id), "groupOperation": "delete"}


def _memberships(was: Group | None, group: Group) -> Iterator[Told]:
    if group.everyone:
        return
    before, after = (was.members if was is not None else None) or frozenset(), group.members or frozenset()
    for operation, users in (("add", after - before), ("delete", before - after)):
        for user in sorted(users):
            details = {**_ids("group", group.id), "groupOperation": operation, "isError": False, **_ids("user", user)}
            yield "add_delete_user_to_group", details


def _contents(old: Site, new: Site) -> Iterator[Told]:
    for key in that_differ(old.contents, new.contents):
        was, content = old.contents.get(key), new.contents.get(key)
        if content is None:
            if was is not None and was.rules:
                yield "delete_all_permissions", _content(was)
            continue
        yield from _rules(content, was.rules if was is not None else None, content.rules)
        yield from _templates(was, content)
        if was is not None:
            yield from _moved(was, content)


def _content(content: Content) -> Event:
    return {**_ids("content", content.id), "contentName": content.name, "contentType": content.kind}


def _moved(was: Content, now: Content) -> Iterator[Told]:
    about = _content(now)
    if was.owner != now.owner and now.kind != "view":
        yield "content_owner_change", {**about, "oldOwnerLuid": was.owner, "newOwnerLuid": now.owner, "isError": False}
    if was.parent != now.parent:
        yield "move_content", {**about, "oldProjectLuid": was.parent or "", "newProjectLuid": now.parent or ""}
    if was.mode != now.mode:
        yield "project_lock_unlock", {**about, "oldContentPermissions": was.mode, "newContentPermissions": now.mode}
    if was.tabs != now.tabs:
        yield "display_sheet_tabs", {**about, "showTabs": now.tabs}


def _rules(content: Content, before: Rules | None, after: Rules | None) -> Iterator[Told]:
    for event_type, rule in _rule_events(before or frozenset(), after or frozenset()):
        yield event_type, {**_content(content), **_rule(rule)}


def _templates(was: Content | None, now: Content) -> Iterator[Told]:
    """Default rules of a project: every change of one is an update of its template for a kind."""
    before: Mapping[str, Rules | None] = was.defaults if was is not None else {}
    if before is now.defaults:
        return
    for kind in sorted({*before, *now.defaults}):
        changes = _rule_events(before.get(kind) or frozenset(), now.defaults.get(kind) or frozenset())
        for event_type, rule in changes:
            operation = event_type.partition("_")[0]
            details = {**_content(now), "templateType": kind, "permissionOperation": operation, **_rule(rule)}
            yield "update_permissions_template", details


def _rule_events(before: Rules, after: Rules) -> Iterator[tuple[str, Rule]]:
    if before == after:
        return
    gone, come = before - after, after - before
    turned = {(r.grantee, r.capability) for r in gone} & {(r.grantee, r.capability) for r in come}
    for rule in sorted(come):
        flipped = (rule.grantee, rule.capability) in turned
        yield "update_permissions" if flipped else "create_permissions", rule
    for rule in sorted(gone):
        if (rule.grantee, rule.capability) not in turned:
            yield "delete_permissions", rule


def _rule(rule: Rule) -> Event:
    return {
        "granteeType": rule.grantee.kind,
        **_ids("grantee", rule.grantee.id),
        "capabilityName": rule.capability,
        "permissionType": rule.mode,
    }
