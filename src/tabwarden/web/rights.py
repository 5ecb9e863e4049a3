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
CATALOG, AUDITOR, OPERATOR, APPROVER, ADMINISTRATOR = (
    "catalog",
    "auditor",
    "operator",
    "approver",
    "administrator",
)
GIVEN = (CATALOG, AUDITOR, OPERATOR, APPROVER, ADMINISTRATOR)


def rights_of(rights: Rights, person: Mapping[str, Any], site: Site | None) -> frozenset[str]:
    """The rights of somebody who is signed in: his own access, and what the settings or his link give him."""
    given = set(person.get("rights", ()))
    given |= {right for right in GIVEN if _holds(getattr(rights, right), person, site)}
    return frozenset({OWN, *(GIVEN if ADMINISTRATOR in given else given)})


def _holds(holders: Holders, person: Mapping[str, Any], site: Site | None) -> bool:
    name = str(person["name"])
    if same(name) in map(same, holders.people):
        return True
    if site is None or not holders.groups:
        return False
    users = site.users_named(name)
    groups = {same(site.groups[group].name) for user in users[:1] for group in site.groups_of(user)}
    return len(users) == 1 and not groups.isdisjoint(map(same, holders.groups))


def check(rights: Rights, sites: Mapping[str, Site]) -> None:
    """SettingsError with every name that fits nobody on any site, and the nearest ones."""
    problems = list(_problems(rights, sites)) if sites else []
    if problems:
        raise SettingsError(problems)


def _problems(rights: Rights, sites: Mapping[str, Site]) -> Iterator[str]:
    for right in GIVEN:
        holders: Holders = getattr(rights, right)
        for kind, names in (("people", holders.people), ("groups", holders.groups)):
            for name in names:
                trouble = _trouble(name, kind, sites)
                if trouble:
                    yield f"`web.rights.{right}.{kind}`: {trouble}"


def _trouble(name: str, kind: str, sites: Mapping[str, Site]) -> str:
    """Why a name fits nobody; empty where it fits somebody somewhere."""
    trouble = ""
    for site in sites.values():
        try:
            site.find_user(name) if kind == "people" else site.find_group(name)
        except TabwardenError as error:
            trouble = trouble or str(error)
        else:
            return ""
    return trouble
