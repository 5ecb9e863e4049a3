"""Views over the facts of a mirror, and row access policies: written once, and translated for each warehouse.

What a person may View is item -> class -> circle -> person. It is written in PostgreSQL's words and translated by
sqlglot; around it stand the few words for views and policies that sqlglot has no grammar for, by dialect.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Protocol

from tabwarden.extras import install
from tabwarden.mirror.rows import COLUMNS, NUMBERS, OF_FACTS
from tabwarden.model.errors import SinkError
from tabwarden.sources._drivers import driver_named, select_all

VISIBLE, MINE = "visible", "mine"
_NOBODY_SIGNS_IN = ("duckdb", "sqlite")
_CLASSES = """
    SELECT c.source, c.class{person} FROM classes AS c JOIN members AS m ON m.source = c.source AND m.circle = c.circle
    {of} GROUP BY c.source, c.class{person} HAVING MAX(c.excepted) = 0
"""
_OF_EACH = _CLASSES.format(person=", m.person", of="")
_OF_MINE = _CLASSES.format(person="", of="WHERE LOWER(m.person) = LOWER(CURRENT_USER)")
_VISIBLE = f"""
    SELECT i.source, s.person, i.id, i.kind, i.name, i.parent
    FROM items AS i JOIN ({_OF_EACH}) AS s ON s.source = i.source AND s.class = i.class
"""
_MINE = f"""
    SELECT i.source, i.id, i.kind, i.name, i.parent
    FROM items AS i JOIN ({_OF_MINE}) AS s ON s.source = i.source AND s.class = i.class
"""
_IS_MINE = f"EXISTS (SELECT 1 FROM ({_OF_MINE}) AS s WHERE s.source = row_source AND s.class = row_class)"
_PUBLISHES = "LOWER(CURRENT_USER) = LOWER('{publisher}')"
_HEADS = {  # who looks through `mine` sees its rows alone, whatever functions he gives along
    "postgres": "CREATE VIEW {name} WITH (security_barrier) AS",
    "snowflake": "CREATE SECURE VIEW {name} AS",
}


class Access(Protocol):
    """Which database, and what its tables are called: the settings of a sink."""

    @property
    def driver(self) -> str:
        """Its short name, or `module:NAME`."""

    @property
    def connect(self) -> Mapping[str, Any]:
        """What the driver's connect takes."""

    @property
    def table_schema(self) -> str:
        """NAME or DATABASE.NAME, or nothing."""

    @property
    def prefix(self) -> str:
        """What the names of the tables begin with."""

    @property
    def create(self) -> bool:
        """Whether tables that are not there are made."""


def name_of(sink: Access, table: str) -> str:
    """The quoted name of a table there."""
    whole = ".".join(filter(None, (sink.table_schema, sink.prefix + table)))
    return select_all(whole, driver_named(sink.driver)).removeprefix("SELECT * FROM ")


def views(sink: Access, dialect: str) -> Iterator[tuple[str, str]]:
    """The quoted name and the statement of each view: `visible` of everybody, `mine` of who is signed in."""
    sql = _translator(sink, dialect)
    for view, query in ((VISIBLE, _VISIBLE), (MINE, _MINE)):
        if view == VISIBLE or dialect not in _NOBODY_SIGNS_IN:
            name = name_of(sink, view)
            head = _HEADS.get(dialect) if view == MINE else None
            yield name, f"{(head or 'CREATE VIEW {name} AS').format(name=name)}\n{sql(query)}"


def script(sink: Access, dialect: str) -> list[str]:
    """All that a person deploys by hand: tables, views and policies, a statement or a remark each."""
    tables = [_table(sink, dialect, table) for table in COLUMNS]
    remarks = [] if dialect in _NOBODY_SIGNS_IN else [f"-- {line}" for line in _REMARKS[dialect]]
    policies = _POLICIES[dialect](sink, _translator(sink, dialect)) if dialect in _POLICIES else []
    return [
        "-- tables, which `mirror.form: facts` fills",
        *tables,
        f"-- who sees what (`{VISIBLE}`: for those who may know it of everybody)",
        *(statement for _, statement in views(sink, dialect)),
        "-- who is signed in sees what is theirs alone" if policies else "-- nobody signs in here: filter by person",
        *remarks,
        *policies,
    ]


def _table(sink: Access, dialect: str, table: str) -> str:
    columns = ", ".join(f"{column} {'BIGINT' if column in NUMBERS else 'TEXT'}" for column in COLUMNS[table])
    sql = _translator(sink, dialect)
    return sql(f"CREATE TABLE IF NOT EXISTS {table} ({columns})")


