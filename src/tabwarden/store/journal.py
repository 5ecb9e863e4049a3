"""What was really done of a plan, line by line on disk before and after each write.

    .tabwarden/journals/<plan>.jsonl     one plan, from its first write to its end
    .tabwarden/journals/<site>.last      the plan that was begun last on a site: its journal may not be missing
    .tabwarden/good-runs.jsonl           rows per source of the runs that came to their end
    .tabwarden/locks/<site>.lock         held while somebody writes to that site

A line is on disk before the next step is taken. A process may die anywhere: a torn last line is as if it had not
been written, a change begun and not ended may have happened and is looked up before it is done again.
"""

from __future__ import annotations

import getpass
import hashlib
import json
import os
import re
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from types import MappingProxyType, TracebackType
from typing import IO, Any, NamedTuple, Self
from zlib import crc32

from tabwarden.model.errors import TabwardenError
from tabwarden.plan.plan import FORMAT, Plan, SiteIdentity, Waiver
from tabwarden.safe_files import MOST_OF_A_PLAN, check_file, for_the_owner, write_whole

DONE, ALREADY, FAILED, SKIPPED, INSTEAD = "done", "already", "failed", "skipped", "instead"
NO_NAMES: Mapping[str, list[str]] = MappingProxyType({})
JOURNALS, GOOD_RUNS, LOCKS = "journals", "good-runs.jsonl", "locks"


class ChangeResult(NamedTuple):
    """What became of one change: done, already, failed, skipped, or of a removal that was refused the licence taken
    instead; `new_id` is of what it created."""

    position: int
    status: str
    code: str = ""
    remedy: str = ""
    new_id: str | None = None


@dataclass(frozen=True, slots=True)
class Record:
    """A journal as read: `ended` by position of the change, `begun` without an end, `finished` when all was done.

    `by` is who began it, as the system calls him; `snapshot` the number of that of the site as it was before.
    """

    plan: str = ""
    kind: str = ""
    site: str = ""
    started: str = ""
    by: str = ""
    waivers: tuple[Waiver, ...] = ()
    ended: Mapping[int, ChangeResult] = field(default_factory=dict)
    begun: frozenset[int] = frozenset()
    finished: str = ""
    snapshot: int | None = None


def now() -> str:
    """The present moment as ISO time in UTC, to the millisecond: plans made one after the other differ by it."""
    return datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def whoami() -> str:
    """Who is at this machine, as the system calls him; empty where it has no name."""
    try:
        return getpass.getuser()
    except (OSError, KeyError, ImportError):
        return ""


class Journal:
    """The open journal of a plan; a context manager. Opening one that exists goes on where it ends."""

    def __init__(self, store: Path, plan: Plan, waivers: Sequence[Waiver] = (), snapshot: int | None = None) -> None:
        self.path = path_of(store, plan.id)
        self.path.parent.mkdir(parents=True, exist_ok=True)
        _cut_torn_line(self.path)
        self.record = read(self.path)
        if not self.record.plan:
            header = {"format": FORMAT, "kind": plan.kind, "site": site_key(plan.site), "changes": len(plan.changes)}
            accepted = [[waiver.id, waiver.number] for waiver in waivers]
            first = {"plan": plan.id, **header, "waivers": accepted, "started": now(), "by": whoami()}
            # It is there with its first line or not at all: one that is empty was emptied.
            write_whole(self.path, checked_line({**first, "snapshot": snapshot}).encode())
            _sync_folder(self.path.parent)
            write_whole(_last(store, site_key(plan.site)), plan.id.encode())
        self._file: IO[str] = open(self.path, "a", encoding="utf-8", opener=for_the_owner)  # noqa: SIM115
        if self.record.plan:
            self._write({"resumed": now()})

    def begin(self, indexes: Sequence[int]) -> None:
        """These changes are about to be sent."""
        self._write({"begin": list(indexes)})

    def end(self, entries: Sequence[ChangeResult]) -> None:
        """What became of them."""
        self._write({"end": [list(entry) for entry in entries]})

    def finish(self) -> None:
        """All changes were gone through."""
        self._write({"finished": now()})

    def _write(self, line: Mapping[str, Any]) -> None:
        self._file.write(checked_line(line))
        self._file.flush()
        os.fsync(self._file.fileno())

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._file.close()


def checked_line(fields: Mapping[str, Any]) -> str:
    """A line of JSON that ends with a check of itself: a letter that changes on the disk is found."""
    text = json.dumps(fields, ensure_ascii=False)
    return f'{text[:-1]}, "check": "{crc32(text.encode()):08x}"}}\n'


