"""Plans as pages: made, approved by somebody else, applied, undone; killed in between, and nothing happens twice."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml
from playwright.sync_api import expect
from watchdog import patience

from plugins.pages import Pages, served, settings_of
from tabwarden import cli
from tabwarden.run.history import LAST, open_either
from tabwarden.run.plans import kept_plans
from tabwarden.store.web import approvals
from tabwarden.store.web.state import opened

OPERATOR, APPROVER, OTHER = "olga@example.com", "carl@example.com", "amir.ito@acme.example"
SENTENCE = f"remove {OTHER} from Tableau Viewers"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory, tableau_sandboxes: Any) -> tuple[Path, dict[str, Any]]:
    """A folder of its own: acme, read, that the tests change."""
    folder = tmp_path_factory.mktemp("plans")
    values = settings_of(tableau_sandboxes(world="acme").url) | {"web": {"approval": True}}
    values["stops"] = {"licences_lost": {"count": 0, "percent": 0}}
    file = folder / "settings.yaml"
    file.write_text(yaml.safe_dump(values), encoding="utf-8")
    assert cli.run(["read", "--settings", str(file), "-q"]) == 0
    return folder, values


@pytest.fixture(scope="module")
def pages(folder: tuple[Path, dict[str, Any]]) -> Iterator[Pages]:
    with served(*folder) as pages:
        yield pages


def csrf(client: httpx.Client) -> str:
    match = re.search(r'name="csrf" value="([^"]+)"', client.get("/").text)
    assert match
    return match[1]


def send(client: httpx.Client, path: str, **form: str) -> httpx.Response:
    return client.post(path, data={"csrf": csrf(client), **form})


def made(client: httpx.Client, *sentences: str) -> int:
    """A plan of sentences; its number."""
    answer = send(client, "/plans", changes="\n".join(sentences))
    assert answer.status_code == 303, answer.text
    return int(answer.headers["location"].rpartition("/")[2])


def until(holds: Callable[[], bool]) -> None:
    end = time.monotonic() + patience(30)
    while not holds():
        assert time.monotonic() < end
        time.sleep(0.1)


def accepted(page: str) -> dict[str, str]:
    """Every stop of a plan's page, accepted by its number."""
    return dict(re.findall(r'type="checkbox" name="([^"]+)" value="(\d+)"', page))


def state(pages: Pages, number: int) -> str:
    return next(one.state for one in kept_plans(pages.folder / ".tabwarden") if one.number == number)


def test_a_plan_is_made_approved_applied_and_undone(pages: Pages) -> None:
    group = "Tableau Viewers"
    with pages.signed_in(OPERATOR, "operator", "approver") as olga, pages.signed_in(APPROVER, "approver") as carl:
        user = next(one for one in members(pages, group))
        number = made(olga, f'remove {user} from "{group}"')
        page = olga.get(f"/plans/{number}").text
        assert user in page
        assert "Seats taken" not in page  # nobody's seat is another one
        assert "somebody other than its author has to approve it first" in page
        assert send(olga, f"/plans/{number}/apply").status_code == 400
        assert send(olga, f"/plans/{number}/approve").status_code == 400  # one's own
        assert send(carl, f"/plans/{number}/apply").status_code == 403
        assert send(carl, f"/plans/{number}/approve").status_code == 303
        assert "Approved by carl@example.com" in olga.get(f"/plans/{number}").text
        assert send(olga, f"/plans/{number}/apply", **accepted(page)).status_code == 303
        until(lambda: state(pages, number) == "applied")
        until(lambda: "1 done" in olga.get(f"/plans/{number}").text)
        assert send(olga, f"/plans/{number}/apply").status_code == 400  # once
        read(pages)
        assert user not in members(pages, group)
        undone(olga, carl, pages, number)
    read(pages)
    assert user in members(pages, group)


def undone(olga: httpx.Client, carl: httpx.Client, pages: Pages, number: int) -> None:
    job = send(olga, f"/plans/{number}/undo").headers["location"]
    until(lambda: olga.get(job).status_code == 303)
    undo = int(olga.get(job).headers["location"].rpartition("/")[2])
    page = olga.get(f"/plans/{undo}").text
    assert send(carl, f"/plans/{undo}/approve").status_code == 303
    assert send(olga, f"/plans/{undo}/apply", **accepted(page)).status_code == 303
    until(lambda: state(pages, undo) == "applied")


def read(pages: Pages) -> None:
    assert cli.run(["read", "--settings", str(pages.folder / "settings.yaml"), "-q"]) == 0


def members(pages: Pages, name: str) -> list[str]:
    site = open_either(LAST, str(pages.folder / ".tabwarden"))
    (group,) = (one for one in site.groups.values() if one.name == name)
    return sorted(site.users[user].name for user in group.members or ())


