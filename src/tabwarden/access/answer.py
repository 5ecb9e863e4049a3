"""The Answer: allowed, denied or unknown, with everything that decided it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final, Literal, NamedTuple

from tabwarden.model.governing import Governing
from tabwarden.model.open_points import CURRENT
from tabwarden.model.site import Rule

Verdict = Literal["allowed", "denied", "unknown"]
ALLOWED: Final = "allowed"
DENIED: Final = "denied"
UNKNOWN: Final = "unknown"


class Disputed(NamedTuple):
    """An open point that this answer hangs on: with it at `value` it would be this verdict instead, by these rules."""

    open_point: str
    value: str
    verdict: Verdict
    because: str
    deciding: tuple[Rule, ...] = ()
    at: str | None = None


class Losing(NamedTuple):
    """A rule that spoke but did not decide; `to` is the reason code of the step that beat it."""

    rule: Rule
    to: str


class Step(NamedTuple):
    """One line of the trace.

    `name` is capability, ceiling, override, level, rules or lock (of abilities: a condition's name);
    `result` is yes, no, unknown or a reason code; `detail` holds ids and names that the wording needs.
    """

    name: str
    result: str
    detail: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Answer:
    """Why `user` may or may not exercise `what` (a capability's REST name or an action) on `content`.

    `because` is the reason code of the step that decided; `deciding` the rules of that step, `losing` all other
    rules that speak of the person; `at` is the content an override comes from (the project somebody leads).
    `ceiling` is yes, no or unknown; `conditions` are the answers an ability was composed from.
    `disputed` names the open points that would turn it, where somebody asked for them (`access.disputes`).
    An Answer is not a yes: ask `.allowed`.
    """

    verdict: Verdict
    because: str
    user: str
    what: str
    content: str | None
    model: str = CURRENT
    deciding: tuple[Rule, ...] = ()
    losing: tuple[Losing, ...] = ()
    at: str | None = None
    ceiling: str = "unknown"
    governing: Governing | None = None
    steps: tuple[Step, ...] = ()
    conditions: tuple[Answer, ...] = field(default=())
    disputed: tuple[Disputed, ...] = ()

    @property
    def allowed(self) -> bool:
        """True only for a yes; denied and unknown are both not allowed."""
        return self.verdict == ALLOWED

    @property
    def fact(self) -> str | None:
        """What a condition of an ability asks for, in words, if it is a plain fact and no capability."""
        return next((step.detail[0] for step in self.steps if step.name == "condition"), None)

    def __bool__(self) -> bool:
        raise TypeError("an Answer is not a bool: ask `.allowed`")
