"""Two snapshots side by side: facts, people gained and lost, what nobody can know, and the command's exit codes."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from random import Random
from types import MappingProxyType
from typing import Any

import pytest
from dense_sites import UNREAD_SHARES, dense_site
from small_site import group, group_set, project, rules, site, workbook
from test_engine_changes import edited
from tiny_sites import tiny_site

from support import command_line
from tabwarden.access.reference import as_seen_by, may
from tabwarden.compare.access_changes import Under
from tabwarden.compare.by_engine import unknown_on_large
from tabwarden.compare.snapshots import Compared, Fact, compared, facts, unknown
from tabwarden.model.capability import capabilities_of
from tabwarden.model.errors import UnknownName
from tabwarden.model.open_points import MODELS
from tabwarden.model.site import Group, Site, Taken
from tabwarden.model.site_settings import SiteSettings
from tabwarden.report.comparison import compared_json, fact_words, unknown_lines
from tabwarden.store import snapshot


def house() -> Site:
    held = site(
        project("p", None, "group:g +Read", workbook=("group:g +Read",)),
        project("q"),
        workbook("w", "p", "group:g +Read", "group:k -Read"),
        users=["ann:Viewer", "joe:Viewer", "zoe:Explorer"],
        groups=[group("g", "ann", "joe"), group("k", "joe")],
        group_sets={"s": group_set("s", "g", "k")},
    )
    return replace(held, taken=Taken("https://tableau.example", "2026-11-20T08:00:00Z"))


def later() -> Site:
    """A day later: ann is renamed, joe gone, una new and in g, the Deny gone, w moved and q locked."""
    held = house()
    people = {u: held.users[u] for u in ("adm", "bob", "zoe")}
    people["ann"] = replace(held.users["ann"], name="anna", site_role="Explorer")
    people["una"] = replace(held.users["zoe"], id="una", name="una", site_role="Viewer")
    groups = {**held.groups, "g": group("g", "ann", "una"), "k": group("k")}
    contents = {
        **held.contents,
        "q": project("q", None, mode="LockedToProject", workbook=("group:g +Read",)),
        "w": workbook("w", "q", "group:g +Read", owner="zoe"),
    }
    when = Taken("https://tableau.example", "2026-11-21T08:00:00Z")
    settings = SiteSettings(commenting=False)
    return replace(held, users=people, groups=groups, contents=contents, taken=when, settings=settings)


def test_every_fact_that_differs_is_told_and_no_other() -> None:
    assert set(facts(house(), later())) == {
        Fact("site", "site", "commenting", True, False),
        Fact("user", "ann", "name", "ann", "anna"),
        Fact("user", "ann", "site_role", "Viewer", "Explorer"),
        Fact("user", "joe", "removed"),
        Fact("user", "una", "added"),
        Fact("group", "g", "members", frozenset({"joe"}), frozenset({"una"})),
        Fact("group", "k", "members", frozenset({"joe"}), frozenset()),
        Fact("content", "q", "mode", "ManagedByOwner", "LockedToProject"),
        Fact("content", "q", "default_rules", frozenset(), rules("group:g +Read"), "workbook"),
        Fact("content", "w", "parent", "p", "q"),
        Fact("content", "w", "owner", "bob", "zoe"),
        Fact("content", "w", "rules", rules("group:k -Read"), frozenset()),
    }
    assert list(facts(house(), house())) == []


def test_facts_are_told_by_name_as_each_site_knows_it() -> None:
    found = compared(house(), later())
    told = {fact_words(found, fact) for fact in found.facts}
    assert told >= {
        ("site", "commenting", "on", "off"),
        ("user anna", "name", "ann", "anna"),
        ("user joe", "", "there", "removed"),
        ("user una", "", "not there", "new"),
        ("group g", "members", "- joe", "+ una"),
        ("project q", "content permissions", "customizable", "locked"),
        ("project q", "rules for new workbooks", "", "+ Allow View to group g"),
        ("workbook q/w", "place", "p", "q"),
        ("workbook q/w", "owner", "bob", "zoe"),
        ("workbook q/w", "rules", "- Deny View to group k", ""),
    }


def test_what_is_added_or_gone_whole() -> None:
    more = house().with_contents(project("n", None, "group:g +Read")).with_groups(group("h", "ann"))
    more = more.with_group_sets(replace(house().group_sets["s"], groups=frozenset({"g", "h"})))
    there = set(facts(house(), more))
    assert there == {
        Fact("group", "h", "added"),
        Fact("group", "h", "members", frozenset(), frozenset({"ann"})),
        Fact("group_set", "s", "groups", frozenset({"k"}), frozenset({"h"})),
        Fact("content", "n", "added"),
        Fact("content", "n", "rules", frozenset(), rules("group:g +Read")),
    }
    gone = {(f.about, f.id, f.what) for f in facts(more, house())}
    assert gone == {("group", "h", "removed"), ("group_set", "s", "groups"), ("content", "n", "removed")}


def test_a_name_that_comes_back_with_another_id_is_somebody_else() -> None:
    held = house()
    again = replace(held.users["joe"], id="joe2")
    users = {u: held.users[u] for u in held.users if u != "joe"} | {"joe2": again}
    found = compared(held, replace(held, users=users, groups={**held.groups, "g": group("g", "ann", "joe2")}))
    assert Fact("user", "joe", "removed") in found.facts
    assert Fact("user", "joe2", "added") in found.facts
    assert {"joe2"} <= found.reach.count.gained


@pytest.mark.parametrize("start", range(0, 36, 12))
def test_people_gained_and_lost_are_those_the_reference_tells(start: int) -> None:
    told = 0
    for seed in range(start, start + 12):
        before = dense_site(seed, unread=UNREAD_SHARES[seed % 4], items=6)
        after, model = edited(before, Random(seed)), MODELS[seed % 3]
        found = compared(before, after, Under(model))
        sure = {d: s.gained for s in found.reach.shifts if s.sure for d in s.every()}
        for user in {*before.users, *after.users}:
            for content in {*before.contents, *after.contents}:
                held = (after if content in after.contents else before).contents[content]
                for capability in capabilities_of(held.kind, model):
                    was, now = (verdict(s, user, capability, content, model) for s in (before, after))
                    differs = {was, now} == {"allowed", "denied"}
                    expected = (now == "allowed") if differs else None
                    assert sure.pop((user, content, capability), None) == expected, (seed, user, content, capability)
                    told += differs
        assert all(name == "NotYetNamed" for _, _, name in sure), "what no table knows"
    assert told > 50


def verdict(held: Site, user: str, capability: str, content: str, model: str) -> str:
    if user not in held.users or content not in held.contents:
        return "denied"
    return may(held, user, capability, content, model=model).verdict


# -- what nobody can know -------------------------------------------------------------------------------------


def test_what_was_not_read_is_shown_and_never_guessed() -> None:
    blind = replace(later(), partial=("members of g",)).with_groups(Group("g", "g", members=None))
    found = compared(house(), blind)
    assert not any(s.sure and s.after is not None and s.after.because == "group_allow" for s in found.reach.shifts)
    assert Fact("group", "g", "members", frozenset({"ann", "joe"}), None) in found.facts
    assert found.unknown[0].decisions == 0
    assert found.unknown[1].decisions > 0
    assert {"ann", "una"} <= found.unknown[1].users
    lost = [s for s in found.reach.shifts if not s.sure]
    assert lost
    assert all(s.after is not None and s.after.verdict == "unknown" for s in lost)
    assert found.reach.count.unsure == sum(s.decisions for s in lost)
    lines = list(unknown_lines(found))
    assert lines[0] == "not read 2026-11-21T08:00:00Z: members of g"
    assert lines[1].startswith("unknown 2026-11-21T08:00:00Z: ")


@pytest.mark.parametrize("seed", range(16))
def test_unknown_decisions_are_counted_alike_by_reference_and_engine(seed: int) -> None:
    held, model = dense_site(seed, unread=UNREAD_SHARES[seed % 4]), MODELS[seed % 3]
    asked = unknown(held, Under(model))
    assert tuple(asked) == unknown_on_large(held, Under(model))
    seen = as_seen_by(held, model)
    assert asked.decisions == sum(
        may(seen, u, c, content.id, model=model).verdict == "unknown"
        for content in seen.contents.values()
        for c in capabilities_of(content.kind, model)
        for u in seen.users
    )


# -- the command ----------------------------------------------------------------------------------------------


def typed(*words: str | Path) -> Any:
    return command_line.run("diff", *words)


def kept(folder: Path, *held: Site) -> list[Path]:
    return [snapshot.save(each, folder) for each in held]


def test_the_command_tells_what_differs_and_leaves_with_2(tmp_path: Path) -> None:
    done = typed(*kept(tmp_path, house(), later()))
    assert done.exit_code == 2, done.output
    first, second, *_ = done.output.splitlines()
    assert first == "Site: 2026-11-20T08:00:00Z and 2026-11-21T08:00:00Z"
    assert second.startswith("12 facts differ; ")
    for words in ("user anna", "- joe", "+ una", "Allow to group g", "gains", "loses"):
        assert words in done.output, words


def test_what_is_the_same_leaves_with_0(tmp_path: Path) -> None:
    again = replace(house(), taken=later().taken)
    done = typed(*kept(tmp_path, house(), again))
    assert done.exit_code == 0, done.output
    assert done.output.splitlines()[1:] == ["nothing differs that could be read"]


def test_the_commands_json_has_facts_people_and_reasons(tmp_path: Path) -> None:
    done = typed(*kept(tmp_path, house(), later()), "--json")
    assert done.exit_code == 2
    told = json.loads(done.output)
    found: Compared = compared(house(), later())
    assert told == json.loads(json.dumps(compared_json(found)))
    assert told["same"] is False
    assert {"about": "user", "id": "joe", "name": "user joe", "what": "removed"} in told["facts"]
    gains = [s for s in told["shifts"] if s["gained"] and "una" in {p["id"] for p in s["people"]}]
    assert any("Read" in s["capabilities"] and s["after"]["decided_by"] == "Allow to group g" for s in gains)
    assert all(s["before"] is None for s in gains), "una was not there"


def test_mistakes_are_told(tmp_path: Path) -> None:
    other = replace(house(), id="other", name="Other", taken=Taken("https://elsewhere.example", "2026-11-22T08:00:00Z"))
    first, second = kept(tmp_path, house(), other)
    done = typed(first, second)
    assert done.exit_code == 1
    for words in ("`Site` (id `site`)", "`Other` (id `other`)", "https://elsewhere.example"):
        assert words in " ".join(done.output.split()), done.output
    done = typed(tmp_path / "nowhere", tmp_path / "neither")
    assert done.exit_code == 1
    assert "nowhere" in done.output
    assert "neither" in done.output
    assert "say what is compared" in typed(first).output
    assert typed(first, second, "--models").exit_code == 1
    assert typed(first, first, "--model", "strict").exit_code == 1
    with pytest.raises(UnknownName, match="different sites"):
        compared(house(), other)


def test_default_rules_that_were_not_read_are_no_empty_rules() -> None:
    held = tiny_site(4)
    unread = replace(held.contents["p"], defaults=MappingProxyType({"workbook": None}))
    (fact,) = facts(held, held.with_contents(unread))
    assert (fact.what, fact.kind, fact.after) == ("default_rules", "workbook", None)
