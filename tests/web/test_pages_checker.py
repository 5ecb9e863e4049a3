"""The checker in a browser and to a client: the very answers of the command line and of `tabwarden.open`."""

from __future__ import annotations

import csv
import json
import re
import shutil
from collections.abc import Iterator
from dataclasses import replace
from html import unescape
from io import StringIO
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx
import pytest
from command_line import run
from paths import ROOT
from playwright.sync_api import expect

import tabwarden
from plugins.pages import Pages, served
from tabwarden.model.usage import Usage
from tabwarden.questions import Questions
from tabwarden.run.history import LAST, open_either
from tabwarden.run.plans import kept_plans, load_plan
from tabwarden.store.usage import days

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

ADMIN, SOMEBODY, VIEWER = "admin", "amir.ito@acme.example", "amir.jensen@acme.example"
AUDITOR, OPERATOR = ("auditor",), ("auditor", "operator")
PATHS = (
    "/check/who",
    "/check/content",
    "/check/compare",
    "/check/whatif",
    "/check/people",
    "/check/groups",
    "/check/group",
    "/check/models",
    "/check/map",
)
# Who is asked about, what, and on which content of acme.
CASES = (
    (VIEWER, "View", "Research"),
    (VIEWER, "Web Edit", "Research/Churn Monitor"),
    (SOMEBODY, "ability:see_data", "Sales/Drafts/Pipeline for Everyone"),
    (SOMEBODY, "Download Full Data", "Sales/Drafts/Pipeline for Everyone"),
    (ADMIN, "Set Permissions", "Research/Churn Monitor"),
    ("nobody.x@acme.example", "View", "Research"),
)
ROW = re.compile(r'<th scope="row"><a href="([^"]*)">([^<]*)</a></th>\s*<td><a class="verdict (\w+)"')


def words_of(page: str) -> str:
    """What a page says, without its markup; code stands between back-ticks, as in a sentence."""
    text = unescape(re.sub(r"<[^>]+>", " ", re.sub("</?code>", "`", page.partition("<main")[2])))
    return re.sub(r"\s+", " ", text)


@pytest.fixture(scope="module")
def site(acme_folder: tuple[Path, dict[str, Any]]) -> tabwarden.TableauSite:
    """The same snapshot by the public face."""
    return tabwarden.open(store=acme_folder[0] / ".tabwarden")


@pytest.fixture(scope="module")
def auditor(acme_pages: Pages) -> Iterator[httpx.Client]:
    with acme_pages.signed_in(ADMIN, *AUDITOR) as client:
        yield client


def typed(pages: Pages, *words: str) -> Any:
    """What a command answers with `--json`; None where it ends in an error."""
    ended = run(*words, "--settings", pages.folder / "settings.yaml", "--json")
    return json.loads(ended.stdout) if ended.exit_code == 0 else None


@pytest.mark.parametrize(("user", "capability", "content"), CASES)
def test_why_is_the_same_everywhere(
    acme_pages: Pages, auditor: httpx.Client, site: tabwarden.TableauSite, user: str, capability: str, content: str
) -> None:
    document = typed(acme_pages, "why", user, capability, content)
    page = auditor.get("/check/why", params={"user": user, "capability": capability, "content": content})
    if document is None:
        assert page.status_code == 404
        with pytest.raises(tabwarden.UnknownName):
            site.why(user, capability, content)
        return
    assert page.status_code == 200
    assert document["sentence"] == site.why(user, capability, content).sentence
    shown = words_of(page.text)
    assert document["sentence"] in shown
    for step in document["trace"]:
        assert f"{step['step']} {step['words']}" in shown


@pytest.mark.parametrize(("user", "_", "content"), CASES[:5])
def test_the_grid_is_that_of_the_command_line(
    acme_pages: Pages, auditor: httpx.Client, site: tabwarden.TableauSite, user: str, _: str, content: str
) -> None:
    page = auditor.get("/check", params={"user": user, "content": content}).text
    rows = [(unescape(name), verdict) for link, name, verdict in ROW.findall(page) if "capability%3A" in link]
    grid = site.what(user, content)
    assert rows == [(row["capability"], row["verdict"]) for row in grid.rows()]
    document = typed(acme_pages, "what", user, content)
    assert [verdict for _, verdict in rows] == [answer["verdict"] for answer in document]


