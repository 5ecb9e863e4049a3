"""From a renamed person's wanted Site to changes: the new user whole first, the old one gone last.

Between the two everybody has what he had: nothing is taken from the old user before the new one has it all, and
whoever does not get it all keeps the old user (applying skips the removal).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from tabwarden.effects.change import Change, carried_out
from tabwarden.effects.ops.users import rules_for
from tabwarden.effects.ref import USER, Ref
from tabwarden.model.capability import KIND_NAMES
from tabwarden.model.site import Grantee, Site
from tabwarden.plan.order import diff
from tabwarden.plan.restore import WRITTEN, restored
from tabwarden.want.names.rename import Rename, new_id
from tabwarden.want.wanted import Held, Wanted

BECAUSE = "carried over from the old user name"


class Carried(NamedTuple):
    """The changes in order, who was held, remarks, and of who comes the id he had before."""

    changes: tuple[Change, ...]
    held: tuple[Held, ...]
    notes: tuple[str, ...]
    same_people: Mapping[Grantee, str]


def carried(now: Site, wanted: Wanted, renames: Sequence[Rename]) -> Carried:
    """The changes that make `wanted` (by `want.rename.renamed`) of `now`, which was read with content."""
    given = {one.old: one for one in renames}
    people = [_with_words(now, change, given) for change in diff(now, wanted.site, wanted.why)]
    first = [change for change in people if not _is_old(change, given)]
    last = [_waiting(change, wanted) for change in people if _is_old(change, given)]
    content = restored(now, wanted.site, _touched(now, wanted.site), BECAUSE)
    changes = (*first, *content.changes, *last)
    held = (*wanted.held, *content.held, *_not_written(now, wanted.site))
    return Carried(changes, held, (*wanted.notes, *content.notes), _same_people(now, changes, wanted))


def _is_old(change: Change, given: dict[str, Rename]) -> bool:
    return change.of_user is not None and change.of_user.id in given


def _waiting(change: Change, wanted: Wanted) -> Change:
    """What is taken from the old user only once the new one, who receives it, has it all."""
    user = wanted.site.users[wanted.why.heirs[change.of_user.id or ""]] if change.of_user else None
    if change.needs is not None or user is None:
        return change
    return change.but(waits_for=Ref(USER, user.name, user.domain, None if user.id.startswith("new:") else user.id))


def _with_words(now: Site, change: Change, given: dict[str, Rename]) -> Change:
    """The words an import needs, for the new user and for the way back, and what the old one's rules were."""
    user = change.of_user
    if user is not None and user == change.creates:
        words = (one.given for one in given.values() if new_id(one) == user.new_id and one.given)
        return change.but(given=next(words, ""))
    if user is not None and user.id in given and change.ends_as == "":
        return change.but(rules=rules_for(now, user.id), given=given[user.id].old_given or "")
    return change


def _touched(now: Site, wanted: Site) -> frozenset[str]:
    """Contents that differ and can be written, and the workbooks of views that do."""
    contents = {
        c.id for c in now.contents.values() if wanted.contents[c.id] is not c and now.contents[c.id].kind in WRITTEN
    }
    above = {parent for c in contents if now.contents[c].kind == "view" and (parent := now.contents[c].parent)}
    return frozenset(contents | above)


def _not_written(now: Site, wanted: Site) -> list[Held]:
    """Databases, tables and the like: their owner goes to the new user with the old one, their rules do not."""
    other = [c for c in now.contents.values() if c.kind not in WRITTEN and wanted.contents[c.id].rules != c.rules]
    return [
        Held(
            f"{KIND_NAMES[c.kind]} {now.path(c.id)}",
            "has rules for somebody who is renamed, and this release writes none there",
            "give the new user the same rules by hand",
        )
        for c in other
    ]


def _same_people(now: Site, changes: Sequence[Change], wanted: Wanted) -> Mapping[Grantee, str]:
    """The old user of each new one: to people nothing happens, where everything was carried over."""
    after = carried_out(now, changes)
    return {
        Grantee(USER, new): old for old, new in wanted.why.heirs.items() if new not in now.users and new in after.users
    }
