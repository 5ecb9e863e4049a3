"""The section `directory` of the settings: a file that was kept, or the domains to read and how each is reached."""

from __future__ import annotations

import re
from typing import Annotated, Any, ClassVar, Literal

from pydantic import AfterValidator, BeforeValidator, Field

from tabwarden.section import LocalPath, Secret, Section, Text, address_of

_DOMAIN = re.compile(r"[\w-]+(\.[\w-]+)+")


def directory_address(value: str) -> str:
    """The address of a domain controller: `ldaps://host` or `ldap://host`, a port only where it is another."""
    return address_of(
        value,
        ("ldaps", "ldap"),
        "ldaps://dc1.corp.example.com",
        account="`user` and `password`",
        alone="the domain is in `fqdn`",
    )


def directory_account(value: str) -> str:
    """An account of a domain as it signs in: `name@domain` or `DOMAIN\\name`."""
    before, sign, after = value.strip().partition("\\" if "\\" in value else "@")
    if not (before and sign and after):
        raise ValueError("must be `name@domain` or `DOMAIN\\name`, so that no other domain can be meant")
    return value.strip()


def domain_name(value: str) -> str:
    """The full name of a domain: labels joined by dots."""
    if not _DOMAIN.fullmatch(value.strip()):
        raise ValueError("must be the full name of a domain such as `corp.example.com`")
    return value.strip()


def _several(value: Any) -> Any:
    return [value] if isinstance(value, str) else value


class DirectoryDomain(Section):
    """A domain of Active Directory, and how it is read."""

    member_range: ClassVar[int] = 0  # members asked for at a time; 0: as many as the server gives

    fqdn: Annotated[str, AfterValidator(domain_name)] = Field(
        description="full name of the domain, for example `corp.example.com`"
    )
    servers: Annotated[
        tuple[Annotated[str, AfterValidator(directory_address)], ...],
        BeforeValidator(_several),
        Field(min_length=1),
    ] = Field(description="its domain controllers, `ldaps://...` or `ldap://...`; the next is asked where one is away")
    user: Annotated[str, AfterValidator(directory_account)] = Field(
        description="account that reads, as `name@domain` or `DOMAIN\\name`"
    )
    password: Secret = Field(description="its password")
    security: Literal["starttls", "none"] = Field(
        default="starttls",
        description="how a line to `ldap://` is protected; `none` only on the same machine. `ldaps://` always is",
    )
    ca_file: LocalPath | None = Field(
        default=None, description="PEM file of the authority that signed the domain controllers' certificates"
    )
    timeout: float = Field(default=30, gt=0, le=600, description="seconds to wait for an answer")
    page_size: int = Field(
        default=1000, ge=1, le=10_000, description="objects asked for at a time; Windows gives at most 1000"
    )


class DirectorySettings(Section):
    """Exactly one of `file` and `domains`."""

    file: LocalPath | None = Field(
        default=None, description="directory file kept by `tabwarden directory read`, instead of reading one"
    )
    domains: tuple[DirectoryDomain, ...] = Field(
        default=(), description="domains to read, a list; the first is that of the Tableau server"
    )
    attributes: tuple[Text, ...] = Field(
        default=(), description="attributes of people to read besides the usual, for example `department`"
    )
    group_name: Literal["sAMAccountName", "cn"] = Field(
        default="sAMAccountName", description="attribute that names a group"
    )
    unread: tuple[Text, ...] = Field(
        default=(),
        description="domains, by full name or SID, that are knowingly not read; their people are left out of groups",
    )
    incremental: bool = Field(
        default=False, description="whether only the first read of a day is whole, and later ones ask for changes"
    )
