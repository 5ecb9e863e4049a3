"""Snapshots of the history to folders of files and back, on demand under pseudonyms; and deleting one."""

from __future__ import annotations

import json
import os
import secrets
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from tabwarden.model.errors import TabwardenError
from tabwarden.run import history
from tabwarden.safe_files import for_the_owner, read_text
from tabwarden.settings import load_store
from tabwarden.store import beside, snapshot
from tabwarden.store.journal import whoami
from tabwarden.store.pseudonyms import pseudonymised
from tabwarden.store.retention import forget

if TYPE_CHECKING:
    from tabwarden.store.snapshots import Snapshot

KEY_FILE = "pseudonyms.key"
NOTES = "deleted-snapshots.jsonl"


class Deletion(NamedTuple):
    """The note that stays of a snapshot that was deleted; times are ISO, UTC."""

    number: int
    taken: str
    site: str
    deleted: str
    by: str

    @property
    def words(self) -> str:
        """`snapshot 4 of 2028-01-04T02:00:00Z was deleted on 2026-01-05T08:00:00Z by ann`."""
        return f"snapshot {self.number} of {self.taken or 'an unknown time'} was deleted on {self.deleted} by {self.by}"


def to_delete(store: str, number: int, *, last: bool = False) -> Snapshot:
    """The snapshot of that number. TabwardenError where no other whole read of its site is there, unless `last`."""
    with history.opened(store) as history_:
        snapshot = history_.snapshot(number)
        others = [one for one in history_.snapshots() if one.site == snapshot.site and one != snapshot]
    if not last and not snapshot.limited and all(one.limited for one in others):
        raise TabwardenError(
            f"{snapshot.words} is the last whole one of its site; without it nothing is known there. "
            "Say so with `--the-last`, or read the site first"
        )
    return snapshot


def delete(store: str, snapshot: Snapshot, settings: Path | None = None) -> Deletion:
    """Take a snapshot out of the history, and leave a note of it; what others hold stays as it was."""
    with history.opened(store) as history_:
        forget(history_, [snapshot.number])
    if "://" not in store:
        beside.drop(store, snapshot)
    now = datetime.now(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
    deletion = Deletion(snapshot.number, snapshot.taken, snapshot.name, now, whoami())
    path = _folder(store, settings) / NOTES
    with open(path, "a", encoding="utf-8", opener=for_the_owner) as file:
        file.write(json.dumps(deletion._asdict(), ensure_ascii=False) + "\n")
    return deletion


def deletions(store: str, settings: Path | None = None) -> tuple[Deletion, ...]:
    """The notes of what was deleted, in order."""
    path = _folder(store, settings) / NOTES
    lines = read_text(path).splitlines() if path.is_file() else []
    try:
        return tuple(Deletion(**json.loads(line)) for line in lines)
    except (ValueError, TypeError):
        raise TabwardenError(f"`{path}` is damaged; it holds notes alone: move it away") from None


def export(
    store: str,
    words: str,
    folder: Path,
    site: str | None = None,
    *,
    pseudonyms: bool = False,
    settings: Path | None = None,
) -> Path:
    """Write the snapshot somebody means as a folder within `folder`; returns its path.

    Pseudonyms are made with a key that stays in the store's folder: exports of two days can be compared.
    """
    with history.opened(store) as history_:
        exported = history_.open(history.snapshot_of(history_, words, site, settings=settings).number)
    return snapshot.save(pseudonymised(exported, _key(store, settings)) if pseudonyms else exported, folder)


def bring_in(store: str, folders: Sequence[Path]) -> tuple[Snapshot, ...]:
    """Keep snapshot folders in the history, in the order in which they were taken; all are read before one is kept."""
    sites = sorted((snapshot.load(folder) for folder in folders), key=lambda site: site.taken.when)
    with history.opened(store, must_exist=False) as history_:
        return tuple(history_.keep(site) for site in sites)


def _folder(store: str, settings: Path | None) -> Path:
    """Where files of a store lie; of a database beside the settings."""
    folder = load_store(settings, os.environ).folder if "://" in store else Path(store)
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def _key(store: str, settings: Path | None) -> bytes:
    path = _folder(store, settings) / KEY_FILE
    if not path.is_file():
        with open(path, "x", encoding="ascii", opener=for_the_owner) as file:
            file.write(secrets.token_hex(32) + "\n")
    return path.read_bytes()
