"""What a list says of people beside their names, and what is told of all people of a plan together."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import cache

from tabwarden.model.errors import AmbiguousName, UnknownName
from tabwarden.model.names import some
from tabwarden.model.roles import licence_of
from tabwarden.model.seats import free_seats
from tabwarden.model.site import LOCAL, Group, Site, User
from tabwarden.model.takes import Authentication, SiteTakes
from tabwarden.want.roster import Person
from tabwarden.want.wanted import Held

MOST_NAMED = 20


class Described:
    """Takes one person after the other; `held` are those whose authentication the site does not offer.

    `usual` is how people sign in of whom the list does not say it; `change` gives it to those who are there too.
    """

    def __init__(self, takes: SiteTakes, usual: Authentication | None, *, change: bool) -> None:
        self.takes, self.usual, self.change = takes, usual, change
        self.held: list[Held] = []
        self.otherwise: list[str] = []
        self._meant = cache(takes.authentication)

    def new(self, user: User, person: Person) -> User | None:
        """Somebody who is to be added; None where he is held."""
        how = self._authentication(person)
        if isinstance(how, Held):
            self.held.append(how)
            return None
        return _signing_in(user, how) if how is not None else user

    def known(self, user: User, person: Person) -> User:
        """Somebody who is on the site; what the list does not say stays as it is."""
        if user.domain.casefold() == LOCAL:
            details = person.full_name or user.full_name, person.email or user.email
            if details != (user.full_name, user.email):
                user = replace(user, full_name=details[0], email=details[1])
        how = self._authentication(person)
        if isinstance(how, Held):
            self.held.append(how)
            return user
        if how is None or _signs_in(user, how):
            return user
        if self.change:
            return _signing_in(user, how)
        now = Authentication(user.auth_setting, user.idp_configuration_id)
        self.otherwise.append(f"{user.qualified}: {now.words}, not {how.words}")
        return user

    def _authentication(self, person: Person) -> Authentication | Held | None:
        if not person.auth_setting:
            return self.usual
        try:
            return self._meant(person.auth_setting)
        except (UnknownName, AmbiguousName) as problem:
            return Held(person.name, f"authentication: {problem}", "correct the list; see `auth_setting`")

    def remarks(self) -> Iterator[str]:
        """Who signs in otherwise than the lists and settings say."""
        if self.otherwise:
            yield (
                f"{len(self.otherwise)} sign in otherwise than is said, and are left so: {some(self.otherwise)}; "
                "`change_auth: true` changes it"
            )


def _signs_in(user: User, how: Authentication) -> bool:
    if how.provider is not None and user.idp_configuration_id is not None:
        return user.idp_configuration_id == how.provider
    return how.setting is None or user.auth_setting == how.setting


def _signing_in(user: User, how: Authentication) -> User:
    return replace(user, auth_setting=how.setting, idp_configuration_id=how.provider)


# -- of all of them --------------------------------------------------------------------------------------------


@dataclass(slots=True)
class Remarks:
    """What asks nothing of anybody: leavers who are not there, stay in groups or own something, and who is back.

    `eligible` counts joiners without a licence who are in the group that grants one.
    """

    absent: list[str] = field(default_factory=list)
    back: list[str] = field(default_factory=list)
    staying: list[str] = field(default_factory=list)
    owning: list[str] = field(default_factory=list)
    eligible: int = 0

    def all(self, now: Site, group: Group | None, described: Described) -> Iterator[str]:
        """Every sentence; `group` is the one that grants a role on sign-in."""
        if self.absent:
            are = "leavers are" if len(self.absent) > 1 else "leaver is"
            yield f"{len(self.absent)} {are} not on the site, nothing to do: {some(self.absent)}"
        if group is not None:
            yield from self._of_group(now, group)
        yield from described.remarks()
        if self.back:
            yield f"without a licence until now, and again with what their groups give: {_several(self.back)}"
        if self.staying:
            yield (
                "leavers who stay in groups, and have what those give as soon as they get a licence again: "
                f"{_several(self.staying)}; `remove_leavers_from_all_groups` takes them out"
            )
        if self.owning:
            yield (
                f"leavers who own content and keep it without a licence: {_several(self.owning)}; `remove_leavers` "
                "with `assets_to` hands it over"
            )

    def _of_group(self, now: Site, group: Group) -> Iterator[str]:
        role = group.minimum_site_role
        free = free_seats(now, role or "")
        if not role and self.eligible:
            joiners = f"{self.eligible} joiner{'s' * (self.eligible != 1)}"
            yield (
                f"the group `{group.name}` grants no site role: {joiners} in it cannot sign in; say "
                "`minimum_site_role` if it is to grant one"
            )
        if free is not None and self.eligible > free:
            sentence = f"{self.eligible} joiners get {role} at their first sign-in"
            tier = licence_of(role or "")
            yield f"{sentence}, and {free} {tier} seats are free; the rest cannot sign in until more are"


def named(user: User, things: Iterable[str]) -> str:
    """`ann` (Board, Sales)."""
    return f"`{user.qualified}` ({', '.join(things)})"


def _several(words: Sequence[str]) -> str:
    more = f" and {len(words) - MOST_NAMED} more" if len(words) > MOST_NAMED else ""
    return ", ".join(words[:MOST_NAMED]) + more
