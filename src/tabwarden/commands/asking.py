"""The options that every question to a snapshot takes, and the warning about what was not read. No command."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from tabwarden.model.site import Site

WHEN = "a day, a time, a number of the history, `last`, `previous`"
SnapshotWords = Annotated[
    str | None,
    typer.Option("--on", "--snapshot", help=f"Not the newest: {WHEN}, or a folder of one."),
]
SnapshotFolder = Annotated[
    Path | None, typer.Option("--snapshots", help="Ask the newest of the snapshot folders in here, and no history.")
]
StoreWords = Annotated[
    str | None,
    typer.Option("--store", help="Folder or URL of the history; default: of the settings here, else .tabwarden."),
]
SiteUrl = Annotated[
    str | None, typer.Option("--site", help="Content URL or address of the site, where several are kept.")
]
Model = Annotated[str, typer.Option("--model", help="current, classic (2012) or deny_first (a careful mirror's).")]
SwitchWords = Annotated[
    list[str] | None,
    typer.Option("--switch", help="An open point as name=value, or a YAML file of them; repeatable."),
]


def print_warning(site: Site) -> None:
    """A Site that is not whole says so before it answers."""
    if site.partial:
        typer.echo(f"not read: {'; '.join(site.partial)}; what depends on it is unknown", err=True)
