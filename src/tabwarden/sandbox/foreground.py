"""The sandbox in the foreground: from options as typed to a server until it is interrupted. Not the command line."""

from __future__ import annotations

import asyncio
import ipaddress
import signal
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from tabwarden.model.errors import WorldError
from tabwarden.sandbox.personality import personality
from tabwarden.sandbox.server import LOOPBACK, Sandbox
from tabwarden.sandbox.state import State
from tabwarden.sandbox.world import find_text, find_world
from tabwarden.sandbox.world_file import to_yaml
from tabwarden.sandbox.world_save import text_of


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """What a person may say about a sandbox; `log` and `state` are file paths."""

    world: str = "w0"
    port: int = 0
    host: str = LOOPBACK
    state: str | None = None
    seed: int = 0
    personality: str = "server"
    api_version: str | None = None
    log: str | None = None


def run(options: Options, say: Callable[[str], None], *, greet: bool = False) -> None:
    """Serve until SIGINT or SIGTERM. The first line said is `listening on http://HOST:PORT`.

    `greet` adds what a person needs to sign in.
    Raises TabwardenError for a world, state file, version, log file or port that cannot be.
    """
    plays = personality(options.personality, options.api_version)
    world = find_world(options.world, seed=options.seed)
    state = Path(options.state) if options.state else None
    log = Path(options.log) if options.log else None
    sandbox = Sandbox(world, plays=plays, state=state, log_to=log)
    try:
        asyncio.run(_until_told(sandbox, options, (say, greet)))
    except OSError as problem:
        raise WorldError(f"cannot listen on {options.host} port {options.port}: {problem.strerror}") from None


def save(options: Options, path: Path) -> None:
    """Write the world, or the state where one is kept, as a YAML file to start from."""
    if options.state is None:
        text = find_text(options.world, seed=options.seed)
    else:
        state = State(find_world(options.world, seed=options.seed), time.time, Path(options.state))
        text = text_of(state.world())
        state.close()
    try:
        path.write_text(to_yaml(text), encoding="utf-8")
    except OSError as problem:
        raise WorldError(f"world file `{path}` cannot be written: {problem.strerror}") from None


async def _until_told(sandbox: Sandbox, options: Options, saying: tuple[Callable[[str], None], bool]) -> None:
    say, greet = saying
    told = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, told.set)
    try:
        await sandbox.start(options.port, options.host)
        say(f"listening on {sandbox.url}")
        if not _is_loopback(options.host):
            say(f"warning: {options.host} is not a loopback address; the passwords in here are public")
        for line in _greeting(sandbox) if greet else ():
            say(line)
        await told.wait()
    finally:
        await sandbox.stop()


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _greeting(sandbox: Sandbox) -> Iterator[str]:
    state = sandbox.state
    yield f"world {state.name}: sites {', '.join(f'`{site.content_url}`' for site in state.sites)}"
    for token in state.tokens.values():
        yield f"token `{token.name}` signs in as {token.user}; every user's password is the user name"
    yield "stop with Ctrl-C"
