"""Publishing workbooks, data sources and flows, whole or in parts, at once or as a job. `publishing` carries it out."""

from __future__ import annotations

import json
from collections.abc import Mapping

from tabwarden.access.abilities.ability import can
from tabwarden.model.roles import publishes
from tabwarden.model.usage import PUBLISH
from tabwarden.sandbox.content import publishing
from tabwarden.sandbox.content.publishing import Order
from tabwarden.sandbox.handlers.content import truth, whole
from tabwarden.sandbox.http.call import Call, Part, Reply, ok, parts_of, payload_of
from tabwarden.sandbox.http.errors import Refusal
from tabwarden.sandbox.http.wire import Element, element
from tabwarden.sandbox.people import jobs, shapes
from tabwarden.sandbox.state.blobs import Upload
from tabwarden.sandbox.state.server_state import MEGABYTE

LARGEST_SINGLE = 64 * 1024 * 1024
EXTENSIONS: Mapping[str, frozenset[str]] = {
    "workbook": frozenset({"twb", "twbx"}),
    "datasource": frozenset({"tds", "tdsx", "tde", "hyper", "parquet"}),
    "flow": frozenset({"tfl", "tflx"}),
}
_MODES = (publishing.OVERWRITE, publishing.APPEND, publishing.REPLACE)


def published(call: Call, kind: str) -> Reply:
    """Publish a file as new content or as a new revision of what has its name in the project."""
    parts = parts_of(call.request)
    body = payload_of(parts).find(kind)
    if body is None:
        raise Refusal("malformed_payload", f"the part `request_payload` has no `{kind}` element")
    order = _order(call, kind, body)
    _admit(call, order)
    name, content = _file(call, kind, parts)
    order = order._replace(blob=call.state.blobs.keep(content), file_name=name)
    if call.query("asJob") in ("true", "True"):
        work = jobs.PUBLISH[kind]
        job = jobs.start(call, work, ((json.dumps(order),),), blob=order.blob)
        return ok(shapes.job(call, job), status=202)
    item = publishing.publish(call.state, order)
    call.state.happened(call.site, call.me.id, PUBLISH, item.id)
    return ok(*whole(call, item), status=201)


def _order(call: Call, kind: str, body: Element) -> Order:
    """What the payload and the address ask for, without the file."""
    name = (body.get("name") or "").strip()
    if not name:
        raise Refusal("nameless", f"a {kind} needs a name")
    credentials = _credentials(body)
    hidden = (body.find("views") or Element("views")).all("view")
    modes = [mode for mode in _MODES if call.flag(mode)]
    if len(modes) > 1:
        raise Refusal("incompatible_modes", f"`{modes[0]}` and `{modes[1]}` exclude each other")
    return Order(
        call.session.site,
        call.me.id,
        kind,
        name,
        call.content("project", body.inner("project") or call.site.default_project_id or "").id,
        blob="",
        file_name="",
        mode=modes[0] if modes else publishing.CREATE,
        tabs=truth("showTabs", body.get("showTabs") or "false"),
        description=body.get("description"),
        hidden=tuple(view.get("name") or "" for view in hidden if view.get("hidden") == "true"),
        embed=credentials is not None and _embeds(credentials),
        user_name=(credentials.get("name") or "") if credentials is not None else "",
    )


def _credentials(body: Element) -> Element | None:
    """Credentials for all connections, or those of the first one that has some."""
    direct = body.find("connectionCredentials")
    listed = (body.find("connections") or Element("connections")).all("connection")
    return direct or next((credentials for one in listed if (credentials := one.find("connectionCredentials"))), None)


def _embeds(credentials: Element) -> bool:
    words = (credentials.get("embed") or "false").lower()
    if words not in ("true", "false"):
        raise Refusal("bad_value", f"`embed` is true or false, not `{words[:20]}`")
    return words == "true"


def _admit(call: Call, order: Order) -> None:
    """Refuse who may not: over what is there Overwrite on it, otherwise Publish on the project and a fitting role.

    What publishes a new source of data (a data source, a flow) needs a role that publishes any data.
    """
    existing_item = publishing.existing(call.site, order.kind, order.project, order.name)
    over = existing_item is not None and order.mode != publishing.CREATE
    brings_data = order.kind in ("datasource", "flow") and not over
    action = "publish_new_datasource_external" if brings_data else "publish"
    on = existing_item.id if existing_item is not None and over else order.project
    answer = can(call.site, call.me.id, action, on, open_points=call.state.open_points)
    if not answer.allowed:
        what = f"publish over that {order.kind}" if over else f"publish a new {order.kind} there"
        raise Refusal("denied", f"not allowed to {what} ({answer.because})")


def _file(call: Call, kind: str, parts: Mapping[str, Part]) -> tuple[str, bytes]:
    """Name and bytes, from the request itself or from an upload session, which ends."""
    upload = call.query("uploadSessionId")
    extension = (call.query(f"{kind}Type") or "").lower()
    if upload is not None:
        if f"tableau_{kind}" in parts:
            raise Refusal("two_files", "the request has a file and names an upload; give one of them")
        name = f"file.{_allowed(kind, extension, 'wrong_type')}"
        upload_session = call.state.uploads.find(upload, call.session.site, call.session.user)
        content = call.state.uploads.finish(upload_session)
    else:
        part = parts.get(f"tableau_{kind}")
        if part is None:
            raise Refusal("missing_file", f"the multipart request has no part `tableau_{kind}`")
        name = part.file_name.replace("\\", "/").rpartition("/")[2]
        content = part.content
        extension = _allowed(kind, name.rpartition(".")[2].lower() if "." in name else extension)
        name = name if "." in name else f"file.{extension}"
        if len(content) > LARGEST_SINGLE:
            raise Refusal("too_large", "a single request holds 64 MB; upload the file in parts")
    if not content:
        raise Refusal("not_published", "there was a problem publishing the file: it is empty")
    return name, content


def _allowed(kind: str, extension: str, reason: str = "wrong_extension") -> str:
    if extension not in EXTENSIONS[kind]:
        listed = ", ".join(sorted(EXTENSIONS[kind]))
        raise Refusal(reason, f"a {kind} is published from a file of type {listed}, not `{extension[:20]}`")
    return extension


def begin_upload(call: Call) -> Reply:
    """Begin to upload a file in parts."""
    _publisher(call)
    call.demand_readable()
    begun = call.state.uploads.begin(call.session.site, call.session.user, call.state.clock())
    return ok(_upload(begun), status=201)


def append_upload(call: Call) -> Reply:
    """Append a part to an upload."""
    _publisher(call)
    upload = call.state.uploads.find(call.parameters["upload"], call.session.site, call.session.user)
    parts = parts_of(call.request)
    if payload_of(parts).children:
        raise Refusal("malformed_payload", "the part `request_payload` of an upload is empty")
    part = parts.get("tableau_file")
    if part is None:
        raise Refusal("missing_file", "the multipart request has no part `tableau_file`")
    if len(part.content) > LARGEST_SINGLE:
        raise Refusal("too_large", f"a part of an upload holds at most {LARGEST_SINGLE // MEGABYTE} MB")
    call.state.uploads.append(upload, part.content)
    return ok(_upload(upload))


def _publisher(call: Call) -> None:
    if publishes(call.me.site_role) == "no":
        raise Refusal("denied", "the site role of that user does not publish")


def _upload(upload: Upload) -> Element:
    """A session with its size in whole megabytes, as Tableau tells it."""
    size = -(-upload.size // MEGABYTE)
    return element("fileUpload", {"uploadSessionId": upload.id, "fileSize": size})