def fields_of(line: bytes) -> dict[str, Any]:
    """The fields of such a line; an error of some kind where it is not as it was written."""
    fields: dict[str, Any] = json.loads(line)
    check = fields.pop("check")
    if f"{crc32(json.dumps(fields, ensure_ascii=False).encode()):08x}" != check:
        raise ValueError("it is not as it was written")
    return fields


def path_of(store: Path, plan_id: str) -> Path:
    """Where the journal of a plan is."""
    return store / JOURNALS / f"{plan_id}.jsonl"


def _bytes(path: Path) -> bytes:
    """All of a file of the store; TabwardenError where something else is in its place."""
    try:
        check_file(path, MOST_OF_A_PLAN)
    except OSError as error:
        raise TabwardenError(
            f"`{path}` {error.strerror}, and is one of the store's files; put it back from a backup"
        ) from None
    return path.read_bytes()


_WORDS = ("plan", "kind", "site", "started", "by", "finished")


def read(path: Path) -> Record:
    """A journal; an empty Record where there is none. A torn last line is left out, a broken one before it told.

    TabwardenError for one that is empty: it is made with its first line.
    """
    if not path.exists():
        return Record()
    whole = _bytes(path)
    if not whole:
        raise _unknown(path)
    lines = whole.split(b"\n")[:-1]  # what follows the last line end is torn
    header: dict[str, Any] = {}
    ended: dict[int, ChangeResult] = {}
    begun: set[int] = set()
    finished = ""
    waivers: tuple[Waiver, ...] = ()
    for number, line in enumerate(lines, 1):
        try:
            header = header or json.loads(line)
            if header.get("format") != FORMAT:
                raise TabwardenError(
                    f"the journal `{path}` is of another release; move the folder `{path.parent}` away and plan again"
                )
            fields = fields_of(line)
            if not all(isinstance(fields.get(name, ""), str) for name in _WORDS):
                raise TypeError("what a journal names is told in words")
            if not isinstance(fields.get("snapshot"), int | None):
                raise TypeError("snapshots have numbers")
            positions = range(header["changes"])
            begun.update(map(positions.index, fields.get("begin", ())))
            for entry in (ChangeResult(*one) for one in fields.get("end", ())):
                if not all(isinstance(part, str | None) for part in entry[1:]):
                    raise TypeError("what became of a change is told in words")
                ended[positions.index(entry.position)] = entry
            finished = fields.get("finished", finished)
            waivers = waivers or tuple(Waiver(*one) for one in fields.get("waivers", ()))
        except (ValueError, LookupError, TypeError, AttributeError):
            raise TabwardenError(f"the journal `{path}` is damaged in line {number}; make a new plan") from None
    return Record(
        plan=header.get("plan", ""),
        kind=header.get("kind", ""),
        site=header.get("site", ""),
        started=header.get("started", ""),
        by=header.get("by", ""),
        waivers=waivers,
        ended=ended,
        begun=frozenset(begun - ended.keys()),
        finished=finished,
        snapshot=header.get("snapshot"),
    )


def newest(store: Path, site: SiteIdentity | None = None) -> Record | None:
    """The journal begun last (of a site where one is named), None when there is none.

    TabwardenError where a later one cannot be read: whatever it did comes before what is older.
    """
    wanted = site_key(site) if site is not None else None
    paths = list((store / JOURNALS).glob("*.jsonl"))
    all_of = [(record.started, path.stat().st_mtime_ns, record, path) for path in paths for record in (read(path),)]
    of_site = [one for one in all_of if one[2].plan and wanted in (None, one[2].site)]
    last = max(of_site, key=lambda one: one[:2], default=None)
    for _, changed, record, path in all_of:
        if not record.plan and (last is None or changed > last[1]):
            raise _unknown(path)
    return last[2] if last else None


def _last(store: Path, key: str) -> Path:
    """The file that names the plan that was begun last on a site."""
    return store / JOURNALS / f"{hashlib.sha256(key.encode()).hexdigest()[:8]}.last"


def check_last(store: Path, site: SiteIdentity | None = None) -> None:
    """TabwardenError where the journal that was begun last, of a site or of any, is no more."""
    for pointer in (store / JOURNALS).glob("*.last") if site is None else (_last(store, site_key(site)),):
        if not pointer.exists():  # nothing was applied, or by an earlier release
            continue
        plan = _bytes(pointer).decode("ascii", "backslashreplace")
        if not plan.isalnum() or not path_of(store, plan).exists():
            raise TabwardenError(
                f"the journal of the plan that was applied last, `{plan}`, is gone; put it back from a backup, or "
                f"delete `{pointer}` if nothing of that plan was done, or name a plan"
            )


