"""Words for what the models refuse, each with its remedy."""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from typing import Annotated, Any, get_args

from pydantic import AfterValidator, BaseModel, BeforeValidator, ValidationError
from pydantic_core import ErrorDetails

from tabwarden.model.capability import kind_named
from tabwarden.model.errors import UnknownName
from tabwarden.settings.lines import PREFIX, Place, Written, dotted
from tabwarden.settings.schema import SECTIONS, field_at, fields_of, keys_at, literals_in, members, models_at

SEED_SECTIONS = ("APP", "TASKS", "TABLEAU", "SNOWFLAKE", "EMAIL")
# What people write at the top that has its place in a section.
_ELSEWHERE = {"token": "tableau.auth.pat", "pat": "tableau.auth.pat", "url": "tableau.server", "host": "tableau.server"}
# What people look for that there is no key for, and what there is in place of it.
_VERIFIED = "certificates are always verified; `tableau.ca_file` adds the authority that signed yours"
_PROXY = "a proxy is taken from the environment, `HTTPS_PROXY` and `NO_PROXY`"
_INSTEAD = {
    **dict.fromkeys(
        "verify verify_ssl verify_tls ssl_verify verify_certificates verify_cert insecure ignore_ssl".split(), _VERIFIED
    ),
    **dict.fromkeys("proxy proxies http_proxy https_proxy".split(), _PROXY),
}
# How what has a pattern must look.
_PATTERNS = {
    "api_version": 'must look like `"3.21"`, in quotes',
    "prefix": "must be one word of letters, digits and `_` that begins with no digit, such as `tabwarden_`",
    "source": "must be one word of letters, digits, `.`, `_` and `-` that begins with one of the first two, as `acme`",
}
_TYPES = {
    "bool": "must be true or false",
    "int": "must be a whole number, without quotes",
    "float": "must be a number, without quotes",
    "date": "must be a day such as 2027-03-31",
    "path": "must be a path, in quotes if it looks like a number",
    "tuple": "must be a list such as `[a, b]`",
    "list": "must be a list such as `[a, b]`",
}


def _kind(words: str) -> str:
    try:
        return kind_named(words)
    except UnknownName as error:
        raise ValueError(str(error)) from None


Kind = Annotated[str, AfterValidator(_kind)]
"""A kind of content by any of its names."""


def place_of(error: ErrorDetails, values: Any) -> Place:
    """The place a model's error speaks of: its loc without the names of union members, which nobody wrote."""
    place: Place = ()
    for part in error["loc"]:
        if isinstance(values, Mapping):
            if part not in values and part == values.get("type"):
                continue
            values = values.get(part)
        elif isinstance(values, list) and isinstance(part, int) and part < len(values):
            values = values[part]
        elif values is not None:
            break
        place = (*place, part)
    return (*place, "type") if error["type"].startswith("union_tag") else place


def sentence(error: ErrorDetails, place: Place, written: Written) -> str:
    """What is wrong at a place and what to do about it."""
    name, kind = dotted(place), error["type"]
    if kind == "extra_forbidden":
        return unknown_key(place, written)
    if kind == "missing":
        return f"`{name}` is missing; add it{_meaning(place, written.values)}"
    if kind in ("union_tag_not_found", "union_tag_invalid"):
        models = models_at(place[:-1], written.values)
        *words, last = (f"`{word}`" for m in models for word in literals_in(m.model_fields["type"].annotation))
        missing = " is missing; it" * (kind == "union_tag_not_found")
        return f"`{name}`{missing} must be {', '.join(words)} or {last}"
    if kind == "literal_error":
        return f"`{name}` {_choice(place, written)}"
    if kind == "value_error":
        return f"`{name}` {error['ctx']['error']!s}"
    return f"`{name}` {_plain(error, place, written)}"


