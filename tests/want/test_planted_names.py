"""Planted bugs of names that fit nobody; each is found by the few lines below."""

from __future__ import annotations

from typing import Any

import pytest
from patched_modules import Patch, fresh, planted, source_with

from tabwarden.model.site import Site, User
from tabwarden.want.provision import Policy, Tasks
from tabwarden.want.roster import Roster, named_only
from tabwarden.want.wanted import Held

MODULES = ("model.resolver", "want.candidates", "want.provision", "want.people.unlisted")
ID = "ab12cd34-0000-4000-8000-00000000beef"
USERS = (
    User("1", "vic", "Viewer"),
    User("2", "mia", "Viewer", email="m@mail.example"),
    User("3", "eve@corp.example", "Viewer"),
    User("4", "ida", "Viewer", "lab.example"),
)
NOW = Site(users={user.id: user for user in USERS})


def roster(*names: str) -> Roster:
    return Roster("list", tuple(named_only(name) for name in names), count=len(names))


def first_wrong(load: Any) -> str | None:
    """The first thing that is not as it must be."""
    resolver, provision, candidates, unlisted = (load(name) for name in (MODULES[0], MODULES[2], *MODULES[1::2]))
    named = {"a": "Top", "b": "top"}
    if resolver.meant("top", named, lambda _: named, lambda i: (named[i],)) != ("b",):
        return "exact spelling"
    if resolver.meant(ID.upper(), {ID}, lambda _: (), lambda _: ()) != (ID,):
        return "id"
    others = resolver.OtherNames(USERS)
    for words, fits in (("vic@corp.example", "1"), ("m@mail.example", "2"), ("eve@lab.example", ""), ("corp\\ida", "")):
        if [one.user for one in others.of(words)] != [*fits]:
            return words
    policy = Policy(group="")
    joined = provision.want(NOW, roster("vic@corp.example"), roster(), Tasks(), policy)
    if joined.site.users != NOW.users or len(joined.held) != 1:
        return "second user"
    left = provision.want(NOW, roster(), roster("vic@corp.example", "mia"), Tasks(), policy)
    if [(one.person, one.leaver) for one in left.held] != [("vic@corp.example", True)]:
        return "leaver"
    held = [Held("vic@corp.example", "", "")]
    found = unlisted.unlisted_users(NOW, (), (), held, candidates.Candidates(NOW, candidates.KnownAs()), ("hr",))
    return None if [user.name for user in found] == ["eve@corp.example", "ida", "mia"] else "unlisted"


@pytest.mark.parametrize("bug", [pytest.param(bug, id=bug.name) for bug in planted("names")])
def test_a_planted_bug_is_found(bug: Patch) -> None:
    with fresh(MODULES, {bug.file.removesuffix(".py").replace("/", "."): source_with(bug)}) as load:
        assert first_wrong(load) is not None


def test_without_a_bug_nothing_is_found() -> None:
    with fresh(MODULES, {}) as load:
        assert first_wrong(load) is None
