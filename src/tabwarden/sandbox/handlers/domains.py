"""The domains a server knows and their nicknames: listed, nicknames changed."""

from __future__ import annotations

from tabwarden.model.names import same
from tabwarden.model.site import LOCAL
from tabwarden.sandbox.directories import identity
from tabwarden.sandbox.http.call import Call, Reply, ok
from tabwarden.sandbox.http.errors import Refusal
from tabwarden.sandbox.http.wire import Element, element
from tabwarden.sandbox.state.sites import stable_id


def domains(call: Call) -> Reply:
    """The local domain and those of the directory that an import has named, with their nicknames."""
    local = element("domain", {"id": LOCAL, "name": LOCAL, "shortName": LOCAL})
    known = identity.known_domains(call.state)
    return ok(element("domainList", {}, local, *(_domain(*one) for one in known.items())))


def update(call: Call) -> Reply:
    """Change the nickname of a domain, named by id or by name; its name stays."""
    body, known = call.body("domain"), identity.known_domains(call.state)
    wanted, name = body.get("id"), body.get("name")
    fqdn = next((f for f in known if _id(f) == wanted or (wanted is None and same(f) == same(name or ""))), None)
    if fqdn is None:
        raise Refusal("404003", f"domain `{wanted or name or ''}` could not be found")
    if name and same(name) != same(fqdn):
        raise Refusal("400102", f"the sandbox does not rename domains; `{fqdn}` keeps its name")
    nickname = (body.get("shortName") or "").strip()
    if not nickname:
        raise Refusal("400003", "a domain needs a shortName, its nickname")
    if any(same(nickname) in (same(n), same(f)) for f, n in known.items() if f != fqdn) or same(nickname) == LOCAL:
        raise Refusal("400003", f"the nickname `{nickname}` is another domain's")
    call.state.put_nicknames({**known, fqdn: nickname})
    return ok(_domain(fqdn, nickname))


def _id(fqdn: str) -> str:
    return stable_id("domain", same(fqdn))


def _domain(fqdn: str, nickname: str) -> Element:
    return element("domain", {"id": _id(fqdn), "name": fqdn, "shortName": nickname})
