"""The one table of what the sandbox answers: routing, coverage page and the isolation test are made from it.

Not the handlers; a new endpoint is one line here and a function there.
"""

from __future__ import annotations

from tabwarden.sandbox.content import jobs as extracts
from tabwarden.sandbox.content import placeholders as p
from tabwarden.sandbox.handlers import (
    assets,
    auth,
    connections,
    content,
    domains,
    downloads,
    groups,
    jobs,
    permissions,
    projects,
    publish,
    sites,
    users,
)
from tabwarden.sandbox.handlers import content as tags
from tabwarden.sandbox.handlers import downloads as revisions
from tabwarden.sandbox.handlers import extracts as work
from tabwarden.sandbox.handlers.content import Handler
from tabwarden.sandbox.handlers.permissions import Target
from tabwarden.sandbox.http.routing import (
    ADMIN,
    ANYONE,
    GROUP_SET_ADMIN,
    JUDGED,
    PEOPLE_ADMIN,
    SEES_PEOPLE,
    SERVER_ADMIN,
    SIGNED_IN,
    Endpoint,
    Router,
)

_S = "sites/{site}"
_UPLOADS = f"{_S}/fileUploads"
# Kind, its name in paths, first version that publishes and downloads it, has its connections and its tags.
_PUBLISHED = (
    ("workbook", "workbooks", "2.0", "2.3", "2.0"),
    ("datasource", "datasources", "2.0", "2.3", "2.6"),
    ("flow", "flows", "3.3", "3.3", "3.3"),
)
# What is tagged and not published from a file, and since when.
_TAGGED = (
    ("view", "views", "2.0"),
    ("virtualconnection", "virtualConnections", "3.23"),
    ("database", "databases", "3.9"),
    ("table", "tables", "3.9"),
)


def _published(kind: str, plural: str, since: str, connected: str, tagged: str) -> list[Endpoint]:
    """What every kind has that is published from a file."""
    item = f"{_S}/{plural}/{{{kind}}}"
    one = f"{item}/connections/{{connection}}"
    return [
        Endpoint("POST", f"{_S}/{plural}", since, JUDGED, publish.published(kind), "publish a file, new or over one"),
        _file(f"{item}/content", since, downloads.content(kind), "download the published file"),
        Endpoint("GET", f"{item}/connections", connected, JUDGED, connections.listed(kind), "its connections"),
        Endpoint("PUT", one, connected, JUDGED, connections.updated(kind), "change a connection"),
        *_tagged(kind, plural, tagged),
    ]


def _tagged(kind: str, plural: str, since: str) -> list[Endpoint]:
    """The tags of an item."""
    item = f"{_S}/{plural}/{{{kind}}}/tags"
    return [
        Endpoint("PUT", item, since, JUDGED, tags.tags_added(kind), "add tags"),
        Endpoint("DELETE", f"{item}/{{tag}}", since, JUDGED, tags.tag_deleted(kind), "delete a tag"),
    ]


def _revised(kind: str, plural: str) -> list[Endpoint]:
    """What workbooks and data sources have and flows have not: revisions and extracts."""
    item = f"{_S}/{plural}/{{{kind}}}"
    one = f"{item}/revisions/{{revision}}"
    together = connections.updated_together(kind)
    return [
        Endpoint("GET", f"{item}/revisions", "2.3", JUDGED, revisions.revisions(kind), "its revisions, newest first"),
        _file(f"{one}/content", "2.3", revisions.revision_content(kind), "download a revision"),
        Endpoint("DELETE", one, "2.3", JUDGED, revisions.deleted(kind), "delete a revision that is not current"),
        Endpoint("PUT", f"{item}/connections", "3.26", JUDGED, together, "change several connections"),
        Endpoint("POST", f"{item}/refresh", "2.8", JUDGED, work.refreshed(kind), "refresh its extract, as a job"),
        Endpoint("POST", f"{item}/createExtract", "3.5", JUDGED, work.created(kind), "create an extract, as a job"),
        Endpoint("POST", f"{item}/deleteExtract", "3.3", JUDGED, work.deleted(kind), "delete its extracts, as a job"),
    ]


def _file(path: str, since: str, handler: Handler, does: str) -> Endpoint:
    return Endpoint("GET", path, since, JUDGED, handler, does, file=True)


