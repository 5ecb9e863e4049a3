"""The page that says what the sandbox answers, made from the endpoint table and the error table."""

from __future__ import annotations

from collections.abc import Iterator

from tabwarden.sandbox.faults.script import KINDS
from tabwarden.sandbox.http.endpoints import TABLE
from tabwarden.sandbox.http.error_table import lines_of
from tabwarden.sandbox.http.errors import CODES, REASONS
from tabwarden.sandbox.http.routing import WHO
from tabwarden.sandbox.state.personality import CLOUD, OPTIONS, PERSONALITIES, SERVER, words_of


def page() -> Iterator[str]:
    """The lines of docs/reference/sandbox-endpoints.md."""
    yield "# What the sandbox answers"
    yield ""
    yield f"{len(TABLE)} endpoints. Paths follow `/api/VERSION/`; `since` is the first API version that has it, `gone`"
    yield "the first that no longer does. What is not listed answers 404 (code 404003)."
    yield ""
    yield from _endpoints()
    yield ""
    yield "Beside them: the Metadata API (`/api/metadata/graphql`, since 3.5), content search (`/api/-/search`, since"
    yield "3.16) and the VizQL Data Service (`/api/v1/vizql-data-service/`: `read-metadata`, `query-datasource` since"
    yield "3.25, `get-datasource-model` since 3.27)."
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
    yield ""
    yield from _refusals()
    yield ""
    yield from _options()
    yield ""
    yield from _faults()


def _endpoints() -> Iterator[str]:
    yield "| method | path | since | gone | who may | does |"
    yield "|---|---|---|---|---|---|"
    for line in TABLE:
        does = line.does.rstrip(".")
        yield f"| {line.method} | `{line.path}` | {line.since} | {line.until or ''} | {line.who} | {does} |"


def _refusals() -> Iterator[str]:
    yield "## What refuses a request"
    yield ""
    yield "Each reason has a usual code; an endpoint that answers another is named beside it, with the mark of that."
    yield ""
    yield "| reason | usually | when | elsewhere |"
    yield "|---|---|---|---|"
    others: dict[str, dict[str, list[str]]] = {}
    for endpoint in TABLE:
        for line in lines_of(endpoint.method, endpoint.path).values():
            code = line.code if line.code.startswith(str(line.status)) else f"{line.code} with status {line.status}"
            if code != REASONS[line.reason].code:
                names = others.setdefault(line.reason, {}).setdefault(f"{code} ({line.mark})", [])
                names.append(f"`{endpoint.name.replace('sites/{site}/', '')}`")
    for name, reason in REASONS.items():
        elsewhere = "; ".join(f"{code}: {', '.join(names)}" for code, names in others.get(name, {}).items())
        yield f"| {name} | {reason.code} | {reason.words} | {elsewhere} |"


def _options() -> Iterator[str]:
    yield "## Personality options"
    yield ""
    yield "`--play NAME=VALUE` sets one. Every code marked B has one too: `--play code_409010=409004`."
    yield ""
    yield "| option | what | takes | server | cloud |"
    yield "|---|---|---|---|---|"
    for name, option in OPTIONS.items():
        server, cloud = (_shown(getattr(PERSONALITIES[kind], name)) for kind in (SERVER, CLOUD))
        yield f"| `{name}` | {option.metadata['does']} | {words_of(name)} | {server} | {cloud} |"


def _shown(value: object) -> str:
    if isinstance(value, bool):
        return "on" if value else "off"
    return f"{value:g}" if isinstance(value, float) else str(value)


def _faults() -> Iterator[str]:
    yield "## Faults"
    yield ""
    yield "For a script of faults: which requests they strike is chosen by the fields that all of them take."
    yield ""
    yield "| fault | what happens | takes |"
    yield "|---|---|---|"
    for name, kind in KINDS.items():
        yield f"| `{name}` | {kind.does} | {', '.join(f'`{field}`' for field in kind.takes)} |"
