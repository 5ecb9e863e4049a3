"""`tabwarden sandbox`: Tableau in a box on a loopback port."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from tabwarden.commands._options import load_settings
from tabwarden.commands._output import show
from tabwarden.commands._parsing import Option
from tabwarden.model.errors import TabwardenError
from tabwarden.workgroup import NEWEST

PERSONALITIES = ("server", "cloud")
WorldName = Annotated[
    str,
    Option(
        about="w0 (small), company (smaller, for the tour), acme (3 sites, about 480 people), empty (as Tableau ships "
        "it), casual-users, william, erin (examples of permissions), rest-s, rest-m, rest-l (500 to 60,000 people) "
        "or a YAML file."
    ),
]
StateFile = Annotated[Path | None, Option(about="File that keeps the state across restarts; made when missing.")]
ActivityLog = Annotated[
    Path | None, Option(about="File that gets every event of governance as a JSON line, as Tableau's.")
]
Play = Annotated[
    list[str] | None,
    Option("--play", about="An option of the personality as name=value, or a YAML file of them; repeatable."),
]
OpenPoints = Annotated[
    list[str] | None,
    Option("--open-point", about="An open point of the permission model as name=value, or a YAML file of them."),
]
JoinedTo = Annotated[
    Path | None,
    Option("--directory", value="SETTINGS", about="Join the server to the domains of these settings (`directory:`)."),
]
SaveWorld = Annotated[Path | None, Option(about="Write the world as a YAML file to start from, and leave.")]
LeadHere = Annotated[
    Path | None,
    Option(
        "--write-settings",
        value="FOLDER",
        about="Write settings.yaml that leads to this sandbox, and secret.txt, into a folder that has none yet.",
    ),
]
Release = Annotated[
    str, Option(about="With --export-repository: the release whose tables are made; default: the newest known.")
]
Repository = Annotated[
    str | None,
    Option(
        value="URL",
        about="Write the world as Tableau Server's repository into an empty PostgreSQL database, and leave. "
        "The password may come from PGPASSWORD.",
    ),
]


def sandbox(
    world: WorldName = "acme",
    port: Annotated[int, Option(about="Port to listen on; 0 takes a free one.", least=0, most=65535)] = 8080,
    host: Annotated[str, Option(about="Address to listen on; anything but loopback is said.")] = "127.0.0.1",
    state: StateFile = None,
    seed: Annotated[int, Option(about="Number that a generated world grows from.")] = 0,
    personality: Annotated[str, Option(about="server or cloud.", choices=PERSONALITIES)] = PERSONALITIES[0],
    api_version: Annotated[str | None, Option(about="REST API version to play, such as 3.21.")] = None,
    log: Annotated[Path | None, Option(about="File that gets every request as a JSON line.")] = None,
    activity_log: ActivityLog = None,
    play: Play = None,
    open_point: OpenPoints = None,
    faults: Annotated[Path | None, Option(about="YAML file of faults to give (`tabwarden help faults`).")] = None,
    directory: JoinedTo = None,
    counts: Annotated[bool, Option("--counts", about="Say at the end how often each endpoint was asked.")] = False,
    until_eof: Annotated[
        bool, Option("--until-eof", about="End with standard input, so that it ends with whoever started it.")
    ] = False,
    write_settings: LeadHere = None,
    save_world: SaveWorld = None,
    export_repository: Repository = None,
    release: Release = NEWEST,
) -> None:
    """Serve until interrupted."""
    from contextlib import nullcontext
    from dataclasses import replace

    from tabwarden.run.open_snapshot import open_point_words, read_open_points
    from tabwarden.run.sandbox_directory import live_directory
    from tabwarden.sandbox.serve import ServeOptions, export, run, save

    if release != NEWEST and export_repository is None:
        raise TabwardenError("`--release`: only with `--export-repository`; what REST plays is `--api-version`")
    options = ServeOptions(
        world=world,
        port=port,
        host=host,
        state=state,
        seed=seed,
        personality=personality,
        api_version=api_version,
        log=log,
        activity_log=activity_log,
        play=tuple(open_point_words(play or (), "play")),
        open_points=read_open_points(open_point or ()),
        faults=faults,
        counts=counts,
        lead_from=write_settings,
        until_eof=until_eof,
        release=release,
    )
    if save_world is not None:
        save(options, save_world)
        show(f"wrote {save_world}")
    if export_repository is not None:
        show(*export(options, export_repository))
    if save_world is not None or export_repository is not None:
        return
    with live_directory(load_settings(directory)) if directory is not None else nullcontext() as joined:
        run(replace(options, directory=joined), lambda line: show(line, now=True), greet=True)