_WORKBOOK, _VIEW = f"{_S}/workbooks/{{workbook}}", f"{_S}/views/{{view}}"
_draw = downloads.rendered
_A_PDF, _AN_IMAGE = downloads.a_pdf, downloads.an_image
_SLIDES = _draw("workbook", "ExportImage", downloads.a_presentation, p.PPTX, "pptx")
_RENDERED = (
    _file(f"{_WORKBOOK}/pdf", "3.4", _draw("workbook", "ExportImage", _A_PDF, p.PDF, "pdf"), "a PDF (placeholder)"),
    _file(f"{_WORKBOOK}/powerpoint", "3.8", _SLIDES, "a presentation (placeholder)"),
    _file(f"{_WORKBOOK}/previewImage", "2.0", downloads.preview("workbook"), "the thumbnail (placeholder)"),
    _file(f"{_WORKBOOK}/views/{{view}}/previewImage", "2.0", downloads.preview("view"), "a thumbnail (placeholder)"),
    _file(f"{_VIEW}/previewImage", "2.0", downloads.preview("view"), "the thumbnail (placeholder)"),
    _file(f"{_VIEW}/image", "2.5", _draw("view", "ExportImage", _AN_IMAGE, p.PNG, "png"), "an image (placeholder)"),
    _file(f"{_VIEW}/pdf", "2.7", _draw("view", "ExportImage", _A_PDF, p.PDF, "pdf"), "a PDF (placeholder)"),
    _file(f"{_VIEW}/data", "2.7", _draw("view", "ExportData", downloads.some_data, p.CSV, "csv"), "one row of CSV"),
    _file(
        f"{_VIEW}/crosstab/excel",
        "3.8",
        _draw("view", "ExportData", downloads.a_crosstab, p.XLSX, "xlsx"),
        "one row as an Excel workbook",
    ),
)
_OTHERS = (
    Endpoint("POST", _UPLOADS, "2.0", SIGNED_IN, publish.begin_upload, "begin to upload a file in parts"),
    Endpoint("PUT", f"{_UPLOADS}/{{upload}}", "2.0", SIGNED_IN, publish.append_upload, "append a part"),
    *(line for kind in _TAGGED for line in _tagged(*kind)),
    Endpoint("POST", f"{_S}/flows/{{flow}}/run", "3.3", JUDGED, work.refreshed("flow"), "run it, as a job"),
    *(
        Endpoint("POST", f"{_S}/{name}-extracts", "3.5", SERVER_ADMIN, work.of_site(kind), f"{name} every extract")
        for name, kind in (
            ("encrypt", extracts.ENCRYPT),
            ("decrypt", extracts.DECRYPT),
            ("reencrypt", extracts.REENCRYPT),
        )
    ),
)
FILES: tuple[Endpoint, ...] = (
    *(line for kind in _PUBLISHED for line in _published(*kind)),
    *_revised("workbook", "workbooks"),
    *_revised("datasource", "datasources"),
    *_RENDERED,
    *_OTHERS,
)


S = "sites/{site}"
_USERS, _USER, _GROUPS, _GROUP = f"{S}/users", f"{S}/users/{{user}}", f"{S}/groups", f"{S}/groups/{{group}}"
_SETS, _SET = f"{S}/groupsets", f"{S}/groupsets/{{groupset}}"
_PROJECTS, _PROJECT = f"{S}/projects", f"{S}/projects/{{project}}"
_JOBS, _JOB = f"{S}/jobs", f"{S}/jobs/{{job}}"
_RULE = "{grantees}/{grantee}/{capability}/{mode}"


_OF_USER = "what a user may see of these, or with ownedBy owns"


def _line(method: str, path: str, since: str, who: str, handler: content.Handler, **more: str) -> Endpoint:
    does = (handler.__doc__ or more.pop("does", "")).strip().splitlines()[0]
    refused = more.pop("refused", "403004")
    return Endpoint(method, path, since, who, handler, more.pop("does", does), refused)


