"""Snapshots of the history to folders of files and back, on demand under pseudonyms."""

from __future__ import annotations

import os
import secrets
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from tabwarden.run import history
from tabwarden.settings import load_store
from tabwarden.store import snapshot
from tabwarden.store.pseudonyms import pseudonymised

if TYPE_CHECKING:
    from tabwarden.store.snapshots import Snapshot

KEY_FILE = "pseudonyms.key"


def export(store: str, words: str, folder: Path, site: str | None = None, *, pseudonyms: bool = False) -> Path:
    """Write the snapshot somebody means as a folder within `folder`; returns its path.

    Pseudonyms are made with a key that stays in the store's folder: exports of two days can be compared.
    """
    with history.opened(store) as history_:
        exported = history_.open(history.snapshot_of(history_, words, site).number)
    return snapshot.save(pseudonymised(exported, _key(store)) if pseudonyms else exported, folder)


def bring_in(store: str, folders: Sequence[Path]) -> tuple[Snapshot, ...]:
    """Keep snapshot folders in the history, in the order in which they were taken; all are read before one is kept."""
    sites = sorted((snapshot.load(folder) for folder in folders), key=lambda site: site.taken.when)
    with history.opened(store, must_exist=False) as history_:
        return tuple(history_.keep(site) for site in sites)


def _key(store: str) -> bytes:
    folder = load_store(None, os.environ).folder if "://" in store else Path(store)
    path = folder / KEY_FILE
    if not path.is_file():
        folder.mkdir(parents=True, exist_ok=True)
        with os.fdopen(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600), "w", encoding="ascii") as file:
            file.write(secrets.token_hex(32) + "\n")
    return path.read_bytes()
