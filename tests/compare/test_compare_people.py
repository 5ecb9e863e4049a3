"""Two people side by side, held against asking the reference about everything for both."""

from __future__ import annotations

import pytest
from dense_sites import dense_site

from tabwarden.access.reference import what
from tabwarden.model.site import Site
from tabwarden.questions import Questions


def _allowed(site: Site, user: str, content: str) -> set[str]:
    allowed = {answer.what for answer in what(site, user, content) if answer.allowed}
    return allowed if "Read" in allowed else set()


@pytest.mark.parametrize("seed", range(12))
def test_the_differences_are_those_of_the_reference(seed: int) -> None:
    site = dense_site(seed)
    one, other = sorted(site.users)[:2]
    expected = {}
    for content in site.contents:
        mine, theirs = _allowed(site, one, content), _allowed(site, other, content)
        if mine != theirs:
            expected[content] = (mine - theirs, theirs - mine)
    rows = Questions(site).beside(one, other)
    assert {row.content: (set(row.more), set(row.less)) for row in rows} == expected
    assert [row.path for row in rows] == sorted((row.path for row in rows), key=str.casefold)


def test_whoever_is_beside_herself_differs_nowhere() -> None:
    site = dense_site(3)
    assert all(not Questions(site).beside(user, user) for user in site.users)
