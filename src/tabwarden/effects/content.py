"""What a change to content does to a Site, as Tableau would do it: locks, tabs, publishing, moving, owners.

Pure: a Site and ids in, a new Site out. It does not ask whether somebody may (that is `access`) and writes nowhere.
Source: "Lock content permissions" and "Use Projects to Manage Content Access" (Server Help 2020.3);
tableau-permissions §4.4, §4.5, §5; assign-to-contents: permissions paper, best practices.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from functools import lru_cache
from types import MappingProxyType

from tabwarden.model.capability import INHERITED_LEADER, LEADER, applies
from tabwarden.model.governing import LOCKED_TO_DATABASE, governing, in_force, managing_project, nested_rules
from tabwarden.model.names import same
from tabwarden.model.open_points import DOCUMENTED, OpenPoints
from tabwarden.model.site import (
    ALLOW,
    CUSTOMIZABLE,
    LOCKED,
    LOCKED_WITHOUT_NESTED,
    NO_RULES,
    Content,
    Grantee,
    Rule,
    Rules,
    Site,
)

# -- locks ----------------------------------------------------------------------------------------------------


def set_mode(site: Site, project: str, mode: str) -> Site:
    """Change the content permissions mode ("Lock content permissions", the table of changes).

    Towards a lock the rules below are overwritten for good; away from it everybody keeps what was in force.
    """
    before = site.contents[project].mode
    if mode == before:
        return site
    materialised = _materialised(site, (project, *site.below(project)))
    if before == LOCKED:
        materialised = _nested_projects_become(materialised, project, CUSTOMIZABLE)
    changed = materialised.with_contents(replace(materialised.contents[project], mode=mode))
    manager = managing_project(changed, project) or project
    if mode == LOCKED:
        return _overwritten(changed, changed.below(project), manager)
    if mode == LOCKED_WITHOUT_NESTED and before == CUSTOMIZABLE:
        return _overwritten(changed, _own_content(changed, project), manager)
    return changed


def set_database_mode(site: Site, database: str, mode: str) -> Site:
    """Lock a database's tables to its default rules, or let each table keep the rules that were in force."""
    if mode == site.contents[database].mode:
        return site
    materialised = _materialised(site, site.below(database))
    changed = materialised.with_contents(replace(materialised.contents[database], mode=mode))
    return _overwritten(changed, changed.below(database), database) if mode == LOCKED_TO_DATABASE else changed


def _nested_projects_become(site: Site, project: str, mode: str) -> Site:
    nested = (site.contents[c] for c in site.below(project) if site.contents[c].kind == "project")
    return site.with_contents(*(replace(c, mode=mode) for c in nested))


def _materialised(site: Site, contents: Iterable[str]) -> Site:
    """The rules in force written onto each content itself, as a real server keeps them."""
    return site.with_contents(*_with_own_rules(site, contents))


def _with_own_rules(site: Site, contents: Iterable[str]) -> Iterator[Content]:
    """Those of the contents that get other rules of their own by it."""
    for content in contents:
        thing, rules = site.contents[content], in_force(site, content)
        if thing.kind == "project":
            manager = managing_project(site, content) or content
            yield replace(thing, rules=rules, defaults=site.contents[manager].defaults)
        elif (fitting := _fitting(rules, thing.kind)) != thing.rules:
            yield replace(thing, rules=fitting)


def _overwritten(site: Site, contents: Iterable[str], manager: str) -> Site:
    """These contents get the rules of `manager`, which has just become their managing project."""
    things = [site.contents[content] for content in contents]
    ruled = _ruled(site.contents[manager], things)
    return site.with_contents(*(now for now, was in zip(ruled, things, strict=True) if now is not was))


def _ruled(manages: Content, things: Iterable[Content]) -> Iterator[Content]:
    """Things as they are below this managing project."""
    for thing in things:
        if thing.kind == "project":
            yield replace(thing, mode=LOCKED, rules=nested_rules(manages.rules), defaults=manages.defaults)
        else:
            rules = default_rules(manages, thing.kind)
            yield thing if rules == thing.rules else replace(thing, rules=rules)


def _own_content(site: Site, project: str) -> Iterable[str]:
    """What lies in the project itself, views included, nested projects not."""
    for child in site.children(project):
        if site.contents[child].kind != "project":
            yield child
            yield from site.below(child)


def default_rules(project: Content, kind: str) -> Rules | None:
    """A project's default rules for a kind, those for workbooks as views keep them; None where they were not read."""
    return _fitting(project.defaults.get("workbook" if kind == "view" else kind, frozenset()), kind)


@lru_cache(maxsize=10_000)
def _fitting(rules: Rules | None, kind: str) -> Rules | None:
    """A workbook's rules as its views keep them: without capabilities that views do not have (§5)."""
    if rules is None or kind != "view":
        return rules
    return frozenset(r for r in rules if applies(r.capability, kind) is not False)


