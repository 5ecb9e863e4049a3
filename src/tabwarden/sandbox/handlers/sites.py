"""Sites: the list and creating (Server only), the one of the session, its settings, its end."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from urllib.parse import unquote

from tabwarden.model.capability import TEMPLATES
from tabwarden.model.names import same
from tabwarden.model.roles import is_server_admin
from tabwarden.model.site import ALL_USERS, ALLOW, LOCAL, Content, Grantee, Group, Rule, Rules, Site, User
from tabwarden.model.site_settings import SiteSettings
from tabwarden.sandbox.directories import identity
from tabwarden.sandbox.handlers.content import truth
from tabwarden.sandbox.http import listing
from tabwarden.sandbox.http.call import NO_CONTENT, Call, Reply, ok
from tabwarden.sandbox.http.errors import Refusal
from tabwarden.sandbox.http.wire import Element, element
from tabwarden.sandbox.people import shapes
from tabwarden.sandbox.state.personality import CLOUD
from tabwarden.sandbox.state.server_state import key_of, stable_id
from tabwarden.sandbox.state.sites import State

_WITH_DEFAULTS = ("workbook", "datasource", "flow")


def new_site(state: State, name: str, content_url: str, by: User) -> Site:
    """A site as Tableau ships it ("Add or Edit Sites", Server Help), not yet in the state; `by` owns its Default."""
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
        defaults={kind: _view(kind, everyone) for kind in _WITH_DEFAULTS},
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


_URL = re.compile(r"[\w-]{1,64}", re.ASCII)
_CHOICES: Mapping[str, tuple[str, ...]] = {
    "adminMode": ("ContentAndUsers", "ContentOnly"),
    "userVisibilityMode": ("FULL", "LIMITED"),
    "state": ("Active", "Suspended"),
}
_TIERS: Mapping[str, str] = {f"tier{tier}Capacity": tier for tier in ("Creator", "Explorer", "Viewer")}
_NUMBERS = frozenset({*_TIERS, "userQuota", "storageQuota", "revisionLimit"})
# Settings that the model has; others are kept as words and told again.
_SETTINGS: Mapping[str, str] = {
    "commentingEnabled": "commenting",
    "authoringEnabled": "web_authoring",
    "subscribeOthersEnabled": "subscribe_others",
    "dataAlertsEnabled": "data_alerts",
    "revisionHistoryEnabled": "revision_history",
}


def sites(call: Call) -> Reply:
    """Every site for server administrators, else only the session's; Cloud refuses."""
    if not call.personality.lists_sites:
        raise Refusal("403069", "this server does not list sites; ask for the one you are signed in to")
    shown = call.state.sites if call.is_server_admin else (call.site,)
    return ok(*listing.answer(call, shapes.SITES, shown))


def site(call: Call) -> Reply:
    """The session's site by id, or by name or content URL where `key` says so; any other is unknown."""
    return ok(shapes.site(call, _named(call)))


def _named(call: Call) -> Site:
    wanted, current = unquote(call.parameters["site"]), call.site
    key = call.query("key")
    own = {"name": current.name, "contentUrl": current.content_url}.get(key, current.id) if key else current.id
    if own.casefold() != wanted.casefold():
        raise Refusal("unknown_site", f"site `{wanted}` could not be found")
    return current


_ALIASES = ("Google", "Salesforce")  # providers that Tableau itself knows


def auth_configurations(call: Call) -> Reply:
    """The identity providers of the site, which are names alone: nobody signs in through them here."""
    shown = (
        {
            "idpConfigurationId": one.id,
            "idpConfigurationName": one.name,
            "authSetting": one.setting,
            "enabled": "true",
            "knownProviderAlias": next((alias for alias in _ALIASES if alias in one.name), None),
        }
        for one in call.state.providers.get(call.site.id, ())
    )
    return ok(element("siteAuthConfigurations", {}, *(element("siteAuthConfiguration", one) for one in shown)))


def create(call: Call) -> Reply:
    """A new site with the server's administrators, All Users and the Default project."""
    if call.personality.kind == CLOUD:
        raise Refusal("403069", "sites of this server are not made here")
    body = call.body("site")
    name = (body.get("name") or "").strip()
    if not name:
        raise Refusal("malformed", "a site needs a name")
    site = new_site(call.state, name, body.get("contentUrl") or "", call.me)
    call.state.add_site(_settled(call, site, body))
    return ok(shapes.site(call, call.state.site(site.id)), status=201)


def update(call: Call) -> Reply:
    """Change name, content URL and settings of the session's site."""
    if not call.is_server_admin and call.personality.kind != CLOUD:
        raise Refusal("denied", "this is for server administrators; on Cloud for site administrators")
    call.state.put(_settled(call, call.site, call.body("site")))
    return ok(shapes.site(call, call.site))


