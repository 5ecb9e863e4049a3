"""Tables and coloured lines as reports make them: what rich, loaded no earlier, draws.

Words are data here: nothing in them is markup, and what would act in a terminal is drawn as an escape.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tabwarden.model.names import visible

if TYPE_CHECKING:
    from rich.console import RenderableType


class Text:
    """Words in one style."""

    def __init__(self, words: str, style: str = "") -> None:
        self.words, self.style = words, style

    def __rich__(self) -> RenderableType:
        from rich.text import Text

        return Text(visible(self.words), style=self.style)


class Table:
    """Columns by their headings and rows of cells; keywords are those of rich's Table and of its columns."""

    def __init__(self, *headings: str, **look: Any) -> None:
        self.look = look
        self._columns: list[tuple[str | Text, dict[str, Any]]] = [(heading, {}) for heading in headings]
        self._rows: list[tuple[str | Text, ...]] = []

    def add_column(self, heading: str | Text = "", **look: Any) -> None:
        """One more, to the right."""
        self._columns.append((heading, look))

    def add_row(self, *cells: str | Text) -> None:
        """One more, below."""
        self._rows.append(cells)

    def __rich__(self) -> RenderableType:
        from rich.table import Table

        table = Table(**self.look)
        for heading, look in self._columns:
            table.add_column(_seen(heading), **look)
        for row in self._rows:
            table.add_row(*map(_seen, row))
        return table


def _seen(cell: str | Text) -> RenderableType:
    return visible(cell) if isinstance(cell, str) else cell.__rich__()


class Group:
    """Several of them, one below the other."""

    def __init__(self, *parts: Drawable) -> None:
        self._parts = parts

    def __rich__(self) -> RenderableType:
        from rich.console import Group

        return Group(*(visible(part) if isinstance(part, str) else part for part in self._parts))


Drawable = str | Text | Table | Group
