"""The whole-site engine beside its peers, in one run, with ratios and the limit of the machine.

    python benchmarks/engine.py --size L            every line of the table (about ten minutes, 12 GB)
    python benchmarks/engine.py --size M            without the largest site
    python benchmarks/engine.py --quick             a tiny site, to see that everything still runs and agrees

Needs the dependency group `bench`. Before any figure is printed a sample of every way of answering is compared with
the reference, and the peers' answers with the engine's; one difference ends the run with exit code 1. A missed bar
ends it with exit code 2.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import os
import shutil
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple, TypeVar

import numpy as np
from rich.console import Console
from rich.table import Table

from agree import Different, same, verify
from measure import Judge, Line, alone, in_turn, or_bandwidth, peak_memory
from peers import GROUP_ALLOW, VIEW, Bears, Casbin, Cedar, Duck, Facts, Naive, difference, facts_of
from sites import changed, mixed, site
from tabwarden.access.columns import GROUP, NONE, Array, Columns
from tabwarden.access.engine import Engine
from tabwarden.access.engine_whatif import RuleChange
from tabwarden.store.columns import save_columns

Asked = TypeVar("Asked")
PEERS = ("casbin", "cedarpy", "duckdb", "polars")
RUNS = {"tiny": ("tiny",), "S": ("S",), "M": ("S", "M"), "L": ("S", "M", "L")}


class Bench:
    """One site and its lines."""

    def __init__(self, size: str, judge: Judge) -> None:
        self.size, self.judge = size, judge
        self.columns = site(size)
        self.engine = Engine(self.columns)
        self.parts = self.engine.parts
        self.users = self._some("users", self.parts.n_users, 24)
        self.items = self._some("items", self.parts.n_contents, 24)
        verify(self.engine, self.users[:16], self.items)
        self.facts: Facts = facts_of(self.engine)

    def _some(self, stream: str, count: int, number: int) -> Array:
        """Numbers drawn by hash; administrators, who may everything, are passed over."""
        drawn = (mixed(np.arange(number * 8) + len(stream) * 1000) % np.uint64(count)).astype(np.int64)
        if stream == "users":
            drawn = drawn[~self.parts.tables.admin[self.columns.users.role[drawn]]]
        return drawn[:number]

    # -- one question -----------------------------------------------------------------------------------------

    def checks(self) -> Iterator[Line]:
        """One check with its full reason."""
        number = min(20_000, self.parts.n_users * self.parts.n_contents)
        users = (mixed(np.arange(number)) % np.uint64(self.parts.n_users)).astype(np.int64)
        items = (mixed(np.arange(number) + (1 << 40)) % np.uint64(self.parts.n_contents)).astype(np.int64)
        pairs = list(zip(users.tolist(), items.tolist(), strict=True))
        user_ids, item_ids = self.columns.ids("user"), self.columns.ids("content")
        named = [(user_ids[u], item_ids[x]) for u, x in pairs]
        naive, check = Naive(self.engine), self.engine.check
        expected = self.engine.check_many(users, "Read", items) == 1
        same("naive", [naive.check(u, "Read", x)[0] for u, x in pairs], expected)
        same("check", [check(u, "Read", x).allowed for u, x in named], expected)

        def ours() -> None:
            for user, item in named:
                check(user, "Read", item)

        def theirs() -> None:
            for user, item in pairs:
                naive.check(user, "Read", item)

        times = in_turn(ours, theirs, 7, number)
        yield self.judge.line("one check with its full reason", self.size, "naive dicts", times, 0.4, anchor=6.3e-6)
        yield from self._libraries(named, pairs, expected)
        many, held = 100_000, self.engine.check_many
        users, items = np.resize(users, many), np.resize(np.roll(items, 1), many)
        pairs = list(zip(users.tolist(), items.tolist(), strict=True))
        same("check_many", held(users, "Read", items) == 1, [naive.check(u, "Read", x)[0] for u, x in pairs])
        times = in_turn(lambda: held(users, "Read", items), theirs_of(naive, pairs), 5, many)
        note = f"{many:,} pairs of user and content"
        yield self.judge.line("100,000 checks at once", self.size, "naive dicts", times, 10, anchor=6.3e-6, note=note)

    def _libraries(self, named: list[tuple[str, str]], pairs: list[tuple[int, int]], expected: Array) -> Iterator[Line]:
        check, few = self.engine.check, slice(0, 400)
        cedar, casbin = Cedar(self.facts), Casbin(self.facts)
        same("cedar", [cedar.check(*pair) for pair in pairs[few]], expected[few])
        same("casbin", [casbin.check(*p) for p in pairs[few]], [casbin.expected(*p) for p in pairs[few]])
        for name, peer, anchor in (("cedarpy", cedar, 188e-6), ("casbin FastEnforcer", casbin, 122e-6)):

            def ours() -> None:
                for user, item in named[few]:
                    check(user, "Read", item)

            def theirs(ask: object = peer.check) -> None:
                for pair in pairs[few]:
                    ask(*pair)  # type: ignore[operator]

            times = in_turn(ours, theirs, 5, 400)
            yield self.judge.line("one check with its full reason", self.size, name, times, 10, anchor=anchor)

    # -- what and who -----------------------------------------------------------------------------------------

    def people(self) -> Iterator[Line]:
        """What one person may View, who may View an item, both as ids; all capabilities as masks."""
        duck, bears, engine = Duck(self.facts), Bears(self.facts), self.engine
        large = self.size == "L"
        users, items = self.users[: 12 if large else 24], self.items[: 12 if large else 24]
        for user in users.tolist():
            same("what", np.sort(duck.what(user)), engine.what_ids(user, "Read"))
            same("what", np.sort(bears.what(user)), engine.what_ids(user, "Read"))
        for item in items.tolist():
            same("who", np.sort(duck.who(item)), engine.who_ids("Read", item))
            same("who", np.sort(bears.who(item)), engine.who_ids("Read", item))
        anchors = {
            "DuckDB": (0.118, 0.038) if large else (0.025, 0.016),
            "Polars": (0.133, 0.031) if large else (0.021, 0.008),
        }
        lines: dict[str, list[Line]] = {}
        for name, peer in (("DuckDB", duck), ("Polars", bears)):
            for question, asked, ours, theirs, least, anchor in (
                ("what one person may View, ids", users, lambda u: engine.what_ids(u, "Read"), peer.what, 10, 0),
                (
                    "who may View an item, ids",
                    items,
                    lambda x: engine.who_ids("Read", x),
                    peer.who,
                    30 if large else 15,
                    1,
                ),
            ):
                turns = _each(asked.tolist(), ours, theirs)
                line = self.judge.line(
                    question, self.size, name, turns.times, least, anchor=anchors[name][anchor], note=turns.note()
                )
                lines.setdefault(question, []).append(line)
        for of_question in lines.values():
            yield from of_question
        turns = _each(users.tolist(), engine.what, bears.what)
        masks = engine.what(int(users[0])).allowed
        note = f"{len(engine.capabilities)} capabilities, {masks.itemsize} bytes an item"
        yield self.judge.line(
            "all capabilities of one person, masks", self.size, "Polars, View only", turns.times, 25 if large else None,
            anchor=anchors["Polars"][0], note=turns.note(note),
        )  # fmt: skip
        yield from self._whatif(duck)

    def _whatif(self, duck: Duck) -> Iterator[Line]:
        engine, large = self.engine, self.size == "L"
        members = [(user, self._group_for(user, place)) for place, user in enumerate(self.users[:12].tolist())]
        for user, group in members:
            shift = engine.what_if_member(user, group, joins=True)
            before, after = duck.what_if_member(user, group)
            for masks, more, less in ((shift.gained, after, before), (shift.lost, before, after)):
                ours = np.sort(shift.contents[masks & masks.dtype.type(1 << VIEW) != 0])
                same("what-if membership", ours, np.setdiff1d(more, less))
        turns = _each(members, lambda p: engine.what_if_member(*p, joins=True), lambda p: duck.what_if_member(*p))
        anchor = 0.244 if large else 0.067
        yield self.judge.line(
            "what-if: a membership", self.size, "DuckDB before and after", turns.times, 100 if large else 50,
            anchor=anchor, note=turns.note(),
        )  # fmt: skip
        changes = [self._rule_for(int(item)) for item in self.items[:12]]
        for item, change in changes:
            before, after = duck.what_if_rule(item, change.grantee, GROUP_ALLOW)
            exact = engine.what_if.at(change, item)
            same("what-if rule", self.parts.people.ids(exact.gained), np.setdiff1d(after, before))
            same("what-if rule", self.parts.people.ids(exact.lost), np.setdiff1d(before, after))
        turns = _each(
            changes, lambda c: engine.what_if.rule(c[1]), lambda c: duck.what_if_rule(c[0], c[1].grantee, GROUP_ALLOW)
        )
        anchor = 0.076 if large else 0.031
        yield self.judge.line(
            "what-if: a rule", self.size, "DuckDB who twice", turns.times, 200, anchor=anchor, note=turns.note()
        )

    def _group_for(self, user: int, place: int) -> int:
        """A group that rules name and that does not hold the user."""
        named = np.unique(self.columns.rules.grantee[(self.columns.rules.grantee & 3) == GROUP] >> 2)
        named = np.setdiff1d(named, [*self.parts.people.of(user).groups.tolist(), *self.parts.people.everyone.tolist()])
        return int(named[(place * 37) % len(named)])

    def _rule_for(self, item: int) -> tuple[int, RuleChange]:
        """One more group that may View, in the list that governs the item; its grantee is not in the list yet."""
        sources, lists = self.parts.sources, self.columns.rules
        rules = int(sources.rules[item])
        held = lists.grantee[lists.offsets[rules] : lists.offsets[rules + 1]]
        code = next(c for c in range(GROUP, 4 * len(self.columns.groups.read), 4) if c not in held)
        level = int(sources.level[item])
        kinds = self.columns.vocabulary.kinds
        default = kinds[int(sources.kind[item])] if level == 2 else None
        return item, RuleChange(int(sources.holder[item]), code, "Read", "Allow", default)

    # -- the whole site ---------------------------------------------------------------------------------------

    def mirrors(self, *, rows: bool) -> Iterator[Line]:
        """Everybody's View of everything, in class form and as rows."""
        mirror, people = self.engine.mirror("Read"), self.parts.people
        form_of_list = np.full(len(self.columns.rules.offsets), NONE, np.int64)
        lists = self.parts.sources.rules
        form_of_list[lists] = mirror.of_content
        bears = Bears(self.facts)
        form_of_list[~np.isin(np.arange(len(form_of_list)), self.facts.entry_list)] = NONE
        admins = people.pack(np.flatnonzero(self.facts.user_reach == 2))
        same("mirror", bears.mirror(form_of_list), int(np.bitwise_count(mirror.rows & ~admins).sum(dtype=np.int64)))
        times = in_turn(lambda: self.engine.mirror("Read"), lambda: bears.mirror(form_of_list), 5)
        note = f"{len(mirror.rows):,} classes, {mirror.pairs():,} pairs, {mirror.rows.nbytes / 1e6:,.1f} MB"
        yield self.judge.line("whole View mirror, class form", self.size, "Polars", times, 20, anchor=1.18, note=note)
        if rows:
            duck = Duck(self.facts)
            start = time.perf_counter()
            count = duck.mirror_rows()
            seconds = time.perf_counter() - start
            duck.close()
            same("mirror rows", count, sum(len(self.engine.what_ids(u, "Read")) for u in range(self.parts.n_users)))
            ours = alone(lambda: self.engine.mirror("Read"), 5)
            yield self.judge.line(
                "whole View mirror", self.size, "DuckDB, user x item rows", (ours, seconds), 1000, anchor=96,
                note=f"{count:,} rows, asked once",
            )  # fmt: skip

    def mirror_and_floor(self, name: str = "") -> Iterator[Line]:
        """The largest mirror against the bytes it touches at the measured OR bandwidth."""
        self.parts.people.rows  # noqa: B018
        start = time.perf_counter()
        mirror = self.engine.mirror("Read")
        first = time.perf_counter() - start
        touched = touched_bytes(self.engine, mirror.of_content, len(mirror.rows))
        note = f"{len(mirror.rows):,} classes, {mirror.pairs():,} pairs, {mirror.rows.nbytes / 1e6:,.0f} MB"
        del mirror
        seconds = min(first, alone(lambda: self.engine.mirror("Read"), 3))
        floor = touched / self.judge.rate
        note = f"{seconds:.2f} s; {touched / 1e9:.2f} GB touched, floor {floor:.2f} s; {note}"
        yield self.judge.limit("whole View mirror" + name, self.size, "times the floor", seconds / floor, 4, note)

    def differences(self) -> Iterator[Line]:
        """Everybody who gained or lost anything in a day."""
        after = changed(self.columns, 0.1 if self.size == "tiny" else 0.01)
        facts = 0

        def ours() -> int:
            nonlocal facts
            pieces = list(Engine(self.columns).compared_with(after)[1])
            facts = sum(piece.facts() for piece in pieces)
            return facts

        if self.size == "L":
            seconds = alone(ours, 1)
            note = f"both sites indexed anew; {facts:,} rights gained or lost"
            yield self.judge.limit("diff, all capabilities, exact", self.size, "seconds", seconds, 20, note)
            return
        pieces = list(self.engine.compared_with(after)[1])
        one = self.parts.tables.mask(1 << VIEW)
        sides = ([piece.gained for piece in pieces], [piece.lost for piece in pieces])
        counts = [
            sum(len(p.users) * int((mask & one != 0).sum()) for p, mask in zip(pieces, masks, strict=True))
            for masks in sides
        ]
        ducks = Duck(self.facts), Duck(facts_of(Engine(after)))
        same("diff", list(difference(*ducks)), counts)
        times = in_turn(ours, lambda: difference(*ducks), 3)
        note = f"{facts:,} rights of all capabilities; View alone {counts[0]:,} gained, {counts[1]:,} lost"
        yield self.judge.line(
            "diff, all capabilities, exact", self.size, "DuckDB, View only", times, 60, anchor=6.3, note=note
        )

    # -- files ------------------------------------------------------------------------------------------------

    def opening(self) -> Iterator[Line]:
        """From files to the first answer, in a process of its own."""
        folder = Path(tempfile.mkdtemp())
        try:
            kept = save_columns(self.columns, folder / "columns")
            size = sum(path.stat().st_size for path in kept.iterdir())
            seconds, memory = _fresh(kept)
            items = len(self.columns.contents.kind)
            start = time.perf_counter()
            _sqlite(self.columns, folder / "facts.db")
            loading = time.perf_counter() - start
        finally:
            shutil.rmtree(folder)
        note = f"SQLite loads the facts in {loading:.1f} s ({loading / seconds:.0f} x)"
        yield self.judge.limit("open a snapshot to the first answer", self.size, "seconds", seconds, 4, note)
        yield self.judge.limit("... peak memory of that process", self.size, "GB", memory / 1e9, 1)
        note = f"{size / 1e6:.1f} MB, ids and names included"
        yield self.judge.limit("... on disk", self.size, "bytes an item", size / items, 20, note)


