"""The permission dialog of a content: each grantee's row of the list that governs it, with the template it equals."""

from __future__ import annotations

from typing import NamedTuple

from tabwarden.model.capability import LEADER_CAPABILITIES, applies, capabilities_of, template_of
from tabwarden.model.governing import Governing, governing
from tabwarden.model.open_points import DOCUMENTED, OpenPoints
from tabwarden.model.site import ALLOW, Grantee, Rule, Site
from tabwarden.model.tables import grouped

RULED_BY_RULE = {"group": 0, "groupSet": 1, "user": 2}


class GranteeRow(NamedTuple):
    """One grantee: capabilities allowed and denied (the rest is Unspecified) and the template that row equals.

    `leads` is whether a leader rule stands in the row; it is no part of the template of Read and Write.
    """

    grantee: Grantee
    allowed: frozenset[str]
    denied: frozenset[str]
    template: str
    leads: bool = False


class Rows(NamedTuple):
    """The governing list of a content as rows; `rows` is None when it was not read.

    `capabilities` are the columns: those of the kind, then unknown ones that a rule names.
    """

    governing: Governing
    capabilities: tuple[str, ...]
    rows: tuple[GranteeRow, ...] | None


def rows_of(site: Site, content: str, *, default_for: str | None = None, open_points: OpenPoints = DOCUMENTED) -> Rows:
    """The rows that count for a content; with `default_for` the defaults in force there for a kind.

    All Users first, then groups, group sets and people, each by name: the order of the dialog.
    """
    source = governing(site, content) if default_for is None else _defaults(site, content, default_for)
    if source.rules is None:
        return Rows(source, capabilities_of(source.kind), None)
    strange = sorted({r.capability for r in source.rules if applies(r.capability, source.kind) is None})
    by_grantee = grouped((rule.grantee, rule) for rule in source.rules)
    ordered = sorted(by_grantee, key=lambda g: _place(site, g))
    rows = tuple(_row(source.kind, grantee, by_grantee[grantee], open_points) for grantee in ordered)
    return Rows(source, (*capabilities_of(source.kind), *strange), rows)


def _defaults(site: Site, content: str, kind: str) -> Governing:
    """The defaults in force: the list that would govern a content of that kind which is put there."""
    source = governing(site, content)
    if source.level == "unread":
        return source._replace(kind=kind)
    level = "own" if source.holder == content else "project_default"
    return Governing(level, source.holder, kind, site.contents[source.holder].defaults.get(kind, frozenset()))


def _row(kind: str, grantee: Grantee, rules: list[Rule], open_points: OpenPoints) -> GranteeRow:
    allowed = frozenset(r.capability for r in rules if r.mode == ALLOW)
    denied = frozenset(r.capability for r in rules if r.mode != ALLOW)
    leads = bool(allowed & frozenset(LEADER_CAPABILITIES))
    plain = allowed - frozenset(LEADER_CAPABILITIES)
    template = template_of(kind, plain if leads and plain else allowed, denied, open_points)
    return GranteeRow(grantee, allowed, denied, template, leads)


def _place(site: Site, grantee: Grantee) -> tuple[bool, int, str, str]:
    group = site.groups.get(grantee.id) if grantee.kind == "group" else None
    others = site.users.get(grantee.id) if grantee.kind == "user" else site.group_sets.get(grantee.id)
    named = group or others
    name = named.name if named is not None else grantee.id
    return (group is None or not group.everyone, RULED_BY_RULE.get(grantee.kind, 3), name.casefold(), grantee.id)