def complain_of_text(written: Written, error: ValidationError, root: type[BaseModel], schema: str) -> None:
    """Notes what is wrong with a text that is no part of the settings, checked by `root`; `schema` prints its schema.

    Places are without the names of the members of a union, which nobody wrote.
    """
    details = [(_written_place(one, written.values), one) for one in error.errors()]
    for place, one in details:
        own = tuple(one["loc"][-1:]) != place[-1:]  # of a member of a union, as a whole
        if own and any(len(other) > len(place) and other[: len(place)] == place for other, _ in details):
            continue  # another member fits but for something in it
        strange = _strange(place, written.values, root, schema) if one["type"] == "extra_forbidden" else ""
        words = "must be a text, or a mapping of keys and values" if own else of_a_text(one, strange)
        problem = f"`{dotted(place)}`: {words}"
        if not any(known.text.endswith(problem) for known in written.problems):
            written.complain(place, problem)


def of_a_text(error: ErrorDetails, strange: str) -> str:
    """What is wrong with a value of a text that is no part of the settings; `strange` of a key that nobody knows."""
    kind, context = error["type"], error.get("ctx", {})
    if kind in ("extra_forbidden", "missing"):
        return strange if kind == "extra_forbidden" else "is missing; add it"
    if kind == "value_error":
        return str(context["error"])
    if kind == "literal_error":
        return f"must be {context['expected'].replace(chr(39), '`')}"
    if kind in ("string_too_short", "too_short"):
        return "is empty; write a value or remove the line"
    if kind == "dict_type" or kind.startswith("model"):
        return "must be a mapping of keys and values"
    return "must be text" if kind == "string_type" else _TYPES.get(kind.split("_")[0], "has a value of the wrong kind")


def _written_place(error: ErrorDetails, values: Any) -> Place:
    """Where it was written: without what stands between a key and its value in the models alone."""
    place: Place = ()
    parts = error["loc"]
    for number, part in enumerate(parts, start=1):
        missing = error["type"] == "missing" and number == len(parts)
        if isinstance(values, Mapping) and (part in values or missing):
            values = values.get(part)
        elif isinstance(values, list) and isinstance(part, int) and part < len(values):
            values = values[part]
        else:
            continue
        place = (*place, part)
    return place


def _strange(place: Place, values: Any, root: type[BaseModel], schema: str) -> str:
    """A key nobody knows, with the nearest that may stand there."""
    kinds: list[Any] = [root]
    for part in place[:-1]:
        inside: list[Any] = []
        for kind in members(kinds):
            if isinstance(kind, type) and issubclass(kind, BaseModel):
                inside += [info.annotation for key, info in fields_of(kind).items() if key == part]
            else:
                inside += [one for one in get_args(kind)[-2:] if one is not Ellipsis]
        kinds = inside
    models = [kind for kind in members(kinds) if isinstance(kind, type) and issubclass(kind, BaseModel)]
    known = list(dict.fromkeys(key for model in models for key in fields_of(model)))
    near = difflib.get_close_matches(str(place[-1]).lower().replace(" ", "_").replace("-", "_"), known, n=1)
    written_here = _value_at(place[:-1], values)
    listed = [key for key in known if key not in (written_here if isinstance(written_here, Mapping) else ())]
    if near:
        return f"nothing is called so here; did you mean `{near[0]}`?"
    few = 0 < len(listed) < 12
    return f"nothing is called so here; {_some_keys(tuple(listed)) + ' go here' if few else f'look at `{schema}`'}"


def _plain(error: ErrorDetails, place: Place, written: Written) -> str:
    kind, context = error["type"], error.get("ctx", {})
    if kind in ("string_too_short", "too_short"):
        return "is empty; write a value or remove the line"
    value = _value_at(place, written.values)
    if kind == "string_type" and isinstance(value, list | Mapping):
        of_sites = "; a file is for one site, so write a file for each" if place == ("tableau", "site") else ""
        return f"must be one text, and is {'a list' if isinstance(value, list) else 'a mapping'}{of_sites}"
    if kind == "string_type":
        return "must be text; put the value into quotes"
    if kind in ("tuple_type", "list_type") and isinstance(value, Mapping):
        return "must be a list; begin each of its entries with a dash"
    if kind in ("tuple_type", "list_type") and _takes_one_text(place, written.values):
        quoted = f' as in `"{str(value).lower()}"`,' if isinstance(value, bool | int | float) else ""
        return f"must be text or a list of texts; put the word into quotes,{quoted} for YAML reads it otherwise"
    if kind == "string_pattern_mismatch":
        return _PATTERNS.get(str(place[-1]), "has another form than it must have; see `tabwarden help settings`")
    if kind in ("model_type", "model_attributes_type", "dict_type"):
        return f"must be a mapping with {_some_keys(keys_at(place, written.values))}"
    for bound, words in (
        ("ge", "must be at least"),
        ("gt", "must be greater than"),
        ("le", "must be at most"),
        ("lt", "must be less than"),
    ):
        if bound in context:
            return f"{words} {context[bound]:g}"
    return _TYPES.get(kind.split("_")[0], "has a value of the wrong kind; see `tabwarden help settings`")


