"""`tabwarden read`: a site into a snapshot in the store's folder. It changes nothing on the site."""

from __future__ import annotations

import os
from collections import Counter
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from tabwarden.commands.common import AsJson, console, fail_cleanly, print_json
from tabwarden.run.read import Taken, read_and_keep
from tabwarden.settings import load
from tabwarden.tableau.read import Estimate


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("read", help="Read the whole site into a snapshot; nothing is written to Tableau.")(read_command)


@fail_cleanly
def read_command(
    settings: Annotated[Path | None, typer.Option("--settings", help="File or folder; default: here.")] = None,
    connections: Annotated[
        bool, typer.Option("--connections/--no-connections", help="Also read what workbooks use: one request each.")
    ] = True,
    as_json: AsJson = False,
) -> None:
    """Says first how many requests it will take."""
    found = load(settings, os.environ)
    err = Console(stderr=True, highlight=False)

    def say(told: Estimate) -> None:
        err.print(f"reading takes {told}", markup=False)

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=err, transient=True, disable=as_json or not err.is_terminal) as bar:
        task = bar.add_task("reading", total=None)

        def progress(done: int, of: int) -> None:
            bar.update(task, completed=done, total=of)

        taken = read_and_keep(found, connections=connections, say=say, progress=progress)
    _tell(taken, as_json=as_json)


def _tell(taken: Taken, *, as_json: bool) -> None:
    site = taken.site
    kinds = Counter(content.kind for content in site.contents.values())
    if as_json:
        print_json(
            {
                "snapshot": str(taken.path),
                "site": site.name,
                "taken": site.taken.when,
                "users": len(site.users),
                "groups": len(site.groups),
                "contents": dict(sorted(kinds.items())),
                "requests": taken.requests,
                "partial": list(site.partial),
            }
        )
        return
    out = console()
    content = ", ".join(f"{number} {kind}s" for kind, number in sorted(kinds.items()))
    told = f"{site.name}: {len(site.users)} users, {len(site.groups)} groups, {content or 'no content'}"
    out.print(told, style="bold", markup=False)
    for left_out in site.partial:
        out.print(f"not read: {left_out}", markup=False)
    out.print(f"{taken.requests} requests; snapshot {taken.path}", markup=False)
