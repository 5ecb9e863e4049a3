"""One input as a value, and as a small file that can be kept."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

Edit = tuple[Any, ...]
"""What is done to one file of the desk: (file, how, with what...); the ways are the methods of `desk.Edits`."""


@dataclass(frozen=True, slots=True)
class Input:
    """The words of a command, what is done to the desk before it, and how its process is treated.

    `edits` are of files, `answers` of recorded answers of the server by `METHOD /path?query`. `treated` is empty where
    the command runs in this process; else it says what `forking` does to it: `signal` and `after` (seconds), `limit`
    (bytes that a file may have), `stdout` (a path), `encoding`. `then` are words of a second command that must end
    well, such as the same once more after a kill. `must` names a law of its own in `laws`.
    """

    kind: str
    words: tuple[str, ...]
    edits: tuple[Edit, ...] = ()
    answers: tuple[Edit, ...] = ()
    treated: Mapping[str, Any] = field(default_factory=dict)
    then: tuple[str, ...] = ()
    must: str = ""
    about: str = ""

    def to_json(self) -> str:
        """The input as a seed file holds it."""
        plain = {name: value for name, value in asdict(self).items() if value or name in ("kind", "words")}
        return json.dumps(plain, indent=1, default=_as_base64) + "\n"

    @classmethod
    def from_json(cls, text: str) -> Input:
        """The input of a seed file."""
        plain = json.loads(text, object_hook=_of_base64)
        for name in ("words", "then"):
            plain[name] = tuple(plain.get(name, ()))
        for name in ("edits", "answers"):
            plain[name] = tuple(map(tuple, plain.get(name, ())))
        return cls(**plain)


def _as_base64(value: object) -> Mapping[str, str]:
    assert isinstance(value, bytes)
    try:
        return {"utf-8": value.decode()}
    except UnicodeDecodeError:
        return {"base64": base64.b64encode(value).decode()}


def _of_base64(plain: dict[str, Any]) -> Any:
    if plain.keys() == {"utf-8"}:
        return plain["utf-8"].encode()
    return base64.b64decode(plain["base64"]) if plain.keys() == {"base64"} else plain


def smaller(one: Input) -> Iterator[Input]:
    """The same with one edit less, for finding what it is that fails; a law of its own rests on all of them."""
    if one.must:
        return
    for at in range(len(one.edits)):
        yield Input(**{**_fields(one), "edits": one.edits[:at] + one.edits[at + 1 :]})
    for at in range(len(one.answers)):
        yield Input(**{**_fields(one), "answers": one.answers[:at] + one.answers[at + 1 :]})


def _fields(one: Input) -> dict[str, Any]:
    return {name: getattr(one, name) for name in one.__slots__}
