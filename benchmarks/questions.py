"""Questions about one person, one content or one change, to us and to the peers by turns. Not whole sites."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import replace

import numpy as np

from agree import same
from bench import Bench
from facts import GROUP_ALLOW, VIEW
from measure import Cost, Line, Turns, each_in_turn, in_turn, memory_of
from peers import Casbin, Cedar, Naive
from report import clock
from sites import mixed
from tables import Bears, Duck
from tabwarden.engine.columns import GROUP, Array, Columns, RuleLists

Pairs = list[tuple[int, int]]
_GIVEN = "given our lists"


def cold(turns: Turns, more: str = "") -> str:
    """The remark on a question asked right after a peer's."""
    return f"right after a peer's question {clock(turns.cold)}" + (f"; {more}" if more else "")


# -- checks ---------------------------------------------------------------------------------------------------


def checks(bench: Bench) -> Iterator[Line]:
    """One check with its full reason, and many at once: different questions of a thousand people."""
    engine, parts, columns, judge = bench.engine, bench.parts, bench.columns, bench.judge
    people = np.unique(mixed(np.arange(1000)) % np.uint64(parts.n_users)).astype(np.int64)
    number = min(100_000, len(people) * parts.n_contents)
    drawn = np.unique(mixed(np.arange(number * 2)) % np.uint64(len(people) * parts.n_contents)).astype(np.int64)
    users, items = people[drawn[:number] // parts.n_contents], drawn[:number] % parts.n_contents
    pairs = list(zip(users.tolist(), items.tolist(), strict=True))
    user_ids, item_ids = columns.ids("user"), columns.ids("content")
    named = [(user_ids[u], item_ids[x]) for u, x in pairs]
    naive, check, many = Naive(engine), engine.check, engine.check_many
    start = time.perf_counter()
    told = [check(u, "Read", x).allowed for u, x in named]
    first = (time.perf_counter() - start) / len(named)
    expected = many(users, "Read", items) == 1
    same("naive", [naive.check(u, "Read", x)[0] for u, x in pairs], expected)
    same("check", told, expected)

    def ours() -> None:
        for user, item in named:
            check(user, "Read", item)

    times = in_turn(ours, _all_of(naive, pairs), 5, len(pairs))
    note = f"the first time {clock(first)}: most contents are asked about once; the peer tells the step and the grantee"
    cost = Cost(memory_of(lambda: check(*_with("Read", named[0]))), None, note)
    question = "one check with its full reason"
    yield judge.line(question, bench.size, "naive dicts", times, 0.4, anchor=6.3e-6, cost=cost)
    some = slice(0, len(pairs), max(len(pairs) // 400, 1))
    yield from _libraries(bench, named[some], pairs[some], expected[some])
    times = in_turn(lambda: many(users, "Read", items), _all_of(naive, pairs), 5, len(pairs))
    cost = Cost(memory_of(lambda: many(users, "Read", items)), None, "time of one of them; verdicts without reasons")
    yield judge.line(f"{len(pairs):,} checks at once", bench.size, "naive dicts", times, 10, anchor=6.3e-6, cost=cost)


def _with(capability: str, pair: tuple[str, str]) -> tuple[str, str, str]:
    return pair[0], capability, pair[1]


def _all_of(naive: Naive, pairs: Pairs) -> Callable[[], None]:
    def ask() -> None:
        for user, item in pairs:
            naive.check(user, "Read", item)

    return ask


def _libraries(bench: Bench, named: list[tuple[str, str]], pairs: Pairs, expected: Array) -> Iterator[Line]:
    check = bench.engine.check
    cedar, casbin = Cedar(bench.facts), Casbin(bench.facts)
    same("cedar", [cedar.check(*pair) for pair in pairs], expected)
    same("cedar", cedar.check_batch(pairs), expected)
    same("casbin", [casbin.check(*p) for p in pairs], [casbin.expected(*p) for p in pairs])

    def ours() -> None:
        for user, item in named:
            check(user, "Read", item)

    def each(ask: Callable[[int, int], bool]) -> Callable[[], None]:
        return lambda: [ask(*pair) for pair in pairs] and None

    ways = {
        "asked one by one": in_turn(ours, each(cedar.check), 5, len(pairs)),
        "asked in one batch": in_turn(ours, lambda: cedar.check_batch(pairs), 5, len(pairs)),
    }
    way, times = min(ways.items(), key=lambda each: each[1][1])
    question, note = "one check with its full reason", f"the whole question, {way}; the verdict alone"
    yield bench.judge.line(question, bench.size, "cedarpy", times, 10, anchor=188e-6, cost=Cost(note=note))
    times = in_turn(ours, each(casbin.check), 5, len(pairs))
    cost = Cost(note="group rules alone, all else done for it")
    yield bench.judge.line(question, bench.size, "casbin FastEnforcer", times, 10, anchor=122e-6, cost=cost)


# -- what and who ---------------------------------------------------------------------------------------------


def people(bench: Bench) -> Iterator[Line]:
    """What one person may View, who may View an item, both as ids; all capabilities as masks."""
    duck, bears = Duck(bench.our_lists), Bears(bench.our_lists)
    peers = {"DuckDB": bench.duck, "Polars": bench.bears, f"DuckDB, {_GIVEN}": duck, f"Polars, {_GIVEN}": bears}
    yield from _what(bench, peers)
    yield from _who(bench, peers)
    yield from _masks(bench, {"Polars, View only": bench.bears, f"Polars, View only, {_GIVEN}": bears})
    yield from _membership(bench, {"DuckDB before and after": bench.duck, f"DuckDB, {_GIVEN}": duck})
    yield from _rule(bench, {"DuckDB who twice": bench.duck, f"DuckDB, {_GIVEN}": duck})
    duck.close()


def _barred(name: str, least: float) -> float | None:
    """Bars are for peers on the plain facts."""
    return None if _GIVEN in name else least


def _what(bench: Bench, peers: dict[str, Duck | Bears]) -> Iterator[Line]:
    """Ids that rise; Polars gives them so too, DuckDB in no order."""
    users, ours = bench.users, lambda user: bench.engine.what_ids(user, "Read")
    anchors = {"DuckDB": 0.118, "Polars": 0.133} if bench.large else {"DuckDB": 0.025, "Polars": 0.021}
    touched, most = bench.bytes_of_ids(users), memory_of(lambda: ours(int(users[0])))
    for name, peer in peers.items():
        for user in users.tolist():
            same(f"what, {name}", np.sort(peer.what(user)), ours(user))
        turns = each_in_turn(users.tolist(), ours, peer.what)
        yield bench.judge.line(
            "what one person may View, ids", bench.size, name, turns.times, _barred(name, 10),
            anchor=anchors.get(name), cost=Cost(most, touched, cold(turns)),
        )  # fmt: skip


def _who(bench: Bench, peers: dict[str, Duck | Bears]) -> Iterator[Line]:
    engine, items = bench.engine, bench.items
    anchors = {"DuckDB": 0.038, "Polars": 0.031} if bench.large else {"DuckDB": 0.016, "Polars": 0.008}
    most = memory_of(lambda: engine.who_ids("Read", int(items[0])))
    for name, peer in peers.items():
        for item in items.tolist():
            same(f"who, {name}", np.sort(peer.who(item)), engine.who_ids("Read", item))
        turns = each_in_turn(items.tolist(), lambda x: engine.who_ids("Read", x), peer.who)
        yield bench.judge.line(
            "who may View an item, ids", bench.size, name, turns.times, _barred(name, 30 if bench.large else 15),
            anchor=anchors.get(name), cost=Cost(most, bench.bytes_of_who(items), cold(turns)),
        )  # fmt: skip


def _masks(bench: Bench, peers: dict[str, Bears]) -> Iterator[Line]:
    engine, users = bench.engine, bench.users
    question, anchor = "all capabilities of one person, masks", 0.133 if bench.large else 0.021
    masks = engine.what(int(users[0])).allowed
    most, touched = memory_of(lambda: engine.what(int(users[0]))), bench.bytes_of_what(masks.itemsize)
    shape = f"{len(engine.capabilities)} capabilities, {masks.itemsize} bytes an item"
    for name, peer in peers.items():
        turns = each_in_turn(users.tolist(), engine.what, peer.what)
        least = _barred(name, 25) if bench.large else None
        cost = Cost(most, touched, cold(turns, shape))
        yield bench.judge.line(question, bench.size, name, turns.times, least, anchor=anchor, cost=cost)
    bears, known = bench.bears, masks.dtype.type((1 << len(engine.capabilities)) - 1)
    for user in users.tolist():
        same("masks", bears.masks(user), engine.what(user).allowed & known)
    turns = each_in_turn(users.tolist(), engine.what, bears.masks)
    cost = Cost(most, touched, cold(turns, "the same answer from both"))
    yield bench.judge.line(question, bench.size, "Polars, all capabilities", turns.times, cost=cost)


# -- what-if --------------------------------------------------------------------------------------------------


def _membership(bench: Bench, peers: dict[str, Duck]) -> Iterator[Line]:
    """A group that rules name; and one that leads projects, which gives whole projects."""
    leading = np.unique([code >> 2 for code in bench.parts.powers.leader_codes if code & 3 == GROUP])
    named = bench.columns.rules.grantee
    for question, groups in (
        ("what-if: a membership", np.unique(named[(named & 3) == GROUP] >> 2)),
        ("what-if: a membership in a leading group", leading),
    ):
        users = bench.users[:12].tolist()
        members = [(user, _group_for(bench, user, place, groups)) for place, user in enumerate(users)]
        for name, duck in peers.items():
            yield _joining(bench, question, members, (name, duck))


def _joining(bench: Bench, question: str, members: Pairs, peer: tuple[str, Duck]) -> Line:
    engine, (name, duck) = bench.engine, peer
    for user, group in members:
        shift = engine.what_if_member(user, group, joins=True)
        before, after = duck.what_if_member(user, group)
        for masks, more, less in ((shift.gained, after, before), (shift.lost, before, after)):
            ours = shift.contents[masks & masks.dtype.type(1 << VIEW) != 0]
            same("what-if membership", ours, np.setdiff1d(more, less))
    turns = each_in_turn(members, lambda p: engine.what_if_member(*p, joins=True), lambda p: duck.what_if_member(*p))
    anchors = {"DuckDB before and after": 0.244 if bench.large else 0.067}
    most = memory_of(lambda: engine.what_if_member(*members[0], joins=True))
    return bench.judge.line(
        question, bench.size, name, turns.times, _barred(name, 100 if bench.large else 50),
        anchor=anchors.get(name), cost=Cost(most, None, cold(turns, "ours tells all capabilities")),
    )  # fmt: skip


def _rule(bench: Bench, peers: dict[str, Duck]) -> Iterator[Line]:
    """A rule more is another site: both are compared, for everybody and all capabilities; no bar."""
    item, code, after = _with_a_rule(bench)
    for name, duck in peers.items():
        before, then = duck.what_if_rule(item, code, GROUP_ALLOW)
        gained = [piece.users for piece in bench.engine.compared_with(after)[1] if item in piece.contents]
        same("what-if rule", np.sort(np.concatenate([*gained, before[:0]])), np.setdiff1d(then, before))
        turns = each_in_turn(
            [after],
            lambda later: list(bench.engine.compared_with(later)[1]),
            lambda _, d=duck: d.what_if_rule(item, code, GROUP_ALLOW),
        )
        cost = Cost(note=cold(turns, "the whole site compared, its index made anew"))
        yield bench.judge.line("what-if: a rule", bench.size, name, turns.times, cost=cost)


def _group_for(bench: Bench, user: int, place: int, groups: Array) -> int:
    """One of these groups that does not hold the user."""
    people = bench.parts.people
    others = np.setdiff1d(groups, [*people.of(user).groups.tolist(), *people.everyone.tolist()])
    return int(others[(place * 37) % len(others)])


def _with_a_rule(bench: Bench) -> tuple[int, int, Columns]:
    """An item with rules of its own, a group that may View it then, and the site with that rule."""
    columns, sources = bench.columns, bench.parts.sources
    lists = columns.rules
    item = next(x for x in bench.items.tolist() if sources.level[x] == 0)
    rules = int(sources.rules[item])
    rows = slice(int(lists.offsets[rules]), int(lists.offsets[rules + 1]))
    code = next(c for c in range(GROUP, 4 * len(columns.groups.read), 4) if c not in lists.grantee[rows])
    place = int(np.searchsorted(lists.grantee[rows], code))
    more = [
        np.concatenate((column, np.insert(column[rows], place, value))).astype(column.dtype)
        for column, value in ((lists.grantee, code), (lists.allow, 1 << VIEW), (lists.deny, 0))
    ]
    own = columns.contents.rules.copy()
    own[item] = len(lists.offsets) - 1
    after = RuleLists(np.append(lists.offsets, len(more[0])), more[0], more[1], more[2])
    return item, code, replace(columns, contents=columns.contents._replace(rules=own), rules=after)
