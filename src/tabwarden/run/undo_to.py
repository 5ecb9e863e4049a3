"""Planning the way back to a day: the site, a project, a group or a user as a snapshot of the history has it.

The plan is like any other: impact, stops, journal. The taking back of one plan is in `undo`.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import NamedTuple

from tabwarden.effects.change import Change
from tabwarden.model.errors import UnknownName
from tabwarden.model.site import Grantee, Site
from tabwarden.plan.build import build
from tabwarden.plan.order import diff
from tabwarden.plan.plan import Plan
from tabwarden.plan.restore import restored, scope_of_project, translated
from tabwarden.plan.restore_people import Back, ids_now
from tabwarden.run import history
from tabwarden.run.context import Context
from tabwarden.run.planning import basis_of
from tabwarden.tableau.read.site import read_site
from tabwarden.want.wanted import Wanted

KIND = "undo"


@dataclass(frozen=True, slots=True)
class Scope:
    """What is put back: one of these by name, path or id, or everything."""

    project: str | None = None
    group: str | None = None
    user: str | None = None

    @property
    def everything(self) -> bool:
        """Whether nothing is named."""
        return self.project is self.group is self.user is None


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
    as_it_is = history.keep(settings, site)
    if then.id != site.id:
        raise UnknownName(f"{snapshot.words} is of another site (`{then.name}`, id `{then.id}`)")
    because = f"as it was in {snapshot.words}"
    work = _way_back(site, then, scope, because)
    changes = (*diff(site, work.people.site, work.people.why), *work.content)
    lacks = (f"{snapshot.words} is not whole: {'; '.join(snapshot.partial)}",) if snapshot.partial else ()
    return build(
        basis_of(context, KIND, context.site(site.name), site, undoes=snapshot.words),
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