def test_bars_tell_seats_and_people_before_and_after(pages: Pages) -> None:
    users = open_either(LAST, str(pages.folder / ".tabwarden")).users.values()
    user = next(one.name for one in users if one.site_role == "Explorer")
    with pages.signed_in(OPERATOR, "operator") as olga, pages.signed_in(OTHER, "operator", "auditor") as amir:
        number = made(olga, f"set {user} to Unlicensed")
        page = olga.get(f"/plans/{number}").text
        counts = {when: int(count) for when, count in re.findall(r"Explorer (before|after): (\d+)", page)}
        assert counts["before"] == sum("Explorer" in one.site_role for one in users)
        assert counts["after"] == counts["before"] - 1
        assert "People who may View" not in page  # how many may is asked by auditors
        page = amir.get(f"/plans/{number}").text
        before, after = (
            int(re.search(rf" {when}: (\d+)</title>", page.partition("who may View")[2])[1])
            for when in ("before", "after")
        )
        assert after == before - 1


def test_nobody_approves_his_own_plan_by_another_spelling_of_his_name(pages: Pages) -> None:
    with pages.signed_in(OPERATOR, "operator") as olga, pages.signed_in(OPERATOR.upper(), "approver") as approver:
        number = made(olga, 'describe HR as "spelt otherwise"')
        assert send(approver, f"/plans/{number}/approve").status_code == 400
        (plan,) = (one.id for one in kept_plans(pages.folder / ".tabwarden") if one.number == number)
        with closing(opened(pages.folder / ".tabwarden")) as database:
            approvals.approve(database, plan, OPERATOR.upper(), datetime.now(UTC))
        assert send(olga, f"/plans/{number}/apply").status_code == 400


def test_a_stop_is_accepted_by_its_number_alone(pages: Pages) -> None:
    with pages.signed_in(OPERATOR, "operator") as olga, pages.signed_in(APPROVER, "approver") as carl:
        users = open_either(LAST, str(pages.folder / ".tabwarden")).users.values()
        by_role = {one.site_role: one.name for one in users}
        refused = send(olga, "/plans", changes=f"set {by_role['Viewer']} to Unlicensed")
        assert "Tableau would refuse" in refused.text
        number = made(olga, f"set {by_role['Explorer']} to Unlicensed")
        assert send(carl, f"/plans/{number}/approve").status_code == 303
        stops = accepted(olga.get(f"/plans/{number}").text)
        assert stops
        assert send(olga, f"/plans/{number}/apply", **dict.fromkeys(stops, "999999")).status_code == 303
        until(lambda: bool(re.search(r"\d+ done", olga.get(f"/plans/{number}").text)))  # the page tells of stops before
        assert state(pages, number) == "waiting"


def test_what_is_not_understood_is_told_and_kept_from_the_store(pages: Pages) -> None:
    with pages.signed_in(OPERATOR, "operator") as olga:
        before = len(kept_plans(pages.folder / ".tabwarden"))
        for changes in ("lock Fin", "frobnicate HR", "", "/etc/passwd"):
            assert send(olga, "/plans", changes=changes).status_code in (400, 404)
        assert send(olga, "/plans", kind="everything").status_code == 404
        assert olga.get("/plans/999").status_code == 404
        assert olga.get("/jobs/..%2f..%2fsettings.yaml").status_code == 404
        assert len(kept_plans(pages.folder / ".tabwarden")) == before


def test_without_the_right_there_are_no_plans(pages: Pages) -> None:
    with pages.signed_in(OTHER) as somebody, pages.signed_in("auditor", "auditor") as auditor:
        for client in (somebody, auditor):
            for path in ("/plans", "/plans/1", "/approvals/1", "/plans/1/progress", "/jobs/1"):
                assert client.get(path).status_code == 403
            for path in ("/plans", "/plans/1/approve", "/plans/1/apply", "/plans/1/undo"):
                assert send(client, path).status_code == 403


def test_the_pages_killed_while_a_plan_is_applied_lose_and_repeat_nothing(
    folder: tuple[Path, dict[str, Any]], tmp_path: Path
) -> None:
    """SIGKILL at once after `apply`: whoever comes next sees it go on, or goes on with it, and it is done once."""
    place, values = folder
    values = {**values, "store": {"folder": str(place / ".tabwarden")}, "web": {}}
    site = open_either(LAST, str(place / ".tabwarden"))
    names = [one.name for one in site.groups.values() if one.name != "All Users"][:12]
    with served(tmp_path, values) as pages:
        store = Pages(pages.address, place, pages.port)
        with store.signed_in(OPERATOR, "operator") as olga:
            number = made(olga, *(f'add admin to "{name}"' for name in names))
            page = olga.get(f"/plans/{number}").text
            assert send(olga, f"/plans/{number}/apply", **accepted(page)).status_code == 303
        pages.kill()
    with served(tmp_path, values) as pages:
        store = Pages(pages.address, place, pages.port)
        with store.signed_in(OPERATOR, "operator") as olga:

            def ended() -> bool:
                page = olga.get(f"/plans/{number}").text
                if "Go on" in page:
                    send(olga, f"/plans/{number}/apply")
                return state(store, number) == "applied"

            until(ended)
    (path,) = (one.path for one in kept_plans(place / ".tabwarden") if one.number == number)
    journal = (place / ".tabwarden" / "journals" / path.stem).with_suffix(".jsonl").read_text()
    begun = re.findall(r'"begin": \[(\d+)\]', journal)
    assert len(begun) == len(set(begun)) == len(names)