def theirs_of(naive: Naive, pairs: list[tuple[int, int]]) -> object:
    def ask() -> None:
        for user, item in pairs:
            naive.check(user, "Read", item)

    return ask


class Turns(NamedTuple):
    """Seconds of one question: ours and theirs in batches by turns, and ours alone right after one of theirs."""

    ours: float
    theirs: float
    cold: float

    @property
    def times(self) -> tuple[float, float]:
        return self.ours, self.theirs

    def note(self, more: str = "") -> str:
        return f"right after a peer's question {clock(self.cold)}" + (f"; {more}" if more else "")


def _each(asked: Sequence[Asked], ours: Callable[[Asked], object], theirs: Callable[[Asked], object]) -> Turns:
    """The same questions to both, all of ours, all of theirs, three times; then one by one."""
    times = in_turn(lambda: [ours(q) for q in asked], lambda: [theirs(q) for q in asked], 3, len(asked))
    cold = []
    for question in asked[:8]:
        theirs(question)
        start = time.perf_counter()
        ours(question)
        cold.append(time.perf_counter() - start)
    return Turns(*times, float(np.median(cold)))


def touched_bytes(engine: Engine, of_content: Array, forms: int) -> int:
    """The least bytes a mirror moves: each form's operands read once and its row written once."""
    parts, one = engine.parts, np.uint64(1 << VIEW)
    _, first = np.unique(of_content, return_index=True)
    lists, rules = parts.columns.rules, parts.sources.rules[first]
    speaks = ((lists.allow | lists.deny) & one != 0) & ((lists.grantee & 3) != 0)
    total = np.concatenate(([0], np.cumsum(speaks)))
    operands = total[lists.offsets[rules + 1]] - total[lists.offsets[rules]]
    return int((operands.sum() + forms) * parts.people.words * 8)


