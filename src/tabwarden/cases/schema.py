"""The schema of case files, a JSON Schema (draft 2020-12) made from the tables of the product, and what breaks it.

`tabwarden cases --schema` prints it; what names of people and content mean is checked apart (`cases.names`).
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import fields
from typing import Any

from tabwarden.access.abilities.ability import ACTIONS
from tabwarden.model.governing import LOCKED_TO_DATABASE
from tabwarden.model.names import hint
from tabwarden.model.open_points import BLOG, MODELS, OpenPoints
from tabwarden.model.site import ALLOW, CUSTOMIZABLE, DENY, MODES, ON_LOGIN, ON_SYNC
from tabwarden.model.site_settings import SiteSettings

Json = Mapping[str, Any]
TEXT: Json = {"type": "string", "minLength": 1}
FLAG: Json = {"type": "boolean"}
NUMBER: Json = {"type": "integer"}
ANYTHING: Json = {}
GRANTEE: Json = {"type": "string", "pattern": "^([Uu]ser|[Gg]roup|[Gg]roup[Ss]et):.+$", "examples": ["group:Staff"]}
CAPABILITY: Json = {"type": "string", "minLength": 1, "description": "by any of its names: Read, View, Web Edit"}


def _one_of(*words: str) -> Json:
    return {"type": "string", "enum": list(words)}


def _or_none(schema: Json) -> Json:
    return {"oneOf": [schema, {"type": "null"}]}


def _object(about: str, *required: str, **keys: Json) -> Json:
    schema: dict[str, Any] = {"type": "object", "description": about, "properties": keys, "additionalProperties": False}
    return schema | ({"required": list(required)} if required else {})


def _named(schema: Json) -> Json:
    return {"type": "object", "additionalProperties": schema}


def _list(schema: Json) -> Json:
    return {"type": "array", "items": schema}


RULE = _object(
    "a rule",
    "grantee",
    "capability",
    "mode",
    grantee=GRANTEE,
    capability=CAPABILITY,
    mode=_one_of(ALLOW, DENY),
)
RULES = _list(RULE)
PERSON = _object("a person", "role", role=TEXT)
PROJECT = _object(
    "a project",
    parent=_or_none(TEXT),
    mode=_or_none(_one_of(*MODES)),
    owner=_or_none(TEXT),
    leaders=_list(GRANTEE),
    rules=RULES,
    defaults=_named(RULES),
)
CONTENT = _object(
    "a content",
    "type",
    type=TEXT,
    project=_or_none(TEXT),
    workbook=_or_none(TEXT),
    database=_or_none(TEXT),
    owner=_or_none(TEXT),
    tabs=_or_none(FLAG),
    mode=_or_none(_one_of(LOCKED_TO_DATABASE, CUSTOMIZABLE)),
    rules=RULES,
    uses=_list(
        _object("a data source behind it", "datasource", "auth", datasource=TEXT, auth=_one_of("embed", "prompt"))
    ),
)
GROUP = _object(
    "a group",
    members=_list(TEXT),
    minimum_site_role=_or_none(TEXT),
    grant_on=_or_none(_one_of(ON_LOGIN, ON_SYNC)),
    source=ANYTHING,
)
SITE = _object(
    "the site's settings",
    **{f.name: FLAG if isinstance(f.default, bool) else TEXT for f in fields(SiteSettings)},
)
_SITE_KEYS: dict[str, Json] = {
    "group_sets": _named(_list(TEXT)),
    "projects": _named(PROJECT),
    "content": _named(CONTENT),
    "site": SITE,
    "new_capabilities": _list(TEXT),
}
SETUP = _object("the site", users=_named(PERSON), groups=_named({"oneOf": [_list(TEXT), GROUP]}), **_SITE_KEYS)

_STEP_KEYS: dict[str, tuple[Json, str]] = {
    "set_mode": ({"mode": _one_of(*MODES, LOCKED_TO_DATABASE)}, "object project"),
    "show_tabs": ({}, "workbook object"),
    "hide_tabs": ({}, "workbook object"),
    "add_rule": ({"rule": RULE, "rules": RULES, "default_for": TEXT}, "object project workbook"),
    "remove_rule": ({"rule": RULE, "rules": RULES, "default_for": TEXT}, "object project workbook"),
    "publish": ({"id": TEXT, "type": TEXT, "by": TEXT, "tabs": FLAG, "views": _list(TEXT), "rules": RULES}, "project"),
    "create_project": (
        {"id": TEXT, "parent": _or_none(TEXT), "owner": TEXT, "by": TEXT, "mode": _or_none(_one_of(*MODES))},
        "",
    ),
    "move": ({"target": _or_none(TEXT)}, "object project workbook"),
    "overwrite": ({"by": TEXT}, "object workbook"),
    "change_owner": ({"to": TEXT}, "object project workbook"),
    "set_role": ({"user": TEXT, "role": TEXT}, ""),
    "remove_leader": ({"grantee": GRANTEE}, "project object"),
    "assign_to_contents": ({}, "project object"),
}
_STEP_NEEDS = {
    "set_mode": "mode",
    "publish": "id type by project",
    "create_project": "id",
    "overwrite": "by",
    "change_owner": "to",
    "set_role": "user role",
    "remove_leader": "grantee",
}
STEPS: Mapping[str, Json] = {
    op: _object(
        f"the step {op}",
        "op",
        *_STEP_NEEDS.get(op, "").split(),
        op={"const": op},
        **keys,
        **dict.fromkeys(about.split(), TEXT),
    )
    for op, (keys, about) in _STEP_KEYS.items()
}
_ASKED: dict[str, Json] = {
    "capability": CAPABILITY,
    "action": _one_of(*ACTIONS),
    "object": _or_none(TEXT),
    "target": _or_none(TEXT),
    "to": TEXT,
}
_EITHER: Json = {"anyOf": [{"required": ["capability", "object"]}, {"required": ["action"]}]}
_STEP: Json = {"oneOf": list(STEPS.values()), "discriminator": {"propertyName": "op"}}
QUESTION: Json = {**_object("a question", "user", user=TEXT, **_ASKED, steps=_list(_STEP)), **_EITHER}
ON_SNAPSHOT: Json = {**_object("a question", "user", user=TEXT, **_ASKED, steps=_list(TEXT)), **_EITHER}

# -- provisioning: what a directory says of people stands beside what is named here (`cases.events`) --------------

EVENTS = (
    *("sign_in", "add_user", "set_site_role", "remove_user", "delete_from_server", "assign_owner"),
    *("import", "directory_sync", "group_sync"),
)
HEIRS = ("map_assets_to", "mapAssetsTo", "map_to", "heir")


def _open(schema: Json) -> Json:
    return {**schema, "additionalProperties": True}


_SEATS: Json = _named({"oneOf": [NUMBER, _named(NUMBER)]})
EVENT_PERSON = _open(_object("a person", "role", role=TEXT, owns=_list(TEXT)))
EVENT_GROUP = _open(GROUP)
EVENT_SETUP = _open(
    _object(
        "the site",
        users=_named(EVENT_PERSON),
        groups=_named({"oneOf": [_list(TEXT), EVENT_GROUP]}),
        sites=_named(_object("a site", owns=_list(TEXT))),
        licences=_SEATS,
        licenses=_SEATS,
        **_SITE_KEYS,
    )
)
EVENT = _open(
    _object(
        "an event",
        "event",
        event=_one_of(*EVENTS),
        **dict.fromkeys(
            ("user", "group", "role", "import_role", "by_role", "content", "content_type", "to", *HEIRS), TEXT
        ),
        via=_one_of("REST", "UI"),
    )
)
PLACES_OF_WORDS: tuple[tuple[str, Json], ...] = (("setup", EVENT_SETUP), ("question", EVENT))

_OPEN_POINTS = _open(_object("open points", **dict.fromkeys((f.name for f in fields(OpenPoints)), ANYTHING)))
_ABOUT: dict[str, Json] = {
    "id": {"type": ["string", "integer"]},
    **dict.fromkeys(("topic", "source", "because", "confidence", "note"), TEXT),
    "model": _one_of(*MODELS, "both"),
    "expected": _one_of("allow", "deny"),
    "open_points": {"oneOf": [_OPEN_POINTS, _one_of(BLOG)]},
    "result": {"type": "object"},
}
_NEEDED = ("id", "kind", "setup", "question", "expected")
SEVERAL = ("capability", "action", "sequence")
CASE: Json = {
    "oneOf": [
        _object("a case", *_NEEDED, kind=_one_of(*SEVERAL), setup=SETUP, question=QUESTION, **_ABOUT),
        _object("a case", *_NEEDED, kind=_one_of("provisioning"), setup=EVENT_SETUP, question=EVENT, **_ABOUT),
    ],
    "discriminator": {"propertyName": "kind"},
}
CASE_ON_SNAPSHOT = _object(
    "a case", "question", "expected", kind=_one_of(*SEVERAL), setup=ANYTHING, question=ON_SNAPSHOT, **_ABOUT
)
SCHEMA: Json = {
    "$schema": "https://json-schema.org/draft/2020-12/schema",
    "title": "A case file of tabwarden",
    "type": "array",
    "minItems": 1,
    "items": CASE,
}


# -- what breaks it -----------------------------------------------------------------------------------------------

_TYPES: Mapping[str, tuple[type, str]] = {
    "object": (dict, "an object"),
    "array": (list, "a list"),
    "string": (str, "text"),
    "boolean": (bool, "true or false"),
    "integer": (int, "a whole number"),
    "null": (type(None), "null"),
}


def breaks(schema: Json, value: Any, place: str = "") -> Iterator[str]:
    """Every way in which a value breaks a schema of this module, each a sentence that names the place."""
    if "oneOf" in schema:
        yield from _of_several(schema, value, place)
        return
    types = _types(schema)
    if types and not any(_is(value, name) for name in types):
        yield f"{_at(place)} is {_said(value)}; it is to be {' or '.join(_TYPES[name][1] for name in types)}"
        return
    allowed = schema.get("enum", [schema["const"]] if "const" in schema else None)
    if allowed is not None and value not in allowed:
        near = _near(str(value), allowed)
        yield f"{_at(place)} is {_said(value)}{near or ', which is none of ' + ', '.join(allowed)}"
    if "pattern" in schema and not _grantee(value):
        yield f"{_at(place)} is {_said(value)}; write `user:NAME`, `group:NAME` or `groupset:NAME`"
    if schema.get("minLength") and value == "":
        yield f"{_at(place)} is empty"
    if isinstance(value, dict):
        yield from _in_object(schema, value, place)
    if isinstance(value, list) and "items" in schema:
        for number, item in enumerate(value):
            yield from breaks(schema["items"], item, f"{place}[{number}]")


def _in_object(schema: Json, value: Json, place: str) -> Iterator[str]:
    keys, others = schema.get("properties", {}), schema.get("additionalProperties", True)
    missing = [f"`{key}`" for key in schema.get("required", ()) if key not in value]
    either = [one["required"] for one in schema.get("anyOf", ())]
    if either and not any(key in value for key in (one[0] for one in either)):
        missing.append(" or ".join(f"`{one[0]}`" for one in either))
    elif either and not any(all(key in value for key in one) for one in either):
        missing += [f"`{key}`" for one in either if one[0] in value for key in one[1:]]
    if missing:
        yield f"{_at(place)} lacks {', '.join(missing)}"
    for key, inner in value.items():
        below = f"{place}.{key}" if place else key
        if key in keys:
            yield from breaks(keys[key], inner, below)
        elif others is False:
            yield no_key(schema, key, place)
        elif others is not True:
            yield from breaks(others, inner, below)


def _of_several(schema: Json, value: Any, place: str) -> Iterator[str]:
    """Of several schemas the one that is meant: by its type, or by the key that tells them apart."""
    branches = schema["oneOf"]
    by = schema.get("discriminator", {}).get("propertyName")
    if by is not None and isinstance(value, dict):
        words = [branch["properties"][by].get("enum", [branch["properties"][by].get("const")]) for branch in branches]
        branches = [branch for branch, known in zip(branches, words, strict=True) if value.get(by) in known]
        if not branches:
            key = {"enum": [word for known in words for word in known]}
            yield from breaks({"required": [by], "properties": {by: key}}, value, place)
            return
    fitting = [branch for branch in branches if not _types(branch) or any(_is(value, t) for t in _types(branch))]
    if fitting:
        yield from breaks(fitting[0], value, place)
    else:
        names = dict.fromkeys(name for branch in branches for name in _types(branch))
        yield from breaks({"type": list(names)}, value, place)


def _types(schema: Json) -> list[str]:
    types = schema.get("type", [])
    return [types] if isinstance(types, str) else list(types)


def no_key(schema: Json, key: str, place: str) -> str:
    """That a key is none of a schema's, with those near it."""
    keys = schema["properties"]
    near = _near(key, keys)
    return f"{_at(place)} has no key `{key}`{near or '; its keys are ' + ', '.join(keys)}"


def _near(words: str, names: Any) -> str:
    return hint(words, {str(name): "" for name in names})


def _at(place: str) -> str:
    return f"`{place}`" if place else "the case"


def _said(value: Any) -> str:
    if isinstance(value, list | dict):
        return "a list" if isinstance(value, list) else "an object"
    return f"`{value if isinstance(value, str) else json.dumps(value)}`"


def _is(value: Any, name: str) -> bool:
    return isinstance(value, _TYPES[name][0]) and not (isinstance(value, bool) and name == "integer")


def _grantee(words: str) -> bool:
    kind, colon, name = words.partition(":")
    return bool(colon and name) and kind.casefold() in ("user", "group", "groupset")
