"""Where people come from: joiners, leavers, catalog people. Not what is done with them."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BeforeValidator, Discriminator, Field, InstanceOf

from tabwarden.settings.base import Age, LocalPath, Section, Text
from tabwarden.settings.values import Connect, module_function, table_name


class Column(Section):
    """Which column of the source says what. `column: NAME` is short for `column: {name: NAME}`."""

    name: Text = Field(default="Email Address", description="column with the user name")
    full_name: Text | None = Field(default=None, description="column with the full name")
    email: Text | None = Field(default=None, description="column with the email address")
    auth_setting: Text | None = Field(default=None, description="column with the person's auth setting")


class AsOf(Section):
    """Where the source says how old it is: exactly one of the two."""

    column: Text | None = Field(default=None, description="column with a time; the newest counts")
    query: Text | None = Field(default=None, description="query that yields one time (`type: sql` only)")


def _column(value: Any) -> Any:
    return {"name": value} if isinstance(value, str) else value


class Source(Section):
    """What every source of people has."""

    column: Annotated[Column, BeforeValidator(_column)] = Field(
        default=Column(), description="the column with the user name, or a mapping of columns"
    )
    min_rows: int | None = Field(
        default=None,
        ge=0,
        description="fewer rows than this mean the source is partial; `0`: an empty list is a good list",
    )
    stale_after: Age | None = Field(
        default=None, description="oldest age that is still good: a number with `m`, `h` or `d`, kept in seconds"
    )
    as_of: AsOf | None = Field(default=None, description="where the source says how old it is")


class FileSource(Source):
    """People from a file."""

    type: Literal["file"] = Field(description="where the people are")
    path: LocalPath = Field(description="CSV, JSON Lines, Parquet or Excel file")
    format: Literal["csv", "jsonl", "parquet", "xlsx"] | None = Field(
        default=None, description="format of the file; when not given, by its name's ending"
    )
    sheet: Text | None = Field(default=None, description="sheet of an Excel file; when not given, the first")


class SqlSource(Source):
    """People from a database."""

    type: Literal["sql"] = Field(description="where the people are")
    driver: Text = Field(
        description="short name (`snowflake`, `postgres`, `sqlite`, ...), or `module:` and the name of a DB-API module"
    )
    connect: Annotated[InstanceOf[Connect], BeforeValidator(Connect.of)] = Field(
        default=Connect(), description="what the driver's connect takes, key by key; any value may be a reference"
    )
    query: Text | None = Field(default=None, description="query that yields the people")
    table: Annotated[str, AfterValidator(table_name)] | None = Field(
        default=None, description="table or view with the people, instead of `query`"
    )


class PythonSource(Source):
    """People from a function of your own."""

    type: Literal["python"] = Field(description="where the people are")
    function: Annotated[str, AfterValidator(module_function)] = Field(
        description="`module:function` that takes nothing and yields names or mappings"
    )


class LdapSource(Source):
    """People from the directory of the section `directory`."""

    type: Literal["ldap"] = Field(description="where the people are")
    state: Literal["enabled", "disabled", "deleted", "left"] = Field(
        description="whom to take: `left` are the disabled and the deleted (`type: ldap`)"
    )
    column: Annotated[Column, BeforeValidator(_column)] = Field(
        default=Column(name="sAMAccountName", full_name="displayName", email="mail"),
        description="the column with the user name, or a mapping of columns",
    )
    domain: Text | None = Field(default=None, description="only people of this domain, by full name")
    groups: tuple[Text, ...] = Field(
        default=(), description="only people in one of these groups or in groups within them"
    )
    filter: Text | None = Field(default=None, description="only people this filter of LDAP finds, `(department=Sales)`")
    base: Text | None = Field(default=None, description="only people below this distinguished name")


AnySource = Annotated[FileSource | SqlSource | PythonSource | LdapSource, Discriminator("type")]


class Sources(Section):
    """Where joiners and leavers come from."""

    joiners: AnySource | None = Field(default=None, description="the people who should be on the site")
    leavers: AnySource | None = Field(default=None, description="the people who should lose it")
