"""Every page at once, in a real browser: axe-core finds nothing serious, the console is silent, narrow pages do not
scroll sideways, and the whole way is walked by keys: check, mend, plan, approve by somebody else, apply, undo."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import yaml
from watchdog import patience

from plugins.pages import Pages, served, settings_of
from tabwarden import cli

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

FOLDER = Path(__file__).parent
SOMEBODY = "amir.jensen@acme.example"
AXE = Path(__file__).parents[2] / ".venv/node/node_modules/axe-core/axe.min.js"
PAGES = (
    "/",
    "/plans",
    "/requests",
    "/findings",
    "/findings?lint=rules-for-persons",
    "/invariants",
    "/licences",
    "/history",
    "/history?content=HR%2FSalaries",
    "/diff",
    "/account",
    "/catalog",
    "/catalog/search?q=salar",
    "/check",
)


@pytest.fixture(scope="module")
def pages(tmp_path_factory: pytest.TempPathFactory, tableau_sandboxes: Any) -> Iterator[Pages]:
    """Acme with a store of its own, read and mirrored, where a plan needs a second pair of eyes."""
    folder = tmp_path_factory.mktemp("every")
    values = settings_of(tableau_sandboxes(world="acme").url) | {"web": {"approval": True}}
    file = folder / "settings.yaml"
    file.write_text(yaml.safe_dump(values), encoding="utf-8")
    for command in ("read", "mirror"):
        assert cli.run([command, "--settings", str(file), "-q"]) == 0
    with served(folder, values) as pages:
        yield pages


def serious(page: Page, rules: str) -> list[str]:
    """What axe-core finds serious or worse: its rule and where."""
    page.evaluate(AXE.read_text(encoding="utf-8"))
    result = page.evaluate(f"axe.run({{resultTypes: ['violations']{rules}}})")
    return [
        f"{one['id']}: {node['target']} {node['failureSummary']}"
        for one in result["violations"]
        if one["impact"] in ("serious", "critical")
        for node in one["nodes"]
    ]


@pytest.mark.parametrize(("scheme", "rules"), [("light", ""), ("dark", ", runOnly: ['color-contrast']")])
def test_no_page_is_hard_to_use(pages: Pages, browser: Browser, scheme: Any, rules: str) -> None:
    """In the dark other colours are all that is otherwise."""
    if not AXE.is_file():
        pytest.skip("axe-core is not installed; `script/peers` does it with npm")
    troubles = {}
    with pages.in_browser(browser, "admin", "administrator", color_scheme=scheme, bypass_csp=True) as page:
        for path in PAGES:
            page.goto(path)
            if grave := serious(page, rules):
                troubles[path] = grave
    assert not troubles


@pytest.mark.parametrize("width", [360, 768])
def test_no_page_scrolls_sideways_on_a_narrow_screen(pages: Pages, browser: Browser, width: int) -> None:
    viewport = {"width": width, "height": 800}
    with pages.in_browser(browser, "admin", "administrator", viewport=viewport) as page:
        wide = {}
        for path in PAGES:
            page.goto(path)
            beyond = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
            if beyond > 0:
                wide[path] = beyond
    assert not wide


def test_without_scripts_every_page_says_the_same(pages: Pages, browser: Browser) -> None:
    said = {}
    for scripts in (True, False):
        with pages.in_browser(browser, "admin", "administrator", java_script_enabled=scripts) as page:
            for path in PAGES:
                if path == "/account":  # which tells each session apart
                    continue
                page.goto(path)
                said.setdefault(path, set()).add(re.sub(r"\s+", " ", page.locator("main").inner_text()))
    assert not {path: texts for path, texts in said.items() if len(texts) > 1}


# What is called that has the focus: by its own words, or its label's.
FOCUSED = """() => {
  const e = document.activeElement;
  return ((e.labels && e.labels[0] && e.labels[0].innerText) || e.innerText || e.value || "").trim();
}"""


def keys(page: Page, *names: str) -> None:
    for name in names:
        page.keyboard.press(name)


def tab_to(page: Page, name: str) -> None:
    """Press Tab until what is called so has the focus."""
    for _ in range(200):
        page.keyboard.press("Tab")
        if page.evaluate(FOCUSED).startswith(name):
            return
    raise AssertionError(f"no key leads to `{name}`")


def test_the_whole_way_by_keys_alone(pages: Pages, browser: Browser) -> None:
    """Checked, mended by the smallest change, which is a plan, approved by somebody else, applied, undone."""
    phone = {"width": 360, "height": 800}
    with (
        pages.in_browser(browser, "olga", "auditor", "operator", viewport=phone) as olga,
        pages.in_browser(browser, "carl", "approver", viewport=phone) as carl,
    ):
        tab_to(olga, "Check")
        keys(olga, "Enter")
        olga.wait_for_url("**/check")
        for label, words in (("Person", SOMEBODY), ("Content", "Legal")):
            tab_to(olga, label)
            olga.keyboard.type(words)
        keys(olga, "Enter")
        olga.wait_for_url("**/check?*")
        tab_to(olga, "View")
        keys(olga, "Enter")
        olga.wait_for_url("**/check/why?*")
        tab_to(olga, "Find the smallest changes")
        keys(olga, "Enter")
        olga.wait_for_url("**fix=yes**")
        tab_to(olga, "Make way 1 a plan")
        keys(olga, "Enter")
        olga.wait_for_url("**/plans/*")
        number = olga.url.rpartition("/")[2]
        olga.get_by_text("somebody other than its author has to approve it first").wait_for()
        carl.goto(f"/approvals/{number}")
        tab_to(carl, "Approve")
        keys(carl, "Enter")
        carl.get_by_text("Approved by carl").wait_for()
        olga.reload()
        tab_to(olga, "Apply")
        keys(olga, "Enter")
        olga.get_by_text(re.compile("1 done")).wait_for()
        olga.reload()
        tab_to(olga, "Make a plan that undoes it")
        keys(olga, "Enter")
        undoing = olga.get_by_role("heading", name=re.compile(rf"Plan (?!{number}$)\d+"))
        undoing.wait_for(timeout=patience(30) * 1000)


def test_no_test_reads_a_page_in_the_middle_of_its_way_to_the_next() -> None:
    """A click does not wait for what it leads to; `expect` does."""
    at_once = re.compile(r"\.is_visible\(\)|assert [^#\n]*(?:page\.url|\.inner_text\(\)|\.count\(\))")
    texts = {path.name: path.read_text(encoding="utf-8") for path in FOLDER.glob("test_*.py")}
    assert at_once.search("assert page.url.endswith('/sign-in')")
    del texts[Path(__file__).name]
    assert not {name: words for name, text in texts.items() if (words := at_once.findall(text))}