def test_every_cell_of_the_grid_opens_the_answer_that_it_shows(auditor: httpx.Client) -> None:
    page = auditor.get("/check", params={"user": SOMEBODY, "content": "Sales/Drafts/Pipeline for Everyone"}).text
    cells = ROW.findall(page)
    assert {"=ability%3A" in link for link, _, _ in cells} == {True, False}
    for link, _, verdict in cells[::6]:
        opened = auditor.get(unescape(link))
        assert opened.status_code == 200
        assert f'<div class="answer {verdict}">' in opened.text
    content = "Legal/Drafts/Contracts under Review"
    page = auditor.get("/check", params={"user": "admin", "content": content, "models": "yes"}).text
    verdicts = re.findall(r'<td><a class="verdict (\w+)"[^>]* href="([^"]+)"', page)
    assert {"model=" + name in link for _, link in verdicts for name in ("classic", "deny_first")} == {True, False}
    for verdict, link in verdicts[::4]:
        opened = auditor.get(unescape(link))
        assert opened.status_code == 200
        if "model=" in link:
            assert f'<div class="answer {verdict}">' in opened.text


@pytest.mark.parametrize(
    ("capability", "content"), [("View", "Research"), ("Web Edit", "Sales/Drafts/Pipeline for Everyone")]
)
def test_who_is_the_same_everywhere(
    acme_pages: Pages, auditor: httpx.Client, site: tabwarden.TableauSite, capability: str, content: str
) -> None:
    document = typed(acme_pages, "who", capability, content)
    asked = {"content": content, "capability": capability}
    file = auditor.get("/check/who", params={**asked, "form": "csv"})
    assert file.headers["content-disposition"] == 'attachment; filename="people.csv"'
    rows = list(csv.DictReader(StringIO(file.text.removeprefix("\ufeff"))))
    assert [row["user"] for row in rows] == [person["user"]["name"] for person in document["people"]]
    assert {row["user"] for row in rows} == set(site.who(capability, content).people)
    may = document["counts"].get("allowed", 0)
    assert f"{may} of {sum(document['counts'].values())} people may {capability}" in words_of(
        auditor.get("/check/who", params=asked).text
    )


def test_who_is_filtered_and_paged(auditor: httpx.Client) -> None:
    asked = {"content": "Research", "may": "everybody"}
    pages = [auditor.get("/check/who", params={**asked, "page": str(number)}).text for number in (1, 2, 99, "x")]
    assert pages[0] == pages[3]
    assert "Page 1 of 5" in words_of(pages[0])
    assert "Page 2 of 5" in words_of(pages[1])
    assert "Page 5 of 5" in words_of(pages[2])
    jensen = auditor.get("/check/who", params={**asked, "q": "JENSEN", "role": "Viewer", "form": "csv"}).text
    rows = list(csv.DictReader(StringIO(jensen.removeprefix("\ufeff"))))
    assert rows
    assert {("jensen" in row["user"], row["site_role"]) for row in rows} == {(True, "Viewer")}
    by = auditor.get("/check/who", params={"content": "Research", "by": "Allow to group Research", "form": "csv"}).text
    deciders = {row["decided_by"] for row in csv.DictReader(StringIO(by.removeprefix("\ufeff")))}
    assert deciders == {"Allow to group Research"}


def test_what_is_the_same_everywhere(acme_pages: Pages, auditor: httpx.Client, site: tabwarden.TableauSite) -> None:
    document = typed(acme_pages, "what", VIEWER)
    file = auditor.get("/check/what", params={"user": VIEWER, "form": "csv"}).text
    paths = [row["content"] for row in csv.DictReader(StringIO(file.removeprefix("\ufeff")))]
    assert paths == [row["path"] for row in document["contents"]] == [one.path for one in site.what(VIEWER)]
    kinds = auditor.get("/check/what", params={"user": VIEWER, "kind": "workbook", "form": "csv"}).text
    assert {row["kind"] for row in csv.DictReader(StringIO(kinds.removeprefix("\ufeff")))} == {"workbook"}


