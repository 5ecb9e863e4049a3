"""A Site kept as a folder of readable files, and read back without loss. Not the history of many of them.

    acme-2026-11-21T182400Z/
      meta.json          format, site, taken, settings, seats, what was left unread, counts
      users.jsonl  groups.jsonl  group_sets.jsonl  contents.jsonl      one JSON object a line
      rules.jsonl        every different rule list once; contents name it by its id, null is a list not read

A folder appears whole or not at all: it is written aside and renamed.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from types import MappingProxyType
from typing import Any, TypeVar

from tabwarden.model.errors import IncompleteRead, UnknownName
from tabwarden.model.site import (
    Content,
    Grantee,
    Group,
    GroupSet,
    Rule,
    Rules,
    Site,
    SiteSettings,
    Taken,
    Use,
    User,
)

FORMAT = 1
META = "meta.json"
PARTS = ("users", "groups", "group_sets", "contents", "rules")
_ASIDE = ".unfinished-"
Row = dict[str, Any]
_Value = TypeVar("_Value")


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
            _settle(aside)
        return _put_in_place(aside, home, _name_of(site))
    except BaseException:
        shutil.rmtree(aside, ignore_errors=True)
        raise


def load(path: Path | str) -> Site:
    """The Site kept there; UnknownName where there is none, IncompleteRead where it is damaged or too new."""
    place = Path(path)
    meta = _meta(place)
    rows = {part: list(_rows(place, part, meta)) for part in PARTS}
    try:
        return _site(meta, rows)
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise IncompleteRead(f"the snapshot `{place}` is damaged ({error!r}); take a new one") from None


def latest(folder: Path | str, site: str, where: str | None = None) -> Path | None:
    """The newest snapshot in `folder` of the site with that content URL (and server), None when there is none."""
    found: list[tuple[str, str, Path]] = []
    for place in sorted(Path(folder).glob(f"*/{META}")):
        if place.parent.name.startswith(_ASIDE):
            continue
        try:
            meta = _meta(place.parent)
        except IncompleteRead:
            continue
        taken = meta.get("taken", {})
        if meta.get("site", {}).get("content_url") == site and where in (None, taken.get("where")):
            found.append((taken.get("when", ""), place.parent.name, place.parent))
    return max(found)[2] if found else None


def sites(folder: Path | str) -> frozenset[str]:
    """Content URLs of the sites that have a snapshot in `folder`; damaged ones are passed over."""
    found: set[str] = set()
    for place in Path(folder).glob(f"*/{META}"):
        if not place.parent.name.startswith(_ASIDE):
            try:
                found.add(str(_meta(place.parent).get("site", {}).get("content_url", "")))
            except IncompleteRead:
                continue
    return frozenset(found)


# -- writing --------------------------------------------------------------------------------------------------


def _name_of(site: Site) -> str:
    name = re.sub(r"[^A-Za-z0-9_.-]+", "-", site.content_url).strip("-.") or "default"
    when = site.taken.when or datetime.now(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
    return f"{name}-{re.sub(r'[^0-9A-Za-z-]', '', when)}"


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
        "users": _write_rows(place, "users", (asdict(user) for user in site.users.values())),
        "groups": _write_rows(place, "groups", (_group_row(group) for group in site.groups.values())),
        "group_sets": _write_rows(
            place,
            "group_sets",
            ({"id": s.id, "name": s.name, "groups": sorted(s.groups)} for s in site.group_sets.values()),
        ),
        "contents": _write_rows(place, "contents", (_content_row(c, lists) for c in site.contents.values())),
    }
    counts["rules"] = _write_rows(place, "rules", lists.rows())
    meta = {
        "format": FORMAT,
        "site": {"id": site.id, "name": site.name, "content_url": site.content_url},
        "taken": asdict(site.taken),
        "settings": asdict(site.settings),
        "licences": None if site.licences is None else dict(site.licences),
        "partial": list(site.partial),
        "nicknames": None if site.nicknames is None else dict(site.nicknames),
        "counts": counts,
    }
    with _file(place / META) as file:
        json.dump(meta, file, indent=2, ensure_ascii=False)
        file.write("\n")


def _settle(place: Path) -> None:
    """Wait until every file has reached the disk."""
    for path in place.iterdir():
        with path.open("rb+") as file:  # Windows syncs only what may be written
            os.fsync(file.fileno())


def _file(path: Path) -> Any:
    # surrogatepass: a name Tableau garbled is kept as it came rather than lost.
    return path.open("w", encoding="utf-8", errors="surrogatepass", newline="\n")


def _write_rows(place: Path, part: str, rows: Iterable[Row]) -> int:
    number = 0
    with _file(place / f"{part}.jsonl") as file:
        for row in rows:
            file.write(json.dumps(row, ensure_ascii=False, separators=(",", ":")) + "\n")
            number += 1
    return number


def _group_row(group: Group) -> Row:
    row = asdict(group)
    row["members"] = None if group.members is None else sorted(group.members)
    return row


def _content_row(content: Content, lists: _RuleLists) -> Row:
    row = {name: getattr(content, name) for name in _PLAIN}
    row["rules"] = lists.id_of(content.rules)
    row["defaults"] = {kind: lists.id_of(rules) for kind, rules in content.defaults.items()}
    row["uses"] = [list(use) for use in content.uses]
    return row


_PLAIN = ("id", "kind", "name", "parent", "owner", "mode", "tabs", "description", "created", "updated")


class _RuleLists:
    """Rule lists by what is in them."""

    def __init__(self) -> None:
        self._ids: dict[Rules, str] = {}

    def id_of(self, rules: Rules | None) -> str | None:
        if rules is None:
            return None
        if rules not in self._ids:
            told = json.dumps(_plain_rules(rules)).encode()
            self._ids[rules] = hashlib.sha256(told).hexdigest()[:20]
        return self._ids[rules]

    def rows(self) -> Iterator[Row]:
        for rules, list_id in self._ids.items():
            yield {"id": list_id, "rules": _plain_rules(rules)}


def _plain_rules(rules: Rules) -> list[list[str]]:
    return sorted([r.grantee.kind, r.grantee.id, r.capability, r.mode] for r in rules)


# -- reading --------------------------------------------------------------------------------------------------


def _meta(place: Path) -> Row:
    path = place / META
    if not path.is_file():
        raise UnknownName(f"no snapshot at `{place}`: there is no `{META}` in it")
    try:
        meta = json.loads(path.read_text(encoding="utf-8", errors="surrogatepass"))
        written = meta["format"]
    except (ValueError, KeyError, TypeError):
        raise IncompleteRead(f"the snapshot `{place}` is damaged: its `{META}` cannot be read") from None
    if written != FORMAT:
        raise IncompleteRead(
            f"the snapshot `{place}` has format {written}, this release reads {FORMAT}; use the one that wrote it"
        )
    return dict(meta)


def _rows(place: Path, part: str, meta: Row) -> Iterator[Row]:
    path = place / f"{part}.jsonl"
    number = 0
    try:
        with path.open(encoding="utf-8", errors="surrogatepass", newline="\n") as file:
            for line in file:
                number += 1
                yield json.loads(line)
    except FileNotFoundError:
        raise IncompleteRead(f"the snapshot `{place}` is damaged: `{path.name}` is missing") from None
    except ValueError:
        raise IncompleteRead(f"the snapshot `{place}` is damaged: line {number} of `{path.name}`") from None
    expected = meta.get("counts", {}).get(part)
    if number != expected:
        raise IncompleteRead(f"the snapshot `{place}` is damaged: {number} of {expected} lines in `{path.name}`")


def _site(meta: Row, rows: Mapping[str, list[Row]]) -> Site:
    lists = {row["id"]: _rules(row["rules"]) for row in rows["rules"]}
    return Site(
        **meta["site"],
        users=_by_id(rows["users"], lambda row: User(**row)),
        groups=_by_id(rows["groups"], _group),
        group_sets=_by_id(rows["group_sets"], _group_set),
        contents=_by_id(rows["contents"], lambda row: _content(row, lists)),
        settings=SiteSettings(**meta["settings"]),
        licences=meta["licences"],
        taken=Taken(**meta["taken"]),
        partial=tuple(meta["partial"]),
        nicknames=meta.get("nicknames"),  # which older snapshots do not tell
    )


def _by_id(rows: list[Row], make: Callable[[Row], _Value]) -> dict[str, _Value]:
    return {row["id"]: make(row) for row in rows}


def _group(row: Row) -> Group:
    members = row["members"]
    return Group(**{**row, "members": None if members is None else frozenset(members)})


def _group_set(row: Row) -> GroupSet:
    return GroupSet(row["id"], row["name"], frozenset(row["groups"]))


def _content(row: Row, lists: Mapping[str, Rules]) -> Content:
    def rules(list_id: str | None) -> Rules | None:
        return None if list_id is None else lists[list_id]

    return Content(
        **{name: row[name] for name in _PLAIN},
        rules=rules(row["rules"]),
        defaults=MappingProxyType({kind: rules(list_id) for kind, list_id in row["defaults"].items()}),
        uses=tuple(Use(*use) for use in row["uses"]),
    )


def _rules(rows: list[list[str]]) -> Rules:
    return frozenset(Rule(Grantee(kind, who), capability, mode) for kind, who, capability, mode in rows)
