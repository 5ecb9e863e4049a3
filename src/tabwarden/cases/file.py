"""A case file read: what each case states, and the Site it describes. Not running it."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any

from tabwarden.model.errors import WorldError
from tabwarden.model.site import (
    ALL_USERS,
    ALLOW,
    Content,
    Grantee,
    Group,
    GroupSet,
    Rule,
    Rules,
    Site,
    SiteSettings,
    Use,
    User,
)
from tabwarden.model.switches import CURRENT, MODELS

KINDS = ("capability", "action", "sequence", "provisioning")
Json = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Case:
    """One case as it stands in its file; `raw` is the JSON object."""

    id: str
    kind: str
    model: str
    raw: Json


def load(path: Path) -> tuple[Case, ...]:
    """The cases of a file: a JSON array, or one JSON object a line. Raises WorldError naming file and case."""
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise WorldError(f"`{path}` cannot be read as UTF-8 text: {error}") from None
    return tuple(_case(path, number, item) for number, item in enumerate(_items(path, text), 1))


def _items(path: Path, text: str) -> list[Any]:
    try:
        if text.lstrip().startswith("["):
            return list(json.loads(text))
        return [json.loads(line) for line in text.splitlines() if line.strip()]
    except json.JSONDecodeError as error:
        raise WorldError(f"`{path}` is not JSON: {error.msg} (line {error.lineno})") from None


def _case(path: Path, number: int, item: Any) -> Case:
    where = f"`{path}`, case {number}"
    if not isinstance(item, dict):
        raise WorldError(f"{where}: a case is a JSON object")
    missing = [f for f in ("id", "kind", "setup", "question", "expected") if f not in item]
    if missing:
        raise WorldError(f"{where}: `{', '.join(missing)}` is missing")
    if item["kind"] not in KINDS:
        raise WorldError(f"{where}: kind `{item['kind']}` is none of {', '.join(KINDS)}")
    if item["expected"] not in ("allow", "deny"):
        raise WorldError(f"{where}: expected `{item['expected']}` is neither allow nor deny")
    model = item.get("model", CURRENT)
    if model not in (*MODELS, "both"):
        raise WorldError(f"{where}: model `{model}` is none of {', '.join(MODELS)}, both")
    return Case(str(item["id"]), item["kind"], model, item)


# -- the site of a case ---------------------------------------------------------------------------------------


def site_of(setup: Json) -> Site:
    """The Site a case describes; its names are the ids."""
    users = {name: User(name, name, spec["role"]) for name, spec in setup.get("users", {}).items()}
    contents = {name: _project(name, spec) for name, spec in setup.get("projects", {}).items()}
    for name, spec in setup.get("content", {}).items():
        contents[name] = _content(name, spec, setup.get("content", {}))
    return Site(
        users=users,
        groups=_groups(setup.get("groups", {})),
        group_sets={name: GroupSet(name, name, frozenset(g)) for name, g in setup.get("group_sets", {}).items()},
        contents=contents,
        settings=SiteSettings(**setup.get("site", {})),
    )


def _groups(specs: Mapping[str, Any]) -> dict[str, Group]:
    groups = {ALL_USERS: Group(ALL_USERS, ALL_USERS, everyone=True)}
    for name, spec in specs.items():
        listed = spec if isinstance(spec, list) else spec.get("members", [])
        more = {} if isinstance(spec, list) else spec
        groups[name] = Group(
            name,
            name,
            members=frozenset(listed),
            minimum_site_role=more.get("minimum_site_role"),
            grant_on=more.get("grant_on"),
            everyone=name == ALL_USERS,
        )
    return groups


def _project(name: str, spec: Json) -> Content:
    leaders = (Rule(grantee_of(words), "ProjectLeader", ALLOW) for words in spec.get("leaders", ()))
    return Content(
        name,
        "project",
        name,
        spec.get("parent"),
        spec.get("owner", ""),
        rules=rules_of(spec.get("rules", ())) | frozenset(leaders),
        mode=spec.get("mode", "ManagedByOwner"),
        defaults=MappingProxyType({_kind(k): rules_of(listed) for k, listed in spec.get("defaults", {}).items()}),
    )


def _content(name: str, spec: Json, others: Json) -> Content:
    workbook = spec.get("workbook")
    owner = spec.get("owner") or others.get(workbook or "", {}).get("owner", "")
    return Content(
        name,
        _kind(spec["type"]),
        name,
        workbook or spec.get("database") or spec.get("project"),
        owner,
        rules=rules_of(spec.get("rules", ())),
        mode=spec.get("mode", "ManagedByOwner"),
        tabs=bool(spec.get("tabs", True)) if spec.get("tabs") is not None else True,
        uses=tuple(Use(use["datasource"], use["auth"]) for use in spec.get("uses", ())),
    )


def _kind(words: str) -> str:
    plain = words.casefold().replace("_", "").replace(" ", "").replace("-", "")
    return {"vc": "virtualconnection", "sheet": "view"}.get(plain, plain)


def rules_of(listed: Iterable[Json]) -> Rules:
    """`{grantee: "group:g", capability, mode}` objects as rules."""
    return frozenset(Rule(grantee_of(rule["grantee"]), rule["capability"], rule["mode"]) for rule in listed)


def grantee_of(words: str) -> Grantee:
    """`user:x`, `group:g` or `groupset:s`."""
    kind, _, name = words.partition(":")
    return Grantee({"groupset": "groupSet"}.get(kind.casefold(), kind.casefold()), name)
