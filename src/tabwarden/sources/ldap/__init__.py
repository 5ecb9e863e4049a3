"""People of an Active Directory: of groups, of a filter, those who are enabled or those who left. It reads; it never
writes.

The whole directory is read first, so that groups within groups and members of other domains count; a filter is asked of
the domain itself. Rows have the columns of `COLUMNS` and every attribute that was asked for.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Annotated, ClassVar, Literal, Self

from pydantic import BeforeValidator, Field, PrivateAttr

from tabwarden.model.names import same
from tabwarden.section import Text
from tabwarden.sources import Column, Reading, Row, Source, empty, unreadable
from tabwarden.sources.ldap.options import DirectorySettings
from tabwarden.want.directory import Directory, DirectoryPerson
from tabwarden.want.roster import shown

ENABLED, DISABLED, DELETED, LEFT = "enabled", "disabled", "deleted", "left"
COLUMNS = ("sAMAccountName", "userPrincipalName", "displayName", "mail", "domain", "account", "objectGUID")
"""`domain` is the FQDN, `account` is `FQDN\\name`; the rest is what Active Directory calls it."""


class LdapSource(Source):
    """People from the directory of the section `directory`; who fits all that is named counts."""

    asks_directory: ClassVar[bool] = True

    type: Literal["ldap"] = Field(description="where the people are")
    state: Literal["enabled", "disabled", "deleted", "left"] = Field(
        description="whom to take: `left` are the disabled and the deleted (`type: ldap`)"
    )
    column: Annotated[Column, BeforeValidator(Column.of)] = Field(
        default=Column(name="sAMAccountName", full_name="displayName", email="mail"),
        description="the column with the user name, or a mapping of columns",
    )
    domain: Text | None = Field(default=None, description="only people of this domain, by full name")
    groups: tuple[Text, ...] = Field(
        default=(), description="only people in one of these groups or in groups within them"
    )
    filter: Text | None = Field(default=None, description="only people this filter of LDAP finds, `(department=Sales)`")
    base: Text | None = Field(default=None, description="only people below this distinguished name")
    _directory: Directory | DirectorySettings | None = PrivateAttr(default=None)

    def within(self, directory: Directory | DirectorySettings) -> Self:
        source = self.model_copy()
        source._directory = directory
        return source

    def read(self) -> Reading:
        """Everybody who fits, by domain and name."""
        asks_deleted = self.state in (DELETED, LEFT)
        if asks_deleted and (self.groups or self.filter or self.base):
            raise unreadable(
                f"`{self.state}` people are in no group and in no place any more; leave out `groups`, `filter` and "
                f"`base`, or ask for `{DISABLED}`"
            )
        settings = self._directory if isinstance(self._directory, DirectorySettings) else None
        directory = self._directory if isinstance(self._directory, Directory) else _read(settings)
        domains = [d for d in directory.domains if not self.domain or same(d.fqdn) == same(self.domain)]
        if not domains:
            raise unreadable(
                f"domain `{shown(self.domain or '')}` is not among those that are read; add it to `directory`"
            )
        for domain in domains if asks_deleted else ():
            if not domain.sees_deleted:
                raise unreadable(
                    f"domain `{domain.fqdn}` hides who was deleted from the account that reads it; let the account "
                    f"list `CN=Deleted Objects`, or ask for `{DISABLED}` people alone"
                )
        source = f"`{self.state}` people of {', '.join(f'`{d.fqdn}`' for d in domains)}"
        people = _narrowed(directory, settings, self, {same(d.fqdn) for d in domains})
        if not people:
            raise empty(source)
        more = dict.fromkeys(name for p in directory.people.values() for name in p.attributes)
        return Reading([_row(p, more) for p in people], source, as_of=directory.when or None)


def _read(wanted: DirectorySettings | None) -> Directory:
    if wanted is None:
        raise unreadable("the source `ldap` needs the section `directory`; add it to the settings")
    from tabwarden.sources.ldap.directory import read_directory

    return read_directory(wanted)


def _narrowed(
    directory: Directory, wanted: DirectorySettings | None, options: LdapSource, domains: set[str]
) -> list[DirectoryPerson]:
    """Who is of that state, in one of the domains, in one of the groups, and in what the filter finds."""
    people = [p for p in directory.people.values() if same(p.domain) in domains and _is(p, options.state)]
    if options.groups:
        inside = {guid for name in options.groups for guid in _in_group(directory, name)}
        people = [p for p in people if p.guid in inside]
    if options.filter or options.base:
        if wanted is None:
            raise unreadable("`filter` and `base` are asked of a domain, and `directory` is a file; leave them out")
        fitting = set(_fitting(wanted, options))
        people = [p for p in people if p.guid in fitting]
    return sorted(people, key=lambda p: (same(p.domain), same(p.sam_account_name), p.guid))


def _is(person: DirectoryPerson, state: str) -> bool:
    if person.deleted:
        return state in (DELETED, LEFT)
    return state == ENABLED if person.enabled else state in (DISABLED, LEFT)


def _in_group(directory: Directory, name: str) -> frozenset[str]:
    domain, _slash, plain = name.rpartition("\\")
    where = directory.domain(domain) if domain else None
    groups = directory.groups_named(plain, where.fqdn if where else "") if where or not domain else ()
    if len(groups) != 1:
        reason = "is not in the directory" if not groups else "is in several domains; write it as `FQDN\\name`"
        raise unreadable(f"group `{shown(name)}` {reason}{'; check its name' if not groups else ''}")
    return directory.everybody_in(groups[0].guid)


def _fitting(wanted: DirectorySettings, options: LdapSource) -> Iterator[str]:
    """The guids of what a filter finds in each domain, or below the base in the domain that holds it."""
    from tabwarden.sources.ldap.session import opened
    from tabwarden.sources.ldap.values import domain_of_dn

    if options.filter and not (options.filter.startswith("(") and options.filter.endswith(")")):
        raise unreadable(
            f"filter `{shown(options.filter)}` is not in parentheses; write one such as `(department=Sales)`"
        )
    home = same(domain_of_dn(options.base or ""))
    domains = [d for d in wanted.domains if not options.base or same(d.fqdn) == home]
    if not domains:
        raise unreadable(f"base `{shown(options.base)}` lies in none of the domains that are read; check its end")
    for domain in domains:
        with opened(domain) as line:
            base = options.base or ",".join(f"DC={label}" for label in domain.fqdn.split("."))
            for entry in line.search(base, options.filter or "(objectClass=user)", ("objectGUID",)):
                yield entry.must("objectGUID")


def _row(person: DirectoryPerson, more: Mapping[str, None]) -> Row:
    return {
        "sAMAccountName": person.sam_account_name,
        "userPrincipalName": person.upn,
        "displayName": person.display_name,
        "mail": person.email,
        "domain": person.domain,
        "account": f"{person.domain}\\{person.sam_account_name}",
        "objectGUID": person.guid,
        **{name: person.attributes.get(name, "") for name in more},
    }
