"""The families of commands, one file each, and what a command is before its file is loaded."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from typing import NamedTuple


class Command(NamedTuple):
    """A row of the command line's table: the words, the module here that has the function, what it does."""

    words: str
    module: str
    about: str

    def function(self) -> Callable[..., None]:
        """The function of that name, `_` for blanks and hyphens; this loads the module."""
        module = importlib.import_module(f"{__name__}.{self.module}")
        function: Callable[..., None] = getattr(module, self.words.replace(" ", "_").replace("-", "_"))
        return function
