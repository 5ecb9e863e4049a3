"""tableau_utilities: lists, downloads, edits, publishes and refreshes, by the address of a site of Tableau Cloud."""

import os

from steps import FOLDER, SECRET, SITE, TOKEN, run, same

VARIABLES = {"HTTPS_PROXY": os.environ["FRONT"], "REQUESTS_CA_BUNDLE": os.environ["AUTHORITY"]}


def utilities(step: str, *arguments: str) -> str:
    auth = ("-s", "10ax", "-sn", SITE, "-tn", TOKEN, "-ts", SECRET)
    return run(step, "tableau_utilities", *auth, *arguments, **VARIABLES)


for kind in ("datasource", "workbook", "project"):
    printed = utilities(f"list {kind}s", "server_info", "-lo", kind, "-lf", "names_ids")
    name = {"datasource": "Orders", "workbook": "Budget", "project": "Finance"}[kind]
    same(f"{kind} {name} is listed", name in printed, True)
for kind, name in (("datasource", "Orders"), ("workbook", "Budget")):
    named = ("-l", "online", "-n", name, "-pn", "Finance")
    utilities(f"download {kind}", *named, "server_operate", "--download", kind)
    same(f"{kind} is downloaded", [file.stem for file in FOLDER.rglob(f"{name}*")], [name])
    file = next(iter(FOLDER.rglob(f"{name}*")), FOLDER / "nothing")
    utilities(f"publish {kind}", *named, "-f", str(file), "server_operate", "--publish", kind)
    utilities(f"refresh {kind}", *named, "server_operate", "--refresh", kind)
