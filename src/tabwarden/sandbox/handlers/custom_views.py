"""Custom views: listed, read, drawn, published, renamed, handed on, deleted, and made the first thing people see.

Source: "Workbook and View Methods" (custom views) of the public REST documentation. One's own show, those that are
shared with who may View the view, and to administrators all. That others' are refused and not unknown is believed.
"""

from __future__ import annotations

import json

from tabwarden.model.usage import CUSTOM_VIEW
from tabwarden.sandbox.content import visibility
from tabwarden.sandbox.content.shapes import address
from tabwarden.sandbox.handlers.content import truth
from tabwarden.sandbox.handlers.downloads import BYTES, DATA, IMAGE, PDF, Drawing, attachment
from tabwarden.sandbox.http import listing
from tabwarden.sandbox.http.call import NO_CONTENT, Call, File, Reply, ok, parts_of, payload_of
from tabwarden.sandbox.http.errors import Refusal, unknown
from tabwarden.sandbox.http.listing import ORDERED, TIME, TRUTH, Listing, column
from tabwarden.sandbox.http.wire import Element, element
from tabwarden.sandbox.state.server_state import CustomView


def shape(call: Call, custom: CustomView) -> Element:
    """One custom view with its view, workbook and owner."""
    view = call.site.contents[custom.view]
    workbook = call.site.contents[view.parent or ""]
    return element(
        "customView",
        {
            "id": custom.id,
            "name": custom.name,
            "createdAt": custom.created or None,
            "updatedAt": custom.updated or None,
            "lastAccessedAt": custom.accessed or None,
            "shared": custom.shared,
            "sheetType": "view",
            "contentUrl": address(call.state, call.site, view),
        },
        element("view", {"id": view.id, "name": view.name}),
        element("workbook", {"id": workbook.id, "name": workbook.name}),
        element("owner", {"id": custom.owner}),
    )


CUSTOM_VIEWS = Listing[CustomView](
    "customViews",
    {
        "id": column(lambda _s, one: one.id),
        "name": column(lambda _s, one: one.name),
        "ownerId": column(lambda _s, one: one.owner),
        "viewId": column(lambda _s, one: one.view),
        "workbookId": column(lambda s, one: s.contents[one.view].parent),
        "shared": column(lambda _s, one: one.shared, "eq", TRUTH),
        "createdAt": column(lambda _s, one: one.created, ORDERED, TIME),
        "updatedAt": column(lambda _s, one: one.updated, ORDERED, TIME),
    },
    frozenset("id name createdAt updatedAt lastAccessedAt shared contentUrl view workbook owner".split()),
    shape,
)


def custom_views(call: Call) -> Reply:
    """The custom views that show to the asker."""
    customs = [one for one in call.state.custom_views.values() if one.site == call.site.id]
    return ok(*listing.answer(call, CUSTOM_VIEWS, [one for one in customs if _shows(call, one)]))


def _shows(call: Call, custom: CustomView) -> bool:
    if custom.owner not in call.site.users:  # somebody whom a token lets in on demand, and who is not in now
        return False
    if call.is_admin:
        return True
    mine = custom.owner == call.me.id
    return (mine or custom.shared) and visibility.sees(call, call.site.contents[custom.view])


def custom_view(call: Call) -> Reply:
    """One custom view."""
    return ok(shape(call, _one(call)))


def _one(call: Call, *, own: bool = False) -> CustomView:
    """The custom view of the path, if it shows; `own` where only its owner and administrators may."""
    custom = call.state.custom_views.get(call.parameters["customview"])
    if custom is None or custom.site != call.site.id:
        raise unknown("customView", call.parameters["customview"])
    if not _shows(call, custom) or (own and not (call.is_admin or custom.owner == call.me.id)):
        raise Refusal("403004", "the custom view belongs to somebody else")
    return custom


def update(call: Call) -> Reply:
    """Rename a custom view, or give it to another."""
    before, body = _one(call, own=True), call.body("customView")
    owner = body.inner("owner")
    if owner is not None:
        call.user(owner)
        call.state.has(before.site, before.owner, CUSTOM_VIEW, before.view, -1)
        call.state.has(before.site, owner, CUSTOM_VIEW, before.view, 1)
    changed = before._replace(
        name=body.get("name") or before.name, owner=owner or before.owner, updated=call.state.now()
    )
    call.state.keep("customView", changed)
    return ok(shape(call, changed))


