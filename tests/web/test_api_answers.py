"""The API: the very answers of `--json`, with its own OpenAPI, paging, ETags and refusals."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import hypothesis
import pytest
import schemathesis
from command_line import run
from jsonschema_rs import validator_for
from schemathesis.config import SchemathesisConfig

from plugins.pages import Pages
from tabwarden.questions import Questions
from tabwarden.run.history import LAST, open_either
from tabwarden.store.web.state import opened
from tabwarden.store.web.tokens import Tokens
from tabwarden.web.openapi import openapi
from tabwarden.web.paths import QUESTIONS

SOMEBODY = "amir.ito@acme.example"
WORKBOOK = "HR/Salaries"
AGE = re.compile(r'"age_seconds": \d+')  # of the last read, which grows meanwhile
# What is asked over HTTP, and typed.
ASKED: tuple[tuple[str, dict[str, Any], str], ...] = (
    ("/why", {"user": SOMEBODY, "capability": "View", "content": WORKBOOK}, f"why {SOMEBODY} View {WORKBOOK}"),
    ("/why", {"user": SOMEBODY, "capability": "ability:web_edit", "content": WORKBOOK, "fix": "true"}, ""),
    ("/why", {"user": SOMEBODY, "capability": "View", "content": WORKBOOK, "model": "classic"}, ""),
    ("/who", {"capability": "View", "content": WORKBOOK}, ""),
    ("/who", {"capability": "View", "content": WORKBOOK, "all": "true"}, ""),
    ("/what", {"user": SOMEBODY}, ""),
    ("/what", {"user": SOMEBODY, "content": WORKBOOK, "open-point": "blog"}, ""),
    ("/rules", {"content": WORKBOOK}, ""),
    ("/whatif", {"changes": ["lock HR", f"remove {SOMEBODY} from All Users"]}, ""),
    ("/find", {"words": ["salar"]}, ""),
    ("/users", {"where": ["site_role=Viewer"], "sort": "-user"}, ""),
    ("/groups", {}, ""),
    ("/members", {"group": "Tableau Viewers"}, ""),
    ("/projects", {}, ""),
    ("/workbooks", {"in": "HR"}, ""),
    ("/views", {}, ""),
    ("/datasources", {}, ""),
    ("/flows", {}, ""),
    ("/owners", {}, ""),
    ("/history", {}, ""),
    ("/history", {"subject": [WORKBOOK]}, ""),
    ("/findings", {"scope": "HR"}, ""),
    ("/licences", {}, ""),
    ("/plans", {}, ""),
    ("/diff", {"models": "true"}, ""),
    ("/catalog", {"as": SOMEBODY}, ""),
    ("/catalog", {"as": "nobody.of.that.name"}, ""),
    ("/requests", {}, ""),
    ("/requests", {"waiting": "true"}, ""),
    ("/status", {}, ""),
    ("/audit", {"newest": "3", "act": "asked"}, ""),
    ("/audit/verify", {}, ""),
)


@pytest.fixture(scope="module")
def client(acme_pages: Pages) -> Iterator[httpx.Client]:
    with acme_pages.signed_in("admin", "administrator") as client:
        yield client


def typed(path: str, query: dict[str, Any]) -> list[str]:
    """The words of the command line that ask the same."""
    question = next(one for one in QUESTIONS if one.path == path)
    options, arguments = [], []
    for parameter in question.parameters:
        name = parameter.names[0] if parameter.names else parameter.name
        value = query.get(name.lstrip("-"))
        for one in [] if value is None else value if isinstance(value, list) else [value]:
            if not parameter.names:
                arguments.append(one)
            else:
                options.append(name if parameter.type is bool else f"{name}={one}")
    return [*question.command.split(), *options, *arguments]


@pytest.mark.parametrize(("path", "query", "words"), ASKED, ids=lambda value: str(value)[:60])
def test_the_answer_is_that_of_the_command_line(
    client: httpx.Client, acme_pages: Pages, path: str, query: dict[str, Any], words: str
) -> None:
    answer = client.get(f"/api/v1{path}", params=query)
    assert answer.status_code == 200, answer.text
    more = ["--settings", str(acme_pages.folder / "settings.yaml"), "--json"]
    ended = run(*(words.split() or typed(path, query)), *more)
    assert AGE.sub("", answer.text) == AGE.sub("", ended.stdout.rstrip("\n"))
    assert answer.headers["tabwarden-exit-code"] == str(ended.exit_code)


def test_every_question_is_asked_here() -> None:
    without_a_file = {"/plans/{plan}", "/requests/{number}", "/invariants"}  # asked where there are such
    assert {path for path, _, _ in ASKED} | without_a_file == {question.path for question in QUESTIONS}


def test_rows_are_paged(client: httpx.Client) -> None:
    whole = client.get("/api/v1/users").json()["rows"]
    first = client.get("/api/v1/users", params={"limit": 100})
    rows, pages = first.json()["rows"], 1
    assert first.headers["tabwarden-rows"] == str(len(whole))
    while "link" in first.headers:
        first = client.get(first.links["next"]["url"])
        rows, pages = rows + first.json()["rows"], pages + 1
    assert rows == whole
    assert pages == -(-len(whole) // 100)
    people = client.get("/api/v1/who", params={"capability": "View", "content": WORKBOOK, "limit": 3}).json()
    assert len(people["people"]) == 3
    assert sum(people["counts"].values()) == len(whole)


def test_what_is_known_is_not_sent_again(client: httpx.Client, acme_pages: Pages) -> None:
    for path in ("/api/v1/rules?content=HR", "/api/v1/plans"):
        tag = client.get(path).headers["etag"]
        again = client.get(path, headers={"if-none-match": tag})
        assert (again.status_code, again.content) == (304, b"")
        assert again.headers["etag"] == tag
        with acme_pages.signed_in(SOMEBODY, "auditor", "operator") as other:
            assert other.get(path, headers={"if-none-match": tag}).status_code == 200


@pytest.mark.parametrize(
    ("path", "status", "words"),
    [
        ("/why?user=nobody&capability=View&content=HR", 404, "nobody"),
        ("/why?user=admin&capability=Viewy&content=HR", 404, "Viewy"),
        ("/why?capability=View&content=HR", 400, "`/why` needs `user`"),
        ("/who?capability=View&content=HR&contents=HR", 400, "`/who` takes no `contents`; nearest is `content`"),
        ("/users?limit=many", 400, "`limit` wants a whole number"),
        ("/users?idle=0", 400, "`--idle` is at least 1"),
        ("/owners?idle=1276038", 400, "`--idle` is at most 36525"),
        ("/users?site=elsewhere", 404, "no site `elsewhere` is served"),
        ("/rules?content=HR&content=IT", 400, "`content` is given more than once"),
        ("/nowhere", 404, "there is no such path"),
    ],
)
def test_a_refusal_is_a_problem_with_the_sentence(client: httpx.Client, path: str, status: int, words: str) -> None:
    answer = client.get(f"/api/v1{path}")
    assert answer.headers["content-type"] == "application/problem+json"
    document = answer.json()
    assert (answer.status_code, document["status"]) == (status, status)
    assert words in document["detail"]


@pytest.mark.parametrize(
    "query",
    [
        "/what?user=admin&on=./settings.yaml",
        "/what?user=admin&on=.tabwarden",
        "/what?user=admin&open-point=settings.yaml",
        "/what?user=admin&open-point=name=../settings.yaml",
        "/whatif?changes=settings.yaml",
        "/whatif?changes=/etc/passwd",
        "/history?on=%2Fetc",
        "/diff?before=/etc&after=last",
        "/findings?since=../x",
        "/plans/settings.yaml",
        "/plans/..%2Fsettings.yaml",
    ],
)
def test_no_file_of_the_server_is_opened_by_a_query(client: httpx.Client, query: str) -> None:
    assert client.get(f"/api/v1{query}").status_code in (400, 404)
    assert "secret" not in client.get(f"/api/v1{query}").text


def test_options_that_name_or_write_a_file_are_not_taken(client: httpx.Client) -> None:
    described = {one["name"] for path in openapi()["paths"].values() for one in path["get"].get("parameters", ())}
    assert described.isdisjoint(
        {"out", "settings", "store", "snapshots", "baseline", "put-by", "sarif", "save", "o", "warn"}
    )
    for name in ("out", "put-by", "save", "settings", "store"):
        assert client.get("/api/v1/findings", params={name: "/tmp/x"}).status_code == 400


def test_whoever_asks_about_himself_is_told_what_he_may_and_of_nobody_else(acme_pages: Pages) -> None:
    """No id of another person, of a group or of what is hidden is in any answer, and hidden and absent are the same."""
    site = open_either(LAST, str(acme_pages.folder / ".tabwarden"))
    whole = Questions(site)
    people = [user for user in site.users.values() if user.site_role in ("Viewer", "Creator", "Explorer")][::60]
    for user in people:
        seen = {row.content for row in whole.reach(user.id)}
        hidden = [content for content in site.contents if content not in seen][::200]
        strange = {*site.groups, *site.users, *site.contents} - seen - {user.id}
        names = {other.name for other in site.users.values()} - {user.name, "admin"}
        with acme_pages.signed_in(user.name) as own:

            def ask(path: str, own: httpx.Client = own, name: str = user.name, **query: str) -> httpx.Response:
                return own.get(f"/api/v1{path}", params={"user": name, **query})

            what = ask("/what")
            assert {row["id"] for row in what.json()["contents"]} == seen
            answers = [what, *(ask("/why", capability="View", content=path) for path in seen_by(what)[::20])]
            answers += [ask("/what", content=content) for content in sorted(seen)[::20]]
            absent = ask("/why", capability="View", content="0" * 8)
            for content in hidden:
                answer = ask("/why", capability="View", content=content)
                assert answer.status_code == absent.status_code == 404
                assert answer.text == absent.text.replace("0" * 8, content)
            for answer in answers:
                assert not [word for word in strange | names if f'"{word}"' in answer.text]
            assert ask("/what", on="last").status_code == 403
            assert ask("/what", beside="admin").status_code == 404
            assert ask("/why", capability="View", content=seen_by(what)[0], fix="true").status_code == 404
            for other in ("admin", "nobody.of.that.name"):
                assert own.get("/api/v1/what", params={"user": other}).status_code == 404
    assert len(people) > 3


def test_the_catalog_is_that_of_the_command_and_that_of_others_is_as_absent(acme_pages: Pages) -> None:
    """Of everybody at the command's side for whoever may ask, of oneself without a name, of others not at all."""
    site = open_either(LAST, str(acme_pages.folder / ".tabwarden"))
    names = sorted(user.name for user in site.users.values() if user.name != "admin")[::25]
    settings, sizes = acme_pages.folder / "settings.yaml", set[int]()
    with acme_pages.signed_in("admin", "auditor") as auditor:
        for name in names:
            whole = auditor.get("/api/v1/catalog", params={"as": name})
            assert whole.text == run("catalog", "--as", name, "--settings", settings, "--json").stdout.rstrip("\n")
            with acme_pages.signed_in(name) as own:
                assert own.get("/api/v1/catalog").text == own.get("/api/v1/catalog", params={"as": name}).text
                assert own.get("/api/v1/catalog").text == whole.text
                refused = [own.get("/api/v1/catalog", params={"as": one}) for one in ("admin", "nobody.of.that.name")]
                assert {one.status_code for one in refused} == {404}
                assert refused[0].text == refused[1].text
                sizes.add(len(own.get("/api/v1/catalog").json()["entries"]))
            first = auditor.get("/api/v1/catalog", params={"as": name, "limit": 2})
            assert first.json()["entries"] == whole.json()["entries"][:2]
            again = auditor.get(
                "/api/v1/catalog", params={"as": name}, headers={"if-none-match": whole.headers["etag"]}
            )
            assert again.status_code == 304
    assert len(sizes) > 3


