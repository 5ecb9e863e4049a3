"""What is told of a user beside the site role: display name, e-mail address, authentication."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import ClassVar, NamedTuple

from tabwarden.effects.change import NOBODY, Change, Value, done, refused
from tabwarden.effects.draft import Draft, Undoing
from tabwarden.effects.people import Outcome
from tabwarden.effects.ref import Lookup, Ref, user_of
from tabwarden.model.open_points import DOCUMENTED, OpenPoints
from tabwarden.model.site import Site, User
from tabwarden.model.takes import SiteTakes


class Details(NamedTuple):
    """Of a user; None is what is left as it is."""

    full_name: str | None = None
    email: str | None = None
    auth_setting: str | None = None
    idp_configuration_id: str | None = None

    @classmethod
    def of(cls, user: User) -> Details:
        return cls(user.full_name, user.email, user.auth_setting, user.idp_configuration_id)

    def where(self, other: Details) -> Details:
        return Details(*(mine if theirs is not None else None for mine, theirs in zip(self, other, strict=True)))

    def unlike(self, other: Details) -> Details:
        return Details(*(mine if mine != theirs else None for mine, theirs in zip(self, other, strict=True)))

    def on(self, user: User) -> User:
        return replace(user, **{name: value for name, value in self._asdict().items() if value is not None})

    @property
    def words(self) -> str:
        """`full name `Ann Lee`, e-mail `ann@corp.example``."""
        named = zip(("full name", "e-mail", "authentication", "identity provider"), self, strict=True)
        return ", ".join(f"{name} `{value}`" for name, value in named if value is not None)


@dataclass(frozen=True, slots=True)
class SetDetails(Change):
    """Another display name, e-mail address or authentication; `before` has the same fields."""

    op: ClassVar[str] = "set_details"
    step: ClassVar[str] = "user details"
    WORDS: ClassVar[tuple[str, str, str]] = (
        "give user `{c.user.qualified}` {c.details.words}",
        "gave user `{c.user.qualified}` {c.details.words}",
        "user `{c.user.qualified}` did not get {c.details.words}",
    )

    user: Ref
    before: Details
    details: Details

    @property
    def blocks(self) -> None:
        """Nothing else about a person waits for a name."""
        return None

    def fitting(self, takes: SiteTakes) -> SetDetails | None:
        if not takes.cloud:
            return self
        details = self.details._replace(full_name=None, email=None)
        return replace(self, details=details, before=self.before.where(details)) if any(details) else None

    def done_to(self, site: Site, open_points: OpenPoints = DOCUMENTED) -> Outcome:
        """Only somebody who is there."""
        user = user_of(site, self.user)
        return refused(site, NOBODY) if user is None else done(site.with_users(self.details.on(user)))

    def carry(self, draft: Draft) -> None:
        if (user := draft.user(self.user)) is not None:
            draft.put(self.details.on(user))

    def take_back(self, undoing: Undoing) -> None:
        user = undoing.user(self.user)
        if user is None:
            return
        now = Details.of(user).where(self.details)
        if now == self.details:
            undoing.put(self.before.on(user))
            if self.details.auth_setting and not self.before.auth_setting:
                undoing.hold(user.qualified, "had no authentication that Tableau told", "set it by hand")
        elif now != self.before:
            undoing.hold(user.qualified, f"got {self.details.words} and has {now.words} by now")

    def inverse(self) -> SetDetails:
        return SetDetails(self.user, self.details, self.before)

    def facts(self, lookup: Lookup) -> Iterator[tuple[str, Value]]:
        yield from Change.facts(self, lookup)
        user = lookup.user(self.user)
        yield self._fact, None if user is None else Details.of(user).where(self.details).words

    @property
    def _fact(self) -> str:
        return f"details of {self.user.key}"

    def moves(self, facts: dict[str, Value]) -> None:
        facts[self._fact] = self.details.words

    def is_true(self, lookup: Lookup) -> str | None:
        user = lookup.user(self.user)
        return "" if user is not None and Details.of(user).where(self.details) == self.details else None
