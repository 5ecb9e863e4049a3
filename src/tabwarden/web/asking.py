"""How a question of a page is put: about whom one may ask, under which model, and in which words it is answered.

An auditor asks about everybody. Everybody else asks about himself, and is answered by `mirror.own`: what he is not
shown on Tableau is named nowhere, and is not found as little as what is not there.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from starlette.responses import Response

from tabwarden.model.errors import UnknownName
from tabwarden.model.scope import of_rules
from tabwarden.web.answers import Asked
from tabwarden.web.rights import AUDITOR, OWN
from tabwarden.web.visit import Visit

if TYPE_CHECKING:
    from tabwarden.model.site import Site
    from tabwarden.questions import Questions


# What can be asked, where, and with which right.
ASKED = (
    ("/check", "Check", OWN),
    ("/check/what", "What may", OWN),
    ("/check/who", "Who can", AUDITOR),
    ("/check/compare", "Compare", AUDITOR),
    ("/check/whatif", "What if", AUDITOR),
    ("/check/people", "People", AUDITOR),
    ("/check/groups", "Groups", AUDITOR),
    ("/check/models", "Models", AUDITOR),
    ("/check/map", "Map", AUDITOR),
)


def shown(visit: Visit, template: str, **values: Any) -> Response:
    """A page of the checker, with what else can be asked above it."""
    pages = [(path, words) for path, words, right in ASKED if right in visit.rights]
    lacking = of_rules(visit.site.site.partial) if AUDITOR in visit.rights else ()
    return visit.show(template, asked_pages=pages, lacking=lacking, **values)


class OfOneself(Asked):
    """A question of somebody about himself."""

    user: str

    def questions(self) -> Questions:
        """Those that name nobody else."""
        return self.served.own(self.user, super().questions())

    def site(self) -> Site:
        """The site as he sees it."""
        return self.questions().site


def asking_of(visit: Visit) -> Asked:
    """What the address says of the model and its open points, for whoever asks."""
    points = visit.word("points").split()
    words = (visit.site, visit.word("model", "current"), points)
    return Asked(*words) if AUDITOR in visit.rights else of_oneself(visit, *words[1:])


def of_oneself(visit: Visit, model: str, points: Sequence[str]) -> OfOneself:
    """A question of whoever asks about himself. UnknownName where the site knows nobody of his name."""
    if visit.user is None:
        raise UnknownName(f"nobody of the site {visit.site.site.name} has your name `{visit.name}`")
    asking = OfOneself(visit.site, model, points)
    assert isinstance(asking, OfOneself)
    asking.user = visit.user.id
    return asking


def person_asked(visit: Visit) -> str:
    """Who is asked about, as he is written: oneself where nobody is named. UnknownName for others without the right."""
    own = visit.user
    words = visit.word("user") or (visit.site.site.called(own.id) if own else "")
    if not words:
        raise UnknownName(f"nobody of the site {visit.site.site.name} has your name `{visit.name}`")
    if AUDITOR in visit.rights:
        return words
    if own is None or visit.site.site.users_named(words) != (own.id,):
        raise UnknownName("you may ask what you may do yourself; about others asks whoever has the right `auditor`")
    return visit.site.site.called(own.id)
