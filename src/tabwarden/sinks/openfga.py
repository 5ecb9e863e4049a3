"""A mirror as relationship tuples for OpenFGA, with their model. Not a client of its server.

model.json      the authorization model: people, sets of viewers, one type a kind; a parent gives nothing
tuples.jsonl    every tuple
added.jsonl     what came and what went with the last change: for `fga tuple write` and `fga tuple delete`
removed.jsonl
"""

from __future__ import annotations

from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from tabwarden.mirror.tables import Tables, items_of, sets_of
from tabwarden.mirror.visible import KINDS, SITE
from tabwarden.sinks import _derived

TYPE = "openfga"
MODEL, TUPLES, ADDED, REMOVED = "model.json", "tuples.jsonl", "added.jsonl", "removed.jsonl"
USER, VIEWERS, MEMBER, VIEWER = "user", "viewers", "member", "viewer"


@dataclass(frozen=True)
class Options:
    """`folder` holds a folder for each source."""

    folder: str


def held(options: Options, source: str) -> Tables:
    """What lies there of a source."""
    return _files(options, source).held()


def opened(options: Options, source: str) -> AbstractContextManager[_derived.DerivedFiles]:
    """The mirror of a source to be written."""
    return _derived.opened(_files(options, source))


def _files(options: Options, source: str) -> _derived.DerivedFiles:
    return _derived.DerivedFiles(options.folder, source, (MODEL, TUPLES), _made)


def _made(files: _derived.DerivedFiles, tables: Tables) -> _derived.Files:
    """Every file of these tables."""
    before = {_key(each): each for each in files.earlier(TUPLES)}
    after = {_key(each): each for each in tuples(files.source, tables)}
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
    found = [
        _tuple(object_of(USER, person), MEMBER, object_of(VIEWERS, f"{source}.{viewers}"))
        for viewers, people in sets_of(tables).items()
        for person in people
    ]
    found += [
        _tuple(f"{object_of(VIEWERS, f'{source}.{viewers}')}#{MEMBER}", VIEWER, object_of(item.kind, item.id))
        for item in items_of(tables)
        for viewers in item.viewers
    ]
    return found


def object_of(kind: str, name: str) -> str:
    """`kind:name` with everything escaped that OpenFGA reads itself: `*` would be everybody, `#` a relation."""
    return f"{kind}:{quote(name, safe='@+')}"


def _tuple(user: str, relation: str, on: str) -> dict[str, str]:
    return {"user": user, "relation": relation, "object": on}


def _key(found: dict[str, str]) -> tuple[str, str, str]:
    return found["user"], found["relation"], found["object"]
