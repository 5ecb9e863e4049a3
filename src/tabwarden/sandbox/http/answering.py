"""From a request to its bytes: find the endpoint, admit the caller, run the handler, encode."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from math import ceil
from types import ModuleType
from typing import NamedTuple

from tabwarden.sandbox.faults import apply
from tabwarden.sandbox.faults.script import UNHARMED, Faults, Struck
from tabwarden.sandbox.http import error_table, versions, wire
from tabwarden.sandbox.http.call import Call, File, Reply, Request
from tabwarden.sandbox.http.endpoints import ROUTER
from tabwarden.sandbox.http.errors import CODES, Refusal
from tabwarden.sandbox.http.routing import ANYONE, Endpoint, admit
from tabwarden.sandbox.http.wire import element
from tabwarden.sandbox.metadata import api as metadata_api
from tabwarden.sandbox.metadata import search, vizql_data
from tabwarden.sandbox.people import jobs
from tabwarden.sandbox.state.personality import NEWEST, Personality
from tabwarden.sandbox.state.sessions import Session, Sessions
from tabwarden.sandbox.state.sites import State

HOUR = 3600.0


class Caps:
    """The requests counted so far, by site and user, against the cap of an hour of the sandbox's clock.

    Source: 40,000 requests per user, site and hour on Cloud (capacity pages; the migration SDK). That the hour begins
    with the first request and not at the full hour is believed.
    """

    def __init__(self) -> None:
        self._spent: dict[tuple[str, str], tuple[float, int]] = {}

    def spend(self, session: Session, personality: Personality, now: float) -> None:
        """Count one request; 429000 when the hour's number is used up."""
        if not personality.calls_per_hour:
            return
        key = session.site, session.user
        began, spent = self._spent.get(key, (now, 0))
        if now - began >= HOUR:
            began, spent = now, 0
        if spent >= personality.calls_per_hour:
            wait = {"Retry-After": str(max(1, ceil(began + HOUR - now)))} if personality.cap_tells_when else {}
            raise Refusal("429000", f"more than {personality.calls_per_hour} requests within an hour", wait)
        self._spent[key] = began, spent + 1


_LOG = logging.getLogger(__name__)


class Answered(NamedTuple):
    """An encoded answer and what the log says about it; a body of None is none at all (204)."""

    status: int
    body: bytes | None
    content_type: str
    headers: Mapping[str, str]
    endpoint: str
    site: str
    user: str


BESIDE = (metadata_api, vizql_data, search)
"""The services beside the REST API: each knows its paths and answers for itself."""


def struck_by(faults: Faults, personality: Personality, request: Request) -> Struck:
    """The faults that a request meets; one that no endpoint answers meets none."""
    if not faults:
        return UNHARMED
    try:
        name = _name_of(personality, request)
    except Refusal:
        return UNHARMED
    page = request.query.get("pageNumber", ("1",))[-1]
    return faults.strike(name, page, filtered="filter" in request.query)


def _name_of(personality: Personality, request: Request) -> str:
    """The name of the endpoint that is asked; 404003 or 405000 when there is none."""
    for service in BESIDE:
        if service.is_asked(request.path):
            return f"{request.method} {service.NAME}"
    return ROUTER.find(request.method, request.path, personality).endpoint.name


