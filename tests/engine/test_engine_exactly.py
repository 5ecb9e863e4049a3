"""What small Sites do not show of the engine: more people than a word has bits, two Sites at once, cost by change."""

from __future__ import annotations

from dataclasses import replace
from random import Random

import numpy as np
import pytest
from both_evaluators import Case, mismatches
from dense_sites import ASKED, UNREAD_SHARES, dense_site
from small_site import group, group_set, project, rules, site, workbook
from test_engine_changes import edited

from tabwarden.access.reference import may
from tabwarden.engine import mirror as engine_mirror
from tabwarden.engine import mirror_rows
from tabwarden.engine.align import Pair
from tabwarden.engine.columns import Columns
from tabwarden.engine.convert import columns_of
from tabwarden.engine.difference import Difference
from tabwarden.engine.engine import Engine
from tabwarden.model.open_points import DOCUMENTED, MODELS, OpenPoints
from tabwarden.model.site import Content, Rules, Site, Use, User

WORD = 64  # users to a word of a packed row


# -- two Sites by common numbers ------------------------------------------------------------------------------


def two(seed: int) -> tuple[Site, Site]:
    """Two unrelated Sites: some ids on both, in another order, some on one alone."""
    before = dense_site(seed, unread=UNREAD_SHARES[seed % 4], users=6, items=6)
    after = dense_site(seed + 500, unread=UNREAD_SHARES[seed % 4], users=8, items=8)
    before, after = _with_words_of(before, "Before"), _with_words_of(after, "After")
    people = dict(reversed(after.users.items()))
    return before, replace(after, users=people, groups=dict(reversed(after.groups.items())))


def _with_words_of(held: Site, when: str) -> Site:
    """With a kind, mode, role and capability that only this side knows, at the places where the other has its own."""
    spoken = rules(f"user:u0 +{when}", "user:u1 +Read", f"user:u1 -{when}", "user:ours +Read")
    strange = workbook("w0", "p0", kind=f"Kind{when}", rules=spoken)
    named = project(f"p{when}", None, owner="u1", mode=f"Mode{when}", rules=spoken)
    ours = User(f"ours{when}", "ours", f"Role{when}")
    return held.with_contents(strange, named, workbook("w1", named.id, rules=spoken)).with_users(ours)


@pytest.mark.parametrize("seed", range(12))
def test_sites_by_common_numbers_give_the_answers_they_gave(seed: int) -> None:
    before, after = two(seed)
    model = MODELS[seed % 3]
    pair, _ = Engine(columns_of(before), model).compared_with(columns_of(after))
    assert [*pair.users] == [*before.users, *(u for u in after.users if u not in before.users)]
    assert [*pair.contents] == [*before.contents, *(c for c in after.contents if c not in before.contents)]
    assert len(columns_of(before).contents.kind) <= len(pair.contents) == len(pair.has_content[0])
    for held, columns, there in ((before, pair.before, pair.has_content[0]), (after, pair.after, pair.has_content[1])):
        assert there.tolist() == [c in held.contents for c in pair.contents]
        for capability in ("Read", "ChangePermissions", "NotYetNamed", "Before", "After"):
            _gives_what_it_gave(held, pair, columns, model, capability)


def _gives_what_it_gave(held: Site, pair: Pair, columns: Columns, model: str, capability: str) -> None:
    found = Engine(columns, model).matrix(capability)
    verdicts = ("denied", "allowed", "unknown")
    for row, content in enumerate(pair.contents):
        for column, user in enumerate(pair.users):
            said = verdicts[found[row, column]]
            if user in held.users and content in held.contents:
                assert said == may(held, user, capability, content, model=model).verdict, (user, capability, content)
            elif user not in held.users:
                assert said != "allowed", "whoever is not there gets nothing"


def test_a_site_without_group_sets_becomes_one_with_them() -> None:
    before = site(project("p"), workbook("w", "p", "groupSet:s +Read"), users=["ann:Viewer"])
    after = replace(before, groups={**before.groups, "g": group("g", "ann")}, group_sets={"s": group_set("s", "g")})
    for left, right, gains in ((before, after, True), (after, before, False)):
        pair, difference = Engine(columns_of(left)).compared_with(columns_of(right))
        (piece,) = difference
        assert [pair.users[u] for u in piece.users.tolist()] == ["ann"]
        assert [pair.contents[c] for c in piece.contents.tolist()] == ["w"]
        assert bool(piece.gained.any()) == gains
        assert bool(piece.lost.any()) != gains


