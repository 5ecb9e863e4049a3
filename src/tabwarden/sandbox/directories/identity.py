"""The identity store beside a directory: which domain words mean, whom an import names, whom a sign-in binds as.

Not the directory, and not what a person may do. Tableau knows a domain from the first import that named it by its
FQDN, and gives it a nickname, which need not be the NetBIOS name ("User Management in Active Directory Deployments").
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from tabwarden.model.errors import TabwardenError
from tabwarden.model.names import same
from tabwarden.model.site import LOCAL, Site, User
from tabwarden.sandbox.directories.directory import Directory, DirectoryGroup, Domain, Person, one_by_name
from tabwarden.sandbox.http.errors import Refusal
from tabwarden.sandbox.state.server_state import Account
from tabwarden.sandbox.state.sites import State
from tabwarden.want.names.import_rules import imported_by_upn, imported_name, tableau_nickname, upn_prefix

NO_DOMAIN, NOBODY, SILENT = "no_domain", "not_in_directory", "directory_silent"


# How an `@` of a user name is written that parts no domain from it ("CSV Import File Guidelines"), and meanwhile.
ESCAPED_AT, _AT = r"\0x40", "\ue000"


class Imported(NamedTuple):
    """A person of the directory and the Tableau user name that importing him makes."""

    person: Person
    name: str


def key(domain: str, name: str) -> tuple[str, str]:
    """How users and people of the directory are told apart: domain and name in any letter case."""
    return same(domain), same(name)


def asked(directory: Directory | None) -> Directory:
    """The directory there is; refused without one."""
    if directory is None:
        raise Refusal("no_directory", "this server is not joined to a directory; users and groups are local")
    return directory


def domains_of(directory: Directory) -> Sequence[Domain]:
    """The directory's domains; 400104 when it does not answer."""
    try:
        return directory.domains()
    except TabwardenError as trouble:
        raise silent(trouble) from None


def silent(trouble: TabwardenError) -> Refusal:
    """The refusal for a directory that does not answer whole."""
    return Refusal(SILENT, f"the directory does not answer: {trouble}")


def known_domains(state: State) -> dict[str, str]:
    """Nicknames by FQDN of the domains Tableau knows; that of the server is known from the start, by NetBIOS name."""
    known = dict(state.nicknames)
    if state.directory is not None:
        home = domains_of(state.directory)[0]
        if not any(same(fqdn) == same(home.fqdn) for fqdn in known):
            known = {home.fqdn: home.netbios, **known}
    return known


def nickname_of(state: State, fqdn: str) -> str:
    """The nickname of a domain; of one that is not known what Tableau would give it."""
    known = known_domains(state).items()
    return next((nickname for one, nickname in known if same(one) == same(fqdn)), tableau_nickname(fqdn))


def learn(state: State, fqdn: str) -> None:
    """Remember a domain that an import named, with the nickname Tableau gives it."""
    known = known_domains(state)
    if all(same(fqdn) != same(one) for one in known):
        state.put_nicknames({**known, fqdn: tableau_nickname(fqdn)})


def domain_for_import(state: State, words: str) -> Domain:
    """The domain that words mean where people or groups are added: FQDN, or a nickname that is the NetBIOS name."""
    for domain in domains_of(asked(state.directory)):
        nickname = _nickname(state, domain)
        if same(words) == same(domain.fqdn):
            return _trusted(domain)
        if nickname is None and same(words) == same(domain.netbios):
            raise Refusal(NO_DOMAIN, f"`{words}` is not known yet; give the first user of `{domain.fqdn}` by that name")
        if nickname is not None and same(words) in (same(nickname), same(domain.netbios)):
            if same(nickname) != same(domain.netbios):
                reason = f"`{domain.fqdn}` has the nickname `{nickname}` here and the NetBIOS name `{domain.netbios}`"
                raise Refusal(NO_DOMAIN, f"{reason}; use the full name or change the nickname")
            return _trusted(domain)
    raise Refusal(NO_DOMAIN, f"no domain `{words}` can be found in the directory")


