"""What must hold between several settings, those of several sources of people too.

The rules look at the values as they were written, before the models see them, so that their problems come together
with all others and none hides another.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from tabwarden.model.names import hint, some
from tabwarden.section import loopback
from tabwarden.settings.lines import Place, dotted
from tabwarden.settings.model import Provision
from tabwarden.want.people.records import fits

Complaint = tuple[Place, str]
GROUP_TASKS = ("add_joiners_to_group", "remove_leavers_from_group", "add_leavers_to_group")
WAYS_TO_SIGN_IN = ("pat", "password", "jwt")


def complaints(values: Mapping[str, Any]) -> Iterator[Complaint]:
    """Every rule that is broken, as a place and a sentence."""
    for section, rule in _RULES:
        part = values.get(section)
        if isinstance(part, Mapping):
            yield from rule(part, values)
    yield from _groups(values.get("groups"), values)


def _groups(groups: object, values: Mapping[str, Any]) -> Iterator[Complaint]:
    listed = [one for one in groups if isinstance(one, Mapping)] if isinstance(groups, list) else []
    if listed and "directory" not in values:
        yield (("groups",), "`groups` does nothing without `directory`; add `directory: {file: ...}` or `domains`")
    names: list[str] = []
    for number, one in enumerate(listed):
        name = str(one.get("group", "")).strip().casefold()
        if name and name in names:
            yield ("groups", number, "group"), f"`groups` has `{one['group']}` twice; keep one"
        names.append(name)
        bare, into = name.rpartition("\\")[2], str(one.get("into") or "").strip().casefold()
        if one.get("by") == "import" and into and into != bare:
            why = "is another name than the group has, and an imported group keeps its own"
            yield ("groups", number, "into"), f"`groups[{number + 1}].into` {why}; remove it, or say `by: membership`"
        if "grant_on" in one and not one.get("minimum_site_role"):
            why = f"`groups[{number + 1}].grant_on` does nothing without `minimum_site_role`"
            yield ("groups", number, "grant_on"), f"{why}; add it or remove both"


def _sign_in(tableau: Mapping[str, Any], _: Mapping[str, Any]) -> Iterator[Complaint]:
    auth = tableau.get("auth")
    if not isinstance(auth, Mapping):
        return
    given = [way for way in WAYS_TO_SIGN_IN if way in auth]
    if not given:
        yield (("tableau", "auth"), "`tableau.auth` says no way to sign in; add `pat`, `password` or `jwt`")
    for way in given[1:]:
        yield (
            ("tableau", "auth", way),
            f"`tableau.auth` has {' and '.join(f'`{w}`' for w in given)}; keep one of them",
        )


def _repository(tableau: Mapping[str, Any], _: Mapping[str, Any]) -> Iterator[Complaint]:
    repository = tableau.get("repository")
    if isinstance(repository, Mapping) and repository.get("sslmode") == "verify-ca" and not repository.get("ca_file"):
        yield (
            ("tableau", "repository", "ca_file"),
            "`tableau.repository.ca_file` is missing and `sslmode: verify-ca` needs it; add it or use `verify-full`",
        )


def _sources(sources: Mapping[str, Any], values: Mapping[str, Any]) -> Iterator[Complaint]:
    leavers = sources.get("leavers")
    column = leavers.get("column") if isinstance(leavers, Mapping) else None
    named = column if isinstance(column, Mapping) else {}
    for key in ("full_name", "email", "auth_setting"):
        if named.get(key):
            where = f"sources.leavers.column.{key}"
            yield ((*where.split("."),), f"`{where}` does nothing: leavers go by their user name; take it out")
    for name in ("joiners", "leavers"):
        source = sources.get(name)
        if isinstance(source, Mapping):
            yield from _source(("sources", name), source)
            yield from _days(("sources", name), source, source.get("column"))
            column = source.get("column")
            if name == "leavers" and isinstance(column, Mapping) and "starts" in column:
                why = "does nothing: who leaves has started"
                yield (("sources", name, "column", "starts"), f"`sources.leavers.column.starts` {why}; take it out")
    provision = values.get("provision")
    provision = provision if isinstance(provision, Mapping) else {}
    on = [
        task
        for task in GROUP_TASKS
        if provision.get(task, Provision.model_fields[task].default) is not False
        and str(provision.get(task)).lower() not in ("false", "no", "off", "0")
    ]
    if on and "group" not in provision and ("joiners" in sources or "leavers" in sources):
        tasks = " and ".join(f"`{task}`" for task in on) + (" needs" if len(on) == 1 else " need")
        yield (
            ("provision", "group"),
            f"`provision.group` is missing and {tasks} it; add `group: {{name: ...}}` or switch that off",
        )


def _provision(provision: Mapping[str, Any], _: Mapping[str, Any]) -> Iterator[Complaint]:
    if provision.get("assets_to") and not _is_on(provision.get("remove_leavers")):
        yield (
            ("provision", "assets_to"),
            "`provision.assets_to` does nothing without `remove_leavers`; add `remove_leavers: true` or take it out",
        )
    if provision.get("auth_setting") and provision.get("idp_configuration_id"):
        yield (
            ("provision", "idp_configuration_id"),
            "`provision` has `auth_setting` and `idp_configuration_id`, which both say how people sign in; keep one",
        )


def _source(place: Place, source: Mapping[str, Any]) -> Iterator[Complaint]:
    where = dotted(place)
    sql = source.get("type") == "sql"
    if sql and ("query" in source) == ("table" in source):
        word = "both `query` and `table`; keep one" if "query" in source else "neither `query` nor `table`; add one"
        yield (place, f"`{where}` has {word}")
    yield from _file_options(place, source)
    as_of = source.get("as_of")
    if ("stale_after" in source) != ("as_of" in source):
        missing, there = ("as_of", "stale_after") if "stale_after" in source else ("stale_after", "as_of")
        yield ((*place, there), f"`{where}.{there}` does nothing without `{missing}`; add `{where}.{missing}`")
    if isinstance(as_of, Mapping):
        if ("column" in as_of) == ("query" in as_of):
            yield ((*place, "as_of"), f"`{where}.as_of` needs exactly one of `column` and `query`")
        elif "query" in as_of and not sql and "type" in source:
            yield ((*place, "as_of", "query"), f"`{where}.as_of.query` needs `type: sql`; use `column`")


def _days(place: Place, source: Mapping[str, Any], columns: object) -> Iterator[Complaint]:
    """`dates` says how days are written, where there are any."""
    if "dates" in source and not (isinstance(columns, Mapping) and {"starts", "ends"} & columns.keys()):
        where = dotted((*place, "dates"))
        yield (
            (*place, "dates"),
            f"`{where}` does nothing without a column `starts` or `ends`; name one, or take it out",
        )


def _file_options(place: Place, source: Mapping[str, Any]) -> Iterator[Complaint]:
    """What only text files have, and only workbooks."""
    path = str(source.get("path") or "").casefold()
    if source.get("type") != "file" or not path:
        return
    workbook = source.get("format") == "xlsx" or (source.get("format") is None and path.endswith((".xlsx", ".xlsm")))
    for key in ("delimiter", "encoding") if workbook else ("sheet",):
        if source.get(key) is not None:
            where, kind = dotted((*place, key)), "a workbook" if workbook else "a text file"
            yield ((*place, key), f"`{where}` does nothing for {kind}; take it out")


def _catalog(catalog: Mapping[str, Any], _: Mapping[str, Any]) -> Iterator[Complaint]:
    people = catalog.get("people")
    if isinstance(people, Mapping):
        yield from _source(("catalog", "people"), people)
        yield from _days(("catalog", "people"), people, None)
        if _is_on(people.get("delta")):
            why = "does nothing: a mirror does not judge how much the list shrank"
            yield ("catalog", "people", "delta"), f"`catalog.people.delta` {why}; take it out"
        column = people.get("column")
        for name in {"starts", "ends"} & column.keys() if isinstance(column, Mapping) else ():
            where = f"`catalog.people.column.{name}`"
            yield ("catalog", "people", "column", name), f"{where} does nothing: a catalog has no days; take it out"


def _people(people: Mapping[str, Any], _: Mapping[str, Any]) -> Iterator[Complaint]:
    for place, source in sources_in(people):
        yield from _source(place, source)
    yield from several_sources(people)


def _mail(mail: Mapping[str, Any], _: Mapping[str, Any]) -> Iterator[Complaint]:
    enabled = mail.get("enabled")
    if enabled is True or str(enabled).lower() in ("true", "yes", "on", "1"):
        for key, example in (
            ("host", "smtp.example.com"),
            ("from", "tabwarden@example.com"),
            ("to", "[ada@example.com]"),
        ):
            if not mail.get(key):
                yield (
                    ("mail", key),
                    f"`mail.{key}` is missing and `mail.enabled` needs it; add `{key}: {example}`",
                )
    if ("user" in mail) != ("password" in mail):
        missing, there = ("password", "user") if "user" in mail else ("user", "password")
        yield (("mail", there), f"`mail.{there}` does nothing without `mail.{missing}`; add it or remove both")


def _directory(directory: Mapping[str, Any], _: Mapping[str, Any]) -> Iterator[Complaint]:
    if ("file" in directory) == ("domains" in directory):
        word = "both `file` and `domains`; keep one" if "file" in directory else "neither `file` nor `domains`; add one"
        yield (("directory",), f"`directory` has {word}")
    domains = directory.get("domains")
    names: list[str] = []
    for number, domain in enumerate(domains if isinstance(domains, list) else ()):
        if not isinstance(domain, Mapping):
            continue
        name = str(domain.get("fqdn", "")).strip().lower()
        if name and name in names:
            yield (("directory", "domains", number, "fqdn"), f"`directory.domains` has `{name}` twice; keep one")
        names.append(name)
        servers = domain.get("servers")
        for server in servers if isinstance(servers, list) else (servers,):
            if domain.get("security") == "none" and isinstance(server, str) and not _protected(server):
                why = f"`directory.domains[{number + 1}].security` is none: the password would travel unprotected"
                yield ("directory", "domains", number, "security"), f"{why}; use `ldaps://`, or remove it for starttls"


def _protected(server: str) -> bool:
    try:
        return server.startswith("ldaps:") or loopback(server)
    except ValueError:
        return True  # no address at all, which is another complaint


_Rule = Callable[[Mapping[str, Any], Mapping[str, Any]], Iterator[Complaint]]
_RULES: tuple[tuple[str, _Rule], ...] = (
    ("tableau", _sign_in),
    ("tableau", _repository),
    ("sources", _sources),
    ("provision", _provision),
    ("catalog", _catalog),
    ("people", _people),
    ("mail", _mail),
    ("directory", _directory),
)


# -- several sources -----------------------------------------------------------------------------------------

PEOPLE, OVERRIDES = "people", "overrides"


def sources_in(people: Mapping[str, Any]) -> Iterator[tuple[Place, Mapping[str, Any]]]:
    """Every source of people, of overrides and of nestings, with its place."""
    for number, source in enumerate(_list(people, "sources")):
        if isinstance(source, Mapping) and isinstance(source.get("from"), Mapping):
            yield (PEOPLE, "sources", number, "from"), source["from"]
    nested = people.get("nested")
    if isinstance(nested, Mapping) and isinstance(nested.get("from"), Mapping):
        yield (PEOPLE, "nested", "from"), nested["from"]
    if isinstance(people.get("overrides_from"), Mapping):
        yield (PEOPLE, "overrides_from"), people["overrides_from"]


def several_sources(people: Mapping[str, Any]) -> Iterator[tuple[Place, str]]:
    """Every rule that is broken, as a place and a sentence."""
    for place, source in sources_in(people):
        if "column" in source:
            instead = "name the columns in `columns` beside `from`" if place[1] == "sources" else "take it out"
            yield (*place, "column"), f"`{dotted(place)}.column` is not used here; {instead}"
        if place[1] != "sources":
            yield from _days(place, source, None)
    names: list[str] = []
    for number, source in enumerate(_list(people, "sources")):
        if isinstance(source, Mapping):
            yield from _one(number, source, names)
    precedence = people.get("precedence")
    for field, listed in precedence.items() if isinstance(precedence, Mapping) else ():
        for name in [listed] if isinstance(listed, str) else listed if isinstance(listed, list) else ():
            if isinstance(name, str) and name not in names:
                place = (PEOPLE, "precedence", str(field))
                yield place, f"`people.precedence.{field}` names `{name}`, which is no source{_near(name, names)}"
    yield from _mapped_sources(people, names)
    nested = people.get("nested")
    if isinstance(nested, Mapping) and ("from" in nested) == _is_on(nested.get("directory")):
        word = (
            "both `from` and `directory`; keep one" if "from" in nested else "neither `from` nor `directory`; add one"
        )
        yield (PEOPLE, "nested"), f"`people.nested` has {word}"


def _near(name: str, names: list[str]) -> str:
    """The nearest names of sources, else all of them."""
    return hint(name, dict.fromkeys(names, ""), f"; there are: {some(names) or 'none'}")


def _mapped_sources(people: Mapping[str, Any], names: list[str]) -> Iterator[tuple[Place, str]]:
    """Conditions on a source that fit none of them."""
    for number, entry in enumerate(_list(people, "mapping")):
        when = entry.get("when") if isinstance(entry, Mapping) else None
        listed = when.get("source") if isinstance(when, Mapping) else None
        for pattern in [listed] if isinstance(listed, str) else listed if isinstance(listed, list) else ():
            if isinstance(pattern, str) and not any(fits(pattern, name) for name in names):
                place = (PEOPLE, "mapping", number, "when", "source")
                yield place, f"`{dotted(place)}` names `{pattern}`, which is no source{_near(pattern, names)}"


def _one(number: int, source: Mapping[str, Any], names: list[str]) -> Iterator[tuple[Place, str]]:
    place = (PEOPLE, "sources", number)
    name, columns = source.get("name"), source.get("columns")
    if isinstance(name, str):
        if name in names:
            yield (*place, "name"), f"`people.sources` has several sources called `{name}`; give each its own name"
        if name == OVERRIDES:
            yield (*place, "name"), f"`people.sources` may not call a source `{OVERRIDES}`: overrides are told so"
        names.append(name)
    columns = columns if isinstance(columns, Mapping) else {}
    if isinstance(source.get("from"), Mapping):
        yield from _days((*place, "from"), source["from"], columns)
        if _is_on(source["from"].get("delta")) and _is_on(source.get("authoritative")):
            where = f"`people.sources[{number + 1}]`"
            why = "so whoever is not among today's changes would count as left; take one of the two out"
            yield (*place, "authoritative"), f"{where} is `authoritative` and its list a `delta`, {why}"
    if "columns" in source and not any(columns.get(key) for key in ("key", "name", "email")):
        where = f"`people.sources[{number + 1}].columns`"
        yield (*place, "columns"), f"{where} names nothing to know people by; add `key`, `name` or `email`"
    if "status" in columns and "left" not in source and not _is_on(source.get("all_left")):
        where = f"`people.sources[{number + 1}]`"
        yield place, f"{where} has a status column and does not say what means left; add `left: [...]`"
    for words in ("left", "active"):
        if words not in source or "status" in columns:
            continue
        where = f"`people.sources[{number + 1}].{words}`"
        yield (*place, words), f"{where} does nothing without a status column; add `columns.status`"
    if _is_on(source.get("all_left")) and _is_on(source.get("authoritative")):
        where = f"`people.sources[{number + 1}]`"
        why = "so who comes back would vanish from it and count as left again; take `authoritative` out"
        yield (*place, "authoritative"), f"{where} is `all_left` and `authoritative`, {why}"


def _list(people: Mapping[str, Any], key: str) -> list[Any]:
    listed = people.get(key)
    return listed if isinstance(listed, list) else []


def _is_on(value: object) -> bool:
    return value is True or str(value).lower() in ("true", "yes", "on", "1")
