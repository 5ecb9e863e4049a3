"""The one way values are written and read back: JSON made from the types of their dataclasses and named tuples.

Equal values are equal bytes: sets and mappings are in order, and a field of its usual value is left out. So a new
field that has a usual value changes nothing that is kept already. What is read is checked against the types: an
unknown field, a missing one or one of another type is an error that names its place.
"""

from __future__ import annotations

import dataclasses
import gc
import json
import re
import types
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import cache
from operator import attrgetter, itemgetter, ne
from typing import Any, Generic, TypeVar, Union, get_args, get_origin, get_type_hints, overload

import msgspec

from tabwarden.model.errors import IncompleteRead

T = TypeVar("T")
_NONE = msgspec.NODEFAULT
_FIELD, _INDEX = re.compile(r"(.*) - at `(?:key in )?\$(.*)`$"), re.compile(r"\[(\d+)\]")
_WORDS = {
    "str": "text",
    "bool": "true or false",
    "int": "a whole number",
    "float": "a number",
    "array": "a list",
    "null": "null",
    "object": "an object",
}


@contextmanager
def collected_later() -> Iterator[None]:
    """Python looks for circles of garbage afterwards: a large site is millions of values, and they are in use."""
    was = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was:
            gc.enable()


# -- any value ------------------------------------------------------------------------------------------------


def encode(value: object) -> bytes:
    """One line of JSON; a name with half a surrogate pair, which Tableau may have garbled, is kept as it came."""
    return _bytes(_structs(value))


def indented(text: str) -> str:
    """JSON over several lines, as `json.dumps(..., indent=2)` writes it, in a fraction of its time."""
    return msgspec.json.format(text.encode("utf-8", "surrogatepass"), indent=2).decode("utf-8", "surrogatepass")


@overload
def decode(data: bytes | str, type_: type[T], place: str = "") -> T: ...
@overload
def decode(data: bytes | str, type_: Any, place: str = "") -> Any: ...
def decode(data: bytes | str, type_: Any, place: str = "") -> Any:
    """The value of that type; IncompleteRead, naming what is wrong at `place`, where it is none."""
    decoder, nested = _decoder(type_)
    value = _decoded(decoder, data, place)
    return _values(value) if nested else value


@overload
def decode_lines(data: bytes, type_: type[T], place: str = "") -> list[T]: ...
@overload
def decode_lines(data: bytes, type_: Any, place: str = "") -> Any: ...
def decode_lines(data: bytes, type_: Any, place: str = "") -> Any:
    """The values of that type, one a line; IncompleteRead, naming the line, as in `decode`."""
    decoder, nested = _decoder(type_)
    try:
        values = decoder.decode_lines(data)
    except (msgspec.DecodeError, UnicodeDecodeError):
        values = [_line(decoder, line, number, place) for number, line in enumerate(data.splitlines(), 1)]
    return _values(values) if nested else values


def _line(decoder: msgspec.json.Decoder[Any], data: bytes, number: int, place: str) -> Any:
    try:
        return _decoded(decoder, data, "")
    except IncompleteRead as error:
        raise IncompleteRead(f"line {number} of {place}: {error}") from None


def to_plain(value: object) -> Any:
    """Lists, dicts, texts and numbers, as they stand in JSON."""
    return msgspec.to_builtins(_structs(value), enc_hook=_mapping, order="deterministic")


@overload
def from_plain(plain: object, type_: type[T], place: str = "") -> T: ...
@overload
def from_plain(plain: object, type_: Any, place: str = "") -> Any: ...
def from_plain(plain: object, type_: Any, place: str = "") -> Any:
    """The value of that type; IncompleteRead as in `decode`."""
    return _values(_converted(plain, _decoder(type_)[0].type, place))


class _Getter:
    """Attributes of a value, as a tuple however few they are."""

    def __init__(self, names: Sequence[str]) -> None:
        self.names = tuple(names)
        self.get: Callable[[Any], tuple[Any, ...]] = attrgetter(*names) if len(names) > 1 else self._few

    def _few(self, value: object) -> tuple[Any, ...]:
        return tuple(getattr(value, name) for name in self.names)


# -- one type -------------------------------------------------------------------------------------------------


