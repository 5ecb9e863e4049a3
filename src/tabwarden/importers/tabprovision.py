"""TabProvision's XML: people, groups, and who takes over whose content; of rules it says nothing (its README)."""

from __future__ import annotations

from xml.etree.ElementTree import Element, ParseError, fromstring

from tabwarden.model.errors import SettingsError
from tabwarden.model.site import Site
from tabwarden.want.policy.export import Export

ROOTS = ("SiteProvisioning", "SynchronizeConfiguration")


def fits(text: str) -> bool:
    """Whether it is one of its two manifests."""
    return any(f"<{root}" in text for root in ROOTS)


def read(text: str, _site: Site | None) -> Export:
    """A policy without a wish; as remarks what keeps people here, and the sentences that hand content over."""
    root = _root(text)
    users, groups = list(root.iter("User")), [*root.iter("GroupMembership"), *root.iter("SynchronizeGroup")]
    remarks = ["TabProvision says nothing of rules, locks and leaders: this policy plans nothing"]
    if users or groups:
        number = f"{len(users)} people and {len(groups)} groups"
        remarks.append(f"{number} are kept by `tabwarden run people`, see `tabwarden help several-sources`")
    granting = [g.get("name") or g.get("targetGroup") or "" for g in groups if g.get("grantLicenseMode") == "onLogin"]
    if granting:
        remarks.append(f"groups that grant a site role on sign-in: {', '.join(sorted(granting))}")
    for change in root.iter("ChangeContentOwner"):
        old, new = (change.get(key) or change.get(key.lower()) or "" for key in ("oldOwnerName", "newOwnerName"))
        remarks.append(f'tabwarden plan change "give everything of {old} to {new}"')
    return Export(remarks=remarks)


def _root(text: str) -> Element:
    """The tree, without declarations of its own: those could make a small text large."""
    if "<!DOCTYPE" in text or "<!ENTITY" in text:
        raise SettingsError(["the file declares a document type, which TabProvision never writes; take it out"])
    try:
        return fromstring(text.removeprefix("\ufeff").strip())
    except ParseError as error:
        raise SettingsError([f"the file is no XML: {error}"]) from None