def test_what_a_content_uses_is_numbered_too() -> None:
    source = Content("d", "datasource", "d", "p", "bob")
    before = site(project("p"), source, workbook("w", "p"))
    used = replace(workbook("w", "p"), uses=(Use("d", "prompt"), Use("far", "embed")))
    after = site(project("q"), project("p"), workbook("x", "q"), used, source)
    pair, _ = Engine(columns_of(before)).compared_with(columns_of(after))
    uses, auths = pair.after.uses, pair.after.vocabulary.auths
    assert [pair.contents[c] for c in uses.content.tolist()] == ["w", "w"]
    first, far = uses.datasource.tolist()
    assert pair.contents[first] == "d"
    assert far >= len(pair.contents), "only named: beyond all rows"
    assert [auths[a] for a in uses.auth.tolist()] == ["prompt", "embed"]
    assert not len(pair.before.uses.content)


def test_sites_numbered_alike_are_not_copied() -> None:
    held = dense_site(2)
    columns, again = columns_of(held), columns_of(held)
    engine = Engine(columns)
    pair, found = engine.compared_with(again)
    assert found.sides[0] is engine.parts, "nor made anew"
    assert pair.before is columns
    assert pair.after is again
    assert pair.has_content[0].all()
    assert len(pair.has_content[1]) == len(held.contents)
    for told, ids in ((pair.users, [*held.users]), (pair.contents, [*held.contents])):
        assert len(told) == len(ids)
        assert (told[1], told[1:3], list(told)) == (ids[1], ids[1:3], ids)
    renamed = held.with_users(replace(held.users["u0"], full_name="Another Name"))
    assert [*Engine(columns).compared_with(columns_of(renamed))[0].users] == list(held.users)


# -- the cost follows the change ------------------------------------------------------------------------------


def house(**more: object) -> Site:
    """p holds w and x, q holds y; ann in g, joe in h, both in the set s of g alone; lea leads q by group l."""
    return site(
        project("p", None, "group:g +Read"),
        project("q", None, "group:l +ProjectLeader"),
        workbook("w", "p", "group:g +Read", "user:ann +Filter"),
        workbook("x", "p", "group:h +Read", "groupSet:s +Read"),
        workbook("y", "q", "group:g +Read"),
        users=["ann:Viewer", "joe:Viewer", "lea:Creator", "out:Viewer"],
        groups=[group("g", "ann"), group("h", "joe"), group("l", "lea")],
        group_sets={"s": group_set("s", "g")},
        **more,
    )


def differing(before: Site, after: Site) -> tuple[set[str], set[str]]:
    """The people and contents that are looked at again."""
    pair, found = Engine(columns_of(before)).compared_with(columns_of(after))
    assert isinstance(found, Difference)
    people = {pair.users[u] for u in np.flatnonzero(found.changed.users).tolist()}
    return people, {pair.contents[c] for c in np.flatnonzero(found.changed.contents).tolist()}


def test_only_what_differs_is_looked_at_again() -> None:
    held = house()
    assert differing(held, house()) == (set(), set())
    book = held.contents["w"]
    assert differing(held, held.with_contents(replace(book, rules=rules("group:g +Read")))) == (set(), {"w"})
    assert differing(held, held.with_contents(replace(book, rules=rules("group:g -Read", "user:ann +Filter")))) == (
        set(),
        {"w"},
    )
    assert differing(held, held.with_contents(replace(book, rules=None))) == (set(), {"w"})
    assert differing(held, held.with_contents(replace(book, owner="ann"))) == (set(), {"w"})
    assert differing(held, held.with_contents(replace(book, parent="q"))) == (set(), {"w"})
    assert differing(held, held.with_contents(replace(book, kind="datasource"))) == (set(), {"w"})
    assert differing(held, held.without_contents(["w"])) == (set(), {"w"})
    assert differing(held, held.with_contents(workbook("n", "p"))) == (set(), {"n"})
    locked = replace(held.contents["p"], mode="LockedToProject")
    assert differing(held, held.with_contents(locked)) == (set(), {"w", "x"})