def test_two_people_side_by_side(acme_pages: Pages, auditor: httpx.Client, site: tabwarden.TableauSite) -> None:
    asked = {"one": VIEWER, "other": SOMEBODY, "form": "csv"}
    rows = list(csv.DictReader(StringIO(auditor.get("/check/compare", params=asked).text.removeprefix("\ufeff"))))
    document = typed(acme_pages, "what", VIEWER, "--beside", SOMEBODY)
    assert [row["path"] for row in document["contents"]] == [row["content"] for row in rows]
    both = [{one.path: set(one.capabilities) for one in site.what(user)} for user in (VIEWER, SOMEBODY)]
    mine, theirs = both
    differing = {path for path in {*mine, *theirs} if mine.get(path, set()) != theirs.get(path, set())}
    assert {row["content"] for row in rows} == differing
    for row in rows:
        only = set(filter(None, row["only_one"].split(", ")))
        assert only == mine.get(row["content"], set()) - theirs.get(row["content"], set())
    page = auditor.get("/check/compare", params={"one": VIEWER, "other": SOMEBODY}).text
    assert "View: Allow to group Research, against no rule" in words_of(page)


def test_what_if_is_the_same_everywhere(acme_pages: Pages, auditor: httpx.Client) -> None:
    sentence = f"add {VIEWER} to Sales"
    document = typed(acme_pages, "whatif", sentence)
    shown = words_of(auditor.get("/check/whatif", params={"changes": sentence}).text)
    assert document["summary"] in shown
    assert "People who may View, before and after" in shown
    refused = auditor.get("/check/whatif", params={"changes": "lock Nowhere"})
    assert refused.status_code == 400
    assert "no project `Nowhere`" in words_of(refused.text) or "`Nowhere`" in words_of(refused.text)


def test_a_change_is_picked_and_filled_in(auditor: httpx.Client) -> None:
    form = auditor.get("/check/whatif").text
    number = re.search(r'<option value="(\d+)"[^>]*>add USER to GROUP</option>', form)
    assert number
    picked = auditor.get("/check/whatif", params={"kind": number[1]}).text
    assert 'name="blank0"' in picked
    assert 'name="blank1"' in picked
    filled = {"kind": number[1], "blank0": VIEWER, "blank1": "Support"}
    assert f"add {VIEWER} to Support" in words_of(auditor.get("/check/whatif", params=filled).text)


def test_every_kind_of_change_can_be_filled_in() -> None:
    """Each form without what may be left out is understood again as soon as its blanks are filled in."""
    from tabwarden.effects.quoting import Quoting
    from tabwarden.effects.sentences import FORMS, fitting
    from tabwarden.web.pages.changes import KINDS

    for kind, form in zip(KINDS, FORMS, strict=True):
        values = {one.key: one.choices[0] if one.choices else "x" for one in kind.blanks}
        sentence = kind.sentence(values)
        assert kind.sentence({}) == ""
        assert (fitting(Quoting(sentence)) or (None,))[0] is form, (kind.written, sentence)


def test_no_word_of_a_page_names_a_file(acme_pages: Pages, auditor: httpx.Client) -> None:
    file = str(acme_pages.folder / "settings.yaml")
    for path, query in (
        ("/check/whatif", {"changes": file}),
        ("/check/who", {"content": "Research", "points": file}),
        ("/check", {"user": VIEWER, "content": "Research", "points": file}),
    ):
        answer = auditor.get(path, params=query)
        assert answer.status_code in (400, 404)
        assert "sandbox" not in answer.text
        assert "secret" not in words_of(answer.text).replace(file, "")


