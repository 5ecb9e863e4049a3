"""What a change does to people is exactly what asking everything twice would find."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from random import Random

import pytest

from tabwarden.access.reference import as_seen_by, may
from tabwarden.change.edits import (
    DeleteContent,
    DeleteGroup,
    Edit,
    Join,
    Lead,
    Leave,
    MoveTo,
    NewProject,
    PutRule,
    PutTemplate,
    RemoveUser,
    SetMode,
    SetOwner,
    SetRole,
    SetSetting,
    SetTabs,
    TakeRule,
    Unlead,
)
from tabwarden.change.reach import shifts
from tabwarden.model.governing import governing
from tabwarden.model.site import MODES, Content, Rule, Site, User
from tabwarden.model.switches import MODELS
from tiny_sites import GRANTEES, GROUPS, USERS, decisions, tiny_site

Decision = tuple[str, str, str]


def asked_twice(before: Site, after: Site, model: str) -> dict[Decision, bool]:
    """Decisions that differ, with whether they were gained: by the definition, with no short cut."""
    seen = as_seen_by(before, model), as_seen_by(after, model)
    both = {d for d in (*decisions(before), *decisions(after)) if d[2] != "NotYetNamed" or names_it(d, *seen)}
    found = {}
    for user, content, capability in both:
        was, now = (
            user in site.users
            and content in site.contents
            and may(site, user, capability, content, model=model).allowed
            for site in (before, after)
        )
        if was != now:
            found[user, content, capability] = now
    return found


def names_it(decision: Decision, *sites: Site) -> bool:
    """A capability this release does not know is told of where a rule in force names it."""
    _, content, capability = decision
    lists = [governing(site, content).rules or () for site in sites if content in site.contents]
    return any(rule.capability == capability for rules in lists for rule in rules)


def told(before: Site, after: Site, model: str) -> dict[Decision, bool]:
    found: dict[Decision, bool] = {}
    for shift in shifts(before, after, model=model):
        for user in shift.users:
            assert (user, shift.content, shift.capability) not in found, "told twice"
            found[user, shift.content, shift.capability] = shift.gained
    return found


def some_edit(random: Random) -> Edit:
    user, group = random.choice(USERS), random.choice(GROUPS)
    grantee = random.choice(GRANTEES)
    capability, mode = random.choice(("Read", "WebAuthoring", "ChangePermissions", "NotYetNamed")), random.choice(MODES)
    rule = Rule(grantee, capability, random.choice(("Allow", "Deny")))
    content, project = random.choice("pqwv"), random.choice("pq")
    default_for = "workbook" if content in "pq" and random.random() < 0.7 else None
    made: list[Callable[[], Edit]] = [
        lambda: PutRule(content, rule, default_for),
        lambda: TakeRule(content, rule, default_for),
        lambda: PutTemplate("w", grantee, "View", frozenset({"Read", "Filter"})),
        lambda: Lead(project, grantee),
        lambda: Unlead(project, grantee),
        lambda: Join(group, user),
        lambda: Leave(group, user),
        lambda: DeleteGroup(group),
        lambda: SetRole(user, random.choice(("Creator", "Explorer", "Viewer", "Unlicensed"))),
        lambda: RemoveUser(user, random.choice((None, *(u for u in USERS if u != user)))),
        lambda: SetOwner(random.choice("pqw"), user),
        lambda: SetMode(project, mode),
        lambda: SetTabs("w", random.random() < 0.5),
        lambda: MoveTo("w", project),
        lambda: MoveTo("q", random.choice((None, "p"))),
        lambda: NewProject(Content("n", "project", "n", random.choice((None, "p")), user), random.choice((None, "q"))),
        lambda: DeleteContent(random.choice("qwv")),
        lambda: SetSetting(random.choice(("web_authoring", "group_sets", "commenting")), random.random() < 0.5),
    ]
    return random.choice(made)()


@pytest.mark.parametrize("part", range(4))
def test_shifts_are_what_asking_everything_twice_finds(part: int) -> None:
    done = 0
    for seed in range(part * 60, part * 60 + 60):
        random = Random(f"edits {seed}")
        before = after = tiny_site(seed)
        for _ in range(random.randrange(1, 4)):
            edit = some_edit(random)
            try:
                outcome = edit.done_to(after)
            except KeyError:  # what it speaks of was deleted before
                continue
            after, done = outcome.site, done + outcome.done
        for model in MODELS:
            assert told(before, after, model) == asked_twice(before, after, model), (seed, model)
    assert done > 40


def test_what_was_not_read_is_lost_not_kept() -> None:
    site = tiny_site(3)
    held = site.contents["w"]
    unread = site.with_contents(replace(held, rules=None), replace(site.contents["v"], rules=None))
    for model in MODELS:
        assert told(site, unread, model) == asked_twice(site, unread, model)
        assert told(unread, site, model) == asked_twice(unread, site, model)


def test_a_thousand_alike_are_asked_once() -> None:
    """People who share role and groups come as one shift."""
    site = tiny_site(5)
    crowd = [User(f"u{n}", f"u{n}", "Viewer") for n in range(300)]
    site = site.with_users(*crowd)
    site = site.with_groups(
        replace(site.groups["g"], members=(site.groups["g"].members or frozenset()) | {u.id for u in crowd})
    )
    before = site.with_contents(replace(site.contents["w"], parent="p", rules=frozenset(), tabs=True))
    before = before.with_contents(replace(before.contents["p"], mode="ManagedByOwner"))
    after = PutRule("w", Rule(GRANTEES[3], "Read", "Allow")).done_to(before).site
    found = [s for s in shifts(before, after) if "u0" in s.users]
    assert {(s.content, s.capability, s.gained) for s in found} == {("w", "Read", True), ("v", "Read", True)}
    assert all({u.id for u in crowd} <= set(s.users) for s in found)
