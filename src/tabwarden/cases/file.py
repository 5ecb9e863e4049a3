"""A case file read: what each case states, and the Site it describes."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from types import MappingProxyType
from typing import Any

from tabwarden.model.capability import KINDS as CONTENT_KINDS
from tabwarden.model.errors import WorldError
from tabwarden.model.open_points import CURRENT, MODELS
from tabwarden.model.site import (
    ALL_USERS,
    ALLOW,
    CUSTOMIZABLE,
    Content,
    Grantee,
    Group,
    GroupSet,
    Rule,
    Rules,
    Site,
    Use,
    User,
)
from tabwarden.model.site_settings import SiteSettings

KINDS = ("capability", "action", "sequence", "provisioning")
Json = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Case:
    """One case as it stands in its file; `raw` is the JSON object."""

    id: str
    kind: str
    model: str
    raw: Json


def load(path: Path, *, of_snapshot: bool = False) -> tuple[Case, ...]:
    """The cases of a file: a JSON array, or one JSON object a line. Raises WorldError naming file and case.

    Questions `of_snapshot` need no setup, kind or id: the Site is there, and the question tells the rest.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise WorldError(f"`{path}` cannot be read as UTF-8 text: {error}") from None
    listed = enumerate(_items(path, text), 1)
    return tuple(_case(path, n, _completed(n, item) if of_snapshot else item) for n, item in listed)


def _completed(number: int, item: Any) -> Any:
    if not isinstance(item, dict) or not isinstance(item.get("question"), dict):
        return item
    kind = "action" if "action" in item["question"] else "capability"
    return {"id": f"case {number}", "kind": kind, "setup": {}, **item}


def _items(path: Path, text: str) -> list[Any]:
    if text.lstrip("\ufeff \t\r\n").startswith("["):
        return list(_parsed(path, text.removeprefix("\ufeff"), 1))
    return [_parsed(path, line, n) for n, line in enumerate(text.splitlines(), 1) if line.strip("\ufeff \t")]


def _parsed(path: Path, text: str, line: int) -> Any:
    try:
        return json.loads(text.removeprefix("\ufeff"))
    except json.JSONDecodeError as error:
        raise WorldError(f"`{path}` is not JSON: {error.msg} (line {line + error.lineno - 1})") from None


def _case(path: Path, number: int, item: Any) -> Case:
    where = f"`{path}`, case {number}"
    if not isinstance(item, dict):
        raise WorldError(f"{where}: a case is a JSON object")
    missing = [f for f in ("id", "kind", "setup", "question", "expected") if f not in item]
    if missing:
        raise WorldError(f"{where}: `{', '.join(missing)}` is missing")
    where = f"{where} (`{item['id']}`)"
    for part in ("setup", "question"):
        if not isinstance(item[part], dict):
            raise WorldError(f"{where}: `{part}` is a JSON object")
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
    """The Site a case describes. People's names are their ids, a project's is `project:NAME`, other content's
    `content:NAME`: a project and a workbook may share a name.
    """
    users = {name: User(name, name, role_of(spec)) for name, spec in _table(setup, "users")}
    contents = [_project(name, spec) for name, spec in _table(setup, "projects")]
    contents += [_content(name, spec, setup["content"]) for name, spec in _table(setup, "content")]
    sets = {name: GroupSet(name, name, frozenset(listed)) for name, listed in _table(setup, "group_sets")}
    groups = _groups(dict(_table(setup, "groups")))
    return Site(
        users=users,
        groups={**_named_only(contents, sets), **groups},
        group_sets=sets,
        contents={content.id: content for content in contents},
        settings=_settings(setup.get("site") or {}),
    )


def _table(setup: Json, part: str) -> Iterable[tuple[str, Any]]:
    table = setup.get(part) or {}
    if not isinstance(table, dict):
        raise ValueError(f"`{part}` of the setup is an object of names")
    return table.items()


def role_of(spec: Any) -> str:
    """The site role of a person of the setup: `{role: ...}`, or the role itself."""
    return str(spec if isinstance(spec, str) else spec["role"])


