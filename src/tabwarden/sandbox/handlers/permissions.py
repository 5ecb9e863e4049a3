"""Permission rules of content and default rules of projects: read, added, replaced, deleted."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from itertools import groupby
from typing import NamedTuple

from tabwarden.effects import content as effects
from tabwarden.model.capability import CAPABILITIES, INHERITED_LEADER, LEADER, READ_ONLY, applies
from tabwarden.model.governing import LOCKED_TO_DATABASE, in_force, managing_project
from tabwarden.model.open_points import AI_ACCESS_KINDS
from tabwarden.model.site import ALLOW, DENY, Content, Grantee, Rule, Rules, Site
from tabwarden.sandbox.content import visibility
from tabwarden.sandbox.content.shapes import singular
from tabwarden.sandbox.http import versions
from tabwarden.sandbox.http.call import NO_CONTENT, Call, Reply, ok
from tabwarden.sandbox.http.errors import Refusal
from tabwarden.sandbox.http.wire import Element, element

GRANTEES: Mapping[str, str] = {"users": "user", "groups": "group", "groupsets": "groupSet"}


class Target(NamedTuple):
    """What rules are asked about: a content of a kind, or with `default_for` a project's defaults for a kind."""

    kind: str
    default_for: str | None = None

    @property
    def judged(self) -> str:
        """The kind whose capabilities apply."""
        return self.default_for or self.kind


def read(call: Call, target: Target) -> Reply:
    """The rules in force: under a lock or with tabs shown those of the project or workbook."""
    content = call.content(target.kind)
    if not visibility.rules_shown(call, content):
        raise Refusal("denied", "only those who may set permissions, owners and leaders read them")
    return ok(_answer(call, content, target))


def _answer(call: Call, content: Content, target: Target) -> Element:
    site = call.site
    locked_at = _locked_at(site, content)
    if target.default_for is not None:
        holder = site.contents[locked_at] if locked_at is not None else content
        rules = holder.defaults.get(target.default_for, frozenset())
    else:
        rules = in_force(site, content.id)
    listed = [*sorted(rules or ())]
    if content.kind == "project" and target.default_for is None and call.personality.shows_inherited_leaders:
        listed.extend(sorted(_inherited_leaders(site, content) - set(listed)))
    about = element(
        singular(content.kind), {"id": content.id, "name": content.name}, element("owner", {"id": content.owner})
    )
    lock = site.contents.get(locked_at or "")
    kind = "Database" if lock is not None and lock.kind == "database" else "Project"
    parent = element("parent", {"type": kind, "id": lock.id}) if lock is not None else None
    return element("permissions", {}, parent, about, *_grantees(listed))


def _grantees(rules: Iterable[Rule]) -> Iterable[Element]:
    ordered = sorted(rules, key=lambda r: (r.grantee, r.capability, r.mode))
    for grantee, spoken in groupby(ordered, key=lambda r: r.grantee):
        listed = (element("capability", {"name": r.capability, "mode": r.mode}) for r in spoken)
        yield element(
            "granteeCapabilities",
            {},
            element(grantee.kind, {"id": grantee.id}),
            element("capabilities", {}, *listed),
        )


def _inherited_leaders(site: Site, project: Content) -> set[Rule]:
    """Leaders of the projects above, as the read-only capability they show as below."""
    above = [site.contents[p] for p in site.ancestors(project.parent)]
    return {
        Rule(rule.grantee, INHERITED_LEADER, ALLOW)
        for ancestor in above
        for rule in ancestor.rules or ()
        if rule.capability == LEADER and rule.mode == ALLOW
    }


def _locked_at(site: Site, content: Content) -> str | None:
    """The managing project, or the database that locks its tables, where it is not the very thing asked about."""
    above = site.contents.get(content.parent or "")
    project = content.id if content.kind == "project" else site.project_of(content.id)
    manager = managing_project(site, project) if project is not None else None
    if manager is None and content.kind == "table" and above is not None and above.mode == LOCKED_TO_DATABASE:
        return above.id
    return None if manager == content.id else manager


def add(call: Call, target: Target) -> Reply:
    """Add rules; one that exists stays, the opposite of one that exists is refused or ignored."""
    content = _editable(call, target)
    rules = _asked(call, content, target)
    present = {(r.grantee, r.capability): r.mode for r in _own(content, target)}
    opposite = {r for r in rules if present.get((r.grantee, r.capability), r.mode) != r.mode}
    if opposite and call.personality.opposite_rule == "refuse":
        words = ", ".join(sorted({f"{r.capability} {r.mode}" for r in opposite}))
        raise Refusal("opposite_rule", f"the opposite of {words} exists; delete it first")
    _keep(call, effects.add_rules(call.site, content.id, rules - opposite, default_for=target.default_for), content)
    return ok(_answer(call, call.content(target.kind), target))


