"""The site as it is before a plan is done: read as far as the plan rests on it, and kept where rules may be lost."""

from __future__ import annotations

from collections.abc import Callable

from tabwarden.effects.change import ALL_GROUPS, CONTENT, NICKNAMES
from tabwarden.model.errors import TabwardenError
from tabwarden.model.site import Site
from tabwarden.plan.plan import Plan
from tabwarden.tableau.http.connection import Connection
from tabwarden.tableau.read.site import read_people, read_site
from tabwarden.tableau.write.domains import with_nicknames


def read_now(plan: Plan, connection: Connection) -> Site:
    """People and the groups the plan speaks of, or everything where its changes rest on content; nicknames too."""
    reads = frozenset[str]().union(*(change.reads for change in plan.changes))
    if CONTENT in reads:
        site = read_site(connection)
    else:
        groups = {f"{ref.domain}\\{ref.name}" for change in plan.changes if (ref := change.of_group) is not None}
        # Who is removed leaves all groups.
        site = read_people(connection, None if ALL_GROUPS in reads else sorted(groups))
    return with_nicknames(site, connection) if NICKNAMES in reads else site


def kept_before(plan: Plan, now: Site, keep: Callable[[Site], object] | None) -> str | None:
    """Keep the site before content is changed, whose rules the plan does not all name; why that failed, or None."""
    if all(change.of_content is None for change in plan.changes):
        return None
    if keep is None:
        return "there is no history to keep it in"
    try:
        keep(now)
    except TabwardenError as error:
        return str(error)
    return None
