"""A list of changes read from words or files and tried on a snapshot. Nothing is written; not what changes do."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import yaml

from tabwarden.change.reach import shifts
from tabwarden.change.whatif import WhatIf, done, what_if
from tabwarden.model.errors import SettingsError
from tabwarden.model.site import Site
from tabwarden.model.switches import CURRENT, DOCUMENTED, Switches, alternatives


def try_out(
    site: Site, given: Iterable[str], *, model: str = CURRENT, switches: Switches = DOCUMENTED
) -> tuple[WhatIf, tuple[str, ...]]:
    """What the changes would do, and the open points that would make it another result.

    Each of `given` is a change in words or a file of them. SettingsError for a file that cannot be read, UnknownName
    for every change that is not understood.
    """
    sentences = [words for one in given for words in read_changes(one)]
    if not sentences:
        raise SettingsError(["there is no change to try; give one in words, or a file with one a line"])
    found = what_if(site, sentences, model=model, switches=switches)
    disputed = (
        name
        for name, other in alternatives(switches, changes=True)
        if any(shifts(found.after, done(site, sentences, other)[0], model=model, switches=switches))
    )
    return found, tuple(disputed)


def read_changes(given: str) -> list[str]:
    """The sentences of one argument: itself, or those of the file it names.

    A file is a YAML list of sentences or of mappings (`{move: Finance/Budget, to: Archive}`), or plain lines; `#`
    begins a comment.
    """
    path = Path(given)
    if not _is_file(path):
        return [given]
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsError([f"`{given}` cannot be read as UTF-8 text: {error}"]) from None
    lines = [line for line in text.splitlines() if line.strip() and not line.lstrip().startswith("#")]
    if lines and not lines[0].lstrip().startswith(("-", "[")):
        return [line.strip() for line in lines]
    try:
        told = yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise SettingsError([f"`{given}` is not YAML: {error}"]) from None
    return list(_sentences(given, told or []))


def _is_file(path: Path) -> bool:
    try:
        return path.is_file()
    except OSError:  # a sentence longer than any file name
        return False


def _sentences(given: str, told: Any) -> Iterator[str]:
    for number, item in enumerate(told if isinstance(told, list) else [told], 1):
        if isinstance(item, str):
            yield item
        elif isinstance(item, dict):
            yield " ".join(_part(key, value) for key, value in item.items())
        else:
            raise SettingsError([f"`{given}`, change {number}: a change is a sentence or a mapping of its words"])


def _part(key: Any, value: Any) -> str:
    """`to: Archive` as `to "Archive"`; YAML reads a bare `on` as true."""
    word = {True: "on", False: "off"}.get(key, key) if isinstance(key, bool) else key
    if value is None:
        return str(word)
    name = {True: "on", False: "off"}[value] if isinstance(value, bool) else str(value)
    return f"{word} {name}" if isinstance(value, bool) or name.startswith('"') else f'{word} "{name}"'
