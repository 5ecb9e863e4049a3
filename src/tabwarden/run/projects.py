"""Sites and projects alone, kept whole and shown as far as the asker may see them. No snapshot of record, no mirror."""

from __future__ import annotations

import json
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path

from tabwarden.access.reference import may
from tabwarden.mirror.visible import VIEW, may_enter
from tabwarden.model.errors import UnknownName
from tabwarden.model.site import Content, Site
from tabwarden.run.context import connected
from tabwarden.run.history import newest_site
from tabwarden.settings import Settings
from tabwarden.store import snapshot
from tabwarden.tableau.read.checkpoint import cannot_be_written
from tabwarden.tableau.read.site import read_projects, read_sites

PROJECTS, SITES = "projects", "sites.json"


@dataclass(frozen=True, slots=True)
class Listed:
    """The list as it was fetched (`site`, at `path`), and what `asker` sees of it: sites, and projects by their path.

    That path is made of names he sees: a project that is hidden from him is left out of the paths of those below it.
    `known` is the newest snapshot, which tells who leads a project; None where there is none.
    """

    path: Path
    site: Site
    asker: str
    sites: tuple[str, ...]
    shown: tuple[tuple[str, Content], ...]
    known: Site | None = None


def list_projects(settings: Settings, asker: str | None = None) -> Listed:
    """Fetch and keep the list; show what the one who signs in is shown by the server, or what `asker` may see.

    Rights of another asker come from the newest snapshot: what it does not know, he is not shown. UnknownName where
    there is no snapshot, or he is not in it.
    """
    with connected(settings) as connection:
        sites = read_sites(connection)
        site = read_projects(connection)
        reader = connection.reader.name
    path = _kept(site, sites, settings.store.folder / PROJECTS)
    if asker is None:
        try:
            last = _newest(settings)
        except UnknownName:
            last = None
        return Listed(path, site, reader, tuple(sorted(sites)), _by_path(site, set(site.contents)), last)
    known = _newest(settings)
    user = known.find_user(asker)
    on_site = (site.name,) if may_enter(user.site_role) else ()
    return Listed(path, site, user.name, on_site, shown_to(user.id, known, site), known)


def shown_to(user: str, known: Site, fetched: Site) -> tuple[tuple[str, Content], ...]:
    """What of a fetched list a user may see by the rules of the Site as it is known, each with its path."""
    shown = {c for c in fetched.contents if c in known.contents and may(known, user, VIEW, c).allowed}
    return _by_path(fetched, shown)


def _by_path(site: Site, shown: Collection[str]) -> tuple[tuple[str, Content], ...]:
    """What is shown, in order of its path."""
    seen = {project: [site.contents[up].name for up in site.ancestors(project) if up in shown] for project in shown}
    paths = {project: "/".join(reversed(names)) for project, names in seen.items()}
    return tuple(sorted(((path, site.contents[project]) for project, path in paths.items()), key=_order))


def _order(shown: tuple[str, Content]) -> tuple[str, str]:
    path, content = shown
    return path.casefold(), content.id


def _kept(site: Site, sites: Sequence[str], folder: Path) -> Path:
    """The list as files; TabwardenError where the disk does not take it."""
    try:
        path = snapshot.save(site, folder)
        (path / SITES).write_text(json.dumps(sites, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
    except OSError as error:
        raise cannot_be_written(folder, error) from None
    return path


def _newest(settings: Settings) -> Site:
    try:
        return newest_site(settings).site
    except UnknownName as error:
        raise UnknownName(f"what people may see is told by a snapshot; run `tabwarden read` first: {error}") from None
