"""The one table of what the sandbox answers: routing, coverage page and the isolation test are made from it.

A new endpoint is one line here and a function in a handler; what it does is the first line of that one's docstring.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from tabwarden.sandbox.content.shapes import PLURALS
from tabwarden.sandbox.handlers import (
    auth,
    collections,
    connections,
    content,
    custom_views,
    downloads,
    groups,
    jobs,
    mailed,
    permissions,
    publish,
    runs,
    schedules,
    sites,
    tasks,
    users,
)
from tabwarden.sandbox.handlers.permissions import Target
from tabwarden.sandbox.http.call import Reply
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
from tabwarden.sandbox.people.jobs import DECRYPT, ENCRYPT, REENCRYPT

S = "sites/{site}"
_USERS, _USER, _GROUPS, _GROUP = f"{S}/users", f"{S}/users/{{user}}", f"{S}/groups", f"{S}/groups/{{group}}"
_SETS, _SET = f"{S}/groupsets", f"{S}/groupsets/{{groupset}}"
_PROJECT, _JOBS, _JOB = f"{S}/projects/{{project}}", f"{S}/jobs", f"{S}/jobs/{{job}}"
_WORKBOOK, _VIEW, _UPLOADS = f"{S}/workbooks/{{workbook}}", f"{S}/views/{{view}}", f"{S}/fileUploads"


def _line(
    method: str,
    path: str,
    since: str,
    who: str,
    handler: Callable[..., Reply],
    *about: object,
    until: str | None = None,
    file: bool = False,
) -> Endpoint:
    """A line of the table; `about` is what the handler takes beside the call."""
    does = (handler.__doc__ or "").strip().splitlines()[0]
    return Endpoint(method, path, since, who, lambda call: handler(call, *about), does, until, file)


SERVER = (
    _line("GET", "serverinfo", "2.4", ANYONE, auth.server_info),
    _line("POST", "auth/signin", "2.0", ANYONE, auth.sign_in),
    _line("POST", "auth/signout", "2.0", SIGNED_IN, auth.sign_out),
    _line("POST", "auth/switchSite", "2.6", SIGNED_IN, auth.switch_site),
    _line("GET", "sessions/current", "3.1", SIGNED_IN, auth.current_session),
    _line("DELETE", "sessions/{session}", "3.9", SERVER_ADMIN, auth.end_session),
    _line("DELETE", "auth/serverAdminAccessTokens", "3.10", SERVER_ADMIN, auth.revoke_admin_tokens),
    _line("POST", "auth/revokeAllServerAdminTokens", "3.10", SERVER_ADMIN, auth.revoke_admin_tokens),
    _line("GET", "schedules", "2.2", SIGNED_IN, schedules.schedules),
    _line("POST", "schedules", "2.2", SERVER_ADMIN, schedules.create),
    _line("GET", "schedules/{schedule}", "3.8", SIGNED_IN, schedules.schedule),
    _line("PUT", "schedules/{schedule}", "2.2", SERVER_ADMIN, schedules.update),
    _line("DELETE", "schedules/{schedule}", "2.2", SERVER_ADMIN, schedules.delete),
    _line("GET", "domains", "3.11", SERVER_ADMIN, sites.domains),
    _line("PUT", "domains", "3.11", SERVER_ADMIN, sites.update_domain),
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
    _line("PUT", _USER, "2.0", PEOPLE_ADMIN, users.update),
    _line("DELETE", _USER, "2.0", PEOPLE_ADMIN, users.remove),
    _line("GET", f"{_USER}/groups", "3.7", SIGNED_IN, users.groups_of_user),
    _line("GET", f"{_USER}/workbooks", "2.0", SIGNED_IN, users.content_of_user, "workbook"),
    _line("GET", f"{_USER}/flows", "3.3", SIGNED_IN, users.content_of_user, "flow"),
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


def _tasks(plural: str, kind: str, since: str, made_at: str, made_since: str) -> Iterator[Endpoint]:
    """The lines of tasks of one kind: they are listed since one version, made on Cloud since another."""
    path, made_path = f"{S}/tasks/{plural}", f"{S}/tasks/{made_at}"
    yield _line("GET", path, since, SIGNED_IN, tasks.tasks, kind)
    yield _line("GET", f"{path}/{{task}}", since, SIGNED_IN, tasks.task, kind)
    yield _line("POST", f"{path}/{{task}}/runNow", since, SIGNED_IN, tasks.run_now, kind)
    yield _line("DELETE", f"{path}/{{task}}", "3.6", SIGNED_IN, tasks.delete, kind)
    yield _line("POST", made_path, made_since, SIGNED_IN, tasks.create, kind)
    yield _line("POST", f"{made_path}/{{task}}", made_since, SIGNED_IN, tasks.update, kind)


SCHEDULED = (
    *_tasks("extractRefreshes", tasks.EXTRACT, "2.6", "extractRefreshes", "3.20"),
    *_tasks("runFlow", tasks.FLOW, "3.3", "flows", "3.22"),
    _line("GET", f"{S}/schedules/{{schedule}}/extracts", "2.3", ADMIN, schedules.extracts),
    _line("PUT", f"{S}/schedules/{{schedule}}/workbooks", "2.8", JUDGED, schedules.add, "workbook"),
    _line("PUT", f"{S}/schedules/{{schedule}}/datasources", "2.8", JUDGED, schedules.add, "datasource"),
    _line("PUT", f"{S}/schedules/{{schedule}}/flows", "3.3", JUDGED, schedules.add, "flow"),
)
_SUBSCRIPTION, _ALERT, _HOOK = f"{S}/subscriptions", f"{S}/dataAlerts", f"{S}/webhooks"
_LINKED, _RUNS, _MARKS = f"{S}/tasks/linked", f"{S}/flows/runs", f"{S}/favorites/{{user}}"
MAILED = (
    _line("GET", _SUBSCRIPTION, "2.3", SIGNED_IN, mailed.subscriptions),
    _line("POST", _SUBSCRIPTION, "2.3", JUDGED, mailed.subscribe),
    _line("GET", f"{_SUBSCRIPTION}/{{subscription}}", "2.3", SIGNED_IN, mailed.subscription),
    _line("PUT", f"{_SUBSCRIPTION}/{{subscription}}", "2.3", SIGNED_IN, mailed.resubscribe),
    _line("DELETE", f"{_SUBSCRIPTION}/{{subscription}}", "2.3", SIGNED_IN, mailed.unsubscribe),
    _line("GET", _ALERT, "3.2", SIGNED_IN, mailed.alerts),
    _line("POST", _ALERT, "3.20", JUDGED, mailed.watch),
    _line("GET", f"{_ALERT}/{{dataalert}}", "3.2", SIGNED_IN, mailed.alert),
    _line("PUT", f"{_ALERT}/{{dataalert}}", "3.2", SIGNED_IN, mailed.rewatch),
    _line("DELETE", f"{_ALERT}/{{dataalert}}", "3.2", SIGNED_IN, mailed.unwatch),
    _line("POST", f"{_ALERT}/{{dataalert}}/users", "3.2", SIGNED_IN, mailed.alert_user),
    _line("DELETE", f"{_ALERT}/{{dataalert}}/users/{{user}}", "3.2", SIGNED_IN, mailed.spare_user),
    _line("GET", _MARKS, "2.5", SIGNED_IN, mailed.favorites),
    _line("PUT", _MARKS, "2.0", SIGNED_IN, mailed.mark),
    *(_line("DELETE", f"{_MARKS}/{path}", "2.3", SIGNED_IN, mailed.unmark, k) for k, path in mailed.MARKED_AT.items()),
)
RUN = (
    _line("GET", _RUNS, "3.10", SIGNED_IN, runs.runs),
    _line("GET", f"{_RUNS}/{{flowrun}}", "3.10", SIGNED_IN, runs.run),
    _line("PUT", f"{_RUNS}/{{flowrun}}", "3.10", SIGNED_IN, runs.cancel),
    _line("GET", _LINKED, "3.15", SIGNED_IN, runs.linked),
    _line("GET", f"{_LINKED}/{{linkedtask}}", "3.15", SIGNED_IN, runs.linked_task),
    _line("POST", f"{_LINKED}/{{linkedtask}}/runNow", "3.15", SIGNED_IN, runs.run_linked),
    _line("GET", _HOOK, "3.6", ADMIN, runs.webhooks),
    _line("POST", _HOOK, "3.6", ADMIN, runs.hook),
    _line("GET", f"{_HOOK}/{{webhook}}", "3.6", ADMIN, runs.webhook),
    _line("PUT", f"{_HOOK}/{{webhook}}", "3.6", ADMIN, runs.rehook),
    _line("DELETE", f"{_HOOK}/{{webhook}}", "3.6", ADMIN, runs.unhook),
    _line("GET", f"{_HOOK}/{{webhook}}/test", "3.6", ADMIN, runs.try_webhook),
)
_VIEWS, _CUSTOM = f"{S}/customviews", f"{S}/customviews/{{customview}}"
CUSTOM_VIEWS = (
    _line("GET", _VIEWS, "3.18", SIGNED_IN, custom_views.custom_views),
    _line("POST", _VIEWS, "3.21", SIGNED_IN, custom_views.publish),
    _line("GET", _CUSTOM, "3.18", SIGNED_IN, custom_views.custom_view),
    _line("PUT", _CUSTOM, "3.18", SIGNED_IN, custom_views.update),
    _line("DELETE", _CUSTOM, "3.18", SIGNED_IN, custom_views.delete),
    _line("GET", f"{_CUSTOM}/content", "3.21", SIGNED_IN, custom_views.content, file=True),
    _line("GET", f"{_CUSTOM}/default/users", "3.21", SIGNED_IN, custom_views.default_users),
    _line("POST", f"{_CUSTOM}/default/users", "3.21", SIGNED_IN, custom_views.set_default_users),
    *(
        _line("GET", f"{_CUSTOM}/{below}", since, SIGNED_IN, custom_views.drawn, drawing, file=True)
        for below, since, drawing in custom_views.DRAWN
    ),
)
# Of every kind of content: method, path below the kind's own, handler, and since when which kinds have it.
_PUBLISHED = "workbook 2.0 datasource 2.0 flow 3.3"
_CONNECTED = "workbook 2.3 datasource 2.3 flow 3.3"
_REVISED = "workbook 2.3 datasource 2.3"
_TAGGED = "workbook 2.0 view 2.0 datasource 2.6 flow 3.3 virtualconnection 3.23 database 3.9 table 3.9"
_OF_CONTENT: tuple[tuple[str, str, Callable[..., Reply], str], ...] = (
    (
        "GET",
        "",
        content.listed,
        (
            "project 2.0 workbook 2.0 view 2.2 datasource 2.0 flow 3.3 virtualconnection 3.18 database 3.5 table 3.5"
            " collection 3.28"
        ),
    ),
    (
        "GET",
        "/{}",
        content.one,
        "workbook 2.0 view 3.1 datasource 2.0 flow 3.3 virtualconnection 3.18 database 3.5 table 3.5 collection 3.28",
    ),
    (
        "PUT",
        "/{}",
        content.updated,
        (
            "project 2.0 workbook 2.0 datasource 2.0 flow 3.3 virtualconnection 3.23 database 3.5 table 3.5"
            " collection 3.28"
        ),
    ),
    (
        "DELETE",
        "/{}",
        content.deleted,
        "project 2.0 workbook 2.0 view 3.27 datasource 2.0 flow 3.3 virtualconnection 3.23 collection 3.28",
    ),
    ("POST", "", publish.published, _PUBLISHED),
    ("GET", "/{}/content", downloads.content, _PUBLISHED),
    ("GET", "/{}/connections", connections.listed, _CONNECTED),
    ("PUT", "/{}/connections/{connection}", connections.updated, _CONNECTED),
    ("PUT", "/{}/connections", connections.updated_together, "workbook 3.26 datasource 3.26"),
    ("PUT", "/{}/tags", content.tags_added, _TAGGED),
    ("DELETE", "/{}/tags/{tag}", content.tag_deleted, _TAGGED),
    ("GET", "/{}/revisions", downloads.revisions, _REVISED),
    ("GET", "/{}/revisions/{revision}/content", downloads.revision_content, _REVISED),
    ("DELETE", "/{}/revisions/{revision}", downloads.revision_deleted, _REVISED),
    ("POST", "/{}/refresh", jobs.refreshed, "workbook 2.8 datasource 2.8"),
    ("POST", "/{}/run", jobs.refreshed, "flow 3.3"),
    ("PATCH", "/{}/data", jobs.data_changed, "datasource 3.13"),
    ("PATCH", "/{}/connections/{connection}/data", jobs.data_changed, "datasource 3.13"),
    ("POST", "/{}/createExtract", jobs.created, "workbook 3.5 datasource 3.5"),
    ("POST", "/{}/deleteExtract", jobs.deleted, "workbook 3.3 datasource 3.3"),
)
_FILES = (downloads.content, downloads.revision_content)
_RULED = (
    "project 2.0 workbook 2.0 datasource 2.0 view 3.2 flow 3.3 virtualconnection 3.22 database 3.5 table 3.5"
    " collection 3.28"
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


def _since(versions: str) -> dict[str, str]:
    words = versions.split()
    return dict(zip(words[::2], words[1::2], strict=True))


def _content() -> Iterator[Endpoint]:
    yield _line("POST", f"{S}/projects", "2.0", JUDGED, content.create_project)
    yield _line("POST", f"{S}/collections", "3.28", SIGNED_IN, collections.create)
    for kind, plural in PLURALS.items():
        for method, below, handler, versions in _OF_CONTENT:
            if since := _since(versions).get(kind):
                path = f"{S}/{plural}{below.replace('{}', f'{{{kind}}}')}"
                yield _line(method, path, since, JUDGED, handler, kind, file=handler in _FILES)
    for kind in ("database", "table"):
        yield _line("DELETE", f"{S}/{kind}s/{{{kind}}}", "3.5", ADMIN, content.deleted, kind)
    yield _line("GET", f"{S}/tables/{{table}}/columns", "3.5", JUDGED, content.columns)
    connected = f"{S}/virtualConnections/{{virtualconnection}}/connections"
    yield _line("GET", connected, "3.18", JUDGED, content.connections_of_virtual)
    yield _line("GET", f"{_WORKBOOK}/views", "2.0", JUDGED, content.views_of_workbook)


def _rendered(path: str, since: str, kind: str, drawing: downloads.Drawing) -> Endpoint:
    return _line("GET", path, since, JUDGED, downloads.rendered, kind, drawing, file=True)


def _preview(path: str, kind: str) -> Endpoint:
    return _line("GET", f"{path}/previewImage", "2.0", JUDGED, downloads.preview, kind, file=True)


FILES = (
    _rendered(f"{_WORKBOOK}/pdf", "3.4", "workbook", downloads.PDF),
    _rendered(f"{_WORKBOOK}/powerpoint", "3.8", "workbook", downloads.SLIDES),
    _rendered(f"{_VIEW}/image", "2.5", "view", downloads.IMAGE),
    _rendered(f"{_VIEW}/pdf", "2.7", "view", downloads.PDF),
    _rendered(f"{_VIEW}/data", "2.7", "view", downloads.DATA),
    _rendered(f"{_VIEW}/crosstab/excel", "3.8", "view", downloads.SHEET),
    _preview(_WORKBOOK, "workbook"),
    _preview(f"{_WORKBOOK}/views/{{view}}", "view"),
    _preview(_VIEW, "view"),
    _line("POST", _UPLOADS, "2.0", SIGNED_IN, publish.begin_upload),
    _line("PUT", f"{_UPLOADS}/{{upload}}", "2.0", SIGNED_IN, publish.append_upload),
    _line("POST", f"{S}/encrypt-extracts", "3.5", SERVER_ADMIN, jobs.of_site, ENCRYPT),
    _line("POST", f"{S}/decrypt-extracts", "3.5", SERVER_ADMIN, jobs.of_site, DECRYPT),
    _line("POST", f"{S}/reencrypt-extracts", "3.5", SERVER_ADMIN, jobs.of_site, REENCRYPT),
)


def _rules(path: str, since: str, target: Target, until: str | None = None) -> Iterator[Endpoint]:
    for method, below, handler in (
        ("GET", "", permissions.read),
        ("PUT", "", permissions.add),
        ("POST", "", permissions.replaced),
        ("DELETE", "/{grantees}/{grantee}/{capability}/{mode}", permissions.removed),
    ):
        yield _line(method, path + below, since, JUDGED, handler, target, until=until)


def _all_rules() -> Iterator[Endpoint]:
    for kind, since in _since(_RULED).items():
        yield from _rules(f"{S}/{PLURALS[kind]}/{{{kind}}}/permissions", since, Target(kind))
    for kind, plural, since, until in DEFAULT_KINDS:
        yield from _rules(f"{_PROJECT}/default-permissions/{plural}", since, Target("project", kind), until)
    yield from _rules(f"{S}/databases/{{database}}/default-permissions/tables", "3.5", Target("database", "table"))


TABLE: tuple[Endpoint, ...] = (
    *SERVER,
    *PEOPLE,
    *SCHEDULED,
    *CUSTOM_VIEWS,
    *MAILED,
    *RUN,
    *_content(),
    *FILES,
    *_all_rules(),
)
ROUTER = Router(TABLE)
