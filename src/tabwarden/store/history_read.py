"""From rows of the history to a Site, or to a part of one."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import replace
from types import MappingProxyType
from typing import Any

from tabwarden.model.site import NO_RULES, Rules, Site
from tabwarden.store import packing
from tabwarden.store.database import Connection, chunks, marks
from tabwarden.store.history_write import digest_of
from tabwarden.store.packing import CONTENT, GROUP, GROUP_SET, NOT_READ, USER, RulesRead
from tabwarden.store.schema import FACTS, MEMBERS, RULES
from tabwarden.store.snapshots import damaged

DEFAULT = "default "
NOT_READ_HASH = packing.hash_of(NOT_READ)


class Rows:
    """Things, words and bodies as they are asked for, each read once."""

    def __init__(self, connection: Connection) -> None:
        self.connection = connection
        self.things: dict[int, tuple[str, str]] = {}
        self.data: dict[bytes, bytes] = {}
        words = connection.rows("select number, capability, mode from word")
        self.words = {number: (capability, mode) for number, capability, mode in words}
        self.rules = RulesRead(self.things, self.words)
        self.lists: dict[bytes, Rules | None] = {NOT_READ_HASH: None}

    def all_things(self, chain: int) -> None:
        """Learn the id of everything there ever was on the site."""
        things = self.connection.rows("select number, kind, id from thing where site = ?", chain)
        self.things.update((number, (kind, thing)) for number, kind, thing in things)

    def things_named(self, numbers: Iterable[int]) -> None:
        """Learn the ids of these."""
        for some in chunks({number for number in numbers if number not in self.things}):
            things = self.connection.rows(f"select number, kind, id from thing where number in {marks(some)}", *some)
            self.things.update((number, (kind, thing)) for number, kind, thing in things)

    def bodies(self, hashes: str, *values: Any) -> None:
        """Learn the bodies whose hashes a query gives."""
        self._learn(f"({hashes})", *values)

    def versions(self, versions: Iterable[tuple[int, str, bytes]]) -> None:
        """Learn what these versions (thing, slot, body) need: the bodies, and whom members and rules name."""
        slots = {digest: slot for _, slot, digest in versions}
        for some in chunks(slots):
            self._learn(marks(some), *some)
        named: set[int] = set()
        for digest, slot in slots.items():
            if slot != FACTS and digest != NOT_READ_HASH:
                codes = packing.numbers(self.body(digest))
                named.update(codes if slot == MEMBERS else (code >> packing.WORD_BITS for code in codes))
        self.things_named(named)

    def _learn(self, hashes: str, *values: Any) -> None:
        for digest, data in self.connection.rows(f"select hash, data from body where hash in {hashes}", *values):
            if not isinstance(data, bytes) or packing.hash_of(data) != digest:
                raise damaged("what a thing was is not as it was written")
            self.data[digest] = data

    def digest(self, bare: Site, versions: Iterable[tuple[int, str, bytes]], like: str) -> str:
        """The digest of a snapshot as it is now, to be held against `like`, the one that it was kept with."""
        ends = [int(end) for end in like.split("-")[1:]]
        things, words = (
            {name: number for number, name in names.items() if number <= end}
            for names, end in zip((self.things, self.words), ends, strict=True)
        )
        return digest_of(bare, things, words, versions)

    def body(self, digest: bytes) -> bytes:
        """The bytes a hash stands for."""
        try:
            return self.data[digest]
        except KeyError:
            raise damaged("what a thing was is missing") from None

    def list(self, digest: bytes) -> Rules | None:
        """The rule list a hash stands for, None: it was not read."""
        if digest not in self.lists:
            self.lists[digest] = frozenset(map(self.rules.__getitem__, packing.numbers(self.body(digest))))
        return self.lists[digest]

    def members(self, digest: bytes) -> frozenset[str] | None:
        """The members a hash stands for, None: they were not read."""
        if digest == NOT_READ_HASH:
            return None
        return frozenset(self.things[number][1] for number in packing.numbers(self.body(digest)))


def opened(bare: Site, rows: Rows, versions: Iterable[Sequence[Any]]) -> Site:
    """`bare` with the things of these rows (thing, slot, body), in the order in which they were first seen."""
    slots: dict[int, dict[str, bytes]] = defaultdict(dict)
    for number, slot, body in versions:
        slots[number][slot] = body
    rows.things_named(slots)
    parts: dict[str, dict[str, Any]] = {kind: {} for kind in packing.FACTS}
    for number in sorted(slots):
        (kind, thing), bodies = rows.things[number], slots[number]
        apart: tuple[object, ...] = ()
        if kind == GROUP:
            apart = (rows.members(bodies.get(MEMBERS, b"")),)
        elif kind == CONTENT:
            defaults = {
                slot.removeprefix(DEFAULT): rows.list(body) for slot, body in bodies.items() if slot.startswith(DEFAULT)
            }
            apart = rows.list(bodies[RULES]) if RULES in bodies else NO_RULES, MappingProxyType(defaults)
        parts[kind][thing] = packing.value_of(kind, rows.body(bodies.get(FACTS, b"")), thing, *apart)
    users, groups, group_sets, contents = (parts[kind] for kind in (USER, GROUP, GROUP_SET, CONTENT))
    return replace(bare, users=users, groups=groups, group_sets=group_sets, contents=contents)
