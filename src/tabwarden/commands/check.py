"""`tabwarden check`: whether what must always hold does. Nothing is written, no server is asked."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from tabwarden.commands._answer import PLAIN, Output
from tabwarden.commands._options import NEWEST, Asking
from tabwarden.commands._output import STOPPED, emit, leave
from tabwarden.commands._parsing import Argument, Option


def check(
    file: Annotated[
        Path | None, Argument("Of invariants; default: the settings', else `invariants.yaml` here.")
    ] = None,
    schema: Annotated[bool, Option("--schema", about="Only print the JSON Schema of such a file.")] = False,
    asking: Asking = NEWEST,
    output: Output = PLAIN,
) -> None:
    """Exit code 3 where an invariant is broken, or nobody knows whether it is."""
    if schema:
        import json

        from tabwarden.settings.invariants import schema as json_schema

        emit(json.dumps(json_schema(), indent=2).split("\n"))
        return
    from tabwarden.report.invariants import as_json, parts
    from tabwarden.run.check import checked, invariants_at, with_causes
    from tabwarden.run.history import store_named

    invariants = invariants_at(file, asking.settings)
    site = asking.questions().site
    result = checked(site, invariants)
    if asking.snapshots is None:
        store = store_named(asking.store, asking.settings)
        result = with_causes(result, store, asking.snapshot or "last", asking.site_url, asking.settings)
    output.give(list(parts(site, result.judged, result.turns)), lambda: as_json(site, result.judged, result.turns))
    if any(one.state != "holds" for one in result.judged):
        leave(STOPPED)
