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
    import signal
    from contextlib import suppress

    from tabwarden.commands._output import leave, show
    from tabwarden.run.demo import Story, folder_that_goes

    def say(line: str) -> None:
        show(*line.split("\n"), now=True)

    for name in ("SIGTERM", "SIGHUP"):  # what is begun is ended, and what is left removed
        with suppress(AttributeError, ValueError):  # Windows, and threads, have no such signal
            signal.signal(getattr(signal, name), lambda number, _frame: leave(128 + number))
    if folder is not None:
        folder.mkdir(parents=True, exist_ok=True)
        Story(folder.resolve(), seed, say).tell()
        return
    with folder_that_goes() as place:
        Story(place, seed, say).tell()
