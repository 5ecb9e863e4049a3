"""Which groups of the directory are kept on Tableau, and how."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from tabwarden.section import Section, SiteRole, Text


class SyncedGroup(Section):
    """A group of the directory that is kept on Tableau."""

    group: Text = Field(description="the group in the directory: its name, `DOMAIN\\name` or `full.domain.name\\name`")
    into: Text | None = Field(default=None, description="the group on Tableau; when not given, of the same name")
    minimum_site_role: SiteRole | Literal["Unlicensed"] | None = Field(
        default=None,
        description="least site role of its members; when not given, what the group grants stays as it is",
    )
    grant_on: Literal["onLogin", "onSync"] = Field(
        default="onLogin", description="when that role is given: at the next sign-in, or with the synchronisation"
    )
    by: Literal["auto", "import", "membership"] = Field(
        default="auto",
        description="`import`: Tableau's own group of the directory; `membership`: a local group; `auto`: what fits",
    )
    user_name: Literal["sAMAccountName", "userPrincipalName", "mail"] = Field(
        default="sAMAccountName",
        description="attribute that user names are made of where the server is not joined to the directory",
    )
    may_be_empty: bool = Field(default=False, description="whether nobody in the group is no stop")
