"""Reading sites from Tableau Server's repository into the history."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import urlsplit

from tabwarden.model.errors import SettingsError
from tabwarden.model.site import Site
from tabwarden.run import history
from tabwarden.settings import Settings
from tabwarden.tableau.http.reader import Progress
from tabwarden.tableau.repository.connecting import RepositoryOptions
from tabwarden.tableau.repository.read import read_all, read_repository

if TYPE_CHECKING:
    from tabwarden.store.snapshots import Snapshot


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


def read_and_keep(settings: Settings, progress: Progress | None = None, *, all_sites: bool = False) -> Iterator[Read]:
    """Read the site of the settings, or each active one, and keep it as a snapshot.

    A site that did not come whole is an error and never a snapshot; those that were kept before it stay.
    """
    options = repository_options(settings)
    for site in read_all(options, progress) if all_sites else _one(options, settings.tableau.site, progress):
        yield Read(history.keep(settings, site), site)


def _one(options: RepositoryOptions, site: str, progress: Progress | None) -> Iterator[Site]:
    yield read_repository(options, site, progress)
