"""A user, group, group set, content or rule list as bytes, and back.

Facts are JSON; members and rules are sorted numbers, four bytes each, of the tables `thing` and `word`. Equal things
are equal bytes, so that their hash stands for them.
"""

from __future__ import annotations

import hashlib
import zlib
from array import array
from collections.abc import Iterable, Mapping
from typing import Any

from tabwarden.model.codec import Shape
from tabwarden.model.errors import IncompleteRead, TabwardenError
from tabwarden.model.site import Content, Grantee, Group, GroupSet, Rule, User

USER, GROUP, GROUP_SET, CONTENT = "user", "group", "groupSet", "content"
WORD_BITS = 10  # of a rule's number are its word, the rest its grantee
NOT_READ = b"?"
_ENOUGH = 512  # shorter ones grow when they are compressed
_NARROW = 1 << 32
_LOW = (1 << WORD_BITS) - 1


def hash_of(data: bytes) -> bytes:
    """What stands for these bytes."""
    return hashlib.blake2b(data, digest_size=16).digest()


FACTS: Mapping[str, Shape[Any]] = {
    USER: Shape(User, "id"),
    GROUP: Shape(Group, "id", "members"),
    GROUP_SET: Shape(GroupSet, "id"),
    CONTENT: Shape(Content, "id", "rules", "defaults"),
}
"""How everything but members and rules is written, by kind of thing."""


def facts_of(kind: str, value: User | Group | GroupSet | Content) -> bytes:
    """Everything but id, members and rules."""
    return _shorter(b"j", FACTS[kind].row(value))


def value_of(kind: str, data: bytes, *apart: object) -> Any:
    """The user, group, group set or content of these facts, with its id and its members or rules."""
    try:
        return FACTS[kind].from_row(_whole(data)[1:], *apart)
    except IncompleteRead as error:
        raise IncompleteRead(f"the history is damaged ({error}); `tabwarden store check` tells more") from None


def numbers_of(numbers: Iterable[int]) -> bytes:
    """Numbers in their order, as bytes."""
    ordered = sorted(numbers)
    wide = bool(ordered) and ordered[-1] >= _NARROW
    return _shorter(b"Q" if wide else b"I", array("Q" if wide else "I", ordered).tobytes())


def numbers(data: bytes) -> array[int]:
    """The numbers of these bytes."""
    whole = _whole(data)
    values = array("Q" if whole[:1] == b"Q" else "I")
    values.frombytes(whole[1:])
    return values


class RuleCodes(dict[Rule, int]):
    """The number of each rule, made when it is first asked for."""

    def __init__(self, things: Mapping[tuple[str, str], int], words: Mapping[tuple[str, str], int]) -> None:
        super().__init__()
        self.things, self.words = things, words

    def __missing__(self, rule: Rule) -> int:
        code = self.things[rule.grantee] << WORD_BITS | self.words[rule.capability, rule.mode]
        self[rule] = code
        return code


class RulesRead(dict[int, Rule]):
    """The rule of each number, made when it is first asked for; the same number is the same value."""

    def __init__(self, things: Mapping[int, tuple[str, str]], words: Mapping[int, tuple[str, str]]) -> None:
        super().__init__()
        self.words, self.grantees = words, _Grantees(things)

    def __missing__(self, code: int) -> Rule:
        # A Rule without the call of its own constructor: there are a million of them.
        rule = tuple.__new__(Rule, (self.grantees[code >> WORD_BITS], *self.words[code & _LOW]))
        self[code] = rule
        return rule


class _Grantees(dict[int, Grantee]):
    def __init__(self, things: Mapping[int, tuple[str, str]]) -> None:
        super().__init__()
        self.things = things

    def __missing__(self, number: int) -> Grantee:
        grantee = self[number] = Grantee(*self.things[number])
        return grantee


def check_words(number: int) -> None:
    """TabwardenError where there are more capabilities than a number has room for."""
    if number >= 1 << WORD_BITS:
        raise TabwardenError(f"the history takes {1 << WORD_BITS} different capabilities, and there are more")


def _shorter(kind: bytes, plain: bytes) -> bytes:
    if len(plain) < _ENOUGH:
        return kind + plain
    packed = zlib.compress(kind + plain, 1)
    return b"z" + packed if len(packed) < len(plain) else kind + plain


def _whole(data: bytes) -> bytes:
    try:
        return zlib.decompress(data[1:]) if data[:1] == b"z" else data
    except zlib.error as error:
        raise IncompleteRead(f"the history is damaged ({error}); read the site again") from None
