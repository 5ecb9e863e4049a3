"""Settings of the site and of the server's domains."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, fields, replace
from typing import Any, ClassVar

from tabwarden.effects.change import NICKNAMES, Change, Refusal, Value, done, refused
from tabwarden.effects.draft import Draft, Undoing
from tabwarden.effects.people import Outcome
from tabwarden.effects.ref import Lookup, Ref
from tabwarden.model.names import same
from tabwarden.model.open_points import DOCUMENTED, OpenPoints
from tabwarden.model.site import LOCAL, Site
from tabwarden.model.site_settings import FULL, LIMITED, SiteSettings


@dataclass(frozen=True, slots=True)
class SetNickname(Change):
    """Another nickname for a domain of the server, named by its FQDN."""

    op: ClassVar[str] = "set_nickname"
    step: ClassVar[str] = "domain nickname"
    READS: ClassVar[frozenset[str]] = frozenset({NICKNAMES})
    WORDS: ClassVar[tuple[str, str, str]] = (
        "set the nickname of domain `{c.domain.qualified}` from `{c.before}` to `{c.nickname}`",
        "set the nickname of domain `{c.domain.qualified}` from `{c.before}` to `{c.nickname}`",
        "the nickname of domain `{c.domain.qualified}` was not set from `{c.before}` to `{c.nickname}`",
    )

    domain: Ref
    before: str
    nickname: str

    @property
    def subject(self) -> Ref:
        return self.domain

    @property
    def _fact(self) -> str:
        return f"nickname of {self.domain.name.casefold()}"

    def refusal(self, draft: Draft) -> Refusal | None:
        others = ((fqdn, name) for fqdn, name in draft.nicknames.items() if same(fqdn) != same(self.domain.name))
        holder = next((fqdn for fqdn, name in others if same(self.nickname) in (same(name), same(fqdn))), None)
        if holder is None and same(self.nickname) != LOCAL:
            return None
        whose = f"is the word for `{holder}`" if holder is not None else "means users of no domain"
        return f"cannot be called `{self.nickname}`, which {whose}", "choose another nickname"

    def carry(self, draft: Draft) -> None:
        draft.nicknames[self.domain.name] = self.nickname

    def take_back(self, undoing: Undoing) -> None:
        now = undoing.lookup.nickname(self.domain)
        if now == self.nickname:
            # At the end: nicknames are given in this order, and one that is free again may be wanted by the next.
            undoing.nicknames.pop(self.domain.name, None)
            undoing.nicknames[self.domain.name] = self.before
        elif now != self.before:
            undoing.hold(self.domain.name, f"got the nickname `{self.nickname}` and has `{now}` by now")

    def inverse(self) -> SetNickname:
        return SetNickname(self.domain, self.nickname, self.before)

    def facts(self, lookup: Lookup) -> Iterator[tuple[str, Value]]:
        yield self._fact, lookup.nickname(self.domain)

    def moves(self, facts: dict[str, Value]) -> None:
        facts[self._fact] = self.nickname

    def is_true(self, lookup: Lookup) -> str | None:
        return "" if lookup.nickname(self.domain) == self.nickname else None


@dataclass(frozen=True, slots=True)
class SetSetting(Change):
    """Switch one of the site's own settings on or off."""

    op: ClassVar[str] = "set_setting"
    EFFORT: ClassVar[int] = 70

    setting: str
    value: bool

    def done_to(self, site: Site, open_points: OpenPoints = DOCUMENTED) -> Outcome:
        """Only settings that are on or off, and user visibility: full or limited."""
        now = {f.name: getattr(site.settings, f.name) for f in fields(SiteSettings)}.get(self.setting)
        if not isinstance(now, bool) and now not in (FULL, LIMITED):
            return refused(site, "not_applicable")
        value = self.value if isinstance(now, bool) else (FULL if self.value else LIMITED)
        changed: dict[str, Any] = {self.setting: value}
        return done(replace(site, settings=replace(site.settings, **changed)))