def _fresh(kept: Path) -> tuple[float, float]:
    code = (
        "import sys, time; start = time.perf_counter();"
        "from tabwarden.access.engine import Engine; from tabwarden.store.columns import open_columns;"
        "engine = Engine(open_columns(sys.argv[1])); engine.what_ids(3, 'Read');"
        "taken = time.perf_counter() - start; held = open('/proc/self/status').read();"
        "print(taken, int(held.split('VmHWM:')[1].split()[0]) * 1024)"
    )
    done = subprocess.run([sys.executable, "-c", code, str(kept)], check=True, capture_output=True, text=True)
    seconds, memory = done.stdout.split()
    return float(seconds), float(memory)


def _sqlite(columns: Columns, path: Path) -> None:
    """The same facts as tables with the indexes that View questions need."""
    base = sqlite3.connect(path)
    base.execute("pragma synchronous = off")
    group = np.repeat(np.arange(len(columns.groups.read)), np.diff(columns.groups.offsets))
    rule_list = np.repeat(np.arange(len(columns.rules.offsets) - 1), np.diff(columns.rules.offsets))
    held = columns.rules
    tables = {
        "members": (group, columns.groups.members),
        "contents": (columns.contents.kind, columns.contents.parent, columns.contents.owner, columns.contents.rules),
        "rules": (rule_list, held.grantee, held.allow.astype(np.int64), held.deny.astype(np.int64)),
        "users": (columns.users.role,),
    }
    for name, arrays in tables.items():
        base.execute(f"create table {name} ({', '.join(f'c{n}' for n in range(len(arrays)))})")
        marks = ", ".join("?" * len(arrays))
        base.executemany(f"insert into {name} values ({marks})", zip(*(a.tolist() for a in arrays), strict=True))
    for name, column in (("members", "c0"), ("members", "c1"), ("rules", "c0"), ("rules", "c1"), ("contents", "c3")):
        base.execute(f"create index {name}_{column} on {name} ({column})")
    base.commit()
    base.close()


