"""Content of every kind, projects and assets of a catalog among it: listed, read, made, changed, tagged, deleted.

A database has a lock of its own over its tables (LockedToDatabase), beside that of its project. The contacts of assets
are not kept. Source of the shapes: server-client-python.
"""

from __future__ import annotations

import csv
import json
from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import NamedTuple

from tabwarden.access.abilities.question import TOP_LEVEL
from tabwarden.access.powers import power_over
from tabwarden.effects import content as effects
from tabwarden.effects import people
from tabwarden.model.governing import LOCKED_TO_DATABASE, managing_project
from tabwarden.model.open_points import CURRENT
from tabwarden.model.site import CUSTOMIZABLE, MODES, Content, Site
from tabwarden.sandbox.content import placeholders, publishing, visibility
from tabwarden.sandbox.content.listing import content_listing
from tabwarden.sandbox.content.publishing import Order
from tabwarden.sandbox.content.shapes import SHAPES, singular, tags_element, view_of_workbook
from tabwarden.sandbox.http import listing, wire
from tabwarden.sandbox.http.call import NO_CONTENT, Call, Reply, ok
from tabwarden.sandbox.http.errors import Refusal, because, unknown
from tabwarden.sandbox.http.listing import Listing, column
from tabwarden.sandbox.http.wire import Element, element
from tabwarden.sandbox.metadata.tables import COLUMNS
from tabwarden.sandbox.state.server_state import Connection, Details, stable_id

ACCELERATION, FRESHNESS = "dataAccelerationConfig", "dataFreshnessPolicy"
ASIDES = (ACCELERATION, FRESHNESS)
MOST_TAGS, LONGEST_TAG = 50, 200
# The names Tableau's samples have, without their data.
SAMPLES: Mapping[str, tuple[str, ...]] = {
    "Superstore": ("Overview", "Product", "Customers", "Shipping"),
    "Regional": ("Global Temperatures", "College", "Economy", "Stocks"),
    "World Indicators": ("Population", "GDP per capita", "Health"),
}


def listed(call: Call, kind: str) -> Reply:
    """Those of a kind that the asker may View."""
    shown = visibility.visible(call.state, call.site, call.me.id, kind)
    return ok(*listing.answer(call, content_listing(call, kind), shown))


def one(call: Call, kind: str) -> Reply:
    """One item; a workbook with those of its views that the asker may View, a flow with its output steps."""
    item, site, plays = visibility.shown(call, kind), call.site, call.personality
    first = next(iter(site.children(item.id)), None) if kind == "workbook" and not plays.workbook_by_id else None
    place = site.project_of(item.id) if kind == "datasource" and not plays.source_by_id else None
    hidden = [one for one in (first, place) if one is not None and not visibility.sees(call, site.contents[one])]
    if hidden:
        raise Refusal("refused_by_id", "its project, or of a workbook the first sheet, is hidden from the caller")
    return ok(*whole(call, item))


def whole(call: Call, item: Content) -> tuple[Element, ...]:
    """What is answered of one item; after a move who asked may not View it, and still gets an answer."""
    if item.kind != "project" and not visibility.sees(call, item):
        return (element(singular(item.kind), {"id": item.id, "name": item.name}),)
    shape = SHAPES[item.kind](call, item)
    if item.kind == "flow":
        shape = shape._replace(children=(*shape.children, element("parameters")))
        return shape, element("flowOutputSteps")
    if item.kind == "virtualconnection":
        text = json.dumps({"policyCollection": {"luid": item.id, "policies": []}})
        return (shape._replace(children=(*shape.children, element("content", text=text))),)
    if item.kind == "workbook":
        asides = wire.elements_of(call.state.details(item.id).asides)
        return (shape._replace(children=(*shape.children, _views(call, item), *asides)),)
    return (shape,)


def _views(call: Call, workbook: Content) -> Element:
    asides = wire.elements_of(call.state.details(workbook.id).asides)
    enabled = next((one.get("accelerationEnabled") for one in asides if one.name == ACCELERATION), None)
    status = {"accelerationEnabled": enabled, "accelerationStatus": "Pending" if enabled == "true" else "Off"}
    inner = (element(ACCELERATION, status),) if enabled is not None else ()
    shown = (view for v in call.site.children(workbook.id) if visibility.sees(call, view := call.site.contents[v]))
    shapes = (view_of_workbook(call, view) for view in shown)
    return element("views", {}, *(shape._replace(children=(*shape.children, *inner)) for shape in shapes))


def views_of_workbook(call: Call) -> Reply:
    """The views of a workbook that the asker may View."""
    return ok(_views(call, visibility.shown(call, "workbook")))


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


def connections_of_virtual(call: Call) -> Reply:
    """The connections of a virtual connection to its databases."""
    item = visibility.shown(call, "virtualconnection")
    return ok(element("virtualConnectionConnections", {}, *map(_database_of, call.state.details(item.id).connections)))


def _database_of(connection: Connection) -> Element:
    return element(
        "connection",
        {
            "id": connection.id,
            "dbClass": connection.type,
            "serverAddress": connection.server,
            "serverPort": connection.port,
            "username": connection.user_name,
        },
    )


