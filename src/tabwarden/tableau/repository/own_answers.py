"""What the repository's own functions `perm_users_*_capabilities` say people may, as Tableau itself computes it.

The data dictionary names them and tells neither what they take nor what they give: both are read from their
declaration (B). An argument is understood by its name (site, user, or what the function is about), a column too.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, NamedTuple

import psycopg

from tabwarden.tableau.repository.codes import capability_of, kind_of
from tabwarden.tableau.repository.connecting import Repository

_FUNCTIONS = r"""
select p.oid::bigint, p.proname, has_function_privilege(p.oid, 'execute'), coalesce(p.proargnames, '{}'),
  coalesce(p.proargmodes::text[], '{}'),
  array(select format_type(t, null) from unnest(coalesce(p.proallargtypes, p.proargtypes::oid[])) t)
from pg_catalog.pg_proc p where p.proname like 'perm\_users\_%\_capabilities' order by 2, 1
"""
_TABLES = {
    "project": "projects",
    "workbook": "workbooks",
    "view": "views",
    "datasource": "datasources",
    "flow": "flows",
}


class Function(NamedTuple):
    """One function: what it is about, and the names and types of what it takes; `why` says why it is not asked."""

    oid: int
    name: str
    kind: str
    takes: tuple[tuple[str, str], ...]
    why: str = ""


class OwnAnswer(NamedTuple):
    """What a function says: ids of user and content, the REST name of the capability, and Tableau's reason or ''."""

    user: str
    capability: str
    content: str
    allowed: bool
    reason: str


def functions_of(repository: Repository) -> list[Function]:
    """Every such function, those too that cannot be asked."""
    rows = repository.connection.execute(_FUNCTIONS.encode()).fetchall()
    return [_function(*row) for row in rows]


def _function(oid: Any, name: Any, may: Any, names: Any, modes: Any, types: Any) -> Function:
    word = name.removeprefix("perm_users_").removesuffix("_capabilities")
    kind = kind_of(word) or kind_of(word.removesuffix("s")) or ""
    modes = modes or ["i"] * len(types)
    pairs = zip(names or [""] * len(types), modes, types, strict=False)
    takes = tuple((str(one), str(type_)) for one, mode, type_ in pairs if mode in ("i", "b", "v"))
    strange = [one for one, _ in takes if not _part(one, kind)]
    why = ""
    if not may:
        why = "the role may not call it; let an administrator grant EXECUTE on it"
    elif kind not in _TABLES:
        why = "it is about content that is not compared"
    elif strange:
        why = f"it takes `{strange[0] or 'an argument without a name'}`, which nobody has written down"
    return Function(oid, name, kind, takes, why)


def _part(name: str, kind: str) -> str:
    """What an argument or column of that name is: site, user, content; '' for none of them."""
    words = name.casefold()
    return next((what for what in ("site", "user") if what in words), "content" if _is_content(words, kind) else "")


def _is_content(words: str, kind: str) -> bool:
    return any(word in words for word in (kind, "authorizable", "object", "content") if word)


def answers_of(repository: Repository, function: Function, site: str, users: Iterable[str]) -> list[OwnAnswer]:
    """What it says of these users (ids) on everything of its kind; ValueError in words where that is not understood.

    `site` is the id of the site.
    """
    connection: psycopg.Connection[Any] = repository.connection
    (number,) = connection.execute("select id from sites where luid::text = %s", (site,)).fetchone() or (None,)
    ids: dict[str, dict[Any, Any]] = {
        what: dict(
            connection.execute(f"select id, luid::text from {table} where site_id = %s".encode(), (number,)).fetchall()
        )
        for what, table in (("user", "users"), ("content", _TABLES[function.kind]))
    }
    wanted = [one for one, luid in ids["user"].items() if luid in set(users)]
    try:
        with connection.transaction():
            return [answer for row in _rows(connection, function, number, wanted, ids) for answer in row]
    except psycopg.Error as failed:
        raise ValueError(f"it failed: {type(failed).__name__}") from None


def _rows(
    connection: psycopg.Connection[Any],
    function: Function,
    site: Any,
    users: list[Any],
    ids: Mapping[str, Mapping[Any, str]],
) -> Iterator[Iterator[OwnAnswer]]:
    """Its rows for all users at once where it takes a list of them, else for one after the other."""
    names = dict(connection.execute("select id, name from capabilities").fetchall())
    many = {_part(name, function.kind): type_.endswith("[]") for name, type_ in function.takes}
    each_user = [users] if many.get("user") or "user" not in many else users
    contents = list(ids["content"])
    each_content = [contents] if many.get("content") or "content" not in many else contents
    marks = ", ".join(f"%s::{type_}" for _, type_ in function.takes)
    for user in each_user:
        for content in each_content:
            values = {"site": site, "user": user, "content": content}
            given = [values[_part(name, function.kind)] for name, _ in function.takes]
            cursor = connection.execute(f"select * from {function.name}({marks})".encode(), given)
            columns = [column.name.casefold() for column in cursor.description or ()]
            yield _told(function, columns, cursor.fetchall(), ids, (user, content), names)


def _told(
    function: Function,
    columns: list[str],
    rows: list[Any],
    ids: Mapping[str, Mapping[Any, str]],
    asked_of: tuple[Any, Any],
    names: Mapping[Any, str],
) -> Iterator[OwnAnswer]:
    place: dict[str, int] = {}
    for number, name in enumerate(columns):
        what = "capability" if "capab" in name else "reason" if "reason" in name else _part(name, function.kind)
        what = what or ("allowed" if any(word in name for word in ("allow", "grant", "permi", "has")) else "")
        place.setdefault(what, number)
    if not {"capability", "allowed"} <= place.keys():
        raise ValueError(f"it gives {', '.join(columns)}, of which nobody has written down what they mean")
    for row in rows:
        user = row[place["user"]] if "user" in place else asked_of[0]
        content = row[place["content"]] if "content" in place else asked_of[1]
        name = row[place["capability"]]
        reason = str(row[place["reason"]]) if "reason" in place else ""
        if user in ids["user"] and content in ids["content"]:
            capability = capability_of(str(names.get(name, name)))
            yield OwnAnswer(ids["user"][user], capability, ids["content"][content], _yes(row[place["allowed"]]), reason)


def _yes(value: Any) -> bool:
    """Of a truth value or one of the codes 1 to 4 of a rule: 1 and 3 allow."""
    return value if isinstance(value, bool) else str(value).casefold() in ("1", "3", "t", "true", "allow", "allowed")
