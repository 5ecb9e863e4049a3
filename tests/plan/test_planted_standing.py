"""Bugs planted in what says where things stand: a small suite passes as it is, and fails with each of them."""

from __future__ import annotations

import os
from pathlib import Path
from unittest.mock import patch

import pytest
from patched_modules import Patch, in_place, planted
from people_site import GROUP, joiners, site

from tabwarden import places
from tabwarden.model.errors import TabwardenError, UnknownName
from tabwarden.plan import rename, stops
from tabwarden.plan.order import diff
from tabwarden.plan.plan import Plan, SiteIdentity
from tabwarden.run import plans
from tabwarden.store.journal import Journal
from tabwarden.want.names.rename import renamed, renames_of
from tabwarden.want.provision import Policy, Tasks, want
from tabwarden.want.roster import Person, Roster

NOW = "2026-11-21T12:00:00Z"


def stops_hold() -> None:
    now = site({"ada": "ServerAdministrator", **{f"v{n}": "Viewer" for n in range(40)}})
    for new, stopped in ((20, []), (21, ["users-added"])):
        wanted = want(now, joiners(*(f"n{n}" for n in range(new))), Roster("none"), Tasks(), Policy(group=GROUP))
        told = stops.people_stops(now, diff(now, wanted.site, wanted.why), stops.Limits(), stops.Guarded("u-ada"))
        assert [stop.id for stop in told] == stopped
    renames = renames_of(now, [f"v{n}=w{n}" for n in range(30)])
    changes = rename.carried(now, renamed(now, renames), renames).changes
    told = stops.people_stops(now, changes, stops.Limits(), stops.Guarded("u-ada"))
    assert "users-added" not in {stop.id for stop in told}
    one = Roster("list", (Person("p", "", "", "", 1, "list"),), count=1)
    changed = stops.Reading("joiners", "list", one, delta=True)
    assert stops.source_stops([changed], {"joiners": 99}, NOW, stops.Limits())[0] == ()


def settings_hold(folder: Path) -> None:
    deep = folder / "a" / "b"
    deep.mkdir(parents=True, exist_ok=True)
    (folder / "a" / "settings.yaml").touch()
    os.chdir(deep)
    assert places.located(None, {}).by == places.ABOVE
    with (
        patch.object(os, "getuid", lambda: 4711),
        patch.object(Path, "stat", lambda self, **more: _owned(self, **more)),
    ):
        assert places.located(None, {"XDG_CONFIG_HOME": str(folder)}).path is None


def _owned(path: Path, **more: bool) -> os.stat_result:
    whole = os.stat(path, **more)
    return os.stat_result((*whole[:4], 4712, *whole[5:10]))


def plans_hold(folder: Path) -> None:
    now = site({"ada": "ServerAdministrator"})
    wanted = want(now, joiners("new"), Roster("none"), Tasks(), Policy(group=GROUP))
    identity = SiteIdentity("https://t.example", "s", "s", "S")
    plan = Plan("provision", identity, NOW, diff(now, wanted.site, wanted.why))
    plans.keep_in(folder, plan)
    assert plans.kept_plans(folder)[0].state == plans.WAITING
    Journal(folder, plan).__exit__(None, None, None)
    assert plans.kept_plans(folder)[0].state == plans.BEGUN
    index = folder / plans.PLANS / plans.INDEX
    index.write_bytes(index.read_bytes() * 2)
    with pytest.raises(UnknownName, match="several plans begin with"):
        plans.plan_meant(folder, plan.id[:6])


def suite(folder: Path) -> None:
    stops_hold()
    settings_hold(folder)
    plans_hold(folder / "store")


def test_it_holds(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    suite(tmp_path)


@pytest.mark.parametrize("bug", [pytest.param(bug, id=bug.name) for bug in planted("standing")])
def test_a_planted_bug_is_seen(bug: Patch, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with in_place(bug), pytest.raises((AssertionError, TabwardenError, pytest.fail.Exception)):
        suite(tmp_path)