def _value_at(place: Place, values: Any) -> Any:
    """What was written at a place."""
    for part in place:
        inside = isinstance(values, list) and isinstance(part, int) and part < len(values)
        values = values[part] if inside else values.get(part) if isinstance(values, Mapping) else None
    return values


def _takes_one_text(place: Place, values: Any) -> bool:
    """Whether one text counts as a list of one."""
    info = field_at(place, values)
    return info is not None and any(isinstance(one, BeforeValidator) for one in info.metadata)


def _choice(place: Place, written: Written) -> str:
    info = field_at(place, written.values)
    words = literals_in(info.annotation) if info else ()
    if not words:  # one of several kinds of value
        return "has a value of the wrong kind; see `tabwarden help settings`"
    listed = ", ".join(f"`{word}`" for word in words[:-1])
    return f"must be {listed} or `{words[-1]}`" if listed else f"must be `{words[0]}`"


def _meaning(place: Place, values: Any) -> str:
    info = field_at(place, values)
    return f" ({info.description})" if info is not None and info.description else ""


def _some_keys(keys: tuple[str, ...]) -> str:
    return "the keys " + ", ".join(f"`{key}`" for key in keys) if keys else "keys and values"


def unknown_key(place: Place, written: Written) -> str:
    """An unknown key, with the nearest that is known, here or elsewhere in the settings."""
    key, above = str(place[-1]), place[:-1]
    origin = written.origin(place)
    if not above and key in SEED_SECTIONS and not origin.variable:
        return (
            f"`{key}` is a section of Tab_User_Provisioner; "
            f"`tabwarden settings import {written.file} --to NEW_FILE` translates the whole file"
        )
    plain = key.lower().replace("-", "_")
    if key.strip() != key:
        return f"`{dotted(place)}` begins or ends with white space that is no plain space; indent by plain spaces"
    if plain in _INSTEAD and above[:1] in ((), ("tableau",)):
        return f"there is no setting `{dotted(place)}`; {_INSTEAD[plain]}"
    written_here = _value_at(above, written.values)
    known = keys_at(above, written.values)
    missing = [one for one in known if one not in (written_here if isinstance(written_here, Mapping) else ())]
    belongs = "" if above or origin.variable else _ELSEWHERE.get(key.lower()) or _elsewhere(key.lower(), above)
    if belongs:
        return f"there is no setting `{dotted(place)}`; did you mean `{belongs}`?"
    near = difflib.get_close_matches(plain, missing, n=1, cutoff=0.6) or difflib.get_close_matches(plain, known, n=1)
    if near:
        if origin.variable:
            best = PREFIX + "__".join(str(part).upper() for part in (*above, near[0]))
            return f"there is no setting `{dotted(place)}`; did you mean `{best}`?"
        return f"there is no setting `{dotted(place)}`; did you mean `{near[0]}`?"
    elsewhere = _elsewhere(key.lower(), above)
    if elsewhere:
        return f"there is no setting `{dotted(place)}`; did you mean `{elsewhere}`?"
    return f"there is no setting `{dotted(place)}`; " + (
        f"`{dotted(above)}` has {_some_keys(known)}"
        if above
        else f"the sections are {', '.join(f'`{k}`' for k in known)}"
    )


def _elsewhere(key: str, above: Place) -> str:
    """A setting of that very name in another section or one level deeper."""
    for section in SECTIONS:
        if key in keys_at((section,), {}) and (section,) != above:
            return f"{section}.{key}"
        for inner in keys_at((section,), {}):
            if key in keys_at((section, inner), {}) and (section, inner) != above:
                return f"{section}.{inner}.{key}"
    return ""
