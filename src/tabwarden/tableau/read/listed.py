"""What the server itself lists for a person: the other side of a verification. It judges nothing and writes nothing."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping
from dataclasses import replace
from functools import partial

from tabwarden.model.errors import TableauError
from tabwarden.model.governing import MAY_LIE_NOWHERE
from tabwarden.model.site import Content
from tabwarden.tableau.http.connection import Connection, connect
from tabwarden.tableau.http.lists import Listing, whole
from tabwarden.tableau.http.reader import HttpReader, reading
from tabwarden.tableau.http.session import Jwt
from tabwarden.tableau.read.content import GONE_OR_FORBIDDEN, KINDS, content_of, list_on
from tabwarden.tableau.read.people import NO_SITE


def workbooks_of(connection: Connection, users: list[str]) -> Mapping[str, frozenset[str]]:
    """Ids of the workbooks that the server lists for each of these users: those he may see.

    Left out is a user of whom that is refused: he is gone, or whoever asks is no administrator.
    """
    workbooks: dict[str, frozenset[str]] = {}

    async def one(user: str, reader: HttpReader) -> None:
        try:
            workbooks[user] = _ids(await whole(reader, Listing(f"users/{user}/workbooks", "workbook", _workbook)))
        except TableauError as error:
            if error.status not in GONE_OR_FORBIDDEN or error.code == NO_SITE:
                raise

    async def everyone(reader: HttpReader) -> None:
        await reader.for_all(users, lambda user: one(user, reader))

    reading(connection, everyone)
    return workbooks


def can_stand_in(connection: Connection) -> bool:
    """Whether whoever reads may sign in in somebody else's place without being noticed by him: a server administrator.

    A connected app signs in as the person himself, which would note a visit and may grant him a role: never done.
    """
    return connection.reader.site_role == "ServerAdministrator" and not isinstance(connection.options.auth, Jwt)


def listed_for(connection: Connection, user: str) -> Mapping[str, frozenset[str]] | None:
    """Ids of everything that is listed to a user, by kind, in whose place we sign in; None where that is refused."""
    try:
        with connect(replace(connection.options, as_user=user)) as own:
            return reading(own, _everything)
    except TableauError as error:
        if error.status not in (401, 403):
            raise
        return None


async def _everything(reader: HttpReader) -> Mapping[str, frozenset[str]]:
    by_kind = await asyncio.gather(*(list_on(reader, kind) for kind in KINDS.values()))
    return {kind: _ids(contents) for kind, contents in zip(KINDS, by_kind, strict=True)}


_workbook = partial(content_of, kind="workbook")


def _ids(listed: Iterable[Content]) -> frozenset[str]:
    """Without personal spaces, which no Site holds."""
    return frozenset(one.id for one in listed if one.parent is not None or one.kind in MAY_LIE_NOWHERE)
