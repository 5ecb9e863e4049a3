"""What a sandbox keeps by an id beside schedules, tasks and custom views, and what of it a world's use tells of."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import NamedTuple

from tabwarden.model.usage import ALERT, CUSTOM_VIEW, SUBSCRIPTION, TASK
from tabwarden.sandbox.state.server_state import FIRST_SCHEDULES, CustomView, Schedule, Task, Timing, World, stable_id


class Subscription(NamedTuple):
    """A view or workbook that comes to somebody by mail, on a schedule of the server or with a timing of its own."""

    id: str
    site: str
    user: str
    about: str
    subject: str
    schedule: str = ""
    timing: Timing | None = None
    message: str = ""
    image: bool = True
    pdf: bool = False
    orientation: str = "Portrait"
    size: str = "Letter"
    send_empty: bool = True
    suspended: bool = False
    created: str = ""


class DataAlert(NamedTuple):
    """A mail to `recipients` when a number of a view passes a threshold."""

    id: str
    site: str
    view: str
    owner: str
    subject: str
    frequency: str = "Once"
    public: bool = False
    condition: str = ""
    threshold: str = ""
    created: str = ""
    updated: str = ""
    recipients: frozenset[str] = frozenset()


class Favorite(NamedTuple):
    """Content that somebody marked under a label."""

    id: str
    site: str
    user: str
    about: str
    label: str
    added: str = ""


class Webhook(NamedTuple):
    """An address to be called when something happens on a site; `event` as elements write it, `workbook-created`."""

    id: str
    site: str
    name: str
    event: str
    url: str
    owner: str
    method: str = "POST"
    enabled: bool = True
    created: str = ""
    updated: str = ""


class LinkedTask(NamedTuple):
    """Flow tasks (ids) that run one after the other on a schedule."""

    id: str
    site: str
    schedule: str
    tasks: tuple[str, ...]


Thing = Schedule | Task | CustomView | Subscription | DataAlert | Favorite | Webhook | LinkedTask
"""What a sandbox keeps by an id of its own."""
OF_CONTENT: Mapping[str, tuple[str, str, str]] = {
    "task": ("tasks", "about", ""),
    "customView": ("custom_views", "view", "owner"),
    "subscription": ("subscriptions", "about", "user"),
    "dataAlert": ("alerts", "view", "owner"),
    "favorite": ("favorites", "about", "user"),
}
"""Which of it is about content and belongs to somebody: its table of the state, and the fields that say so."""


def standing(world: World) -> Iterator[Task | CustomView | Subscription | DataAlert]:
    """What people have in a world (tasks, custom views, subscriptions, alerts), one for each time its use tells of."""
    sites = {site.id: site for site in world.sites}
    for site, row in ((sites[site_id], row) for site_id, rows in world.usage.items() for row in rows):
        content = site.contents.get(row.content)
        for number in range(row.times if content is not None else 0):
            own_id = stable_id(site.id, row.what, row.user, row.content, str(number))
            moment = row.last or f"{row.day}T00:00:00Z"
            if row.what == TASK:
                schedule = FIRST_SCHEDULES[0].id
                yield Task(own_id, site.id, "extractRefresh", row.content, row.user, schedule, created=moment)
            elif row.what == CUSTOM_VIEW and content is not None:
                name = f"{content.name} {number + 1}"
                view = CustomView(own_id, site.id, name, row.content, row.user, created=moment, updated=moment)
                yield view._replace(accessed=row.last)
            elif row.what == SUBSCRIPTION and content is not None:
                schedule = FIRST_SCHEDULES[3].id
                yield Subscription(own_id, site.id, row.user, row.content, content.name, schedule, created=moment)
            elif row.what == ALERT and content is not None:
                mine = frozenset({row.user})
                alert = DataAlert(own_id, site.id, row.content, row.user, content.name, recipients=mine)
                yield alert._replace(created=moment, updated=moment)
