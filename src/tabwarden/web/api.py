"""JSON under `/api/v1`: each question is a command of the command line, its answer that of `--json`, letter for letter.

A query's names are the command's arguments and options; they are judged by what judges typed words. So a new option
of a command is one of the API too, where it is in `TAKEN`: an option that names a file, or writes one, never is.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from hashlib import blake2b
from typing import TYPE_CHECKING, Any, NamedTuple
from urllib.parse import urlencode

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from tabwarden import __version__
from tabwarden.cli import COMMANDS
from tabwarden.commands._output import json_text
from tabwarden.commands._parsing import Argument, Option, Parameter, nearest, parameters_of, read
from tabwarden.commands._unforeseen import sentence
from tabwarden.model.errors import TabwardenError, UnknownName
from tabwarden.web.answers import Answered, Asked, answered
from tabwarden.web.rights import AUDITOR, OPERATOR
from tabwarden.web.visit import Visit, visit_of

if TYPE_CHECKING:
    from collections.abc import Callable

MOST = 1_000_000  # rows of a page
PROBLEM, JSON = "application/problem+json", "application/json"
# A snapshot of the history: never the folder of one, which the command line takes too.
_SNAPSHOT = r"^(#?[0-9]{1,9}|last|previous|today|yesterday|[0-9]{4}-[0-9]{2}-[0-9]{2}(T[0-9:.]+(Z|[+-][0-9:]+)?)?)$"
_NAME_VALUE = r"^([A-Za-z_]+=[^/\\]*|blog)$"
_SENTENCE = r"^[A-Za-z]+ .*$"
# What a query may hold, by the parameter's name, and the form that those must have which could name a file here.
TAKEN: Mapping[str, str] = {
    **dict.fromkeys(("user", "capability", "content", "target", "group", "words", "subject", "where", "sort"), ""),
    **dict.fromkeys(("model", "models", "against", "defaults", "everybody", "idle", "to", "project", "waiting"), ""),
    **dict.fromkeys(("scope", "lints", "fail_on", "trend", "fix"), ""),
    **dict.fromkeys(("snapshot", "on", "before", "after", "since"), _SNAPSHOT),
    "open_point": _NAME_VALUE,
    "changes": _SENTENCE,
    "plan": r"^(#?[0-9]{1,9}|[0-9a-f]{4,64})$",
}


class Question(NamedTuple):
    """A path of the API, the command it is, the right it takes, and the key of its rows where those can be paged.

    `of_snapshot` is False where the answer hangs on more than the snapshot, as plans do.
    """

    path: str
    command: str
    right: str = AUDITOR
    rows: str = ""
    of_snapshot: bool = True

    @property
    def function(self) -> Callable[..., None]:
        """The command's function."""
        return COMMANDS[self.command].function()

    @property
    def parameters(self) -> list[Parameter]:
        """What of the command a query may say."""
        every = (one for one in parameters_of(self.function) if one.name in TAKEN and one.type in (str, int, bool))
        return [one for one in every if (one.name, one.type) != ("fix", str)]  # of lints, which writes a plan


LISTS = ("users", "groups", "members", "projects", "workbooks", "views", "datasources", "flows", "owners")
QUESTIONS = (
    Question("/why", "why"),
    Question("/who", "who", rows="people"),
    Question("/what", "what"),
    Question("/rules", "rules"),
    Question("/whatif", "whatif"),
    Question("/find", "find"),
    *(Question(f"/{what}", f"list {what}", rows="rows") for what in LISTS),
    Question("/diff", "diff", of_snapshot=False),
    Question("/history", "history", of_snapshot=False),
    Question("/findings", "lint", of_snapshot=False),
    Question("/invariants", "check", of_snapshot=False),
    Question("/licences", "licences", of_snapshot=False),
    Question("/plans", "plan list", OPERATOR, of_snapshot=False),
    Question("/plans/{plan}", "plan show", OPERATOR, of_snapshot=False),
)


