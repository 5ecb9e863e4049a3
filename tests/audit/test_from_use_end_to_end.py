"""The policy from use on a Tableau over REST: read, written, planned, applied, and then nothing is left to plan."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random

import pytest
from reading_folder import Desk
from test_from_use import DID, allowed

from tabwarden.model.site import Site
from tabwarden.model.usage import PROOFS, Usage
from tabwarden.sandbox.http.server import running
from tabwarden.store.usage.days import keep

Right = tuple[str, str, str]


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    with running("acme") as sandbox:
        desk = Desk(tmp_path, sandbox.url)
        assert desk.run("read", "--connections").code == 0
        yield desk


def used(desk: Desk, site: Site, before: set[Right]) -> set[Right]:
    """A fifth of what people may was done last week, and is kept; the record reaches back for longer of everything."""
    random, today = Random(7), datetime.now(UTC).date()
    long_ago, lately = ((today - timedelta(days)).isoformat() for days in (200, 7))
    somebody = next(iter(site.users))
    rows = [Usage(long_ago, what, somebody, "", 1, "", "test") for what in DID]
    done = set[Right]()
    for user, content, name in sorted(before):
        whats = [what for what in DID if PROOFS[what].capabilities.get(site.contents[content].kind) == name]
        if whats and random.random() < 0.2:
            rows.append(Usage(lately, random.choice(whats), user, content, 1, "", "test"))
            done.add((user, content, name))
    keep(desk.folder / "store", site.id, rows)
    return done


def test_the_policy_from_use_is_planned_and_applied_and_keeps_what_was_used(desk: Desk) -> None:
    (first,) = desk.snapshots()
    before = allowed(first)
    done = used(desk, first, before)
    written = desk.run("policy", "from-use", "--out", "policy.yaml")
    assert written.code == 0, written.err
    planned = desk.run("plan", "policy", "policy.yaml", "--out", "plan.json")
    assert planned.code in (2, 3), planned.err  # so many rules go that it may be a stop
    plan = json.loads((desk.folder / "plan.json").read_text())
    assert plan["changes"]
    assert (plan["held"], plan["refused"]) == ([], [])
    assert all(stop["waivable"] for stop in plan["stops"]), plan["stops"]
    accept = [f"--accept={stop['id']}={stop['number']}" for stop in plan["stops"]]
    applied = desk.run("apply", "plan.json", "--yes", *accept)
    assert applied.code == 0, applied.out + applied.err
    assert desk.run("read", "--connections").code == 0
    after = allowed(desk.snapshots()[-1])
    assert done <= after, sorted(done - after)[:3]
    assert after < before, sorted(after - before)[:3]
    again = desk.run("plan", "policy", "policy.yaml")
    assert (again.code, "nothing to change" in again.out) == (0, True), again.out


def test_a_what_if_tells_the_use_that_its_plan_tells(desk: Desk) -> None:
    (first,) = desk.snapshots()
    unread = desk.run("whatif", "--json", "lock Default")
    assert json.loads(unread.out)["use"] is None
    done = used(desk, first, allowed(first))
    granted = {user for group in first.groups.values() if group.minimum_site_role for user in group.members}
    plain = {user.id for user in first.users.values() if user.site_role in ("Viewer", "Explorer", "Creator")} - granted
    user = next(user for user, _, name in sorted(done) if name == "Read" and user in plain)
    change = f"set {user} to Unlicensed"
    (words,) = json.loads(desk.run("whatif", "--json", change).out)["use"]
    assert re.fullmatch(r"1 of 1 who lose sight of something used it in the last 90 days: .+", words)
    assert words in desk.run("whatif", change).out.replace("\n", " ")
    planned = desk.run("plan", "change", change, "--out", "plan.json")
    assert planned.code in (2, 3), planned.err
    assert words in json.loads((desk.folder / "plan.json").read_text())["notes"]
