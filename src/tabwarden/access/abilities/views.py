"""The conditions of using what one may View: custom views, filters, tags, comments.

Sources: the permissions paper's glossary and its example C (actions and tooltips need no Filter; customized views and
tags without it); the blog, "Shared customized", and its last comment (comments are deleted, never edited); "Guest User"
(Server Help 2020.3); "Manage Site User Visibility"; tableau-permissions §2.2, §7.
"""

from __future__ import annotations

from tabwarden.access.abilities.question import Conditions, Deed, rules_project
from tabwarden.access.answer import Answer
from tabwarden.model.roles import current_role, is_licensed
from tabwarden.model.site_settings import sees_nobody


def _no_guest(deed: Deed) -> Answer:
    """Guest saves nothing of his own ("Guest User": no custom views, no comments)."""
    return deed.says(current_role(deed.role) != "Guest", "site_role", what="a site role that keeps something")


def use_filters(deed: Deed) -> Conditions:
    """Quick filters, parameters and other interactive elements (paper, glossary: Filter)."""
    return (deed.may("Read", deed.on()), deed.may("Filter", deed.on()))


def use_actions(deed: Deed) -> Conditions:
    """Actions and tooltips work without Filter (paper, glossary and example C)."""
    return (deed.may("Read", deed.on()),)


def save_custom_view(deed: Deed) -> Conditions:
    """Save a custom view of one's own: View, and Filter where the blog is followed (an open point)."""
    filter_too = (deed.may("Filter", deed.on()),) if deed.open_points.custom_views_need_filter else ()
    return (_no_guest(deed), deed.may("Read", deed.on()), *filter_too)


def share_custom_view(deed: Deed) -> Conditions:
    """Let others see one's custom view: Share Customized (blog, "Shared customized")."""
    return (*save_custom_view(deed), deed.may("ShareView", deed.on()))


def tag(deed: Deed) -> Conditions:
    """Add tags: whoever may View it (paper, example C); for Guest, who keeps nothing, that is believed.

    Limited user visibility leaves tags to Creators and administrators.
    """
    hidden = sees_nobody(deed.site.settings, deed.role)
    shown = deed.says(not hidden, "site_setting", what="full user visibility, or a site role that sees everybody")
    return (_no_guest(deed), shown, deed.may("Read", deed.on()))


def read_comments(deed: Deed) -> Conditions:
    return (deed.may("Read", deed.on()), deed.may("ViewComments", deed.on()))


def comment(deed: Deed) -> Conditions:
    return (deed.may("Read", deed.on()), deed.may("AddComment", deed.on()))


def delete_comment(deed: Deed) -> Conditions:
    """Delete the comment of `to`: one's own; of others the content's owner, the project's people, administrators.

    An administrator may (blog, last comment); the others are believed.
    """
    content = deed.on()
    own = deed.to == deed.user
    if own or deed.is_admin:
        allowed = deed.says(True, "not_owner", yes="own_comment" if own else "admin", what="the right to delete it")
        return (deed.says(is_licensed(deed.role), "site_role", what="a licence"), allowed)
    owned = deed.site.contents.get(deed.site.contents[content].parent or "") or deed.site.contents[content]
    item = owned if deed.site.contents[content].kind == "view" else deed.site.contents[content]
    owner = deed.says(item.owner == deed.user, "not_owner", yes="content_owner", what="owning it")
    rules = owner if owner.allowed else rules_project(deed, deed.project(), otherwise="not_owner")
    return (deed.may("Read", content), rules)


def edit_comment(deed: Deed) -> Conditions:
    """Nobody edits a comment, an administrator neither (blog, last comment)."""
    return (deed.says(False, "never_edited", what="editing a comment"),)
