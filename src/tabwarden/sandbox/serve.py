"""The sandbox in the foreground: from options as typed to a server until it is interrupted."""

from __future__ import annotations

import asyncio
import ipaddress
import os
import signal
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from threading import Thread

from tabwarden.model.errors import WorldError
from tabwarden.model.open_points import DOCUMENTED, OpenPoints
from tabwarden.model.roles import is_server_admin
from tabwarden.safe_files import for_the_owner, write_whole
from tabwarden.sandbox.directories.directory import Directory
from tabwarden.sandbox.http.server import LOOPBACK, Sandbox
from tabwarden.sandbox.repository import export as repository_export
from tabwarden.sandbox.state.personality import CLOUD, personality, played
from tabwarden.sandbox.state.server_state import World
from tabwarden.sandbox.state.sites import State
from tabwarden.sandbox.worlds.file import to_yaml
from tabwarden.sandbox.worlds.finding import as_cloud, find_text, find_world, world_of
from tabwarden.sandbox.worlds.save import text_of
from tabwarden.troubles import of_listening, why
from tabwarden.workgroup import NEWEST

_SECRET = "secret.txt"


@dataclass(frozen=True, slots=True, kw_only=True)
class ServeOptions:
    """What a person may say about a sandbox.

    `play` are options of the personality as `name=value`; `counts` says at the end how often each endpoint was asked
    and which faults were given; `lead_from` is a folder that gets settings which lead to the sandbox; `until_eof`
    ends it with standard input, which ends with whoever started it; `release` is that of an exported repository.
    """

    world: str = "w0"
    port: int = 0
    host: str = LOOPBACK
    state: Path | None = None
    seed: int = 0
    personality: str = "server"
    api_version: str | None = None
    log: Path | None = None
    activity_log: Path | None = None
    play: tuple[str, ...] = ()
    faults: Path | None = None
    counts: bool = False
    lead_from: Path | None = None
    until_eof: bool = False
    release: str = NEWEST
    open_points: OpenPoints = DOCUMENTED
    directory: Directory | None = None


def run(options: ServeOptions, say: Callable[[str], None], *, greet: bool = False) -> None:
    """Serve until SIGINT, SIGTERM, SIGHUP or, where so asked, the end of standard input.

    The first line said is `listening on http://HOST:PORT`. `greet` adds what a person needs to sign in.
    Raises TabwardenError for a world, state file, version, option, script of faults, log file or port that cannot be.
    """
    plays = replace(
        played(personality(options.personality, options.api_version), options.play), open_points=options.open_points
    )
    world = find_world(options.world, seed=options.seed)
    if plays.kind == CLOUD:
        world = as_cloud(world)
    if options.directory is not None:
        world = replace(world, directory={"joined": True})
    sandbox = Sandbox(
        world,
        plays=plays,
        state=options.state,
        log_to=options.log,
        activity_to=options.activity_log,
        directory=options.directory,
        faults=options.faults,
    )
    try:
        asyncio.run(_until_told(sandbox, options, (say, greet)))
    except OSError as problem:
        raise WorldError(f"cannot listen on {options.host} port {options.port}: {of_listening(problem)}") from None


def save(options: ServeOptions, path: Path) -> None:
    """Write the world, or the state where one is kept, as a YAML file to start from."""
    from_state = options.state is not None
    text = text_of(_present(options)) if from_state else find_text(options.world, seed=options.seed)
    if not from_state:
        world_of(text)  # or its mistakes are told before they are saved
    try:
        write_whole(path, to_yaml(text).encode())
    except OSError as problem:
        raise WorldError(f"world file `{path}` cannot be written: {why(problem)}") from None


def export(options: ServeOptions, url: str) -> Iterator[str]:
    """Write the world, or the state where one is kept, as Tableau's repository; says what went where.

    WorldError for a database that does not take it.
    """
    exported = repository_export.export(_present(options), url, options.release)
    tables = [(table, len(rows)) for table, rows in exported.rows.items() if rows]
    yield f"wrote {sum(count for _, count in tables):,} rows into {len(tables)} tables"
    for kind, count in sorted(exported.left_out.items()):
        yield f"left out {count} of kind {kind}: the repository of {options.release} has no table for them"


