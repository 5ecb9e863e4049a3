"""Answers requests in children that die at a chosen moment: a program of its own, single-threaded, so that forking is
safe.

    dying_pages.py SETTINGS    each line it reads is a request as JSON, each line it writes what came of it

A request is `{"at": n, "method": ..., "path": ..., "form": {...}, "cookies": {...}}`; its child is killed with SIGKILL
before moment `n`: a statement of the database of the pages (a commit is one), a file that is opened, made or renamed, a
process that is started. 0: it lives. What came of it is `{"status": ..., "location": ..., "cookies": {...}}` with the
number of `moments` that passed, or `{}` where it died.
"""

from __future__ import annotations

import asyncio
import gc
import json
import os
import signal
import sqlite3
import sys
import threading
import traceback
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx
import uvicorn.logging  # noqa: F401  what a child would load is no moment of it

import tabwarden.plan.file  # noqa: F401
import tabwarden.store.database as databases
from tabwarden.settings import load
from tabwarden.web import threads
from tabwarden.web.app import application

EVENTS = ("open", "os.mkdir", "os.rename", "subprocess.Popen")


class Moments:
    """Counts, and ends the process before moment `at`."""

    count, at = 0, 0

    def pass_by(self, *_: object) -> None:
        """One more."""
        self.count += 1
        if self.count == self.at:
            os.kill(os.getpid(), signal.SIGKILL)

    def hear(self, event: str, arguments: tuple[Any, ...]) -> None:
        """Whatever Python tells of; of files those alone that are opened to be written."""
        reads = event == "open" and isinstance(arguments[2], int) and not arguments[2] & (os.O_WRONLY | os.O_RDWR)
        if event in EVENTS and not reads:
            self.pass_by()


def traced(connect: Callable[[Path], sqlite3.Connection], moments: Moments) -> Callable[[Path], sqlite3.Connection]:
    """Connections each statement of which is a moment."""

    def connected(path: Path) -> sqlite3.Connection:
        raw = connect(path)
        raw.set_trace_callback(moments.pass_by)
        return raw

    return connected


async def warm(app: Any) -> None:
    """What is made once for all requests is no moment of one of them."""
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app=app), base_url="http://localhost") as client:
        await client.get("/sign-in")


async def answered(app: Any, request: dict[str, Any], moments: Moments) -> dict[str, Any]:
    """What the application answers, seen as a browser would."""
    transport = httpx.ASGITransport(app=app)
    async with httpx.AsyncClient(
        transport=transport, base_url="http://localhost", cookies=request.get("cookies") or {}
    ) as client:
        sys.addaudithook(moments.hear)
        databases._sqlite = traced(databases._sqlite, moments)
        moments.at = request.get("at", 0)
        answer = await client.request(request["method"], request["path"], data=request.get("form"))
        passed = moments.count
    location = answer.headers.get("location", "")
    return {
        "status": answer.status_code,
        "location": location,
        "cookies": dict(answer.cookies),
        "text": answer.text,
        "moments": passed,
    }


def in_a_child(app: Any, request: dict[str, Any]) -> str:
    """What came of a request, or `{}`."""
    ours, its = os.pipe()
    pid = os.fork()
    if not pid:
        os.close(ours)
        threads._POOL, threads._WAITING = ThreadPoolExecutor(threads.THREADS), ThreadPoolExecutor(threads.WAITING)
        try:
            with os.fdopen(its, "w") as out:
                json.dump(asyncio.run(answered(app, request, Moments())), out)
        except BaseException:
            traceback.print_exc()
        finally:
            os._exit(0)
    os.close(its)
    with os.fdopen(ours) as answer:
        text = answer.read()
    os.waitpid(pid, 0)
    return text or "{}"


def main(settings: Path) -> None:
    os.environ["TABWARDEN_SERVE"] = str(settings)
    app = application(load(settings, dict(os.environ)))
    asyncio.run(warm(app))
    threads._POOL.shutdown()
    threads._WAITING.shutdown()
    for thread in set(threading.enumerate()) - {threading.current_thread()}:
        thread.join()  # nothing but this one is forked
    app.state.house.database.close()  # no connection to a database survives a fork
    gc.freeze()
    print("ready", flush=True)
    for line in sys.stdin:
        print(in_a_child(app, json.loads(line)), flush=True)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
