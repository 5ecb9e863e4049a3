"""The settings of the pages: where they are served, who signs in how, and who has which right."""

from __future__ import annotations

from ipaddress import ip_network
from typing import Annotated, Self

from pydantic import AfterValidator, Field, model_validator

from tabwarden.section import Age, LocalPath, Secret, Section, SiteRole, Text, address_of, loopback

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


def issuer_address(value: str) -> str:
    """An OpenID provider's name for itself: an address over TLS, as OpenID Connect Discovery (section 3) has it."""
    plain, _, path = value.strip().partition("://")[2].partition("/")
    scheme = value.strip().partition("://")[0]
    if scheme not in ("https", "http") or not plain or "@" in plain or set("?#") & set(path):
        raise ValueError("must be an address such as `https://login.example.com/realms/main`")
    if scheme == "http" and not loopback(value.strip()):
        raise ValueError("must begin with `https://`: whoever can read or change what is sent could be anybody")
    return value.strip()


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
    openid_groups: tuple[Text, ...] = Field(
        default=(), description="groups that the OpenID provider names in `web.openid.groups_claim`"
    )


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


class OpenId(Section):
    """The OpenID provider at which people sign in."""

    issuer: Annotated[Text, AfterValidator(issuer_address)] = Field(
        description="its name for itself, under which it is found"
    )
    client_id: Text = Field(description="what it calls these pages")
    client_secret: Secret | None = Field(
        default=None, description="the secret that goes with it; none where it was registered without one"
    )
    scopes: tuple[Text, ...] = Field(default=("openid", "profile", "email"), description="what is asked of it")
    user_claim: Text = Field(default="preferred_username", description="claim that is the user name on Tableau")
    groups_claim: Text | None = Field(default=None, description="claim that names the groups somebody is in")
    ca_file: LocalPath | None = Field(
        default=None, description="PEM file of the authority that signed the provider's certificate"
    )
    leeway: int = Field(default=60, ge=0, le=600, description="seconds its clock and this one may differ")
    timeout: float = Field(default=10, gt=0, le=60, description="seconds to wait for an answer of it")


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
    tableau: bool = Field(
        default=False, description="whether people may sign in with their password or token of Tableau itself"
    )
    openid: OpenId | None = Field(default=None, description="the OpenID provider at which people sign in")
    rights: Rights = Field(default=Rights(), description="who may do more than look at what Tableau shows him")

    @model_validator(mode="after")
    def _openid_has_what_it_needs(self) -> Self:
        """An address to come back to, and a claim for the groups that rights name."""
        if self.openid is not None and self.url is None:
            raise ValueError("`openid` needs `url`, the address that the provider sends people back to")
        named = [right for right in Rights.model_fields if getattr(self.rights, right).openid_groups]
        if named and (self.openid is None or self.openid.groups_claim is None):
            raise ValueError(
                f"`rights.{named[0]}.openid_groups` needs `openid.groups_claim`, the claim that names somebody's groups"
            )
        return self
