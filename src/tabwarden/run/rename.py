"""People under another user name: the site is read whole, a plan is decided, and its way back. The doing: apply.py.

Site + renames -> want.rename -> wanted Site -> change.carry -> changes -> Plan
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from tabwarden.model.errors import UnknownName
from tabwarden.model.site import Site
from tabwarden.plan.content_stops import content_stops
from tabwarden.plan.facts import facts, user_of
from tabwarden.plan.plan import ADD_USER, REMOVE_USER, Change, Plan
from tabwarden.plan.rename import carried
from tabwarden.plan.stops import people_stops
from tabwarden.run.context import guarded_of, identity_of, limits_of
from tabwarden.run.names import directory_of
from tabwarden.run.sign_in import connected
from tabwarden.settings import Settings
from tabwarden.store.journal import now as present
from tabwarden.tableau.http.connection import Connection
from tabwarden.tableau.read.site import read_site
from tabwarden.want.names.rename import Rename, importable, renamed, renames_of, upn_renames
from tabwarden.want.provision import is_protected
from tabwarden.want.wanted import Held

KIND = "rename"


def plan_rename(settings: Settings, words: Sequence[str] = (), *, upn: bool = False, keep_old: bool = False) -> Plan:
    """The plan for `OLD=NEW` words, and with `upn` for everybody whom the directory shows to be imported by UPN."""
    if not words and not upn:
        raise UnknownName("say whom to rename: OLD=NEW, or `--upn` for everybody imported by UPN")
    directory = directory_of(settings) if upn or settings.directory is not None else None
    with connected(settings) as connection:
        now = read_site(connection)
        renames, held = renames_of(now, words), tuple[Held, ...]()
        if directory is not None:
            renames, held = importable(now, directory, renames)
        if directory is not None and upn:
            found, unclear = upn_renames(now, directory)
            asked = {one.old for one in renames}
            renames = (*renames, *(one for one in found if one.old not in asked))
            held = (*held, *unclear)
        return decide(settings, connection, now, renames, keep_old=keep_old, held=held)


def decide(
    settings: Settings,
    connection: Connection,
    now: Site,
    renames: Sequence[Rename],
    *,
    keep_old: bool = False,
    held: tuple[Held, ...] = (),
) -> Plan:
    """The plan for these renames on a site that was read whole."""
    own_id, limits = connection.user_id, limits_of(settings)
    protected = {u.id for u in now.users.values() if is_protected(u, settings.provision.protected)} | {own_id}
    wanted = renamed(now, renames, keep_old=keep_old, protected=protected)
    found = carried(now, wanted, renames)
    stops = people_stops(now, found.changes, limits, guarded_of(settings, own_id))
    return Plan(
        kind=KIND,
        site=identity_of(connection, now.name),
        made_at=present(),
        changes=found.changes,
        held=(*held, *found.held),
        notes=found.notes,
        stops=(*stops, *content_stops(now, found.changes, limits.rules_removed)),
        impact=found.impact,
        seen=facts(now, found.changes),
    )


def undo_rename(settings: Settings, connection: Connection, plan: Plan, done: Sequence[Change]) -> Plan:
    """The plan that gives everybody the old name again, with what the new user has by now."""
    now = read_site(connection)
    renames: list[Rename] = []
    held: list[Held] = []
    added = {change.user.key: change.user for change in done if change.op == ADD_USER and change.user}
    for change in plan.changes:
        if change.op != REMOVE_USER or change.user is None or change.heir is None:
            continue
        ref = added.get(change.heir.key)
        if ref is None:
            if change.heir.id is not None and change in done:
                reason = f"was made one with `{change.heir.qualified}`, who was there before"
                held.append(Held(change.user.qualified, reason, "put back by hand, or with `plan undo --to`"))
            continue
        new = user_of(now, ref)
        if new is None:
            held.append(Held(ref.qualified, "is not on the site any more", "decide by hand"))
            continue
        words = change.before.get("given")
        given = words if isinstance(words, str) else ""
        because = f"undo of plan {plan.id}"
        renames.append(Rename(new.id, change.user.name, change.user.domain, because, given, ref.qualified))
    made = decide(settings, connection, now, renames, held=tuple(held))
    return replace(made, kind="undo", undoes=plan.id)
