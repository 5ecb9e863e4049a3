"""Fixtures of the sandbox's tests: a fresh w0, and clients on it."""

from __future__ import annotations

import pytest
from sandbox_client import Raw, tsc

from tabwarden.sandbox.http.server import running


class Clock:
    """A clock that a test turns."""

    def __init__(self) -> None:
        self.now = 1_760_000_000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def box(clock):
    with running("w0", clock=clock) as sandbox:
        yield sandbox


@pytest.fixture
def raw(box):
    return Raw(box).sign_in()


@pytest.fixture
def server(box):
    with tsc(box) as signed_in:
        yield signed_in
