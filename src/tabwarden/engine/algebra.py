"""The order of evaluation as bit algebra: the same lines whether a bit is a capability, a person or one question.

Operands are arrays of masks (a bit a capability: what may she), packed rows (a bit a user: who may) or booleans (many
questions at once). Not how the operands are found. Source: tableau-permissions §3.1 and §3.5.
"""

from __future__ import annotations

from typing import NamedTuple

from tabwarden.engine.columns import Array

DENIED, ALLOWED, UNKNOWN = range(3)  # verdicts


class Spoken(NamedTuple):
    """Which bits have a rule that allows or denies, by level of the grantee."""

    user_allow: Array
    user_deny: Array
    group_allow: Array
    group_deny: Array
    set_allow: Array
    set_deny: Array

    @property
    def any_deny(self) -> Array:
        """Bits some rule denies at whatever level."""
        return self.user_deny | self.group_deny | self.set_deny


def decide(s: Spoken, set_deny_is_final: bool) -> Array:
    """Steps 3 to 6: the bits the rules allow."""
    if set_deny_is_final:
        return ~s.user_deny & (s.user_allow | (~(s.set_deny | s.group_deny) & (s.group_allow | s.set_allow)))
    return ~s.user_deny & (s.user_allow | (~s.group_deny & (s.group_allow | (~s.set_deny & s.set_allow))))


def undecided(sure: Spoken, perhaps: Spoken, base: Array, set_deny_is_final: bool) -> Array:
    """Bits whose verdict would be another if the rules that perhaps speak did; `base` is `decide(sure)`."""
    allowing = sure._replace(
        group_allow=sure.group_allow | perhaps.group_allow, set_allow=sure.set_allow | perhaps.set_allow
    )
    denying = sure._replace(group_deny=sure.group_deny | perhaps.group_deny, set_deny=sure.set_deny | perhaps.set_deny)
    return (base ^ decide(allowing, set_deny_is_final)) | (base ^ decide(denying, set_deny_is_final))


class Facts(NamedTuple):
    """What `settle` composes; None where a site has nothing of the sort.

    `rules` and `rules_unknown` are the bits of steps 3 to 6, `unread` marks lists that were not read, `power` owners
    and leaders, `power_unknown` those who perhaps lead; `barred` and `barred_unknown` are bits that a lock takes away
    (Set Permissions only); `denied` and `denied_perhaps` any Deny, for the model deny_first alone.
    """

    rules: Array
    rules_unknown: Array | None = None
    unread: Array | None = None
    power: Array | None = None
    power_unknown: Array | None = None
    barred: Array | None = None
    barred_unknown: Array | None = None
    denied: Array | None = None
    denied_perhaps: Array | None = None


class Settled(NamedTuple):
    """Bits allowed and bits unknown (None: nothing is unknown); the rest is denied. Ceilings are not applied yet."""

    allowed: Array
    unknown: Array | None

    def within(self, reach: Array) -> Settled:
        """Only what role, kind and site settings leave open."""
        return Settled(self.allowed & reach, None if self.unknown is None else self.unknown & reach)


def settle(f: Facts) -> Settled:
    """Steps 2b to 6 for those who are no administrators, from what the rules say to what holds."""
    allowed, unknown = f.rules, f.rules_unknown
    if unknown is not None:
        allowed = allowed & ~unknown
    if f.unread is not None:
        allowed, unknown = allowed & ~f.unread, _or(unknown, f.unread)
    if f.power_unknown is not None:
        unknown = _or(unknown, f.power_unknown & ~allowed)
    if f.barred is not None or f.barred_unknown is not None:
        allowed, unknown = _barred(f, allowed, unknown)
    if f.power is not None:
        free = f.power if f.barred is None else f.power & ~f.barred
        if f.barred_unknown is not None:
            unknown = _or(None if unknown is None else unknown & ~f.power, free & f.barred_unknown)
            free = free & ~f.barred_unknown
        elif unknown is not None:
            unknown = unknown & ~f.power
        allowed = (allowed & ~f.power) | free
    if f.denied is not None:
        allowed, unknown = _deny_first(f, f.denied, allowed, unknown)
    return Settled(allowed, unknown)


def _or(left: Array | None, right: Array) -> Array:
    return right if left is None else left | right


def _barred(f: Facts, allowed: Array, unknown: Array | None) -> tuple[Array, Array | None]:
    """A lock bars what the rules gave; a lock nobody can be sure of leaves it unknown."""
    given = allowed if unknown is None else allowed | unknown
    if f.barred is not None:
        allowed = allowed & ~f.barred
        unknown = None if unknown is None else unknown & ~f.barred
    if f.barred_unknown is not None:
        unsure = f.barred_unknown if f.barred is None else f.barred_unknown & ~f.barred
        allowed, unknown = allowed & ~unsure, _or(unknown, given & unsure)
    return allowed, unknown


def _deny_first(f: Facts, denied: Array, allowed: Array, unknown: Array | None) -> tuple[Array, Array | None]:
    """Any Deny wins; one that perhaps speaks, or a list that was not read, leaves it unknown."""
    allowed = allowed & ~denied
    unknown = None if unknown is None else unknown & ~denied
    for perhaps in (f.denied_perhaps, f.unread):
        if perhaps is not None:
            unsure = perhaps & ~denied
            allowed, unknown = allowed & ~unsure, _or(unknown, unsure)
    return allowed, unknown
