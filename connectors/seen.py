"""What somebody sees of a site over REST, read with tableauserverclient: the truth a connector is held against.

Not what the connectors ask: they read the same site mostly over the Metadata API.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import tableauserverclient as TSC  # noqa: N812

SITE, USER, PASSWORD = "acme", "admin", "admin"


@dataclass(frozen=True)
class Item:
    """Something on the site: LUID, name, the LUID of what it lies in ("" for a top-level project), its owner's LUID."""

    luid: str
    name: str
    holder: str
    owner: str


@dataclass(frozen=True)
class Seen:
    """Items by LUID; user names and e-mail addresses by LUID of the user.

    `used` are the LUIDs of the published data sources that workbooks are connected to.
    """

    projects: Mapping[str, Item]
    workbooks: Mapping[str, Item]
    views: Mapping[str, Item]
    datasources: Mapping[str, Item]
    user_names: Mapping[str, str]
    emails: Mapping[str, str]
    used: frozenset[str]

    def owner_name(self, item: Item) -> str:
        """The user name of an item's owner."""
        return self.user_names[item.owner]


@contextmanager
def signed_in(url: str) -> Iterator[Any]:
    """A server object, signed in to the site while the block lasts."""
    server = TSC.Server(url, use_server_version=True)
    with server.auth.sign_in(TSC.TableauAuth(USER, PASSWORD, SITE)):
        yield server


def read(server: Any) -> Seen:
    """Everything the signed-in user may list."""
    every = TSC.RequestOptions(pagesize=1000)
    users = list(TSC.Pager(server.users, every))
    workbooks = list(TSC.Pager(server.workbooks, every))
    for workbook in workbooks:
        server.workbooks.populate_connections(workbook)
    datasources = _items(TSC.Pager(server.datasources, every), lambda d: d.project_id)
    connected = {connection.datasource_id for workbook in workbooks for connection in workbook.connections}
    return Seen(
        projects=_items(TSC.Pager(server.projects, every), lambda p: p.parent_id or ""),
        workbooks=_items(workbooks, lambda w: w.project_id),
        views=_items(TSC.Pager(server.views, every), lambda v: v.workbook_id),
        datasources=datasources,
        user_names={u.id: u.name for u in users},
        emails={u.id: u.email or "" for u in users},
        used=frozenset(connected & datasources.keys()),
    )


def _items(pages: Iterable[Any], holder: Callable[[Any], str]) -> dict[str, Item]:
    return {i.id: Item(i.id, i.name, holder(i), i.owner_id) for i in pages}
