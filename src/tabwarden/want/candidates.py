"""People of a list who are on the site under another form of their name: they are held, with whom they may be."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from types import MappingProxyType

from tabwarden.model.names import same
from tabwarden.model.resolver import Candidate, OtherNames
from tabwarden.model.site import LOCAL, Site, User
from tabwarden.want.roster import Person
from tabwarden.want.wanted import Held

PLAIN = re.compile(r"[\w.@=+-]+")
NO_NAMES: Mapping[str, tuple[str, ...]] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class KnownAs:
    """What else is known of names: `aliases` of domains as pairs with their FQDN; by name (as compared) `others`, the
    names a directory has for that person, and `before`, the user (as a person types him) who she was at the last
    good run by her key, and `keys`, her objectGUID with the name she has or gets on the site.
    """

    aliases: tuple[tuple[str, str], ...] = ()
    others: Mapping[str, tuple[str, ...]] = field(default_factory=lambda: NO_NAMES)
    before: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    keys: Mapping[str, tuple[str, str]] = field(default_factory=lambda: MappingProxyType({}))


class Candidates:
    """Whom of a site people may be who are nobody there by name; of joiners, which other row may be the same one."""

    def __init__(
        self, now: Site, known_as: KnownAs, joiners: Iterable[Person] = (), leavers: Iterable[Person] = ()
    ) -> None:
        self.now, self.known_as = now, known_as
        self._joiners, self._leavers = tuple(joiners), tuple(leavers)
        self._leaving = {user for person in self._leavers for user in now.users_named(person.name)}

    @cached_property
    def _new(self) -> tuple[Person, ...]:
        """The joiners whose names nobody on the site has."""
        return tuple(person for person in self._joiners if not self.now.users_named(person.name))

    @cached_property
    def _alike(self) -> Mapping[str, list[Person]]:
        """The new joiners who have one name but for the domain, by it."""
        first: dict[str, Person] = {}
        alike: dict[str, list[Person]] = {}
        for person in self._new:
            bare = same(_bare(person))
            if (before := first.setdefault(bare, person)) is not person:
                alike.setdefault(bare, [before]).append(person)
        return alike

    @cached_property
    def _names(self) -> OtherNames:
        aliases = (*(self.now.nicknames or {}).items(), *self.known_as.aliases)
        new = (*self._new, *(person for person in self._leavers if not self.now.users_named(person.name)))
        if not 0 < len(new) * 2 < len(self.now.users):
            return OtherNames(self.now.users.values(), aliases)
        words = (word for person in new for word in (person.name, person.email) if word)
        others = (other for names in self.known_as.others.values() for other in names)
        return OtherNames(self.now.users.values(), aliases, (*words, *others))

    def of(self, person: Person) -> tuple[Candidate, ...]:
        """The users she may be, by key first; nobody where she is on the site by name."""
        return () if self.now.users_named(person.name) else self._of_nobody(person)

    def _of_nobody(self, person: Person) -> tuple[Candidate, ...]:
        known_as, mails = self.known_as, (person.email,) if person.email else ()
        if not known_as.others and not known_as.before:
            return self._names.of(person.name, mails)
        known = same(person.name.strip())
        others = self._names.of(person.name, mails, known_as.others.get(known, ()))
        before = self.now.users_named(known_as.before.get(known, ""))
        renamed = (Candidate(u, self.now.users[u].qualified, "is the same by key, renamed since") for u in before)
        return tuple({candidate.user: candidate for candidate in (*others, *renamed)}.values())

    def joiner(self, person: Person) -> Held | None:
        """A joiner whose name nobody on the site has, and who would be somebody's second user."""
        candidates = self._of_nobody(person)
        if candidates:
            first = candidates[0].called
            remedy = f"if it is the same person, write `{first}` in the list, or {rename_words(first, person.name)}"
            other = f"local\\{_bare(person)}"
            new = "" if self.now.users_named(other) else f"; a new person is `{other}`"
            return Held(person.name, _reason(candidates, person), f"{remedy}{new}")
        alike = [one for one in self._alike.get(same(_bare(person)), ()) if one is not person] if self._alike else ()
        if alike and any("\\" not in one.name for one in (person, *alike)):
            reason = f"may be the same person as `{alike[0].name}`, {row_of(alike[0])}"
            return Held(person.name, reason, "take one of the rows out, or write both with their domain")
        return None

    def both(self, person: Person, twin: Person) -> Held:
        """Somebody who is joiner and leaver at once, perhaps under two names."""
        remedy = "take the person out of one of the lists"
        if candidates := self.of(person):
            remedy = f"{remedy}, or {rename_words(candidates[0].called, person.name)}"
        return Held(person.name, f"joiner ({row_of(person)}) and leaver ({row_of(twin)}) at once", remedy)

    def leaver(self, person: Person) -> Held | None:
        """A leaver who may be somebody on the site, of whom no other row says that he leaves."""
        candidates = [candidate for candidate in self.of(person) if candidate.user not in self._leaving]
        if not candidates:
            return None
        remedy = f"if it is the same person, write `{candidates[0].called}` in the list; else take the row out"
        return Held(person.name, _reason(candidates, person), remedy)


def parted(person: Person) -> tuple[str, str]:
    """Domain and bare name of somebody; without a domain the name is local."""
    domain, backslash, bare = person.name.strip().partition("\\")
    return (domain, bare) if backslash else (LOCAL, domain)


def row_of(person: Person) -> str:
    """Where somebody stands, for a sentence."""
    return person.said or f"row {person.row} of {person.source}"


def rename_words(old: str, new: str) -> str:
    """What gives somebody another name."""
    return f"`{rename_command(old, new)}` carries groups, rules and ownership over"


def rename_command(old: str, new: str) -> str:
    """As it is typed into a shell: without the quotes the backslash of `domain\\name` would be lost."""
    pair = f"{old}={new}"
    return "tabwarden plan rename " + (pair if PLAIN.fullmatch(pair) else f'"{pair}"')


def renamed_since(called: str, user: User, name: str) -> Held:
    """Somebody whose account has another name than at the last good run: never a new user and one who is gone."""
    reason = f"has another name in the directory now, by the key it is the same account: was `{user.qualified}`"
    return Held(called, reason, rename_words(user.qualified, name))


def _reason(candidates: Iterable[Candidate], person: Person) -> str:
    return f"is not on the site under this name: {', '.join(map(str, candidates))} ({row_of(person)})"


def _bare(person: Person) -> str:
    return person.name.strip().rpartition("\\")[2]
