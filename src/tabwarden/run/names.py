"""Names and domains of a directory beside what Tableau knows: read, and decided elsewhere. Nothing is written here."""

from __future__ import annotations

import logging
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

from tabwarden.model.errors import SettingsError, TableauError, UnknownName
from tabwarden.model.open_points import DOCUMENTED, OpenPoints
from tabwarden.model.site import Site
from tabwarden.plan.plan import Plan
from tabwarden.run.context import connected, running
from tabwarden.run.directory import read_directory
from tabwarden.run.planning import basis_of, planned
from tabwarden.safe_files import read_text
from tabwarden.settings import Settings
from tabwarden.store.journal import now as present
from tabwarden.tableau.http.connection import Connection
from tabwarden.tableau.read.people import read_people
from tabwarden.tableau.write.directory import with_nicknames
from tabwarden.want.directory import Directory
from tabwarden.want.names.check import check_names
from tabwarden.want.names.domains import NOT_KNOWN, DomainLine, listed, nicknames_wanted
from tabwarden.want.names.identity import imported_by_mistake, told
from tabwarden.want.names.imports import ROUTES, Checked
from tabwarden.want.wanted import Held

log = logging.getLogger(__name__)

KIND = "domains"


def directory_of(settings: Settings) -> Directory:
    """The directory of the settings; SettingsError where they name none."""
    if settings.directory is None:
        raise SettingsError(["`directory` is missing; add `directory: {file: ...}` or its `domains`"])
    return read_directory(settings)


def nicknames_if_told(site: Site, connection: Connection) -> Site:
    """The Site with the nicknames of domains; as it is where they are not told."""
    try:
        return with_nicknames(site, connection)
    except TableauError as error:
        log.info("%s", error)
        return site


def site_asked(settings: Settings) -> Site:
    """The people of the server that the settings name."""
    with connected(settings) as connection:
        # People and groups, with the nicknames of domains where the one who asks is told them.
        return nicknames_if_told(read_people(connection), connection)


def check(
    names: Iterable[str], directory: Directory, route: str, now: Site | None, open_points: OpenPoints = DOCUMENTED
) -> tuple[Checked, ...]:
    """What importing these names would do; UnknownName for a route nobody knows."""
    if route not in ROUTES:
        raise UnknownName(f"there is no route `{route}`; routes are {', '.join(ROUTES)}")
    return check_names(names, directory, route, now, open_points)


def names_of(path: Path) -> list[str]:
    """The names of a file, one a line; blank lines and those that begin with `#` do not count."""
    try:
        lines = read_text(path).splitlines()
    except (OSError, UnicodeDecodeError):
        raise UnknownName(f"the names in `{path}` cannot be read; give a file of UTF-8 text, a name a line") from None
    return [line.strip() for line in lines if line.strip() and not line.lstrip().startswith("#")]


def mistakes(directory: Directory, now: Site) -> tuple[list[tuple[str, str]], list[Held]]:
    """Users imported by UPN as (name on Tableau, what the directory calls the person), and those held."""
    by_mistake, held = imported_by_mistake(directory, now)
    return [(f"{user.domain}\\{user.name}", told(person)) for user, person in by_mistake], held


def domains_of(settings: Settings) -> tuple[DomainLine, ...]:
    """Every domain by FQDN, NetBIOS name and Tableau's nickname; for server administrators only."""
    directory = directory_of(settings)
    with connected(settings) as connection:
        now = with_nicknames(Site(), connection)
    return listed(directory, now.nicknames or {})


def plan_domains(settings: Settings) -> Plan:
    """The plan that gives every domain its NetBIOS name as nickname."""
    directory, when = directory_of(settings), present()
    with running(settings) as context:
        now = with_nicknames(read_people(context.connection, []), context.connection)
        wanted = nicknames_wanted(now, directory)
        unknown = [line for line in listed(directory, now.nicknames or {}) if line.nickname is None]
        notes = tuple(
            f"`{line.fqdn}` is {line.verdict}{' yet' * (line.verdict == NOT_KNOWN)}; {line.remedy}" for line in unknown
        )
        wanted = replace(wanted, notes=(*notes, *wanted.notes))
        basis = basis_of(context, KIND, context.site(now.name), now, when=when)
        return planned(context, basis, now, wanted, with_contents=False)
