"""The Directory that the settings name: read from its domains, or from the file it was kept in."""

from __future__ import annotations

import hashlib
import logging
from datetime import UTC, datetime
from pathlib import Path

from tabwarden.model.errors import SourceError, TabwardenError
from tabwarden.settings import Settings
from tabwarden.sources.ldap.directory import read_directory as domains_read
from tabwarden.sources.ldap.options import DirectorySettings
from tabwarden.store import directory_file
from tabwarden.want.directory import Directory

log = logging.getLogger("tabwarden.run")
KEPT = "directories"


def read_directory(settings: Settings, *, whole: bool = False) -> Directory:
    """The directory as it is now, whole or an error.

    Where the settings allow `incremental`, the first read of a day (UTC) is kept in the store and the later ones ask
    for what changed since; `whole` reads everything nevertheless. SourceError where a domain cannot be read whole,
    IncompleteRead or UnknownName where a file cannot.
    """
    options = _section(settings)
    if options.file is not None:
        return directory_file.load(options.file)
    if not options.incremental:
        return _read(options, None)
    place = _place(settings, options)
    previous = None if whole else _previous(place)
    directory = _read(options, previous)
    directory_file.save(directory, place)
    for other in place.parent.glob("*.json"):
        if other != place and other.name.rpartition("-")[0] == place.name.rpartition("-")[0]:
            other.unlink(missing_ok=True)
    return directory


def directory_asked(settings: Settings) -> Directory | DirectorySettings:
    """What the source `ldap` reads by: the file's Directory, or how the domains are reached."""
    options = _section(settings)
    return directory_file.load(options.file) if options.file is not None else options


def _section(settings: Settings) -> DirectorySettings:
    if settings.directory is None:
        raise SourceError("the settings have no section `directory`; add it, with `domains` or a `file`")
    return settings.directory


def _read(options: DirectorySettings, previous: Directory | None) -> Directory:
    directory = domains_read(options, previous)
    log.info(
        "directory: %d people and %d groups of %d domains",
        len(directory.people),
        len(directory.groups),
        len(directory.domains),
    )
    return directory


def _place(settings: Settings, options: DirectorySettings) -> Path:
    """Where today's Directory by these options is kept: another question, or another day, is another file."""
    question = (sorted(d.fqdn for d in options.domains), options.attributes, options.group_name, options.unread)
    name = hashlib.sha256(repr(question).encode()).hexdigest()[:12]
    return settings.store.folder / KEPT / f"{name}-{datetime.now(UTC):%Y%m%d}.json"


def _previous(place: Path) -> Directory | None:
    """What was kept today; None where nothing was, or nothing that can be read."""
    if not place.exists():
        return None
    try:
        return directory_file.load(place)
    except TabwardenError as error:
        log.warning("%s: reading the directory whole", error)
        return None
