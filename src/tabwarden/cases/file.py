"""A case file read: what each case states, what is wrong with it, and the Site it describes."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any

from tabwarden.cases.names import bare, meant
from tabwarden.cases.schema import CASE, CASE_ON_SNAPSHOT, breaks
from tabwarden.model.capability import KINDS as CONTENT_KINDS
from tabwarden.model.capability import kind_named
from tabwarden.model.errors import UnknownName, WorldError
from tabwarden.model.names import hint
from tabwarden.model.open_points import CURRENT
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
from tabwarden.safe_files import read_text
from tabwarden.troubles import why

Json = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Case:
    """One case as it stands in its file; `raw` is the JSON object, by REST names.

    A case with `problems` is not run: its keys or names are wrong.
    """

    id: str
    kind: str
    model: str
    raw: Json
    problems: tuple[str, ...] = ()


def load(path: Path, *, of_snapshot: bool = False) -> tuple[Case, ...]:
    """The cases of a file: a JSON array, alone or as `cases`, or one JSON object a line.

    WorldError for what is no JSON, or has no case.

    Questions `of_snapshot` need no setup, kind or id: the Site is there, and the question tells the rest.
    """
    try:
        text = read_text(path)
    except (OSError, UnicodeDecodeError) as error:
        raise WorldError(f"`{path}` cannot be read: {why(error)}") from None
    items = _items(path, text)
    if not items:
        raise WorldError(f"`{path}` holds no case; write a list of cases (`tabwarden help case-files`)")
    return tuple(case_of(item, number, of_snapshot=of_snapshot) for number, item in enumerate(items, 1))


def _items(path: Path, text: str) -> list[Any]:
    if text.lstrip().startswith("["):
        return list(_parsed(path, text, 1))
    with suppress(ValueError, RecursionError, WorldError):  # what is wrong is told below, with its line
        whole = json.loads(text, object_pairs_hook=_each_once)
        if isinstance(whole, dict):
            return whole["cases"] if isinstance(whole.get("cases"), list) and "question" not in whole else [whole]
    lines = [(number, line) for number, line in enumerate(text.splitlines(), 1) if line.strip()]
    return [_parsed(path, line, number) for number, line in lines]


def _parsed(path: Path, text: str, line: int) -> Any:
    try:
        return json.loads(text, object_pairs_hook=_each_once)
    except json.JSONDecodeError as error:
        where = f"line {line + error.lineno - 1}"
        raise WorldError(f"`{path}` is not JSON ({where}); check the quotes, brackets and commas there") from None
    except WorldError as error:
        raise WorldError(f"`{path}` {error} (line {line} or below)") from None
    except (ValueError, RecursionError):
        words = "holds a number that is too long, or is nested too deep"
        raise WorldError(f"`{path}` {words} (line {line} or below)") from None


def _each_once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    keys = [key for key, _ in pairs]
    twice = next((key for key in keys if keys.count(key) > 1), None)
    if twice is not None:
        raise WorldError(f"has the key `{twice}` twice in one object; the first of them would be lost")
    return dict(pairs)


def case_of(item: Any, number: int = 1, *, of_snapshot: bool = False) -> Case:
    """One case: by the schema first, and where it fits that by its names."""
    raw = item if isinstance(item, dict) else {}
    problems = list(breaks(CASE_ON_SNAPSHOT if of_snapshot else CASE, item))
    if of_snapshot and raw.get("kind") == "provisioning":
        problems = ["an event is not a question that a snapshot answers"]
    question = raw.get("question")
    if not problems and not of_snapshot:
        raw, problems = meant(raw)
    kind = raw.get("kind") or ("action" if isinstance(question, dict) and "action" in question else "capability")
    return Case(str(raw.get("id", f"case {number}")), str(kind), str(raw.get("model", CURRENT)), raw, tuple(problems))


# -- the site of a case ---------------------------------------------------------------------------------------


def site_of(setup: Json) -> Site:
    """The Site a case describes. People's names are their ids, a project's is `project:NAME`, other content's
    `content:NAME`: a project and a workbook may share a name.
    """
    contents = [_project(name, spec) for name, spec in (setup.get("projects") or {}).items()]
    others = setup.get("content") or {}
    contents += [_content(name, spec, others) for name, spec in others.items()]
    sets = (setup.get("group_sets") or {}).items()
    return Site(
        users={name: User(name, name, spec["role"]) for name, spec in (setup.get("users") or {}).items()},
        groups=_groups(setup.get("groups") or {}),
        group_sets={name: GroupSet(name, name, frozenset(listed)) for name, listed in sets},
        contents={content.id: content for content in contents},
        settings=SiteSettings(**(setup.get("site") or {})),
    )


def content_id(site: Site, words: str | None, *, project: bool = False) -> str | None:
    """The id of `project:P`, `content:W`, `workbook:W` or a bare name; of two with a bare name, `project` decides."""
    if words is None:
        return None
    kind, colon, name = words.partition(":")
    if colon and kind in ("project", "content", *CONTENT_KINDS):
        return words if kind == "project" else f"content:{name}"
    either = (f"project:{words}", f"content:{words}") if project else (f"content:{words}", f"project:{words}")
    return next((candidate for candidate in either if candidate in site.contents), either[0])


def thing_on(site: Site, words: str, field: str, *, project: bool = False) -> str:
    """The id of what is on the site by that name; UnknownName with the field that says so and the names near it."""
    content = str(content_id(site, words, project=project))
    if content not in site.contents:
        raise UnknownName(f"`{field}`: there is no `{words}`{hint(content, dict.fromkeys(site.contents, ''))}")
    return content


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
    defaults = {kind_named(k): rules_of(listed) for k, listed in (spec.get("defaults") or {}).items()}
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
    within = f"content:{bare(holder)}" if holder else named_project(spec.get("project"))
    return Content(
        f"content:{name}",
        kind_named(spec["type"]),
        name,
        within,
        spec.get("owner") or (others.get(bare(holder), {}).get("owner") if holder else None) or "",
        rules=rules_of(spec.get("rules") or ()),
        mode=spec.get("mode") or CUSTOMIZABLE,
        tabs=spec.get("tabs") is not False,
        uses=tuple(Use(f"content:{bare(use['datasource'])}", use["auth"]) for use in spec.get("uses") or ()),
    )


def rules_of(listed: Iterable[Json]) -> Rules:
    """`{grantee: "group:g", capability, mode}` objects as rules."""
    return frozenset(Rule(grantee_of(rule["grantee"]), rule["capability"], rule["mode"]) for rule in listed)


def grantee_of(words: str) -> Grantee:
    """`user:x`, `group:g` or `groupset:s`."""
    kind, _, name = words.partition(":")
    return Grantee({"groupset": "groupSet"}.get(kind.casefold(), kind.casefold()), name)
