"""What projects, workbooks, views, data sources, flows look like in an answer, and by which fields they are listed.

Not who sees an item. Names of people show as `Call.sees_people` says, names of projects to those who may View them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from tabwarden.access.reference import may
from tabwarden.model.governing import managing_project
from tabwarden.model.site import Content, Site
from tabwarden.sandbox.call import Call
from tabwarden.sandbox.listing import NUMBER, TIME, TRUTH, Column, Listing, column
from tabwarden.sandbox.wire import Element, element

_TIMES = "eq gt gte lt lte"
PLURALS: Mapping[str, str] = {
    "project": "projects",
    "workbook": "workbooks",
    "view": "views",
    "datasource": "datasources",
    "flow": "flows",
    "virtualconnection": "virtualConnections",
}


def singular(kind: str) -> str:
    """The element name of a kind; only virtual connections differ."""
    return "virtualConnection" if kind == "virtualconnection" else kind


# -- parts that several kinds share ---------------------------------------------------------------------------


def owner(call: Call, item: Content) -> Element:
    """The owner; the name where people show."""
    held = call.site.users.get(item.owner)
    name = held.name if held is not None and (call.sees_people() or held.id == call.me.id) else None
    return element("owner", {"id": item.owner, "name": name})


def _project(call: Call, item: Content) -> Element | None:
    project = call.site.project_of(item.id)
    held = call.site.contents.get(project or "")
    if held is None:
        return None
    named = call.is_admin or may(call.site, call.me.id, "Read", held.id).allowed
    return element("project", {"id": held.id, "name": held.name if named else None})


def url_name(name: str) -> str:
    """A name as it appears in an address."""
    return "".join(letter for letter in name if letter.isalnum() or letter in "_-") or "untitled"


def content_url(site: Site, item: Content) -> str:
    """The address part: `Workbook`, and of a view `Workbook/sheets/View`."""
    if item.kind == "view":
        workbook = site.contents[item.parent or ""]
        return f"{url_name(workbook.name)}/sheets/{url_name(item.name)}"
    return url_name(item.name)


def _times(item: Content) -> dict[str, str | None]:
    return {"createdAt": item.created or None, "updatedAt": item.updated or None}


_TAGS = Element("tags")

# -- one shape a kind -----------------------------------------------------------------------------------------


def project(call: Call, item: Content) -> Element:
    """One project; controllingPermissionsProjectId where the lock comes from a parent."""
    site = call.site
    manager = managing_project(site, item.id)
    children = [site.contents[c].kind for c in site.children(item.id)]
    views = sum(len(site.children(c)) for c in site.children(item.id) if site.contents[c].kind == "workbook")
    counts = {
        "projectCount": children.count("project"),
        "workbookCount": children.count("workbook"),
        "viewCount": views,
        "dataSourceCount": children.count("datasource"),
    }
    return element(
        "project",
        {
            "id": item.id,
            "name": item.name,
            "description": item.description,
            "contentPermissions": item.mode,
            "parentProjectId": item.parent,
            "controllingPermissionsProjectId": manager if manager != item.id else None,
            "topLevelProject": item.parent is None,
            "writeable": call.is_admin or may(site, call.me.id, "Write", item.id).allowed,
            **_times(item),
        },
        owner(call, item),
        element("contentsCounts", counts),
    )


def workbook(call: Call, item: Content) -> Element:
    """One workbook without its views."""
    views = call.site.children(item.id)
    return element(
        "workbook",
        {
            "id": item.id,
            "name": item.name,
            "description": item.description,
            "contentUrl": content_url(call.site, item),
            "webpageUrl": f"#/workbooks/{item.id}",
            "showTabs": item.tabs,
            "size": 1,
            "sheetCount": len(views),
            "hasExtracts": False,
            "encryptExtracts": False,
            **_times(item),
        },
        _project(call, item),
        owner(call, item),
        _TAGS,
    )


def view(call: Call, item: Content) -> Element:
    """One view with its workbook, owner and project."""
    return element(
        "view",
        {
            "id": item.id,
            "name": item.name,
            "contentUrl": content_url(call.site, item),
            "viewUrlName": url_name(item.name),
            "sheetType": "view",
            **_times(item),
        },
        element("workbook", {"id": item.parent}),
        owner(call, item),
        _project(call, item),
        _TAGS,
        element("usage", {"totalViewCount": 0}) if call.query("includeUsageStatistics") == "true" else None,
    )


def datasource(call: Call, item: Content) -> Element:
    """One published data source."""
    return element(
        "datasource",
        {
            "id": item.id,
            "name": item.name,
            "description": item.description,
            "contentUrl": content_url(call.site, item),
            "type": "hyper",
            "hasExtracts": False,
            "isCertified": False,
            "useRemoteQueryAgent": False,
            "encryptExtracts": "false",
            **_times(item),
        },
        _project(call, item),
        owner(call, item),
        _TAGS,
    )


def flow(call: Call, item: Content) -> Element:
    """One flow."""
    attributes = {"id": item.id, "name": item.name, "description": item.description, "fileType": "tflx"}
    return element(
        "flow",
        {**attributes, "webpageUrl": f"#/flows/{item.id}", **_times(item)},
        _project(call, item),
        owner(call, item),
        _TAGS,
    )


def virtual_connection(call: Call, item: Content) -> Element:
    """One virtual connection."""
    attributes = {"id": item.id, "name": item.name, "isCertified": False, **_times(item)}
    return element("virtualConnection", attributes, _project(call, item), owner(call, item))


SHAPES: Mapping[str, Callable[[Call, Content], Element]] = {
    "project": project,
    "workbook": workbook,
    "view": view,
    "datasource": datasource,
    "flow": flow,
    "virtualconnection": virtual_connection,
}

# -- columns --------------------------------------------------------------------------------------------------

_COMMON: Mapping[str, Column] = {
    "createdAt": column(lambda _s, c: c.created or None, _TIMES, TIME),
    "updatedAt": column(lambda _s, c: c.updated or None, _TIMES, TIME),
    "name": column(lambda _s, c: c.name, "eq in cieq has like"),
    "luid": column(lambda _s, c: c.id),
}
_PEOPLE: Mapping[str, Column] = {
    "ownerName": column(lambda s, c: _owner_of(s, c)[0]),
    "ownerDomain": column(lambda s, c: _owner_of(s, c)[1]),
}
_ADMINS: Mapping[str, Column] = {"ownerEmail": column(lambda s, c: _owner_of(s, c)[2])}
_ITEMS: Mapping[str, Column] = {
    "contentUrl": column(content_url),
    "projectName": column(lambda s, c: _project_name(s, c)),
    "projectId": column(lambda s, c: s.project_of(c.id)),
    "tags": column(lambda _s, _c: "", "eq in has"),
}
_OWN: Mapping[str, Mapping[str, Column]] = {
    "project": {
        "parentProjectId": column(lambda _s, c: c.parent),
        "topLevelProject": column(lambda _s, c: c.parent is None, "eq", TRUTH),
    },
    "workbook": {
        "displayTabs": column(lambda _s, c: c.tabs, "eq", TRUTH),
        "size": column(lambda _s, _c: 1, _TIMES, NUMBER),
        "sheetCount": column(lambda s, c: len(s.children(c.id)), _TIMES, NUMBER),
    },
    "view": {
        "workbookName": column(lambda s, c: s.contents[c.parent].name),
        "viewUrlName": column(lambda _s, c: url_name(c.name)),
        "hitsTotal": column(lambda _s, _c: 0, _TIMES, NUMBER),
    },
    "datasource": {
        "type": column(lambda _s, _c: "hyper"),
        "isCertified": column(lambda _s, _c: False, "eq", TRUTH),
        "hasExtracts": column(lambda _s, _c: False, "eq", TRUTH),
    },
    "flow": {},
    "virtualconnection": {},
}
_DEFAULTS: Mapping[str, frozenset[str]] = {
    "project": frozenset(
        "id name description contentPermissions parentProjectId controllingPermissionsProjectId topLevelProject"
        " writeable createdAt updatedAt owner".split()
    ),
    "workbook": frozenset(
        "id name description contentUrl webpageUrl showTabs size encryptExtracts createdAt updatedAt project"
        " owner tags".split()
    ),
    "view": frozenset("id name contentUrl viewUrlName createdAt updatedAt workbook owner project tags usage".split()),
    "datasource": frozenset(
        "id name description contentUrl type isCertified useRemoteQueryAgent encryptExtracts createdAt updatedAt"
        " project owner tags".split()
    ),
    "flow": frozenset("id name description fileType webpageUrl createdAt updatedAt project owner tags".split()),
    "virtualconnection": frozenset("id name isCertified createdAt updatedAt project owner".split()),
}


def _owner_of(site: Site, item: Content) -> tuple[str, str, str]:
    held = site.users.get(item.owner)
    return (held.name, held.domain, held.email) if held is not None else ("", "", "")


def _project_name(site: Site, item: Content) -> str | None:
    held = site.contents.get(site.project_of(item.id) or "")
    return held.name if held is not None else None


def content_listing(call: Call, kind: str) -> Listing[Content]:
    """How content of a kind is listed for the one who asks."""
    columns = {**_COMMON, **(_ITEMS if kind != "project" else {}), **_OWN[kind]}
    if call.sees_people():
        columns.update(_PEOPLE)
    if call.is_admin:
        columns.update(_ADMINS)
    else:
        columns.pop("projectName", None)
    return Listing(PLURALS[kind], columns, _DEFAULTS[kind], SHAPES[kind])