def test_where_the_settings_are_of_several_sites_a_plan_is_of_the_one_that_is_shown(
    tmp_path: Path, tableau_sandboxes: Any
) -> None:
    """Made by the site as it is, applied, and undone, whichever site is shown meanwhile."""
    values = settings_of(tableau_sandboxes(world="acme").url)
    del values["tableau"]["site"]
    (tmp_path / "people.csv").write_text("Email Address\nnew@acme.example\n", encoding="utf-8")
    source = {"type": "file", "path": "people.csv", "min_rows": 0}
    (tmp_path / "none.csv").write_text("Email Address\n", encoding="utf-8")
    lab = {"site": "acme-lab", "settings": {"provision": {"group": {"name": "Of the lab"}}}}
    values["sites"] = ["acme-europe", lab]
    values["sources"] = {"joiners": source, "leavers": source | {"path": "none.csv"}}
    values["provision"] = {"group": {"name": "Of all"}}
    file = tmp_path / "settings.yaml"
    file.write_text(yaml.safe_dump(values), encoding="utf-8")
    assert cli.run(["read", "--settings", str(file), "--site", "all", "-q"]) == 0
    with served(tmp_path, values) as pages, pages.signed_in(OPERATOR, "operator") as olga:
        number = ended(olga, send(olga, "/plans", kind="provision", site="acme-lab"))
        page = olga.get(f"/plans/{number}").text
        assert "Of the lab" in page
        assert send(olga, f"/plans/{number}/apply", **accepted(page)).status_code == 303
        until(lambda: state(pages, number) == "applied")
        undo = ended(olga, send(olga, f"/plans/{number}/undo", site="acme-europe"))
        assert "new@acme.example" in olga.get(f"/plans/{undo}").text
    sites = {one.number: one.site for one in kept_plans(tmp_path / ".tabwarden")}
    assert sites == {number: "Acme Lab", undo: "Acme Lab"}


def ended(client: httpx.Client, answer: httpx.Response) -> int:
    """The number of the plan that a job made."""
    job = answer.headers["location"]
    until(lambda: client.get(job).status_code == 303 or "Under way" not in client.get(job).text)
    last = client.get(job)
    assert last.status_code == 303, last.text
    return int(last.headers["location"].rpartition("/")[2])


@pytest.mark.parametrize("scripts", [True, False])
def test_in_a_browser_a_plan_is_seen_to_its_end(pages: Pages, browser: Any, *, scripts: bool) -> None:
    """Applying, reading and undoing lead on by themselves, with scripts and without."""
    sentence = f'describe HR as "seen {"with" if scripts else "without"} scripts"'
    with pages.in_browser(browser, OPERATOR, "operator", java_script_enabled=scripts) as page:
        page.get_by_role("navigation").get_by_role("link", name="Plans").click()
        page.get_by_label("What is to change").fill(sentence)
        page.get_by_role("button", name="Make the plan").click()
        heading = page.get_by_role("heading", name=re.compile(r"Plan \d+")).inner_text()
        number = int(heading.removeprefix("Plan "))
        with pages.signed_in(APPROVER, "approver") as carl:
            assert send(carl, f"/plans/{number}/approve").status_code == 303
        page.reload()
        page.get_by_role("button", name="Apply").click()
        page.get_by_role("button", name="Make a plan that undoes it").wait_for()
        expect(page.get_by_role("main")).to_contain_text("1 done")
        page.get_by_text("before this was done").wait_for()
        page.get_by_role("button", name="Read the site now").click()
        page.get_by_text("the pages show it as it is now").wait_for()
        page.goto(f"/plans/{number}")
        expect(page.get_by_text("before this was done")).to_have_count(0)
        page.get_by_role("button", name="Make a plan that undoes it").click()
        page.wait_for_url(f"**/plans/{number + 1}")


def test_a_job_that_failed_is_told_in_sentences(pages: Pages) -> None:
    with pages.signed_in(OPERATOR, "operator") as olga:
        job = send(olga, "/plans", kind="provision").headers["location"]
        until(lambda: "Under way" not in olga.get(job).text)
        page = olga.get(job).text
        assert "did not end well" in page
        assert "there is nobody to provision" in page
        assert "{" not in page.partition("<main")[2]
