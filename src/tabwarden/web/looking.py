"""Looking as somebody else: who may, as whom, and what it is called while it lasts.

Support looks at what Jane is shown, and at nothing beyond: with her own access alone, on one site, changing nothing.
What allows it is asked anew with each page, so that it ends as soon as somebody's right, role or the settings change.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

from tabwarden.model.roles import rank, ui_role
from tabwarden.web.rights import LOOK_AS, OWN, rights_of

if TYPE_CHECKING:
    from tabwarden.model.site import Site, User
    from tabwarden.settings.web import Rights

KEY = "looks_as"  # of what a session knows of a person


class Looking(NamedTuple):
    """As whom somebody looks (a user name), on which site (a content URL), why, and since when (ISO)."""

    name: str
    site: str
    reason: str
    since: str


def looking_of(person: Mapping[str, Any]) -> Looking | None:
    """As whom somebody who is signed in looks; None where as himself."""
    return Looking(**person[KEY]) if person.get(KEY) else None


def with_looking(person: Mapping[str, Any], looking: Looking | None) -> Mapping[str, Any]:
    """What is known of somebody once he looks so, or as himself again."""
    rest = {name: value for name, value in person.items() if name != KEY}
    return {**rest, KEY: looking._asdict()} if looking else rest


def refusal(rights: Rights, person: Mapping[str, Any], site: Site, looker: User | None, user: User | None) -> str:
    """Why `looker` may not look as `user`; empty where he may.

    Nobody looks as somebody with a site role above his own, or a right that he has not; one who is not on the site
    has neither there.
    """
    own = rights_of(rights, with_looking(person, None), site)
    if LOOK_AS not in own:
        return "to look as somebody else needs the right `look-as`, which you do not have"
    if user is None:
        return "nobody of this site has that name, or several have it"
    if looker is None:
        return f"you are nobody of the site {site.name}, so you look as nobody there"
    if looker.id == user.id:
        return "you see what you see yourself already"
    if user.site_role not in rights.look_as.site_roles:
        roles = ", ".join(map(ui_role, rights.look_as.site_roles)) or "nobody"
        return f"by the settings one may look as {roles}, and {site.called(user.id)} is {ui_role(user.site_role)}"
    above, below = rank(looker.site_role), rank(user.site_role)
    if above is None or below is None or below > above:
        return f"{site.called(user.id)} has a site role above yours"
    more = rights_of(rights, {"name": user.name}, site) - own - {OWN}
    return f"{site.called(user.id)} has rights that you do not have: {', '.join(sorted(more))}" if more else ""
