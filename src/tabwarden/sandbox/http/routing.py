"""From a method and a path to the endpoint that answers, and whether this caller may.

Paths match in any letter case and with a trailing slash: clients ask `serverInfo` and `serverinfo`,
`virtualConnections` and `virtualconnections`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from typing import NamedTuple
from urllib.parse import unquote

from tabwarden.sandbox.http.call import Call, Reply
from tabwarden.sandbox.http.errors import Refusal
from tabwarden.sandbox.state.personality import Personality, as_pair

ANYONE = "anyone"
SIGNED_IN = "signed in"
SEES_PEOPLE = "sees people"
ADMIN = "administrator"
PEOPLE_ADMIN = "manages people"
SERVER_ADMIN = "server administrator"
GROUP_SET_ADMIN = "fills group sets"
JUDGED = "evaluator"
WHO: Mapping[str, str] = {
    ANYONE: "anyone, without signing in",
    SIGNED_IN: "anyone signed in to the site; what is shown depends on who asks",
    SEES_PEOPLE: "administrators; others where userVisibility is FULL, without site roles",
    ADMIN: "site and server administrators",
    PEOPLE_ADMIN: "server administrators; site administrators unless adminMode is ContentOnly",
    SERVER_ADMIN: "server administrators",
    GROUP_SET_ADMIN: "server administrators; on Cloud site administrators",
    JUDGED: "whoever the evaluator allows it on the object",
}
_VERSION = re.compile(r"\d{1,3}\.\d{1,3}")


class Endpoint(NamedTuple):
    """One line of the table: method, path under /api/{version}, first API version, who may, handler, what it does.

    `until` is the first version that no longer has it; `file` says that it answers a file in place of elements.
    """

    method: str
    path: str
    since: str
    who: str
    handler: Callable[[Call], Reply]
    does: str
    until: str | None = None
    file: bool = False

    @property
    def name(self) -> str:
        """How logs and counts call it: `GET sites/{site}/users`."""
        return f"{self.method} {self.path}"

    def within(self, version: str) -> bool:
        """Whether an API version has it."""
        before_end = self.until is None or as_pair(version) < as_pair(self.until)
        return as_pair(self.since) <= as_pair(version) and before_end


class Route(NamedTuple):
    """The endpoint of a request, its path parameters and the API version asked for."""

    endpoint: Endpoint
    parameters: Mapping[str, str]
    version: str


class Router:
    """The table, indexed by the number of parts and the first words of a path."""

    def __init__(self, table: Iterable[Endpoint]) -> None:
        self._by_key: dict[tuple[int, str], list[tuple[Endpoint, tuple[str, ...]]]] = {}
        for endpoint in table:
            parts = tuple(endpoint.path.split("/"))
            self._by_key.setdefault(_key(parts), []).append((endpoint, parts))

    def find(self, method: str, path: str, personality: Personality) -> Route:
        """The endpoint for a raw path; 404003 for what this version does not have, 405000 for a wrong method."""
        parts = path.split("/")
        if parts[-1] == "":
            parts.pop()
        nothing = Refusal("404003", f"nothing answers at `{path[:200]}` in this API version")
        if len(parts) < 4 or parts[0] or parts[1].lower() != "api":
            raise nothing
        version = _version(parts[2], personality)
        rest = tuple(parts[3:])
        others = False
        for endpoint, template in self._by_key.get(_key(rest), ()):
            parameters = _match(template, rest)
            if parameters is None:
                continue
            if endpoint.path == "serverinfo" and endpoint.method == method:
                return Route(endpoint, parameters, version)
            if as_pair(version) > as_pair(personality.api_version) or not endpoint.within(version):
                continue
            if endpoint.method == method:
                return Route(endpoint, parameters, version)
            others = True
        if others:
            raise Refusal("405000", f"{method} is not a way to ask for this")
        raise nothing


def _version(words: str, personality: Personality) -> str:
    if words in ("-", "exp"):
        return personality.api_version
    if not _VERSION.fullmatch(words):
        raise Refusal("404003", f"`{words[:20]}` is not an API version")
    return words


def _key(parts: tuple[str, ...]) -> tuple[int, str]:
    word = parts[2] if len(parts) > 2 and parts[0].lower() == "sites" else parts[0]
    return len(parts), word.lower()


def _match(template: tuple[str, ...], parts: tuple[str, ...]) -> dict[str, str] | None:
    parameters: dict[str, str] = {}
    for wanted, part in zip(template, parts, strict=True):
        if wanted[0] == "{":
            if not part:
                return None
            parameters[wanted[1:-1]] = unquote(part)
        elif wanted != part and wanted.lower() != part.lower():
            return None
    return parameters


def admit(endpoint: Endpoint, call: Call) -> None:
    """Let the caller through or refuse: the site of the path must be the session's, the caller of the right kind."""
    call.session.demand_scope(*scopes_of(endpoint))
    site = call.parameters.get("site")
    # Reading and deleting a site may name it by `key`; what else changes one needs its id.
    by_key = endpoint.path == "sites/{site}" and endpoint.method != "PUT" and call.query("key") is not None
    if site is not None and site != call.session.site and not by_key:
        if any(other.id == site for other in call.state.sites):
            raise Refusal(f"foreign_site_{call.personality.foreign_site}", "the session is on another site")
        raise Refusal("unknown_site", f"site `{site}` could not be found")
    test = _TESTS.get(endpoint.who)
    if test is not None and not test(call):
        raise Refusal("denied", f"this is for {WHO[endpoint.who]}")


_VERBS: Mapping[str, str] = {"GET": "read", "POST": "create", "PUT": "update", "PATCH": "update", "DELETE": "delete"}
_OF_PEOPLE = ("users", "groups", "groupsets", "jobs")


def scopes_of(endpoint: Endpoint) -> tuple[str, ...]:
    """Of which scopes a connected app's token must have one; none for what says who is signed in.

    Source: "Access Scopes for Connected Apps"; for what it does not list, the verb of the method (B).
    """
    verb, parts = _VERBS[endpoint.method], endpoint.path.lower().split("/")
    if parts[0] in ("auth", "sessions"):
        return ()
    what, below = (parts[2], parts[4:]) if len(parts) > 2 and parts[0] == "sites" else (parts[0], [])
    if "permissions" in below or "default-permissions" in below:
        return (f"tableau:permissions:{'update' if verb == 'create' else verb}",)
    if endpoint.file:
        return (f"tableau:{what}:download",)
    if below[-1:] in (["refresh"], ["run"], ["runnow"]):
        return ("tableau:tasks:run",)
    if below and verb != "read":
        verb = "update"  # who is in a group, what a content is tagged with: it is the group, the content that changes
    if verb != "read" or what in _OF_PEOPLE:
        return (f"tableau:{what}:{verb}",)
    # No scope is documented for a site's identity providers: a connected app is not told them.
    of_site = what in ("sites", "site-auth-configurations")
    return (f"tableau:{what}:read",) if of_site else ("tableau:content:read", f"tableau:{what}:read")


_TESTS: Mapping[str, Callable[[Call], bool]] = {
    SEES_PEOPLE: lambda call: call.sees_people,
    ADMIN: lambda call: call.is_admin,
    PEOPLE_ADMIN: lambda call: call.manages_people(),
    SERVER_ADMIN: lambda call: call.is_server_admin,
    GROUP_SET_ADMIN: lambda call: call.fills_group_sets(),
}
