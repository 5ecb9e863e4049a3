"""A Directory kept as one JSON file, and read back without loss. Not how a directory is read.

One person or group a line, in the order of domain and name, so that two files compare well; what has its usual value
is left out, so that a file is quickly written by hand:

    {"format": 1, "when": "2026-11-21T18:24:00Z",
     "domains": [{"fqdn": "corp.example.com", "netbios": "CORP"}],
     "trusts": [],
     "people": [{"guid": "p1", "domain": "corp.example.com", "sam_account_name": "jsmith"}],
     "groups": [{"guid": "g1", "domain": "corp.example.com", "name": "Sales", "members": ["p1"]}]}
"""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any, TypeVar, get_origin, get_type_hints

from tabwarden.model.errors import IncompleteRead, UnknownName
from tabwarden.model.names import same
from tabwarden.want.directory import Directory, DirectoryGroup, DirectoryPerson, Domain, Trust

FORMAT = 1
_PARTS = ("domains", "trusts", "people", "groups")
_KEYS = ("format", "when", *_PARTS)
_TEXTS = (tuple, frozenset)
_WORDS: dict[type, str] = {
    str: "text",
    bool: "true or false",
    int: "a whole number",
    Mapping: "an object of texts",
    **dict.fromkeys(_TEXTS, "a list of texts"),
}
_Row = TypeVar("_Row", Domain, Trust, DirectoryPerson, DirectoryGroup)
_Object = TypeVar("_Object", DirectoryPerson, DirectoryGroup)


def save(directory: Directory, path: Path | str) -> Path:
    """Write the file whole or not at all; only its owner may read it. Returns its path."""
    place = Path(path)
    try:
        place.parent.mkdir(parents=True, exist_ok=True)
        descriptor, aside = tempfile.mkstemp(prefix=f".{place.name}-", dir=place.parent)
        try:
            with os.fdopen(descriptor, "w", encoding="utf-8", newline="\n") as file:
                file.writelines(_lines(directory))
            Path(aside).replace(place)
        except BaseException:
            Path(aside).unlink(missing_ok=True)
            raise
    except OSError as error:
        reason = (error.strerror or "it cannot be used").lower()
        raise IncompleteRead(f"directory file `{place}` cannot be written: {reason}; name another place") from None
    return place


def load(path: Path | str) -> Directory:
    """The Directory kept there.

    UnknownName where there is no file; IncompleteRead, naming row and field, where it is not a whole directory.
    """
    place = Path(path)
    try:
        text = place.read_text(encoding="utf-8-sig")
    except FileNotFoundError:
        raise UnknownName(f"there is no directory file `{place}`; `tabwarden directory read` makes one") from None
    except (OSError, UnicodeDecodeError):
        raise IncompleteRead(
            f"directory file `{place}` cannot be read; check that it is a file of UTF-8 text"
        ) from None
    try:
        return _directory(json.loads(text, object_pairs_hook=_no_twins))
    except json.JSONDecodeError as error:
        raise IncompleteRead(f"directory file `{place}`: line {error.lineno} is not JSON; read it again") from None
    except ValueError as error:
        raise IncompleteRead(f"directory file `{place}`: {error}") from None


# -- writing --------------------------------------------------------------------------------------------------


def _lines(directory: Directory) -> Iterator[str]:
    people = sorted(directory.people.values(), key=lambda p: (same(p.domain), same(p.sam_account_name), p.guid))
    groups = sorted(directory.groups.values(), key=lambda g: (same(g.domain), same(g.name), g.guid))
    yield f'{{\n"format": {FORMAT},\n"when": {json.dumps(directory.when)}'
    parts: tuple[Iterable[Any], ...] = (directory.domains, directory.trusts, people, groups)
    for part, rows in zip(_PARTS, parts, strict=True):
        yield f',\n"{part}": ['
        yield ",".join(f"\n{json.dumps(_plain(row), ensure_ascii=False)}" for row in rows)
        yield "\n]"
    yield "\n}\n"


def _plain(row: Any) -> dict[str, Any]:
    """The fields of a row that have not their usual value, sets in order."""
    usual = row._field_defaults
    found = {name: value for name, value in row._asdict().items() if name not in usual or usual[name] != value}
    return {name: _json(value) for name, value in found.items()}


