"""What a sandbox holds beside its sites: accounts, tokens, connected apps, jobs, a pretend directory.

Passwords and secrets here are pretend ones; they never show in a repr.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, NamedTuple

from tabwarden.model.site import LOCAL, Site

AccountKey = tuple[str, str]


def key_of(name: str, domain: str = LOCAL) -> AccountKey:
    """How accounts are told apart: domain and name in any letter case."""
    return domain.casefold(), name.casefold()


@dataclass(frozen=True, slots=True)
class Account:
    """A system user: one person of the server, perhaps on several sites."""

    name: str
    password: str = field(repr=False)
    domain: str = LOCAL


@dataclass(frozen=True, slots=True)
class AccessToken:
    """A personal access token: its name, its secret and whose it is."""

    name: str
    secret: str = field(repr=False)
    user: str
    domain: str = LOCAL


@dataclass(frozen=True, slots=True)
class ConnectedApp:
    """A connected app (direct trust): who signs a JWT with `secret` under `secret_id` speaks for any user."""

    client_id: str
    secret_id: str
    secret: str = field(repr=False)
    name: str = "app"


class Note(NamedTuple):
    """One remark of a job: a type (CountOf..., errorCode), a value and a sentence."""

    type: str
    value: str
    text: str


@dataclass(frozen=True, slots=True)
class Job:
    """Something that happens later: `kind` names the work, `rows` is its input; times are seconds of the clock.

    `finish_code` is None until it ran, then 0 for success, 1 for failure, 2 for cancelled.
    `about` is the content it concerns ("" for none), `blob` the file it still needs.
    """

    id: str
    site: str
    kind: str
    by: str
    created: float
    due: float
    rows: tuple[tuple[str, ...], ...] = field(default=(), repr=False)
    finish_code: int | None = None
    completed: float | None = None
    notes: tuple[Note, ...] = ()
    about: str = ""
    blob: str = ""


@dataclass(frozen=True)
class World:
    """What a sandbox starts with. `directory` is the pretend Active Directory as plain data.

    `nicknames` are those of the domains Tableau knows, by FQDN; that of the server is known without being named.
    """

    name: str
    sites: tuple[Site, ...]
    accounts: tuple[Account, ...]
    tokens: tuple[AccessToken, ...] = ()
    apps: tuple[ConnectedApp, ...] = ()
    directory: Mapping[str, Any] = field(default_factory=dict)
    nicknames: Mapping[str, str] = field(default_factory=dict)


def iso(seconds: float) -> str:
    """A moment as Tableau writes it."""
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
