"""Several sites in one store: each page, plan and answer is of the site that is asked about, and so are rights."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest
import yaml
from httpx import Client

from plugins.pages import Pages, served, settings_of
from tabwarden import cli
from tabwarden.model.site import Site
from tabwarden.run.history import LAST, open_either

SITES = ("acme", "acme-europe")
HERE, THERE = ({"site": site} for site in SITES)


@pytest.fixture(scope="module")
def pages(tmp_path_factory: pytest.TempPathFactory, tableau_sandboxes: Any) -> Iterator[Pages]:
    """Pages of two sites of one server, where groups of the first have the right to plan and one more than that."""
    folder = tmp_path_factory.mktemp("sites")
    values: dict[str, Any] = settings_of(tableau_sandboxes(world="acme").url) | {"sites": list(SITES)}
    values["tableau"].pop("site")
    values["web"] = {"rights": {"operator": {"groups": ["Auditors"]}, "administrator": {"groups": ["Support Leads"]}}}
    file = folder / "settings.yaml"
    file.write_text(yaml.safe_dump(values), encoding="utf-8")
    assert cli.run(["read", "--all-sites", "--settings", str(file), "-q"]) == 0
    with served(folder, values) as pages:
        yield pages


def site_of(pages: Pages, url: str) -> Site:
    return open_either(LAST, str(pages.folder / ".tabwarden"), url)


def send(client: Client, path: str, /, **form: str) -> Any:
    csrf = re.search(r'name="csrf" value="([^"]+)"', client.get("/account").text)
    assert csrf
    return client.post(path, data={"csrf": csrf[1], **form})


def test_licences_are_those_of_the_site_that_is_asked_about(pages: Pages) -> None:
    with pages.signed_in("admin", "auditor") as admin:
        for place in (HERE, THERE):
            users = {user.name for user in site_of(pages, place["site"]).users.values() if user.site_role == "Viewer"}
            page = admin.get("/licences", params={**place, "form": "csv"}).text
            assert users
            assert all(name in page for name in users)
            document = admin.get("/api/v1/licences", params=place).json()
            assert {one["user"] for one in document["people"]} >= users
            assert document["seats"]["Viewer"]["taken"] == len(users)


def test_planning_by_the_live_site_names_the_site(pages: Pages) -> None:
    with pages.signed_in("admin", "operator") as admin:
        job = send(admin, "/plans?site=acme-europe", kind="licences").headers["location"]
        page = admin.get(job).text
        assert "Acme Europe" in page
        assert "say which with" not in page


def test_every_page_tells_of_each_source_whether_it_is_mirrored(pages: Pages) -> None:
    with pages.signed_in("admin", "administrator") as admin:
        for path in ("/", "/catalog", "/check", "/plans", "/findings", "/history", "/account", "/audit"):
            (sites,) = re.findall(r'<nav class="sites".*?</nav>', admin.get(path).text, re.DOTALL)
            assert re.findall(r">([^<>]+)</a> <span[^>]*>([^<]+)<", sites) == [
                ("Acme", "mirroring on"),
                ("Acme Europe", "mirroring on"),
            ]


@pytest.mark.parametrize(
    "path", ["/findings", "/history", "/diff", "/licences", "/check", "/check/what", "/check/people"]
)
def test_a_form_stays_on_its_site(pages: Pages, path: str) -> None:
    with pages.signed_in("admin", "auditor") as admin:
        if path == "/diff":  # which asks where there are two to choose from
            assert (
                cli.run(["read", "--settings", str(pages.folder / "settings.yaml"), "--site", "acme-europe", "-q"]) == 0
            )
        page = admin.get(path, params=THERE).text
        forms = re.findall(r'<form method="get".*?</form>', page, re.DOTALL)
        if path == "/diff" and not forms:
            pytest.fail("there are two snapshots, and no form")
        assert forms
        assert all('name="site" value="acme-europe"' in form for form in forms)


def test_a_right_by_a_group_of_one_site_gives_nothing_on_another(pages: Pages) -> None:
    here = site_of(pages, "acme")
    (auditors,) = here.groups_named("Auditors")
    name = next(here.called(user) for user in sorted(here.members(auditors)))
    with pages.signed_in("admin", "operator") as admin, pages.signed_in(name) as auditor:
        other = send(admin, "/plans?site=acme-europe", changes="lock HR").headers["location"].partition("?")[0]
        own = send(auditor, "/plans?site=acme", changes="lock HR").headers["location"].partition("?")[0]
        listed = auditor.get("/plans").text
        assert own in listed
        assert other not in listed
        assert auditor.get(own).status_code == 200
        assert auditor.get(other).status_code == 404
        assert send(auditor, f"{other}/apply").status_code == 404
        assert send(auditor, f"{other}/undo").status_code == 404
        assert auditor.get(f"{other}?site=acme-europe").status_code in (403, 404)
        number = other.rpartition("/")[2]
        for path in ("/api/v1/plans", f"/api/v1/plans/{number}"):  # which are of every site
            assert auditor.get(path).status_code == 403
            assert admin.get(path).status_code == 200


def test_whoever_administers_one_site_reads_no_trail_and_no_job_of_another(pages: Pages) -> None:
    here = site_of(pages, "acme")
    (leads,) = here.groups_named("Support Leads")
    name = next(here.called(user) for user in sorted(here.members(leads)))
    with pages.signed_in("admin", "administrator") as admin, pages.signed_in(name) as lead:
        job = send(admin, "/plans?site=acme-europe", kind="licences").headers["location"].partition("?")[0]
        own = send(lead, "/plans?site=acme", kind="groups").headers["location"].partition("?")[0]
        for path, status in (("/plans", 200), ("/audit", 403), (job, 404)):
            assert lead.get(path).status_code == status, path
        assert 'href="/audit"' not in lead.get("/").text
        assert admin.get("/audit").status_code == 200
        for client in (lead, admin):
            assert client.get(own).status_code in (200, 303)  # to the plan, once it has made one
