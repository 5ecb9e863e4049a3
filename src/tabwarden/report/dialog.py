"""The permission dialog as a table and JSON: grantee by capability, template, where the rules lie."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from tabwarden.access.dialog import GranteeRow, Rows
from tabwarden.model.capability import KIND_NAMES, LEADER, ui_name
from tabwarden.model.roles import is_admin
from tabwarden.model.site import ALLOW, Grantee, Site
from tabwarden.report.answers import LEVELS, grantee_name
from tabwarden.report.table import GRANTEE, NAME, Column, Table, Text

_MARKS = {"allow": ("✓", "green"), "deny": ("✗", "red"), "": ("·", "dim")}


def rows_heading(site: Site, content: str, rows: Rows) -> str:
    """Whose rules these are: `Finance/Budget/Overview: the rules of the workbook ..., because ...`."""
    thing = site.contents[content]
    own = thing.id == rows.governing.holder
    kind = KIND_NAMES[rows.governing.kind]
    if own and rows.governing.kind != thing.kind:
        return f"{site.path(content)}: its default rules for each {kind}"
    level = LEVELS[rows.governing.level].format(holder=site.path(rows.governing.holder), kind=kind)
    return f"{site.path(content)}: {level}"


def rows_table(site: Site, dialog: Rows) -> Table:
    """The dialog turned upright: one column a grantee, one line a capability; the template on top."""
    rows = dialog.rows or ()
    headings = (Column(grantee_name(site, row.grantee), NAME, of=GRANTEE) for row in rows)
    table = Table(Column("Capability", NAME), *headings, name="rules", grid=True)
    table.add_row(Text("template", style="bold"), *(Text(_template(row), style="bold") for row in rows))
    for capability in dialog.capabilities:
        marks = (_MARKS[_mode(row, capability)] for row in rows)
        table.add_row(Text(ui_name(capability, dialog.governing.kind)), *(Text(m, style=s) for m, s in marks))
    return table


def _mode(row: GranteeRow, capability: str) -> str:
    return "allow" if capability in row.allowed else ("deny" if capability in row.denied else "")


def _template(row: GranteeRow) -> str:
    return f"{row.template}, leader" if row.leads and row.template != "Project Leader" else row.template


def implicit_lines(site: Site, content: str) -> list[str]:
    """Who needs no rule: administrators, the owner, and the owners of the projects above. Leaders stand in rules."""
    thing = site.contents[content]
    admins = sum(1 for u in site.users.values() if is_admin(u.site_role))
    owners = [f"{site.called(thing.owner)} owns it" if thing.owner in site.users else "its owner is not known"]
    for project in site.ancestors(site.project_of(content)):
        owner = site.users.get(site.contents[project].owner)
        if owner is not None:
            owners.append(f"{site.called(owner.id)} owns {site.path(project)}")
    return [f"without a rule: {admins} administrator{'' if admins == 1 else 's'}; {'; '.join(owners)}"]


def leaders_of(site: Site, project: str) -> list[Grantee] | None:
    """Whom a project's own rules make its leaders, by name; None where its rules were not read."""
    rules = site.contents[project].rules
    if rules is None:
        return None
    leaders = {rule.grantee for rule in rules if rule.capability == LEADER and rule.mode == ALLOW}
    return sorted(leaders, key=lambda grantee: grantee_name(site, grantee))


def about_lines(site: Site, content: str) -> Iterator[str]:
    """What it says of itself, and who leads the project and those above it."""
    if site.contents[content].description:
        yield f"description: {site.contents[content].description}"
    for project, leaders in _led(site, content):
        names = "not read" if leaders is None else ", ".join(grantee_name(site, leader) for leader in leaders)
        if names:
            yield f"leaders of {site.path(project)}: {names}"


def _led(site: Site, content: str) -> Iterator[tuple[str, list[Grantee] | None]]:
    projects = site.ancestors(content if site.contents[content].kind == "project" else site.project_of(content))
    return ((project, leaders_of(site, project)) for project in projects)


def leaders_json(site: Site, leaders: list[Grantee] | None) -> list[dict[str, Any]] | None:
    """The leaders by kind, id and name; None where they were not read."""
    if leaders is None:
        return None
    return [{**leader._asdict(), "name": grantee_name(site, leader)} for leader in leaders]


def on_demand_rows(site: Site, dialog: Rows) -> Iterator[str]:
    """Which of the rows let in people in whom no snapshot holds."""
    for row in dialog.rows or ():
        if row.grantee.kind == "group" and row.grantee.id in site.on_demand:
            name = grantee_name(site, row.grantee)
            yield f"{name} lets people in on demand: an application says who they are, and no snapshot holds them"


def rows_json(site: Site, content: str, rows: Rows) -> dict[str, Any]:
    """The same for machines; `rows` is null when the list was not read."""
    return {
        "content": {"id": content, "kind": site.contents[content].kind, "path": site.path(content)},
        "description": site.contents[content].description,
        "leaders": {site.path(project): leaders_json(site, leaders) for project, leaders in _led(site, content)},
        "governing": {
            "level": rows.governing.level,
            "holder": site.path(rows.governing.holder),
            "kind": rows.governing.kind,
        },
        "capabilities": list(rows.capabilities),
        "rows": None
        if rows.rows is None
        else [
            {
                "grantee": {**row.grantee._asdict(), "name": grantee_name(site, row.grantee)},
                "template": row.template,
                "leads": row.leads,
                "on_demand": row.grantee.kind == "group" and row.grantee.id in site.on_demand,
                "allow": sorted(row.allowed),
                "deny": sorted(row.denied),
            }
            for row in rows.rows
        ],
    }
