"""The conditions of what Tableau mails: subscriptions and data alerts.

Sources: "Create a Subscription to a View or Workbook", "Ensure Access to Subscriptions and Data-Driven Alerts" (View;
Download Image/PDF for images; credentials embedded or none), "Set Users' Site Roles", "Manage Site User Visibility".
"""

from __future__ import annotations

from tabwarden.access.abilities.question import (
    Conditions,
    Deed,
    not_personal,
    owns,
    role_explores,
    rules_project,
)
from tabwarden.access.answer import Answer
from tabwarden.model.roles import current_role
from tabwarden.model.site_settings import LIMITED


def subscribe(deed: Deed) -> Conditions:
    """Subscribe oneself, or `to`, to a view or workbook: who gets the mail needs View.

    Others are subscribed by the content's owner, the project's owner or leader, or an administrator.
    """
    on = deed.says(deed.site.settings.subscriptions, "site_setting", what="subscriptions on this site")
    content, recipient = deed.on(), deed._replace(user=deed.to or deed.user)
    others = () if recipient.user == deed.user else _subscribes_others(deed)
    mailed = recipient.says(current_role(recipient.role) != "Guest", "site_role", what="a recipient with an address")
    where = (deed.of_kind("workbook", "view"), not_personal(deed))
    return (*where, on, *others, mailed, *_without_prompts(deed), recipient.may("Read", content))


def subscribe_with_image(deed: Deed) -> Conditions:
    """The same with an image or PDF in the mail: whoever gets it needs Download Image/PDF too."""
    return (*subscribe(deed), deed._replace(user=deed.to or deed.user).may("ExportImage", deed.on()))


def _subscribes_others(deed: Deed) -> Conditions:
    on = deed.says(deed.site.settings.subscribe_others, "site_setting", what="subscribing others on this site")
    owner = owns(deed, deed.workbook(), yes="content_owner") if deed.workbook() in deed.site.contents else None
    if owner is not None and owner.allowed:
        return (on, owner)
    return (on, rules_project(deed, deed.project()))


def _without_prompts(deed: Deed) -> Conditions:
    """A mail is made while nobody is there to be asked: credentials of the data are embedded, or there are none."""
    workbook = deed.site.contents.get(deed.workbook())
    unread = workbook is None or any(use.auth not in ("embed", "prompt") for use in workbook.uses)
    prompts = workbook is not None and any(use.auth == "prompt" for use in workbook.uses)
    if unread and not prompts:
        return (deed.unread(deed.workbook()),)
    return (deed.says(not prompts, "prompted", what="data that nobody is prompted for"),)


def set_data_alert(deed: Deed) -> Conditions:
    """A data alert on a view: follows View, not for Viewer; limited user visibility ends alerts for all."""
    settings = deed.site.settings
    return (
        not_personal(deed),
        deed.says(settings.data_alerts, "site_setting", what="data alerts on this site"),
        fully_visible(deed, "data alerts"),
        role_explores(deed),
        *_without_prompts(deed),
        deed.may("Read", deed.on()),
    )


def fully_visible(deed: Deed, what: str) -> Answer:
    """Limited user visibility ends it for everybody."""
    limited = deed.site.settings.user_visibility == LIMITED
    return deed.says(not limited, "site_setting", what=f"full user visibility, which {what} need")
