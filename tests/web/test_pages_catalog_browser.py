"""The catalog in a browser: search while typing and without scripts, by keyboard, on a phone, for screen readers."""

from __future__ import annotations

import re
from hashlib import sha256
from typing import Any

import pytest
from paths import ROOT, SOURCE
from playwright.sync_api import expect

from plugins.pages import Pages, axe_problems

SOMEBODY = "amir.jensen@acme.example"
ADMIN = "admin"
WORDS = {"view": "by month", "datasource": "data"}
PHONE = {"width": 360, "height": 740}


def first_of(page: Any, kind: str) -> str:
    """The address of the first thing of a kind that somebody finds."""
    for number in range(1, 6):
        page.goto(f"/catalog/search?q={WORDS.get(kind, 'e')}&page={number}")
        links = page.locator(f"a.kind-{kind}")
        if links.count():
            address: str = links.first.get_attribute("href")
            return address
    raise AssertionError(f"nobody finds a {kind}")


def test_a_search_answers_while_one_types(acme_pages: Pages, browser: Any) -> None:
    with acme_pages.in_browser(browser, ADMIN) as page:
        page.goto("/catalog")
        page.evaluate("window.stays = true")
        page.get_by_role("searchbox", name="Find by name").press_sequentially("revenue", delay=20)
        page.get_by_role("status").filter(has_text="called so").wait_for()
        page.wait_for_url(re.compile(r"/catalog/search\?q=revenue$"))
        names = page.locator("td.name").all_inner_texts()
        assert names
        assert all("revenue" in name.casefold() for name in names)
        assert page.evaluate("window.stays") is True  # no page was loaded anew
        assert page.get_by_role("searchbox").input_value() == "revenue"
        page.reload()
        assert page.locator("td.name").all_inner_texts() == names


def test_everything_works_without_scripts(acme_pages: Pages, browser: Any) -> None:
    with acme_pages.in_browser(browser, ADMIN, java_script_enabled=False) as page:
        page.goto("/catalog")
        page.get_by_role("searchbox").fill("revenue")
        page.get_by_role("button", name="Search").click()
        page.locator("a.kind-workbook").first.click()
        expect(page.get_by_role("heading", level=1)).to_contain_text("revenue", ignore_case=True)
        page.locator(".may").get_by_role("link", name="View", exact=True).click()
        expect(page.get_by_role("heading", level=1)).to_have_text("Why")
        page.go_back()
        expect(page.get_by_role("heading", level=1)).to_contain_text("revenue", ignore_case=True)
        parent = page.get_by_role("navigation", name="Where it lies").get_by_role("link").last
        address = str(parent.get_attribute("href"))
        parent.click()
        expect(page).to_have_url(re.compile(f"{re.escape(address)}$"))
        expect(page.get_by_role("heading", name="What you may do here")).to_be_visible()


def test_by_keyboard_alone_one_searches_and_opens_what_was_found(acme_pages: Pages, browser: Any) -> None:
    with acme_pages.in_browser(browser, SOMEBODY) as page:
        page.goto("/catalog")
        page.keyboard.press("Tab")
        assert page.evaluate("document.activeElement.textContent") == "Skip to the content"
        page.keyboard.press("Enter")
        for _ in range(6):
            page.keyboard.press("Tab")
            if page.evaluate("document.activeElement.name") == "q":
                break
        assert page.evaluate("document.activeElement.name") == "q"
        page.keyboard.type("a")
        page.keyboard.press("Enter")
        page.wait_for_url(re.compile("q=a"))
        for _ in range(25):
            page.keyboard.press("Tab")
            if page.evaluate("document.activeElement.matches('td.name a')"):
                break
        name = page.evaluate("document.activeElement.textContent")
        outline = page.evaluate("getComputedStyle(document.activeElement).outlineStyle")
        assert outline != "none"
        page.keyboard.press("Enter")
        page.wait_for_url(re.compile("/catalog/item/"))
        expect(page.get_by_role("heading", level=1)).to_have_text(name)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_serious_and_nothing_is_wider_than_a_phone(
    acme_pages: Pages, browser: Any, scheme: str
) -> None:
    options = {"viewport": PHONE, "color_scheme": scheme}
    with acme_pages.in_browser(browser, ADMIN, "catalog", **options) as page:
        items = [first_of(page, kind) for kind in ("project", "workbook", "view", "datasource")]
        for path in ("/catalog", "/catalog/search?q=re", "/catalog/source", *items):
            page.goto(path)
            assert axe_problems(page) == []
            wide = "document.documentElement.scrollWidth - document.documentElement.clientWidth"
            assert page.evaluate(wide) == 0, path


def test_a_screen_reader_is_told_what_each_thing_is(acme_pages: Pages, browser: Any) -> None:
    with acme_pages.in_browser(browser, ADMIN, "catalog") as page:
        page.goto(first_of(page, "workbook"))
        tree = page.locator("body").aria_snapshot()
        for words in (
            'navigation "Pages"',
            "search:",
            'searchbox "Find by name"',
            'navigation "Where it lies"',
            "heading",
            'region "What is in it"',
            'columnheader "Name"',
            "main:",
            "contentinfo:",
        ):
            assert words in tree, f"{words}\n{tree}"
        assert [int(level) for level in re.findall(r"heading .*\[level=(\d)\]", tree)][:2] == [1, 2]
        page.goto("/catalog/source")
        tree = page.locator("body").aria_snapshot()
        for words in (
            'group "Permission mirroring"',
            'radio "On: people',
            'button "Run extraction"',
            'group "Projects"',
        ):
            assert words in tree, f"{words}\n{tree}"


def test_the_script_is_the_one_that_is_written_down() -> None:
    (script,) = (SOURCE / "web/static").glob("htmx-*.js")
    words = (ROOT / "docs/decisions/0025-pages.md").read_text(encoding="utf-8")
    assert script.name in words
    assert sha256(script.read_bytes()).hexdigest() in words


def test_a_search_after_the_session_ended_leads_to_signing_in(acme_pages: Pages, browser: Any) -> None:
    with acme_pages.in_browser(browser, SOMEBODY) as page:
        page.goto("/catalog")
        page.context.clear_cookies()
        page.get_by_role("searchbox").press_sequentially("rev")
        page.wait_for_url(re.compile("/sign-in"))
