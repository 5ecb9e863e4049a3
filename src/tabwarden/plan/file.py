"""A plan as JSON and back: complete, stable, readable, sealed against edits.

The seal is no secret: it keeps a plan from being changed by accident, so that what was looked at is what is done.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import MISSING, fields, is_dataclass
from functools import cache
from types import NoneType, UnionType
from typing import Any, Union, get_args, get_origin, get_type_hints

import tabwarden.effects.ops  # noqa: F401  (every op is known by its name)
from tabwarden.effects.change import OPS, Change
from tabwarden.model.errors import TabwardenError
from tabwarden.plan.plan import FORMAT, Plan

PLAN_AGAIN = "make a new plan"


def to_json(plan: Plan) -> str:
    """The plan as text; the same plan always yields the same text."""
    whole = {"format": plan.format, **as_json(plan), "id": plan.id, "fingerprint": plan.fingerprint}
    whole["seal"] = _seal(whole)
    return "{\n" + ",\n".join(f" {_json(key)}: {_lines(value)}" for key, value in whole.items()) + "\n}\n"


def from_json(text: str, where: str = "the plan") -> Plan:
    """The plan a text holds. TabwardenError when it is none, of an unknown format, or was edited."""
    try:
        whole = json.loads(text)
    except ValueError as error:
        raise TabwardenError(f"`{where}` is not a plan: it is not JSON ({error}); {PLAN_AGAIN}") from None
    if not isinstance(whole, dict) or "format" not in whole or "changes" not in whole:
        raise TabwardenError(f"`{where}` is not a plan: `format` or `changes` is missing; {PLAN_AGAIN}")
    if whole["format"] != FORMAT:
        raise TabwardenError(
            f"`{where}` has plan format `{whole['format']}`, and this release reads format {FORMAT}; {PLAN_AGAIN}"
        )
    seal = whole.pop("seal", None)
    if seal != _seal(whole):
        raise TabwardenError(f"`{where}` was edited after it was made, and is not applied; {PLAN_AGAIN}")
    try:
        del whole["id"], whole["fingerprint"]
        plan: Plan = _value(Plan, whole)
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise TabwardenError(f"`{where}` is not a whole plan ({error}); {PLAN_AGAIN}") from None
    return plan


def as_json(value: object) -> Any:
    """A value of a plan as JSON knows it: by field, a change with its op and without what is as if not said."""
    if isinstance(value, Change):
        said = ((f, getattr(value, f.name)) for f in fields(value))
        return {"op": value.op, **{f.name: as_json(one) for f, one in said if f.default is MISSING or one != f.default}}
    if is_dataclass(value) and not isinstance(value, type):
        return {field.name: as_json(getattr(value, field.name)) for field in fields(value)}
    if isinstance(value, tuple) and hasattr(value, "_fields"):
        return {name: as_json(getattr(value, name)) for name in value._fields}
    if isinstance(value, tuple | list):
        return [as_json(one) for one in value]
    if isinstance(value, Mapping):
        return {str(key): as_json(value[key]) for key in sorted(value)}
    return value


def _lines(value: Any) -> str:
    """One change, one stop, one fact a line: that is what people compare."""
    if isinstance(value, list) and value:
        return "[\n" + ",\n".join(f"  {_json(one)}" for one in value) + "\n ]"
    if isinstance(value, dict) and value:
        return "{\n" + ",\n".join(f"  {_json(key)}: {_json(one)}" for key, one in value.items()) + "\n }"
    return _json(value)


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)


def _seal(whole: Mapping[str, Any]) -> str:
    text = json.dumps(whole, sort_keys=True, ensure_ascii=False)
    return hashlib.sha256(text.encode()).hexdigest()[:32]


# -- back, by the types --------------------------------------------------------------------------------------


@cache
def _hints(of: type) -> dict[str, Any]:
    return {name: hint for name, hint in get_type_hints(of).items() if "ClassVar" not in str(hint)}


def _value(of: Any, value: Any) -> Any:
    """A value of that type. TypeError, KeyError or ValueError where it is none."""
    origin, args = get_origin(of), get_args(of)
    if origin in (Union, UnionType):
        if value is None and NoneType in args:
            return None
        tuples = [one for one in args if get_origin(one) is tuple]
        return _value(tuples[0], value) if isinstance(value, list) and tuples else _value_of_any(args, value)
    if origin is tuple and isinstance(value, list):
        repeated = len(args) == 2 and args[1] is Ellipsis
        types = [args[0]] * len(value) if repeated else args
        return tuple(_value(one, each) for one, each in zip(types, value, strict=True))
    if isinstance(origin, type) and issubclass(origin, Mapping):
        return {key: _value(args[1], each) for key, each in value.items()}
    if of is Change:
        return _value(OPS[value["op"]], {name: each for name, each in value.items() if name != "op"})
    if isinstance(of, type) and (is_dataclass(of) or hasattr(of, "_fields")):
        hints = _hints(of)
        if of is Plan and value.keys() != hints.keys():
            raise ValueError(f"its fields are {', '.join(sorted(value))}")
        return of(**{name: _value(hints[name], each) for name, each in value.items()})
    if isinstance(of, type) and type(value) is of:
        return value
    raise TypeError(f"`{value!r}` is not of a plan")


def _value_of_any(types: tuple[Any, ...], value: Any) -> Any:
    for one in types:
        if one is type(value) or (isinstance(one, type) and isinstance(value, dict) and hasattr(one, "_fields")):
            return _value(one, value)
    raise TypeError(f"`{value!r}` is not of a plan")
