"""Faults on demand: which request meets which fault, by script or by chance.

Chance is a seeded one: with the same script and the same order of requests the same requests are struck.
"""

from __future__ import annotations

import random
import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from fnmatch import fnmatchcase
from pathlib import Path
from typing import NamedTuple

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from tabwarden.model.errors import WorldError
from tabwarden.safe_files import read_text, yaml_value
from tabwarden.troubles import breach, why

TOO_MANY, UNAVAILABLE, INTERNAL, HTML = "too-many", "unavailable", "internal", "html"
RESET, TRUNCATED, SLOW = "reset", "truncated", "slow"
SHORT_PAGE, DUPLICATES, SEARCH_LAG = "short-page", "duplicates", "search-lag"
EXPIRED_TOKEN, TAKEN_TOKEN, NO_SEATS = "expired-token", "taken-token", "no-seats"
DIRECTORY_PARTIAL, DIRECTORY_TIMEOUT = "directory-partial", "directory-timeout"


class Kind(NamedTuple):
    """What a fault does, and which of the fields of `Fault` it takes beside those that choose requests."""

    does: str
    takes: tuple[str, ...] = ()


KINDS: Mapping[str, Kind] = {
    TOO_MANY: Kind("429000, not done", ("retry_after",)),
    UNAVAILABLE: Kind("503000, not done", ("retry_after",)),
    INTERNAL: Kind("500000, not done"),
    HTML: Kind("a proxy's 502 page in HTML, not done"),
    RESET: Kind("the connection is reset instead of an answer", ("done",)),
    TRUNCATED: Kind("done, but the connection ends in the middle of the answer"),
    SLOW: Kind("the answer takes `seconds`, and up to `jitter` more", ("seconds", "jitter")),
    SHORT_PAGE: Kind("the last `items` of the page are missing, the total stays", ("items",)),
    DUPLICATES: Kind("the page begins with the last `items` of the page before, as if the list had grown", ("items",)),
    SEARCH_LAG: Kind("lists with a filter do not know yet what is younger than `seconds`", ("seconds",)),
    EXPIRED_TOKEN: Kind("the token of the request has just run out: 401002"),
    TAKEN_TOKEN: Kind("somebody else has just signed in with the same personal access token: 401002"),
    NO_SEATS: Kind("no licence is free while this request is done"),
    DIRECTORY_PARTIAL: Kind("the directory tells only `share` of the members it is asked for", ("share",)),
    DIRECTORY_TIMEOUT: Kind("the directory does not answer"),
}
_AT_DIRECTORY = (DIRECTORY_PARTIAL, DIRECTORY_TIMEOUT)
_CHOOSING = frozenset({"fault", "at", "page", "calls", "every", "rate", "after", "times"})


class Fault(BaseModel):
    """One line of a script: a fault and the requests it strikes; without `calls`, `every` and `rate` all that match.

    `at` names endpoints as the coverage page does, without `sites/{site}/`: `GET users`, `PUT groups/{group}`,
    `* workbooks*`, `*` for all. `page` is the pageNumber asked for. Of the requests that match, the first `after`
    are spared; then `calls` strikes those numbers (from 1), `every` each nth, `rate` each with that chance; after
    `times` it is over. Directory faults count look-ups in the directory instead of requests and take no `at`;
    directory-partial counts those of members only.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    fault: str
    at: tuple[str, ...] = ("*",)
    page: int | None = Field(None, ge=1)
    calls: tuple[int, ...] = ()
    every: int = Field(0, ge=0)
    rate: float | None = Field(None, ge=0, le=1)
    after: int = Field(0, ge=0)
    times: int = Field(0, ge=0)
    retry_after: int | None = Field(None, ge=0)
    done: bool = False
    seconds: float = Field(1.0, ge=0)
    jitter: float = Field(0.0, ge=0)
    items: int = Field(1, ge=1)
    share: float = Field(0.5, ge=0, le=1)

    @field_validator("at", "calls", mode="before")
    @classmethod
    def _one_or_many(cls, value: object) -> object:
        return (value,) if isinstance(value, (str, int)) else value

    @model_validator(mode="after")
    def _fits(self) -> Fault:
        if self.fault not in KINDS:
            raise ValueError(f"no fault `{self.fault}`; there are {', '.join(KINDS)}")
        strange = self.model_fields_set - _CHOOSING - set(KINDS[self.fault].takes)
        if self.fault in _AT_DIRECTORY:
            strange |= self.model_fields_set & {"at", "page"}
        if strange:
            raise ValueError(f"`{self.fault}` takes no `{sorted(strange)[0]}`")
        if (self.rate is not None) + bool(self.calls) + bool(self.every) > 1:
            raise ValueError("give one of `calls`, `every` and `rate`")
        return self


class Script(BaseModel):
    """A whole script; `seed` decides which requests a `rate` strikes."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    seed: int = 0
    faults: tuple[Fault, ...] = ()