# -- a new project --------------------------------------------------------------------------------------------


def create_project(call: Call) -> Reply:
    """A new project: administrators anywhere, owners and leaders below their own."""
    body = call.body("project")
    name, parent = (body.get("name") or "").strip(), body.get("parentProjectId") or None
    if not name:
        raise Refusal("malformed", "a project needs a name")
    if parent is None:
        visibility.demand(call, "create_top_level_project")
    else:
        visibility.demand(call, "create_nested_project", visibility.shown(call, "project", parent))
    draft = Content("", "project", name, parent, call.me.id, description=body.get("description") or "")
    _free_name(call.site, draft, parent)
    _room_for_samples(call)
    new_id = call.state.new_id(call.site, "project")
    new = replace(draft, id=new_id, owner=_first_owner(call, body), mode=_mode(draft, body) or CUSTOMIZABLE)
    stored = call.state.put(effects.create_project(call.site, new)).contents[new.id]
    _publish_samples(call, stored)
    return ok(SHAPES["project"](call, stored), status=201)


def _first_owner(call: Call, body: Element) -> str:
    """Another first owner than the asker is an administrator's choice."""
    wanted = body.inner("owner")
    if not wanted or wanted == call.me.id:
        return call.me.id
    if not call.is_admin:
        raise Refusal("denied", "only administrators create projects for somebody else")
    heir = call.user(wanted)
    outcome = people.assign_owner(call.site, heir.id, "project", call.state.open_points)
    if not outcome.done:
        raise because(outcome.because)
    return heir.id


def _room_for_samples(call: Call) -> None:
    if call.flag("publishSamples"):
        publishing.demand_room(call.state, call.site, 0)


def _publish_samples(call: Call, project: Content) -> None:
    """Publish the samples, where asked for, over those that are there; refused to whoever may not publish there."""
    if not call.flag("publishSamples"):
        return
    visibility.demand(call, "publish", project)
    for name, sheets in SAMPLES.items():
        package = placeholders.package(Content("", "workbook", name, project.id, call.me.id), sheets)
        order = Order(
            call.session.site,
            call.me.id,
            "workbook",
            name,
            project.id,
            call.state.blobs.keep(package),
            f"{name}.twbx",
            publishing.OVERWRITE,
            tabs=True,
        )
        publishing.publish(call.state, order)


# -- changing -------------------------------------------------------------------------------------------------


def updated(call: Call, kind: str) -> Reply:
    """Change name, description, tabs, place, lock, owner or certification, as far as the kind has them.

    What differs is asked about, then done as one; nothing that differs is a read. Freshness and acceleration are kept
    and told again; what else clients send along (view ids) is ignored.
    """
    item, site = visibility.shown(call, kind), call.site
    body = (call.tree.find("project") or Element("project")) if kind == "project" else call.body(singular(kind))
    if kind == "project":
        call.same_id(call.tree, item)
        _room_for_samples(call)
    for change in (_edited, _moved, _locked, _handed_over):
        site = change(call, site, item, body)
    details = _certified(call, item, body)
    asides = [child for child in body.children if child.name in ASIDES and item.kind == "workbook"]
    if asides:
        new = {child.name for child in asides}
        others = (one for one in wire.elements_of(details.asides) if one.name not in new)
        details = replace(details, asides=wire.text_of((*others, *asides)))
    call.state.put(site)
    if details != call.state.details(item.id):
        call.state.put_details(item.id, details)
    if kind == "project":
        _publish_samples(call, call.content(kind))
    (shape, *_more) = whole(call, call.content(kind))
    accelerated = (call.query("includeViewAccelerationStatus") or "").lower() == "true"
    left_out = set() if accelerated else {"views"}
    return ok(shape._replace(children=tuple(child for child in shape.children if child.name not in left_out)))


def _edited(call: Call, site: Site, item: Content, body: Element) -> Site:
    name = body.get("name") if item.kind not in ("database", "table") else None
    description, tabs = body.get("description"), body.get("showTabs")
    changed = replace(
        item, name=name or item.name, description=item.description if description is None else description
    )
    show = item.tabs if tabs is None or item.kind != "workbook" else truth("showTabs", tabs)
    if changed == item and show == item.tabs:
        return site
    visibility.demand(call, "rename", item)
    if changed.name != item.name:
        _not_default(site, item, "renamed")
        _free_name(site, changed, changed.parent)
    site = site.with_contents(changed)
    if show == item.tabs:
        return site
    return effects.show_tabs(site, item.id) if show else effects.hide_tabs(site, item.id)


def _moved(call: Call, site: Site, item: Content, body: Element) -> Site:
    wanted = body.get("parentProjectId") if item.kind == "project" else body.inner("project") or None
    if wanted is None or item.kind == "table" or (wanted or None) == item.parent:
        return site
    target = call.content("project", wanted).id if wanted else None
    if target is not None and item.id in site.ancestors(target):
        raise Refusal("400100", "a project cannot be moved below itself")
    visibility.demand(call, "move", item, target=target or TOP_LEVEL, reason="place_denied")
    _not_default(site, item, "moved")
    if item.kind != "database":
        _free_name(site, site.contents[item.id], target)
    return effects.move(site, item.id, target, open_points=call.state.open_points)


