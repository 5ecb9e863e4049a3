"""A case file's questions put to a Site that was read: people, content and capabilities by their names there.

"Test permissions out" (blog, best practices).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from tabwarden.access.abilities.question import target_named
from tabwarden.access.question import Asked
from tabwarden.cases.file import Case
from tabwarden.cases.running import MISTAKES, ONE_WAY, Verdict, judged, mistake, open_points_of
from tabwarden.cases.ways import Opened, Way
from tabwarden.compare.what_if import done
from tabwarden.model.capability import capability_named
from tabwarden.model.errors import UnknownName
from tabwarden.model.open_points import OpenPoints
from tabwarden.model.site import Content, Site


def run_on(opened: Opened, case: Case, ways: Mapping[str, Way] = ONE_WAY) -> Verdict:
    """The case's question to this Site, its own setup left aside; `steps` are changes in the words of what-if.

    Under both models where it says so.
    """
    if case.problems:
        return Verdict(case, case.problems)
    try:
        open_points = open_points_of(case)
        steps = case.raw["question"].get("steps") or ()
        after = Opened(_after(opened.site, steps, open_points)) if steps else opened
        return judged(case, after, _put(after.site, case, open_points), ways)
    except MISTAKES as error:
        return Verdict(case, (mistake(error),))


def _after(site: Site, steps: Sequence[str], open_points: OpenPoints) -> Site:
    after, tried = done(site, steps, open_points)
    refused = [f"`{t.words}` ({t.because})" for t in tried if not t.done]
    if refused:
        raise UnknownName(f"Tableau would refuse {', '.join(refused)}")
    return after


def _put(site: Site, case: Case, open_points: OpenPoints) -> Asked:
    question = case.raw["question"]
    user = site.find_user(str(question["user"])).id
    item = _content(site, question.get("object"))
    if "capability" in question and item is not None:
        return Asked(user, capability_named(str(question["capability"]), item.kind), item.id, open_points=open_points)
    words, to = question.get("target"), question.get("to")
    target = target_named(str(words)) if words is not None else None
    return Asked(
        user,
        question["action"],
        item.id if item is not None else None,
        ability=True,
        target=target or (site.find_content(str(words).removeprefix("content:")).id if words is not None else None),
        to=site.find_user(str(to)).id if to is not None else None,
        open_points=open_points,
    )


def _content(site: Site, words: object) -> Content | None:
    """By path, `kind:path` or id; `content:` before a path says nothing."""
    return None if words is None else site.find_content(str(words).removeprefix("content:"))
