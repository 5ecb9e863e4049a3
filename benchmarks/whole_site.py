"""Questions about a whole site: its mirror, two days of it, its files, its worst case. Not single questions."""

from __future__ import annotations

import shutil
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from agree import same, verify
from bench import Bench
from facts import VIEW, facts_of
from later import changed
from measure import Cost, Judge, Line, Oring, alone, in_turn, memory_of
from sites import site
from tables import Bears, Duck, difference
from tabwarden.engine.columns import NONE, Columns
from tabwarden.engine.engine import Engine
from tabwarden.store.columns import save_columns

# -- everybody's View of everything ---------------------------------------------------------------------------


def mirrors(bench: Bench) -> Iterator[Line]:
    """Everybody's View of everything, in class form and as rows."""
    engine, people, facts = bench.engine, bench.parts.people, bench.our_lists
    mirror = engine.mirror("Read")
    class_of_source = np.full(int(facts.item_source.max()) + 1, NONE, np.int64)
    class_of_source[facts.item_source] = mirror.of_content
    class_of_source[~np.isin(np.arange(len(class_of_source)), facts.entry_source)] = NONE
    bears = Bears(facts)
    bears.give_classes(class_of_source)
    admins = people.pack(np.flatnonzero(facts.user_reach == 2))
    same("mirror", bears.mirror(), int(np.bitwise_count(mirror.rows & ~admins).sum(dtype=np.int64)))
    times = in_turn(lambda: engine.mirror("Read"), bears.mirror, 5)
    most, touched = memory_of(lambda: engine.mirror("Read")), bench.bytes_of_mirror(mirror.of_content, len(mirror.rows))
    shape = f"{len(mirror.rows):,} classes, {mirror.class_pairs():,} pairs, {mirror.rows.nbytes / 1e6:,.1f} MB"
    yield bench.judge.line(
        "whole View mirror, class form", bench.size, "Polars, given our classes", times, 20, anchor=1.18,
        cost=Cost(most, touched, shape),
    )  # fmt: skip
    duck = Duck(facts)
    start = time.perf_counter()
    count = duck.mirror_rows()
    seconds = time.perf_counter() - start
    duck.close()
    same("mirror rows", count, sum(len(engine.what_ids(u, "Read")) for u in range(bench.parts.n_users)))
    ours = alone(lambda: engine.mirror("Read"), 5)
    yield bench.judge.line(
        "whole View mirror", bench.size, "DuckDB, user x item rows, given our lists", (ours, seconds), 1000, anchor=96,
        cost=Cost(most, touched, f"{count:,} rows, asked once"),
    )  # fmt: skip


def mirror_and_limit(bench: Bench) -> Iterator[Line]:
    """The largest mirror against the time its bytes take to be OR-ed."""
    engine = bench.engine
    bench.parts.people.rows  # noqa: B018
    most = memory_of(lambda: engine.mirror("Read"))
    start = time.perf_counter()
    mirror = engine.mirror("Read")
    fresh = time.perf_counter() - start
    rows, of_content = mirror.rows, mirror.of_content
    touched = bench.bytes_of_mirror(of_content, len(rows))
    shape = (
        f"{len(rows):,} classes, {mirror.class_pairs():,} pairs, {rows.nbytes / 1e6:,.0f} MB; "
        f"{touched / 1e9:.2f} GB touched"
    )
    del mirror
    times = in_turn(lambda: engine.mirror("Read", into=rows), Oring(touched, 16 if bench.size == "tiny" else 128), 5)
    cost = Cost(most, None, f"{shape}; one thread both; into memory that is there, {fresh:.2f} s into new memory")
    yield bench.judge.floor("whole View mirror", bench.size, times, 4, cost=cost)


# -- two days -------------------------------------------------------------------------------------------------