class Shape(Generic[T]):
    """How the values of one frozen type are written; the fields `apart` are kept elsewhere and given when read."""

    def __init__(self, type_: Callable[..., T], *apart: str) -> None:
        usual, hints = _usual(type_), get_type_hints(type_)
        names = [name for name in usual if name not in apart]
        given = [*apart, *names]
        self.apart, self.names = apart, tuple(names)
        self._type: Any = type_
        self._get = attrgetter(*names, names[0])  # of two at least: of one it would give no tuple
        self._usual = tuple(usual[name][0] for name in names)
        optional = [name for name in names if usual[name][0] is not _NONE]
        self._optional = _Getter(optional), tuple(usual[name][0] for name in optional)
        self._saying: dict[tuple[bool, ...], tuple[tuple[str, ...], _Getter]] = {}
        keyword_only = dataclasses.is_dataclass(type_) and any(f.kw_only for f in dataclasses.fields(type_))
        self._names = tuple(names) if keyword_only else None
        self._places = itemgetter(*(given.index(name) for name in usual)) if given != list(usual) else None
        fields = [(name, _written(hints[name]), usual[name][1]) for name in names]
        self._nested = any(_has_struct(hint) for _, hint, _ in fields)
        name = getattr(type_, "__name__", "Value")
        self.struct: Any = msgspec.defstruct(name, fields, forbid_unknown_fields=True, frozen=True, gc=False)
        row = msgspec.defstruct(name, fields, array_like=True, forbid_unknown_fields=True, frozen=True, gc=False)
        self._row = msgspec.json.Decoder(row)
        _SHAPES[self.struct] = self

    def of(self, value: T) -> Any:
        """The value as a struct, fields of their usual value unset."""
        pairs = zip(self._get(value), self._usual, strict=False)
        if self._nested:
            return self.struct(*[_UNSET if one == usual else _structs(one) for one, usual in pairs])
        return self.struct(*[_UNSET if one == usual else one for one, usual in pairs])

    def said(self, value: T) -> tuple[tuple[str, ...], tuple[object, ...]]:
        """The fields that are not of their usual value: their names, and their values."""
        optional, usual = self._optional
        differ = tuple(map(ne, optional.get(value), usual))
        names_and_get = self._saying.get(differ)
        if names_and_get is None:
            said = dict(zip(optional.names, differ, strict=True))
            names = tuple(name for name in self.names if said.get(name, True))
            names_and_get = self._saying[differ] = names, _Getter(names)
        names, getter = names_and_get
        return names, getter.get(value)

    def value(self, struct: Any, *apart: object) -> T:
        """The value of a struct that was read."""
        fields = msgspec.structs.astuple(struct)
        if self._nested:
            fields = tuple(map(_values, fields))
        if self._names is not None:
            by_name: T = self._type(**dict(zip((*self.apart, *self._names), (*apart, *fields), strict=True)))
            return by_name
        instance: T = self._type(*(apart + fields if self._places is None else self._places(apart + fields)))
        return instance

    def encode(self, value: T) -> bytes:
        return encode(self.of(value))

    def decode(self, data: bytes | str, *apart: object, place: str = "") -> T:
        """The value of a JSON object; IncompleteRead where it is none."""
        return self.value(_decoded(_decoder(self.struct)[0], data, place), *apart)

    def from_plain(self, plain: object, *apart: object, place: str = "") -> T:
        """The value of a dict of its fields; IncompleteRead where it is none."""
        return self.value(_converted(plain, self.struct, place), *apart)

    def row(self, value: T) -> bytes:
        """A JSON list of the fields in their order, as short as may be: usual values at its end are left out."""
        fields = list(self._get(value))
        fields.pop()
        usual = self._usual
        while fields and fields[-1] == usual[len(fields) - 1]:
            fields.pop()
        return encode(fields) if self._nested else _bytes(fields)

    def from_row(self, data: bytes, *apart: object, place: str = "") -> T:
        """The value of such a list; IncompleteRead where it is none."""
        return self.value(_decoded(self._row, data, place), *apart)


def shape(type_: type[T]) -> Shape[T]:
    own = _WHOLE.get(type_)
    if own is None:
        own = _WHOLE[type_] = Shape(type_)
    return own


def _usual(type_: Any) -> dict[str, tuple[Any, Any]]:
    """Every field with its usual value, twice: as it is, and as a struct takes it. NODEFAULT where there is none."""
    if not dataclasses.is_dataclass(type_):
        return {name: (type_._field_defaults.get(name, _NONE),) * 2 for name in type_._fields}
    fields: dict[str, tuple[Any, Any]] = {}
    for field in sorted(dataclasses.fields(type_), key=attrgetter("kw_only")):
        factory, usual = field.default_factory, field.default
        if factory is not dataclasses.MISSING:
            fields[field.name] = factory(), msgspec.field(default_factory=factory)
        else:
            fields[field.name] = (_NONE, _NONE) if usual is dataclasses.MISSING else (usual, usual)
    return fields


# -- types and values as msgspec takes them -------------------------------------------------------------------

