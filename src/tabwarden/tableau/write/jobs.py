"""Waiting for jobs: one that was just started, and those that somebody started and did not see the end of."""

from __future__ import annotations

import logging
import time
from xml.etree.ElementTree import Element

from tabwarden.model.errors import TableauError
from tabwarden.tableau.http.connection import Connection

log = logging.getLogger(__name__)

KINDS = frozenset({"userimport", "userdelete", "groupimport", "groupsync"})
LISTED_SINCE = "3.1"
FIRST_POLL, LONGEST_POLL, LONGEST_JOB = 0.2, 20.0, 3600.0
GONE = ("404018", "400031")  # finished jobs are cleaned away


def wait_for_job(connection: Connection, job_id: str) -> Element | None:
    """The job as it is told when it is over, asking ever more seldom; None where it is cleaned away already."""
    pause, ends = FIRST_POLL, time.monotonic() + LONGEST_JOB
    while time.monotonic() < ends:
        try:
            answer = connection.call("GET", f"jobs/{job_id}")
        except TableauError as error:
            if error.code in GONE:
                return None
            raise
        job_told = answer.find("job") if answer is not None else None
        if job_told is not None and (job_told.get("completedAt") or job_told.get("progress") == "100"):
            return job_told
        time.sleep(pause)
        pause = min(pause * 1.5, LONGEST_POLL)
    raise TableauError(f"the job {job_id} was not over within an hour; look at the server's jobs page", 408)


def wait_for_user_jobs(connection: Connection) -> None:
    """Until no import, deletion or synchronisation of people is under way on the site.

    TableauError (408) after an hour of it. Where the server does not tell its jobs there is nothing to wait for: an
    import that comes twice changes nothing.
    """
    if not connection.supports(LISTED_SINCE):
        return
    pause, ends = FIRST_POLL, time.monotonic() + LONGEST_JOB
    while time.monotonic() < ends:
        try:
            jobs = connection.pages("jobs", "backgroundJob")
        except TableauError as error:
            if error.status not in (400, 403, 404):
                raise
            log.debug("the server does not list its jobs: %s", error)
            return
        if not any(job.get("jobType", "").casefold() in KINDS and not job.get("endedAt") for job in jobs):
            return
        log.info("an import, deletion or synchronisation of people is under way; waiting for its end")
        time.sleep(pause)
        pause = min(pause * 1.5, LONGEST_POLL)
    raise TableauError("an import or synchronisation takes over an hour; look at the server's jobs page", 408)
