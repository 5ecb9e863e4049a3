"""Sentences on pages: words between back-ticks are code, and a name that people chose keeps each of its characters."""

from __future__ import annotations

import re
from html import unescape
from pathlib import Path

import pytest
from pages_in_process import done, served_in
from small_site import group, project, site, workbook

from tabwarden.model.site import Content
from tabwarden.web.rendering import coded

STAFF = group("staff", "ann")
HOSTILE = ("a`b", "`", "``", "`x`", "a` b `c", "`View`", "x` has `y", "<b>`<i>`", "`\"onload='x'", "`</code><script>`")


@pytest.mark.parametrize(
    ("words", "html"),
    [
        ("ann has `View` on HR", "ann has <code>View</code> on HR"),
        ("`a`, `b` and (`c`)", "<code>a</code>, <code>b</code> and (<code>c</code>)"),
        ("say `--fix <N>`", "say <code>--fix &lt;N&gt;</code>"),
        ("`two\u202e`", "<code>two\\u202e</code>"),
        ("none & <i>", "none &amp; &lt;i&gt;"),
        # Whose these are cannot be told.
        ("a`b has `View` on HR", "a`b has `View` on HR"),
        ("``x`` is no user", "``x`` is no user"),
        ("a`b`c", "a`b`c"),
        ("` x ` is no user", "` x ` is no user"),
    ],
)
def test_words_between_back_ticks_are_code_where_they_are_in_pairs_around_words(words: str, html: str) -> None:
    assert coded(words) == html


@pytest.mark.parametrize("name", HOSTILE)
def test_of_a_name_that_was_chosen_each_character_is_shown(name: str) -> None:
    for words in (f"{name} has `View` on HR", f"no user `{name}`; near it: `ann`", f"{name}", f"`{name}` and {name}"):
        html = coded(words, [name])
        assert set(re.findall("<[^>]*>", html)) <= {"<code>", "</code>"}
        assert "<" not in re.sub("</?code>", "", html)
        text = unescape(re.sub("</?code>", "", html))
        assert text.count(name) >= words.count(name)
        assert unescape(re.sub("</?code>", "`", html)) == words  # nothing is lost


def test_pages_show_hostile_names_whole_and_the_words_of_the_house_as_code(tmp_path: Path) -> None:
    served = served_in(tmp_path / "store")
    for name in HOSTILE:
        contents = [
            project(f"P{name}", None, "group:staff +Read"),
            workbook(f"W{name}", f"P{name}", "group:staff +Read"),
        ]
        whole = site(*contents, users=[f"u{name}:Viewer", "ann:Viewer"], groups=[group("staff", f"u{name}")])
        served.show(whole)
        (book,) = (one.id for one in whole.contents.values() if one.kind == "workbook")

        async def asked(name: str = name, book: str = book) -> list[str]:
            query = {"capability": "View", "content": book}
            async with served.client("adm", "auditor") as auditor, served.client(f"u{name}") as own:
                pages = [await auditor.get("/check/why", params={"user": u, **query}) for u in (f"u{name}", "ann")]
                pages += [await own.get("/check/why", params=query)]
                pages += [await auditor.get("/check/why", params={"user": name, **query})]
                return [page.text for page in pages]

        allowed, denied, own, absent = done(asked())
        for page in (allowed, own):
            (sentence,) = re.findall(r'<p class="sentence">(.*)</p>', page)
            assert f"u{name} has View on P{name}/W{name}" in unescape(re.sub("<.*?>", "", sentence))
            assert "<code>View</code>" in sentence
        assert f"P{name}/W{name}" in unescape(re.sub("</?code>", "", denied))
        assert f"{name}" in unescape(re.sub("</?code>", "", absent))
        assert "<script>`" not in allowed + denied + own + absent


def test_a_hidden_name_changes_nothing_of_how_a_sentence_looks(tmp_path: Path) -> None:
    served = served_in(tmp_path / "store")
    shown, hidden = workbook("Book", "P", "group:staff +Read"), workbook("`View`", "P")

    async def sentence(*contents: Content) -> str:
        there = site(project("P", None, "group:staff +Read"), *contents, users=["ann:Viewer"], groups=[STAFF])
        served.show(there)
        (book,) = (one.id for one in there.contents.values() if one.name == "Book")
        async with served.client("ann") as own:
            page = (await own.get("/check/why", params={"capability": "View", "content": book})).text
        return re.findall(r'<p class="sentence">(.*)</p>', page)[0]

    assert done(sentence(shown)) == done(sentence(shown, hidden))
    assert "<code>View</code>" in done(sentence(shown, hidden))
    assert "`View`" in done(sentence(shown, workbook("`View`", "P", "group:staff +Read")))
