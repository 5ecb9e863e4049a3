"""The lines of the endpoint table about files: published, downloaded, rendered, revised, tagged, refreshed.

Not the handlers, and not the table itself, which takes these lines in.
"""

from __future__ import annotations

from tabwarden.sandbox.content import extracts
from tabwarden.sandbox.content import placeholders as p
from tabwarden.sandbox.handlers import connections, downloads, publish, revisions, tags
from tabwarden.sandbox.handlers import extracts as work
from tabwarden.sandbox.handlers.content import Handler
from tabwarden.sandbox.http.routing import JUDGED, SERVER_ADMIN, SIGNED_IN, Endpoint

_S = "sites/{site}"
_UPLOADS = f"{_S}/fileUploads"
# Kind, its name in paths, first version that publishes and downloads it, has its connections and its tags.
_PUBLISHED = (
    ("workbook", "workbooks", "2.0", "2.3", "2.0"),
    ("datasource", "datasources", "2.0", "2.3", "2.6"),
    ("flow", "flows", "3.3", "3.3", "3.3"),
)
# What is tagged and not published from a file, and since when.
_TAGGED = (
    ("view", "views", "2.0"),
    ("virtualconnection", "virtualConnections", "3.23"),
    ("database", "databases", "3.9"),
    ("table", "tables", "3.9"),
)


def _published(kind: str, plural: str, since: str, connected: str, tagged: str) -> list[Endpoint]:
    """What every kind has that is published from a file."""
    item = f"{_S}/{plural}/{{{kind}}}"
    one = f"{item}/connections/{{connection}}"
    return [
        Endpoint("POST", f"{_S}/{plural}", since, JUDGED, publish.published(kind), "publish a file, new or over one"),
        _file(f"{item}/content", since, downloads.content(kind), "download the published file"),
        Endpoint("GET", f"{item}/connections", connected, JUDGED, connections.listed(kind), "its connections"),
        Endpoint("PUT", one, connected, JUDGED, connections.updated(kind), "change a connection"),
        *_tagged(kind, plural, tagged),
    ]


def _tagged(kind: str, plural: str, since: str) -> list[Endpoint]:
    """The tags of an item."""
    item = f"{_S}/{plural}/{{{kind}}}/tags"
    return [
        Endpoint("PUT", item, since, JUDGED, tags.added(kind), "add tags"),
        Endpoint("DELETE", f"{item}/{{tag}}", since, JUDGED, tags.deleted(kind), "delete a tag"),
    ]


def _revised(kind: str, plural: str) -> list[Endpoint]:
    """What workbooks and data sources have and flows have not: revisions and extracts."""
    item = f"{_S}/{plural}/{{{kind}}}"
    one = f"{item}/revisions/{{revision}}"
    together = connections.updated_together(kind)
    return [
        Endpoint("GET", f"{item}/revisions", "2.3", JUDGED, revisions.listed(kind), "its revisions, newest first"),
        _file(f"{one}/content", "2.3", revisions.content(kind), "download a revision"),
        Endpoint("DELETE", one, "2.3", JUDGED, revisions.deleted(kind), "delete a revision that is not current"),
        Endpoint("PUT", f"{item}/connections", "3.26", JUDGED, together, "change several connections"),
        Endpoint("POST", f"{item}/refresh", "2.8", JUDGED, work.refreshed(kind), "refresh its extract, as a job"),
        Endpoint("POST", f"{item}/createExtract", "3.5", JUDGED, work.created(kind), "create an extract, as a job"),
        Endpoint("POST", f"{item}/deleteExtract", "3.3", JUDGED, work.deleted(kind), "delete its extracts, as a job"),
    ]


def _file(path: str, since: str, handler: Handler, does: str) -> Endpoint:
    return Endpoint("GET", path, since, JUDGED, handler, does, file=True)


_WORKBOOK, _VIEW = f"{_S}/workbooks/{{workbook}}", f"{_S}/views/{{view}}"
_draw = downloads.rendered
_A_PDF, _AN_IMAGE = downloads.a_pdf, downloads.an_image
_SLIDES = _draw("workbook", "ExportImage", downloads.a_presentation, p.PPTX, "pptx")
_RENDERED = (
    _file(f"{_WORKBOOK}/pdf", "3.4", _draw("workbook", "ExportImage", _A_PDF, p.PDF, "pdf"), "a PDF (placeholder)"),
    _file(f"{_WORKBOOK}/powerpoint", "3.8", _SLIDES, "a presentation (placeholder)"),
    _file(f"{_WORKBOOK}/previewImage", "2.0", downloads.preview("workbook"), "the thumbnail (placeholder)"),
    _file(f"{_WORKBOOK}/views/{{view}}/previewImage", "2.0", downloads.preview("view"), "a thumbnail (placeholder)"),
    _file(f"{_VIEW}/previewImage", "2.0", downloads.preview("view"), "the thumbnail (placeholder)"),
    _file(f"{_VIEW}/image", "2.5", _draw("view", "ExportImage", _AN_IMAGE, p.PNG, "png"), "an image (placeholder)"),
    _file(f"{_VIEW}/pdf", "2.7", _draw("view", "ExportImage", _A_PDF, p.PDF, "pdf"), "a PDF (placeholder)"),
    _file(f"{_VIEW}/data", "2.7", _draw("view", "ExportData", downloads.some_data, p.CSV, "csv"), "one row of CSV"),
    _file(
        f"{_VIEW}/crosstab/excel",
        "3.8",
        _draw("view", "ExportData", downloads.a_crosstab, p.XLSX, "xlsx"),
        "one row as an Excel workbook",
    ),
)
_OTHERS = (
    Endpoint("POST", _UPLOADS, "2.0", SIGNED_IN, publish.begin_upload, "begin to upload a file in parts"),
    Endpoint("PUT", f"{_UPLOADS}/{{upload}}", "2.0", SIGNED_IN, publish.append_upload, "append a part"),
    *(line for kind in _TAGGED for line in _tagged(*kind)),
    Endpoint("POST", f"{_S}/flows/{{flow}}/run", "3.3", JUDGED, work.refreshed("flow"), "run it, as a job"),
    *(
        Endpoint("POST", f"{_S}/{name}-extracts", "3.5", SERVER_ADMIN, work.of_site(kind), f"{name} every extract")
        for name, kind in (
            ("encrypt", extracts.ENCRYPT),
            ("decrypt", extracts.DECRYPT),
            ("reencrypt", extracts.REENCRYPT),
        )
    ),
)
FILES: tuple[Endpoint, ...] = (
    *(line for kind in _PUBLISHED for line in _published(*kind)),
    *_revised("workbook", "workbooks"),
    *_revised("datasource", "datasources"),
    *_RENDERED,
    *_OTHERS,
)
