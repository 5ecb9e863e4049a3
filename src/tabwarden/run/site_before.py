"""The site as it is before a plan is done: read as far as the plan rests on it, and kept where rules may be lost."""

from __future__ import annotations

from collections.abc import Callable

from tabwarden.model.errors import TabwardenError
from tabwarden.model.site import Site
from tabwarden.plan.content_stops import no_way_back
from tabwarden.plan.plan import OF_CONTENT, REMOVE_USER, SET_NICKNAME, Plan, Stop
from tabwarden.tableau.http.connection import Connection
from tabwarden.tableau.read.site import read_people, read_site
from tabwarden.tableau.write.domains import with_nicknames


def changes_content(plan: Plan) -> bool:
    """Whether anything in it is about content."""
    return any(change.op in OF_CONTENT for change in plan.changes)


def read_now(plan: Plan, connection: Connection) -> Site:
    """People and the groups the plan speaks of, or everything where it changes content; nicknames where it sets one."""
    whole = changes_content(plan) or any("rules" in change.before for change in plan.changes)
    site = read_site(connection) if whole else read_people(connection, _groups_of(plan))
    return with_nicknames(site, connection) if any(change.op == SET_NICKNAME for change in plan.changes) else site


def _groups_of(plan: Plan) -> list[str] | None:
    """The groups a plan speaks of; None (all) where it removes people, who leave all their groups."""
    if any(change.op == REMOVE_USER for change in plan.changes):
        return None
    return sorted({f"{c.group.domain}\\{c.group.name}" for c in plan.changes if c.group is not None})


def kept_before(plan: Plan, now: Site, keep: Callable[[Site], object] | None) -> tuple[Stop, ...]:
    """Keep the site before content is changed, whose rules the plan does not all name; a stop where that fails."""
    if not changes_content(plan):
        return ()
    try:
        if keep is not None:
            keep(now)
            return ()
        return no_way_back(plan.changes, "there is no history to keep it in")
    except TabwardenError as error:
        return no_way_back(plan.changes, str(error))
