"""One request on its way through the sandbox and the answer to it."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import NamedTuple, TypeVar

from tabwarden.access.abilities.ability import can
from tabwarden.model.roles import is_admin, is_server_admin
from tabwarden.model.site import Content, Group, GroupSet, Site, User
from tabwarden.sandbox.faults.script import UNHARMED, Struck
from tabwarden.sandbox.http import versions, wire
from tabwarden.sandbox.http.errors import Refusal, unknown
from tabwarden.sandbox.http.wire import Element
from tabwarden.sandbox.state.personality import CLOUD, Personality, as_pair
from tabwarden.sandbox.state.sessions import Session, Sessions
from tabwarden.sandbox.state.sites import State

T = TypeVar("T")


class File(NamedTuple):
    """Bytes that are answered as they are, instead of elements."""

    content: bytes
    content_type: str


class Reply(NamedTuple):
    """A status and the elements under the envelope, or a file instead; 204 carries nothing."""

    status: int = 200
    elements: tuple[Element, ...] = ()
    headers: Mapping[str, str] = {}
    file: File | None = None


NO_CONTENT = Reply(204)


def ok(*elements: Element, status: int = 200) -> Reply:
    """An answer of these elements."""
    return Reply(status, elements)


class Request(NamedTuple):
    """What came over the line: raw path, decoded query, headers by lower-case name, body (None: too large)."""

    method: str
    path: str
    query: Mapping[str, tuple[str, ...]]
    headers: Mapping[str, str]
    body: bytes | None


@dataclass
class Call:
    """A request that found its endpoint, with everything a handler needs.

    `version` is the API version of the path (never above the personality's); `parameters` the decoded path parts by
    name; `acting` the session, None only where nobody needs to sign in; `struck` the faults this request meets.
    """

    request: Request
    version: str
    parameters: Mapping[str, str]
    state: State
    sessions: Sessions
    personality: Personality
    acting: Session | None = field(default=None)
    struck: Struck = UNHARMED

    @property
    def session(self) -> Session:
        """The session; only endpoints that need none may not ask."""
        if self.acting is None:
            raise Refusal("401000", "the request carries no token; sign in first")
        return self.acting

    @property
    def site(self) -> Site:
        """The site of the session as it is now."""
        return self.state.site(self.session.site)

    @property
    def me(self) -> User:
        """Who asks."""
        return self.site.users[self.session.user]

    @property
    def is_admin(self) -> bool:
        return is_admin(self.me.site_role)

    @property
    def is_server_admin(self) -> bool:
        return is_server_admin(self.me.site_role)

    def manages_people(self) -> bool:
        """Whether the asker manages users and groups: site administrators not where adminMode is ContentOnly."""
        return self.is_server_admin or (self.is_admin and self.site.settings.admin_mode != "ContentOnly")

    @cached_property
    def sees_people(self) -> bool:
        """Whether other users and groups show: to administrators, and to all licensed where userVisibility is FULL."""
        return can(self.site, self.me.id, "see_other_users", open_points=self.state.open_points).allowed

    def fills_group_sets(self) -> bool:
        """Whether the asker fills group sets: server administrators, on Cloud site administrators (documentation)."""
        return self.is_server_admin or (self.manages_people() and self.personality.kind == CLOUD)

    def knows(self, since: str) -> bool:
        """Whether the asked version has what came with `since`."""
        return as_pair(self.version) >= as_pair(since)

    @cached_property
    def tree(self) -> Element:
        """The body as a tree; 400000 when it is nonsense, 400003 or 400013 for words of a later version."""
        tree = wire.parse(self.raw_body, self.request.headers.get("content-type", ""))
        versions.demand_known(tree, self.version)
        return tree

    @property
    def raw_body(self) -> bytes:
        """The body as it came; empty where there was none."""
        return self.request.body or b""

    def body(self, name: str) -> Element:
        """The one element the body must hold; 400000 without it."""
        child = self.tree.find(name)
        if child is None:
            raise Refusal("malformed", f"the request has no `{name}` element")
        return child

    def same_id(self, within: Element, content: Content) -> None:
        """Refuse a body that names another id of the kind than the address."""
        named = within.inner(content.kind)
        if named is not None and named != content.id:
            raise Refusal("another_id", f"the request speaks of another {content.kind} than the address")

    def demand_readable(self) -> None:
        """Refuse a body that is neither XML nor JSON, where nothing in it is asked for."""
        _ = self.tree

    def query(self, name: str) -> str | None:
        """The last value of a query parameter, None when it is absent."""
        values = self.request.query.get(name)
        return values[-1] if values else None

    def flag(self, name: str) -> bool:
        """Whether a query parameter says true; refused where it says neither true nor false."""
        words = (self.query(name) or "false").lower()
        if words not in ("true", "false"):
            raise Refusal("bad_value", f"`{name}` is true or false, not `{words[:20]}`")
        return words == "true"

    def user(self, user_id: str | None = None) -> User:
        """The user of the path or of that id; 404002 unless he is on this site."""
        return self._one(self.site.users, "user", user_id)

    def group(self, group_id: str | None = None) -> Group:
        """The group of the path or of that id; 404012 unless it is on this site."""
        return self._one(self.site.groups, "group", group_id)

    def group_set(self, group_set_id: str | None = None) -> GroupSet:
        """The group set of the path or of that id; 404040 unless it is on this site."""
        return self._one(self.site.group_sets, "groupSet", group_set_id)

    def content(self, kind: str, content_id: str | None = None) -> Content:
        """The content of that kind named in the path or by that id; 404 unless it is on this site."""
        content = self._one(self.site.contents, kind, content_id)
        if content.kind != kind:
            raise unknown(kind, content.id)
        return content

    def _one(self, things: Mapping[str, T], kind: str, thing_id: str | None) -> T:
        wanted = self.parameters[kind.lower()] if thing_id is None else thing_id
        thing = things.get(wanted)
        if thing is None:
            raise unknown(kind, wanted)
        return thing


_BOUNDARY = re.compile(r'boundary="?([^";,\s]+)"?', re.IGNORECASE)
_NAME = re.compile(rb'\bname="?([^";\r\n]+)"?', re.IGNORECASE)
_FILE_NAME = re.compile(rb'\bfilename="([^"\r\n]*)"', re.IGNORECASE)
_TYPE = re.compile(rb"content-type:\s*([^\r\n;]+)", re.IGNORECASE)


class Part(NamedTuple):
    """One part: its declared content type, its bytes, and the name of its file or ""."""

    content_type: str
    content: bytes
    file_name: str = ""


def parts_of(request: Request) -> Mapping[str, Part]:
    """The parts by name; 400000 when the body is not what the header says."""
    match = _BOUNDARY.search(request.headers.get("content-type", ""))
    if match is None:
        raise Refusal("400000", "the request is not multipart/mixed with a boundary")
    delimiter = b"--" + match[1].encode()
    pieces = (b"\r\n" + (request.body or b"")).split(b"\r\n" + delimiter)
    if len(pieces) < 3 or not pieces[-1].startswith(b"--"):
        raise Refusal("400000", "the multipart request does not end with its boundary")
    named: dict[str, Part] = {}
    for piece in pieces[1:-1]:
        head, blank, content = piece.partition(b"\r\n\r\n")
        name = _NAME.search(head)
        if not blank or name is None:
            raise Refusal("400000", "a part of the multipart request has no name or no end of its headers")
        type_, file = _TYPE.search(head), _FILE_NAME.search(head)
        kind = type_[1].decode("ascii", "replace") if type_ else ""
        named[name[1].decode("ascii", "replace")] = Part(
            kind, content, file[1].decode("utf-8", "replace") if file else ""
        )
    return named


def payload_of(parts_by_name: Mapping[str, Part]) -> Element:
    """The part request_payload as a tree; empty when there is none."""
    part = parts_by_name.get("request_payload")
    return wire.parse(part.content, part.content_type) if part is not None else Element("tsRequest")


def csv_rows(parts_by_name: Mapping[str, Part], name: str) -> tuple[tuple[str, ...], ...]:
    """The rows of a CSV part without a header, cells trimmed, empty rows left out."""
    part = parts_by_name.get(name)
    if part is None:
        raise Refusal("400000", f"the multipart request has no part `{name}`")
    try:
        text = part.content.decode("utf-8-sig")
        wire.demand_sendable(name, text)
        rows = [tuple(cell.strip() for cell in row) for row in csv.reader(io.StringIO(text), strict=True)]
    except (UnicodeDecodeError, csv.Error) as problem:
        raise Refusal("400000", f"the file in `{name}` is not CSV in UTF-8 ({problem})") from None
    return tuple(row for row in rows if any(row))
