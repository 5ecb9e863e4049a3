"""Extracts refreshed on other schedules, or not any more."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import ClassVar, Self

from tabwarden.effects.change import CONTENT, REFRESHES, Refusal, Value, done, refused
from tabwarden.effects.draft import Draft, Undoing
from tabwarden.effects.ops.content import OfContent
from tabwarden.effects.ops.projects import whoever_makes
from tabwarden.effects.people import Outcome
from tabwarden.effects.ref import Lookup, content_ref
from tabwarden.model.names import some
from tabwarden.model.open_points import DOCUMENTED, OpenPoints
from tabwarden.model.refreshes import INCREMENTAL, KINDS
from tabwarden.model.roles import is_admin
from tabwarden.model.site import Content, Site


@dataclass(frozen=True, slots=True)
class SetRefresh(OfContent):
    """The schedules on which the extract of a workbook or data source is refreshed; none: not any more."""

    op: ClassVar[str] = "set_refresh"
    step: ClassVar[str] = "extract refresh"
    FACT: ClassVar[str] = "refreshes"
    READS: ClassVar[frozenset[str]] = frozenset({CONTENT, REFRESHES})
    WORDS: ClassVar[tuple[str, str, str]] = (
        "set the extract refresh of {c.thing} from {c.was} to {c.becomes}",
        "set the extract refresh of {c.thing} from {c.was} to {c.becomes}",
        "the extract refresh of {c.thing} was not set from {c.was} to {c.becomes}",
    )

    before: tuple[str, ...]
    to: tuple[str, ...]

    @classmethod
    def on(cls, site: Site, content: str, to: tuple[str, ...]) -> Self:
        before = site.refreshes.of.get(content, ()) if site.refreshes is not None else ()
        return cls(content_ref(site, content), before, tuple(sorted(set(to))))

    def value(self, lookup: Lookup, content: Content) -> Value:
        refreshes = lookup.site.refreshes
        return None if refreshes is None else refreshes.of.get(content.id, ())

    def wanted(self) -> Value:
        return self.to

    @property
    def gone_for_good(self) -> int:
        return sum(1 for words in self.before if words.endswith(INCREMENTAL) and words not in self.to)

    def done_to(self, site: Site, open_points: OpenPoints = DOCUMENTED) -> Outcome:
        """Refused on what has no extract refresh; nobody may do or see anything more or less by it."""
        if site.contents[self.id].kind not in KINDS:
            return refused(site, "no_refresh")
        known = site.refreshes
        return done(site if known is None else replace(site, refreshes=known.changed(self.id, self.to)))

    def refusal(self, draft: Draft) -> Refusal | None:
        from tabwarden.access.abilities.ability import can  # which most plans do not need

        site, user = draft.before, whoever_makes(draft.before)
        if not user:
            return None
        name, remedy = site.called(user), "let an administrator do it"
        if not can(site, user, "change_refresh_schedule", self.id).allowed:
            return f"has an extract refresh that `{name}` may not change", remedy
        if not is_admin(site.users[user].site_role) and site.contents[self.id].owner != user:
            return f"belongs to somebody else, whose tasks `{name}` is not told", remedy
        return None

    def take_back(self, undoing: Undoing) -> None:
        known = undoing.refreshes
        now = known.of.get(self.id, ()) if known is not None else None
        if known is not None and now == self.to and self.id in undoing.before.contents:
            undoing.refreshes = known.changed(self.id, self.before)
        elif now != self.before:
            undoing.hold(self.content.name, f"is refreshed on {_listed(now or ())} by now")

    def inverse(self) -> SetRefresh:
        return SetRefresh(self.content, self.to, self.before)

    @property
    def was(self) -> str:
        """When it was refreshed, in words."""
        return _listed(self.before)

    @property
    def becomes(self) -> str:
        """When it is refreshed then, in words."""
        return _listed(self.to)


def _listed(schedules: tuple[str, ...]) -> str:
    return some(schedules) if schedules else "no schedule"
