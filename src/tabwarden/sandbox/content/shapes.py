"""What projects, workbooks, views, data sources, flows look like in an answer; `content.listing` has their fields."""

from __future__ import annotations

import zlib
from collections import Counter
from collections.abc import Callable, Mapping

from tabwarden.access.reference import may
from tabwarden.model.governing import managing_project
from tabwarden.model.site import Content, Site
from tabwarden.model.usage import VIEW
from tabwarden.sandbox.http.call import Call
from tabwarden.sandbox.http.wire import Attributes, Element, element
from tabwarden.sandbox.people.shapes import user
from tabwarden.sandbox.state.server_state import MEGABYTE
from tabwarden.sandbox.state.sites import State

PLURALS: Mapping[str, str] = {
    "project": "projects",
    "workbook": "workbooks",
    "view": "views",
    "datasource": "datasources",
    "flow": "flows",
    "virtualconnection": "virtualConnections",
    "database": "databases",
    "table": "tables",
    "collection": "collections",
}

ASK_DATA_UNTIL = "3.22"  # Ask Data went with 2024.1; what it was set to is of no data source any more


def singular(kind: str) -> str:
    """The element name of a kind; only virtual connections differ."""
    return "virtualConnection" if kind == "virtualconnection" else kind


def asked(call: Call, field: str) -> bool:
    """Whether a list is asked for a field that it does not tell otherwise."""
    fields = call.query("fields") or ""
    return "_all_" in fields or field in fields


def person(call: Call, name: str, user_id: str, *, named: bool = True) -> Element:
    """Somebody by id, and by name where people show."""
    user = call.site.users.get(user_id) if named else None
    shows = user is not None and (call.sees_people or user.id == call.me.id)
    return element(name, {"id": user_id, "name": user.name if user is not None and shows else None})


def owner(call: Call, item: Content) -> Element:
    """The owner by id alone; what a list is asked about him beside as `user` tells it, where people show."""
    owned_by = call.site.users.get(item.owner)
    shows = owned_by is not None and (call.sees_people or owned_by.id == call.me.id)
    if owned_by is None or not shows or not asked(call, "owner."):
        return element("owner", {"id": item.owner})
    more = user(call, owned_by).attributes
    names = ("id", "name", "fullName", "email", "siteRole", "lastLogin")
    return element("owner", {name: more.get(name) for name in names})


def project_of(call: Call, item: Content) -> Element | None:
    """The project an item lies in; its name for those who may View it, its description where a list is asked."""
    content = call.site.contents.get(call.site.project_of(item.id) or "")
    if content is None:
        return None
    shows = _may_view(call, content)
    described = content.description if shows and asked(call, "project.") else None
    return element("project", {"id": content.id, "name": content.name if shows else None, "description": described})


def _location(call: Call, item: Content, *, named: bool = True) -> Element | None:
    """The place an item lies in: a project, or of a table its database."""
    place = call.site.contents.get((item.parent if item.kind == "table" else call.site.project_of(item.id)) or "")
    if place is None:
        return None
    name = place.name if named and _may_view(call, place) else None
    return element(
        "location", {"id": place.id, "type": "Database" if item.kind == "table" else "Project", "name": name}
    )


def page_address(call: Call, item: Content) -> str:
    """Where a browser finds an item: a whole address that ends with its number, which is not its id."""
    site, host = call.site.content_url, call.request.headers.get("host", "localhost")
    return f"http://{host}/#/{f'site/{site}/' if site else ''}{PLURALS[item.kind].lower()}/{number_of(item.id)}"


def number_of(content_id: str) -> int:
    """The number that Tableau's own pages call an item by, the same in every run."""
    return zlib.crc32(content_id.encode())


def _may_view(call: Call, item: Content) -> bool:
    """Whether the asker may View an item; a list asks it of the same project for each item, so it is remembered."""
    remembered, key = call.state.remembered(call.site), (call.me.id, item.id)
    if key not in remembered:
        remembered[key] = may(call.site, call.me.id, "Read", item.id, open_points=call.state.open_points).allowed
    return bool(remembered[key])


def url_name(name: str) -> str:
    """A name as it appears in an address."""
    return "".join(letter for letter in name if letter.isalnum() or letter in "_-") or "untitled"


