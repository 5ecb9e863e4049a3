"""Asking for access, granting it by a plan; findings, history, the first page: whose they are, and what they tell."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Iterator
from contextlib import closing
from typing import Any

import httpx
import pytest
import yaml
from command_line import run

from plugins.pages import Pages, served, settings_of
from tabwarden import cli
from tabwarden.model.site import Site, User
from tabwarden.questions import Questions
from tabwarden.run.history import LAST, open_either
from tabwarden.run.plans import kept_plans
from tabwarden.store.web import approvals
from tabwarden.store.web.state import opened
from tabwarden.web.pages.requests import MOST_WAITING

NO_PATH = "No/Such/Place"


@pytest.fixture(scope="module")
def pages(tmp_path_factory: pytest.TempPathFactory, tableau_sandboxes: Any) -> Iterator[Pages]:
    """Pages of acme with a store of their own, where requests and plans are kept."""
    folder = tmp_path_factory.mktemp("requests")
    values = settings_of(tableau_sandboxes(world="acme").url)
    file = folder / "settings.yaml"
    file.write_text(yaml.safe_dump(values), encoding="utf-8")
    assert cli.run(["read", "--settings", str(file), "-q"]) == 0
    time.sleep(1.1)  # a snapshot of the same second is the same one
    assert cli.run(["read", "--settings", str(file), "-q"]) == 0
    invariants = "invariants:\n- name: nobody sees salaries\n  nobody: everybody\n  may: View\n  on: HR/Salaries\n"
    (folder / "invariants.yaml").write_text(invariants, encoding="utf-8")
    with served(folder, values) as pages:
        yield pages


@pytest.fixture(scope="module")
def site(pages: Pages) -> Site:
    return open_either(LAST, str(pages.folder / ".tabwarden"))


def send(client: httpx.Client, path: str, /, **form: str) -> httpx.Response:
    csrf = re.search(r'name="csrf" value="([^"]+)"', client.get("/requests").text)
    assert csrf
    return client.post(path, data={"csrf": csrf[1], **form})


def somebody_without(site: Site, path: str) -> User:
    """Somebody who may use Tableau, and not this."""
    may = set(Questions(site).who_ids("Read", site.find_content(path).id))
    return next(user for user in site.users.values() if user.site_role == "Viewer" and user.id not in may)


def test_asking_tells_nothing_and_the_owner_grants_it_by_a_plan(pages: Pages, site: Site) -> None:
    path = next(
        site.path(one.id)
        for one in site.contents.values()
        if one.kind == "workbook" and len(Questions(site).who_ids("Read", one.id)) < 60
    )
    asker, owner = somebody_without(site, path), site.users[site.find_content(path).owner]
    ask = {"reason": "the audit", "capability": "View"}
    with pages.signed_in(asker.name) as client:
        hidden, absent = (send(client, "/requests", path=one, **ask) for one in (path, NO_PATH))
        assert (hidden.status_code, hidden.headers["location"]) == (absent.status_code, absent.headers["location"])
        page = client.get("/requests").text
        assert page.count("<td>waits") == 2
        assert client.get("/requests/1").status_code == 404  # one's own is for others to decide
    with pages.signed_in(asker.name, "approver") as client:
        assert client.get("/requests/1").status_code == 404  # by what right whatever
    with pages.signed_in("nobody@acme.example") as other:
        assert other.get("/requests/1").status_code == 404
    with pages.signed_in(owner.name) as client:
        assert "1 request for access waits" in client.get("/").text
        assert [one["number"] for one in client.get("/api/v1/requests").json()] == [1]
        page = client.get("/requests/1").text
        assert "the audit" in page
        assert "asks for View on" in page
        assert "also gives" in page
        tag = re.findall(r'name="tag" value="([^"]+)"', page)[0]
        assert send(client, "/requests/1/grant", choose="99", tag=tag).status_code == 404
        assert send(client, "/requests/1/grant", choose="1", tag="of before").status_code == 400
        assert send(client, "/requests/1/grant", choose="1", tag=tag).status_code == 303
        assert client.get("/requests/1").status_code == 404  # decided
    (plan,) = kept_plans(pages.folder / ".tabwarden")
    assert plan.by == asker.name
    asked_by_program(pages, asker.name, owner.name)
    with pages.signed_in("olga", "operator") as client:  # an owner grants, and approves nothing
        assert "Approved by" not in client.get("/plans/1").text
    with pages.signed_in(asker.name) as client:
        page = client.get("/requests").text
        assert f"granted by {owner.name}; an operator has yet to apply it" in page
        assert f"<td>View on {path}</td>" in page


def asked_by_program(pages: Pages, asker: str, owner: str) -> None:
    """What the API tells: to an approver what the command does, to the asker his own, to others what waits for them."""
    settings = ("--settings", pages.folder / "settings.yaml", "--json")
    path, second = "/api/v1/requests", run("requests", "2", *settings).stdout.rstrip("\n")
    with pages.signed_in("carl", "approver") as client:
        assert client.get(path).text == run("requests", *settings).stdout.rstrip("\n")
        waiting = run("requests", "--waiting", *settings).stdout.rstrip("\n")
        assert client.get(path, params={"waiting": "true"}).text == waiting
        assert client.get(f"{path}/2").text == second
        assert [one["number"] for one in client.get(path, params={"limit": 1}).json()] == [2]
        assert client.get(f"{path}/9").status_code == run("requests", "9", *settings).exit_code + 403 == 404
    assert [one["number"] for one in json.loads(waiting)] == [2]
    with pages.signed_in(asker) as client:
        assert [one["number"] for one in client.get(path).json()] == [2, 1]
        assert client.get(f"{path}/2").text == second
    for name in (owner, "nobody@acme.example"):
        with pages.signed_in(name) as client:
            assert client.get(path).json() == []
            refused = [client.get(f"{path}/{number}") for number in (1, 9)]
            assert [one.status_code for one in refused] == [404, 404]
            assert refused[0].text == refused[1].text.replace("9", "1")


def test_a_request_says_what_and_why(pages: Pages, site: Site) -> None:
    asker = next(iter(site.users.values()))
    with pages.signed_in(asker.name) as client:
        for form in ({"path": "HR"}, {"reason": "r"}, {"path": "HR", "reason": "r", "until": "2001-01-01"}):
            assert send(client, "/requests", **form).status_code == 400
        assert send(client, "/requests", path="HR", reason="r", until="soon").status_code == 400
        assert send(client, "/requests", path="HR", reason="r", capability="Viewy").status_code == 404
    with pages.signed_in("stranger") as client:
        assert send(client, "/requests", path="HR", reason="r").status_code == 400


def test_what_one_lacks_is_asked_for_by_its_name(pages: Pages, site: Site) -> None:
    creator = next(user for user in site.users.values() if user.site_role == "Creator")
    seen = (row.content for row in Questions(site).reach(creator.id) if row.kind == "project")
    content = next(one for one in seen if site.contents[one].owner != creator.id)
    with pages.signed_in(creator.name) as client:
        page = client.get("/check/why", params={"content": content, "capability": "Project Leader"}).text
        (ask,) = re.findall(r'href="(/requests[^"]+)"', page.partition("<main")[2])
        chosen = re.findall(r'<option value="(\w+)" selected>', client.get(ask.replace("&amp;", "&")).text)
    assert chosen == ["ProjectLeader"]


def test_a_refusal_says_why(pages: Pages, site: Site) -> None:
    asker = next(user for user in site.users.values() if user.site_role == "Explorer")
    with pages.signed_in(asker.name) as client:
        assert send(client, "/requests", path="HR", reason="curious").status_code == 303
    with pages.signed_in("carl", "approver") as client:
        number = re.findall(r'href="/requests/(\d+)"', client.get("/requests").text)[0]
        assert send(client, f"/requests/{number}/refuse").status_code == 400
        assert send(client, f"/requests/{number}/refuse", words="not yours").status_code == 303
    with pages.signed_in(asker.name) as client:
        assert "refused by carl: not yours" in client.get("/requests").text


PAGES = {
    "/findings": ("auditor", "kinds"),
    "/findings?lint=rules-for-persons": ("auditor", "Rules for persons"),
    "/findings?scope=HR": ("auditor", "findings"),
    "/invariants": ("auditor", "nobody sees salaries"),
    "/licences": ("auditor", "Creator"),
    "/licences?idle=30": ("auditor", "Creator"),
    "/history": ("auditor", "snapshot"),
    "/history?content=HR%2FSalaries": ("auditor", "people"),
    "/history?user=admin&content=HR": ("auditor", "admin"),
    "/diff?before=1&after=2": ("auditor", "nothing differs"),
}


@pytest.mark.parametrize(("path", "right", "words"), [(path, *more) for path, more in PAGES.items()])
def test_pages_of_the_auditor(pages: Pages, path: str, right: str, words: str) -> None:
    with pages.signed_in("auditor", right) as client:
        answer = client.get(path)
        assert answer.status_code == 200, answer.text
        assert words.casefold() in answer.text.casefold()
    with pages.signed_in("somebody") as client:
        assert client.get(path).status_code == 403


def test_a_diff_and_a_plan_are_files_too(pages: Pages) -> None:
    with pages.signed_in("olga", "auditor", "operator") as client:
        assert client.get("/diff?before=1&after=2&form=csv").headers["content-type"].startswith("text/csv")
        sentences = "\n".join(f'new group "Gathering{number}"' for number in range(130))
        plan = send(client, "/plans", changes=sentences).headers["location"]
        rows = client.get(f"{plan}?form=csv").text.splitlines()[1:]
        assert len(rows) == 130
        names = [set(re.findall(r"Gathering\d+", client.get(f"{plan}?page={page}").text)) for page in (1, 2)]
        assert not names[0] & names[1]
        assert len(names[0] | names[1]) == 130


@pytest.mark.parametrize("path", ["/licences?q=", "/history?content=Support&q="])
def test_long_lists_are_paged_filtered_and_a_file(pages: Pages, path: str) -> None:
    with pages.signed_in("auditor", "auditor") as client:
        rows = client.get(f"{path}&form=csv").text.splitlines()[1:]
        every = [name for number in range(1, 6) for name in people_on(client.get(f"{path}&page={number}").text)]
        assert len(rows) > 150
        assert sorted(set(every)) == sorted(row.partition(",")[0] for row in rows)
        some = people_on(client.get(f"{path}amir").text)
        assert some == [name for name in dict.fromkeys(every) if "amir" in name]


def people_on(page: str) -> list[str]:
    """Those whose page a table leads to, in order."""
    return re.findall(r'<td[^>]*><a href="/check/what\?user=[^"]+">([^<]+)</a>', page)


@pytest.mark.parametrize(
    "path",
    [
        "/history?on=%2Fetc",
        "/diff?before=.&after=last",
        "/findings?lint=none",
        "/findings?scope=Nowhere",
        "/licences?idle=x",
    ],
)
def test_what_is_not_understood_is_told(pages: Pages, path: str) -> None:
    with pages.signed_in("auditor", "auditor") as client:
        assert client.get(path).status_code in (400, 404)


def test_a_finding_becomes_a_plan(pages: Pages) -> None:
    with pages.signed_in("olga", "auditor", "operator") as client:
        answer = send(client, "/findings", fix="rules-for-persons")
        assert answer.status_code == 303, answer.text
        assert client.get(answer.headers["location"]).status_code == 200
        assert send(client, "/findings", fix="no-such-lint").status_code == 404


def test_each_finding_has_its_plan_in_one_click(pages: Pages) -> None:
    """Of all of a lint, of those in a project, of one by itself; the rows are filtered, and are a file too."""
    with pages.signed_in("olga", "auditor", "operator") as client:
        page = client.get("/findings").text
        assert 'aria-label="Plan all: open-to-all"' in page
        assert "/check/content?content=HR%2FSalaries" in page
        single = client.get("/findings?lint=open-to-all&q=salary+bands").text
        assert re.findall(r'name="fix" value="([^"]+)"', single) == ["open-to-all:HR/Salaries/Salary Bands"]
        assert client.get("/findings?lint=open-to-all&form=csv").text.count("open-to-all") == 6
        counts = {}
        for scope, fix in {
            "": "open-to-all",
            "HR": "open-to-all",
            "one": "open-to-all:HR/Salaries/Salary Bands",
        }.items():
            form = {"fix": fix, "scope": "" if scope == "one" else scope}
            number = int(send(client, "/findings", **form).headers["location"].rpartition("/")[2])
            counts[scope] = next(one.changes for one in kept_plans(pages.folder / ".tabwarden") if one.number == number)
        assert counts[""] > counts["HR"] > counts["one"] > 0
    with pages.signed_in("auditor", "auditor") as client:
        assert 'name="fix"' not in client.get("/findings").text


def test_a_page_that_there_is_not_leads_to_those_that_there_are(pages: Pages) -> None:
    with pages.signed_in("somebody") as client:
        answer = client.get("/such/a/page")
        assert answer.status_code == 404
        assert "there is no such page" in answer.text
        assert 'href="/catalog"' in answer.text
    nobody = httpx.get(f"{pages.address}/such/a/page")
    assert nobody.status_code == 404
    assert "Sign in" in nobody.text


def test_the_first_page_tells_three_things_of_those_that_one_may_know(pages: Pages, site: Site) -> None:
    with pages.signed_in("olga", "administrator") as client:
        matters = re.findall(r"<li>(.+?)</li>", client.get("/").text)
        assert len(matters) == 3
    somebody = next(user for user in site.users.values() if user.site_role == "Viewer")
    with pages.signed_in(somebody.name) as client:
        page = client.get("/").text
        number = Questions(site).views(somebody.id)
        assert f"You may View {number} things" in page
        assert len(re.findall(r"<li>(.+?)</li>", page)) == 3
        assert "plan" not in page.casefold().replace("</", "")


def test_invariants_are_those_that_are_written_now(pages: Pages) -> None:
    """The file may change while a snapshot is served: a broken one is told, on the first page too, and none is none."""
    file = pages.folder / "invariants.yaml"
    before = file.read_text(encoding="utf-8")
    try:
        with pages.signed_in("auditor", "auditor") as client:
            assert "1 invariant is broken: nobody sees salaries." in client.get("/").text
            file.write_text("invariants: 7\n", encoding="utf-8")
            assert client.get("/invariants").status_code == 400
            assert "The invariants cannot be judged" in client.get("/").text
            file.unlink()
            assert "Nobody has written any down yet" in client.get("/invariants").text
            assert "invariant" not in client.get("/").text.partition("<main")[2]
    finally:
        file.write_text(before, encoding="utf-8")


def test_one_has_so_many_requests_waiting_each_decided_once_and_shown_to_nobody_else(pages: Pages, site: Site) -> None:
    asker, other = (user.name for user in [*site.users.values()][-2:])
    with pages.signed_in(asker) as client, pages.signed_in(other) as somebody:
        ask = {"path": NO_PATH, "reason": "a reason of my own"}
        answers = [send(client, "/requests", **ask).status_code for _ in range(MOST_WAITING + 1)]
        assert answers == [303] * MOST_WAITING + [400]
        assert ask["reason"] in client.get("/requests").text
        assert ask["reason"] not in somebody.get("/requests").text
    with closing(opened(pages.folder / ".tabwarden")) as database:
        with database.reading() as connection:
            address = connection.value("select site from web_request")
        newest = approvals.requests(database, address, [approvals.WAITS])[0]
        decided = [approvals.decide(database, newest.number, state, by="carl") for state in ("refused", "granted")]
        assert decided == [True, False]
        assert approvals.requests(database, address)[0].state == approvals.REFUSED