# -- tabs -----------------------------------------------------------------------------------------------------


def show_tabs(site: Site, workbook: str) -> Site:
    """Show sheets as tabs: the workbook's rules overwrite those of its views."""
    book, rules = site.contents[workbook], _fitting(governing(site, workbook).rules, "view")
    views = [replace(view, rules=rules) for v in site.children(workbook) if (view := site.contents[v]).rules != rules]
    return site.with_contents(replace(book, tabs=True), *views) if views or not book.tabs else site


def hide_tabs(site: Site, workbook: str) -> Site:
    """Hide tabs: each view keeps the rules it has at that moment and goes its own way."""
    materialised = _materialised(site, site.children(workbook))
    return materialised.with_contents(replace(materialised.contents[workbook], tabs=False))


# -- rules ----------------------------------------------------------------------------------------------------


def add_rules(site: Site, content: str, rules: Iterable[Rule], *, default_for: str | None = None) -> Site:
    """Add rules to a content, or to a project's defaults for a kind; an opposite rule gives way.

    A list that was not read stays unread.
    """
    return change_rules(site, content, NO_RULES, frozenset(rules), default_for=default_for)


def change_rules(site: Site, content: str, gone: Rules, added: Rules, *, default_for: str | None = None) -> Site:
    """Take rules away and add others in their place, an opposite rule giving way; an unread list stays unread."""
    thing = site.contents[content]
    rules_now = thing.rules if default_for is None else thing.defaults.get(default_for, frozenset())
    if rules_now is None:
        return site
    spoken = {(r.grantee, r.capability) for r in added}
    others = (r for r in rules_now - gone if (r.grantee, r.capability) not in spoken)
    return replace_rules(site, content, (*others, *added), default_for=default_for)


def remove_rules(site: Site, content: str, rules: Iterable[Rule], *, default_for: str | None = None) -> Site:
    """Take rules away; one that is not there is no error, and a list that was not read stays unread."""
    return change_rules(site, content, frozenset(rules), NO_RULES, default_for=default_for)


def replace_rules(site: Site, content: str, rules: Iterable[Rule], *, default_for: str | None = None) -> Site:
    """These rules and no others on a content, or as a project's defaults for a kind."""
    thing = site.contents[content]
    if default_for is None:
        wanted = frozenset(rules)
        gone = _named_leaders(thing.rules) - _named_leaders(wanted)
        after = site.with_contents(replace(thing, rules=wanted))
        return _no_longer_inherited(after, site.below(content), gone) if gone else after
    defaults = MappingProxyType({**thing.defaults, default_for: frozenset(rules)})
    return site.with_contents(replace(thing, defaults=defaults))


def _named_leaders(rules: Rules | None) -> frozenset[Grantee]:
    return frozenset(r.grantee for r in rules or () if r.capability == LEADER and r.mode == ALLOW)


def _no_longer_inherited(site: Site, contents: Iterable[str], grantees: frozenset[Grantee]) -> Site:
    """Without the rows that tell of leadership from a parent, for these grantees.

    Whoever leads a parent that was read leads by that parent's own rule; only its echo goes.
    """
    changed = tuple(_without_echoes((site.contents[content] for content in contents), grantees))
    return site.with_contents(*changed) if changed else site


def _without_echoes(contents: Iterable[Content], grantees: frozenset[Grantee] | None) -> Iterator[Content]:
    """Those of the contents that lose such rows, for these grantees (None: for all)."""
    for thing in contents:
        echoes = [r for r in thing.rules or () if r.capability == INHERITED_LEADER]
        gone = echoes if grantees is None else [r for r in echoes if r.grantee in grantees]
        if thing.rules is not None and gone:
            yield replace(thing, rules=thing.rules.difference(gone))


def remove_leader(site: Site, project: str, grantee: Grantee) -> Site:
    """Remove a project leader: he is left with everything Unspecified, defaults too ("Set a project leader")."""
    left = site.with_contents(_content_without(site.contents[project], grantee))
    return _no_longer_inherited(left, site.below(project), frozenset({grantee}))


def without_grantee(site: Site, grantee: Grantee) -> Site:
    """No rule speaks of this grantee any more: what deleting a user, group or group set leaves behind."""
    changed = [_content_without(site.contents[content], grantee) for content in site.speaking_of(grantee)]
    return site.with_contents(*changed) if changed else site


def _content_without(thing: Content, grantee: Grantee) -> Content:
    rules = _without(thing.rules, grantee)
    defaults = {kind: _without(listed, grantee) for kind, listed in thing.defaults.items()}
    if rules == thing.rules and defaults == dict(thing.defaults):
        return thing
    return replace(thing, rules=rules, defaults=MappingProxyType(defaults))


def _without(rules: Rules | None, grantee: Grantee) -> Rules | None:
    if rules is None or all(r.grantee != grantee for r in rules):
        return rules
    return frozenset(r for r in rules if r.grantee != grantee)


