"""Files as they are safe: read whole, within bounds and in time; new ones whole, and for their owner alone."""

from __future__ import annotations

import contextlib
import errno
import json
import os
import select
import stat
import sys
import time
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import yaml

MOST = 64 << 20  # bytes of settings, plans, worlds, cases: a thousand times what people write
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


def read_text(path: Path, most: int = MOST) -> str:
    """The same as UTF-8 text, without a byte order mark; UnicodeDecodeError for what is none."""
    return read_bytes(path, most).decode("utf-8-sig").replace("\r\n", "\n")


def for_the_owner(path: str, flags: int) -> int:
    """The opener of a file that, where it is new, only its owner may read."""
    return os.open(path, flags, 0o600)


def write_whole(path: Path, content: bytes) -> None:
    """Write a file whole or not at all; its folder is made. OSError where that cannot be.

    A new file can be read by its owner only; one that was there keeps its owner and permissions.
    """
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
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        os.replace(aside, path)
    except BaseException:
        with contextlib.suppress(OSError):
            aside.unlink(missing_ok=True)
        raise


def reason(error: Exception) -> str:
    """Why a file or what it says cannot be used, as part of a sentence: never in the words of a library.

    Of OSError, of errors in reading text or JSON, of YAMLError; where YAML is wrong, with the place.
    """
    if isinstance(error, OSError):
        full = error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG) and "bytes" not in str(error.strerror)
        return "the disk is full" if full else (error.strerror or "it cannot be used").lower()
    if isinstance(error, UnicodeDecodeError):
        return "it is not UTF-8 text"
    if isinstance(error, json.JSONDecodeError):
        return f"line {error.lineno} is not JSON"
    if isinstance(error, RecursionError):
        return "it is nested too deep"
    mark = getattr(error, "problem_mark", None) or getattr(error, "context_mark", None)
    place = f"line {mark.line + 1}, column {mark.column + 1}: " if mark else ""
    return f"{place}{_of_yaml(error)}"


# What the YAML library calls it, and what it is.
_YAML_WORDS = (
    ("values are not allowed", "a colon stands where none may"),
    ("cannot start any token", "a character stands there that must be in quotes"),
    ("constructor for the tag", "a tag such as `!x` means nothing here"),
    ("undefined alias", "an alias (`*`) stands for nothing"),
    ("duplicate anchor", "an anchor (`&`) is there twice"),
    ("escape", "a backslash in double quotes stands for nothing; put text with backslashes into single quotes"),
    ("unexpected end", "a quote is not closed"),
    ("simple key", "a colon is missing"),
    ("expected ',' or", "a bracket is not closed"),
    ("expected ':'", "a colon is missing"),
    ("expected <block end>", "the indentation is not that of the lines above"),
    ("unhashable key", "a key is no text"),
    ("special characters are not allowed", "it holds a character that YAML forbids"),
    ("found a tab", "a tab stands where blanks must"),
)


def _of_yaml(error: Exception) -> str:
    problem = getattr(error, "problem", None)
    if problem is None and not hasattr(error, "position"):
        return str(error)  # one of ours
    what = str(problem or getattr(error, "reason", ""))
    return next((ours for theirs, ours in _YAML_WORDS if theirs in what), "check the indentation, quotes and brackets")


def of_models(error: Any, where: Callable[[str], bool] = bool) -> list[str]:
    """A line for each place of a pydantic ValidationError, in our words; of a place that `where` hides its name."""
    lines: dict[str, str] = {}
    for detail in error.errors(include_url=False, include_input=False):
        place = ".".join(str(part) for part in detail["loc"] if not isinstance(part, str) or where(part))
        if not any(other.startswith(f"{place}.") for other in lines):
            lines.setdefault(place, f"  {place}: {_of_model(detail)}")
    return list(lines.values())


_KINDS = {
    "missing": "is missing",
    "extra_forbidden": "is no key here",
    "string_type": "must be text",
    "bool": "must be true or false",
    "int": "must be a whole number",
    "float": "must be a number",
    "tuple": "must be a list",
    "list": "must be a list",
    "model": "must be a mapping",
    "dict": "must be a mapping",
    "mapping": "must be a mapping",
    "too_short": "is empty",
}


_BOUNDS = {"ge": "must be at least", "gt": "must be more than", "le": "must be at most", "lt": "must be less than"}


def _of_model(detail: Mapping[str, Any]) -> str:
    kind, context = detail["type"], detail.get("ctx", {})
    if kind == "value_error":
        return str(context["error"])
    if kind == "literal_error":
        return f"must be {str(context['expected']).replace(chr(39), '`')}"
    for bound, words in _BOUNDS.items():
        if bound in context:
            return f"{words} {context[bound]:g}"
    return _KINDS.get(kind) or _KINDS.get(kind.split("_")[0]) or "has a value that cannot be there"


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
            check_size(node)
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


def check_size(node: yaml.Node) -> None:
    """Raises yaml.YAMLError where aliases make more of a small text than anybody can mean."""
    import yaml

    sizes: dict[int, int] = {}

    def size(node: yaml.Node) -> int:
        if id(node) not in sizes:
            sizes[id(node)] = 1  # of a circle, which is told elsewhere
            parts = node.value if isinstance(node, yaml.SequenceNode) else ()
            if isinstance(node, yaml.MappingNode):
                parts = [part for pair in node.value for part in pair]
            sizes[id(node)] = 1 + sum(map(size, parts))
        return sizes[id(node)]

    if size(node) > MOST_VALUES:
        raise yaml.YAMLError(f"its aliases stand for more than {MOST_VALUES:,} values; write the values out")
