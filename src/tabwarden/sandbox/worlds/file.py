"""A world as a YAML file people read and write: names instead of ids, templates instead of long lists."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from tabwarden import safe_files
from tabwarden.model.errors import WorldError
from tabwarden.sandbox.directories.directory import DirectoryText
from tabwarden.troubles import breach, why

# The safe loader and dumper, in C where the library has them: large worlds load ten times faster.
_DUMPER = getattr(yaml, "CSafeDumper", yaml.SafeDumper)
USUAL_TIME = "2025-01-01T08:00:00Z"


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class RuleText(_Part):
    """What one grantee is allowed and denied; a template stands for its capabilities allowed."""

    user: str | None = None
    group: str | None = None
    group_set: str | None = None
    template: str | None = None
    allow: tuple[str, ...] = ()
    deny: tuple[str, ...] = ()
    leader: bool = False


class UserText(_Part):
    """A user by name; the password is the name unless given."""

    role: str
    domain: str = "local"
    full_name: str | None = None
    email: str = ""
    auth_setting: str | None = None
    last_login: str | None = None
    idp_configuration_id: str | None = None
    password: str | None = None
    id: str | None = None


class GroupText(_Part):
    """A group by name, its members by name."""

    members: tuple[str, ...] = ()
    domain: str = "local"
    minimum_site_role: str | None = None
    grant_on: Literal["onLogin", "onSync"] | None = None
    on_demand: bool = False
    id: str | None = None


class GroupSetText(_Part):
    """A group set by name, its groups by name."""

    groups: tuple[str, ...] = ()
    id: str | None = None


class _ContentText(_Part):
    owner: str
    description: str = ""
    created: str = USUAL_TIME
    updated: str = USUAL_TIME
    rules: tuple[RuleText, ...] | None = None
    id: str | None = None


class ProjectText(_ContentText):
    """A project by path. Without rules or defaults it starts with those of its parent."""

    mode: Literal["LockedToProject", "LockedToProjectWithoutNested", "ManagedByOwner"] | None = None
    defaults: Mapping[str, tuple[RuleText, ...]] | None = None


class UseText(_Part):
    """A published data source behind a workbook, by path."""

    datasource: str
    auth: Literal["embed", "prompt"] = "embed"


class ConnectionText(_Part):
    """A connection to data outside the site; `embedded`: whether a password is kept with it."""

    kind: str
    server: str = ""
    user: str = ""
    embedded: bool = False


class ViewText(_Part):
    """A view; without rules it has the workbook's."""

    name: str
    tags: tuple[str, ...] = ()
    rules: tuple[RuleText, ...] | None = None
    id: str | None = None


class ItemText(_ContentText):
    """A workbook, data source, flow, ... by path. Without rules it starts with its project's defaults.

    A table lies in a database; `mode` and `defaults` (for tables) are a database's.
    """

    kind: str
    mode: Literal["LockedToDatabase", "ManagedByOwner"] = "ManagedByOwner"
    defaults: Mapping[str, tuple[RuleText, ...]] = Field(default_factory=dict)
    tabs: bool = True
    views: tuple[ViewText, ...] = ()
    uses: tuple[UseText, ...] = ()
    tags: tuple[str, ...] = ()
    certified: bool = False
    certification_note: str = ""
    connections: tuple[ConnectionText, ...] = ()


class SettingsText(_Part):
    """The site's settings, as in `SiteSettings`."""

    web_authoring: bool = True
    commenting: bool = True
    group_sets: bool = True
    explain_data: bool = True
    admin_mode: Literal["ContentAndUsers", "ContentOnly"] = "ContentAndUsers"
    user_visibility: Literal["FULL", "LIMITED"] = "FULL"
    subscriptions: bool = True
    subscribe_others: bool = True
    data_alerts: bool = True
    revision_history: bool = True
    personal_space: bool = True
    vizql_data_service: bool = True


class ProviderText(_Part):
    """An identity provider of a site."""

    name: str
    auth_setting: Literal["SAML", "OpenID"] = "SAML"
    id: str | None = None


class UsageText(_Part):
    """What somebody did with a content (by path), or has there, and when last; `what` as in `model.usage`."""

    user: str
    what: str
    content: str | None = None
    last: str = USUAL_TIME
    times: int = Field(default=1, ge=1)


class SiteText(_Part):
    """One site."""

    name: str
    content_url: str
    id: str | None = None
    settings: SettingsText = SettingsText()
    licences: Mapping[str, int] | None = None
    identity_providers: tuple[ProviderText, ...] = ()
    users: Mapping[str, UserText]
    groups: Mapping[str, GroupText] = Field(default_factory=dict)
    group_sets: Mapping[str, GroupSetText] = Field(default_factory=dict)
    projects: Mapping[str, ProjectText] = Field(default_factory=dict)
    content: Mapping[str, ItemText | tuple[ItemText, ...]] = Field(default_factory=dict)
    usage: tuple[UsageText, ...] = ()


class TokenText(_Part):
    """A personal access token."""

    name: str
    secret: str
    user: str
    domain: str = "local"


class AppText(_Part):
    """A connected app."""

    name: str = "app"
    client_id: str
    secret_id: str
    secret: str


class WorldText(_Part):
    """A whole world file."""

    world: str
    about: str = ""
    tokens: tuple[TokenText, ...] = ()
    apps: tuple[AppText, ...] = ()
    directory: DirectoryText = DirectoryText()
    nicknames: Mapping[str, str] = Field(default_factory=dict)
    sites: tuple[SiteText, ...] = Field(min_length=1)


def read_text(text: str, where: str) -> WorldText:
    """The world of a YAML text; WorldError with every mistake and its place."""
    try:
        raw = safe_files.yaml_value(text)
    except yaml.YAMLError as problem:
        raise WorldError(f"world `{where}` is not YAML: {why(problem)}") from None
    if not isinstance(raw, dict):
        raise WorldError(f"world `{where}` is not a mapping; it starts with `world: NAME`")
    try:
        return WorldText.model_validate(raw)
    except ValidationError as problem:
        errors = problem.errors()
        inner = [error for error in errors if len(error["loc"]) > 1]
        # What is wrong within makes a list empty besides.
        errors = [e for e in errors if not any(one["loc"][:1] == e["loc"] for one in inner)]
        lines = (f"  {'.'.join(map(str, e['loc']))}: {breach(e)}" for e in errors)
        raise WorldError(f"world `{where}` has mistakes:", *lines) from None


def read_file(path: Path) -> WorldText:
    try:
        return read_text(safe_files.read_text(path), str(path))
    except (OSError, UnicodeDecodeError) as problem:
        raise WorldError(f"world file `{path}` cannot be read: {why(problem)}") from None


def to_yaml(world: WorldText) -> str:
    """The YAML text of a world, without what is usual."""
    plain = world.model_dump(mode="json", exclude_defaults=True)
    text: str = yaml.dump(plain, Dumper=_DUMPER, sort_keys=False, allow_unicode=True, width=115)
    return text
