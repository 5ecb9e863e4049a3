"""The site's own settings, and what they take away before any rule speaks.

Sources: tableau-permissions §10.26; "Manage Site User Visibility" (current help).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from tabwarden.model.roles import current_role, is_admin, is_known

FULL, LIMITED = "FULL", "LIMITED"


@dataclass(frozen=True, slots=True)
class SiteSettings:
    """The site's own settings, which veto or widen abilities (tableau-permissions §10.26).

    `admin_mode` ContentOnly keeps site administrators from managing users.
    `user_visibility` FULL lets everybody see other users (the papers' Public User List), LIMITED only Creators and
    administrators.
    `vizql_data_service` and `personal_space` are no attributes that REST tells of a site; a reader leaves them on.
    """

    web_authoring: bool = True
    commenting: bool = True
    group_sets: bool = True
    explain_data: bool = True
    admin_mode: str = "ContentAndUsers"
    user_visibility: str = FULL
    subscriptions: bool = True
    subscribe_others: bool = True
    data_alerts: bool = True
    revision_history: bool = True
    personal_space: bool = True
    vizql_data_service: bool = True

    def is_off(self, name: str) -> bool:
        """Whether a setting is switched off; of user visibility: whether it is limited."""
        return getattr(self, name) in (False, LIMITED)


_COMMENTS = ("commenting", "user_visibility")
# By capability the settings that take it from everybody, administrators included. Limited user visibility ends
# comments and shared custom views for all.
GATED_BY: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "WebAuthoring": ("web_authoring",),
        "ViewComments": _COMMENTS,
        "AddComment": _COMMENTS,
        "ShareView": ("user_visibility",),
        "RunExplainData": ("explain_data",),
        "VizqlDataApiAccess": ("vizql_data_service",),
    }
)


def setting_against(settings: SiteSettings, capability: str) -> str | None:
    """The setting that takes the capability from everybody; None where none does."""
    return next((name for name in GATED_BY.get(capability, ()) if settings.is_off(name)), None)


def sees_nobody(settings: SiteSettings, role: str) -> bool:
    """Whether limited user visibility hides other people from a site role: from all but Creators and administrators.

    They open no permission dialog, and REST refuses them what the dialog shows; tags they only read. Of a role that
    this release does not know nothing is said.
    """
    hidden = is_known(role) and current_role(role) != "Creator" and not is_admin(role)
    return hidden and settings.user_visibility == LIMITED