class _Lock(NamedTuple):
    """How a kind is locked: its modes, the ability that sets them, and what is said where another lock is above."""

    modes: tuple[str, ...]
    ability: str
    locked: str


_LOCKS: Mapping[str, _Lock] = {
    "project": _Lock(
        MODES, "set_content_permissions_mode", "permissions are locked from a project above; change the mode there"
    ),
    "database": _Lock(
        (LOCKED_TO_DATABASE, CUSTOMIZABLE),
        "set_permissions",
        "permissions are locked to the project; change them there",
    ),
}


def _mode(item: Content, body: Element) -> str | None:
    mode = body.get("contentPermissions") if item.kind in _LOCKS else None
    if mode is not None and mode not in _LOCKS[item.kind].modes:
        raise Refusal("400003", f"contentPermissions `{mode}` is not one of {', '.join(_LOCKS[item.kind].modes)}")
    return mode


def _locked(call: Call, site: Site, item: Content, body: Element) -> Site:
    mode = _mode(item, body)
    if mode is None or mode in (item.mode, site.contents[item.id].mode):
        return site
    lock, is_project = _LOCKS[item.kind], item.kind == "project"
    visibility.demand(call, lock.ability, item)
    place = item.id if is_project else item.parent
    if place is not None and managing_project(call.site, place) not in (None, item.id):
        raise Refusal("locked", lock.locked)
    return (effects.set_mode if is_project else effects.set_database_mode)(site, item.id, mode)


def _handed_over(call: Call, site: Site, item: Content, body: Element) -> Site:
    wanted = body.inner("owner")
    if not wanted or wanted == item.owner:
        return site
    heir = call.user(wanted)
    action = f"change_{'project' if item.kind == 'project' else 'content'}_owner"
    visibility.demand(call, action, item, to=heir.id, reason="owner_denied")
    return effects.change_owner(site, item.id, heir.id)


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
        raise Refusal("denied", "data sources are certified by administrators, owners and leaders of their project")
    return wanted


def truth(name: str, words: str) -> bool:
    """A value that must be true or false; 400003 for any other."""
    if words.lower() not in ("true", "false"):
        raise Refusal("400003", f"`{name}` is true or false, not `{words}`")
    return words.lower() == "true"


def _free_name(site: Site, item: Content, parent: str | None) -> None:
    if effects.is_name_taken(site, item, parent):
        if item.kind == "project":
            raise Refusal("name_taken", f"a project `{item.name}` exists in that place")
        raise Refusal("name_taken", f"the project holds another {item.kind} of that name")


def _not_default(site: Site, item: Content, done: str) -> None:
    if site.default_project_id == item.id:
        raise Refusal("default_kept", f"the Default project cannot be {done}")


def deleted(call: Call, kind: str) -> Reply:
    """Delete it with what lies below it; the Default project stays."""
    item = call.content(kind)
    if kind not in ("database", "table"):  # no rule grants that on assets: their line is for administrators
        visibility.demand(call, "delete", item)
    _not_default(call.site, item, "deleted")
    call.state.put(effects.delete_content(call.site, item.id))
    return NO_CONTENT


# -- tags -----------------------------------------------------------------------------------------------------


def tags_added(call: Call, kind: str) -> Reply:
    """Add tags and tell all there are."""
    item = visibility.shown(call, kind)
    visibility.demand(call, "tag", item)
    call.same_id(call.tree, item)
    details = call.state.details(item.id)
    tags = details.tags | _labels(call.body("tags").all("tag"))
    if len(tags) > MOST_TAGS:
        raise Refusal("tags_refused", f"an item carries at most {MOST_TAGS} tags here")
    if tags != details.tags:
        call.state.put_details(item.id, replace(details, tags=tags))
    return ok(tags_element(call, item))


def _labels(tags: Iterable[Element]) -> frozenset[str]:
    """The labels; one without quotation marks stands for as many as spaces and commas make of it."""
    labels: set[str] = set()
    for tag in tags:
        words = tag.get("label") or ""
        plain = words if '"' in words else words.replace(" ", ",")
        try:
            labels.update(word.strip() for row in csv.reader([plain], skipinitialspace=True) for word in row)
        except csv.Error:
            raise Refusal("tags_refused", "a label of a tag is one line") from None
    labels.discard("")
    if not labels or any(len(word) > LONGEST_TAG for word in labels):
        raise Refusal("tags_refused", f"a tag needs a label of at most {LONGEST_TAG} characters")
    return frozenset(labels)


def tag_deleted(call: Call, kind: str) -> Reply:
    """Delete one tag."""
    item = visibility.shown(call, kind)
    visibility.demand(call, "tag", item)
    details, wanted = call.state.details(item.id), call.parameters["tag"]
    if wanted not in details.tags:
        raise unknown("tag", wanted)
    call.state.put_details(item.id, replace(details, tags=details.tags - {wanted}))
    return NO_CONTENT
