"""The log of one run: a dated file, the console, and what was counted.

Lines are `YYYY-MM-DD HH:MM:SS | LEVEL | text` in local time, or JSON lines. Every text passes the scrubber as a
whole, traceback included, after it was put together and before it is written.
"""

from __future__ import annotations

import json
import logging
import re
import sys
from collections.abc import Callable, Sequence
from contextlib import suppress
from datetime import datetime, timedelta
from pathlib import Path
from types import TracebackType
from typing import IO, Any, Self

from tabwarden import clocks
from tabwarden.model.errors import TabwardenError
from tabwarden.model.names import visible, visible_in_json
from tabwarden.safe_files import for_the_owner

LOGGER = "tabwarden"
NAME = re.compile(r"^tabwarden-(\d{4}-\d{2}-\d{2}-\d{6})(?:-\d+)?\.(?:log|jsonl)$")
_MOST_RUNS_IN_A_SECOND = 1000

Scrub = Callable[[str], str]


def _as_is(text: str) -> str:
    return text


def open_log(
    folder: Path,
    *,
    level: str = "INFO",
    retention_days: int = 90,
    as_json: bool = False,
    scrub: Scrub = _as_is,
    console: IO[str] | None = None,
    quiet: bool = False,
    errors_only: bool = False,
) -> RunLog:
    """Start the log of a run: open a new file in `folder`, delete those that were older than `retention_days` at the
    run before. Where the clock has made a jump since, nothing is deleted, and that is told.

    `level` is DEBUG, INFO, WARNING or ERROR and counts for Tabwarden's own lines; of other packages only WARNING
    and above is written. `console` gets the same lines unless `quiet`; when it is None, errors go to stderr and the
    others, unless `errors_only`, to stdout. `scrub` takes secrets out of a text. Raises TabwardenError when the folder
    or file cannot be made.
    """
    now = datetime.now().astimezone()
    try:
        folder.mkdir(parents=True, exist_ok=True)
        path = _new_file(folder, now, "jsonl" if as_json else "log")
    except OSError as error:
        reason = (error.strerror or "it cannot be used").lower()
        raise TabwardenError(f"log folder `{folder}` cannot be written: {reason}; set `logs.folder`") from None
    consoles = () if quiet else (console,) if console is not None else None
    run_log = RunLog(path, level, as_json=as_json, scrub=scrub, consoles=consoles, errors_only=errors_only)
    earlier = _logs_in(folder)
    del earlier[path]
    times = sorted(time for time in earlier.values() if time <= now)  # one of a clock that was ahead tells nothing
    doubt = clocks.doubt(times, now)
    if doubt:
        logging.getLogger(LOGGER).warning("%s; no old log is deleted this time", doubt)
    elif times:
        oldest_kept = times[-1].date() - timedelta(days=retention_days)
        run_log.deleted = tuple(_delete([log for log, day in earlier.items() if day.date() < oldest_kept]))
    return run_log


def _new_file(folder: Path, now: datetime, ending: str) -> Path:
    """An empty file nobody else writes; two runs in one second get two files."""
    stem = f"tabwarden-{now:%Y-%m-%d-%H%M%S}"
    for number in range(1, _MOST_RUNS_IN_A_SECOND):
        path = folder / (f"{stem}-{number}.{ending}" if number > 1 else f"{stem}.{ending}")
        try:
            open(path, "x", opener=for_the_owner).close()
        except FileExistsError:
            continue
        return path
    raise FileExistsError(17, "there are a thousand logs of this second")


def _logs_in(folder: Path) -> dict[Path, datetime]:
    """Our own log files, and when each was begun; whatever has another name is not ours."""
    logs = {}
    for path in sorted(folder.iterdir()):
        match = NAME.match(path.name)
        if match is None or not path.is_file() or path.is_symlink():
            continue
        with suppress(ValueError):
            logs[path] = datetime.strptime(match[1], "%Y-%m-%d-%H%M%S").astimezone()
    return logs


def _delete(logs: list[Path]) -> list[Path]:
    deleted = []
    for path in logs:
        try:
            path.unlink()
            deleted.append(path)
        except OSError as error:
            reason = (error.strerror or "").lower()
            logging.getLogger(LOGGER).warning("old log file %s cannot be deleted: %s", path.name, reason)
    return deleted


class _Line(logging.Formatter):
    """One record as one line, in which nothing acts. A traceback and the problems of one error have more, indented: no
    name can forge a line.
    """

    def __init__(self, scrub: Scrub) -> None:
        super().__init__("%(message)s")
        self._scrub = scrub

    def format(self, record: logging.LogRecord) -> str:
        problems = record.args[0] if isinstance(record.args, tuple) and len(record.args) == 1 else None
        several = isinstance(problems, TabwardenError) and len(problems.lines) > 1 and record.msg == "%s"
        text = self._scrub(record.getMessage())
        lines = text.splitlines() if several else [text]
        if record.exc_info:
            lines += self._scrub(self.formatException(record.exc_info)).splitlines()
        text = "\n    ".join(map(visible, lines)) or "-"
        return f"{_when(record):%Y-%m-%d %H:%M:%S} | {record.levelname} | {text}"


