"""`tabwarden requests`: who asked for access on the pages, and what became of it. No server is asked."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

from tabwarden.commands._answer import PLAIN, Output
from tabwarden.commands._options import SettingsPath, load_settings
from tabwarden.commands._parsing import Argument, Option

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tabwarden.store.web.approvals import AccessRequest


def requests(
    number: Annotated[int | None, Argument("The number of one; without it all of them.", name="REQUEST")] = None,
    waiting: Annotated[bool, Option("--waiting", about="Only those that nobody decided yet.")] = False,
    settings: SettingsPath = None,
    output: Output = PLAIN,
) -> None:
    """The newest first: who asked for what and why, until when, who decided and by which plan."""
    from contextlib import closing

    from tabwarden.places import browser_address
    from tabwarden.run.history import store_of
    from tabwarden.store.web import approvals
    from tabwarden.store.web.state import opened
    from tabwarden.tableau.http.address import address_of

    loaded = load_settings(settings)
    site = browser_address(address_of(loaded.tableau.server), loaded.tableau.site)
    with closing(opened(store_of(loaded), create=False)) as database:
        every = approvals.requests(database, site)
    show_requests(every, number, output, waiting=waiting)


def show_requests(
    requests: Sequence[AccessRequest], number: int | None, output: Output, *, waiting: bool = False
) -> None:
    """Those that are given, or the one of that number; UnknownName where it is none of them."""
    from tabwarden.model.capability import ui_name
    from tabwarden.model.errors import UnknownName
    from tabwarden.report.table import NAME, NUMBER, PERSON, TIME, Column, Table
    from tabwarden.store.web.approvals import WAITS

    requests = [one for one in requests if number in (None, one.number) and (one.state == WAITS or not waiting)]
    if number is not None and not requests:
        raise UnknownName(f"there is no request {number}; `tabwarden requests` lists those that there are")
    columns = Column("Request", NUMBER), Column("Asked", TIME), Column("Who", NAME, of=PERSON), Column("What", NAME)
    table = Table(*columns, Column("Why", NAME), Column("Until", TIME), "State", Column("By", NAME), name="requests")
    for one in requests:
        plan, words = f", plan {one.plan}" if one.plan else "", f": {one.words}" if one.words else ""
        what = f"{ui_name(one.capability)} on {one.path}"
        row = (one.number, one.at, one.person, what, one.reason, one.until, f"{one.state}{plan}{words}", one.by)
        table.add_row(*row)
    output.give(
        [table if requests else "nobody asked for access" if not waiting else "no request waits"],
        lambda: [one._asdict() for one in requests] if number is None else requests[0]._asdict(),
    )
