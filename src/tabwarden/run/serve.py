"""Serving the pages: the processes that answer, the link that signs in whoever started them, and the demo around it."""

from __future__ import annotations

import os
import socket
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from multiprocessing import get_context
from pathlib import Path

from tabwarden.extras import install
from tabwarden.model.errors import SettingsError, TabwardenError
from tabwarden.run.demo import SECRET, Story, folder_that_goes
from tabwarden.run.history import LAST, open_either, store_of
from tabwarden.sandbox.worlds.acme import ADMIN, TOKEN_SECRET
from tabwarden.settings import Settings
from tabwarden.store.web.sessions import Sessions
from tabwarden.store.web.state import opened

# What answers: uvicorn imports it by name, in each worker, so that nothing here knows the room above.
APPLICATION = "tabwarden.web.app:application"
NAMES = "tabwarden.web.app:names_that_fit_nobody"
CONNECTION = "tabwarden.web.impatience:Impatient"
SETTINGS = "TABWARDEN_SERVE"
EVERYTHING = ("administrator", "look-as")

Say = Callable[[str], None]


def serve(
    settings: Settings,
    file: Path | None,
    say: Say,
    names: tuple[str, ...],
    port: int | None = None,
    *,
    owner: bool = True,
) -> None:
    """Answer until a signal ends it; `file` is what each worker loads the settings from.

    `say` hears the address, and for each of `names` a link that signs that person in once; the first may do
    everything where that is the `owner`.
    """
    try:
        import uvicorn
    except ImportError:
        raise SettingsError([f"serving pages needs uvicorn; {install('[web]')}"]) from None
    with _listening(settings.web.host, settings.web.port if port is None else port) as listener:
        address = settings.web.url or f"http://{_host(settings.web.host)}:{listener.getsockname()[1]}"
        os.environ[SETTINGS] = str(file) if file is not None else ""
        config = uvicorn.Config(
            APPLICATION,
            factory=True,
            http=CONNECTION,
            log_level="warning",
            server_header=False,
            proxy_headers=False,  # which proxies are believed is said by the settings
            workers=settings.web.workers,
        )
        # Made before the database is held open here: whoever closes a file gives up all locks of its process on it.
        links = list(_links(settings, names, owner=owner))
        if settings.web.workers > 1:
            _demand_names()
        else:
            config.load()
        say(f"listening on {address}")
        for name, token in links:
            say(f"sign in as {name}: {address}/sign-in/link?token={token}")
        if settings.web.workers > 1:
            from uvicorn.supervisors import Multiprocess

            Multiprocess(config, [listener]).run()
        else:
            uvicorn.Server(config).run(sockets=[listener])


def _demand_names() -> None:
    """SettingsError where a right is of a name that fits nobody.

    A worker that ended of it would be started anew for ever; and what is opened for it goes with a process of its own.
    """
    with ProcessPoolExecutor(1, get_context("spawn")) as process:
        problems = process.submit(_called, NAMES).result()
    if problems:
        raise SettingsError(problems)


def _called(name: str) -> list[str]:
    from uvicorn.importer import import_from_string

    problems: list[str] = import_from_string(name)()
    return problems


def _host(host: str) -> str:
    return f"[{host}]" if ":" in host else host


@contextmanager
def _listening(host: str, port: int) -> Iterator[socket.socket]:
    """A socket that listens; TabwardenError where it cannot."""
    try:
        family = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0][0]
        listener = socket.create_server((host, port), family=family, backlog=1024)
        # What is taken inherits it: without it each answer waits 40 ms for the other side to confirm its head.
        listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    except OSError as error:
        words = (error.strerror or "it is refused").lower()
        raise TabwardenError(f"nothing can listen on {host}:{port}: {words}; another port is `--port N`") from None
    with listener:
        yield listener


def _links(settings: Settings, names: tuple[str, ...], *, owner: bool) -> Iterator[tuple[str, str]]:
    database = opened(store_of(settings))
    sessions = Sessions(database, timedelta(seconds=settings.web.idle), timedelta(seconds=settings.web.longest))
    for place, name in enumerate(names):
        person = {"name": name, "via": "link", "rights": list(EVERYTHING) if owner and not place else []}
        yield name, sessions.link(person, datetime.now(UTC))
    database.close()


@contextmanager
def demo(say: Say, seed: int = 0) -> Iterator[tuple[Path, tuple[str, ...]]]:
    """The settings of a site in a sandbox, with a past and plans, and whom to be there: the administrator, a Creator, a
    Viewer who stays. All of it is gone afterwards.
    """
    with folder_that_goes() as folder:
        story = Story(folder, seed, say)
        with story.sandbox() as url:
            story.settle_in(url)
            story.furnish()
            os.environ[SECRET] = TOKEN_SECRET
            users = open_either(LAST, str(folder / ".tabwarden")).users.values()
            some = (max(user.name for user in users if user.site_role == role) for role in ("Creator", "Viewer"))
            yield folder / "settings.yaml", (ADMIN, *some)
