"""Changes named by ids before there is a Site to name them on, as tests write them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from tabwarden.effects.change import Change
from tabwarden.effects.ops import content, details, groups, memberships, projects, rules, users
from tabwarden.effects.people import Outcome
from tabwarden.effects.ref import content_ref, grantee_ref, user_ref
from tabwarden.model.open_points import DOCUMENTED, OpenPoints
from tabwarden.model.site import Grantee, Site


@dataclass(frozen=True)
class ById:
    """A change that knows its ids; `on` a Site it is the change."""

    make: Callable[..., Change]
    ids: tuple[object, ...]

    def on(self, site: Site) -> Change:
        return self.make(site, *self.ids)

    def done_to(self, site: Site, open_points: OpenPoints = DOCUMENTED) -> Outcome:
        return self.on(site).done_to(site, open_points)


def on(site: Site, edit: ById | Change) -> Change:
    """The change, on that Site."""
    return edit.on(site) if isinstance(edit, ById) else edit


def _by_id(make: Callable[..., Change]) -> Callable[..., ById]:
    return lambda *ids: ById(make, ids)


Join = _by_id(lambda site, group, user: memberships.AddToGroup.on(site, user, group))
Leave = _by_id(lambda site, group, user: memberships.RemoveFromGroup.on(site, user, group))
SetRole = _by_id(users.SetRole.on)
RemoveUser = _by_id(users.RemoveUser.on)
DeleteGroup = _by_id(groups.DeleteGroup.on)
MoveTo = _by_id(content.Move.on)
SetMode = _by_id(content.SetMode.on)
SetOwner = _by_id(content.SetOwner.on)
SetTabs = _by_id(lambda site, workbook, shown: content.SetTabs.on(site, workbook, shown=shown))
DeleteContent = _by_id(projects.DeleteContent.on)


def _new_project(site: Site, name: str, parent: str | None, owner: str, like: str | None) -> Change:
    above = f"{site.path(parent)}/" if parent is not None else ""
    return projects.NewProject.on(site, above + name, parent, owner, like)


def _row(site: Site, content: str, grantee: Grantee, allow: tuple[str, ...], deny: tuple[str, ...]) -> Change:
    before = rules.RuleRow.of(r for r in site.contents[content].rules or () if r.grantee == grantee)
    return rules.PutRules(content_ref(site, content), grantee_ref(site, grantee), before, rules.RuleRow(allow, deny))


def GiveDetails(user: str, **given: str) -> ById:  # noqa: N802
    """Other details of somebody."""

    def make(site: Site) -> Change:
        known, new = site.users[user], details.Details(**given)
        return details.SetDetails(user_ref(known), details.Details.of(known).where(new), new)

    return ById(make, ())


MakeProject, SetRow = _by_id(_new_project), _by_id(_row)
Describe = _by_id(content.SetDescription.on)
