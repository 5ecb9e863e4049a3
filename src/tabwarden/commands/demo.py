"""`tabwarden demo`: the whole story on the sandbox, with no Tableau and no settings. Not the story itself."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Annotated

import typer

from tabwarden.commands.common import fail_cleanly
from tabwarden.run.demo import Story


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("demo", help="The whole story on the sandbox: read, plan, apply, why, undo. No Tableau, no settings.")(
        demo
    )


@fail_cleanly
def demo(
    seed: Annotated[int, typer.Option(help="Number that the invented company grows from.")] = 0,
    folder: Annotated[
        Path | None, typer.Option(help="Where settings, lists, plans and snapshots go; default: gone afterwards.")
    ] = None,
) -> None:
    """Public commands as processes, their real output, one fact checked of each."""

    def say(line: str) -> None:
        print(line, flush=True)

    if folder is not None:
        folder.mkdir(parents=True, exist_ok=True)
        Story(folder.resolve(), seed, say).tell()
        return
    with tempfile.TemporaryDirectory(prefix="tabwarden-demo-") as place:
        Story(Path(place), seed, say).tell()
