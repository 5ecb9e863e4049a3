"""JSON under `/api/v1`: each question is a command of the command line, its answer that of `--json`, letter for letter.

A query's names are the command's arguments and options; they are judged by what judges typed words. So a new option
of a command is one of the API too, where it is in `TAKEN`: an option that names a file, or writes one, never is.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from hashlib import blake2b
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from tabwarden.commands._output import json_text
from tabwarden.commands._parsing import Argument, nearest, parameters_of, read
from tabwarden.commands._unforeseen import sentence_for_others
from tabwarden.model.errors import TabwardenError, UnknownName
from tabwarden.web.answers import Answered, Asked, answered
from tabwarden.web.asking import of_oneself, person_asked
from tabwarden.web.openapi import openapi
from tabwarden.web.pages.catalog import catalog_answer
from tabwarden.web.pages.requests import requests_answer
from tabwarden.web.paths import JSON, MOST, QUESTIONS, TAKEN, Question, key_of
from tabwarden.web.refusals import http_refused, problem, unforeseen
from tabwarden.web.rights import OWN
from tabwarden.web.threads import run_in_threadpool
from tabwarden.web.visit import Visit, visit_of

if TYPE_CHECKING:
    from tabwarden.commands._options import Asking

# Commands whose answer is cut to what the pages show whoever asks.
CUT = {"catalog": catalog_answer, "requests": requests_answer}


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
        if self.question.about:
            values.setdefault(self.question.about, [self.visit.name])
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
        if question.of_settings:
            visit.site.demand_settings()
        if question.command in CUT:
            return CUT[question.command](visit, options)
        taken = {one.name for one in parameters if not one.within}
        if "store" in taken:
            options["store"] = visit.house.served.store
        if "site_url" in taken:
            options["site_url"] = visit.site.address
        if "settings" in taken:
            options["settings"] = visit.house.file
        if "asking" in options:
            options["asking"] = self._asking(options["asking"])
        return answered(question.function, **options)

    def _asking(self, asking: Asking) -> Asked:
        """Of whoever has the right about everybody; of others about themselves, as the pages answer it."""
        visit, points = self.visit, asking.open_point or ()
        if self.question.right in visit.rights:
            return Asked(visit.site, asking.model, points, asking.snapshot, visit.house.file)
        person_asked(visit)
        if asking.snapshot is not None:
            raise Problem(403, f"what was on another day is asked by whoever has the right `{self.question.right}`")
        return of_oneself(visit, asking.model, points)


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
        # What lies in the store is of every site, so it takes the right on each.
        has = visit.rights if question.of_site else {one for one in visit.rights if visit.has_everywhere(one)}
        if question.right not in has and not (question.of_oneself and OWN in has):
            words = f"this needs the right `{question.right}`, which you do not have"
            visit.audit("refused", visit.request.url.path, words)
            return problem(403, words)
        limit, offset = query.number("limit", 0, MOST), query.number("offset", 0, 10**9)
        known = _tag(visit, visit.site.tag) if question.of_snapshot else ""
        if known and known in visit.request.headers.get("if-none-match", ""):
            return Response(status_code=304, headers={"etag": known})
        visit.audit("asked", f"{visit.request.url.path}?{visit.request.url.query}")
        answer = visit.of_site(query.answer)
    except UnknownName as error:
        return problem(404, *error.lines)
    except Problem as error:
        return problem(error.status, *error.lines)
    except TabwardenError as error:
        return problem(400, *error.lines)
    except Exception as error:  # no traceback reaches a person
        return problem(500, sentence_for_others(error))
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
        if visit.has_to_do_with(one)
    ]
    try:
        user = visit.user if visit.house.served.sites else None
    except UnknownName as error:
        return problem(404, *error.lines)
    me = {"name": visit.name, "user": user and user.id, "rights": sorted(visit.rights), "sites": sites}
    return Response(json_text(me), media_type=JSON, headers={"cache-control": "private, no-cache"})


async def _unforeseen(request: Request, error: Exception) -> Response:
    return unforeseen(request.url.path, error)


async def _openapi(request: Request) -> Response:
    del request
    return Response(json_text(openapi()), media_type=JSON)


def api() -> Starlette:
    """What is mounted under `/api/v1`."""
    routes: Sequence[Route] = [Route("/openapi.json", _openapi), Route("/me", _me), *map(_route, QUESTIONS)]
    return Starlette(routes=routes, exception_handlers={HTTPException: http_refused, Exception: _unforeseen})
