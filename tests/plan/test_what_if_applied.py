"""What was tried can be applied: a what-if and a fix become plans, and the site is then as they said."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from test_undo_to import Bench
from tiny_sites import decisions, tiny_site

from tabwarden.access.answer import ALLOWED, DENIED
from tabwarden.access.question import Asked
from tabwarden.access.reference import may
from tabwarden.api import TableauSite
from tabwarden.compare.between_sites import Base
from tabwarden.compare.fix import fixes
from tabwarden.compare.what_if import what_if
from tabwarden.effects.change import carried_out
from tabwarden.effects.sentences import words_of
from tabwarden.model.errors import TabwardenError, UnknownName
from tabwarden.model.governing import managing_project
from tabwarden.model.site import Site
from tabwarden.plan.build import Basis, build
from tabwarden.plan.file import from_json, to_json
from tabwarden.plan.plan import SiteIdentity
from tabwarden.run.context import connected
from tabwarden.run.plans import load_plan
from tabwarden.run.whatif import plan_changes
from tabwarden.sandbox.http.server import running
from tabwarden.tableau.read.site import read_site

BASIS = Basis(kind="changes", site=SiteIdentity("", "", "", ""), made_at="2026-11-28T12:00:00Z")


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    with running("w0") as sandbox:
        yield Bench(sandbox, tmp_path)


def rules_of(site: Site) -> dict[str, object]:
    return {
        c.id: (c.rules, {k: r for k, r in c.defaults.items() if r}, c.mode, c.parent, c.owner, c.tabs)
        for c in site.contents.values()
    }


def sentences(site: Site) -> list[str]:
    """One of every kind that a plan can write."""
    free = [c for c in site.contents.values() if c.kind == "project" and managing_project(site, c.id) is None]
    project = next(p for p in free if any(site.contents[c].kind == "workbook" for c in site.children(p.id)))
    book = next(site.contents[c] for c in site.children(project.id) if site.contents[c].kind == "workbook")
    other = next(p for p in free if p.id not in (project.id, *site.below(project.id)))
    group, user = next(
        (g, u)
        for u in site.users.values()
        for g in site.groups.values()
        if u.site_role == "Viewer" and not g.everyone and u.id not in (g.members or {u.id})
    )
    path, where = site.path(project.id), site.path(book.id)
    return [
        f'add "{user.name}" to "{group.name}"',
        f'deny Filter on "{where}" to group "{group.name}"',
        f'allow View on workbooks in "{path}" to user "{user.name}"',
        f'make group "{group.name}" leader of "{site.path(other.id)}"',
        f'use template Explore on "{where}" for user "{user.name}"',
        f'set "{user.name}" to Explorer',
        f'lock "{path}"',
        f'move "{where}" to "{site.path(other.id)}"',
    ]


def test_a_what_if_is_applied_and_the_site_is_as_it_said(bench: Bench) -> None:
    before, words = bench.site, sentences(bench.site)
    tried = what_if(before, words)
    assert all(one.done for one in tried.tried), tried.tried
    plan = plan_changes(bench.settings, words)
    assert not plan.stops
    assert {change.because for change in plan.changes} <= {words_of(before, one.change) for one in tried.tried}
    assert plan.impact.contents
    applied = bench.apply(from_json(to_json(plan)))
    assert applied.succeeded, applied.not_done
    after = bench.site
    assert rules_of(after) == rules_of(tried.after)
    assert {u.id: u.site_role for u in after.users.values()} == {u.id: u.site_role for u in tried.after.users.values()}
    assert {g.id: g.members for g in after.groups.values()} == {g.id: g.members for g in tried.after.groups.values()}


def test_the_public_face_writes_a_plan_that_is_applied(bench: Bench, tmp_path: Path) -> None:
    with connected(bench.settings) as connection:
        site = TableauSite(read_site(connection))
    words = sentences(bench.site)[:3]
    path = tmp_path / "plan.json"
    plan = site.what_if(*words).plan(path)
    assert [change.op for change in plan.changes] == ["add_to_group", "put_rules", "put_rules"]
    assert bench.apply(load_plan(path)).succeeded
    with connected(bench.settings) as connection:
        after = read_site(connection)
    assert not Base(what_if(site.facts, words).after).differs(after)


def test_what_tableau_would_refuse_or_nobody_can_write_is_no_plan(bench: Bench) -> None:
    site = bench.site
    group = next(g for g in site.groups.values() if g.members and not g.everyone)
    member = site.users[min(group.members or ())].name
    with pytest.raises(TabwardenError, match=r"Tableau would refuse `add .*`: is a member already; mend the changes"):
        plan_changes(bench.settings, [f'add "{member}" to "{group.name}"'])
    with pytest.raises(UnknownName, match="the site has no switch `sleeping`"):
        plan_changes(bench.settings, ["switch off sleeping"])
    assert rules_of(bench.site) == rules_of(site)


def test_every_fix_is_a_plan_that_turns_the_answer() -> None:
    turned = 0
    for seed in range(40):
        site = tiny_site(seed)
        for verdict, capability in ((ALLOWED, "Read"), (DENIED, "Write")):
            asked = Asked("ann", capability, "w")
            for way in fixes(site, asked).ways:
                changes = way.changes(site)
                if any(change.op == "set_setting" for change in changes):
                    continue
                plan = build(BASIS, site, changes)
                assert plan.seen
                assert from_json(to_json(plan)) == plan
                assert may(carried_out(site, changes), "ann", capability, "w").verdict == way.answer.verdict, verdict
                turned += 1
    assert turned > 60


def test_a_plan_tells_what_everybody_may_do_afterwards() -> None:
    """Against the reference, asked everything before and after; the words are those of its verdicts."""
    verdicts = set[str]()
    for seed in range(16):
        site = tiny_site(seed, ("Read", "WebAuthoring", "Write", "ChangePermissions"))
        for sentence in ("lock p", "unlock p", "allow View on w to group g", "deny View on w to user ann"):
            result = what_if(site, [sentence])
            plan = build(BASIS, site, result.changes)
            if not plan.changes:
                continue
            after = carried_out(site, plan.changes)
            answers = [(pair, *(may(s, *pair).verdict for s in (site, after))) for pair in _pairs(site)]
            gain = {user for (user, _, _), before, later in answers if later == ALLOWED and before == DENIED}
            lose = {user for (user, _, _), before, later in answers if later == DENIED and before == ALLOWED}
            differ = [pair for pair, before, later in answers if before != later and ALLOWED in (before, later)]
            rights = plan.impact.rights
            assert rights is not None
            assert (rights.gain, rights.lose, rights.decisions) == (len(gain), len(lose), len(differ)), (seed, sentence)
            told = sum(len(s.people) * len(s.contents) * len(s.capabilities) for s in rights.shifts)
            assert told == rights.decisions
            assert from_json(to_json(plan)) == plan
            verdicts.add(rights.verdict)
    assert {"equal", "narrower", "wider", "both"} <= verdicts


def _pairs(site: Site) -> Iterator[tuple[str, str, str]]:
    """Every decision about what Tableau has, or a rule names."""
    for user, content, capability in decisions(site):
        if capability != "NotYetNamed":
            yield user, capability, content