def test_lists_lead_to_groups_people_and_contents(auditor: httpx.Client) -> None:
    assert f'href="/check/what?user={SOMEBODY.replace("@", "%40")}"' in auditor.get("/check/people").text
    groups = auditor.get("/check/groups", params={"q": "Research"}).text
    assert 'href="/check/group?group=Research"' in groups
    group = words_of(auditor.get("/check/group", params={"group": "Research"}).text)
    assert "rules speak of it on" in group
    assert VIEWER in group
    rules = auditor.get("/check/content", params={"content": "Research"}).text
    assert 'href="/check/group?group=Research">group Research</a>' in rules


def test_models_and_maps(acme_pages: Pages, auditor: httpx.Client) -> None:
    document = typed(acme_pages, "diff", "--models")
    file = auditor.get("/check/models", params={"against": "deny_first", "form": "csv"}).text
    people = {user["name"] for one in document["differences"] for user in one["people"]}
    assert {row["user"] for row in csv.DictReader(StringIO(file.removeprefix("\ufeff")))} == people
    page = auditor.get("/check/map").text
    assert page.count("<svg") == page.count("The same as a table") == 2
    assert "Research: " in page


# -- rights --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", PATHS)
def test_about_others_asks_an_auditor(acme_pages: Pages, path: str) -> None:
    with acme_pages.signed_in(SOMEBODY, "catalog", "operator", "approver") as client:
        answer = client.get(path)
        assert answer.status_code == 403
        assert "auditor" in answer.text


def test_hidden_and_absent_answer_alike_to_whoever_asks_about_himself(acme_pages: Pages) -> None:
    with acme_pages.signed_in(VIEWER) as client:
        assert client.get("/check", params={"content": "Research"}).status_code == 200
        for path, query in (("/check", {}), ("/check/why", {"capability": "View"}), ("/check/what", {})):
            hidden, absent = ("Support/Escalations", "Support/Esqalations")
            pages = [client.get(path, params={**query, "content": one}) for one in (hidden, absent)]
            assert pages[0].status_code == pages[1].status_code
            assert pages[0].text.replace(hidden, "") == pages[1].text.replace(absent, "")


def test_whoever_asks_about_himself_is_told_of_nobody_else(
    acme_pages: Pages, acme_folder: tuple[Path, dict[str, Any]]
) -> None:
    facts = open_either(LAST, str(acme_folder[0] / ".tabwarden"))
    me = facts.users_named(VIEWER)[0]
    names = {user.name for user in facts.users.values() if user.id != me} - {"admin"}
    with acme_pages.signed_in(VIEWER) as client:
        grid = client.get("/check", params={"content": "Research/Churn Monitor"}).text
        links = [unescape(link) for link, _, _ in ROW.findall(grid)]
        told = [grid, client.get("/check/what").text, *(client.get(link).text for link in links)]
    for page in told:
        words = words_of(page)
        assert not [name for name in names if name in words]
        assert "group Research" not in words
    assert any("group (of yours)" in words_of(page) for page in told)


def suggested(client: httpx.Client, of: str, words: str) -> list[str]:
    answer = client.get(f"/check/suggest/{of}", params={"name": words})
    assert answer.status_code == 200
    return [unescape(name) for name in re.findall(r'value="([^"]+)"', answer.text)]


def test_what_is_typed_is_completed_with_what_one_may_ask_about(acme_pages: Pages, auditor: httpx.Client) -> None:
    site = open_either(LAST, str(acme_pages.folder / ".tabwarden"))
    assert suggested(auditor, "person", "AMIR J") == ["amir.jensen@acme.example"]
    assert "Finance Publishers" in suggested(auditor, "group", "finance")
    assert suggested(auditor, "content", "salary") == ["HR/Salaries/Salary Bands"]
    assert suggested(auditor, "content", "hr/salaries/b") == ["HR/Salaries/Bonus Round", "HR/Salaries/Budget Overview"]
    inside = site.children(site.find_content("HR/Salaries").id)
    assert suggested(auditor, "content", "HR/Salaries/") == [site.written(one) for one in inside]
    assert not suggested(auditor, "nothing", "a")
    assert not suggested(auditor, "person", "")
    with acme_pages.signed_in(SOMEBODY) as own:
        seen = {row.path for row in Questions(site).reach(site.find_user(SOMEBODY).id)}
        for words in ("a", "e", "s", "HR", "HR/", "Finance", "Finance/Bud", "salar", "budget"):
            names = suggested(own, "content", words)
            assert all(any(path == name or path.endswith(f"/{name}") for path in seen) for name in names)
            assert not suggested(own, "person", words)
            assert not suggested(own, "group", words)
        assert suggested(own, "content", "salary") == ["Salaries/Salary Bands"]  # below what she may not see
        assert not suggested(own, "content", "Finance")