SERVER = (
    _line("GET", "serverinfo", "2.4", ANYONE, auth.server_info),
    _line("POST", "auth/signin", "2.0", ANYONE, auth.sign_in),
    _line("POST", "auth/signout", "2.0", SIGNED_IN, auth.sign_out),
    _line("POST", "auth/switchSite", "2.6", SIGNED_IN, auth.switch_site),
    _line("GET", "sessions/current", "3.1", SIGNED_IN, auth.current_session),
    _line("DELETE", "sessions/{session}", "3.9", SERVER_ADMIN, auth.end_session),
    _line("DELETE", "auth/serverAdminAccessTokens", "3.10", SERVER_ADMIN, auth.revoke_admin_tokens),
    _line("POST", "auth/revokeAllServerAdminTokens", "3.10", SERVER_ADMIN, auth.revoke_admin_tokens),
    _line("GET", "domains", "3.11", SERVER_ADMIN, domains.domains),
    _line("PUT", "domains", "3.11", SERVER_ADMIN, domains.update),
    _line("GET", "sites", "2.0", SIGNED_IN, sites.sites),
    _line("POST", "sites", "2.0", SERVER_ADMIN, sites.create),
    _line("GET", S, "2.0", SIGNED_IN, sites.site),
    _line("PUT", S, "2.0", ADMIN, sites.update),
    _line("DELETE", S, "2.0", SERVER_ADMIN, sites.delete),
    _line("GET", f"{S}/site-auth-configurations", "3.24", ADMIN, sites.auth_configurations),
)
PEOPLE = (
    _line("GET", _USERS, "2.0", SIGNED_IN, users.users),
    _line("POST", _USERS, "2.0", PEOPLE_ADMIN, users.add),
    _line("POST", f"{_USERS}/import", "3.15", PEOPLE_ADMIN, users.import_users),
    _line("POST", f"{_USERS}/delete", "3.15", PEOPLE_ADMIN, users.delete_users),
    _line("GET", _USER, "2.0", SIGNED_IN, users.user),
    _line("PUT", _USER, "2.0", PEOPLE_ADMIN, users.update, refused="403009"),
    _line("DELETE", _USER, "2.0", PEOPLE_ADMIN, users.remove),
    _line("GET", f"{_USER}/groups", "3.7", SIGNED_IN, users.groups_of_user),
    _line("GET", f"{_USER}/workbooks", "2.0", SIGNED_IN, users.content_of_user("workbook"), does=_OF_USER),
    _line("GET", f"{_USER}/flows", "3.3", SIGNED_IN, users.content_of_user("flow"), does=_OF_USER),
    _line("GET", _GROUPS, "2.0", SEES_PEOPLE, groups.groups),
    _line("POST", _GROUPS, "2.0", PEOPLE_ADMIN, groups.create),
    _line("PUT", _GROUP, "2.0", PEOPLE_ADMIN, groups.update),
    _line("DELETE", _GROUP, "2.0", PEOPLE_ADMIN, groups.delete),
    _line("GET", f"{_GROUP}/users", "2.0", SEES_PEOPLE, groups.members),
    _line("POST", f"{_GROUP}/users", "2.0", PEOPLE_ADMIN, groups.add_members),
    _line("DELETE", f"{_GROUP}/users/{{user}}", "2.0", PEOPLE_ADMIN, groups.remove_member),
    _line("PUT", f"{_GROUP}/users/remove", "3.21", PEOPLE_ADMIN, groups.remove_members),
    _line("GET", _SETS, "3.22", SEES_PEOPLE, groups.group_sets),
    _line("POST", _SETS, "3.22", PEOPLE_ADMIN, groups.create_group_set),
    _line("GET", _SET, "3.22", SEES_PEOPLE, groups.group_set),
    _line("PUT", _SET, "3.22", PEOPLE_ADMIN, groups.update_group_set),
    _line("DELETE", _SET, "3.22", PEOPLE_ADMIN, groups.delete_group_set),
    _line("PUT", f"{_SET}/groups/{{group}}", "3.22", GROUP_SET_ADMIN, groups.add_group_to_set),
    _line("DELETE", f"{_SET}/groups/{{group}}", "3.22", GROUP_SET_ADMIN, groups.remove_group_from_set),
    _line("GET", _JOBS, "3.1", ADMIN, jobs.jobs),
    _line("GET", _JOB, "2.6", SIGNED_IN, jobs.job),
    _line("PUT", _JOB, "3.1", SIGNED_IN, jobs.cancel),
)
PROJECTS = (
    _line("GET", _PROJECTS, "2.0", JUDGED, projects.projects),
    _line("POST", _PROJECTS, "2.0", JUDGED, projects.create),
    _line("PUT", _PROJECT, "2.0", JUDGED, projects.update),
    _line("DELETE", _PROJECT, "2.0", JUDGED, projects.delete),
)

