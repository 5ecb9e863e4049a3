"""A Site kept as a folder of readable files.

    acme-2026-11-21T182400Z/
      meta.json          format, the site's own facts, counts of lines
      users.jsonl  groups.jsonl  group_sets.jsonl      one JSON object a line
      contents.jsonl     [facts, name of its rule list, names of its default rules by kind]; null is a list not read
      rules.jsonl        [name, rules] of every different rule list

A folder appears whole or not at all: it is written aside and renamed.
"""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import tempfile
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from tabwarden.model.codec import Shape, collected_later, decode, decode_lines, encode
from tabwarden.model.errors import IncompleteRead, UnknownName
from tabwarden.model.site import Content, Group, GroupSet, Rules, Site, User
from tabwarden.safe_files import read_bytes

FORMAT = 2
MOST_OF_A_PART = 8 << 30  # bytes
META = "meta.json"
FACTS = Shape(Content, "rules", "defaults")
CONTENT_LINE: Any = tuple[FACTS.struct, str | None, dict[str, str | None]]  # type: ignore[name-defined]
_ASIDE = ".unfinished-"


@dataclass(frozen=True, slots=True)
class _Meta:
    """What `meta.json` tells; `site` has nobody and nothing on it, `counts` are the lines of each file."""

    format: int
    site: Site
    counts: Mapping[str, int]


