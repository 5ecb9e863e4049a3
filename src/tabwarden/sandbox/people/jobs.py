"""Work that happens later: imports and deletions of people from a file, groups of the directory.

A job runs once the sandbox's clock has passed its due time, before the next request is answered; with the usual
personality that is at once. Rows that fail become notes of type errorCode; the others are done.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import replace

from tabwarden.model.roles import role_from_csv
from tabwarden.sandbox.content import jobs as content_jobs
from tabwarden.sandbox.directories import group_sync
from tabwarden.sandbox.http.call import Call
from tabwarden.sandbox.http.errors import Refusal, unknown
from tabwarden.sandbox.http.wire import Element
from tabwarden.sandbox.people.users_service import Desk
from tabwarden.sandbox.state.personality import Personality
from tabwarden.sandbox.state.server_state import Job, Note
from tabwarden.sandbox.state.sites import State

IMPORT, DELETE = "UserImport", "UserDelete"
COLUMNS = 8  # user name, password, display name, licence, admin, publisher, e-mail, authentication
Row = tuple[str, ...]

ADDED = "CountOfUsersAddedToSite"
NO_SEAT = "CountOfUsersWithInsufficientLicenses"
ROLE_UPDATED = "CountOfUsersSiteRoleUpdated"
UPDATED = "CountOfUsersInformationUpdated"
SKIPPED = "CountOfUsersSkipped"
REMOVED = "CountOfUsersRemovedFromSite"
PROCESSED = "CountOfUsersProcessed"
UNLICENSED = "CountOfUsersUnlicensed"


def start(call: Call, kind: str, rows: tuple[Row, ...] = (), *, about: str = "", blob: str = "") -> Job:
    """A job for these rows, or about a content; it has run already when jobs take no time."""
    state, now = call.state, call.state.clock()
    due = now + call.personality.job_seconds
    job = Job(
        state.new_id(call.site, "job"),
        call.session.site,
        kind,
        call.session.user,
        now,
        due,
        rows,
        about=about,
        blob=blob,
    )
    state.put_job(job)
    run_due(state, call.personality)
    return state.jobs[job.id]


def run_due(state: State, personality: Personality) -> None:
    """Run every job whose time has come."""
    if not state.pending:
        return
    now = state.clock()
    for job in [state.jobs[i] for i in state.pending]:
        if job.due <= now:
            state.activity.by(job.by)
            state.put_job(_done(state, personality, job, now))


def _done(state: State, personality: Personality, job: Job, now: float) -> Job:
    if job.kind in group_sync.WORK:
        finish_code, job_notes = group_sync.run(state, job)
        return replace(job, finish_code=finish_code, completed=now, notes=job_notes)
    if job.kind in content_jobs.WORK:
        finish_code, job_notes, about = content_jobs.run(state, job)
        return replace(job, finish_code=finish_code, completed=now, notes=job_notes, about=about)
    desk = Desk(state, personality, job.site, job.by)
    counts: Counter[str] = Counter()
    errors: list[Note] = []
    for number, row in enumerate(job.rows, start=1):
        counts[PROCESSED] += 1
        try:
            counts[_WORK[job.kind](desk, row)] += 1
        except Refusal as refusal:
            counts[SKIPPED] += 1
            name = row[0] if row else ""
            errors.append(Note("errorCode", refusal.code.code, f"row {number}, {name}: {refusal.detail}"))
    notes = [Note(kind, str(count), f"{kind}: {count}") for kind, count in sorted(counts.items())]
    failed = bool(job.rows) and len(errors) == len(job.rows)
    return replace(job, finish_code=1 if failed else 0, completed=now, notes=(*notes, *errors))


# -- one row --------------------------------------------------------------------------------------------------


def _import_row(desk: Desk, row: Row) -> str:
    name, password, full_name, licence, admin, publisher, email, auth = (*row, *[""] * COLUMNS)[:COLUMNS]
    if len(row) > COLUMNS:
        raise Refusal("400003", f"a row has at most {COLUMNS} columns")
    role = role_of(licence, admin, publisher)
    user = desk.find(name)
    if user is None:
        wanted = desk.describe(name, role, full_name=full_name, email=email, auth=auth or None)
        stored = desk.add(wanted, password=password or None)
        return ADDED if stored.site_role == role else NO_SEAT
    before = user
    if user.site_role != role:
        user = desk.give_role(user, role)
    changed = desk.signing_in(user, auth or None)
    if not desk.is_of_directory(user):
        changed = replace(changed, full_name=full_name or user.full_name, email=email or user.email)
    user = desk.put(changed)
    if user.site_role != before.site_role:
        return ROLE_UPDATED
    return UPDATED if user != before else SKIPPED


def role_of(licence: str, admin: str, publisher: str) -> str:
    """The site role that the licence, admin and publisher columns of an import file mean; 400013 for no licence."""
    if licence.casefold() not in ("creator", "explorer", "viewer", "unlicensed", ""):
        raise Refusal("400013", f"licence `{licence}` is not creator, explorer, viewer or unlicensed")
    return role_from_csv(licence, admin, publisher)


def _delete_row(desk: Desk, row: Row) -> str:
    user = desk.find(row[0])
    if user is None:
        raise unknown("user", row[0])
    desk.remove(user)
    return REMOVED


def without_header(rows: tuple[Row, ...]) -> tuple[Row, ...]:
    """The rows without a first one that holds the names of the columns; files with and without one are accepted."""
    if rows and _plain(rows[0][0]) in _NAME_COLUMNS and all(_plain(c) in _COLUMN_NAMES for c in rows[0]):
        return rows[1:]
    return rows


def _plain(words: str) -> str:
    return "".join(letter for letter in words.casefold() if letter.isalnum())


_NAME_COLUMNS = frozenset({"username", "usernames"})
_COLUMN_NAMES = (
    _NAME_COLUMNS
    | frozenset(
        "password displayname fullname license licence licenselevel admin adminlevel administrator publisher publish"
        " publishing publishcapability email emailaddress authtype authsetting authentication".split()
    )
    | {""}
)

_WORK: Mapping[str, Callable[[Desk, Row], str]] = {IMPORT: _import_row, DELETE: _delete_row}


def with_auth(rows: tuple[Row, ...], payload: Element) -> tuple[Row, ...]:
    """Rows with the authentication or identity provider of the payload: per user, or for all by one without a name."""
    settings = {
        (u.get("name") or "").casefold(): u.get("idpConfigurationId") or u.get("authSetting") or ""
        for u in payload.all("user")
    }
    usual = settings.get("", "")
    filled = []
    for row in rows:
        name = row[0].rpartition("\\")[2].casefold()
        auth = settings.get(row[0].casefold()) or settings.get(name) or usual
        short = len(row) < COLUMNS or (len(row) == COLUMNS and not row[-1])
        filled.append((*(*row, *[""] * COLUMNS)[: COLUMNS - 1], auth) if auth and short else row)
    return tuple(filled)
