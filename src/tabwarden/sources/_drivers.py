"""The database drivers known by a short name, and how each writes identifiers. Opens nothing."""

from __future__ import annotations

import re
from typing import NamedTuple

from tabwarden.sources import unreadable
from tabwarden.want.roster import shown


class Driver(NamedTuple):
    """A PEP 249 module.

    `install` is the package that has it, an extra of ours, or empty where that is unknown; `quotes` the two characters
    around an identifier; `fold` what the database does to one written without quotes: `upper`, `lower`, or nothing;
    `dialect` the SQL for which the views of a mirror are written, empty where they are not.
    """

    module: str
    install: str
    quotes: str = '""'
    fold: str = ""
    dialect: str = ""


DRIVERS: dict[str, Driver] = {
    "snowflake": Driver("snowflake.connector", "[snowflake]", fold="upper", dialect="snowflake"),
    "postgres": Driver("psycopg", "[postgres]", fold="lower", dialect="postgres"),
    "psycopg": Driver("psycopg", "[postgres]", fold="lower", dialect="postgres"),
    "psycopg2": Driver("psycopg2", "psycopg2-binary", fold="lower", dialect="postgres"),
    "sqlite": Driver("sqlite3", "", dialect="sqlite"),
    "duckdb": Driver("duckdb", "[files]", dialect="duckdb"),
    "mysql": Driver("mysql.connector", "mysql-connector-python", "``"),
    "pymysql": Driver("pymysql", "pymysql", "``"),
    "mariadb": Driver("mariadb", "mariadb", "``"),
    "mssql": Driver("mssql_python", "mssql-python", "[]"),
    "pyodbc": Driver("pyodbc", "pyodbc"),
    "oracle": Driver("oracledb", "oracledb", fold="upper"),
    "databricks": Driver("databricks.sql", "databricks-sql-connector", "``", dialect="databricks"),
    "bigquery": Driver("google.cloud.bigquery.dbapi", "google-cloud-bigquery", "``", dialect="bigquery"),
    "trino": Driver("trino.dbapi", "trino", fold="lower"),
    "redshift": Driver("redshift_connector", "redshift-connector", fold="lower"),
    "adbc_snowflake": Driver("adbc_driver_snowflake.dbapi", "adbc-driver-snowflake", fold="upper"),
    "adbc_postgresql": Driver("adbc_driver_postgresql.dbapi", "adbc-driver-postgresql", fold="lower"),
    "adbc_sqlite": Driver("adbc_driver_sqlite.dbapi", "adbc-driver-sqlite"),
    "adbc_flightsql": Driver("adbc_driver_flightsql.dbapi", "adbc-driver-flightsql"),
}

ESCAPE = "module:"

_PLAIN = re.compile(r"[A-Za-z_][A-Za-z0-9_$]*")
_PART = re.compile(r'"((?:[^"]|"")+)"|([^."]+)')


def driver_named(name: str) -> Driver:
    """The driver of a short name, or of `module:NAME` for any other PEP 249 module. Raises SourceError."""
    if name in DRIVERS:
        return DRIVERS[name]
    module = name.removeprefix(ESCAPE)
    if module != name and module.replace(".", "_").isidentifier():
        return Driver(module, "")
    raise unreadable(
        f"driver `{shown(name)}` is not known; `driver` is one of {', '.join(sorted(DRIVERS))}, "
        f"or {ESCAPE} followed by the name of another PEP 249 module"
    )


def table_name(written: str) -> str:
    """The name of a table as written in SQL: up to three parts joined by dots. ValueError for what is none."""
    _parts(written)
    return written


def select_all(table: str, driver: Driver) -> str:
    """The query for all of a table. ValueError for what is no table name.

    A part in double quotes is taken letter by letter, a plain word in the letter case the database gives it, anything
    else letter by letter too. Every part ends up quoted.
    """
    parts = (part if exact else _folded(part, driver) for part, exact in _parts(table))
    return f"SELECT * FROM {'.'.join(_quoted(part, driver) for part in parts)}"


def _parts(table: str) -> list[tuple[str, bool]]:
    """The parts of a table's name, each with whether it stood in double quotes."""
    parts: list[tuple[str, bool]] = []
    rest = table.strip()
    while match := _PART.match(rest):
        parts.append((match[1].replace('""', '"'), True) if match[1] else (match[2].strip(), False))
        rest = rest[match.end() :]
        if not rest.startswith("."):
            break
        rest = rest[1:] or "."  # a dot at the end is left over
    if rest or not 1 <= len(parts) <= 3 or not all(part for part, _ in parts) or "\0" in table:
        raise ValueError(
            "must be a table name such as `PEOPLE.HR.JOINERS`; put a part with a dot into double quotes, or use `query`"
        )
    return parts


def _folded(part: str, driver: Driver) -> str:
    if not _PLAIN.fullmatch(part):
        return part
    return {"upper": part.upper(), "lower": part.lower()}.get(driver.fold, part)


def _quoted(part: str, driver: Driver) -> str:
    """An identifier in the database's quotes; a closing quote inside is doubled, so it cannot end early."""
    opening, closing = driver.quotes[0], driver.quotes[1]
    return f"{opening}{part.replace(closing, closing * 2)}{closing}"
