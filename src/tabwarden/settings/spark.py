"""The settings of Apache Spark."""

from __future__ import annotations

from pydantic import Field

from tabwarden.section import Section, Text


class Spark(Section):
    """Where `--engine spark` works, and how much of a site a task gets."""

    master: Text = Field(default="local[*]", description="the cluster, where `--engine spark` names none")
    path: Text | None = Field(
        default=None,
        description="folder or URL for snapshots in Parquet, which the workers see; when not given, a temporary folder",
    )
    memory: int = Field(default=2048, ge=1, description="MiB that a task may take beside Python itself")
    block: int = Field(default=100_000, ge=1, description="contents of a mirror that a task gets at most")
