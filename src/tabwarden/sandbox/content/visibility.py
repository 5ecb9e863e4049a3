"""What a person sees of a site's content: the evaluator's Read on every item, remembered per value of the site."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from tabwarden.access.abilities.ability import can
from tabwarden.access.powers import power_over
from tabwarden.access.reference import may
from tabwarden.model.open_points import CURRENT
from tabwarden.model.roles import is_admin
from tabwarden.model.site import Content, Site
from tabwarden.questions import Questions
from tabwarden.sandbox.http.call import Call
from tabwarden.sandbox.http.errors import Refusal
from tabwarden.sandbox.state.sites import State


def visible(state: State, site: Site, user: str, kind: str) -> list[Content]:
    """The content of a kind that the user may View, in the site's order."""
    remembered = state.remembered(site)
    contents: list[Content] | None = remembered.get((user, kind))
    if contents is None:
        contents = remembered[(user, kind)] = list(_judged(state, site, user, kind))
    return contents


def _judged(state: State, site: Site, user: str, kind: str) -> Iterator[Content]:
    of_kind = (content for content in site.contents.values() if content.kind == kind)
    if is_admin(site.users[user].site_role):
        return of_kind
    readable = _readable(state, site, user)
    return (content for content in of_kind if content.id in readable)


def _readable(state: State, site: Site, user: str) -> frozenset[str]:
    """Ids of all that the user may View."""
    remembered = state.remembered(site)
    readable: frozenset[str] | None = remembered.get(user)
    if readable is None:
        questions: Questions | None = remembered.get("questions")
        if questions is None:
            questions = remembered["questions"] = Questions(site, open_points=state.open_points)
        readable = remembered[user] = frozenset(questions.what_ids(user, "Read"))
    return readable


def sees(call: Call, content: Content) -> bool:
    """Whether the asker may View the content."""
    return call.is_admin or may(call.site, call.me.id, "Read", content.id, open_points=call.state.open_points).allowed


def shown(call: Call, kind: str, content_id: str | None = None) -> Content:
    """The content of the path or of that id, if the asker may View it; else he is refused, as documented."""
    content = call.content(kind, content_id)
    if not sees(call, content):
        raise Refusal("denied", f"not allowed: to see that {kind}")
    return content


def demand(
    call: Call,
    action: str,
    content: Content | None = None,
    *,
    target: str | None = None,
    to: str | None = None,
    reason: str = "denied",
) -> None:
    """Refuse unless the asker can do it; what stands in everybody's way has a reason of its own."""
    content_id = content.id if content else None
    answer = can(call.site, call.me.id, action, content_id, target=target, to=to, open_points=call.state.open_points)
    if answer.allowed:
        return
    raise Refusal(_IN_THE_WAY.get(answer.because, reason), f"not allowed: {action} ({answer.because})")


_IN_THE_WAY: Mapping[str, str] = {
    "default_project": "default_kept",
    "locked_project": "locked",
    "locked_database": "locked",
    "tabs_shown": "tabs_shown",
}


def capable(call: Call, kind: str, capability: str, content_id: str | None = None) -> Content:
    """The content of the path or of that id, as `shown`; whoever does not hold that capability on it is refused."""
    content = shown(call, kind, content_id)
    answer = may(call.site, call.me.id, capability, content.id, open_points=call.state.open_points)
    if not answer.allowed:
        raise Refusal("denied", f"not allowed: {capability} on that {content.kind} ({answer.because})")
    return content


def rules_shown(call: Call, content: Content) -> bool:
    """Whether the asker may read the rules: who may edit them, the owner, and owners and leaders of the project.

    Owning or leading helps only somebody whose site role lets him see the content at all, and other people.
    """
    site, me = call.site, call.me.id
    if not call.sees_people:
        return False
    if call.is_admin or can(site, me, "set_permissions", content.id, open_points=call.state.open_points).allowed:
        return True
    if not sees(call, content):
        return False
    project = content.id if content.kind == "project" else site.project_of(content.id)
    return content.owner == me or power_over(site, me, project, CURRENT) is not None
