"""What a site takes, as a connection tells it: whether it is Tableau Cloud, and its identity providers."""

from __future__ import annotations

from tabwarden.model.errors import MissingScope, TableauError
from tabwarden.model.takes import IdentityProvider, SiteTakes
from tabwarden.tableau.http.connection import Connection
from tabwarden.tableau.http.pace import is_cloud_host

PROVIDERS_SINCE = "3.24"
LISTS_NO_SITES = "403069"


def read_takes(connection: Connection) -> SiteTakes:
    """Both, in two requests at most; a site administrator is told either."""
    return SiteTakes(is_cloud(connection), _providers(connection))


def is_cloud(connection: Connection) -> bool:
    """By its address, or by what only Tableau Cloud answers: it lists no sites to anybody."""
    if is_cloud_host(connection.server):
        return True
    try:
        connection.call("GET", "/sites", query={"pageSize": "1"})
    except MissingScope:
        return False
    except TableauError as error:
        if error.status not in (403, 404):
            raise
        return error.code == LISTS_NO_SITES
    return False


def _providers(connection: Connection) -> tuple[IdentityProvider, ...] | None:
    """Those that are switched on; None where this version, or this user, is not told."""
    if not connection.supports(PROVIDERS_SINCE):
        return None
    try:
        answer = connection.call("GET", "site-auth-configurations")
    except MissingScope:
        return None  # no scope is documented for it
    except TableauError as error:
        if error.status not in (403, 404):
            raise
        return None
    elements = answer.iter("siteAuthConfiguration") if answer is not None else ()
    return tuple(
        IdentityProvider(
            one.get("idpConfigurationId", ""), one.get("idpConfigurationName", ""), one.get("authSetting", "")
        )
        for one in elements
        if one.get("enabled", "true").casefold() != "false"
    )