def test_in_a_browser_a_name_is_completed_while_one_types(acme_pages: Pages, browser: Browser) -> None:
    with acme_pages.in_browser(browser, "admin", "auditor") as page:
        page.goto("/check/who")
        page.get_by_label("Content").press_sequentially("salary", delay=20)
        page.locator('#content-names option[value="HR/Salaries/Salary Bands"]').wait_for(state="attached")


def test_a_way_and_a_plan_of_it_take_rights(acme_pages: Pages) -> None:
    way = {"user": SOMEBODY, "capability": "View", "content": "Research", "choose": "1"}
    with acme_pages.signed_in(SOMEBODY, "auditor") as client:
        page = client.get("/check/why", params={**way, "fix": "yes"}).text
        assert "what would give it" in page
        assert "Make way 1 a plan" not in page
        assert client.post("/check/plan", data={**way, "csrf": _csrf(page)}).status_code == 403
    with acme_pages.signed_in(SOMEBODY, "operator") as client:
        page = client.get("/").text
        assert client.post("/check/plan", data={**way, "csrf": _csrf(page)}).status_code == 404
        assert client.get("/check/why", params={**way, "fix": "yes"}).status_code == 404


def _csrf(page: str) -> str:
    return re.findall(r'name="csrf" value="([^"]+)"', page)[0]


# -- a way becomes a plan ------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def own_pages(acme_folder: tuple[Path, dict[str, Any]], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pages]:
    """The same snapshot in a store of its own, in which plans are made."""
    folder = tmp_path_factory.mktemp("fixes")
    shutil.copytree(acme_folder[0] / ".tabwarden", folder / ".tabwarden", ignore=shutil.ignore_patterns("web.db*"))
    facts = open_either(LAST, str(folder / ".tabwarden"))
    user, content = facts.users_named(VIEWER)[0], facts.contents_at("Research")[0]
    used = Usage("2001-01-02", "view", user, content, 3, "2001-01-02T08:15:00Z", "test")
    days.keep(folder / ".tabwarden", facts.id, [used])
    with served(folder, acme_folder[1]) as pages:
        yield pages


def test_last_use_stands_beside_what_one_may(own_pages: Pages) -> None:
    with own_pages.signed_in(ADMIN, *AUDITOR) as client:
        about = {"user": VIEWER, "content": "Research"}
        assert "View ✓ yes Allow to group Research 2001-01-02" in words_of(client.get("/check", params=about).text)
        why = client.get("/check/why", params={**about, "capability": "View"})
        assert "Last used 2001-01-02" in words_of(why.text)
        who = client.get("/check/who", params={"content": "Research", "q": VIEWER}).text
        assert "2001-01-02 08:15" in words_of(who)
        assert "longer ago: 1" in who  # of those who may, one was seen, and by no means lately
        file = client.get("/check/what", params={"user": VIEWER, "form": "csv"}).text
        rows = {row["content"]: row["last_use"] for row in csv.DictReader(StringIO(file.removeprefix("\ufeff")))}
        assert rows["Research"] == "2001-01-02T08:15:00Z"


