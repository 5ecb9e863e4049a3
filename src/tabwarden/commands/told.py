"""How a Site that was read is told, in lines and as JSON. Not what the read cost."""

from __future__ import annotations

from collections import Counter

from tabwarden.commands.common import console
from tabwarden.model.site import Site
from tabwarden.report.plans import count_of


def site_as_json(snapshot: int, site: Site) -> dict[str, object]:
    """The number of its snapshot, its size and what was left unread."""
    return {
        "snapshot": snapshot,
        "site": site.name,
        "taken": site.taken.when,
        "users": len(site.users),
        "groups": len(site.groups),
        "contents": kinds_in(site),
        "partial": list(site.partial),
    }


def kinds_in(site: Site) -> dict[str, int]:
    """How much content of each kind."""
    return dict(sorted(Counter(content.kind for content in site.contents.values()).items()))


def tell_site(site: Site) -> None:
    """Its size in a line, then what was left unread, a line each."""
    out = console()
    content = ", ".join(count_of(number, kind, f"{kind}s") for kind, number in kinds_in(site).items())
    told = f"{site.name}: {len(site.users)} users, {len(site.groups)} groups, {content or 'no content'}"
    out.print(told, style="bold", markup=False)
    for left_out in site.partial:
        out.print(f"not read: {left_out}", markup=False)
