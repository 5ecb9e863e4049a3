"""Who may do what on the pages: rights of people and groups by the settings, on top of one's own access.

Everybody who is signed in and is on the site may ask what he may himself; nobody has more by being an administrator of
Tableau. A name that fits nobody is an error before anything is served.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from tabwarden.model.errors import SettingsError, TabwardenError
from tabwarden.model.names import same

if TYPE_CHECKING:
    from tabwarden.model.site import Site
    from tabwarden.settings.web import Holders, Rights

OWN = "own"
CATALOG, AUDITOR, OPERATOR, APPROVER, ADMINISTRATOR, LOOK_AS = (
    "catalog",
    "auditor",
    "operator",
    "approver",
    "administrator",
    "look-as",
)
OF_AN_ADMINISTRATOR = (CATALOG, AUDITOR, OPERATOR, APPROVER, ADMINISTRATOR)
GIVEN = (*OF_AN_ADMINISTRATOR, LOOK_AS)  # to look as somebody else is a right of its own

# What stands above every page: where it leads, its words, the right it takes.
NAVIGATION = (
    ("/", "Home", OWN),
    ("/catalog", "Catalog", OWN),
    ("/check", "Check", OWN),
    ("/requests", "Requests", OWN),
    ("/plans", "Plans", OPERATOR),
    ("/findings", "Findings", AUDITOR),
    ("/invariants", "Invariants", AUDITOR),
    ("/licences", "Licences", AUDITOR),
    ("/history", "History", AUDITOR),
    ("/audit", "Audit trail", ADMINISTRATOR),
)
OF_EVERY_SITE = ("/audit",)  # those that tell of more than the site that is visited, and take the right on each


def rights_of(rights: Rights, person: Mapping[str, Any], site: Site | None) -> frozenset[str]:
    """The rights of somebody who is signed in: his own access, and what the settings or his link give him."""
    given = set(person.get("rights", ()))
    given |= {right for right in GIVEN if _holds(holders_of(rights, right), person, site)}
    return frozenset({OWN, *given, *(OF_AN_ADMINISTRATOR if ADMINISTRATOR in given else ())})


def holders_of(rights: Rights, right: str) -> Holders:
    """Who has a right, by the settings."""
    holders: Holders = getattr(rights, right.replace("-", "_"))
    return holders


def _holds(holders: Holders, person: Mapping[str, Any], site: Site | None) -> bool:
    """By name (also `domain\\name`), by a group of Tableau, or by a group of the OpenID provider."""
    name = str(person["name"])
    if same(name) in map(same, holders.people) or not set(person.get("groups", ())).isdisjoint(holders.openid_groups):
        return True
    users = site.users_named(name) if site is not None else ()
    if site is None or len(users) != 1:
        return False
    if any(site.users_named(other) == users for other in holders.people):
        return True
    groups = {group for name in holders.groups for group in site.groups_named(name)}
    return bool(groups) and not groups.isdisjoint(site.groups_of(users[0]))


def openid_groups(rights: Rights) -> frozenset[str]:
    """The groups of the OpenID provider that give a right; of no other is anything kept."""
    return frozenset(group for right in GIVEN for group in holders_of(rights, right).openid_groups)


def check(rights: Rights, sites: Mapping[str, Site]) -> None:
    """SettingsError with every name that fits nobody on any site, and the nearest ones."""
    problems = list(_problems(rights, sites)) if sites else []
    if problems:
        raise SettingsError(problems)


def _problems(rights: Rights, sites: Mapping[str, Site]) -> Iterator[str]:
    for right in GIVEN:
        holders = holders_of(rights, right)
        for kind, names in (("people", holders.people), ("groups", holders.groups)):
            for name in names:
                trouble = _trouble(name, kind, sites)
                if trouble:
                    yield f"`web.rights.{right.replace('-', '_')}.{kind}`: {trouble}"


def _trouble(name: str, kind: str, sites: Mapping[str, Site]) -> str:
    """Why a name fits nobody; empty where it fits somebody somewhere."""
    trouble = ""
    for site in sites.values():
        if site.users_named(name) if kind == "people" else site.groups_named(name):
            return ""
        try:
            meant = site.find_user(name).name if kind == "people" else site.find_group(name).name
        except TabwardenError as error:
            trouble = trouble or str(error)
        else:
            trouble = f"`{name}` is no name by which somebody signs in; write `{meant}`"
    return trouble
