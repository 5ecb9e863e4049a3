"""Content search (`/api/-/search`): what somebody may View, by words, type, owner and time, in order of use.

Source: "Content Exploration Methods" of the public REST documentation; the fields of a hit are those that tableau-mcp
reads. What counts as a match is believed: every word stands in the name, the description, a tag or the project's name.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from tabwarden.model.site import Content
from tabwarden.model.usage import STANDING
from tabwarden.sandbox.content import visibility
from tabwarden.sandbox.content.shapes import PLURALS
from tabwarden.sandbox.http.call import Call, Reply
from tabwarden.sandbox.http.errors import Refusal
from tabwarden.sandbox.metadata.api import as_json
from tabwarden.sandbox.metadata.tables import PRETENDED
from tabwarden.sandbox.state.activity import number_of

PATH, NAME, SINCE = "/api/-/search", "-/search", "3.16"
USUAL, MOST = 10, 2000
Hit = dict[str, Any]
# What is counted of how many days: the last month, three, a year, and all.
_SPANS: Mapping[str, int | None] = {
    "hitsSmallSpanTotal": 30,
    "hitsMediumSpanTotal": 90,
    "hitsLargeSpanTotal": 365,
    "hitsTotal": None,
}
_ORDERS = (*_SPANS, "downstreamWorkbookCount")
_COMPARED: Mapping[str, Callable[[Any, Any], bool]] = {
    "eq": lambda value, wanted: str(value) == wanted,
    "in": lambda value, wanted: str(value) in wanted.strip("[]").split(","),
    "gt": lambda value, wanted: str(value) > wanted,
    "gte": lambda value, wanted: str(value) >= wanted,
    "lt": lambda value, wanted: str(value) < wanted,
    "lte": lambda value, wanted: str(value) <= wanted,
}
_FILTERED = ("type", "ownerId", "modifiedTime")


def is_asked(path: str) -> bool:
    """Whether a path belongs to this service."""
    return path.rstrip("/").lower() == PATH


def answer(call: Call) -> Reply:
    """Answer a search; errors are those of the REST API, in JSON."""
    call.acting = call.sessions.of(call.request.headers.get("x-tableau-auth"))
    call.acting.demand_scope("tableau:content:read")
    call.state.activity.by(call.acting.user, call.acting.initiator)
    if not call.personality.speaks(SINCE):
        raise Refusal("404003", "this version has no search")
    if call.request.method != "GET":
        raise Refusal("405000", f"{call.request.method} is not a way to ask for this")
    page, limit = _number(call, "page", 0), min(_number(call, "limit", USUAL), MOST)
    hits = _ordered(call, [hit for hit in _hits(call) if _fits(call, hit)])
    items = hits[page * limit : (page + 1) * limit]
    return as_json(
        {
            "hits": {
                "total": len(hits),
                "limit": limit,
                "pageIndex": page,
                "startIndex": page * limit,
                "items": [{"uri": f"{PATH}/{hit['type']}/{hit['luid']}", "content": hit} for hit in items],
            }
        }
    )


def refused(_call: Call, refusal: Refusal) -> Reply:
    """A refusal of the REST API's table."""
    error = {"summary": refusal.code.summary, "detail": refusal.detail, "code": refusal.code.code}
    return as_json({"error": error}, refusal.code.status)._replace(headers=refusal.headers)


def _number(call: Call, name: str, usual: int) -> int:
    words = call.query(name)
    if words is None:
        return usual
    if not (words.isascii() and words.isdigit() and len(words) < 10):
        raise Refusal("400000", f"`{name}` is a number, not `{words}`")
    return int(words)


def _hits(call: Call) -> Iterator[Hit]:
    uses, downstream = _uses(call), Counter[str]()
    for content in call.site.contents.values():
        downstream.update({use.datasource for use in content.uses})
    for kind in PLURALS:
        for content in visibility.visible(call.state, call.site, call.me.id, kind):
            yield _hit(call, content, uses, downstream)


