"""Questions about one person, one content or one change, to us and to the peers by turns. Not whole sites."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np

from agree import same
from bench import Bench
from facts import GROUP_ALLOW, VIEW
from measure import Cost, Line, Turns, each_in_turn, in_turn, memory_of
from peers import Casbin, Cedar, Naive
from report import clock
from sites import mixed
from tables import Bears, Duck
from tabwarden.access.columns import GROUP, Array
from tabwarden.access.engine_whatif import RuleChange

Pairs = list[tuple[int, int]]
_GIVEN = "given our lists"


def cold(turns: Turns, more: str = "") -> str:
    """The remark on a question asked right after a peer's."""
    return f"right after a peer's question {clock(turns.cold)}" + (f"; {more}" if more else "")


# -- checks ---------------------------------------------------------------------------------------------------


def checks(bench: Bench) -> Iterator[Line]:
    """One check with its full reason, and many at once."""
    engine, parts, columns, judge = bench.engine, bench.parts, bench.columns, bench.judge
    number = min(20_000, parts.n_users * parts.n_contents)
    users = (mixed(np.arange(number)) % np.uint64(parts.n_users)).astype(np.int64)
    items = (mixed(np.arange(number) + (1 << 40)) % np.uint64(parts.n_contents)).astype(np.int64)
    pairs = list(zip(users.tolist(), items.tolist(), strict=True))
    user_ids, item_ids = columns.ids("user"), columns.ids("content")
    named = [(user_ids[u], item_ids[x]) for u, x in pairs]
    naive, check = Naive(engine), engine.check
    expected = engine.check_many(users, "Read", items) == 1
    same("naive", [naive.check(u, "Read", x)[0] for u, x in pairs], expected)
    same("check", [check(u, "Read", x).allowed for u, x in named], expected)

    def ours() -> None:
        for user, item in named:
            check(user, "Read", item)

    times = in_turn(ours, _all_of(naive, pairs), 7, number)
    question = "one check with its full reason"
    cost = Cost(memory_of(lambda: check(*_with("Read", named[0]))), None, "the peer tells the step and the grantee")
    yield judge.line(question, bench.size, "naive dicts", times, 0.4, anchor=6.3e-6, cost=cost)
    yield from _libraries(bench, named[:400], pairs[:400], expected[:400])
    many, held = 100_000, engine.check_many
    users, items = np.resize(users, many), np.resize(np.roll(items, 1), many)
    pairs = list(zip(users.tolist(), items.tolist(), strict=True))
    same("check_many", held(users, "Read", items) == 1, [naive.check(u, "Read", x)[0] for u, x in pairs])
    times = in_turn(lambda: held(users, "Read", items), _all_of(naive, pairs), 5, many)
    cost = Cost(memory_of(lambda: held(users, "Read", items)), None, "time of one of them; verdicts without reasons")
    yield judge.line(f"{many:,} checks at once", bench.size, "naive dicts", times, 10, anchor=6.3e-6, cost=cost)


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
    """Ids in no order, as SQL gives them; one line more with ids that rise, as Polars happens to give them."""
    engine, users = bench.engine, bench.users
    question = "what one person may View, ids"
    anchors = {"DuckDB": 0.118, "Polars": 0.133} if bench.large else {"DuckDB": 0.025, "Polars": 0.021}
    touched = bench.bytes_of_ids(users)

    def ours(user: int, rising: bool = False) -> Array:
        return engine.what_ids(user, "Read", rising=rising)

    most = memory_of(lambda: ours(int(users[0])))
    for name, peer in peers.items():
        for user in users.tolist():
            same(f"what, {name}", np.sort(peer.what(user)), np.sort(ours(user)))
        turns = each_in_turn(users.tolist(), ours, peer.what)
        cost = Cost(most, touched, cold(turns, "in no order"))
        yield bench.judge.line(
            question, bench.size, name, turns.times, _barred(name, 10), anchor=anchors.get(name), cost=cost
        )
    turns = each_in_turn(users.tolist(), lambda u: ours(u, True), bench.bears.what)
    cost = Cost(most, touched, cold(turns, "rising"))
    yield bench.judge.line(f"{question}, rising", bench.size, "Polars", turns.times, cost=cost)


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
    engine = bench.engine
    members = [(user, _group_for(bench, user, place)) for place, user in enumerate(bench.users[:12].tolist())]
    anchors = {"DuckDB before and after": 0.244 if bench.large else 0.067}
    most = memory_of(lambda: engine.what_if_member(*members[0], joins=True))
    for name, duck in peers.items():
        for user, group in members:
            shift = engine.what_if_member(user, group, joins=True)
            before, after = duck.what_if_member(user, group)
            for masks, more, less in ((shift.gained, after, before), (shift.lost, before, after)):
                ours = np.sort(shift.contents[masks & masks.dtype.type(1 << VIEW) != 0])
                same("what-if membership", ours, np.setdiff1d(more, less))
        turns = each_in_turn(
            members, lambda p: engine.what_if_member(*p, joins=True), lambda p, d=duck: d.what_if_member(*p)
        )
        yield bench.judge.line(
            "what-if: a membership", bench.size, name, turns.times, _barred(name, 100 if bench.large else 50),
            anchor=anchors.get(name), cost=Cost(most, None, cold(turns, "ours tells all capabilities")),
        )  # fmt: skip


def _rule(bench: Bench, peers: dict[str, Duck]) -> Iterator[Line]:
    engine, ids = bench.engine, bench.parts.people.ids
    changes = [_rule_for(bench, int(item)) for item in bench.items[:12]]
    anchors = {"DuckDB who twice": 0.076 if bench.large else 0.031}
    most = memory_of(lambda: engine.what_if.rule(changes[0][1]))
    touched = 2 * bench.bytes_of_who(bench.items[:12])
    for name, duck in peers.items():
        for item, change in changes:
            before, after = duck.what_if_rule(item, change.grantee, GROUP_ALLOW)
            exact = engine.what_if.at(change, item)
            same("what-if rule", ids(exact.gained), np.setdiff1d(after, before))
            same("what-if rule", ids(exact.lost), np.setdiff1d(before, after))
        turns = each_in_turn(
            changes,
            lambda c: engine.what_if.rule(c[1]),
            lambda c, d=duck: d.what_if_rule(c[0], c[1].grantee, GROUP_ALLOW),
        )
        yield bench.judge.line(
            "what-if: a rule", bench.size, name, turns.times, _barred(name, 200),
            anchor=anchors.get(name), cost=Cost(most, touched, cold(turns, "packed rows")),
        )  # fmt: skip


def _group_for(bench: Bench, user: int, place: int) -> int:
    """A group that rules name and that does not hold the user."""
    grantee, people = bench.columns.rules.grantee, bench.parts.people
    named = np.unique(grantee[(grantee & 3) == GROUP] >> 2)
    named = np.setdiff1d(named, [*people.of(user).groups.tolist(), *people.everyone.tolist()])
    return int(named[(place * 37) % len(named)])


def _rule_for(bench: Bench, item: int) -> tuple[int, RuleChange]:
    """One more group that may View, in the list that governs the item; its grantee is not in the list yet."""
    sources, lists, columns = bench.parts.sources, bench.columns.rules, bench.columns
    rules = int(sources.rules[item])
    held = lists.grantee[lists.offsets[rules] : lists.offsets[rules + 1]]
    code = next(c for c in range(GROUP, 4 * len(columns.groups.read), 4) if c not in held)
    default = columns.vocabulary.kinds[int(sources.kind[item])] if int(sources.level[item]) == 2 else None
    return item, RuleChange(int(sources.holder[item]), code, "Read", "Allow", default)
