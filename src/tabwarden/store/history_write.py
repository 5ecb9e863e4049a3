"""Writing one Site into the history: what differs from the newest snapshot, and nothing else."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from hashlib import blake2b
from typing import NamedTuple

from tabwarden.model.codec import collected_later, encode
from tabwarden.model.site import Content, Rules, Site
from tabwarden.store import packing
from tabwarden.store.database import Connection, chunks, marks
from tabwarden.store.packing import CONTENT, GROUP, GROUP_SET, USER, RuleCodes
from tabwarden.store.schema import FACTS, MEMBERS, RULES

Place = tuple[int, str]
Named = tuple[str, str]


class Packed(NamedTuple):
    """Bytes and what stands for them."""

    hash: bytes
    data: bytes


@collected_later()
def write(connection: Connection, chain: int, number: int, site: Site) -> tuple[int, str]:
    """Make `site` snapshot `number` of its chain; returns how many rules it has, and a digest of all that is in it."""
    things, words = _things(connection, chain), _words(connection)
    bodies = _Telling(things, words)
    now: dict[Place, Packed] = dict(bodies.all(site))
    connection.insert("thing", ((n, chain, *key) for key, n in things.new()))
    connection.insert("word", ((n, *key) for key, n in words.new()))
    newest = "select v.thing, v.slot, v.body from version v join thing t on v.thing = t.number"
    rows = connection.rows(f"{newest} where t.site = ? and v.until is null", chain)
    was: dict[Place, bytes] = {(thing, slot): body for thing, slot, body in rows}
    ended = [place for place, body in was.items() if place not in now or now[place].hash != body]
    begun = [(place, packed) for place, packed in now.items() if was.get(place) != packed.hash]
    if ended:
        end = "update version set until = ? where thing = ? and slot = ? and until is null"
        connection.run_each(end, [(number, *place) for place in ended])
    _keep_bodies(connection, {packed.hash: packed.data for _, packed in begun}, set(was.values()))
    connection.insert("version", sorted((thing, slot, number, None, packed.hash) for (thing, slot), packed in begun))
    versions = ((*place, packed.hash) for place, packed in now.items())
    return bodies.rules, digest_of(site.bare, things, words, versions)


def digest_of(
    bare: Site, things: Mapping[Named, int], words: Mapping[Named, int], versions: Iterable[tuple[int, str, bytes]]
) -> str:
    """What stands for a whole snapshot: its digest, and how far things and words were numbered by then.

    `things` are numbered by kind and id, `words` by capability and mode; `versions` are thing, slot, hash.
    """
    ends = [max(numbered.values(), default=0) for numbered in (things, words)]
    digest = blake2b(encode(bare), digest_size=16)
    for numbered in (things, words):
        names = sorted((number, *name) for name, number in numbered.items())
        digest.update(repr(names).encode("utf-8", "surrogatepass"))
    for thing, slot, body in sorted(versions):
        digest.update(b"%d %s " % (thing, slot.encode()) + body)
    return "-".join([digest.hexdigest(), *map(str, ends)])


def _keep_bodies(connection: Connection, bodies: Mapping[bytes, bytes], known: set[bytes]) -> None:
    """Those that are nowhere yet, in the order of their hashes: that is how the table lies on disk."""
    new = sorted(bodies.keys() - known)
    there: set[bytes] = set()
    if connection.value("select 1 from body limit 1") is not None:
        for some in chunks(new):
            there.update(connection.column(f"select hash from body where hash in {marks(some)}", *some))
    connection.insert("body", ((digest, bodies[digest]) for digest in new if digest not in there))


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
    rows = connection.rows("select kind, id, number from thing where site = ?", chain)
    last = connection.value("select max(number) from thing") or 0
    return Numbers({(kind, thing): number for kind, thing, number in rows}, last)


def _words(connection: Connection) -> Numbers:
    rows = connection.rows("select capability, mode, number from word")
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
            body = packing.NOT_READ if members is None else packing.numbers_of(self.things[USER, m] for m in members)
            yield (number, MEMBERS), _packed(body)
        for group_set in site.group_sets.values():
            yield (self.things[GROUP_SET, group_set.id], FACTS), _packed(packing.facts_of(GROUP_SET, group_set))
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
        packed = self.lists.get(id(rules))
        if packed is None:
            packed = self.lists[id(rules)] = _packed(packing.numbers_of(map(self.codes.__getitem__, rules)))
        return packed


def _packed(data: bytes) -> Packed:
    return Packed(packing.hash_of(data), data)