def test_only_who_differs_is_looked_at_again() -> None:
    held = house()
    assert differing(held, held.with_groups(group("h", "joe", "out"))) == ({"out"}, set())
    assert differing(held, held.with_groups(group("h"))) == ({"joe"}, set())
    assert differing(held, held.with_groups(group("l", "lea", "out"))) == ({"out"}, set())
    assert differing(held, held.with_users(replace(held.users["ann"], site_role="Creator"))) == ({"ann"}, set())
    assert differing(held, held.with_group_sets(group_set("s", "g", "h"))) == ({"ann"}, set())
    assert differing(held, held.with_group_sets(group_set("s", "h"))) == ({"ann", "joe"}, set())
    leads = replace(held.contents["q"], rules=rules("user:out +ProjectLeader", "group:l +ProjectLeader"))
    assert differing(held, held.with_contents(leads)) == ({"out"}, {"q"})
    owns = replace(held.contents["q"], owner="ann")
    assert differing(held, held.with_contents(owns)) == ({"adm", "ann"}, set()), "ruling q is theirs, not y's"
    everybody = set(held.users)
    off = replace(held, settings=replace(held.settings, group_sets=False))
    assert differing(held, off)[0] == everybody
    no_comments = replace(held, settings=replace(held.settings, commenting=False))
    assert differing(held, no_comments)[0] == everybody


def capabilities_that_differ(before: Site, after: Site, content: str = "w") -> set[tuple[str, ...]]:
    """The capabilities that are judged again on a content, those together whose rules have one pattern."""
    pair, found = Engine(columns_of(before)).compared_with(columns_of(after))
    bits = found.changed.bits_that_differ(pair.contents.index(content))
    return {tuple(sorted(found.names[bit] for bit in alike)) for alike in bits}


def test_only_capabilities_that_differ_are_judged_again() -> None:
    held, one, two = house(), "group:g +Read", "user:ann +Filter"

    def becomes(*words: str) -> set[tuple[str, ...]]:
        return capabilities_that_differ(held, held.with_contents(replace(held.contents["w"], rules=rules(*words))))

    assert becomes(one, two) == set()
    assert becomes("group:g -Read", two) == {("Read",)}
    assert becomes("group:h +Read", two) == {("Read",)}
    assert becomes("group:g +Read", "user:ann -Filter") == {("Filter",)}
    assert becomes(one) == {("Filter",)}
    assert becomes(one, "group:g -Read", two) == {("Read",)}, "both are odd, and the Deny decides"
    assert becomes(one, two, "user:ann -Filter") == {("Filter",)}
    assert becomes() == {("Filter",), ("Read",)}, "rules of another pattern each"
    more = (one, two, "group:g +ExportData", "group:g +ExportImage", "group:g -AddComment")
    assert becomes(*more) == {("ExportData", "ExportImage"), ("AddComment",)}
    every = {name for alike in capabilities_that_differ(held, moved(held)) for name in alike}
    assert every == set(Engine(columns_of(held)).capabilities), "under other leaders everything can differ"
    blind = held.with_contents(replace(held.contents["w"], rules=None))
    assert {name for alike in capabilities_that_differ(held, blind) for name in alike} == every
    assert {name for alike in capabilities_that_differ(blind, held) for name in alike} == every
    gone = held.without_contents(["w"])
    assert {name for alike in capabilities_that_differ(held, gone) for name in alike} == every


def moved(held: Site) -> Site:
    return held.with_contents(replace(held.contents["w"], parent="q"))


def test_contents_that_differ_alike_are_judged_once() -> None:
    """Owners apart: x and z change in the same way, y in another."""
    held = house().with_contents(workbook("z", "p", *"group:h +Read;groupSet:s +Read".split(";"), owner="ann"))
    after = held.with_contents(
        *(replace(held.contents[c], rules=rules("group:h +Read")) for c in "xz"),
        replace(held.contents["y"], rules=rules("group:h +Read")),
    )
    pair, found = Engine(columns_of(held)).compared_with(columns_of(after))
    alike = [{pair.contents[c] for c in some.tolist()} for some in found.changed.alike(found.contents)]
    assert sorted(map(sorted, alike)) == [["x", "z"], ["y"]]
    assert list(found.changed.alike(found.contents[:0])) == []


def told(before: Site, after: Site, model: str = "current") -> set[tuple[str, str, bool]]:
    """Who gains (True) or loses something, and on what."""
    pair, found = Engine(columns_of(before), model).compared_with(columns_of(after))
    return {
        (pair.users[user], pair.contents[content], gains)
        for piece in found
        for masks, gains in ((piece.gained, True), (piece.lost, False))
        for content in piece.contents[masks != 0].tolist()
        for user in piece.users.tolist()
    }


