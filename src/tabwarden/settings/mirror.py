"""Whom a mirror serves, what is mirrored and where it goes."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Discriminator, Field

from tabwarden.section import Age, Connect, Connecting, LocalPath, Section, Text
from tabwarden.settings.sources import AnySource

DAY = 86_400


class UserException(Section):
    """Somebody whose names differ."""

    person: Text = Field(description="name in the catalog")
    user: Text = Field(description="user name on Tableau, as `domain\\name` where several have it")


class Catalog(Section):
    """The people of the catalog."""

    people: AnySource | None = Field(
        default=None, description="the people of the catalog; when not given, Tableau's own users by their user names"
    )
    domains: tuple[Text, ...] = Field(
        default=(), description="names that differ only in one of these domains, or by having none, are the same"
    )
    exceptions: tuple[UserException, ...] = Field(
        default=(), description="people whose names differ, each with `person` and `user`; before all other matching"
    )


class FilesSink(Section):
    """Files in a folder for each source."""

    type: Literal["jsonl", "csv", "parquet", "openfga", "datahub", "openmetadata"] = Field(
        description="where the mirror goes"
    )
    folder: LocalPath = Field(description="folder that holds a folder for each source")


class SqlSink(Section):
    """Tables of a database."""

    type: Literal["sql"] = Field(description="where the mirror goes")
    driver: Text = Field(
        description="short name (`snowflake`, `postgres`, `duckdb`, ...), or `module:` and the name of a DB-API module"
    )
    connect: Connecting = Field(
        default=Connect(), description="what the driver's connect takes, key by key; any value may be a reference"
    )
    table_schema: str = Field(default="", alias="schema", description="schema of the tables: NAME or DATABASE.NAME")
    prefix: Annotated[str, Field(pattern=r"^[A-Za-z_]\w*$")] = Field(
        default="tabwarden_", description="what the names of the tables begin with"
    )
    create: bool = Field(default=True, description="make the tables that are not there")


AnySink = Annotated[FilesSink | SqlSink, Discriminator("type")]


class Mirror(Section):
    """What is mirrored, and how."""

    enforce: bool = Field(
        default=True, description="whether people see only what they may View; `false` shows everything to everybody"
    )
    source: Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*$")] | None = Field(
        default=None, description="name of this site in the sinks; when not given, its content URL or `default`"
    )
    projects: tuple[Text, ...] = Field(
        default=(), description="paths of the projects that are mirrored with all below them; none written: all"
    )
    form: Literal["compressed", "flat"] = Field(
        default="compressed", description="rows by sets of viewers, or a row for each person and content"
    )
    max_age: Age = Field(default=DAY, description="oldest snapshot that is published: a number with `m`, `h` or `d`")
    sinks: tuple[AnySink, ...] = Field(default=(), description="where the mirror goes, a list")
