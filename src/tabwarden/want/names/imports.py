"""Which Tableau user name an import would create, and why.

Source: "User Management in Active Directory Deployments"; every result names the section that decides it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from tabwarden.model.names import same
from tabwarden.model.open_points import DOCUMENTED, OpenPoints
from tabwarden.model.site import Site
from tabwarden.want.directory import Directory, DirectoryPerson, Domain
from tabwarden.want.names.domains import Refusal, domain_meant, known_nicknames, untrusted
from tabwarden.want.names.identity import person_of, told, user_called
from tabwarden.want.names.import_rules import CSV, GROUP, TYPED, imported_by_upn, imported_name, tableau_nickname

ROUTES = (TYPED, CSV, GROUP)
INDIVIDUALLY, BY_GROUP = "Adding users individually", "Adding user groups"
SAM, UPN = "sAMAccountName", "UPN prefix"

BECAUSE: Mapping[str, str] = {
    "usual": "the usual case: the name given has at most {longest} characters and no @",
    "at_sign": "the name given contains @, so the UPN prefix is imported",
    "longer_than_20": "the name given has {length} characters, more than {longest}, so the UPN prefix is imported",
    "group": "users of an imported group always get their sAMAccountName",
    "no_upn": "there is no UPN, so the sAMAccountName is all there is",
}


@dataclass(frozen=True, slots=True)
class Collision:
    """Something that would go wrong, or be hard to tell apart, after the import; `kind` is for machines."""

    kind: str
    sentence: str
    remedy: str


@dataclass(frozen=True, slots=True)
class Checked:
    """What importing one name would do: `domain\\name` on Tableau by `attribute`, or a refusal.

    `because` is a sentence, `section` that of the document. `user` is the id of the Tableau user it is already.
    """

    given: str
    route: str
    person: DirectoryPerson | None = None
    domain: str = ""
    name: str = ""
    attribute: str = ""
    because: str = ""
    section: str = ""
    user: str | None = None
    refusal: Refusal | None = None
    collisions: tuple[Collision, ...] = ()

    @property
    def qualified(self) -> str:
        """`domain\\name`, empty for a refusal."""
        return f"{self.domain}\\{self.name}" if self.name else ""


class Imports:
    """A directory and what Tableau knows, as imports by one route, one after the other, see them."""

    def __init__(
        self, directory: Directory, route: str = TYPED, now: Site | None = None, open_points: OpenPoints = DOCUMENTED
    ) -> None:
        self.directory, self.route, self.now, self.open_points = directory, route, now, open_points
        self.nicknames = dict(known_nicknames(directory, now))

    def check(self, given: str) -> Checked:
        """What importing this name would do; a domain that it names first is known afterwards."""
        refused = Checked(given, self.route)
        match = self._found(given.strip())
        if isinstance(match, Refusal):
            return replace(refused, refusal=match)
        person, plain = match
        result = self.imported(person, plain)
        if all(same(fqdn) != same(person.domain) for fqdn in self.nicknames):
            self.nicknames[person.domain] = tableau_nickname(person.domain)
        checked = replace(result, given=given)
        there = user_called(self.directory, self.now, result.domain, result.name) if self.now is not None else None
        is_he = there is not None and person_of(self.directory, there) == (person,)
        return replace(checked, user=there.id if there is not None and is_he else None)

    def imported(self, person: DirectoryPerson, given: str) -> Checked:
        """What importing this person by that name (without domain) makes, whoever else there is."""
        longest = 19 if self.open_points.twenty_characters_by_upn else 20
        imported_as = imported_name(
            given,
            person.sam_account_name,
            person.upn,
            self.route,
            twenty_is_long=self.open_points.twenty_characters_by_upn,
        )
        because = BECAUSE[imported_as.because].format(length=len(given), longest=longest)
        section = BY_GROUP if self.route == GROUP else INDIVIDUALLY
        return Checked(
            given, self.route, person, person.domain, imported_as.name, imported_as.attribute, because, section
        )

    def _found(self, given: str) -> tuple[DirectoryPerson, str] | Refusal:
        """The one person a name means and the name without its domain."""
        if not given or not self.directory.domains:
            return Refusal("nobody", "no name was given" if not given else "no domain was read", "give a name")
        word, slash, name = given.rpartition("\\")
        if not slash and "@" in name:
            matches, domain = self._by_principal(name), None
        else:
            meant = domain_meant(self.directory, word, self.nicknames) if slash else self.directory.domains[0]
            if isinstance(meant, Refusal):
                return meant
            matches, domain = self._in_domain(meant, name), meant
        return self._only(matches, given, name, domain)

    def _in_domain(self, domain: Domain, name: str) -> tuple[DirectoryPerson, ...]:
        """By sAMAccountName first, or by UPN first where a name like that is imported by UPN."""
        directory, fqdn = self.directory, domain.fqdn
        by_account = directory.people_with_account(name, fqdn)
        if self.route == GROUP:
            return by_account
        whole = tuple(p for p in directory.people_with_upn(name) if same(p.domain) == same(fqdn))
        by_principal = whole or directory.people_with_upn_prefix(name, fqdn)
        if imported_by_upn(name, self.route, twenty_is_long=self.open_points.twenty_characters_by_upn) is not None:
            return by_principal or by_account
        return by_account or by_principal

    def _by_principal(self, name: str) -> tuple[DirectoryPerson, ...]:
        """By the whole UPN, else by the implicit one: every account also answers to its sAMAccountName at the domain.

        The suffix may be any: a forest has alternative ones.
        """
        people = self.directory.people_with_upn(name)
        if people:
            return people
        before, _, suffix = name.rpartition("@")
        where = self.directory.domain(suffix)
        return self.directory.people_with_account(before, where.fqdn) if where is not None else ()

    def _only(
        self, people: Sequence[DirectoryPerson], given: str, name: str, domain: Domain | None
    ) -> tuple[DirectoryPerson, str] | Refusal:
        section = BY_GROUP if self.route == GROUP else INDIVIDUALLY
        where = f"in `{domain.fqdn}`" if domain is not None else "in the domains that were read"
        if not people:
            return Refusal("nobody", f"nobody {where} is called `{name}`", self._near(name), section)
        if len(people) > 1:
            listed = tuple(sorted(told(p) for p in people))
            reason = f"`{given}` means {len(people)} people: {', '.join(f'`{one}`' for one in listed)}"
            return Refusal("several", reason, "give the sAMAccountName of the one who is meant", section, listed)
        person = people[0]
        trust = untrusted(self.directory, self.directory.domain(person.domain) or Domain(person.domain, ""))
        if trust is not None:
            return trust
        if not person.enabled:
            remedy = "enable the account in Active Directory, or take the name off the list"
            return Refusal("disabled", f"`{told(person)}` is disabled in the directory", remedy, section)
        return person, name

    def _near(self, name: str) -> str:
        """Who is called so elsewhere, or has it as mail address: what to write instead."""
        plain = name.partition("@")[0]
        elsewhere = (*self.directory.people_with_account(plain), *self.directory.people_with_email(name))
        listed = sorted({told(p) for p in elsewhere})
        if listed:
            return f"near it: {', '.join(f'`{one}`' for one in listed[:5])}"
        return "give the sAMAccountName or the UPN as Active Directory has it"
