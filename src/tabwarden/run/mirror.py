"""Publishing a mirror: snapshot, catalog people, tables, sinks. Nothing is written to Tableau."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from hashlib import blake2b
from pathlib import Path
from typing import Any

from tabwarden import __version__, sinks
from tabwarden.engine.columns import Columns
from tabwarden.engine.convert import columns_of
from tabwarden.mirror.build import Mirrored, MirrorRequest, in_flat_form, mirrored, selection
from tabwarden.mirror.match import Matches, Matching, match, tableau_people
from tabwarden.mirror.renew import Last, renewed
from tabwarden.mirror.rows import COMPRESSED, FACTS, FLAT
from tabwarden.model.codec import collected_later
from tabwarden.model.errors import AmbiguousName, SettingsError, SinkError, SourceError
from tabwarden.model.scope import is_limited, shown_to
from tabwarden.model.site import Site
from tabwarden.plan.plan import SiteIdentity
from tabwarden.run.catalog import in_force, last_mirror, source_name
from tabwarden.run.history import LAST, is_folder, newest_site, site_beside
from tabwarden.run.mirror_blocks import seeing
from tabwarden.run.setting_names import remark
from tabwarden.settings import Settings
from tabwarden.sinks import Written
from tabwarden.sinks.sql import SqlSink
from tabwarden.sources._drivers import DRIVERS
from tabwarden.store.journal import keep_good_run, last_good_names
from tabwarden.store.snapshot import load
from tabwarden.store.snapshots import Snapshot
from tabwarden.want.roster import Quarantined

PROJECTS = "mirror.projects"
MADE = 1  # changes, as the release does, whenever a mirror of before is no start for one of today


@dataclass(frozen=True, slots=True)
class Published:
    """What came of publishing: the mirror, what each sink took, what went wrong where, what a person should know."""

    site: Site
    mirror: Mirrored
    quarantined: tuple[Quarantined, ...]
    written: tuple[tuple[str, Written], ...]
    failed: tuple[str, ...]
    warnings: tuple[str, ...]


@collected_later()
def publish(settings: Settings, *, snapshot: Path | str | None = None, now: datetime | None = None) -> Published:
    """Bring every sink to the newest snapshot, or to that one.

    Raises SinkError where the snapshot must not be published, SourceError where the catalog people cannot be read. A
    sink that fails is told in `failed` and does not keep the others from theirs.
    """
    settings, remark_of_pages = in_force(settings)
    site, chosen = _read(settings, snapshot)
    _refuse(site, settings, now or datetime.now(UTC))
    columns = columns_of(site)
    matches, quarantined, warnings = people_of(settings, columns)
    wanted, source = settings.mirror, source_name(settings)
    form = FACTS if wanted.form == FACTS else COMPRESSED
    request = MirrorRequest(source, form, selection(wanted.projects), wanted.enforce)
    origin = _origin(chosen, request, matches)
    try:
        last = _renewed(settings, origin, columns, matches, request, limited=is_limited(site))
        last = last or mirrored(columns, matches, request, limited=is_limited(site), seeing=seeing)
    except AmbiguousName as error:
        raise SettingsError([f"`mirror.projects`: {error}"]) from None
    gone = _gone(settings, site, last.missing)
    # The last mirror is never kept flat: `catalog` needs no more than these.
    store = last_mirror(settings, origin, last.apart)
    written, failed = [("store", sinks.publish(store, source, last.tables))], []
    mirror = in_flat_form(last) if wanted.form == FLAT else last
    for number, sink in enumerate(wanted.sinks, start=1):
        try:
            written.append((f"sink {number}", sinks.publish(sink, source, mirror.tables)))
        except SinkError as error:
            failed.append(f"sink {number} (`{sink.type}`): {error}")
    if not failed:
        names = {PROJECTS: [word for word in wanted.projects if word not in last.missing]}
        keep_good_run(settings.store.folder, SiteIdentity.of(site), {}, names)
    warnings = [*filter(None, [remark_of_pages]), *_warnings(site, mirror, wanted.enforce), *gone, *warnings]
    return Published(site, mirror, quarantined, tuple(written), tuple(failed), tuple(warnings))


def deployed(settings: Settings, dialect: str) -> list[str]:
    """What a person deploys by hand for facts: for the first sink of that dialect, else as if there were one."""
    from tabwarden.sinks._views import script

    there = (sink for sink in settings.mirror.sinks if isinstance(sink, SqlSink))
    fits = (sink for sink in there if sink.driver in DRIVERS and DRIVERS[sink.driver].dialect == dialect)
    sink = next(fits, None) or SqlSink(type="sql", driver=dialect)
    try:
        return script(sink, dialect)
    except ValueError as error:
        raise SinkError(f"the tables of `mirror.sinks` cannot be named: `schema` and `prefix` {error}") from None


def _read(settings: Settings, snapshot: Path | str | None) -> tuple[Site, Snapshot | None]:
    """What to publish: that snapshot (a folder, a number, a day), else the newest of the settings' site.

    None for the second where it is a folder's.
    """
    if snapshot is not None and is_folder(snapshot):
        return load(snapshot), None
    opened = newest_site(settings, LAST if snapshot is None else str(snapshot))
    return opened.site, opened.snapshot


def _origin(snapshot: Snapshot | None, request: MirrorRequest, matches: Matches) -> dict[str, Any]:
    """What a later mirror can be made out of this one by; nothing where none can.

    One of some projects, of facts, or that is not enforced, is always made whole, and so is the first of another
    release, which may judge otherwise.
    """
    if snapshot is None or request.projects is not None or request.form == FACTS or not request.enforced:
        return {}
    words = repr((__version__, MADE, request, sorted(matches.matched)))
    request_hash = blake2b(words.encode("utf-8", "surrogatepass"), digest_size=16).hexdigest()
    return {"request": request_hash, "snapshot": snapshot.number, "mark": snapshot.mark}


def _renewed(
    settings: Settings,
    origin: Mapping[str, Any],
    columns: Columns,
    matches: Matches,
    request: MirrorRequest,
    *,
    limited: bool,
) -> Mirrored | None:
    """The mirror made out of the last one, of the same people by the same request; None where that cannot be."""
    start = last_mirror(settings).start(request.source, origin["request"]) if origin else None
    if start is None:
        return None
    before, tables, apart = start
    if before == origin:
        return Mirrored(request.source, tables, matches, apart=apart)
    site = site_beside(settings, before["snapshot"], before["mark"])
    if site is None:
        return None
    return renewed(Last(tables, apart, columns_of(site)), columns, matches, request, limited=limited, seeing=seeing)


def age_since(when: str, now: datetime) -> timedelta | None:
    """How long ago an ISO time was; None for what is none."""
    try:
        taken = datetime.fromisoformat(when)
    except ValueError:
        return None
    return now - (taken if taken.tzinfo else taken.replace(tzinfo=UTC))


def _refuse(site: Site, settings: Settings, now: datetime) -> None:
    """SinkError for a snapshot that must not be published."""
    if not site.users or (site.partial and not site.contents):
        what = "content" if site.users else "users"
        raise SinkError(f"the snapshot is incomplete: it holds no {what}; take a whole one with `tabwarden read`")
    age = age_since(site.taken.when, now)
    if age is None:
        raise SinkError("the snapshot does not tell when it was read; take a new one with `tabwarden read`")
    most = timedelta(seconds=settings.mirror.max_age)
    if age > most:
        raise SinkError(
            f"the snapshot of {site.taken.when} is {words(age)} old, and `mirror.max_age` is {words(most)}; "
            "take a new one with `tabwarden read`"
        )
    if age < -timedelta(minutes=5):
        raise SinkError(f"the snapshot of {site.taken.when} lies in the future; set this machine's clock right")


def words(age: timedelta) -> str:
    """An age as people say it, rounded down."""
    minutes = int(age.total_seconds() // 60)
    if minutes < 120:
        return f"{minutes} minute{'s' * (minutes != 1)}"
    return f"{minutes // 60} hours" if minutes < 48 * 60 else f"{minutes // 1440} days"


def people_of(settings: Settings, columns: Columns) -> tuple[Matches, tuple[Quarantined, ...], list[str]]:
    """The catalog's people matched to the site's users, rows that name nobody, warnings. Raises SourceError."""
    catalog = settings.catalog
    if catalog.people is None:
        return tableau_people(columns), (), []
    from tabwarden.run.source_rows import read_roster

    roster, warnings = read_roster(catalog.people, settings)
    _refuse_stale(roster.as_of, catalog.people.stale_after)
    exceptions = tuple((exception.person, exception.user) for exception in catalog.exceptions)
    matching = Matching(catalog.domains, exceptions)
    return match(roster.people, columns, matching), roster.quarantined, warnings


def _refuse_stale(as_of: str | None, stale_after: int | None) -> None:
    age = age_since(as_of or "", datetime.now(UTC)) if stale_after is not None else None
    if age is not None and stale_after is not None and age > timedelta(seconds=stale_after):
        raise SourceError(
            f"the catalog people are {words(age)} old by their own word, and `catalog.people.stale_after` is "
            f"{words(timedelta(seconds=stale_after))}; load them again",
            stop="source-stale",
        )


def _warnings(site: Site, mirrored: Mirrored, enforced: bool) -> list[str]:
    warnings = []
    if not enforced:
        warnings.append(
            f"permission mirroring is OFF for source `{mirrored.source}` (`mirror.enforce: false`): "
            "everybody of the catalog sees everything that was read"
        )
    if is_limited(site):
        reader = f"`{site.taken.by}` ({site.taken.by_role or 'role not told'})"
        left_out = f"; not read: {'; '.join(site.partial)}" if site.partial else ""
        own = (
            f"; {reader} sees all that was shown, others what rules that could be read allow" if shown_to(site) else ""
        )
        hidden = "and what was not read is hidden from everybody"
        warnings.append(f"the read by {reader} was limited, {hidden}{own}{left_out}")
    return warnings


def _gone(settings: Settings, site: Site, missing: Mapping[str, str]) -> list[str]:
    """Remarks on projects that were there at the last mirror; SettingsError for names that fit none."""
    known = last_good_names(settings.store.folder, SiteIdentity.of(site)).get(PROJECTS, [])
    lacking = [
        f"`{PROJECTS}`: no project `{word}` on site `{site.name}`{near}"
        for word, near in missing.items()
        if word not in known
    ]
    if lacking:
        raise SettingsError(lacking)
    return [remark(PROJECTS, word) for word in missing]