def test_a_way_becomes_a_plan_in_one_click(own_pages: Pages, browser: Browser) -> None:
    with own_pages.in_browser(browser, ADMIN, *OPERATOR) as page:
        page.goto(f"/check/why?user={VIEWER}&capability=View&content=Support&fix=yes")
        step = page.locator(".ways code").first.inner_text()
        page.get_by_role("button", name="Make way 1 a plan").click()
        expect(page).to_have_url(re.compile(r"/plans/1$"))
    (kept_plan,) = kept_plans(own_pages.folder / ".tabwarden")
    assert kept_plan.by == ADMIN
    assert [change.to_do() for change in load_plan(kept_plan.path).changes]
    assert VIEWER in step
    trail = run("audit", "--settings", own_pages.folder / "settings.yaml", "--json")
    assert trail.exit_code != 0 or "planned" in trail.stdout


def test_a_way_is_of_the_snapshot_that_was_shown(own_pages: Pages) -> None:
    asked = {"user": VIEWER, "capability": "View", "content": "Support", "choose": "1"}
    with own_pages.signed_in(ADMIN, *OPERATOR) as client:
        page = client.get("/check/why", params={**asked, "fix": "yes"}).text
        tag = re.findall(r'name="tag" value="([^"]+)"', page)[0]
        older = client.post("/check/plan", data={**asked, "csrf": _csrf(page), "tag": f"0{tag}"})
        assert older.status_code == 400
        assert "a newer snapshot has come in" in older.text
        none = client.post("/check/plan", data={**asked, "csrf": _csrf(page), "tag": tag, "choose": "9"})
        assert none.status_code == 404
        forged = client.post("/check/plan", data={**asked, "tag": tag})
        assert forged.status_code == 403


def test_what_was_tried_becomes_a_plan(own_pages: Pages, browser: Browser) -> None:
    with own_pages.in_browser(browser, ADMIN, *OPERATOR) as page:
        page.goto("/check/whatif")
        page.get_by_label("Changes, one a line").fill(f"add {VIEWER} to Support")
        page.get_by_role("button", name="Try").click()
        page.get_by_role("button", name="Make it a plan").click()
        expect(page).to_have_url(re.compile(r"/plans/\d+$"))


# -- a real browser ------------------------------------------------------------------------------------------------

SERIOUS = ("serious", "critical")
AXE = ROOT / ".venv/node/node_modules/axe-core/axe.min.js"
SEEN = (
    f"/check?user={VIEWER}&content=Research&models=yes",
    f"/check/why?user={VIEWER}&capability=View&content=Support&fix=yes",
    "/check/who?content=Research",
    f"/check/what?user={VIEWER}",
    f"/check/compare?one={VIEWER}&other={SOMEBODY}",
    f"/check/whatif?changes=add+{VIEWER}+to+Sales",
    "/check/groups",
    "/check/group?group=Research",
    "/check/content?content=Research",
    "/check/map",
)


def serious(page: Page, rules: str) -> list[str]:
    """What axe finds serious or worse, with the first place of each."""
    page.evaluate(AXE.read_text(encoding="utf-8"))
    violations = page.evaluate(f"axe.run({{resultTypes: ['violations']{rules}}})")["violations"]
    return [f"{one['id']}: {one['nodes'][0]['html']}" for one in violations if one["impact"] in SERIOUS]


@pytest.mark.parametrize(
    ("width", "scheme", "rules"), [(360, "light", ""), (1440, "dark", ", runOnly: ['color-contrast']")]
)
def test_pages_fit_and_are_accessible(acme_pages: Pages, browser: Browser, width: int, scheme: Any, rules: str) -> None:
    problems: list[str] = []
    size: Any = {"width": width, "height": 800}
    with acme_pages.in_browser(browser, ADMIN, *OPERATOR, viewport=size, color_scheme=scheme, bypass_csp=True) as page:
        for path in SEEN:
            page.goto(path)
            wider = page.evaluate("document.documentElement.scrollWidth - innerWidth")
            problems += [f"{path} is {wider} px too wide"] if wider > 0 else []
            problems += [f"{path}: {one}" for one in serious(page, rules)]
    assert not problems


