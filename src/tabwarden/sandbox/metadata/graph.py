"""The nodes that the Metadata API tells of a site: content, its owners and its lineage, for one who asks.

A node is a mapping: plain values, and functions for what hangs on it. What somebody may not View is in no list; where
lineage leads to it, it is told by its ids alone, as Tableau does. Lineage is pretended where no published file tells
it: a published data source reads the tables of its own project, and every table has the same three columns.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import cached_property
from typing import Any

from tabwarden.model.site import Content, Site
from tabwarden.sandbox.content import visibility
from tabwarden.sandbox.content.packages import Files, Query, node_id
from tabwarden.sandbox.content.shapes import address
from tabwarden.sandbox.http.call import Call
from tabwarden.sandbox.state.sites import State

Node = Mapping[str, Any]
# The name of a column, its remote type, and the type and role of the field made of it.
COLUMNS = (
    ("id", "I8", "INTEGER", "DIMENSION"),
    ("name", "WSTR", "STRING", "DIMENSION"),
    ("amount", "R8", "REAL", "MEASURE"),
)
PRETENDED = "postgres"


class Graph:
    """Everything the one who asks can reach; a fresh one for every request."""

    def __init__(self, call: Call) -> None:
        self._call = call
        self._state: State = call.state
        self._site: Site = call.site
        self._files = Files(call.state)

    # -- what is seen -----------------------------------------------------------------------------------------

    def _visible(self, kind: str) -> Sequence[Content]:
        return visibility.visible(self._state, self._site, self._call.me.id, kind)

    @cached_property
    def _seen(self) -> frozenset[str]:
        kinds = {content.kind for content in self._site.contents.values()}
        return frozenset(c.id for kind in kinds for c in self._visible(kind))

    def roots(self) -> Mapping[str, Callable[[], Iterable[Node]]]:
        """The lists of Query by name."""
        return {
            "workbooks": lambda: map(self.workbook, self._visible("workbook")),
            "sheets": lambda: (self.sheet(v) for v in self._visible("view") if not self._files.is_dashboard(v)),
            "dashboards": lambda: (self.dashboard(v) for v in self._visible("view") if self._files.is_dashboard(v)),
            "publishedDatasources": lambda: map(self.published, self._visible("datasource")),
            "embeddedDatasources": lambda: self._all_embedded(),
            "fields": lambda: self._all_fields(),
            "databaseTables": lambda: map(self.table, self._visible("table")),
            "customSQLTables": lambda: map(self.query, self._queries),
            "databaseServers": lambda: map(self.database, self._visible("database")),
            "virtualConnections": lambda: map(self.virtual_connection, self._visible("virtualconnection")),
        }

    def _all_embedded(self) -> Iterator[Node]:
        for workbook in self._visible("workbook"):
            yield from self._embedded_in(workbook)

    def _all_fields(self) -> Iterator[Node]:
        for source in (*map(self.published, self._visible("datasource")), *self._all_embedded()):
            yield from source["fields"](None)

    # -- parts ------------------------------------------------------------------------------------------------

    def _base(self, typename: str, content: Content) -> dict[str, Any]:
        """What every content tells; of one that is not seen only its ids."""
        ids = {"__typename": typename, "id": node_id(content.kind, content.id), "luid": content.id}
        if content.id not in self._seen:
            return ids
        return {
            **ids,
            "name": content.name,
            "description": content.description,
            "uri": f"sites/{self._site.id}/{content.kind}s/{content.id}",
            "createdAt": content.created or None,
            "updatedAt": content.updated or None,
            "tags": [{"id": node_id("tag", t), "name": t} for t in sorted(self._state.details(content.id).tags)],
            **self._place(content),
        }

    def _place(self, content: Content) -> dict[str, Any]:
        project = self._site.contents.get(self._site.project_of(content.id) or "")
        shown = project is not None and project.id in self._seen
        return {
            "projectName": project.name if project is not None and shown else None,
            "projectLuid": project.id if project is not None else None,
            "owner": lambda _info: self._owner(content),
        }

    def _owner(self, content: Content) -> Node | None:
        user = self._site.users.get(content.owner)
        if user is None:
            return None
        own = user.id == self._call.me.id
        named = own or self._call.sees_people()
        return {
            "__typename": "TableauUser",
            "id": node_id("user", user.id),
            "luid": user.id,
            "username": user.name if named else None,
            "name": (user.full_name or user.name) if named else None,
            "email": (user.email or None) if own or self._call.is_admin else None,
        }

    # -- workbooks and views ----------------------------------------------------------------------------------

    def workbook(self, content: Content) -> Node:
        """A workbook with its sheets and embedded data sources."""
        return {
            **self._base("Workbook", content),
            "sheets": lambda _info: self._sheets(content),
            "views": lambda _info: [*self._sheets(content), *self._dashboards(content)],
            "dashboards": lambda _info: self._dashboards(content),
            "embeddedDatasources": lambda _info: list(self._embedded_in(content)),
            "embeddedDatasourcesConnection": list(self._embedded_in(content)),
            "upstreamDatasources": lambda _info: list(map(self.published, self._used_by(content))),
            "upstreamTables": lambda _info: [t for d in self._used_by(content) for t in self._tables_of(d)],
        }

    def _views(self, workbook: Content) -> list[Content]:
        views = (self._site.contents[v] for v in self._site.children(workbook.id))
        return [view for view in views if view.id in self._seen]

    def _sheets(self, workbook: Content) -> list[Node]:
        return [self.sheet(view) for view in self._views(workbook) if not self._files.is_dashboard(view)]

    def _dashboards(self, workbook: Content) -> list[Node]:
        return [self.dashboard(view) for view in self._views(workbook) if self._files.is_dashboard(view)]

    def _used_by(self, workbook: Content) -> list[Content]:
        return [self._site.contents[u.datasource] for u in workbook.uses if u.datasource in self._site.contents]

    def sheet(self, content: Content) -> Node:
        """A worksheet."""
        workbook = self._site.contents[content.parent or ""]
        return {
            **self._view("Sheet", content, workbook),
            "containedInDashboards": lambda _info: [
                d for d in self._dashboards(workbook) if content.name in self._files.dashboards(workbook.id)[d["name"]]
            ],
            "datasourceFields": lambda _info: self._fields_in(workbook),
            "sheetFieldInstances": lambda _info: self._fields_in(workbook),
            "upstreamDatasources": lambda _info: list(map(self.published, self._used_by(workbook))),
        }

    def dashboard(self, content: Content) -> Node:
        """A dashboard with the sheets on it."""
        workbook = self._site.contents[content.parent or ""]
        placed = self._files.dashboards(workbook.id)[content.name]
        return {
            **self._view("Dashboard", content, workbook),
            "sheets": lambda _info: [sheet for sheet in self._sheets(workbook) if sheet["name"] in placed],
        }

    def _view(self, typename: str, content: Content, workbook: Content) -> dict[str, Any]:
        return {
            **self._base(typename, content),
            "path": address(self._state, self._site, content).replace("/sheets/", "/"),
            "workbook": lambda _info: self.workbook(workbook),
        }

    def _fields_in(self, workbook: Content) -> list[Node]:
        return [field for source in self._embedded_in(workbook) for field in source["fields"](None)]

    # -- data sources -----------------------------------------------------------------------------------------

    def published(self, content: Content) -> Node:
        """A published data source."""
        return {
            **self._base("PublishedDatasource", content),
            "isCertified": content.id in self._seen and self._state.details(content.id).certified,
            **self._data(content, [content], "PublishedDatasource"),
            "downstreamWorkbooks": lambda _info: list(map(self.workbook, self._using(content))),
            "downstreamSheets": lambda _info: [s for w in self._using(content) for s in self._sheets(w)],
        }

    @cached_property
    def _users(self) -> Mapping[str, tuple[Content, ...]]:
        """Workbooks that are seen, by the published data sources behind them."""
        users_of: dict[str, tuple[Content, ...]] = {}
        for workbook in self._visible("workbook"):
            for source in dict.fromkeys(use.datasource for use in workbook.uses):
                users_of[source] = (*users_of.get(source, ()), workbook)
        return users_of

    def _using(self, source: Content) -> tuple[Content, ...]:
        return self._users.get(source.id, ())

    def _embedded_in(self, workbook: Content) -> Iterator[Node]:
        """One for each published data source behind the workbook, else one of its own."""
        sources: Sequence[Content | None] = self._used_by(workbook) or [None]
        for source in sources:
            named = source or workbook
            shown = source is None or source.id in self._seen
            yield {
                "__typename": "EmbeddedDatasource",
                "id": node_id("embedded", f"{workbook.id}/{source.id if source else ''}"),
                "name": named.name if shown else None,
                "createdAt": workbook.created or None,
                "updatedAt": workbook.updated or None,
                "tags": [],
                **self._data(workbook, [source] if source else [], "EmbeddedDatasource"),
                "workbook": lambda _info: self.workbook(workbook),
                "upstreamDatasources": lambda _info, source=source: [self.published(source)] if source else [],
                "downstreamSheets": lambda _info: self._sheets(workbook),
                "downstreamWorkbooks": lambda _info: [self.workbook(workbook)],
            }

    def _data(self, holder: Content, sources: Sequence[Content], typename: str) -> dict[str, Any]:
        """Extract, tables and fields of a data source; `sources` are the published ones it is or stands on."""
        details = self._state.details(holder.id)

        def tables(_info: object) -> list[Node]:
            return [table for source in sources for table in self._tables_of(source)]

        def fields(_info: object) -> list[Node]:
            upstream = sources[0] if sources and typename == "EmbeddedDatasource" else None
            return list(self._fields(holder, upstream))

        return {
            "hasExtracts": details.has_extracts,
            "upstreamTables": tables,
            "fields": fields,
            "fieldsConnection": fields,
        }

    def _fields(self, holder: Content, upstream: Content | None) -> Iterator[Node]:
        """The pretended fields; those of an embedded data source on a published one stand for its fields."""
        remote = list(self._fields(upstream, None)) if upstream is not None else [None] * len(COLUMNS)
        where = f"{holder.id}/{upstream.id if upstream is not None else ''}"
        for (name, _remote_type, data_type, role), behind in zip(COLUMNS, remote, strict=True):
            yield {
                "__typename": "ColumnField" if behind is None else "DatasourceField",
                "id": node_id("field", f"{where}/{name}"),
                "name": name,
                "description": "",
                "fullyQualifiedName": f"[{holder.name}].[{name}]" if holder.id in self._seen else None,
                "isHidden": False,
                "role": role,
                "dataType": data_type,
                "dataCategory": "QUANTITATIVE" if role == "MEASURE" else "NOMINAL",
                "aggregation": "SUM" if role == "MEASURE" else "COUNT",
                "datasource": lambda _info: self._datasource_of(holder, upstream),
                "upstreamColumns": lambda _info, name=name: [
                    column for column in self._columns_behind(holder, upstream) if column["name"] == name
                ],
                "upstreamFields": [behind] if behind is not None else [],
                "remoteField": behind,
            }

    def _datasource_of(self, holder: Content, upstream: Content | None) -> Node:
        if holder.kind == "datasource":
            return self.published(holder)
        wanted = node_id("embedded", f"{holder.id}/{upstream.id if upstream is not None else ''}")
        return next(e for e in self._embedded_in(holder) if e["id"] == wanted)

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
        contents_by_project: dict[str | None, list[Content]] = {}
        for content in contents:
            contents_by_project.setdefault(self._site.project_of(content.id), []).append(content)
        return contents_by_project

    def _table_contents(self, source: Content) -> Sequence[Content]:
        """The tables of the source's project."""
        return self._tables_in.get(self._site.project_of(source.id), ()) if source.kind == "datasource" else ()

    def _tables_of(self, source: Content) -> list[Node]:
        return list(map(self.table, self._table_contents(source)))

    def table(self, content: Content) -> Node:
        """A table of a database."""
        database = self._site.contents.get(content.parent or "")
        database_held = database if database is not None and database.kind == "database" else None
        seen = content.id in self._seen
        return {
            **self._base("DatabaseTable", content),
            "schema": "public" if seen else None,
            "fullName": f"[public].[{content.name}]" if seen else None,
            "connectionType": PRETENDED,
            "isEmbedded": False,
            "columns": lambda _info: self._columns(content),
            "columnsConnection": self._columns(content) if seen else [],
            "database": lambda _info: self.database(database_held) if database_held is not None else None,
            "referencedByQueries": [],
            "downstreamDatasources": lambda _info: self._sources_on(content),
        }

    def _sources_on(self, table: Content) -> list[Node]:
        return list(map(self.published, self._sources_in.get(self._site.project_of(table.id), ())))

    def _columns(self, table: Content) -> list[Node]:
        if table.id not in self._seen:
            return []
        return self._columns_in(table.id, lambda _info: self.table(table), lambda: self._sources_on(table))

    def _columns_behind(self, holder: Content, upstream: Content | None) -> list[Node]:
        """The columns that the fields of a data source stand for: of its tables, and of its custom SQL."""
        if upstream is not None:
            return []
        queries = [query for query in self._queries if query.content.id == holder.id]
        tables = self._table_contents(holder)
        return [c for columns in (*map(self._columns, tables), *map(self._columns_of, queries)) for c in columns]

    def _columns_in(self, holder: str, table: Callable[..., Node], sources: Callable[[], list[Node]]) -> list[Node]:
        return [
            {
                "__typename": "Column",
                "id": node_id("column", f"{holder}/{name}"),
                "name": name,
                "displayName": name,
                "description": "",
                "remoteType": remote_type,
                "isNullable": name != "id",
                "table": table,
                "referencedByFields": lambda _info, name=name: [
                    field for source in sources() for field in source["fields"](None) if field["name"] == name
                ],
            }
            for name, remote_type, _data_type, _role in COLUMNS
        ]

    def database(self, content: Content) -> Node:
        """A database."""
        return {
            **self._base("DatabaseServer", content),
            "connectionType": PRETENDED,
            "extendedConnectionType": PRETENDED,
            "hostName": "localhost" if content.id in self._seen else None,
            "isEmbedded": False,
            "tables": lambda _info: [
                self.table(self._site.contents[t])
                for t in self._site.children(content.id)
                if self._site.contents[t].kind == "table"
            ],
        }

    def virtual_connection(self, content: Content) -> Node:
        """A virtual connection; its tables are not pretended."""
        return {
            **self._base("VirtualConnection", content),
            "connectionType": PRETENDED,
            "upstreamDatasources": [],
            "tables": [],
        }

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
            "columns": lambda _info: self._columns_of(query),
            "columnsConnection": self._columns_of(query),
            "database": None,
            "tables": [],
            "downstreamDatasources": lambda _info: self._sources_with(query),
            "downstreamWorkbooks": lambda _info: [self.workbook(content)] if content.kind == "workbook" else [],
        }

    def _sources_with(self, query: Query) -> list[Node]:
        content = query.content
        return [self.published(content)] if content.kind == "datasource" else list(self._embedded_in(content))

    def _columns_of(self, query: Query) -> list[Node]:
        return self._columns_in(query.id, lambda _info: self.query(query), lambda: self._sources_with(query))
