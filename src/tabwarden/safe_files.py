"""Files as they are safe: read whole, within bounds and in time; new ones whole, and for their owner alone."""

from __future__ import annotations

import contextlib
import errno
import os
import select
import stat
import sys
import time
from collections.abc import Iterable
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

if TYPE_CHECKING:
    import yaml

MOST = 64 << 20  # bytes of settings, plans, worlds, cases: a thousand times what people write
MOST_OF_A_PLAN = 4 << 30  # one of a million people has 600 MB
MOST_SECRET = 64 << 10  # bytes of a key, a password, a token
MOST_VALUES = 2_000_000  # in a YAML text, with those that aliases repeat
MOST_LEVELS = 100
PIPE_SECONDS = 30.0


def read_bytes(path: Path, most: int = MOST) -> bytes:
    """All of a file, or of a pipe that ends in time, such as a shell's `<(...)`.

    OSError where it cannot be read, is a device, or has more than `most` bytes.
    """
    number = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0))
    with os.fdopen(number, "rb") as file:
        mode = os.fstat(number).st_mode
        if stat.S_ISFIFO(mode):
            content = _of_pipe(number, most, path)
        elif stat.S_ISREG(mode):
            content = file.read(most + 1) or b""
        else:
            reason = "is a folder" if stat.S_ISDIR(mode) else "is a device, where a file is needed"
            raise OSError(errno.EINVAL, reason, str(path))
    if len(content) > most:
        raise OSError(errno.EFBIG, f"has more than the {most:,} bytes that such a file may have", str(path))
    return content


def _of_pipe(number: int, most: int, path: Path) -> bytes:
    content = bytearray()
    end = time.monotonic() + PIPE_SECONDS
    while len(content) <= most:
        if not select.select([number], [], [], max(0.0, end - time.monotonic()))[0]:
            raise OSError(errno.ETIMEDOUT, f"is a pipe that did not end within {PIPE_SECONDS:.0f} seconds", str(path))
        part = os.read(number, 1 << 16)
        if not part:
            break
        content += part
    return bytes(content)


def check_file(path: Path, most: int = MOST) -> None:
    """OSError for what is no file, or has more than `most` bytes: before a library opens it by its name."""
    status = os.stat(path)
    if stat.S_ISDIR(status.st_mode) or not stat.S_ISREG(status.st_mode):
        reason = "is a folder" if stat.S_ISDIR(status.st_mode) else "is no file that can be read more than once"
        raise OSError(errno.EINVAL, reason, str(path))
    if status.st_size > most:
        raise OSError(errno.EFBIG, f"has more than the {most:,} bytes that such a file may have", str(path))


def open_to_append(path: Path) -> IO[str]:
    """A file, or a pipe that somebody reads: at one that nobody reads the system would wait for ever."""
    if path.is_fifo():
        return os.fdopen(os.open(path, os.O_WRONLY | getattr(os, "O_NONBLOCK", 0)), "w", encoding="utf-8")
    return open(path, "a", encoding="utf-8")


def read_text(path: Path, most: int = MOST) -> str:
    """The same as UTF-8 text, without a byte order mark; UnicodeDecodeError for what is none."""
    return read_bytes(path, most).decode("utf-8-sig").replace("\r\n", "\n")


def for_the_owner(path: str, flags: int) -> int:
    """The opener of a file that, where it is new, only its owner may read."""
    return os.open(path, flags, 0o600)


def write_whole(path: Path, content: bytes | Iterable[bytes]) -> None:
    """Write a file whole or not at all; its folder is made. OSError where that cannot be.

    A new file can be read by its owner only; one that was there keeps its owner and permissions. A device or a pipe is
    written to, and never replaced.
    """
    parts = [content] if isinstance(content, bytes) else content
    if path.exists() and not path.is_file() and not path.is_dir():
        number = os.open(path, os.O_WRONLY | getattr(os, "O_NONBLOCK", 0))
        if sys.platform != "win32":
            os.set_blocking(number, True)
        with os.fdopen(number, "wb") as device:
            device.writelines(parts)
        return
    path = Path(os.path.realpath(path))
    path.parent.mkdir(parents=True, exist_ok=True)
    aside = path.with_name(f".{path.name}.{os.getpid()}.unfinished")
    try:
        with open(aside, "wb", opener=for_the_owner) as file:
            if sys.platform != "win32" and path.exists():
                before = path.stat()
                os.fchmod(file.fileno(), stat.S_IMODE(before.st_mode))
                with contextlib.suppress(PermissionError):
                    os.fchown(file.fileno(), before.st_uid, before.st_gid)
            file.writelines(parts)
            file.flush()
            os.fsync(file.fileno())
        os.replace(aside, path)
    except BaseException:
        with contextlib.suppress(OSError):
            aside.unlink(missing_ok=True)
        raise


def yaml_value(text: str) -> Any:
    """What a YAML text says; yaml.YAMLError also where it is nested too deep, or where its aliases never end."""
    import yaml

    kind = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    try:
        check_depth(yaml.parse(text, kind))
        loader = kind(text)
        try:
            node = loader.get_single_node()
            if node is None:
                return None
            check_size(node, each_once=True)
            return loader.construct_document(node)
        finally:
            loader.dispose()
    except ValueError:  # such as the date 2024-13-45
        raise yaml.YAMLError("a value looks like a date or number and is none; put it into quotes") from None


def check_depth(events: Iterable[yaml.Event]) -> None:
    """Raises yaml.YAMLError where a text is too deep: what builds it calls itself for each level, and the C library
    dies of too many.
    """
    import yaml

    depth = 0
    for event in events:
        depth += isinstance(event, yaml.CollectionStartEvent) - isinstance(event, yaml.CollectionEndEvent)
        if depth > MOST_LEVELS:
            raise yaml.YAMLError(f"it is nested deeper than {MOST_LEVELS} levels")


def _check_keys(node: yaml.MappingNode) -> None:
    """Of two values of one key only the last would be seen."""
    import yaml

    keys = set()
    for key, _ in node.value:
        if isinstance(key, yaml.ScalarNode) and key.value != "<<":
            if key.value in keys:
                raise yaml.YAMLError(f"the key `{key.value}` stands twice, again in line {key.start_mark.line + 1}")
            keys.add(key.value)


def check_size(node: yaml.Node, *, each_once: bool = False) -> None:
    """Raises yaml.YAMLError where aliases make more of a small text than anybody can mean; and for a key told twice.

    A text may be as long as it likes, and say half of it twice.
    """
    import yaml

    sizes: dict[int, int] = {}

    def size(node: yaml.Node) -> int:
        if id(node) not in sizes:
            sizes[id(node)] = 1  # of a circle, which is told elsewhere
            parts = node.value if isinstance(node, yaml.SequenceNode) else ()
            if isinstance(node, yaml.MappingNode):
                if each_once:
                    _check_keys(node)
                parts = [part for pair in node.value for part in pair]
            sizes[id(node)] = 1 + sum(map(size, parts))
        return sizes[id(node)]

    if size(node) > max(MOST_VALUES, 2 * len(sizes)):
        raise yaml.YAMLError(f"its aliases stand for more than {MOST_VALUES:,} values; write the values out")
