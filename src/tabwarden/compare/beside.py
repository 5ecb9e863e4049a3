"""What should be known beside a change: rows that somebody gets to see past a workbook's filters, logins that break."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator

from tabwarden.compare.between_sites import Base
from tabwarden.model.capability import KIND_NAMES
from tabwarden.model.names import some
from tabwarden.model.site import Site

CONNECT = "Connect"
EMBEDDED = "embed"


def past_filters(before: Site, after: Site) -> Iterator[str]:
    """A line for each data source that people may Connect to by a change, where workbooks show it.

    A filter of a workbook narrows what that workbook shows; who may Connect asks the data source itself.
    Source: "Permissions" (Connect); permissions blog, published data sources.
    """
    workbooks = defaultdict[str, list[str]](list)
    for content in after.contents.values():
        for use in content.uses:
            workbooks[use.datasource].append(after.path(content.id))
    if not workbooks:
        return
    for datasource, (gained, _lost) in Base(before).on_each(after, CONNECT).items():
        if gained and datasource in workbooks and datasource in after.contents:
            people = some(sorted(after.called(user) for user in gained))
            shown = some(sorted(workbooks[datasource]))
            yield (
                f"{people} may Connect to `{after.path(datasource)}` by this, and then see all its rows, past the "
                f"filters of {shown}"
            )


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
