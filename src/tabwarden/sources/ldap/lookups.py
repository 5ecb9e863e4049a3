"""Single questions to the domains: who is called that, which group, is this the password."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from threading import RLock
from typing import TypeVar

from tabwarden.model.names import same
from tabwarden.sources import unreadable
from tabwarden.sources.ldap.options import DirectoryDomain, DirectorySettings
from tabwarden.sources.ldap.reading import Facts, introduce, person, person_fields
from tabwarden.sources.ldap.session import LdapSession, lets_in, opened
from tabwarden.sources.ldap.values import escaped
from tabwarden.want.directory import DirectoryPerson, Domain, Trust

_Found = TypeVar("_Found")


class Asking:
    """Lines to the domains that stay open between questions; close it. Safe from several threads.

    A line that has died is opened once more. SourceError where a domain does not answer whole.
    """

    def __init__(self, options: DirectorySettings) -> None:
        self.options = options
        self._lock = RLock()
        self._lines: dict[str, LdapSession] = {}
        self._facts: dict[str, Facts] = {}

    def close(self) -> None:
        with self._lock:
            for fqdn in tuple(self._lines):
                self._lines.pop(fqdn).close()

    def domains(self) -> tuple[Domain, ...]:
        """The domains in the order of the options."""
        return tuple(self._introduced(d).domain for d in self.options.domains)

    def trusts(self) -> tuple[Trust, ...]:
        """What every domain says of its trusts, as it was when it was first asked."""
        return tuple(trust for d in self.options.domains for trust in self._introduced(d).trusts)

    def people(self, fqdn: str, name: str) -> tuple[DirectoryPerson, ...]:
        """The people of a domain whose sAMAccountName, UPN or UPN prefix is `name`; nobody deleted."""
        domain = self._of(fqdn)
        if domain is None or not name:
            return ()
        facts, word = self._introduced(domain), escaped(name)
        wanted = (
            f"(&(objectClass=user)(|(sAMAccountName={word})(userPrincipalName={word})(userPrincipalName={word}@*)))"
        )

        def ask(line: LdapSession) -> Iterator[DirectoryPerson]:
            for entry in line.search(facts.base, wanted, person_fields(self.options)):
                if entry.is_person:
                    yield person(entry, facts.domain, self.options)

        # A domain finds names that differ in accents alone; we do not.
        return tuple(p for p in self._ask(domain, ask) if same(name) in _names(p))

    def group(self, fqdn: str, name: str) -> str | None:
        """The name of the group of a domain as it is written there, None where there is none."""
        domain = self._of(fqdn)
        if domain is None or not name:
            return None
        base, attribute = self._introduced(domain).base, self.options.group_name
        wanted = f"(&(objectClass=group)({attribute}={escaped(name)}))"
        names = self._ask(domain, lambda line: (e.text(attribute) for e in line.search(base, wanted, (attribute,))))
        same_name = [name_there for name_there in names if same(name_there) == same(name)]
        if len(same_name) > 1:
            raise unreadable(f"several groups of `{domain.fqdn}` are called `{name}`; name groups by sAMAccountName")
        return same_name[0] if same_name else None

    def lets_in(self, fqdn: str, account: str, password: str) -> bool:
        """Whether a domain takes this password of a sAMAccountName."""
        domain = self._of(fqdn)
        if domain is None or not password:
            return False
        return lets_in(domain, f"{self._introduced(domain).domain.netbios}\\{account}", password)

    def _of(self, fqdn: str) -> DirectoryDomain | None:
        return next((d for d in self.options.domains if same(d.fqdn) == same(fqdn)), None)

    def _introduced(self, domain: DirectoryDomain) -> Facts:
        with self._lock:
            if domain.fqdn not in self._facts:
                self._facts[domain.fqdn] = self._ask(domain, lambda line: iter((introduce(line),)))[0]
            return self._facts[domain.fqdn]

    def _ask(self, domain: DirectoryDomain, question: Callable[[LdapSession], Iterator[_Found]]) -> list[_Found]:
        with self._lock:
            session = self._lines.pop(domain.fqdn, None)
            if session is not None:
                try:
                    answers = list(question(session))
                except Exception:
                    session.close()  # it may have died since the last question; the next line tells
                else:
                    self._lines[domain.fqdn] = session
                    return answers
            line = opened(domain)
            try:
                answers = list(question(line))
            except BaseException:
                line.close()
                raise
            self._lines[domain.fqdn] = line
            return answers


def _names(person: DirectoryPerson) -> tuple[str, ...]:
    prefix, _at, _suffix = person.upn.rpartition("@")
    return same(person.sam_account_name), same(person.upn), same(prefix)
