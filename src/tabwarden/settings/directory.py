"""The settings of a directory: a file that was kept, or the domains to read. Not what is done with its people."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BeforeValidator, Field

from tabwarden.settings.base import LocalPath, Secret, Section, Text
from tabwarden.settings.values import directory_account, directory_address, domain_name


def _several(value: Any) -> Any:
    return [value] if isinstance(value, str) else value


class DirectoryDomain(Section):
    """A domain of Active Directory, and how it is read."""

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
