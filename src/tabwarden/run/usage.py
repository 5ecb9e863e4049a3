"""Reading the use of a site, and its activity log, into the store: apart from the snapshots, by day."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NamedTuple

from tabwarden.model.errors import TabwardenError
from tabwarden.model.tables import grouped
from tabwarden.model.usage import Usage, summed, what_of
from tabwarden.run.context import connected
from tabwarden.run.read import repository_options
from tabwarden.safe_files import read_bytes
from tabwarden.settings import Settings
from tabwarden.store.usage import days as store

ACTIVITY_LOG = "activity log"


class UsageKept(NamedTuple):
    """What was kept: rows by what they are, days touched, what is not told; `new` are the events not kept before."""

    site_id: str
    counts: Mapping[str, int]
    days: int
    unread: tuple[str, ...] = ()
    new: int = 0


def read_and_keep(settings: Settings, *, repository: bool) -> UsageKept:
    """Read the use of the site of the settings, from the repository or over REST, and keep it."""
    today = datetime.now(UTC).date().isoformat()
    if repository:
        from tabwarden.tableau.repository.usage import read_usage

        site_id, rows, unread, changes = read_usage(repository_options(settings), settings.tableau.site, today)
    else:
        from tabwarden.tableau.read.usage import read_usage as over_rest

        with connected(settings) as connection:
            site_id, rows, unread, changes = over_rest(connection, today)
    days = store.keep(settings.store.folder, site_id, rows)
    new = store.keep_activity(settings.store.folder, site_id, changes)
    return UsageKept(site_id, Counter(row.what for row in rows), days, unread, new)


def keep_activity(settings: Settings, files: Iterable[Path]) -> list[UsageKept]:
    """Keep the events of files of the activity log, one a site.

    TabwardenError, and nothing is kept, where a line is none.
    What somebody opened or took counts as use of the day, as the whole log of that day tells it.
    """
    by_site = grouped((str(event["siteLuid"]), event) for path in files for event in events_of(path))
    folder = settings.store.folder
    sites: list[UsageKept] = []
    for site_id, events in sorted(by_site.items()):
        new = store.keep_activity(folder, site_id, events)
        days = sorted({str(event["eventTime"])[:10] for event in events})
        for day in days:
            store.keep(folder, site_id, used(store.kept_activity(folder, site_id, day, f"{day}~")))
        sites.append(UsageKept(site_id, Counter(str(event["eventType"]) for event in events), len(days), (), new))
    return sites


def events_of(path: Path) -> Iterator[Mapping[str, Any]]:
    """The events of a file, a JSON object a line; TabwardenError names the line that is none."""
    for number, line in enumerate(read_bytes(path).splitlines(), 1):
        if not line.strip():
            continue
        try:
            event = json.loads(line)
            moment = datetime.fromisoformat(str(event["eventTime"]))
            if not event["siteLuid"] or not event["eventType"] or moment.tzinfo is None:
                raise ValueError
        except (ValueError, KeyError, TypeError):
            raise TabwardenError(
                f"line {number} of `{path}` is no event of Tableau's activity log: it needs `eventTime`, `eventType` "
                "and `siteLuid`; give files as Tableau writes them"
            ) from None
        yield event


CONTENT_IDS = ("contentLuid", "viewLuid", "workbookLuid", "datasourceLuid", "flowLuid", "itemLuid")


def used(events: Iterable[Mapping[str, Any]]) -> list[Usage]:
    """Who opened or took what, of events of the activity log."""

    def rows() -> Iterator[tuple[str, str, str, str, int]]:
        for event in events:
            what = what_of(str(event["eventType"]))
            if what is not None and str(event.get("eventOutcome") or "success") == "success":
                content = next((str(event[name]) for name in CONTENT_IDS if event.get(name)), "")
                yield str(event["eventTime"]), what, str(event.get("actorUserLuid") or ""), content, 1

    return summed(rows(), ACTIVITY_LOG)
