"""Whom a mirror serves, what is mirrored and where it goes."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Discriminator, Field, model_validator

from tabwarden.mirror.rows import FACTS
from tabwarden.section import Age, Section, Text
from tabwarden.settings.sources import AnySource
from tabwarden.sinks._files import DerivedSink
from tabwarden.sinks.csv_files import CsvSink
from tabwarden.sinks.datahub import DataHubSink
from tabwarden.sinks.jsonl import JsonLinesSink
from tabwarden.sinks.openfga import OpenFgaSink
from tabwarden.sinks.openmetadata import OpenMetadataSink
from tabwarden.sinks.parquet import ParquetSink
from tabwarden.sinks.sql import SqlSink
from tabwarden.sources._drivers import DRIVERS

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


AnySink = Annotated[
    CsvSink | JsonLinesSink | ParquetSink | SqlSink | OpenFgaSink | DataHubSink | OpenMetadataSink,
    Discriminator("type"),
]


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
    form: Literal["compressed", "flat", "facts"] = Field(
        default="compressed",
        description="rows by sets of viewers, a row for each person and content, or facts that a warehouse joins",
    )
    max_age: Age = Field(default=DAY, description="oldest snapshot that is published: a number with `m`, `h` or `d`")
    sinks: tuple[AnySink, ...] = Field(default=(), description="where the mirror goes, a list")

    @model_validator(mode="after")
    def _takes_facts(self) -> Mirror:
        """A sink of sets makes of facts what it makes of the compressed form, so that the word would do nothing."""
        for number, sink in enumerate(self.sinks if self.form == FACTS else (), start=1):
            driver = DRIVERS.get(sink.driver) if isinstance(sink, SqlSink) else None
            if isinstance(sink, DerivedSink):
                raise ValueError(
                    f"has `form: facts`, which is for tables, and sink {number} (`{sink.type}`) is made of sets of "
                    "people; give it settings of its own, with `form: compressed`"
                )
            if isinstance(sink, SqlSink) and (driver is None or not driver.dialect):
                known = ", ".join(f"`{name}`" for name, one in DRIVERS.items() if one.dialect)
                raise ValueError(
                    f"has `form: facts`, and there are no views for driver `{sink.driver}` of sink {number}, only for "
                    f"{known}; give it settings of its own, with `form: compressed`"
                )
        return self