def _nickname(state: State, domain: Domain) -> str | None:
    return next((n for fqdn, n in known_domains(state).items() if same(fqdn) == same(domain.fqdn)), None)


def _trusted(domain: Domain) -> Domain:
    if not domain.trusted:
        raise Refusal(NO_DOMAIN, f"the domain of the server does not trust `{domain.fqdn}`; nobody of it can be added")
    return domain


def split(state: State, words: str) -> tuple[str, str]:
    """Domain and name of a user as written, without asking whether he is in the directory.

    `domain\\name` has its domain by FQDN or nickname, `name@suffix` that of a domain so called; else it is local, or
    of the server's domain where the server is joined to it.
    """
    words = words.replace(ESCAPED_AT, _AT)
    known = {LOCAL: LOCAL, ".": LOCAL}
    if state.directory is not None:
        for fqdn, nickname in known_domains(state).items():
            known |= {same(nickname): fqdn, same(fqdn): fqdn}
    domain, slash, name = words.rpartition("\\")
    if slash:
        return known.get(same(domain), domain), name.replace(_AT, "@")
    name, _at, suffix = words.rpartition("@")
    if name and same(suffix) in known and same(suffix) != LOCAL:
        return known[same(suffix)], name.replace(_AT, "@")
    if state.joined and not name:
        return next(iter(known_domains(state))), words.replace(_AT, "@")
    return LOCAL, words.replace(_AT, "@")


def to_import(state: State, words: str) -> Imported | None:
    """Whom a name in a request or a file means in the directory; None where it means a local user.

    `domain\\name` means the directory, `name@suffix` too where the directory knows it; a plain name means the domain
    of the server where the server is joined to it. No match, and two, are refusals.
    """
    directory = state.directory
    if directory is None:
        return None
    words = words.replace(ESCAPED_AT, _AT)
    domain, slash, name = words.rpartition("\\")
    if slash:
        local = same(domain) in (same(LOCAL), ".")
        return None if local else _in_domain(state, directory, domain, name.replace(_AT, "@"))
    if "@" in words:
        return _by_principal(state, directory, words)
    if not state.joined:
        return None
    return _in_domain(state, directory, domains_of(directory)[0].fqdn, words.replace(_AT, "@"))


def _in_domain(state: State, directory: Directory, domain: str, name: str) -> Imported:
    where = domain_for_import(state, domain)
    by_upn = imported_by_upn(name, twenty_is_long=state.open_points.twenty_characters_by_upn) is not None
    person = one_by_name(_people(directory, where.fqdn, name), name, by_upn=by_upn)
    return _only(state, person, name, where.fqdn)


def _by_principal(state: State, directory: Directory, words: str) -> Imported | None:
    before, _at, suffix = words.rpartition("@")
    before, words = before.replace(_AT, "@"), words.replace(_AT, "@")
    homes = [d for d in domains_of(directory) if same(suffix) in (same(d.fqdn), same(_nickname(state, d) or d.netbios))]
    people = [p for d in domains_of(directory) for p in _people(directory, d.fqdn, words) if same(p.upn) == same(words)]
    if not people:
        # The implicit UPN: every account also answers to its sAMAccountName at the domain.
        people = [
            p for d in homes for p in _people(directory, d.fqdn, before) if same(p.sam_account_name) == same(before)
        ]
    if not people and not homes and not state.joined:
        return None
    imported = _only(state, tuple(people), words, suffix)
    _trusted(next(d for d in domains_of(directory) if same(d.fqdn) == same(imported.person.domain)))
    return imported


def _only(state: State, people: Sequence[Person], given: str, where: str) -> Imported:
    if not people:
        raise Refusal(NOBODY, f"`{given}` cannot be found in the directory (`{where}`)")
    if len(people) > 1:
        listed = ", ".join(f"`{p.domain}\\{p.sam_account_name}`" for p in people)
        raise Refusal(NOBODY, f"`{given}` means several people of the directory: {listed}")
    person = people[0]
    if not person.enabled:
        raise Refusal(NOBODY, f"`{person.domain}\\{person.sam_account_name}` is disabled in the directory")
    by_upn = state.open_points.twenty_characters_by_upn
    return Imported(person, imported_name(given, person.sam_account_name, person.upn, twenty_is_long=by_upn).name)


