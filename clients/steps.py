"""Steps of a client's main job, each told as a line of JSON. Runs in the client's environment: Python's library alone.

A driver is started with the address of a sandbox and a folder of its own. A step that fails tells where in the client,
or in whoever it is built on, the failure came up; the steps after it go on.
"""

from __future__ import annotations

import json
import subprocess
import sys
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any

URL, FOLDER = sys.argv[1], Path(sys.argv[2])
SITE, TOKEN, SECRET = "shop", "tok", "sec"
ADMIN, ROOT = "ada@shop.example", "root@shop.example"
_PACKAGES = "site-packages/"


def do(step: str, call: Callable[..., Any], *arguments: Any, **more: Any) -> Any:
    """Do a step and give what it gives; None where it failed."""
    try:
        value = call(*arguments, **more)
    except Exception as problem:
        _told(step, ok=False, error=_words(problem), at=_place(problem))
        return None
    _told(step, ok=True)
    return value


def same(step: str, value: Any, wanted: Any) -> None:
    """A step that holds where a value is the wanted one."""
    _told(step, ok=value == wanted, error=f"{value!r} instead of {wanted!r}", at="")


def run(step: str, *command: str, **environment: str) -> str:
    """Run a program of the client's environment, in the folder; gives what it printed."""
    program, *arguments = command
    done = subprocess.run(
        [Path(sys.executable).parent / program, *arguments],
        cwd=FOLDER,
        env={"PATH": "/usr/bin:/bin", "HOME": str(FOLDER), **environment},
        capture_output=True,
        text=True,
        check=False,
        timeout=600,
    )
    tail = (done.stderr or done.stdout).strip().splitlines()[-3:]
    _told(step, ok=done.returncode == 0, error=" / ".join(tail), at="")
    return done.stdout


def _told(step: str, *, ok: bool, error: str = "", at: str = "") -> None:
    print(json.dumps({"step": step, "ok": True} if ok else {"step": step, "ok": ok, "error": error, "at": at}))


def _words(problem: Exception) -> str:
    told = getattr(problem, "msg", None) or repr(problem)  # one client's errors have no text of their own
    return f"{type(problem).__name__}: {told}"[:400]


def _place(problem: Exception) -> str:
    """The last place in an installed package: file and line."""
    frames = [f for f in traceback.extract_tb(problem.__traceback__) if _PACKAGES in f.filename]
    return f"{frames[-1].filename.rpartition(_PACKAGES)[2]}:{frames[-1].lineno}" if frames else ""
