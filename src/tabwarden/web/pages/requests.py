"""Asking for access: who, what, why and until when; the owner, a leader or an approver grants it by a plan, or refuses.

Asking looks nothing up: whether what is asked for exists, whoever asks learns from nobody but the one who decides.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import replace
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING, Any, NamedTuple

from starlette.responses import Response

from tabwarden.access.powers import power_over
from tabwarden.commands.requests import show_requests
from tabwarden.model.capability import CAPABILITIES, READ_ONLY, capability_named, ui_name
from tabwarden.model.errors import TabwardenError, UnknownName
from tabwarden.model.open_points import CURRENT
from tabwarden.model.site import Content, Site, User
from tabwarden.run.plans import APPLIED, STOPPED, WAITING, kept_plans
from tabwarden.run.whatif import plan_of
from tabwarden.store.web import approvals
from tabwarden.store.web.approvals import GRANTED, REFUSED, WAITS, AccessRequest
from tabwarden.web.answers import Answered, answered
from tabwarden.web.pages.checker import way_chosen, ways_of
from tabwarden.web.rights import APPROVER
from tabwarden.web.visit import Visit, page

if TYPE_CHECKING:
    from tabwarden.compare.fix import Fix, Fixes
    from tabwarden.plan.plan import Plan

MOST_WAITING = 20  # requests of one person
LONGEST = 1000  # letters of a reason


class Decided(NamedTuple):
    """A request, and what it means on the site: who asks, and on what."""

    request: AccessRequest
    user: User
    content: Content


def _means(visit: Visit, request: AccessRequest) -> Decided | None:
    """What a request means today; None where the person or the content is not there."""
    site, user = visit.site.site, visit.site.user_of(request.person)
    try:
        content = site.find_content(request.path)
    except TabwardenError:
        return None
    return Decided(request, user, content) if user is not None else None


def _seen(visit: Visit) -> Site | None:
    """The site as whoever looks is shown it: whole to an approver, else what he may View; None where he is nobody."""
    if APPROVER in visit.rights:
        return visit.site.site
    return visit.site.own(visit.user.id, visit.site.questions()).site if visit.user is not None else None


def _may_decide(visit: Visit, content: Content) -> bool:
    """Whether whoever looks approves by right, or sees it and owns it, leads or owns a project above it.

    Whoever could decide and is not shown it learns nothing of it here either.
    """
    site, user, seen = visit.site.site, visit.user, _seen(visit)
    if APPROVER in visit.rights:
        return True
    if seen is None or user is None or content.id not in seen.contents:
        return False
    project = content.id if content.kind == "project" else site.project_of(content.id)
    return content.owner == user.id or power_over(site, user.id, project, CURRENT) is not None


def _as_seen(visit: Visit, contents: Iterable[str]) -> Callable[[str], str]:
    """Words with the paths of these contents as whoever looks is shown them, without names of hidden places."""
    site, seen = visit.site.site, _seen(visit) or visit.site.site
    paths = {site.path(content): seen.path(content) for content in contents if content in seen.contents}

    def worded(words: str) -> str:
        for whole in sorted(paths, key=len, reverse=True):
            words = words.replace(whole, paths[whole])
        return words

    return worded


def waiting(visit: Visit) -> list[Decided]:
    """Requests of others that whoever looks may decide, the newest first."""
    return list(_waiting(visit))


def _waiting(visit: Visit) -> Iterator[Decided]:
    for request in approvals.requests(visit.house.database, visit.site.address, [WAITS]):
        meant = _means(visit, request)
        if meant and meant.user != visit.user and _may_decide(visit, meant.content):
            yield meant


def ended(visit: Visit) -> list[AccessRequest]:
    """Requests that were granted until a day that is over: their plan waits to be undone."""
    today = datetime.now(UTC).date().isoformat()
    granted = approvals.requests(visit.house.database, visit.site.address, [GRANTED])
    return [request for request in granted if "" < request.until < today]


def choices() -> dict[str, str]:
    """What can be asked for: each name over REST by what the dialog calls it, of projects too."""
    names = (name for name in reversed(list(CAPABILITIES)) if name not in READ_ONLY)
    by_words = {" or ".join(dict.fromkeys((ui_name(name), ui_name(name, "project")))): name for name in names}
    return dict(reversed(by_words.items()))


def own(visit: Visit) -> list[AccessRequest]:
    """One's own, the newest first."""
    every = approvals.requests(visit.house.database, visit.site.address)
    return [request for request in every if request.person.casefold() == visit.name.casefold()]


@page("/requests")
def requests(visit: Visit) -> Response:
    """One's own requests, those one may decide, and asking for more."""
    mine = own(visit)
    plans = kept_plans(visit.house.settings.store.folder) if any(one.state == GRANTED for one in mine) else ()
    applied = {one.number for one in plans if one.state == APPLIED}
    values = {"own": mine, "applied": applied, "waiting": waiting(visit), "path": visit.word("path")}
    values |= {"capabilities": choices(), "capability": visit.word("capability", "View")}
    return visit.show("requests.html", title="Requests", **values)


