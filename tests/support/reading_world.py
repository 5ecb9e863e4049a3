"""The worlds that the reader's tests read, and what two reads cannot agree on. Not a test."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import replace
from typing import Any

from tabwarden.model.site import Site, Taken
from tabwarden.sandbox.http.server import Sandbox
from tabwarden.tableau.http.connection import Connection, connect
from tabwarden.tableau.http.session import Pat, SignIn
from tabwarden.tableau.read.site import Wishes

ACME = Pat("tabwarden", "acme-demo-secret")
CORE = Wishes(connections=False)


def timeless(site: Site) -> Site:
    """A Site without what two reads cannot agree on."""
    users = {i: replace(u, last_login=None) for i, u in site.users.items()}
    return replace(site, users=users, taken=Taken())


def w0(
    sandbox: Sandbox, *, by: Callable[[SignIn], AbstractContextManager[Connection]] = connect, **more: Any
) -> AbstractContextManager[Connection]:
    """A connection to the smallest world, made by `connect` or another of its kind."""
    usual = {"server": sandbox.url, "auth": Pat("tok", "sec"), "first_wait": 0.01}
    return by(SignIn(site="sandbox", **(usual | more)))
