"""Faults on demand: scripts and chance, each fault as a client meets it, and the log of them."""

from __future__ import annotations

import json
import time

import pytest
import requests
from sandbox_client import TSC, Raw, error, everything

from tabwarden.model.errors import WorldError
from tabwarden.sandbox.faults.script import Fault, Faults, Script, plain_name
from tabwarden.sandbox.http.server import running

NAMES = ["GET sites/{site}/users", "GET sites/{site}/users/{user}", "POST sites/{site}/users", "POST auth/signin"]


def fault(name, **more):
    return Fault(fault=name, **more)


def hits(one, calls, endpoint="GET sites/{site}/users", page=None):
    faults = Faults([one], NAMES)
    return [n for n in range(1, calls + 1) if faults.strike(endpoint, page).faults]


def user_body(name):
    return f'<tsRequest><user name="{name}" siteRole="Unlicensed"/></tsRequest>'


def names_of(raw, query=""):
    return [u["name"] for u in raw.get(f"{{s}}/users{query}", json=True).json()["users"].get("user", [])]


# -- which request meets which fault --------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("choice", "struck"),
    [
        ({}, [1, 2, 3, 4, 5, 6]),
        ({"calls": (2, 5)}, [2, 5]),
        ({"calls": 3}, [3]),
        ({"every": 3}, [3, 6]),
        ({"every": 2, "after": 1}, [3, 5]),
        ({"after": 4}, [5, 6]),
        ({"times": 2}, [1, 2]),
        ({"every": 2, "times": 2}, [2, 4]),
        ({"rate": 0}, []),
        ({"rate": 1}, [1, 2, 3, 4, 5, 6]),
    ],
    ids=str,
)
def test_which_of_the_calls_is_struck(choice, struck):
    assert hits(fault("internal", **choice), 6) == struck


def test_chance_is_seeded():
    def struck(seed):
        faults = Faults(Script(seed=seed, faults=(fault("internal", rate=0.3),)))
        return [n for n in range(300) if faults.strike("GET sites").faults]

    assert struck(1) == struck(1) != struck(2)
    assert 60 < len(struck(1)) < 120


@pytest.mark.parametrize(
    ("at", "endpoint", "fits"),
    [
        ("GET users", "GET sites/{site}/users", True),
        ("get users", "GET sites/{site}/users", True),
        ("GET users", "GET sites/{site}/users/{user}", False),
        ("GET users/{user}", "GET sites/{site}/users/{user}", True),
        ("users", "POST sites/{site}/users", True),
        ("* users*", "GET sites/{site}/users/{user}", True),
        ("* auth/*", "POST auth/signin", True),
        ("GET sites/{site}/users", "GET sites/{site}/users", True),
        ("*", "POST auth/signin", True),
    ],
)
def test_endpoints_are_named_as_the_coverage_page_does(at, endpoint, fits):
    assert bool(hits(fault("internal", at=at), 1, endpoint)) == fits


def test_a_page_is_the_first_unless_it_is_said():
    assert hits(fault("short-page", page=2), 2) == []
    assert hits(fault("short-page", page=2), 2, page="2") == [1, 2]
    assert plain_name("GET sites/{site}/users/{user}") == "get users/{}"


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"fault": "gremlins"}, "no fault `gremlins`"),
        ({"fault": "slow", "retry_after": 1}, "takes no `retry_after`"),
        ({"fault": "directory-partial", "at": "*"}, "takes no `at`"),
        ({"fault": "html", "every": 2, "rate": 0.5}, "one of `calls`"),
        ({"fault": "html", "rate": 2}, "must be at most 1"),
        ({"fault": "html", "sometimes": True}, "sometimes"),
        ({"fault": "html", "at": "GET nowhere"}, "no endpoint is called `GET nowhere`"),
    ],
    ids=lambda case: str(case)[:40],
)
def test_mistakes_of_a_script_are_named(tmp_path, wrong, words):
    path = tmp_path / "faults.yaml"
    path.write_text(json.dumps({"faults": [wrong]}))
    with pytest.raises(WorldError, match=words), running("w0", faults=path):
        pass


