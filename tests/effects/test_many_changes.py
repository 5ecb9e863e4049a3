"""A list of changes at once is the changes one after the other, each on a Site that knows nothing of those before."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import fields
from random import Random

import pytest
from dense_sites import dense_site
from patched_modules import Patch, in_place, planted

from tabwarden.compare.what_if import Tried, done
from tabwarden.effects.sentences import change_of
from tabwarden.model import indexes, tables
from tabwarden.model.errors import AmbiguousName, UnknownName
from tabwarden.model.site import Site

SEEDS, LINES, ENOUGH = 40, 40, 12
TABLES = ("users", "groups", "group_sets", "contents")
BUGS = [pytest.param(bug, id=bug.name) for bug in planted("many")]


@pytest.fixture(autouse=True)
def laid_over(monkeypatch: pytest.MonkeyPatch) -> None:
    """Small sites too are made as large ones are, and what is recent is soon old."""
    monkeypatch.setattr(tables, "SMALL", 4)
    monkeypatch.setattr(tables, "RECENT", 5)


def plain(site: Site) -> Site:
    """The same Site of dictionaries, of which nothing was counted."""
    values = {field.name: getattr(site, field.name) for field in fields(site)}
    return Site(**values | {table: dict(values[table]) for table in TABLES})


def sentence(site: Site, dice: Random) -> str:
    """Something to do, to somebody or something that is there, or was."""
    new = dice.randrange(9)
    users = [*site.users, *(user.name for user in site.users.values()), f"new{new}"]
    groups = [*(group.name for group in site.groups.values()), f"G{new}"]
    contents = [*site.contents, *map(site.path, site.contents)] or ["none"]
    projects = [content.id for content in site.contents.values() if content.kind == "project"] or ["none"]
    user, group, content, project, other = map(dice.choice, (users, groups, contents, projects, projects))
    whom = dice.choice((f'group "{group}"', f'user "{user}"'))
    where = dice.choice((f'"{content}"', f'workbooks in "{project}"'))
    capability, role = dice.choice(("View", "Filter", "Web Edit")), dice.choice(("Viewer", "Creator", "Unlicensed"))
    return dice.choice(
        (
            f"add user new{new} as {role}",
            f'add user new{new} as Viewer with full name "{dice.choice(users)}"',
            f'give user "{user}" full name "{dice.choice(users)}"',
            f'set "{user}" to {role}',
            f'remove user "{user}"',
            f'remove user "{user}" with heir "{dice.choice(users)}"',
            f'add "{user}" to "{group}"',
            f'remove "{user}" from "{group}"',
            f"new group G{new} granting Viewer on sign-in",
            f'let group "{group}" grant Explorer',
            f'delete group "{group}"',
            f"allow {capability} on {where} to {whom}",
            f"deny {capability} on {where} to {whom}",
            f"remove allow {capability} on {where} from {whom}",
            f"use template View on {where} for {whom}",
            f'make {whom} leader of "{project}"',
            f'remove leader {whom} from "{project}"',
            f'copy rules of {whom} to group "{dice.choice(groups)}"',
            f'turn rules of persons into rules of "{group}"',
            f'assign to contents of "{project}" and nested projects',
            f'lock "{project}"',
            f'unlock "{project}"',
            f'move "{content}" to "{project}"',
            f'move "{content}" to the top level',
            f'give "{content}" to "{user}"',
            f'give everything of "{user}" to "{dice.choice(users)}"',
            f'new project "{site.path(project)}/P{new}" like "{other}"',
            f'new project "P{new}"',
            f'delete "{content}"',
        )
    )


def one_by_one(site: Site, dice: Random) -> Iterator[tuple[str, Site, Tried]]:
    """Sentences by chance that are understood, each with the Site after it."""
    for _ in range(LINES):
        site = plain(site)
        words = sentence(site, dice)
        try:
            change_of(site, words)
        except (UnknownName, AmbiguousName):
            continue
        site, tried = done(plain(site), [words])
        yield words, site, tried[0]


def counted(site: Site, name: str) -> Mapping[object, object]:
    """An index, whatever its order and where it is empty."""
    index = getattr(site, name)
    return {key: sorted(index[key]) if name != "_repeated" else index[key] for key in index if index[key]}


def hold(seed: int) -> int:
    """The law for one site by chance; how many changes were done."""
    site, steps = dense_site(seed), list(one_by_one(dense_site(seed), Random(seed)))
    if not steps:
        return 0
    for name in indexes.CARRIED:
        getattr(site, name)  # so that each is carried through all changes
    after, tried = done(site, [words for words, _, _ in steps])
    expected = steps[-1][1]
    assert after == expected
    assert [[*getattr(after, table)] for table in TABLES] == [[*getattr(expected, table)] for table in TABLES]
    assert [len(getattr(after, table)) for table in TABLES] == [len(getattr(expected, table)) for table in TABLES]
    assert list(tried) == [outcome for _, _, outcome in steps]
    for name in indexes.CARRIED:
        assert name in after.__dict__
        assert counted(after, name) == counted(plain(expected), name), name
    assert {user: after.called(user) for user in after.users} == {user: expected.called(user) for user in after.users}
    for table in TABLES:
        before, changed = getattr(site, table), getattr(after, table)
        unlike = changed.unlike(before) if isinstance(changed, tables.Changed) else None
        differ = {key for key in {*before, *changed} if before.get(key) != changed.get(key)}
        assert unlike is None or unlike == differ
        assert tables.in_order(changed, differ) == [key for key in changed if key in differ]
    return sum(outcome.done for _, _, outcome in steps)


def test_a_list_at_once_is_its_changes_one_after_the_other() -> None:
    assert sum(map(hold, range(SEEDS))) > SEEDS * LINES // 4


@pytest.mark.parametrize("bug", BUGS)
def test_a_planted_bug_breaks_the_law(bug: Patch) -> None:
    with in_place(bug), pytest.raises((AssertionError, KeyError, UnknownName)):
        assert sum(map(hold, range(ENOUGH))) > 0
