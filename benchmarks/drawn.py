"""Tables of a benchmark as plain text."""

from __future__ import annotations

from typing import Any


class Table:
    """Headings and rows; `title` stands above, columns that are `justify`ed "right" end where their heading does."""

    def __init__(self, *headings: str, title: str = "", **_: Any) -> None:
        self.title, self.rows = title, [tuple(headings)]
        self.right: set[int] = set()

    def add_column(self, heading: str, justify: str = "left", **_: Any) -> None:
        """One more column."""
        if justify == "right":
            self.right.add(len(self.rows[0]))
        self.rows[0] = (*self.rows[0], heading)

    def add_row(self, *cells: str) -> None:
        """One more row."""
        self.rows.append(tuple(map(str, cells)))

    def __str__(self) -> str:
        widths = [max(map(len, column)) for column in zip(*self.rows, strict=True)]
        sides = [str.rjust if number in self.right else str.ljust for number in range(len(widths))]
        lines = ["  ".join(side(c, w) for side, c, w in zip(sides, row, widths, strict=True)) for row in self.rows]
        return "\n".join([self.title, *lines] if self.title else lines)


class Console:
    """Prints them."""

    is_terminal = True

    def __init__(self, **_: Any) -> None: ...

    def print(self, *parts: object, **_: Any) -> None:
        """A table or a line."""
        print(*parts, flush=True)
