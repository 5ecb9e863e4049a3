"""What the models of all settings share: a section that takes no other keys, and the kinds of text. Not a setting."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, SecretStr, ValidationInfo

from tabwarden.settings.values import address, age


def _beside_settings(path: Path, info: ValidationInfo) -> Path:
    """Paths are relative to the folder of the settings file, so that cron and a person mean the same file."""
    folder = (info.context or {}).get("folder")
    grown = path.expanduser()
    return folder / grown if isinstance(folder, Path) else grown


LocalPath = Annotated[Path, AfterValidator(_beside_settings)]
Text = Annotated[str, Field(min_length=1)]
Secret = Annotated[SecretStr, Field(min_length=1)]
Address = Annotated[str, AfterValidator(address)]
SiteRole = Literal[
    "Viewer", "Explorer", "ExplorerCanPublish", "Creator", "SiteAdministratorExplorer", "SiteAdministratorCreator"
]
Age = Annotated[int, BeforeValidator(age)]


class Section(BaseModel):
    """One mapping of the file: no other keys, no changes, no values in its errors."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True, validate_default=True)