def demand_snapshot(words: str) -> str:
    """Words that mean a snapshot of the history, as they are; UnknownName for those that could mean a file."""
    if not re.match(_SNAPSHOT, words):
        raise UnknownName(f"`{words}` is no number, day (2026-11-21) or time of the history, `last` or `previous`")
    return words


def key_of(parameter: Parameter) -> str:
    """What a query calls it: the option's name, or the argument's."""
    return parameter.names[0].lstrip("-") if parameter.names else parameter.name


class Problem(TabwardenError):
    """A refusal with its status, told as RFC 9457 has it."""

    def __init__(self, status: int, words: str) -> None:
        super().__init__(words)
        self.status = status


@dataclass(frozen=True)
class Query:
    """One question as it was asked: what a query says, put into the words of the command."""

    question: Question
    visit: Visit

    @cached_property
    def values(self) -> dict[str, list[str]]:
        """Each name of the query with its values, those of the path among them; Problem for a name nobody takes."""
        request = self.visit.request
        values: dict[str, list[str]] = {name: [str(value)] for name, value in request.path_params.items()}
        for name, value in request.query_params.multi_items():
            values.setdefault(name, []).append(value)
        known = {"site", "limit", "offset", *map(key_of, self.question.parameters)}
        strange = [name for name in values if name not in known]
        if strange:
            raise Problem(400, f"`{self.question.path}` takes no `{strange[0]}`{nearest(strange[0], known)}")
        return values

    def number(self, name: str, usual: int, most: int) -> int:
        """A whole number of the query."""
        (text,) = self._one(name) or (str(usual),)
        if not re.fullmatch(r"[0-9]{1,9}", text) or int(text) > most:
            raise Problem(400, f"`{name}` wants a whole number from 0 to {most}, not `{text}`")
        return int(text)

    def _one(self, name: str) -> list[str]:
        values = self.values.get(name, [])
        if len(values) > 1:
            raise Problem(400, f"`{name}` is given more than once")
        return values

    def words(self) -> Iterator[str]:
        """As they are typed: options first, then the arguments in their order."""
        arguments: list[str] = []
        for parameter in self.question.parameters:
            name = key_of(parameter)
            given = self.values.get(name, []) if parameter.many else self._one(name)
            form = TAKEN[parameter.name]
            for value in given:
                if "\0" in value or (form and not re.match(form, value)):
                    raise Problem(400, f"`{name}` may not be `{value}` here")
            if isinstance(parameter.spec, Argument):
                arguments += given
            elif parameter.type is bool:
                yield from (parameter.names[0] for value in given if _yes(name, value))
            else:
                yield from (f"{parameter.names[0]}={value}" for value in given)
        yield "--"
        yield from arguments

    def answer(self) -> Answered:
        """What the command answers."""
        question, visit = self.question, self.visit
        parameters = parameters_of(question.function)
        missing = [one for one in question.parameters if one.required and not self.values.get(key_of(one))]
        if missing:
            raise Problem(400, f"`{question.path}` needs `{key_of(missing[0])}`")
        options = read(question.command, parameters, self.words())
        options.pop("output", None)
        served = visit.site
        beside = {"store": served.store, "site_url": served.snapshot.content_url}
        options |= {
            name: beside[name] for name in beside if any(one.name == name and not one.within for one in parameters)
        }
        if any(one.name == "settings" and not one.within for one in parameters):
            options["settings"] = visit.house.file
        if "asking" in options:
            asking = options["asking"]
            options["asking"] = Asked(served, asking.model, asking.open_point or (), asking.snapshot, visit.house.file)
        return answered(question.function, **options)


def _yes(name: str, value: str) -> bool:
    if value not in ("true", "false"):
        raise Problem(400, f"`{name}` is `true` or `false`, not `{value}`")
    return value == "true"


# -- answering -------------------------------------------------------------------------------------------------


def _route(question: Question) -> Route:
    async def endpoint(request: Request) -> Response:
        return await _told(request, question)

    return Route(question.path, endpoint, methods=["GET"])