def replaced(call: Call, target: Target) -> Reply:
    """Make these the only rules (used by the migration SDK)."""
    if not call.personality.whole_lists:
        raise Refusal("405000", "rules are added by PUT and removed by DELETE")
    content = _editable(call, target)
    rules = _asked(call, content, target)
    _keep(call, effects.replace_rules(call.site, content.id, rules, default_for=target.default_for), content)
    return ok(_answer(call, call.content(target.kind), target))


def removed(call: Call, target: Target) -> Reply:
    """Delete one rule: grantee, capability and mode are in the path."""
    content = _editable(call, target)
    versions.demand_capability(call.parameters["capability"], call.version)
    grantee = _grantee(call, GRANTEES.get(call.parameters["grantees"].lower(), ""), call.parameters["grantee"])
    rule = _rule(call, grantee, call.parameters["capability"], call.parameters["mode"], target)
    if rule not in _own(content, target):
        raise Refusal("no_rule", f"there is no rule {rule.capability} {rule.mode} for that grantee")
    _keep(call, effects.remove_rules(call.site, content.id, [rule], default_for=target.default_for), content)
    return NO_CONTENT


def _editable(call: Call, target: Target) -> Content:
    """The content whose rules may be edited here by the asker."""
    content = call.content(target.kind)
    visibility.demand(call, "set_permissions", content)
    if _locked_at(call.site, content) is not None:
        raise Refusal("locked", "permissions are locked to the project; edit them there")
    return content


def _own(content: Content, target: Target) -> Rules:
    rules = content.rules if target.default_for is None else content.defaults.get(target.default_for, frozenset())
    return rules or frozenset()


def _keep(call: Call, site: Site, content: Content) -> None:
    """Store; the views of a workbook whose tabs are shown go along with it."""
    if content.kind == "workbook" and content.tabs:
        site = effects.show_tabs(site, content.id)
    call.state.put(site)


def _asked(call: Call, content: Content, target: Target) -> frozenset[Rule]:
    """The rules of the request; an object element, if present, must be the one of the path."""
    body = call.body("permissions")
    for child in body.children:
        if child.name in ("granteeCapabilities", "parent"):
            continue
        if target.default_for is not None and child.name in ("workbook", "datasource"):
            raise Refusal("other_kind_named", "default rules are those of a project; name no other content")
        if child.name != singular(target.kind) or child.get("id") != content.id:
            raise Refusal("another_id", f"the request speaks of another object than the address: `{child.name}`")
    rules: set[Rule] = set()
    for spoken in body.all("granteeCapabilities"):
        rules.update(_spoken(call, spoken, target))
    if not rules:
        raise Refusal("malformed", "the request names no grantee with capabilities")
    if len({(r.grantee, r.capability) for r in rules}) < len(rules):
        raise Refusal("400003", "the request both allows and denies a capability")
    return frozenset(rules)


def _spoken(call: Call, spoken: Element, target: Target) -> Iterable[Rule]:
    named = [child for child in spoken.children if child.name in GRANTEES.values()]
    if len(named) != 1:
        raise Refusal("malformed", "granteeCapabilities needs exactly one user, group or groupSet")
    grantee = _grantee(call, named[0].name, named[0].get("id") or "")
    listed = spoken.find("capabilities") or Element("capabilities")
    for one in listed.all("capability"):
        yield _rule(call, grantee, one.get("name") or "", one.get("mode") or "", target)


def _rule(call: Call, grantee: Grantee, capability: str, mode: str, target: Target) -> Rule:
    """The rule of these words, if there can be one on the target."""
    is_ai = capability != "" and capability == call.state.open_points.ai_access_name
    if (capability not in CAPABILITIES and not is_ai) or mode not in (ALLOW, DENY):
        raise Refusal("unknown_capability", f"`{capability[:40]}` {mode[:10]} is no capability with Allow or Deny")
    known = applies(capability, target.judged) and capability not in READ_ONLY
    known = known or (is_ai and target.judged in AI_ACCESS_KINDS)
    if not known or (capability == LEADER and mode == DENY):
        raise Refusal("capability_of_another_kind", f"`{capability}` {mode} is no capability of {target.judged} rules")
    return Rule(grantee, capability, mode)


def _grantee(call: Call, kind: str, grantee_id: str) -> Grantee:
    """A grantee of this site; 404 for any other."""
    if kind == "user":
        return Grantee(kind, call.user(grantee_id).id)
    if kind == "group":
        return Grantee(kind, call.group(grantee_id).id)
    if kind == "groupSet" and call.knows(versions.GROUP_SETS_SINCE):
        return Grantee(kind, call.group_set(grantee_id).id)
    raise Refusal("404003", "a grantee is one of users, groups, groupSets")
