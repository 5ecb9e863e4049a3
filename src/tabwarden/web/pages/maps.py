"""Maps of a site: who can see how much of it, and groups against projects."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import TYPE_CHECKING

from starlette.responses import Response

from tabwarden.web.asking import asking_of, shown
from tabwarden.web.pictures import Picture, Tile, matrix, tree_map
from tabwarden.web.rights import AUDITOR
from tabwarden.web.visit import Visit, page

if TYPE_CHECKING:
    from tabwarden.questions import Questions

TILES, GROUPS, PROJECTS = 60, 24, 14  # how many of each are drawn, those that hold most
VIEW = "Read"


@page("/check/map", AUDITOR, audit="looked")
def site_map(visit: Visit) -> Response:
    """A tree map of the projects, of the site or of one of them, and how many of each group may View them."""
    questions, words = asking_of(visit).questions(), visit.word("project")
    inside = questions.site.find_content(words) if words else None
    key = ("map", questions.model, questions.open_points, inside.id if inside else None)
    pictures = visit.site.kept(key, lambda: _pictures(visit, questions, inside.id if inside else None))
    above = questions.site.written(inside.parent) if inside is not None and inside.parent else ""
    path = questions.site.path(inside.id) if inside is not None else ""
    return shown(visit, "map.html", title="Map", project=path, above=above, pictures=pictures, most=TILES)


def _pictures(visit: Visit, questions: Questions, inside: str | None) -> tuple[Picture, Picture | None]:
    site = questions.site
    children = site.children(inside)
    sizes = visit.site.kept("below", lambda: _below(questions))
    projects = [one for one in children if site.contents[one].kind == "project"]
    parts = sorted(projects or children, key=lambda one: (-sizes[one], one))[:TILES]
    viewers = {one: frozenset(questions.who_ids(VIEW, one)) for one in parts}
    tiles = [
        Tile(site.written(one), 1 + sizes[one], len(viewers[one]), _leads(visit, questions, one, sizes[one]))
        for one in parts
    ]
    tree = tree_map("Who can see how much", tiles, len(site.users))
    return tree, _matrix(questions, parts[:PROJECTS], viewers)


def _leads(visit: Visit, questions: Questions, content: str, size: int) -> str:
    words = questions.site.written(content)
    if size and questions.site.contents[content].kind == "project":
        return visit.link("/check/map", project=words)
    return visit.link("/check/content", content=words)


def _below(questions: Questions) -> Counter[str]:
    """How much lies in each content, at any depth."""
    site, sizes = questions.site, Counter[str]()
    for content in site.contents.values():
        sizes.update(site.ancestors(content.parent))
    return sizes


def _matrix(questions: Questions, parts: Sequence[str], viewers: dict[str, frozenset[str]]) -> Picture | None:
    """The groups with most members against the parts; None where there is nothing to draw."""
    site = questions.site
    groups = sorted(site.groups.values(), key=lambda group: (-len(site.members(group.id)), group.name))[:GROUPS]
    rows = [(group.name, len(site.members(group.id))) for group in groups]
    counts = [[len(site.members(group.id) & viewers[one]) for one in parts] for group in groups]
    names = [site.contents[one].name for one in parts]
    return matrix("How many of each group may View it", rows, names, counts) if rows and parts else None
