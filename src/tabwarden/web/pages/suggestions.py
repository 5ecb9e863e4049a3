"""What a name that somebody is typing may be: of people, groups and contents, as far as he may ask about them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import islice
from typing import TYPE_CHECKING

from starlette.responses import Response

from tabwarden.mirror.match import Match
from tabwarden.model.names import same
from tabwarden.settings.mirror import Mirror
from tabwarden.web.asking import asking_of
from tabwarden.web.catalogs import Source
from tabwarden.web.rights import AUDITOR
from tabwarden.web.visit import Visit, page

if TYPE_CHECKING:
    from tabwarden.model.site import Site

MOST = 20
LONGEST = 100  # letters that are looked for


@page("/check/suggest/{of}")
def suggest(visit: Visit) -> Response:
    """A few names that hold the words of the one field that was sent; nothing for nothing."""
    fields = (value for name, value in visit.request.query_params.items() if name != "site")
    words, of = next(fields, "").strip()[:LONGEST], visit.part("of")
    names: Iterable[str] = ()
    if words and of == "content" and (AUDITOR in visit.rights or visit.user is not None):
        names = _contents(visit, words)
    elif words and AUDITOR in visit.rights:
        names = {"person": _people, "group": _groups}.get(of, lambda *_: ())(visit.site.site, same(words))
    return visit.show("suggestions.html", title="Suggestions", names=list(islice(names, MOST)))


def _people(site: Site, words: str) -> Iterator[str]:
    return (site.called(user.id) for user in site.users.values() if words in same(f"{user.name}\n{user.full_name}"))


def _groups(site: Site, words: str) -> Iterator[str]:
    return (group.name for group in site.groups.values() if words in same(group.name))


def _contents(visit: Visit, words: str) -> Iterator[str]:
    """By their names where there is no `/`, else by their paths; of whoever asks about himself those that he sees."""
    site = asking_of(visit).questions().site
    above, slash, name = words.rpartition("/")
    if slash and not name:
        places = site.contents_at(above)
        yield from (site.written(one) for place in places for one in site.children(place))
        return
    is_auditor = AUDITOR in visit.rights
    source = Source(Mirror(enforce=False)) if is_auditor else visit.source.enforced_on_all
    match = visit.match_on(visit.site)
    user = None if is_auditor or not isinstance(match, Match) else visit.user
    personal = visit.site.catalogs.of(user, source)
    ids = personal.of.columns.ids("content")
    for number in personal.found(name):
        content = ids[number]
        if content in site.contents:
            _, fits, after = same(site.path(content)).rpartition(same(words))
            if fits and "/" not in after:
                yield site.written(content)
