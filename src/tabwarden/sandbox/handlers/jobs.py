"""Jobs of the session's site: listed, read, cancelled, and work on extracts asked for; `people.jobs` does it."""

from __future__ import annotations

from dataclasses import replace

from tabwarden.model.site import Content
from tabwarden.sandbox.content import visibility
from tabwarden.sandbox.http import listing
from tabwarden.sandbox.http.call import Call, Reply, ok
from tabwarden.sandbox.http.errors import Refusal, unknown
from tabwarden.sandbox.people import jobs as work
from tabwarden.sandbox.people import shapes
from tabwarden.sandbox.state.server_state import Job

FILES = frozenset({"excel-direct", "msaccess", "ogrdirect", "textclean", "textscan"})  # kinds of connections


def jobs(call: Call) -> Reply:
    """The site's jobs, newest first."""
    jobs_here = [job for job in call.state.jobs.values() if job.site == call.session.site]
    return ok(*listing.answer(call, shapes.JOBS, reversed(jobs_here)))


def job(call: Call) -> Reply:
    """One job."""
    return ok(shapes.job(call, _job(call)))


def cancel(call: Call) -> Reply:
    """Cancel a job that has not run yet."""
    job = _job(call)
    if job.finish_code is not None:
        raise Refusal("job_done", "the job has run already")
    call.state.put_job(replace(job, finish_code=2, completed=call.state.clock()))
    return ok(shapes.job(call, call.state.jobs[job.id]))


def _job(call: Call) -> Job:
    """The job of the path; others' jobs are for administrators."""
    job = call.state.jobs.get(call.parameters["job"])
    if job is None or job.site != call.session.site:
        raise unknown("job", call.parameters["job"])
    if not call.is_admin and job.by != call.session.user:
        raise Refusal("denied", "the job belongs to somebody else")
    return job


def refreshed(call: Call, kind: str) -> Reply:
    """Refresh its extract, or run the flow, as a job; one that waits already is a conflict."""
    kind_of_work = work.RUN_FLOW if kind == "flow" else work.REFRESH
    item = visibility.shown(call, kind)
    visibility.demand(call, "change_refresh_schedule", item)
    waiting = (call.state.jobs[job] for job in call.state.pending)
    if any((job.kind, job.about) == (kind_of_work, item.id) for job in waiting):
        raise Refusal("409093", "a job for that item is already queued")
    return _started(call, kind_of_work, item.id, status=202 if kind != "flow" else 200)


def created(call: Call, kind: str) -> Reply:
    """Create an extract, encrypted where asked, as a job."""
    item = _extractable(call, kind)
    encrypt = (call.query("encrypt") or "").lower() == "true"
    return _started(call, work.CREATE_ENCRYPTED if encrypt else work.CREATE, item.id)


def deleted(call: Call, kind: str) -> Reply:
    """Delete its extracts, as a job."""
    item = _extractable(call, kind)
    return _started(call, work.DELETE_EXTRACTS, item.id)


def _extractable(call: Call, kind: str) -> Content:
    item = visibility.capable(call, kind, "Write")
    kinds = {connection.type for connection in call.state.details(item.id).connections}
    if kinds and kinds <= FILES:
        raise Refusal("file_based", f"the {kind} stands on files, of which no extract is made")
    return item


_ACTIONS = ("insert", "update", "upsert", "replace", "delete")


def data_changed(call: Call, kind: str) -> Reply:
    """Change the rows of a data source that is an extract, from an uploaded file, as a job; no data is touched.

    A request with a `RequestID` that was there before gives the job of that one (documentation).
    """
    item = visibility.capable(call, kind, "Write")
    wanted = call.parameters.get("connection")
    if wanted is not None and wanted not in {one.id for one in call.state.details(item.id).connections}:
        raise unknown("connection", wanted)
    actions = list(call.tree.all("actions"))
    strange = [one.get("action") for one in actions if one.get("action") not in _ACTIONS]
    if not actions or strange:
        raise Refusal("400000", f"`actions` is a list of what to {', '.join(_ACTIONS)}")
    upload = call.query("uploadSessionId")
    if upload is not None:
        call.state.uploads.find(upload, call.session.site, call.session.user)
    request = call.request.headers.get("requestid")
    if not request:
        raise Refusal("400000", "the header `RequestID` tells one change from another; send one")
    key = f"{call.session.site}/{item.id}/{request}"
    job = call.state.jobs.get(call.state.data_changes.get(key, ""))
    if job is None:
        job = work.start(call, work.CHANGE_DATA, about=item.id)
        call.state.data_changes[key] = job.id
    return ok(shapes.job(call, job), status=202)


def of_site(call: Call, kind: str) -> Reply:
    """Encrypt, decrypt or encrypt anew every extract of the site, as a job."""
    return _started(call, kind, "")


def _started(call: Call, kind: str, about: str, *, status: int = 200) -> Reply:
    call.demand_readable()
    return ok(shapes.started(call, work.start(call, kind, about=about)), status=status)
