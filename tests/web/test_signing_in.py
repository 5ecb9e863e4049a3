"""Signing in with Tableau's own password or token, the bound on guessing, and which link `serve` prints."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml
from watchdog import patience

from plugins.pages import Pages, served, settings_of
from tabwarden.model.errors import TableauError
from tabwarden.run.context import who_signs_in
from tabwarden.sandbox.http.server import running
from tabwarden.sandbox.worlds.acme import TOKEN_NAME, TOKEN_SECRET
from tabwarden.settings import Settings
from tabwarden.store.web import audit
from tabwarden.store.web.attempts import SPAN, Attempts, subject_of
from tabwarden.store.web.sessions import hash_of
from tabwarden.store.web.state import opened
from tabwarden.tableau.http.session import Password
from tabwarden.web.pages.signing_in import own_path

ANN = "amir.ito@acme.example"


@pytest.fixture(scope="module")
def pages(acme_folder: tuple[Path, dict[str, Any]], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pages]:
    """Pages where people sign in with Tableau; their store is their own, for what is tried here counts."""
    from shutil import copytree

    folder = tmp_path_factory.mktemp("tableau")
    copytree(acme_folder[0] / ".tabwarden", folder / ".tabwarden")
    values = acme_folder[1] | {"web": {"tableau": True, "attempts": 2, "proxies": ["127.0.0.1"]}}
    with served(folder, values) as one:
        yield one


def tried(pages: Pages, address: str = "192.0.2.1", **words: str) -> httpx.Response:
    """One sign-in, from an address that the proxy tells."""
    with httpx.Client(base_url=pages.address, timeout=60, headers={"x-forwarded-for": address}) as client:
        csrf = re.search(r'name="csrf" value="([^"]+)"', client.get("/sign-in?next=/check").text)
        assert csrf
        form = {"csrf": csrf[1], "site": "acme", "kind": "password", "next": "/check", "secret": "wrong", **words}
        return client.post("/sign-in/tableau", data=form)


def acts(pages: Pages) -> list[audit.Act]:
    database = opened(pages.folder / ".tabwarden")
    rows = audit.newest(database, 3)
    database.close()
    return rows


def test_whom_tableau_signs_in_is_signed_in_under_the_name_it_says(pages: Pages) -> None:
    answer = tried(pages, name=TOKEN_NAME, secret=TOKEN_SECRET, kind="token")
    assert (answer.status_code, answer.headers["location"]) == (303, "/check")
    assert acts(pages)[0][2:6] == ("admin", "192.0.2.1", "signed in", "by tableau")
    page = httpx.get(f"{pages.address}/check", cookies=dict(answer.cookies)).text
    assert "admin" in page
    assert tried(pages, name="admin", secret="admin").status_code == 303


def test_nothing_of_what_was_typed_is_kept(pages: Pages) -> None:
    for words in ({"name": TOKEN_NAME, "kind": "token"}, {"name": "hunter2-typed-as-a-name"}):
        assert tried(pages, "192.0.2.2", secret="wrong-Secret-77", **words).status_code == 403
    answer = tried(pages, "192.0.2.2", name=TOKEN_NAME, secret=TOKEN_SECRET, kind="token", next="//evil.example")
    assert answer.headers["location"] == "/"
    database = opened(pages.folder / ".tabwarden")
    with database.reading() as connection:
        tables = ("web_session", "web_audit", "web_attempt", "web_token", "web_link")
        rows = repr([connection.rows(f"select * from {table}") for table in tables])
    database.close()
    for secret in ("wrong-Secret-77", TOKEN_SECRET, "hunter2", answer.cookies["tabwarden"]):
        assert secret not in rows


def test_tableau_is_asked_who_that_is_and_left_at_once(tmp_path: Path) -> None:
    with running("acme") as sandbox:
        settings = Settings.model_validate(settings_of(sandbox.url))
        with pytest.raises(TableauError):
            who_signs_in(settings, "acme", Password("admin", "wrong"))
        reader = who_signs_in(settings, "acme", Password("admin", "admin"))
        endpoints = [entry.endpoint for entry in sandbox.log.entries]
    assert reader.name == "admin"
    assert endpoints[-1] == "POST auth/signout"
    assert endpoints.count("POST auth/signin") == 2  # a wrong password is not tried again: it may lock somebody out


def test_a_form_of_another_browser_is_refused(pages: Pages) -> None:
    words = {"name": "admin", "secret": "admin", "site": "acme", "csrf": "guessed"}
    assert httpx.post(f"{pages.address}/sign-in/tableau", data=words).status_code == 403
    assert (
        httpx.post(f"{pages.address}/sign-in/tableau", data=words, cookies={"tabwarden-form": "one"}).status_code == 403
    )
    of_no_cookie = words | {"csrf": hash_of("tabwarden-form")}  # a browser sends none along from another site
    assert httpx.post(f"{pages.address}/sign-in/tableau", data=of_no_cookie).status_code == 403


def test_the_form_of_signing_in_leads_nowhere_else(pages: Pages) -> None:
    page = httpx.get(f"{pages.address}/sign-in", params={"next": "//evil.example"}).text
    elsewhere = httpx.get(f"{pages.address}/sign-in", headers={"x-forwarded-host": "evil.example"})
    assert elsewhere.status_code == 400  # although a proxy says so that is known
    assert ('name="next" value="/"' in page, "evil" in page) == (True, False)


@pytest.mark.parametrize("words", [{"site": "other"}, {"name": ""}, {"secret": ""}, {"name": "n" * 300}])
def test_what_cannot_be_meant_asks_nobody(pages: Pages, words: dict[str, str]) -> None:
    assert tried(pages, "192.0.2.3", **{"name": "admin", **words}).status_code == 400


def test_whoever_guesses_waits(pages: Pages) -> None:
    """By person from wherever, and by address for whomever; a right password helps nobody by then."""
    answers = [tried(pages, f"198.51.100.{number}", name=ANN).status_code for number in range(3)]
    assert answers == [403, 403, 429]
    refused = tried(pages, "198.51.100.9", name=ANN.upper())
    assert refused.status_code == 429
    assert int(refused.headers["retry-after"]) == SPAN.total_seconds()
    answers = [tried(pages, "203.0.113.5", name=f"nobody{number}").status_code for number in range(21)]
    assert answers == [403] * 20 + [429]
    link = httpx.get(f"{pages.address}/sign-in/link?token=x", headers={"x-forwarded-for": "203.0.113.5"})
    assert link.status_code == 429
    assert tried(pages, "203.0.113.6", name=TOKEN_NAME, secret=TOKEN_SECRET, kind="token").status_code == 303


def test_attempts_are_forgotten_and_success_clears_them(tmp_path: Path) -> None:
    database = opened(tmp_path)
    attempts, now = Attempts(database, 2), datetime(2026, 1, 1, tzinfo=UTC)
    assert attempts.begin("::1", now, "ann")
    number = attempts.begin("::1", now, "Ann")
    assert number
    assert not attempts.begin("::1", now, "ann")
    attempts.succeeded(number, "ann")
    assert attempts.begin("::1", now, "ann")
    assert attempts.begin("::1", now, "ann")
    assert not attempts.begin("::1", now, "ann")
    attempts.succeeded("", "eve")  # which frees neither him nor that address
    assert not attempts.begin("::1", now, "ann")
    assert attempts.begin("::1", now + SPAN + timedelta(seconds=1), "ann")
    database.close()


def test_one_customer_of_ipv6_is_one_address() -> None:
    assert subject_of("2001:db8:1:2::1") == subject_of("2001:db8:1:2:ffff::7") == "2001:db8:1:2::/64"
    assert subject_of("2001:db8:1:3::1") != subject_of("2001:db8:1:2::1")
    assert subject_of("::ffff:192.0.2.1") == subject_of("192.0.2.1")


@pytest.mark.parametrize(
    "words",
    ["//evil.example", "/\\evil.example", "https://evil.example", "//[", "http://[", "javascript:x", "/a\r\nb: c", ""],
)
def test_nobody_is_led_elsewhere(words: str) -> None:
    assert own_path(words) == "/"


@pytest.mark.parametrize(
    ("url", "more", "links"),
    [
        ("https://pages.example.com", (), 0),
        ("https://pages.example.com", ("--link-for", ANN), 1),
        ("http://127.0.0.1:1", (), 1),
    ],
)
def test_with_a_provider_a_link_is_printed_for_whom_it_is_asked(
    acme_folder: tuple[Path, dict[str, Any]], tmp_path: Path, url: str, more: tuple[str, ...], links: int
) -> None:
    openid = {"issuer": "https://login.example.com", "client_id": "pages"}
    values = acme_folder[1] | {"web": {"url": url, "openid": openid, "port": 0}}
    file = tmp_path / "settings.yaml"
    file.write_text(yaml.safe_dump(values), encoding="utf-8")
    command = [sys.executable, "-u", "-m", "tabwarden", "serve", "--settings", str(file), *more]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=tmp_path) as process:
        assert process.stdout is not None
        lines = [process.stdout.readline() for _ in range(1 + links)]
        process.terminate()
        lines += process.stdout.readlines()
        process.wait(timeout=patience(20))
    assert len([line for line in lines if "sign in as" in line]) == links
