"""Planning the way back: what a journal says was done, taken back against the site as it is now."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from tabwarden.effects.change import NICKNAMES, Change
from tabwarden.effects.ref import USER
from tabwarden.model.errors import TabwardenError, UnknownName
from tabwarden.plan.plan import Plan
from tabwarden.plan.undo import undone
from tabwarden.run import rename
from tabwarden.run.apply import load_plan, plan_path
from tabwarden.run.context import Context
from tabwarden.run.planning import basis_of, planned
from tabwarden.store.journal import DONE, Record, newest, path_of, read
from tabwarden.tableau.read.site import owned_by, read_people
from tabwarden.tableau.write.domains import with_nicknames

KIND = "undo"


def plan_undo(context: Context, path: Path | None) -> Plan:
    """The plan that takes back what was done of the plan in `path`; None: of the plan applied last to this site."""
    plan, record = _applied(context, path)
    done = done_changes(plan, record)
    if plan.kind == rename.KIND:
        return rename.undo_rename(context, plan, done)
    if any(change.of_content is not None for change in done):
        raise TabwardenError(
            f"the plan {plan.id} changed content, and locks overwrite more than a plan names; put things back with "
            "`tabwarden plan undo --to` and the number that `tabwarden history` tells of the time before it"
        )
    connection = context.connection
    site = read_people(connection)
    if any(NICKNAMES in change.reads for change in done):
        site = with_nicknames(site, connection)
    added = [ref.id for change in done if (ref := change.creates) is not None and ref.kind == USER and ref.id]
    wanted = undone(site, done, plan.id, frozenset(owned_by(connection, added)))
    left_out = sum(1 for entry in record.ended.values() if entry.status != DONE)
    notes = (f"{left_out} changes of the plan had not been done and need no undo",) if left_out else ()
    basis = basis_of(context, KIND, context.site(site.name), site, undoes=plan.id)
    wanted = replace(wanted, notes=(*notes, *wanted.notes))
    return planned(context, basis, site, wanted, with_contents=False)


def done_changes(plan: Plan, record: Record) -> tuple[Change, ...]:
    """What was really done, in order, each user and group with the id that Tableau gave."""
    ids: dict[str, str] = {}
    for position, entry in record.ended.items():
        ref = plan.changes[position].creates
        if entry.new_id and ref is not None:
            ids[ref.key] = entry.new_id
    return tuple(
        plan.changes[position].with_ids(ids) for position, entry in sorted(record.ended.items()) if entry.status == DONE
    )


def _applied(context: Context, path: Path | None) -> tuple[Plan, Record]:
    store = context.store
    if path is not None:
        plan = load_plan(path)
        record = read(path_of(store, plan.id))
    else:
        application = newest(store, context.site(""))
        if application is None:
            raise UnknownName(
                f"no plan was applied to `{context.connection.site or 'Default'}` with the store `{store}`"
            )
        plan, record = load_plan(plan_path(store, application.plan)), application
    if not record.plan:
        raise UnknownName(f"the plan {plan.id} was not applied with the store `{store}`: there is nothing to undo")
    return plan, record
