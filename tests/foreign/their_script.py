"""A script of somebody who never heard of us: closes the accounts of leavers, and knows tableauserverclient alone."""

from __future__ import annotations

import tableauserverclient as tsc


def unlicense(server: tsc.Server, leavers: list[str]) -> list[str]:
    """Makes leavers Unlicensed; those whom Tableau knows, in its spelling."""
    wanted = {name.casefold() for name in leavers}
    found = [user for user in tsc.Pager(server.users) if user.name.casefold() in wanted]
    for user in found:
        user.site_role = "Unlicensed"
        server.users.update(user)
    return [user.name for user in found]