# -- the worst case -------------------------------------------------------------------------------------------


def wild(size: str) -> Iterator[Line]:
    """Every free item with rules wholly its own: no peer, the figures as they are."""
    columns = site(size, wild=True)
    engine = Engine(columns)
    start = time.perf_counter()
    engine.what(3)
    built = time.perf_counter() - start
    verify(engine, np.arange(5, 15), np.arange(7, 7 + 40, 4) * (engine.parts.n_contents // 60))
    classes = len(engine.parts.classes.rules)
    users, items = np.arange(1, 41), np.arange(40) * (engine.parts.n_contents // 41)
    what = alone(lambda: [engine.what(int(u)) for u in users]) / 40
    engine.parts.people.rows  # noqa: B018
    who = alone(lambda: [engine.who("Read", int(x)) for x in items]) / 40
    mirror = engine.mirror("Read")
    shape = f"{len(mirror.rows):,} classes of View, {mirror.rows.nbytes / 1e6:,.0f} MB"
    del mirror
    seconds = alone(lambda: engine.mirror("Read"), 2)
    for question, value, note in (
        ("worst case: first answer", built, f"{classes:,} classes"),
        ("worst case: all capabilities of one person", what, ""),
        ("worst case: who may View an item, packed", who, ""),
        ("worst case: whole View mirror", seconds, shape),
    ):
        yield Line(question, f"{size} wild", "", value, None, None, None, "", note)


def lines(size: str, judge: Judge, console: Console) -> Iterator[Line]:
    """Every line of a run."""
    sizes = RUNS[size]
    for each in sizes:
        console.print(f"site {each} ...", style="dim")
        bench = Bench(each, judge)
        largest = each == sizes[-1]
        if each != "S" or largest:
            if each != "L":
                yield from bench.checks()
            yield from bench.people()
        if each == "L":
            yield from bench.mirror_and_floor()
            yield from bench.opening()
        elif each != "S" or largest:
            yield from bench.mirrors(rows=True)
        if each != "M":
            yield from bench.differences()
        if each == "tiny":
            yield from bench.mirror_and_floor()
            yield from bench.opening()
        del bench
    yield from wild(sizes[-1])


def show(found: list[Line], console: Console) -> None:
    table = Table(title="Tabwarden's engine beside its peers")
    for name in ("question", "site", "peer", "ours", "peer's", "ratio", "at least", ""):
        table.add_column(name, justify="left" if name in ("question", "site", "peer", "") else "right")
    for line in found:
        ours = f"{line.ours:.3g}" if line.peer in ("times the floor", "GB", "bytes an item") else clock(line.ours)
        theirs = "" if line.theirs is None else clock(line.theirs)
        ratio = "" if line.ratio is None else f"{line.ratio:,.3g}x" if line.ratio < 1000 else f"{line.ratio:,.0f}x"
        least = "" if line.least is None else f"{line.least:g}x"
        table.add_row(
            line.question, line.site, line.peer, ours, theirs, ratio, least, f"{line.verdict} {line.note}".strip()
        )
    console.print(table)


def clock(seconds: float) -> str:
    """Seconds as people read them."""
    for unit, factor in (("s", 1.0), ("ms", 1e3), ("us", 1e6)):
        if seconds * factor >= 1 or unit == "us":
            return f"{seconds * factor:.3g} {unit}"
    return ""


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--size", choices=("S", "M", "L"), default="M")
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--json", type=Path)
    given = parser.parse_args()
    size = "tiny" if given.quick else given.size
    console = Console(width=None if sys.stdout.isatty() else 200)
    missing = [name for name in PEERS if importlib.util.find_spec(name) is None]
    if missing:
        console.print(f"no figures: install the dependency group `bench`: {', '.join(missing)}")
        return 1
    judge = Judge(or_bandwidth(16 if given.quick else 128), judged=size in ("M", "L"))
    try:
        found = list(lines(size, judge, console))
    except Different as wrong:
        console.print(f"no figures: {wrong}")
        return 1
    show(found, console)
    console.print(
        f"a | b in memory: {judge.rate / 1e9:.1f} GB/s; peak memory {peak_memory() / 1e9:.1f} GB; "
        f"{os.cpu_count()} processors; a sample of every answer equals the reference's"
    )
    if given.json:
        given.json.write_text(json.dumps([line._asdict() for line in found], indent=1) + "\n", encoding="utf-8")
    return 2 if any(line.verdict == "MISSED" for line in found) else 0


if __name__ == "__main__":
    sys.exit(main())
