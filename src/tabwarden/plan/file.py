"""A plan as JSON and back: complete, stable, readable, sealed against edits.

The seal is no secret: it keeps a plan from being changed by accident, so that what was looked at is what is done.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
from collections.abc import Collection, Iterator, Mapping
from dataclasses import fields
from functools import lru_cache
from itertools import islice
from typing import Any, Protocol

import tabwarden.effects.ops  # noqa: F401  (every op is known by its name)
from tabwarden.effects.change import OPS, Change, Value
from tabwarden.effects.ref import Ref
from tabwarden.model.capability import KINDS
from tabwarden.model.codec import Shape, shape, to_plain
from tabwarden.model.errors import IncompleteRead, TabwardenError
from tabwarden.model.names import hint, visible_in_json
from tabwarden.model.roles import SITE_ROLES
from tabwarden.model.site import ALLOW, DENY, LOCAL, MODES, ON_LOGIN, ON_SYNC
from tabwarden.plan.plan import FORMAT, Plan

# What a field of a change may say, whoever has sealed the plan.
VOCABULARY = {"role": SITE_ROLES, "mode": MODES, "default_for": KINDS}
# And what is in it: what a group grants, a rule.
WITHIN: Mapping[str, Collection[str]] = {
    "minimum_site_role": SITE_ROLES,
    "grant_on": (ON_LOGIN, ON_SYNC),
    "mode": (ALLOW, DENY),
}
_BATCH = 500  # texts that are written at once
PLAN_AGAIN = "make a new plan"
_ENCODED = json.JSONEncoder(ensure_ascii=False, check_circular=False).encode
_CONSTANTS = {None: ("null", "null"), True: ("true", "true"), False: ("false", "false")}
_string = json.encoder.encode_basestring
_SORTED = json.JSONEncoder(ensure_ascii=False, check_circular=False, sort_keys=True).encode


class Digest(Protocol):
    """A hash that is fed piece by piece."""

    def update(self, data: bytes, /) -> None:
        """Take in some more."""


def to_json(plan: Plan) -> str:
    """The plan as text; the same plan always yields the same text."""
    return "".join(text_of(plan))


def text_of(plan: Plan) -> Iterator[str]:
    """The text piece by piece: of a million people it is larger than all that is known of them.

    The seal is of all values in the order of their keys, where `changes` is the first; each change is looked at once.
    """
    rest = {"format": plan.format, **_beside_changes(plan), "id": plan.id, "fingerprint": plan.fingerprint}
    late = ("impact", "seen", "id", "fingerprint")
    digest = hashlib.sha256(b'{"changes": [')
    yield "{\n"
    yield from (piece for key in rest if key not in late for piece in _line(key, rest[key]))
    yield ' "changes": ['
    yield from _several(map(_texts_of, plan.changes), digest)
    digest.update(b"]")
    yield "\n ],\n" if plan.changes else "],\n"
    yield from _line("impact", rest["impact"])
    keys = sorted(rest)
    for key in keys[: keys.index("seen")]:
        _seal_in(digest, key, rest[key])
    yield from _seen(rest["seen"], digest)
    for key in keys[keys.index("seen") + 1 :]:
        _seal_in(digest, key, rest[key])
    yield from (piece for key in late[2:] for piece in _line(key, rest[key]))
    digest.update(b"}")
    yield f' "seal": "{digest.hexdigest()[:32]}"\n}}\n'


def _seal_in(digest: Digest, key: str, value: Any) -> None:
    digest.update(_bytes(f', "{key}": '))
    for piece in _pieces(value):
        digest.update(_bytes(piece))


def _seen(seen: Mapping[str, Value], digest: Digest) -> Iterator[str]:
    """The facts as `_line` writes them; each is sealed as it is written, for there are millions."""
    if not seen:
        _seal_in(digest, "seen", seen)
        yield from _line("seen", seen)
        return
    yield ' "seen": {'
    digest.update(b', "seen": {')
    pairs = (f"{_string(name)}: {_texts(seen[name])[0]}" for name in sorted(seen))
    yield from _several(((pair, pair) for pair in pairs), digest)
    digest.update(b"}")
    yield "\n },\n"


def _several(texts: Iterator[tuple[str, str]], digest: Digest) -> Iterator[str]:
    """Texts as they are read, one a line; each is sealed as it is with its keys sorted. Many at once."""
    first = True
    while batch := tuple(islice(texts, _BATCH)):
        as_they_are, in_order = zip(*batch, strict=True)
        digest.update(_bytes(f"{'' if first else ', '}{', '.join(in_order)}"))
        lines = ",\n  ".join(as_they_are)
        yield visible_in_json(f"{'' if first else ','}\n  {lines}")
        first = False


def _texts(value: Any) -> tuple[str, str]:
    """What `json.dumps` makes of a value as it is plain, and what of it with its keys sorted."""
    kind = type(value)
    if kind is str:
        text = _string(value)
        return text, text
    if kind is Ref:
        return _texts_of_ref(value)
    if value is None or kind is bool:
        return _CONSTANTS[value]
    plain = to_plain(value)
    return _ENCODED(plain), _SORTED(plain)


def _texts_of_ref(ref: Ref) -> tuple[str, str]:
    """The same of whom a change is about: of a million people there is little but the name to say."""
    about = f'"kind": {_string(ref.kind)}, "name": {_string(ref.name)}'
    domain = "" if ref.domain == LOCAL else f'"domain": {_string(ref.domain)}'
    id_ = "" if ref.id is None else f'"id": {_string(ref.id)}'
    if not domain and not id_:
        text = f"{{{about}}}"
        return text, text
    beside = ", ".join(filter(None, (domain, id_)))
    return f"{{{about}, {beside}}}", f"{{{beside}, {about}}}"


def _texts_of(change: Change) -> tuple[str, str]:
    """The same of a change, which begins with its op."""
    names, values = shape(type(change)).said(change)
    as_it_is, in_order, places = _templates(names, change.op)
    texts = [_texts(value) for value in values]
    return as_it_is % tuple([text for text, _ in texts]), in_order % tuple([texts[place][1] for place in places])


@lru_cache(maxsize=1024)
def _templates(names: tuple[str, ...], op: str) -> tuple[str, str, tuple[int, ...]]:
    """Changes with these fields, their values left out, as they are and sorted, and which place is which then."""
    fields = [("op", _string(op)), *((name, "%s") for name in names)]
    as_it_is, in_order = (", ".join(f'"{name}": {text}' for name, text in one) for one in (fields, sorted(fields)))
    return f"{{{as_it_is}}}", f"{{{in_order}}}", tuple(sorted(range(len(names)), key=names.__getitem__))


def from_json(text: str, where: str = "the plan") -> Plan:
    """The plan a text holds. TabwardenError when it is none, of an unknown format, or was edited."""
    try:
        whole = json.loads(text)
    except (ValueError, RecursionError):
        raise TabwardenError(f"`{where}` is not a plan: it is not JSON; {PLAN_AGAIN}") from None
    if not isinstance(whole, dict) or "format" not in whole or "changes" not in whole:
        raise TabwardenError(f"`{where}` is not a plan: `format` or `changes` is missing; {PLAN_AGAIN}")
    if whole["format"] != FORMAT:
        raise TabwardenError(
            f"`{where}` has plan format `{whole['format']}`, and this release reads format {FORMAT}; {PLAN_AGAIN}"
        )
    seal = whole.pop("seal", None)
    sealed = False
    with contextlib.suppress(UnicodeEncodeError):  # of half a character, which no plan of ours holds
        sealed = seal == _seal(whole)
    if not sealed:
        raise TabwardenError(f"`{where}` was edited after it was made, and is not applied; {PLAN_AGAIN}")
    try:
        del whole["id"], whole["fingerprint"]
        for name in (field.name for field in fields(Plan) if field.name not in whole):
            raise KeyError(name)
        return _PLAN.from_plain(whole, tuple(map(_change, whole.pop("changes"))))
    except (IncompleteRead, KeyError, TypeError, AttributeError, ValueError) as error:
        why = {IncompleteRead: str(error), KeyError: f"{error} is missing"}.get(type(error), "a field cannot be so")
        raise TabwardenError(f"`{where}` is not a whole plan ({why}); {PLAN_AGAIN}") from None


def as_json(plan: Plan) -> dict[str, Any]:
    """The plan as JSON knows it, every field told; a change with its op, and without what is as if not said."""
    return {
        **_beside_changes(plan),
        "seen": to_plain(plan.seen),
        "changes": [{"op": change.op, **to_plain(change)} for change in plan.changes],
    }


def _beside_changes(plan: Plan) -> dict[str, Any]:
    impact = {field.name: to_plain(getattr(plan.impact, field.name)) for field in fields(plan.impact)}
    names = (field.name for field in fields(plan) if field.name not in ("changes", "seen"))
    return {**{name: to_plain(getattr(plan, name)) for name in names}, "impact": impact, "seen": plan.seen or {}}


def _change(plain: Mapping[str, Any]) -> Change:
    op = plain["op"]
    if op not in OPS:
        raise IncompleteRead(f"this release knows no change `{op}`{hint(str(op), dict.fromkeys(OPS, ''))}")
    for name, words in VOCABULARY.items():
        _check_word(op, name, plain.get(name), words)
    change: Change = shape(OPS[op]).from_plain({name: plain[name] for name in plain if name != "op"}, place=op)
    _check_words(change)
    return change


def _check_words(change: Change) -> None:
    """IncompleteRead for a word that nobody knows in what a field holds: what a group grants, a rule."""
    for value in (getattr(change, field.name) for field in fields(change)):
        parts = value if isinstance(value, tuple | frozenset) and not hasattr(value, "_fields") else (value,)
        for part in parts:
            for name in WITHIN.keys() & set(getattr(part, "_fields", ())):
                _check_word(change.op, name, getattr(part, name), WITHIN[name])


def _check_word(op: str, name: str, value: object, words: Collection[str]) -> None:
    if value and value not in words:
        raise IncompleteRead(f"`{name}` of `{op}` is `{value}`, which is none of {', '.join(sorted(words))}")


_PLAN = Shape(Plan, "changes")


def _line(key: str, value: Any) -> Iterator[str]:
    """One stop, one fact a line: that is what people compare."""
    yield f" {_json(key)}: "
    if isinstance(value, list) and value:
        yield "[\n"
        yield from (f"{',' * (number > 0)}{chr(10) * (number > 0)}  {_json(one)}" for number, one in enumerate(value))
        yield "\n ]"
    elif isinstance(value, Mapping) and value:
        yield "{\n"
        pairs = enumerate((name, value[name]) for name in sorted(value))
        yield from (f"{',' * (n > 0)}{chr(10) * (n > 0)}  {_json(name)}: {_json(one)}" for n, (name, one) in pairs)
        yield "\n }"
    else:
        yield _json(value)
    yield ",\n"


def _json(value: Any) -> str:
    return visible_in_json(_ENCODED(value))


def _pieces(value: Any) -> Iterator[str]:
    """What `json.dumps` makes of a value with its keys sorted."""
    if isinstance(value, list):
        yield "["
        yield from (f"{', ' if number else ''}{_SORTED(one)}" for number, one in enumerate(value))
        yield "]"
    elif isinstance(value, Mapping):
        yield "{"
        for number, key in enumerate(sorted(value)):
            yield f"{', ' if number else ''}{_ENCODED(key)}: "
            yield from _pieces(value[key])
        yield "}"
    else:
        yield _SORTED(value)


def _bytes(text: str) -> bytes:
    return text.encode("utf-8", "surrogatepass")


def _seal(whole: Mapping[str, Any]) -> str:
    text = json.dumps(whole, sort_keys=True, ensure_ascii=False)
    return hashlib.sha256(text.encode()).hexdigest()[:32]
