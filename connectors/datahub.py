"""DataHub's Tableau source, run by its own command line into a file, and what the file tells. Not DataHub's server."""

from __future__ import annotations

import ast
import json
import os
import re
import subprocess
from collections import defaultdict
from pathlib import Path
from typing import Any

import hand_made
from outcome import Facts, Outcome
from seen import PASSWORD, SITE, USER, Item, Seen

MINUTES = 15
_REPORT = re.compile(r"^(?:Source|Sink) \([a-z]+\) report:\n(\{.*?\})\n\n", re.MULTILINE | re.DOTALL)
_SUBTYPES = {
    "Project": "projects",
    "Workbook": "workbooks",
    "Published Data Source": "published data sources of workbooks",
    "Custom SQL": "custom SQL",
}
_SAMPLED = re.compile(r"sampled of (\d+) total")


def wanted(seen: Seen, dashboards: frozenset[str]) -> Facts:
    """What should arrive; `dashboards` are the LUIDs of the views that are dashboards."""
    sheets = [v for v in seen.views.values() if v.luid not in dashboards]
    boards = [v for v in seen.views.values() if v.luid in dashboards]

    def placed(items: Any) -> list[tuple[str, ...]]:
        return [(i.luid, i.holder) for i in items]

    def owned(items: Any) -> list[tuple[str, ...]]:
        return [(i.luid, seen.owner_name(i)) for i in items]

    return {
        "projects": placed(seen.projects.values()),
        "owners of projects": owned(seen.projects.values()),
        "workbooks": placed(seen.workbooks.values()),
        "owners of workbooks": owned(seen.workbooks.values()),
        "sheets": placed(sheets),
        "owners of sheets": owned(sheets),
        "dashboards": placed(boards),
        "owners of dashboards": owned(boards),
        "custom SQL": [(hand_made.SQL,)],
        "published data sources of workbooks": [_source(seen, seen.datasources[d]) for d in seen.used],
    }


def _source(seen: Seen, datasource: Item) -> tuple[str, ...]:
    return datasource.name, datasource.holder, seen.owner_name(datasource)


def run(environment: Path, url: str, folder: Path) -> Outcome:
    """Run it in a folder, which is its home too, and read what it wrote."""
    out = folder / "arrived.json"
    recipe = {
        "source": {
            "type": "tableau",
            "config": {
                "connect_uri": url,
                "site": SITE,
                "username": USER,
                "password": PASSWORD,
                "ingest_owner": True,
                "ingest_tags": True,
            },
        },
        "sink": {"type": "file", "config": {"filename": str(out)}},
    }
    (folder / "recipe.yml").write_text(json.dumps(recipe))  # JSON is YAML
    with (folder / "log.txt").open("w") as log:
        ended = subprocess.run(
            [environment / "bin" / "datahub", "ingest", "run", "--no-progress", "-c", "recipe.yml"],
            cwd=folder,
            env={**os.environ, "HOME": str(folder), "DATAHUB_TELEMETRY_ENABLED": "false"},
            stdout=log,
            stderr=subprocess.STDOUT,
            timeout=MINUTES * 60,
            check=False,
        )
    problems = [] if ended.returncode == 0 else [f"exit code {ended.returncode}"]
    reports = _reports((folder / "log.txt").read_text())
    if len(reports) != 2 or not out.exists():
        return Outcome({}, (*problems, "it ended without reports of source and sink"))
    failures, warnings = (tuple(_worded(e) for r in reports for e in r[what]) for what in ("failures", "warnings"))
    return Outcome(_arrived(out), (*problems, *failures), warnings)


def _reports(log: str) -> list[dict[str, Any]]:
    """The reports of source and sink, which end a log as Python literals, each up to an empty line."""
    return [ast.literal_eval(text) for text in _REPORT.findall(log)]


def _worded(entry: Any) -> str:
    """The title of an error or warning; how often it came stands in what is said of its sample."""
    if not isinstance(entry, dict):
        return str(entry)
    title = entry.get("title") or entry.get("message") or str(entry)
    sampled = _SAMPLED.search(str(entry.get("context")))
    return f"{title} ({sampled[1]} times)" if sampled else str(title)


# -- what was written ---------------------------------------------------------------------------------------------


def _arrived(out: Path) -> Facts:
    """The facts in a file of their metadata events."""
    entities: dict[str, dict[str, Any]] = defaultdict(dict)
    for event in json.loads(out.read_text()):
        if "proposedSnapshot" in event:
            (snapshot,) = event["proposedSnapshot"].values()
            for aspect in snapshot["aspects"]:
                ((name, value),) = aspect.items()
                entities[snapshot["urn"]][_plain(name)] = value
        else:
            entities[event["entityUrn"]][event["aspectName"]] = event["aspect"]["json"]
    return _facts(entities)


def _plain(name: str) -> str:
    """The name of an aspect from that of its class: `com.linkedin.pegasus2avro.chart.ChartInfo` is `chartInfo`."""
    short = name.rpartition(".")[2]
    return short[0].lower() + short[1:]


def _facts(entities: dict[str, dict[str, Any]]) -> Facts:
    facts: dict[str, list[tuple[str, ...]]] = defaultdict(list)
    luids = {urn: _luid(aspects) for urn, aspects in entities.items()}
    for urn, aspects in entities.items():
        kind = _kind(urn, aspects)
        holder = luids.get(aspects.get("container", {}).get("container", ""), "")
        owners = [o["owner"].removeprefix("urn:li:corpuser:") for o in aspects.get("ownership", {}).get("owners", ())]
        if kind == "custom SQL":
            facts[kind].append((aspects["viewProperties"]["viewLogic"],))
        elif kind == "published data sources of workbooks":
            facts[kind].append((aspects["datasetProperties"]["name"], holder, *owners))
        elif kind:
            facts[kind].append((luids[urn], holder))
            facts[f"owners of {kind}"] += [(luids[urn], owner) for owner in owners]
    return facts


def _luid(aspects: dict[str, Any]) -> str:
    for name in ("containerProperties", "chartInfo", "dashboardInfo"):
        told = aspects.get(name, {}).get("customProperties", {})
        if told:
            return str(told.get("luid") or told.get("project_id") or "")
    return ""


def _kind(urn: str, aspects: dict[str, Any]) -> str:
    subtypes = aspects.get("subTypes", {}).get("typeNames", ())
    views = {"urn:li:chart": "sheets", "urn:li:dashboard": "dashboards"}
    return next((_SUBTYPES[s] for s in subtypes if s in _SUBTYPES), views.get(urn.partition(":(")[0], ""))
