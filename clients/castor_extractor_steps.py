"""castor-extractor: every asset of Tableau as files of JSON."""

import json

from steps import ADMIN, FOLDER, SITE, URL, run, same

run("extract", "castor-extract-tableau", "-u", ADMIN, "-p", ADMIN, "-b", URL, "-i", SITE, "-o", ".")
counts = {file.stem.partition("-")[2]: len(json.loads(file.read_text())) for file in FOLDER.glob("*-*.json")}
wanted = {"projects": 4, "users": 4, "workbooks": 1, "sheets": 2, "datasources": 7, "tables": 1, "columns": 3}
same("every asset", {asset: counts.get(asset) for asset in wanted}, wanted)
same("fields of the data sources", counts.get("fields"), 18)
