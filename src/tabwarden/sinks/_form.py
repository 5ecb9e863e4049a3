"""How a row of a mirror is written as a line."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple


class Form(NamedTuple):
    """How lines are written: before each value in double quotes its head, then `end`; above all the title."""

    heads: Sequence[str]
    end: str
    escaped: Callable[[str], str]
    title: str = ""
