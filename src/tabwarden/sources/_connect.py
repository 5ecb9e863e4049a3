"""What a driver is given to connect read-only, and errors freed of it. Opens no connection."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import quote

from tabwarden.safe_files import MOST_SECRET, read_bytes
from tabwarden.sources import unreadable
from tabwarden.troubles import of_database, why
from tabwarden.want.roster import shown

HARMLESS = frozenset(
    "account application authenticator charset connect_timeout database dbname driver encoding host hostaddr "
    "login_timeout network_timeout port protocol read_only region role schema server server_hostname sslmode "
    "timeout uri user username warehouse".split()
)
"""Connect keywords whose values may be told in an error; every other value is taken for a secret."""

_SECRET_IN_TEXT = (
    re.compile(r"://[^/@\s]*:([^/@\s]+)@"),
    re.compile(r"(?i)\b(?:password|passwd|pwd|token|secret)\s*=\s*('(?:[^'\\]|\\.)*'|\{[^}]*\}|[^\s;&]+)"),
)

_SNOWFLAKE_TIMEOUTS = {"login_timeout": 60, "network_timeout": 600}


def prepare(driver: str, connect: Mapping[str, object], warnings: list[str]) -> dict[str, Any]:
    """The keyword arguments for the driver's `connect`, asking for no more than reading where it can be asked.

    Adds to `warnings` what the person should know. Raises SourceError when something is missing.
    """
    arguments = dict(connect)
    if driver == "sqlite":
        return _sqlite(arguments)
    if driver == "duckdb" and arguments.get("database", ":memory:") != ":memory:":
        return {"read_only": True, **arguments}
    if driver in ("postgres", "psycopg", "psycopg2"):
        return {"connect_timeout": 30, **arguments}
    if driver == "snowflake":
        return _snowflake(arguments, warnings)
    return arguments


def _sqlite(arguments: dict[str, Any]) -> dict[str, Any]:
    """SQLite creates a database that is not there, unless it is opened by URI with mode=ro."""
    database = str(arguments.get("database", ""))
    if not database:
        raise unreadable("sqlite needs `database` under `connect`: the path of the database file")
    if database == ":memory:" or arguments.get("uri"):
        return arguments
    path = Path(database).expanduser()
    if not path.is_file():
        raise unreadable(f"there is no database file `{shown(database, most=4096)}`; check `database` under `connect`")
    return {**arguments, "database": f"{path.absolute().as_uri()}?mode=ro", "uri": True}


def _snowflake(arguments: dict[str, Any], warnings: list[str]) -> dict[str, Any]:
    """Key pair, programmatic access token, OAuth, or a password with a warning; whatever else Snowflake knows."""
    ready = {**_SNOWFLAKE_TIMEOUTS, "application": "Tabwarden", "autocommit": False, **arguments}
    for key in ("private_key_file", "token_file_path"):
        if ready.get(key):
            ready[key] = str(Path(str(ready[key])).expanduser())
    authenticator = str(ready.get("authenticator") or "").casefold()
    if ready.get("private_key_file") or ready.get("private_key"):
        ready["authenticator"] = "SNOWFLAKE_JWT"
        _check_key(ready)
    elif ready.get("token") or ready.get("token_file_path"):
        if authenticator in ("", "snowflake"):
            raise unreadable(
                "snowflake has a `token` but no `authenticator` under `connect`; set it to "
                "PROGRAMMATIC_ACCESS_TOKEN or to oauth, whichever the token is"
            )
        ready["authenticator"] = "oauth" if authenticator == "oauth" else str(ready["authenticator"]).upper()
    elif authenticator in ("", "snowflake"):
        if not ready.get("password"):
            raise unreadable(
                "snowflake has no way to sign in under `connect`; add `private_key_file` (best), or `token` with "
                "`authenticator: PROGRAMMATIC_ACCESS_TOKEN`"
            )
        warnings.append(
            "snowflake signs in with a password alone; Snowflake is blocking this for more and more accounts, so "
            "move to a key pair (`private_key_file`) or a programmatic access token"
        )
    elif authenticator == "externalbrowser":
        warnings.append("snowflake signs in through a browser, which needs a person; use a key pair for cron")
    return ready


def _check_key(ready: dict[str, Any]) -> None:
    """Raises SourceError in plain words for what the connector would say in its own. A PEM text becomes DER."""
    from cryptography.hazmat.primitives import serialization

    path, given = ready.get("private_key_file"), ready.get("private_key")
    if not path and not (isinstance(given, str) and "-----BEGIN" in given):
        return  # already DER, or a key object: the connector knows what to do
    field = "private_key_file" if path else "private_key"
    password = ready.get("private_key_file_pwd")
    try:
        pem = read_bytes(Path(str(path)), MOST_SECRET) if path else str(given).encode()
        key = serialization.load_pem_private_key(
            pem, password.encode() if isinstance(password, str) and password else password or None
        )
    except OSError as error:
        raise unreadable(f"`{field}: {shown(str(path), most=4096)}` cannot be read: {why(error)}") from None
    except TypeError:
        what = "is encrypted; give `private_key_file_pwd`" if not password else "is not encrypted; remove its password"
        raise unreadable(f"`{field}` {what}") from None
    except Exception:
        remedy = "check `private_key_file_pwd`" if password else "give a PKCS #8 key in PEM form"
        raise unreadable(f"`{field}` holds no private key that can be opened; {remedy}") from None
    if not path:
        ready["private_key"] = key.private_bytes(
            serialization.Encoding.DER, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        ready.pop("private_key_file_pwd", None)


_OF_SYSTEM = re.compile(r"\[Errno -?\d+\] ")  # Python's, before the words of the system


def scrubbed(error: BaseException, connect: Mapping[str, object]) -> str:
    """What is wrong, then what the database says of it as its own words on one line, without any value of `connect`
    that may be secret.
    """
    text = " ".join(str(error).split()) or "nothing"
    for secret in sorted(set(_secrets(connect)), key=len, reverse=True):
        for form in (secret, " ".join(secret.split()), repr(secret)[1:-1], quote(secret), quote(secret, safe="")):
            if form and form in text:
                if len(form) < 4:  # hiding every `a` would show where the others are
                    return f"{of_database(error)}; its own words are withheld, for they would show a connect value"
                text = text.replace(form, "***")
    return f"{of_database(error)}; it says `{_OF_SYSTEM.sub('', text).replace('`', chr(39))}`"


def _secrets(connect: Mapping[str, object]) -> Iterator[str]:
    """Every text under `connect` that may be secret, also inside mappings, lists, URLs and connection strings."""
    for key, value in connect.items():
        yield from _secrets_of(value, harmless=key.casefold() in HARMLESS)


def _secrets_of(value: object, *, harmless: bool) -> Iterator[str]:
    if isinstance(value, Mapping):
        yield from _secrets({str(key): item for key, item in value.items()})
    elif isinstance(value, list | tuple):
        for item in value:
            yield from _secrets_of(item, harmless=harmless)
    elif isinstance(value, str | bytes) and value:
        text = value if isinstance(value, str) else value.decode("utf-8", "replace")
        if not harmless:
            yield text
        for pattern in _SECRET_IN_TEXT:
            for secret in pattern.findall(text):
                yield secret
                yield secret.strip("'{}")
