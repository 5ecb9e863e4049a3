"""tableau-cli: what is on the site, searched, described, downloaded, queried."""

import json

from steps import FOLDER, SECRET, SITE, TOKEN, URL, run, same


def tableau(step: str, *arguments: str):
    printed = run(step, "tableau-cli", *arguments, SERVER=URL, SITE_NAME=SITE, PAT_NAME=TOKEN, PAT_VALUE=SECRET)
    try:
        return json.loads(printed)
    except ValueError:
        return []


run("config", "tableau-cli", "config", "set", "--server", URL, "--site-name", SITE)
same("every project", len(tableau("projects list", "projects", "list")), 4)
sources = {one["name"]: one["id"] for one in tableau("datasources list", "datasources", "list")}
(workbook,) = tableau("workbooks list", "workbooks", "list")
views = {one["name"]: one["id"] for one in tableau("views list", "views", "list")}
same("both views", set(views), {"Months", "Regions"})
tableau("workbooks get", "workbooks", "get", workbook["id"])
shown = tableau("views get", "views", "get", views["Months"])
same("its views are counted", shown.get("totalViewCount", shown.get("usage", {}).get("totalViewCount")), 7)
run(
    "views data",
    "tableau-cli",
    "views",
    "data",
    views["Months"],
    SERVER=URL,
    SITE_NAME=SITE,
    PAT_NAME=TOKEN,
    PAT_VALUE=SECRET,
)
tableau("views image", "views", "image", views["Months"], "-o", str(FOLDER / "months.png"))
found = tableau("search", "search", "Budget")
same("search finds the workbook", [one["luid"] for one in found if one["type"] == "workbook"], [workbook["id"]])
described = tableau("datasources metadata", "datasources", "metadata", sources["Orders"])
fields = {field["name"]: field.get("role") for group in described["fieldGroups"] for field in group["fields"]}
same("fields with their roles", fields, {"id": "DIMENSION", "name": "DIMENSION", "amount": "MEASURE"})
query = {"fields": [{"fieldCaption": "name"}, {"fieldCaption": "amount", "function": "SUM"}]}
rows = tableau("datasources query", "datasources", "query", sources["Orders"], "--query", json.dumps(query))
same("a row for each name", {row["name"] for row in rows["data"]}, {"A", "B", "C"})
tableau("datasources download", "datasources", "download", sources["Orders"], "-o", str(FOLDER / "orders.tdsx"))
