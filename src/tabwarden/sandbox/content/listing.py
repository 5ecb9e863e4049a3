"""By which fields content is filtered and sorted, and which a list tells unasked; their looks: `content.shapes`.

Sources: "Filtering and Sorting" of the public REST documentation, the `filter` methods of server-client-python. What
the sandbox does not keep (favourites, subscriptions, alerts) is nought.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any

from tabwarden.model.site import Content, Site
from tabwarden.sandbox.content.shapes import PLURALS, SHAPES, address, project_of, size_of, source_type, url_name
from tabwarden.sandbox.http.call import Call
from tabwarden.sandbox.http.listing import NUMBER, ORDERED, TIME, TRUTH, Column, Listing, column
from tabwarden.sandbox.http.wire import Element

NO_PROJECT = Element("project")


def _always(value: Any, type_: str) -> Column:
    """A column that holds the same for every item."""
    return column(lambda _s, _c: value, "eq" if type_ == TRUTH else ORDERED, type_)


_COMMON: Mapping[str, Column] = {
    "createdAt": column(lambda _s, c: c.created or None, ORDERED, TIME),
    "updatedAt": column(lambda _s, c: c.updated or None, ORDERED, TIME),
    "name": column(lambda _s, c: c.name, "eq in cieq has like"),
    "luid": column(lambda _s, c: c.id),
}
_PEOPLE: Mapping[str, Column] = {
    "ownerName": column(lambda s, c: _owner_of(s, c)[0]),
    "ownerDomain": column(lambda s, c: _owner_of(s, c)[1]),
}
_ADMINS: Mapping[str, Column] = {"ownerEmail": column(lambda s, c: _owner_of(s, c)[2])}
_ITEMS: Mapping[str, Column] = {
    "projectName": column(lambda s, c: s.contents[p].name if (p := s.project_of(c.id) or "") in s.contents else None),
    "projectId": column(lambda s, c: s.project_of(c.id)),
}
_OWN: Mapping[str, Mapping[str, Column]] = {
    "project": {
        "parentProjectId": column(lambda _s, c: c.parent),
        "topLevelProject": column(lambda _s, c: c.parent is None, "eq", TRUTH),
    },
    "workbook": {
        "displayTabs": column(lambda _s, c: c.tabs, "eq", TRUTH),
        "sheetCount": column(lambda s, c: len(s.children(c.id)), ORDERED, NUMBER),
        "favoritesTotal": _always(0, NUMBER),
        "subscriptionsTotal": _always(0, NUMBER),
        "hasAlerts": _always(False, TRUTH),
    },
    "view": {
        "workbookName": column(lambda s, c: s.contents[c.parent].name),
        "workbookDescription": column(lambda s, c: s.contents[c.parent].description),
        "viewUrlName": column(lambda _s, c: url_name(c.name)),
        "caption": column(lambda _s, c: c.name),
        "title": column(lambda _s, c: c.name),
        "fields": column(lambda _s, _c: frozenset()),
        "sheetType": column(lambda _s, _c: "view"),
        "sheetNumber": column(lambda s, c: list(s.children(c.parent)).index(c.id), ORDERED, NUMBER),
        "hitsTotal": _always(0, NUMBER),
        "favoritesTotal": _always(0, NUMBER),
    },
    "datasource": {
        "description": column(lambda _s, c: c.description),
        "connectionTo": column(lambda _s, _c: frozenset()),
        "tableName": column(lambda _s, _c: frozenset()),
        "connectedWorkbookType": _always(0, NUMBER),
        "favoritesTotal": _always(0, NUMBER),
        "hasAlert": _always(False, TRUTH),
        "isConnectable": _always(True, TRUTH),
        "isDefaultPort": _always(True, TRUTH),
        "isHierarchical": _always(False, TRUTH),
        "isPublished": _always(True, TRUTH),
    },
    "flow": {},
    "virtualconnection": {},
    "database": {"connectionType": column(lambda _s, _c: "postgres")},
    "table": {"databaseId": column(lambda _s, c: c.parent)},
    "collection": {
        "visibility": column(lambda _s, c: "public" if c.rules else "private"),
        "ownerLuid": column(lambda _s, c: c.owner),
    },
}
_DEFAULTS: Mapping[str, frozenset[str]] = {
    kind: frozenset(words.split())
    for kind, words in {
        "project": "id name description contentPermissions parentProjectId controllingPermissionsProjectId"
        " topLevelProject writeable createdAt updatedAt owner",
        "workbook": "id name description contentUrl webpageUrl showTabs size encryptExtracts createdAt updatedAt"
        " project owner tags",
        "view": "id name contentUrl viewUrlName sheetType createdAt updatedAt workbook owner project tags usage",
        "datasource": "id name description contentUrl webpageUrl type size hasExtracts isCertified useRemoteQueryAgent"
        " encryptExtracts createdAt updatedAt project owner tags",
        "flow": "id name description fileType webpageUrl createdAt updatedAt project owner tags",
        "virtualconnection": "id name webpageUrl hasExtracts isCertified createdAt updatedAt project owner tags",
        "database": "id name description type connectionType hostName port isEmbedded isCertified contentPermissions"
        " certificationNote location site contact certifier tags",
        "table": "id name description schema isEmbedded isCertified certificationNote location site contact certifier"
        " tags",
        "collection": "id name description visibility createdAt updatedAt owner",
    }.items()
}


# Fields of data sources that are those of their connections.
_CONNECTIONS: Mapping[str, str] = {
    "authenticationType": "auth_type",
    "connectionType": "type",
    "databaseName": "database",
    "databaseUserName": "user_name",
    "serverName": "server",
    "serverPort": "port",
}


def _owner_of(site: Site, item: Content) -> tuple[str, str, str]:
    owner = site.users.get(item.owner)
    return (owner.name, owner.domain, owner.email) if owner is not None else ("", "", "")


def _kept_columns(call: Call, kind: str) -> dict[str, Column]:
    """Columns over what is kept beside the model."""
    details = call.state.details
    columns = {
        "contentUrl": column(lambda s, c: address(call.state, s, c)),
        "tags": column(lambda _s, c: details(c.id).tags, "eq in has"),
    }
    if kind in ("workbook", "datasource"):
        columns["hasExtracts"] = column(lambda _s, c: details(c.id).has_extracts, "eq", TRUTH)
        columns["size"] = column(lambda _s, c: size_of(call, c), ORDERED, NUMBER)
    if kind == "datasource":
        columns["type"] = column(lambda _s, c: source_type(call, c))
        columns["isCertified"] = column(lambda _s, c: details(c.id).certified, "eq", TRUTH)
        embeds = column(lambda _s, c: any(o.embedded for o in details(c.id).connections), "eq", TRUTH)
        columns["hasEmbeddedPassword"] = embeds
        for name, part in _CONNECTIONS.items():
            columns[name] = column(partial(_of_connections, call, part))
    return columns


def _of_connections(call: Call, part: str, _site: Site, item: Content) -> frozenset[str]:
    """This part of every connection."""
    return frozenset(getattr(connection, part) for connection in call.state.details(item.id).connections)


def content_listing(call: Call, kind: str) -> Listing[Content]:
    """How content of a kind is listed for the one who asks."""
    columns = {**_COMMON, **(_ITEMS if kind != "project" else {}), **_OWN[kind]}
    if call.sees_people:
        columns.update(_PEOPLE)
    if call.is_admin:
        columns.update(_ADMINS)
    elif "projectName" in columns:
        # Of a project that he may not View a filter tells nothing.
        columns["projectName"] = column(lambda _s, c: (project_of(call, c) or NO_PROJECT).get("name"))
    if kind != "project":
        columns.update(_kept_columns(call, kind))
    return Listing(PLURALS[kind], columns, _DEFAULTS[kind], SHAPES[kind])
