"""A site as Tableau ships it: the server's administrators, All Users, the Default project that All Users may View.

Not a world: worlds come from files, this is what creating a site on a running sandbox gives.
Source: "Add or Edit Sites" (Server Help); the packaged world `empty` is the same as a file.
"""

from __future__ import annotations

from types import MappingProxyType

from tabwarden.model.capability import TEMPLATES
from tabwarden.model.roles import is_server_admin
from tabwarden.model.site import ALL_USERS, ALLOW, Content, Grantee, Group, Rule, Rules, Site, User
from tabwarden.model.site_settings import SiteSettings
from tabwarden.sandbox.state.server_state import key_of
from tabwarden.sandbox.state.sites import State, stable_id

_WITH_DEFAULTS = ("workbook", "datasource", "flow")


def new_site(state: State, name: str, content_url: str, by: User) -> Site:
    """A site of that name, not yet in the state; `by` owns its Default project."""
    site_id = state.new_id(state.sites[0], "site")
    admins: dict[tuple[str, str], User] = {}
    for other in state.sites:
        for user in other.users.values():
            key = key_of(user.name, user.domain)
            if is_server_admin(user.site_role) and key not in admins:
                new_id = stable_id(site_id, "user", *key)
                admins[key] = User(new_id, user.name, user.site_role, user.domain, user.full_name, user.email)
    everyone = Group(stable_id(site_id, "group", ALL_USERS), ALL_USERS, everyone=True)
    default = Content(
        stable_id(site_id, "project", "Default"),
        "project",
        "Default",
        None,
        admins[key_of(by.name, by.domain)].id,
        rules=_view("project", everyone),
        defaults=MappingProxyType({kind: _view(kind, everyone) for kind in _WITH_DEFAULTS}),
        created=state.now(),
        updated=state.now(),
    )
    return Site(
        id=site_id,
        name=name,
        content_url=content_url,
        users={user.id: user for user in admins.values()},
        groups={everyone.id: everyone},
        contents={default.id: default},
        settings=SiteSettings(),
    )


def _view(kind: str, group: Group) -> Rules:
    grantee = Grantee("group", group.id)
    return frozenset(Rule(grantee, capability, ALLOW) for capability in TEMPLATES[kind]["View"])
