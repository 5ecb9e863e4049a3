"""Waivers: somebody said yes to one stop with its number."""

from __future__ import annotations

from collections.abc import Iterable

from tabwarden.model.errors import TabwardenError
from tabwarden.model.names import hint
from tabwarden.model.tables import grouped
from tabwarden.plan.plan import Stop, Waiver
from tabwarden.plan.stops import STOPS


def parse_waivers(words: Iterable[str]) -> tuple[Waiver, ...]:
    """`licences-lost=37` and the like; TabwardenError names every one that is not of that form, or of no stop."""
    waivers, wrong, names = list[Waiver](), list[str](), dict.fromkeys(STOPS, "")
    for word in words:
        name, equals, number = word.partition("=")
        if equals and name.strip() and number.strip().isdigit():
            waivers.append(Waiver(name.strip(), int(number)))
        else:
            wrong.append(f"`{word}`")
    if wrong:
        raise TabwardenError(f"a waiver is written STOP=NUMBER, as in `licences-lost=37`, not {', '.join(wrong)}")
    strange = [waiver.id for waiver in waivers if waiver.id not in names]
    if strange:
        otherwise = f"; stops are {', '.join(STOPS)}"
        raise TabwardenError(*(f"no stop is called `{name}`{hint(name, names, otherwise)}" for name in strange))
    return tuple(waivers)


def not_waived(stops: Iterable[Stop], waivers: Iterable[Waiver]) -> tuple[Stop, ...]:
    """The stops that stand: not waivable, or not waived with exactly their number."""
    said = set(waivers)
    return tuple(stop for stop in stops if not (stop.waivable and Waiver(stop.id, stop.number) in said))


def mismatches(stops: Iterable[Stop], waivers: Iterable[Waiver]) -> tuple[str, ...]:
    """A sentence for each waiver that waives nothing."""
    by_id = grouped((stop.id, stop) for stop in stops)
    lines = []
    for waiver in waivers:
        meant = by_id.get(waiver.id, [])
        if any(stop.waivable and stop.number == waiver.number for stop in meant):
            continue
        if not meant:
            lines.append(f"`--accept {waiver.id}={waiver.number}` waives nothing: there is no such stop now")
        elif not meant[0].waivable:
            lines.append(f"`{waiver.id}` cannot be waived")
        else:
            numbers = " and ".join(str(stop.number) for stop in meant)
            lines.append(f"`--accept {waiver.id}={waiver.number}` does not match: the number is {numbers}")
    return tuple(lines)
