"""Joiners and leavers by the names of Tableau, where the server is joined to the directory."""

from __future__ import annotations

from dataclasses import dataclass

from tabwarden.model.site import Site
from tabwarden.run.names import directory_of, nicknames_if_told
from tabwarden.settings import Settings
from tabwarden.tableau.http.connection import Connection
from tabwarden.want.directory import Directory
from tabwarden.want.groups.ways import Names
from tabwarden.want.names.resolve import resolved_joiners, resolved_leavers
from tabwarden.want.roster import Roster
from tabwarden.want.wanted import Held


@dataclass(frozen=True, slots=True)
class Named:
    """Joiners and leavers by user name; who is held because the directory cannot tell, and remarks."""

    joiners: Roster
    leavers: Roster
    held: tuple[Held, ...] = ()
    notes: tuple[str, ...] = ()


def directory_if_set(settings: Settings) -> Directory | None:
    """The directory of the settings, whole; None where they name none."""
    return directory_of(settings) if settings.directory is not None else None


def named(connection: Connection, directory: Directory | None, now: Site, joiners: Roster, leavers: Roster) -> Named:
    """Everybody resolved through the directory; as the sources write them where the server is not joined to it."""
    if directory is None:
        return Named(joiners, leavers)
    if not Names(nicknames_if_told(now, connection), directory).joined:
        home = directory.domains[0].fqdn if directory.domains else "the directory"
        note = f"nobody on the site is of `{home}` and Tableau tells of no such domain: names are taken as they stand"
        return Named(joiners, leavers, (), (note,))
    coming = resolved_joiners(joiners, directory, now)
    going = resolved_leavers(leavers, directory, now)
    return Named(coming.roster, going.roster, (*coming.held, *going.held), (*coming.notes, *going.notes))
