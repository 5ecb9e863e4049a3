"""Asking a snapshot: find it, find what the person's words mean, put the question. Writes nothing, reads no server."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from tabwarden.access.abilities.ability import ACTIONS, targets
from tabwarden.access.answer import Answer
from tabwarden.access.open_points import with_disputes
from tabwarden.access.question import Asked
from tabwarden.access.reference import may, what, who
from tabwarden.compare.handover import Handover, overwritten
from tabwarden.model.capability import applies, capability_named, kind_named
from tabwarden.model.errors import AmbiguousName, UnknownName
from tabwarden.model.open_points import CURRENT, DOCUMENTED, MODELS, OpenPoints
from tabwarden.model.site import Content, Site, User
from tabwarden.run.history import LAST, open_either, open_every_site
from tabwarden.store import snapshot

# Abilities that hand something to a person or look at one; the others send it to a project.
ABOUT_A_PERSON = (
    "change_project_owner",
    "assign_project_owner",
    "change_content_owner",
    "delete_comment",
    "see_other_users",
    "see_site_role",
)


@dataclass(frozen=True, slots=True)
class Where:
    """Which snapshot to ask: the newest of the history, or the one that `path` means (a number, a day, a folder).

    `store` is the history (a folder or URL; None: that of the settings here), `site` a content URL. With `folder` no
    history is asked: the newest of the snapshot folders in it.
    """

    folder: Path | None = None
    path: Path | str | None = None
    site: str | None = None
    model: str = CURRENT
    store: str | None = None


def open_site(where: Where) -> Site:
    """The Site to ask; UnknownName where there is no snapshot, or no such model."""
    if where.model not in MODELS:
        raise UnknownName(f"no model is called `{where.model}`; models are {', '.join(MODELS)}")
    if where.folder is None or where.path is not None:
        return open_either(where.path or LAST, where.store, where.site)
    found = _newest_folders(where.folder, where.site)
    if not found:
        of = f" of site `{where.site}`" if where.site is not None else ""
        raise UnknownName(f"no snapshot{of} in `{where.folder}`: take one with `tabwarden read`")
    if len(found) > 1:
        urls = ", ".join(f"`{url}`" for url in sorted(found))
        raise UnknownName(f"`{where.folder}` holds snapshots of several sites; say which with --site: {urls}")
    return snapshot.load(next(iter(found.values())))


def all_sites(where: Where) -> list[Site]:
    """The newest snapshot of every site there is."""
    if where.folder is None:
        return open_every_site(where.store, where.site)
    return [snapshot.load(path) for _, path in sorted(_newest_folders(where.folder, where.site).items())]


def _newest_folders(folder: Path, site: str | None) -> dict[str, Path]:
    urls = [site] if site is not None else sorted(snapshot.sites(folder))
    found = {url: snapshot.latest(folder, url) for url in urls}
    return {url: path for url, path in found.items() if path is not None}


def why(site: Site, put: Asked) -> Answer:
    """The Answer to a question, with the open points that would turn it."""
    return with_disputes(lambda under: put._replace(open_points=under).of(site), put.open_points)


# Abilities whose target may be left open, and those that make somebody else the owner.
ANY_TARGET, OVERWRITES = ("web_save_as", "move"), ("web_overwrite", "publish")


def further(site: Site, put: Asked) -> tuple[tuple[tuple[str, Answer], ...], Handover | None]:
    """What belongs to some abilities beside the Answer: every project as the target, what the previous owner loses."""
    if not put.ability or put.content is None:
        return (), None
    places: tuple[tuple[str, Answer], ...] = ()
    if put.what in ANY_TARGET and put.target is None:
        places = targets(site, put.user, put.what, put.content, model=put.model, open_points=put.open_points)
    over = put.what in OVERWRITES and site.contents[put.content].kind != "project"
    handed = overwritten(site, put.content, put.user, model=put.model, open_points=put.open_points) if over else None
    return places, handed


def question(
    site: Site,
    user: str,
    asked: str,
    content: str | None,
    *,
    target: str | None = None,
    model: str = CURRENT,
    open_points: OpenPoints = DOCUMENTED,
) -> Asked:
    """What words ask: a user's name, a capability or ability by name, a content's path.

    `target` is the project it goes to, for what is handed to or is about a person that person.
    Where a word names both, as `publish` does, the capability is meant where the kind has it; `ability:publish` and
    `capability:publish` say which.
    """
    person = site.find_user(user)
    held = site.find_content(content) if content is not None else None
    prefix, _, rest = asked.strip().partition(":")
    by_name = prefix.casefold() == "capability"
    asked = rest if by_name else asked
    action = None if by_name else _ability(asked, held)
    if action is not None:
        put = Asked(person.id, action, held.id if held else None, ability=True, model=model, open_points=open_points)
        if target is None:
            return put
        if action in ABOUT_A_PERSON:
            return put._replace(to=site.find_user(target).id)
        return put._replace(target=site.find_content(target).id)
    if held is None:
        raise UnknownName(f"`{asked}` needs a content to be asked about; give its path, as in `Finance/Budget`")
    return Asked(person.id, capability(site, asked, held), held.id, model=model, open_points=open_points)


def _ability(words: str, held: Content | None) -> str | None:
    """The ability meant, None when it is a capability. Raises UnknownName for an ability nobody knows."""
    prefix, _, rest = words.strip().casefold().partition(":")
    forced = prefix == "ability"
    action = (rest if forced else words.strip().casefold()).strip().replace(" ", "_").replace("-", "_")
    if forced and action not in ACTIONS:
        raise UnknownName(f"no ability is called `{action}`; abilities are {', '.join(sorted(ACTIONS))}")
    if forced or action not in ACTIONS:
        return action if forced else None
    try:
        return None if held is not None and applies(capability_named(words, held.kind), held.kind) else action
    except (UnknownName, AmbiguousName):
        return action


def capability(site: Site, words: str, held: Content) -> str:
    """A capability by any of its names; one unknown to this release only if a rule of the site names it."""
    try:
        return capability_named(words, held.kind)
    except UnknownName:
        lists = (rules for c in site.contents.values() for rules in (c.rules, *c.defaults.values()))
        named = {rule.capability for rules in lists for rule in rules or ()}
        strange = next((name for name in sorted(named) if name.casefold() == words.strip().casefold()), None)
        if strange is None:
            raise
        return strange


def defaults_of(site: Site, held: Content, words: str) -> str:
    """The kind of a project's default rules, of a database tables; UnknownName on anything else."""
    kind = kind_named(words)
    if held.kind != "project" and (held.kind, kind) != ("database", "table"):
        raise UnknownName(f"`{site.path(held.id)}` is no project, so it has no default rules for `{words}`")
    return kind


def who_may(
    site: Site, asked: str, content: str, *, model: str, open_points: OpenPoints = DOCUMENTED
) -> tuple[Content, str, list[Answer]]:
    """Everybody's Answer for a capability on a content."""
    held = site.find_content(content)
    named = capability(site, asked, held)
    return held, named, list(who(site, named, held.id, model=model, open_points=open_points))


def what_may(
    site: Site, user: str, content: str, *, model: str, open_points: OpenPoints = DOCUMENTED
) -> tuple[User, Content, list[Answer]]:
    """One person's Answer for every capability of a content."""
    person, held = site.find_user(user), site.find_content(content)
    return person, held, list(what(site, person.id, held.id, model=model, open_points=open_points))


def overview(
    site: Site, user: User, *, model: str, open_points: OpenPoints = DOCUMENTED
) -> Iterator[tuple[Content, list[Answer]]]:
    """What one person may on everything she may View, in order of path."""
    for held in sorted(site.contents.values(), key=lambda c: site.path(c.id).casefold()):
        if (
            held.kind != "collection"
            and may(site, user.id, "Read", held.id, model=model, open_points=open_points).allowed
        ):
            yield held, list(what(site, user.id, held.id, model=model, open_points=open_points))