def assign_to_contents(site: Site, project: str) -> Site:
    """The classic Assign Permissions to Contents: the project's defaults replace the rules of all it holds."""
    manages = site.contents[project]
    content = (site.contents[c] for c in _own_content(site, project))
    return site.with_contents(*(replace(c, rules=default_rules(manages, c.kind)) for c in content))


# -- coming, going, changing hands ----------------------------------------------------------------------------


def create_project(site: Site, project: Content) -> Site:
    """A new project: at the top it copies the Default project's rules and defaults, nested those of its parent.

    The Default project's lock is not inherited; under a parent that locks nested projects the new one is locked.
    """
    model = default_project(site) if project.parent is None else site.contents[project.parent]
    if model is None:
        return site.with_contents(project)
    under_lock = project.parent is not None and model.mode == LOCKED
    if project.parent is not None:
        model = site.contents[managing_project(site, model.id) or model.id]
    rules = nested_rules(model.rules)
    mode = LOCKED if under_lock else project.mode
    return site.with_contents(replace(project, rules=rules, defaults=model.defaults, mode=mode))


def is_name_taken(site: Site, content: Content, parent: str | None) -> bool:
    """Whether something else of its kind has its name, in any letter case, in a project (None: at the top level)."""
    path = content.name if parent is None else f"{site.path(parent)}/{content.name}"
    others = (site.contents[other] for other in site.contents_at(path) if other != content.id)
    return any(
        other.kind == content.kind and other.parent == parent and same(other.name) == same(content.name)
        for other in others
    )


def default_project(site: Site) -> Content | None:
    """The built-in project Default, which new top-level projects copy."""
    default_id = site.default_project_id
    return None if default_id is None else site.contents[default_id]


def publish(site: Site, content: Content, views: Sequence[Content] = ()) -> Site:
    """New content: the defaults of its project for its kind are copied onto it, the workbook's onto its views."""
    project = content.parent or ""
    manages = site.contents[managing_project(site, project) or project]
    rules = default_rules(manages, content.kind)
    born = replace(content, rules=rules)
    seen = _fitting(rules, "view")
    return site.with_contents(born, *(replace(v, parent=content.id, rules=seen, owner=content.owner) for v in views))


def overwrite(
    site: Site, content: str, by: str, new_views: Sequence[Content] = (), *, open_points: OpenPoints = DOCUMENTED
) -> Site:
    """Publish over existing content: whoever does it becomes the owner; new views get the workbook's rules.

    Existing views keep theirs (B: republishing with hidden tabs over view rules is not documented; an open point).
    """
    rules = _fitting(governing(site, content).rules, "view")
    if open_points.republish_resets_view_rules:
        site = site.with_contents(*(replace(site.contents[v], rules=rules) for v in site.children(content)))
    added = site.with_contents(*(replace(v, parent=content, rules=rules) for v in new_views))
    return change_owner(added, content, by)


def change_owner(site: Site, content: str, to: str) -> Site:
    """Another owner; the former one keeps only what rules give him. A workbook takes its views along."""
    thing = site.contents[content]
    follow = [site.contents[v] for v in site.children(content)] if thing.kind == "workbook" else []
    return site.with_contents(*(replace(c, owner=to) for c in (thing, *follow)))


def move(site: Site, content: str, target: str | None, *, open_points: OpenPoints = DOCUMENTED) -> Site:
    """Move content or a project (None: to the top level).

    Into a locked project its rules take over; elsewhere the rules in force travel along (of a single item that is
    believed, an open point). A project that leaves a parent which locks nested projects becomes locked itself. What
    lies in the target already stays as it is.
    """
    thing = site.contents[content]
    scope = (content, *site.below(content))
    manager = None
    if target is not None and (thing.kind != "project" or site.contents[target].mode == LOCKED):
        manager = managing_project(site, target)
        if manager is None and not open_points.moved_item_keeps_rules:
            manager = target
    if manager is not None:  # whatever their own rules were
        things = (replace(thing, parent=target), *map(site.contents.__getitem__, scope[1:]))
        return site.with_contents(*_ruled(site.contents[manager], things))
    came_locked = thing.kind == "project" and (managing_project(site, content) or content) != content
    own = {c: site.contents[c] for c in scope}
    own |= {one.id: one for one in _with_own_rules(site, scope)}
    own |= {one.id: one for one in tuple(_without_echoes(own.values(), None))}
    moved = own[content]
    own[content] = replace(moved, parent=target, mode=LOCKED if came_locked else moved.mode)
    return site.with_contents(*(one for one in own.values() if one is not site.contents[one.id]))


def delete_content(site: Site, content: str) -> Site:
    """Delete content and everything below it. Workbooks that used a deleted data source stay."""
    return site.without_contents((content, *site.below(content)))
