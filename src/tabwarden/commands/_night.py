"""`tabwarden read` of many sites over REST: what the night takes, said before it begins, and going on where it was."""

from __future__ import annotations

import os
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from tabwarden.commands._answer import PLAIN
from tabwarden.commands._merged import OfOneSite, heads_of
from tabwarden.commands._output import DONE, ERROR, leave
from tabwarden.commands._side_by_side import Values, settings_of, side_by_side
from tabwarden.report.table import NAME, NUMBER, Column, Table, Text
from tabwarden.run.night import Cost, Night, by_server, costs, too_much
from tabwarden.run.sites import Ended, OneSite
from tabwarden.settings import load_store

if TYPE_CHECKING:
    from tabwarden.commands import Command

ABOUT = ("project", "connections")  # the words by which a read is the same as one that was cut short


def read_all(command: Command, values: Values, sites: list[OneSite]) -> None:
    """Estimate every site, say what the servers bear, read those that are left, forget the night."""
    output = values.get("output", PLAIN)
    about = {"sites": [site.address for site in sites], **{name: values.get(name) for name in ABOUT}}
    if values.get("estimate"):
        _estimate(values, sites)
    night = Night(load_store(settings_of(values), os.environ).folder, about, fresh=values.get("fresh", False))
    known = {site.address: _read_already(night.read[site.address]) for site in sites if site.address in night.read}
    left = [site for site in sites if site.address not in known]
    ended = _costs(values, left)
    too_much(ended, values.get("at_most"))
    for line in by_server(ended):
        output.note(line)
    left = [replace(one.site, problem=_problem(one)) for one in ended]

    def hear(one: Ended[OfOneSite]) -> None:
        if one.value is not None and one.value.code == DONE:
            night.add(one.site, "; ".join(heads_of(one.value)))

    try:
        side_by_side(command, values, left, known=known, order=sites, hear=hear)
    except SystemExit:
        night.end()
        raise


def _read_already(what: str) -> OfOneSite:
    result = OfOneSite()
    result.parts = [Text(what, "bold"), Text("read by the run that was cut short, and not again")]
    return result


def _costs(values: Values, sites: list[OneSite]) -> list[Ended[Cost]]:
    with values.get("output", PLAIN).progress("estimating") as progress:
        return costs(sites, settings_of(values), lambda done: progress(done, len(sites)))


def _problem(one: Ended[Cost]) -> str:
    return one.problem or (one.value.problem if one.value is not None else "")


def _estimate(values: Values, sites: list[OneSite]) -> None:
    """`read --estimate`: a row a site, a sentence a server; nothing is read."""
    ended = _costs(values, sites)
    table = Table(Column("Site", NAME), Column("Least", NUMBER), Column("Most", NUMBER), "Not known", name="requests")
    for one in ended:
        known = one.value.estimate if one.value is not None else None
        ends = (known.least, known.most) if known is not None else (None, None)
        table.add_row(one.site.label, *ends, Text(_problem(one), "red"))
    lines = by_server(ended)

    def document() -> dict[str, Any]:
        rows = [{"site": one.site.url, "server": one.site.server, "problem": _problem(one) or None} for one in ended]
        for row, one in zip(rows, ended, strict=True):
            known = one.value.estimate if one.value is not None else None
            row |= known._asdict() if known is not None else {}
        return {"sites": rows, "servers": lines}

    values.get("output", PLAIN).give([*(Text(line, "bold") for line in lines), table], document)
    leave(ERROR if any(map(_problem, ended)) else DONE)
