"""What published files tell the Metadata API: custom SQL, and which views are dashboards.

What came with the world has no file: its views are sheets, and no custom SQL is in it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import NamedTuple

from tabwarden.model.site import Content
from tabwarden.sandbox.content import packages
from tabwarden.sandbox.state.sites import State, stable_id


def node_id(kind: str, luid: str) -> str:
    """The id of a node, which is never the LUID of the content behind it."""
    return stable_id("metadata", kind, luid)


class Query(NamedTuple):
    """Custom SQL in the published file of a content: the text, and its number there."""

    content: Content
    number: int
    text: str

    @property
    def id(self) -> str:
        """The node's id."""
        return node_id("query", f"{self.content.id}/{self.number}")


class Files:
    """The published files, each workbook's read once for its dashboards."""

    def __init__(self, state: State) -> None:
        self._state = state
        self._dashboards: dict[str, Mapping[str, tuple[str, ...]]] = {}

    def queries(self, contents: Iterable[Content]) -> Iterator[Query]:
        """The custom SQL in the files of these, in the order of each file."""
        for content in contents:
            file = self._file_of(content.id)
            texts = packages.queries_in(file) if file is not None else ()
            yield from (Query(content, number, text) for number, text in enumerate(texts))

    def dashboards(self, workbook: str) -> Mapping[str, tuple[str, ...]]:
        """The dashboards of a workbook by name, each with the names of the sheets on it."""
        if workbook not in self._dashboards:
            file = self._file_of(workbook)
            self._dashboards[workbook] = packages.dashboards_in(file) if file is not None else {}
        return self._dashboards[workbook]

    def is_dashboard(self, view: Content) -> bool:
        """Whether a view is a dashboard."""
        return view.name in self.dashboards(view.parent or "")

    def _file_of(self, content: str) -> bytes | None:
        current = self._state.details(content).current
        return self._state.blobs.read(current.blob) if current is not None else None