def save(site: Site, folder: Path | str, *, durable: bool = True) -> Path:
    """Keep `site` in a new folder within `folder`, named after the site and when it was read; returns its path.

    Only the owner may read it: a snapshot tells who may do what. One that need not outlive a loss of power may be kept
    without waiting for the disk (`durable`).
    """
    home = Path(folder)
    home.mkdir(parents=True, exist_ok=True)
    aside = Path(tempfile.mkdtemp(prefix=_ASIDE, dir=home))
    try:
        _write(site, aside)
        if durable:
            # Wait until every file has reached the disk.
            for path in aside.iterdir():
                with path.open("rb+") as file:  # Windows syncs only what may be written
                    os.fsync(file.fileno())
        name = re.sub(r"[^A-Za-z0-9_.-]+", "-", site.content_url).strip("-.") or "default"
        when = site.taken.when or datetime.now(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
        return _put_in_place(aside, home, f"{name}-{re.sub(r'[^0-9A-Za-z-]', '', when)}")
    except BaseException:
        shutil.rmtree(aside, ignore_errors=True)
        raise


@collected_later()
def load(path: Path | str) -> Site:
    """The Site kept there; UnknownName where there is none, IncompleteRead where it is damaged or too new."""
    place = Path(path)
    meta = _meta(place)
    users, groups, group_sets = (
        {value.id: value for value in _lines(place, part, type_, meta.counts)}
        for part, type_ in (("users", User), ("groups", Group), ("group_sets", GroupSet))
    )
    lists: dict[str | None, Rules | None] = dict(_lines(place, "rules", tuple[str, Rules], meta.counts))
    lists[None] = None
    try:
        contents = {
            facts.id: FACTS.value(facts, lists[rules], {kind: lists[name] for kind, name in defaults.items()})
            for facts, rules, defaults in _lines(place, "contents", CONTENT_LINE, meta.counts)
        }
    except KeyError as error:
        raise IncompleteRead(f"the snapshot `{place}` is damaged: no rule list {error}; take a new one") from None
    return replace(meta.site, users=users, groups=groups, group_sets=group_sets, contents=contents)


def latest(folder: Path | str, site: str, where: str | None = None) -> Path | None:
    """The newest snapshot in `folder` of the site with that content URL (and server), None when there is none."""
    reads: list[tuple[str, str, Path]] = []
    for place in sorted(Path(folder).glob(f"*/{META}")):
        if place.parent.name.startswith(_ASIDE):
            continue
        try:
            meta = _meta(place.parent)
        except IncompleteRead:
            continue
        if meta.site.content_url == site and where in (None, meta.site.taken.where):
            reads.append((meta.site.taken.when, place.parent.name, place.parent))
    return max(reads)[2] if reads else None


def sites(folder: Path | str) -> frozenset[str]:
    """Content URLs of the sites that have a snapshot in `folder`; damaged ones are passed over."""
    urls: set[str] = set()
    for place in Path(folder).glob(f"*/{META}"):
        if not place.parent.name.startswith(_ASIDE):
            try:
                urls.add(_meta(place.parent).site.content_url)
            except IncompleteRead:
                continue
    return frozenset(urls)


def _put_in_place(aside: Path, home: Path, name: str) -> Path:
    """Give the finished folder its name, or the next free one: renaming onto a filled folder fails."""
    number = 1
    while True:
        place = home / (name if number == 1 else f"{name}_{number}")
        try:
            if not place.exists():
                aside.rename(place)
                return place
        except OSError:
            if not place.exists():
                raise
        number += 1


def _write(site: Site, place: Path) -> None:
    lists = _RuleLists()
    counts = {
        "users": _write_lines(place, "users", site.users.values()),
        "groups": _write_lines(place, "groups", site.groups.values()),
        "group_sets": _write_lines(place, "group_sets", site.group_sets.values()),
        "contents": _write_lines(place, "contents", (_content_line(c, lists) for c in site.contents.values())),
        "rules": _write_lines(place, "rules", ((name, rules) for rules, name in lists.items())),
    }
    (place / META).write_bytes(encode(_Meta(FORMAT, site.bare, counts)) + b"\n")


def _write_lines(place: Path, part: str, values: Iterable[object]) -> int:
    number = 0
    with (place / f"{part}.jsonl").open("wb") as file:
        for value in values:
            file.write(encode(value) + b"\n")
            number += 1
    return number


def _content_line(content: Content, lists: _RuleLists) -> tuple[object, ...]:
    defaults = {kind: lists.name_of(rules) for kind, rules in content.defaults.items()}
    return FACTS.of(content), lists.name_of(content.rules), defaults


class _RuleLists(dict[Rules, str]):
    """Names of rule lists, by what is in them."""

    def name_of(self, rules: Rules | None) -> str | None:
        return None if rules is None else self[rules]

    def __missing__(self, rules: Rules) -> str:
        self[rules] = hashlib.sha256(encode(rules)).hexdigest()[:20]
        return self[rules]


def _meta(place: Path) -> _Meta:
    path = place / META
    if not path.is_file():
        raise UnknownName(f"no snapshot at `{place}`: there is no `{META}` in it")
    data = read_bytes(path)
    try:
        written = decode(data, dict)["format"]
        if written == FORMAT:
            return decode(data, _Meta)
    except (KeyError, IncompleteRead) as error:
        raise IncompleteRead(f"the snapshot `{place}` is damaged: its `{META}` cannot be read ({error})") from None
    raise IncompleteRead(
        f"the snapshot `{place}` has format {written}, this release reads {FORMAT}; read the site again, or use the "
        "release that wrote it"
    )


def _lines(place: Path, part: str, type_: Any, counts: Mapping[str, int]) -> list[Any]:
    path = place / f"{part}.jsonl"
    try:
        values: list[Any] = decode_lines(read_bytes(path, MOST_OF_A_PART), type_, f"`{path.name}`")
    except FileNotFoundError:
        raise IncompleteRead(f"the snapshot `{place}` is damaged: `{path.name}` is missing; take a new one") from None
    except IncompleteRead as error:
        raise IncompleteRead(f"the snapshot `{place}` is damaged: {error}; take a new one") from None
    if len(values) != counts.get(part):
        how_many = f"{len(values)} of {counts.get(part)} lines in `{path.name}`"
        raise IncompleteRead(f"the snapshot `{place}` is damaged: {how_many}; take a new one")
    return values
