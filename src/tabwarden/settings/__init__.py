"""settings.yaml: what may be set, and reading it. Not what anybody does with it."""

from tabwarden.settings.loader import ENCRYPTED, PLAIN, load
from tabwarden.settings.mirror import Catalog, FilesSink, Mirror, SqlSink, UserException
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
from tabwarden.settings.people import AsOf, Column, FileSource, PythonSource, Sources, SqlSource
from tabwarden.settings.store import Retention, Store
from tabwarden.settings.values import Connect

__all__ = [
    "ENCRYPTED",
    "PLAIN",
    "AsOf",
    "Auth",
    "Catalog",
    "Column",
    "Connect",
    "FileSource",
    "FilesSink",
    "Jwt",
    "Limit",
    "Logs",
    "Mail",
    "Mirror",
    "Password",
    "Pat",
    "Provision",
    "PythonSource",
    "Retention",
    "Settings",
    "SignInGroup",
    "Sources",
    "SqlSink",
    "SqlSource",
    "Stops",
    "Store",
    "Tableau",
    "UserException",
    "load",
]
