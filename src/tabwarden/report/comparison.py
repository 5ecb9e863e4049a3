"""Two snapshots side by side, in words, tables and JSON."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import partial
from typing import Any, cast

from tabwarden.compare.snapshots import CONTENT, GROUP, GROUP_SET, NOT_READ, SITE, USER, Compared, Fact, Unknown
from tabwarden.model.capability import KIND_NAMES, ui_name
from tabwarden.model.roles import ui_role
from tabwarden.model.scope import of_rules
from tabwarden.model.site import CUSTOMIZABLE, LOCKED, LOCKED_WITHOUT_NESTED, Rule, Site
from tabwarden.report.access_changes import count_words, listed, reach_json, shift_lines
from tabwarden.report.answers import grantee_name, rule_json
from tabwarden.report.table import NAME, Column, Rows, Table

MODES = {LOCKED: "locked", LOCKED_WITHOUT_NESTED: "locked without nested projects", CUSTOMIZABLE: "customizable"}
FIELDS = {
    "site_role": "site role",
    "minimum_site_role": "minimum site role",
    "grant_on": "role granted on",
    "on_demand": "groups that let people in on demand",
    "parent": "place",
    "mode": "content permissions",
    "tabs": "sheets as tabs",
}
_FEW_THINGS = 10


def headings(comparison: Compared) -> Iterator[str]:
    """Which snapshots these are, and what differs in numbers."""
    yield f"{comparison.after.name}: {_taken(comparison.before)} and {_taken(comparison.after)}"
    if comparison.same:
        yield "nothing differs that could be read"
        return
    number = len(comparison.facts)
    yield f"{number:,} {'fact differs' if number == 1 else 'facts differ'}; {count_words(comparison.reach)}"


def _taken(site: Site) -> str:
    return site.taken.when or "at a time that was not told"


def parts(comparison: Compared) -> Iterator[Table | str]:
    """What to print below the headings: facts, people, and what nobody can know."""
    if comparison.facts:
        yield _facts_table(comparison)
    yield from shift_lines(comparison.before, comparison.after, comparison.reach)
    yield from unknown_lines(comparison)


def _facts_table(comparison: Compared) -> Table:
    columns = (Column("What", NAME), Column("", called="fact"), "Before", "After")
    return Table(*columns, name="facts", rows=Rows(comparison.facts, partial(fact_words, comparison)))


def fact_words(comparison: Compared, fact: Fact) -> tuple[str, str, str, str]:
    """The thing by name, what of it, and how it was and is."""
    thing = _thing(comparison, fact)
    if fact.what == "added":
        return thing, "", "not there", "new"
    if fact.what == "removed":
        return thing, "", "there", "removed"
    if fact.what in ("rules", "default_rules"):
        what = "rules" if fact.kind is None else f"rules for new {KIND_NAMES[fact.kind]}s"
        return thing, what, *_lists(comparison, fact, _rule_words(fact.kind))
    if fact.what in ("members", "groups", "on_demand"):
        table, what = "users" if fact.what == "members" else "groups", FIELDS.get(fact.what, fact.what)
        return thing, what, *_lists(comparison, fact, lambda site, thing_id: _name(site, table, str(thing_id)))
    what = FIELDS.get(fact.what, fact.what.replace("_", " "))
    if fact.what in ("tags", "connections"):
        return thing, what, *_lists(comparison, fact, lambda _, words: str(words))
    return thing, what, _value(comparison.before, fact, fact.before), _value(comparison.after, fact, fact.after)


def _thing(comparison: Compared, fact: Fact) -> str:
    """`user ann`, `workbook Finance/Budget`: by the later name, or the earlier where it is gone."""
    if fact.about == SITE:
        return "site"
    table = {USER: "users", GROUP: "groups", GROUP_SET: "group_sets", CONTENT: "contents"}[fact.about]
    site = comparison.after if fact.id in getattr(comparison.after, table) else comparison.before
    if fact.about == CONTENT:
        kind = site.contents[fact.id].kind
        return f"{KIND_NAMES[kind]} {site.path(fact.id)}"
    return f"{fact.about.replace('_', ' ')} {_name(site, table, fact.id)}"


def _name(site: Site, table: str, id_: str) -> str:
    if table == "users":
        return site.called(id_)
    things: Mapping[str, Any] = getattr(site, table)
    return str(things[id_].name) if id_ in things else id_


def _value(site: Site, fact: Fact, value: object) -> str:
    if isinstance(value, bool):
        return "on" if value else "off"
    if fact.what == "parent":
        return "the top level" if value is None else (site.path(str(value)) or str(value))
    if value is None:
        return "none"
    words = str(value)
    if fact.what in ("site_role", "minimum_site_role"):
        return ui_role(words)
    if fact.what == "mode":
        return MODES.get(words, words)
    return site.called(words) if fact.what == "owner" else words


def _rule_words(kind: str | None) -> Callable[[Site, Any], str]:
    def words(site: Site, rule: Rule) -> str:
        return f"{rule.mode} {ui_name(rule.capability, kind)} to {grantee_name(site, rule.grantee)}"

    return words


def _lists(comparison: Compared, fact: Fact, words: Callable[[Site, Any], str]) -> tuple[str, str]:
    """`- ` what only the one has, and `+ ` what only the other has."""

    def told(site: Site, sign: str, value: object) -> str:
        if value is NOT_READ:
            return "not read"
        listed_words = listed(sorted(words(site, value_) for value_ in cast(Iterable[Any], value)))
        return f"{sign} {listed_words}" if listed_words else ""

    return told(comparison.before, "-", fact.before), told(comparison.after, "+", fact.after)


def unknown_lines(comparison: Compared) -> Iterator[str]:
    """Of each snapshot what was not read, and how many decisions are unknown for it."""
    for site, unknown in zip((comparison.before, comparison.after), comparison.unknown, strict=True):
        if of_rules(site.partial):
            yield f"not read {_taken(site)}: {'; '.join(of_rules(site.partial))}"
        if unknown.decisions:
            most = sorted(unknown.contents.items(), key=lambda count: (-count[1], site.path(count[0])))
            on = ", ".join(f"{site.path(content)} ({number:,})" for content, number in most[:_FEW_THINGS])
            yield (
                f"unknown {_taken(site)}: {unknown.decisions:,} decisions of {len(unknown.users):,} people "
                f"on {len(unknown.contents):,} things: {on}{' ...' if len(most) > _FEW_THINGS else ''}"
            )


def compared_json(comparison: Compared) -> dict[str, Any]:
    """Both snapshots, every fact, every shift, and what is unknown on either."""
    sites = {"before": comparison.before, "after": comparison.after}
    return {
        "site": {"id": comparison.after.id, "name": comparison.after.name, "content_url": comparison.after.content_url},
        **{when: {"taken": site.taken.when, "partial": list(site.partial)} for when, site in sites.items()},
        "same": comparison.same,
        "facts": [fact_json(comparison, fact) for fact in comparison.facts],
        **reach_json(comparison.before, comparison.after, comparison.reach),
        "unknown": {
            when: _unknown_json(site, counts)
            for (when, site), counts in zip(sites.items(), comparison.unknown, strict=True)
        },
    }


def fact_json(comparison: Compared, fact: Fact) -> dict[str, Any]:
    """One fact with ids and names, and how it was and is."""
    document: dict[str, Any] = {"about": fact.about, "id": fact.id, "name": _thing(comparison, fact), "what": fact.what}
    if fact.kind is not None:
        document["kind"] = fact.kind
    if fact.what in ("added", "removed"):
        return document
    for when, site, value in (("before", comparison.before, fact.before), ("after", comparison.after, fact.after)):
        document[when] = _plain(site, fact, value)
    return document


def _plain(site: Site, fact: Fact, value: object) -> Any:
    if not isinstance(value, frozenset):
        return value
    if fact.what in ("rules", "default_rules"):
        return [rule_json(site, rule) for rule in sorted(value)]
    if fact.what != "members":
        return [{"id": id_, "name": _name(site, "groups", id_)} for id_ in sorted(value)]
    users = ((id_, site.users.get(id_)) for id_ in sorted(value))
    return [
        {"id": id_, "name": id_} if user is None else {"id": id_, "name": user.name, "domain": user.domain}
        for id_, user in users
    ]


def _unknown_json(site: Site, unknown: Unknown) -> dict[str, Any]:
    return {
        "decisions": unknown.decisions,
        "people": len(unknown.users),
        "contents": [
            {"id": content, "path": site.path(content), "decisions": number}
            for content, number in unknown.contents.items()
        ],
    }
