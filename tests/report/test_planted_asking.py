"""Planted bugs of lists, finding and what is typed; each is found by the few lines below."""

from __future__ import annotations

from contextlib import redirect_stderr
from dataclasses import replace
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from patched_modules import Patch, fresh, planted, source_with
from small_site import rules
from test_lists import company

from tabwarden.model.site import Grantee
from tabwarden.store.snapshots import Snapshot

MODULES = ("model.resolver", "report.lists", "report.finding", "access.granted", "store.names", "commands._words")
SNAPSHOT = Snapshot(1, 1, "2026-04-01T00:00:00Z", "", "", "https://t.example", "", "", "", "", (), 0, 0, 0)


def rows(lists: Any, site: Any, name: str, **choice: Any) -> list[Any]:
    return [values[0] for _, values in lists.chosen(site, name, lists.Chosen(**choice)).rows]


def first_wrong(load: Any, folder: Path) -> str | None:
    """The first thing that is not as it must be."""
    resolver, lists, finding, granted, names, words = map(load, MODULES)
    site = company()
    if set(rows(lists, site, "users", where=["last_sign_in<2026"])) != {"adm", "bob", "eve", "joe"}:
        return "never"
    if "joe" not in rows(lists, site, "users", idle=90) or "joe" in rows(lists, site, "users", idle=92):
        return "days"
    if rows(lists, site, "users", where=["owns=1"]) != ["bob"]:
        return "owned"
    if rows(lists, site, "users", sort="last_sign_in")[-1] != "zoe":
        return "order"
    if rows(lists, site, "projects", inside="Finance") != ["Finance/Year"]:
        return "inside"
    unread = site.with_groups(replace(site.groups["Sales"], members=None))
    if rows(lists, unread, "groups", where=["members=0"]) != ["Apart"]:
        return "members"
    if [thing.name for thing in finding.things_called(site, ["finance", "over"])] != ["Finance/Year/Budget/Overview"]:
        return "find"
    budget = replace(site.contents["w1"], rules=rules("group:Sales +Read", "user:zoe +Write"))
    sales = Grantee("group", "Sales")
    if granted.granted(site.with_contents(budget), sales, "w1")[3:] != ((), ()):
        return "lock"
    unlocked = site.with_contents(replace(site.contents["Finance"], mode="ManagedByOwner"), budget)
    if granted.granted(unlocked, sales, "w1").allowed != ("Read",):
        return "granted"
    if resolver.contents_meant(site, "/Finance/Year/") != ("Year",):
        return "slash"
    names.keep(folder, SNAPSHOT, site.with_contents(replace(site.contents["d1"], name="Zed")))
    (file,) = names.known(folder)
    offered = [name for name, _ in names.beginning(file, names.CONTENT, "finance/")]
    if offered != ["Finance/Year", "Finance/Year/", "Finance/Zed"]:
        return "level"
    with redirect_stderr(StringIO()):
        ordered = words.in_order(site, "who", ("Finance", "View"), (words.CAPABILITY, words.CONTENT))
    return None if ordered == ("View", "Finance") else "order of words"


@pytest.mark.parametrize("bug", [pytest.param(bug, id=bug.name) for bug in planted("asking")])
def test_a_planted_bug_is_found(bug: Patch, tmp_path: Path) -> None:
    with fresh(MODULES, {bug.file.removesuffix(".py").replace("/", "."): source_with(bug)}) as load:
        assert first_wrong(load, tmp_path) is not None


def test_without_a_bug_nothing_is_found(tmp_path: Path) -> None:
    with fresh(MODULES, {}) as load:
        assert first_wrong(load, tmp_path) is None
