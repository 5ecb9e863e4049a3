"""Many sets of people out of very many, in as much memory as there are people in them."""

from __future__ import annotations

import secrets
from functools import cached_property
from typing import NamedTuple

import numpy as np

from tabwarden.engine.columns import NONE, Array
from tabwarden.engine.memberships import ones
from tabwarden.engine.rules import distinct, expand, mixed

_BLOCK = 1 << 22  # words whose bits are looked at at a time


class Pairs(NamedTuple):
    """Pairs of content and user: content c has the users `users[offsets[c]:offsets[c + 1]]`, rising."""

    offsets: Array
    users: Array

    def have(self, contents: Array, users: Array) -> Array:
        """Of pairs of content and user, row by row, whether they are among these."""
        known = distinct(contents)
        at, entry = expand(self.offsets, known)
        if not len(entry):
            return np.zeros(len(contents), bool)
        most = int(max(self.users.max(), users.max(initial=0))) + 1
        keys, wanted = known[at] * most + self.users[entry], contents * most + users
        have: Array = keys[np.minimum(np.searchsorted(keys, wanted), len(keys) - 1)] == wanted
        return have


class Sets:
    """Different sets of people, none of them nobody, each once: the words of packed rows that hold anybody.

    Sets are told apart by two sums of 64 bits with secret factors of this run: nobody can choose groups so that
    two sets pass for one.
    """

    def __init__(self, words: int) -> None:
        self.words = words
        self._place = mixed(np.arange(words, dtype=np.uint64) ^ np.uint64(secrets.randbits(64)))
        self._known: dict[tuple[int, int], int] = {}
        none = np.zeros(0, np.int64)
        self._parts: list[tuple[Array, Array, Array]] = [(none, none.astype(np.int32), none.astype(np.uint64))]

    def __len__(self) -> int:
        return len(self._known)

    def add(self, rows: Array) -> Array:
        """The numbers of the sets of these packed rows."""
        row, word = np.nonzero(rows)
        return self._add(np.flatnonzero(np.diff(row, prepend=NONE)), word, rows[row, word])

    def of_users(self, starts: Array, users: Array) -> Array:
        """The numbers of the sets of these users (rising within each), set i from `starts[i]` on."""
        first = np.zeros(len(users), bool)
        first[starts] = True
        words = np.flatnonzero(first | (np.diff(users >> 6, prepend=NONE) != 0))
        bits = np.left_shift(np.uint64(1), (users & 63).astype(np.uint64))
        value = np.bitwise_or.reduceat(bits, words) if len(words) else bits
        return self._add(np.searchsorted(words, starts), users[words] >> 6, value)

    def take(self, others: Sets, numbers: Array) -> Array:
        """The numbers here of some of the `others`."""
        at, entry = expand(others.table[0], numbers)
        return self._add(np.searchsorted(at, np.arange(len(numbers))), others.table[1][entry], others.table[2][entry])

    def _add(self, starts: Array, word: Array, value: Array) -> Array:
        """Set i has these words from `starts[i]` on."""
        if not len(starts):
            return np.zeros(0, np.int64)
        marks = mixed(value ^ self._place[word])
        hashes = (
            np.add.reduceat(marks, starts),
            np.add.reduceat(marks * (mixed(self._place) | np.uint64(1))[word], starts),
        )
        order = np.argsort(hashes[0])
        sides = [column[order] for column in hashes]
        differs = np.append(True, (sides[0][1:] != sides[0][:-1]) | (sides[1][1:] != sides[1][:-1]))
        firsts = order[differs[: len(starts)]]
        known = self._known
        before = len(known)
        keys = zip(hashes[0][firsts].tolist(), hashes[1][firsts].tolist(), strict=True)
        numbers = np.asarray([known.setdefault(key, len(known)) for key in keys], np.int64)
        _, entry = expand(np.append(starts, len(word)), firsts[numbers >= before])
        sizes = np.diff(np.append(starts, len(word)))[firsts[numbers >= before]]
        self._parts.append((sizes, word[entry].astype(np.int32), value[entry]))
        self.__dict__.pop("table", None)
        codes = np.empty(len(starts), np.int64)
        codes[order] = numbers[np.cumsum(differs) - 1]
        return codes

    @cached_property
    def table(self) -> tuple[Array, Array, Array]:
        """Where the words of each set begin, which words they are, and what is in them."""
        parts, self._parts = self._parts, []
        sizes = np.concatenate([part[0] for part in parts])
        end = sum(len(part[1]) for part in parts)
        word, value = np.empty(end, np.int32), np.empty(end, np.uint64)
        while parts:  # each part goes as it is copied: all of them beside their copy are gigabytes
            _, words, values = parts.pop()
            start = end - len(words)
            word[start:end], value[start:end] = words, values
            end = start
        self._parts = [(sizes, word, value)]
        return np.concatenate(([0], np.cumsum(sizes))), word, value

    def rows(self, numbers: Array) -> Array:
        """The packed rows of these sets."""
        offsets, word, value = self.table
        at, entry = expand(offsets, numbers)
        rows = np.zeros((len(numbers), self.words), np.uint64)
        rows[at, word[entry]] = value[entry]
        return rows

    def sizes(self) -> Array:
        """How many people are in each set."""
        offsets, _, value = self.table
        counts = np.append(np.bitwise_count(value), np.uint8(0))  # one more, so that there is something to sum
        sizes: Array = np.add.reduceat(counts, offsets, dtype=np.int64)[:-1]
        return sizes

    def members(self) -> tuple[Array, Array]:
        """Where the members of each set begin, and the members."""
        _, word, value = self.table
        offsets = np.concatenate(([0], np.cumsum(self.sizes())))
        members = np.empty(offsets[-1], np.int64)
        end = 0
        for first in range(0, len(word), _BLOCK):
            words = word[first : first + _BLOCK]
            at, bit = ones(value[first : first + _BLOCK, None])
            start, end = end, end + len(at)
            members[start:end] = words[at].astype(np.int64) * 64 + bit
        return offsets, members
