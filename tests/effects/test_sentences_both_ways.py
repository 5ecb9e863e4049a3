"""The law of the language: every change, whatever its names and texts hold, is a sentence that means that change."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
import yaml
from by_id import (
    DeleteContent,
    DeleteGroup,
    Describe,
    GiveDetails,
    Join,
    Leave,
    MakeProject,
    MoveTo,
    RemoveUser,
    SetMode,
    SetOwner,
    SetRole,
    SetRow,
    SetTabs,
    on,
)
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from paths import ROOT
from small_site import group, group_set, project, site, workbook

from tabwarden.effects.change import OPS, Change
from tabwarden.effects.ops.content import GiveEverything, SetDescription
from tabwarden.effects.ops.groups import CreateGroup, Grants, ImportGroup, SyncGroup, UpdateGroup
from tabwarden.effects.ops.refreshes import SetRefresh
from tabwarden.effects.ops.rules import Lead, PutRule, PutTemplate, TakeRule, Unlead
from tabwarden.effects.ops.settings import SetNickname, SetSetting
from tabwarden.effects.ops.several import AssignToContents, ClearOneOff, CopyRules, IntoGroup
from tabwarden.effects.ops.users import AddUser
from tabwarden.effects.ref import GROUP, USER, Ref, group_ref
from tabwarden.effects.sentences import change_of, words_of
from tabwarden.model.names import same, visible
from tabwarden.model.refreshes import Refreshes
from tabwarden.model.site import LOCKED, Grantee, Rule, Site, User
from tabwarden.report.plans import sentences
from tabwarden.run.whatif import read_all

SMALL = (
    *("to", "on", "in", "for", "from", "with", "like", "of", "as", "and", "top", "nothing", "group", "user", "set"),
    *("leader", "project", "new", "whoever makes it", "the top level", "empty", "locked", "without nested", "json:"),
    *("granting Viewer", ", expecting 2 added", "described as", "owned by", "at the top level", "domain", "everything"),
    *("user ", "group set ", "workbook:", "workbooks", "Read", "A", "b", "e-mail", ", e-mail ", "deny View", "u0041"),
    *(
        "ann",
        "joe",
        "staff",
        "old",
        "book",
        "other",
        "above",
        "local",
        "corp.example",
        "local\\ann",
        "Nightly",
        "All Users",
    ),
)
MARKS = (
    *(" ", "  ", '"', '""', "\\", '\\"', "\\n", "\n", "\r\n", "\t", "\x00", "\x1b[31m", "\x9b", "\u202e", "\u200b"),
    *("\u2028", "\u00a0", "\U000e0041", "/", ";", ",", ".", ":", "'", "#", "- ", "`", "{", "É", "ß", "営", "e\u0301"),
)
texts = st.lists(st.sampled_from((*SMALL, *MARKS)) | st.text(max_size=3), max_size=6).map("".join)
names = texts.filter(str.strip)


@st.composite
def sites(draw: st.DrawFn) -> Site:
    """A Site of which everything is called as chance has it; now and then two things are called alike."""
    ann, joe, staff, out, both, top, old, book, schedule = draw(st.lists(names, min_size=9, max_size=9))
    rules = ("group:staff +Read", "group:out -Read", "user:ann +Filter")
    plain = site(
        project("above", None, *rules, "user:ann +ProjectLeader", workbook=rules),
        project("old", "above"),
        project("other", None),
        workbook("book", "above", *rules, tabs=False),
        users=["ann:Explorer", "joe:Creator"],
        groups=[group("staff", "ann"), group("out", "joe"), group("board")],
        group_sets={"both": replace(group_set("both", "staff"), name=both)},
        nicknames={"corp.example": "corp"},
        refreshes=Refreshes({}, {schedule: "Extract", "Nightly": "Extract"}) if draw(st.booleans()) else None,
    )
    users = {"ann": ann, "joe": joe}
    groups = {"staff": staff, "out": out}
    contents = {"above": top, "old": old, "book": book}
    return (
        plain.with_users(*(replace(plain.users[i], name=n, domain=draw(domains)) for i, n in users.items()))
        .with_groups(*(replace(plain.groups[i], name=n, domain=draw(domains)) for i, n in groups.items()))
        .with_contents(*(replace(plain.contents[i], name=n) for i, n in contents.items()))
    )


domains = st.sampled_from(("local", "corp.example"))


def changes(place: Site, new: str, text: str, more: str) -> Iterator[Change]:
    """Every op, about things of the Site, something new and texts."""
    ann, staff, both = Grantee("user", "ann"), Grantee("group", "staff"), Grantee("groupSet", "both")
    refs = Ref(USER, new, "corp.example"), Ref(GROUP, new), group_ref(place.groups["staff"])
    edits = (
        *(Join("out", "ann"), Leave("staff", "ann"), SetRole("ann", "Viewer"), DeleteGroup("staff")),
        *(RemoveUser("ann", "joe"), RemoveUser("joe"), DeleteContent("book"), DeleteContent("old")),
        *(MoveTo("book", "old"), MoveTo("old", None), MoveTo("book", "above"), SetMode("above", LOCKED)),
        *(SetMode("old", "ManagedByOwner"), SetOwner("book", "joe"), SetTabs("book", True), Describe("above", text)),
        *(Describe("book", more), GiveDetails("ann", full_name=text, email=more), SetRow("book", staff, ("Read",), ())),
        SetRow("book", both, (), ("Filter", "Read")),
        *(MakeProject(new, above, owner, like) for above, owner, like in (("above", "joe", "old"), (None, "joe", ""))),
    )
    yield from (on(place, edit) for edit in edits)
    yield on(place, MakeProject(new, "old", "joe", None)).but(mode=LOCKED, description=text, owner=None)
    yield AddUser(refs[0], "Viewer", given=more, full_name=text)
    yield AddUser(replace(refs[0], domain="local"), "Viewer", email=more, auth_setting="SAML")
    yield from (
        CreateGroup(refs[1], Grants("Viewer", "onLogin")),
        ImportGroup(Ref(GROUP, new, "corp.example"), Grants()),
    )
    yield UpdateGroup(refs[2], Grants(), Grants("Viewer", "onLogin"))
    yield SyncGroup(refs[2], Grants(), Grants("Viewer", "onSync"), (("added", 2),))
    for who in (ann, staff, both):
        yield from (
            PutRule("book", Rule(who, "Read", "Deny")),
            TakeRule("above", Rule(who, "Read", "Allow"), "workbook"),
        )
        yield from (PutTemplate("book", who, "None", frozenset()), Lead("above", who), Unlead("old", who))
        yield CopyRules(source=who, target=staff, project="above")
    yield from (AssignToContents(project="above"), ClearOneOff(project="old", kinds=("workbook",), nested=True))
    yield from (IntoGroup(into="staff", project="above"), GiveEverything("ann", "joe", (), "old"))
    yield from (SetNickname(Ref("domain", "corp.example"), "corp", new), SetSetting("web_authoring", False))
    schedules = list(place.refreshes.schedules or ()) if place.refreshes else [new, more]
    yield from (SetRefresh.on(place, "book", tuple(filter(str.strip, some))) for some in (schedules, schedules[:1], ()))


def is_free(place: Site, name: str) -> bool:
    """Whether nothing of the Site is called so, nor something new of that name taken apart otherwise."""
    users, groups = ((one(name), one(f"corp.example\\{name}")) for one in (place.users_named, place.groups_named))
    return not (*users[0], *users[1], *groups[0], *groups[1], *place.contents_at(name))


@settings(max_examples=50, deadline=None)
@given(sites(), names, texts, texts)
def test_every_change_is_a_sentence_that_means_it_whatever_it_names(
    place: Site, new: str, text: str, more: str
) -> None:
    assume(is_free(place, new))
    spoken_of = set[str]()
    for change in changes(place, new, text, more):
        words = words_of(place, change)
        assert visible(words) == words, words
        assert change_of(place, words) == change, words
        assert words_of(place, change_of(place, words)) == words
        spoken_of.add(change.op)
    assert spoken_of == OPS.keys()


@settings(max_examples=25, deadline=None)
@given(sites(), names, texts, texts)
def test_what_a_plan_prints_means_what_it_does_where_no_two_things_are_called_alike(
    place: Site, new: str, text: str, more: str
) -> None:
    assume(is_free(place, new))
    called = [same(one.name).strip() for one in (*place.users.values(), *place.groups.values())]
    called += [same(place.path(content)).strip() for content in place.contents]
    assume(len({*called}) == len(called))
    done = [change for change in changes(place, new, text, more) if change.done_to(place).done]
    # What comes after a new project speaks of that project.
    written = [step for change in done for step in change.steps(place)[: 1 if change.op == "new_project" else None]]
    for change, words in zip(written, sentences(written), strict=True):
        assert change_of(place, words).is_same(change), words


SAID = 'led by "ann"\nand \\bob\\'


@pytest.mark.parametrize(
    "quoted", [r"led by \"ann\"\nand \\bob\\", r'led by ""ann""\nand \\bob\\', json.dumps(SAID)[1:-1]]
)
def test_a_mark_in_a_description_is_doubled_or_behind_a_backslash(quoted: str) -> None:
    place = site(project("HR", None))
    assert change_of(place, f'describe HR as "{quoted}"') == on(place, Describe("HR", SAID))


@pytest.mark.parametrize(
    ("written", "name"),
    [
        ('"the ""big"" one"', 'the "big" one'),
        ('the "big" one', 'the "big" one'),
        ('"the "big" one"', 'the "big" one'),
        (r'json:"the \"big\" one"', 'the "big" one'),
        (r'json:"two\nlines"', "two\nlines"),
        (r'"u\u0041"', r"u\u0041"),
    ],
)
def test_a_mark_in_a_name_is_doubled_and_a_backslash_is_a_backslash(written: str, name: str) -> None:
    place = site(project("top", None), users=["ann:Viewer"]).with_groups(replace(group("g"), name=name))
    assert change_of(place, f"add ann to {written}") == on(place, Join("g", "ann"))


def test_a_text_of_a_file_and_of_words_that_a_shell_took_apart_is_what_it_was(tmp_path: Path) -> None:
    place, text = site(project("HR", None)), 'he said "no"; and "yes"'
    file = tmp_path / "changes.yaml"
    file.write_text(yaml.safe_dump([{"describe": "HR", "as": text}], sort_keys=False))
    for words in ([str(file)], ["describe", "HR", "as", text]):
        (sentence,) = read_all(words)
        assert change_of(place, sentence) == on(place, Describe("HR", text))


def test_a_long_name_of_marks_is_read_at_once() -> None:
    place = site(project("HR", None))
    (sentence,) = (words_of(place, on(place, Describe("HR", text))) for text in ('"\\' * 20_000,))
    assert len(change_of(place, sentence).description) == 40_000


def test_the_examples_of_the_page_are_understood() -> None:
    page = (ROOT / "docs" / "how-to" / "what-if.md").read_text(encoding="utf-8")
    examples = re.findall(r"`([^`]+)`", page[page.index("| to write |") : page.index("What Tabwarden prints")])
    place = site(project("Finance", None), users=["ann:Viewer"]).with_groups(
        *(replace(group(f"g{n}"), name=name) for n, name in enumerate(('the "big" one', "How to", "two\nlines")))
    )
    place = place.with_users(User("zoe", "zoe", "Viewer", "corp.example"))
    said = [change_of(place, words) for words in examples if " " in words]
    assert len(said) == 9
    assert [one.description for one in said if isinstance(one, SetDescription)] == [
        *['led by "ann"'] * 2,
        "see C:\\budget\nor ask ann",
    ]
    assert [one.group.name for one in said if isinstance(one, CreateGroup)] == ["A\\B"]
