"""Whether a change of a plan is true on a site as it is now. Not whether it may be, nor the doing."""

from __future__ import annotations

from tabwarden.model.site import Site
from tabwarden.plan.content_facts import fact, wanted
from tabwarden.plan.facts import group_of, nickname_of, user_of
from tabwarden.plan.plan import (
    ADD_TO_GROUP,
    ADD_USER,
    CREATE_GROUP,
    DELETE_GROUP,
    OF_CONTENT,
    REMOVE_FROM_GROUP,
    REMOVE_USER,
    SET_NICKNAME,
    SET_SITE_ROLE,
    UPDATE_GROUP,
    Change,
)


def as_planned(now: Site, change: Change) -> str | None:
    """Whether the change is true on the site: None for no, else the id of what it created ('' where nothing was).

    Of an import or synchronisation nobody can tell: it is always to be done again.
    """
    if change.op in OF_CONTENT:
        return "" if fact(now, change) == wanted(change) else None
    if change.op == SET_NICKNAME:
        return "" if nickname_of(now, change.domain) == change.after["nickname"] else None
    user = user_of(now, change.user) if change.user else None
    group = group_of(now, change.group) if change.group else None
    member = user is not None and group is not None and user.id in now.members(group.id)
    grants = group is not None and (group.minimum_site_role, group.grant_on) == (
        change.after.get("minimum_site_role"),
        change.after.get("grant_on"),
    )
    match change.op:
        case op if op == ADD_USER:
            return user.id if user is not None else None
        case op if op == CREATE_GROUP:
            return group.id if group is not None and grants else None
        case op if op == UPDATE_GROUP:
            return "" if grants else None
        case op if op == ADD_TO_GROUP:
            return "" if member else None
        case op if op == REMOVE_FROM_GROUP:
            return None if member else ""
        case op if op == SET_SITE_ROLE:
            return "" if user is not None and user.site_role == change.after["site_role"] else None
        case op if op == REMOVE_USER:
            return "" if user is None else None
        case op if op == DELETE_GROUP:
            return "" if group is None else None
    return None


def otherwise(now: Site, change: Change) -> str:
    """What is on the site instead of a change that Tableau was expected to bring about."""
    user = user_of(now, change.user) if change.user else None
    if user is None:
        return "Tableau did not do it: the user is not on the site"
    if change.op == SET_SITE_ROLE:
        return f"Tableau left the user at {user.site_role}; plan again, and look whether seats are free"
    where = "not in the group" if change.op == ADD_TO_GROUP else "still in the group"
    return f"Tableau did not do it: the user is {where}; plan again"