def _present(options: ServeOptions) -> World:
    """The world to start with, or what became of it where the state is kept."""
    world = find_world(options.world, seed=options.seed)
    if options.state is None:
        return world
    state = State(world, time.time, options.state)
    try:
        return state.world()
    finally:
        state.close()


async def _until_told(sandbox: Sandbox, options: ServeOptions, saying: tuple[Callable[[str], None], bool]) -> None:
    say, greet = saying
    stopped = asyncio.Event()
    loop = asyncio.get_running_loop()
    # Not `loop.add_signal_handler`, which Windows lacks.
    before = {
        number: signal.signal(number, lambda *_: loop.call_soon_threadsafe(stopped.set))
        for number in (signal.SIGINT, signal.SIGTERM, getattr(signal, "SIGHUP", signal.SIGTERM))
    }
    if options.until_eof:
        Thread(target=_watch_input, args=(lambda: loop.call_soon_threadsafe(stopped.set),), daemon=True).start()
    try:
        await sandbox.start(options.port, options.host)
        if options.lead_from is not None:
            _write_settings(sandbox, options.lead_from)
        say(f"listening on {sandbox.url}")
        if not _is_loopback(options.host):
            say(f"warning: {options.host} is not a loopback address; the passwords in here are public")
        for line in _greeting(sandbox) if greet else ():
            say(line)
        await stopped.wait()
    finally:
        await sandbox.stop()
        for number, handler in before.items():
            signal.signal(number, handler)
        for line in _counted(sandbox) if options.counts else ():
            say(line)


def _watch_input(ended: Callable[[], object]) -> None:
    with suppress(OSError, RuntimeError):  # of a loop that is closed already
        while os.read(sys.stdin.fileno(), 4096):
            pass
        ended()


def _write_settings(sandbox: Sandbox, folder: Path) -> None:
    """Settings of the first site for a token, else for a server administrator with a password."""
    state = sandbox.state
    token = next(iter(state.tokens.values()), None)
    if token is not None:
        way, secret = f'pat: {{name: {token.name}, secret: "file:{_SECRET}"}}', token.secret
    else:
        admin = next((u.name for u in state.sites[0].users.values() if is_server_admin(u.site_role)), "")
        way, secret = f'password: {{username: {admin}, password: "file:{_SECRET}"}}', admin
    site = state.sites[0].content_url or '""'
    text = f"tableau:\n  server: {sandbox.url}\n  site: {site}\n  auth:\n    {way}\n"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for name, content in (("settings.yaml", text), (_SECRET, f"{secret}\n")):
            with open(folder / name, "x", encoding="utf-8", opener=for_the_owner) as file:
                file.write(content)
    except FileExistsError:
        raise WorldError(f"`{folder}` has a `settings.yaml` or `{_SECRET}` already; name another folder") from None
    except OSError as problem:
        raise WorldError(f"settings cannot be written to `{folder}`: {why(problem)}") from None


def _counted(sandbox: Sandbox) -> Iterator[str]:
    counts = sorted(sandbox.log.counts().items(), key=lambda pair: (-pair[1], pair[0]))
    yield from (f"{number:>8} {name or '(no endpoint)'}" for name, number in counts)
    yield from (f"{number:>8} fault {name}" for name, number in sorted(sandbox.log.faults().items()))


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _greeting(sandbox: Sandbox) -> Iterator[str]:
    state = sandbox.state
    yield f"world {state.name}: sites {', '.join(f'`{site.content_url}`' for site in state.sites)}"
    by_password = sandbox.personality.password_sign_in
    proof = "every user's password is the user name" if by_password else "passwords are refused, as with MFA"
    for token in state.tokens.values():
        yield f"token `{token.name}` signs in as {token.user}; {proof}"
    if not state.tokens:
        admins = sorted({u.name for site in state.sites for u in site.users.values() if is_server_admin(u.site_role)})
        yield f"`{', '.join(admins)}` administers the server; {proof}"
    yield f"stop with Ctrl-C, or in the background with `{_ending()}`"


def _ending() -> str:
    """What ends this process from elsewhere."""
    return f"taskkill /PID {os.getpid()} /F" if os.name == "nt" else f"kill {os.getpid()}"
