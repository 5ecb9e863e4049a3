"""Every endpoint of the table asked by everybody who could matter: what is answered is what the evaluator says.

Made from the endpoint table: a new line for whoever the evaluator allows it must say in `asks` what it asks.
"""

from __future__ import annotations

import re
from typing import NamedTuple

import pytest
from everybody import ADMINS, LICENSED, PUBLISHERS, SIGNED_IN, living
from sandbox_client import error

from tabwarden.access.abilities.ability import can
from tabwarden.access.powers import power_over
from tabwarden.access.reference import may
from tabwarden.sandbox.content.shapes import PLURALS
from tabwarden.sandbox.handlers.mailed import MARKED_AT
from tabwarden.sandbox.http import error_table, routing
from tabwarden.sandbox.http.endpoints import TABLE

# Whom each kind of line lets in; what the evaluator judges says `asks`.
LETS_IN = {
    routing.SIGNED_IN: SIGNED_IN,
    routing.SEES_PEOPLE: LICENSED,
    routing.ADMIN: ADMINS,
    routing.PEOPLE_ADMIN: ADMINS,
    routing.SERVER_ADMIN: ("ada",),
    routing.GROUP_SET_ADMIN: ("ada",),
}
# Lines that look once more who it is: about tom or ada's job, by what a role may at all, and the last site stays.
NOT_ALL = {
    "GET sites/{site}/users": (ADMINS, "403004"),
    "GET sites/{site}/users/{user}": (LICENSED, "403133"),
    "GET sites/{site}/users/{user}/groups": (ADMINS, "403133"),
    "GET sites/{site}/users/{user}/workbooks": (ADMINS, "403018"),
    "GET sites/{site}/users/{user}/flows": (ADMINS, "403101"),
    "GET sites/{site}/jobs/{job}": (ADMINS, "403004"),
    "PUT sites/{site}/jobs/{job}": (ADMINS, "403032"),
    "POST sites/{site}/fileUploads": (PUBLISHERS, "403015"),
    "PUT sites/{site}/fileUploads/{upload}": (PUBLISHERS, "403007"),
    "PUT sites/{site}/users/{user}": (ADMINS, "403009"),
    **{
        f"{method} sites/{{site}}/tasks/{kind}/{{task}}{more}": (("ada", "sam", "olaf"), "403004")
        for kind in ("extractRefreshes", "runFlow")
        for method, more in (("GET", ""), ("POST", "/runNow"), ("DELETE", ""))
    },
    **{
        f"{method} sites/{{site}}/customviews/{{customview}}{more}": (("ada", "sam", "olaf"), "403004")
        for method, more in (
            *(("GET", below) for below in ("", "/content", "/default/users", "/image", "/pdf", "/data")),
            *(("PUT", ""), ("DELETE", ""), ("POST", "/default/users")),
        )
    },
    "POST sites/{site}/tasks/extractRefreshes/{task}": (("ada", "sam", "olaf"), "403004"),
    "POST sites/{site}/tasks/flows/{task}": (("ada", "sam", "olaf"), "403004"),
    **{
        f"{method} sites/{{site}}/subscriptions/{{subscription}}": (("ada", "sam", "olaf"), code)
        for method, code in (("GET", "403058"), ("PUT", "403065"), ("DELETE", "403059"))
    },
    **{
        f"{method} sites/{{site}}/dataAlerts/{{dataalert}}{below}": (("ada", "sam", "olaf"), "403004")
        for method, below in (
            *((method, "") for method in ("GET", "PUT", "DELETE")),
            *(("POST", "/users"), ("DELETE", "/users/{user}")),
        )
    },
    **{
        f"{method} sites/{{site}}/favorites/{{user}}{below}": (ADMINS, "403004")
        for method, below in (("GET", ""), ("PUT", ""), *(("DELETE", f"/{path}") for path in MARKED_AT.values()))
    },
    "PUT sites/{site}/flows/runs/{flowrun}": (("ada", "sam", "olaf"), "403004"),
    "GET sites/{site}/tasks/linked/{linkedtask}": (("ada", "sam", "olaf"), "403004"),
    "POST sites/{site}/tasks/linked/{linkedtask}/runNow": (("ada", "sam", "olaf"), "403004"),
    "PUT sites/{site}": (("ada",), "403004"),
    "DELETE sites/{site}": ((), "403004 403002"),
}
JOB_DONE = "403091"
READ, READ_RULES, ADMINISTER = "Read", "read rules", "administer"
# What the rest of the lines about one thing ask the evaluator: abilities and capabilities that must all be given.
ALSO = (
    (r"(PUT|DELETE) .*/tags.*", ("tag",)),
    (r"(GET|DELETE) .*/revisions.*", ("download", "publish")),
    (r"GET .*/content", ("download",)),
    (r"PUT .*/connections.*", ("Write",)),
    (r"PATCH .*/data", ("Write",)),
    (r"POST .*/(refresh|run)", ("change_refresh_schedule",)),
    (r"POST .*/(create|delete)Extract", ("Write",)),
    (r"GET .*/(image|pdf|powerpoint)", ("ExportImage", "see_data")),
    (r"GET .*/(data|crosstab/excel)", ("ExportData", "see_data")),
    (r"GET .*/(previewImage|columns)", (READ,)),
)


class Asks(NamedTuple):
    """What a line asks the evaluator: about which kind, and what must be allowed.

    `whole` says that whoever may gets a success with the request sent here; else only that he is not refused.
    """

    kind: str
    questions: tuple[str, ...]
    whole: bool = False


