"""The options of a personality as people give them, `name=value`.

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
_ELSEWHERE = ("kind", "api_version", "codes", "open_points")


class PersonalityOption(NamedTuple):
    """What an option means, and the words it takes where it takes words (none: on or off, or a number)."""

    does: str
    words: tuple[str, ...] = ()


PERSONALITY_OPTIONS: Mapping[str, PersonalityOption] = {
    "idle_seconds": PersonalityOption("how long an unused token lives"),
    "job_seconds": PersonalityOption("how long a job takes"),
    "opposite_rule": PersonalityOption("adding a rule that exists in the opposite mode", ("refuse", "ignore")),
    "no_seat_on_add": PersonalityOption("adding a licensed user without a free seat", ("unlicensed", "refuse")),
    "existing_user_add": PersonalityOption("adding a user who is there", ("conflict", "same-id")),
    "calls_per_hour": PersonalityOption("requests of one user to one site in an hour before 429000; 0: any number"),
    "cap_tells_when": PersonalityOption("that 429000 carries Retry-After"),
    "names_need_at": PersonalityOption("a user name needs `@`"),
    "lists_sites": PersonalityOption("GET sites lists; off: 403069"),
    "profile_writable": PersonalityOption("full name, e-mail and password can be changed"),
    "password_sign_in": PersonalityOption("passwords sign in; off: only tokens and JWTs, as with MFA"),
    "shows_inherited_leaders": PersonalityOption("answers show the read-only InheritedProjectLeader"),
}


def played(base: Personality, given: Iterable[str]) -> Personality:
    """The personality with options set by `name=value` words, later ones winning.

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
                problems.append(f"option `{name}` is `{value}`; it takes {problem}")
        else:
            known = ", ".join((*names(), f"{_CODE}NNNNNN"))
            problems.append(f"no option is written `{written}`; give name=value, of {known}")
    if problems:
        raise SettingsError(problems)
    return replace(base, codes=codes, **values)


def names() -> tuple[str, ...]:
    """The options by name, without those of single codes."""
    return tuple(f.name for f in fields(Personality) if f.name not in _ELSEWHERE)


def words_of(name: str) -> str:
    """What an option takes, in words."""
    option = PERSONALITY_OPTIONS.get(name)
    if option is not None and option.words:
        return " or ".join(option.words)
    return "on or off" if isinstance(getattr(Personality(), name), bool) else "a number from 0"


def _value(name: str, default: object, words: str) -> object:
    """The value of an option; ValueError with what it takes."""
    if isinstance(default, bool):
        if words.casefold() not in (*_ON, *_OFF):
            raise ValueError(words_of(name))
        return words.casefold() in _ON
    if isinstance(default, (int, float)):
        if not words.replace(".", "", isinstance(default, float)).isdecimal() or not words.isascii():
            raise ValueError(words_of(name))
        return type(default)(words)
    allowed = PERSONALITY_OPTIONS[name].words if name in PERSONALITY_OPTIONS else ()
    if allowed and words not in allowed:
        raise ValueError(words_of(name))
    return words


def _code_problems(name: str, value: str) -> list[str]:
    code = name.removeprefix(_CODE)
    if code not in BELIEVED:
        return [f"`{code}` is no believed code, only those have an option: {', '.join(sorted(BELIEVED))}"]
    if len(value) != 6 or not value.isascii() or not value.isdecimal() or value[0] not in "45":
        return [f"option `{name}` is `{value}`; it takes six digits that begin with an HTTP status from 400"]
    return []
