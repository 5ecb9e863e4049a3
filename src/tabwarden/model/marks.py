"""Tags, certification and connections of a content as one text, for tables that hold texts alone."""

from __future__ import annotations

from functools import lru_cache
from typing import NamedTuple

from tabwarden.model.codec import decode, encode
from tabwarden.model.feeds import DataConnection
from tabwarden.model.site import Content


class Marks(NamedTuple):
    """What people say of a content and what it is fed by; the fields are those of `Content`."""

    tags: frozenset[str] | None = frozenset()
    certified: bool | None = False
    certification_note: str | None = ""
    connections: tuple[DataConnection, ...] | None = ()


_USUAL = Marks()


def marks_text(content: Content) -> str | None:
    """The marks as JSON, equal where they are equal; None for those of an untouched content."""
    marks = Marks(content.tags, content.certified, content.certification_note, content.connections)
    return None if marks == _USUAL else encode(marks).decode()


@lru_cache(maxsize=4096)
def marks_of(text: str | None) -> Marks:
    return _USUAL if text is None else decode(text, Marks)
