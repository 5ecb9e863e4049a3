"""The settings of the pages: where they are served, who signs in how, and who has which right."""

from __future__ import annotations

from typing import Annotated

from pydantic import AfterValidator, Field

from tabwarden.section import Age, Section, Text, address_of

MINUTE, HOUR = 60, 3600


def public_address(value: str) -> str:
    """The address people type, without a slash at its end."""
    return address_of(
        value,
        ("https", "http"),
        "https://tabwarden.example.com",
        account="`web.rights`",
        alone="the pages stand at its root",
    )


class Holders(Section):
    """Who has a right."""

    people: tuple[Text, ...] = Field(default=(), description="user names on Tableau")
    groups: tuple[Text, ...] = Field(default=(), description="groups of Tableau whose members have it")


class Rights(Section):
    """Who may do more than look at what Tableau shows him."""

    catalog: Holders = Field(default=Holders(), description="change sources of the catalog and run their extraction")
    auditor: Holders = Field(default=Holders(), description="ask about everybody and everything")
    operator: Holders = Field(default=Holders(), description="make plans, apply and undo them")
    approver: Holders = Field(default=Holders(), description="approve plans of others")
    administrator: Holders = Field(default=Holders(), description="all of it, and see the audit trail")


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
    rights: Rights = Field(default=Rights(), description="who may do more than look at what Tableau shows him")