def _people(directory: Directory, domain: str, name: str) -> Sequence[Person]:
    try:
        return directory.find_people(domain, name)
    except TabwardenError as trouble:
        raise silent(trouble) from None


def group_named(state: State, domain: str, name: str) -> DirectoryGroup:
    """The directory's group; refused when there is none or the directory does not answer."""
    directory, where = asked(state.directory), domain_for_import(state, domain)
    try:
        group = directory.find_group(where.fqdn, name)
    except TabwardenError as trouble:
        raise silent(trouble) from None
    if group is None:
        raise Refusal("no_such_directory_group", f"no group `{name}` can be found in `{where.fqdn}`")
    return group


def behind(state: State, user: User) -> Person | None:
    """The person of the directory behind a user of its domain; None when he is not there any more."""
    people = _people(asked(state.directory), user.domain, user.name)
    by_upn = imported_by_upn(user.name, twenty_is_long=state.open_points.twenty_characters_by_upn) is not None
    matching = one_by_name(people, user.name, by_upn=by_upn)
    return matching[0] if len(matching) == 1 else None


def of_directory(state: State, user: User | Account) -> bool:
    """Whether the domain of the user or account is one of the directory's."""
    if state.directory is None or user.domain == LOCAL:
        return False
    return any(same(d.fqdn) == same(user.domain) for d in domains_of(state.directory))


def bind(state: State, site: Site, words: str, password: str) -> User | None:
    """The user of the site who signs in with these words and the directory's password; None where they do not.

    `name` (of the server's domain, or the only one of that name), `nickname\\name` where the nickname is the NetBIOS
    name, `fqdn\\name`, or a UPN. Who is not among the users of the site stays out, whatever the directory says.
    """
    if state.directory is None:
        return None
    for user in _meant(state, site, words):
        person = behind(state, user)
        try:
            if person is not None and person.enabled and state.directory.authenticate(person, password):
                return user
        except TabwardenError as trouble:
            raise silent(trouble) from None
    return None


def _meant(state: State, site: Site, words: str) -> Sequence[User]:
    domain, slash, name = words.rpartition("\\")
    if slash:
        fqdn = _domain_at_sign_in(state, domain)
        return [u for u in _named(state, site, name) if fqdn is not None and same(u.domain) == same(fqdn)]
    users = _named(state, site, words)
    if "@" in words:
        return [*users, *_by_upn_at_sign_in(state, site, words)]
    home = domains_of(asked(state.directory))[0].fqdn
    at_home = [u for u in users if same(u.domain) == same(home)]
    return at_home or (users if len(users) == 1 else [])


def _named(state: State, site: Site, name: str) -> list[User]:
    users = (site.users[u] for u in site.users_named(name))
    return [u for u in users if same(u.name) == same(name) and of_directory(state, u)]


def _domain_at_sign_in(state: State, words: str) -> str | None:
    for domain in domains_of(asked(state.directory)):
        nickname = _nickname(state, domain)
        usable = nickname is not None and same(nickname) == same(domain.netbios)
        if same(words) == same(domain.fqdn) or (usable and same(words) == same(domain.netbios)):
            return domain.fqdn
    return None


def _by_upn_at_sign_in(state: State, site: Site, words: str) -> list[User]:
    before, _at, suffix = words.rpartition("@")
    directory, users = asked(state.directory), []
    for domain in domains_of(directory):
        people = [p for p in _people(directory, domain.fqdn, words) if same(p.upn) == same(words)]
        if same(suffix) == same(domain.fqdn):
            at_home = _people(directory, domain.fqdn, before)
            people += [p for p in at_home if same(p.sam_account_name) == same(before)]
        for person in people:
            names = (person.sam_account_name, upn_prefix(person.upn))
            users += [u for n in names for u in _named(state, site, n) if same(u.domain) == same(person.domain)]
    return users
