"""The policy from use: everybody who used something still may, nobody gains, on sites and uses of chance."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from random import Random
from typing import Any

import pytest
import yaml
from command_line import run
from dense_sites import dense_site
from patched_modules import Patch, in_place, planted
from test_findings import WHOLE, site_of

from tabwarden.access.reference import may
from tabwarden.audit.audited import Audited
from tabwarden.audit.from_use import from_use
from tabwarden.audit.lint import findings_of
from tabwarden.model.site import Site
from tabwarden.model.usage import PROOFS, STANDING, Usage
from tabwarden.questions import Questions
from tabwarden.store.history import History
from tabwarden.store.usage.days import keep

DID = [what for what in PROOFS if what not in STANDING]
LONG_AGO = tuple(Usage("2026-01-01", what, "nobody", "", 1, "", "test") for what in DID)
"""The record reaches back so far of everything."""


def allowed(site: Site) -> set[tuple[str, str, str]]:
    """Who may what where, of all that events prove, by the reference."""
    return {
        (user, content.id, name)
        for content in site.contents.values()
        for name in sorted({p.capabilities[content.kind] for p in PROOFS.values() if content.kind in p.capabilities})
        for user in site.users
        if may(site, user, name, content.id).allowed
    }


def old(site: Site) -> Site:
    contents = {key: replace(one, created="2025-01-01T00:00:00Z") for key, one in site.contents.items()}
    return replace(site, contents=contents)


def uses(site: Site, before: set[tuple[str, str, str]], random: Random) -> Iterator[Usage]:
    """A third of what may be done was done."""
    for user, content, name in sorted(before):
        whats = [what for what in DID if PROOFS[what].capabilities.get(site.contents[content].kind) == name]
        if whats and random.random() < 1 / 3:
            yield Usage("2026-11-20", random.choice(whats), user, content, 1, "", "test")


def broken_law(seeds: range) -> str | None:
    narrower = 0
    for seed in seeds:
        site = old(dense_site(seed, unread=0.08 * (seed % 2)))
        before = allowed(site)
        rows = tuple(uses(site, before, Random(seed)))
        audited = Audited(Questions(site), None, (*LONG_AGO, *rows), "2026-11-29")
        after = allowed(from_use(findings_of(audited, only=("unused-access",)), 90).site)
        used = {(r.user, r.content, PROOFS[r.what].capabilities[site.contents[r.content].kind]) for r in rows}
        if not used <= after:
            return f"seed {seed}: {sorted(used - after)[:3]} was used and is lost"
        if rows and not after <= before:
            return f"seed {seed}: {sorted(after - before)[:3]} is gained"
        narrower += len(before - after)
    return None if narrower > len(seeds) else "hardly anything is narrower"


def test_who_used_something_still_may_and_nobody_gains() -> None:
    assert broken_law(range(60)) is None


@pytest.mark.parametrize("bug", [pytest.param(bug, id=bug.name) for bug in planted("from_use")])
def test_a_planted_bug_breaks_the_law(bug: Patch) -> None:
    with in_place(bug):
        assert broken_law(range(30)) is not None


def test_the_text_keeps_what_was_used_and_says_what_it_leaves(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    view = {
        "kind": "workbook",
        "rules": [{"group": "Staff", "template": "View"}, {"group": "Makers", "template": "View"}],
    }
    site = replace(
        site_of({"projects": {"Sales": {}, "HR": {}}, "content": {"Sales/W": view, "HR/W": view}}), taken=WHOLE
    )
    with History(tmp_path / "store") as history:
        history.keep(site)
    here = ("--store", "store", "--scope", "Sales")
    ended = run("policy", "from-use", *here)
    assert ended.exit_code == 1
    assert "read --use" in ended.output
    ann, book = site.users_named("ann")[0], site.find_content("Sales/W").id
    today = datetime.now(UTC).date().isoformat()
    keep(tmp_path / "store", site.id, [*LONG_AGO, Usage(today, "view", ann, book, 1, "", "test")])
    ended = run("policy", "from-use", *here)
    assert ended.exit_code == 0, ended.output
    text: Any = yaml.safe_load(ended.output)
    assert [rule["group"] for entry in text["content"] for rule in entry["rules"]] == ["Staff"]
    assert "HR" not in text["projects"]
    assert ended.output.startswith("# what was used in the last 90 days: 1 contents")
    assert "Filter" in next(line for line in ended.output.splitlines() if "no event proves" in line)
