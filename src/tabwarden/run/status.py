"""Where everything stands, by what lies here: settings, store, last read, runs, plans, stops. No server is asked."""

from __future__ import annotations

import os
import platform
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import NamedTuple

from tabwarden import __version__
from tabwarden.log import NAME
from tabwarden.model.errors import SettingsError, TabwardenError, UnknownName
from tabwarden.places import Location, located
from tabwarden.run import history
from tabwarden.run.plans import WAITING, KeptPlan, kept_plans
from tabwarden.settings import Logs, Settings, Store, load, load_part, load_store
from tabwarden.store.snapshots import RELEASE, Snapshot
from tabwarden.tableau.http.address import address_of

LAST_RUNS = 5


class Run(NamedTuple):
    """A run by its log: when it began (local time), the file, how many lines of ERROR and of WARNING."""

    when: str
    log: Path
    errors: int
    warnings: int


class Status(NamedTuple):
    """Everything that is known without asking a server; `problems` are what could not be read, a sentence each.

    `settings` is the file (empty: none, or variables alone) and `found_by` what named it. `snapshots` is by site: the
    newest of each; None where the history cannot be read. `age` is of the newest of the settings' site.
    """

    settings: str
    found_by: str
    server: str
    site: str
    store: str
    snapshots: tuple[Snapshot, ...] | None
    last_read: Snapshot | None
    age: timedelta | None
    runs: tuple[Run, ...]
    plans: tuple[KeptPlan, ...]
    problems: tuple[str, ...]
    versions: tuple[tuple[str, str], ...]

    @property
    def waiting(self) -> tuple[KeptPlan, ...]:
        """Plans that nobody has applied yet, the newest first."""
        return tuple(kept_plan for kept_plan in reversed(self.plans) if kept_plan.state == WAITING)

    @property
    def stopped(self) -> tuple[KeptPlan, ...]:
        """Plans that a stop holds back, waivable or not, made since the last that was applied; the newest first."""
        since: list[KeptPlan] = []
        for kept_plan in reversed(self.plans):
            if kept_plan.record.plan:
                break
            since += [kept_plan] if kept_plan.stops or kept_plan.accept else []
        return tuple(since)


def status(path: Path | None, now: datetime | None = None) -> Status:
    """Where it stands by the settings in `path`, or that are found; what is broken is told and hides nothing else."""
    problems: list[str] = []
    settings, store, logs = _sections(path, problems)
    snapshots: tuple[Snapshot, ...] | None = ()
    age = None
    place = store.url.get_secret_value() if store.url is not None else str(store.folder)
    try:
        location = located(path, os.environ)
    except SettingsError:  # which `load` has told
        location = Location(path)
    try:
        if store.url is not None or store.folder.is_dir():
            with history.opened(place) as opened:
                snapshots = history.every_site(opened)
    except UnknownName as error:  # nothing was ever read
        problems.append(str(error))
    except TabwardenError as error:
        problems.append(str(error))
        snapshots = None
    last = _of_the_site(snapshots or (), settings)
    if last is not None and last.taken:
        age = (now or datetime.now(UTC)) - history.time_of(last.taken)
    try:
        plans = kept_plans(store.folder)
    except TabwardenError as error:
        plans, problems = (), [*problems, str(error)]
    return Status(
        settings=str(location.path or ""),
        found_by=location.by,
        server=settings.tableau.server if settings else "",
        site=settings.tableau.site if settings else "",
        store="a database" if store.url is not None else str(store.folder),
        snapshots=snapshots,
        last_read=last,
        age=age,
        runs=_runs(logs.folder),
        plans=plans,
        problems=tuple(dict.fromkeys(problems)),
        versions=(("tabwarden", __version__), ("python", platform.python_version()), ("history", RELEASE)),
    )


def _of_the_site(snapshots: Sequence[Snapshot], settings: Settings | None) -> Snapshot | None:
    """The newest of the settings' site, and of no other; without usable settings that of the only site there is."""
    if settings is None:
        return snapshots[0] if len(snapshots) == 1 else None
    where, site = address_of(settings.tableau.server), settings.tableau.site
    return next((one for one in snapshots if (one.where, one.content_url) == (where, site)), None)


def _sections(path: Path | None, problems: list[str]) -> tuple[Settings | None, Store, Logs]:
    """The settings, and the two sections that are needed where the whole is broken; defaults where they are, too."""
    try:
        settings = load(path, os.environ)
    except SettingsError as error:
        problems += error.lines
    else:
        return settings, settings.store, settings.logs
    try:
        store = load_store(path, os.environ)
        logs = load_part("logs", Logs, path, alone=True)
    except SettingsError:
        return None, Store(), Logs()
    return None, store, logs


def _runs(folder: Path) -> tuple[Run, ...]:
    """The last runs by their logs, the newest first."""
    logs = [path for path in folder.glob("tabwarden-*") if NAME.match(path.name)]
    logs.sort(key=lambda path: (path.name[:27], len(path.name), path.name), reverse=True)
    runs = []
    for log in logs[:LAST_RUNS]:
        stamp = log.name.removeprefix("tabwarden-")
        levels = [_level(line) for line in log.read_text(encoding="utf-8", errors="replace").splitlines()]
        runs.append(
            Run(f"{stamp[:10]} {stamp[11:13]}:{stamp[13:15]}", log, levels.count("ERROR"), levels.count("WARNING"))
        )
    return tuple(runs)


def _level(line: str) -> str:
    """ERROR, WARNING or nothing, of a line of text or of JSON."""
    for level in ("ERROR", "WARNING"):
        if line[20:].startswith(f"| {level} |") or f'"level": "{level}"' in line[:80]:
            return level
    return ""
