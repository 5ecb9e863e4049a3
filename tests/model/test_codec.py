"""The one codec: any value comes back equal, equal values are equal bytes, and whatever is no value is named."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import NamedTuple

import pytest

from tabwarden.model.codec import Shape, decode, decode_lines, encode, from_plain, shape, to_plain
from tabwarden.model.errors import IncompleteRead
from tabwarden.model.site import Content, Grantee, Group, Rule, Site, Use, User

ANN = User("1", "ann", "Viewer")
RULES = frozenset({Rule(Grantee(kind, "2"), "Read", mode) for kind in ("user", "group") for mode in ("Allow", "Deny")})
BOOK = Content("w", "workbook", "W", "p", "1", RULES, defaults={"view": None, "flow": RULES}, uses=(Use("d", "embed"),))


class Pair(NamedTuple):
    """Two texts."""

    left: str
    right: str = "usual"


@dataclass(frozen=True)
class Older:
    """A type as it was."""

    name: str
    tags: frozenset[str] = frozenset()
    pairs: tuple[Pair, ...] = ()
    counts: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True)
class Newer(Older):
    """The same with a field more."""

    team: str | None = None
    inner: tuple[Older, ...] = ()


@pytest.mark.parametrize(
    "value",
    [
        ANN,
        replace(ANN, full_name="\ud83d garbled", email="a\nb\u2028"),
        Group("g", "G", members=None),
        Group("g", "G", members=frozenset("abc"), everyone=True),
        BOOK,
        replace(BOOK, rules=None, defaults=MappingProxyType({"view": frozenset()})),
        Site(users={"1": ANN}, contents={"w": BOOK}, licences={"Viewer": 3}, partial=("views",), nicknames={}),
        Newer("n", frozenset("ba"), (Pair("a"),), {"x": 1}, inner=(Older("o"),)),
    ],
)
def test_a_value_comes_back_from_bytes_plain_data_and_rows(value):
    kind = type(value)
    assert decode(encode(value), kind) == value
    assert from_plain(to_plain(value), kind) == value
    assert shape(kind).from_row(shape(kind).row(value)) == value
    assert decode_lines(encode(value) + b"\n" + encode(value) + b"\n", kind) == [value, value]


def test_equal_values_are_equal_bytes():
    first = Older("o", frozenset(("a", "b", "c")), counts={"x": 1, "y": 2})
    second = Older("".join("o"), frozenset(("c", "b", "a")), counts={"y": 2, "x": 1})
    assert encode(first) == encode(second) == b'{"name":"o","tags":["a","b","c"],"counts":{"x":1,"y":2}}'
    assert encode(replace(BOOK, defaults=MappingProxyType(dict(reversed(BOOK.defaults.items()))))) == encode(BOOK)


def test_a_new_field_changes_nothing_that_is_kept_already():
    older, newer = Older("o", frozenset("a")), Newer("o", frozenset("a"))
    assert encode(older) == encode(newer)
    assert shape(Older).row(older) == shape(Newer).row(newer) == b'["o",["a"]]'
    assert decode(encode(older), Newer) == newer
    assert shape(Newer).from_row(shape(Older).row(older)) == newer


def test_fields_apart_are_kept_elsewhere():
    facts = Shape(Content, "id", "rules", "defaults")
    assert b"rules" not in facts.encode(BOOK)
    assert facts.decode(facts.encode(BOOK), BOOK.id, BOOK.rules, BOOK.defaults) == BOOK
    assert facts.from_row(facts.row(BOOK), BOOK.id, BOOK.rules, BOOK.defaults) == BOOK


def test_a_named_tuple_is_an_object_by_its_shape_and_a_list_within_others():
    assert shape(Pair).encode(Pair("a")) == b'{"left":"a"}'
    assert shape(Pair).decode(b'{"left":"a"}') == Pair("a")
    assert encode(Older("o", pairs=(Pair("a"),))) == b'{"name":"o","pairs":[["a","usual"]]}'


def test_what_is_read_shares_nothing_that_can_change():
    first, second = decode(b'{"name":"o"}', Older), decode(b'{"name":"o"}', Older)
    assert first.counts is not second.counts


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b'{"name":"o"', "it is not JSON"),
        (b'{"name":"o"} more', "it is not JSON"),
        (b'{"name":"o","age":3}', "`it` has no field `age`; the fields are name, tags, pairs, counts, team, inner"),
        (b'{"name":"o","inner":[{"name":"i"},{"name":"i","age":3}]}', "`inner[2]` has no field `age`"),
        (b"{}", "`it.name` is missing; add it"),
        (b'{"name":3}', "`name` must be text"),
        (b'{"name":"o","team":[]}', "`team` must be text or null"),
        (b'{"name":"o","counts":{"a":true}}', "each value of `counts` must be a whole number"),
        (b'{"name":"o","tags":["a",1]}', "`tags[2]` must be text"),
        (b'["o"]', "`it` must be an object with fields such as `name`"),
    ],
)
def test_what_is_no_value_is_named(data, message):
    with pytest.raises(IncompleteRead) as error:
        decode(data, Newer)
    assert str(error.value) == message


def test_the_place_is_told():
    with pytest.raises(IncompleteRead, match=r"^`people\[3\].site_role` must be text$"):
        from_plain({"id": "1", "name": "ann", "site_role": None}, User, "people[3]")
    with pytest.raises(IncompleteRead, match=r"^line 2 of `users.jsonl`: `name` must be text$"):
        decode_lines(encode(ANN) + b'\n{"id":"2","name":3,"site_role":"Viewer"}\n', User, "`users.jsonl`")
