"""Plans: those that wait, what each does to people, approving, applying with progress, undoing, making new ones.

What is done is done by the same commands that people type, each a job of its own (`run.jobs`): a plan that is applied
goes on when the pages are restarted, and no plan is applied twice.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property
from typing import TYPE_CHECKING, Any

from starlette.responses import Response

from tabwarden.commands._output import PROGRESS
from tabwarden.commands.plans import became
from tabwarden.model.errors import TabwardenError, UnknownName
from tabwarden.places import browser_address
from tabwarden.questions import VIEW
from tabwarden.report.lists import seats
from tabwarden.report.plans import plan_table
from tabwarden.run import jobs
from tabwarden.run.history import time_of
from tabwarden.run.plans import BEGUN, WAITING, KeptPlan, kept_plans, load_plan
from tabwarden.run.whatif import plan_by_snapshot
from tabwarden.store.web import approvals
from tabwarden.web.pages.source import far
from tabwarden.web.pictures import BARS, Picture, before_and_after
from tabwarden.web.rights import APPROVER, AUDITOR, OPERATOR
from tabwarden.web.sheets import as_csv, pieces, wants_csv
from tabwarden.web.visit import Visit, page

if TYPE_CHECKING:
    from tabwarden.plan.plan import Plan, Stop
    from tabwarden.web.served import ServedSite

# Plans that read sources or files of the settings, and what each is of.
KINDS = {
    "provision": "Joiners and leavers, from the sources of the settings",
    "people": "Several sources as one roster",
    "groups": "Groups of the directory",
    "licences": "Licences of people who were not seen for 90 days",
}


@dataclass(frozen=True)
class Shown:
    """One plan as its page shows it."""

    visit: Visit
    kept_plan: KeptPlan

    @cached_property
    def plan(self) -> Plan | None:
        """The plan itself; None where its file is gone."""
        return load_plan(self.kept_plan.path) if self.kept_plan.path.is_file() else None

    @cached_property
    def served(self) -> ServedSite | None:
        """The site that it is of, where that is served; of one whose file is gone the first that is called so."""
        plan, sites = self.plan, self.visit.house.served.sites.values()
        if plan is None:
            return next((one for one in sites if self.kept_plan.site in names_of(one)), None)
        of = (plan.site.where, plan.site.content_url)
        return next((one for one in sites if (one.snapshot.where, one.snapshot.content_url) == of), None)

    @cached_property
    def rights(self) -> frozenset[str]:
        """What whoever looks may do on the site that it is of; on the one that is visited where that is not served."""
        return self.visit.rights_on(self.served or self.visit.site)

    @cached_property
    def job(self) -> jobs.Job | None:
        """The last time somebody had it applied from here."""
        return jobs.newest(_store(self.visit), about(self.kept_plan.id))

    @property
    def is_running(self) -> bool:
        """Whether it is being applied just now."""
        return self.job is not None and self.job.is_running

    @cached_property
    def approvals(self) -> list[approvals.Approval]:
        """Who approved it."""
        return approvals.approvals(self.visit.house.database, self.kept_plan.id)

    @property
    def waivable(self) -> Sequence[Stop]:
        """Stops that may be accepted by their number."""
        return [stop for stop in self.plan.stops_of_all if stop.waivable] if self.plan else []

    @property
    def lacks(self) -> str:
        """Why it may not be applied by whoever looks; empty where it may."""
        if OPERATOR not in self.rights:
            return "applying needs the right `operator`"
        if self.kept_plan.state not in (WAITING, BEGUN):
            return f"it {became(self.kept_plan)}"
        by_another = [one for one in self.approvals if one.person.casefold() != self.kept_plan.by.casefold()]
        if self.visit.house.settings.web.approval and not by_another:
            return "somebody other than its author has to approve it first"
        return ""

    @property
    def may_approve(self) -> bool:
        """Whether whoever looks may approve it: not one's own, and once."""
        own = self.visit.name.casefold() == self.kept_plan.by.casefold()
        known = any(one.person == self.visit.name for one in self.approvals)
        return APPROVER in self.rights and self.kept_plan.state == WAITING and not own and not known

    @property
    def done(self) -> int:
        """How many of its changes have ended."""
        return len(self.kept_plan.record.ended)

    @property
    def is_newer(self) -> bool:
        """Whether something of it was done after the site was read, so that other pages do not show it yet."""
        record = self.kept_plan.record
        when = record.finished or record.started
        return bool(record.plan) and time_of(when) >= time_of(self.visit.site.snapshot.taken)


def names_of(site: ServedSite) -> tuple[str, str]:
    """What the list of plans may call a site."""
    return site.site.name, site.snapshot.content_url