def test_who_owns_one_of_many_contents_that_change_alike_gains_nothing_there() -> None:
    """adm and bob and ann own one each: adm has everything anyway, the others had it there as owners."""
    owners = {"x": "bob", "y": "adm", "z": "ann"}
    books = [workbook(name, "p", owner=owner) for name, owner in owners.items()]
    held = site(project("p"), *books, users=["ann:Viewer", "joe:Viewer"])
    after = held.with_contents(*(replace(book, rules=rules("group:All Users +Read")) for book in books))
    gained = {(user, name, True) for name in owners for user in ("bob", "ann", "joe") if user != owners[name]}
    assert told(held, after) == gained
    assert told(after, held) == {(user, name, False) for user, name, _ in gained}


def test_what_is_new_is_judged_for_people_who_differ_though_its_class_says_the_same() -> None:
    """What is not there looks like a collection without rules: an administrator may there what nobody knows yet."""
    held = house().with_contents(workbook("w", "p", "group:g +NotYetNamed"))
    after = held.with_groups(group("h", "joe", "adm")).with_contents(workbook("new", "p", kind="collection"))
    assert ("adm", "new", True) in told(held, after)
    assert ("adm", "new", False) in told(after, held)


def test_ids_that_stand_for_people_and_content_both() -> None:
    """The words of both Sites are the same in the same order; only the content stands in another one."""
    named = [workbook("ann", "bob", "user:ann +Read"), workbook("bob", None, kind="project")]
    before, after = (site(*listed, users=["ann:Viewer"]) for listed in (named, named[::-1]))
    assert told(before, after) == set()
    lost = after.with_contents(replace(named[0], rules=rules()))
    assert told(before, lost) == {("ann", "ann", False)}
    assert told(lost, before) == {("ann", "ann", True)}


def test_a_set_she_was_perhaps_in() -> None:
    """deny_first: as long as u was not read, the Deny of the set perhaps speaks of her."""
    groups = [group("g", "ann"), group("u")]
    known = site(
        project("p"),
        workbook("w", "p", "group:g +Read", "groupSet:s -Read"),
        users=["ann:Viewer"],
        groups=groups,
        group_sets={"s": group_set("s", "g", "u")},
    )
    unread = known.with_groups(replace(groups[1], members=None))
    assert told(unread, known, "deny_first") == {("ann", "w", True)}
    assert told(known, unread, "deny_first") == {("ann", "w", False)}
    assert told(unread, known) == set()


def test_members_that_were_not_read_before_differ() -> None:
    held = house()
    unread = held.with_groups(replace(held.groups["h"], members=None))
    people, contents = differing(held, unread)
    assert contents == {"x"}, "its rules speak of a group nobody knows now"
    assert "joe" in people


# -- what is told ---------------------------------------------------------------------------------------------


def test_where_everything_was_read_there_is_no_unknown() -> None:
    engine = Engine(columns_of(house()))
    assert all(engine.what(user).unknown is None for user in range(6))
    assert engine.who("Read", 2).unknown is None
    assert engine.who("ChangePermissions", 2).unknown is None
    held = house()
    blind = held.with_contents(replace(held.contents["w"], rules=None))
    found = Engine(columns_of(blind)).what(2).unknown
    assert found is not None
    assert np.flatnonzero(found).tolist() == [2]
    row = Engine(columns_of(blind)).who("Read", 2).unknown
    assert row is not None
    assert int(np.bitwise_count(row).sum()) == 4, "all but the administrator and the owner"


def test_a_mirrors_pairs_are_those_of_its_rows() -> None:
    engine = Engine(columns_of(house()))
    mirror = engine.mirror("Read")
    assert mirror.class_pairs() == sum(len(engine.parts.people.ids(row)) for row in mirror.rows)
    assert [sorted(engine.who_ids("Read", c).tolist()) for c in range(5)] == [mirror.ids(c).tolist() for c in range(5)]


# -- more people than a word has bits --------------------------------------------------------------------------


def wide(seed: int, users: int) -> Site:
    """A dense Site of that many people whose last ones own content and are named by rules, not its first alone."""
    held, dice = dense_site(users + seed, unread=(0.0, 0.0, 0.15)[seed % 3], users=users, items=6), Random(seed)
    last = [f"u{n}" for n in range(users - 4, users)]
    changed = [
        replace(c, owner=dice.choice(last), rules=None if c.rules is None else c.rules | _of_last(last, dice))
        for c in held.contents.values()
        if dice.random() < 0.7
    ]
    return held.with_contents(*changed)


