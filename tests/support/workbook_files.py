"""Small workbooks, data sources and flows of our own, in the formats that clients publish."""

from __future__ import annotations

import io
import zipfile

POSTGRES = "<connection class='postgres' server='db.example' port='5432' dbname='sales' username='reader'/>"


def workbook(*sheets: str, dashboards=(), hidden=(), tabs=(), sources=(), connection=POSTGRES) -> bytes:
    """A .twb; `tabs` is the order of the tabs where it is another than that of the sheets."""
    published = "".join(
        f"<datasource><repository-location id='{s}'/><connection class='sqlproxy' dbname='x'/></datasource>"
        for s in sources
    )
    external = f"<datasource>{connection}</datasource>" if connection else ""
    listed = "".join(f"<worksheet name='{name}'/>" for name in sheets)
    boards = "".join(f"<dashboard name='{name}'/>" for name in dashboards)
    windows = "".join(
        f"<window name='{n}'{_hidden(n, hidden)}/>" for n in (*tabs, *(h for h in hidden if h not in tabs))
    )
    return (
        f"<?xml version='1.0'?><workbook><datasources>{published}{external}</datasources>"
        f"<worksheets>{listed}</worksheets><dashboards>{boards}</dashboards><windows>{windows}</windows></workbook>"
    ).encode()


def _hidden(name, hidden):
    return " hidden='true'" if name in hidden else ""


def packed(name: str, document: bytes, *, extract: bool = False, method: int = zipfile.ZIP_DEFLATED) -> bytes:
    """A package: the document under a name, with an extract beside it."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", method) as archive:
        archive.writestr(name, document)
        if extract:
            archive.writestr("Data/Extracts/e.hyper", b"HyPer")
    return out.getvalue()


TWBX = packed("b.twb", workbook("One", "Two", dashboards=["Board"], tabs=["Board", "One", "Two"]), extract=True)
SOURCE = f"<?xml version='1.0'?><datasource>{POSTGRES}</datasource>".encode()
TDSX = packed("s.tds", SOURCE, extract=True)
FLOW = packed("flow", b"{}")
