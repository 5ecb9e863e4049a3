"""What answers tell of an item beyond the model: files, revisions, tags, connections, extracts. No decision needs it.

Held beside the sites by content id, because the evaluator judges Sites and none of this changes a judgement.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import NamedTuple

MEGABYTE = 1024 * 1024
MOST_REVISIONS = 25  # Tableau's default revision limit of a site


class Revision(NamedTuple):
    """One published file of an item: its number from 1, where its bytes are kept, who published it and when.

    `blob` is the key of the bytes; `file_name` the name they came with; `size` in bytes; `at` an ISO time in UTC.
    """

    number: int
    blob: str
    file_name: str
    size: int
    by: str
    at: str


class Connection(NamedTuple):
    """A connection to data outside the site; a password is never kept, only whether one is embedded."""

    id: str
    type: str
    server: str = ""
    port: str = ""
    user_name: str = ""
    database: str = ""
    embedded: bool = False
    auth_type: str = ""
    query_tagging: bool = False


@dataclass(frozen=True, slots=True)
class Details:
    """What is kept of one item: revisions oldest first, tags, connections, extracts, the address it was given, whether
    somebody certified it and why.

    `next_revision` is the number the next file gets; numbers of deleted revisions are not given again.
    `content_url` is "" where the address follows from the name.
    """

    revisions: tuple[Revision, ...] = ()
    next_revision: int = 1
    tags: frozenset[str] = frozenset()
    connections: tuple[Connection, ...] = ()
    has_extracts: bool = False
    encrypted: bool = False
    content_url: str = ""
    certified: bool = False
    certification_note: str = ""

    @property
    def current(self) -> Revision | None:
        """The newest file, None for an item that came with the world."""
        return self.revisions[-1] if self.revisions else None

    def with_file(self, revision: Revision) -> Details:
        """These with a newer file; the oldest go beyond the limit."""
        revisions = (*self.revisions, revision)[-MOST_REVISIONS:]
        return replace(self, revisions=revisions, next_revision=revision.number + 1)


NOTHING = Details()