def _translator(sink: Access, dialect: str) -> Callable[[str], str]:
    """What writes a statement of PostgreSQL in that dialect, with the tables as they are called there."""
    try:
        sqlglot: Any = importlib.import_module("sqlglot")
    except ImportError:
        raise SinkError(f"views of facts need the module `sqlglot`; {install('[warehouse]')}") from None
    words = sqlglot.exp

    def translated(statement: str) -> str:
        tree = sqlglot.parse_one(statement, dialect="postgres")
        for table in list(tree.find_all(words.Table)):
            whole = words.to_table(name_of(sink, table.name), dialect=dialect)
            for part in ("this", "db", "catalog"):
                table.set(part, whole.args.get(part))
        if dialect == "bigquery":  # has another word for it, which sqlglot does not write
            for node in list(tree.find_all(words.CurrentUser)):
                node.replace(words.Anonymous(this="SESSION_USER"))
        written: str = tree.sql(dialect=dialect, pretty=True)
        return written

    return translated


# -- policies, whose frames sqlglot has no grammar for --------------------------------------------------------------


def _publisher(sink: Access) -> str:
    """Who publishes, and must see every row to know what differs."""
    user = sink.connect.get("user")
    return user if isinstance(user, str) and user else "tabwarden"


def _condition(sink: Access, sql: Callable[[str], str]) -> str:
    """Whether a row of `items` is for who is signed in."""
    publishes = _PUBLISHES.format(publisher=_publisher(sink).replace("'", "''"))
    return sql(f"{publishes} OR {_IS_MINE}")


def _of_postgres(sink: Access, sql: Callable[[str], str]) -> list[str]:
    members, classes, items = (name_of(sink, table) for table in OF_FACTS)
    mine = {
        members: "LOWER(person) = LOWER(CURRENT_USER)",
        classes: f"(source, circle) IN (SELECT source, circle FROM {members})",
        items: f"(source, class) IN (SELECT source, class FROM {classes} GROUP BY 1, 2 HAVING MAX(excepted) = 0)",
    }
    del sql  # what is said here is short, and PostgreSQL's own
    return [
        *(f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY" for table in mine),
        *(f"CREATE POLICY mirrored ON {table} FOR SELECT USING ({condition})" for table, condition in mine.items()),
    ]


def _of_snowflake(sink: Access, sql: Callable[[str], str]) -> list[str]:
    policy = name_of(sink, "mirrored")
    head = f"CREATE ROW ACCESS POLICY {policy} AS (row_source VARCHAR, row_class NUMBER) RETURNS BOOLEAN ->"
    return [
        f"{head}\n{_condition(sink, sql)}",
        f"ALTER TABLE {name_of(sink, 'items')} ADD ROW ACCESS POLICY {policy} ON (source, class)",
    ]


def _of_databricks(sink: Access, sql: Callable[[str], str]) -> list[str]:
    function = name_of(sink, "mirrored")
    head = f"CREATE FUNCTION {function} (row_source STRING, row_class BIGINT) RETURNS BOOLEAN\nRETURN"
    return [
        f"{head}\n{_condition(sink, sql)}",
        f"ALTER TABLE {name_of(sink, 'items')} SET ROW FILTER {function} ON (source, class)",
    ]


def _of_bigquery(sink: Access, sql: Callable[[str], str]) -> list[str]:
    items, policy = name_of(sink, "items"), "CREATE ROW ACCESS POLICY {} ON {}\nGRANT TO ({})\nFILTER USING ({})"
    key = "{0}source || ' ' || CAST({0}class AS TEXT)"
    mine = sql(f"{key.format('')} IN (SELECT {key.format('s.')} FROM ({_OF_MINE}) AS s)")
    publisher = "'serviceAccount:tabwarden@PROJECT.iam.gserviceaccount.com'"
    return [
        policy.format("mirrored_whole", items, publisher, "TRUE"),
        policy.format("mirrored", items, "'domain:company.com'", mine),
    ]


_POLICIES = {
    "postgres": _of_postgres,
    "snowflake": _of_snowflake,
    "databricks": _of_databricks,
    "bigquery": _of_bigquery,
}
_REMARKS = {
    "postgres": ("the owner of the tables, who publishes, is not bound; others need SELECT on all three",),
    "snowflake": ("grant SELECT on `items` or on `mine`; nobody else `classes`, `members`, `people` and `visible`",),
    "databricks": ("grant SELECT on `items` or on `mine`; nobody else `classes`, `members`, `people` and `visible`",),
    "bigquery": ("put in who publishes, who must see every row, and whom the tables are for",),
}
