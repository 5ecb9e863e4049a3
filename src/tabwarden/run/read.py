"""Reading a site into a snapshot: cost, read, keep. It writes nothing to Tableau and imports nothing that does."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from tabwarden.clocks import doubt_beside
from tabwarden.model.roles import is_admin
from tabwarden.model.site import Site
from tabwarden.places import SITE
from tabwarden.run import history
from tabwarden.run.context import connected
from tabwarden.settings import Settings
from tabwarden.settings.sites import fits
from tabwarden.tableau.http import lists
from tabwarden.tableau.http.connection import Connection
from tabwarden.tableau.http.pace import Budget, Estimate, estimate
from tabwarden.tableau.http.reader import Progress
from tabwarden.tableau.read.checkpoint import opened
from tabwarden.tableau.read.site import Wishes, counts, read_site

if TYPE_CHECKING:
    from tabwarden.store.snapshots import Snapshot
from collections.abc import Iterator
from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import urlsplit

from tabwarden.model.errors import SettingsError
from tabwarden.tableau.repository.connecting import RepositoryOptions
from tabwarden.tableau.repository.read import read_all, read_repository

if TYPE_CHECKING:
    from tabwarden.store.snapshots import Snapshot
import json
from collections.abc import Collection, Sequence
from pathlib import Path

from tabwarden.access.reference import may
from tabwarden.mirror.visible import VIEW, may_enter
from tabwarden.model.errors import TabwardenError, UnknownName
from tabwarden.model.site import Content
from tabwarden.run.history import newest_site
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


def last_list(settings: Settings, of: Site) -> Site | None:
    """The list of projects of a site that was fetched last; None where none was, or it can be read no more."""
    folder = settings.store.folder / PROJECTS
    try:
        lists = sorted((path.stat().st_mtime, path) for path in folder.iterdir() if (path / SITES).is_file())
        every = (snapshot.load(path) for _, path in reversed(lists))
        return next((one for one in every if (one.id, one.content_url) == (of.id, of.content_url)), None)
    except (OSError, TabwardenError):
        return None


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


class Read(NamedTuple):
    """A site that was read: its entry in the history, what it holds."""

    snapshot: Snapshot
    site: Site


def repository_options(settings: Settings) -> RepositoryOptions:
    """Where the repository is and how it is entered. SettingsError where the settings do not say."""
    tableau, repository = settings.tableau, settings.tableau.repository
    if repository is None:
        raise SettingsError(
            ["`tableau.repository` is missing and `--repository` needs it; add `repository: {password: ...}`"]
        )
    return RepositoryOptions(
        host=repository.host or urlsplit(tableau.server).hostname or "",
        password=repository.password.get_secret_value(),
        server=tableau.server,
        port=repository.port,
        user=repository.user,
        database=repository.database,
        sslmode=repository.sslmode,
        ca_file=repository.ca_file,
        timeout=tableau.timeout,
    )


def read_repository_and_keep(
    settings: Settings, progress: Progress | None = None, *, all_sites: bool = False
) -> Iterator[Read]:
    """Read the site of the settings, or each active one (of those that are meant), and keep it as a snapshot.

    A site that did not come whole is an error and never a snapshot; those that were kept before it stay.
    """
    options = repository_options(settings)
    one = settings.tableau.site
    for site in read_all(options, progress, _is_meant) if all_sites else _one(options, one, progress):
        yield Read(history.keep(settings, site), site)


def _is_meant(content_url: str, name: str) -> bool:
    meant = SITE.get()
    return all(any(fits(words, content_url, name) for words in some) for some in (meant.among if meant else ()))


def _one(options: RepositoryOptions, site: str, progress: Progress | None) -> Iterator[Site]:
    yield read_repository(options, site, progress)


log = logging.getLogger(__name__)
UNFINISHED = "unfinished"


@dataclass(frozen=True, slots=True)
class Taken:
    """A snapshot that was taken: its entry in the history, what it holds, what it cost, how many answers were there
    before, and how often what was done twice.
    """

    snapshot: Snapshot
    site: Site
    requests: int
    reused: int = 0
    again: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Listener:
    """Who hears of a read while it goes on.

    `warn` hears at the start what the reader cannot see, `say` the cost before the long part, `progress` that part.
    """

    say: Callable[[Budget], None]
    warn: Callable[[str], None] | None = None
    progress: Progress | None = None


def read_and_keep(settings: Settings, wishes: Wishes, listener: Listener, *, fresh: bool = False) -> Taken:
    """Read what is wished for and keep it as a snapshot.

    A read of the same site that was cut short goes on where it was, unless `fresh`. What is not whole is an error and
    never a snapshot; the checkpoint stays for the next time.
    """
    # Before the sign-in, which would end the session of another read with the same token.
    checkpoint = opened(settings.store.folder / UNFINISHED, _about(settings), fresh=fresh)
    try:
        with connected(settings) as connection:
            checkpoint.only_for(f"{connection.site_id} {connection.user_id} {connection.version}")
            _warn(connection, listener)
            site = read_site(
                connection,
                wishes,
                progress=listener.progress,
                say=listener.say,
                checkpoint=checkpoint,
            )
            doubt = doubt_beside(connection.clock_ahead)
        snapshot = history.keep(settings, site, doubt)
        checkpoint.forget()
    finally:
        checkpoint.close()
    return Taken(snapshot, site, sum(connection.calls.values()), checkpoint.resumed, connection.again)


def cost(settings: Settings) -> Estimate:
    """What a whole read would take, from the sizes of its lists alone."""
    with connected(settings) as connection:
        return estimate(counts(connection))


def _about(settings: Settings) -> dict[str, object]:
    """What a checkpoint must agree on to be gone on with, as far as it is known before the sign-in."""
    return {"server": settings.tableau.server, "site": settings.tableau.site, "page": lists.PAGE_SIZE}


def _warn(connection: Connection, listener: Listener) -> None:
    name, role = connection.reader
    if listener.warn is not None and not is_admin(role):
        listener.warn(
            f"`{name}` ({role or 'site role unknown'}) is no administrator: the server leaves out what that user may "
            "not see, so this read is limited; what it does not show is unknown"
        )