class _JsonLine(logging.Formatter):
    """One record as one JSON object: time, level, text, logger and, after an exception, exception."""

    def __init__(self, scrub: Scrub) -> None:
        super().__init__()
        self._scrub = scrub

    def format(self, record: logging.LogRecord) -> str:
        fields: dict[str, Any] = {
            "time": _when(record).isoformat(timespec="milliseconds"),
            "level": record.levelname,
            "text": self._scrub(record.getMessage()),
            "logger": record.name,
        }
        if record.exc_info:
            fields["exception"] = self._scrub(self.formatException(record.exc_info))
        return visible_in_json(json.dumps(fields, ensure_ascii=False))


def _when(record: logging.LogRecord) -> datetime:
    return datetime.fromtimestamp(record.created).astimezone()


def _ours(record: logging.LogRecord) -> bool:
    return record.name == LOGGER or record.name.startswith(LOGGER + ".")


def _worth_writing(record: logging.LogRecord) -> bool:
    return _ours(record) or record.levelno >= logging.WARNING


class _Handler(logging.StreamHandler[IO[str]]):
    """Writes what the stream can hold, and never tells a record's arguments when writing fails."""

    def __init__(self, stream: IO[str], formatter: logging.Formatter) -> None:
        super().__init__(stream)
        self.failed = False
        self.setFormatter(formatter)
        self.addFilter(_worth_writing)

    def format(self, record: logging.LogRecord) -> str:
        encoding = getattr(self.stream, "encoding", None) or "utf-8"
        return super().format(record).encode(encoding, "backslashreplace").decode(encoding)

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802, ARG002 (as logging has it)
        if not self.failed:
            self.failed = True
            if not isinstance(sys.exc_info()[1], BrokenPipeError):  # whoever reads may have read enough
                sys.stderr.write("a line of the log could not be written; is the disk full?\n")


class _Counter(logging.Handler):
    """Counts our own errors and warnings. Those of other packages are written, but the run decides what failed."""

    def __init__(self) -> None:
        super().__init__()
        self.errors = self.warnings = 0

    def emit(self, record: logging.LogRecord) -> None:
        if _ours(record):
            self.errors += record.levelno >= logging.ERROR
            self.warnings += record.levelno == logging.WARNING


class RunLog:
    """The open log of a run. A context manager; `close` may be called again without harm.

    `path` is its file, `deleted` the old files its start deleted, `errors` and `warnings` count our own lines of
    ERROR (and above) and WARNING.
    """

    def __init__(
        self,
        path: Path,
        level: str,
        *,
        as_json: bool,
        scrub: Scrub,
        consoles: Sequence[IO[str]] | None,
        errors_only: bool = False,
    ) -> None:
        self.path = path
        self.deleted: tuple[Path, ...] = ()
        formatter: logging.Formatter = _JsonLine(scrub) if as_json else _Line(scrub)
        self._file = path.open("a", encoding="utf-8", errors="backslashreplace")
        self._counter = _Counter()
        self._handlers: list[logging.Handler] = [_Handler(self._file, formatter), self._counter]
        if consoles is None:
            out, err = _Handler(sys.stdout, formatter), _Handler(sys.stderr, formatter)
            out.addFilter(lambda record: record.levelno < logging.ERROR)
            err.setLevel(logging.ERROR)
            self._handlers += [err] if errors_only else [out, err]
        else:
            self._handlers += [_Handler(console, formatter) for console in consoles]
        self._root, self._logger = logging.getLogger(), logging.getLogger(LOGGER)
        self._before = (self._root.level, self._logger.level)
        self._root.setLevel(logging.WARNING)
        self._logger.setLevel(level)
        for handler in self._handlers:
            self._root.addHandler(handler)
        logging.captureWarnings(True)
        self._open = True

    @property
    def errors(self) -> int:
        """How many ERROR lines of ours there were."""
        return self._counter.errors

    @property
    def warnings(self) -> int:
        """How many WARNING lines of ours there were."""
        return self._counter.warnings

    def flush(self) -> None:
        """Have everything on disk, for example before the file is mailed."""
        for handler in self._handlers:
            handler.flush()

    def close(self) -> None:
        """End the log and leave logging as it was found."""
        if not self._open:
            return
        self._open = False
        logging.captureWarnings(False)
        for handler in self._handlers:
            self._root.removeHandler(handler)
            handler.close()
        self._file.close()
        self._root.setLevel(self._before[0])
        self._logger.setLevel(self._before[1])

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
