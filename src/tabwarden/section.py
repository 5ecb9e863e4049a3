"""What may stand in a section of the settings: a model that takes no other keys, and the kinds of text.

Each function takes what was written and returns what is meant, or raises ValueError with a sentence that tells
the remedy and never repeats a value that could be secret.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from ipaddress import ip_address
from pathlib import Path
from typing import Annotated, Any, Literal, TypeVar
from urllib.parse import unquote, urlsplit

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    InstanceOf,
    SecretStr,
    ValidationInfo,
)

from tabwarden.model.errors import UnknownName
from tabwarden.model.roles import role_named

_AGE = re.compile(r"^(\d+)\s*([mhd])$")
_SECONDS = {"m": 60, "h": 3600, "d": 86400}
_SECRET_NAME = re.compile(
    r"passw|passphrase|pwd|secret|token|private_key|api_?key|credential|(^|_)key($|_)", re.IGNORECASE
)
_NOT_SECRET_NAME = re.compile(r"(file|path|location|method|type|authenticator|_id|_name)$", re.IGNORECASE)
_WHOLE_ADDRESS_NAME = re.compile(r"^(dsn|conninfo|uri|url|connection_string|connectionstring)$", re.IGNORECASE)
_PASSWORD_IN_URL = re.compile(r"://[^/@\s]*?:([^/@\s]+)@")
_PASSWORD_IN_DSN = re.compile(r"(?:password|pwd)\s*=\s*('[^']*'|[^;\s]+)", re.IGNORECASE)


def age(value: object) -> object:
    """Seconds of `90m`, `36h` or `2d`; whole seconds stay as they are."""
    if isinstance(value, int) and not isinstance(value, bool) and value > 0:
        return value
    match = _AGE.match(value.strip()) if isinstance(value, str) else None
    if match is None or not int(match[1]):
        raise ValueError("must be an age such as `90m`, `36h` or `2d`")
    return int(match[1]) * _SECONDS[match[2]]


def server_address(value: str) -> str:
    """The address of a server without a slash at its end."""
    return address_of(
        value,
        ("https", "http"),
        "https://tableau.example.com",
        account="`tableau.auth`",
        alone="put the content URL of the site into `tableau.site`",
    )


def loopback(address_of_server: str) -> bool:
    """Whether the address never leaves this machine."""
    host = urlsplit(address_of_server).hostname or ""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def address_of(value: str, schemes: tuple[str, ...], example: str, *, account: str, alone: str) -> str:
    """An address of scheme, host and port, with nothing else in it. ValueError says what to change."""
    try:
        parts = urlsplit(value.strip())
        named, _ = parts.hostname, parts.port
    except ValueError:
        named = None
    if not named or parts.scheme not in schemes:
        raise ValueError(f"must be an address such as `{example}`")
    if parts.username or parts.password:
        raise ValueError(f"must not hold a user or password; put them under {account}")
    if parts.path.strip("/") or parts.query or parts.fragment:
        raise ValueError(f"must be the server's address alone; {alone}")
    return f"{parts.scheme}://{parts.netloc}"


def address(value: str) -> str:
    """A mail address; a name with it (`Ada <ada@example.com>`) is fine, a line end is not."""
    if ";" in value or value.rpartition("<")[2].count("@") > 1:
        raise ValueError("must be one mail address; several are a list, `[ada@example.com, joe@example.com]`")
    if "@" not in value.strip("@ ") or any(ord(letter) < 32 for letter in value):
        raise ValueError("must be a mail address such as `ada@example.com`")
    return value.strip()


def as_list(value: Any) -> Any:
    """One text stands for a list of it."""
    return [value] if isinstance(value, str) else value


def site_role(value: object) -> object:
    """Today's REST name of a site role by whatever name people use; what is none is left to be refused."""
    try:
        return role_named(value) if isinstance(value, str) else value
    except UnknownName:
        return value


class Connect(Mapping[str, Any]):
    """What a driver's connect takes. A read-only mapping whose repr shows keys, never values.

    `secrets()` are its secret values: those under a name that says so (password, token, private_key, ...) and
    passwords inside a connection string.
    """

    def __init__(self, values: Mapping[str, Any] | None = None) -> None:
        self._values = dict(values or {})

    @classmethod
    def of(cls, value: object) -> object:
        """A Connect of a mapping with text as keys; raises ValueError for anything else."""
        if isinstance(value, Connect):
            return value
        if not isinstance(value, Mapping) or not all(isinstance(key, str) for key in value):
            raise ValueError("must be a mapping of names and values, for example `account: my_account`")
        return cls(value)

    def __getitem__(self, key: str) -> Any:
        return self._values[key]

    def __iter__(self) -> Iterator[str]:
        return iter(self._values)

    def __len__(self) -> int:
        return len(self._values)

    def __repr__(self) -> str:
        return f"Connect({', '.join(self._values)})"

    def secrets(self) -> tuple[str, ...]:
        """Every value of it that must not be told."""
        return tuple(secret for name, value in self._values.items() for secret in _secrets_under(name, value))


def secret_name(name: str) -> bool:
    """Whether a driver's keyword of this name holds a secret."""
    return bool(_SECRET_NAME.search(name)) and not _NOT_SECRET_NAME.search(name)


def _secrets_under(name: str, value: object) -> Iterator[str]:
    if isinstance(value, Mapping):
        for inner, below in value.items():
            yield from _secrets_under(name if secret_name(name) else str(inner), below)
    elif isinstance(value, list | tuple):
        for item in value:
            yield from _secrets_under(name, item)
    elif isinstance(value, str | int) and not isinstance(value, bool):
        text = str(value)
        if secret_name(name):
            yield text
        elif _WHOLE_ADDRESS_NAME.match(name):
            for pattern in (_PASSWORD_IN_URL, _PASSWORD_IN_DSN):
                for secret in pattern.findall(text):
                    yield from {secret, secret.strip("'"), unquote(secret)}


def _beside_settings(path: Path, info: ValidationInfo) -> Path:
    """Paths are relative to the folder of the settings file, so that cron and a person mean the same file."""
    folder = (info.context or {}).get("folder")
    grown = path.expanduser()
    return folder / grown if isinstance(folder, Path) else grown


LocalPath = Annotated[Path, AfterValidator(_beside_settings)]
Text = Annotated[str, Field(min_length=1)]
ColumnName = Annotated[Text, BeforeValidator(lambda value: str(value) if type(value) is int else value)]
"""A column by its name; by its position, 1 the first, where no heading names any."""
Secret = Annotated[SecretStr, Field(min_length=1)]
Address = Annotated[str, AfterValidator(address)]
RoleName = BeforeValidator(site_role)
SiteRole = Annotated[
    Literal[
        "Viewer", "Explorer", "ExplorerCanPublish", "Creator", "SiteAdministratorExplorer", "SiteAdministratorCreator"
    ],
    RoleName,
]
Age = Annotated[int, BeforeValidator(age)]


Connecting = Annotated[InstanceOf[Connect], BeforeValidator(Connect.of)]


class Section(BaseModel):
    """One mapping of the file: no other keys, no changes, no values in its errors."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True, validate_default=True)


Part = TypeVar("Part", bound=Section)
