"""Which part of a site a read was of, and what left out limits View: words of `Site.partial`."""

from __future__ import annotations

from collections.abc import Iterable

from tabwarden.model.roles import is_admin, is_known
from tabwarden.model.site import Site

OUTSIDE = "content outside of "
"""How `Site.partial` begins to tell what was left out where some projects were read."""
CONNECTIONS = "connections of workbooks"
SETTINGS = "the site's own settings"
PERSONAL = "things in personal spaces, which only their owners see"
SIGN_IN = "how people sign in"
DESCRIPTIONS = "descriptions of workbooks"
TAGS = "tags of content"
_NOBODYS_VIEW = (CONNECTIONS, SETTINGS, PERSONAL, SIGN_IN, DESCRIPTIONS, TAGS)
TAGGED = frozenset({"workbook", "view", "datasource", "flow"})
CERTIFIED = frozenset({"datasource", "virtualconnection", "database", "table"})
CONNECTED = frozenset({"workbook", "datasource", "flow"})
"""Kinds that have tags, may be certified, have connections of their own."""
PUBLISHED = "sqlproxy"
"""What Tableau calls a connection to a published data source."""


def of_rules(partial: Iterable[str]) -> tuple[str, ...]:
    """What was left out that a capability may hang on: of connections only abilities ask, of tags and words nobody."""
    return tuple(words for words in partial if not any(one in words for one in (CONNECTIONS, DESCRIPTIONS, TAGS)))


def is_limited(site: Site) -> bool:
    """Whether what was left out may be something that others may View, or the reader is no administrator.

    Servers leave things out silently for whom they do not concern. What only decides other abilities limits no view.
    """
    role = site.taken.by_role
    left_out = [what for what in site.partial if not any(words in what for words in _NOBODYS_VIEW)]
    return bool(left_out) or (is_known(role) and not is_admin(role))


def shown_to(site: Site) -> str | None:
    """Whom the site was shown to: the id of a reader who is no administrator, where one user alone has his name.

    A server lists for him what he may View, so all that was read is View for him, whatever could be read of its rules.
    """
    role = site.taken.by_role
    users = site.users_named(site.taken.by) if is_known(role) and not is_admin(role) else ()
    return users[0] if len(users) == 1 else None


def scope_of(site: Site) -> str:
    """'' for what an administrator read of the whole site, else which projects were read, or as whom.

    A server keeps back silently what a reader who is no administrator may not see. So what is missing in a read of
    one scope is not gone, and two scopes cannot be compared.
    """
    role = site.taken.by_role
    within = [words for words in site.partial if words.startswith(OUTSIDE)]
    limited = [f"as {site.taken.by} ({role})"] if role and not is_admin(role) else []
    return "; ".join([*within, *limited])
