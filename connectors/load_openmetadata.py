"""Loads a mirror's `requests.jsonl` by the classes of openmetadata-ingestion. Run in OpenMetadata's environment.

python connectors/load_openmetadata.py FOLDER/SOURCE/requests.jsonl
"""

from __future__ import annotations

import importlib
import json
import sys
from collections import Counter
from pathlib import Path


def main(path: str) -> None:
    """Every request becomes one of OpenMetadata's own; what it names was requested before, and members' teams too."""
    kinds: Counter[str] = Counter()
    known: set[tuple[str, str]] = set()
    for line in Path(path).read_text(encoding="utf-8").splitlines():
        told = json.loads(line)
        module, _, name = told["class"].rpartition(".")
        request = getattr(importlib.import_module(module), name).model_validate(told["request"])
        for tag in told["request"].get("tags", ()):
            assert ("tag", tag["tagFQN"].rpartition(".")[2]) in known, tag
        for policy in told["request"].get("policies", ()):
            assert ("policy", policy) in known, policy
        known.add((told["entity"], request.name.root))
        kinds[name] += 1
    members = Path(path).with_name("members.jsonl")
    for line in members.read_text(encoding="utf-8").splitlines():
        told = json.loads(line)
        assert {("team", told["team"]), ("role", told["role"])} <= known, told
    assert kinds["CreateDashboardRequest"], "no dashboard"
    print("OpenMetadata loads", ", ".join(f"{count} {kind}" for kind, count in sorted(kinds.items())))


if __name__ == "__main__":
    main(sys.argv[1])