def asks(endpoint):
    """What a line asks; None where nobody has said."""
    method, path = endpoint.method, endpoint.path.removeprefix("sites/{site}/")
    if scheduled := re.fullmatch(r"schedules/\{schedule\}/(\w+)s", path):
        kind = scheduled[1]
        return Asks(kind, ("change_refresh_schedule",), whole=True)
    named = [k for k, plural in PLURALS.items() if f"{plural}/{{" in path or path == plural]
    if not named:
        return None
    kind = max(named, key=lambda k: path.rfind(f"{PLURALS[k]}/{{"))
    if re.search(r"/(default-)?permissions", path):
        return Asks(path_kind(path), (READ_RULES if method == "GET" else "set_permissions",), whole=True)
    if path == "projects" and method == "POST":
        return Asks("project", ("create_top_level_project",), whole=True)
    if re.fullmatch(rf"{PLURALS[kind]}/\{{\w+\}}(/views|/connections)?", path) and method != "POST":
        # Nothing grants the deleting of databases and tables.
        plain = {"GET": READ, "PUT": "rename", "DELETE": ADMINISTER if kind in ("database", "table") else "delete"}
        if method == "GET" or not path.endswith("s"):
            return Asks(kind, (plain[method],), whole=True)
    for pattern, questions in ALSO:
        if re.fullmatch(pattern, f"{method} {path}"):
            return Asks(kind, questions)
    return None


def path_kind(path):
    """The kind that a path starts with."""
    return next(k for k, plural in PLURALS.items() if path.split("/")[0] == plural)


@pytest.fixture(scope="module")
def house():
    with living() as found:
        yield found


def allowed(site, name, kind, content, question):
    """The evaluator's answer to a capability (a REST name) or an ability.

    Who may read rules is who may set them, and owners and leaders who see the thing.
    """
    user = site.find_user(name)
    if question == ADMINISTER:
        return name in ADMINS
    if question[0].isupper():
        return may(site, user.id, question, content).allowed
    if question != READ_RULES:
        return can(site, user.id, question, None if question.startswith("create_top") else content).allowed
    held = site.contents[content]
    project = content if kind == "project" else site.project_of(content)
    rules = held.owner == user.id or power_over(site, user.id, project, "current") is not None
    sees = may(site, user.id, READ, content).allowed
    return name in ADMINS or (rules and sees) or can(site, user.id, "set_permissions", content).allowed


def admitted(answer):
    """Whether a line let somebody in: whatever it then says about the request, it is not that he may not."""
    return answer.status_code < 500 and (answer.status_code not in (401, 403) or error(answer)[1] == JOB_DONE)


JUDGED = [e for e in TABLE if e.who == routing.JUDGED and "{" in e.path.replace("{site}", "")]
LISTS = [e for e in TABLE if e.who == routing.JUDGED and e.method == "GET" and e not in JUDGED]
REST = [e for e in TABLE if e.who in LETS_IN and not e.path.startswith("auth/sign")]
NEEDS_SESSION = [e for e in TABLE if e.who != routing.ANYONE]


@pytest.mark.parametrize("endpoint", NEEDS_SESSION, ids=[e.name for e in NEEDS_SESSION])
def test_nobody_without_a_session(house, endpoint):
    assert error(house.ask("", endpoint)) == (401, "401000")
    assert house.site == house.before


@pytest.mark.parametrize("endpoint", REST, ids=[e.name for e in REST])
def test_lines_for_some_let_in_those_and_nobody_else(house, endpoint):
    lets_in, code = NOT_ALL.get(endpoint.name, (LETS_IN[endpoint.who], "403004"))
    for name in SIGNED_IN:
        answer, before = house.ask(name, endpoint), house.before
        if name in lets_in:
            assert admitted(answer), f"{name}: {answer.text}"
        else:
            status, told = error(answer)
            assert (status, told in code.split()) == (403, True), name
            assert house.site is before, name
        house.before = house.box.state.put(before)


@pytest.mark.parametrize("endpoint", JUDGED, ids=[e.name for e in JUDGED])
def test_the_evaluator_answers_for_everybody(house, endpoint):
    said = asks(endpoint)
    assert said is not None, "say in `asks` what this line asks the evaluator"
    content = house.ids[said.kind]
    lines = error_table.lines_of(endpoint.method, endpoint.path)
    refusals = {lines[reason].code for reason in ("denied", "locked", "tabs_shown") if reason in lines} | {"403004"}
    for name in SIGNED_IN:
        before = house.before
        answer = house.ask(name, endpoint)
        if not all(allowed(before, name, said.kind, content, question) for question in said.questions):
            status, code = error(answer)
            assert status == 403, f"{name} may not {said.questions}: {answer.text}"
            assert code in refusals, name
        elif said.whole:
            assert answer.status_code in (200, 201, 204), f"{name} may {said.questions}: {answer.text}"
        else:
            assert admitted(answer), f"{name} may {said.questions}: {answer.text}"
        if answer.status_code >= 400:
            assert house.site is before, name
        house.before = house.box.state.put(before)


@pytest.mark.parametrize("endpoint", LISTS, ids=[e.name for e in LISTS])
def test_a_list_holds_what_one_may_view(house, endpoint):
    kind = next((k for k, plural in PLURALS.items() if endpoint.path.endswith(f"/{plural}")), None)
    site = house.site
    for name in SIGNED_IN:
        answer = house.ask(name, endpoint)
        assert answer.status_code in (200, 400, 404), name
        listed = set(re.findall(r'<\w+ [^>]*\bid="([^"]+)"', answer.text)) & set(site.contents)
        user = site.find_user(name).id
        mine = {c.id for c in site.contents.values() if may(site, user, READ, c.id).allowed}
        if kind is not None:
            found = [item.get("id") for item in house.raws[name].xml(f"{{s}}/{PLURALS[kind]}")[1]]
            assert sorted(found) == sorted(i for i in mine if site.contents[i].kind == kind), name
        if name in ("una", "out"):
            assert not listed, name
