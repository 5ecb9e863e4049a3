"""Connections of workbooks, data sources and flows: listed and changed. Passwords are never kept.

A workbook has one connection for each published data source behind it, which is a fact of the model, and those that
its file brought.
"""

from __future__ import annotations

from dataclasses import replace

from tabwarden.model.site import Content
from tabwarden.sandbox.content import visibility
from tabwarden.sandbox.content.publishing import EMBED, PROMPT
from tabwarden.sandbox.handlers.content import truth
from tabwarden.sandbox.http.call import Call, Reply, ok
from tabwarden.sandbox.http.errors import Refusal
from tabwarden.sandbox.http.wire import Element, element
from tabwarden.sandbox.state.server_state import Connection


def listed(call: Call, kind: str) -> Reply:
    """The connections of an item; of a workbook also one for each published data source behind it."""
    item = visibility.shown(call, kind)
    return ok(element("connections", {}, *_all(call, item).values()))


def _all(call: Call, item: Content) -> dict[str, Element]:
    """Connections by id."""
    used = (_to_source(call, item, use.datasource, use.auth) for use in item.uses)
    others = (_to_data(connection) for connection in call.state.details(item.id).connections)
    return {one.get("id") or "": one for one in (*used, *others)}


def _use_id(item: Content, source: str) -> str:
    return f"{item.id[:24]}{source[24:]}"


def _to_source(call: Call, item: Content, source: str, auth: str) -> Element:
    content = call.site.contents.get(source)
    named = content is not None and visibility.sees(call, content)
    return element(
        "connection",
        {
            "id": _use_id(item, source),
            "type": "sqlproxy",
            "serverAddress": "localhost",
            "userName": "",
            "embedPassword": auth == EMBED,
        },
        element("datasource", {"id": source, "name": content.name}) if content is not None and named else None,
    )


def _to_data(connection: Connection) -> Element:
    return element(
        "connection",
        {
            "id": connection.id,
            "type": connection.type,
            "serverAddress": connection.server,
            "serverPort": connection.port or None,
            "userName": connection.user_name,
            "dbName": connection.database or None,
            "embedPassword": connection.embedded,
            "queryTaggingEnabled": connection.query_tagging,
            "authenticationType": connection.auth_type or None,
        },
    )


def updated(call: Call, kind: str) -> Reply:
    """Change one connection: server, user, whether a password is embedded."""
    item = visibility.capable(call, kind, "Write")
    wanted = call.parameters["connection"]
    _change(call, item, [wanted], call.body("connection"))
    return ok(_all(call, call.content(kind))[wanted])


def updated_together(call: Call, kind: str) -> Reply:
    """Change several connections at once, named by their ids."""
    item = visibility.capable(call, kind, "Write")
    named = call.body("connectionLUIDs")
    wanted = [one.text or one.get("value") or "" for one in named.all("connectionLUID")]
    _change(call, item, wanted or [named.get("connectionLUID") or ""], call.body("connection"))
    after = _all(call, call.content(kind))
    return ok(element("connections", {}, *(after[one] for one in after if one in wanted)))


def _change(call: Call, item: Content, wanted: list[str], body: Element) -> None:
    """All or none: an id that is no connection of the item refuses the whole."""
    lost = sorted(set(wanted) - _all(call, item).keys())
    if lost:
        raise Refusal("unknown_connection", f"connection `{lost[0]}` could not be found")
    embed = body.get("embedPassword")
    keeps = truth("embedPassword", embed) if embed is not None else None
    if keeps is not None:
        auth = EMBED if keeps else PROMPT
        uses = tuple(use._replace(auth=auth) if _use_id(item, use.datasource) in wanted else use for use in item.uses)
        if uses != item.uses:
            call.state.put(call.site.with_contents(replace(item, uses=uses)))
    details = call.state.details(item.id)
    changed = tuple(_changed(one, body, keeps) if one.id in wanted else one for one in details.connections)
    if changed != details.connections:
        call.state.put_details(item.id, replace(details, connections=changed))


def _changed(one: Connection, body: Element, keeps: bool | None) -> Connection:
    tagging = body.get("queryTaggingEnabled")
    return one._replace(
        server=body.get("serverAddress") or one.server,
        port=body.get("serverPort") or one.port,
        user_name=one.user_name if (name := body.get("userName")) is None else name,
        auth_type=body.get("authenticationType") or one.auth_type,
        embedded=one.embedded if keeps is None else keeps,
        query_tagging=one.query_tagging if tagging is None else truth("queryTaggingEnabled", tagging),
    )