# Kind, its name in paths, first version of the list, of one item, of updating and of deleting ("" for never).
_KINDS = (
    ("workbook", "workbooks", "2.0", "2.0", "2.0", "2.0"),
    ("view", "views", "2.2", "3.1", "", "3.27"),
    ("datasource", "datasources", "2.0", "2.0", "2.0", "2.0"),
    ("flow", "flows", "3.3", "3.3", "3.3", "3.3"),
    ("virtualconnection", "virtualConnections", "3.18", "3.18", "3.23", "3.23"),
    ("database", "databases", "3.5", "3.5", "", ""),
    ("table", "tables", "3.5", "3.5", "", ""),
)
_RULED = (
    ("project", "projects", "2.0"),
    ("workbook", "workbooks", "2.0"),
    ("datasource", "datasources", "2.0"),
    ("view", "views", "3.2"),
    ("flow", "flows", "3.3"),
    ("virtualconnection", "virtualConnections", "3.22"),
    ("database", "databases", "3.5"),
    ("table", "tables", "3.5"),
)
# Default rules: the kind, its name in paths, first version, and the version that dropped it.
DEFAULT_KINDS = (
    ("workbook", "workbooks", "2.1", None),
    ("datasource", "datasources", "2.1", None),
    ("flow", "flows", "3.4", None),
    ("metric", "metrics", "3.2", "3.22"),
    ("lens", "lenses", "3.4", "3.22"),
    ("datarole", "dataroles", "3.4", "3.22"),
    ("virtualconnection", "virtualConnections", "3.23", None),
    ("database", "databases", "3.23", None),
    ("table", "tables", "3.23", None),
)


def _content() -> list[Endpoint]:
    endpoints: list[Endpoint] = []
    for kind, plural, listed, one, updated, deleted in _KINDS:
        path, item = f"{S}/{plural}", f"{S}/{plural}/{{{kind}}}"
        lines = (
            ("GET", path, listed, content.listed(kind), f"{plural} the asker may View"),
            ("GET", item, one, content.one(kind), f"one of the {plural}"),
            ("PUT", item, updated, content.updated(kind), "change name, description, tabs, project or owner"),
            ("DELETE", item, deleted, content.deleted(kind), "delete it with what lies below it"),
        )
        endpoints.extend(
            _line(m, p, since, JUDGED, handler, does=does) for m, p, since, handler, does in lines if since
        )
    does = "change description, owner and, of a database, project and lock"
    for kind, plural in (("database", "databases"), ("table", "tables")):
        item = f"{S}/{plural}/{{{kind}}}"
        endpoints.append(_line("PUT", item, "3.5", JUDGED, assets.updated(kind), does=does))
        endpoints.append(
            _line("DELETE", item, "3.5", ADMIN, assets.deleted(kind), does="delete it with what lies below it")
        )
    endpoints.append(_line("GET", f"{S}/tables/{{table}}/columns", "3.5", JUDGED, assets.columns))
    connected = f"{S}/virtualConnections/{{virtualconnection}}/connections"
    endpoints.append(_line("GET", connected, "3.18", JUDGED, assets.no_connections))
    endpoints.append(_line("GET", f"{S}/workbooks/{{workbook}}/views", "2.0", JUDGED, content.views_of_workbook))
    return endpoints


def _rules(path: str, since: str, target: Target, until: str | None = None) -> list[Endpoint]:
    lines = (
        ("GET", path, permissions.read(target), "the rules in force"),
        ("PUT", path, permissions.add(target), "add rules"),
        ("POST", path, permissions.replaced(target), "replace all rules"),
        ("DELETE", f"{path}/{_RULE}", permissions.removed(target), "delete one rule"),
    )
    return [Endpoint(m, p, since, JUDGED, handler, does, until=until) for m, p, handler, does in lines]


def _all_rules() -> list[Endpoint]:
    endpoints: list[Endpoint] = []
    for kind, plural, since in _RULED:
        endpoints.extend(_rules(f"{S}/{plural}/{{{kind}}}/permissions", since, Target(kind)))
    for kind, plural, since, until in DEFAULT_KINDS:
        path = f"{_PROJECT}/default-permissions/{plural}"
        endpoints.extend(_rules(path, since, Target("project", kind), until))
    endpoints.extend(
        _rules(f"{S}/databases/{{database}}/default-permissions/tables", "3.5", Target("database", "table"))
    )
    return endpoints


TABLE: tuple[Endpoint, ...] = (*SERVER, *PEOPLE, *PROJECTS, *_content(), *FILES, *_all_rules())
ROUTER = Router(TABLE)
