"""Planning the way back: what a journal says was done, or a site, project, group or user as on a day, taken back."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import NamedTuple

from tabwarden.clocks import doubt_beside
from tabwarden.effects.change import Change
from tabwarden.effects.ref import USER, Ref
from tabwarden.model.errors import UnknownName
from tabwarden.model.scope import CONNECTIONS
from tabwarden.model.site import Grantee, Site
from tabwarden.plan.build import build
from tabwarden.plan.order import diff
from tabwarden.plan.plan import Plan
from tabwarden.plan.restore import restored, scope_of_project, translated
from tabwarden.plan.restore_people import Back, ids_now
from tabwarden.plan.undo import undone
from tabwarden.plan.undo_content import content_undone
from tabwarden.report.plans import headline, minute
from tabwarden.run import history, rename
from tabwarden.run.apply import with_beside
from tabwarden.run.context import Context
from tabwarden.run.planning import basis_of, planned
from tabwarden.run.plans import load_plan, plan_path
from tabwarden.store.journal import DONE, INSTEAD, Record, check_last, newest, path_of, read
from tabwarden.tableau.read.people import read_people
from tabwarden.tableau.read.site import owned_by, read_site
from tabwarden.want.wanted import Wanted

KIND = "undo"
LEFT_SOMETHING = (DONE, INSTEAD)


@dataclass(frozen=True, slots=True)
class Scope:
    """What is put back: one of these by name, path or id, or everything."""

    project: str | None = None
    group: str | None = None
    user: str | None = None


def plan_undo_to(context: Context, to: str, scope: Scope) -> Plan:
    """The plan that puts the scope back as it was on the day `to` (or in that snapshot).

    The site is read whole and kept first, so that this can be undone as well. UnknownName where there is no snapshot
    of that day, or nothing of that name then.
    """
    settings, connection = context.settings, context.connection
    # Found and opened before the site is kept: `last` is what was read before, and the retention may let go of it.
    with history.opened(history.store_of(settings)) as listing:
        snapshot = history.snapshot_of(listing, to, connection.site, where=connection.server)
        then = listing.open(snapshot.number)
    site = read_site(connection)
    as_it_is = history.keep(settings, site, doubt_beside(connection.clock_ahead))
    if then.id != site.id:
        raise UnknownName(f"{snapshot.words} is of another site (`{then.name}`, id `{then.id}`)")
    because = f"as it was in {snapshot.words}"
    work = _way_back(site, then, scope, because)
    changes = (*diff(site, work.people.site, work.people.why), *work.content)
    unread = [words for words in snapshot.partial if CONNECTIONS not in words]  # which nothing puts back
    lacks = (f"{snapshot.words} is not whole: {'; '.join(unread)}",) if unread else ()
    return build(
        replace(
            basis_of(context, KIND, context.site(site.name), site, undoes=snapshot.words, takes_back=snapshot.words),
            takes=context.takes,
        ),
        site,
        changes,
        held=work.people.held,
        notes=(*lacks, *work.people.notes, f"the site as it is now is snapshot {as_it_is.number} of the history"),
    )


class _Back(NamedTuple):
    """The wanted people and the changes to content."""

    people: Wanted
    content: tuple[Change, ...]


def _way_back(now: Site, then: Site, scope: Scope, because: str) -> _Back:
    then = translated(then, ids_now(now, then, create=scope.project is None))
    people, contents = Back(now, then, because), now.contents.keys() | then.contents.keys()
    if scope.project is not None:
        restoration = restored(now, then, scope_of_project(now, then, _project(now, then, scope.project)), because)
    elif scope.group is not None:
        group = then.find_group(scope.group).id
        people.group(group)
        restoration = restored(now, then, contents, because, only=Grantee("group", group))
    elif scope.user is not None:
        user = then.find_user(scope.user).id
        people.user(user)
        restoration = restored(now, then, contents, because, only=Grantee("user", user))
    else:
        people.everybody()
        restoration = restored(now, then, contents, because)
    wanted = people.wanted()
    both = replace(wanted, held=(*wanted.held, *restoration.held), notes=(*wanted.notes, *restoration.notes))
    return _Back(both, tuple(restoration.changes))


def _project(now: Site, then: Site, words: str) -> str:
    """The project by today's path, else by the path it had then."""
    try:
        project = now.find_content(words)
    except UnknownName:
        project = then.find_content(words)
    if project.kind != "project":
        raise UnknownName(f"`{words}` is a {project.kind} and no project; give the project it is in")
    return project.id


