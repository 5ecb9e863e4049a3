"""The parts of `script/connectors` that need no connector: what counts as equal, and the receiver of OpenMetadata's."""

from __future__ import annotations

import sys

import pytest
import requests
from paths import ROOT
from watchdog import patience

sys.path.insert(0, str(ROOT / "connectors"))
import outcome
import receiver

SERVICE = {"name": "tableau", "serviceType": "Tableau"}
CHART = {"name": "a.b", "service": "tableau", "displayName": "Sheet"}


@pytest.mark.parametrize(
    ("arrived", "equal"),
    [
        ([("1", "a"), ("2", "b")], True),
        ([("1", "a")], False),
        ([("1", "a"), ("2", "c")], False),
        ([("1", "a"), ("2", "b"), ("2", "b")], False),
        ([], False),
    ],
)
def test_equal_is_neither_missing_nor_too_much_nor_twice(arrived, equal):
    (line,) = outcome.compared({"owners": [("1", "a"), ("2", "b")]}, {"owners": arrived})
    assert line.equal is equal
    assert line.on_site == 2


def test_nothing_wanted_is_not_equal():
    (line,) = outcome.compared({"owners": []}, {})
    assert not line.equal


@pytest.fixture
def sent():
    with receiver.receiving() as (address, received):

        def send(method, path, body=None):
            return requests.request(method, f"{address}/v1/{path}", json=body, timeout=patience(10))

        yield send, received


def test_what_is_sent_is_told_back_under_its_full_name(sent):
    send, _received = sent
    service = send("PUT", "services/dashboardServices", SERVICE).json()
    assert send("PUT", "charts/bulk?async=false", [CHART]).json()["numberOfRowsPassed"] == 1
    chart = send("GET", 'charts/name/tableau."a.b"?fields=owners').json()
    assert (chart["displayName"], chart["service"]["id"]) == ("Sheet", service["id"])
    assert send("GET", "charts/name/tableau.other").status_code == 404
    linked = send("PUT", "dashboards", {"name": "w", "service": "tableau", "charts": ['tableau."a.b"']}).json()
    assert [reference["id"] for reference in linked["charts"]] == [chart["id"]]


def test_what_a_run_does_not_tell_any_more_goes(sent):
    send, received = sent
    send("PUT", "charts/bulk", [CHART, {**CHART, "name": "c"}])
    assert send("DELETE", "charts/deleteStale", {"seenFqns": ["tableau.c"]}).json()["numberOfRowsPassed"] == 1
    assert [chart["name"] for chart in received.of("charts")] == ["c"]


def test_whoever_is_looked_for_by_mail_is_a_user(sent):
    send, _received = sent
    (hit,) = send("GET", "search/query?q=email.keyword:Eve@x.y&size=1").json()["hits"]["hits"]
    assert send("GET", f"users/name/{hit['_source']['fullyQualifiedName']}").json()["email"] == "Eve@x.y"


def test_what_it_does_not_play_is_noted(sent):
    send, received = sent
    assert send("GET", "glossaries").status_code == 404
    assert received.unknown == ["GET /api/v1/glossaries"]
