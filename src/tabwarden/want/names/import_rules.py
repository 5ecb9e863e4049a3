"""Which Tableau user name an import from Active Directory makes.

Source: "User Management in Active Directory Deployments", sections on adding users and groups. The document says a
sAMAccountName is shorter than 20 characters and that names longer than 20 are imported by UPN; exactly 20 is
therefore an open point, by default still the sAMAccountName.
"""

from __future__ import annotations

from typing import NamedTuple

TYPED, CSV, GROUP = "typed", "csv", "group"
LONGEST_SAM_ACCOUNT_NAME = 20


class ImportedName(NamedTuple):
    """A user name and why it is that one: `attribute` is sAMAccountName or UPN prefix, `because` a reason code."""

    name: str
    attribute: str
    because: str


def upn_prefix(upn: str) -> str:
    """What stands before the last `@` of a userPrincipalName."""
    return upn.rpartition("@")[0] or upn


def imported_by_upn(given: str, route: str = TYPED, *, twenty_is_long: bool = False) -> str | None:
    """Why the name given (without domain) is imported by UPN: `at_sign`, `longer_than_20`; None when it is not."""
    if route == GROUP:
        return None
    if "@" in given:
        return "at_sign"
    longest = LONGEST_SAM_ACCOUNT_NAME - 1 if twenty_is_long else LONGEST_SAM_ACCOUNT_NAME
    return "longer_than_20" if len(given) > longest else None


def imported_name(
    given: str, sam_account_name: str, upn: str, route: str = TYPED, *, twenty_is_long: bool = False
) -> ImportedName:
    """The user name that importing this person makes, by what was given and by which route.

    A person without a UPN keeps his sAMAccountName.
    """
    because = imported_by_upn(given, route, twenty_is_long=twenty_is_long)
    if because is None:
        return ImportedName(sam_account_name, "sAMAccountName", "group" if route == GROUP else "usual")
    if not upn:
        return ImportedName(sam_account_name, "sAMAccountName", "no_upn")
    return ImportedName(upn_prefix(upn), "UPN prefix", because)


def tableau_nickname(fqdn: str) -> str:
    """The nickname Tableau gives a domain by itself: its first label; the NetBIOS name is never looked up."""
    return fqdn.partition(".")[0]