def delete(call: Call) -> Reply:
    """Delete the session's site with all on it; everybody is signed out of it. The Default site stays."""
    site = _named(call)
    if call.personality.kind == CLOUD or not site.content_url or len(call.state.sites) == 1:
        raise Refusal("default_site_kept", "the Default site, and the last one, cannot be deleted")
    call.sessions.end_site(site.id)
    call.state.drop_site(site)
    return NO_CONTENT


def _settled(call: Call, site: Site, body: Element) -> Site:
    """The site with what is asked for; every value is checked before anything is kept."""
    name, url = (body.get("name") or site.name).strip(), body.get("contentUrl")
    url = site.content_url if url is None else url
    _free(call, site, name, url)
    for attribute, choices in _CHOICES.items():
        if (given := body.get(attribute)) is not None and given not in choices:
            reason = "invalid_admin_mode" if attribute == "adminMode" else "400003"
            raise Refusal(reason, f"`{attribute}` is one of {', '.join(choices)}, not `{given}`")
    _countable(body)
    open_points = {field: truth(n, words) for n, field in _SETTINGS.items() if (words := body.get(n)) is not None}
    seats = {tier: int(words) for n, tier in _TIERS.items() if (words := body.get(n))}
    mute = body.get("disableSubscriptions")
    settings = replace(
        site.settings,
        admin_mode=body.get("adminMode") or site.settings.admin_mode,
        user_visibility=body.get("userVisibilityMode") or site.settings.user_visibility,
        subscriptions=site.settings.subscriptions if mute is None else not truth("disableSubscriptions", mute),
        **open_points,
    )
    site_words = {
        n: str(truth(n, words)).lower() if usual in ("true", "false") else words
        for n, usual in sorted(shapes.SITE_WORDS.items())
        if n not in _SETTINGS and (words := body.get(n)) is not None
    }
    if site_words:
        call.state.put_site_words(site.id, {**call.state.site_words.get(site.id, {}), **site_words})
    licences = {**(site.licences or {}), **seats} if seats else site.licences
    return replace(site, name=name, content_url=url, settings=settings, licences=licences)


def _countable(body: Element) -> None:
    """Numbers are numbers, quotas above nought; a quota of users goes with neither seats nor ContentOnly."""
    for attribute in _NUMBERS:
        number = body.get(attribute)
        if number is None:
            continue
        least = 1 if attribute.endswith("Quota") else 0
        if not (number.isascii() and number.isdigit() and len(number) < 10 and int(number) >= least):
            raise Refusal("invalid_quota", f"`{attribute}` is a number from {least}, not `{number}`")
    if body.get("userQuota") is None:
        return
    if body.get("adminMode") == "ContentOnly" or any(body.get(tier) is not None for tier in _TIERS):
        raise Refusal("quotas_at_odds", "userQuota goes with neither the seats of a tier nor ContentOnly")


def _free(call: Call, site: Site, name: str, url: str) -> None:
    """Names and content URLs are unique on a server, in any letter case."""
    if url != site.content_url and not _URL.fullmatch(url):
        raise Refusal("400003", f"a content URL is letters, digits, `-` and `_`, not `{url[:80]}`")
    others = [other for other in call.state.sites if other.id != site.id]
    if any(same(other.name) == same(name) for other in others):
        raise Refusal("name_taken", "a site of that name exists")
    if any(same(other.content_url) == same(url) for other in others):
        raise Refusal("url_taken", "a site of that content URL exists")


def domains(call: Call) -> Reply:
    """The local domain and those of the directory that an import has named, with their nicknames."""
    local = element("domain", {"id": LOCAL, "name": LOCAL, "shortName": LOCAL})
    known = identity.known_domains(call.state)
    return ok(element("domainList", {}, local, *(_domain(*one) for one in known.items())))


def update_domain(call: Call) -> Reply:
    """Change the nickname of a domain, named by id or by name; its name stays."""
    body, known = call.body("domain"), identity.known_domains(call.state)
    wanted, name = body.get("id"), body.get("name")
    fqdn = next((f for f in known if _domain_id(f) == wanted or (wanted is None and same(f) == same(name or ""))), None)
    if fqdn is None:
        raise Refusal("404003", f"domain `{wanted or name or ''}` could not be found")
    if name and same(name) != same(fqdn):
        raise Refusal("400003", f"the sandbox does not rename domains; `{fqdn}` keeps its name")
    nickname = (body.get("shortName") or "").strip()
    if not nickname:
        raise Refusal("400003", "a domain needs a shortName, its nickname")
    if any(same(nickname) in (same(n), same(f)) for f, n in known.items() if f != fqdn) or same(nickname) == LOCAL:
        raise Refusal("400003", f"the nickname `{nickname}` is another domain's")
    call.state.put_nicknames({**known, fqdn: nickname})
    return ok(_domain(fqdn, nickname))


def _domain_id(fqdn: str) -> str:
    return stable_id("domain", same(fqdn))


def _domain(fqdn: str, nickname: str) -> Element:
    return element("domain", {"id": _domain_id(fqdn), "name": fqdn, "shortName": nickname})