def _uses(call: Call) -> Mapping[str, Counter[str]]:
    """How often each content was used, by the spans that are counted."""
    now = datetime.fromtimestamp(call.state.clock(), UTC).date()
    uses: dict[str, Counter[str]] = {name: Counter() for name in _SPANS}
    for row in call.state.usage.get(call.site.id, ()):
        for name, days in _SPANS.items():
            if row.what not in STANDING and (days is None or row.day >= (now - timedelta(days=days)).isoformat()):
                uses[name][row.content] += row.times
    return uses


def _hit(call: Call, content: Content, uses: Mapping[str, Counter[str]], downstream: Mapping[str, int]) -> Hit:
    site, details = call.site, call.state.details(content.id)
    parent, project = site.contents.get(content.parent or ""), site.contents.get(site.project_of(content.id) or "")
    owner = site.users.get(content.owner)
    named = owner is not None and (call.sees_people or owner.id == call.me.id)
    hit: Hit = {
        "type": content.kind,
        "luid": content.id,
        "title": content.name,
        "createdTime": content.created or None,
        "modifiedTime": content.updated or None,
        "ownerId": number_of(content.owner),
        "ownerName": (owner.full_name or owner.name) if owner is not None and named else None,
        "containerName": parent.name if parent is not None and visibility.sees(call, parent) else None,
        "projectId": number_of(project.id) if project is not None else None,
        "projectName": project.name if project is not None and visibility.sees(call, project) else None,
        "tags": sorted(details.tags),
        "comments": [],
        "favoritesTotal": 0,
        **{name: counts[content.id] for name, counts in uses.items()},
    }
    if content.kind == "view":
        hit |= {"caption": content.name, "sheetType": "view"}
    elif content.kind == "workbook":
        hit |= {"workbookDescription": content.description}
    elif content.kind in ("datasource", "database", "table"):
        hit |= {"isCertified": details.certified, "connectionType": PRETENDED}
        hit |= {"downstreamWorkbookCount": downstream.get(content.id, 0)}
        if content.kind == "datasource":
            hit |= {"hasExtracts": details.has_extracts, "datasourceIsPublished": True, "isConnectable": True}
            hit |= {"connectedWorkbooksCount": downstream.get(content.id, 0)}
    return {name: value for name, value in hit.items() if value is not None}


def _fits(call: Call, hit: Hit) -> bool:
    text = " ".join(str(hit.get(name, "")) for name in ("title", "workbookDescription", "projectName", "tags"))
    words = (call.query("terms") or "").casefold().split()
    return all(word in text.casefold() for word in words) and all(
        _COMPARED[operator](hit.get(name, ""), wanted) for name, operator, wanted in _filters(call)
    )


def _filters(call: Call) -> Iterator[tuple[str, str, str]]:
    for words in call.request.query.get("filter", ()):
        for expression in _split(words):
            name, operator, wanted = (*expression.split(":", 2), "", "")[:3]
            if name not in _FILTERED or operator not in _COMPARED:
                raise Refusal("400000", f"filter `{expression}` is no field:operator:value of {', '.join(_FILTERED)}")
            yield name, operator, wanted


def _split(words: str) -> Iterable[str]:
    """By commas that are not inside brackets."""
    parts = [""]
    for letter in words:
        if letter == "," and parts[-1].count("[") == parts[-1].count("]"):
            parts.append("")
        else:
            parts[-1] += letter
    return parts


def _ordered(call: Call, hits: list[Hit]) -> list[Hit]:
    for part in reversed((call.query("order_by") or "").split(",")):
        name, _colon, direction = part.partition(":")
        if part and (name not in _ORDERS or direction not in ("", "asc", "desc")):
            raise Refusal("400000", f"`order_by` takes {', '.join(_ORDERS)} with `:asc` or `:desc`, not `{part}`")
        if part:
            hits = sorted(hits, key=lambda hit: hit.get(name, 0), reverse=direction == "desc")
    return hits
