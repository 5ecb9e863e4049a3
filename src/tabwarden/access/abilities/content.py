"""The conditions of opening, downloading and publishing.

Sources: "Data access for published Tableau data sources", "Guest User" (Server Help 2020.3), the blog's sections 4 and
5; tableau-permissions §6.1.
"""

from __future__ import annotations

from dataclasses import replace

from tabwarden.access.abilities.question import Conditions, Deed, not_personal, renamed, role_publishes
from tabwarden.access.abilities.site import direct_connect
from tabwarden.access.answer import DENIED, Answer
from tabwarden.model.governing import in_personal_space
from tabwarden.model.roles import current_role, publishes
from tabwarden.model.site import Use

# -- publishing and opening ----------------------------------------------------------------------------------


def publish(deed: Deed) -> Conditions:
    """New content into a project; over existing content both Overwrite on it and Publish on its project."""
    content = deed.into()
    item = deed.site.contents[content]
    if item.kind != "project":
        into = () if in_personal_space(deed.site, content) else (deed.may("Write", deed.site.project_of(content)),)
        return (role_publishes(deed), deed.may("Write", content), *into)
    conditions = [role_publishes(deed), deed.may("Write", content)]
    if deed.open_points.nested_publish_needs_parent and item.parent is not None:
        conditions.append(deed.may("Write", item.parent))
    return tuple(conditions)


def publish_external(deed: Deed) -> Conditions:
    """A new data source on data that is not published yet: a role that publishes any data (§2.3)."""
    any_data = deed.says(publishes(deed.role) == "any", "site_role", what="a site role that publishes any data")
    return (any_data, *publish(deed))


def download(deed: Deed) -> Conditions:
    """The file itself; a view is downloaded with its workbook."""
    content = deed.workbook()
    return (deed.may("ExportXml", content), deed.may("Read", content))


def see_data(deed: Deed) -> Conditions:
    """See the data in a workbook or view, or query a published data source."""
    content = deed.on()
    if deed.site.contents[content].kind == "datasource":
        return (deed.may("Read", content), direct_connect(deed, content))
    return (*_access_to_data(deed, deed.workbook()), deed.may("Read", content))[::-1]


def _access_to_data(deed: Deed, workbook: str) -> Conditions:
    """What each published data source behind a workbook asks of the viewer (§6.1)."""
    item = deed.site.contents.get(workbook)
    if item is None:
        return () if deed.is_admin else (deed.unread(workbook),)
    return tuple(part for use in item.uses for part in _access_through(deed, use))


def _access_through(deed: Deed, use: Use) -> Conditions:
    if use.auth != "embed":
        view = (deed.may("Read", use.datasource),) if deed.open_points.prompted_needs_view else ()
        return (_connect_through(deed, use), *view)
    embedded = deed.says(True, "missing_connect", yes="embedded_credentials", what="access to the data source")
    if current_role(deed.role) != "Guest" or deed.may("Read", use.datasource).allowed:
        return (embedded,)
    # Guest needs View on the source of an extract; whether it is one is not among the facts ("Guest User").
    return (deed.unread(use.datasource, "guest_extract"),)


def own_connect(deed: Deed, use: Use) -> Answer:
    """One's own Connect to a data source behind a workbook."""
    answer = deed.may("Connect", use.datasource)
    return renamed(answer, "missing_connect") if answer.verdict == DENIED else answer


def _connect_through(deed: Deed, use: Use) -> Answer:
    """Connect through the workbook: one's own, or what the project's data source rules give (blog, an open point)."""
    own = own_connect(deed, use)
    source = deed.site.contents.get(use.datasource)
    project = deed.site.project_of(use.datasource) if source is not None else None
    asks_project = deed.open_points.project_connect_is_for_workbooks and own.verdict == DENIED
    if not asks_project or source is None or project not in deed.site.contents or project is None:
        return own
    rules = deed.site.contents[project].defaults.get("datasource", frozenset())
    as_project_says = deed._replace(site=deed.site.with_contents(replace(source, rules=rules)))
    given = as_project_says.may("Connect", use.datasource)
    # A rule on the data source itself, of which `own` tells, stands; only where none speaks the project's counts.
    return given if given.allowed and not own.deciding else own


def create_metric(deed: Deed) -> Conditions:
    """A legacy metric from a view or workbook into a project; Tableau retired them in 2024."""
    into = deed.may("Write", deed.target or deed.project())
    return (not_personal(deed), role_publishes(deed), deed.may("ViewUnderlyingData", deed.on()), into)
