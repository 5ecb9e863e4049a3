"""History: who could see something on a day, since when and by what change; and what differs between two days."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from starlette.responses import Response

from tabwarden.commands import diff, history
from tabwarden.run.history import LAST, opened, snapshots_of
from tabwarden.web.answers import Asked, answered
from tabwarden.web.paths import demand_snapshot
from tabwarden.web.rights import AUDITOR
from tabwarden.web.sheets import Pieces, as_csv, pieces, wants_csv
from tabwarden.web.visit import Visit, page

if TYPE_CHECKING:
    from tabwarden.store.snapshots import Snapshot


def _snapshots(visit: Visit) -> list[Snapshot]:
    """Those of the site, the newest first."""
    with opened(visit.site.store) as past:
        return list(snapshots_of(past, visit.site.address))[::-1]


@page("/history", AUDITOR, audit="looked")
def time_line(visit: Visit) -> Response:
    """The time line of a content, a person or both, up to a day; without any the snapshots."""
    subject = [words for words in (visit.word("content").strip(), visit.word("user").strip()) if words]
    on = demand_snapshot(visit.word("on", LAST).strip())
    capability = visit.word("capability", "View").strip()
    served = visit.site
    answer = answered(
        history.history,
        subject,
        on=on,
        capability=capability,
        store=served.store,
        site_url=served.address,
        settings=visit.house.file,
    )
    values = {"content": visit.word("content"), "user": visit.word("user"), "on": on, "capability": capability}
    shown = pieces(visit, answer.parts)
    if wants_csv(visit):
        return as_csv(shown.whole)
    return visit.show("history.html", title="History", notes=answer.notes, pieces=shown, **values)


@page("/diff", AUDITOR, audit="looked")
def difference(visit: Visit) -> Response:
    """Two snapshots side by side: facts, and people gained and lost."""
    before, after = (visit.word(name).strip() for name in ("before", "after"))
    snapshots = _snapshots(visit)[:200]
    shown: Pieces | None = None
    notes: Sequence[str] = ()
    if before and after:
        for words in (before, after):
            demand_snapshot(words)
        answer = answered(diff.diff, before, after, asking=Asked(visit.site, settings=visit.house.file))
        shown, notes = pieces(visit, answer.parts), answer.notes
        if wants_csv(visit):
            return as_csv(shown.whole)
    earlier = before or "".join(str(one.number) for one in snapshots[1:2])  # the last two, where none were chosen
    values = {"before": earlier, "after": after, "snapshots": snapshots, "notes": notes}
    return visit.show("diff.html", title="Two days side by side", pieces=shown, **values)
