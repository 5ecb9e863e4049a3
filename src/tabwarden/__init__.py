"""Tabwarden: access governance for Tableau Server and Tableau Cloud.

It is independent of Tableau and Salesforce. What is named here is the public face; each name loads when it is used.
"""

from __future__ import annotations

TYPE_CHECKING = False  # as type checkers know it; the module `typing` is not loaded for it
if TYPE_CHECKING:
    from typing import Any

    from tabwarden.api import TableauSite, open  # noqa: A004
    from tabwarden.engine.columns import Columns
    from tabwarden.engine.engine import Engine
    from tabwarden.model.errors import AmbiguousName, TabwardenError, UnknownName
    from tabwarden.model.site import Content, Grantee, Group, GroupSet, Rule, Site, User
    from tabwarden.sandbox import start as sandbox

__version__ = "0.1.0"

_HOMES = {
    "AmbiguousName": "tabwarden.model.errors",
    "Columns": "tabwarden.engine.columns",
    "Content": "tabwarden.model.site",
    "Engine": "tabwarden.engine.engine",
    "Grantee": "tabwarden.model.site",
    "Group": "tabwarden.model.site",
    "GroupSet": "tabwarden.model.site",
    "Rule": "tabwarden.model.site",
    "Site": "tabwarden.model.site",
    "TableauSite": "tabwarden.api",
    "TabwardenError": "tabwarden.model.errors",
    "UnknownName": "tabwarden.model.errors",
    "User": "tabwarden.model.site",
    "open": "tabwarden.api",
}
__all__ = [
    "AmbiguousName",
    "Columns",
    "Content",
    "Engine",
    "Grantee",
    "Group",
    "GroupSet",
    "Rule",
    "Site",
    "TableauSite",
    "TabwardenError",
    "UnknownName",
    "User",
    "open",
    "sandbox",
]


def __getattr__(name: str) -> Any:
    from importlib import import_module

    if name == "sandbox":
        return import_module("tabwarden.sandbox")
    home = _HOMES.get(name)
    if home is None:
        raise AttributeError(f"module `tabwarden` has no `{name}`; it has {', '.join(__all__)}")
    return getattr(import_module(home), name)


def __dir__() -> list[str]:
    return sorted([*__all__, "__version__"])
