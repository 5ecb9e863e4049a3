"""Use of a site, a file a day, and what its activity log told, apart from the snapshots.

    .tabwarden/usage/site-<site>/2026-11-28.jsonl       rows of `model.usage.Usage`
    .tabwarden/activity/site-<site>/2026-11-28.jsonl    events of the activity log as Tableau wrote them

A day is read again and again as long as its source keeps it, and kept as the fullest that was told of it. The files
name people with what they did: only their owner may read them.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from tabwarden.model.codec import decode_lines, encode
from tabwarden.model.errors import IncompleteRead, TabwardenError
from tabwarden.model.site import Site
from tabwarden.model.tables import grouped
from tabwarden.model.usage import STANDING, LastUse, Usage
from tabwarden.safe_files import write_whole

USAGE, ACTIVITY = "usage", "activity"


def folder_of(store: Path, site_id: str, part: str = USAGE) -> Path:
    """Where the days of a site are kept."""
    name = re.sub(r"[^A-Za-z0-9.-]+", "-", site_id)[:40]
    return store / part / f"site-{name}-{hashlib.sha256(site_id.encode()).hexdigest()[:8]}"


def last_use(place: str, site: Site) -> LastUse | None:
    """Who last used what on the site, by what a store keeps of it; None where that is nothing."""
    if "://" in place or not folder_of(Path(place), site.id).is_dir():
        return None
    use = LastUse(site, kept(Path(place), site.id))
    return use if use.days is not None else None


def keep(store: Path, site_id: str, rows: Iterable[Usage]) -> int:
    """Keep rows with those of their days; how many days were touched.

    Of what was done the larger count stays: a source forgets its oldest days by and by. What people have (`STANDING`)
    is as the newest read of the day tells it.
    """
    days = grouped((row.day, row) for row in rows)
    for day, told_now in days.items():
        path = folder_of(store, site_id) / f"{day}.jsonl"
        written = {_key(row): row for row in read(path)} if path.is_file() else {}
        read_anew = {row.source for row in told_now}
        merged = {k: row for k, row in written.items() if row.what not in STANDING or row.source not in read_anew}
        for row in told_now:
            before = merged.get(_key(row))
            merged[_key(row)] = row if before is None or before.times <= row.times else before
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        write_whole(path, b"".join(encode(row) + b"\n" for row in sorted(merged.values())))
    return len(days)


def _key(row: Usage) -> tuple[str, str, str, str]:
    return row.what, row.user, row.content, row.source


def kept(store: Path, site_id: str, since: str = "", until: str = "9999") -> Iterator[Usage]:
    """Every row of the days from `since` to before `until` (ISO); TabwardenError where a file is damaged."""
    for path in sorted(folder_of(store, site_id).glob("*.jsonl")):
        if since <= path.stem < until:
            yield from read(path)


def read(path: Path) -> list[Usage]:
    """The rows of a day; TabwardenError where the file is damaged."""
    try:
        rows: list[Usage] = decode_lines(path.read_bytes(), Usage, f"`{path.name}`")
        return rows
    except IncompleteRead as error:
        raise TabwardenError(
            f"the use of a day, `{path}`, is damaged ({error}); put it back from a backup, or delete it and read again"
        ) from None


Event = Mapping[str, Any]


def keep_activity(store: Path, site_id: str, events: Iterable[Event]) -> int:
    """Keep events of the activity log by the day of their `eventTime`, each once; how many are new."""
    days = grouped((str(event["eventTime"])[:10], json.dumps(event, sort_keys=True)) for event in events)
    new = 0
    for day, lines in days.items():
        path = folder_of(store, site_id, ACTIVITY) / f"{day}.jsonl"
        known = [json.dumps(event, sort_keys=True) for event in read_activity(path)] if path.is_file() else []
        merged = sorted({*known, *lines}, key=lambda line: (str(json.loads(line)["eventTime"]), line))
        new += len(merged) - len(known)
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        write_whole(path, "".join(f"{line}\n" for line in merged).encode())
    return new


def kept_activity(store: Path, site_id: str, since: str = "", until: str = "9999") -> Iterator[Event]:
    """Every event of the days from `since` to before `until` (ISO), oldest first."""
    for path in sorted(folder_of(store, site_id, ACTIVITY).glob("*.jsonl")):
        if since <= path.stem < until:
            yield from read_activity(path)


def read_activity(path: Path) -> list[Event]:
    """The events of a day; TabwardenError where the file is damaged."""
    try:
        events: list[Event] = decode_lines(path.read_bytes(), dict[str, Any], f"`{path.name}`")
        return events
    except IncompleteRead as error:
        raise TabwardenError(
            f"the activity of a day, `{path}`, is damaged ({error}); put it back from a backup, or delete it and read "
            "the log again"
        ) from None
