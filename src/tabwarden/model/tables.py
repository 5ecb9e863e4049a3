"""Things by their keys; tables of which a version is made from another at the cost of what differs."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from itertools import chain
from typing import Any, Generic, Protocol, TypeVar

SMALL = 2_000  # entries of a dict that is copied whole
RECENT = 256  # changes that are copied with every further one

_Key = TypeVar("_Key")
_Thing = TypeVar("_Thing")
_GONE: Any = object()


class Origin(Protocol):
    """What changes are laid over: a mapping, or an index that is asked for single keys."""

    def get(self, key: Any, default: Any) -> Any:
        """What is under a key."""

    def __contains__(self, key: object) -> bool: ...


def grouped(pairs: Iterable[tuple[_Key, _Thing]]) -> dict[_Key, list[_Thing]]:
    """The things under their keys, as they come."""
    groups: dict[_Key, list[_Thing]] = {}
    for key, thing in pairs:
        groups.setdefault(key, []).append(thing)
    return groups


def with_these(table: Any, things: Mapping[Any, _Thing]) -> Any:
    """The table with things replaced in their place, and new ones behind the rest."""
    if type(table) is dict and len(table) < SMALL:
        return {**table, **things}
    return (table if isinstance(table, Changed) else Changed(table)).with_these(things)


def without(table: Any, keys: Iterable[Any]) -> Any:
    gone = frozenset(keys)
    if type(table) is dict and len(table) < SMALL:
        return {key: thing for key, thing in table.items() if key not in gone}
    return (table if isinstance(table, Changed) else Changed(table)).without(gone)


def in_order(table: Mapping[str, Any], keys: Collection[str]) -> list[str]:
    """Those of the keys that are in the table, in its order."""
    if len(keys) < 2:
        return [key for key in keys if key in table]
    chosen: list[str] = table.in_order(keys) if hasattr(table, "in_order") else [key for key in table if key in keys]
    return chosen


def that_differ(before: Mapping[str, Any], after: Mapping[str, Any]) -> list[str]:
    """Keys of what is another thing, in the order of `after`, then what is gone; at the cost of what differs."""
    unlike = after.unlike(before) if isinstance(after, Changed) else None
    if unlike is None:
        unlike = frozenset(k for k in after if before.get(k) is not after[k]) | (before.keys() - after.keys())
    return [*in_order(after, unlike), *(key for key in in_order(before, unlike) if key not in after)]


class Changed(Mapping[str, _Thing], Generic[_Thing]):
    """A table with some things replaced, new ones behind the rest, and some gone.

    `things` and, above them, the few `recent` ones lie over `origin`, without those of it that were `gone` once.
    """

    def __init__(
        self,
        origin: Any,
        things: dict[str, _Thing] | None = None,
        recent: dict[str, _Thing] | None = None,
        gone: frozenset[str] = frozenset(),
        more: int = 0,
    ) -> None:
        self._origin, self._things, self._recent = origin, things or {}, recent or {}
        self._gone, self._more = gone, more

    def get(self, key: Any, default: Any = None) -> Any:
        thing = self._recent.get(key, _GONE)
        if thing is _GONE and (thing := self._things.get(key, _GONE)) is _GONE:
            return default if self._gone and key in self._gone else self._origin.get(key, default)
        return thing

    def __getitem__(self, key: str) -> _Thing:
        thing: Any = self._recent.get(key, _GONE)
        if thing is _GONE and (thing := self._things.get(key, _GONE)) is _GONE:
            if key in self._gone:
                raise KeyError(key)
            thing = self._origin[key]
        known: _Thing = thing
        return known

    def __contains__(self, key: object) -> bool:
        return key in self._recent or key in self._things or (key not in self._gone and key in self._origin)

    def __iter__(self) -> Iterator[str]:
        gone = self._gone
        return chain((key for key in self._origin if key not in gone) if gone else self._origin, self._new())

    def _new(self) -> list[str]:
        """The keys behind those of the origin."""
        keys = dict.fromkeys((*self._things, *self._recent)) if self._more else ()
        return [key for key in keys if key in self._gone or key not in self._origin]

    def __len__(self) -> int:
        return len(self._origin) - len(self._gone) + self._more

    def __eq__(self, other: object) -> bool:
        unlike = self.unlike(other) if isinstance(other, Mapping) else None
        return super().__eq__(other) if unlike is None else not unlike

    def with_these(self, things: Mapping[Any, _Thing]) -> Changed[_Thing]:
        """The same with more things added or replaced."""
        more = self._more + sum(1 for key in things if key not in self)
        recent = {**self._recent, **things}
        if len(recent) <= RECENT:
            return Changed(self._origin, self._things, recent, self._gone, more)
        return Changed(self._origin, {**self._things, **recent}, None, self._gone, more)

    def without(self, keys: Iterable[Any]) -> Changed[_Thing]:
        things = {**self._things, **self._recent}
        more, gone = self._more, set[str]()
        for key in keys:
            if key not in self:
                continue
            things.pop(key, None)
            if key in self._origin and key not in self._gone:
                gone.add(key)
            else:
                more -= 1
        return Changed(self._origin, things, None, self._gone | gone, more)

    # -- compared with another version ------------------------------------------------------------------------

    def unlike(self, other: Mapping[str, _Thing]) -> frozenset[str] | None:
        """Ids of what differs, or is in one alone; None where the other was not made of the same table."""
        if other is self:
            return frozenset()
        if other is not self._origin and not (isinstance(other, Changed) and other._origin is self._origin):
            return None
        keys = {*self._things, *self._recent, *self._gone}
        if isinstance(other, Changed):
            keys |= {*other._things, *other._recent, *other._gone}
        pairs = ((key, self.get(key, _GONE), other.get(key, _GONE)) for key in keys)
        return frozenset(key for key, mine, theirs in pairs if mine is not theirs and mine != theirs)

    def in_order(self, keys: Collection[str]) -> list[str]:
        """Those of the ids that are in the table, in its order."""
        return [
            *(k for k in in_order(self._origin, keys) if k not in self._gone),
            *(k for k in self._new() if k in keys),
        ]

    def ordered_like(self, other: Mapping[str, _Thing]) -> bool:
        """Whether both have the same ids in the same order: without new ones, what was changed keeps its place."""
        origin, new, gone = other, list[str](), frozenset[str]()
        if isinstance(other, Changed):
            origin, new, gone = other._origin, other._new(), other._gone
        return (self._new() == new and self._gone == gone) if origin is self._origin else [*self] == [*other]
