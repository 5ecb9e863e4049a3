"""The threads that pages are made in: few, because they take turns at one processor."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from typing import Any, Generic, TypeVar, overload

THREADS = 4  # many more are in each other's way: at 200 pages a second eight take a tenth more of a processor
WAITING = 8  # of those that wait for a server, so that nobody else does
_POOL, _WAITING = ThreadPoolExecutor(THREADS, "tabwarden page"), ThreadPoolExecutor(WAITING, "tabwarden sign-in")
Answer = TypeVar("Answer")


async def run_in_threadpool(function: Callable[..., Answer], *words: object) -> Answer:
    """What a function gives, in one of them, with the context of whoever waits for it."""
    return await asyncio.get_running_loop().run_in_executor(_POOL, copy_context().run, function, *words)


async def run_waiting(function: Callable[..., Answer], *words: object) -> Answer:
    """The same of a function that asks another server: its threads keep none from a page."""
    return await asyncio.get_running_loop().run_in_executor(_WAITING, copy_context().run, function, *words)


class once(Generic[Answer]):  # noqa: N801 - it is written like `property`
    """`functools.cached_property` without the one lock for all objects of a class, which it has before Python 3.12.

    With that a request that waits for the database keeps out every other; here two may both make what belongs to both.
    """

    def __init__(self, make: Callable[[Any], Answer]) -> None:
        self.make, self.__doc__ = make, make.__doc__

    def __set_name__(self, owner: type, name: str) -> None:
        self.name = name

    @overload
    def __get__(self, instance: None, owner: type) -> once[Answer]: ...

    @overload
    def __get__(self, instance: object, owner: type) -> Answer: ...

    def __get__(self, instance: object | None, owner: type) -> once[Answer] | Answer:
        """What was made, from then on an attribute like any other."""
        if instance is None:
            return self
        value = instance.__dict__[self.name] = self.make(instance)
        return value
