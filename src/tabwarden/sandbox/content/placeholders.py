"""Static files where a real Tableau would render or pack: an image, a PDF, a presentation, sheets."""

from __future__ import annotations

import csv
import io
import struct
import zipfile
import zlib
from collections.abc import Iterable, Mapping, Sequence
from xml.sax.saxutils import escape, quoteattr

from tabwarden.model.site import Content

PNG, PDF, CSV = "image/png", "application/pdf", "text/csv"
XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
PPTX = "application/vnd.openxmlformats-officedocument.presentationml.presentation"
_WIDTH, _HEIGHT, _GREY = 80, 60, 0xDD
_EPOCH = (1980, 1, 1, 0, 0, 0)
_OFFICE = "http://schemas.openxmlformats.org"
_HEAD = '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n'


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def image() -> bytes:
    """A grey PNG."""
    header = struct.pack(">IIBBBBB", _WIDTH, _HEIGHT, 8, 0, 0, 0, 0)
    rows = (b"\x00" + bytes([_GREY]) * _WIDTH) * _HEIGHT
    return b"\x89PNG\r\n\x1a\n" + _chunk(b"IHDR", header) + _chunk(b"IDAT", zlib.compress(rows)) + _chunk(b"IEND", b"")


def pdf(names: Sequence[str]) -> bytes:
    """A PDF of one page for each name, with the name on it."""
    pages = [_pdf_page(name) for name in names]
    first = 4
    kids = " ".join(f"{first + 2 * i} 0 R" for i in range(len(pages)))
    objects = [
        b"<</Type/Catalog/Pages 2 0 R>>",
        f"<</Type/Pages/Kids[{kids}]/Count {len(pages)}>>".encode(),
        b"<</Type/Font/Subtype/Type1/BaseFont/Helvetica>>",
    ]
    for i, stream in enumerate(pages):
        page = f"<</Type/Page/Parent 2 0 R/MediaBox[0 0 612 792]/Contents {first + 2 * i + 1} 0 R"
        objects.append(f"{page}/Resources<</Font<</F1 3 0 R>>>>>>".encode())
        objects.append(f"<</Length {len(stream)}>>stream\n".encode() + stream + b"\nendstream")
    return _pdf_of(objects)


def _pdf_page(name: str) -> bytes:
    plain = name.encode("ascii", "replace").decode().translate({40: "\\(", 41: "\\)", 92: "\\\\"})
    return f"BT /F1 18 Tf 72 700 Td ({plain}) Tj ET".encode()


def _pdf_of(objects: Sequence[bytes]) -> bytes:
    out = bytearray(b"%PDF-1.4\n")
    places = []
    for number, body in enumerate(objects, start=1):
        places.append(len(out))
        out += f"{number} 0 obj".encode() + body + b"endobj\n"
    table = len(out)
    out += f"xref\n0 {len(objects) + 1}\n0000000000 65535 f \n".encode()
    out += b"".join(f"{place:010} 00000 n \n".encode() for place in places)
    out += f"trailer<</Size {len(objects) + 1}/Root 1 0 R>>\nstartxref\n{table}\n%%EOF\n".encode()
    return bytes(out)


def data(rows: Iterable[Sequence[str]]) -> bytes:
    """Rows as CSV in UTF-8."""
    out = io.StringIO()
    csv.writer(out, lineterminator="\r\n").writerows(rows)
    return out.getvalue().encode()


def workbook_sheet(rows: Iterable[Sequence[str]]) -> bytes:
    """Rows as an Excel workbook of one sheet."""
    cells = "".join(
        "<row>" + "".join(f'<c t="inlineStr"><is><t>{escape(word)}</t></is></c>' for word in row) + "</row>"
        for row in rows
    )
    main = f"{_OFFICE}/spreadsheetml/2006/main"
    kind = XLSX.removesuffix(".sheet")
    return _office(
        "xl/workbook.xml",
        f"{XLSX}.main+xml",
        f'<workbook xmlns="{main}" xmlns:r="{_OFFICE}/officeDocument/2006/relationships"><sheets>'
        '<sheet name="Sheet 1" sheetId="1" r:id="rId1"/></sheets></workbook>',
        {
            "xl/worksheets/sheet1.xml": (
                f"{kind}.worksheet+xml",
                "worksheet",
                f'<worksheet xmlns="{main}"><sheetData>{cells}</sheetData></worksheet>',
            )
        },
    )


def presentation() -> bytes:
    """A PowerPoint presentation without slides."""
    return _office(
        "ppt/presentation.xml",
        f"{PPTX}.main+xml",
        f'<p:presentation xmlns:p="{_OFFICE}/presentationml/2006/main">'
        '<p:sldSz cx="9144000" cy="6858000"/><p:notesSz cx="6858000" cy="9144000"/></p:presentation>',
        {},
    )


def _office(place: str, kind: str, document: str, parts: Mapping[str, tuple[str, str, str]]) -> bytes:
    """An Office file: its document and the parts it refers to, each with type, relation and text."""
    overrides = [(place, kind), *((name, part[0]) for name, part in parts.items())]
    types = "".join(f'<Override PartName="/{name}" ContentType="{part_type}"/>' for name, part_type in overrides)
    folder = place.partition("/")[0]
    inner = {name.removeprefix(folder + "/"): part[1] for name, part in parts.items()}
    files = {
        "[Content_Types].xml": f'<Types xmlns="{_OFFICE}/package/2006/content-types"><Default Extension="rels"'
        f' ContentType="application/vnd.openxmlformats-package.relationships+xml"/>{types}</Types>',
        "_rels/.rels": _relations({place: "officeDocument"}),
        place: document,
        f"{folder}/_rels/{place.rpartition('/')[2]}.rels": _relations(inner),
        **{name: part[2] for name, part in parts.items()},
    }
    return packed({name: (_HEAD + text).encode() for name, text in files.items()})


def _relations(targets: Mapping[str, str]) -> str:
    base = f"{_OFFICE}/officeDocument/2006/relationships"
    listed = "".join(
        f'<Relationship Id="rId{i}" Type="{base}/{kind}" Target="{target}"/>'
        for i, (target, kind) in enumerate(targets.items(), start=1)
    )
    return f'<Relationships xmlns="{_OFFICE}/package/2006/relationships">{listed}</Relationships>'


def packed(files: Mapping[str, bytes]) -> bytes:
    """A zip archive whose bytes depend on nothing but these files."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(zipfile.ZipInfo(name, _EPOCH), content, zipfile.ZIP_DEFLATED)
    return out.getvalue()


def package(item: Content, sheets: Iterable[str] = (), sources: Iterable[str] = ()) -> bytes:
    """A packaged file for an item that came with the world: it opens again with the same sheets and sources."""
    if item.kind == "workbook":
        listed = "".join(f"<worksheet name={quoteattr(name)}/>" for name in sheets)
        used = "".join(
            f"<datasource name={quoteattr(f'sqlproxy.{i}')}><repository-location id={quoteattr(source)}/>"
            f'<connection class="sqlproxy" dbname={quoteattr(source)}/></datasource>'
            for i, source in enumerate(sources)
        )
        text = f"<workbook><datasources>{used}</datasources><worksheets>{listed}</worksheets></workbook>"
        return packed({"workbook.twb": (_HEAD + text).encode()})
    if item.kind == "datasource":
        return packed({"datasource.tds": f"{_HEAD}<datasource name={quoteattr(item.name)}/>".encode()})
    return packed({"flow": b"{}"})
