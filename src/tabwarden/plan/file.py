"""A plan as JSON and back: complete, stable, readable, sealed against edits.

The seal is no secret: it keeps a plan from being changed by accident, so that what was looked at is what is done.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import fields
from typing import Any

import tabwarden.effects.ops  # noqa: F401  (every op is known by its name)
from tabwarden.effects.change import OPS, Change
from tabwarden.model.capability import KINDS
from tabwarden.model.codec import Shape, shape, to_plain
from tabwarden.model.errors import IncompleteRead, TabwardenError
from tabwarden.model.names import hint
from tabwarden.model.roles import SITE_ROLES
from tabwarden.model.site import MODES
from tabwarden.plan.plan import FORMAT, Plan

# What a field of a change may say, whoever has sealed the plan.
VOCABULARY = {"role": SITE_ROLES, "mode": MODES, "default_for": KINDS}
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
    except (ValueError, RecursionError):
        raise TabwardenError(f"`{where}` is not a plan: it is not JSON; {PLAN_AGAIN}") from None
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
        for name in (field.name for field in fields(Plan) if field.name not in whole):
            raise KeyError(name)
        return _PLAN.from_plain(whole, tuple(map(_change, whole.pop("changes"))))
    except (IncompleteRead, KeyError, TypeError, AttributeError, ValueError) as error:
        why = {IncompleteRead: str(error), KeyError: f"{error} is missing"}.get(type(error), "a field cannot be so")
        raise TabwardenError(f"`{where}` is not a whole plan ({why}); {PLAN_AGAIN}") from None


def as_json(plan: Plan) -> dict[str, Any]:
    """The plan as JSON knows it, every field told; a change with its op, and without what is as if not said."""
    impact = {field.name: to_plain(getattr(plan.impact, field.name)) for field in fields(plan.impact)}
    changes = [{"op": change.op, **to_plain(change)} for change in plan.changes]
    whole = {field.name: to_plain(getattr(plan, field.name)) for field in fields(plan) if field.name != "changes"}
    return {**whole, "changes": changes, "impact": impact}


def _change(plain: Mapping[str, Any]) -> Change:
    op = plain["op"]
    if op not in OPS:
        raise IncompleteRead(f"this release knows no change `{op}`{hint(str(op), dict.fromkeys(OPS, ''))}")
    for name, words in VOCABULARY.items():
        if plain.get(name) and plain[name] not in words:
            raise IncompleteRead(f"`{name}` of `{op}` is `{plain[name]}`, which is none of {', '.join(sorted(words))}")
    change: Change = shape(OPS[op]).from_plain({name: plain[name] for name in plain if name != "op"}, place=op)
    return change


_PLAN = Shape(Plan, "changes")


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
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:32]
