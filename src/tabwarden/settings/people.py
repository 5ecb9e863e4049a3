"""Several sources of people together: which there are, whose word counts, overrides, and what the mapping gives."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field

from tabwarden.section import ColumnName, RoleName, Section, Text, as_list
from tabwarden.settings.sources import AnySource

MappedRole = Annotated[Literal["Unlicensed", "Viewer", "Explorer", "ExplorerCanPublish", "Creator"], RoleName]


def _keys(value: Any) -> Any:
    if isinstance(value, str) or type(value) is int:
        return {"key": str(value)}
    if isinstance(value, Mapping):
        value = {kind: str(key) if type(key) is int else key for kind, key in value.items()}
    if not isinstance(value, Mapping) or not all(
        isinstance(part, str) and part for both in value.items() for part in both
    ):
        raise ValueError("must be one text, or a mapping such as `{employee: E1234}`")
    return dict(value)


Texts = Annotated[tuple[Text, ...], BeforeValidator(as_list)]
Keys = Annotated[dict[str, str], BeforeValidator(_keys)]


class PeopleColumns(Section):
    """Which column of a source says what; what is not named is not read."""

    key: Keys = Field(
        default_factory=dict,
        description="column with a key that stays for life, or a mapping of kinds of key to columns; "
        "keys of one kind are compared",
    )
    name: ColumnName | None = Field(default=None, description="column with the user name")
    full_name: ColumnName | None = Field(default=None, description="column with the full name")
    email: ColumnName | None = Field(default=None, description="column with the email address")
    department: ColumnName | None = Field(default=None, description="column with the department")
    title: ColumnName | None = Field(default=None, description="column with the title or role at work")
    manager: ColumnName | None = Field(default=None, description="column with the manager")
    status: ColumnName | None = Field(default=None, description="column that says whether the person has left")
    starts: ColumnName | None = Field(default=None, description="column with the first day; nobody joins before")
    ends: ColumnName | None = Field(
        default=None, description="column with the last day; nobody leaves before, nobody stays after"
    )
    groups: ColumnName | None = Field(default=None, description="column with the source groups, a list or a text")
    site_role: ColumnName | None = Field(default=None, description="column with the site role on Tableau")
    auth_setting: ColumnName | None = Field(default=None, description="column with the person's auth setting")


class PeopleSource(Section):
    """One of several sources."""

    name: Text = Field(description="what plans and answers call the source")
    from_: AnySource = Field(alias="from", description="where the people are; any source, without `column`")
    rank: int = Field(default=100, description="the lower, the more its word counts; equal ranks go by name")
    authoritative: bool = Field(
        default=False, description="whether who vanishes from it has left, and its word on that comes first"
    )
    columns: PeopleColumns = Field(description="which column says what")
    separator: Text = Field(default=";", description="what parts the groups in one text")
    left: Texts = Field(default=(), description="words of the status column, with `*` and `?`, that mean: has left")
    active: Texts = Field(
        default=(), description="words that mean the contrary; when given, a row with any other word is not used"
    )
    all_left: bool = Field(default=False, description="everybody in this source has left")


class FieldPrecedence(Section):
    """Sources that come first for one field, the strongest first; then the others by rank."""

    name: Texts = Field(default=(), description="for the user name")
    full_name: Texts = Field(default=(), description="for the full name")
    email: Texts = Field(default=(), description="for the email address")
    department: Texts = Field(default=(), description="for the department")
    title: Texts = Field(default=(), description="for the title")
    manager: Texts = Field(default=(), description="for the manager")
    status: Texts = Field(default=(), description="for whether somebody has left; their word settles contradictions")
    site_role: Texts = Field(default=(), description="for the site role")
    auth_setting: Texts = Field(default=(), description="for the auth setting")


class PersonOverride(Section):
    """What is right about one person, whatever the sources say."""

    person: Text = Field(description="user name, e-mail, or `kind:value` of a key")
    key: Keys = Field(default_factory=dict, description="a key, or a mapping of kinds to keys")
    name: Text | None = Field(default=None, description="user name")
    full_name: Text | None = Field(default=None, description="full name")
    email: Text | None = Field(default=None, description="email address")
    department: Text | None = Field(default=None, description="department")
    title: Text | None = Field(default=None, description="title")
    manager: Text | None = Field(default=None, description="manager")
    status: Literal["active", "left"] | None = Field(default=None, description="whether the person has left")
    groups: tuple[Text, ...] | None = Field(default=None, description="source groups, instead of all others")
    site_role: MappedRole | None = Field(default=None, description="site role, instead of the mapping's")
    auth_setting: Text | None = Field(default=None, description="auth setting")
    reason: Text | None = Field(default=None, description="why; for people who read the settings")


class When(Section):
    """Whom an entry is for: all that is named must fit; of several patterns one."""

    department: Texts = Field(default=(), description="pattern of the department, with `*` and `?`, or a list")
    title: Texts = Field(default=(), description="pattern of the title")
    manager: Texts = Field(default=(), description="pattern of the manager")
    email: Texts = Field(default=(), description="pattern of the email address")
    name: Texts = Field(default=(), description="pattern of the user name")
    group: Texts = Field(
        default=(), description="pattern of a source group the person is in, directly or through others"
    )
    source: Texts = Field(default=(), description="pattern of the name of a source that lists the person")


class MappingEntry(Section):
    """Groups and site role of those it is for; without `when` it is for everybody."""

    when: When = Field(default=When(), description="whom it is for")
    groups: Texts = Field(default=(), description="groups on Tableau the person is in; created where they are missing")
    site_role: MappedRole | None = Field(default=None, description="least site role of the person")


class Nested(Section):
    """Which source group lies in which: from a source with two columns, or from the directory of the settings."""

    from_: AnySource | None = Field(default=None, alias="from", description="a source with a row for each nesting")
    group: Text = Field(default="group", description="column with the inner group")
    parent: Text = Field(default="parent", description="column with the group that holds it")
    directory: bool = Field(default=False, description="take the nesting from `directory`")


class SeveralSources(Section):
    """Several sources as one roster, and what it means on Tableau."""

    sources: tuple[PeopleSource, ...] = Field(default=(), description="the sources, a list in any order")
    match: tuple[Literal["key", "name", "email"], ...] = Field(
        default=("key", "name", "email"), description="by what rows of several sources are one person"
    )
    precedence: FieldPrecedence = Field(
        default=FieldPrecedence(), description="names of sources, by field, that come before the ranks"
    )
    overrides: tuple[PersonOverride, ...] = Field(default=(), description="what is right about single people, a list")
    overrides_from: AnySource | None = Field(
        default=None, description="a source with more overrides; its columns are called as the keys of `overrides`"
    )
    nested: Nested | None = Field(default=None, description="which source group lies in which")
    mapping: tuple[MappingEntry, ...] = Field(default=(), description="what department, title and groups give, a list")
    add: Literal["everybody", "mapped"] = Field(
        default="everybody", description="`mapped`: add nobody to whom no entry of the mapping applies"
    )
    unlisted: Literal["tell", "leavers"] = Field(
        default="tell",
        description="what people on the site are whom no authoritative source knows: told, or `leavers` too",
    )
    lower: bool = Field(default=False, description="whether the mapping may lower a site role too")