async def _told(request: Request, question: Question) -> Response:
    visit = await visit_of(request, tokens=True)
    if visit is None:
        return problem(401, "sign in, or send a token as `Authorization: Bearer ...`")
    return await run_in_threadpool(_answer, Query(question, visit))


def _answer(query: Query) -> Response:
    question, visit = query.question, query.visit
    try:
        if question.right not in visit.rights:
            return problem(403, f"this needs the right `{question.right}`, which you do not have")
        limit, offset = query.number("limit", 0, MOST), query.number("offset", 0, 10**9)
        known = _tag(visit, visit.site.tag) if question.of_snapshot else ""
        if known and known in visit.request.headers.get("if-none-match", ""):
            return Response(status_code=304, headers={"etag": known})
        visit.audit("asked", f"{visit.request.url.path}?{visit.request.url.query}")
        answer = query.answer()
    except UnknownName as error:
        return problem(404, *error.lines)
    except Problem as error:
        return problem(error.status, *error.lines)
    except TabwardenError as error:
        return problem(400, *error.lines)
    except Exception as error:  # no traceback reaches a person
        return problem(500, sentence("tabwarden serve", error))
    rows, links = paged(answer.document(), question.rows, (limit, offset), visit.request)
    text = json_text(rows)
    tag = known or _tag(visit, text)
    if tag in visit.request.headers.get("if-none-match", ""):
        return Response(status_code=304, headers={"etag": tag})
    headers = {"etag": tag, "cache-control": "private, no-cache", "tabwarden-exit-code": str(answer.code), **links}
    return Response(text, media_type=JSON, headers=headers)


def _tag(visit: Visit, of: str) -> str:
    """What changes with the answer: of whom, to what and by which right as well, so that no two people share one."""
    words = (visit.name, sorted(visit.rights), visit.request.url.path, visit.request.url.query, of)
    return f'"{blake2b(repr(words).encode("utf-8", "surrogatepass"), digest_size=16).hexdigest()}"'


def paged(document: Any, key: str, part: tuple[int, int], request: Request) -> tuple[Any, dict[str, str]]:
    """So many rows of a document from a place on, and the link to the next of them; all where no number is given."""
    limit, offset = part
    rows = document.get(key) if key and isinstance(document, dict) else document
    if not isinstance(rows, list) or not (limit or offset):
        return document, {}
    page = rows[offset : offset + limit] if limit else rows[offset:]
    headers = {"tabwarden-rows": str(len(rows))}
    if limit and offset + limit < len(rows):
        others = [pair for pair in request.query_params.multi_items() if pair[0] != "offset"]
        headers["link"] = f'<{request.url.path}?{urlencode([*others, ("offset", offset + limit)])}>; rel="next"'
    return (page if rows is document else {**document, key: page}), headers


def problem(status: int, *lines: str, headers: Mapping[str, str] | None = None) -> Response:
    """A refusal: the sentence of the command line, and what else it tells."""
    title = {400: "Bad request", 401: "Not signed in", 403: "Not allowed", 404: "Not here", 405: "Not so"}
    words = {"type": "about:blank", "title": title.get(status, "Refused"), "status": status, "detail": lines[0]}
    more = [line.strip() for line in lines[1:]]
    return Response(
        json_text({**words, **({"more": more} if more else {})}), status, headers=headers, media_type=PROBLEM
    )


async def _me(request: Request) -> Response:
    """Who asks, and what he may do here."""
    visit = await visit_of(request, tokens=True)
    if visit is None:
        return problem(401, "sign in, or send a token as `Authorization: Bearer ...`")
    return await run_in_threadpool(lambda: _of_me(visit))


def _of_me(visit: Visit) -> Response:
    sites = [
        {"content_url": url, "name": one.site.name, "taken": one.snapshot.taken}
        for url, one in visit.house.served.sites.items()
    ]
    user = visit.user if visit.house.served.sites else None
    me = {"name": visit.name, "user": user and user.id, "rights": sorted(visit.rights), "sites": sites}
    return Response(json_text(me), media_type=JSON, headers={"cache-control": "private, no-cache"})


