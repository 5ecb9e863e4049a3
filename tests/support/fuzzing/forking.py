"""A process that starts commands in children, each as its own `tabwarden`: with signals, small disks, odd outputs.

It has loaded everything, so that a child costs some milliseconds, and has no thread, so that forking is safe. One JSON
object a line: `words`, `cwd`, `env`, and of `limit`, `signal`, `after`, `stdout`, `encoding` what is wanted.
"""

from __future__ import annotations

import gc
import importlib
import json
import os
import pkgutil
import resource
import selectors
import signal
import subprocess
import sys
import time
import traceback
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

TRACEBACK, LATE, INTERRUPTED = 99, 98, 130


class Forking:
    """The process, from outside."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process

    def run(self, words: tuple[str, ...], cwd: Path, env: Mapping[str, str], treated: Mapping[str, Any]) -> Any:
        """`code` (negative: the signal), `out` and `err` of a command."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        asked = {**treated, "words": words, "cwd": str(cwd), "env": dict(env)}
        self._process.stdin.write(json.dumps(asked) + "\n")
        self._process.stdin.flush()
        return json.loads(self._process.stdout.readline())


@contextmanager
def forking() -> Iterator[Forking]:
    """The process while it is needed."""
    folders = os.pathsep.join(path for path in sys.path if path)
    with subprocess.Popen(
        [sys.executable, __file__],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": folders},
    ) as process:
        try:
            yield Forking(process)
        finally:
            assert process.stdin is not None
            process.stdin.close()
            process.wait()


def _serve() -> None:
    import tabwarden.commands
    from tabwarden import cli

    for module in pkgutil.walk_packages(tabwarden.__path__, "tabwarden."):
        if ".sinks" not in module.name and "pytest" not in module.name and not module.name.endswith("__main__"):
            importlib.import_module(module.name)
    gc.freeze()
    for line in sys.stdin:
        asked = json.loads(line)
        outs, errs = os.pipe(), os.pipe()
        pid = os.fork()
        if not pid:
            os.close(outs[0])
            os.close(errs[0])
            _child(cli.main, asked, outs[1], errs[1])
        os.close(outs[1])
        os.close(errs[1])
        print(json.dumps(_watched(pid, asked, outs[0], errs[0])), flush=True)


def _watched(pid: int, asked: Mapping[str, Any], out: int, err: int) -> dict[str, Any]:
    began, killed, late = time.monotonic(), "signal" not in asked, False
    told = {out: b"", err: b""}
    with selectors.DefaultSelector() as selector:
        selector.register(out, selectors.EVENT_READ)
        selector.register(err, selectors.EVENT_READ)
        while selector.get_map():
            left = asked["patience"] if killed else asked["after"]
            for key, _ in selector.select(max(0.0, began + left - time.monotonic())):
                part = os.read(key.fd, 1 << 16)
                told[key.fd] += part
                if not part:
                    selector.unregister(key.fd)
            passed = time.monotonic() - began
            if not killed and passed >= asked["after"]:
                killed = True
                os.kill(pid, asked["signal"])
            elif killed and passed > asked["patience"]:
                late = True
                os.kill(pid, signal.SIGKILL)
    os.close(out)
    os.close(err)
    code = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    words = {"out": told[out].decode("utf-8", "backslashreplace"), "err": told[err].decode("utf-8", "backslashreplace")}
    return {"code": LATE if late else code, **words}


def _child(main: Any, asked: Mapping[str, Any], out: int, err: int) -> None:
    """The command, to its end; never comes back."""
    code = TRACEBACK
    try:
        os.chdir(asked["cwd"])
        os.environ.update(asked["env"])
        os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
        os.dup2(os.open(asked["stdout"], os.O_WRONLY) if asked.get("stdout") else out, 1)
        os.dup2(err, 2)
        for number in (out, err):
            os.close(number)
        encoding = asked.get("encoding", "utf-8")
        sys.stdin = open(0, closefd=False)  # noqa: SIM115
        sys.stdout = open(1, "w", encoding=encoding, closefd=False)  # noqa: SIM115
        sys.stderr = open(2, "w", 1, encoding=encoding, errors="backslashreplace", closefd=False)  # noqa: SIM115
        sys.argv = ["tabwarden", *asked["words"]]
        if "limit" in asked:
            resource.setrlimit(resource.RLIMIT_FSIZE, (asked["limit"], resource.RLIM_INFINITY))
        try:
            main()
        except SystemExit as left:
            code = left.code if isinstance(left.code, int) else 0
        sys.stdout.flush()
    except KeyboardInterrupt as early:
        code = TRACEBACK if _inside(main, early) else INTERRUPTED
        if code == TRACEBACK:
            traceback.print_exc()
    except BaseException:
        traceback.print_exc()
        code = TRACEBACK
    finally:
        os._exit(code)


def _inside(main: Any, early: KeyboardInterrupt) -> bool:
    """Whether it came while `main` worked; before its first line, where an interpreter starts, nothing catches it."""
    child = early.__traceback__
    called = child.tb_next if child else None
    return bool(called and called.tb_frame.f_code is main.__code__ and called.tb_next)


if __name__ == "__main__":
    _serve()
