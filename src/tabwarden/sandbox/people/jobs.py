"""Work that happens later: people from a file, groups of the directory, publishing, extracts.

A job runs once the sandbox's clock has passed its due time, before the next request is answered; with the usual
personality that is at once. Rows that fail become notes of type errorCode; the others are done.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import replace

from tabwarden.model.names import plain
from tabwarden.model.roles import role_from_csv
from tabwarden.sandbox.content import publishing
from tabwarden.sandbox.directories import group_sync
from tabwarden.sandbox.directories.group_sync import ADDED_TO_SITE, NO_SEAT, PROCESSED, ROLE_UPDATED, SKIPPED, UPDATED
from tabwarden.sandbox.http.call import Call
from tabwarden.sandbox.http.errors import Refusal, unknown
from tabwarden.sandbox.http.wire import Element
from tabwarden.sandbox.people.users_service import Desk
from tabwarden.sandbox.state.personality import Personality
from tabwarden.sandbox.state.server_state import Job, Note
from tabwarden.sandbox.state.sites import State

IMPORT, DELETE = "UserImport", "UserDelete"
GROUP_IMPORT, GROUP_SYNC = "GroupImport", "GroupSync"
PUBLISH: Mapping[str, str] = {
    "workbook": "PublishWorkbook",
    "datasource": "PublishDatasource",
    "flow": "PublishFlow",
}
REFRESH, RUN_FLOW, CHANGE_DATA = "RefreshExtract", "RunFlow", "UpdateUploadedFile"
CREATE, CREATE_ENCRYPTED, DELETE_EXTRACTS = "CreateExtracts", "CreateEncryptedExtracts", "DeleteExtracts"
ENCRYPT, DECRYPT, REENCRYPT = "EncryptExtracts", "DecryptExtracts", "ReencryptExtracts"
COLUMNS = 8  # user name, password, display name, licence, admin, publisher, e-mail, authentication
Row = tuple[str, ...]

REMOVED = "CountOfUsersRemovedFromSite"


def start(call: Call, kind: str, rows: tuple[Row, ...] = (), *, about: str = "", blob: str = "") -> Job:
    """A job for these rows, or about a content; it has run already when jobs take no time."""
    state, now = call.state, call.state.clock()
    due = now + call.personality.job_seconds
    by, new_id = call.session, state.new_id(call.site, "job")
    job = Job(new_id, by.site, kind, by.user, now, due, rows, about=about, blob=blob)
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
    if job.kind in _ROW_WORK:
        return replace(_rows_done(Desk(state, personality, job.site, job.by), job), completed=now)
    try:
        return replace(_WORK[job.kind](state, job), finish_code=0, completed=now)
    except Refusal as refusal:
        return replace(job, finish_code=1, completed=now, notes=(Note("errorCode", refusal.code.code, refusal.detail),))


def _rows_done(desk: Desk, job: Job) -> Job:
    counts: Counter[str] = Counter()
    errors: list[Note] = []
    for number, row in enumerate(job.rows, start=1):
        counts[PROCESSED] += 1
        try:
            counts[_ROW_WORK[job.kind](desk, row)] += 1
        except Refusal as refusal:
            counts[SKIPPED] += 1
            name = row[0] if row else ""
            errors.append(Note("errorCode", refusal.code.code, f"row {number}, {name}: {refusal.detail}"))
    notes = [Note(kind, str(count), f"{kind}: {count}") for kind, count in sorted(counts.items())]
    failed = bool(job.rows) and len(errors) == len(job.rows)
    return replace(job, finish_code=1 if failed else 0, notes=(*notes, *errors))


def _group_imported(state: State, job: Job) -> Job:
    ((domain, name, role, grant_on),) = job.rows
    _id, notes = group_sync.import_group(state, job.site, domain, name, role=role or None, grant_on=grant_on or None)
    return replace(job, notes=notes)


def _group_synchronised(state: State, job: Job) -> Job:
    ((group, role, grant_on),) = job.rows
    notes = group_sync.sync_group(state, job.site, group, role=role or None, grant_on=grant_on or None)
    return replace(job, notes=notes)


def _published(state: State, job: Job) -> Job:
    return replace(job, about=publishing.publish(state, publishing.from_text(job.rows[0][0])).id)


def _refreshed(state: State, job: Job) -> Job:
    """Nothing: no data is read."""
    if job.about not in state.site(job.site).contents:
        raise unknown("content", job.about)
    return job


def _extracted(state: State, job: Job) -> Job:
    """Extracts created, encrypted where asked, or deleted."""
    _refreshed(state, job)
    details = state.details(job.about)
    has, encrypted = job.kind != DELETE_EXTRACTS, job.kind == CREATE_ENCRYPTED
    state.put_details(job.about, replace(details, has_extracts=has, encrypted=encrypted))
    return job


def _ciphered(state: State, job: Job) -> Job:
    """Every extract of the site is encrypted, encrypted anew, or not any more."""
    encrypted = job.kind != DECRYPT
    for content in state.site(job.site).contents:
        details = state.details(content)
        if details.has_extracts and details.encrypted != encrypted:
            state.put_details(content, replace(details, encrypted=encrypted))
    return job


_WORK: Mapping[str, Callable[[State, Job], Job]] = {
    GROUP_IMPORT: _group_imported,
    GROUP_SYNC: _group_synchronised,
    **dict.fromkeys(PUBLISH.values(), _published),
    **dict.fromkeys((REFRESH, RUN_FLOW, CHANGE_DATA), _refreshed),
    **dict.fromkeys((CREATE, CREATE_ENCRYPTED, DELETE_EXTRACTS), _extracted),
    **dict.fromkeys((ENCRYPT, DECRYPT, REENCRYPT), _ciphered),
}


def _import_row(desk: Desk, row: Row) -> str:
    name, password, full_name, licence, admin, publisher, email, auth = (*row, *[""] * COLUMNS)[:COLUMNS]
    if len(row) > COLUMNS:
        raise Refusal("400003", f"a row has at most {COLUMNS} columns")
    role = role_of(licence, admin, publisher)
    user = desk.find(name)
    if user is None:
        wanted = desk.describe(name, role, full_name=full_name, email=email, auth=auth or None)
        stored = desk.add(wanted, password=password or None)
        return ADDED_TO_SITE if stored.site_role == role else NO_SEAT
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
    if rows and plain(rows[0][0]) in _NAME_COLUMNS and all(plain(c) in _COLUMN_NAMES for c in rows[0]):
        return rows[1:]
    return rows


_NAME_COLUMNS = frozenset({"username", "usernames"})
_COLUMN_NAMES = (
    _NAME_COLUMNS
    | frozenset(
        "password displayname fullname license licence licenselevel admin adminlevel administrator publisher publish"
        " publishing publishcapability email emailaddress authtype authsetting authentication".split()
    )
    | {""}
)

_ROW_WORK: Mapping[str, Callable[[Desk, Row], str]] = {IMPORT: _import_row, DELETE: _delete_row}


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
