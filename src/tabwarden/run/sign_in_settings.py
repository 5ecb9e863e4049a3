"""Signing in to Tableau as the settings say."""

from __future__ import annotations

from contextlib import AbstractContextManager

from tabwarden.settings import Settings
from tabwarden.tableau.http.connection import Connection, connect
from tabwarden.tableau.http.session import Jwt, Password, Pat, SignIn


def connected(settings: Settings) -> AbstractContextManager[Connection]:
    """A signed-in connection, signed out at the end."""
    return connect(sign_in_of(settings))


def sign_in_of(settings: Settings) -> SignIn:
    """Where and how to sign in."""
    tableau, auth = settings.tableau, settings.tableau.auth
    way: Pat | Password | Jwt
    if auth.pat is not None:
        way = Pat(auth.pat.name, auth.pat.secret.get_secret_value())
    elif auth.jwt is not None:
        app = auth.jwt
        way = Jwt(app.username, app.client_id, app.secret_id, app.secret_value.get_secret_value(), app.scopes)
    else:
        assert auth.password is not None  # the settings have exactly one of the three
        way = Password(auth.password.username, auth.password.password.get_secret_value())
    return SignIn(
        server=tableau.server,
        site=tableau.site,
        auth=way,
        ca_file=tableau.ca_file,
        api_version=tableau.api_version,
        timeout=tableau.timeout,
        retries=tableau.retries,
        calls_per_hour=tableau.calls_per_hour,
    )
