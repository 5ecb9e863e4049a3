"""The engine at its edges: next to nothing on a Site, another order, just as many people as a word has bits, hashes.

Not how it decides (`test_engine_differential`) and not two Sites (`test_engine_exactly`).
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from both_evaluators import Case, mismatches
from dense_sites import ASKED, UNREAD_SHARES, dense_site
from small_site import group, group_set, project, rules, site, workbook

from tabwarden.engine import by_pair, difference
from tabwarden.engine import mirror as engine_mirror
from tabwarden.engine.by_pair import PairVerdicts
from tabwarden.engine.columns import NONE, Words
from tabwarden.engine.convert import columns_of
from tabwarden.engine.engine import Engine
from tabwarden.engine.rules import by_value, expand, mixed, pairs_of
from tabwarden.model.open_points import DOCUMENTED, MODELS, OpenPoints
from tabwarden.model.site import Content, Site

LAST = "ChangePermissions"
SOME = ("Read", "Filter", LAST, "ProjectLeader", "NotYetNamed")


def reversed_site(held: Site) -> Site:
    """The same with the last of everything first: what lies below stands before what it lies in."""
    turned = {t: dict(reversed(getattr(held, t).items())) for t in ("users", "groups", "group_sets", "contents")}
    return replace(held, **turned)  # type: ignore[arg-type]


# -- order and size -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("seed", range(9))
def test_in_another_order_the_answers_stay(seed: int) -> None:
    held = reversed_site(dense_site(seed, unread=UNREAD_SHARES[seed % 4]))
    open_points = OpenPoints(group_set_deny_is_final=True) if seed % 3 == 1 else DOCUMENTED
    asked = ("Read", LAST, ASKED[seed * 5 % len(ASKED)])
    _, wrong = mismatches(Case(seed, held, MODELS[seed % 3], open_points, asked), reasons=True)
    assert not wrong, wrong[:3]


def test_one_site_in_two_orders_does_not_differ() -> None:
    """Rule lists are numbered as they turn up: the same list has another number, and stands at another place."""
    for seed in range(4):
        held = dense_site(seed, unread=UNREAD_SHARES[seed])
        _, found = Engine(columns_of(held)).compared_with(columns_of(reversed_site(held)))
        assert not found.changed.contents.any()
        assert not found.changed.users.any()
        assert list(found) == []


GONE = ("user:gone +Read", "group:gone +Read", "groupSet:gone -Read", "user:ann +Filter")
LONELY: tuple[Content, ...] = (
    project("c", None, *GONE),
    project("c", "gone", workbook=GONE, mode="LockedToProject"),
    project("c", None, "user:ann +ProjectLeader", "group:gone +ProjectLeader", owner="gone", mode="LockedToProject"),
    project("c", None, rules=None, owner="ann"),
    workbook("c", None, *GONE),
    workbook("c", None, rules=None, owner="gone"),
    workbook("c", "gone", owner="ann"),
    workbook("c", "gone", *GONE, kind="view"),
    workbook("c", None, *GONE, kind="view", owner="ann"),
    workbook("c", "gone", "user:ann -Read", kind="table"),
    workbook("c", None, "user:ann -Read", kind="database", mode="LockedToDatabase"),
)


@pytest.mark.parametrize("number", range(len(LONELY)))
def test_a_site_of_one_content(number: int) -> None:
    held = site(LONELY[number], users=["ann:Viewer", "odd:Marvel"], groups=[group("g", "ann", "gone")])
    for model in MODELS:
        _, wrong = mismatches(Case(number, held, model, DOCUMENTED, SOME), reasons=True)
        assert not wrong, wrong[:3]
        engine = Engine(columns_of(held), model)
        assert [user for user in range(4) if len(engine.what_ids(user, "Read"))] == engine.who_ids("Read", 0).tolist()


@pytest.mark.parametrize("model", MODELS)
def test_a_site_without_content_or_people(model: str) -> None:
    empty = Engine(columns_of(site()), model)
    for user in range(2):
        assert empty.what(user).allowed.shape == (0,)
        assert [empty.what_ids(user, name).tolist() for name in SOME[:-1]] == [[]] * len(SOME[:-1])
        assert len(empty.what_if_member(user, 0, joins=True).contents) == 0
    assert empty.matrix("Read").shape == (0, 2)
    assert empty.mirror("Read").class_pairs() == 0
    assert empty.mirror("Read").of_content.tolist() == []
    nobody = Engine(columns_of(replace(site(project("p"), workbook("w", "p", *GONE)), users={})), model)
    assert nobody.matrix("Read").shape == (2, 0)
    assert [nobody.who_ids(name, 1).tolist() for name in SOME[:-1]] == [[]] * len(SOME[:-1])
    assert nobody.check_many(np.zeros(0, int), "Read", np.zeros(0, int)).tolist() == []
    assert [ids.tolist() for _, ids in nobody.mirror("Read").all_ids()] == [[], []]


@pytest.mark.parametrize(("users", "words"), [(1, 1), (63, 1), (64, 1), (65, 2), (128, 2), (129, 3)])
def test_a_row_has_as_many_words_as_its_bits_need(users: int, words: int) -> None:
    listed = "group:All Users +Read", f"user:n{users} +Filter", "user:gone +ChangePermissions", "user:gone +Filter"
    held = site(project("p", owner="gone"), workbook("w", "p", *listed, owner=f"n{users}"))
    people = {f"n{n}": replace(held.users["bob"], id=f"n{n}", name=f"n{n}") for n in range(1, users + 1)}
    engine = Engine(columns_of(replace(held, users=people)))
    assert engine.mirror("Read").rows.shape[1] == words
    assert len(engine.who("Read", 1).allowed) == words
    assert engine.who_ids("Read", 1).tolist() == list(range(users))
    assert engine.who_ids("Filter", 1).tolist() == [users - 1]
    assert engine.who_ids("Write", 1).tolist() == engine.who_ids(LAST, 1).tolist() == [users - 1]
    assert engine.mirror("Write").ids(1).tolist() == [users - 1]
    assert engine.mirror("Write").apart(1).tolist() == [users - 1]


# -- what is told ---------------------------------------------------------------------------------------------


def locked(**more: Any) -> Site:
    """p is locked: its defaults let g read; s stands for g and h."""
    return site(
        project("p", None, workbook=("group:g +Read", "groupSet:s -Read"), mode="LockedToProject"),
        workbook("w", "p"),
        project("open"),
        workbook("x", "open", "group:g +Read", "user:ann -Filter"),
        users=["ann:Viewer", "joe:Explorer"],
        groups=[group("g", "ann", "joe"), group("h", "joe")],
        group_sets={"s": group_set("s", "g", "h")},
        **more,
    )


@pytest.mark.parametrize("model", MODELS)
def test_nothing_is_unknown_where_everything_was_read(model: str) -> None:
    engine = Engine(columns_of(locked()), model)
    for name in ("Read", LAST):
        assert [engine.who(name, content).unknown for content in range(3)] == [None] * 3
        assert (engine.matrix(name) < 2).all()
    assert [engine.what(user).unknown for user in range(4)] == [None] * 4
    for content in range(2):
        assert engine.parts.powers.unknown_bits(content - 1) is None
    assert engine.parts.powers.perhaps_rows is None
    odd = Engine(columns_of(locked().with_users(replace(locked().users["joe"], site_role="Marvel"))), model)
    told = odd.who("Read", 1).unknown
    assert told is not None
    assert odd.parts.people.ids(told).tolist() == [3], "a role nobody knows is the only thing that is not known"
    assert [odd.what(user).unknown is None for user in range(4)] == [True, True, True, False]


@pytest.mark.parametrize("seed", range(12))
def test_the_masks_of_pairs_are_those_of_whole_people(seed: int) -> None:
    held = dense_site(seed, unread=UNREAD_SHARES[seed % 4])
    open_points = OpenPoints(group_set_deny_is_final=seed % 2 == 1)
    for model in MODELS:
        engine = Engine(columns_of(held), model, open_points)
        contents, users = (part.ravel() for part in np.indices((len(held.contents), len(held.users))))
        named = (1 << len(engine.capabilities)) - 1
        expected = np.stack([engine.what(user).allowed for user in range(len(held.users))], axis=1) & named
        assert (PairVerdicts(engine.parts).masks(users, contents) == expected.ravel()).all()


@pytest.mark.parametrize("seed", range(8))
def test_of_few_projects_pairs_are_told_what_they_are_of_all(seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(by_pair, "SHARE", 0)
    dense = dense_site(seed, unread=UNREAD_SHARES[seed % 4])
    whole, few = Engine(columns_of(dense)), Engine(columns_of(dense))
    expected = np.stack([whole.what(user).allowed for user in range(len(dense.users))], axis=1)
    users, named = np.arange(len(dense.users)), (1 << len(few.capabilities)) - 1
    for content in range(len(dense.contents)):
        masks = PairVerdicts(few.parts).masks(users, np.full(len(users), content))
        assert (masks == expected[content] & named).all()
    assert "rows" not in few.parts.powers.__dict__


@pytest.mark.parametrize("seed", range(20))
def test_pairs_are_those_that_stand_side_by_side(seed: int) -> None:
    dice = np.random.default_rng(seed)
    count = int(dice.integers(0, 60))
    left = dice.integers(0, 8, count)
    right = np.where(dice.random(count) < seed / 20, dice.integers(0, 6, count), left // 2)
    first, second, pair = pairs_of(left, right)
    assert (first[pair] == left).all()
    assert (second[pair] == right).all()
    assert sorted(zip(first.tolist(), second.tolist(), strict=True)) == sorted(
        {*zip(left.tolist(), right.tolist(), strict=True)}
    )


# -- one membership -------------------------------------------------------------------------------


def clubs() -> Site:
    """Everything was read, nobody leads or owns but adm: rules decide alone."""
    books = {
        "a": ("p", "group:h +Read", "groupSet:s -Read", "groupSet:empty +Filter"),
        "b": ("p", "groupSet:s +Filter", "group:g -Filter", "group:k +Filter", "groupSet:t +Read"),
        "c": ("p", "groupSet:s +Write", "user:ann -Write", "user:joe +Write", "group:k -Read"),
        "d": ("p", "groupSet:t +Read", "group:All Users +ViewComments", "groupSet:s +Filter"),
        "e": ("p", "groupSet:t -Read", "group:All Users +Read", "group:g -Filter", "groupSet:s +Filter"),
    }
    return site(
        project("p"),
        *(workbook(name, *words, owner="adm") for name, words in books.items()),
        users=["ann:Explorer", "joe:Viewer", "kim:Creator", "odd:Marvel"],
        groups=[group("g", "ann", "kim"), group("h", "joe", "kim"), group("k", "ann"), group("out", "joe")],
        group_sets={
            "s": group_set("s", "g", "h"),
            "t": group_set("t", "h", "k"),
            "empty": group_set("empty"),
            "one": group_set("one", "k"),
        },
    )


@pytest.mark.parametrize(("final", "leader"), [(False, ""), (True, ""), (False, "group:g"), (False, "groupSet:s")])
def test_a_membership_more_or_less_is_what_the_masks_differ_in(final: bool, leader: str) -> None:
    held, open_points = clubs(), OpenPoints(group_set_deny_is_final=final)
    if leader:
        held = held.with_contents(project("q", None, f"{leader} +ProjectLeader"), workbook("f", "q", owner="adm"))
    engine = Engine(columns_of(held), open_points=open_points)
    moved = 0
    for name in ("g", "h", "k"):
        members, place = held.groups[name].members or frozenset(), engine.columns.group_numbers[name]
        for number, user in enumerate(held.users):
            after = held.with_groups(replace(held.groups[name], members=members ^ {user}))
            had, has = (
                engine.what(number).allowed,
                Engine(columns_of(after), open_points=open_points).what(number).allowed,
            )
            shift = engine.what_if_member(number, place, joins=user not in members)
            assert shift.contents.tolist() == np.flatnonzero(had != has).tolist(), (user, name)
            assert shift.gained.tolist() == (has & ~had)[shift.contents].tolist()
            assert shift.lost.tolist() == (had & ~has)[shift.contents].tolist()
            moved += len(shift.contents)
            assert len(engine.what_if_member(number, place, joins=user in members).contents) == 0, "so it is already"
    assert moved > 10


# -- one row for many contents --------------------------------------------------------------------------------


def test_contents_that_rules_and_roles_leave_alike_share_a_row() -> None:
    lists = ("group:g +Read", "group:h -Read"), ("group:g +Read", "group:h -Read", "user:ann +Read"), ("group:h +Read",)
    held = site(
        project("p"),
        *(workbook(f"w{n}", "p", *lists[n]) for n in range(3)),
        workbook("d", "p", *lists[0], kind="datasource"),
        workbook("n", "p", "group:g -Read"),
        workbook("e", "p"),
        users=["ann:Viewer", "joe:Viewer"],
        groups=[group("g", "ann"), group("h", "joe")],
    )
    engine = Engine(columns_of(held))
    mirror = engine.mirror("Read")
    _, w0, w1, w2, d, n, e = mirror.of_content.tolist()
    assert w0 == w1 == d, "rules of people are laid over it, and a data source's ceiling is the same"
    assert w2 != w0
    assert n == e, "nobody is allowed anything"
    assert len(mirror.rows) == 3
    assert [mirror.ids(content).tolist() for content in range(1, 7)] == [[0, 1, 2], [0, 1, 2], [0, 1, 3], [0, 1, 2]] + [
        [0, 1]
    ] * 2
    assert mirror.class_pairs() == 1 * 3 + 2 + 1 - 1


def test_a_mirror_takes_the_memory_it_is_given_if_there_is_room() -> None:
    engine = Engine(columns_of(locked()))
    mirror = engine.mirror("Read")
    expected, count = mirror.rows.copy(), len(mirror.rows)
    for room in (count, count + 3):
        into = np.full((room, 1), np.uint64(2**64 - 1))
        made = engine.mirror("Read", into)
        assert made.rows.base is into
        assert (made.rows == expected).all()
    for rows, words, dtype in ((count - 1, 1, np.uint64), (count, 2, np.uint64), (count, 1, np.int64)):
        other = np.zeros((rows, words), dtype)
        made = engine.mirror("Read", other)
        assert not np.shares_memory(made.rows, other)
        assert (made.rows == expected).all()


# -- hashes and sizes are no part of an answer ----------------------------------------------------------------


def test_the_mix_is_that_of_splitmix64() -> None:
    """Its first outputs for the seed 0: each is the mix of a multiple of the golden gamma."""
    gamma = 0x9E3779B97F4A7C15
    seeds = np.array([0, gamma, gamma * 2 % 2**64], np.uint64)
    assert mixed(seeds).tolist() == [0xE220A8397B1DCDAF, 0x6E789E6AA1B965F4, 0x06C45D188009454F]


def _nothing_mixed(values: Any) -> Any:
    return np.zeros(len(values), np.uint64)


def test_lists_with_the_same_hash_are_compared(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(difference, "mixed", _nothing_mixed)
    held = locked()
    lists = ("group:h +Read", "user:ann -Filter"), ("group:g +Read", "user:ann +Filter"), ("group:g -Read",), ()
    for words in lists:
        after = held.with_contents(replace(held.contents["x"], rules=rules(*words)))
        pair, found = Engine(columns_of(held)).compared_with(columns_of(after))
        assert [pair.contents[c] for c in found.contents.tolist()] == ["x"], words


@pytest.mark.parametrize("seed", range(4))
def test_rows_with_the_same_hash_are_compared(seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engine_mirror, "mixed", _nothing_mixed)
    engine = Engine(columns_of(dense_site(seed, items=16)), MODELS[seed % 3])
    for name in ("Read", "Filter"):
        expected = engine.matrix(name) == 1
        for content, ids in engine.mirror(name).all_ids():
            assert ids.tolist() == np.flatnonzero(expected[content]).tolist()


# -- the small tools ------------------------------------------------------------------------------------------


def test_words_keep_texts_that_are_no_unicode() -> None:
    texts = ["plain", "", "\ud800", "é"]
    held = Words.of(texts)
    assert held.all() == texts
    assert [held[code] for code in range(len(held))] == texts
    assert Words.of(["a", "", "bc"]).all() == ["a", "", "bc"]
    assert Words.of([]).all() == []


def test_the_sizes_of_columns() -> None:
    columns = columns_of(locked())
    told = dict(columns.sizes)
    tables = (columns.users, columns.groups, columns.group_sets, columns.contents, columns.defaults, columns.uses)
    assert told.pop("bytes") == sum(a.nbytes for table in (*tables, columns.rules) for a in table)
    assert told == {
        "users": 4,
        "groups": 3,
        "memberships": 3,
        "group_sets": 1,
        "contents": 4,
        "rule_lists": 3,
        "rule_rows": 4,
    }


def test_entries_of_rows_stand_one_below_the_other() -> None:
    offsets = np.array([0, 2, 2, 5])
    of, entry = expand(offsets, np.array([2, NONE, 0, 1, 2]))
    assert of.tolist() == [0, 0, 0, 2, 2, 4, 4, 4]
    assert entry.tolist() == [2, 3, 4, 0, 1, 2, 3, 4]
    for nothing in (expand(offsets, np.zeros(0, int)), expand(np.zeros(1, int), np.array([NONE, NONE]))):
        assert [part.tolist() for part in nothing] == [[], []]


def test_an_index_by_value_leaves_out_what_is_outside() -> None:
    held = by_value(np.array([2, 0, NONE, 2, 3, 0]), 3)
    assert [held.of(value).tolist() for value in range(3)] == [[1, 5], [], [0, 3]]
    assert held.of_all(np.array([2])).tolist() == [0, 3]
    assert held.of_all(np.array([2, 1, 0])).tolist() == [0, 3, 1, 5]
    assert by_value(np.array([1, 0, 1]), 2).order.tolist() == [1, 0, 2]
