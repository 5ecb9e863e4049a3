"""Waiting for imports and deletions of users that somebody started and did not see the end of. It starts none."""

from __future__ import annotations

import logging
import time

from tabwarden.model.errors import TableauError
from tabwarden.tableau.client import Connection

log = logging.getLogger(__name__)

KINDS = frozenset({"userimport", "userdelete"})
LISTED_SINCE = "3.1"
FIRST_POLL, LONGEST_POLL, LONGEST_JOB = 0.2, 20.0, 3600.0


def wait_for_user_jobs(connection: Connection) -> None:
    """Until no import or deletion of users is under way on the site; TableauError (408) after an hour of it.

    Where the server does not tell its jobs there is nothing to wait for: an import that comes twice changes nothing.
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
        log.info("an import or deletion of users is under way; waiting for its end")
        time.sleep(pause)
        pause = min(pause * 1.5, LONGEST_POLL)
    raise TableauError("an import or deletion of users takes over an hour; look at the server's jobs page", 408)