def differences(bench: Bench) -> Iterator[Line]:
    """Everybody who gained or lost anything in a day."""
    after, columns, parts = changed(bench.columns, 0.1 if bench.size == "tiny" else 0.01), bench.columns, bench.parts
    facts = 0

    def ours() -> None:
        nonlocal facts
        facts = sum(piece.facts() for piece in Engine(columns).compared_with(after)[1])

    question = "diff, all capabilities, exact"
    if bench.large:
        seconds = alone(ours, 1)
        note = f"1 % changed; both sites indexed anew; {facts:,} rights gained or lost"
        yield bench.judge.limit(question, bench.size, "s", seconds, 20, cost=Cost(note=note))
        return
    pieces = list(bench.engine.compared_with(after)[1])
    one = parts.tables.mask(1 << VIEW)
    sides = ([piece.gained for piece in pieces], [piece.lost for piece in pieces])
    counts = [
        sum(len(p.users) * int((mask & one != 0).sum()) for p, mask in zip(pieces, masks, strict=True))
        for masks in sides
    ]
    most = memory_of(ours)
    note = f"{facts:,} rights of all capabilities; View alone {counts[0]:,} gained, {counts[1]:,} lost"
    later = Engine(after)
    for name, given, least in (("DuckDB, View only", False, 60), ("DuckDB, View only, given our lists", True, None)):
        ducks = [Duck(facts_of(engine, given_our_lists=given)) for engine in (bench.engine, later)]
        same("diff", list(difference(*ducks)), counts)
        times = in_turn(ours, lambda d=ducks: difference(*d), 5)
        yield bench.judge.line(question, bench.size, name, times, least, anchor=6.3, cost=Cost(most, None, note))
        for duck in ducks:
            duck.close()


# -- files ----------------------------------------------------------------------------------------------------


def opening(bench: Bench) -> Iterator[Line]:
    """From files to the first answer, in a process of its own."""
    folder = Path(tempfile.mkdtemp())
    try:
        kept = save_columns(bench.columns, folder / "columns")
        size = sum(path.stat().st_size for path in kept.iterdir())
        seconds, memory = _fresh(kept)
        items = len(bench.columns.contents.kind)
        start = time.perf_counter()
        _sqlite(bench.columns, folder / "facts.db")
        loading = time.perf_counter() - start
    finally:
        shutil.rmtree(folder)
    limit = bench.judge.limit
    note = f"SQLite loads the facts in {loading:.1f} s ({loading / seconds:.0f}x)"
    yield limit("open a snapshot to the first answer", bench.size, "s", seconds, 4, cost=Cost(int(memory), note=note))
    yield limit("... peak memory of that process", bench.size, "GB", memory / 1e9, 1)
    note = f"{size / 1e6:.1f} MB, ids and names included"
    yield limit("... on disk", bench.size, "bytes an item", size / items, 20, cost=Cost(note=note))


def _fresh(kept: Path) -> tuple[float, float]:
    code = (
        "import sys, time; start = time.perf_counter();"
        "from tabwarden.engine.engine import Engine; from tabwarden.store.columns import open_columns;"
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


def wild(size: str, judge: Judge) -> Iterator[Line]:
    """Every free item with rules wholly its own: no peer and no bar, the figures as they are."""
    engine = Engine(site(size, wild=True))
    parts = engine.parts
    start = time.perf_counter()
    engine.what(3)
    built = time.perf_counter() - start
    verify(engine, np.arange(5, 15), np.arange(7, 7 + 40, 4) * (parts.n_contents // 60))
    users, items = np.arange(1, 41), np.arange(40) * (parts.n_contents // 41)
    engine.what_ids(3, "Read")
    what = alone(lambda: [engine.what(u) for u in users.tolist()] and None) / 40
    ids = alone(lambda: [engine.what_ids(u, "Read") for u in users.tolist()] and None) / 40
    parts.people.rows  # noqa: B018
    who = alone(lambda: [engine.who("Read", x) for x in items.tolist()] and None) / 40
    mirror = engine.mirror("Read")
    rows, shape = mirror.rows, f"{len(mirror.rows):,} classes of View, {mirror.rows.nbytes / 1e6:,.0f} MB"
    del mirror
    seconds = alone(lambda: engine.mirror("Read", into=rows), 2)
    for question, value, note in (
        ("first answer", built, f"{len(parts.classes.rules):,} classes"),
        ("all capabilities of one person", what, ""),
        ("what one person may View, ids", ids, ""),
        ("who may View an item, packed", who, ""),
        ("whole View mirror", seconds, shape),
    ):
        yield judge.limit(f"worst case: {question}", f"{size} wild", "s", value, None, cost=Cost(note=note))
