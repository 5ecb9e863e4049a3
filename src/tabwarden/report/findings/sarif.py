"""SARIF 2.1.0: results for the code hosts that show them beside a change."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from tabwarden import __version__
from tabwarden.model.names import visible

MOST_RESULTS = 5_000  # code hosts show no more of a file
SCHEMA = "https://json.schemastore.org/sarif-2.1.0.json"


class Result(NamedTuple):
    """One result: of which rule, how bad (error, warning, note), in words, and where.

    `file` and `line` are where a code host shows it; `logical` the place on the site; `mark` what makes it the same
    result in the next run.
    """

    rule: str
    level: str
    words: str
    file: str
    line: int = 1
    logical: str = ""
    mark: str = ""


def sarif(results: Iterable[Result], rules: Mapping[str, Mapping[str, Any]], notes: Iterable[str] = ()) -> Any:
    """The document; `rules` are what is told of a rule by its id, as far as something is, `notes` what the run said."""
    listed = [_result(result) for result in results]
    named = dict.fromkeys((*rules, *(result["ruleId"] for result in listed)))
    driver = {
        "name": "tabwarden",
        "version": __version__,
        "rules": [{"id": rule, **rules.get(rule, {})} for rule in named],
    }
    run: dict[str, Any] = {"tool": {"driver": driver}, "results": listed}
    said = [{"level": "note", "message": {"text": visible(note)}} for note in notes]
    if said:
        run["invocations"] = [{"executionSuccessful": True, "toolExecutionNotifications": said}]
    return {"$schema": SCHEMA, "version": "2.1.0", "runs": [run]}


def _result(result: Result) -> dict[str, Any]:
    place: dict[str, Any] = {
        "physicalLocation": {"artifactLocation": {"uri": result.file}, "region": {"startLine": result.line}}
    }
    if result.logical:
        place["logicalLocations"] = [{"fullyQualifiedName": visible(result.logical)}]
    more = {"partialFingerprints": {"tabwarden/v1": result.mark}} if result.mark else {}
    return {
        "ruleId": result.rule,
        "level": result.level,
        "message": {"text": visible(result.words)},
        "locations": [place],
        **more,
    }
