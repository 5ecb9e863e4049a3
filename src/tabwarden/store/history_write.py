"""Writing one Site into the history: what differs from the newest snapshot, and nothing else. Not which Site."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from hashlib import blake2b
from typing import NamedTuple

from sqlalchemy import Connection, bindparam, func, select, update

from tabwarden.model.codec import collected_later
from tabwarden.model.site import Content, Rules, Site
from tabwarden.store import packing, schema
from tabwarden.store.database import Database, chunks
from tabwarden.store.packing import CONTENT, GROUP, GROUP_SET, USER, RuleCodes
from tabwarden.store.schema import FACTS, MEMBERS, RULES

Place = tuple[int, str]


class Packed(NamedTuple):
    """Bytes and what stands for them."""

    hash: bytes
    data: bytes


@collected_later()
def write(database: Database, connection: Connection, chain: int, number: int, site: Site) -> tuple[int, str]:
    """Make `site` snapshot `number` of its chain; returns how many rules it has, and a digest of all that is in it."""
    things, words = _things(connection, chain), _words(connection)
    told = _Telling(things, words)
    here: dict[Place, Packed] = dict(told.all(site))
    database.insert(connection, schema.thing, ((n, chain, *key) for key, n in things.new()))
    database.insert(connection, schema.word, ((n, *key) for key, n in words.new()))
    version, thing = schema.version, schema.thing
    asked = select(version.c.thing, version.c.slot, version.c.body).join(thing)
    open_ones = connection.execute(asked.where(thing.c.site == chain, version.c.until.is_(None))).all()
    was: dict[Place, bytes] = {(each, slot): bytes(body) for each, slot, body in open_ones}
    ended = [place for place, body in was.items() if place not in here or here[place].hash != body]
    begun = [(place, packed) for place, packed in here.items() if was.get(place) != packed.hash]
    if ended:
        still = (version.c.thing == bindparam("t"), version.c.slot == bindparam("s"), version.c.until.is_(None))
        connection.execute(update(version).where(*still).values(until=number), [{"t": t, "s": s} for t, s in ended])
    _keep_bodies(database, connection, {packed.hash: packed.data for _, packed in begun}, set(was.values()))
    rows = sorted((each, slot, number, None, packed.hash) for (each, slot), packed in begun)
    database.insert(connection, version, rows)
    digest = blake2b(repr([*things.items(), *words.items()]).encode("utf-8", "surrogatepass"), digest_size=16)
    for (each, slot), packed in sorted(here.items()):
        digest.update(b"%d %s " % (each, slot.encode()) + packed.hash)
    return told.rules, digest.hexdigest()


def _keep_bodies(database: Database, connection: Connection, told: Mapping[bytes, bytes], known: set[bytes]) -> None:
    """Those that are nowhere yet, in the order of their hashes: that is how the table lies on disk."""
    body, new = schema.body, sorted(told.keys() - known)
    there: set[bytes] = set()
    if connection.execute(select(body.c.hash).limit(1)).first() is not None:
        for some in chunks(new):
            there.update(map(bytes, connection.execute(select(body.c.hash).where(body.c.hash.in_(some))).scalars()))
    database.insert(connection, body, ((each, told[each]) for each in new if each not in there))


class Numbers(dict[tuple[str, str], int]):
    """Numbers of keys; a key that has none gets the next."""

    def __init__(self, known: Mapping[tuple[str, str], int], last: int) -> None:
        super().__init__(known)
        self._known, self._last = len(known), last

    def __missing__(self, key: tuple[str, str]) -> int:
        self._last += 1
        self[key] = self._last
        return self._last

    def new(self) -> Iterator[tuple[tuple[str, str], int]]:
        """The keys that had none."""
        for position, (key, number) in enumerate(self.items()):
            if position >= self._known:
                yield key, number


def _things(connection: Connection, chain: int) -> Numbers:
    thing = schema.thing
    rows = connection.execute(select(thing.c.kind, thing.c.id, thing.c.number).where(thing.c.site == chain)).all()
    last = connection.execute(select(func.max(thing.c.number))).scalar() or 0
    return Numbers({(kind, each): number for kind, each, number in rows}, last)


def _words(connection: Connection) -> Numbers:
    word = schema.word
    rows = connection.execute(select(word.c.capability, word.c.mode, word.c.number))
    known = {(capability, mode): number for capability, mode, number in rows}
    return Numbers(known, max(known.values(), default=0))


class _Telling:
    """Every body of a Site; the same rule list is packed once."""

    def __init__(self, things: Numbers, words: Numbers) -> None:
        self.things, self.words = things, words
        self.codes = RuleCodes(things, words)
        self.lists: dict[int, Packed] = {}
        self.rules = 0

    def all(self, site: Site) -> Iterator[tuple[Place, Packed]]:
        for user in site.users.values():
            yield (self.things[USER, user.id], FACTS), _packed(packing.facts_of(USER, user))
        for group in site.groups.values():
            number = self.things[GROUP, group.id]
            yield (number, FACTS), _packed(packing.facts_of(GROUP, group))
            members = group.members
            told = packing.NOT_READ if members is None else packing.numbers_of(self.things[USER, m] for m in members)
            yield (number, MEMBERS), _packed(told)
        for each in site.group_sets.values():
            yield (self.things[GROUP_SET, each.id], FACTS), _packed(packing.facts_of(GROUP_SET, each))
        for content in site.contents.values():
            yield from self._content(content)
        packing.check_words(max(self.words.values(), default=0))

    def _content(self, content: Content) -> Iterator[tuple[Place, Packed]]:
        number = self.things[CONTENT, content.id]
        yield (number, FACTS), _packed(packing.facts_of(CONTENT, content))
        yield (number, RULES), self._list(content.rules)
        for kind, rules in content.defaults.items():
            yield (number, f"default {kind}"), self._list(rules)

    def _list(self, rules: Rules | None) -> Packed:
        if rules is None:
            return _packed(packing.NOT_READ)
        self.rules += len(rules)
        # By identity, not by value: the Site holds every list while this goes on, and equal lists pack to equal bytes.
        found = self.lists.get(id(rules))
        if found is None:
            found = self.lists[id(rules)] = _packed(packing.numbers_of(map(self.codes.__getitem__, rules)))
        return found


def _packed(data: bytes) -> Packed:
    return Packed(packing.hash_of(data), data)
