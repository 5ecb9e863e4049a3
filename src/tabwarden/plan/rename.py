"""From a renamed person's wanted Site to changes: the new user whole first, the old one gone last. Not what is wanted.

Between the two everybody has what he had: nothing is taken from the old user before the new one has it all, and
whoever does not get it all keeps the old user (run/apply.py skips the removal).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from tabwarden.model.capability import KIND_NAMES
from tabwarden.model.site import Grantee, Site
from tabwarden.plan.facts import rules_for
from tabwarden.plan.impact import impact
from tabwarden.plan.order import diff
from tabwarden.plan.outcome import carried_out
from tabwarden.plan.plan import ADD_USER, REMOVE_USER, Change, Impact, Ref
from tabwarden.plan.restore import WRITTEN, restored, translated
from tabwarden.want.names.rename import Rename, new_id
from tabwarden.want.wanted import Held, Wanted

BECAUSE = "carried over from the old user name"


@dataclass(frozen=True, slots=True)
class Carried:
    """The changes in order, what they do to people, who was held and remarks."""

    changes: tuple[Change, ...]
    impact: Impact
    held: tuple[Held, ...] = ()
    notes: tuple[str, ...] = ()


def carried(now: Site, wanted: Wanted, renames: Sequence[Rename]) -> Carried:
    """The changes that make `wanted` (by `want.rename.renamed`) of `now`, which was read with content."""
    given = {one.old: one for one in renames}
    people = diff(now, wanted.site, wanted.why)
    last = [_after(_with_words(now, change, given), wanted) for change in people if _is_old(change, given)]
    first = [_with_words(now, change, given) for change in people if not _is_old(change, given)]
    content = restored(now, wanted.site, _touched(now, wanted.site), BECAUSE)
    changes = (*first, *content.changes, *last)
    held = (*wanted.held, *content.held, *_not_written(now, wanted.site))
    return Carried(changes, impact_on_people(now, changes, wanted, len(held)), held, (*wanted.notes, *content.notes))


def _is_old(change: Change, given: dict[str, Rename]) -> bool:
    return change.user is not None and change.user.id in given


def _after(change: Change, wanted: Wanted) -> Change:
    """What is taken from the old user only once the new one, who stands in it as heir, has it all."""
    user = wanted.site.users[wanted.why.heirs[change.user.id or ""]] if change.user else None
    if change.heir is not None or user is None:
        return change
    heir = Ref("user", user.name, user.domain, None if user.id.startswith("new:") else user.id)
    return replace(change, heir=heir)


def _with_words(now: Site, change: Change, given: dict[str, Rename]) -> Change:
    """The words an import needs, for the new user and for the way back, and what the old one's rules were."""
    if change.user is None:
        return change
    if change.op == ADD_USER:
        key = f"new:{change.user.key}"
        words = next((one.given for one in given.values() if new_id(one) == key and one.given), None)
        return change if words is None else replace(change, after={**change.after, "given": words})
    if change.op != REMOVE_USER or change.user.id not in given:
        return change
    before = {**change.before, "rules": rules_for(now, change.user.id)}
    old_given = given[change.user.id].old_given
    return replace(change, before={**before, "given": old_given} if old_given else before)


def _touched(now: Site, wanted: Site) -> frozenset[str]:
    """Contents that differ and can be written, and the workbooks of views that do."""
    found = {
        c.id for c in now.contents.values() if wanted.contents[c.id] is not c and now.contents[c.id].kind in WRITTEN
    }
    above = {parent for c in found if now.contents[c].kind == "view" and (parent := now.contents[c].parent)}
    return frozenset(found | above)


def _not_written(now: Site, wanted: Site) -> list[Held]:
    """Databases, tables and the like: their owner goes to the new user with the old one, their rules do not."""
    other = [c for c in now.contents.values() if c.kind not in WRITTEN and wanted.contents[c.id].rules != c.rules]
    return [
        Held(
            f"{KIND_NAMES.get(c.kind, c.kind)} {now.path(c.id)}",
            "has rules for somebody who is renamed, and this release writes none there",
            "give the new user the same rules by hand",
        )
        for c in other
    ]


def impact_on_people(now: Site, changes: Sequence[Change], wanted: Wanted, held: int = 0) -> Impact:
    """What the changes do to people, the old and the new user being one: nothing, where everything was carried over."""
    after = carried_out(now, changes)
    same_people = {
        Grantee("user", new): old
        for old, new in wanted.why.heirs.items()
        if new not in now.users and new in after.users
    }
    return impact(now, translated(after, same_people), held)
