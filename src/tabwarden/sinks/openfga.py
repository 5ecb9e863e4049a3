"""A mirror as relationship tuples for OpenFGA, with their model.

model.json      the authorization model: people, sets of viewers, one type a kind; a parent gives nothing
tuples.jsonl    every tuple
added.jsonl     what came and what went with the last change: for `fga tuple write` and `fga tuple delete`
removed.jsonl
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Any, ClassVar, Literal
from urllib.parse import quote

from pydantic import Field

from tabwarden.mirror.items import items_of, sets_of
from tabwarden.mirror.rows import KINDS, SITE
from tabwarden.sinks._files import DerivedSink

if TYPE_CHECKING:
    from tabwarden.mirror.tables import Tables

MODEL, TUPLES, ADDED, REMOVED = "model.json", "tuples.jsonl", "added.jsonl", "removed.jsonl"
USER, VIEWERS, MEMBER, VIEWER = "user", "viewers", "member", "viewer"


class OpenFgaSink(DerivedSink):
    """The model, every tuple, and the tuples of the last change."""

    type: Literal["openfga"] = Field(description="where the mirror goes")
    NEEDED: ClassVar[tuple[str, ...]] = (MODEL, TUPLES)

    def made(self, source: str, tables: Tables, earlier: Callable[[str], list[Any]]) -> Mapping[str, Iterable[Any]]:
        before = {_key(relationship): relationship for relationship in earlier(TUPLES)}
        after = {_key(relationship): relationship for relationship in tuples(source, tables)}
        return {
            REMOVED: [before[key] for key in sorted(before.keys() - after.keys())],
            ADDED: [after[key] for key in sorted(after.keys() - before.keys())],
            TUPLES: [after[key] for key in sorted(after)],
            MODEL: model(),
        }


def model() -> dict[str, Any]:
    """The authorization model, schema 1.1, in its JSON form."""
    return {
        "schema_version": "1.1",
        "type_definitions": [
            {"type": USER},
            _type(VIEWERS, MEMBER, [{"type": USER}]),
            *(_type(kind, VIEWER, [{"type": VIEWERS, "relation": MEMBER}]) for kind in (SITE, *KINDS)),
        ],
    }


def _type(name: str, relation: str, users: list[dict[str, str]]) -> dict[str, Any]:
    return {
        "type": name,
        "relations": {relation: {"this": {}}},
        "metadata": {"relations": {relation: {"directly_related_user_types": users}}},
    }


def tuples(source: str, tables: Tables) -> list[dict[str, str]]:
    """Who is in which set, and which set sees what."""
    relationships = [
        _tuple(object_of(USER, person), MEMBER, object_of(VIEWERS, f"{source}.{viewers}"))
        for viewers, people in sets_of(tables).items()
        for person in people
    ]
    relationships += [
        _tuple(f"{object_of(VIEWERS, f'{source}.{viewers}')}#{MEMBER}", VIEWER, object_of(item.kind, item.id))
        for item in items_of(tables)
        for viewers in item.viewers
    ]
    return relationships


def object_of(kind: str, name: str) -> str:
    """`kind:name` with everything escaped that OpenFGA reads itself: `*` would be everybody, `#` a relation."""
    return f"{kind}:{quote(name, safe='@+')}"


def _tuple(user: str, relation: str, on: str) -> dict[str, str]:
    return {"user": user, "relation": relation, "object": on}


def _key(relationship: dict[str, str]) -> tuple[str, str, str]:
    return relationship["user"], relationship["relation"], relationship["object"]