def plan_undo(context: Context, path: Path | None) -> Plan:
    """The plan that takes back what was done of the plan in `path`; None: of the plan applied last to this site."""
    plan, record = _applied(context, path)
    done = done_changes(plan, record)
    # What is taken back, when it was done and by whom, as a person knows it.
    by = f" by {record.by}" if record.by else ""
    words = f"`{plan.kind}` of {minute(record.started)}{by}"
    if plan.kind == rename.KIND:
        return rename.undo_rename(context, plan, done, words)
    if any(change.writes_content for change in done):
        return _undo_of_content(context, plan, record, done, words)
    connection = context.connection
    site = read_people(connection)
    site = with_beside(site, connection, frozenset[str]().union(*(change.reads for change in done)))
    added = [ref.id for change in done if (ref := change.creates) is not None and ref.kind == USER and ref.id]
    wanted = undone(site, done, f"undo of {words}", frozenset(owned_by(connection, added)))
    left_out = sum(1 for entry in record.ended.values() if entry.status not in LEFT_SOMETHING)
    notes = [f"it takes back {words}: {headline(plan)}"]
    if left_out:
        notes.append(f"{left_out} changes of the plan had not been done and need no undo")
    basis = basis_of(context, KIND, context.site(site.name), site, undoes=plan.id, takes_back=words)
    wanted = replace(wanted, notes=(*notes, *wanted.notes))
    return planned(context, basis, site, wanted)


def _undo_of_content(context: Context, plan: Plan, record: Record, done: tuple[Change, ...], words: str) -> Plan:
    """As `plan_undo`, of a plan that changed content: by the snapshot of the site that was kept before it."""
    site = read_site(context.connection)
    site = with_beside(site, context.connection, frozenset[str]().union(*(change.reads for change in done)))
    with history.opened(history.store_of(context.settings)) as listing:
        if record.snapshot is None:
            raise UnknownName(f"the site as it was before plan {plan.id} was not kept; put it back by hand")
        then = listing.open(record.snapshot)
    wanted = undone(site, done, f"undo of {words}", frozenset(content.owner for content in site.contents.values()))
    people = {Grantee("user", user) for user in wanted.site.users} | {Grantee("group", g) for g in wanted.site.groups}
    ids = ids_now(site, then, create=True)
    ids = {one: id_ for one, id_ in ids.items() if Grantee(one.kind, id_) in people or one.kind == "groupSet"}
    by_now = tuple(_about(change, ids) for change in done)
    content = content_undone(translated(then, ids), site, by_now, f"undo of {words}")
    changes = diff(site, wanted.site, wanted.why)
    last = [change for change in changes if change.destructive and not (change.net_members or change.ends_as)]
    whole = (*(change for change in changes if change not in last), *content.changes, *last)
    left_out = sum(1 for entry in record.ended.values() if entry.status not in LEFT_SOMETHING)
    notes = [f"it takes back {words}: {headline(plan)}", *wanted.notes, *content.notes]
    if left_out:
        notes.append(f"{left_out} changes of the plan had not been done and need no undo")
    basis = basis_of(context, KIND, context.site(site.name), site, undoes=plan.id, takes_back=words)
    basis = replace(basis, takes=context.takes)
    return build(basis, site, whole, held=(*wanted.held, *content.held), notes=notes)


def _about(change: Change, ids: Mapping[Grantee, str]) -> Change:
    """The change with the ids that the people and groups it is about have by now."""
    refs = {field.name: getattr(change, field.name) for field in fields(change)}
    moved = {
        name: replace(ref, id=ids[Grantee(ref.kind, ref.id)])
        for name, ref in refs.items()
        if isinstance(ref, Ref) and ref.id is not None and Grantee(ref.kind, ref.id) in ids
    }
    return change.but(**moved) if moved else change


def done_changes(plan: Plan, record: Record) -> tuple[Change, ...]:
    """What was really done, in order, each user and group with the id that Tableau gave."""
    ids: dict[str, str] = {}
    for position, entry in record.ended.items():
        ref = plan.changes[position].creates
        if entry.new_id and ref is not None:
            ids[ref.key] = entry.new_id
    return tuple(
        plan.changes[position].with_ids(ids)
        for position, entry in sorted(record.ended.items())
        if entry.status in LEFT_SOMETHING
    )


def _applied(context: Context, path: Path | None) -> tuple[Plan, Record]:
    store = context.store
    if path is not None:
        plan = load_plan(path)
        record = read(path_of(store, plan.id))
    else:
        check_last(store, context.site(""))
        application = newest(store, context.site(""))
        if application is None:
            raise UnknownName(
                f"no plan was applied to `{context.connection.site or 'Default'}` with the store `{store}`"
            )
        plan, record = load_plan(plan_path(store, application.plan)), application
    if not record.plan:
        raise UnknownName(f"the plan {plan.id} was not applied with the store `{store}`: there is nothing to undo")
    return plan, record
