"""Databases and tables of Tableau Catalog: changed, deleted, a table's columns. Listed and read like other content.

A database has a lock of its own over its tables (LockedToDatabase), beside that of its project. Certification and
contacts are not kept. Source of the shapes: server-client-python.
"""

from __future__ import annotations

from dataclasses import replace

from tabwarden.effects import content as effects
from tabwarden.model.governing import LOCKED_TO_DATABASE, managing_project
from tabwarden.model.site import CUSTOMIZABLE, Content, Site
from tabwarden.sandbox.content import visibility
from tabwarden.sandbox.handlers.content import Handler, handed_over, named, told
from tabwarden.sandbox.http import listing
from tabwarden.sandbox.http.call import NO_CONTENT, Call, Reply, ok
from tabwarden.sandbox.http.errors import Refusal
from tabwarden.sandbox.http.listing import Listing, column
from tabwarden.sandbox.http.wire import Element, element
from tabwarden.sandbox.metadata.graph import COLUMNS
from tabwarden.sandbox.state.sites import stable_id

MODES = (LOCKED_TO_DATABASE, CUSTOMIZABLE)


def updated(kind: str) -> Handler:
    """Change description, owner and, of a database, its project and whether its tables are locked to it."""

    def handler(call: Call) -> Reply:
        item, body = visibility.shown(call, kind), call.body(kind)
        site = _described(call, item, body)
        if kind == "database":
            site = _locked(call, _moved(call, site, item, body), item, body)
        call.state.put(handed_over(call, site, item, body))
        return ok(told(call, call.content(kind)))

    return handler


def _described(call: Call, item: Content, body: Element) -> Site:
    description = body.get("description")
    if description is None or description == item.description:
        return call.site
    visibility.demand(call, "rename", item)
    return call.site.with_contents(replace(item, description=description))


def _moved(call: Call, site: Site, item: Content, body: Element) -> Site:
    wanted = named(body, "project")
    if not wanted or wanted == item.parent:
        return site
    target = visibility.shown(call, "project", wanted)
    visibility.demand(call, "move", item, target=target.id)
    return effects.move(site, item.id, target.id, open_points=call.state.open_points)


def _locked(call: Call, site: Site, item: Content, body: Element) -> Site:
    mode = body.get("contentPermissions")
    if mode is None or mode == item.mode:
        return site
    if mode not in MODES:
        raise Refusal("400003", f"contentPermissions `{mode}` is not one of {', '.join(MODES)}")
    visibility.demand(call, "set_permissions", item)
    if item.parent is not None and managing_project(site, item.parent) is not None:
        raise Refusal("403004", "permissions are locked to the project; change them there")
    return effects.set_database_mode(site, item.id, mode)


def deleted(kind: str) -> Handler:
    """Delete a database with its tables, or a table; nothing grants that, so it is for administrators."""

    def handler(call: Call) -> Reply:
        item = visibility.shown(call, kind)
        if not call.is_admin:
            raise Refusal("403004", f"only administrators delete a {kind}")
        call.state.put(effects.delete_content(call.site, item.id))
        return NO_CONTENT

    return handler


def columns(call: Call) -> Reply:
    """The columns of a table: the same three of every one."""
    item = visibility.shown(call, "table")
    return ok(*listing.answer(call, _COLUMNS, [(item.id, name, remote) for name, remote, *_rest in COLUMNS]))


def _column(call: Call, item: tuple[str, str, str]) -> Element:
    table, name, remote = item
    attributes = {"id": stable_id("column", table, name), "name": name, "remoteType": remote, "parentTableId": table}
    return element("column", attributes, element("site", {"id": call.site.id, "name": call.site.name}))


_COLUMNS = Listing[tuple[str, str, str]](
    "columns",
    {"name": column(lambda _s, c: c[1])},
    frozenset({"id", "name", "remoteType", "parentTableId", "site"}),
    _column,
)


def no_connections(call: Call) -> Reply:
    """The connections of a virtual connection: none, for the sandbox does not play them."""
    visibility.shown(call, "virtualconnection")
    return ok(element("virtualConnectionConnections"))
