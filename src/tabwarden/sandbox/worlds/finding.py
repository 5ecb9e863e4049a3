"""Worlds by name or file: packaged ones such as w0, the generated acme, a YAML file of your own."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from importlib import resources
from pathlib import Path
from typing import Any

from tabwarden.model.errors import WorldError
from tabwarden.model.site import LOCAL, User
from tabwarden.model.takes import IdentityProvider
from tabwarden.sandbox.directories.directory import pretend_directory
from tabwarden.sandbox.state.server_state import AccessToken, Account, AccountKey, ConnectedApp, World, key_of
from tabwarden.sandbox.state.sites import stable_id
from tabwarden.sandbox.worlds import acme, sizes
from tabwarden.sandbox.worlds import file as world_file
from tabwarden.sandbox.worlds.build import build_site, plain_name
from tabwarden.sandbox.worlds.file import SiteText, WorldText
from tabwarden.sandbox.worlds.save import text_of

MAIL_DOMAIN = "example.com"


def as_cloud(world: World) -> World:
    """The world as Cloud would have it: local user names are e-mail addresses; ids and passwords stay."""
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


PACKAGED = ("w0", "company", "empty", "casual-users", "william", "erin")
GENERATED: Mapping[str, Callable[[int], WorldText]] = {"acme": acme.acme}


def find_world(name: str, *, seed: int = 0) -> World:
    """The world of a name (`PACKAGED`, `GENERATED`, `SIZES`) or of a YAML file; `seed` is for generated ones."""
    if name in sizes.SIZES:
        return sizes.sized(name, seed)
    return world_of(find_text(name, seed=seed))


def find_text(name: str, *, seed: int = 0) -> WorldText:
    """The text of a world by name or file."""
    if name in GENERATED:
        return GENERATED[name](seed)
    if name in sizes.SIZES:
        return text_of(sizes.sized(name, seed))
    if name in PACKAGED:
        packaged = resources.files("tabwarden.sandbox") / "worlds" / f"{name}.yaml"
        return world_file.read_text(packaged.read_text(encoding="utf-8"), name)
    path = Path(name)
    if not path.is_file():
        known = ", ".join((*PACKAGED, *GENERATED, *sizes.SIZES))
        raise WorldError(f"no world `{name}`; give one of {known}, or a YAML file")
    return world_file.read_file(path)


def world_of(text: WorldText) -> World:
    """Sites, accounts and tokens of a text. The password of an account is its name unless a site's user says other."""
    urls = [site.content_url.casefold() for site in text.sites]
    if len(set(urls)) < len(urls):
        raise WorldError(f"world `{text.world}` has two sites at one content URL")
    sites = tuple(build_site(site) for site in text.sites)
    providers = {site.id: _providers(site.id, one) for site, one in zip(sites, text.sites, strict=True)}
    return World(
        text.world,
        sites,
        tuple(_accounts(text.sites)),
        tuple(AccessToken(t.name, t.secret, t.user, t.domain) for t in text.tokens),
        tuple(ConnectedApp(a.client_id, a.secret_id, a.secret, a.name) for a in text.apps),
        _directory(text),
        dict(text.nicknames),
        {site: listed for site, listed in providers.items() if listed},
    )


def _providers(site: str, text: SiteText) -> tuple[IdentityProvider, ...]:
    return tuple(
        IdentityProvider(one.id or stable_id("identityProvider", site, one.name), one.name, one.auth_setting)
        for one in text.identity_providers
    )


def _directory(text: WorldText) -> Mapping[str, Any]:
    """The pretend directory as plain data, once it is known to be without mistakes."""
    plain: Mapping[str, Any] = text.directory.model_dump(mode="json", exclude_defaults=True)
    pretend_directory(plain)
    return plain


def _accounts(sites: Iterable[SiteText]) -> Iterable[Account]:
    accounts: dict[tuple[str, str], Account] = {}
    for site in sites:
        for key, user in site.users.items():
            name = plain_name(key)
            account = Account(name, user.password or name, user.domain)
            if user.password is not None or key_of(name, user.domain) not in accounts:
                accounts[key_of(name, user.domain)] = account
    return accounts.values()
