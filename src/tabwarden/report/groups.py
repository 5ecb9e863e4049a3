"""What a group may, in words and in JSON: what the rules that count say of it, and how many of its members may."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from tabwarden.access.granted import Granted
from tabwarden.model.capability import KIND_NAMES, capabilities_of, template_of, ui_name
from tabwarden.model.site import Content, Group, Site
from tabwarden.report.table import CONTENT, MARK, NAME, Column, Table, Text

if TYPE_CHECKING:
    from tabwarden.questions import Questions

BESIDE = "what a member may is decided by the site role and all other rules too: `tabwarden what USER` tells it"
_RULES = {True: Text("allowed", "green"), False: Text("denied", "red")}


def _called(site: Site, group: Group) -> str:
    members = len(site.members(group.id))
    if group.members is None and not group.everyone:
        return f"group {group.name}, whose members were not read"
    return f"group {group.name}, {members} {'member' if members == 1 else 'members'}"


def granted_heading(site: Site, group: Group, rows: Sequence[Granted]) -> str:
    """`group HR, 38 members: rules speak of it on 120 things`."""
    return f"{_called(site, group)}: rules speak of it on {len(rows)} {'thing' if len(rows) == 1 else 'things'}"


def granted_table(rows: Iterable[Granted]) -> Table:
    """Content, and what is allowed and denied there."""
    table = Table(
        Column("Content", NAME, of=CONTENT), Column("Kind", MARK), "As template", "Allowed", "Denied", name="contents"
    )
    for row in rows:
        allowed, denied = (", ".join(ui_name(one, row.kind) for one in names) for names in (row.allowed, row.denied))
        table.add_row(row.path, KIND_NAMES[row.kind], _template(row), allowed, denied)
    return table


def _template(row: Granted) -> str:
    return template_of(row.kind, frozenset(row.allowed), frozenset(row.denied))


def granted_json(site: Site, group: Group, rows: Iterable[Granted]) -> dict[str, Any]:
    """The same for machines, capabilities by their REST names."""
    return {**_group_json(site, group), "contents": [row._asdict() | {"as_template": _template(row)} for row in rows]}


def _group_json(site: Site, group: Group) -> dict[str, Any]:
    read = group.everyone or group.members is not None
    members = len(site.members(group.id)) if read else None
    return {"group": {"id": group.id, "name": group.name, "domain": group.domain, "members": members}}


def members_who_may(questions: Questions, group: Group, content: Content) -> dict[str, int]:
    """How many members may exercise each capability that the content has."""
    members = questions.site.members(group.id)
    names = capabilities_of(content.kind, questions.model)
    return {name: len(members.intersection(questions.who_ids(name, content.id))) for name in names}


def on_one_heading(site: Site, group: Group, content: Content) -> str:
    """`group HR, 38 members, on the workbook HR/Salaries`."""
    return f"{_called(site, group)}, on the {KIND_NAMES[content.kind]} {site.path(content.id)}"


def on_one_table(
    site: Site, group: Group, content: Content, granted: Sequence[Granted], may: Mapping[str, int]
) -> Table:
    """Each capability, what the rules that count say of the group, and how many of its members may."""
    table = Table(Column("Capability", NAME), "Rule for the group", Column("Members who may"), name="capabilities")
    members = len(site.members(group.id))
    for name, number in may.items():
        table.add_row(ui_name(name, content.kind), _rule(name, granted), f"{number} of {members}")
    return table


def _rule(name: str, granted: Sequence[Granted]) -> Text:
    if not granted:
        return Text("not read", "yellow")
    named = (*granted[0].allowed, *granted[0].denied)
    return _RULES[name in granted[0].allowed] if name in named else Text("none", "dim")


def on_one_json(
    site: Site, group: Group, content: Content, granted: Sequence[Granted], may: Mapping[str, int]
) -> dict[str, Any]:
    """The same for machines."""
    rows = [{"capability": n, "rule": _rule(n, granted).words, "members_who_may": count} for n, count in may.items()]
    on = {"id": content.id, "kind": content.kind, "path": site.path(content.id)}
    return {**_group_json(site, group), "content": on, "capabilities": rows}
