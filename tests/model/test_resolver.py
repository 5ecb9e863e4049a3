"""What a name means: an id, the exact spelling, letter case; who fits by another form of the name alone."""

from __future__ import annotations

import pytest
from small_site import project, site, workbook

from tabwarden.effects.sentences import change_of, words_of
from tabwarden.model.errors import AmbiguousName, UnknownName
from tabwarden.model.resolver import OtherNames
from tabwarden.model.site import Content, Group, Site, User

LUID = "ab12cd34-0000-4000-8000-00000000beef"
NOW = (
    site(project("Top", None), project("Old", None), workbook("Budget", "Top"), users=["ann:Viewer"])
    .with_contents(
        Content("p1", "project", "A", "Top", "ann"),
        Content("p2", "project", "Top/A", None, "ann"),
        Content("w1", "workbook", "A", "Top", "ann"),
        Content("w2", "workbook", "budget", "Top", "ann"),
        Content("v1", "virtualconnection", "To Do", "Top", "ann"),
        Content(LUID, "datasource", "Lake", "Top", "ann"),
    )
    .with_groups(Group("g1", "Read to Write"), Group("g2", "A leader of B"), Group("g3", "Sales", "CORP"))
)


@pytest.mark.parametrize(
    ("words", "meant"),
    [
        ("Top/Budget", "Budget"),
        ("Top/budget", "w2"),  # the exact spelling wins before letter case
        ('"Top/budget"', "w2"),
        ("top/BUDGET", AmbiguousName),
        ("workbook:Top/A", "w1"),
        ('Workbook:"top/a"', "w1"),
        ("Data Source:top/lake", LUID),
        ("virtualConnection:Top/To Do", "v1"),
        (LUID.upper(), LUID),
        ("Top/A", AmbiguousName),
        ("project:Top/A", AmbiguousName),
        ("Lakes", UnknownName),
    ],
)
def test_a_content_is_found_by_id_exact_spelling_letter_case_and_kind(words: str, meant: object) -> None:
    if isinstance(meant, str):
        assert NOW.find_content(words).id == meant
        return
    with pytest.raises(meant):  # type: ignore[call-overload]
        NOW.find_content(words)


def test_what_prints_alike_prints_with_kind_or_id_and_is_found_by_that() -> None:
    written = {content: NOW.written(content) for content in NOW.contents}
    assert (written["p1"], written["p2"], written["w1"]) == ("p1", "p2", "workbook:Top/A")
    assert (written["Budget"], written["w2"]) == ("Top/Budget", "Top/budget")
    assert all(NOW.find_content(words).id == content for content, words in written.items())


@pytest.mark.parametrize(
    "sentence",
    [
        'add "ann" to "Read to Write"',
        'make group "A leader of B" leader of "Old"',
        'move "Top/To Do" to "Old"',
        'allow "View" on workbook:"top/a" to "Sales"',
        'set "ANN" to "Explorer"',
        "lock Old;",
    ],
)
def test_any_name_of_a_sentence_may_stand_in_quotes(sentence: str) -> None:
    change = change_of(NOW, sentence)
    assert change_of(NOW, words_of(NOW, change)) == change


USERS = (
    User("1", "vic", "Viewer", "local", email="vic@corp.example"),
    User("2", "eve@corp.example", "Viewer", "external"),
    User("3", "ida", "Viewer", "corp.example"),
    User("4", "lou", "Viewer", "lab.example", email="l.ou@mail.example"),
)


@pytest.mark.parametrize(
    ("words", "fits"),
    [
        ("vic@corp.example", "1"),
        ("VIC@other.example", "1"),
        ("CORP\\Vic", "1"),
        ("local\\vic@corp.example", ""),  # said to be whole
        ("eve", "2"),
        ("CORP\\eve", "2"),
        ("LAB\\eve", ""),
        ("eve@lab.example", ""),  # two whole addresses
        ("corp\\ida", "3"),  # the NetBIOS name, or nickname
        ("ida@corp.example", "3"),
        ("ida@lab.example", ""),  # a domain that is known to be another
        ("ida@alias.example", "3"),  # a UPN suffix that nobody knows
        ("WEST\\lou", "4"),
        ("l.ou@mail.example", "4"),
        ("vi", ""),
    ],
)
def test_who_fits_by_another_form_is_a_candidate(words: str, fits: str) -> None:
    others = OtherNames(USERS, [("lab.example", "WEST")])
    assert [candidate.user for candidate in others.of(words)] == [*fits]
    # Those of whom nobody else is kept answer the same, and of whom they do not know all are asked.
    for among in ((words,), ("somebody", words), ("somebody",), ()):
        assert OtherNames(USERS, [("lab.example", "WEST")], among).of(words) == others.of(words)


def test_a_name_without_a_domain_is_no_domain_that_is_known() -> None:
    users = (User("1", "ann", "Viewer", "east.example"), User("2", "corp.example", "Viewer"))
    assert [candidate.user for candidate in OtherNames(users).of("ann@corp.example")] == ["1"]


def test_an_error_names_who_has_the_name_in_another_form_and_who_is_called_much_like_it() -> None:
    now = Site(users={user.id: user for user in USERS})
    for words, near in (
        ("vic@corp.example", "`vic` has the e-mail"),
        ("CORP\\vic", "`vic` differs"),
        ("vicc", "`vic`"),
    ):
        with pytest.raises(UnknownName, match=f"no user .*; near it: {near}"):
            now.find_user(words)