def delete(call: Call) -> Reply:
    """Delete a custom view; the view stays."""
    gone = _one(call, own=True)
    call.state.forget("customView", gone.id)
    call.state.has(gone.site, gone.owner, CUSTOM_VIEW, gone.view, -1)
    return NO_CONTENT


def publish(call: Call) -> Reply:
    """Publish a custom view of a workbook, from the file that `content` gives."""
    parts = parts_of(call.request)
    body = payload_of(parts).find("customView")
    if body is None or not body.get("name"):
        raise Refusal("400003", "the part `request_payload` has no `customView` with a name")
    workbook = visibility.shown(call, "workbook", body.inner("workbook") or "")
    owner = call.user(body.inner("owner") or call.me.id)
    if owner.id != call.me.id and not call.is_admin:
        raise Refusal("403004", "only administrators publish for somebody else")
    part = parts.get("tableau_customview")
    views = {call.site.contents[view].name: view for view in call.site.children(workbook.id)}
    view = views.get(_view_named(part.content if part is not None else b""), next(iter(views.values()), ""))
    if not view:
        raise Refusal("400003", "the workbook has no views")
    if not call.is_admin:
        visibility.demand(call, "save_custom_view", call.site.contents[view])
    now = call.state.now()
    shared = truth("shared", body.get("shared") or "false")
    custom = CustomView(
        call.state.new_id(call.site, "customView"), call.site.id, body.get("name") or "", view, owner.id, shared
    )
    custom = custom._replace(created=now, updated=now)
    call.state.keep("customView", custom)
    call.state.has(custom.site, owner.id, CUSTOM_VIEW, view, 1)
    return ok(shape(call, custom), status=201)


def _view_named(content: bytes) -> str:
    """The view that a file names; "" for a file that is none of ours."""
    try:
        definition = json.loads(content)
    except (ValueError, RecursionError):
        return ""
    return str(definition.get("view")) if isinstance(definition, dict) else ""


def content(call: Call) -> Reply:
    """The definition of a custom view as a file: a placeholder that names its view."""
    custom = _one(call)
    definition = {"view": call.site.contents[custom.view].name, "customView": custom.name}
    return attachment(File(json.dumps(definition).encode(), BYTES), f"{custom.name}.json", "tableau_customview")


def drawn(call: Call, drawing: Drawing) -> Reply:
    """A placeholder of the view for those who hold the capability on it."""
    custom = _one(call)
    view = visibility.capable(call, "view", drawing.capability, custom.view)
    call.state.keep("customView", custom._replace(accessed=call.state.now()))
    file = File(drawing.drawn(call, view), drawing.content_type)
    return attachment(file, f"{custom.name}.{drawing.extension}")


def default_users(call: Call) -> Reply:
    """The people who see a custom view first."""
    users = [call.site.users[user] for user in sorted(_one(call, own=True).defaults) if user in call.site.users]
    page, pagination = listing.paged(call, users)
    return ok(pagination, element("users", {}, *(element("user", {"id": one.id, "name": one.name}) for one in page)))


def set_default_users(call: Call) -> Reply:
    """Let people see a custom view first; told for each is whether it was done."""
    custom = _one(call, own=True)
    ids = [one.get("id") or "" for one in call.body("users").all("user")]
    done = [user for user in ids if user in call.site.users]
    others = [v for v in call.state.custom_views.values() if v.view == custom.view and v.defaults & set(done)]
    for other in others:  # one has one default of a view
        call.state.keep("customView", other._replace(defaults=other.defaults - set(done)))
    custom = call.state.custom_views[custom.id]
    call.state.keep("customView", custom._replace(defaults=custom.defaults | set(done)))
    results = (
        element("customViewAsUserDefaultViewResult", {"success": user in done}, element("user", {"id": user}))
        for user in ids
    )
    return ok(element("customViewAsUserDefaultResults", {}, *results))


DRAWN = (("image", "3.18", IMAGE), ("pdf", "3.23", PDF), ("data", "3.23", DATA))
