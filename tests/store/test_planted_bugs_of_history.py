"""Bugs planted in the history and the time machine are seen, and without a bug nothing is."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from itertools import combinations, pairwise
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from patched_modules import Patch, fresh, planted, source_with
from test_cause import VIEW, later
from test_history import days
from test_pseudonyms import LEAKS, careless, every_byte
from test_restore import in_force, small
from tiny_sites import tiny_site

from tabwarden.compare import cause as causes
from tabwarden.effects import content as effects
from tabwarden.model.errors import TabwardenError
from tabwarden.model.site import (
    CUSTOMIZABLE,
    LOCKED,
    LOCKED_WITHOUT_NESTED,
    Content,
    Grantee,
    Group,
    Rule,
    Rules,
    Site,
)
from tabwarden.store import snapshot
from tabwarden.store.history import History

WHOLE = "from __future__ import annotations"


def of_retention(module: Any) -> str:
    """A retained snapshot that is another one after others went; '' where there is none."""
    for seed in range(4):
        sites, random = days(7, seed=seed), Random(seed)
        with TemporaryDirectory() as folder, History(folder) as history:
            kept = [history.keep(site) for site in sites]
            gone = {one.number for one in random.sample(kept[:-1], 3)}
            module.forget(history, gone)
            for one, site in zip(kept, sites, strict=True):
                try:
                    if one.number not in gone and history.open(one.number) != site:
                        return f"snapshot {one.number} is another one"
                except TabwardenError as error:
                    return str(error)
    return ""


def of_cause(module: Any) -> str:
    """A named change that does not flip the answer alone, or a smaller one that does."""
    for seed in range(60):
        random, history = Random(seed), [tiny_site(seed)]
        while len(history) < 3:
            history.append(later(random, history[-1], random.randint(2, 6)))
        for before, after in pairwise(history):
            for asked in ((user, content, VIEW) for user in before.users for content in before.contents):
                named, now = module.cause(before, after, asked), causes.standing(after, asked)
                if bool(named) is (causes.standing(before, asked) == now):
                    return "a change is named where nothing turned, or none where something did"
                if named and causes.standing(module.put_on(before, after, named), asked) != now:
                    return "what is named does not flip the answer"
                less = (causes.put_on(before, after, fewer) for fewer in combinations(named, max(len(named) - 1, 0)))
                if named and any(causes.standing(site, asked) == now for site in less):
                    return "less than what is named flips it"
    return a_new_group(module)


def a_new_group(module: Any) -> str:
    """A rule for a group that is new needs no second change beside it: put on, it brings the group along."""
    before = small()
    rule = Rule(Grantee("group", "new"), VIEW, "Allow")
    after = before.with_groups(Group("new", "new", members=frozenset({"eve"})))
    after = after.with_contents(replace(before.contents["w"], rules=frozenset({rule})))
    named = module.cause(before, after, ("eve", "w", VIEW))
    return "" if [fact.what for fact in named] == ["rules"] else "the group is named beside the rule for it"


def before_the_havoc() -> Site:
    """Default rules, sheets with rules of their own, a project that is locked with rules."""
    rule = frozenset({Rule(Grantee("user", "ann"), VIEW, "Allow")})
    site = small()
    return site.with_contents(
        replace(site.contents["p"], defaults={"workbook": rule}),
        replace(site.contents["w"], tabs=False),
        replace(site.contents["q"], mode=LOCKED_WITHOUT_NESTED, rules=rule),
        Content("v", "view", "v", "w", "bob", rules=rule),
    )


def havoc(site: Site) -> Site:
    """Unlocked and emptied, locked, moved, sheets overwritten."""
    none: Rules = frozenset()
    site = site.with_contents(replace(site.contents["q"], mode=CUSTOMIZABLE, rules=none))
    site = effects.move(effects.set_mode(site, "c", LOCKED), "c", "q")
    return site.with_contents(replace(site.contents["p"], defaults={}), replace(site.contents["v"], rules=none))


def of_restore(module: Any) -> str:
    """What is in force after an undo and was not before the havoc; a lock before its rules are right."""
    then = before_the_havoc()
    now = havoc(then)
    found = module.restored(now, then, now.contents.keys(), "undo")
    if in_force(found.site) != in_force(then):
        return "not everything is as it was"
    last = [change.op for change in found.changes if change.content.id == "q"][-1]
    return "" if last == "set_mode" else "it was locked before its rules were right"


def of_pseudonyms(module: Any) -> str:
    """A word that must not leak, in any byte."""
    with TemporaryDirectory() as folder:
        place = snapshot.save(module.pseudonymised(careless(), b"key"), Path(folder) / "out")
        told = every_byte(place).decode().casefold()
    return next((word for word in LEAKS if word in told), "")


SUITES: dict[str, Callable[[Any], str]] = {
    "store/retention.py": of_retention,
    "compare/cause.py": of_cause,
    "plan/restore.py": of_restore,
    "store/pseudonyms.py": of_pseudonyms,
}


def seen(bug: Patch) -> str:
    """What the suite of that file says of the module with the bug."""
    name = bug.file.removesuffix(".py").replace("/", ".")
    with fresh((name,), {name: source_with(bug)}) as load:
        return SUITES[bug.file](load(name))


@pytest.mark.parametrize("bug", planted("history"), ids=lambda bug: bug.name)
def test_a_planted_bug_is_seen(bug: Patch) -> None:
    assert seen(bug)


@pytest.mark.parametrize("file", sorted(SUITES))
def test_without_a_bug_nothing_is_seen(file: str) -> None:
    assert seen(Patch("nothing", file, WHOLE, WHOLE)) == ""
