"""John and Jane of the mirroring document, and the source's settings: who sets them, what they change, who is told."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml
from command_line import run
from playwright.sync_api import expect
from watchdog import patience

from plugins.pages import Pages, served
from tabwarden.store.web.audit import acts
from tabwarden.store.web.state import opened

JOHN, JANE, UNA, ADA = "john.smith@company.com", "Jane.Brown@company.com", "una@company.com", "ada"
ADMIN = "catalog-admin@company.com"
COMPANY = """
world: company
tokens: [{name: tok, secret: sec, user: ada}]
sites:
  - name: Site A
    content_url: site-a
    users:
      ada: {role: ServerAdministrator}
      jsmith@company.com: {role: Viewer, full_name: John Smith}
      jane.brown@company.com: {role: Viewer, full_name: Jane Brown}
      una@company.com: {role: Unlicensed}
    groups:
      Partners: {members: [jsmith@company.com]}
    projects:
      Public: {owner: ada, rules: [{group: All Users, template: View}]}
      Private: {owner: ada, rules: [{group: Partners, template: View}]}
    content:
      Private/Budget: {kind: workbook, owner: ada, rules: [{group: Partners, template: View}]}
      Private/Plan: {kind: workbook, owner: ada, rules: [{user: jane.brown@company.com, template: View}]}
"""
NAME = re.compile(r'class="name"><a href="(/catalog/item/[^"]+)"[^>]*>([^<]*)<')


@dataclass
class Company:
    """The pages of Site A, its settings file and their values."""

    pages: Pages
    file: Path
    values: dict[str, Any]

    def sees(self, name: str, path: str = "/catalog", *rights: str) -> list[str]:
        """The names that somebody sees on a page."""
        with self.pages.signed_in(name, *rights) as client:
            return [found for _, found in NAME.findall(client.get(path).text)]


@pytest.fixture(scope="module")
def company(tmp_path_factory: pytest.TempPathFactory, tableau_sandboxes: Any) -> Iterator[Company]:
    folder = tmp_path_factory.mktemp("company")
    world = folder / "company.yaml"
    world.write_text(COMPANY, encoding="utf-8")
    url = tableau_sandboxes(world=str(world)).url
    values = {
        "tableau": {"server": url, "site": "site-a", "auth": {"pat": {"name": "tok", "secret": "sec"}}},
        "catalog": {"exceptions": [{"person": JOHN, "user": "jsmith@company.com"}]},
    }
    file = folder / "settings.yaml"
    file.write_text(yaml.safe_dump(values), encoding="utf-8")
    assert run("mirror", "--read", "--settings", file, "-q").exit_code == 0
    with served(folder, values) as pages:
        yield Company(pages, file, values)


@pytest.fixture
def administrator(company: Company) -> Iterator[httpx.Client]:
    """Somebody who has the right `catalog`, and whom Tableau shows what it shows Jane; all is as before afterwards."""
    with company.pages.signed_in(JANE, "catalog") as client:
        yield client
        sent(client, "/catalog/source", do="forget")


def sent(client: httpx.Client, path: str, **form: str) -> httpx.Response:
    """A form of the source's page."""
    token = re.search(r'name="csrf" value="([^"]+)"', client.get("/catalog/source").text)
    assert token
    return client.post(path, data={"csrf": token[1], **form})


def test_john_and_jane_see_what_the_document_says(company: Company) -> None:
    assert company.sees(JOHN) == ["Private", "Public"]
    assert company.sees(JANE) == ["Public", "Plan"]  # below a project that she may not see: at the top of the site
    assert company.sees(JANE.upper()) == ["Public", "Plan"]
    assert company.sees(ADA, "/catalog/search?q=a") == ["Private", "Plan"]


