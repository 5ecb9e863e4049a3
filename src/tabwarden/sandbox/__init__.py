"""Tableau in a box: a pretend Tableau Server or Cloud on a loopback port, whose answers our own evaluator gives.

The package is callable, so that `tabwarden.sandbox("acme")` starts one although the room has the same name.
"""

from __future__ import annotations

import sys
from contextlib import AbstractContextManager
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tabwarden.sandbox.http.server import Sandbox


def start(world: str | Path = "w0", **options: Any) -> AbstractContextManager[Sandbox]:
    """Tableau in a box while a block runs: `with tabwarden.sandbox("acme") as tableau: tableau.url`.

    `world` is one by name or a YAML file; options are those of `sandbox.http.server.running`: `port`, `seed`,
    `faults`, `state`, `plays`.
    """
    from tabwarden.sandbox.http.server import running

    return running(str(world), **options)


class _Startable(ModuleType):
    def __call__(self, world: str | Path = "w0", **options: Any) -> AbstractContextManager[Sandbox]:
        return start(world, **options)


sys.modules[__name__].__class__ = _Startable