def _named_only(contents: Iterable[Content], sets: Mapping[str, GroupSet]) -> dict[str, Group]:
    """Groups that only a rule or a group set names: a case states everything, so nobody is in them."""
    lists = [rules for item in contents for rules in (item.rules, *item.defaults.values())]
    named = {r.grantee.id for rules in lists for r in rules or () if r.grantee.kind == "group"}
    return {name: Group(name, name) for name in named.union(*(item.groups for item in sets.values()))}


def _settings(spec: Json) -> SiteSettings:
    """The site's settings; one that is off and that this release does not know is a mistake, not an answer."""
    known = {f.name for f in fields(SiteSettings)}
    strange = [name for name, value in spec.items() if name not in known and value is False]
    if strange:
        raise ValueError(f"no site setting is called `{', '.join(strange)}`; they are {', '.join(sorted(known))}")
    return SiteSettings(**{name: value for name, value in spec.items() if name in known})


def content_id(site: Site, words: str | None, *, project: bool = False) -> str | None:
    """The id of `project:P`, `content:W`, `workbook:W` or a bare name; of two with a bare name, `project` decides."""
    if words is None:
        return None
    kind, colon, name = words.partition(":")
    if colon and kind in ("project", "content", *CONTENT_KINDS):
        return words if kind == "project" else f"content:{name}"
    either = (f"project:{words}", f"content:{words}") if project else (f"content:{words}", f"project:{words}")
    return next((candidate for candidate in either if candidate in site.contents), either[0])


def named_project(words: str | None) -> str | None:
    """The id of a project by its name, with or without `project:`."""
    return None if words is None else f"project:{words.removeprefix('project:')}"


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
    leaders = (Rule(grantee_of(words), "ProjectLeader", ALLOW) for words in spec.get("leaders") or ())
    defaults = {kind_of(k): rules_of(listed) for k, listed in (spec.get("defaults") or {}).items()}
    return Content(
        f"project:{name}",
        "project",
        name,
        named_project(spec.get("parent")),
        spec.get("owner") or "",
        rules=rules_of(spec.get("rules") or ()) | frozenset(leaders),
        mode=spec.get("mode") or CUSTOMIZABLE,
        defaults=MappingProxyType(defaults),
    )


def _content(name: str, spec: Json, others: Json) -> Content:
    holder = spec.get("workbook") or spec.get("database")
    within = f"content:{_bare(holder)}" if holder else named_project(spec.get("project"))
    return Content(
        f"content:{name}",
        kind_of(spec["type"]),
        name,
        within,
        spec.get("owner") or (others.get(_bare(holder), {}).get("owner") if holder else None) or "",
        rules=rules_of(spec.get("rules") or ()),
        mode=spec.get("mode") or CUSTOMIZABLE,
        tabs=spec.get("tabs") is not False,
        uses=tuple(Use(f"content:{_bare(use['datasource'])}", use["auth"]) for use in spec.get("uses") or ()),
    )


def _bare(words: str) -> str:
    return words.split(":", 1)[-1]


_KIND_WORDS = {"vc": "virtualconnection", "sheet": "view", "publisheddatasource": "datasource", "lenses": "lens"}


def kind_of(words: str) -> str:
    """A kind of content as people write it: `Virtual Connection`, `dataRoles`, `sheet`."""
    plain = "".join(c for c in words.casefold() if c.isalnum())
    plain = _KIND_WORDS.get(plain, plain)
    return plain.removesuffix("s") if plain.removesuffix("s") in CONTENT_KINDS else plain


def rules_of(listed: Iterable[Json]) -> Rules:
    """`{grantee: "group:g", capability, mode}` objects as rules."""
    return frozenset(Rule(grantee_of(rule["grantee"]), rule["capability"], rule["mode"]) for rule in listed)


def grantee_of(words: str) -> Grantee:
    """`user:x`, `group:g` or `groupset:s`."""
    kind, _, name = words.partition(":")
    return Grantee({"groupset": "groupSet"}.get(kind.casefold(), kind.casefold()), name)