@page("/requests", methods=("POST",))
def ask(visit: Visit) -> Response:
    """Ask for a capability on a path, which is looked up by nobody yet."""
    if visit.user is None:
        raise TabwardenError(f"nobody of the site has your name `{visit.name}`, so nothing can be given to you")
    path, capability, reason = (visit.word(name).strip() for name in ("path", "capability", "reason"))
    problems = [*([] if path else ["say on what"]), *([] if reason else ["say what you need it for"])]
    if len(reason) > LONGEST or len(path) > LONGEST:
        problems.append(f"what you write may have {LONGEST} letters")
    database, site = visit.house.database, visit.site.address
    waiting = [one for one in own(visit) if one.state == WAITS]
    if len(waiting) >= MOST_WAITING:
        problems.append(f"{MOST_WAITING} requests of yours wait; more can be asked when some of them are decided")
    if problems:
        raise TabwardenError("; ".join(problems))
    named, until = capability_named(capability or "View"), _until(visit.word("until"))
    now = datetime.now(UTC).isoformat()
    asked_for = AccessRequest(
        0, site, visit.name, named, path, reason, until, now, plan=0, state=WAITS, by="", words=""
    )
    with visit.doing("asked for", f"{named} on {path}", reason):
        approvals.ask(database, asked_for)
    return visit.go("/requests")


def _until(words: str) -> str:
    """The last day, as it is kept; TabwardenError for what is none, or over."""
    if not words:
        return ""
    try:
        until = date.fromisoformat(words)
    except ValueError:
        raise TabwardenError(f"`{words}` is no day; write it as 2027-01-31") from None
    if until < datetime.now(UTC).date():
        raise TabwardenError(f"`{words}` is over already")
    return until.isoformat()


def _asked_for(visit: Visit) -> Decided:
    """The request of the address, where it waits and whoever looks may decide it; else as if there were none."""
    number = visit.part("number")
    for meant in _waiting(visit):
        if str(meant.request.number) == number:
            return meant
    raise UnknownName(f"no request {number} waits for you")


def _fixes(visit: Visit, meant: Decided) -> Fixes:
    """How it could be given: no way where it is so already, or where what decides was not read; none of what whoever
    looks is not shown.
    """
    questions = visit.site.questions()
    question = questions.asked(meant.user.id, f"capability:{meant.request.capability}", meant.content.id)
    fixes = questions.fixes(question)
    seen = _seen(visit)
    shown = seen.contents if seen is not None else {}
    ways = (way for way in fixes.ways if all(place in shown for place in _places(visit, way)))
    return replace(fixes, ways=tuple(ways) if fixes.give else ())


def _places(visit: Visit, way: Fix) -> list[str]:
    """The contents that a way would change."""
    places = (change.of_content for change in way.changes(visit.site.site))
    return [place.id for place in places if place is not None and place.id is not None]


@page("/requests/{number:int}", audit="looked")
def request(visit: Visit) -> Response:
    """One request, and the ways to grant it with whom else each concerns."""
    meant = _asked_for(visit)
    fixes, path = _fixes(visit, meant), _as_seen(visit, [meant.content.id])(visit.site.site.path(meant.content.id))
    worded = _as_seen(visit, [place for way in fixes.ways for place in _places(visit, way)])
    ways = [way._replace(steps=list(map(worded, way.steps))) for way in ways_of(visit.site.site, fixes)]
    values = {"meant": meant, "ways": ways, "path": path}
    return visit.show("request.html", title=f"Request {meant.request.number}", **values)


@page("/requests/{number:int}/grant", methods=("POST",))
def grant(visit: Visit) -> Response:
    """Make the plan that gives it; an approver approves that with it."""
    meant, database = _asked_for(visit), visit.house.database
    changes = way_chosen(_fixes(visit, meant), visit).changes(visit.site.site)
    plan = _left_behind(visit, meant.request, plan_of(visit.site.site, changes, settings=visit.settings))
    number = visit.keep(plan, by=meant.request.person)
    about = f"request {meant.request.number} of {meant.request.person}"
    with visit.doing("granted", about, f"way {visit.word('choose')}"):
        if not approvals.decide(database, meant.request.number, GRANTED, by=visit.name, plan=number):
            raise TabwardenError(f"somebody else has decided it meanwhile; plan {number} is of nobody's request")
        if APPROVER in visit.rights:
            approvals.approve(database, plan.id, visit.name, datetime.now(UTC))
    return visit.go("/requests")


def _left_behind(visit: Visit, request: AccessRequest, plan: Plan) -> Plan:
    """The plan as it lies there where granting was cut off after it was kept, and is of no request; else as it is.

    Plans are files and requests lie in a database, so no end of a process leaves both or neither.
    """
    given = {one.plan for one in approvals.requests(visit.house.database, visit.site.address)}
    waiting = (one for one in kept_plans(visit.house.settings.store.folder) if one.state in (WAITING, STOPPED))
    left = (one for one in waiting if one.by == request.person and one.number not in given)
    same = (again for one in left if (again := replace(plan, made_at=one.made_at)).id == one.id)
    return next(same, plan)


@page("/requests/{number:int}/refuse", methods=("POST",))
def refuse(visit: Visit) -> Response:
    """Say no, and why."""
    meant, words = _asked_for(visit), visit.word("words").strip()[:LONGEST]
    if not words:
        raise TabwardenError("say why, in a word or two")
    with visit.doing("refused a request", f"request {meant.request.number} of {meant.request.person}", words):
        approvals.decide(visit.house.database, meant.request.number, REFUSED, by=visit.name, words=words)
    return visit.go("/requests")


def requests_answer(visit: Visit, options: Mapping[str, Any]) -> Answered:
    """What the command `requests` answers: of all to an approver, to others of their own and those they may decide."""
    if APPROVER in visit.rights:
        seen = approvals.requests(visit.house.database, visit.site.address)
    else:
        others = (meant.request for meant in waiting(visit))
        seen = sorted({*own(visit), *others}, key=lambda one: -one.number)
    return answered(show_requests, seen, options.get("number"), waiting=options.get("waiting", False))
