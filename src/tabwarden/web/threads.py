"""The threads that pages are made in: few, because they take turns at one processor."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from typing import TypeVar

# Many more would only wait in each other's way; fewer, and somebody who waits for a server keeps all others out.
THREADS = 8
_POOL = ThreadPoolExecutor(THREADS, "tabwarden page")
Answer = TypeVar("Answer")


async def run_in_threadpool(function: Callable[..., Answer], *words: object) -> Answer:
    """What a function gives, in one of them, with the context of whoever waits for it."""
    return await asyncio.get_running_loop().run_in_executor(_POOL, copy_context().run, function, *words)
