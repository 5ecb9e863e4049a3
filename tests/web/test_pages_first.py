"""The frame of all pages: signing in by a link, headers, rights, forms; seen by a client and a browser of others."""

from __future__ import annotations

import re

import httpx
import pytest
from playwright.sync_api import expect

from plugins.pages import Pages

ADMIN = "admin"
SOMEBODY = "amir.ito@acme.example"


def test_without_a_session_every_page_leads_to_signing_in_and_back(acme_pages: Pages) -> None:
    answer = httpx.get(f"{acme_pages.address}/check?user=ann")
    assert answer.status_code == 303
    assert answer.headers["location"] == "/sign-in?next=%2Fcheck%3Fuser%3Dann"


def test_a_link_signs_in_once(acme_pages: Pages) -> None:
    link = acme_pages.link(SOMEBODY)
    assert httpx.get(link).headers["location"] == "/"
    again = httpx.get(link)
    assert again.status_code == 403
    assert "was used or has ended" in again.text


@pytest.mark.parametrize(
    "next_page", ["//evil.example", "https://evil.example/", "/\\evil.example", "javascript:alert(1)"]
)
def test_signing_in_leads_nowhere_else(acme_pages: Pages, next_page: str) -> None:
    answer = httpx.get(f"{acme_pages.address}/sign-in", params={"next": next_page})
    assert "evil" not in answer.text
    assert "alert" not in answer.text


def test_every_answer_has_the_headers(acme_pages: Pages) -> None:
    with acme_pages.signed_in(SOMEBODY) as client:
        for path in ("/", "/static/style.css", "/nowhere"):
            headers = client.get(path).headers
            assert "unsafe" not in headers["content-security-policy"]
            assert headers["x-content-type-options"] == "nosniff"
            assert "server" not in headers


def test_one_asks_about_oneself_and_about_others_by_right_alone(acme_pages: Pages) -> None:
    with acme_pages.signed_in(SOMEBODY) as client:
        assert client.get("/check").status_code == 200
        refused = client.get("/check", params={"user": "amir.jensen@acme.example"})
        absent = client.get("/check", params={"user": "nobody"})
        assert refused.status_code == absent.status_code == 404
        assert refused.text.replace("amir.jensen@acme.example", "") == absent.text.replace("nobody", "")
    with acme_pages.signed_in(ADMIN, "administrator") as client:
        assert client.get("/check", params={"user": SOMEBODY}).status_code == 200


def test_a_form_of_another_session_does_nothing(acme_pages: Pages) -> None:
    with acme_pages.signed_in(SOMEBODY) as client:
        assert client.post("/sign-out", data={"csrf": "guessed"}).status_code == 403
        assert client.get("/").status_code == 200


def test_a_body_that_is_too_large_is_refused(acme_pages: Pages) -> None:
    with acme_pages.signed_in(SOMEBODY) as client:
        assert client.post("/sign-out", content=b"x" * (2 << 20)).status_code == 413


def test_in_a_browser_somebody_signs_in_looks_and_signs_out(acme_pages: Pages, browser: object) -> None:
    with acme_pages.in_browser(browser, SOMEBODY) as page:
        page.get_by_role("link", name="Check").click()
        expect(page.get_by_role("heading", name="Check")).to_be_visible()
        page.get_by_role("button", name="Sign out").click()
        expect(page).to_have_url(re.compile("/sign-in$"))
