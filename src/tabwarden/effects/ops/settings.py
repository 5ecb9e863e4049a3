"""Settings of the site and of the server's domains."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields, replace
from typing import Any, ClassVar

from tabwarden.effects.change import NICKNAMES, Change, Value, done, refused
from tabwarden.effects.draft import Draft, Undoing
from tabwarden.effects.people import Outcome
from tabwarden.effects.ref import Lookup, Ref
from tabwarden.model.open_points import DOCUMENTED, OpenPoints
from tabwarden.model.site import Site, SiteSettings


@dataclass(frozen=True, slots=True)
class SetNickname(Change):
    """Another nickname for a domain of the server, named by its FQDN."""

    op: ClassVar[str] = "set_nickname"
    step: ClassVar[str] = "domain nickname"
    WORDS: ClassVar[tuple[str, str, str]] = (
        "set the nickname of domain `{domain}` from `{before}` to `{nickname}`",
        "set the nickname of domain `{domain}` from `{before}` to `{nickname}`",
        "the nickname of domain `{domain}` was not set from `{before}` to `{nickname}`",
    )

    domain: Ref
    before: str
    nickname: str

    @property
    def subject(self) -> Ref:
        """The domain."""
        return self.domain

    @property
    def reads(self) -> frozenset[str]:
        """The nicknames of domains, which are a list of their own."""
        return frozenset({NICKNAMES})

    @property
    def _fact(self) -> str:
        return f"nickname of {self.domain.name.casefold()}"

    def carry(self, draft: Draft) -> None:
        """The new nickname."""
        draft.nicknames[self.domain.name] = self.nickname

    def take_back(self, undoing: Undoing) -> None:
        """The one of before, unless somebody gave another since."""
        now = undoing.lookup.nickname(self.domain)
        if now == self.nickname:
            # At the end: nicknames are given in this order, and one that is free again may be wanted by the next.
            undoing.nicknames.pop(self.domain.name, None)
            undoing.nicknames[self.domain.name] = self.before
        elif now != self.before:
            undoing.hold(self.domain.name, f"got the nickname `{self.nickname}` and has `{now}` by now")

    def inverse(self) -> SetNickname:
        """The one of before."""
        return SetNickname(self.domain, self.nickname, self.before)

    def facts(self, lookup: Lookup) -> Iterator[tuple[str, Value]]:
        """The nickname, None when the domain is not known there."""
        yield self._fact, lookup.nickname(self.domain)

    def moves(self, facts: dict[str, Value]) -> None:
        """The new nickname."""
        facts[self._fact] = self.nickname

    def is_true(self, lookup: Lookup) -> str | None:
        """It has that nickname."""
        return "" if lookup.nickname(self.domain) == self.nickname else None

    def slots(self) -> Mapping[str, str]:
        """Both nicknames."""
        return {"domain": self.domain.qualified, "before": self.before, "nickname": self.nickname}


@dataclass(frozen=True, slots=True)
class SetSetting(Change):
    """Switch one of the site's own settings on or off."""

    op: ClassVar[str] = "set_setting"

    setting: str
    value: bool

    @property
    def effort(self) -> int:
        """It concerns everybody."""
        return 70

    def done_to(self, site: Site, open_points: OpenPoints = DOCUMENTED) -> Outcome:
        """Only settings that are on or off."""
        known = {f.name for f in fields(SiteSettings) if isinstance(getattr(site.settings, f.name), bool)}
        if self.setting not in known:
            return refused(site, "not_applicable")
        changed: dict[str, Any] = {self.setting: self.value}
        return done(replace(site, settings=replace(site.settings, **changed)))
