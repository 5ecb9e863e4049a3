"""The three models beside each other, and who is in only by owner, leader, a rule in person or the order of sets."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from dense_sites import UNREAD_SHARES, dense_site
from small_site import group, group_set, project, site, workbook
from test_reach import names_it
from tiny_sites import decisions, tiny_site

from support import command_line
from tabwarden.access.few import few
from tabwarden.access.reference import may
from tabwarden.compare.alike import alike
from tabwarden.compare.by_engine import groups_that_differ
from tabwarden.compare.models import PERSONAL, differing, exceptions, in_person
from tabwarden.model.capability import LEADER_CAPABILITIES
from tabwarden.model.open_points import OpenPoints
from tabwarden.model.site import Rule, Site
from tabwarden.store import snapshot


def house() -> Site:
    return site(
        project("p", None, "user:lea +ProjectLeader", owner="pat"),
        workbook("w", "p", "group:All Users -Read", "user:ann +Read", "group:g +Read", "groupSet:s -Read", owner="bob"),
        workbook("x", "p", "group:g +Read", "groupSet:s -Read", owner="adm"),
        workbook("v", "w", kind="view", owner="bob"),
        users=["ann:Viewer", "joe:Viewer", "lea:Creator", "pat:Creator", "eve:Viewer"],
        groups=[group("g", "joe"), group("h", "joe")],
        group_sets={"s": group_set("s", "g", "h")},
    )


def test_who_is_in_only_by_an_exception() -> None:
    found = {(u, e.content): e.current.because for e in exceptions(house(), "Read") for u in e.users}
    assert found == {
        ("ann", "w"): "user_allow",
        ("bob", "w"): "content_owner",
        ("lea", "w"): "project_leader",
        ("pat", "w"): "project_owner",
        ("joe", "x"): "group_allow",
        ("ann", "v"): "user_allow",
        ("bob", "v"): "content_owner",
        ("lea", "v"): "project_leader",
        ("pat", "v"): "project_owner",
    }
    assert all(e.other.because == "deny_rule" for e in exceptions(house(), "Read"))


@pytest.mark.parametrize("against", ["deny_first", "classic"])
def test_it_is_exactly_where_the_models_differ(against: str) -> None:
    for seed in range(60):
        held = tiny_site(seed)
        for capability in ("Read", "WebAuthoring", "ChangePermissions", "NotYetNamed"):
            told = {(u, e.content) for e in exceptions(held, capability, against=against) for u in e.users}
            asked = {
                (user, content)
                for user in held.users
                for content in held.contents
                if may(held, user, capability, content).verdict
                != may(held, user, capability, content, model=against).verdict
            }
            assert told == asked, (seed, capability)


@pytest.mark.parametrize("against", ["deny_first", "classic"])
def test_the_engine_finds_the_same_people(against: str) -> None:
    """Large Sites are asked by the engine: the same groups of people, content by content."""
    told = 0
    for seed in range(24):
        held, open_points = (
            dense_site(seed, unread=UNREAD_SHARES[seed % 4]),
            OpenPoints(group_set_deny_is_final=seed % 3 == 0),
        )
        for capability in ("Read", "ChangePermissions", "NotYetNamed"):
            asked = [
                (e.content, e.users) for e in exceptions(held, capability, against=against, open_points=open_points)
            ]
            found = list(groups_that_differ(held, capability, against, open_points))
            assert sorted(found) == sorted(asked), (seed, capability)
            told += len(found)
    assert told > 50


def test_a_large_site_is_told_as_a_small_one_is() -> None:
    held = dense_site(3, users=60, items=30)
    assert not few(held)
    heard: list[tuple[int, int]] = []
    found = list(differing(held, "Read", progress=lambda done, of: heard.append((done, of))))
    assert sorted(found, key=repr) == sorted(exceptions(held, "Read"), key=repr)
    assert heard[-1] == (len(held.contents), len(held.contents))


def test_people_who_are_alike_have_the_same_answers() -> None:
    for seed in range(60):
        held = tiny_site(seed)
        keys = alike(held)
        for user, content, capability in decisions(held):
            for other in held.users:
                if keys[user] == keys[other] and names_it((user, content, capability), held):
                    mine, theirs = (may(held, u, capability, content).verdict for u in (user, other))
                    assert mine == theirs


def test_who_is_in_only_by_a_rule_in_person_needs_no_deny() -> None:
    held = site(
        project("p", None, "group:heads +ProjectLeader", "user:dan +Read", owner="pat"),
        workbook("w", "p", "group:g +Read", "user:ann +Read", "user:joe +Read", "group:h -Read", owner="bob"),
        workbook("v", "w", kind="view", owner="bob"),
        users=["ann:Viewer", "joe:Viewer", "eve:Viewer", "pat:Creator", "kim:Creator", "dan:Viewer", "una:Unlicensed"],
        groups=[group("g", "joe"), group("h", "bob", "joe"), group("heads", "kim")],
    )
    found = {(u, e.content): e.current.because for e in in_person(held, "Read") for u in e.users}
    # A rule for joe's groups would not let him in: one of them is denied.
    assert found == {
        ("dan", "p"): "user_allow",
        **{(user, "p"): f"project_{role}" for user, role in (("pat", "owner"), ("kim", "leader"))},
        **{("ann", c): "user_allow" for c in "wv"},
        **{("joe", c): "user_allow" for c in "wv"},
        **{("bob", c): "content_owner" for c in "wv"},
        **{("pat", c): "project_owner" for c in "wv"},
        **{("kim", c): "project_leader" for c in "wv"},
    }


def test_nobody_is_left_out_who_would_be_out_without_what_is_personal() -> None:
    """Held against the plain way: everything that names people taken from a Site, and everybody asked again."""
    for seed in range(80):
        held = tiny_site(seed)
        nobody = {
            content.id: replace(
                content,
                owner="",
                rules=None if content.rules is None else frozenset(filter(plain, content.rules)),
                defaults={k: None if r is None else frozenset(filter(plain, r)) for k, r in content.defaults.items()},
            )
            for content in held.contents.values()
        }
        without = replace(held, contents=nobody)
        told = {(u, e.content) for e in in_person(held, "Read") for u in e.users}
        for user, content, named in decisions(held):
            now, then = (may(one, user, named, content) for one in (held, without))
            if named == "Read" and now.allowed and now.because in PERSONAL and then.verdict == "denied":
                assert (user, content) in told, (seed, user, content)


def plain(rule: Rule) -> bool:
    return rule.grantee.kind != "user" and rule.capability not in LEADER_CAPABILITIES


def typed(folder: Path, *words: str) -> Any:
    snapshot.save(house(), folder)
    return command_line.run(*words, "--snapshots", folder)


def test_why_shows_the_models_side_by_side(tmp_path: Path) -> None:
    told = json.loads(typed(tmp_path, "why", "ann", "View", "p/w", "--models", "--json").output)["models"]
    assert {model: (a["verdict"], a["because"]) for model, a in told.items()} == {
        "current": ("allowed", "user_allow"),
        "classic": ("allowed", "user_allow"),
        "deny_first": ("denied", "deny_rule"),
    }
    assert "deny_first\tno" in typed(tmp_path, "why", "ann", "View", "p/w", "--models").output


def test_the_diff_of_models(tmp_path: Path) -> None:
    done = typed(tmp_path, "diff", "--models")
    assert done.exit_code == 0, done.output
    first = done.output.splitlines()[0]
    by = "as owner, as leader, by a rule in person or by what deny_first does not know"
    assert first == f"5 people have View on 4 things only {by}"
    assert "leader of p: user lea" in done.output
    told = json.loads(typed(tmp_path, "diff", "--models", "--json").output)
    assert len(told["differences"]) == 13
    where = {(p["name"], one["content"]["path"]) for one in told["differences"] for p in one["people"]}
    assert where >= {("lea", "p"), ("pat", "p"), ("lea", "p/x"), ("pat", "p/x"), ("ann", "p/w")}
    assert typed(tmp_path, "diff").exit_code == 1
    assert typed(tmp_path, "diff", "--models", "--against", "current").exit_code == 1
