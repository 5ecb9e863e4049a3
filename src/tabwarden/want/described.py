"""What a list says of people beside their names: display name, e-mail address, authentication."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from functools import cache

from tabwarden.model.errors import AmbiguousName, UnknownName
from tabwarden.model.names import some
from tabwarden.model.site import LOCAL, User
from tabwarden.model.takes import Authentication, SiteTakes
from tabwarden.want.roster import Person
from tabwarden.want.wanted import Held


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
            user = replace(user, full_name=person.full_name or user.full_name, email=person.email or user.email)
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
