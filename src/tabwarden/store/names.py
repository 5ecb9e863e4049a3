"""The names of a site beside its history, sorted, for the shell: completing one looks at a few lines of many.

A file a site, made with its columns and never the truth: a line of JSON about the snapshot, then a line a name: its
kind and how it is compared, the name, and what it is. A path is offered one level at a time.
"""

from __future__ import annotations

import json
import mmap
import os
from collections.abc import Iterable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from tabwarden.model.names import same

if TYPE_CHECKING:
    from tabwarden.model.site import Site
    from tabwarden.store.snapshots import Snapshot

FOLDER, ENDING, FORMAT = "names", ".names", 1
PERSON, GROUP, CONTENT = "u", "g", "c"
MOST = 200  # names of a kind that are offered at once


class Known(NamedTuple):
    """A file of names: where, of which snapshot, and what its site is called."""

    path: Path
    snapshot: int
    site: str
    content_url: str


def keep(store: Path | str, snapshot: Snapshot, site: Site) -> None:
    """Keep the names of a site, unless those of a later snapshot are there, or of more than a part of the site.

    OSError where that cannot be.
    """
    from hashlib import blake2b

    address = f"{snapshot.where}\n{snapshot.content_url}".encode()
    path = Path(store) / FOLDER / f"{blake2b(address, digest_size=8).hexdigest()}{ENDING}"
    if any(one.path == path and (snapshot.scope or one.snapshot > snapshot.number) for one in known(store)):
        return
    path.parent.mkdir(mode=0o700, exist_ok=True)
    about = {"format": FORMAT, "snapshot": snapshot.number, "site": site.name, "content_url": site.content_url}
    aside = path.with_name(f".{path.name}.{os.getpid()}")
    from tabwarden.safe_files import for_the_owner

    try:
        with open(aside, "wb", opener=for_the_owner) as file:
            file.write(json.dumps(about).encode() + b"\n")
            file.writelines(sorted(_lines(site)))
        os.replace(aside, path)
    except OSError:
        with suppress(OSError):
            aside.unlink(missing_ok=True)
        raise


def _lines(site: Site) -> Iterator[bytes]:
    """A line for each name in which nothing acts."""
    for kind, name, about in _every(site):
        if name.isprintable():
            shown = about if about.isprintable() else ""
            yield f"{kind}{same(name)}\t{name}\t{shown}\n".encode("utf-8", "surrogatepass")


def _every(site: Site) -> Iterator[tuple[str, str, str]]:
    for user in site.users.values():
        yield PERSON, site.called(user.id), user.full_name
    for group in site.groups.values():
        yield GROUP, group.name, "group"
    paths: dict[str, str] = {}

    def path_of(content: str) -> str:
        if content not in paths:
            thing = site.contents[content]
            above = f"{path_of(thing.parent)}/" if thing.parent is not None and thing.parent in site.contents else ""
            paths[content] = f"{above}{thing.name}"
        return paths[content]

    for content in site.contents.values():
        yield CONTENT, path_of(content.id), content.kind


def drop(store: Path | str, snapshots: Iterable[int]) -> None:
    """Let go of the names of snapshots that are no more."""
    gone = frozenset(snapshots)
    for one in known(store):
        if one.snapshot in gone:
            one.path.unlink(missing_ok=True)


def known(store: Path | str) -> Iterator[Known]:
    """The files of names in a store; what is none is passed over."""
    for path in sorted((Path(store) / FOLDER).glob(f"*{ENDING}")):
        with suppress(OSError, ValueError, KeyError, TypeError), open(path, "rb") as file:
            about = json.loads(file.readline())
            if about["format"] == FORMAT:
                yield Known(path, about["snapshot"], about["site"], about["content_url"])


def beginning(names: Known, kind: str, prefix: str) -> Iterator[tuple[str, str]]:
    """Names of a kind that begin so, in any letter case, each with what it is; of paths the next level."""
    with open(names.path, "rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
        key = f"{kind}{same(prefix)}".encode("utf-8", "surrogatepass")
        place = _place(data, key)
        for _ in range(MOST):
            end = data.find(b"\n", place)
            line = data[place:end] if end >= 0 else b""
            if not line.startswith(key):
                return
            compared, name, about = line.split(b"\t", 2)
            slash = compared.find(b"/", len(key)) if kind == CONTENT else -1
            if slash < 0:
                yield _text(name), _text(about)
                place = end + 1
            else:
                level = prefix.count("/") + 1
                yield "/".join(_text(name).split("/")[:level]) + "/", "what is in it"
                place = _place(data, compared[:slash] + b"0")  # behind everything below, for 0 comes next to a slash


def _text(octets: bytes) -> str:
    return octets.decode("utf-8", "replace")


def _place(data: mmap.mmap, key: bytes) -> int:
    """Where the first line begins that is not before a key, by halves."""
    low, high = data.find(b"\n") + 1, len(data)
    while low < high:
        middle = data.rfind(b"\n", low, (low + high) // 2)
        start = low if middle < 0 else middle + 1
        end = data.find(b"\n", start)
        end = len(data) if end < 0 else end
        if data[start:end] < key:
            low = end + 1
        else:
            high = start
    return low
