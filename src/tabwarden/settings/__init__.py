"""settings.yaml: what may be set, and reading it."""

from tabwarden.settings.groups import SyncedGroup
from tabwarden.settings.loader import ENCRYPTED, PLAIN, load, load_part, load_store, site_of, sites_named
from tabwarden.settings.mirror import Catalog, Mirror, UserException
from tabwarden.settings.model import (
    Auth,
    Jwt,
    Limit,
    Logs,
    Mail,
    Password,
    Pat,
    Provision,
    Settings,
    SignInGroup,
    Stops,
    Tableau,
)
from tabwarden.settings.people import PeopleSource, PersonOverride, SeveralSources
from tabwarden.settings.sources import Sources
from tabwarden.settings.store import Retention, Store

__all__ = [
    "ENCRYPTED",
    "PLAIN",
    "Auth",
    "Catalog",
    "Jwt",
    "Limit",
    "Logs",
    "Mail",
    "Mirror",
    "Password",
    "Pat",
    "PeopleSource",
    "PersonOverride",
    "Provision",
    "Retention",
    "Settings",
    "SeveralSources",
    "SignInGroup",
    "Sources",
    "Stops",
    "Store",
    "SyncedGroup",
    "Tableau",
    "UserException",
    "load",
    "load_part",
    "load_store",
    "site_of",
    "sites_named",
]
