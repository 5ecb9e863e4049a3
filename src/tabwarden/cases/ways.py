"""The ways one question can be asked, by name, so that a case is held against each.

The reference's single answer comes first; the others are the engine's. Whoever has a way of its own (the command line,
a web page) hands it in beside these: a way takes an opened Site and a question, and gives what it said, or None where
that way cannot be asked such a thing.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import NamedTuple

import numpy as np

from tabwarden.access.answer import ALLOWED, DENIED, UNKNOWN
from tabwarden.access.question import Asked
from tabwarden.engine.columns import Array
from tabwarden.engine.convert import columns_of
from tabwarden.engine.engine import Engine
from tabwarden.model.open_points import OpenPoints
from tabwarden.model.site import Site

# What a way says that tells only who is in: denied or unknown.
NOT_ALLOWED = "not allowed"
_VERDICTS = (DENIED, ALLOWED, UNKNOWN)


class Said(NamedTuple):
    """A verdict and, where the way gives one, its reason code."""

    verdict: str
    because: str | None = None


class Opened:
    """A Site that several ways are asked about, with the engines made for it so far."""

    def __init__(self, site: Site) -> None:
        self.site = site
        self._engines: dict[tuple[str, OpenPoints], Engine] = {}

    def engine(self, question: Asked) -> Engine:
        """The engine under the question's model and open points."""
        key = (question.model, question.open_points)
        if key not in self._engines:
            self._engines[key] = Engine(columns_of(self.site), *key)
        return self._engines[key]


Way = Callable[[Opened, Asked], Said | None]


def check(opened: Opened, question: Asked) -> Said:
    """The specification: capabilities and abilities, each with its reason."""
    answer = question.of(opened.site)
    return Said(answer.verdict, answer.because)


def _engine(opened: Opened, question: Asked) -> Said | None:
    """The engine's single answer, with its reason."""
    if question.ability:
        return None
    answer = opened.engine(question).check(question.user, question.what, str(question.content))
    return Said(answer.verdict, answer.because)


def _by_number(way: Callable[[Engine, str, int, int], Said]) -> Way:
    """A way of the engine's by numbers; abilities are none of its questions. KeyError for who or what is not there."""

    def asked(opened: Opened, question: Asked) -> Said | None:
        if question.ability:
            return None
        engine = opened.engine(question)
        user, content = (
            engine.columns.user_numbers[question.user],
            engine.columns.content_numbers[str(question.content)],
        )
        return way(engine, question.what, user, content)

    return asked


def _many(engine: Engine, capability: str, user: int, content: int) -> Said:
    (verdict,) = engine.check_many(np.array([user]), capability, np.array([content]))
    return Said(_VERDICTS[int(verdict)])


def _who(engine: Engine, capability: str, user: int, content: int) -> Said:
    return _among(engine.who_ids(capability, content), user)


def _what(engine: Engine, capability: str, user: int, content: int) -> Said:
    masks, bit = engine.what(user), engine.bit(capability)
    if int(masks.allowed[content]) >> bit & 1:
        return Said(ALLOWED)
    unknown = masks.unknown is not None and int(masks.unknown[content]) >> bit & 1
    return Said(UNKNOWN if unknown else DENIED)


def _ids(engine: Engine, capability: str, user: int, content: int) -> Said:
    return _among(engine.what_ids(user, capability), content)


def _matrix(engine: Engine, capability: str, user: int, content: int) -> Said:
    return Said(_VERDICTS[int(engine.matrix(capability)[content, user])])


def _mirror(engine: Engine, capability: str, user: int, content: int) -> Said:
    return _among(engine.mirror(capability).ids(content), user)


def _among(ids: Array, wanted: int) -> Said:
    return Said(ALLOWED if wanted in ids.tolist() else NOT_ALLOWED)


WAYS: Mapping[str, Way] = MappingProxyType(
    {
        "check": check,
        "engine": _engine,
        "many": _by_number(_many),
        "who": _by_number(_who),
        "what": _by_number(_what),
        "ids": _by_number(_ids),
        "matrix": _by_number(_matrix),
        "mirror": _by_number(_mirror),
    }
)
