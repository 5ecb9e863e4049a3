"""When two names are the same name. Not which user or group a name means (that is `Site`)."""

from __future__ import annotations

import unicodedata


def same(name: str) -> str:
    """The form in which two names are compared: letter case and the way accents are written do not count."""
    if name.isascii():  # nothing to normalise, and by far the most of many
        return name.casefold()
    return unicodedata.normalize("NFC", unicodedata.normalize("NFC", name).casefold())
