"""settings.yaml: what may be set, and reading it. Not what anybody does with it."""

from tabwarden.settings.directory import DirectoryDomain, DirectorySettings
from tabwarden.settings.groups import SyncedGroup
from tabwarden.settings.loader import ENCRYPTED, PLAIN, load, load_store
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
from tabwarden.settings.people import AsOf, Column, FileSource, LdapSource, PythonSource, Sources, SqlSource
from tabwarden.settings.several import PeopleSource, PersonOverride, SeveralSources
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
    "DirectoryDomain",
    "DirectorySettings",
    "FileSource",
    "FilesSink",
    "Jwt",
    "LdapSource",
    "Limit",
    "Logs",
    "Mail",
    "Mirror",
    "Password",
    "Pat",
    "PeopleSource",
    "PersonOverride",
    "Provision",
    "PythonSource",
    "Retention",
    "Settings",
    "SeveralSources",
    "SignInGroup",
    "Sources",
    "SqlSink",
    "SqlSource",
    "Stops",
    "Store",
    "SyncedGroup",
    "Tableau",
    "UserException",
    "load",
    "load_store",
]