def about(plan: str) -> str:
    """What the job is about that applies a plan."""
    return f"applying plan {plan}"


def _store(visit: Visit) -> Any:
    return visit.house.settings.store.folder


def _shown(visit: Visit, right: str = OPERATOR) -> Shown:
    """The plan that the address names by its number; UnknownName where there is none, or no right on its site."""
    number = visit.part("number")
    for kept_plan in kept_plans(_store(visit)):
        if str(kept_plan.number) == number and right in (shown := Shown(visit, kept_plan)).rights:
            return shown
    raise UnknownName(f"there is no plan {number}")


def _audit(visit: Visit, act: str, shown: Shown, words: str = "") -> None:
    visit.audit(act, f"plan {shown.kept_plan.number} ({shown.kept_plan.id})", words)


def _start(visit: Visit, subject: str, words: Sequence[str], site: str = "") -> jobs.Job:
    """Start a command over the settings that are served, in the name of whoever is signed in.

    Where they are for several sites it is told that it is about `site`, an address; "" where it finds that by itself.
    """
    file = visit.house.file
    settings = ["--settings", str(file)] if file is not None else []
    of_site = ["--site", site] if site and visit.house.settings.is_of_several else []
    return jobs.start(
        _store(visit), subject, [*words, *settings, *of_site], visit.name, {**os.environ, PROGRESS: "lines"}
    )


def plans_here(visit: Visit, plans: Iterable[KeptPlan]) -> list[KeptPlan]:
    """Those of the site that is visited, and of none that is served, by the name of their site."""
    others = (one for one in visit.house.served.sites.values() if one is not visit.site)
    elsewhere = {name for one in others for name in names_of(one)} - {*names_of(visit.site)}
    return [one for one in plans if one.site not in elsewhere]


@page("/plans", OPERATOR)
def plans(visit: Visit) -> Response:
    """The plans of the store, the newest first."""
    waiting = visit.word("waiting") == "yes"
    every = [one for one in plans_here(visit, kept_plans(_store(visit))) if not waiting or one.state == WAITING][::-1]
    values = {"plans": every, "waiting": waiting, "became": became, "kinds": KINDS}
    return visit.show("plans.html", title="Plans", **values)


@page("/plans/{number:int}", OPERATOR, audit="looked")
def plan(visit: Visit) -> Response:
    """One plan: rules and people before and after, verdict, stops, and what may be done with it."""
    return _page_of(visit, _shown(visit))


@page("/approvals/{number:int}", APPROVER, audit="looked")
def plan_to_approve(visit: Visit) -> Response:
    """The same for whoever approves."""
    return _page_of(visit, _shown(visit, APPROVER))


def _page_of(visit: Visit, shown: Shown) -> Response:
    whole = pieces(visit, [plan_table(shown.plan)] if shown.plan else [])
    if wants_csv(visit):
        return as_csv(whole.whole)
    values = {"shown": shown, "pieces": whole, "became": became, "pictures": list(_bars(shown))}
    return visit.show("plan.html", title=f"Plan {shown.kept_plan.number}", **values)


def _bars(shown: Shown) -> Iterator[Picture]:
    """Before and after, of a plan that waits: seats, and how many may View the contents where that changes most."""
    if shown.kept_plan.state != WAITING or shown.plan is None or shown.served is None:
        return
    impact, site = shown.plan.impact, shown.served.site
    more, fewer = impact.licences_gained, impact.licences_lost
    taken = {tier: count for tier, (count, _) in seats(site).items()}
    rows = [(tier, taken[tier], taken[tier] + more.get(tier, 0) - fewer.get(tier, 0)) for tier in taken]
    if more or fewer:
        yield before_and_after("Seats taken, before and after", rows, of="")
    if AUDITOR not in shown.rights or not impact.contents:
        return
    questions, rows = shown.served.questions(), []
    differing = [(len(one.gained) + one.more_gained, len(one.lost) + one.more_lost, one) for one in impact.contents]
    for gained, lost, one in sorted(differing, key=lambda some: (-some[0] - some[1], some[2].path))[:BARS]:
        before = len(questions.who_ids(VIEW, one.content)) if one.content in site.contents else 0
        rows.append((one.path, before, before + gained - lost))
    yield before_and_after("People who may View, before and after", rows)


@page("/plans/{number:int}/progress", OPERATOR)
def progress(visit: Visit) -> Response:
    """How far it is, as a part of its page."""
    shown = _shown(visit)
    response = visit.show("plan_progress.html", shown=shown, title="Progress")
    if not shown.is_running:
        response.headers["hx-refresh"] = "true"  # what may be done with the plan is another thing now
    return response


