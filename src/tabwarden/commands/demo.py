"""`tabwarden demo`: the whole story on the sandbox, with no Tableau and no settings."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from tabwarden.commands._parsing import Option


def demo(
    seed: Annotated[int, Option(about="Number that the invented company grows from.")] = 0,
    folder: Annotated[
        Path | None, Option(about="Where settings, lists, plans and snapshots go; default: gone afterwards.")
    ] = None,
) -> None:
    """Public commands as processes, their real output, one fact checked of each."""
    import tempfile

    from tabwarden.commands._output import show
    from tabwarden.run.demo import Story

    def say(line: str) -> None:
        show(*line.split("\n"), now=True)

    if folder is not None:
        folder.mkdir(parents=True, exist_ok=True)
        Story(folder.resolve(), seed, say).tell()
        return
    with tempfile.TemporaryDirectory(prefix="tabwarden-demo-") as place:
        Story(Path(place), seed, say).tell()
