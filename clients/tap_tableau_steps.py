"""tap-tableau: everything it knows of a site as records of Singer."""

import json
from collections import Counter

from steps import ADMIN, FOLDER, SITE, URL, run, same

config = {"host": URL, "username": ADMIN, "password": ADMIN, "site_id": SITE}
(FOLDER / "config.json").write_text(json.dumps(config))
catalog = json.loads(run("discover", "tap-tableau", "-c", "config.json", "--discover"))
for stream in catalog["streams"]:
    for entry in stream["metadata"]:
        if not entry["breadcrumb"]:
            entry["metadata"]["selected"] = True
(FOLDER / "catalog.json").write_text(json.dumps(catalog))
messages = run("sync", "tap-tableau", "-c", "config.json", "--catalog", "catalog.json").splitlines()
records = Counter(one["stream"] for one in map(json.loads, messages) if one["type"] == "RECORD")
wanted = {"groups": 3, "projects": 4, "datasources": 6, "workbooks": 1, "schedules": 5, "tasks": 2}
same("every record", {stream: records[stream] for stream in wanted}, wanted)
