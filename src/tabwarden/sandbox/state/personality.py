"""Which Tableau the sandbox plays, as data: version, Server or Cloud, and an option for every believed answer.

Every believed code of the error table has an option of its own, `code_` and its six digits: `code_409003=409004`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, fields, replace
from typing import Any, TypeVar

from tabwarden.model.errors import SettingsError, UnknownName
from tabwarden.model.open_points import DOCUMENTED, OpenPoints
from tabwarden.sandbox.http.errors import CODES

T = TypeVar("T")
SERVER, CLOUD = "server", "cloud"
PRODUCT_OF_API: Mapping[str, str] = {
    "2.8": "10.5.0",
    "3.0": "2018.1.0",
    "3.4": "2019.2.0",
    "3.11": "2021.1.0",
    "3.14": "2021.4.0",
    "3.15": "2022.1.0",
    "3.16": "2022.2.0",
    "3.17": "2022.3.0",
    "3.21": "2023.3.0",
    "3.22": "2024.2.0",
    "3.24": "2024.3.0",
    "3.27": "2025.3.0",
    "3.28": "2026.1.0",
}
NEWEST = "3.27"


def _option(default: T, does: str, *words: str) -> T:
    """A field that is an option: what it does, and the words it takes where it takes words."""
    return field(default=default, metadata={"does": does, "words": words})


@dataclass(frozen=True, slots=True, kw_only=True)
class Personality:
    """One Tableau to play. Seconds are those of the sandbox's clock.

    `existing_user_add` is conflict (409017 always) or same-id (201 for an Unlicensed user added as Unlicensed, and
    400003 where the add would demote a member of a grant-on-sign-in group), as Cloud answered. `codes` answers another
    code where the table's is only believed. `open_points` are those of the permission model as this Tableau settles
    them.
    """

    kind: str = SERVER
    api_version: str = NEWEST
    idle_seconds: float = _option(240 * 60, "how long an unused token lives")
    job_seconds: float = _option(0.0, "how long a job takes")
    opposite_rule: str = _option("refuse", "adding a rule that exists in the opposite mode", "refuse", "ignore")
    whole_lists: bool = _option(True, "POST to a list of rules writes it whole, as the migration SDK does; off: 405000")
    no_seat_on_add: str = _option("unlicensed", "adding a licensed user without a free seat", "unlicensed", "refuse")
    existing_user_add: str = _option("conflict", "adding a user who is there", "conflict", "same-id")
    calls_per_hour: int = _option(0, "requests of one user to one site in an hour before 429000; 0: any number")
    cap_tells_when: bool = _option(True, "that 429000 carries Retry-After")
    names_need_at: bool = _option(False, "a user name needs `@`")
    foreign_site: str = _option("403", "the path of a site that is not the session's", "403", "401", "404")
    lists_users: bool = _option(False, "GET users lists for others than administrators; off: 403")
    source_by_id: bool = _option(False, "a data source shows by id whatever its project; off: 403004 if that is hidden")
    workbook_by_id: bool = _option(False, "a workbook shows by id whatever its first sheet; off: 403004 if denied")
    lists_sites: bool = _option(True, "GET sites lists; off: 403069")
    profile_writable: bool = _option(True, "full name, e-mail and password can be changed")
    password_sign_in: bool = _option(True, "passwords sign in; off: only tokens and JWTs, as with MFA")
    shows_inherited_leaders: bool = _option(True, "answers show the read-only InheritedProjectLeader")
    codes: Mapping[str, str] = field(default_factory=dict, hash=False)
    open_points: OpenPoints = DOCUMENTED

    @property
    def product_version(self) -> str:
        """The release that speaks this API version."""
        return PRODUCT_OF_API[self.api_version]

    @property
    def build(self) -> str:
        """A build number of the right shape."""
        year, release, _patch = self.product_version.split(".")
        number = f"{year}{release}" if len(year) == 4 else f"{year}{release}00"
        return f"{number}.25.1120.0000"

    @property
    def wants_mfa(self) -> bool:
        """Whether it is Tableau Cloud with MFA, where nobody signs in by the server's default."""
        return self.kind == CLOUD and not self.password_sign_in

    def told(self, code: str) -> str:
        """The six digits answered for a code of the table."""
        usual = self.open_points.owner_removal_code if code == DOCUMENTED.owner_removal_code else code
        return self.codes.get(code, usual)

    def speaks(self, since: str) -> bool:
        """Whether this version knows what came with API version `since`."""
        return as_pair(since) <= as_pair(self.api_version)


PERSONALITIES: Mapping[str, Personality] = {
    SERVER: Personality(),
    CLOUD: Personality(
        kind=CLOUD,
        idle_seconds=120 * 60,
        existing_user_add="same-id",
        names_need_at=True,
        lists_sites=False,
        profile_writable=False,
        password_sign_in=False,
        calls_per_hour=40_000,
    ),
}


def personality(name: str = SERVER, api_version: str | None = None) -> Personality:
    """The personality of that name (server, cloud), at another API version when one is given."""
    if name not in PERSONALITIES:
        raise UnknownName(f"no personality `{name}`; there are {', '.join(PERSONALITIES)}")
    if api_version is None:
        return PERSONALITIES[name]
    if api_version not in PRODUCT_OF_API:
        raise UnknownName(f"no API version `{api_version}`; the sandbox plays {', '.join(PRODUCT_OF_API)}")
    return replace(PERSONALITIES[name], api_version=api_version)


def as_pair(version: str) -> tuple[int, int]:
    """`3.4` as numbers, so that 3.11 comes after 3.4."""
    major, _dot, minor = version.partition(".")
    return int(major), int(minor)


BELIEVED = frozenset(code.code for code in CODES.values() if code.mark == "B")
_CODE = "code_"
_ON, _OFF = ("true", "on", "yes", "1"), ("false", "off", "no", "0")
OPTIONS = {field.name: field for field in fields(Personality) if field.metadata}


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
        elif name in OPTIONS and equals:
            try:
                values[name] = _value(name, getattr(base, name), value)
            except ValueError as problem:
                problems.append(f"option `{name}` is `{value}`; it takes {problem}")
        else:
            known = ", ".join((*OPTIONS, f"{_CODE}NNNNNN"))
            problems.append(f"no option is written `{written}`; give name=value, of {known}")
    if problems:
        raise SettingsError(problems)
    return replace(base, codes=codes, **values)


def words_of(name: str) -> str:
    """What an option takes, in words."""
    if words := OPTIONS[name].metadata["words"]:
        return " or ".join(words)
    return "on or off" if isinstance(OPTIONS[name].default, bool) else "a number from 0"


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
    if words not in OPTIONS[name].metadata["words"]:
        raise ValueError(words_of(name))
    return words


def _code_problems(name: str, value: str) -> list[str]:
    code = name.removeprefix(_CODE)
    if code not in BELIEVED:
        return [f"`{code}` is no believed code, only those have an option: {', '.join(sorted(BELIEVED))}"]
    if len(value) != 6 or not value.isascii() or not value.isdecimal() or value[0] not in "45":
        return [f"option `{name}` is `{value}`; it takes six digits that begin with an HTTP status from 400"]
    return []
