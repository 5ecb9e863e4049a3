"""Laws that hold for every Site: of answers, and of what changes do to them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st
from sites_of_chance import CAPABILITIES, GROUPS, MODES, USERS, rule_lists, self_managed, sites, with_mode

from tabwarden.access.abilities.ability import ACTIONS, can
from tabwarden.access.reference import may
from tabwarden.effects import content as effects
from tabwarden.effects import people
from tabwarden.model.site import (
    CUSTOMIZABLE,
    LOCKED,
    LOCKED_WITHOUT_NESTED,
    Content,
    Grantee,
    Group,
    GroupSet,
    Rules,
    Site,
)

MODELS = ("current", "classic", "deny_first")
# Deadlines measure the machine, and a Site takes many draws.
quick = settings(
    deadline=None, max_examples=20, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large]
)


def verdicts(site: Site, model: str = "current") -> dict[tuple[str, str, str], str]:
    return {
        (user, capability, content): may(site, user, capability, content, model=model).verdict
        for user in site.users
        for content in site.contents
        for capability in CAPABILITIES
    }


def allowed(site: Site, model: str = "current") -> set[tuple[str, str, str]]:
    return {key for key, verdict in verdicts(site, model).items() if verdict == "allowed"}


def without_editing(found: Mapping[tuple[str, str, str], str]) -> dict[tuple[str, str, str], str]:
    return {key: verdict for key, verdict in found.items() if key[1] != "ChangePermissions"}


# -- laws of answers ------------------------------------------------------------------------------------------


@quick
@given(sites())
def test_where_everything_was_read_nothing_is_unknown(site: Site) -> None:
    for model in MODELS:
        assert set(verdicts(site, model).values()) <= {"allowed", "denied"}
    for action in ACTIONS:
        for content in ("p", "w", "w1"):
            if (action, content) != ("create_metric", "p"):
                assert can(site, "ann", action, content, target="q", to="bob").verdict in (
                    "allowed",
                    "denied",
                    "unknown",
                )


@quick
@given(sites(), st.randoms(use_true_random=False))
def test_the_order_of_anything_does_not_matter(site: Site, random: Any) -> None:
    def shuffled(table: Mapping[str, Any]) -> dict[str, Any]:
        names = list(table)
        random.shuffle(names)
        return {name: table[name] for name in names}

    def anew(rules: Rules | None) -> Rules:
        listed = list(rules or ())
        random.shuffle(listed)
        return frozenset(listed)

    contents = {i: replace(c, rules=anew(c.rules)) for i, c in shuffled(site.contents).items()}
    other = replace(site, users=shuffled(site.users), groups=shuffled(site.groups), contents=contents)
    for model in MODELS:
        for user, capability, content in verdicts(site, model):
            assert may(site, user, capability, content, model=model) == may(
                other, user, capability, content, model=model
            )


@quick
@given(sites(), rule_lists(), st.sampled_from(["p", "c", "w", "w1", "x", "top"]), st.booleans())
def test_a_further_deny_never_gives_access(site: Site, more: Rules, where: str, as_default: bool) -> None:
    denies = frozenset(rule._replace(mode="Deny") for rule in more)
    held = site.contents[where]
    if as_default and held.kind == "project":
        stricter = replace(held, defaults={"workbook": (held.defaults["workbook"] or frozenset()) | denies})
    else:
        stricter = replace(held, rules=(held.rules or frozenset()) | denies)
    for model in MODELS:
        assert allowed(site.with_contents(stricter), model) <= allowed(site, model)


@quick
@given(sites(), rule_lists(leaders=True), st.sampled_from(["p", "c", "top"]))
def test_denying_leadership_never_gives_access_either(site: Site, more: Rules, where: str) -> None:
    denies = frozenset(rule._replace(mode="Deny") for rule in more)
    stricter = replace(site.contents[where], rules=(site.contents[where].rules or frozenset()) | denies)
    for model in MODELS:
        assert allowed(site.with_contents(stricter), model) <= allowed(site, model)


@quick
@given(sites())
def test_deny_first_and_unlicensed_only_take_away(site: Site) -> None:
    assert allowed(site, "deny_first") <= allowed(site, "current")
    nobody = site.with_users(*(replace(u, site_role="Unlicensed") for u in site.users.values()))
    for model in MODELS:
        assert allowed(nobody, model) == set()
    for action in ACTIONS:
        for content in ("p", "c", "w", "w1"):
            assert can(nobody, "ann", action, content, target="q").verdict == "denied", (action, content)


@quick
@given(sites())
def test_administrators_have_everything_that_exists(site: Site) -> None:
    boss = site.with_users(replace(site.users["ann"], site_role="SiteAdministratorCreator"))
    for model in MODELS:
        for content in ("w", "x1"):
            for capability in ("Read", "ChangePermissions", *(("NotYetNamed",) if model != "classic" else ())):
                assert may(boss, "ann", capability, content, model=model).because == "admin"


def renamed(site: Site, to: Mapping[str, str]) -> Site:
    def of_rules(rules: Rules | None) -> Rules | None:
        named = (r._replace(grantee=Grantee(r.grantee.kind, to.get(r.grantee.id, r.grantee.id))) for r in rules or ())
        return None if rules is None else frozenset(named)

    def of_content(held: Content) -> Content:
        defaults = {kind: of_rules(listed) for kind, listed in held.defaults.items()}
        return replace(held, owner=to[held.owner], rules=of_rules(held.rules), defaults=defaults)

    def of_group(held: Group) -> Group:
        members = None if held.members is None else frozenset(to[m] for m in held.members)
        return replace(held, id=to.get(held.id, held.id), members=members)

    groups = [of_group(g) for g in site.groups.values()]
    sets = [GroupSet(s.id, s.name, frozenset(to[g] for g in s.groups)) for s in site.group_sets.values()]
    return replace(
        site,
        users={to[i]: replace(u, id=to[i], name=to[i]) for i, u in site.users.items()},
        groups={g.id: g for g in groups},
        group_sets={s.id: s for s in sets},
        contents={i: of_content(c) for i, c in site.contents.items()},
    )


@quick
@given(sites())
def test_other_names_give_the_same_answers_under_other_names(site: Site) -> None:
    to = {name: f"{chr(220 - ord(name[0]))}-{name}" for name in (*USERS, *GROUPS)}
    other = renamed(site, to)
    for model in MODELS:
        for user, capability, content in verdicts(site, model):
            before = may(site, user, capability, content, model=model)
            after = may(other, to[user], capability, content, model=model)
            assert (before.verdict, before.because, before.at) == (after.verdict, after.because, after.at)
            if before.because != "project_leader":  # of several rules that make one a leader the first by id is told
                named = {(r.grantee.kind, to.get(r.grantee.id, r.grantee.id), r.mode) for r in before.deciding}
                assert named == {(r.grantee.kind, r.grantee.id, r.mode) for r in after.deciding}


# -- laws of effects ------------------------------------------------------------------------------------------


@quick
@given(sites(), st.sampled_from(["top", "p", "q"]))
@pytest.mark.parametrize(
    ("before", "after"),
    [(LOCKED, CUSTOMIZABLE), (LOCKED, LOCKED_WITHOUT_NESTED), (LOCKED_WITHOUT_NESTED, CUSTOMIZABLE)],
)
def test_unlocking_changes_nobodys_access_but_the_editing_of_permissions(
    before: str, after: str, site: Site, project: str
) -> None:
    locked = with_mode(site, project, before)
    unlocked = effects.set_mode(locked, project, after)
    assert without_editing(verdicts(unlocked)) == without_editing(verdicts(locked))
    assert allowed(locked) <= allowed(unlocked)


@quick
@given(sites(), st.sampled_from(["top", "p", "q"]), st.sampled_from([LOCKED, LOCKED_WITHOUT_NESTED]))
def test_a_lock_leaves_one_list_and_unlocking_does_not_bring_the_old_back(site: Site, project: str, mode: str) -> None:
    open_site = with_mode(site, project, CUSTOMIZABLE)
    locked = effects.set_mode(open_site, project, mode)
    again = effects.set_mode(locked, project, CUSTOMIZABLE)
    expected = locked.contents[project].defaults["workbook"]
    for name, parent in (("w", "p"), ("x", "c"), ("y", "q")):
        governed = parent == project or (mode == LOCKED and project in open_site.ancestors(parent))
        if governed:
            assert again.contents[name].rules == expected
        elif self_managed(open_site, CUSTOMIZABLE).count(parent):
            assert again.contents[name].rules == open_site.contents[name].rules
    assert without_editing(verdicts(again)) == without_editing(verdicts(locked))


@quick
@given(sites(), st.sampled_from(["w", "x", "y"]))
def test_hiding_tabs_changes_nothing_and_showing_them_makes_views_like_their_workbook(site: Site, book: str) -> None:
    shown = effects.show_tabs(site, book)
    assert verdicts(effects.hide_tabs(shown, book)) == verdicts(shown)
    for user in site.users:
        for view in site.children(book):
            for capability in ("Read", "WebAuthoring", "ChangePermissions", "NotYetNamed"):
                on_view, on_book = (may(shown, user, capability, c).verdict for c in (view, book))
                assert on_view == on_book
    assert {k: v for k, v in verdicts(shown).items() if k[2] not in site.children(book)} == {
        k: v for k, v in verdicts(site).items() if k[2] not in site.children(book)
    }


@quick
@given(sites(), st.sampled_from(["w", "x", "c"]), st.sampled_from(["q", "top", None]))
def test_a_move_leaves_everything_outside_as_it_was(site: Site, content: str, target: str | None) -> None:
    assume(target is not None or content == "c")
    inside = {content, *site.below(content)}
    moved = effects.move(site, content, target)
    assert moved.contents[content].parent == target
    assert {i: c for i, c in moved.contents.items() if i not in inside} == {
        i: c for i, c in site.contents.items() if i not in inside
    }


def dangling(site: Site) -> set[str]:
    """Ids that something speaks of and that are not on the Site."""
    known = {"user": site.users, "group": site.groups, "groupSet": site.group_sets}
    found = {c.owner for c in site.contents.values() if c.owner not in site.users}
    found |= {c.parent for c in site.contents.values() if c.parent is not None and c.parent not in site.contents}
    lists = [rules for c in site.contents.values() for rules in (c.rules, *c.defaults.values())]
    found |= {r.grantee.id for rules in lists for r in rules or () if r.grantee.id not in known[r.grantee.kind]}
    found |= {m for g in site.groups.values() for m in g.members or () if m not in site.users}
    return found | {g for s in site.group_sets.values() for g in s.groups if g not in site.groups}


@st.composite
def changes(draw: st.DrawFn, site: Site) -> Site:
    """One effect or event with ids of that Site."""
    one = {
        "project": draw(st.sampled_from(["top", "p", "c", "q"])),
        "workbook": draw(st.sampled_from(["w", "x", "y"])),
        "user": draw(st.sampled_from(USERS)),
        "group": draw(st.sampled_from(GROUPS)),
    }
    project, workbook, user, group = one.values()
    heir = draw(st.sampled_from([None, *(u for u in USERS if u != user)]))
    new = Content("new", "project", "new", project, user)
    book = Content("book", "workbook", "book", project, user)
    made = {
        "set_mode": lambda: effects.set_mode(site, project, draw(st.sampled_from(MODES))),
        "show_tabs": lambda: effects.show_tabs(site, workbook),
        "hide_tabs": lambda: effects.hide_tabs(site, workbook),
        "add_rules": lambda: effects.add_rules(site, workbook, draw(rule_lists())),
        "replace_rules": lambda: effects.replace_rules(site, project, draw(rule_lists()), default_for="workbook"),
        "remove_leader": lambda: effects.remove_leader(site, project, Grantee("user", user)),
        "create_project": lambda: effects.create_project(site, new),
        "publish": lambda: effects.publish(site, book, [Content("page", "view", "page", None, user)]),
        "overwrite": lambda: effects.overwrite(site, workbook, user, [Content("page", "view", "page", None, user)]),
        "change_owner": lambda: effects.change_owner(site, workbook, user),
        "move": lambda: effects.move(site, workbook, project),
        "assign": lambda: effects.assign_to_contents(site, project),
        "delete": lambda: effects.delete_content(site, project),
        "remove_user": lambda: people.remove_user(site, user, heir=heir).site,
        "delete_group": lambda: people.delete_group(site, group).site,
        "delete_group_set": lambda: people.delete_group_set(site, "s").site,
        "left_group": lambda: people.group_sync(site, group, user, gone=True).site,
    }
    return made[draw(st.sampled_from(sorted(made)))]()


@settings(quick, max_examples=60)
@given(st.data())
def test_no_change_leaves_an_id_that_is_nowhere_or_a_view_with_an_owner_of_its_own(data: st.DataObject) -> None:
    site = data.draw(sites())
    after = data.draw(changes(site))
    assert dangling(site) == set()
    assert dangling(after) == set()
    for held in after.contents.values():
        if held.kind == "view":
            assert held.owner == after.contents[str(held.parent)].owner
    assert site.contents.keys() >= after.contents.keys() - {"new", "book", "page"}
