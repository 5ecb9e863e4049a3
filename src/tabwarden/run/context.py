"""From settings to what a run works with: an open connection, rosters, limits, folders. It decides nothing."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, fields, replace
from functools import cached_property
from hashlib import sha256
from pathlib import Path

from tabwarden.model.errors import AmbiguousName, SourceError, UnknownName
from tabwarden.model.site import Site
from tabwarden.model.takes import Authentication, SiteTakes
from tabwarden.places import SITE
from tabwarden.plan.plan import SiteIdentity
from tabwarden.plan.stops import Guarded, Limit, Limits, Reading
from tabwarden.run import setting_names
from tabwarden.run.source_rows import read_roster
from tabwarden.safe_files import open_to_append
from tabwarden.settings import Settings
from tabwarden.settings.invariants import INVARIANTS, load_invariants
from tabwarden.store.database import check_release
from tabwarden.store.journal import now
from tabwarden.tableau.http.connection import Connection, Reader, connect
from tabwarden.tableau.http.pace import HOUR, Allowance
from tabwarden.tableau.http.session import Jwt, Password, Pat, SignIn
from tabwarden.tableau.read.site import owned_by
from tabwarden.tableau.read.takes import read_takes
from tabwarden.want.invariants import Invariant
from tabwarden.want.provision import Policy, Tasks
from tabwarden.want.roster import Roster

SENT = "sent"  # folder of the store: when something was sent to each server


@contextmanager
def connected(settings: Settings) -> Iterator[Connection]:
    """A signed-in connection, signed out at the end; none is made where the store is of a newer release.

    Where the settings say what the server takes in an hour, what was sent to it since over this store counts: by other
    sites, and by a run that was cut short.
    """
    settings.of_one_site()
    check_release(settings.store.url.get_secret_value() if settings.store.url is not None else settings.store.folder)
    with connect(sign_in_of(settings)) as connection:
        meant, allowance = SITE.get(), connection.transport.gate.allowance
        if allowance is None or settings.tableau.calls_per_hour is None:
            yield connection
        else:
            name = sha256(connection.server.encode()).hexdigest()[:16]
            with _counted(allowance, settings.store.folder / SENT / f"{name}.jsonl", meant.at_once if meant else 1):
                yield connection


@contextmanager
def _counted(allowance: Allowance, ledger: Path, at_once: int) -> Iterator[None]:
    """What was sent before counts, shared among those at work; in the end what was sent meanwhile is written down."""
    before = []
    with suppress(OSError, ValueError, TypeError):  # none, or torn: what is lost was sent by a run that was killed
        if ledger.stat().st_mtime + HOUR < time.time():
            ledger.unlink()
        before = sorted(moment for line in ledger.read_bytes().splitlines() for moment in json.loads(line))
    allowance.spent_before(before[::at_once])
    try:
        yield
    finally:
        with suppress(OSError):  # to spare a server is no reason to fail
            ledger.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            with open_to_append(ledger) as file:
                file.write(f"{json.dumps(sorted(set(allowance.moments).difference(before)))}\n")


def sign_in_of(settings: Settings) -> SignIn:
    tableau, auth = settings.tableau, settings.tableau.auth
    meant = SITE.get()
    share = tableau.calls_per_hour and max(1, tableau.calls_per_hour // (meant.at_once if meant else 1))
    way: Pat | Password | Jwt
    if auth.pat is not None:
        way = Pat(auth.pat.name, auth.pat.secret.get_secret_value())
    elif auth.jwt is not None:
        app = auth.jwt
        way = Jwt(app.username, app.client_id, app.secret_id, app.secret_value.get_secret_value(), app.scopes)
    else:
        assert auth.password is not None  # the settings have exactly one of the three
        way = Password(auth.password.username, auth.password.password.get_secret_value())
    return SignIn(
        server=tableau.server,
        site=tableau.site,
        auth=way,
        ca_file=tableau.ca_file,
        api_version=tableau.api_version,
        timeout=tableau.timeout,
        retries=tableau.retries,
        calls_per_hour=share,
    )


def who_signs_in(settings: Settings, site: str, auth: Pat | Password) -> Reader:
    """Who that is on a site, as Tableau itself says, and his site role; signed out at once. TableauError.

    Nothing is tried twice: a wrong password may lock somebody out.
    """
    with connect(replace(sign_in_of(settings), site=site, auth=auth, retries=0)) as connection:
        return connection.reader


Progress = Callable[[int, int, str], None]  # changes gone through, of how many, and the last of them in words


def silent(_done: int, _of: int, _words: str) -> None:
    """No progress is shown."""


@dataclass(frozen=True)
class Context:
    """What a run works with: its settings, a signed-in connection, and who hears how far it is."""

    settings: Settings
    connection: Connection
    progress: Progress = silent

    @property
    def store(self) -> Path:
        """The folder of what is kept between runs."""
        return self.settings.store.folder

    @property
    def own_id(self) -> str:
        """The user who runs this."""
        return self.connection.user_id

    @cached_property
    def takes(self) -> SiteTakes:
        """What the site takes, asked once."""
        return read_takes(self.connection)

    def site(self, name: str | None = None) -> SiteIdentity:
        """Which site it is on; by what the settings call it where its name was not read."""
        connection, name = self.connection, self.settings.tableau.site if name is None else name
        return SiteIdentity(connection.server, connection.site, connection.site_id, name)


@contextmanager
def running(settings: Settings, progress: Progress = silent) -> Iterator[Context]:
    """The context of a run, signed out at the end."""
    with connected(settings) as connection:
        yield Context(settings, connection, progress)


@dataclass(frozen=True, slots=True)
class People:
    """What the sources said: one Reading for each that is set, and warnings about them.

    `left_out` are the lists (joiners, leavers) of which nothing is used, because a stop says no to them.
    """

    readings: tuple[Reading, ...]
    warnings: tuple[str, ...] = ()
    when: str = field(default_factory=now)
    left_out: frozenset[str] = frozenset()

    def roster(self, task: str) -> Roster:
        """The roster of joiners or leavers; an empty one where that list is not set, or left out."""
        readings = () if task in self.left_out else self.readings
        roster = next((r.roster for r in readings if r.task == task and r.roster), None)
        return roster or Roster("none")


def read_sources(settings: Settings) -> People:
    """Joiners and leavers as their sources tell them; a source that fails is a Reading with its error."""
    readings: list[Reading] = []
    warnings: list[str] = []
    when = now()
    for task, source in (("joiners", settings.sources.joiners), ("leavers", settings.sources.leavers)):
        if source is None:
            continue
        try:
            roster, more = read_roster(source, settings, when, leaving=task == "leavers")
        except SourceError as error:
            readings.append(Reading(task, source.type, error=error))
        else:
            words = {"may_be_empty": source.min_rows == 0, "delta": source.delta}
            readings.append(Reading(task, roster.source, roster, None, source.stale_after, **words))
            warnings += more
    return People(tuple(readings), tuple(warnings), when)


def tasks_of(settings: Settings) -> Tasks:
    return Tasks(**{task.name: getattr(settings.provision, task.name) for task in fields(Tasks)})


def policy_of(context: Context, now: Site, owners: Mapping[str, Collection[str]] | None) -> Policy:
    """What the tasks need, with what was read about it; an heir who is gone from the site receives nothing.

    UnknownName for an authentication the site does not offer.
    """
    wanted = context.settings.provision
    gone = setting_names.gone(context.settings, now, context.store, context.site())
    heir = wanted.assets_to if ("provision.assets_to", wanted.assets_to) not in gone else None
    group = wanted.group
    policy = Policy(
        authentication=authentication_of(context),
        change_authentication=wanted.change_auth,
        assets_to=heir or "",
        all_groups=wanted.remove_leavers_from_all_groups,
        protected=wanted.protected,
        own_id=context.own_id,
        owners=owners,
        takes=context.takes,
    )
    if group is None:
        return policy
    return replace(policy, group=group.name, minimum_site_role=group.minimum_site_role, grant_on=group.grant)


def authentication_of(context: Context) -> Authentication | None:
    """How people sign in by the settings, None where they do not say; an error names the key."""
    wanted = context.settings.provision
    for key in ("auth_setting", "idp_configuration_id"):
        words = getattr(wanted, key)
        if words:
            try:
                return context.takes.authentication(words)
            except (UnknownName, AmbiguousName) as problem:
                raise type(problem)(f"`provision.{key}`: {problem}") from None
    return None


def owners_of(context: Context, users: Iterable[str]) -> Mapping[str, frozenset[str]]:
    """Who of these users (ids) owns content, and of which kinds."""
    return {user: frozenset(one.kind for one in owned) for user, owned in owned_by(context.connection, users).items()}


def limits_of(settings: Settings) -> Limits:
    """How much is too much."""
    stops = {limit.name: getattr(settings.stops, limit.name) for limit in fields(Limits)}
    return Limits(**{name: Limit(stop.count, stop.percent) for name, stop in stops.items()})


def invariants_of(settings: Settings) -> tuple[Invariant, ...]:
    """What must hold, by the file of the settings, else by `invariants.yaml` beside them where there is one.

    SettingsError with every problem of the file.
    """
    path = settings.invariants or Path(settings.origin or ".").parent / INVARIANTS
    return load_invariants(path) if settings.invariants is not None or path.is_file() else ()


def guarded_of(context: Context) -> Guarded:
    """Who must not be locked out."""
    return Guarded(context.own_id, context.settings.provision.protected)
