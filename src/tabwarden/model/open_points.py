"""Where the sources are silent or disagree: one named open point each, with the documented answer as default.

Source: tableau-permissions §12 and the marks [C] of §2 to §8; the blog and the permissions paper where they differ.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, fields, replace
from functools import lru_cache
from types import MappingProxyType
from typing import Any, NamedTuple

from tabwarden.model.errors import SettingsError

CURRENT, CLASSIC, DENY_FIRST = "current", "classic", "deny_first"
MODELS = (CURRENT, CLASSIC, DENY_FIRST)
# Where an API Access row of the ceiling table speaks for a capability whose REST name is not known yet.
API_ACCESS = "VizqlDataApiAccess"
AI_ACCESS_KINDS = ("workbook", "datasource")


@dataclass(frozen=True, slots=True)
class OpenPoints:
    """The open points; `OPEN_POINTS` tells what each means, where it matters and what else it could be."""

    group_set_deny_is_final: bool = False
    viewer_calls_api: bool = True
    explorer_connects_vc: bool = False
    publishing_explorer_runs_flows: bool = True
    nested_publish_needs_parent: bool = False
    owner_deletes_top_level: bool = True
    owner_removal_code: str = "409003"
    republish_resets_view_rules: bool = False
    ai_access_name: str = ""
    extract_refresh_template: str = ""
    highest_minimum_wins: bool = True
    moved_item_keeps_rules: bool = True
    save_needs_publish: bool = False
    prompted_needs_view: bool = False
    project_connect_is_for_workbooks: bool = False
    custom_views_need_filter: bool = False
    leader_changes_owner: bool = True
    publishing_explorer_uses_vcs: bool = True
    flow_owner_changes_owner: bool = True
    explorers_own_content: bool = True
    deleted_group_leaves_sets: bool = True
    twenty_characters_by_upn: bool = False


DOCUMENTED = OpenPoints()
_NAMES = tuple(field.name for field in fields(OpenPoints))


class OpenPoint(NamedTuple):
    """What one open point means when it is on; `point` is its number, or the documents that differ.

    `others` are the values that a question is also asked with, beside the documented one; a name nobody knows yet has
    none. `changes` is True where it bears on what a change does, not on who may.
    """

    name: str
    point: str
    on: str
    others: tuple[bool | str, ...]
    changes: bool = False


_ROWS = (
    OpenPoint("group_set_deny_is_final", "1", "a group set's Deny beats a group's Allow", (True,)),
    OpenPoint(
        "viewer_calls_api",
        "2",
        "Viewer and Explorer may hold API Access; off: from Explorer (can publish) up",
        (False,),
    ),
    OpenPoint("explorer_connects_vc", "2", "Viewer and Explorer may Connect to virtual connections", (True,)),
    OpenPoint(
        "publishing_explorer_runs_flows",
        "3",
        "Explorer (can publish) may run, overwrite and web edit flows; off: only Creator",
        (False,),
    ),
    OpenPoint(
        "nested_publish_needs_parent", "4", "publishing to a nested project needs Publish on its parent too", (True,)
    ),
    OpenPoint(
        "owner_deletes_top_level",
        "5",
        "the owner of a top-level project may delete it; off: administrators only",
        (False,),
    ),
    OpenPoint("owner_removal_code", "6", "the code of refusing to remove a user who owns content", (), True),
    OpenPoint(
        "republish_resets_view_rules",
        "7",
        "republishing with hidden tabs gives old views the workbook's rules",
        (True,),
        True,
    ),
    OpenPoint("ai_access_name", "8", "the REST name of AI Access; its ceiling is then that of API Access", ()),
    OpenPoint("extract_refresh_template", "8", "the template that Extract Refresh belongs to; none: outside them", ()),
    OpenPoint(
        "highest_minimum_wins", "9", "of several minimum site roles the highest counts; off: the lowest", (False,), True
    ),
    OpenPoint(
        "moved_item_keeps_rules",
        "10",
        "an item moved to an unlocked project keeps its rules; off: the defaults there",
        (False,),
        True,
    ),
    OpenPoint("save_needs_publish", "11", "the owner's File > Save needs Publish on the project", (True,)),
    OpenPoint(
        "prompted_needs_view",
        "blog, vendor help",
        "prompted credentials ask for View beside Connect on the data source",
        (True,),
    ),
    OpenPoint(
        "project_connect_is_for_workbooks",
        "blog, vendor help",
        "Connect from a project's data source rules works through workbooks only",
        (True,),
    ),
    OpenPoint("custom_views_need_filter", "blog, permissions paper", "saving a custom view needs Filter", (True,)),
    OpenPoint(
        "leader_changes_owner",
        "two pages of the vendor help",
        "a project leader may change the owner of content",
        (False,),
    ),
    OpenPoint(
        "publishing_explorer_uses_vcs",
        "vendor help, a public evaluator",
        "Explorer (can publish) may connect to, overwrite and move virtual connections; off: only Creator",
        (False,),
    ),
    OpenPoint(
        "flow_owner_changes_owner",
        "vendor help by version",
        "the owner of a flow may change its owner (2025.2); off: administrators only, to themselves (2021.2 to 2025.1)",
        (False,),
    ),
    OpenPoint(
        "explorers_own_content",
        "vendor help by version",
        "Explorer and Viewer may be given workbooks and data sources; off: only those who publish (older editions)",
        (False,),
    ),
    OpenPoint(
        "deleted_group_leaves_sets",
        "not documented",
        "a deleted group leaves its group sets, which then hold who is in their other groups; off: they hold nobody",
        (False,),
        True,
    ),
    OpenPoint(
        "twenty_characters_by_upn",
        "two sentences of the directory document",
        "a name of exactly 20 characters is imported by UPN; off: by sAMAccountName, as shorter ones are",
        (),
        True,
    ),
)
OPEN_POINTS: Mapping[str, OpenPoint] = MappingProxyType({row.name: row for row in _ROWS})
# One word for whoever follows the blog wherever it differs from the other documents.
BLOG = "blog"
BLOGS_ANSWERS: Mapping[str, bool | str] = MappingProxyType(
    {"prompted_needs_view": True, "project_connect_is_for_workbooks": True, "custom_views_need_filter": True}
)
TEMPLATE_NAMES = ("", "View", "Explore", "Publish", "Administer")


@lru_cache(maxsize=16)
def alternatives(open_points: OpenPoints, *, changes: bool = False) -> tuple[tuple[str, OpenPoints], ...]:
    """Each open point answered otherwise, one at a time: its name and all of them with it."""
    return tuple(_alternatives(open_points, changes=changes))


def _alternatives(open_points: OpenPoints, *, changes: bool) -> Iterator[tuple[str, OpenPoints]]:
    for row in _ROWS:
        if row.changes is changes:
            now = getattr(open_points, row.name)
            for value in {*row.others, getattr(DOCUMENTED, row.name)} - {now} if row.others else ():
                yield row.name, with_values(open_points, {row.name: value})


class _Watched(OpenPoints):
    """Open points that note which of them somebody looks at."""

    __slots__ = ("_looked_at",)

    def __getattribute__(self, name: str) -> Any:
        object.__getattribute__(self, "_looked_at").add(name)
        return object.__getattribute__(self, name)


def watched(open_points: OpenPoints) -> tuple[OpenPoints, set[str]]:
    """The same open points, and the names of those that somebody looks at from now on."""
    values, names = object.__new__(_Watched), set[str]()
    object.__setattr__(values, "_looked_at", names)
    for name in _NAMES:
        object.__setattr__(values, name, getattr(open_points, name))
    return values, names


def with_values(open_points: OpenPoints, values: Mapping[str, bool | str]) -> OpenPoints:
    changed: dict[str, Any] = dict(values)
    return replace(open_points, **changed)


_ON, _OFF = ("true", "on", "yes", "1"), ("false", "off", "no", "0")
_TEXT: Mapping[str, tuple[Callable[[str], bool], str]] = MappingProxyType(
    {
        "owner_removal_code": (lambda v: re.fullmatch(r"\d{6}", v) is not None, "six digits"),
        "ai_access_name": (lambda v: v == "" or v.isidentifier(), "a capability's REST name"),
        "extract_refresh_template": (lambda v: v in TEMPLATE_NAMES, "View, Explore, Publish, Administer or nothing"),
    }
)


def open_points_from(words: Iterable[str]) -> OpenPoints:
    """`name=value`, one each; on or off, true or false, yes or no; or `blog`. SettingsError with every problem."""
    values: dict[str, bool | str] = {}
    problems: list[str] = []
    for written in words:
        name, equals, value = (part.strip() for part in written.partition("="))
        name, known = name.replace("-", "_").casefold(), {f.name for f in fields(OpenPoints)}
        if (name, equals) == (BLOG, ""):
            values |= BLOGS_ANSWERS
        elif name not in known or not equals:
            listed = ", ".join(sorted(known))
            problems.append(f"no open point is written `{written}`; give name=value, of {listed}, or `{BLOG}`")
        elif name in _TEXT:
            fits, wanted = _TEXT[name]
            values[name] = value
            problems += [] if fits(value) else [f"open point `{name}` is `{value}`; it takes {wanted}"]
        elif value.casefold() in (*_ON, *_OFF):
            values[name] = value.casefold() in _ON
        else:
            problems.append(f"open point `{name}` is `{value}`; it is on or off")
    if problems:
        raise SettingsError(problems)
    return with_values(DOCUMENTED, values)
