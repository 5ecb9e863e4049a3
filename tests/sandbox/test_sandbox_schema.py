"""The classes that tableau-api-client makes from Tableau's schema read every answer to a GET."""

from __future__ import annotations

import json
import re
import subprocess

from foreign_clients import ANSWERS, ANSWERS_PINS, python_of_clients
from full_world import full_sandbox
from paths import ROOT
from watchdog import patience

from tabwarden.sandbox.http.endpoints import TABLE

VERSION = "3.22"  # the newest that is played and in the client's schema
# What the client's schema does not have, by endpoint, and why the sandbox answers it all the same.
ASSETS = "the schema has no lists of the Metadata methods"
OWNED = "test answers of Tableau's own client name the owner there"
NOT_IN_SCHEMA = {
    "GET sites/{site}/jobs/{job}": "how a removal of people ended has types of notes that are believed",
    "GET sites/{site}/databases": ASSETS,
    "GET sites/{site}/tables": ASSETS,
    "GET sites/{site}/tables/{table}": "that a table names its database as its location is believed",
    "GET sites/{site}/tables/{table}/columns": ASSETS,
    "GET sites/{site}/databases/{database}/permissions": OWNED,
    "GET sites/{site}/tables/{table}/permissions": OWNED,
    "GET sites/{site}/databases/{database}/default-permissions/tables": OWNED,
}


def answers():
    """What the sandbox answers to each GET that answers no file, plainly and with all fields."""
    with full_sandbox() as (raw, ids):
        for endpoint in TABLE:
            if endpoint.method != "GET" or endpoint.file or not endpoint.within(VERSION):
                continue
            above = endpoint.path.split("/{task}")[0].rpartition("/")[2]
            path = re.sub(r"\{(\w+)\}", lambda m, above=above: ids.get(f"{m[1]} of {above}", ids[m[1]]), endpoint.path)
            for query in ("", "?fields=_all_"):
                answer = raw.get(path + query, version=VERSION)
                assert answer.status_code == 200, answer.text
                yield endpoint.name + query, answer.text


def test_every_get_is_read_by_classes_of_the_schema():
    asked = dict(answers())
    done = subprocess.run(
        [python_of_clients(ANSWERS, ANSWERS_PINS), ROOT / "tests/foreign/their_schema.py"],
        input=json.dumps(asked),
        capture_output=True,
        text=True,
        check=False,
        timeout=patience(60),
    )
    assert done.returncode == 0, done.stderr
    wrong = json.loads(done.stdout)
    assert {name.partition("?")[0] for name in wrong} == NOT_IN_SCHEMA.keys(), json.dumps(wrong, indent=1)
    assert len(asked) > 100
