"""`tabwarden` with some words, in this process."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from contextlib import redirect_stderr, redirect_stdout
from io import StringIO
from typing import NamedTuple
from unittest.mock import patch

from tabwarden import cli


class Ended(NamedTuple):
    """How a command ended and what it printed."""

    exit_code: int
    stdout: str
    stderr: str

    @property
    def output(self) -> str:
        return self.stdout + self.stderr


class Typed(StringIO):
    """What somebody types at a terminal."""

    def isatty(self) -> bool:
        return True


def run(*words: object, stdin: str = "", env: Mapping[str, str] | None = None, typed: str | None = None) -> Ended:
    """Run the command; an error that is no TabwardenError is raised. `env` is added to the environment.

    With `typed` standard input is a terminal at which that is typed.
    """
    out, err = StringIO(), StringIO()
    around = (
        patch.dict(os.environ, env or {}),
        patch.object(sys, "stdin", StringIO(stdin) if typed is None else Typed(typed)),
    )
    with around[0], around[1], redirect_stdout(out), redirect_stderr(err):
        code = cli.run([str(word) for word in words])
    return Ended(code, out.getvalue(), err.getvalue())
