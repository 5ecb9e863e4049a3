"""Work that a command hands to others than its own process: what is handed over, and what came of it.

A command whose site is worked on elsewhere reads, writes and answers as always; what is worked out over columns alone
is a `Work`, and comes back as if it had been done here.
"""

from __future__ import annotations

import os
import pickle
import shutil
import tempfile
import threading
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from contextvars import ContextVar
from dataclasses import dataclass
from hashlib import blake2b
from io import BytesIO
from multiprocessing.connection import Connection as Pipe
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from tabwarden.model.errors import TabwardenError
from tabwarden.model.site import Site

if TYPE_CHECKING:
    import pyarrow

    from tabwarden.engine.columns import Array, Columns


class Work(NamedTuple):
    """What is to be done about one site, whose name is `of`.

    `does` is a word of `run.spark_work.TASKS`, `folders` are its snapshots in Parquet on this machine, `shared` what
    all of its tasks get, pickled; of a mirror there are so many `blocks`.
    """

    of: str
    does: str
    folders: tuple[Path, ...]
    shared: bytes
    blocks: int = 1


@dataclass(frozen=True, slots=True)
class Elsewhere:
    """Others who take work and give back a row of Arrow a task; TabwardenError where they cannot.

    Snapshots lie in `folder`; of a mirror a task gets `block` contents; `slots` tasks are done at once.
    """

    take: Callable[[Work], pyarrow.Table]
    folder: Path
    block: int
    slots: int = 1


ELSEWHERE: ContextVar[Elsewhere | None] = ContextVar("elsewhere", default=None)
"""Who takes the work of this process; None: it is done here."""


# -- from a process of a run ---------------------------------------------------------------------------------------


def hand_over(work: Work, pipe: Pipe) -> None:
    """Have work of a site's process done where this process has it done; its answer goes into the pipe."""
    others = ELSEWHERE.get()
    assert others is not None

    def take() -> None:
        try:
            answer, problem = others.take(work), None
        except TabwardenError as error:
            answer, problem = None, error.lines
        except Exception as error:
            answer, problem = None, (f"its work was not done ({error})",)
        with suppress(OSError):  # of a process that is no more
            pipe.send((answer, problem))

    threading.Thread(target=take, daemon=True).start()


def asked_through(pipe: Pipe, work: Work) -> Any:
    """What came of work that the process of the run has done elsewhere."""
    pipe.send(work)
    answer, problem = pipe.recv()
    if problem is not None:
        raise TabwardenError(*problem)
    return answer


# -- a site, whole ---------------------------------------------------------------------------------------------------


def done(does: str, sites: Sequence[Site], shared: Any, known: Mapping[str, Any]) -> Any:
    """What came of work over whole sites, one task of all; None where nobody takes it.

    `shared` is what it needs beside the sites, `known` by name what the task has too: what comes back refers to it.
    """
    others = ELSEWHERE.get()
    if others is None:
        return None
    import numpy as np

    from tabwarden.engine.convert import columns_of
    from tabwarden.store.columns import facts_of, names_of, save_columns

    folders = []
    for site in sites:
        columns = columns_of(site)
        arrays = {**facts_of(columns), **names_of(columns.names)}
        said = np.frombuffer(repr(about(columns)).encode("utf-8", "surrogatepass"), np.uint8)
        save = lambda place, columns=columns: save_columns(columns, place, parquet=True)  # noqa: E731
        folders.append(whole(others.folder, {**arrays, "about": said}, save))
    rows = others.take(Work(sites[-1].name, does, tuple(folders), pickle.dumps(shared)))
    return unpacked(rows["answer"][0].as_py(), known)


def packed(value: Any, known: Mapping[str, Any]) -> bytes:
    """A value as octets, in which what is known on the other side is its name; functions that lie in it are kept."""
    from pyspark.cloudpickle import CloudPickler

    names = {id(one): name for name, one in known.items()}

    class Pickler(CloudPickler):
        def persistent_id(self, one: object) -> str | None:
            return names.get(id(one))

    file = BytesIO()
    pickler: Any = Pickler(file)  # type: ignore[no-untyped-call]
    pickler.dump(value)
    return file.getvalue()


def unpacked(octets: bytes, known: Mapping[str, Any]) -> Any:
    """The value that `packed` wrote, over what is known here."""

    class Unpickler(pickle.Unpickler):
        def persistent_load(self, name: str) -> Any:
            return known[name]

    return Unpickler(BytesIO(octets)).load()


# -- snapshots as files --------------------------------------------------------------------------------------------


def about(columns: Columns) -> dict[str, Any]:
    """What is known of a site beside its people and content, and the words of its columns."""
    from tabwarden.store.snapshots import about_of

    return about_of(columns.about, columns.vocabulary._asdict())


def whole(folder: Path, arrays: Mapping[str, Array], write: Callable[[Path], Any]) -> Path:
    """The folder in there that holds these arrays, called after what they say; it appears whole or not at all."""
    import numpy as np

    digest = blake2b(digest_size=16)
    for name, array in arrays.items():
        digest.update(f"{name} {array.dtype.str} {len(array)};".encode())
        digest.update(np.ascontiguousarray(array).data)
    place = folder / digest.hexdigest()
    if place.is_dir():
        os.utime(place)  # it is in use
    else:
        aside = Path(tempfile.mkdtemp(prefix=".unfinished-", dir=folder))
        try:
            write(aside / place.name)
            (aside / place.name).rename(place)
        except OSError:
            if not place.is_dir():  # somebody else was faster
                raise
        finally:
            shutil.rmtree(aside, ignore_errors=True)
    return place
