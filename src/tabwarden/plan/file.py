"""A plan as JSON and back: complete, stable, readable, sealed against edits. Not where it is kept.

The seal is no secret: it keeps a plan from being changed by accident, so that what was looked at is what is done.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from typing import Any

from tabwarden.model.errors import TabwardenError
from tabwarden.plan.plan import (
    FORMAT,
    Change,
    ContentImpact,
    Fields,
    Impact,
    Plan,
    Ref,
    Refused,
    SiteIdentity,
    SourceSummary,
    Stop,
    Value,
    Waiver,
)
from tabwarden.want.wanted import Held

PLAN_AGAIN = "make a new plan"


def to_json(plan: Plan) -> str:
    """The plan as text; the same plan always yields the same text."""
    whole = {**_told(plan), "id": plan.id, "fingerprint": plan.fingerprint}
    whole["seal"] = _seal(whole)
    return "{\n" + ",\n".join(f" {_json(key)}: {_lines(value)}" for key, value in whole.items()) + "\n}\n"


def from_json(text: str, where: str = "the plan") -> Plan:
    """The plan a text holds. TabwardenError when it is none, of an unknown format, or was edited."""
    try:
        told = json.loads(text)
    except ValueError as error:
        raise TabwardenError(f"`{where}` is not a plan: it is not JSON ({error}); {PLAN_AGAIN}") from None
    if not isinstance(told, dict) or "format" not in told or "changes" not in told:
        raise TabwardenError(f"`{where}` is not a plan: `format` or `changes` is missing; {PLAN_AGAIN}")
    if told["format"] != FORMAT:
        raise TabwardenError(
            f"`{where}` has plan format `{told['format']}`, and this release reads format {FORMAT}; {PLAN_AGAIN}"
        )
    seal = told.pop("seal", None)
    if seal != _seal(told):
        raise TabwardenError(f"`{where}` was edited after it was made, and is not applied; {PLAN_AGAIN}")
    try:
        return _plan(told)
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise TabwardenError(f"`{where}` is not a whole plan ({error}); {PLAN_AGAIN}") from None


def told(value: object) -> Any:
    """A value of a plan as JSON knows it: dataclasses and named tuples by field, tuples as lists."""
    if is_dataclass(value) and not isinstance(value, type):
        return {field.name: told(getattr(value, field.name)) for field in fields(value)}
    if isinstance(value, tuple) and hasattr(value, "_fields"):
        return {name: told(getattr(value, name)) for name in value._fields}
    if isinstance(value, tuple | list):
        return [told(one) for one in value]
    if isinstance(value, Mapping):
        return {str(key): told(value[key]) for key in sorted(value)}
    return value


def _told(plan: Plan) -> dict[str, Any]:
    whole: dict[str, Any] = told(plan)
    # The empty places of a change say nothing; a plan of thousands is easier to read without them.
    whole["changes"] = [_short(change) for change in whole["changes"]]
    return {"format": whole.pop("format"), **whole}


def _short(change: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in change.items() if name == "op" or value not in (None, {}, "", False)}


def _lines(value: Any) -> str:
    """One change, one stop, one fact a line: that is what people compare."""
    if isinstance(value, list) and value:
        return "[\n" + ",\n".join(f"  {_json(one)}" for one in value) + "\n ]"
    if isinstance(value, dict) and value:
        return "{\n" + ",\n".join(f"  {_json(key)}: {_json(one)}" for key, one in value.items()) + "\n }"
    return _json(value)


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)


def _seal(told_plan: Mapping[str, Any]) -> str:
    text = json.dumps(told_plan, sort_keys=True, ensure_ascii=False)
    return hashlib.sha256(text.encode()).hexdigest()[:32]


# -- back ------------------------------------------------------------------------------------------------------


def _plan(told_plan: Mapping[str, Any]) -> Plan:
    return Plan(
        kind=told_plan["kind"],
        site=SiteIdentity(**told_plan["site"]),
        made_at=told_plan["made_at"],
        changes=tuple(_change(one) for one in told_plan["changes"]),
        sources=tuple(SourceSummary(**one) for one in told_plan["sources"]),
        held=tuple(Held(**one) for one in told_plan["held"]),
        refused=tuple(Refused(**one) for one in told_plan["refused"]),
        notes=tuple(told_plan["notes"]),
        stops=tuple(Stop(**one) for one in told_plan["stops"]),
        impact=_impact(told_plan["impact"]),
        seen=_fields(told_plan["seen"]),
        waivers=tuple(Waiver(**one) for one in told_plan["waivers"]),
        undoes=told_plan["undoes"],
        format=told_plan["format"],
    )


def _change(one: Mapping[str, Any]) -> Change:
    return Change(
        op=one["op"],
        user=_ref(one.get("user")),
        group=_ref(one.get("group")),
        before=_fields(one.get("before", {})),
        after=_fields(one.get("after", {})),
        because=one.get("because", ""),
        destructive=one.get("destructive", False),
        heir=_ref(one.get("heir")),
        content=_ref(one.get("content")),
        grantee=_ref(one.get("grantee")),
        domain=_ref(one.get("domain")),
        brought_by=_ref(one.get("brought_by")),
    )


def _impact(one: Mapping[str, Any]) -> Impact:
    lists: dict[str, Any] = {name: tuple(value) if isinstance(value, list) else value for name, value in one.items()}
    if lists["contents"] is not None:
        lists["contents"] = tuple(
            ContentImpact(c["content"], c["path"], tuple(c["gained"]), tuple(c["lost"])) for c in lists["contents"]
        )
    return Impact(**lists)


def _ref(one: Mapping[str, Any] | None) -> Ref | None:
    return None if one is None else Ref(**one)


def _fields(one: Mapping[str, Any]) -> Fields:
    return {name: _value(value) for name, value in one.items()}


def _value(value: Any) -> Value:
    if isinstance(value, list):
        return tuple(str(word) for word in value)
    if value is None or isinstance(value, str | int | bool):
        return value
    raise TypeError(f"`{value!r}` is no value of a plan")
