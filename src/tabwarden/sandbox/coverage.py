"""The page that says what the sandbox answers, made from the endpoint table and the error table. Not the tables."""

from __future__ import annotations

from collections.abc import Iterator

from tabwarden.sandbox.endpoints import TABLE
from tabwarden.sandbox.errors import CODES
from tabwarden.sandbox.routing import WHO


def page() -> Iterator[str]:
    """The lines of docs/reference/sandbox-endpoints.md."""
    yield "# What the sandbox answers"
    yield ""
    yield f"{len(TABLE)} endpoints. Paths follow `/api/VERSION/`; `since` is the first API version that has it, `gone`"
    yield "the first that no longer does. What is not listed answers 404 (code 404003)."
    yield ""
    yield from _endpoints()
    yield ""
    yield "## Who may"
    yield ""
    yield from (f"- **{who}**: {words}" for who, words in WHO.items())
    yield ""
    yield "## Error codes"
    yield ""
    yield "V: read in a client or seen in a log. D: read in public documentation. B: believed; rely on the status only."
    yield ""
    yield "| code | status | summary | mark | source |"
    yield "|---|---|---|---|---|"
    yield from (f"| {c.code} | {c.status} | {c.summary} | {c.mark} | {c.source} |" for c in CODES.values())


def _endpoints() -> Iterator[str]:
    yield "| method | path | since | gone | who may | does |"
    yield "|---|---|---|---|---|---|"
    for line in TABLE:
        does = line.does.rstrip(".")
        yield f"| {line.method} | `{line.path}` | {line.since} | {line.until or ''} | {line.who} | {does} |"
