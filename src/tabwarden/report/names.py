"""Names that were checked and domains by their names, as tables and as JSON."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from tabwarden.model.site import Site
from tabwarden.report.plans import count_of
from tabwarden.report.table import NAME, Column, Drawable, Group, Table, Text
from tabwarden.want.names.domains import DIFFERS, DomainLine
from tabwarden.want.names.imports import Checked
from tabwarden.want.wanted import Held

DOCUMENT = "User Management in Active Directory Deployments"


def names_report(names: Sequence[Checked], site: Site | None) -> Drawable:
    """A line for each name with what an import would make of it, then refusals and collisions in full."""
    table = Table(Column("Given", NAME), Column("Tableau user", NAME), "Attribute", "Because", "Section", name="names")
    for one in names:
        if one.refusal is not None:
            row = (one.given, "refused", "", one.refusal.reason, one.refusal.section)
        else:
            there = " (is on Tableau)" if one.user is not None else ""
            row = (one.given, f"{one.qualified}{there}", one.attribute, one.because, one.section)
        table.add_row(*map(Text, row))
    parts: list[Drawable] = [Text(heading(names), style="bold"), table]
    for one in names:
        parts += [Text(f"{one.given}: {line}") for line in remarks(one)]
    if site is None:
        parts.append(Text("Tableau was not asked: who is there already, and the nicknames of domains, are not known"))
    elif site.nicknames is None:
        parts.append(Text("nicknames are believed, not read: only server administrators are told them"))
    return Group(parts)


def heading(names: Sequence[Checked]) -> str:
    """`3 names by route typed: 2 users, 1 refused, 1 with collisions`."""
    refused = sum(1 for one in names if one.refusal is not None)
    collide = sum(1 for one in names if one.collisions)
    route = names[0].route if names else "typed"
    words = [count_of(len(names) - refused, "user", "users"), *([f"{refused} refused"] if refused else [])]
    words += [f"{collide} with collisions"] if collide else []
    return f"{count_of(len(names), 'name', 'names')} by route {route}: {', '.join(words)}"


def remarks(one: Checked) -> list[str]:
    """The remedy of a refusal, or every collision with its remedy."""
    if one.refusal is not None:
        return [f"{one.refusal.reason}; {one.refusal.remedy}"]
    return [f"{collision.sentence}; {collision.remedy}" for collision in one.collisions]


def names_json(names: Iterable[Checked]) -> list[dict[str, Any]]:
    return [
        {
            "given": one.given,
            "route": one.route,
            "name": one.name or None,
            "domain": one.domain or None,
            "attribute": one.attribute or None,
            "because": one.because or None,
            "document": DOCUMENT,
            "section": one.section or (one.refusal.section if one.refusal else None),
            "object_guid": one.person.guid if one.person is not None else None,
            "user": one.user,
            "refusal": None if one.refusal is None else {**one.refusal._asdict()},
            "collisions": [
                {"kind": collision.kind, "sentence": collision.sentence, "remedy": collision.remedy}
                for collision in one.collisions
            ],
        }
        for one in names
    ]


def mistakes_table(mistakes: Sequence[tuple[str, str]], held: Sequence[Held], again: str) -> Drawable:
    """Users imported by UPN and what each should be called; those of whom nobody can tell.

    `again` are the options of this command that the next one needs too.
    """
    table = Table(Column("On Tableau", NAME), Column("sAMAccountName", NAME), name="mistakes")
    for pair in mistakes:
        table.add_row(*map(Text, pair))
    parts: list[Drawable] = [Text(f"{count_of(len(mistakes), 'user', 'users')} imported by UPN", style="bold")]
    parts += [table, Text(f"next: tabwarden plan rename --upn{again}", "command")] if mistakes else []
    parts += [Text(f"{one.person}: {one.reason}; {one.remedy}") for one in held]
    return Group(parts)


def domains_table(lines: Sequence[DomainLine]) -> Drawable:
    """Each domain by its three names, with what is amiss."""
    table = Table(
        Column("FQDN", NAME),
        Column("NetBIOS name", NAME),
        Column("Nickname on Tableau", NAME),
        Column("", called="verdict"),
        "What to do",
        name="domains",
    )
    for line in lines:
        style = "red" if line.verdict == DIFFERS else ""
        cells = (line.fqdn, line.netbios or "-", line.nickname or "-", line.verdict, line.remedy)
        table.add_row(*(Text(cell, style=style if place == 3 else "") for place, cell in enumerate(cells)))
    return table


def domains_json(lines: Iterable[DomainLine]) -> list[Mapping[str, Any]]:
    return [line._asdict() for line in lines]
