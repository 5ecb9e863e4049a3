"""Answers of an unfinished read on disk, so that a read that was killed goes on where it was.

One file a site, appended to answer by answer; a record that was cut off in the middle is dropped. It holds what the
server told (people, rules), so only the owner may read it; it holds no token.
"""

from __future__ import annotations

import hashlib
import json
import os
import struct
import time
import zlib
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import IO, NamedTuple

from tabwarden.model.errors import TabwardenError

FORMAT = 2
LONGEST_AGE = 12 * 3600.0  # seconds after which a site has changed too much to go on
_WHOM = ":whom"  # no path begins so
_HEAD = struct.Struct("<IIHd")  # lengths of key and body, status, when
_CHECK = struct.Struct("<I")  # behind it a checksum of the head, the key and the body


class StoredAnswer(NamedTuple):
    """One answer: the HTTP status and the body."""

    status: int
    body: bytes


class _Place(NamedTuple):
    start: int
    length: int
    status: int


class Checkpoint:
    """Answers by key. `begun` is when the first of them came (seconds since 1970), `resumed` how many were found."""

    def __init__(self, path: Path, file: IO[bytes], about: Mapping[str, object], clock: Callable[[], float]) -> None:
        self.path = path
        self.begun = clock()
        self.sent_before: list[float] = []
        self._file, self._clock = file, clock
        self._places: dict[str, _Place] = {}
        self._about = dict(about)
        self._load(self._about)
        self.resumed = sum(key != _WHOM for key in self._places)

    def __contains__(self, key: str) -> bool:
        return key in self._places

    def get(self, key: str) -> StoredAnswer | None:
        """The answer kept under that key."""
        place = self._places.get(key)
        if place is None:
            return None
        self._file.seek(place.start)
        packed = self._file.read(place.length)
        self._file.seek(0, os.SEEK_END)
        return StoredAnswer(place.status, zlib.decompress(packed))

    def put(self, key: str, status: int, body: bytes) -> None:
        """Keep an answer; a second one under the same key takes the place of the first."""
        name, packed = key.encode(), zlib.compress(body, 1)
        head = _HEAD.pack(len(name), len(packed), status, self._clock())
        head += _CHECK.pack(zlib.crc32(head + name + packed))
        try:
            start = self._file.tell()
            _write_all(self._file, head + name + packed)
        except OSError as error:
            raise cannot_be_written(self.path, error) from None
        self._places[key] = _Place(start + len(head) + len(name), len(packed), status)

    def only_for(self, whom: str) -> None:
        """Begin anew unless the answers kept are those of `whom`: the ids of site and user, known after sign-in."""
        remembered = self.get(_WHOM)
        if remembered is not None and remembered.body.decode() == whom:
            return
        if self._places:
            self._file.truncate(0)
            self._file.seek(0)
            self.begun = self._clock()
            self._load(self._about)
            self.resumed = 0
        self.put(_WHOM, 200, whom.encode())

    def forget(self) -> None:
        """The read is over and kept elsewhere."""
        self._places.clear()
        self._file.truncate(0)
        with suppress(PermissionError):  # Windows removes no open file; an empty one begins anew
            self.path.unlink(missing_ok=True)

    def close(self) -> None:
        """Let go of the file and its lock; what is in it stays."""
        self._file.close()

    def _load(self, about: dict[str, object]) -> None:
        self._places.clear()
        self.sent_before.clear()
        self._file.seek(0)
        begun = _begun(self._file.readline(), about)
        if begun is None or not 0 <= self.begun - begun <= LONGEST_AGE:
            self._file.seek(0)
            self._file.truncate()
            try:
                _write_all(self._file, _first_line(about, self.begun))
            except OSError as error:
                raise cannot_be_written(self.path, error) from None
            return
        self.begun = begun
        good = self._file.tell()
        while (record := _next(self._file)) is not None:
            key, place, when = record
            self._places[key] = place
            self.sent_before.append(when)
            good = place.start + place.length
        self._file.seek(good)
        self._file.truncate()


def opened(folder: Path, about: Mapping[str, object], *, fresh: bool = False) -> Checkpoint:
    """The checkpoint of the read that `about` describes (server, site, ...), new where there is none of the same.

    TabwardenError where another process reads the same site into the same folder, or the disk takes nothing.
    """
    from filelock import lock_descriptor

    name = hashlib.sha256(json.dumps([about.get("server"), about.get("site")]).encode()).hexdigest()[:16]
    path = folder / f"{name}.unfinished"
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        handle = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    except OSError as error:
        raise cannot_be_written(path, error) from None
    file = os.fdopen(handle, "r+b", buffering=0)
    try:
        if not lock_descriptor(file.fileno(), blocking=False):
            raise TabwardenError(
                f"site `{about.get('site')}` is being read already by another process that keeps its checkpoint in "
                f"`{path}`; wait for its end"
            )
        if fresh:
            file.truncate(0)
        return Checkpoint(path, file, about, time.time)
    except BaseException:
        file.close()
        raise


def cannot_be_written(path: Path, error: OSError) -> TabwardenError:
    """The error for a file that the disk does not take."""
    why = (error.strerror or type(error).__name__).lower()
    return TabwardenError(f"`{path}` cannot be written: {why}; free some space or see to its rights, then read again")


def _begun(line: bytes, about: Mapping[str, object]) -> float | None:
    """When the read that this first line describes began; None where it is another one."""
    try:
        begun = float(json.loads(line)["begun"])
    except (ValueError, TypeError, LookupError, RecursionError):
        return None
    return begun if line == _first_line(about, begun) else None


def _first_line(about: Mapping[str, object], begun: float) -> bytes:
    """Which read it is and since when, with a checksum: a time that is damaged would make an old read a new one."""
    line = json.dumps({**about, "format": FORMAT, "begun": begun})
    return f'{line[:-1]}, "check": {zlib.crc32(line.encode())}}}\n'.encode()


def _next(file: IO[bytes]) -> tuple[str, _Place, float] | None:
    head, check = file.read(_HEAD.size), file.read(_CHECK.size)
    if len(check) < _CHECK.size:
        return None
    key_length, length, status, when = _HEAD.unpack(head)
    data = file.read(key_length + length)
    if len(data) < key_length + length or check != _CHECK.pack(zlib.crc32(head + data)):
        return None
    return data[:key_length].decode(), _Place(file.tell() - length, length, status), when


def _write_all(file: IO[bytes], data: bytes) -> None:
    """Write everything or fail: a full disk may take a part."""
    view = memoryview(data)
    while view:
        written = file.write(view)
        view = view[written:]
