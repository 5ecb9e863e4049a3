"""The nodes that the Metadata API tells of a site: content, its owners and its lineage, for one who asks.

A node is a mapping: plain values, and functions for what hangs on it. What somebody may not View is in no list; where
lineage leads to it, it is told by its ids alone, as Tableau does.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import cached_property
from typing import Any

from tabwarden.model.site import Content
from tabwarden.sandbox.content.packages import node_id
from tabwarden.sandbox.content.shapes import address
from tabwarden.sandbox.metadata.schema import NONE_HERE
from tabwarden.sandbox.metadata.tables import COLUMNS, Node, Tables

DIMENSION = "DIMENSION"


class Graph(Tables):
    """Everything the one who asks can reach; a fresh one for every request."""

    def roots(self) -> Mapping[str, Callable[[], Iterable[Node]]]:
        """The lists of Query by name."""
        return {
            **dict.fromkeys(NONE_HERE, list),
            "workbooks": lambda: map(self.workbook, self._visible("workbook")),
            "views": lambda: map(self._view_of, self._visible("view")),
            "sheets": lambda: (self.sheet(v) for v in self._visible("view") if not self._files.is_dashboard(v)),
            "dashboards": lambda: (self.dashboard(v) for v in self._visible("view") if self._files.is_dashboard(v)),
            "datasources": lambda: self._all_sources(),
            "publishedDatasources": lambda: map(self.published, self._visible("datasource")),
            "embeddedDatasources": lambda: self._all_embedded(),
            "flows": lambda: (self.base("Flow", flow) for flow in self._visible("flow")),
            "fields": lambda: self._all_fields(),
            "columnFields": lambda: (f for f in self._all_fields() if f["__typename"] == "ColumnField"),
            "datasourceFields": lambda: (f for f in self._all_fields() if f["__typename"] == "DatasourceField"),
            "columns": lambda: (column for table in self._all_tables() for column in table["columns"]()),
            "tables": lambda: self._all_tables(),
            "databaseTables": lambda: map(self.table, self._visible("table")),
            "customSQLTables": lambda: map(self.query, self._queries),
            "databases": lambda: map(self.database, self._visible("database")),
            "databaseServers": lambda: map(self.database, self._visible("database")),
            "virtualConnections": lambda: map(self.virtual_connection, self._visible("virtualconnection")),
            "tableauUsers": lambda: self._all_users(),
            "tableauSites": lambda: [self.site()],
            "tags": lambda: map(self.tag, sorted({t for c in self._seen for t in self._state.details(c).tags})),
        }

    def _all_embedded(self) -> Iterator[Node]:
        for workbook in self._visible("workbook"):
            yield from self.embedded_in(workbook)

    def _all_sources(self) -> Iterator[Node]:
        yield from map(self.published, self._visible("datasource"))
        yield from self._all_embedded()

    def _all_fields(self) -> Iterator[Node]:
        for source in self._all_sources():
            yield from source["fields"]()

    def _all_tables(self) -> Iterator[Node]:
        yield from map(self.table, self._visible("table"))
        yield from map(self.query, self._queries)

    def _all_users(self) -> Iterator[Node]:
        """People who own something that is seen."""
        owners = dict.fromkeys(self._site.contents[content].owner for content in sorted(self._seen))
        yield from (node for owner in owners if (node := self.user(owner)) is not None)

    # -- workbooks and views ----------------------------------------------------------------------------------

    def workbook(self, content: Content) -> Node:
        """A workbook with its sheets and embedded data sources."""
        return {
            **self.base("Workbook", content),
            "containsUnsupportedCustomSql": False,
            "sheets": lambda: self._sheets(content),
            "views": lambda: [*self._sheets(content), *self._dashboards(content)],
            "dashboards": lambda: self._dashboards(content),
            "embeddedDatasources": lambda: self.embedded_in(content),
            "upstreamDatasources": lambda: map(self.published, self._used_by(content)),
            **self.upstream(self._used_by(content)),
        }

    def downstream(self, workbooks: Callable[[], Iterable[Content]]) -> dict[str, Any]:
        """The workbooks below something, with their sheets and dashboards."""
        return {
            "downstreamWorkbooks": lambda: map(self.workbook, workbooks()),
            "downstreamSheets": lambda: [sheet for workbook in workbooks() for sheet in self._sheets(workbook)],
            "downstreamDashboards": lambda: [one for workbook in workbooks() for one in self._dashboards(workbook)],
        }

    def _views(self, workbook: Content) -> list[Content]:
        views = (self._site.contents[v] for v in self._site.children(workbook.id))
        return [view for view in views if view.id in self._seen]

    def _view_of(self, view: Content) -> Node:
        return self.dashboard(view) if self._files.is_dashboard(view) else self.sheet(view)

    def _sheets(self, workbook: Content) -> list[Node]:
        return [self.sheet(view) for view in self._views(workbook) if not self._files.is_dashboard(view)]

    def _dashboards(self, workbook: Content) -> list[Node]:
        return [self.dashboard(view) for view in self._views(workbook) if self._files.is_dashboard(view)]

    def _used_by(self, workbook: Content) -> list[Content]:
        return [self._site.contents[u.datasource] for u in workbook.uses if u.datasource in self._site.contents]

    def sheet(self, content: Content) -> Node:
        """A worksheet; it has no fields of its own beside those of its data sources."""
        workbook = self._site.contents[content.parent or ""]
        return {
            **self._view("Sheet", content, workbook),
            "containedInDashboards": lambda: [
                d for d in self._dashboards(workbook) if content.name in self._files.dashboards(workbook.id)[d["name"]]
            ],
            "datasourceFields": lambda: self._fields_in(workbook),
            "sheetFieldInstances": lambda: self._fields_in(workbook),
            "worksheetFields": [],
            "parentEmbeddedDatasources": lambda: self.embedded_in(workbook),
        }

    def dashboard(self, content: Content) -> Node:
        """A dashboard with the sheets on it."""
        workbook = self._site.contents[content.parent or ""]
        placed = self._files.dashboards(workbook.id)[content.name]
        return {
            **self._view("Dashboard", content, workbook),
            "sheets": lambda: [sheet for sheet in self._sheets(workbook) if sheet["name"] in placed],
        }

    def _view(self, typename: str, content: Content, workbook: Content) -> dict[str, Any]:
        return {
            **self.base(typename, content),
            "path": address(self._state, self._site, content).replace("/sheets/", "/"),
            "index": list(self._site.children(workbook.id)).index(content.id),
            "workbook": lambda: self.workbook(workbook),
            "upstreamDatasources": lambda: map(self.published, self._used_by(workbook)),
            "upstreamFields": lambda: self._fields_in(workbook),
            **self.upstream(self._used_by(workbook)),
        }

    def _fields_in(self, workbook: Content) -> list[Node]:
        return [field for source in self.embedded_in(workbook) for field in source["fields"]()]

    # -- data sources -----------------------------------------------------------------------------------------

    def published(self, content: Content) -> Node:
        """A published data source."""
        return {
            **self.base("PublishedDatasource", content),
            "isCertified": content.id in self._seen and self._state.details(content.id).certified,
            **self._data(content, [content], "PublishedDatasource"),
            **self.downstream(lambda: self.using(content)),
        }

    @cached_property
    def _users(self) -> Mapping[str, tuple[Content, ...]]:
        """Workbooks that are seen, by the published data sources behind them."""
        users_of: dict[str, tuple[Content, ...]] = {}
        for workbook in self._visible("workbook"):
            for source in dict.fromkeys(use.datasource for use in workbook.uses):
                users_of[source] = (*users_of.get(source, ()), workbook)
        return users_of

    def using(self, source: Content) -> tuple[Content, ...]:
        """The workbooks that are seen on a published data source."""
        return self._users.get(source.id, ())

    def embedded_in(self, workbook: Content) -> Iterator[Node]:
        """One for each published data source behind the workbook, else one of its own."""
        sources: Sequence[Content | None] = self._used_by(workbook) or [None]
        for source in sources:
            named = source or workbook
            shown = source is None or source.id in self._seen
            parents = [source] if source is not None else []
            yield {
                "__typename": "EmbeddedDatasource",
                "id": node_id("embedded", f"{workbook.id}/{source.id if source else ''}"),
                "name": named.name if shown else None,
                "createdAt": workbook.created or None,
                "updatedAt": workbook.updated or None,
                **self._data(workbook, parents, "EmbeddedDatasource"),
                "workbook": lambda: self.workbook(workbook),
                "upstreamDatasources": lambda parents=parents: map(self.published, parents),
                "parentPublishedDatasources": lambda parents=parents: map(self.published, parents),
                **self.downstream(lambda: [workbook]),
            }

    def _data(self, holder: Content, sources: Sequence[Content], typename: str) -> dict[str, Any]:
        """Extract, tables and fields of a data source; `sources` are the published ones it is or stands on."""
        upstream = sources[0] if sources and typename == "EmbeddedDatasource" else None
        return {
            "hasExtracts": self._state.details(holder.id).has_extracts,
            "containsUnsupportedCustomSql": False,
            "fields": lambda: list(self._fields(holder, upstream)),
            **self.upstream(sources),
        }

    def _fields(self, holder: Content, upstream: Content | None) -> Iterator[Node]:
        """The pretended fields; those of an embedded data source on a published one stand for its fields."""
        remote = list(self._fields(upstream, None)) if upstream is not None else [None] * len(COLUMNS)
        where = f"{holder.id}/{upstream.id if upstream is not None else ''}"
        workbooks = (lambda: [holder]) if holder.kind == "workbook" else (lambda: list(self.using(holder)))
        for (name, _remote_type, data_type, role), behind in zip(COLUMNS, remote, strict=True):

            def columns(name: str = name) -> list[Node]:
                return [column for column in self.columns_behind(holder, upstream) if column["name"] == name]

            yield {
                "__typename": "ColumnField" if behind is None else "DatasourceField",
                "id": node_id("field", f"{where}/{name}"),
                "name": name,
                "description": "",
                "fullyQualifiedName": f"[{holder.name}].[{name}]" if holder.id in self._seen else None,
                "isHidden": False,
                "role": role,
                "dataType": data_type,
                "dataCategory": "NOMINAL" if role == DIMENSION else "QUANTITATIVE",
                "aggregation": "COUNT" if role == DIMENSION else "SUM",
                "datasource": lambda: self._datasource_of(holder, upstream),
                "columns": columns,
                "upstreamFields": [behind] if behind is not None else [],
                "remoteField": behind,
                **self.upstream([holder]),
                "upstreamColumns": columns,
                **self.downstream(workbooks),
            }

    def _datasource_of(self, holder: Content, upstream: Content | None) -> Node:
        if holder.kind == "datasource":
            return self.published(holder)
        wanted = node_id("embedded", f"{holder.id}/{upstream.id if upstream is not None else ''}")
        return next(e for e in self.embedded_in(holder) if e["id"] == wanted)