async def _refused(request: Request, error: Exception) -> Response:
    del request
    assert isinstance(error, HTTPException)
    words = {404: "there is no such path; `/api/v1/openapi.json` has them", 405: "this path takes GET alone"}
    return problem(error.status_code, words.get(error.status_code, error.detail), headers=error.headers)


# -- telling of itself -----------------------------------------------------------------------------------------

_SITE = {
    "name": "site",
    "in": "query",
    "description": "Content URL of a site that is served; default: the usual one.",
    "schema": {"type": "string"},
}
_PAGE = (
    {
        "name": "limit",
        "in": "query",
        "description": "So many rows; 0: all.",
        "schema": {"type": "integer", "minimum": 0, "maximum": MOST},
    },
    {
        "name": "offset",
        "in": "query",
        "description": "From this row on, 0 the first.",
        "schema": {"type": "integer", "minimum": 0, "maximum": 10**9},
    },
)


def openapi() -> dict[str, Any]:
    """The description of all of it, by OpenAPI 3.1."""
    paths = {question.path: {"get": _operation(question)} for question in QUESTIONS}
    me = {
        "summary": "Who asks, and what he may do here.",
        "operationId": "me",
        "responses": _responses({"type": "object"}),
    }
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Tabwarden",
            "version": __version__,
            "description": "Every answer is that of the command line's `--json`.",
        },
        "servers": [{"url": "/api/v1"}],
        "security": [{"token": []}, {"session": []}],
        "paths": {"/me": {"get": me}, **paths},
        "components": {
            "securitySchemes": {
                "token": {"type": "http", "scheme": "bearer"},
                "session": {"type": "apiKey", "in": "cookie", "name": "tabwarden"},
            },
            "schemas": {"Problem": _PROBLEM},
        },
    }


_PROBLEM = {
    "type": "object",
    "required": ["type", "title", "status", "detail"],
    "properties": {
        "type": {"type": "string"},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "detail": {"type": "string"},
        "more": {"type": "array", "items": {"type": "string"}},
    },
}


def _operation(question: Question) -> dict[str, Any]:
    command = COMMANDS[question.command]
    parameters = [_described(one, question) for one in question.parameters]
    return {
        "operationId": command.words.replace(" ", "_"),
        "summary": command.about,
        "description": f"The command `tabwarden {command.words}`; needs the right `{question.right}`.",
        "parameters": [*parameters, _SITE, *_PAGE],
        "responses": _responses({"type": ["object", "array"]}),
    }


def _described(parameter: Parameter, question: Question) -> dict[str, Any]:
    name, in_path = key_of(parameter), f"{{{parameter.name}}}" in question.path
    schema: dict[str, Any] = {"type": {str: "string", int: "integer", bool: "boolean"}[parameter.type]}
    form = TAKEN[parameter.name]
    if form:
        schema["pattern"] = form
    if isinstance(parameter.spec, Option) and parameter.spec.least is not None:
        schema["minimum"] = parameter.spec.least
    if parameter.many:
        schema = {"type": "array", "items": schema}
    place = {"in": "path", "required": True} if in_path else {"in": "query", "required": parameter.required}
    return {"name": name, **place, "description": parameter.about, "schema": schema}


def _responses(schema: Mapping[str, Any]) -> dict[str, Any]:
    refused = {
        "description": "Refused, and why.",
        "content": {PROBLEM: {"schema": {"$ref": "#/components/schemas/Problem"}}},
    }
    return {
        "200": {"description": "The answer.", "content": {JSON: {"schema": schema}}},
        "304": {"description": "As it was; see `If-None-Match`."},
        **{str(status): refused for status in (400, 401, 403, 404)},
    }


async def _openapi(request: Request) -> Response:
    del request
    return Response(json_text(openapi()), media_type=JSON)


def api() -> Starlette:
    """What is mounted under `/api/v1`."""
    routes: Sequence[Route] = [Route("/openapi.json", _openapi), Route("/me", _me), *map(_route, QUESTIONS)]
    return Starlette(routes=routes, exception_handlers={404: _refused, 405: _refused})
