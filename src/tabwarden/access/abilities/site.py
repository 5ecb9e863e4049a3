"""The conditions of seeing other people, of schedules and of querying by API.

Sources: the permissions paper, "Allow non-admin users to see all other users" (Public User List, today user
visibility); the blog, "Site Role" (one's own role is seen, another's is not) and "Project Leader" (refresh schedule);
tableau-permissions §7.
"""

from __future__ import annotations

from tabwarden.access.abilities.question import Conditions, Deed, renamed
from tabwarden.access.answer import DENIED, Answer
from tabwarden.model.roles import is_licensed
from tabwarden.model.site_settings import sees_nobody


def _may_sign_in(deed: Deed) -> Conditions:
    return (deed.says(is_licensed(deed.role), "site_role", what="a licence"),)


def see_other_users(deed: Deed) -> Conditions:
    """See who else is on the site: all where user visibility is full, else Creators and administrators; oneself always.

    "Manage Site User Visibility".
    """
    if deed.is_admin or deed.to == deed.user:
        return (*_may_sign_in(deed), deed.says(True, "site_setting", yes="admin" if deed.is_admin else "oneself"))
    shown = not sees_nobody(deed.site.settings, deed.role)
    return (*_may_sign_in(deed), deed.says(shown, "site_setting", what="full user visibility on this site"))


def see_site_role(deed: Deed) -> Conditions:
    """See the site role of `to`: one's own in the account settings, another's only as an administrator."""
    own = deed.to is None or deed.to == deed.user
    fact = deed.says(
        own or deed.is_admin, "admin_only", yes="oneself" if own else "admin", what="administering the site"
    )
    return (*_may_sign_in(deed), fact)


def change_refresh_schedule(deed: Deed) -> Conditions:
    """Change the refresh schedule: administrator, owner, project owner or leader, or the capability Extract Refresh.

    The capability is of 2025 and what it allows is believed; the others are documented.
    """
    content = deed.on()
    kind = deed.site.contents[content].kind
    return (deed.may("Execute" if kind == "flow" else "ExtractRefresh", content),)


def query_api(deed: Deed) -> Conditions:
    """Query a published data source by VizQL Data Service: View, Connect and API Access, past every workbook."""
    content = deed.on()
    return (deed.may("Read", content), direct_connect(deed, content), deed.may("VizqlDataApiAccess", content))


def direct_connect(deed: Deed, datasource: str) -> Answer:
    """Connect without a workbook.

    The blog's tests: Connect that comes from the project alone does not reach so far (open point
    project_connect_is_for_workbooks).
    """
    answer = deed.may("Connect", datasource)
    from_project = answer.governing is not None and answer.governing.level == "project_default"
    if deed.open_points.project_connect_is_for_workbooks and from_project and answer.deciding and answer.at is None:
        return renamed(answer, "project_connect", verdict=DENIED) if answer.allowed else answer
    return answer
