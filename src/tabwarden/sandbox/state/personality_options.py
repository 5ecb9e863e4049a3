"""The switches of a personality as people give them, `name=value`. Not what they do.

Every believed code of the error table has one of its own, `code_` and its six digits: `code_409003=409004`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import fields, replace
from typing import Any, NamedTuple

from tabwarden.model.errors import SettingsError
from tabwarden.sandbox.http.errors import CODES
from tabwarden.sandbox.state.personality import Personality

BELIEVED = frozenset(code.code for code in CODES.values() if code.mark == "B")
_CODE = "code_"
_ON, _OFF = ("true", "on", "yes", "1"), ("false", "off", "no", "0")
# Given by options of their own, or one by one as code_NNNNNN.
_ELSEWHERE = ("kind", "api_version", "codes", "switches")


class Switch(NamedTuple):
    """What a switch means, and the words it takes where it takes words (none: on or off, or a number)."""

    does: str
    words: tuple[str, ...] = ()


SWITCHES: Mapping[str, Switch] = {
    "idle_seconds": Switch("how long an unused token lives"),
    "job_seconds": Switch("how long a job takes"),
    "opposite_rule": Switch("adding a rule that exists in the opposite mode", ("refuse", "ignore")),
    "no_seat_on_add": Switch("adding a licensed user without a free seat", ("unlicensed", "refuse")),
    "existing_user_add": Switch("adding a user who is there", ("conflict", "same-id")),
    "calls_per_hour": Switch("requests of one user to one site in an hour before 429000; 0: any number"),
    "cap_tells_when": Switch("that 429000 carries Retry-After"),
    "names_need_at": Switch("a user name needs `@`"),
    "lists_sites": Switch("GET sites lists; off: 403069"),
    "profile_writable": Switch("full name, e-mail and password can be changed"),
    "password_sign_in": Switch("passwords sign in; off: only tokens and JWTs, as with MFA"),
    "shows_inherited_leaders": Switch("answers show the read-only InheritedProjectLeader"),
}


def played(base: Personality, given: Iterable[str]) -> Personality:
    """The personality with switches set by `name=value` words, later ones winning.

    Raises SettingsError with every mistake.
    """
    values: dict[str, Any] = {}
    codes, problems = dict(base.codes), list[str]()
    for written in given:
        name, equals, value = (part.strip() for part in written.partition("="))
        name = name.replace("-", "_").casefold()
        if name.startswith(_CODE) and equals:
            problems += _code_problems(name, value)
            codes[name.removeprefix(_CODE)] = value
        elif name in names() and equals:
            try:
                values[name] = _value(name, getattr(base, name), value)
            except ValueError as problem:
                problems.append(f"switch `{name}` is `{value}`; it takes {problem}")
        else:
            known = ", ".join((*names(), f"{_CODE}NNNNNN"))
            problems.append(f"no switch is written `{written}`; give name=value, of {known}")
    if problems:
        raise SettingsError(problems)
    return replace(base, codes=codes, **values)


def names() -> tuple[str, ...]:
    """The switches by name, without those of single codes."""
    return tuple(f.name for f in fields(Personality) if f.name not in _ELSEWHERE)


def words_of(name: str) -> str:
    """What a switch takes, in words."""
    switch = SWITCHES.get(name)
    if switch is not None and switch.words:
        return " or ".join(switch.words)
    return "on or off" if isinstance(getattr(Personality(), name), bool) else "a number from 0"


def _value(name: str, held: object, words: str) -> object:
    """The value of a switch; ValueError with what it takes."""
    if isinstance(held, bool):
        if words.casefold() not in (*_ON, *_OFF):
            raise ValueError(words_of(name))
        return words.casefold() in _ON
    if isinstance(held, (int, float)):
        if not words.replace(".", "", isinstance(held, float)).isdecimal() or not words.isascii():
            raise ValueError(words_of(name))
        return type(held)(words)
    allowed = SWITCHES[name].words if name in SWITCHES else ()
    if allowed and words not in allowed:
        raise ValueError(words_of(name))
    return words


def _code_problems(name: str, value: str) -> list[str]:
    code = name.removeprefix(_CODE)
    if code not in BELIEVED:
        return [f"`{code}` is no believed code, only those have a switch: {', '.join(sorted(BELIEVED))}"]
    if len(value) != 6 or not value.isascii() or not value.isdecimal() or value[0] not in "45":
        return [f"switch `{name}` is `{value}`; it takes six digits that begin with an HTTP status from 400"]
    return []
