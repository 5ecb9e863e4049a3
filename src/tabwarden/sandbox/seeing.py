"""What a person sees of a site's content: the evaluator's Read on every item, remembered per value of the site.

Not a second opinion: whatever is shown or hidden here is `access.reference`'s answer.
"""

from __future__ import annotations

from tabwarden.access.abilities import can
from tabwarden.access.leading import power_over
from tabwarden.access.reference import may
from tabwarden.model.roles import is_admin
from tabwarden.model.site import Content, Site
from tabwarden.model.switches import CURRENT
from tabwarden.sandbox.call import Call
from tabwarden.sandbox.errors import Refusal, unknown
from tabwarden.sandbox.state import State


def visible(state: State, site: Site, user: str, kind: str) -> list[Content]:
    """The content of a kind that the user may View, in the site's order."""
    remembered = state.remembered(site)
    found = remembered.get((user, kind))
    if found is None:
        everything = is_admin(site.users[user].site_role)
        found = [
            c
            for c in site.contents.values()
            if c.kind == kind and (everything or may(site, user, "Read", c.id).allowed)
        ]
        remembered[(user, kind)] = found
    return found


def sees(call: Call, content: Content) -> bool:
    """Whether the asker may View the content."""
    return call.is_admin or may(call.site, call.me.id, "Read", content.id).allowed


def shown(call: Call, kind: str, content_id: str | None = None) -> Content:
    """The content of the path or of that id, if the asker may View it; else it is as if it did not exist."""
    found = call.content(kind, content_id)
    if not sees(call, found):
        raise unknown(kind, found.id)
    return found


def demand(
    call: Call,
    action: str,
    content: Content | None = None,
    *,
    target: str | None = None,
    to: str | None = None,
    code: str = "403004",
) -> None:
    """Refuse unless the asker can do it; to somebody who may not even View it, the content does not exist."""
    found = can(call.site, call.me.id, action, content.id if content else None, target=target, to=to)
    if found.allowed:
        return
    if content is not None and not sees(call, content):
        raise unknown(content.kind, content.id)
    raise Refusal(code, f"not allowed: {action} ({found.because})")


def rules_shown(call: Call, content: Content) -> bool:
    """Whether the asker may read the rules: who may edit them, the owner, and owners and leaders of the project."""
    site, me = call.site, call.me.id
    if call.is_admin or can(site, me, "set_permissions", content.id).allowed:
        return True
    project = content.id if content.kind == "project" else site.project_of(content.id)
    return content.owner == me or power_over(site, me, project, CURRENT) is not None