def answer(
    state: State,
    sessions: Sessions,
    personality: Personality,
    request: Request,
    *,
    caps: Caps | None = None,
    struck: Struck = UNHARMED,
) -> Answered:
    """Answer one request; whatever goes wrong becomes an answer of Tableau's shape, or of its Metadata API's.

    `caps` counts requests where the personality has a cap; `struck` are the faults that this request meets.
    """
    state.asserted = None
    call: Call | None
    for service in BESIDE:
        if service.is_asked(request.path):
            call = Call(request, personality.api_version, {}, state, sessions, personality, struck=struck)
            return _beside(call, service)
    endpoint: Endpoint | None = None
    call = None
    version = personality.api_version
    try:
        jobs.run_due(state, personality)
        state.activity.by("")
        endpoint, parameters, version = ROUTER.find(request.method, request.path, personality)
        if request.body is None:
            raise Refusal("too_large", "the request body is too large")
        apply.refuse(struck)
        call = Call(request, version, parameters, state, sessions, personality, struck=struck)
        if endpoint.who != ANYONE:
            token = request.headers.get("x-tableau-auth")
            apply.end_sessions(struck, sessions, token)
            call.acting = sessions.of(token)
            state.activity.by(call.acting.user, call.acting.initiator)
            if caps is not None:
                caps.spend(call.acting, personality, state.clock())
            admit(endpoint, call)
        with apply.without_seats(struck, state):
            reply = endpoint.handler(call)
    except Refusal as refusal:
        reply = _refusal(refusal, personality, endpoint, version)
    except Exception:
        _LOG.exception("the sandbox failed on %s %s", request.method, request.path)
        failed = Refusal("500000", "the sandbox failed on this request; its log has the trace")
        reply = _refusal(failed, personality)
    state.commit()
    return _encoded(reply, request, version, endpoint, call)


def _beside(call: Call, service: ModuleType) -> Answered:
    """The answer of a service that speaks JSON instead of the REST API's trees."""
    jobs.run_due(call.state, call.personality)
    try:
        apply.refuse(call.struck)
        apply.end_sessions(call.struck, call.sessions, call.request.headers.get("x-tableau-auth"))
        reply = service.answer(call)
    except Refusal as refusal:
        reply = service.refused(call, refusal)
    except Exception:
        _LOG.exception("the sandbox failed on %s %s", call.request.method, call.request.path)
        reply = Reply(500, file=File(b'{"status": 500, "error": "Internal Server Error"}', metadata_api.JSON))
    call.state.commit()
    answered = _encoded(reply, call.request, call.version, None, call)
    return answered._replace(endpoint=_name_of(call.personality, call.request))


def unanswered(personality: Personality, request: Request) -> Answered:
    """What the log says of a request that a fault kept from being done."""
    return Answered(0, None, "", {}, _name_of(personality, request), "", "")


def refused(refusal: Refusal, accept: str, personality: Personality) -> Answered:
    """The answer to what could not even be read as a request."""
    request = Request("", "", {}, {"accept": accept}, b"")
    return _encoded(_refusal(refusal, personality), request, personality.api_version, None, None)


def _refusal(
    refusal: Refusal, personality: Personality, endpoint: Endpoint | None = None, version: str = NEWEST
) -> Reply:
    """The error of a refusal, as its endpoint answers it; a believed code may be answered as another."""
    usual = error_table.told(refusal, (endpoint.method, endpoint.path) if endpoint is not None else None, version)
    code = personality.told(usual.code)
    shown, status = (usual, usual.status) if code == usual.code else (CODES.get(code, usual), int(code[:3]))
    words = (element("summary", text=shown.summary), element("detail", text=refusal.detail))
    error = element("error", {"code": code}, *words)
    return Reply(status, (error,), refusal.headers)


def _encoded(reply: Reply, request: Request, version: str, endpoint: Endpoint | None, call: Call | None) -> Answered:
    body, kind = None, "application/xml"
    elements = versions.as_known(reply.elements, version)
    if reply.file is not None:
        body, kind = reply.file
    elif reply.status != 204:
        if "json" in request.headers.get("accept", "").lower():
            body, kind = wire.to_json(elements), "application/json"
        else:
            body = wire.to_xml(elements, version)
    site, user = _asker(call)
    return Answered(reply.status, body, kind, reply.headers, endpoint.name if endpoint else "", site, user)


def _asker(call: Call | None) -> tuple[str, str]:
    if call is None or call.acting is None:
        return "", ""
    site = next((s for s in call.state.sites if s.id == call.acting.site), None)
    user = site.users.get(call.acting.user) if site is not None else None
    return site.content_url if site is not None else "", user.name if user is not None else ""
