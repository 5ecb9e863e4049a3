"""The first page: what matters most now, and where it stands."""

from __future__ import annotations

from starlette.responses import Response

from tabwarden.web.visit import Visit, page


@page("/")
def home(visit: Visit) -> Response:
    """What the site holds, as last read, and who one is there."""
    return visit.show("home.html", title="Home")
