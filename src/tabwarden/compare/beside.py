"""What should be known beside a change: rows that somebody gets to see past a workbook's filters, logins that break."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from itertools import chain

from tabwarden.compare.between_sites import Base
from tabwarden.model.capability import KIND_NAMES
from tabwarden.model.names import some
from tabwarden.model.site import Site

CONNECT = "Connect"
MOST_LINES = 20
EMBEDDED = "embed"


def past_filters(before: Site, after: Site) -> Iterator[str]:
    """A line for each data source that people may Connect to by a change, where workbooks show it; the others counted.

    A filter of a workbook narrows what that workbook shows; who may Connect asks the data source itself.
    Source: "Permissions" (Connect); permissions blog, published data sources.
    """
    workbooks = defaultdict[str, list[str]](list)
    for content in after.contents.values():
        for use in content.uses:
            workbooks[use.datasource].append(after.path(content.id))
    if not workbooks:
        return
    sides = Base(before).on_each(after, CONNECT)
    open_to = {c: sides[c].gained for c in sides if sides[c].gained and c in workbooks and c in after.contents}
    for datasource in list(open_to)[:MOST_LINES]:
        people = some(sorted(after.called(user) for user in chain(*open_to[datasource])))
        yield (
            f"{people} may Connect to `{after.path(datasource)}` by this, and then see all its rows, past the "
            f"filters of {some(sorted(workbooks[datasource]))}"
        )
    if len(open_to) > MOST_LINES:
        yield f"and so with {len(open_to) - MOST_LINES} more data sources"


def credentials_that_break(before: Site, after: Site) -> Iterator[str]:
    """A line for what gets another owner, with whose embedded logins and subscriptions that may be."""
    handed = [c for c in before.contents.values() if c.id in after.contents and after.contents[c.id].owner != c.owner]
    embedded = [c for c in handed if any(use.auth == EMBEDDED for use in c.uses)]
    embedded += [c for c in handed if c.kind in ("datasource", "flow", "virtualconnection")]
    if embedded:
        named = some(sorted(f"{KIND_NAMES[c.kind]} {before.path(c.id)}" for c in embedded))
        yield (
            f"logins that the former owner embedded may stop working, refreshes and subscriptions with them: {named}"
        )
