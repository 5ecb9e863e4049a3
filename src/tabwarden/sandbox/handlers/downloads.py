"""Downloading: the published file or a revision of it, a placeholder of the right type where Tableau would render.

Who may is the evaluator's answer: the file needs Download (ExportXml), images and PDFs Download Image/PDF, data
Download Summary Data; whatever shows data also needs access to the data behind it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import NamedTuple
from urllib.parse import quote

from tabwarden.access.abilities.ability import can
from tabwarden.model.site import Content
from tabwarden.model.usage import DOWNLOAD, EXPORT, VIEW
from tabwarden.sandbox.content import placeholders, publishing, visibility
from tabwarden.sandbox.http import listing
from tabwarden.sandbox.http.call import NO_CONTENT, Call, File, Reply, ok
from tabwarden.sandbox.http.errors import Refusal
from tabwarden.sandbox.http.wire import Element, element
from tabwarden.sandbox.state.server_state import Revision

BYTES = "application/octet-stream"


def attachment(file: File, name: str, part: str = "") -> Reply:
    """A file under a name; what cannot stand in a header is left out of the plain one and quoted in the other."""
    plain = "".join(c for c in name if c.isascii() and c.isprintable() and c not in '"\\/;%')
    named = f'name="{part}"; ' if part else "attachment; "
    more = "" if plain == name else f"; filename*=UTF-8''{quote(name)}"
    shown = f'filename="{plain}"' if not more else more[2:]
    return Reply(headers={"Content-Disposition": named + shown}, file=file)


def content(call: Call, kind: str) -> Reply:
    """The published file."""
    item = call.content(kind)
    visibility.demand(call, "download", item)
    call.state.happened(call.site, call.me.id, DOWNLOAD, item.id)
    return file_of(call, item, publishing.revisions(call.state, item)[-1])


def file_of(call: Call, item: Content, revision: Revision) -> Reply:
    """A revision's bytes, or a package made up for an item that came with the world."""
    if revision.blob:
        body = call.state.blobs.read(revision.blob)
    else:
        body = publishing.made_up(call.state, call.site, item, lambda source: visibility.sees(call, source))
    extension = revision.file_name.rpartition(".")[2].lower()
    return attachment(File(body, BYTES), f"{item.name}.{extension}", f"tableau_{item.kind}")


class Drawing(NamedTuple):
    """What would be rendered: the capability it needs, who makes the placeholder, its type and extension."""

    capability: str
    drawn: Callable[[Call, Content], bytes]
    content_type: str
    extension: str


def rendered(call: Call, kind: str, drawing: Drawing) -> Reply:
    """A placeholder for those who hold a capability on the item and may see its data."""
    item = visibility.capable(call, kind, drawing.capability)
    # Whoever lacks access to a data source behind it sees no data there, and gets none.
    answer = can(call.site, call.me.id, "see_data", item.id, open_points=call.state.open_points)
    if not answer.allowed:
        raise Refusal("denied", f"not allowed: the data behind that {item.kind} ({answer.because})")
    call.state.happened(call.site, call.me.id, VIEW if item.kind == "view" else EXPORT, item.id)
    return attachment(File(drawing.drawn(call, item), drawing.content_type), f"{item.name}.{drawing.extension}")


def preview(call: Call, kind: str) -> Reply:
    """The thumbnail, for whoever may View the item."""
    within = call.content("workbook") if "workbook" in call.parameters else None
    item = visibility.shown(call, kind)
    if within is not None and kind == "view" and item.parent != within.id:
        raise Refusal("unknown_view", "the workbook has no such view")
    return Reply(file=File(placeholders.image(), placeholders.PNG))


def _pdf(call: Call, item: Content) -> bytes:
    """A page with the name; of a workbook one page for each view the asker may View."""
    views = [call.site.contents[v] for v in call.site.children(item.id)] if item.kind == "workbook" else []
    return placeholders.pdf([view.name for view in views if visibility.sees(call, view)] or [item.name])


def _rows(call: Call, item: Content) -> list[list[str]]:
    """A heading and one row: workbook, view, and what the request filters by (`vf_Field=value`)."""
    workbook = call.site.contents[item.parent or ""]
    filters = {name[3:]: values[-1] for name, values in call.request.query.items() if name.startswith("vf_")}
    return [["Workbook", "View", *filters], [workbook.name, item.name, *filters.values()]]


PDF = Drawing("ExportImage", _pdf, placeholders.PDF, "pdf")
SLIDES = Drawing("ExportImage", lambda _call, _item: placeholders.presentation(), placeholders.PPTX, "pptx")
IMAGE = Drawing("ExportImage", lambda _call, _item: placeholders.image(), placeholders.PNG, "png")
DATA = Drawing("ExportData", lambda call, item: placeholders.data(_rows(call, item)), placeholders.CSV, "csv")
SHEET = Drawing(
    "ExportData", lambda call, item: placeholders.workbook_sheet(_rows(call, item)), placeholders.XLSX, "xlsx"
)


def _revised_item(call: Call, kind: str) -> Content:
    """The item, for whoever may publish over it and download it ("Work with content revisions")."""
    item = call.content(kind)
    if not call.site.settings.revision_history:
        raise Refusal("history_off", "this site keeps no revisions")
    visibility.demand(call, "download", item)
    visibility.demand(call, "publish", item)
    return item


def revisions(call: Call, kind: str) -> Reply:
    """The revisions that are kept, newest first."""
    revisions = publishing.revisions(call.state, _revised_item(call, kind))
    page, pagination = listing.paged(call, revisions[::-1])
    shown = (_shape(call, revision, current=revision == revisions[-1]) for revision in page)
    return ok(pagination, element("revisions", {}, *shown))


def _shape(call: Call, revision: Revision, *, current: bool) -> Element:
    publisher = call.site.users.get(revision.by)
    named = publisher is not None and (call.sees_people or publisher.id == call.me.id)
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


def revision_content(call: Call, kind: str) -> Reply:
    """The file of one revision."""
    item = _revised_item(call, kind)
    return file_of(call, item, _revision(call, item))


def revision_deleted(call: Call, kind: str) -> Reply:
    """Delete a revision; the current one stays."""
    item = _revised_item(call, kind)
    revision, details = _revision(call, item), call.state.details(item.id)
    if not revision.blob or revision == details.current:
        raise Refusal("current_revision", "the current revision cannot be deleted; publish another first")
    others = tuple(other for other in details.revisions if other != revision)
    call.state.put_details(item.id, replace(details, revisions=others))
    return NO_CONTENT


def _revision(call: Call, item: Content) -> Revision:
    wanted = call.parameters["revision"]
    for revision in publishing.revisions(call.state, item):
        if str(revision.number) == wanted:
            return revision
    raise Refusal("unknown_revision", f"revision `{wanted}` could not be found")
