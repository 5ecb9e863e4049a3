"""The permission checker: a person and a content, every capability, and why."""

from __future__ import annotations

from starlette.responses import Response

from tabwarden.commands import who_what, why
from tabwarden.model.errors import UnknownName
from tabwarden.web.answers import Asked, answered
from tabwarden.web.rights import AUDITOR
from tabwarden.web.visit import Visit, page


def _person(visit: Visit) -> str:
    """Who is asked about: oneself, or anybody where one may."""
    own = visit.user
    words = visit.word("user") or (visit.site.site.called(own.id) if own else "")
    if not words:
        raise UnknownName(f"nobody of the site {visit.site.site.name} has your name `{visit.name}`")
    if AUDITOR in visit.rights:
        return words
    if own is None or visit.site.site.users_named(words) != (own.id,):
        raise UnknownName("you may ask what you may do yourself; about others asks whoever has the right `auditor`")
    return words


@page("/check", audit="looked")
def check(visit: Visit) -> Response:
    """The grid of a person on a content, the reasons of one capability, or everything that a person may."""
    asking, user = Asked(visit.site), _person(visit)
    content, capability = visit.word("content"), visit.word("capability")
    if content and capability:
        answer = answered(why.why, user, capability, content, asking=asking)
    else:
        answer = answered(who_what.what, user, content or None, asking=asking)
    return visit.show("checker.html", title="Check", user=user, content=content, capability=capability, answer=answer)