@pytest.mark.parametrize("text", ["faults: [", "- html", "\xff"])
def test_a_script_that_is_none(tmp_path, text):
    path = tmp_path / "faults.yaml"
    path.write_text(text, encoding="latin-1")
    with pytest.raises(WorldError, match="faults"), running("w0", faults=path):
        pass
    with pytest.raises(WorldError, match="cannot be read"), running("w0", faults=tmp_path / "none.yaml"):
        pass


# -- refusals -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "more", "status", "code"),
    [
        ("too-many", {}, 429, "429000"),
        ("too-many", {"retry_after": 7}, 429, "429000"),
        ("unavailable", {}, 503, "503000"),
        ("unavailable", {"retry_after": 0}, 503, "503000"),
        ("internal", {}, 500, "500000"),
    ],
)
def test_a_refusal_has_tableaus_shape_and_nothing_was_done(box, raw, name, more, status, code):
    box.strike([fault(name, at="POST users", calls=1, **more)])
    refused = raw.call("POST", "{s}/users", user_body("new"))
    assert error(refused) == (status, code)
    assert refused.headers.get("Retry-After") == (str(more["retry_after"]) if more else None)
    assert not box.site("sandbox").users_named("new")
    assert raw.call("POST", "{s}/users", user_body("new")).status_code == 201


def test_tableaus_client_meets_what_it_would(box, server):
    box.strike([fault("too-many", at="GET users", calls=1), fault("unavailable", at="GET groups", calls=1)])
    with pytest.raises(TSC.ServerResponseError) as refused:
        server.users.get()
    assert refused.value.code == "429000"
    with pytest.raises(TSC.server.endpoint.exceptions.InternalServerError):
        server.groups.get()
    assert len(everything(server.users)) == 8


def test_an_html_page_is_no_answer_of_tableau(box, server, raw):
    box.strike([fault("html", at="GET users")])
    page = raw.get("{s}/users")
    assert (page.status_code, page.headers["Content-Type"]) == (502, "text/html; charset=utf-8")
    assert "<html>" in page.text
    with pytest.raises(TSC.server.endpoint.exceptions.InternalServerError):
        server.users.get()


# -- the line -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("done", [False, True])
def test_a_reset_before_and_after_the_request_was_done(box, raw, done):
    box.strike([fault("reset", at="POST users", calls=1, done=done)])
    with pytest.raises(requests.ConnectionError):
        raw.call("POST", "{s}/users", user_body("new"))
    assert bool(box.site("sandbox").users_named("new")) == done
    assert raw.get("{s}/users").status_code == 200
    (entry,) = [e for e in box.log.entries if e.faults]
    assert (entry.faults, entry.status) == ("reset", 201 if done else 0)
    assert len(box.log.writes()) == done


def test_a_truncated_answer_is_noticed_and_was_done(box, raw):
    box.strike([fault("truncated", at="* users", calls=(1, 2))])
    with pytest.raises(requests.exceptions.ChunkedEncodingError, match="IncompleteRead"):
        raw.get("{s}/users")
    with pytest.raises(requests.RequestException):
        raw.call("POST", "{s}/users", user_body("new"))
    assert box.site("sandbox").users_named("new")
    assert raw.get("{s}/users").status_code == 200


def test_a_truncated_answer_without_a_body_is_no_answer(box, raw):
    vic = box.site("sandbox").find_user("vic").id
    box.strike([fault("truncated", at="DELETE users/{user}")])
    with pytest.raises(requests.ConnectionError):
        raw.call("DELETE", f"{{s}}/users/{vic}")
    assert not box.site("sandbox").users_named("vic")


