"""A question about an ability, and the conditions that several abilities share. Not the abilities themselves."""

from __future__ import annotations

from dataclasses import replace
from typing import NamedTuple

from tabwarden.access.answer import ALLOWED, DENIED, UNKNOWN, Answer
from tabwarden.access.leading import power_over
from tabwarden.access.reference import may
from tabwarden.model.errors import UnknownName
from tabwarden.model.roles import is_admin, publishes
from tabwarden.model.site import Site
from tabwarden.model.switches import Switches

Conditions = tuple[Answer, ...]


class Deed(NamedTuple):
    """A question about an ability: who, what, on which content, towards which project or person (ids)."""

    site: Site
    user: str
    action: str
    content: str | None
    target: str | None
    to: str | None
    model: str
    switches: Switches

    def may(self, capability: str, content: str) -> Answer:
        """The reference's answer for the same person."""
        return may(self.site, self.user, capability, content, model=self.model, switches=self.switches)

    def says(self, fact: bool, because: str, *, yes: str = "ok") -> Answer:
        """A condition that is a plain fact: its reason is `because` when it does not hold."""
        verdict, reason = (ALLOWED, yes) if fact else (DENIED, because)
        return Answer(verdict, reason, self.user, self.action, self.content, self.model)

    @property
    def role(self) -> str:
        """The person's site role."""
        return self.site.users[self.user].site_role

    def on(self) -> str:
        """The content asked about; an action that needs one and got none is a caller's mistake."""
        if self.content is None:
            raise UnknownName(f"`{self.action}` needs a content to be asked about")
        return self.content


def role_publishes(deed: Deed) -> Answer:
    """The site role publishes at all."""
    return deed.says(publishes(deed.role) != "no", "site_role")


def rules_project(deed: Deed, project: str, *, otherwise: str = "not_leader") -> Answer:
    """Administrator, or owner or leader of the project or of a parent."""
    if is_admin(deed.role):
        return deed.says(True, otherwise, yes="admin")
    power = power_over(deed.site, deed.user, project, deed.model)
    return deed.says(power is not None, otherwise, yes=power.reason if power is not None else "ok")


def owns(deed: Deed, content: str, *, yes: str) -> Answer:
    """Administrator or owner of the content; `yes` is the reason an owner gets."""
    if is_admin(deed.role):
        return deed.says(True, "not_owner", yes="admin")
    return deed.says(deed.site.contents[content].owner == deed.user, "not_owner", yes=yes)


def own_connect(deed: Deed, workbook: str, *, only_prompted: bool) -> Conditions:
    """Own Connect on the published data sources behind a workbook (§6.1); embedded ones only for web editing."""
    found: list[Answer] = []
    for use in deed.site.contents[workbook].uses:
        if use.auth == "embed" and only_prompted:
            found.append(deed.says(True, "missing_connect", yes="embedded_credentials"))
            continue
        if use.datasource not in deed.site.contents:
            found.append(Answer(UNKNOWN, "not_read", deed.user, deed.action, workbook, deed.model))
            continue
        needed = ["Connect", "Read"] if deed.switches.prompted_needs_view and only_prompted else ["Connect"]
        for capability in needed:
            answer = deed.may(capability, use.datasource)
            denied = answer.verdict == DENIED and capability == "Connect"
            found.append(replace(answer, because="missing_connect") if denied else answer)
    return tuple(found)


def workbook_of(deed: Deed) -> str:
    """The workbook of a view; any other content itself."""
    held = deed.site.contents[deed.on()]
    return held.parent if held.kind == "view" and held.parent is not None else held.id


def project_of(deed: Deed) -> str:
    """The project that holds the content; UnknownName where it was not read."""
    project = deed.site.project_of(deed.on())
    if project is None or project not in deed.site.contents:
        raise UnknownName(f"the project of `{deed.site.path(deed.on())}` was not read, so `{deed.action}` is unknown")
    return project
