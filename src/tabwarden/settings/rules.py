"""What must hold between several settings. Not what each one may be alone.

The rules look at the values as they were written, before the models see them, so that their problems come together
with all others and none hides another.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from tabwarden.settings.lines import Place
from tabwarden.settings.model import Provision

Complaint = tuple[Place, str]
GROUP_SWITCHES = ("add_joiners_to_group", "remove_leavers_from_group", "add_leavers_to_group")
WAYS_TO_SIGN_IN = ("pat", "password", "jwt")


def complaints(values: Mapping[str, Any]) -> Iterator[Complaint]:
    """Every rule that is broken, as a place and a sentence."""
    for section, rule in _RULES:
        part = values.get(section)
        if isinstance(part, Mapping):
            yield from rule(part, values)


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


def _sources(sources: Mapping[str, Any], values: Mapping[str, Any]) -> Iterator[Complaint]:
    for name in ("joiners", "leavers"):
        source = sources.get(name)
        if isinstance(source, Mapping):
            yield from _source(("sources", name), source)
    provision = values.get("provision")
    provision = provision if isinstance(provision, Mapping) else {}
    on = [
        switch
        for switch in GROUP_SWITCHES
        if provision.get(switch, Provision.model_fields[switch].default) is not False
        and str(provision.get(switch)).lower() not in ("false", "no", "off", "0")
    ]
    if on and "group" not in provision and ("joiners" in sources or "leavers" in sources):
        switches = " and ".join(f"`{switch}`" for switch in on)
        yield (
            ("provision", "group"),
            f"`provision.group` is missing and {switches} needs it; add `group: {{name: ...}}` or switch that off",
        )


def _source(place: Place, source: Mapping[str, Any]) -> Iterator[Complaint]:
    where = ".".join(str(part) for part in place)
    sql = source.get("type") == "sql"
    if sql and ("query" in source) == ("table" in source):
        word = "both `query` and `table`; keep one" if "query" in source else "neither `query` nor `table`; add one"
        yield (place, f"`{where}` has {word}")
    as_of = source.get("as_of")
    if ("stale_after" in source) != ("as_of" in source):
        missing, there = ("as_of", "stale_after") if "stale_after" in source else ("stale_after", "as_of")
        yield ((*place, there), f"`{where}.{there}` does nothing without `{missing}`; add `{where}.{missing}`")
    if isinstance(as_of, Mapping):
        if ("column" in as_of) == ("query" in as_of):
            yield ((*place, "as_of"), f"`{where}.as_of` needs exactly one of `column` and `query`")
        elif "query" in as_of and not sql and "type" in source:
            yield ((*place, "as_of", "query"), f"`{where}.as_of.query` needs `type: sql`; use `column`")


def _catalog(catalog: Mapping[str, Any], _: Mapping[str, Any]) -> Iterator[Complaint]:
    people = catalog.get("people")
    if isinstance(people, Mapping):
        yield from _source(("catalog", "people"), people)


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


_Rule = Callable[[Mapping[str, Any], Mapping[str, Any]], Iterator[Complaint]]
_RULES: tuple[tuple[str, _Rule], ...] = (
    ("tableau", _sign_in),
    ("sources", _sources),
    ("catalog", _catalog),
    ("mail", _mail),
)