class Struck(NamedTuple):
    """The faults that one request meets, in the order of the script."""

    faults: tuple[Fault, ...] = ()

    def get(self, *names: str) -> Fault | None:
        """The first fault of one of these names."""
        return next((fault for fault in self.faults if fault.fault in names), None)

    @property
    def names(self) -> str:
        """Their names for the log, parted by commas."""
        return ",".join(fault.fault for fault in self.faults)


UNHARMED = Struck()
FaultsGiven = Script | Sequence[Fault] | str | Path | None


class Faults:
    """A script being played; `given` counts the faults by name. Empty by default."""

    def __init__(self, given: FaultsGiven = None, endpoints: Iterable[str] = ()) -> None:
        script = script_of(given)
        names = [plain_name(name) for name in endpoints]
        lost = [at for fault in script.faults for at in fault.at if names and not any(_fits(at, n) for n in names)]
        if lost:
            raise WorldError(f"no endpoint is called `{lost[0]}`; faults name them as in `GET users` or `* groups/*`")
        self.script = script
        self.given: Counter[str] = Counter()
        self._matched = [0] * len(script.faults)
        self._times = [0] * len(script.faults)
        self._chance = [random.Random(f"{script.seed}/{number}") for number in range(len(script.faults))]

    def __bool__(self) -> bool:
        return bool(self.script.faults)

    def has(self, name: str) -> bool:
        """Whether the script has a fault of that name."""
        return any(fault.fault == name for fault in self.script.faults)

    def strike(self, endpoint: str, page: str | None = None, *, filtered: bool = False) -> Struck:
        """The faults that the next request to an endpoint meets; it counts as asked.

        `page` is its pageNumber; `filtered` whether it filters, for search-lag strikes no other.
        """
        if not self.script.faults:
            return UNHARMED
        name = plain_name(endpoint)
        return Struck(
            tuple(
                fault
                for number, fault in enumerate(self.script.faults)
                if fault.fault not in _AT_DIRECTORY
                and (filtered or fault.fault != SEARCH_LAG)
                and any(_fits(at, name) for at in fault.at)
                and (fault.page is None or str(fault.page) == (page or "1"))
                and self._hits(number, fault)
            )
        )

    def at_directory(self, name: str) -> Fault | None:
        """The fault of that name (directory-partial, directory-timeout) that the next look-up meets, if any."""
        script = enumerate(self.script.faults)
        hits = [fault for number, fault in script if fault.fault == name and self._hits(number, fault)]
        return hits[0] if hits else None

    def _hits(self, number: int, fault: Fault) -> bool:
        self._matched[number] += 1
        nth = self._matched[number] - fault.after
        if nth < 1 or (fault.times and self._times[number] >= fault.times):
            return False
        if fault.calls:
            hit = nth in fault.calls
        elif fault.every:
            hit = nth % fault.every == 0
        else:
            hit = fault.rate is None or self._chance[number].random() < fault.rate
        if hit:
            self._times[number] += 1
            self.given[fault.fault] += 1
        return hit


def script_of(given: FaultsGiven) -> Script:
    """The script of a file, of faults, or an empty one; WorldError with every mistake of a file."""
    if given is None:
        return Script()
    if isinstance(given, Script):
        return given
    if isinstance(given, (str, Path)):
        return _read(Path(given))
    return Script(faults=tuple(given))


def _read(path: Path) -> Script:
    try:
        return script_from(read_text(path), f"`{path}`")
    except (OSError, UnicodeDecodeError) as problem:
        raise WorldError(f"faults `{path}` cannot be read: {why(problem)}") from None


def script_from(text: str, where: str) -> Script:
    """The script of a YAML text; WorldError with every mistake."""
    try:
        plain = yaml_value(text)
    except yaml.YAMLError as problem:
        raise WorldError(f"faults {where} are not YAML: {why(problem)}") from None
    try:
        return Script.model_validate({} if plain is None else plain)
    except ValidationError as problem:
        lines = (f"  {'.'.join(map(str, e['loc']))}: {breach(e)}" for e in problem.errors())
        raise WorldError(f"faults {where} have mistakes:", *lines) from None


def plain_name(words: str) -> str:
    """An endpoint's name as faults compare it: `GET sites/{site}/users/{user}` is `get users/{}`."""
    method, _space, path = words.strip().partition(" ")
    path = re.sub(r"\{\w*\}", "{}", path.strip().removeprefix("sites/{site}/"))
    return f"{method} {path}".strip().casefold()


def _fits(at: str, name: str) -> bool:
    pattern = plain_name(at)
    return fnmatchcase(name, pattern) or (" " not in pattern and fnmatchcase(name.partition(" ")[2], pattern))
