"""Settings of Tab_User_Provisioner, plain or encrypted, as settings of ours.

Its file is read and left as it is. What has no counterpart here is named in a note, never dropped in silence.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from tabwarden.model.errors import SettingsError
from tabwarden.safe_files import read_text, yaml_value
from tabwarden.secrets import HOW_TO_GIVE_A_KEY, Keys, encrypt, find_keys, read_encrypted, reference_kind
from tabwarden.troubles import why

TASKS = {
    "PROVISION_USERS": "add_joiners",
    "ADD_USER_GROUP_MEMBERS": "add_joiners_to_group",
    "SET_USERS_SITEROLE_AS_VIEWER": "set_joiners_viewer",
    "REMOVE_USER_GROUP_MEMBERS": "remove_leavers_from_group",
    "SET_USERS_SITEROLE_AS_UNLICENSED": "set_leavers_unlicensed",
    "ADD_UNLICENSED_USER_GROUP_MEMBERS": "add_leavers_to_group",
    "REMOVE_USERS": "remove_leavers",
}
KEYS: dict[str, tuple[str, ...]] = {
    "APP": ("LOGDIR", "LOGGING_LEVEL", "LOG_RETENTION"),
    "TASKS": tuple(TASKS),
    "TABLEAU": (
        "TABLEAU_USER",
        "TABLEAU_PAT",
        "TABLEAU_SITE",
        "TABLEAU_SERVER",
        "TABLEAU_SERVER_VERSION",
        "GLSI_GROUP_NAME",
        "AUTH_SETTING",
    ),
    "SNOWFLAKE": (
        "USER",
        "PASSWORD",
        "ACCOUNT",
        "WAREHOUSE",
        "DATABASE",
        "SCHEMA",
        "JOINERS_TABLE",
        "LEAVERS_TABLE",
    ),
    "EMAIL": (
        "EMAIL_NOTIFICATIONS",
        "EMAIL_SUBJECT",
        "EMAIL_BODY",
        "EMAIL_FROM",
        "EMAIL_TO",
        "EMAIL_HOST",
        "EMAIL_PORT",
        "EMAIL_HOST_USER",
        "EMAIL_HOST_PASSWORD",
    ),
}
# Its logging level is any name of Python's logging; ours are four.
LEVELS = {"WARN": "WARNING", "CRITICAL": "ERROR", "FATAL": "ERROR", "NOTSET": "DEBUG"}
OUR_LEVELS = ("DEBUG", "INFO", "WARNING", "ERROR")
# Where its own code has a value fixed that ours leaves open.
COLUMN, MINIMUM_ROLE, SECURITY = "Email Address", "Viewer", "starttls"
_NAME = r'(?:[A-Za-z_][\w$]*|"[^"]+")'
_PLAIN_TABLE = re.compile(rf"^{_NAME}(\.{_NAME}){{0,2}}$", re.ASCII)


@dataclass(frozen=True)
class Imported:
    """Settings made of its settings. `values` holds secrets as they are to be written; `notes` none."""

    values: dict[str, Any] = field(repr=False)
    notes: tuple[str, ...]
    secrets: tuple[str, ...] = field(repr=False)

    def text(self) -> str:
        """The YAML of `values`; what both sources share is written once and pointed at."""
        head = "# Made from the settings of Tab_User_Provisioner; `tabwarden help settings` has every key\n"
        body: str = yaml.safe_dump(self.values, sort_keys=False, allow_unicode=True, width=110)
        return head + body.replace("&id001", "&snowflake").replace("*id001", "*snowflake")


def read_seed(path: Path, environ: Mapping[str, str]) -> dict[str, Any]:
    """Its settings as they are: a YAML file, or a file ending in `.aes` with `key` beside it or a variable's key.

    `path` may be the folder. Raises SettingsError.
    """
    if path.is_dir():
        path = next((path / name for name in ("settings.yaml", "settings.yaml.aes") if (path / name).exists()), path)
    if path.suffix == ".aes":
        keys = find_keys(path.parent, environ)
        if keys is None:
            raise SettingsError([f"{path}: it is encrypted and no key is there: {HOW_TO_GIVE_A_KEY}"])
        text = read_encrypted(path, keys)
    else:
        try:
            text = read_text(path)
        except (OSError, UnicodeDecodeError) as error:
            raise SettingsError([f"{path}: cannot be read: {why(error)}"]) from None
    try:
        seed = yaml_value(text)
    except yaml.YAMLError as error:
        raise SettingsError([f"{path}: not valid YAML: {why(error)}"]) from None
    if not isinstance(seed, dict) or not set(KEYS) & {str(key) for key in seed}:
        sections = ", ".join(f"`{name}`" for name in KEYS)
        raise SettingsError([f"{path}: has none of the sections of Tab_User_Provisioner ({sections})"])
    return seed


def translate(seed: Mapping[str, Any], keys: Keys | None = None) -> Imported:
    """Its settings as ours. Secrets become `enc:` tokens where `keys` are given, else stay plain, with a note."""
    return _Translation(seed, keys).done()


class _Translation:
    """One pass over its sections; collects values, notes and secrets on the way."""

    def __init__(self, seed: Mapping[str, Any], keys: Keys | None) -> None:
        self._seed = seed
        self._keys = keys
        self._notes: list[str] = []
        self._secrets: list[str] = []

    def done(self) -> Imported:
        values: dict[str, Any] = {
            "tableau": self._tableau(),
            "sources": self._sources(),
            "provision": self._provision(),
            "mail": self._mail(),
            "logs": self._logs(),
        }
        self._name_unknown()
        if self._secrets and self._keys is None:
            self._notes.append(
                "no key is there, so the secrets are written in plain text: "
                "give `--make-key`, or run `tabwarden settings encrypt` afterwards"
            )
        return Imported({name: part for name, part in values.items() if part}, tuple(self._notes), tuple(self._secrets))

    def _get(self, section: str, key: str) -> Any:
        part = self._seed.get(section)
        return part.get(key) if isinstance(part, Mapping) else None

    def _text(self, section: str, key: str, *, needed: bool = True) -> str | None:
        """A text, safe to be read as one: what looks like a reference is marked as plain."""
        value = self._get(section, key)
        if value is None or str(value).strip() == "":
            if needed:
                self._notes.append(f"`{section}.{key}` is missing: its counterpart has to be added")
            return None
        if not isinstance(value, str | int | float) or isinstance(value, bool):
            self._notes.append(f"`{section}.{key}` is not text: its counterpart has to be added")
            return None
        text = str(value).strip()
        return f"plain:{text}" if reference_kind(text) else text

    def _secret(self, section: str, key: str) -> str | None:
        if self._text(section, key) is None:
            return None
        bare = str(self._get(section, key))  # blanks may belong to a password
        self._secrets.append(bare)
        if self._keys:
            return f"enc:{encrypt(bare, self._keys)}"
        return f"plain:{bare}" if reference_kind(bare) else bare

    def _flag(self, section: str, key: str, default: bool) -> bool:
        value = self._get(section, key)
        if isinstance(value, bool):
            return value
        word = str(value).strip().lower()
        if word in ("true", "yes", "on", "1", "false", "no", "off", "0"):
            return word in ("true", "yes", "on", "1")
        self._notes.append(
            f"`{section}.{key}` is {'missing' if value is None else 'neither true nor false'}: "
            f"{'on' if default else 'off'} is written"
        )
        return default

    def _number(self, section: str, key: str) -> int | None:
        value = self._get(section, key)
        if value is None:
            return None
        try:
            return int(str(value).strip())
        except ValueError:
            self._notes.append(f"`{section}.{key}` is not a whole number: the default holds")
            return None

    def _tableau(self) -> dict[str, Any]:
        if self._get("TABLEAU", "TABLEAU_SERVER_VERSION") is not None:
            self._notes.append(
                "`TABLEAU.TABLEAU_SERVER_VERSION` is not carried over: the newest version that the server speaks is "
                "used, which allows calls for many people at once; `tableau.api_version` fixes one"
            )
        server = self._text("TABLEAU", "TABLEAU_SERVER")
        pat = {"name": self._text("TABLEAU", "TABLEAU_USER"), "secret": self._secret("TABLEAU", "TABLEAU_PAT")}
        return _given(
            server=server.rstrip("/") if server else None,
            site=self._text("TABLEAU", "TABLEAU_SITE", needed=False),
            auth={"pat": _given(**pat)},
        )

    def _sources(self) -> dict[str, Any]:
        if "SNOWFLAKE" not in self._seed:
            self._notes.append("`SNOWFLAKE` is missing: `sources` has to be added")
            return {}
        connect = _given(
            user=self._text("SNOWFLAKE", "USER"),
            password=self._secret("SNOWFLAKE", "PASSWORD"),
            account=self._text("SNOWFLAKE", "ACCOUNT"),
            warehouse=self._text("SNOWFLAKE", "WAREHOUSE"),
            database=self._text("SNOWFLAKE", "DATABASE"),
            schema=self._text("SNOWFLAKE", "SCHEMA"),
        )
        sources = {}
        for name, key in (("joiners", "JOINERS_TABLE"), ("leavers", "LEAVERS_TABLE")):
            table = self._text("SNOWFLAKE", key)
            if table is not None:
                people = {"type": "sql", "driver": "snowflake", "connect": connect}
                sources[name] = {**people, **self._table(key, table), "column": COLUMN}
        return sources

    def _table(self, key: str, table: str) -> dict[str, str]:
        """Its query ends in what is written there, so more than a name may be; that stays a query."""
        if _PLAIN_TABLE.match(table):
            return {"table": table}
        self._notes.append(f"`SNOWFLAKE.{key}` is more than a table's name and became a query: check `query`")
        return {"query": f"SELECT * FROM {table.removeprefix('plain:')}"}

    def _provision(self) -> dict[str, Any]:
        on = {
            "PROVISION_USERS",
            "ADD_USER_GROUP_MEMBERS",
            "REMOVE_USER_GROUP_MEMBERS",
            "SET_USERS_SITEROLE_AS_UNLICENSED",
        }
        provision: dict[str, Any] = {ours: self._flag("TASKS", theirs, theirs in on) for theirs, ours in TASKS.items()}
        group = self._text("TABLEAU", "GLSI_GROUP_NAME")
        if group:
            provision["group"] = {"name": group, "minimum_site_role": MINIMUM_ROLE}
            self._notes.append(
                "`provision.group.minimum_site_role` is Viewer: Tab_User_Provisioner leaves it to the group in "
                "Tableau; change it if yours grants another site role"
            )
        return provision | _given(auth_setting=self._text("TABLEAU", "AUTH_SETTING", needed=False))

    def _mail(self) -> dict[str, Any]:
        if "EMAIL" not in self._seed:
            return {}
        receivers = self._get("EMAIL", "EMAIL_TO")
        receivers = receivers if isinstance(receivers, list) else [receivers] if receivers else []
        mail = _given(
            subject=self._text("EMAIL", "EMAIL_SUBJECT", needed=False),
            body=self._text("EMAIL", "EMAIL_BODY", needed=False),
            to=[str(receiver) for receiver in receivers],
            host=self._text("EMAIL", "EMAIL_HOST"),
            port=self._number("EMAIL", "EMAIL_PORT"),
            user=self._text("EMAIL", "EMAIL_HOST_USER"),
            password=self._secret("EMAIL", "EMAIL_HOST_PASSWORD"),
            security=SECURITY,
        )
        sender = self._text("EMAIL", "EMAIL_FROM")
        return {"enabled": self._flag("EMAIL", "EMAIL_NOTIFICATIONS", False), **_given(**{"from": sender}), **mail}

    def _logs(self) -> dict[str, Any]:
        level = self._text("APP", "LOGGING_LEVEL", needed=False)
        ours = LEVELS.get(level.upper(), level.upper()) if level else None
        if ours is not None and ours not in OUR_LEVELS:
            self._notes.append("`APP.LOGGING_LEVEL` is no level known here: the default holds")
            ours = None
        elif level and ours != level.upper():
            self._notes.append(f"`APP.LOGGING_LEVEL` {level.upper()} became {ours}")
        folder = self._text("APP", "LOGDIR", needed=False)
        return _given(
            folder=str(Path(folder.replace("\\", "/"))) if folder else None,
            level=ours,
            retention_days=self._number("APP", "LOG_RETENTION"),
        )

    def _name_unknown(self) -> None:
        for section, part in self._seed.items():
            if section not in KEYS:
                self._notes.append(f"`{section}` is no section of Tab_User_Provisioner: nothing was made of it")
            elif not isinstance(part, Mapping):
                self._notes.append(f"`{section}` holds no keys: nothing was made of it")
            else:
                unknown = [key for key in part if key not in KEYS[section]]
                self._notes += [f"`{section}.{key}` has no counterpart: nothing was made of it" for key in unknown]


def _given(**values: Any) -> dict[str, Any]:
    return {name: value for name, value in values.items() if value is not None}
