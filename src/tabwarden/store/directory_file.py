"""A Directory kept as one JSON file, one person or group a line.

They are in the order of domain and name, so that two files compare well; what has its usual value
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
import re
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any, TypeVar

from tabwarden.model.codec import encode, from_plain, shape
from tabwarden.model.errors import IncompleteRead, UnknownName
from tabwarden.model.names import same
from tabwarden.safe_files import read_text
from tabwarden.troubles import why
from tabwarden.want.directory import Directory, DirectoryGroup, DirectoryPerson, Domain, Trust

FORMAT = 1
_PARTS = ("domains", "trusts", "people", "groups")
_KEYS = ("format", "when", *_PARTS)
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
        raise IncompleteRead(f"directory file `{place}` cannot be written: {why(error)}; name another place") from None
    return place


_LDIF = re.compile(r"^(?:version: 1\s|dn:)", re.MULTILINE)


def load(path: Path | str) -> Directory:
    """The Directory kept there.

    UnknownName where there is no file; IncompleteRead, naming row and field, where it is not a whole directory.
    """
    place = Path(path)
    try:
        text = read_text(place, 1 << 30)
    except FileNotFoundError:
        raise UnknownName(f"there is no directory file `{place}`; `tabwarden directory read` makes one") from None
    except (OSError, UnicodeDecodeError):
        raise IncompleteRead(
            f"directory file `{place}` cannot be read; check that it is a file of UTF-8 text"
        ) from None
    try:
        return _directory(json.loads(text, object_pairs_hook=_no_twins))
    except json.JSONDecodeError as error:
        if not text.lstrip().startswith("{"):
            ldif = "LDIF and " if _LDIF.search(text) else ""
            raise IncompleteRead(
                f"directory file `{place}`: is {ldif}no directory file; `tabwarden directory read --out FILE` makes "
                "one, or write it as `tabwarden help names-and-domains` shows; a list as CSV goes into `sources`"
            ) from None
        raise IncompleteRead(f"directory file `{place}`: line {error.lineno} is not JSON; read it again") from None
    except (ValueError, IncompleteRead) as error:
        raise IncompleteRead(f"directory file `{place}`: {error}") from None


# -- writing --------------------------------------------------------------------------------------------------


def _lines(directory: Directory) -> Iterator[str]:
    people = sorted(directory.people.values(), key=lambda p: (same(p.domain), same(p.sam_account_name), p.guid))
    groups = sorted(directory.groups.values(), key=lambda g: (same(g.domain), same(g.name), g.guid))
    yield f'{{\n"format": {FORMAT},\n"when": {json.dumps(directory.when)}'
    parts: tuple[Iterable[Any], ...] = (directory.domains, directory.trusts, people, groups)
    for part, rows in zip(_PARTS, parts, strict=True):
        yield f',\n"{part}": ['
        yield ",".join(f"\n{encode(shape(type(row)).of(row)).decode()}" for row in rows)
        yield "\n]"
    yield "\n}\n"


# -- reading --------------------------------------------------------------------------------------------------


def _no_twins(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    fields = dict(pairs)
    if len(fields) < len(pairs):
        names = [name for name, _ in pairs]
        raise ValueError(f"the key `{next(n for n in names if names.count(n) > 1)}` is there twice; keep one")
    return fields


def _directory(plain: object) -> Directory:
    if not isinstance(plain, dict):
        raise ValueError('it must be one object with "domains", "people" and "groups"')
    if unknown := [key for key in plain if key not in _KEYS]:
        raise ValueError(f"there is no key `{unknown[0]}`; the keys are {', '.join(_KEYS)}")
    if plain.get("format") != FORMAT:
        raise ValueError(f"`format` is {plain.get('format')!r}, this release reads {FORMAT}; use the one that wrote it")
    directory = Directory(
        tuple(_rows(Domain, plain, "domains")),
        tuple(_rows(Trust, plain, "trusts")),
        MappingProxyType(_by_guid(_rows(DirectoryPerson, plain, "people"), "people")),
        MappingProxyType(_by_guid(_rows(DirectoryGroup, plain, "groups"), "groups")),
        from_plain(plain.get("when", ""), str, "when"),
    )
    _check(directory)
    return directory


def _rows(kind: type[_Row], plain: Mapping[str, Any], part: str) -> Iterator[_Row]:
    rows = plain.get(part)
    if not isinstance(rows, list):
        raise ValueError(f"`{part}` must be a list, and is {'missing' if rows is None else 'none'}")
    for number, row in enumerate(rows, 1):
        yield shape(kind).from_plain(row, place=f"{part}[{number}]")


def _by_guid(rows: Iterable[_Object], part: str) -> dict[str, _Object]:
    by_guid: dict[str, _Object] = {}
    for row in rows:
        if row.guid in by_guid:
            raise ValueError(f"two of `{part}` have the guid `{row.guid}`; a guid is one object")
        by_guid[row.guid] = row
    return by_guid


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
