"""Sites: the list and creating (Server only), the one of the session, its settings, its end."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from urllib.parse import unquote

from tabwarden.model.names import same
from tabwarden.model.site import Site
from tabwarden.sandbox.handlers.content import truth
from tabwarden.sandbox.http import listing
from tabwarden.sandbox.http.call import NO_CONTENT, Call, Reply, ok
from tabwarden.sandbox.http.errors import Refusal
from tabwarden.sandbox.http.wire import Element, element
from tabwarden.sandbox.people import shapes
from tabwarden.sandbox.state.new_site import new_site
from tabwarden.sandbox.state.personality import CLOUD

_URL = re.compile(r"[\w-]{1,64}", re.ASCII)
_CHOICES: Mapping[str, tuple[str, ...]] = {
    "adminMode": ("ContentAndUsers", "ContentOnly"),
    "userVisibilityMode": ("FULL", "LIMITED"),
    "state": ("Active", "Suspended"),
}
_TIERS: Mapping[str, str] = {f"tier{tier}Capacity": tier for tier in ("Creator", "Explorer", "Viewer")}
_NUMBERS = frozenset({*_TIERS, "userQuota", "storageQuota", "revisionLimit"})
# Settings that the model has, others that are kept as words and told again, and what is not a setting.
_SETTINGS: Mapping[str, str] = {
    "commentingEnabled": "commenting",
    "authoringEnabled": "web_authoring",
    "subscribeOthersEnabled": "subscribe_others",
    "dataAlertsEnabled": "data_alerts",
    "revisionHistoryEnabled": "revision_history",
}
_KEPT = frozenset(
    "state userQuota storageQuota revisionLimit extractEncryptionMode"
    " requestAccessEnabled catalogingEnabled runNowEnabled guestAccessEnabled timeZone"
    " flowsEnabled derivedPermissionsEnabled cacheWarmupEnabled".split()
)


def sites(call: Call) -> Reply:
    """Every site for server administrators, else only the session's; Cloud refuses."""
    if not call.personality.lists_sites:
        raise Refusal("403069", "this server does not list sites; ask for the one you are signed in to")
    shown = call.state.sites if call.is_server_admin else (call.site,)
    return ok(*listing.answer(call, shapes.SITES, shown))


def site(call: Call) -> Reply:
    """The session's site by id, or by name or content URL where `key` says so; any other is unknown."""
    wanted, current = unquote(call.parameters["site"]), call.site
    key = call.query("key")
    own = {"name": current.name, "contentUrl": current.content_url}.get(key, current.id) if key else current.id
    if own.casefold() != wanted.casefold():
        raise Refusal("404000", f"site `{wanted}` could not be found")
    return ok(shapes.site(call, current))


def auth_configurations(_call: Call) -> Reply:
    """The identity providers of the site: none, for SAML and OpenID are not emulated."""
    return ok(element("siteAuthConfigurations"))


def create(call: Call) -> Reply:
    """A new site with the server's administrators, All Users and the Default project."""
    if call.personality.kind == CLOUD:
        raise Refusal("403069", "sites of this server are not made here")
    body = call.body("site")
    name = (body.get("name") or "").strip()
    if not name:
        raise Refusal("400003", "a site needs a name")
    site = new_site(call.state, name, body.get("contentUrl") or "", call.me)
    call.state.add_site(_settled(call, site, body))
    return ok(shapes.site(call, call.state.site(site.id)), status=201)


def update(call: Call) -> Reply:
    """Change name, content URL and settings of the session's site."""
    if not call.is_server_admin and call.personality.kind != CLOUD:
        raise Refusal("403004", "this is for server administrators; on Cloud for site administrators")
    call.state.put(_settled(call, call.site, call.body("site")))
    return ok(shapes.site(call, call.site))


def delete(call: Call) -> Reply:
    """Delete the session's site with all on it; everybody is signed out of it. The Default site stays."""
    site = call.site
    if call.personality.kind == CLOUD or not site.content_url or len(call.state.sites) == 1:
        raise Refusal("403004", "the Default site, and the last one, cannot be deleted")
    call.sessions.end_site(site.id)
    call.state.drop_site(site)
    return NO_CONTENT


def _settled(call: Call, site: Site, body: Element) -> Site:
    """The site with what is asked for; every value is checked before anything is kept."""
    name, url = (body.get("name") or site.name).strip(), body.get("contentUrl")
    url = site.content_url if url is None else url
    _free(call, site, name, url)
    for attribute, choices in _CHOICES.items():
        if (body.get(attribute) or choices[0]) not in choices:
            raise Refusal("400003", f"`{attribute}` is one of {', '.join(choices)}, not `{body.get(attribute)}`")
    for attribute in _NUMBERS:
        number = body.get(attribute) or "0"
        if not (number.isascii() and number.isdigit() and len(number) < 10):
            raise Refusal("400003", f"`{attribute}` is a number, not `{number}`")
    open_points = {field: truth(n, words) for n, field in _SETTINGS.items() if (words := body.get(n)) is not None}
    seats = {tier: int(words) for n, tier in _TIERS.items() if (words := body.get(n))}
    settings = replace(
        site.settings,
        admin_mode=body.get("adminMode") or site.settings.admin_mode,
        user_visibility=body.get("userVisibilityMode") or site.settings.user_visibility,
        **open_points,
    )
    given = {n: words for n in sorted(_KEPT) if (words := body.get(n)) is not None}
    if given:
        call.state.put_site_words(site.id, {**call.state.site_words.get(site.id, {}), **given})
    licences = {**(site.licences or {}), **seats} if seats else site.licences
    return replace(site, name=name, content_url=url, settings=settings, licences=licences)


def _free(call: Call, site: Site, name: str, url: str) -> None:
    """Names and content URLs are unique on a server, in any letter case."""
    if url != site.content_url and not _URL.fullmatch(url):
        raise Refusal("400003", f"a content URL is letters, digits, `-` and `_`, not `{url[:80]}`")
    others = [other for other in call.state.sites if other.id != site.id]
    if any(same(other.name) == same(name) or same(other.content_url) == same(url) for other in others):
        raise Refusal("409001", "a site of that name or content URL exists")
