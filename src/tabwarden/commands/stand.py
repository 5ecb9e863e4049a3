"""`tabwarden status` and `tabwarden doctor`: where it stands, and whether everything a run needs is well."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated

from tabwarden.commands._answer import PLAIN, Output
from tabwarden.commands._options import SettingsPath, typed
from tabwarden.commands._output import DONE, ERROR, leave, progress_bar
from tabwarden.commands._parsing import Option
from tabwarden.model.scope import CONNECTIONS
from tabwarden.places import BY_OPTION

if TYPE_CHECKING:
    from datetime import timedelta

    from tabwarden.run.status import Status
    from tabwarden.store.snapshots import Snapshot

MOST = 5  # waiting plans that are told


def status(settings: SettingsPath = None, output: Output = PLAIN) -> None:
    """By what lies here; no server is asked. Exit code 1 where something cannot be read."""
    from tabwarden.report.table import MARK, Column, Table
    from tabwarden.run import status as standing

    now = standing.status(settings)
    table = Table(Column("What", MARK), "How it stands", name="status", plain=True)
    for line in _lines(now):
        table.add_row(*line)
    output.give([table], lambda: _as_json(now))
    leave(ERROR if now.problems else DONE)


def doctor(
    settings: SettingsPath = None,
    mail: Annotated[bool, Option("--mail", about="Send a mail to everybody in `mail.to`.")] = False,
    output: Output = PLAIN,
) -> None:
    """Each line says yes, or what to do. Exit code 1 where one says no."""
    from tabwarden.report.table import MARK, Column, Table, Text
    from tabwarden.run.doctor import NO, examined

    diagnoses = []
    with progress_bar("looking", hidden=output.json) as progress:
        for diagnosis in examined(settings, send_mail=mail):
            diagnoses.append(diagnosis)
            progress(len(diagnoses), len(diagnoses) + 1)
    troubles = sum(diagnosis.well == NO for diagnosis in diagnoses)
    table = Table(Column("Well", MARK), Column("What", MARK), "What is so, or what to do", name="diagnoses", plain=True)
    for diagnosis in diagnoses:
        style = "red" if diagnosis.well == NO else ""
        table.add_row(Text(diagnosis.well, style), diagnosis.what, Text(diagnosis.says, style))
    output.give(
        [table, Text(f"{troubles} to see to" if troubles else "all is well", "bold")],
        lambda: {"ok": not troubles, "diagnoses": [diagnosis._asdict() for diagnosis in diagnoses]},
    )
    leave(ERROR if troubles else DONE)


def _lines(now: Status) -> Iterator[tuple[str, str]]:
    """What, and in words."""
    from tabwarden.report.plans import count_of, minute

    by = f" (found {now.found_by})" if now.found_by else ""
    yield "settings", f"{now.settings}{by}" if now.settings else "none; `tabwarden init` writes some"
    if now.server:
        yield "site", f"`{now.site or 'Default'}` on {now.server}"
    yield "store", now.store
    if now.snapshots is None:
        yield "last read", "not known, for the history cannot be read"
    elif now.last_read is None:
        of_it = f"of `{now.site or 'Default'}` " if now.server and now.snapshots else ""
        yield "last read", f"{of_it}never; `tabwarden read` reads the site"
    else:
        one = now.last_read
        size = f"{count_of(one.users, 'user', 'users')}, {count_of(one.contents, 'content', 'contents')}"
        yield "last read", f"{minute(one.taken)}, {_age(now.age)}: snapshot {one.number} of {one.name}, {size}"
        if _lacking(one):
            yield "", f"not whole: {_lacking(one)}"
    for one in now.snapshots or ():
        if now.last_read is None or one.site != now.last_read.site:
            yield "", f"also {one.name or 'Default'} (`--site {one.content_url}`), read {minute(one.taken)}"
    for place, run in enumerate(now.runs):
        counts = f"{count_of(run.errors, 'error', 'errors')}, {count_of(run.warnings, 'warning', 'warnings')}"
        yield "" if place else "last runs", f"{run.when}: {counts} ({run.log})"
    if not now.runs:
        yield "last runs", "none"
    again = f" --settings {typed(now.settings)}" if now.found_by == BY_OPTION else ""
    for place, kept_plan in enumerate(now.waiting[:MOST]):
        accept = "".join(f" --accept {one}" for one in kept_plan.accept)
        words = f"plan {kept_plan.number} of {minute(kept_plan.made_at)}, {kept_plan.kind}: {kept_plan.says}"
        words += f"; `tabwarden apply {kept_plan.number}"
        yield "" if place else "waiting plans", f"{words}{accept}{again}`"
    if len(now.waiting) > MOST:
        yield "", f"and {len(now.waiting) - MOST} more; `tabwarden plan list --waiting` has them"
    if not now.waiting:
        yield "waiting plans", "none"
    for place, kept_plan in enumerate(now.stopped):
        names = ", ".join((*kept_plan.stops, *kept_plan.accept))
        yield (
            "" if place else "stops",
            f"plan {kept_plan.number}: {names}; `tabwarden plan show {kept_plan.number}` tells why",
        )
    if not now.stopped:
        yield "stops", "none since the last plan that was applied"
    yield "versions", ", ".join(f"{name} {version}" for name, version in now.versions)
    for place, problem in enumerate(now.problems):
        yield "" if place else "problems", problem


def _lacking(snapshot: Snapshot) -> str:
    """What of the site is not in it; connections of workbooks are of no weight here."""
    return "; ".join(part for part in (snapshot.scope, *snapshot.partial) if part and part != CONNECTIONS)


def _age(age: timedelta | None) -> str:
    if age is None:
        return "at an unknown time"
    minutes = int(age.total_seconds() // 60)
    if minutes < 120:
        return "just now" if minutes < 2 else f"{minutes} minutes ago"
    return f"{minutes // 60} hours ago" if minutes < 2880 else f"{minutes // 1440} days ago"


def _as_json(now: Status) -> dict[str, object]:
    from tabwarden.commands.plans import plan_as_json

    last = now.last_read
    read = None
    if last is not None:
        age = round(now.age.total_seconds()) if now.age is not None else None
        read = {"snapshot": last.number, "site": last.name, "taken": last.taken, "age_seconds": age}
        read |= {"whole": not _lacking(last)}
    known = now.snapshots
    sites = known and [{"site": one.name, "content_url": one.content_url, "taken": one.taken} for one in known]
    return {
        "settings": now.settings,
        "found": now.found_by,
        "server": now.server,
        "site": now.site,
        "store": now.store,
        "last_read": read,
        "sites": sites,
        "runs": [run._asdict() for run in now.runs],
        "waiting": [plan_as_json(kept_plan) for kept_plan in now.waiting],
        "stopped": [plan_as_json(kept_plan) for kept_plan in now.stopped],
        "versions": dict(now.versions),
        "problems": list(now.problems),
    }
