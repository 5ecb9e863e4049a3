"""What somebody sees of a site as nodes of the Metadata API, and the tables, columns and databases among it.

Lineage is pretended where no published file tells it: a published data source reads the tables of its own project, and
every table has the same three columns.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import cached_property
from typing import Any

from tabwarden.model.site import Content, Site
from tabwarden.model.tables import grouped
from tabwarden.sandbox.content import visibility
from tabwarden.sandbox.content.packages import Files, Query, node_id
from tabwarden.sandbox.http.call import Call
from tabwarden.sandbox.state.activity import number_of
from tabwarden.sandbox.state.sites import State

Node = Mapping[str, Any]
# The name of a column, its remote type, and the type and role of the field made of it.
COLUMNS = (
    ("id", "I8", "INTEGER", "DIMENSION"),
    ("name", "WSTR", "STRING", "DIMENSION"),
    ("amount", "R8", "REAL", "MEASURE"),
)
PRETENDED = "postgres"


class Tables(ABC):
    """The nodes below the data sources; what lies above is told by whoever completes this class."""

    def __init__(self, call: Call) -> None:
        self._call = call
        self._state: State = call.state
        self._site: Site = call.site
        self._files = Files(call.state)

    @abstractmethod
    def published(self, content: Content) -> Node:
        """A published data source."""

    @abstractmethod
    def embedded_in(self, workbook: Content) -> Iterator[Node]:
        """The data sources embedded in a workbook."""

    @abstractmethod
    def downstream(self, workbooks: Callable[[], Iterable[Content]]) -> dict[str, Any]:
        """The workbooks below something, with their sheets and dashboards."""

    @abstractmethod
    def using(self, source: Content) -> Sequence[Content]:
        """The workbooks that are seen on a published data source."""

    # -- what is seen -----------------------------------------------------------------------------------------

    def _visible(self, kind: str) -> Sequence[Content]:
        return visibility.visible(self._state, self._site, self._call.me.id, kind)

    @cached_property
    def _seen(self) -> frozenset[str]:
        kinds = {content.kind for content in self._site.contents.values()}
        return frozenset(c.id for kind in kinds for c in self._visible(kind))

    def base(self, typename: str, content: Content) -> dict[str, Any]:
        """What every content tells; of one that is not seen only its ids."""
        ids = {"__typename": typename, "id": node_id(content.kind, content.id), "luid": content.id}
        if content.id not in self._seen:
            return ids
        return {
            **ids,
            "name": content.name,
            "description": content.description,
            "uri": f"sites/{self._site.id}/{content.kind}s/{content.id}",
            "vizportalUrlId": str(number_of(content.id)),
            "createdAt": content.created or None,
            "updatedAt": content.updated or None,
            "tags": list(map(self.tag, sorted(self._state.details(content.id).tags))),
            **self._place(content),
        }

    def tag(self, name: str) -> Node:
        return {"__typename": "Tag", "id": node_id("tag", name), "name": name}

    def _place(self, content: Content) -> dict[str, Any]:
        project = self._site.contents.get(self._site.project_of(content.id) or "")
        shown = project is not None and project.id in self._seen
        return {
            "projectName": project.name if project is not None and shown else None,
            "projectLuid": project.id if project is not None else None,
            "projectVizportalUrlId": str(number_of(project.id)) if project is not None else None,
            "owner": lambda: self.user(content.owner),
            "site": self.site(),
        }

    def site(self) -> Node:
        site = self._site
        luid = {"luid": site.id, "uri": f"sites/{site.id}"}
        return {"__typename": "TableauSite", "id": node_id("site", site.id), "name": site.name, **luid}

    def user(self, user_id: str) -> Node | None:
        """A person: the name where people show, the address to himself and administrators."""
        user = self._site.users.get(user_id)
        if user is None:
            return None
        own = user.id == self._call.me.id
        named = own or self._call.sees_people
        return {
            "__typename": "TableauUser",
            "id": node_id("user", user.id),
            "luid": user.id,
            "username": user.name if named else None,
            "name": (user.full_name or user.name) if named else None,
            "email": (user.email or None) if own or self._call.is_admin else None,
        }

    # -- tables and databases ---------------------------------------------------------------------------------

    @cached_property
    def _tables_in(self) -> Mapping[str | None, Sequence[Content]]:
        """Tables by project, seen or not."""
        return self._by_project(c for c in self._site.contents.values() if c.kind == "table")

    @cached_property
    def _sources_in(self) -> Mapping[str | None, Sequence[Content]]:
        """Published data sources that are seen, by project."""
        return self._by_project(self._visible("datasource"))

    def _by_project(self, contents: Iterable[Content]) -> Mapping[str | None, Sequence[Content]]:
        return grouped((self._site.project_of(content.id), content) for content in contents)

    def _tables_behind(self, sources: Iterable[Content]) -> dict[str, Content]:
        """The tables of the projects of published data sources, by id."""
        projects = {self._site.project_of(source.id): None for source in sources if source.kind == "datasource"}
        return {table.id: table for project in projects for table in self._tables_in.get(project, ())}

    def upstream(self, sources: Sequence[Content]) -> dict[str, Any]:
        """What lies above something that stands on published data sources."""

        def databases() -> list[Node]:
            parents = {table.parent or "": None for table in self._tables_behind(sources).values()}
            contents = (self._site.contents.get(parent) for parent in parents)
            return [self.database(one) for one in contents if one is not None and one.kind == "database"]

        return {
            "upstreamTables": lambda: map(self.table, self._tables_behind(sources).values()),
            "upstreamColumns": lambda: [c for t in self._tables_behind(sources).values() for c in self._columns(t)],
            "upstreamDatabases": databases,
        }

    def table(self, content: Content) -> Node:
        database = self._site.contents.get(content.parent or "")
        database_held = database if database is not None and database.kind == "database" else None
        seen = content.id in self._seen
        return {
            **self.base("DatabaseTable", content),
            "schema": "public" if seen else None,
            "fullName": f"[public].[{content.name}]" if seen else None,
            "connectionType": PRETENDED,
            "tableType": "table",
            "isEmbedded": False,
            "columns": lambda: self._columns(content),
            "database": lambda: self.database(database_held) if database_held is not None else None,
            "downstreamDatasources": lambda: map(self.published, self._sources_on(content)),
            **self.downstream(lambda: self._workbooks_on(content)),
        }

    def _sources_on(self, table: Content) -> Sequence[Content]:
        return self._sources_in.get(self._site.project_of(table.id), ())

    def _workbooks_on(self, table: Content) -> Iterable[Content]:
        return {w.id: w for source in self._sources_on(table) for w in self.using(source)}.values()

    def _columns(self, table: Content) -> list[Node]:
        if table.id not in self._seen:
            return []
        node = self.table(table)
        return self._columns_in(table.id, node, lambda: list(map(self.published, self._sources_on(table))))

    def columns_behind(self, holder: Content, upstream: Content | None) -> list[Node]:
        """The columns that the fields of a data source stand for: of its tables, and of its custom SQL."""
        if upstream is not None:
            return []
        queries = [query for query in self._queries if query.content.id == holder.id]
        tables = self._tables_behind([holder]).values()
        return [c for columns in (*map(self._columns, tables), *map(self._columns_of, queries)) for c in columns]

    def _columns_in(self, holder: str, table: Node, sources: Callable[[], list[Node]]) -> list[Node]:
        def fields(name: str) -> list[Node]:
            return [field for source in sources() for field in source["fields"]() if field["name"] == name]

        below = {name: value for name, value in table.items() if name.startswith("downstream")}
        return [
            {
                **below,
                "__typename": "Column",
                "id": node_id("column", f"{holder}/{name}"),
                "name": name,
                "displayName": name,
                "description": "",
                "remoteType": remote_type,
                "isNullable": name != "id",
                "table": table,
                "referencedByFields": lambda name=name: fields(name),
                "downstreamFields": lambda name=name: fields(name),
            }
            for name, remote_type, _data_type, _role in COLUMNS
        ]

    def database(self, content: Content) -> Node:
        return {
            **self.base("DatabaseServer", content),
            "connectionType": PRETENDED,
            "extendedConnectionType": PRETENDED,
            "hostName": "localhost" if content.id in self._seen else None,
            "isEmbedded": False,
            "tables": lambda: [
                self.table(self._site.contents[t])
                for t in self._site.children(content.id)
                if self._site.contents[t].kind == "table"
            ],
        }

    def virtual_connection(self, content: Content) -> Node:
        """A virtual connection; its tables are not pretended."""
        return {**self.base("VirtualConnection", content), "connectionType": PRETENDED}

    # -- custom SQL -------------------------------------------------------------------------------------------

    @cached_property
    def _queries(self) -> tuple[Query, ...]:
        """Custom SQL of what is seen: told by published files alone."""
        contents = (*self._visible("datasource"), *self._visible("workbook"))
        return tuple(self._files.queries(contents))

    def query(self, query: Query) -> Node:
        """A custom SQL table."""
        content = query.content
        return {
            "__typename": "CustomSQLTable",
            "id": query.id,
            "name": "Custom SQL Query",
            "description": "",
            "query": query.text,
            "connectionType": PRETENDED,
            "isEmbedded": True,
            "columns": lambda: self._columns_of(query),
            "database": None,
            "downstreamDatasources": lambda: self._sources_with(query),
            **self.downstream(lambda: [content] if content.kind == "workbook" else self.using(content)),
        }

    def _sources_with(self, query: Query) -> list[Node]:
        content = query.content
        return [self.published(content)] if content.kind == "datasource" else list(self.embedded_in(content))

    def _columns_of(self, query: Query) -> list[Node]:
        return self._columns_in(query.id, self.query(query), lambda: self._sources_with(query))