_UNSET = msgspec.UNSET
_PLAIN = frozenset({str, int, float, bool, type(None), frozenset})
_WHOLE: dict[Any, Shape[Any]] = {}
_SHAPES: dict[Any, Shape[Any]] = {}  # by struct


def _mapping(value: object) -> object:
    if isinstance(value, Mapping):
        return dict(value)
    raise NotImplementedError(f"a {type(value).__name__} is not written")


_ENCODER = msgspec.json.Encoder(enc_hook=_mapping, order="deterministic")


def _bytes(plain: object) -> bytes:
    try:
        return _ENCODER.encode(plain)
    except UnicodeEncodeError:
        plain = msgspec.to_builtins(plain, enc_hook=_mapping, order="deterministic")
        return json.dumps(plain, separators=(",", ":")).encode()


def _written(hint: Any) -> Any:
    """A type with the struct of each dataclass in its place: of those unknown fields are an error."""
    if dataclasses.is_dataclass(hint):
        return shape(hint).struct  # type: ignore[arg-type]
    origin, args = get_origin(hint), get_args(hint)
    if origin in (types.UnionType, Union):
        return Union[tuple(_written(one) for one in args)]  # noqa: UP007
    if isinstance(origin, type):
        return origin[tuple(_written(one) for one in args)]  # type: ignore[index]
    return hint


def _has_struct(hint: Any) -> bool:
    return hint in _SHAPES or any(map(_has_struct, get_args(hint)))


def _structs(value: Any) -> Any:
    """Dataclasses, at any depth, as their structs."""
    kind = type(value)
    if kind in _PLAIN:
        return value
    if kind in (list, tuple):
        return [_structs(one) for one in value]
    if dataclasses.is_dataclass(kind):
        return shape(kind).of(value)
    return {name: _structs(one) for name, one in value.items()} if isinstance(value, Mapping) else value


def _values(value: Any) -> Any:
    """Structs, at any depth, as the values they stand for."""
    kind = type(value)
    if kind in _PLAIN:
        return value
    if kind is list:
        return [_values(one) for one in value]
    if kind is tuple:
        return tuple(map(_values, value))
    if kind is dict:
        return {name: _values(one) for name, one in value.items()}
    own = _SHAPES.get(kind)
    return value if own is None or own.apart else own.value(value)


@cache
def _decoder(type_: Any) -> tuple[msgspec.json.Decoder[Any], bool]:
    """What reads a type, and whether values of dataclasses are to be made of what it reads."""
    written = _written(type_)
    return msgspec.json.Decoder(written), _has_struct(written)


# -- what is wrong --------------------------------------------------------------------------------------------


def _decoded(decoder: msgspec.json.Decoder[T], data: bytes | str, place: str) -> T:
    try:
        return decoder.decode(data)
    except (msgspec.DecodeError, UnicodeDecodeError):
        try:
            plain = json.loads(data)  # which takes half a surrogate pair
        except ValueError:
            raise IncompleteRead(f"`{place}` is not JSON" if place else "it is not JSON") from None
        return _converted(plain, decoder.type, place)


def _converted(plain: object, type_: type[T], place: str) -> T:
    try:
        return msgspec.convert(plain, type_)
    except msgspec.ValidationError as error:
        raise IncompleteRead(_sentence(str(error), place, getattr(type_, "__struct_fields__", ()))) from None
    except UnicodeEncodeError:
        raise IncompleteRead(f"`{place}` holds half a character" if place else "it holds half a character") from None


def _sentence(message: str, place: str, fields: Sequence[str]) -> str:
    """What msgspec says, in our words: "Expected `str`, got `int` - at `$.people[0].upn`"; `fields`: the outermost."""
    hit = _FIELD.match(message)
    what, where = (hit[1], hit[2]) if hit else (message, "")
    where = _INDEX.sub(lambda index: f"[{int(index[1]) + 1}]", where)
    where = (place + where if place else where.removeprefix(".")) or "it"
    names = re.findall(r"`([^`]*)`", what)
    if "unknown field" in what:
        known = f"; the fields are {', '.join(fields)}" if fields and not hit else ""
        return f"`{where}` has no field `{names[0]}`{known}"
    if "missing required field" in what:
        return f"`{where}.{names[0]}` is missing; add it"
    if what.startswith("Expected") and len(names) == 2:
        wanted = " or ".join(_WORDS.get(one, one) for one in names[0].split(" | "))
        such = f" with fields such as `{fields[0]}`" if fields and not hit else ""
        inner = where.removesuffix("[...]")
        return f"{'each value of ' if inner != where else ''}`{inner}` must be {wanted}{such}"
    return f"`{where}`: {what[:1].lower()}{what[1:]}"
