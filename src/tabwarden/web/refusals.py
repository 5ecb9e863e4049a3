"""What no page refuses by itself: an address there is not, a way it is not asked in, too much, and what nobody foresaw.

A browser is shown a page in the style of the house, a client of `/api/` a problem (RFC 9457); whoever asks, it says the
same.
"""

from __future__ import annotations

from collections.abc import Mapping

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response

from tabwarden.commands._output import json_text
from tabwarden.commands._unforeseen import sentence_for_others
from tabwarden.web.paths import PROBLEM
from tabwarden.web.rendering import templates

API = "/api/"
TITLES = {
    400: "Bad request",
    401: "Not signed in",
    403: "Not allowed",
    404: "Not here",
    405: "Not so",
    413: "Too large",
    500: "Not done",
}
PAGE_WORDS = {404: "there is no such page", 405: "this page is not asked for in that way: go to it by a link"}
API_WORDS = {404: "there is no such path; `/api/v1/openapi.json` has them", 405: "this path takes GET alone"}


def problem(status: int, *lines: str, headers: Mapping[str, str] | None = None) -> Response:
    """A refusal to a client: the sentence of the command line, and what else it tells."""
    title = TITLES.get(status, "Refused")
    words = {"type": "about:blank", "title": title, "status": status, "detail": lines[0]}
    more = [line.strip() for line in lines[1:]]
    return Response(
        json_text({**words, **({"more": more} if more else {})}), status, headers=headers, media_type=PROBLEM
    )


def refused(path: str, status: int, words: str, headers: Mapping[str, str] | None = None) -> Response:
    """A refusal to whoever asked for a path, whether he is signed in or not."""
    if path.startswith(API):
        return problem(status, words, headers=headers)
    html = (
        templates()
        .get_template("refused.html")
        .render(title=TITLES.get(status, "Not done"), words=words, status=status)
    )
    return HTMLResponse(html, status, headers=headers)


async def http_refused(request: Request, error: Exception) -> Response:
    """What the routes of the application refuse, and a form that cannot be read."""
    assert isinstance(error, HTTPException)
    path, status = request.url.path, error.status_code
    words = (API_WORDS if path.startswith(API) else PAGE_WORDS).get(status, error.detail)
    return refused(path, status, words, error.headers)


def unforeseen(path: str, error: Exception) -> Response:
    """An error outside of every page; no traceback reaches a person."""
    return refused(path, 500, sentence_for_others(error))
