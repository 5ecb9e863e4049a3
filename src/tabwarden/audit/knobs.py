"""What a site says of itself, so that lints know what is meant there."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from typing import Any

from tabwarden.model.names import same


@dataclass(frozen=True)
class Knobs:
    """Numbers and names that lints take; the settings' section `lint` sets them.

    Names are patterns with `*` and `?`, in any letter case. `ignore` are ids of lints that are left out,
    `unused_days_of` days by capability (REST name).
    """

    large_group: int = 50
    administrators_least: int = 2
    administrators_most: int = 10
    public_projects: tuple[str, ...] = ("Public", "Public/*")
    test_projects: tuple[str, ...] = ("*test*", "*sandbox*", "*playground*", "*dev*", "*staging*", "*drafts*")
    service_accounts: tuple[str, ...] = ("svc*", "*service*", "*robot*", "*-bot", "tabwarden*")
    row_level_security_tags: tuple[str, ...] = ("rls", "row-level-security", "row level security")
    row_level_security: tuple[str, ...] = ()
    ignore: tuple[str, ...] = ()
    unused_days: int = 90
    unused_days_of: Mapping[str, int] = field(default_factory=dict)


def fits(name: str, patterns: tuple[str, ...]) -> bool:
    """Whether a name is one of the patterns."""
    return any(fnmatchcase(same(name), same(pattern)) for pattern in patterns)


def knobs_of(section: Any) -> Knobs:
    """The knobs of a section of the settings that has the same fields."""
    return Knobs(**{name: getattr(section, name) for name in Knobs.__dataclass_fields__})
