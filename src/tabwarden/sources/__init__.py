"""Where people come from; one file a source. Not who they become: rows are cleaned by `want.roster`.

A source is a module of this package with

    TYPE      the word for it in the settings (`type: file`)
    Options   a frozen dataclass of plain values
    read      Options -> Reading, or SourceError with one of three stops:

    source-unreadable   nothing could be read
    source-empty        it was read and holds no row
    source-partial      reading began and did not come to the end

Nothing of a source that raised is used. A new source is a new file; no list of sources is kept anywhere.
Modules whose name begins with an underscore help the others and are no sources.
"""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Mapping
from functools import cache
from typing import Any, Protocol, cast

from tabwarden.sources._reading import Reading as Reading


class Source(Protocol):
    """What every module of this package offers."""

    TYPE: str
    Options: type[Any]

    def read(self, options: Any) -> Reading:
        """All rows of the source, or SourceError."""


@cache
def members() -> Mapping[str, Source]:
    """Every source by its word in the settings."""
    names = [info.name for info in pkgutil.iter_modules(__path__) if not info.name.startswith("_")]
    modules = [cast(Source, importlib.import_module(f"{__name__}.{name}")) for name in sorted(names)]
    return {module.TYPE: module for module in modules}


def read(options: object) -> Reading:
    """Read the source these options belong to. Raises SourceError; TypeError for options of no source."""
    for source in members().values():
        if isinstance(options, source.Options):
            return source.read(options)
    raise TypeError(f"no source has options of type {type(options).__name__}")
