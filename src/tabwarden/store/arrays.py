"""Named arrays in one file that is mapped into memory: only what is touched is read, with or without NumPy.

8 bytes      `TWARRAYS`
8 bytes      length of the head, little-endian
4 and 4      CRC-32 of the head, and of all that follows it
head         JSON: format, byte order, size of the file, what the writer tells, and of each array its type,
             place and number of values
arrays       one behind the other, each at a multiple of 16
"""

from __future__ import annotations

import json
import mmap
import os
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import IO, Any
from zlib import crc32

from tabwarden.safe_files import for_the_owner

MAGIC, FORMAT, STEP = b"TWARRAYS", 2, 16
# The types of `struct` that are used, as NumPy writes them: bool, uint8, int32, int64, uint64.
TYPES = {"?": "?", "B": "u1", "i": "i4", "q": "i8", "Q": "u8"}
_FIRST = len(MAGIC) + 8 + 4 + 4
_PIECE = 1 << 20


class Arrays:
    """The arrays of a file by name, as a `memoryview` or for NumPy; `about` is what the writer told beside them."""

    def __init__(self, path: Path | str) -> None:
        """Map the file; OSError where there is none, ValueError for one that is torn or of another form."""
        with open(path, "rb") as file:
            self._map = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
            length, check, rest = (int.from_bytes(self._map[a:b], "little") for a, b in ((8, 16), (16, 20), (20, 24)))
            whole = rest == _check_from(file, _FIRST + length)
        head = self._map[_FIRST : _FIRST + length]
        if self._map[:8] != MAGIC or crc32(head) != check or not whole:
            raise ValueError("no file of arrays, or a torn one")
        header = json.loads(head)
        size = (header.get("format"), header.get("order"), header.get("size"))
        if size != (FORMAT, sys.byteorder, len(self._map)):
            raise ValueError("a file of arrays of another format, machine or length")
        self.about: dict[str, Any] = header["about"]
        self._places: dict[str, tuple[str, int, int]] = header["arrays"]
        self._start = _aligned(_FIRST + length)
        self._views: dict[str, memoryview] = {}

    def __getitem__(self, name: str) -> memoryview:
        """Read as whole numbers by place, or by slices; KeyError for a name that is not there."""
        if name not in self._views:
            kind, offset, count = self._places[name]
            start = self._start + offset
            whole = memoryview(self._map)[start : start + count * _WIDTH[kind]]
            self._views[name] = whole.cast(kind)  # type: ignore[call-overload]
        return self._views[name]

    def numpy(self, name: str) -> Any:
        """The same as a NumPy array, which cannot be written to."""
        import numpy as np

        kind, offset, count = self._places[name]
        return np.frombuffer(self._map, TYPES[kind], count, self._start + offset)


def _check_from(file: IO[bytes], start: int) -> int:
    """Of what follows, a piece at a time: mapped, it would count as memory that is used."""
    file.seek(start)
    check = 0
    while piece := file.read(_PIECE):
        check = crc32(piece, check)
    return check


_WIDTH = {"?": 1, "B": 1, "i": 4, "q": 8, "Q": 8}


def _aligned(place: int) -> int:
    return -(-place // STEP) * STEP


def write_arrays(path: Path, about: Mapping[str, Any], arrays: Mapping[str, Any]) -> None:
    """Write NumPy arrays to `path`, which must be new, and wait for the disk; OSError where it cannot be.

    Only the owner may read it: it tells who may do what.
    """
    kinds = {written: kind for kind, written in TYPES.items()}
    places, at = {}, 0
    for name, array in arrays.items():
        places[name] = (kinds[array.dtype.str.lstrip("<>|=").replace("b1", "?")], at, len(array))
        at = _aligned(at + array.nbytes)
    header = {"format": FORMAT, "order": sys.byteorder, "size": 0, "about": about, "arrays": places}
    # The size stands in the head and counts it: a width that fits any number keeps the head's own length.
    head = json.dumps(header).replace('"size": 0', f'"size": {0:20d}').encode()
    start = _aligned(_FIRST + len(head))
    head = head.replace(b'"size": ' + f"{0:20d}".encode(), b'"size": ' + f"{start + at:20d}".encode())
    with open(path, "x+b", opener=for_the_owner) as file:
        file.write(MAGIC + len(head).to_bytes(8, "little") + crc32(head).to_bytes(4, "little") + bytes(4) + head)
        for name, array in arrays.items():
            file.seek(start + places[name][1])
            file.write(memoryview(array).cast("B") if array.nbytes else b"")
        file.truncate(start + at)
        check = _check_from(file, _FIRST + len(head))
        file.seek(_FIRST - 4)
        file.write(check.to_bytes(4, "little"))
        file.flush()
        os.fsync(file.fileno())