def test_by_keyboard_from_a_person_to_a_reason(acme_pages: Pages, browser: Browser) -> None:
    with acme_pages.in_browser(browser, ADMIN, *AUDITOR, viewport={"width": 360, "height": 800}) as page:
        page.goto("/check")
        for label, words in (("Person", VIEWER), ("Content", "Research")):
            _tab_to(page, lambda label=label: page.get_by_label(label, exact=True))  # type: ignore[misc]
            page.keyboard.press("Control+a")
            page.keyboard.type(words)
        page.keyboard.press("Enter")
        _tab_to(page, lambda: page.get_by_role("link", name="View", exact=True))
        page.keyboard.press("Enter")
        page.wait_for_url("**/check/why?*")
        expect(page.locator("main")).to_contain_text(f"{VIEWER} has View on Research")


def _tab_to(page: Page, wanted: Any) -> None:
    for _ in range(60):
        page.keyboard.press("Tab")
        if wanted().first.evaluate("node => node === document.activeElement"):
            return
    raise AssertionError("the keyboard does not reach it")


# -- names are data ------------------------------------------------------------------------------------------------

EVIL = ('<img src=x onerror="alert(1)">', "=cmd|' /C calc'!A0", "red\x1b[31m", "\u202egnp.exe", "a\nb", '"><script>x')


@pytest.fixture(scope="module")
def evil_pages(tmp_path_factory: pytest.TempPathFactory, acme_folder: tuple[Path, dict[str, Any]]) -> Iterator[Pages]:
    """A small site in which everything has a name that means harm."""
    from small_site import group, project, workbook
    from small_site import site as small

    from tabwarden.model.site import Taken
    from tabwarden.store.history import History

    folder = tmp_path_factory.mktemp("evil")
    numbers = range(len(EVIL))
    groups = [replace(group(f"g{n}", *(f"u{m}" for m in numbers)), name=EVIL[n]) for n in numbers]
    contents = [replace(project(f"p{n}", None, f"group:g{n} +Read", f"user:u{n} -Read"), name=EVIL[n]) for n in numbers]
    contents += [replace(workbook(f"w{n}", f"p{n}", f"group:g{n} +Read"), name=EVIL[n]) for n in numbers]
    whole = small(*contents, users=[f"u{n}:Viewer" for n in numbers], groups=groups, content_url="acme")
    users = {key: replace(one, name=EVIL[int(key[1:])] if key[0] == "u" else key) for key, one in whole.users.items()}
    whole = replace(whole, users=users, taken=Taken(when="2026-11-21T18:00:00Z"))
    with History(folder / ".tabwarden") as history:
        history.keep(whole)
    with served(folder, acme_folder[1]) as pages:
        yield pages


def test_no_name_acts_on_any_page(evil_pages: Pages) -> None:
    raw = re.compile(r"[\x00-\x09\x0b-\x1f\x7f-\x9f\u202a-\u202e]|<img|<script>x|onerror=\"alert")
    with evil_pages.signed_in("adm", *OPERATOR) as client:
        for n in range(len(EVIL)):
            user, content, other = f"u{n}", f"w{n}", f"u{(n + 1) % len(EVIL)}"
            for path in (
                f"/check?user={user}&content={content}&models=yes",
                f"/check/why?user={user}&capability=View&content={content}&fix=yes",
                f"/check/who?content={content}&may=everybody",
                f"/check/what?user={user}",
                f"/check/compare?one={user}&other={other}",
                f"/check/compare?one={user}&other={other}&content={content}",
                f"/check/whatif?changes=remove+{user}+from+g{n}",
                f"/check/group?group=g{n}",
                f"/check/content?content=p{n}",
                "/check/people",
                "/check/groups",
                "/check/models?against=deny_first",
                "/check/map",
                f"/check/map?project=p{n}",
            ):
                answer = client.get(path)
                assert answer.status_code == 200, (path, answer.text)
                assert not raw.search(answer.text.replace('<script src="', "")), path
        file = client.get("/check/people", params={"form": "csv"}).text
        assert "'=cmd" in file
        assert "\n=cmd" not in file
