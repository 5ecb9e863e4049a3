"""Jobs about content: publishing a file, work on extracts. Each succeeds or fails as one."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace

from tabwarden.sandbox.content import publishing
from tabwarden.sandbox.http.errors import Refusal, unknown
from tabwarden.sandbox.state.server_state import Job, Note
from tabwarden.sandbox.state.sites import State

REFRESH, RUN_FLOW = "RefreshExtract", "RunFlow"
CREATE, CREATE_ENCRYPTED, DELETE = "CreateExtracts", "CreateEncryptedExtracts", "DeleteExtracts"
ENCRYPT, DECRYPT, REENCRYPT = "EncryptExtracts", "DecryptExtracts", "ReencryptExtracts"


def _refreshed(state: State, job: Job) -> None:
    _still_there(state, job)


def _created(state: State, job: Job) -> None:
    _still_there(state, job)
    encrypted = job.kind == CREATE_ENCRYPTED
    state.put_details(job.about, replace(state.details(job.about), has_extracts=True, encrypted=encrypted))


def _deleted(state: State, job: Job) -> None:
    _still_there(state, job)
    state.put_details(job.about, replace(state.details(job.about), has_extracts=False, encrypted=False))


def _ciphered(state: State, job: Job) -> None:
    """Every extract of the site is encrypted, encrypted anew, or not any more."""
    encrypted = job.kind != DECRYPT
    for content in state.site(job.site).contents:
        details = state.details(content)
        if details.has_extracts and details.encrypted != encrypted:
            state.put_details(content, replace(details, encrypted=encrypted))


def _still_there(state: State, job: Job) -> None:
    if job.about not in state.site(job.site).contents:
        raise unknown("content", job.about)


EXTRACT_WORK: Mapping[str, Callable[[State, Job], None]] = {
    REFRESH: _refreshed,
    RUN_FLOW: _refreshed,
    CREATE: _created,
    CREATE_ENCRYPTED: _created,
    DELETE: _deleted,
    ENCRYPT: _ciphered,
    DECRYPT: _ciphered,
    REENCRYPT: _ciphered,
}


PUBLISH: Mapping[str, str] = {
    "workbook": "PublishWorkbook",
    "datasource": "PublishDatasource",
    "flow": "PublishFlow",
}


def run(state: State, job: Job) -> tuple[int, tuple[Note, ...], str]:
    """The finish code, what is to be told, and the content the job turned out to be about."""
    try:
        about = WORK[job.kind](state, job)
    except Refusal as refusal:
        return 1, (Note("errorCode", refusal.code.code, refusal.detail),), job.about
    return 0, (), about or job.about


def _publish(state: State, job: Job) -> str:
    return publishing.publish(state, publishing.from_text(job.rows[0][0])).id


WORK: Mapping[str, Callable[[State, Job], str | None]] = {
    **dict.fromkeys(PUBLISH.values(), _publish),
    **EXTRACT_WORK,
}
