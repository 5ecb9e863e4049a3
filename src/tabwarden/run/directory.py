"""The Directory that the settings name: read from its domains, or from the file it was kept in. Not what follows."""

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
    told = _section(settings)
    if told.file is not None:
        return directory_file.load(told.file)
    if not told.incremental:
        return _read(told, None)
    kept = _place(settings, told)
    previous = None if whole else _previous(kept)
    found = _read(told, previous)
    directory_file.save(found, kept)
    for other in kept.parent.glob("*.json"):
        if other != kept and other.name.rpartition("-")[0] == kept.name.rpartition("-")[0]:
            other.unlink(missing_ok=True)
    return found


def directory_asked(settings: Settings) -> Directory | DirectorySettings:
    """What the source `ldap` reads by: the file's Directory, or how the domains are reached."""
    told = _section(settings)
    return directory_file.load(told.file) if told.file is not None else told


def _section(settings: Settings) -> DirectorySettings:
    if settings.directory is None:
        raise SourceError("the settings have no section `directory`; add it, with `domains` or a `file`")
    return settings.directory


def _read(options: DirectorySettings, previous: Directory | None) -> Directory:
    found = domains_read(options, previous)
    log.info(
        "directory: %d people and %d groups of %d domains", len(found.people), len(found.groups), len(found.domains)
    )
    return found


def _place(settings: Settings, options: DirectorySettings) -> Path:
    """Where today's Directory by these options is kept: another question, or another day, is another file."""
    asked = (sorted(d.fqdn for d in options.domains), options.attributes, options.group_name, options.unread)
    name = hashlib.sha256(repr(asked).encode()).hexdigest()[:12]
    return settings.store.folder / KEPT / f"{name}-{datetime.now(UTC):%Y%m%d}.json"


def _previous(kept: Path) -> Directory | None:
    """What was kept today; None where nothing was, or nothing that can be read."""
    if not kept.exists():
        return None
    try:
        return directory_file.load(kept)
    except TabwardenError as error:
        log.warning("%s: reading the directory whole", error)
        return None
