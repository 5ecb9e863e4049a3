"""The first page: three plain sentences about what matters most now, then where everything stands."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from itertools import islice
from typing import NamedTuple

from starlette.responses import Response

from tabwarden.model.capability import ui_name
from tabwarden.model.errors import TabwardenError
from tabwarden.report.lists import seats_words
from tabwarden.report.plans import count_of
from tabwarden.report.table import Table, Text, flat, words_of
from tabwarden.run.history import time_of
from tabwarden.run.status import Status, status
from tabwarden.store.web.approvals import WAITS
from tabwarden.web.answers import Answered
from tabwarden.web.pages import findings, requests
from tabwarden.web.pages.plans import plans_here
from tabwarden.web.rendering import ago
from tabwarden.web.rights import AUDITOR, OPERATOR
from tabwarden.web.served import NotYetError
from tabwarden.web.visit import Visit, page

OLD = 2  # days after which a snapshot is told to be old
MOST = 3


class Matter(NamedTuple):
    """A sentence about what matters, and the page where something is done about it ('': none), by its words."""

    words: str
    path: str = ""
    page: str = ""
    lint: str = ""


@page("/")
def home(visit: Visit) -> Response:
    """What matters most now, and where it stands, as far as whoever looks may know it."""
    if not visit.house.served.sites:
        return visit.show("home.html", title="Home", matters=[], standing=None, seats="", waiting=0)
    standing = status(visit.house.file) if {OPERATOR, AUDITOR} & visit.rights else None
    matters = list(islice(_matters(visit, standing), MOST))
    seats = seats_words(visit.site.site) if standing else ""
    waiting = len(plans_here(visit, standing.waiting)) if standing else 0
    return visit.show("home.html", title="Home", matters=matters, standing=standing, seats=seats, waiting=waiting)


def _matters(visit: Visit, standing: Status | None) -> Iterator[Matter]:
    """What matters, the most urgent first."""
    waiting = requests.waiting(visit)
    if waiting:
        one = f"{count_of(len(waiting), 'request for access waits', 'requests for access wait')} for your decision."
        yield Matter(one, "/requests", "Requests")
    if standing is not None:
        yield from _of_the_house(visit, standing)
    yield from _of_oneself(visit)


def _of_the_house(visit: Visit, standing: Status) -> Iterator[Matter]:
    if standing.problems:
        yield Matter(f"Something is broken: {standing.problems[0]}.")
    age = datetime.now(UTC) - time_of(visit.site.snapshot.taken)
    if age.days >= OLD:
        yield Matter(f"The site was read {age.days} days ago; what changed since is not known here.")
    if OPERATOR in visit.rights:
        yield from _of_plans(visit, standing)
    if AUDITOR in visit.rights:
        yield from _of_findings(visit)
    failed = standing.runs[0] if standing.runs and standing.runs[0].errors else None
    if failed is not None:
        errors = count_of(failed.errors, "error", "errors")
        yield Matter(f"The last run, of {failed.when}, told {errors}; its log is {failed.log.name}.")


def _of_plans(visit: Visit, standing: Status) -> Iterator[Matter]:
    stopped, waiting = plans_here(visit, standing.stopped), plans_here(visit, standing.waiting)
    if stopped:
        newest = stopped[0]
        names = ", ".join((*newest.stops, *newest.accept))
        yield Matter(
            f"Plan {newest.number} ({newest.kind}) is stopped by {names}.", f"/plans/{newest.number}", "The plan"
        )
    if waiting:
        newest = waiting[0]
        number = count_of(len(waiting), "plan waits", "plans wait")
        yield Matter(f"{number}; the newest, {newest.number}, is {newest.kind}: {newest.says}.", "/plans", "Plans")
    over = requests.ended(visit)
    if over:
        number = count_of(len(over), "granted request has ended", "granted requests have ended")
        yield Matter(
            f"{number}, the first of {over[-1].person}; take back what plan {over[-1].plan} gave.", "/requests"
        )


def _of_findings(visit: Visit) -> Iterator[Matter]:
    try:
        invariants = findings.judged(visit, visit.site.soon)
    except NotYetError:
        yield Matter("The invariants are being judged for this snapshot.", "/invariants", "Invariants")
    except TabwardenError as error:
        yield Matter(f"The invariants cannot be judged: {error.lines[0]}.", "/invariants", "Invariants")
    else:
        if invariants is not None and invariants.code:
            yield Matter(_broken(invariants), "/invariants", "Invariants")
    try:
        groups = findings.groups(visit, visit.site.soon)
    except NotYetError:
        yield Matter("What is unwise is being looked for in this snapshot.", "/findings", "Findings")
        return
    for one in groups:
        more = f"; {count_of(one['number'] - 1, 'other is', 'others are')} like it" if one["number"] > 1 else ""
        words = f"{one['severity'].capitalize()}: {one['subjects'][0]} {one['what']}{more}."
        yield Matter(words, "/findings", one["lint"], one["lint"])


def _broken(invariants: Answered) -> str:
    """Which are broken, by their names; what the command says where they are only not known to hold."""
    parts = list(flat(list(invariants.parts)))
    table = next((part for part in parts if isinstance(part, Table)), Table("Invariant"))
    names = [words_of(row[0]) for row in table.rows if words_of(row[1]) == "broken"]
    if not names:
        return next(f"{part.words}." for part in parts if isinstance(part, Text))
    more = f" and {len(names) - MOST} more" if len(names) > MOST else ""
    return f"{count_of(len(names), 'invariant is', 'invariants are')} broken: {'; '.join(names[:MOST])}{more}."


def _of_oneself(visit: Visit) -> Iterator[Matter]:
    site, user = visit.site.site, visit.user
    if user is None:
        yield Matter(f"Nobody of the site {site.name} has your name {visit.name}, so you are shown nothing of it.")
        return
    number = visit.site.questions().views(user.id)
    yield Matter(f"You may View {count_of(number, 'thing', 'things')} on {site.name}.", "/catalog", "Catalog")
    yield from _of_requests(visit)
    yield Matter(f"What is shown here is as Tableau was {ago(visit.site.snapshot.taken)}.")


def _of_requests(visit: Visit) -> Iterator[Matter]:
    own = requests.own(visit)
    waiting = sum(1 for request in own if request.state == WAITS)
    if waiting:
        yield Matter(
            f"{count_of(waiting, 'request of yours waits', 'requests of yours wait')}.", "/requests", "Requests"
        )
    elif own:
        newest = own[0]
        words = f"Your last request, {ui_name(newest.capability)} on {newest.path}, was {newest.state} by {newest.by}."
        yield Matter(words, "/requests", "Requests")
    else:
        yield Matter("What you lack you may ask for, and its owner or leader decides.", "/requests", "Requests")
