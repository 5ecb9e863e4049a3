"""Bugs planted in the synchronisation of groups: directories of chance see each, beside the sandbox's own sync."""

from __future__ import annotations

import importlib
import random
from dataclasses import replace
from typing import Any

import pytest
from patched_modules import Patch, fresh, planted, source_with
from synced_groups import chance_directory, chance_rules, chance_site, directory_of, picture
from test_groups_match_tableau import JOINED, SITE, at_rest, settled

from tabwarden.sandbox.state.server_state import World
from tabwarden.sandbox.state.sites import State
from tabwarden.want.groups.rules import GroupRule

MODULES = tuple(
    f"want.groups.{name}" for name in ("rules", "ways", "people", "state", "imported", "membership", "remarks", "sync")
)
DIRECTORIES = 60
BUGS = [pytest.param(bug, id=bug.name) for bug in planted("groups")]


def with_bug(bug: Patch) -> Any:
    """The module `want.groups.sync` with a bug somewhere in what it is made of."""
    changed = {bug.file.removesuffix(".py").replace("/", "."): source_with(bug)}
    with fresh(MODULES, changed) as module:
        return module("want.groups.sync")


def first_difference(decider: Any) -> int | None:
    """The first directory of chance where what is forecast is not what the sandbox does, or nothing can be forecast."""
    for seed in range(DIRECTORIES):
        rng = random.Random(seed)
        plain = chance_directory(rng)
        site, _ = chance_site(rng, plain)
        rules = tuple(GroupRule(**rule) for rule in chance_rules(rng, plain, "import"))
        state = State(World("people", (site,), (), (), directory=plain), at_rest)
        now = replace(site, nicknames=JOINED)
        try:
            decision = decider.want_groups(now, directory_of(plain), rules, decider.GroupPolicy())
        except (KeyError, AttributeError):
            return seed
        settled(state, decision)
        if picture(decision.by_import.site) != picture(state.site(SITE)):
            return seed
    return None


@pytest.mark.parametrize("bug", BUGS)
def test_directories_of_chance_see_the_bug(bug: Patch) -> None:
    assert first_difference(with_bug(bug)) is not None


def test_without_a_bug_nothing_is_seen() -> None:
    nothing = "from __future__ import annotations"
    decider = with_bug(Patch("nothing", "want/groups/imported.py", nothing, nothing))
    assert decider is not importlib.import_module("tabwarden.want.groups.sync")
    assert first_difference(decider) is None