def test_a_token_of_own_access_is_told_of_its_owner_alone(acme_pages: Pages) -> None:
    person = {"name": SOMEBODY, "via": "link", "rights": ["auditor", "approver", "administrator"]}
    with closing(opened(acme_pages.folder / ".tabwarden")) as database:
        token = Tokens(database).make(person, "own", [], datetime.now(UTC), timedelta(days=1))
    headers = {"authorization": f"Bearer {token}"}
    with httpx.Client(base_url=f"{acme_pages.address}/api/v1", headers=headers, timeout=60) as own:
        assert own.get("/catalog").json()["person"] == SOMEBODY
        assert own.get("/catalog", params={"as": "admin"}).status_code == 404
        assert {own.get(path).status_code for path in ("/status", "/audit", "/audit/verify")} == {403}
        assert own.get("/requests").json() == []


def seen_by(what: httpx.Response) -> list[str]:
    return [row["path"] for row in what.json()["contents"]]


def test_without_a_session_or_the_right_nothing_is_told(acme_pages: Pages) -> None:
    with acme_pages.signed_in(SOMEBODY) as somebody:
        for question in QUESTIONS:
            path = re.sub(r"{\w+}", "1", question.path)
            assert httpx.get(f"{acme_pages.address}/api/v1{path}").status_code == 401
            own = {"/catalog": 200, "/requests": 200, "/requests/1": 404}.get(path, 400)
            assert somebody.get(f"/api/v1{path}").status_code == (own if question.of_oneself else 403)
        assert somebody.get("/api/v1/me").json()["rights"] == ["own"]


def test_the_description_is_openapi(client: httpx.Client) -> None:
    document = client.get("/api/v1/openapi.json").json()
    assert document == json.loads(json.dumps(openapi()))
    assert document["openapi"] == "3.1.0"
    for path in document["paths"].values():
        for parameter in path["get"].get("parameters", ()):
            validator_for(parameter["schema"])


def test_schemathesis_finds_no_violation(client: httpx.Client, acme_pages: Pages) -> None:
    """A name that fits nobody fits the schema, which cannot know names; so 400 is no fault of the description."""
    accepted = {"expected-statuses": ["2XX", "3XX", "400", "401", "403", "404"]}
    config = SchemathesisConfig.from_dict({"seed": 1, "checks": {"positive_data_acceptance": accepted}})
    schema = schemathesis.openapi.from_dict(openapi(), config=config)
    cookies = {"tabwarden": client.cookies["tabwarden"]}

    @hypothesis.given(schema.as_strategy())
    @hypothesis.settings(
        max_examples=150, derandomize=True, deadline=None, suppress_health_check=list(hypothesis.HealthCheck)
    )
    def tried(case: Any) -> None:
        case.call_and_validate(base_url=f"{acme_pages.address}/api/v1", cookies=cookies)

    tried()
