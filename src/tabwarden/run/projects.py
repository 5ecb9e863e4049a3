"""Sites and projects alone, kept whole and shown as far as the asker may see them. No snapshot of record, no mirror."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

from tabwarden.access.reference import may
from tabwarden.model.errors import UnknownName
from tabwarden.model.roles import is_licensed
from tabwarden.model.site import Content, Site
from tabwarden.run.opening import SNAPSHOTS, connected
from tabwarden.run.read import kept
from tabwarden.settings import Settings
from tabwarden.store import snapshot
from tabwarden.tableau.read import read_projects, read_sites

PROJECTS, SITES = "projects", "sites.json"


@dataclass(frozen=True, slots=True)
class Listed:
    """The list as it was fetched (`site`, at `path`), and what `asker` sees of it: sites and projects, by path."""

    path: Path
    site: Site
    asker: str
    sites: tuple[str, ...]
    shown: tuple[Content, ...]


def list_projects(settings: Settings, asker: str | None = None) -> Listed:
    """Fetch and keep the list; show what the one who signs in is shown by the server, or what `asker` may see.

    Rights of another asker come from the newest snapshot: what it does not know, he is not shown. UnknownName where
    there is no snapshot, or he is not in it.
    """
    with connected(settings) as connection:
        sites = read_sites(connection)
        site = read_projects(connection)
        reader = connection.reader.name
    path = kept(site, settings.store.folder / PROJECTS)
    (path / SITES).write_text(json.dumps(sites, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
    shown = sorted(site.contents.values(), key=lambda c: (site.path(c.id).casefold(), c.id))
    if asker is None:
        return Listed(path, site, reader, tuple(sorted(sites)), tuple(shown))
    known = _newest(settings, site)
    user = known.find_user(asker)
    visible = [c for c in shown if c.id in known.contents and may(known, user.id, "Read", c.id).allowed]
    return Listed(path, site, user.name, (site.name,) if is_licensed(user.site_role) else (), tuple(visible))


def _newest(settings: Settings, site: Site) -> Site:
    place = snapshot.latest(settings.store.folder / SNAPSHOTS, site.content_url, site.taken.where)
    if place is None:
        raise UnknownName(
            f"there is no snapshot of site `{site.name}`, which says what people may see; run `tabwarden read` first"
        )
    return snapshot.load(place)
