"""How the tests of this folder read the two domains. Not a test."""

from __future__ import annotations

from typing import Any, ClassVar

import domain_people as forest
from samba import ADMINISTRATOR, ADMINISTRATOR_PASSWORD, Domain, Domains

from tabwarden.sources.ldap.directory import read_directory
from tabwarden.sources.ldap.options import DirectoryDomain, DirectorySettings
from tabwarden.want.directory import Directory, DirectoryGroup, DirectoryPerson


def one(domains: Domains, domain: Domain, user: str = ADMINISTRATOR, **more: Any) -> DirectoryDomain:
    """How one domain is reached."""
    password = ADMINISTRATOR_PASSWORD if user == ADMINISTRATOR else forest.PASSWORD

    class Ranged(DirectoryDomain):
        member_range: ClassVar[int] = more.pop("member_range", 0)

    usual = {"fqdn": domain.fqdn, "servers": (domain.url,), "user": f"{domain.netbios}\\{user}"}
    return Ranged.model_validate({**usual, "password": password, "ca_file": domains.ca_file, **more})


def options(domains: Domains, user: str = ADMINISTRATOR, **more: Any) -> DirectorySettings:
    """How both are."""
    servers = tuple(one(domains, d, user, **more) for d in domains.both)
    return DirectorySettings(domains=servers, attributes=("department",))


def read(domains: Domains, previous: Directory | None = None, **more: Any) -> Directory:
    """Both domains, as an administrator who sees who was deleted."""
    return read_directory(options(domains, **more), previous)


def person(directory: Directory, name: str, domain: str = forest.CORP) -> DirectoryPerson:
    """The one person with this account."""
    (found,) = directory.people_with_account(name, domain)
    return found


def group(directory: Directory, name: str, domain: str = forest.CORP) -> DirectoryGroup:
    """The one group of this name."""
    (found,) = directory.groups_named(name, domain)
    return found


def within(directory: Directory, name: str, domain: str = forest.CORP) -> set[str]:
    """Who is in a group, nested groups resolved, by account; of another domain with the domain before."""
    people = (directory.people[guid] for guid in directory.everybody_in(group(directory, name, domain).guid))
    return {p.sam_account_name if p.domain == domain else f"{p.domain}\\{p.sam_account_name}" for p in people}
