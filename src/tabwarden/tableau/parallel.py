"""One question asked of many things by a few threads at once. Not what is asked."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from typing import TypeVar

Progress = Callable[[int, int], None]  # how many are done, of how many
WORKERS = 8

Asked = TypeVar("Asked")
Told = TypeVar("Told")


def in_parallel(one: Callable[[Asked], Told], asked: Sequence[Asked], progress: Progress | None = None) -> list[Told]:
    """The answers of `one` in the order of `asked`; the first failure ends it all and is raised.

    `progress` is called by the asking thread alone, so it needs no lock.
    """
    if len(asked) < 2:
        return [one(thing) for thing in asked]
    pool = ThreadPoolExecutor(WORKERS, thread_name_prefix="tableau")
    try:
        futures = [pool.submit(one, thing) for thing in asked]
        for done, future in enumerate(as_completed(futures), 1):
            future.result()
            if progress is not None:
                progress(done, len(futures))
        return [future.result() for future in futures]
    finally:
        pool.shutdown(wait=True, cancel_futures=True)
