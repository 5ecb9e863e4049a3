"""When two names are the same name, and how several are told. Not which user or group a name means (that is `Site`)."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence


def same(name: str) -> str:
    """The form in which two names are compared: letter case and the way accents are written do not count."""
    if name.isascii():  # nothing to normalise, and by far the most of many
        return name.casefold()
    return unicodedata.normalize("NFC", unicodedata.normalize("NFC", name).casefold())


def some(names: Sequence[str], most: int = 5) -> str:
    """The first of several names in back-ticks, and how many more there are."""
    shown = ", ".join(f"`{name}`" for name in names[:most])
    return f"{shown} and {len(names) - most} more" if len(names) > most else shown
