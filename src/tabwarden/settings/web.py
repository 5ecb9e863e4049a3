"""The settings of the pages: where they are served, who signs in how, and who has which right."""

from __future__ import annotations

from ipaddress import ip_network
from typing import Annotated

from pydantic import AfterValidator, Field

from tabwarden.section import Age, Section, SiteRole, Text, address_of

MINUTE, HOUR, DAY = 60, 3600, 86400


def public_address(value: str) -> str:
    """The address people type, without a slash at its end."""
    return address_of(
        value,
        ("https", "http"),
        "https://tabwarden.example.com",
        account="`web.rights`",
        alone="the pages stand at its root",
    )


def network(value: str) -> str:
    """An address or a network of addresses."""
    try:
        return str(ip_network(value.strip(), strict=False))
    except ValueError:
        raise ValueError("must be an address or a network such as `10.0.0.7` or `10.0.0.0/24`") from None


class Holders(Section):
    """Who has a right."""

    people: tuple[Text, ...] = Field(default=(), description="user names on Tableau")
    groups: tuple[Text, ...] = Field(default=(), description="groups of Tableau whose members have it")


class LookAs(Holders):
    """Who may look as somebody else, and as whom."""

    site_roles: tuple[SiteRole, ...] = Field(
        default=("Viewer",), description="site roles of those one may look as; never one above one's own"
    )


class Rights(Section):
    """Who may do more than look at what Tableau shows him."""

    catalog: Holders = Field(default=Holders(), description="change sources of the catalog and run their extraction")
    auditor: Holders = Field(default=Holders(), description="ask about everybody and everything")
    operator: Holders = Field(default=Holders(), description="make plans, apply and undo them")
    approver: Holders = Field(default=Holders(), description="approve plans of others")
    administrator: Holders = Field(default=Holders(), description="all of it but `look_as`, and see the audit trail")
    look_as: LookAs = Field(default=LookAs(), description="see the pages as somebody else of the same site sees them")


class Web(Section):
    """The pages of `tabwarden serve`."""

    host: Text = Field(default="127.0.0.1", description="address they listen on")
    port: int = Field(default=8740, ge=0, le=65535, description="port they listen on; 0: any that is free")
    url: Annotated[str, AfterValidator(public_address)] | None = Field(
        default=None, description="address people type; when not given, that of `host` and `port`"
    )
    workers: int = Field(default=1, ge=1, le=64, description="processes that answer")
    idle: Age = Field(default=30 * MINUTE, description="a session ends after so long without a page: `m`, `h` or `d`")
    longest: Age = Field(default=12 * HOUR, description="a session ends after so long in any case: `m`, `h` or `d`")
    approval: bool = Field(
        default=False, description="whether a plan is applied only after somebody other than its author approved it"
    )
    longest_token: Age = Field(default=90 * DAY, description="the longest that a token of the API may be good for")
    attempts: int = Field(
        default=10,
        ge=1,
        le=1000,
        description="failed sign-ins of one person, and ten times as many from one address,"
        " within 15 minutes; then none is tried until they are past",
    )
    proxies: tuple[Annotated[str, AfterValidator(network)], ...] = Field(
        default=(), description="addresses of proxies whose `X-Forwarded-For`, `-Proto` and `-Host` are believed"
    )
    rights: Rights = Field(default=Rights(), description="who may do more than look at what Tableau shows him")
