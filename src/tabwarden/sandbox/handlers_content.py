"""Workbooks, views, data sources, flows: listed, read, changed, deleted, for one kind after the other.

Publishing and downloading are not played yet. Every kind gets its handlers from the same few functions.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from tabwarden.change import effects
from tabwarden.model.site import Content, Site
from tabwarden.sandbox import listing, seeing
from tabwarden.sandbox.call import NO_CONTENT, Call, Reply, ok
from tabwarden.sandbox.errors import Refusal
from tabwarden.sandbox.shapes_content import SHAPES, content_listing
from tabwarden.sandbox.wire import Element, element

Handler = Callable[[Call], Reply]


def listed(kind: str) -> Handler:
    """The list of a kind, as far as the asker may View."""

    def handler(call: Call) -> Reply:
        shown = seeing.visible(call.state, call.site, call.me.id, kind)
        return ok(*listing.answer(call, content_listing(call, kind), shown))

    return handler


def one(kind: str) -> Handler:
    """One item; a workbook with those of its views that the asker may View."""

    def handler(call: Call) -> Reply:
        return ok(_whole(call, seeing.shown(call, kind)))

    return handler


def _whole(call: Call, item: Content) -> Element:
    shape = SHAPES[item.kind](call, item)
    if item.kind != "workbook":
        return shape
    views = (SHAPES["view"](call, view) for view in _views(call, item))
    return shape._replace(children=(*shape.children, element("views", {}, *views)))


def _views(call: Call, workbook: Content) -> list[Content]:
    views = (call.site.contents[v] for v in call.site.children(workbook.id))
    return [view for view in views if seeing.sees(call, view)]


def views_of_workbook(call: Call) -> Reply:
    """The views of a workbook that the asker may View."""
    workbook = seeing.shown(call, "workbook")
    return ok(element("views", {}, *(SHAPES["view"](call, view) for view in _views(call, workbook))))


def connections(kind: str) -> Handler:
    """The connections of an item; of a workbook one for each published data source behind it."""

    def handler(call: Call) -> Reply:
        item = seeing.shown(call, kind)
        return ok(element("connections", {}, *(_connection(call, item, use.datasource, use.auth) for use in item.uses)))

    return handler


def _connection(call: Call, item: Content, source: str, auth: str) -> Element:
    held = call.site.contents.get(source)
    named = held is not None and seeing.sees(call, held)
    return element(
        "connection",
        {
            "id": f"{item.id[:24]}{source[24:]}",
            "type": "sqlproxy",
            "serverAddress": "localhost",
            "userName": "",
            "embedPassword": auth == "embed",
        },
        element("datasource", {"id": source, "name": held.name}) if held is not None and named else None,
    )


# -- changing -------------------------------------------------------------------------------------------------


def updated(kind: str) -> Handler:
    """Change name, description, tabs, project or owner: what differs is asked about, then done as one.

    What clients send along and the sandbox does not keep (certification, acceleration, view ids) is ignored.
    """

    def handler(call: Call) -> Reply:
        item, asked = seeing.shown(call, kind), call.body(kind)
        site = _edited(call, item, asked)
        site = _moved(call, site, item, asked)
        site = _handed_over(call, site, item, asked)
        call.state.put(site)
        return ok(_whole_if_seen(call, call.content(kind)))

    return handler


def _whole_if_seen(call: Call, item: Content) -> Element:
    """After a move or another owner the one who asked may not View it any more; he still gets his answer."""
    return _whole(call, item) if seeing.sees(call, item) else element(item.kind, {"id": item.id, "name": item.name})


def _edited(call: Call, item: Content, asked: Element) -> Site:
    name, description, tabs = asked.get("name"), asked.get("description"), asked.get("showTabs")
    changed = replace(
        item,
        name=name if name else item.name,
        description=description if description is not None else item.description,
    )
    show = item.tabs if tabs is None or item.kind != "workbook" else _truth("showTabs", tabs)
    if changed == item and show == item.tabs:
        return call.site
    seeing.demand(call, "rename", item)
    if changed.name != item.name:
        _free_name(call.site, changed, changed.parent)
    site = call.site.with_contents(changed)
    if show == item.tabs:
        return site
    return effects.show_tabs(site, item.id) if show else effects.hide_tabs(site, item.id)


def _moved(call: Call, site: Site, item: Content, asked: Element) -> Site:
    named = asked.find("project")
    wanted = named.get("id") if named is not None else None
    if not wanted or wanted == item.parent:
        return site
    target = seeing.shown(call, "project", wanted)
    seeing.demand(call, "move", item, target=target.id)
    _free_name(site, site.contents[item.id], target.id)
    return effects.move(site, item.id, target.id)


def _handed_over(call: Call, site: Site, item: Content, asked: Element) -> Site:
    named = asked.find("owner")
    wanted = named.get("id") if named is not None else None
    if not wanted or wanted == item.owner:
        return site
    heir = call.user(wanted)
    seeing.demand(call, "change_content_owner", item, to=heir.id)
    return effects.change_owner(site, item.id, heir.id)


def _truth(name: str, words: str) -> bool:
    if words.lower() not in ("true", "false"):
        raise Refusal("400003", f"`{name}` is true or false, not `{words}`")
    return words.lower() == "true"


def _free_name(site: Site, item: Content, parent: str | None) -> None:
    others = (site.contents[c] for c in site.children(parent) if c != item.id)
    if any(o.kind == item.kind and o.name.casefold() == item.name.casefold() for o in others):
        raise Refusal("409012", f"the project holds another {item.kind} of that name")


def deleted(kind: str) -> Handler:
    """Delete an item with what lies below it."""

    def handler(call: Call) -> Reply:
        item = call.content(kind)
        seeing.demand(call, "delete", item)
        call.state.put(effects.delete_content(call.site, item.id))
        return NO_CONTENT

    return handler
