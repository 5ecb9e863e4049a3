"""The facts that changes to content rest on, as flat words, and what such a change does to a Site. Not their order.

mode of 0a1b..                     content permissions mode, None when there is no such project
place of 0a1b..                    id of the project it is in, None at the top level or when it is gone
owner of 0a1b..   tabs of 0a1b..
rules of 0a1b.. for user:local\\jane            `Allow Read` and so on, sorted; None when they were not read
workbook defaults of 0a1b.. for user:...        the same of a project's default rules
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from tabwarden.effects import content as effects
from tabwarden.effects.ops import MoveTo, SetMode
from tabwarden.model.site import ALLOW, DENY, GRANTEE_TABLES, LOCAL, Grantee, Rule, Rules, Site
from tabwarden.plan.plan import MOVE, OF_CONTENT, SET_MODE, SET_OWNER, SET_RULE, SET_TABS, Change, Fields, Ref, Value

NAMED = {MOVE: "place", SET_MODE: "mode", SET_TABS: "tabs", SET_OWNER: "owner"}
RULE_FACTS = ("rules", "defaults")


def content_facts(site: Site, changes: Iterable[Change]) -> Fields:
    """What changes to content touch, as it is on `site`."""
    return {fact_name(change): fact(site, change) for change in changes if change.op in OF_CONTENT}


def fact_name(change: Change) -> str:
    """The name of the fact a change to content changes."""
    content = change.content.id if change.content else None
    if change.op != SET_RULE:
        return f"{NAMED[change.op]} of {content}"
    kind = change.before.get("default_for")
    grantee = change.grantee.key if change.grantee else ""
    return f"{'rules' if kind is None else f'{kind} defaults'} of {content} for {grantee}"


def fact(site: Site, change: Change) -> Value:
    """What the change is about, as it is on `site`; None when it is not there or was not read."""
    held = site.contents.get(change.content.id or "") if change.content else None
    if held is None:
        return None
    if change.op == MOVE:
        return held.parent
    if change.op == SET_MODE:
        return held.mode
    if change.op == SET_TABS:
        return held.tabs
    if change.op == SET_OWNER:
        owner = site.users.get(held.owner)
        return Ref("user", owner.name, owner.domain).qualified if owner is not None else held.owner
    rules = _list(site, change)
    grantee = grantee_of(site, change.grantee)
    return None if rules is None else words_of(r for r in rules if r.grantee == grantee)


def wanted(change: Change) -> Value:
    """The same fact once the change is done."""
    if change.op == SET_RULE:
        return words_of(rules_of(change.after, Grantee("", "")))
    return change.after[{MOVE: "parent", SET_MODE: "mode", SET_TABS: "tabs", SET_OWNER: "owner"}[change.op]]


def still_judged(expected: Fields, touched: Sequence[Change]) -> Fields:
    """Facts without those that the changes done or begun may have moved by themselves.

    A lock, a move and tabs overwrite rules of what lies below; the rows that are left are written whatever they are.
    """
    if not any(change.op in (MOVE, SET_MODE, SET_TABS) for change in touched):
        return expected
    return {name: value for name, value in expected.items() if not name.partition(" of ")[0].endswith(RULE_FACTS)}


def words_of(rules: Iterable[Rule]) -> tuple[str, ...]:
    """`Allow Read`, `Deny Write`: what one grantee is allowed and denied."""
    return tuple(sorted(f"{rule.mode} {rule.capability}" for rule in rules))


def rules_of(fields: Fields, grantee: Grantee) -> Rules:
    """The rules that the fields of a change tell, for that grantee."""
    told = ((mode, fields.get(name)) for name, mode in (("allow", ALLOW), ("deny", DENY)))
    return frozenset(
        Rule(grantee, capability, mode) for mode, names in told if isinstance(names, tuple) for capability in names
    )


def grantee_of(site: Site, ref: Ref | None, ids: Mapping[str, str] | None = None) -> Grantee | None:
    """Whom a Ref means on that Site; by name where it had no id when the plan was made. None: nobody."""
    if ref is None:
        return None
    found = ref.id or (ids or {}).get(ref.key)
    if found is None:
        named = getattr(site, GRANTEE_TABLES[ref.kind]).values()
        found = next((t.id for t in named if Ref(ref.kind, t.name, getattr(t, "domain", LOCAL)).key == ref.key), None)
    return None if found is None else Grantee(ref.kind, found)


def content_after(site: Site, change: Change, ids: Mapping[str, str]) -> Site:
    """`site` after one change to content, as Tableau would leave it; `ids` are of what the plan created before."""
    content = change.content.id if change.content else None
    if content is None or content not in site.contents:
        return site
    if change.op == MOVE:
        target = change.after["parent"]
        return MoveTo(content, target if isinstance(target, str) else None).done_to(site).site
    if change.op == SET_MODE:
        return SetMode(content, str(change.after["mode"])).done_to(site).site
    if change.op == SET_TABS:
        return (effects.show_tabs if change.after["tabs"] else effects.hide_tabs)(site, content)
    grantee = grantee_of(site, change.grantee, ids)
    if grantee is None:
        return site
    if change.op == SET_OWNER:
        return effects.change_owner(site, content, grantee.id)
    kind, (was, new) = _kind(change), (rules_of(fields, grantee) for fields in (change.before, change.after))
    site = effects.remove_rules(site, content, was - new, default_for=kind)
    site = effects.add_rules(site, content, new, default_for=kind)
    held = site.contents[content]
    return effects.show_tabs(site, content) if held.kind == "workbook" and held.tabs else site


def _list(site: Site, change: Change) -> Rules | None:
    held = site.contents[change.content.id or ""] if change.content else None
    if held is None:
        return None
    kind = _kind(change)
    return held.rules if kind is None else held.defaults.get(kind, frozenset())


def _kind(change: Change) -> str | None:
    kind = change.before.get("default_for")
    return kind if isinstance(kind, str) else None
