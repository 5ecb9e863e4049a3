"""Work on extracts and runs of flows, asked for and answered with a job; `sandbox.content.extracts` does it."""

from __future__ import annotations

from tabwarden.sandbox.content import jobs as extracts
from tabwarden.sandbox.content import visibility
from tabwarden.sandbox.handlers.content import Handler
from tabwarden.sandbox.http.call import Call, Reply, ok
from tabwarden.sandbox.http.errors import Refusal
from tabwarden.sandbox.people import jobs, shapes


def refreshed(kind: str) -> Handler:
    """Refresh its extract, or run the flow, as a job; one that waits already is a conflict."""
    work = extracts.RUN_FLOW if kind == "flow" else extracts.REFRESH

    def handler(call: Call) -> Reply:
        item = visibility.shown(call, kind)
        visibility.demand(call, "change_refresh_schedule", item)
        waiting = (call.state.jobs[job] for job in call.state.pending)
        if any((job.kind, job.about) == (work, item.id) for job in waiting):
            raise Refusal("409093", "a job for that item is already queued")
        return _job(call, work, item.id, status=202 if kind != "flow" else 200)

    return handler


def created(kind: str) -> Handler:
    """Create an extract, encrypted where asked."""

    def handler(call: Call) -> Reply:
        item = visibility.shown(call, kind)
        visibility.demand_capability(call, "Write", item)
        encrypt = (call.query("encrypt") or "").lower() == "true"
        return _job(call, extracts.CREATE_ENCRYPTED if encrypt else extracts.CREATE, item.id)

    return handler


def deleted(kind: str) -> Handler:
    """Delete its extracts."""

    def handler(call: Call) -> Reply:
        item = visibility.shown(call, kind)
        visibility.demand_capability(call, "Write", item)
        return _job(call, extracts.DELETE, item.id)

    return handler


def of_site(work: str) -> Handler:
    """Encrypt, decrypt or encrypt anew every extract of the site."""

    def handler(call: Call) -> Reply:
        return _job(call, work, "")

    return handler


def _job(call: Call, work: str, about: str, *, status: int = 200) -> Reply:
    return ok(shapes.job(call, jobs.start(call, work, about=about)), status=status)
