"""Use of a site as rows of Tableau Server's repository: counters, events, and what people have there."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from datetime import datetime

from tabwarden.model.site import Site
from tabwarden.model.usage import (
    ALERT,
    CUSTOM_VIEW,
    STANDING,
    SUBSCRIPTION,
    TASK,
    TOKEN,
    VIEW,
    Usage,
    event_name,
)

Add = Callable[..., int]
Numbers = Mapping[tuple[str, str], int]


def write_usage(add: Add, numbers: Numbers, number: int, site: Site, rows: Iterable[Usage]) -> None:
    """Add the rows of one site; `numbers` are those of its users and contents, `number` is its own."""
    writer = _Writer(add, numbers, number, site)
    for row in rows:
        user = numbers.get(("user", row.user))
        if user is not None and (not row.content or ("content", row.content) in numbers):
            writer.write(row, user)


class _Writer:
    def __init__(self, add: Add, numbers: Numbers, number: int, site: Site) -> None:
        self._add, self._numbers, self._number, self._site = add, numbers, number, site

    def write(self, row: Usage, user: int) -> None:
        content = self._site.contents.get(row.content)
        kind = content.kind if content is not None else ""
        place = self._numbers.get(("content", row.content))
        if row.what in STANDING:
            for _ in range(row.times):
                self._standing(row, user, kind, place)
            return
        if row.what == VIEW and kind == "view":
            self._add(
                "views_stats",
                user_id=user,
                view_id=place,
                nviews=row.times,
                time=moment_of(row),
                site_id=self._number,
            )
        for _ in range(row.times):
            self._event(row, user, kind, place)

    def _event(self, row: Usage, user: int, kind: str, place: int | None) -> None:
        name = event_name(row.what, kind)
        type_id = self._add("historical_event_types", name=name, action_type=name.partition(" ")[0])
        event = {
            "historical_event_type_id": type_id,
            "is_failure": False,
            "created_at": moment_of(row),
            "hist_actor_user_id": self._add("hist_users", user_id=user),
        }
        if kind in ("view", "workbook", "datasource", "project"):
            event[f"hist_{kind}_id"] = self._add(f"hist_{kind}s", **{f"{kind}_id": place})
        self._add("historical_events", **event)

    def _standing(self, row: Usage, user: int, kind: str, place: int | None) -> None:
        shared = {"site_id": self._number, "luid": None}
        last = moment_of(row) if row.last else None
        target = kind.title()
        if row.what == SUBSCRIPTION:
            self._add("subscriptions", user_id=user, target_type=target, target_id=place, last_sent=last, **shared)
        elif row.what == ALERT:
            self._add("data_alerts", creator_id=user, view_id=place, last_edited=last, **shared)
        elif row.what == CUSTOM_VIEW:
            self._add("customized_views", creator_id=user, view_id=place, accessed_at=last, **shared)
        elif row.what == TASK:
            done = {"last_success_completed_at": last, "active": True}
            self._add("tasks", creator_id=user, obj_type=target, obj_id=place, **done, **shared)
        elif row.what == TOKEN:
            self._add("refresh_tokens", system_user_id=self._numbers["account", row.user], last_used_at=last)


def moment_of(row: Usage) -> datetime:
    """When it was, or the begin of its day."""
    return datetime.fromisoformat(row.last or f"{row.day}T00:00:00Z").replace(tzinfo=None)