def test_in_a_browser_john_sees_both_projects_and_jane_one(company: Company, browser: Any) -> None:
    for name, names in ((JOHN, ["Private", "Public"]), (JANE, ["Public", "Plan"])):
        with company.pages.in_browser(browser, name) as page:
            page.get_by_role("navigation", name="Pages").get_by_role("link", name="Catalog").click()
            expect(page.locator("td.name")).to_have_text(names)
            page.get_by_role("searchbox").press_sequentially("budget")
            page.get_by_role("status").filter(has_text="called so").wait_for()
            expect(page.locator("td.name")).to_have_text(["Budget"] * (name == JOHN))


def test_who_matches_nobody_or_is_unlicensed_sees_nothing_and_reads_why(company: Company) -> None:
    for name, why in ((ADMIN, "no Tableau user has this name"), (UNA, "your site role in Tableau is Unlicensed")):
        with company.pages.signed_in(name, "catalog") as client:
            text = client.get("/catalog").text
            assert why in text
            assert "Public" not in text
            assert not NAME.findall(client.get("/catalog/search?q=u").text)


def test_an_item_tells_its_owner_what_one_may_do_and_whom_to_ask(company: Company) -> None:
    with company.pages.signed_in(JANE) as client:
        (path,) = (path for path, name in NAME.findall(client.get("/catalog").text) if name == "Plan")
        text = client.get(path).text
    assert "Private" not in text
    assert re.search(r">View</a> <span>yes<", text)
    assert re.search(r">Set Permissions</a> <span>no<", text)
    assert "ada" in text


def test_only_the_catalogs_administrator_changes_a_source(company: Company) -> None:
    with company.pages.signed_in(ADA, "auditor", "operator", "approver") as client:
        token = re.search(r'name="csrf" value="([^"]+)"', client.get("/catalog").text)
        assert token
        assert client.get("/catalog/source").status_code == 403
        for path in ("/catalog/source", "/catalog/source/projects", "/catalog/source/extraction"):
            assert client.post(path, data={"csrf": token[1], "enforce": "off", "sure": "yes"}).status_code == 403
        assert "Mirroring on" in client.get("/").text


def test_mirroring_is_switched_off_only_by_two_ticks_and_every_page_says_so(
    company: Company, administrator: httpx.Client
) -> None:
    assert sent(administrator, "/catalog/source", enforce="off").status_code == 400
    assert company.sees(JANE) == ["Public", "Plan"]
    assert sent(administrator, "/catalog/source", enforce="off", sure="yes").status_code == 303
    assert company.sees(ADMIN) == company.sees(UNA) == ["Private", "Public"]
    for path in ("/", "/catalog", "/check", "/account"):
        assert "Mirroring off" in administrator.get(path).text
    assert "permission mirroring is OFF" in run("mirror", "--settings", company.file).output
    catalog = run("catalog", "--as", JANE, "--settings", company.file).output
    assert "Budget" in catalog
    assert f"{JANE} set on the pages" in catalog
    database = opened(company.pages.folder / ".tabwarden")
    (act,) = [act for act in acts(database) if act.act == "set" and "OFF" in act.outcome]
    database.close()
    assert (act.person, act.about) == (JANE, "source site-a")
    sent(administrator, "/catalog/source", do="forget")
    assert company.sees(JANE) == ["Public", "Plan"]
    assert "on the pages" not in run("mirror", "--settings", company.file).output


def test_an_administrator_chooses_among_what_he_sees_and_what_is_hidden_from_him_stays(
    company: Company, administrator: httpx.Client
) -> None:
    assert sent(administrator, "/catalog/source/projects").status_code == 303
    text = administrator.get("/catalog/source").text
    boxes = re.findall(r'name="(project\.[^"]+)"[^>]*>([^<]*)<', text)
    assert [path for _, path in boxes] == ["Public"]
    assert "as the server listed them" in text
    assert "Private" not in text
    assert sent(administrator, "/catalog/source", scope="some").status_code == 400
    with company.pages.signed_in(ADA, "catalog") as other:
        every = re.findall(r'name="(project\.[^"]+)"[^>]*>([^<]*)<', other.get("/catalog/source").text)
        assert sorted(path for _, path in every) == ["Private", "Public"]
        (private,) = (box for box, path in every if path == "Private")
        assert sent(other, "/catalog/source", scope="some", **{private: "on"}).status_code == 303
    assert company.sees(JANE) == ["Plan"]
    assert sent(administrator, "/catalog/source", scope="some", **{boxes[0][0]: "on"}).status_code == 303
    assert company.sees(JANE) == ["Public", "Plan"]
    assert company.sees(JOHN) == ["Private", "Public"]