def _json(value: object) -> object:
    if isinstance(value, frozenset):
        return sorted(value)
    return dict(sorted(value.items())) if isinstance(value, Mapping) else value


# -- reading --------------------------------------------------------------------------------------------------


def _no_twins(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        names = [name for name, _ in pairs]
        raise ValueError(f"the key `{next(n for n in names if names.count(n) > 1)}` is there twice; keep one")
    return found


def _directory(told: object) -> Directory:
    if not isinstance(told, dict):
        raise ValueError('it must be one object with "domains", "people" and "groups"')
    if unknown := [key for key in told if key not in _KEYS]:
        raise ValueError(f"there is no key `{unknown[0]}`; the keys are {', '.join(_KEYS)}")
    if told.get("format") != FORMAT:
        raise ValueError(f"`format` is {told.get('format')!r}, this release reads {FORMAT}; use the one that wrote it")
    found = Directory(
        tuple(_rows(Domain, told, "domains")),
        tuple(_rows(Trust, told, "trusts")),
        MappingProxyType(_by_guid(_rows(DirectoryPerson, told, "people"), "people")),
        MappingProxyType(_by_guid(_rows(DirectoryGroup, told, "groups"), "groups")),
        _value(told.get("when", ""), str, "when"),
    )
    _check(found)
    return found


def _rows(kind: type[_Row], told: Mapping[str, Any], part: str) -> Iterator[_Row]:
    rows = told.get(part)
    if not isinstance(rows, list):
        raise ValueError(f"`{part}` must be a list, and is {'missing' if rows is None else 'none'}")
    wanted = {name: get_origin(hint) or hint for name, hint in get_type_hints(kind).items()}
    make: Callable[..., _Row] = kind
    for number, row in enumerate(rows, 1):
        place = f"{part}[{number}]"
        if not isinstance(row, dict):
            raise ValueError(f"`{place}` must be an object with fields such as `{next(iter(wanted))}`")
        if unknown := [name for name in row if name not in wanted]:
            raise ValueError(f"`{place}` has no field `{unknown[0]}`; the fields are {', '.join(wanted)}")
        if missing := [name for name in wanted if name not in row and name not in kind._field_defaults]:
            raise ValueError(f"`{place}.{missing[0]}` is missing; add it")
        yield make(**{name: _value(value, wanted[name], f"{place}.{name}") for name, value in row.items()})


def _value(value: Any, kind: type, place: str) -> Any:
    """A field as its kind; ValueError that names it."""
    if kind in (str, bool, int) and type(value) is kind:
        return value
    if kind in _TEXTS and isinstance(value, list) and all(isinstance(text, str) for text in value):
        return kind(value)
    if kind is Mapping and isinstance(value, dict) and all(isinstance(text, str) for text in value.values()):
        return MappingProxyType(value)
    raise ValueError(f"`{place}` must be {_WORDS[kind]}")


def _by_guid(rows: Iterable[_Object], part: str) -> dict[str, _Object]:
    found: dict[str, _Object] = {}
    for row in rows:
        if row.guid in found:
            raise ValueError(f"two of `{part}` have the guid `{row.guid}`; a guid is one object")
        found[row.guid] = row
    return found


def _check(directory: Directory) -> None:
    """What must hold between rows: every domain and every member is there, and a guid is one object."""
    domains = {same(domain.fqdn) for domain in directory.domains}
    objects: list[DirectoryPerson | DirectoryGroup] = [*directory.people.values(), *directory.groups.values()]
    for row in objects:
        if same(row.domain) not in domains:
            raise ValueError(f"`{row.guid}` is of the domain `{row.domain}`, which is not among `domains`; add it")
    if both := directory.people.keys() & directory.groups.keys():
        raise ValueError(f"a person and a group have the guid `{min(both)}`; a guid is one object")
    known = directory.people.keys() | directory.groups.keys()
    for group in directory.groups.values():
        if lost := group.members - known:
            raise ValueError(
                f"group `{group.name}` has the member `{min(lost)}`, which is neither in `people` nor in `groups`"
            )
