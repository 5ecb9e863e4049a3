"""What acme has not: databases with tables, a workbook with a dashboard, custom SQL. Not anybody's samples."""

from __future__ import annotations

import io
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import Any

import tableauserverclient as TSC  # noqa: N812
import yaml

TABLES = ("orders", "people")

DASHBOARD = "Seen together"
SQL = "SELECT region, SUM(amount) AS amount FROM orders GROUP BY region"
_CONNECTION = f"""<connection class="postgres" server="localhost" dbname="shop" username="reader">
<relation name="Custom SQL Query" type="text">{SQL}</relation></connection>"""
_WORKBOOK = f"""<workbook>
<datasources><datasource name="orders" caption="Orders by hand">{_CONNECTION}</datasource></datasources>
<worksheets><worksheet name="By region"/><worksheet name="By month"/></worksheets>
<dashboards><dashboard name="{DASHBOARD}"><zones><zone name="By region"/><zone name="By month"/></zones></dashboard>
</dashboards></workbook>"""
_SOURCE = f'<datasource name="regions">{_CONNECTION}</datasource>'


def world(folder: Path) -> Path:
    """A world file: acme, and a database with tables in every project that holds data sources."""
    file = folder / "world.yaml"
    command = [sys.executable, "-m", "tabwarden", "sandbox", "--world", "acme", "--save-world", str(file)]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    plain = yaml.safe_load(file.read_text())
    content = plain["sites"][0]["content"]
    projects = {path.rpartition("/")[0] for path, item in content.items() if item["kind"] == "datasource"}
    for project in sorted(projects):
        content[f"{project}/Warehouse"] = {"kind": "database", "owner": "admin"}
        for table in TABLES:
            name = f"{project} {table}".replace("/", " ").lower().replace(" ", "_")
            content[f"{project}/Warehouse/{name}"] = {"kind": "table", "owner": "admin"}
    file.write_text(yaml.safe_dump(plain, sort_keys=False))
    return file


def publish(server: Any) -> frozenset[str]:
    """Publish both to the Default project; the LUIDs of the views that are dashboards."""
    (project,) = server.projects.filter(name="Default")
    book, over = TSC.WorkbookItem(project.id, "Published by hand"), TSC.Server.PublishMode.Overwrite
    book = server.workbooks.publish(book, _packed("book.twb", _WORKBOOK), over)
    server.datasources.publish(TSC.DatasourceItem(project.id, "Regions by hand"), _packed("s.tds", _SOURCE), over)
    server.workbooks.populate_views(book)
    return frozenset(view.id for view in book.views if view.name == DASHBOARD)


def _packed(name: str, text: str) -> io.BytesIO:
    package = io.BytesIO()
    with zipfile.ZipFile(package, "w") as file:
        file.writestr(name, text)
    package.seek(0)
    return package
