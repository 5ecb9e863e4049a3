"""OpenMetadata's Tableau ingestion, run by its own command line, and what their server would hold. Not that server.

Their server is stood in for by `receiver`.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
from pathlib import Path
from typing import Any

from outcome import Facts, Outcome
from receiver import Received, receiving
from seen import PASSWORD, SITE, USER, Seen

MINUTES = 15
SERVICE = "tableau"
_COLOURS = re.compile(r"\x1b\[[0-9;]*m")
_COUNTED = re.compile(r"\b(Errors|Warnings): ([1-9]\d*)\s*$", re.MULTILINE)
_ERROR = re.compile(r"^\[[^\]]*\] (ERROR|CRITICAL)\s+\{[^}]*\} - (.*)$", re.MULTILINE)


def wanted(seen: Seen, _dashboards: frozenset[str]) -> Facts:
    """What should arrive: workbooks come as their dashboards, views as their charts."""
    workbooks = seen.workbooks.values()
    views = seen.views.values()
    return {
        "projects of workbooks": [(w.luid, seen.projects[w.holder].name) for w in workbooks],
        "workbooks": [(w.luid, w.name) for w in workbooks],
        "owners of workbooks": [(w.luid, seen.emails[w.owner].lower()) for w in workbooks if seen.emails[w.owner]],
        "sheets and dashboards": [(v.luid, v.name) for v in views],
        "their workbooks": [(v.luid, v.holder) for v in views],
        "published data sources of workbooks": [(seen.datasources[d].name,) for d in seen.used],
    }


def run(environment: Path, url: str, folder: Path) -> Outcome:
    """Run it in a folder, which is its home too, and read what was received."""
    with receiving() as (address, received):
        (folder / "workflow.yml").write_text(json.dumps(_workflow(url, address)))  # JSON is YAML
        with (folder / "log.txt").open("w") as log:
            ended = subprocess.run(
                [environment / "bin" / "metadata", "ingest", "-c", "workflow.yml"],
                cwd=folder,
                env={**os.environ, "HOME": str(folder)},
                stdout=log,
                stderr=subprocess.STDOUT,
                timeout=MINUTES * 60,
                check=False,
            )
    words = _COLOURS.sub("", (folder / "log.txt").read_text())
    counted = [f"{number} {what.lower()}" for what, number in _COUNTED.findall(words)]
    problems = [
        *([f"exit code {ended.returncode}"] if ended.returncode else []),
        *(c for c in counted if c.endswith("errors")),
        *(text for _level, text in _ERROR.findall(words)),
        *(f"their ingestion asks `{request}`, which the receiver does not play" for request in set(received.unknown)),
    ]
    return Outcome(_arrived(received), tuple(problems), tuple(c for c in counted if c.endswith("warnings")))


def _workflow(url: str, address: str) -> dict[str, Any]:
    signing_in = {"authType": {"username": USER, "password": PASSWORD}, "hostPort": url, "siteName": SITE}
    return {
        "source": {
            "type": "tableau",
            "serviceName": SERVICE,
            "serviceConnection": {"config": {"type": "Tableau", **signing_in}},
            "sourceConfig": {"config": {"type": "DashboardMetadata", "includeOwners": True, "includeTags": True}},
        },
        "sink": {"type": "metadata-rest", "config": {}},
        "workflowConfig": {
            "openMetadataServerConfig": {
                "hostPort": address,
                "authProvider": "openmetadata",
                "securityConfig": {"jwtToken": "not.looked.at"},
            }
        },
    }


def _arrived(received: Received) -> Facts:
    users = {user["id"]: user["name"] for user in received.of("users")}
    workbooks = received.of("dashboards")
    charts = {chart["id"]: chart for chart in received.of("charts")}
    return {
        "projects of workbooks": [(w["name"], w.get("project", "")) for w in workbooks],
        "workbooks": [(w["name"], w["displayName"]) for w in workbooks],
        "owners of workbooks": [(w["name"], users[o["id"]]) for w in workbooks for o in w.get("owners", ())],
        "sheets and dashboards": [(c["name"], c["displayName"]) for c in charts.values()],
        "their workbooks": [(charts[c["id"]]["name"], w["name"]) for w in workbooks for c in w.get("charts", ())],
        "published data sources of workbooks": [
            (model["displayName"],)
            for model in received.of("dashboard/datamodels")
            if model["dataModelType"] == "TableauPublishedDatasource"
        ],
    }
