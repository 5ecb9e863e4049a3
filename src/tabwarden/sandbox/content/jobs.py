"""Jobs about content: publishing a file, work on extracts. Each succeeds or fails as one."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from tabwarden.sandbox.content import extracts, publishing
from tabwarden.sandbox.http.errors import Refusal
from tabwarden.sandbox.state.server_state import Job, Note
from tabwarden.sandbox.state.sites import State

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
    **extracts.WORK,
}
