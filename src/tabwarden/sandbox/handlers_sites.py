"""Sites: the list (Server only) and the one of the session. Creating and deleting sites is not played."""

from __future__ import annotations

from urllib.parse import unquote

from tabwarden.sandbox import listing, shapes
from tabwarden.sandbox.call import Call, Reply, ok
from tabwarden.sandbox.errors import Refusal
from tabwarden.sandbox.wire import element


def sites(call: Call) -> Reply:
    """Every site for server administrators, else only the session's; Cloud refuses."""
    if not call.personality.lists_sites:
        raise Refusal("403069", "this server does not list sites; ask for the one you are signed in to")
    shown = call.state.sites if call.is_server_admin else (call.site,)
    return ok(*listing.answer(call, shapes.SITES, shown))


def site(call: Call) -> Reply:
    """The session's site by id, or by name or content URL where `key` says so; any other is unknown."""
    wanted, here = unquote(call.parameters["site"]), call.site
    key = call.query("key")
    own = {"name": here.name, "contentUrl": here.content_url}.get(key, here.id) if key else here.id
    if own.casefold() != wanted.casefold():
        raise Refusal("404000", f"site `{wanted}` could not be found")
    return ok(shapes.site(call, here))


def domains(call: Call) -> Reply:
    """The local domain and that of the pretend directory, with its nickname."""
    found = [element("domain", {"id": "local", "name": "local", "shortName": "local"})]
    directory = call.state.directory
    if directory.get("domain"):
        name, nickname = str(directory["domain"]), str(directory.get("nickname", ""))
        found.append(element("domain", {"id": name, "name": name, "shortName": nickname}))
    return ok(element("domainList", {}, *found))
