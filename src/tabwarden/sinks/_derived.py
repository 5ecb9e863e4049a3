"""A mirror as files in somebody else's format, made anew when anything differs, with its tables beside it. Not a sink.

FOLDER/SOURCE/...                the files
FOLDER/SOURCE/.tabwarden/...     the tables they were made of, to tell what differs the next time
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterable, Mapping
from functools import partial
from pathlib import Path
from typing import Any

from tabwarden.mirror.tables import Tables, difference
from tabwarden.model.errors import SinkError
from tabwarden.sinks import jsonl
from tabwarden.sinks._files import replace, told

_BESIDE = ".tabwarden"


def held(folder: str, source: str, names: Iterable[str]) -> Tables:
    """The tables the files were made of; empty when a file is not there, so that all are made anew."""
    home = Path(folder, source)
    if not all((home / name).exists() for name in names):
        return {}
    return jsonl.held(jsonl.Options(str(home)), _BESIDE)


def write(folder: str, source: str, tables: Tables, files: Mapping[str, Iterable[Any]]) -> None:
    """Make the files: JSON Lines, or one JSON document for a name that ends in `.json`. The tables come last."""
    home = Path(folder, source)
    try:
        home.mkdir(mode=0o700, parents=True, exist_ok=True)
        shutil.rmtree(home / _BESIDE, ignore_errors=True)
        for name, objects in files.items():
            text = _document(objects) if name.endswith(".json") else _lines(objects)
            replace(home / name, partial(_fill, text))
    except OSError as error:
        raise SinkError(f"`{home}` cannot be written ({told(error)}); publish again when it can") from None
    jsonl.write(jsonl.Options(str(home)), _BESIDE, tables, difference({}, tables))


def _fill(text: str, aside: Path) -> None:
    aside.write_text(text, encoding="utf-8")


def earlier(folder: str, source: str, name: str) -> list[Any]:
    """The objects of a file as it lies there; none where there is none."""
    path = Path(folder, source, name)
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        return []
    try:
        found = json.loads(text) if name.endswith(".json") else [json.loads(line) for line in text.splitlines()]
    except ValueError:
        raise SinkError(f"`{path}` is damaged; what it published cannot be taken back by itself: see to it") from None
    return list(found)


def _lines(objects: Iterable[Any]) -> str:
    return "".join(json.dumps(each, ensure_ascii=True, sort_keys=True) + "\n" for each in objects)


def _document(objects: Iterable[Any]) -> str:
    return json.dumps(objects if isinstance(objects, dict) else list(objects), ensure_ascii=True, indent=1) + "\n"
