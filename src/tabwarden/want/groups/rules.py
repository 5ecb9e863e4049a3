"""Which groups of the directory are to be synchronised, as the settings name them, and who is in them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from tabwarden.model.errors import SourceError
from tabwarden.model.names import hint, same
from tabwarden.model.site import ON_LOGIN
from tabwarden.want.directory import Directory, DirectoryGroup, DirectoryPerson

AUTO, IMPORT, MEMBERSHIP = "auto", "import", "membership"
SAM_ACCOUNT_NAME, UPN, MAIL = "sAMAccountName", "userPrincipalName", "mail"
CANNOT_TELL = "nothing is planned, because a group that is gone cannot be told from one that cannot be read"


class GroupRule(NamedTuple):
    """One line of the section `groups`.

    `group` is a name, or `domain\\name` with the NetBIOS name or FQDN; `into` the group on Tableau (empty: of the
    same name). `minimum_site_role` None leaves what the group grants as it is. `by` is auto, import or membership.
    `user_name` is the attribute that user names are made of where the server is not joined to the directory.
    """

    group: str
    into: str = ""
    minimum_site_role: str | None = None
    grant_on: str = ON_LOGIN
    by: str = AUTO
    user_name: str = SAM_ACCOUNT_NAME
    may_be_empty: bool = False


class FoundGroup(NamedTuple):
    """A rule, the group it means, and the guids of everybody in it and in the groups within it, disabled ones too."""

    rule: GroupRule
    group: DirectoryGroup
    members: frozenset[str]


def found_groups(directory: Directory, rules: Sequence[GroupRule]) -> tuple[FoundGroup, ...]:
    """Every rule with its group. SourceError with a line for each that is not there, or could be several."""
    groups: list[FoundGroup] = []
    problems: list[str] = []
    nested = Nested(directory)
    for rule in rules:
        hits = _named(directory, rule.group)
        if isinstance(hits, str):
            problems.append(hits)
        elif len(hits) == 1:
            groups.append(FoundGroup(rule, hits[0], nested.people_in(hits[0].guid)))
        else:
            problems.append(_not_one(directory, rule.group, hits))
    if problems:
        raise SourceError(*problems)
    return tuple(groups)


def _named(directory: Directory, words: str) -> tuple[DirectoryGroup, ...] | str:
    """The groups that words mean; a sentence where they name a domain that was not read."""
    word, backslash, name = words.strip().partition("\\")
    if not backslash:
        home = directory.domains[0].fqdn if directory.domains else ""
        return directory.groups_named(words, home) or directory.groups_named(words)
    domain = directory.domain(word)
    if domain is None:
        known = ", ".join(f"`{d.netbios}` ({d.fqdn})" for d in directory.domains) or "none"
        return f"`groups` names `{words}`, and no domain `{word}` was read; write one of {known}"
    return directory.groups_named(name, domain.fqdn)


def _not_one(directory: Directory, words: str, hits: Sequence[DirectoryGroup]) -> str:
    if hits:
        listed = ", ".join(f"`{g.domain}\\{g.name}`" for g in hits)
        return f"`groups` names `{words}`, which could be {listed}; write it with its domain"
    name = re.sub(r"^cn=([^,]+),.*|.*[\\\\/]|@.*", r"\1", words.strip(), flags=re.IGNORECASE)  # of other forms of it
    near = hint(name, {group.name: "" for group in directory.groups.values()})
    return f"the directory has no group `{words}`{near}; {CANNOT_TELL}: correct the name or take the line out"


class Nested:
    """Who is in the groups of a directory, groups within groups resolved and remembered."""

    def __init__(self, directory: Directory) -> None:
        self._directory = directory
        self._people: dict[str, frozenset[str]] = {}
        self._inner: dict[str, tuple[str, ...]] = {}

    def people_in(self, guid: str) -> frozenset[str]:
        """As `Directory.everybody_in`; what a group holds itself is looked up once."""
        met, waiting, parts = {guid}, [guid], []
        while waiting:
            inner_guid = waiting.pop()
            parts.append(self._direct(inner_guid))
            new = [inner for inner in self._inner[inner_guid] if inner not in met]
            met.update(new)
            waiting += new
        return parts[0].union(*parts[1:])

    def _direct(self, guid: str) -> frozenset[str]:
        if guid not in self._people:
            directory = self._directory
            members = directory.groups[guid].members
            self._inner[guid] = tuple(m for m in members if m in directory.groups)
            inner = self._inner[guid]
            strangers = {m for m in members if m not in directory.people}
            self._people[guid] = members - strangers if inner or strangers else members
        return self._people[guid]


# -- people ---------------------------------------------------------------------------------------------------


def in_order(people: Iterable[DirectoryPerson]) -> list[DirectoryPerson]:
    """By domain and sAMAccountName: the order in which seats are given where there are too few."""
    return sorted(people, key=lambda person: (same(person.domain), same(person.sam_account_name)))


def written(person: DirectoryPerson, attribute: str) -> str:
    """The user name that an attribute makes of a person, empty where he has none."""
    match attribute:
        case "userPrincipalName":
            return person.upn
        case "mail":
            return person.email
    return person.sam_account_name