@pytest.mark.parametrize(("users", "seed"), [(WORD, 0), (WORD + 1, 1), (WORD + 6, 2)])
def test_more_people_than_a_word_has_bits(users: int, seed: int) -> None:
    held = wide(seed, users)
    open_points = (DOCUMENTED, OpenPoints(group_set_deny_is_final=True), DOCUMENTED)[seed]
    asked = ("Read", "ChangePermissions", *Random(seed).sample(ASKED, 2))
    for model in MODELS:
        _, wrong = mismatches(Case(seed, held, model, open_points, asked))
        assert not wrong, wrong[:3]


@pytest.mark.parametrize("seed", range(6))
def test_two_sites_of_many_people_differ_in_what_their_masks_differ_in(seed: int) -> None:
    before, dice = wide(seed, 2 * WORD + 6), Random(seed)
    own = {c.id: replace(c, owner=dice.choice([*before.users])) for c in dice.sample([*before.contents.values()], 3)}
    after = edited(before.with_contents(*own.values()), dice)
    model = MODELS[seed % 3]
    engines = [Engine(columns_of(each), model) for each in (before, after)]
    pair, pieces = engines[0].compared_with(engines[1].columns)
    found: tuple[set[tuple[str, ...]], set[tuple[str, ...]]] = (set(), set())
    for name in ("Read", "Filter", "Write", "ProjectLeader"):
        one = np.uint64(1 << pieces.names.index(name))
        for piece in pieces:
            assert len(piece.users)
            for masks, told in ((piece.gained, found[0]), (piece.lost, found[1])):
                assert len(masks) == len(piece.contents) > 0
                for content in piece.contents[masks & one != 0].tolist():
                    told.update((pair.users[user], pair.contents[content], name) for user in piece.users.tolist())
        held = [
            {([*each.users][user], [*each.contents][content], name) for content, user in np.argwhere(matrix == 1)}
            for each, matrix in zip((before, after), (engine.matrix(name) for engine in engines), strict=True)
        ]
        assert {told for told in found[0] if told[-1] == name} == held[1] - held[0]
        assert {told for told in found[1] if told[-1] == name} == held[0] - held[1]


def _of_last(last: list[str], dice: Random) -> Rules:
    return rules(*(f"user:{u} {dice.choice('++-')}{c}" for u in last for c in ("Read", "ProjectLeader", "Filter")))


@pytest.mark.parametrize("seed", range(6))
def test_a_mirror_is_the_same_made_row_by_row_or_many_rows_at_a_time(
    seed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Wide rows are made one by one; how wide that is, and how many make a block, are no part of the answer."""
    held = dense_site(seed, unread=UNREAD_SHARES[seed % 4], users=WORD + 6, items=24)
    columns, model = columns_of(held), MODELS[seed % 3]
    for capability in ("Read", "Filter", "ChangePermissions"):
        expected = Engine(columns, model).matrix(capability) == 1
        for wide, block in ((0, 1 << 18), (1 << 30, 1 << 18), (1 << 30, 64)):
            monkeypatch.setattr(mirror_rows, "_WIDE", wide)
            monkeypatch.setattr(mirror_rows, "_BLOCK", block)
            found = np.zeros_like(expected)
            for content, users in Engine(columns, model).mirror(capability).all_ids():
                found[content, users] = True
            assert (found == expected).all(), (wide, block, capability)


@pytest.mark.parametrize("seed", range(6))
def test_a_mirrors_pairs_as_arrow_are_those_of_its_contents(seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """How many pairs make a batch and how many bits are unpacked at a time are no part of the answer."""
    site = dense_site(seed, unread=UNREAD_SHARES[seed % 4], users=WORD + 6, items=24)
    engine = Engine(columns_of(site), MODELS[seed % 3])
    for capability in ("Read", "ChangePermissions"):
        mirror = engine.mirror(capability)
        expected = {(content, user) for content, users in mirror.all_ids() for user in users.tolist()}
        some = Random(seed).sample(range(WORD + 6), 9)
        for bits, batch, people in ((1 << 22, 1 << 20, None), (100, 7, None), (1, 1, None), (1 << 22, 50, some)):
            monkeypatch.setattr(engine_mirror, "_BLOCK", bits)
            batches = list(mirror.pairs(None if people is None else np.array(people), batch=batch))
            assert all(0 < each.num_rows <= batch for each in batches)
            told = [pair for each in batches for pair in zip(*each.to_pydict().values(), strict=True)]
            assert len(set(told)) == len(told)
            assert set(told) == {pair for pair in expected if people is None or pair[1] in people}
            assert {str(each.schema) for each in batches} <= {"content: int32\nuser: int32"}