def test_extraction_reads_and_publishes_and_shows_how_far_it_is(company: Company, administrator: httpx.Client) -> None:
    assert sent(administrator, "/catalog/source/extraction").status_code == 303
    end = time.monotonic() + patience(60)
    while "Under way" in (text := administrator.get("/catalog/source").text):
        assert "http-equiv" in text  # a page without scripts looks again by itself
        assert time.monotonic() < end, text
        time.sleep(0.3)
    assert ">published<" in text
    while "snapshot 1)" in administrator.get("/").text:  # the new one is served
        assert time.monotonic() < end
        time.sleep(0.3)
    assert run("mirror", "verify", "--settings", company.file).exit_code == 0


def test_a_people_list_of_the_catalog_counts_as_it_was_last_mirrored(company: Company, tmp_path: Path) -> None:
    people = tmp_path / "people.csv"
    people.write_text(f"Login\n{JANE}\n", encoding="utf-8")
    listed = {"people": {"type": "file", "path": str(people), "column": {"name": "Login"}}}
    values = {**company.values, "catalog": listed}
    file = tmp_path / "settings.yaml"
    file.write_text(yaml.safe_dump(values), encoding="utf-8")
    assert run("mirror", "--read", "--settings", file, "-q").exit_code == 0
    with served(tmp_path, values) as pages:
        other = Company(pages, file, values)
        assert other.sees(JANE.lower()) == ["Public", "Plan"]
        with pages.signed_in(ADA) as client:
            assert "does not have this name" in client.get("/catalog").text
        people.write_text(f"Login\n{ADA}\n", encoding="utf-8")
        assert run("mirror", "--settings", file, "-q").exit_code == 0
        assert other.sees(ADA) == ["Private", "Public"]
        assert other.sees(JANE) == []


def test_each_site_of_a_file_of_several_has_its_own_settings(tmp_path: Path, tableau_sandboxes: Any) -> None:
    world = tmp_path / "two.yaml"
    site_b = COMPANY[COMPANY.index("  - name: Site A") :].replace("Site A", "Site B").replace("site-a", "site-b")
    world.write_text(COMPANY + site_b, encoding="utf-8")
    url = tableau_sandboxes(world=str(world)).url
    values = {
        "tableau": {"server": url, "auth": {"pat": {"name": "tok", "secret": "sec"}}},
        "sites": ["site-a", {"site": "site-b", "settings": {"mirror": {"enforce": False}}}],
    }
    file = tmp_path / "settings.yaml"
    file.write_text(yaml.safe_dump(values), encoding="utf-8")
    assert run("read", "--site", "site-*", "--settings", file, "-q").exit_code == 0
    with served(tmp_path, values) as pages:
        company = Company(pages, file, values)
        assert company.sees(JANE, "/catalog?site=site-a") == ["Public", "Plan"]
        assert company.sees(JANE, "/catalog?site=site-b") == ["Private", "Public"]
        with pages.signed_in(ADA, "catalog") as client:
            assert sent(client, "/catalog/source/extraction?site=site-b").status_code == 303
            end = time.monotonic() + patience(60)
            while "Under way" in (text := client.get("/catalog/source?site=site-b").text):
                assert time.monotonic() < end, text
                time.sleep(0.3)
            assert ">published<" in text
    assert "Budget" in run("catalog", "--as", JANE, "--site", "site-b", "--settings", file).output