@page("/plans/{number:int}/approve", APPROVER, methods=("POST",))
def approve(visit: Visit) -> Response:
    """Approve a plan of somebody else."""
    with visit.house.database.writing():  # nobody else approves it meanwhile
        shown = _shown(visit, APPROVER)
        if not shown.may_approve:
            raise TabwardenError("a plan that waits is approved once, by somebody other than its author")
        _audit(visit, "approved", shown)
        approvals.approve(visit.house.database, shown.kept_plan.id, visit.name, datetime.now(UTC))
    return visit.go(
        f"/approvals/{shown.kept_plan.number}" if OPERATOR not in visit.rights else f"/plans/{shown.kept_plan.number}"
    )


@page("/plans/{number:int}/apply", OPERATOR, methods=("POST",))
def apply(visit: Visit) -> Response:
    """Have it applied, with the stops that were accepted by their numbers."""
    shown = _shown(visit)
    if shown.lacks:
        raise TabwardenError(shown.lacks)
    accept = [f"{stop.id}={stop.number}" for stop in shown.waivable if visit.form.get(stop.id) == str(stop.number)]
    words = ["apply", str(shown.kept_plan.path), "--yes", "--json", *(f"--accept={one}" for one in accept)]
    _audit(visit, "applied", shown, " ".join(accept))
    _start(visit, about(shown.kept_plan.id), words)
    return visit.go(f"/plans/{shown.kept_plan.number}")


@page("/plans/{number:int}/undo", OPERATOR, methods=("POST",))
def undo(visit: Visit) -> Response:
    """Make the plan that takes back what was done of it."""
    shown = _shown(visit)
    _audit(visit, "planned to undo", shown)
    if shown.plan is None:
        raise TabwardenError("the file of the plan is gone, so nobody knows what to take back")
    words, site = ["plan", "undo", str(shown.kept_plan.path), "--json"], shown.plan.site
    address = browser_address(site.where, site.content_url)
    job = _start(visit, f"undoing plan {shown.kept_plan.id}", words, address)
    return visit.go(f"/jobs/{job.id}")


@page("/plans", OPERATOR, methods=("POST",))
def new_plan(visit: Visit) -> Response:
    """Make a plan: of sentences by the last snapshot, or of one of KINDS by the site as it is now."""
    kind = visit.word("kind")
    if kind:
        if kind not in KINDS:
            raise UnknownName(f"no plan is of the kind `{kind}`; there are {', '.join(KINDS)}")
        visit.audit("planned", kind)
        subject = f"planning {kind} for {visit.site.site.name}"
        job = _start(visit, subject, ["plan", kind, "--json"], visit.site.address)
        return visit.go(f"/jobs/{job.id}")
    sentences = [line.strip() for line in visit.word("changes").splitlines() if line.strip()]
    if not sentences:
        raise TabwardenError("write down what is to change, a sentence a line, as in `lock Finance`")
    visit.audit("planned", "; ".join(sentences))
    plan = plan_by_snapshot(visit.site.site, sentences, visit.settings)
    if not plan.changes:
        raise TabwardenError("that is so already: there is nothing to change")
    return visit.go(f"/plans/{visit.keep(plan)}")


@page("/read", OPERATOR, methods=("POST",))
def read_again(visit: Visit) -> Response:
    """Have the site read, so that the pages show it as it is."""
    visit.site.demand_settings()
    name = visit.site.site.name
    visit.audit("read", name)
    job = _start(visit, f"reading {name}", ["read", "--json"], visit.site.address)
    return visit.go(f"/jobs/{job.id}")


@page("/jobs/{id}", OPERATOR)
def job(visit: Visit) -> Response:
    """A command that was started here: that it runs and how far it is, or what came of it."""
    name = visit.part("id")
    job = next((one for one in jobs.jobs(_store(visit)) if one.id == name), None)
    if job is None or not (job.by == visit.signed_in or visit.has_everywhere(OPERATOR)):  # it may be of another site
        raise UnknownName(f"there is no job `{name}`")
    number = job.answer.get("number")
    if job.is_running:
        done, of = far(job)
        return visit.show("job.html", title="Under way", job=job, done=done, of=of, lines=())
    if number and "hx-request" in visit.request.headers:  # a part was asked for, and the whole has to go there
        return Response(headers={"hx-redirect": visit.link(f"/plans/{number}")})
    if number:
        return visit.go(f"/plans/{number}")
    if "snapshot" in job.answer:
        visit.house.served.refresh()  # the page says that all pages show it, and the next look is up to a second away
    lines = () if job.exit_code == 0 else job.lines
    return visit.show("job.html", title="What came of it", job=job, done=0, of=0, lines=lines)
