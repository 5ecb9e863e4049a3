"""`tabwarden help`: the pages of the documentation, in the terminal; an installed copy has no other."""

from __future__ import annotations

from typing import Annotated

from tabwarden.commands._answer import PLAIN, Output
from tabwarden.commands._parsing import TOPICS, Argument


def help(  # noqa: A001  # it is called as the command is
    topic: Annotated[
        list[str] | None,
        Argument("A page, such as `first-hour`, and a heading of it; or a command. None: all pages.", of=TOPICS),
    ] = None,
    output: Output = PLAIN,
) -> None:
    """Print a page. Of a command that has no page of its name it prints what `--help` prints."""
    from tabwarden.report.pages import find, is_folder, listed, shown

    words = topic or []
    output.give(listed("-".join(words)) if not words or is_folder(words) else shown(*find(words)))
