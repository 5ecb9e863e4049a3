"""The audit trail: who looked at whom and changed what on the pages, from where."""

from __future__ import annotations

from starlette.responses import Response

from tabwarden.store.web import audit as trail
from tabwarden.web.rendering import ROWS
from tabwarden.web.rights import ADMINISTRATOR
from tabwarden.web.visit import Visit, page

ACTS = 18  # figures of a number of a row


@page("/audit", ADMINISTRATOR, audit="looked")
def audit(visit: Visit) -> Response:
    """The newest rows first, of everybody or of one person."""
    words = visit.word("before")
    before = int(words) if words.isascii() and words.isdigit() and len(words) <= ACTS else 0
    wanted = trail.Wanted(visit.word("person"), visit.word("act"), before)
    acts = trail.newest(visit.house.database, ROWS + 1, wanted)
    older = acts[ROWS - 1].number if len(acts) > ROWS else 0
    return visit.show("audit.html", title="Audit trail", acts=acts[:ROWS], wanted=wanted, older=older)
