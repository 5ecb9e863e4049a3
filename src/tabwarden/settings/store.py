"""The settings of what is kept between runs."""

from __future__ import annotations

from pathlib import Path

from pydantic import Field

from tabwarden.section import LocalPath, Secret, Section


class Retention(Section):
    """Which snapshots of the history stay; the newest of a site always does."""

    every_days: int = Field(default=30, ge=1, description="days for which every snapshot stays")
    daily_days: int = Field(
        default=365, ge=1, description="days for which the last snapshot of a day stays; after that the last of a month"
    )
    most_days: int | None = Field(
        default=None, ge=1, description="days after which a snapshot is deleted; when not given, never"
    )


class Store(Section):
    """What is kept between runs."""

    folder: LocalPath = Field(default=Path(".tabwarden"), description="folder of snapshots, journals and history")
    url: Secret | None = Field(
        default=None,
        description="database of the history, `postgresql://...`; when not given, a file in the folder",
    )
    retention: Retention = Field(default=Retention(), description="which snapshots of the history stay")
