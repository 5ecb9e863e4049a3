"""Revisions of published workbooks and data sources: listed, downloaded, deleted. Publishing makes them."""

from __future__ import annotations

from dataclasses import replace

from tabwarden.model.site import Content
from tabwarden.sandbox.content import publishing, visibility
from tabwarden.sandbox.content.item_details import Revision
from tabwarden.sandbox.handlers import downloads
from tabwarden.sandbox.handlers.content import Handler
from tabwarden.sandbox.http import listing
from tabwarden.sandbox.http.call import NO_CONTENT, Call, Reply, ok
from tabwarden.sandbox.http.errors import Refusal
from tabwarden.sandbox.http.wire import Element, element


def _item(call: Call, kind: str) -> Content:
    """The item, for whoever may publish over it and download it ("Work with content revisions")."""
    item = call.content(kind)
    visibility.demand(call, "download", item)
    visibility.demand(call, "publish", item)
    return item


def listed(kind: str) -> Handler:
    """The revisions that are kept, newest first."""

    def handler(call: Call) -> Reply:
        revisions = publishing.revisions(call.state, _item(call, kind))
        page, pagination = listing.paged(call, revisions[::-1])
        shown = (_shape(call, revision, current=revision == revisions[-1]) for revision in page)
        return ok(pagination, element("revisions", {}, *shown))

    return handler


def _shape(call: Call, revision: Revision, *, current: bool) -> Element:
    publisher = call.site.users.get(revision.by)
    named = publisher is not None and (call.sees_people() or publisher.id == call.me.id)
    return element(
        "revision",
        {
            "revisionNumber": revision.number,
            "publishedAt": revision.at,
            "deleted": False,
            "current": current,
            "sizeInBytes": revision.size,
        },
        element("publisher", {"id": revision.by, "name": publisher.name if publisher and named else None}),
    )


def content(kind: str) -> Handler:
    """The file of one revision."""

    def handler(call: Call) -> Reply:
        item = _item(call, kind)
        return downloads.file_of(call, item, _revision(call, item))

    return handler


def deleted(kind: str) -> Handler:
    """Delete a revision; the current one stays."""

    def handler(call: Call) -> Reply:
        item = _item(call, kind)
        revision, details = _revision(call, item), call.state.details(item.id)
        if not revision.blob or revision == details.current:
            raise Refusal("403004", "the current revision cannot be deleted; publish another first")
        others = tuple(other for other in details.revisions if other != revision)
        call.state.put_details(item.id, replace(details, revisions=others))
        return NO_CONTENT

    return handler


def _revision(call: Call, item: Content) -> Revision:
    wanted = call.parameters["revision"]
    for revision in publishing.revisions(call.state, item):
        if str(revision.number) == wanted:
            return revision
    raise Refusal("404003", f"revision `{wanted}` could not be found")
