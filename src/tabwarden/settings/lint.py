"""The settings of lints."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, field_validator

from tabwarden.audit.knobs import Knobs
from tabwarden.model.capability import capability_named
from tabwarden.model.errors import TabwardenError
from tabwarden.section import LocalPath, Section, Text

_USUAL = Knobs()


class LintSettings(Section):
    """What lints are to know of this site."""

    large_group: int = Field(default=_USUAL.large_group, ge=1, description="members from which on a group is large")
    administrators_least: int = Field(
        default=_USUAL.administrators_least, ge=1, description="fewer administrators are too few"
    )
    administrators_most: int = Field(
        default=_USUAL.administrators_most, ge=1, description="more administrators are too many"
    )
    public_projects: tuple[Text, ...] = Field(
        default=_USUAL.public_projects, description="paths of projects that are meant for everybody, as patterns"
    )
    test_projects: tuple[Text, ...] = Field(
        default=_USUAL.test_projects, description="names of projects for trying things out, as patterns"
    )
    service_accounts: tuple[Text, ...] = Field(
        default=_USUAL.service_accounts, description="user names of accounts that are no person's, as patterns"
    )
    row_level_security_tags: tuple[Text, ...] = Field(
        default=_USUAL.row_level_security_tags, description="tags of content that shows each person her own rows"
    )
    row_level_security: tuple[Text, ...] = Field(
        default=_USUAL.row_level_security, description="paths of such content, as patterns"
    )
    ignore: tuple[Text, ...] = Field(default=_USUAL.ignore, description="lints that are left out, by id")
    unused_days: int = Field(
        default=_USUAL.unused_days, ge=1, le=36_525, description="days after which access that nobody used is told"
    )
    unused_days_of: dict[Text, Annotated[int, Field(ge=1, le=36_525)]] = Field(
        default={}, description="the same of single capabilities, by their names"
    )
    baseline: LocalPath | None = Field(default=None, description="file of findings that are put by")

    @field_validator("unused_days_of")
    @classmethod
    def _by_rest_name(cls, days: dict[str, int]) -> dict[str, int]:
        try:
            return {capability_named(name): number for name, number in days.items()}
        except TabwardenError as error:
            raise ValueError(str(error)) from None
