"""A world as Cloud would have it: everybody is called by his e-mail address.

Who has no address gets one of `example.com`. Ids stay, and so do passwords, which Cloud with MFA takes from nobody.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from tabwarden.model.site import LOCAL, User
from tabwarden.sandbox.state.server_state import AccountKey, World, key_of

MAIL_DOMAIN = "example.com"


def as_cloud(world: World) -> World:
    """The world with local user names that are e-mail addresses, in its sites, accounts and tokens."""
    named = _addresses(world)

    def renamed(user: User) -> User:
        return replace(user, name=named.get(key_of(user.name, user.domain), user.name))

    return replace(
        world,
        sites=tuple(site.with_users(*map(renamed, site.users.values())) for site in world.sites),
        accounts=tuple(replace(a, name=named.get(key_of(a.name, a.domain), a.name)) for a in world.accounts),
        tokens=tuple(replace(t, user=named.get(key_of(t.user, t.domain), t.user)) for t in world.tokens),
    )


def _addresses(world: World) -> Mapping[AccountKey, str]:
    """The new name of every local account whose name is no address: its e-mail where that is free."""
    everybody = [user for site in world.sites for user in site.users.values() if user.domain == LOCAL]
    taken = {user.name.casefold() for user in everybody if "@" in user.name}
    addresses: dict[AccountKey, str] = {}
    for user in everybody:
        key = key_of(user.name, user.domain)
        if "@" in user.name or key in addresses:
            continue
        free = "@" in user.email and user.email.casefold() not in taken
        addresses[key] = user.email if free else f"{user.name}@{MAIL_DOMAIN}"
        taken.add(addresses[key].casefold())
    return addresses
