"""Commands that go on while pages are served: each a process of its own, with all it says in a folder of the store.

A job lives on when the pages are restarted, and whatever it does is as safe as when somebody had typed it: what it
writes to Tableau is in its journal, and it holds the same locks. Whether it still runs is told by a lock that it holds.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import uuid4

from filelock import lock_descriptor

from tabwarden.model.errors import TabwardenError
from tabwarden.safe_files import for_the_owner, write_whole

JOBS = "jobs"
ABOUT, ANSWER, SAID, CODE, LOCK = "job.json", "answer.json", "said.txt", "exit-code", "running"
_ERROR = re.compile(r"^\{\n.*^\}$", re.MULTILINE | re.DOTALL)  # as commands tell it with --json
MOST_SAID = 64_000  # letters of what a job said that anybody wants to read


class AlreadyRunsError(TabwardenError):
    """A job about the same thing has not ended."""


@dataclass(frozen=True, slots=True)
class Job:
    """One command that was started: `about` is what no two jobs may be about at once, as `plan 12`; `by` who started
    it, and `begun` when (ISO, UTC).
    """

    id: str
    about: str
    words: tuple[str, ...]
    by: str
    begun: str
    folder: Path

    @property
    def is_running(self) -> bool:
        try:
            with open(self.folder / LOCK, "r+b") as file:
                return not lock_descriptor(file.fileno(), blocking=False)
        except FileNotFoundError:
            return False

    @property
    def exit_code(self) -> int | None:
        """How it ended; None while it runs, and where whoever started it was gone by then."""
        with suppress(OSError, ValueError):
            return int((self.folder / CODE).read_text(encoding="ascii"))
        return None

    @property
    def answer(self) -> Mapping[str, Any]:
        """What it answered as JSON; empty where it gave none."""
        with suppress(OSError, ValueError):
            answer = json.loads((self.folder / ANSWER).read_text(encoding="utf-8"))
            return answer if isinstance(answer, dict) else {}
        return {}

    @property
    def said(self) -> str:
        """What it said beside its answer, such as why it could not go on."""
        with suppress(OSError):
            return (self.folder / SAID).read_text(encoding="utf-8", errors="replace")[-MOST_SAID:]
        return ""

    @property
    def lines(self) -> tuple[str, ...]:
        """The lines of what it said; an error that it told as JSON is its sentences."""
        said = self.said
        error = _ERROR.search(said)
        if error is not None:
            with suppress(ValueError, LookupError, TypeError):
                failure = json.loads(error[0])["error"]
                said = "\n".join([said[: error.start()], failure["message"], *failure["more"]])
        return tuple(filter(None, map(str.strip, said.splitlines())))


def start(store: Path, about: str, words: Sequence[str], by: str, environment: Mapping[str, str]) -> Job:
    """Start `tabwarden` with these words; AlreadyRunsError where a job about the same runs.

    `by` stands as who did it wherever the command writes that down; `environment` holds what its settings refer to.
    """
    folder = store / JOBS
    folder.mkdir(parents=True, exist_ok=True)
    with open(folder / "starting", "a+b", opener=for_the_owner) as one_at_a_time:
        lock_descriptor(one_at_a_time.fileno(), blocking=True)
        running = next((job for job in jobs(store) if job.about == about and job.is_running), None)
        if running is not None:
            raise AlreadyRunsError(f"{about} is under way since {running.begun}, started by {running.by}")
        begun = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        job = Job(f"{begun.translate({45: '', 58: ''})}-{uuid4().hex[:12]}", about, tuple(words), by, begun, Path())
        return _started(folder / job.id, job, by, environment)


def _started(folder: Path, job: Job, by: str, environment: Mapping[str, str]) -> Job:
    folder.mkdir(mode=0o700)
    about = {name: value for name, value in asdict(job).items() if name != "folder"}
    write_whole(folder / ABOUT, json.dumps(about).encode())
    names = dict.fromkeys(("LOGNAME", "USER", "USERNAME"), by)  # whom journals and plans tell as their author
    with (
        open(folder / LOCK, "wb", opener=for_the_owner) as lock,
        open(folder / ANSWER, "wb", opener=for_the_owner) as answer,
        open(folder / SAID, "wb", opener=for_the_owner) as said,
    ):
        lock_descriptor(lock.fileno(), blocking=True)
        process = subprocess.Popen(
            [sys.executable, "-m", "tabwarden", *job.words],
            stdin=subprocess.DEVNULL,
            stdout=answer,
            stderr=said,
            env={**os.environ, **environment, **names},
            start_new_session=True,
            **_inherited(lock.fileno()),
        )
    threading.Thread(target=_wait, args=(process, folder), name=f"tabwarden {job.about}", daemon=True).start()
    return Job(job.id, job.about, job.words, by, job.begun, folder)


def _inherited(lock: int) -> dict[str, Any]:
    """What the process inherits: the lock, so that it is held as long as it lives, and nothing else: a socket on which
    the pages listen would be taken until it ends, although nobody answers there.
    """
    if sys.platform == "win32":
        os.set_inheritable(lock, True)
        return {"close_fds": False}
    return {"pass_fds": (lock,)}


def _wait(process: subprocess.Popen[bytes], folder: Path) -> None:
    write_whole(folder / CODE, str(process.wait()).encode())


def jobs(store: Path) -> Iterator[Job]:
    """Every job of a store, the newest first."""
    folder = store / JOBS
    for path in sorted(folder.glob(f"*/{ABOUT}"), reverse=True) if folder.is_dir() else ():
        with suppress(OSError, ValueError, TypeError):  # one that is just being started
            about = json.loads(path.read_text(encoding="utf-8"))
            yield Job(**{**about, "words": tuple(about["words"])}, folder=path.parent)


def newest(store: Path, about: str) -> Job | None:
    """The last job about something."""
    return next((job for job in jobs(store) if job.about == about), None)
