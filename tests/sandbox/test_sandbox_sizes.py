"""Generated worlds hold what their size says, the same every time."""

from __future__ import annotations

from collections import Counter

import pytest

from tabwarden.model.governing import managing_project
from tabwarden.model.site import LOCKED
from tabwarden.sandbox.worlds.finding import HIDDEN_TABS, LOCKED_SHARE, SIZES, sized


def test_a_size_is_what_it_says_and_the_shares_hold() -> None:
    (site,) = sized("rest-s").sites
    size = SIZES["rest-s"]
    kinds = Counter(c.kind for c in site.contents.values())
    assert (len(site.users), len(site.groups)) == (size.users, size.groups)
    assert kinds == {
        "project": size.projects,
        "workbook": size.workbooks,
        "view": size.views,
        "datasource": size.datasources,
        "flow": size.flows,
    }
    items = [c for c in site.contents.values() if c.kind in ("workbook", "datasource", "flow")]
    locked = sum(site.contents[managing_project(site, c.parent) or c.parent].mode == LOCKED for c in items)
    assert locked / len(items) == pytest.approx(LOCKED_SHARE, abs=0.06)
    books = [c for c in items if c.kind == "workbook"]
    assert sum(not b.tabs for b in books) / len(books) == pytest.approx(HIDDEN_TABS, abs=0.06)
    assert max(len(g.members or ()) for g in site.groups.values() if not g.everyone) < 1000


def test_the_same_seed_makes_the_same_world_and_another_another() -> None:
    assert sized("rest-s", 4) == sized("rest-s", 4)
    assert sized("rest-s", 4).sites != sized("rest-s", 5).sites
