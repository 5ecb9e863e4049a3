"""Workbooks, views, data sources, flows: listed, read, changed, deleted, for one kind after the other.

Not publishing, downloading, tags and connections. Every kind gets its handlers from the same few functions.
"""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterable
from dataclasses import replace

from tabwarden.access.powers import power_over
from tabwarden.effects import content as effects
from tabwarden.model.open_points import CURRENT
from tabwarden.model.site import Content, Site
from tabwarden.sandbox.content import visibility
from tabwarden.sandbox.content.listing import content_listing
from tabwarden.sandbox.content.shapes import SHAPES, singular, tags_element
from tabwarden.sandbox.http import listing
from tabwarden.sandbox.http.call import NO_CONTENT, Call, Reply, ok
from tabwarden.sandbox.http.errors import Refusal
from tabwarden.sandbox.http.wire import Element, element
from tabwarden.sandbox.state.server_state import Details

Handler = Callable[[Call], Reply]


def listed(kind: str) -> Handler:
    """The list of a kind, as far as the asker may View."""

    def handler(call: Call) -> Reply:
        shown = visibility.visible(call.state, call.site, call.me.id, kind)
        return ok(*listing.answer(call, content_listing(call, kind), shown))

    return handler


def one(kind: str) -> Handler:
    """One item; a workbook with those of its views that the asker may View."""

    def handler(call: Call) -> Reply:
        return ok(_whole(call, visibility.shown(call, kind)))

    return handler


def _whole(call: Call, item: Content) -> Element:
    shape = SHAPES[item.kind](call, item)
    if item.kind != "workbook":
        return shape
    views = (SHAPES["view"](call, view) for view in _views(call, item))
    return shape._replace(children=(*shape.children, element("views", {}, *views)))


def _views(call: Call, workbook: Content) -> list[Content]:
    views = (call.site.contents[v] for v in call.site.children(workbook.id))
    return [view for view in views if visibility.sees(call, view)]


def views_of_workbook(call: Call) -> Reply:
    """The views of a workbook that the asker may View."""
    workbook = visibility.shown(call, "workbook")
    return ok(element("views", {}, *(SHAPES["view"](call, view) for view in _views(call, workbook))))


# -- changing -------------------------------------------------------------------------------------------------


def updated(kind: str) -> Handler:
    """Change name, description, tabs, project or owner: what differs is asked about, then done as one.

    What clients send along and the sandbox does not keep (acceleration, view ids) is ignored.
    """

    def handler(call: Call) -> Reply:
        item, body = visibility.shown(call, kind), call.body(singular(kind))
        site = _edited(call, item, body)
        site = _moved(call, site, item, body)
        site = handed_over(call, site, item, body)
        details = _certified(call, item, body)
        call.state.put(site)
        if details != call.state.details(item.id):
            call.state.put_details(item.id, details)
        return ok(told(call, call.content(kind)))

    return handler


def told(call: Call, item: Content) -> Element:
    """After a move or another owner the one who asked may not View it any more; he still gets his answer."""
    return (
        _whole(call, item)
        if visibility.sees(call, item)
        else element(singular(item.kind), {"id": item.id, "name": item.name})
    )


def _edited(call: Call, item: Content, body: Element) -> Site:
    name, description, tabs = body.get("name"), body.get("description"), body.get("showTabs")
    changed = replace(
        item,
        name=name if name else item.name,
        description=description if description is not None else item.description,
    )
    show = item.tabs if tabs is None or item.kind != "workbook" else truth("showTabs", tabs)
    if changed == item and show == item.tabs:
        return call.site
    visibility.demand(call, "rename", item)
    if changed.name != item.name:
        _free_name(call.site, changed, changed.parent)
    site = call.site.with_contents(changed)
    if show == item.tabs:
        return site
    return effects.show_tabs(site, item.id) if show else effects.hide_tabs(site, item.id)


def _moved(call: Call, site: Site, item: Content, body: Element) -> Site:
    wanted = named(body, "project")
    if not wanted or wanted == item.parent:
        return site
    target = visibility.shown(call, "project", wanted)
    visibility.demand(call, "move", item, target=target.id)
    _free_name(site, site.contents[item.id], target.id)
    return effects.move(site, item.id, target.id, open_points=call.state.open_points)


def handed_over(call: Call, site: Site, item: Content, body: Element, *, deed: str = "change_content_owner") -> Site:
    """The site with another owner of the item, where one is asked for and the asker may do that deed."""
    wanted = named(body, "owner")
    if not wanted or wanted == item.owner:
        return site
    heir = call.user(wanted)
    visibility.demand(call, deed, item, to=heir.id)
    return effects.change_owner(site, item.id, heir.id)


def named(body: Element, name: str) -> str | None:
    """The id of a child such as `<project id=.../>`, None where there is none."""
    child = body.find(name)
    return child.get("id") if child is not None else None


def _certified(call: Call, item: Content, body: Element) -> Details:
    """What is kept of a data source, certified as asked: by administrators, owners and leaders of its project (B)."""
    details = call.state.details(item.id)
    certified, note = body.get("isCertified"), body.get("certificationNote")
    if item.kind != "datasource":
        return details
    wanted = replace(
        details,
        certified=details.certified if certified is None else truth("isCertified", certified),
        certification_note=details.certification_note if note is None else note,
    )
    leads = call.is_admin or power_over(call.site, call.me.id, call.site.project_of(item.id), CURRENT) is not None
    if wanted != details and not leads:
        raise Refusal("403004", "data sources are certified by administrators, owners and leaders of their project")
    return wanted


def truth(name: str, words: str) -> bool:
    """A value that must be true or false; 400003 for any other."""
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
        visibility.demand(call, "delete", item)
        call.state.put(effects.delete_content(call.site, item.id))
        return NO_CONTENT

    return handler


MOST_TAGS = 50
LONGEST_TAG = 200


def tags_added(kind: str) -> Handler:
    """Add tags and tell all there are."""

    def handler(call: Call) -> Reply:
        item = visibility.shown(call, kind)
        visibility.demand(call, "tag", item)
        details = call.state.details(item.id)
        tags = details.tags | _labels(call.body("tags").all("tag"))
        if len(tags) > MOST_TAGS:
            raise Refusal("400003", f"an item carries at most {MOST_TAGS} tags here")
        if tags != details.tags:
            call.state.put_details(item.id, replace(details, tags=tags))
        return ok(tags_element(call, item))

    return handler


def _labels(tags: Iterable[Element]) -> frozenset[str]:
    """The labels; one without quotation marks stands for as many as spaces and commas make of it."""
    labels: set[str] = set()
    for tag in tags:
        words = tag.get("label") or ""
        plain = words if '"' in words else words.replace(" ", ",")
        try:
            labels.update(word.strip() for row in csv.reader([plain], skipinitialspace=True) for word in row)
        except csv.Error:
            raise Refusal("400003", "a label of a tag is one line") from None
    labels.discard("")
    if not labels or any(len(word) > LONGEST_TAG for word in labels):
        raise Refusal("400003", f"a tag needs a label of at most {LONGEST_TAG} characters")
    return frozenset(labels)


def tag_deleted(kind: str) -> Handler:
    """Delete one tag; one that is not there is no error."""

    def handler(call: Call) -> Reply:
        item = visibility.shown(call, kind)
        visibility.demand(call, "tag", item)
        details, wanted = call.state.details(item.id), call.parameters["tag"]
        if wanted in details.tags:
            call.state.put_details(item.id, replace(details, tags=details.tags - {wanted}))
        return NO_CONTENT

    return handler
