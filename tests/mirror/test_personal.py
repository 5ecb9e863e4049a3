"""A person's catalog level by level is what `browse` shows of a published mirror, and what Questions allow."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from dense_sites import UNREAD_SHARES, dense_site

from tabwarden.engine.convert import columns_of
from tabwarden.mirror.browse import browse
from tabwarden.mirror.build import MirrorRequest, mirrored
from tabwarden.mirror.match import tableau_people
from tabwarden.mirror.personal import MOST_FOUND, Browsable, Personal
from tabwarden.mirror.visible import may_enter
from tabwarden.model.site import Site, Taken, User
from tabwarden.questions import VIEW, Questions
from tabwarden.sandbox.worlds.acme import acme
from tabwarden.sandbox.worlds.finding import world_of

SITES = 40


def listed(personal: Personal) -> set[tuple[str, str]]:
    """Id and parent of all that can be reached from the site downwards."""
    ids = [*personal.of.columns.ids("content"), personal.of.columns.about.id]
    pairs: set[tuple[str, str]] = set()
    open_numbers = [personal.of.site]
    while open_numbers:
        number = open_numbers.pop()
        children = personal.children(number).tolist()
        pairs |= {(ids[child], ids[number]) for child in children}
        open_numbers += [child for child in children if child < len(personal.holder)]
    return pairs


def personal_of(site: Site, user: User, projects: tuple[str, ...] = (), *, enforced: bool = True) -> Personal:
    """The catalog of a user as the pages make it."""
    questions = Questions(site)
    browsable = Browsable.of(questions.engine.columns, projects)
    if not enforced:
        return browsable.seen_by(None)
    may_view = questions.what(user.id).allowed >> questions.engine.bit(VIEW) & 1 != 0
    return browsable.seen_by(may_view, enters=may_enter(user.site_role))


def published(site: Site, projects: tuple[str, ...] = (), *, enforced: bool = True) -> dict[str, set[tuple[str, str]]]:
    """The same of a published mirror, for each user."""
    columns = columns_of(site)
    request = MirrorRequest("s", projects=projects or None, enforced=enforced)
    tables = mirrored(columns, tableau_people(columns), request).tables
    shown = {user.id: browse(tables, user.name).entries for user in site.users.values()}
    return {user: {(e.id, e.parent) for e in entries if e.kind != "site"} for user, entries in shown.items()}


@pytest.mark.parametrize("enforced", [True, False])
def test_of_dense_sites_everybody_sees_what_a_published_mirror_shows(enforced: bool) -> None:
    for seed in range(SITES):
        site = dense_site(seed, unread=UNREAD_SHARES[seed % len(UNREAD_SHARES)], users=8, items=14)
        user = next(iter(site.users.values()))
        if seed % 3 == 0:  # a limited reader was shown all that was read
            site = replace(site, taken=Taken("s", "2026-01-01T00:00:00+00:00", user.name, user.site_role))
        project = next((c.id for c in site.contents.values() if c.kind == "project"), None)
        for projects in ((), (project,)) if project else ((),):
            mirror = published(site, projects, enforced=enforced)
            for one in site.users.values():
                mine = listed(personal_of(site, one, projects, enforced=enforced))
                assert mine == mirror[one.id], f"seed {seed}, user {one.id}"


def test_a_search_finds_by_names_that_one_sees_and_tells_of_no_other() -> None:
    site = next(site for site in world_of(acme(seed=7)).sites if site.content_url == "acme")
    for user in sorted(site.users.values(), key=lambda one: one.name)[:12]:
        personal = personal_of(site, user)
        numbers = np.flatnonzero(personal.holder >= 0).tolist()
        names = personal.of.columns.names.words.at(personal.of.columns.names.content_name).all()
        for words in (
            "a",
            "BUDGET",
            "revenue q",
            "q revenue",
            "nothing of that name",
            "",
            "  ",
            "\n",
            "a\nb",
            "(a+)+$",
            "b u d g e t",
            "b u d g e zzz",
        ):
            every = [word.casefold() for word in words.split()]
            fitting = {n for n in numbers if every and all(word in names[n].casefold() for word in every)}
            hits = personal.found(words)
            assert set(hits) <= fitting
            assert len(hits) == len(set(hits)) == min(len(fitting), MOST_FOUND)


def test_a_search_lists_no_more_than_it_says(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tabwarden.mirror.personal.MOST_FOUND", 3)
    site = next(site for site in world_of(acme(seed=7)).sites if site.content_url == "acme")
    personal = personal_of(site, next(iter(site.users.values())), enforced=False)
    assert len(personal.found("a")) == 3


def test_names_that_hold_line_ends_and_other_letters_are_found() -> None:
    site = dense_site(3, users=2, items=6)
    odd = ("İstanbul ΣΣ", "two\nlines", "half \ud800", "nul \0 in it", "STRASSE", "")
    first = next(c for c in site.contents.values() if c.kind == "project")
    contents = {name: replace(first, id=name, name=name) for name in odd}
    site = replace(site, contents={**site.contents, **contents})
    personal = personal_of(site, next(iter(site.users.values())), enforced=False)
    names = personal.of.columns.names.words.at(personal.of.columns.names.content_name).all()
    for words in ("i\u0307stanbul", "σς", "lines two", "\ud800", "\0", "straße"):
        assert [names[number] for number in personal.found(words)], words


def test_what_lies_in_a_circle_hangs_on_the_site() -> None:
    site = dense_site(5, users=2, items=8)
    first, second = [c for c in site.contents.values() if c.kind == "project"][:2]
    site = site.with_contents(replace(first, parent=second.id), replace(second, parent=first.id))
    for user in site.users.values():
        personal = personal_of(site, user)
        assert listed(personal) <= published(site)[user.id]
        for number in personal.contents.tolist():
            assert len(personal.trail(number)) <= personal.of.site
