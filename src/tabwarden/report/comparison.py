"""Two snapshots side by side, in words, tables and JSON."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, cast

from tabwarden.compare.snapshots import CONTENT, GROUP, GROUP_SET, NOT_READ, SITE, USER, Compared, Fact, Unknown
from tabwarden.model.capability import KIND_NAMES, ui_name
from tabwarden.model.roles import ui_role
from tabwarden.model.site import CUSTOMIZABLE, LOCKED, LOCKED_WITHOUT_NESTED, Rule, Site
from tabwarden.report.access_changes import MOST_LINES, count_words, listed, reach_json, shift_lines
from tabwarden.report.answers import grantee_name, rule_json
from tabwarden.report.table import Table, Text

MODES = {LOCKED: "locked", LOCKED_WITHOUT_NESTED: "locked without nested projects", CUSTOMIZABLE: "customizable"}
FIELDS = {
    "site_role": "site role",
    "minimum_site_role": "minimum site role",
    "grant_on": "role granted on",
    "parent": "place",
    "mode": "content permissions",
    "tabs": "sheets as tabs",
}
_FEW_THINGS = 10


def headings(compared: Compared) -> Iterator[str]:
    """Which snapshots these are, and what differs in numbers."""
    yield f"{compared.after.name}: {_taken(compared.before)} and {_taken(compared.after)}"
    if compared.same:
        yield "nothing differs that could be read"
        return
    number = len(compared.facts)
    yield f"{number:,} {'fact differs' if number == 1 else 'facts differ'}; {count_words(compared.reach)}"


def _taken(site: Site) -> str:
    return site.taken.when or "at a time that was not told"


def parts(compared: Compared) -> Iterator[Table | str]:
    """What to print below the headings: facts, people, and what nobody can know."""
    if compared.facts:
        yield _facts_table(compared)
    if len(compared.facts) > MOST_LINES:
        yield f"and {len(compared.facts) - MOST_LINES:,} facts more, all of them with --json"
    yield from shift_lines(compared.before, compared.after, compared.reach)
    yield from unknown_lines(compared)


# -- facts ----------------------------------------------------------------------------------------------------


def _facts_table(compared: Compared) -> Table:
    table = Table("What", "", "Before", "After")
    for fact in compared.facts[:MOST_LINES]:
        thing, what, was, now = fact_words(compared, fact)
        table.add_row(Text(thing), Text(what), Text(was), Text(now))
    return table


def fact_words(compared: Compared, fact: Fact) -> tuple[str, str, str, str]:
    """The thing by name, what of it, and how it was and is."""
    thing = _thing(compared, fact)
    if fact.what == "added":
        return thing, "", "not there", "new"
    if fact.what == "removed":
        return thing, "", "there", "removed"
    if fact.what in ("rules", "default_rules"):
        what = "rules" if fact.kind is None else f"rules for new {KIND_NAMES[fact.kind]}s"
        return thing, what, *_lists(compared, fact, _rule_words(fact.kind))
    if fact.what in ("members", "groups"):
        table = "users" if fact.what == "members" else "groups"
        return thing, fact.what, *_lists(compared, fact, lambda site, item_id: _name(site, table, str(item_id)))
    what = FIELDS.get(fact.what, fact.what.replace("_", " "))
    return thing, what, _value(compared.before, fact, fact.before), _value(compared.after, fact, fact.after)


def _thing(compared: Compared, fact: Fact) -> str:
    """`user ann`, `workbook Finance/Budget`: by the later name, or the earlier where it is gone."""
    if fact.about == SITE:
        return "site"
    table = {USER: "users", GROUP: "groups", GROUP_SET: "group_sets", CONTENT: "contents"}[fact.about]
    site = compared.after if fact.id in getattr(compared.after, table) else compared.before
    if fact.about == CONTENT:
        kind = site.contents[fact.id].kind
        return f"{KIND_NAMES.get(kind, kind)} {site.path(fact.id)}"
    return f"{fact.about.replace('_', ' ')} {_name(site, table, fact.id)}"


def _name(site: Site, table: str, item_id: str) -> str:
    if table == "users":
        return site.called(item_id)
    items: Mapping[str, Any] = getattr(site, table)
    return str(items[item_id].name) if item_id in items else item_id


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


def _lists(compared: Compared, fact: Fact, words: Callable[[Site, Any], str]) -> tuple[str, str]:
    """`- ` what only the one has, and `+ ` what only the other has."""

    def one_side(site: Site, sign: str, value: object) -> str:
        if value is NOT_READ:
            return "not read"
        listed_words = listed(sorted(words(site, item) for item in cast(Iterable[Any], value)))
        return f"{sign} {listed_words}" if listed_words else ""

    return one_side(compared.before, "-", fact.before), one_side(compared.after, "+", fact.after)


# -- what nobody can know -------------------------------------------------------------------------------------


def unknown_lines(compared: Compared) -> Iterator[str]:
    """Of each snapshot what was not read, and how many decisions are unknown for it."""
    for site, unknown in zip((compared.before, compared.after), compared.unknown, strict=True):
        if site.partial:
            yield f"not read {_taken(site)}: {'; '.join(site.partial)}"
        if unknown.decisions:
            most = sorted(unknown.contents.items(), key=lambda item: (-item[1], site.path(item[0])))
            on = ", ".join(f"{site.path(content)} ({number:,})" for content, number in most[:_FEW_THINGS])
            yield (
                f"unknown {_taken(site)}: {unknown.decisions:,} decisions of {len(unknown.users):,} people "
                f"on {len(unknown.contents):,} things: {on}{' ...' if len(most) > _FEW_THINGS else ''}"
            )


# -- JSON -----------------------------------------------------------------------------------------------------


def compared_json(compared: Compared) -> dict[str, Any]:
    """Both snapshots, every fact, every shift, and what is unknown on either."""
    sites = {"before": compared.before, "after": compared.after}
    return {
        "site": {"id": compared.after.id, "name": compared.after.name, "content_url": compared.after.content_url},
        **{when: {"taken": site.taken.when, "partial": list(site.partial)} for when, site in sites.items()},
        "same": compared.same,
        "facts": [fact_json(compared, fact) for fact in compared.facts],
        **reach_json(compared.before, compared.after, compared.reach),
        "unknown": {
            when: _unknown_json(site, unknown)
            for (when, site), unknown in zip(sites.items(), compared.unknown, strict=True)
        },
    }


def fact_json(compared: Compared, fact: Fact) -> dict[str, Any]:
    """One fact with ids and names, and how it was and is."""
    document: dict[str, Any] = {"about": fact.about, "id": fact.id, "name": _thing(compared, fact), "what": fact.what}
    if fact.kind is not None:
        document["kind"] = fact.kind
    if fact.what in ("added", "removed"):
        return document
    for when, site, value in (("before", compared.before, fact.before), ("after", compared.after, fact.after)):
        document[when] = _plain(site, fact, value)
    return document


def _plain(site: Site, fact: Fact, value: object) -> Any:
    if not isinstance(value, frozenset):
        return value
    if fact.what in ("rules", "default_rules"):
        return [rule_json(site, rule) for rule in sorted(value)]
    if fact.what != "members":
        return [{"id": item_id, "name": _name(site, "groups", item_id)} for item_id in sorted(value)]
    users = ((item_id, site.users.get(item_id)) for item_id in sorted(value))
    return [
        {"id": item_id, "name": item_id} if user is None else {"id": item_id, "name": user.name, "domain": user.domain}
        for item_id, user in users
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
