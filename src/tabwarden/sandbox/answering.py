"""From a request to its bytes: find the endpoint, admit the caller, run the handler, encode. Not HTTP itself."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import NamedTuple

from tabwarden.sandbox import jobs, wire
from tabwarden.sandbox.call import Call, Reply, Request, ok
from tabwarden.sandbox.endpoints import ROUTER
from tabwarden.sandbox.errors import Refusal
from tabwarden.sandbox.personality import Personality
from tabwarden.sandbox.routing import ANYONE, Endpoint, admit
from tabwarden.sandbox.sessions import Sessions
from tabwarden.sandbox.state import State
from tabwarden.sandbox.wire import element

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


def answer(state: State, sessions: Sessions, personality: Personality, request: Request) -> Answered:
    """Answer one request; whatever goes wrong becomes an answer of Tableau's shape."""
    endpoint: Endpoint | None = None
    call: Call | None = None
    version = personality.api_version
    try:
        if request.body is None:
            raise Refusal("413000", "the request body is too large")
        jobs.run_due(state, personality)
        endpoint, parameters, version = ROUTER.find(request.method, request.path, personality)
        call = Call(request, version, parameters, state, sessions, personality)
        if endpoint.who != ANYONE:
            call.acting = sessions.of(request.headers.get("x-tableau-auth"))
            admit(endpoint, call)
        reply = endpoint.handler(call)
    except Refusal as refusal:
        reply = _refusal(refusal)
    except Exception:
        _LOG.exception("the sandbox failed on %s %s", request.method, request.path)
        reply = _refusal(Refusal("500000", "the sandbox failed on this request; its log has the trace"))
    state.commit()
    return _encoded(reply, request, version, endpoint, call)


def _refusal(refusal: Refusal) -> Reply:
    found = refusal.code
    error = element(
        "error",
        {"code": found.code},
        element("summary", text=found.summary),
        element("detail", text=refusal.detail),
    )
    return ok(error, status=found.status)


def _encoded(reply: Reply, request: Request, version: str, endpoint: Endpoint | None, call: Call | None) -> Answered:
    body, kind = None, "application/xml"
    if reply.status != 204:
        if "json" in request.headers.get("accept", "").lower():
            body, kind = wire.to_json(reply.elements), "application/json"
        else:
            body = wire.to_xml(reply.elements, version)
    site, user = _asker(call)
    return Answered(reply.status, body, kind, reply.headers, endpoint.name if endpoint else "", site, user)


def _asker(call: Call | None) -> tuple[str, str]:
    if call is None or call.acting is None:
        return "", ""
    site = call.state.site(call.acting.site)
    held = site.users.get(call.acting.user)
    return site.content_url, held.name if held is not None else ""
