"""Jobs of the session's site: listed, read, cancelled. What they do is `sandbox.people.jobs`' business."""

from __future__ import annotations

from dataclasses import replace

from tabwarden.sandbox.http import listing
from tabwarden.sandbox.http.call import Call, Reply, ok
from tabwarden.sandbox.http.errors import Refusal, unknown
from tabwarden.sandbox.people import shapes
from tabwarden.sandbox.state.server_state import Job


def jobs(call: Call) -> Reply:
    """The site's jobs, newest first."""
    jobs_here = [job for job in call.state.jobs.values() if job.site == call.session.site]
    return ok(*listing.answer(call, shapes.JOBS, reversed(jobs_here)))


def job(call: Call) -> Reply:
    """One job."""
    return ok(shapes.job(call, _job(call)))


def cancel(call: Call) -> Reply:
    """Cancel a job that has not run yet; one that has run stays as it is."""
    job = _job(call)
    if job.finish_code is None:
        call.state.put_job(replace(job, finish_code=2, completed=call.state.clock()))
    return ok(shapes.job(call, call.state.jobs[job.id]))


def _job(call: Call) -> Job:
    """The job of the path; others' jobs are for administrators."""
    job = call.state.jobs.get(call.parameters["job"])
    if job is None or job.site != call.session.site:
        raise unknown("job", call.parameters["job"])
    if not call.is_admin and job.by != call.session.user:
        raise Refusal("403004", "the job belongs to somebody else")
    return job
