"""Edits in the words of what-if, so that a proposal can be pasted into it; reasons of refusals. Not their parsing."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

from tabwarden.effects import ops
from tabwarden.effects.ops import Edit
from tabwarden.model.capability import KIND_NAMES, capability_named, ui_name
from tabwarden.model.errors import AmbiguousName, UnknownName
from tabwarden.model.roles import ui_role
from tabwarden.model.site import CUSTOMIZABLE, LOCAL, LOCKED_WITHOUT_NESTED, Grantee, Rule, Site

# The small words of the language: a name that holds one is quoted.
_SMALL = re.compile(
    r"\b(to|on|in|for|from|with|like|of|owned|without)\b|^(group|user|leader|allow|deny)\b|[.;]$", re.IGNORECASE
)

REFUSALS = {
    "locked_project": "permissions are locked; rules, defaults and the mode are edited on the managing project",
    "locked_database": "the rules of its tables are locked to the database, and are edited there",
    "tabs_shown": "sheets are shown as tabs; views have no rules of their own",
    "not_applicable": "that does not exist for this kind of thing",
    "no_such_rule": "there is no such rule",
    "already_member": "is a member already",
    "not_member": "is no member",
    "all_users": "All Users cannot be changed",
    "glsi_floor": "a group grants a higher site role on sign-in; out of that group first",
    "no_seat": "no licence is free",
    "not_settable_by_rest": "Server Administrator is neither given nor taken through REST",
    "site_role": "the site role cannot own that",
    "guest_cannot_own": "Guest can own nothing",
    "owns_content": "owns content; without an heir Tableau keeps the user, Unlicensed and out of all groups",
    "owns_content_all_users_glsi": "owns content, and All Users grants a role on sign-in",
    "default_project": "the Default project cannot be deleted",
    "exists": "there is one already",
    "not_read": "its rules were not read",
}


def words_of(site: Site, edit: Edit) -> str:
    """The sentence that means this edit on this Site."""
    return _WORDS[type(edit)](site, edit)


def refusal(because: str) -> str:
    """Why Tableau would not do it."""
    return REFUSALS.get(because, because.replace("_", " "))


def _quoted(name: str) -> str:
    return f'"{name}"' if _SMALL.search(name) else name


def _content(site: Site, content: str) -> str:
    """The path; with its kind, or the id, where the path alone would not find it."""
    if content not in site.contents:
        return content
    path = site.path(content)
    for words in (path, f"{site.contents[content].kind}:{path}"):
        try:
            if site.find_content(words).id == content:
                return _quoted(words)
        except (AmbiguousName, UnknownName):
            continue
    return content


def _user(site: Site, user: str) -> str:
    held = site.users.get(user)
    if held is None:
        return user
    alone = len(site.users_named(held.name)) == 1
    return _quoted(held.name if alone else f"{held.domain}\\{held.name}")


def _group(site: Site, group: str) -> str:
    held = site.groups.get(group)
    if held is None:
        return group
    same = [g for g in site.groups.values() if g.name.casefold() == held.name.casefold()]
    return _quoted(held.name if len(same) == 1 or held.domain == LOCAL else f"{held.domain}\\{held.name}")


def grantee(site: Site, who: Grantee) -> str:
    """`user ann`, `group Sales`, `group set S`."""
    if who.kind == "user":
        return f"user {_user(site, who.id)}"
    if who.kind == "group":
        return f"group {_group(site, who.id)}"
    held = site.group_sets.get(who.id)
    return f"group set {_quoted(held.name if held is not None else who.id)}"


def _on(site: Site, content: str, default_for: str | None) -> str:
    held = site.contents[content]
    within = f"{KIND_NAMES[default_for]}s in " if default_for is not None else ""
    return f"on {within}{_content(site, held.id)}"


def _capability(site: Site, rule: Rule, content: str, default_for: str | None) -> str:
    kind = default_for or site.contents[content].kind
    name = ui_name(rule.capability, kind)
    try:
        known = capability_named(name, kind) == rule.capability
    except (AmbiguousName, UnknownName):
        known = False
    return _quoted(name if known else rule.capability)


def _put(site: Site, edit: Any) -> str:
    name = _capability(site, edit.rule, edit.content, edit.default_for)
    where = _on(site, edit.content, edit.default_for)
    return f"{edit.rule.mode.casefold()} {name} {where} to {grantee(site, edit.rule.grantee)}"


def _take(site: Site, edit: Any) -> str:
    name = _capability(site, edit.rule, edit.content, edit.default_for)
    where = _on(site, edit.content, edit.default_for)
    return f"remove {edit.rule.mode.casefold()} {name} {where} from {grantee(site, edit.rule.grantee)}"


def _mode(site: Site, edit: Any) -> str:
    if edit.mode == CUSTOMIZABLE:
        return f"unlock {_content(site, edit.project)}"
    return f"lock {_content(site, edit.project)}{' without nested' if edit.mode == LOCKED_WITHOUT_NESTED else ''}"


def _new_project(site: Site, edit: Any) -> str:
    above = f"{site.path(edit.project.parent)}/" if edit.project.parent is not None else ""
    like = f" like {_content(site, edit.like)}" if edit.like is not None else ""
    owner = f" owned by {_user(site, edit.project.owner)}" if edit.project.owner else ""
    return f"new project {_quoted(above + edit.project.name)}{like}{owner}"


def _move(site: Site, edit: Any) -> str:
    target = "the top level" if edit.target is None else _content(site, edit.target)
    return f"move {_content(site, edit.content)} to {target}"


def _remove_user(site: Site, edit: Any) -> str:
    heir = f" with heir {_user(site, edit.heir)}" if edit.heir is not None else ""
    return f"remove user {_user(site, edit.user)}{heir}"


def _template(site: Site, edit: Any) -> str:
    where = _on(site, edit.content, edit.default_for)
    return f"use template {edit.template} {where} for {grantee(site, edit.grantee)}"


_WORDS: Mapping[type[Edit], Callable[[Site, Any], str]] = {
    ops.PutRule: _put,
    ops.TakeRule: _take,
    ops.PutTemplate: _template,
    ops.Lead: lambda s, e: f"make {grantee(s, e.grantee)} leader of {_content(s, e.project)}",
    ops.Unlead: lambda s, e: f"remove leader {grantee(s, e.grantee)} from {_content(s, e.project)}",
    ops.Join: lambda s, e: f"add {_user(s, e.user)} to {_group(s, e.group)}",
    ops.Leave: lambda s, e: f"remove {_user(s, e.user)} from {_group(s, e.group)}",
    ops.DeleteGroup: lambda s, e: f"delete group {_group(s, e.group)}",
    ops.SetRole: lambda s, e: f"set {_user(s, e.user)} to {ui_role(e.role)}",
    ops.RemoveUser: _remove_user,
    ops.SetOwner: lambda s, e: f"give {_content(s, e.content)} to {_user(s, e.to)}",
    ops.SetMode: _mode,
    ops.SetTabs: lambda s, e: f"{'show' if e.shown else 'hide'} tabs on {_content(s, e.workbook)}",
    ops.MoveTo: _move,
    ops.NewProject: _new_project,
    ops.DeleteContent: lambda s, e: f"delete {_content(s, e.content)}",
    ops.SetSetting: lambda _, e: f"switch {'on' if e.value else 'off'} {e.setting.replace('_', ' ')}",
}
