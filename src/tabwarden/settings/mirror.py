"""Whom a mirror serves, what is mirrored and where it goes."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Discriminator, Field

from tabwarden.section import Age, Section, Text
from tabwarden.settings.sources import AnySource
from tabwarden.sinks.csv_files import CsvSink
from tabwarden.sinks.datahub import DataHubSink
from tabwarden.sinks.jsonl import JsonLinesSink
from tabwarden.sinks.openfga import OpenFgaSink
from tabwarden.sinks.openmetadata import OpenMetadataSink
from tabwarden.sinks.parquet import ParquetSink
from tabwarden.sinks.sql import SqlSink

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
    form: Literal["compressed", "flat"] = Field(
        default="compressed", description="rows by sets of viewers, or a row for each person and content"
    )
    max_age: Age = Field(default=DAY, description="oldest snapshot that is published: a number with `m`, `h` or `d`")
    sinks: tuple[AnySink, ...] = Field(default=(), description="where the mirror goes, a list")