def address(state: State, site: Site, item: Content) -> str:
    """The content URL: the one given when it was published, else what follows from the name."""
    if item.kind == "view":
        return f"{address(state, site, site.contents[item.parent or ''])}/sheets/{url_name(item.name)}"
    return state.details(item.id).content_url or url_name(item.name)


def tags_element(call: Call, item: Content) -> Element:
    return element("tags", {}, *(element("tag", {"label": tag}) for tag in sorted(call.state.details(item.id).tags)))


def size_of(call: Call, item: Content) -> int:
    """Megabytes of the published file, begun ones counted; 1 for what came with the world."""
    current = call.state.details(item.id).current
    return -(-current.size // MEGABYTE) if current is not None else 1


def source_type(call: Call, item: Content) -> str:
    """The type of a data source: that of its first connection, or an extract."""
    details = call.state.details(item.id)
    return details.connections[0].type if details.connections and not details.has_extracts else "hyper"


def _times(item: Content) -> dict[str, str | None]:
    return {"createdAt": item.created or None, "updatedAt": item.updated or None}


def _shape(call: Call, item: Content, own: Attributes, *children: Element | None) -> Element:
    """What every kind tells: id, name and tags, of an item its project and owner, beside what is its own."""
    attributes = {"id": item.id, "name": item.name, **own}
    located = item.kind in ("workbook", "view", "datasource") and asked(call, "location")
    place = _location(call, item, named=item.kind != "view") if located else None
    around = (project_of(call, item), place, owner(call, item), tags_element(call, item))
    return element(singular(item.kind), attributes, *children, *around)


def project(call: Call, item: Content) -> Element:
    """One project; controllingPermissionsProjectId where the lock comes from a parent."""
    site, manager = call.site, managing_project(call.site, item.id)
    writes = call.is_admin or may(site, call.me.id, "Write", item.id, open_points=call.state.open_points).allowed
    attributes = {
        "id": item.id,
        "name": item.name,
        "description": item.description,
        "contentPermissions": item.mode,
        "parentProjectId": item.parent,
        "controllingPermissionsProjectId": manager if manager != item.id else None,
        "topLevelProject": item.parent is None,
        "writeable": writes,
        **_times(item),
    }
    return element("project", attributes, owner(call, item), _counts(call, item))


def _counts(call: Call, project: Content) -> Element | None:
    """How much of each kind lies in a project, as far as the asker may View it; a list has it only when asked for."""
    site = call.site
    if call.request.method == "GET" and not asked(call, "contentsCounts"):
        return None
    inside = [*site.children(project.id)]
    inside += [view for child in inside if site.contents[child].kind == "workbook" for view in site.children(child)]
    kinds = Counter(site.contents[c].kind for c in inside if call.is_admin or _may_view(call, site.contents[c]))
    counted = ("project", "workbook", "view", "datasource")
    return element("contentsCounts", {f"{kind}Count": kinds[kind] for kind in counted})


def workbook(call: Call, item: Content) -> Element:
    """One workbook without its views."""
    views, details = call.site.children(item.id), call.state.details(item.id)
    shown = (view for view in views if _may_view(call, call.site.contents[view]))
    own: Attributes = {
        "description": item.description,
        "contentUrl": address(call.state, call.site, item),
        "webpageUrl": page_address(call, item),
        "showTabs": item.tabs,
        "size": size_of(call, item),
        "sheetCount": len(views),
        "defaultViewId": next(shown, None) if asked(call, "defaultViewId") else None,
        "hasExtracts": details.has_extracts,
        "encryptExtracts": details.encrypted,
        "shareDescription": item.name if asked(call, "shareDescription") else None,
        "lastPublishedAt": (item.updated or None) if asked(call, "lastPublishedAt") else None,
    }
    is_set = "dataAccelerationConfig" in details.asides  # with one item, which tells what is set
    accelerates = element("dataAccelerationConfig") if asked(call, "dataAcceleration") and not is_set else None
    return _shape(call, item, {**own, **_times(item)}, accelerates)


def view(call: Call, item: Content) -> Element:
    counted = call.flag("includeUsageStatistics") or asked(call, "usage")
    names: Attributes = {"contentUrl": address(call.state, call.site, item), "viewUrlName": url_name(item.name)}
    rows = call.state.usage.get(call.site.id, ()) if counted else ()
    total = sum(row.times for row in rows if (row.what, row.content) == (VIEW, item.id))
    usage = element("usage", {"totalViewCount": total}) if counted else None
    favourites = 0 if asked(call, "favoritesTotal") else None
    own: Attributes = {**names, "sheetType": "view", "favoritesTotal": favourites, **_times(item)}
    return _shape(call, item, own, _workbook_of(call, item), usage)


def view_of_workbook(call: Call, item: Content) -> Element:
    """One view as its workbook tells it: what it shares with it is not told again."""
    whole = view(call, item)
    own = {name: value for name, value in whole.attributes.items() if name != "sheetType"}
    inner = tuple(child for child in whole.children if child.name in ("usage", "tags"))
    return Element("view", own, inner)


def _workbook_of(call: Call, item: Content) -> Element:
    """The workbook of a view: its id, and what else a list is asked about it."""
    parent = call.site.contents.get(item.parent or "")
    if parent is None or not asked(call, "workbook."):
        return Element("workbook", {"id": item.parent or ""})
    return workbook(call, parent)._replace(children=(tags_element(call, parent),))


def datasource(call: Call, item: Content) -> Element:
    details = call.state.details(item.id)
    first = details.connections[0] if details.connections else None
    own: Attributes = {
        "description": item.description,
        "contentUrl": address(call.state, call.site, item),
        "webpageUrl": page_address(call, item),
        "type": source_type(call, item),
        "size": size_of(call, item),
        "hasExtracts": details.has_extracts,
        "isCertified": details.certified,
        "certificationNote": details.certification_note or None,
        "isPublished": True,
        "useRemoteQueryAgent": False,
        "encryptExtracts": details.encrypted,
        "serverName": first.server if first is not None else None,
        "databaseName": first.database if first is not None else None,
        "hasAlert": False,
        "favoritesTotal": 0,
        "connectedWorkbooksCount": _count_of_workbooks(call, item) if asked(call, "connectedWorkbooks") else None,
    }
    questions = None if call.knows(ASK_DATA_UNTIL) else element("askData", {"enablement": "SiteDefault"})
    return _shape(call, item, {**own, **_times(item)}, questions)


def _count_of_workbooks(call: Call, source: Content) -> int:
    """How many workbooks that the asker may View read a data source."""
    used = (c for c in call.site.contents.values() if any(use.datasource == source.id for use in c.uses))
    return sum(_may_view(call, workbook) for workbook in used)


def flow(call: Call, item: Content) -> Element:
    own: Attributes = {"description": item.description, "fileType": "tflx", "webpageUrl": page_address(call, item)}
    return _shape(call, item, {**own, **_times(item)})


def virtual_connection(call: Call, item: Content) -> Element:
    own: Attributes = {
        "webpageUrl": page_address(call, item),
        "hasExtracts": False,
        "isCertified": bool(item.certified),
        "certificationNote": item.certification_note or None,
    }
    return _shape(call, item, {**own, **_times(item)})


def _asset(call: Call, item: Content, own: Attributes) -> Element:
    """A database or table; its contact, and who certified it, is its owner (B)."""
    shared: Attributes = {
        "id": item.id,
        "name": item.name,
        "description": item.description or None,
        "isEmbedded": False,
        "isCertified": bool(item.certified),
        "certificationNote": item.certification_note or None,
    }
    around = (
        _location(call, item),
        element("site", {"id": call.site.id, "name": call.site.name}),
        person(call, "contact", item.owner),
        person(call, "certifier", item.owner) if item.certified else None,
        tags_element(call, item),
    )
    return element(item.kind, {**shared, **own}, *around)


def database(call: Call, item: Content) -> Element:
    place: Attributes = {"type": "DatabaseServer", "connectionType": "postgres", "hostName": "localhost", "port": 5432}
    return _asset(call, item, {**place, "contentPermissions": item.mode})


def table(call: Call, item: Content) -> Element:
    """One table with the database it is in."""
    return _asset(call, item, {"schema": "public"})


def collection(call: Call, item: Content) -> Element:
    """One collection: private where it is shared with nobody (shape: B)."""
    visibility = "public" if item.rules else "private"
    attributes = {"id": item.id, "name": item.name, "description": item.description, "visibility": visibility}
    return element("collection", {**attributes, **_times(item)}, owner(call, item))


SHAPES: Mapping[str, Callable[[Call, Content], Element]] = {
    "project": project,
    "workbook": workbook,
    "view": view,
    "datasource": datasource,
    "flow": flow,
    "virtualconnection": virtual_connection,
    "database": database,
    "table": table,
    "collection": collection,
}