def test_a_slow_answer_keeps_nobody_else_waiting(box, raw):
    box.strike([fault("slow", at="GET users", seconds=30.0)])
    other = Raw(box, token=raw.token, site=raw.site)
    began = time.monotonic()
    with pytest.raises(requests.Timeout):
        raw.http.get(f"{box.url}/api/3.27/sites/{raw.site}/users", headers={"X-Tableau-Auth": raw.token}, timeout=0.1)
    assert other.get("{s}/groups").status_code == 200
    assert time.monotonic() - began < 15.0  # half of what waiting for the slow one would take
    box.strike([fault("slow", at="GET users", seconds=0.4, jitter=0.1)])
    began = time.monotonic()
    assert other.get("{s}/users").status_code == 200
    assert time.monotonic() - began >= 0.4


# -- lists ----------------------------------------------------------------------------------------------------


def test_a_short_page_keeps_its_total(box, raw):
    whole = names_of(raw)
    box.strike([fault("short-page", at="GET users", items=3, calls=1)])
    told = raw.get("{s}/users", json=True).json()
    assert [u["name"] for u in told["users"]["user"]] == whole[:-3]
    assert told["pagination"]["totalAvailable"] == "8"
    assert names_of(raw) == whole


def test_a_page_repeats_what_the_one_before_had(box, raw):
    whole = names_of(raw)
    box.strike([fault("duplicates", at="GET users", page=2, items=1)])
    pages = [names_of(raw, f"?pageSize=3&pageNumber={n}") for n in (1, 2, 3)]
    assert pages == [whole[:3], [whole[2], *whole[3:5]], whole[6:]]


def test_the_search_index_lags_behind(box, raw, clock):
    box.strike([fault("search-lag", at="GET users", seconds=10)])
    raw.call("POST", "{s}/users", user_body("new"))
    assert names_of(raw, "?filter=name:eq:new") == []
    assert names_of(raw, "?filter=name:eq:vic") == ["vic"]
    assert "new" in names_of(raw)
    assert raw.get(f"{{s}}/users/{box.site('sandbox').find_user('new').id}").status_code == 200
    clock.now += 10
    assert names_of(raw, "?filter=name:eq:new") == ["new"]
    assert box.log.faults() == {"search-lag": 3}


# -- sessions and seats ---------------------------------------------------------------------------------------


def token_session(box, name="tok", secret="sec"):
    server = TSC.Server(box.url, use_server_version=True)
    server.auth.sign_in(TSC.PersonalAccessTokenAuth(name, secret, "sandbox"))
    return server


def test_a_token_that_has_just_run_out(box, raw):
    box.strike([fault("expired-token", at="GET users", calls=1)])
    assert error(raw.get("{s}/users")) == (401, "401002")
    assert error(raw.get("{s}/groups")) == (401, "401002")
    assert raw.sign_in().get("{s}/users").status_code == 200


def test_a_token_that_somebody_else_signed_in_with(box, raw):
    box.strike([fault("taken-token", at="GET users", calls=1)])
    server = token_session(box)
    with pytest.raises(TSC.NotSignedInError):
        server.users.get()
    assert raw.get("{s}/groups").status_code == 200
    assert token_session(box).users.get()[1].total_available == 8


def test_no_seat_is_free_while_the_request_is_done(box, raw):
    una = box.site("sandbox").find_user("una").id
    viewer = '<tsRequest><user siteRole="Viewer"/></tsRequest>'
    before = box.site("sandbox")
    box.strike([fault("no-seats", at=("PUT users/{user}", "POST users"), times=2)])
    assert error(raw.call("PUT", f"{{s}}/users/{una}", viewer)) == (409, "409014")
    assert box.site("sandbox") == before
    added = raw.call("POST", "{s}/users", '<tsRequest><user name="new" siteRole="Viewer"/></tsRequest>', json=True)
    assert added.json()["user"]["siteRole"] == "Unlicensed"
    assert box.site("sandbox").licences is None
    assert raw.call("PUT", f"{{s}}/users/{una}", viewer).status_code == 200
