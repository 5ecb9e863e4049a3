"""Worlds by name or file: packaged ones such as w0, the generated acme, a YAML file of your own."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from importlib import resources
from pathlib import Path
from typing import Any

from tabwarden.model.errors import WorldError
from tabwarden.sandbox.directories.pretend_directory import pretend_directory
from tabwarden.sandbox.state.server_state import AccessToken, Account, ConnectedApp, World, key_of
from tabwarden.sandbox.worlds import acme, sizes
from tabwarden.sandbox.worlds import file as world_file
from tabwarden.sandbox.worlds.build import build_site, plain_name
from tabwarden.sandbox.worlds.file import SiteText, WorldText
from tabwarden.sandbox.worlds.save import text_of

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
    return World(
        text.world,
        tuple(build_site(site) for site in text.sites),
        tuple(_accounts(text.sites)),
        tuple(AccessToken(t.name, t.secret, t.user, t.domain) for t in text.tokens),
        tuple(ConnectedApp(a.client_id, a.secret_id, a.secret, a.name) for a in text.apps),
        _directory(text),
        dict(text.nicknames),
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
