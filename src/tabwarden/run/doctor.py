"""What a run needs, looked at one by one: each is well, or says what to do. Nothing is written but probe files."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import NamedTuple

from tabwarden import notify
from tabwarden.clocks import doubt_beside
from tabwarden.model.errors import SettingsError, SourceError, TabwardenError, UnknownName
from tabwarden.model.roles import is_admin, is_server_admin
from tabwarden.plan.stops import CONTENT_ONLY
from tabwarden.report.plans import count_of
from tabwarden.run import history
from tabwarden.run.context import connected
from tabwarden.run.source_rows import read_rows
from tabwarden.settings import Settings, load
from tabwarden.tableau.http.connection import Connection
from tabwarden.tableau.http.session import Pat
from tabwarden.tableau.read.people import settings_of

YES, NO, NONE = "yes", "no", "-"
LEAST_FREE = 1_000_000_000  # bytes on a disk
SOON = timedelta(days=14)


class Diagnosis(NamedTuple):
    """One line: `well` is yes, no, or `-` where the settings do not ask for it; `says` what is so, or what to do."""

    what: str
    well: str
    says: str


def examined(path: Path | None, *, send_mail: bool = False, today: date | None = None) -> Iterator[Diagnosis]:
    """Every line in turn. With `send_mail` a mail goes to everybody in `mail.to`, else the mail server is entered."""
    try:
        settings = load(path, os.environ)
    except SettingsError as error:
        for line in error.lines:
            yield Diagnosis("settings", NO, line)
        return
    by = f", found {settings.found_by}" if settings.found_by else ""
    yield Diagnosis("settings", YES, f"{settings.origin or 'variables of the environment alone'}{by}")
    for line in settings.warnings():
        yield Diagnosis("settings", NO, line)
    yield from _tableau(settings, today or datetime.now().astimezone().date())
    yield from _sources(settings)
    yield from _directory(settings)
    yield from _databases(settings)
    yield _mail(settings, send=send_mail)
    for what, folder in (("disk of the store", settings.store.folder), ("disk of the logs", settings.logs.folder)):
        yield _disk(what, folder)


def _tried(what: str, look: Callable[[], str]) -> Diagnosis:
    """What `look` says where it is well; its error says what to do."""
    try:
        return Diagnosis(what, YES, look())
    except (TabwardenError, SourceError) as error:
        return Diagnosis(what, NO, "; ".join(getattr(error, "lines", (str(error),))))


# -- Tableau ---------------------------------------------------------------------------------------------------


def _tableau(settings: Settings, today: date) -> Iterator[Diagnosis]:
    try:
        with connected(settings) as connection:
            reader = connection.reader
            where = f"site `{connection.site or 'Default'}` on {connection.server}, API {connection.version}"
            yield Diagnosis("sign-in", YES, f"`{reader.name}` on {where}")
            yield _tokens_end(settings, connection, today)
            yield _tried("rights", lambda: _rights(connection))
            yield _clock(connection)
    except TabwardenError as error:
        yield Diagnosis("sign-in", NO, str(error))


def _tokens_end(settings: Settings, connection: Connection, today: date) -> Diagnosis:
    """The session's, which Tableau tells, and the token's, which it tells nobody (vendor, "Personal Access Tokens")."""
    what, pat = "token's end", settings.tableau.auth.pat
    session = f"this session lasts {connection.session.ends_in}" if connection.session.ends_in else "signed in"
    if pat is None or not isinstance(connection.options.auth, Pat):
        return Diagnosis(what, YES, f"{session}; no personal access token is used, so none ends")
    if pat.expires is None:
        hint = "write its day into `tableau.auth.pat.expires` to be warned; unused for 15 days it ends too"
        return Diagnosis(what, YES, f"{session}; Tableau does not tell when the token `{pat.name}` ends: {hint}")
    left = pat.expires - today
    if left <= SOON:
        past = f"ended on {pat.expires}" if left < timedelta() else f"ends on {pat.expires}, in {left.days} days"
        return Diagnosis(what, NO, f"the token `{pat.name}` {past}; make a new one in Tableau and change the settings")
    return Diagnosis(what, YES, f"{session}; the token `{pat.name}` ends on {pat.expires}, in {left.days} days")


def _rights(connection: Connection) -> str:
    """What the role of who signs in is enough for."""
    role = connection.reader.site_role
    who = f"`{connection.reader.name}` is {role or 'of an unknown role'}"
    if not is_admin(role):
        raise TabwardenError(
            f"{who}: reads what that user may see, and changes nobody; let an administrator make it a site "
            "administrator, or sign in as one"
        )
    answer = connection.call("GET", "")
    site = answer.find("site") if answer is not None else None
    mode = settings_of(site.attrib if site is not None else {}).admin_mode
    if mode == CONTENT_ONLY and not is_server_admin(role):
        raise TabwardenError(
            f"{who}, and site administrators may not manage users here (adminMode {mode}); sign in as a server "
            "administrator, or let one change the site's settings"
        )
    return f"{who}: reads everything on the site and may manage its users"


def _clock(connection: Connection) -> Diagnosis:
    doubt = doubt_beside(connection.clock_ahead)
    if connection.clock_ahead is None:
        return Diagnosis("clock", NONE, "the server does not tell its time")
    beside = f"{count_of(round(abs(connection.clock_ahead)), 'second', 'seconds')} from the server's"
    return Diagnosis("clock", NO if doubt else YES, doubt or beside)


# -- where people come from ------------------------------------------------------------------------------------


def _sources(settings: Settings) -> Iterator[Diagnosis]:
    both = {"joiners": settings.sources.joiners, "leavers": settings.sources.leavers}
    sources = {name: source for name, source in both.items() if source is not None}
    sources |= {f"people of {source.name}": source.from_ for source in settings.people.sources}
    for name, source in sources.items():

        def rows(source: object = source) -> str:
            reading = read_rows(source, settings)  # type: ignore[arg-type]
            return f"{count_of(len(reading.rows), 'row', 'rows')} of {reading.source}"

        yield _tried(name, rows)
    if not sources:
        yield Diagnosis("sources", NONE, "`sources` and `people.sources` name none")


def _directory(settings: Settings) -> Iterator[Diagnosis]:
    directory = settings.directory
    if directory is None:
        yield Diagnosis("directory", NONE, "there is no section `directory`")
    elif directory.file is not None:
        from tabwarden.store import directory_file

        file = directory.file
        yield _tried("directory", lambda: f"{len(directory_file.load(file).people)} people in {file}")
    else:
        from tabwarden.sources.ldap.session import opened

        for domain in directory.domains:

            def entered(domain: object = domain) -> str:
                with opened(domain) as session:  # type: ignore[arg-type]
                    session.root("defaultNamingContext")
                    return "a domain controller lets us in"

            yield _tried(f"directory {domain.fqdn}", entered)


def _databases(settings: Settings) -> Iterator[Diagnosis]:
    def kept() -> str:
        where = "a database" if settings.store.url is not None else str(settings.store.folder)
        try:
            with history.opened(history.store_of(settings)) as opened:
                return f"{where}, {count_of(len(opened.snapshots()), 'snapshot', 'snapshots')}"
        except UnknownName:
            return f"{where}, nothing was kept yet"

    yield _tried("history", kept)
    if settings.tableau.repository is None:
        yield Diagnosis("repository", NONE, "there is no section `tableau.repository`")
        return

    def entered() -> str:
        from tabwarden.run.read import repository_options
        from tabwarden.tableau.repository.connecting import opened

        options = repository_options(settings)
        with opened(options):
            return f"entered as {options.address}"

    yield _tried("repository", entered)


# -- telling and keeping ---------------------------------------------------------------------------------------


def _mail(settings: Settings, *, send: bool) -> Diagnosis:
    mail = settings.mail
    if not mail.enabled:
        return Diagnosis("mail", NONE, "`mail.enabled` is no: nobody is told of a run that failed but by the exit code")
    if not send:
        problem = notify.entered(mail)
        return Diagnosis("mail", NO if problem else YES, problem or f"`{mail.host}` lets us in; `--mail` sends one")
    problem = notify.send(mail, "Tabwarden: a test", "This mail was asked for by `tabwarden doctor --mail`.")
    return Diagnosis("mail", NO if problem else YES, problem or f"sent to {', '.join(mail.to)}; see whether it arrived")


def _disk(what: str, folder: Path) -> Diagnosis:
    """A file is made and gone again where the store and the logs make theirs, or will make their folder."""
    for place in (folder, *folder.absolute().parents):
        if place.is_dir():
            break
        if place.exists():
            return Diagnosis(what, NO, f"`{folder}` cannot be a folder, for `{place}` is a file; name another")
    try:
        with tempfile.NamedTemporaryFile(dir=place, prefix=".doctor-"):
            pass
        free = shutil.disk_usage(place).free
    except OSError as error:
        return Diagnosis(what, NO, f"`{folder}` cannot be written: {(error.strerror or '').lower()}; see to its rights")
    if free < LEAST_FREE:
        return Diagnosis(what, NO, f"`{folder}` has {free / 1e6:,.0f} MB left; make room, for a read must fit in it")
    return Diagnosis(what, YES, f"`{folder}` can be written, {free / 1e9:,.0f} GB are free")
