"""A policy as YAML that people read, and drift as SARIF for a pull request."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tabwarden.plan.plan import Plan
from tabwarden.report.plans import sentences
from tabwarden.want.policy.export import Told

SARIF = "https://json.schemastore.org/sarif-2.1.0.json"


def policy_text(export: Told) -> str:
    """One line a project or list of contents where that is short, a line a row where it is not."""
    parts = [f"# {remark}" for remark in export.remarks]
    if export.site:
        parts.append(f"site: {_flow(export.site)}")
    for heading, entries in (("projects", list(export.projects.items())), ("content", export.content)):
        if entries:
            parts.append(f"{heading}:")
            parts += [line for entry in entries for line in _entry(entry)]
    return "\n".join(parts) + "\n"


def _entry(entry: Any) -> list[str]:
    if isinstance(entry, tuple):
        name, fields = entry
        return [f"  {_flow(name)}: {_flow(fields)}"]
    return [f"  - {_flow(entry)}"]


def _flow(value: Any) -> str:
    """Any value on one line of YAML."""
    import yaml

    dumper = getattr(yaml, "CSafeDumper", yaml.SafeDumper)
    text: str = yaml.dump(
        value, Dumper=dumper, default_flow_style=True, width=10**9, allow_unicode=True, sort_keys=False
    )
    return text.strip().removesuffix("...").strip()


def drift_sarif(plan: Plan) -> Mapping[str, Any]:
    """What differs from the policy as SARIF 2.1.0: one result a change, at the line that wants it."""
    results = []
    for change, words in zip(plan.changes, sentences(plan.changes), strict=True):
        file, _, line = change.because.rpartition(" in ")[2].rpartition(":")
        place = {
            "artifactLocation": {"uri": file or "policy"},
            "region": {"startLine": int(line) if line.isdigit() else 1},
        }
        results.append(
            {
                "ruleId": change.op,
                "level": "warning",
                "message": {"text": f"the site differs from the policy; it takes: {words}"},
                "locations": [{"physicalLocation": place}],
            }
        )
    rules = [{"id": op} for op in dict.fromkeys(change.op for change in plan.changes)]
    driver = {"name": "tabwarden", "rules": rules}
    return {"$schema": SARIF, "version": "2.1.0", "runs": [{"tool": {"driver": driver}, "results": results}]}
