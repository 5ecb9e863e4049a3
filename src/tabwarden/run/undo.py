"""Planning the way back: what a journal says was done, taken back against the site as it is now. Not the doing."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from tabwarden.model.errors import TabwardenError, UnknownName
from tabwarden.plan.facts import facts
from tabwarden.plan.impact import impact
from tabwarden.plan.order import diff
from tabwarden.plan.outcome import carried_out
from tabwarden.plan.plan import (
    ADD_USER,
    CREATE_GROUP,
    IMPORT_GROUP,
    OF_CONTENT,
    REMOVE_USER,
    SET_NICKNAME,
    Change,
    Plan,
)
from tabwarden.plan.stops import people_stops
from tabwarden.plan.undo import undone
from tabwarden.run import rename
from tabwarden.run.apply import load_plan, plan_path
from tabwarden.run.context import guarded_of, identity_of, limits_of
from tabwarden.settings import Settings
from tabwarden.store.journal import DONE, Record, newest, now, path_of, read
from tabwarden.tableau.http.connection import Connection
from tabwarden.tableau.read.site import owned_by, read_people
from tabwarden.tableau.write.domains import with_nicknames

KIND = "undo"


def plan_undo(settings: Settings, connection: Connection, path: Path | None) -> Plan:
    """The plan that takes back what was done of the plan in `path`; None: of the plan applied last to this site."""
    plan, record = _applied(settings.store.folder, connection, path)
    done = done_changes(plan, record)
    if plan.kind == rename.KIND:
        return rename.undo_rename(settings, connection, plan, done)
    if any(change.op in OF_CONTENT for change in done):
        raise TabwardenError(
            f"the plan {plan.id} changed content, and locks overwrite more than a plan names; put things back with "
            "`tabwarden plan undo --to` and the number that `tabwarden history` tells of the time before it"
        )
    site = read_people(connection)
    if any(change.op == SET_NICKNAME for change in done):
        site = with_nicknames(site, connection)
    added = [change.user.id for change in done if change.op == ADD_USER and change.user and change.user.id]
    wanted = undone(site, done, plan.id, frozenset(owned_by(connection, added)))
    changes = diff(site, wanted.site, wanted.why)
    left_out = sum(1 for entry in record.ended.values() if entry.status != DONE)
    notes = (f"{left_out} changes of the plan had not been done and need no undo",) if left_out else ()
    return Plan(
        kind=KIND,
        site=identity_of(connection, site.name),
        made_at=now(),
        changes=changes,
        held=wanted.held,
        notes=(*notes, *wanted.notes),
        stops=people_stops(site, changes, limits_of(settings), guarded_of(settings, connection.user_id)),
        impact=impact(site, carried_out(site, changes), len(wanted.held)),
        seen=facts(site, changes),
        undoes=plan.id,
    )


def done_changes(plan: Plan, record: Record) -> tuple[Change, ...]:
    """What was really done, in order, each user and group with the id that Tableau gave."""
    ids: dict[str, str] = {}
    for position, entry in record.ended.items():
        change = plan.changes[position]
        ref = change.group if change.op in (CREATE_GROUP, IMPORT_GROUP) else change.user
        if entry.new_id and ref is not None:
            ids[ref.key] = entry.new_id
    return tuple(
        _with_ids(plan.changes[position], ids)
        for position, entry in sorted(record.ended.items())
        if entry.status == DONE
    )


def _with_ids(change: Change, ids: dict[str, str]) -> Change:
    user, group = change.user, change.group
    if user is not None and user.id is None and change.op != REMOVE_USER:
        user = user._replace(id=ids.get(user.key))
    if group is not None and group.id is None:
        group = group._replace(id=ids.get(group.key))
    return replace(change, user=user, group=group)


def _applied(store: Path, connection: Connection, path: Path | None) -> tuple[Plan, Record]:
    if path is not None:
        plan = load_plan(path)
        record = read(path_of(store, plan.id))
    else:
        found = newest(store, identity_of(connection, ""))
        if found is None:
            raise UnknownName(f"no plan was applied to `{connection.site or 'Default'}` with the store `{store}`")
        plan, record = load_plan(plan_path(store, found.plan)), found
    if not record.plan:
        raise UnknownName(f"the plan {plan.id} was not applied with the store `{store}`: there is nothing to undo")
    return plan, record