def _unknown(path: Path) -> TabwardenError:
    return TabwardenError(
        f"the journal `{path}` is empty or cut off, so it is not known which plan was applied last; put it "
        "back from a backup, or delete it if nothing of that plan was done, or name a plan"
    )


def _cut_torn_line(path: Path) -> None:
    """Take away what a dying process left after the last line end, so that new lines stand by themselves."""
    if not path.is_file():
        return
    whole = path.read_bytes()
    end = whole.rfind(b"\n") + 1
    if whole and not end:  # of a release that began it without its first line
        path.unlink()
    elif end != len(whole):
        with path.open("rb+") as file:
            file.truncate(end)
            os.fsync(file.fileno())


def _sync_folder(folder: Path) -> None:
    """A new file's name is on disk only when its folder is."""
    if sys.platform == "win32":
        return  # Windows opens no folder and keeps its names by itself
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


# -- one writer at a time --------------------------------------------------------------------------------------


def site_key(site: SiteIdentity) -> str:
    """One word for a site on a server."""
    return f"{site.where}#{site.content_url}"


@contextmanager
def only_writer(store: Path, site: SiteIdentity) -> Iterator[None]:
    """Nobody else on this store writes to the site meanwhile; TabwardenError when somebody does.

    The lock is the system's: it goes with the process, however that ends.
    """
    from filelock import lock_descriptor

    key = site_key(site)
    name = re.sub(r"[^A-Za-z0-9.-]+", "-", site.content_url or "default")
    path = store / LOCKS / f"{name}-{hashlib.sha256(key.encode()).hexdigest()[:8]}.lock"
    path.parent.mkdir(parents=True, exist_ok=True)
    with open(path, "a+", encoding="utf-8", opener=for_the_owner) as file:
        if not lock_descriptor(file.fileno(), blocking=False):
            file.seek(1)  # on Windows the lock is on the first byte, which nobody else may read meanwhile
            holder = file.read().strip() or "another process"
            raise TabwardenError(
                f"`{site.content_url or 'Default'}` is being written to by {holder}; wait until that has ended"
            )
        file.truncate(0)
        file.write(f" process {os.getpid()} since {now()}")
        file.flush()
        yield


# -- good runs -------------------------------------------------------------------------------------------------


def last_good_rows(store: Path, site: SiteIdentity) -> Mapping[str, int]:
    """Rows per task of the last run on this site that came to its end; empty when there was none."""
    return dict(pair for rows, _ in _good_runs(store, site) for pair in rows.items())


def last_good_names(store: Path, site: SiteIdentity) -> Mapping[str, list[str]]:
    """By setting, the names in it that meant something at the last run on this site that came to its end."""
    return dict(pair for _, names in _good_runs(store, site) for pair in names.items())


def _good_runs(store: Path, site: SiteIdentity) -> Iterator[tuple[Mapping[str, int], Mapping[str, list[str]]]]:
    """Rows and names of each run on this site that came to its end. TabwardenError for a damaged file."""
    path, key = store / GOOD_RUNS, site_key(site)
    if not path.exists():
        return
    whole, _, torn = _bytes(path).rpartition(b"\n")
    # It is written whole: a line without its end was cut off, and so was a file without a line.
    for number, line in enumerate([*whole.split(b"\n"), *([b""] if torn else [])], 1):
        try:
            fields = fields_of(line)
            rows = {task: int(count) for task, count in fields["rows"].items()}
            names = {setting: list(words) for setting, words in fields.get("names", {}).items()}
            is_ours = fields["site"] == key
        except (ValueError, LookupError, TypeError, AttributeError):
            raise TabwardenError(
                f"line {number} of `{path}` is damaged, so it is not known whether a list has shrunk, and nothing is "
                "planned; put it back from a backup, or delete the file: the next run then counts as the first"
            ) from None
        if is_ours:
            yield rows, names


def keep_good_run(
    store: Path, site: SiteIdentity, rows: Mapping[str, int], names: Mapping[str, list[str]] = NO_NAMES
) -> None:
    """Remember the rows and names of a run that came to its end; nothing is written when they are as they were."""
    from filelock import lock_descriptor

    last, known = last_good_rows(store, site), last_good_names(store, site)
    if {**last, **rows} == last and {**known, **names} == known:
        return
    path = store / GOOD_RUNS
    line = checked_line({"site": site_key(site), "at": now(), "rows": dict(rows), "names": dict(names)})
    with open(path.with_suffix(".lock"), "a+", encoding="utf-8", opener=for_the_owner) as lock:
        lock_descriptor(lock.fileno(), blocking=True)  # other sites end their runs meanwhile
        write_whole(path, (path.read_bytes() if path.is_file() else b"") + line.encode())
