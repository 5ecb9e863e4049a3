"""What no page refuses by itself is a page in the style of the house too, and a problem to a client of the API."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import httpx
import pytest
from page_leaks import dense
from pages_in_process import Served, done, served_in

from tabwarden.web.guards import HEADERS

LARGE = b"x" * (2 << 20)
# What is asked: the method, the path, what is sent, and the status.
REFUSED = (
    ("GET", "/nowhere", b"", 404),
    ("GET", "/static/nowhere.css", b"", 404),
    ("GET", "/catalog/item/", b"", 404),
    ("DELETE", "/catalog", b"", 405),
    ("POST", "/static/style.css", b"", 405),
    ("POST", "/requests", LARGE, 413),
    ("GET", "/api/v1/nowhere", b"", 404),
    ("POST", "/api/v1/why", b"", 405),
    ("POST", "/api/v1/why", LARGE, 413),
)
MAIN = re.compile(r"<h1>.*</h1>\s*<p>.*</p>|\"detail\":.*")
BROKEN = "a secret of the house"


@pytest.fixture
def served(tmp_path: Path) -> Served:
    served = served_in(tmp_path / "store")
    served.show(dense(1))
    return served


def judged(answer: httpx.Response, status: int) -> None:
    """It has the status, the guard's headers, and the form that whoever asks can read."""
    assert answer.status_code == status, answer.text
    assert {name: answer.headers.get(name) for name in HEADERS} == HEADERS
    assert "Traceback" not in answer.text
    assert BROKEN not in answer.text
    if answer.request.url.path.startswith("/api/"):
        assert answer.headers["content-type"] == "application/problem+json"
        document = answer.json()
        assert document["status"] == status
        assert document["detail"]
    else:
        assert answer.headers["content-type"] == "text/html; charset=utf-8"
        assert '<main id="main">' in answer.text
        assert 'href="/">Home</a>' in answer.text


@pytest.mark.parametrize(("method", "path", "content", "status"), REFUSED)
@pytest.mark.parametrize("rights", [None, (), ("administrator",)])
def test_a_refusal_can_be_read_and_says_the_same_to_everybody(
    served: Served, method: str, path: str, content: bytes, status: int, rights: tuple[str, ...] | None
) -> None:
    async def ask() -> None:
        nobody = httpx.AsyncClient(transport=httpx.ASGITransport(app=served.app), base_url="http://localhost")
        async with nobody, served.client("u0", *(rights or ())) as client:
            answer = await (nobody if rights is None else client).request(method, path, content=content)
            if (rights, path) == (None, "/catalog/item/"):
                assert answer.headers["location"].startswith("/sign-in")
            elif path == "/catalog/item/":
                assert answer.status_code == 404
            else:
                judged(answer, status)
                bare = (await nobody.request(method, path, content=content)).text
                assert MAIN.findall(answer.text)[:1] == MAIN.findall(bare)[:1]

    done(ask())


@pytest.mark.parametrize("path", ["/", "/nowhere", "/api/v1/me", "/api/v1/what?user=u0", "/sign-in"])
def test_an_error_that_nobody_foresaw_shows_nothing_of_the_house(
    served: Served, path: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setattr("tempfile.tempdir", None)

    def broken(*_: Any, **__: Any) -> None:
        raise RuntimeError(BROKEN)

    house = served.app.state.house

    async def ask() -> None:
        async with served.client("u0", "auditor") as client:
            if path != "/nowhere":  # whoever is signed in is shown the way back
                monkeypatch.setattr(type(house.sessions), "of", broken)
            monkeypatch.setattr("tabwarden.web.pages.signing_in.own_path", broken)
            answer = await client.get(path)
            if path == "/nowhere":
                judged(answer, 404)
            else:
                judged(answer, 500)
                assert "tell whoever runs this" in answer.text
                assert str(tmp_path) not in answer.text

    done(ask())
