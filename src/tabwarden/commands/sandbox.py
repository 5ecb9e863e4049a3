"""`tabwarden sandbox`: Tableau in a box on a loopback port. Not the server (that is `sandbox`)."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from tabwarden.commands.common import fail_cleanly
from tabwarden.sandbox.foreground import Options, run, save


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("sandbox", help="Tableau in a box: a server on a loopback port with a world of your choice.")(sandbox)


@fail_cleanly
def sandbox(
    world: Annotated[str, typer.Option(help="w0 (small), acme (3 sites, about 480 people) or a YAML file.")] = "acme",
    port: Annotated[int, typer.Option(help="Port to listen on; 0 takes a free one.")] = 8080,
    host: Annotated[str, typer.Option(help="Address to listen on; anything but loopback is said.")] = "127.0.0.1",
    state: Annotated[
        Path | None, typer.Option(help="File that keeps the state across restarts; made when missing.")
    ] = None,
    seed: Annotated[int, typer.Option(help="Number that a generated world grows from.")] = 0,
    personality: Annotated[str, typer.Option(help="server or cloud.")] = "server",
    api_version: Annotated[str | None, typer.Option(help="REST API version to play, such as 3.21.")] = None,
    log: Annotated[Path | None, typer.Option(help="File that gets every request as a JSON line.")] = None,
    save_world: Annotated[
        Path | None, typer.Option(help="Write the world as a YAML file to start from, and leave.")
    ] = None,
) -> None:
    """Serve until interrupted."""
    options = Options(
        world=world,
        port=port,
        host=host,
        state=str(state) if state is not None else None,
        seed=seed,
        personality=personality,
        api_version=api_version,
        log=str(log) if log is not None else None,
    )
    if save_world is not None:
        save(options, save_world)
        print(f"wrote {save_world}")
        return
    run(options, lambda line: print(line, flush=True), greet=True)
