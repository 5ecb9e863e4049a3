"""A user, group, group set, content or rule list as bytes, and back. Not where the bytes lie (`history`).

Facts are JSON; members and rules are sorted numbers, four bytes each, of the tables `thing` and `word`. Equal things
are equal bytes, so that their hash stands for them.
"""

from __future__ import annotations

import hashlib
import json
import zlib
from array import array
from collections.abc import Iterable, Mapping
from typing import Any

from tabwarden.model.errors import IncompleteRead, TabwardenError
from tabwarden.model.site import Content, Grantee, Group, GroupSet, Rule, Rules, Use, User

USER, GROUP, GROUP_SET, CONTENT = "user", "group", "groupSet", "content"
WORD_BITS = 10  # of a rule's number are its word, the rest its grantee
NOT_READ = b"?"
_ENOUGH = 512  # shorter ones grow when they are compressed
_NARROW = 1 << 32
_LOW = (1 << WORD_BITS) - 1
_ENCODE = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode  # one encoder, not one a row


def hash_of(data: bytes) -> bytes:
    """What stands for these bytes."""
    return hashlib.blake2b(data, digest_size=16).digest()


# -- facts ----------------------------------------------------------------------------------------------------


def facts_of(held: User | Group | GroupSet | Content) -> bytes:
    """Everything but members and rules."""
    match held:
        case User():
            row: list[Any] = [held.name, held.site_role, held.domain, held.full_name, held.email]
            row += [held.auth_setting, held.last_login]
        case Group():
            row = [held.name, held.domain, held.minimum_site_role, held.grant_on, held.everyone]
        case GroupSet():
            row = [held.name, sorted(held.groups)]
        case Content():
            row = [held.kind, held.name, held.parent, held.owner, held.mode, held.tabs, held.uses]
            row += [held.description, held.created, held.updated]
    return _shorter(b"j", _ENCODE(row).encode("utf-8", "surrogatepass"))


def user(user_id: str, data: bytes) -> User:
    """The user of these facts."""
    name, role, domain, full_name, email, auth, last = _row(data)
    return User(user_id, name, role, domain, full_name, email, auth, last)


def group(group_id: str, data: bytes, members: frozenset[str] | None) -> Group:
    """The group of these facts, with its members."""
    name, domain, role, grant_on, everyone = _row(data)
    return Group(group_id, name, domain, members, role, grant_on, everyone)


def group_set(set_id: str, data: bytes) -> GroupSet:
    """The group set of these facts."""
    name, groups = _row(data)
    return GroupSet(set_id, name, frozenset(groups))


def content(content_id: str, data: bytes, rules: Rules | None, defaults: Mapping[str, Rules | None]) -> Content:
    """The content of these facts, with its rule lists."""
    kind, name, parent, owner, mode, tabs, uses, description, created, updated = _row(data)
    used = tuple(Use(*use) for use in uses)
    return Content(
        content_id, kind, name, parent, owner, rules, mode, defaults, tabs, used, description, created, updated
    )


def _row(data: bytes) -> list[Any]:
    found = json.loads(_whole(data)[1:].decode("utf-8", "surrogatepass"))
    assert isinstance(found, list)
    return found


# -- numbers --------------------------------------------------------------------------------------------------


def numbers_of(numbers: Iterable[int]) -> bytes:
    """Numbers in their order, as bytes."""
    held = sorted(numbers)
    wide = bool(held) and held[-1] >= _NARROW
    return _shorter(b"Q" if wide else b"I", array("Q" if wide else "I", held).tobytes())


def numbers(data: bytes) -> array[int]:
    """The numbers of these bytes."""
    whole = _whole(data)
    found = array("Q" if whole[:1] == b"Q" else "I")
    found.frombytes(whole[1:])
    return found


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
        found = self[number] = Grantee(*self.things[number])
        return found


def check_words(number: int) -> None:
    """TabwardenError where there are more capabilities than a number has room for."""
    if number >= 1 << WORD_BITS:
        raise TabwardenError(f"the history takes {1 << WORD_BITS} different capabilities, and there are more")


# -- bytes ----------------------------------------------------------------------------------------------------


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
