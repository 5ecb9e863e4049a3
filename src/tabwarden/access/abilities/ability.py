"""What a person can do that needs several conditions at once: publish, save as, move, see data, ... and why not.

Composed from the reference's answers; not an evaluator of its own.
Every condition is kept in the Answer, in the order a person meets it; the first that fails gives the reason.
The conditions: `content` (opening, publishing), `web_editing`, `projects` (moving, creating, owners, rules), `views`
(using what one sees), `subscriptions`, `pulse`, `desktop`, `site` (people, schedules, queries).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from types import MappingProxyType

from tabwarden.access.abilities import content as content_deeds
from tabwarden.access.abilities import desktop, pulse, subscriptions, web_editing
from tabwarden.access.abilities import projects as project_deeds
from tabwarden.access.abilities import site as site_deeds
from tabwarden.access.abilities import views as view_deeds
from tabwarden.access.abilities.question import PERSONAL_SPACE, TOP_LEVEL, Answers, Conditions, Deed, projects_by_path
from tabwarden.access.answer import ALLOWED, DENIED, UNKNOWN, Answer, Verdict
from tabwarden.access.reference import as_seen_by
from tabwarden.model.capability import applies, capability_named
from tabwarden.model.errors import AmbiguousName, UnknownName
from tabwarden.model.names import hint
from tabwarden.model.open_points import CURRENT, DOCUMENTED, OpenPoints
from tabwarden.model.roles import is_known
from tabwarden.model.site import Content, Site

# Abilities that hand something to a person or look at one; the others send it to a project.
ABOUT_A_PERSON = (
    "change_project_owner",
    "assign_project_owner",
    "change_content_owner",
    "delete_comment",
    "see_other_users",
    "see_site_role",
    "subscribe",
    "subscribe_with_image",
)
# Abilities whose target may be left open, and those that make somebody else the owner.
ANY_TARGET, OVERWRITES = ("web_save_as", "move"), ("web_overwrite", "publish")


def can(
    site: Site,
    user: str,
    action: str,
    content: str | None = None,
    *,
    target: str | None = None,
    to: str | None = None,
    model: str = CURRENT,
    open_points: OpenPoints = DOCUMENTED,
    answers: Answers | None = None,
) -> Answer:
    """Whether `user` can do `action` (a name of `ACTIONS`) on `content`, by ids.

    `target` is the project it goes to, `PERSONAL_SPACE` or `TOP_LEVEL`; None leaves it open. `to` is the person it is
    handed to or about. `answers` are those of other questions about the same Site, model and open points, and grow.
    Raises UnknownName for an action that is not listed.
    """
    if action not in ACTIONS:
        raise UnknownName(f"no action is called `{action}`; actions are {', '.join(sorted(ACTIONS))}")
    deed = Deed(as_seen_by(site, model), user, action, content, target, to, model, open_points, answers)
    if not is_known(deed.role):
        return _summed(deed, (deed.unread(content, "role_unknown"),))
    return _summed(deed, ACTIONS[action](deed))


def targets(
    site: Site, user: str, action: str, content: str, *, model: str = CURRENT, open_points: OpenPoints = DOCUMENTED
) -> tuple[tuple[str, Answer], ...]:
    """Every project, and what else it could go to, with the Answer for it as the target: projects first, by path."""
    else_to = TOP_LEVEL if site.contents[content].kind == "project" else PERSONAL_SPACE
    places = (*projects_by_path(site), else_to)
    return tuple((p, can(site, user, action, content, target=p, model=model, open_points=open_points)) for p in places)


def missing(answer: Answer) -> tuple[Answer, ...]:
    return tuple(part for part in answer.conditions if not part.allowed)


def _summed(deed: Deed, conditions: Conditions) -> Answer:
    """All must hold; the first refusal decides, an unknown only if nothing refuses."""
    verdict: Verdict = ALLOWED
    because = conditions[-1].because
    refusals: tuple[Verdict, ...] = (DENIED, UNKNOWN)
    for kind in refusals:
        failed = next((c for c in conditions if c.verdict == kind), None)
        if failed is not None:
            verdict, because = kind, failed.because
            break
    else:
        because = next((c.because for c in reversed(conditions) if c.because != "ok"), because)
    decisive = next((c for c in conditions if c.because == because), conditions[-1])
    return replace(
        decisive,
        verdict=verdict,
        because=because,
        user=deed.user,
        what=deed.action,
        content=deed.content,
        conditions=conditions,
    )


ACTIONS: Mapping[str, Callable[[Deed], Conditions]] = MappingProxyType(
    {
        "publish": content_deeds.publish,
        "publish_new_datasource_external": content_deeds.publish_external,
        "download": content_deeds.download,
        "see_data": content_deeds.see_data,
        "create_metric": content_deeds.create_metric,
        "query_api": site_deeds.query_api,
        "use_filters": view_deeds.use_filters,
        "use_actions": view_deeds.use_actions,
        "save_custom_view": view_deeds.save_custom_view,
        # Whoever may save one may make it the one he sees first (blog, "Shared customized").
        "default_custom_view": view_deeds.save_custom_view,
        "share_custom_view": view_deeds.share_custom_view,
        "tag": view_deeds.tag,
        "read_comments": view_deeds.read_comments,
        "comment": view_deeds.comment,
        "delete_comment": view_deeds.delete_comment,
        "edit_comment": view_deeds.edit_comment,
        "subscribe": subscriptions.subscribe,
        "subscribe_with_image": subscriptions.subscribe_with_image,
        "set_data_alert": subscriptions.set_data_alert,
        "define_metric": pulse.define_metric,
        "follow_metric": pulse.follow_metric,
        "connect_from_desktop": desktop.connect_from_desktop,
        "change_refresh_schedule": site_deeds.change_refresh_schedule,
        "see_other_users": site_deeds.see_other_users,
        "see_site_role": site_deeds.see_site_role,
        "web_edit": web_editing.web_edit,
        "web_create": web_editing.web_create,
        "web_save_as": web_editing.web_save_as,
        "web_overwrite": web_editing.web_overwrite,
        "file_save_menu": web_editing.file_save,
        "move": project_deeds.move,
        "delete": project_deeds.delete,
        "rename": project_deeds.rename,
        "create_top_level_project": project_deeds.create_top,
        "create_nested_project": project_deeds.create_nested,
        "delete_top_level_project": project_deeds.delete,
        "delete_nested_project": project_deeds.delete,
        "change_project_owner": project_deeds.change_project_owner,
        "assign_project_owner": project_deeds.change_project_owner,
        "change_content_owner": project_deeds.change_content_owner,
        "set_project_leader": project_deeds.set_project_rules,
        "set_content_permissions_mode": project_deeds.set_project_rules,
        "set_project_rules": project_deeds.set_project_rules,
        "set_permissions": project_deeds.set_permissions,
        "set_view_rules": project_deeds.set_view_rules,
    }
)
_OF_PROJECTS = frozenset(name for name in ACTIONS if "project" in name or name == "set_content_permissions_mode")
# What asks for a place or a person, what is of the whole site, what never is, and another name of the same.
_ASKED_ALONE = frozenset(ANY_TARGET) | {
    *(set(ABOUT_A_PERSON) - {"subscribe", "subscribe_with_image"}),
    "create_top_level_project",
    "delete_top_level_project",
    "delete_nested_project",
    "edit_comment",
}


def of_kind(kind: str) -> tuple[str, ...]:
    """The abilities that may be asked of a content of that kind without a target or a person to be named.

    Some of them do not apply to it all the same; those say so in a condition.
    """
    return tuple(n for n in ACTIONS if n not in _ASKED_ALONE and (kind == "project" or n not in _OF_PROJECTS))


def ability_meant(words: str, content: Content | None) -> str | None:
    """The ability meant, None when it is a capability. Raises UnknownName for an ability nobody knows."""
    prefix, _, rest = words.strip().casefold().partition(":")
    forced = prefix == "ability"
    action = (rest if forced else words.strip().casefold()).strip().replace(" ", "_").replace("-", "_")
    if forced and action not in ACTIONS:
        near = hint(action, dict.fromkeys(ACTIONS, ""), f"; abilities are {', '.join(sorted(ACTIONS))}")
        raise UnknownName(f"no ability is called `{action}`{near}")
    if forced or action not in ACTIONS:
        return action if forced else None
    try:
        return None if content is not None and applies(capability_named(words, content.kind), content.kind) else action
    except (UnknownName, AmbiguousName):
        return action
