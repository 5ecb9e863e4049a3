"""Domains as an import and a sign-in see them: which words mean one, whether it is trusted, what Tableau calls it.

Not the people in them (`names`). Source: "User Management in Active Directory Deployments", the sections on domain
nicknames, several domains, and signing in with a NetBIOS name.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import NamedTuple

from tabwarden.model.names import same
from tabwarden.model.site import LOCAL, Site
from tabwarden.want.directory import Directory, Domain, Trust
from tabwarden.want.names.import_rules import tableau_nickname
from tabwarden.want.wanted import NICKNAME, Held, Wanted, Why

SEVERAL_DOMAINS = "Support for multiple domains"
NICKNAMES = "Sign in to Tableau Server with NetBIOS name"
MATCHES, DIFFERS, NOT_KNOWN, NOT_READ = "matches", "differs", "not known to Tableau", "not in the directory"
NOT_TRUSTED = "not trusted"


class Refusal(NamedTuple):
    """Why an import would be refused: `code` for machines, what to do, and who could be meant."""

    code: str
    reason: str
    remedy: str
    section: str = ""
    candidates: tuple[str, ...] = ()


class DomainLine(NamedTuple):
    """A domain by its names: `netbios` of the directory, `nickname` of Tableau, None where that does not know it."""

    fqdn: str
    netbios: str | None
    nickname: str | None
    verdict: str
    remedy: str = ""


def known_nicknames(directory: Directory, now: Site | None) -> Mapping[str, str]:
    """The nicknames, by FQDN, of the domains Tableau knows.

    What the server told where it was asked. Else those of the domains that users come from, with the nickname that
    Tableau gives by itself; the server's own domain is known from the start, by its NetBIOS name (believed).
    """
    nicknames = now.nicknames if now is not None else None
    if nicknames is None:
        domains = {user.domain for user in now.users.values()} if now is not None else set()
        nicknames = {fqdn: tableau_nickname(fqdn) for fqdn in sorted(domains)}
    known = {fqdn: nickname for fqdn, nickname in nicknames.items() if same(fqdn) != LOCAL}
    home = directory.domains[0] if directory.domains else None
    if home is not None and all(same(fqdn) != same(home.fqdn) for fqdn in known):
        known = {home.fqdn: home.netbios, **known}
    return known


def domain_meant(directory: Directory, word: str, nicknames: Mapping[str, str]) -> Domain | Refusal:
    """The domain that a word before `\\` means where people or groups are added.

    The FQDN always; the NetBIOS name where Tableau knows the domain by that very nickname.
    """
    for domain in directory.domains:
        nickname = next((n for fqdn, n in nicknames.items() if same(fqdn) == same(domain.fqdn)), None)
        if same(word) == same(domain.fqdn):
            return domain
        if same(word) not in (same(domain.netbios), same(nickname or domain.netbios)):
            continue
        if nickname is None:
            reason = f"nobody of `{domain.fqdn}` is on Tableau yet, so `{word}` means nothing to it"
            remedy = f"give the first user by the full name, `{domain.fqdn}\\NAME`; later ones may use the nickname"
            return Refusal("first_needs_fqdn", reason, remedy, SEVERAL_DOMAINS)
        if same(nickname) != same(domain.netbios):
            reason = (
                f"Tableau calls `{domain.fqdn}` by the nickname `{nickname}`, which is not its NetBIOS name "
                f"`{domain.netbios}`"
            )
            remedy = f"give the full name, `{domain.fqdn}\\NAME`, or set the nickname with `tabwarden plan domains`"
            return Refusal("nickname_is_not_netbios", reason, remedy, SEVERAL_DOMAINS)
        return domain
    return _not_read(directory, word)


def _not_read(directory: Directory, word: str) -> Refusal:
    trust = next((t for t in directory.trusts if same(word) in (same(t.partner), same(t.partner_netbios))), None)
    if trust is None:
        known = ", ".join(f"`{d.fqdn}`" for d in directory.domains) or "none"
        remedy = f"write it as one of the domains that were read ({known}), or add it under `directory`"
        return Refusal("no_such_domain", f"no domain `{word}` was read", remedy, SEVERAL_DOMAINS)
    where = Domain(trust.partner, trust.partner_netbios)
    return untrusted(directory, where) or Refusal(
        "domain_not_read",
        f"the domain `{trust.partner}` is trusted and was not read",
        "add it under `directory` in the settings",
        SEVERAL_DOMAINS,
    )


def untrusted(directory: Directory, domain: Domain) -> Refusal | None:
    """Why people of a domain cannot be added, with the direction of trust that is missing; None where they can.

    The server's domain must trust the users' domain, one way or two ways. Domains of one tree trust each other
    through their parents, which is two-way and transitive in Active Directory.
    """
    home = directory.domains[0]
    if same(home.fqdn) == same(domain.fqdn) or _trusts(directory, home.fqdn, domain.fqdn):
        return None
    if _in_one_tree(directory, home.fqdn, domain.fqdn):
        return None
    wanted = f"a trust in which `{home.fqdn}` trusts `{domain.fqdn}` (one way is enough, two ways are fine)"
    if _trusts(directory, domain.fqdn, home.fqdn):
        reason = (
            f"`{domain.fqdn}` trusts `{home.fqdn}`, and not the other way round: the domain of the server must trust "
            "the domain of its users"
        )
        return Refusal("trust_wrong_way", reason, f"set up {wanted}", SEVERAL_DOMAINS)
    reason = f"the domain of the server, `{home.fqdn}`, does not trust `{domain.fqdn}`: there is no trust between them"
    return Refusal("no_trust", reason, f"set up {wanted}", SEVERAL_DOMAINS)


def _trusts(directory: Directory, one: str, other: str) -> bool:
    """Whether `one` trusts `other` directly, by the trust object of either of them."""
    return any(trust.trusts_partner for trust in _objects(directory, one, other)) or any(
        trust.trusted_by_partner for trust in _objects(directory, other, one)
    )


def _objects(directory: Directory, domain: str, partner: str) -> list[Trust]:
    return [t for t in directory.trusts if (same(t.domain), same(t.partner)) == (same(domain), same(partner))]


def _in_one_tree(directory: Directory, one: str, other: str) -> bool:
    """Whether two-way trusts between parents and children lead from one domain to the other."""
    met, waiting = {same(one)}, [same(one)]
    pairs = {(same(t.domain), same(t.partner)) for t in directory.trusts if t.trusts_partner and t.trusted_by_partner}
    steps = {pair for a, b in pairs for pair in ((a, b), (b, a)) if a.endswith(f".{b}") or b.endswith(f".{a}")}
    while waiting:
        fqdn = waiting.pop()
        further = {b for a, b in steps if a == fqdn} - met
        met |= further
        waiting += further
    return same(other) in met


def listed(directory: Directory, nicknames: Mapping[str, str]) -> tuple[DomainLine, ...]:
    """Every domain of the directory or of Tableau with its three names, the server's first, and what is amiss."""
    lines = []
    for domain in directory.domains:
        nickname = next((n for fqdn, n in nicknames.items() if same(fqdn) == same(domain.fqdn)), None)
        refusal = untrusted(directory, domain)
        if nickname is None and refusal is not None:
            verdict, remedy = NOT_TRUSTED, f"{refusal.reason}; {refusal.remedy}"
        elif nickname is None:
            given = tableau_nickname(domain.fqdn)
            verdict = NOT_KNOWN
            remedy = f"add its first user as `{domain.fqdn}\\NAME`; Tableau will call it `{given}`"
        elif same(nickname) == same(domain.netbios):
            verdict, remedy = MATCHES, ""
        else:
            verdict = DIFFERS
            remedy = f"`{domain.netbios}\\NAME` cannot sign in; `tabwarden plan domains` sets the nickname"
        if nickname is not None and refusal is not None:
            remedy = "; ".join(filter(None, (remedy, f"nobody of it can be added: {refusal.reason}", refusal.remedy)))
        lines.append(DomainLine(domain.fqdn, domain.netbios, nickname, verdict, remedy))
    read = {same(domain.fqdn) for domain in directory.domains}
    for fqdn, nickname in nicknames.items():
        if same(fqdn) not in (*read, LOCAL):
            remedy = "add it under `directory` to see its NetBIOS name"
            named = any(same(fqdn) == same(trust.partner) for trust in directory.trusts)
            refusal = untrusted(directory, Domain(fqdn, nickname)) if named else None
            if refusal is not None:
                remedy = f"nobody of it can be added: {refusal.reason}; {refusal.remedy}"
            lines.append(DomainLine(fqdn, None, nickname, NOT_READ, remedy))
    return tuple(lines)


def nicknames_wanted(now: Site, directory: Directory) -> Wanted:
    """The Site with the NetBIOS name as the nickname of every domain that both know.

    A nickname belongs to one domain: of several that change, one that is still another's waits for that one. What
    waits for itself in a circle is held.
    """
    have = dict(now.nicknames or {})
    names = {line.fqdn: line.netbios or "" for line in listed(directory, have) if line.verdict == DIFFERS}
    waiting = {fqdn: names[same_fqdn] for fqdn in have if (same_fqdn := _match(fqdn, names)) is not None}
    done: dict[str, str] = {}
    while free := [fqdn for fqdn, name in waiting.items() if not _taken(name, fqdn, {**have, **done})]:
        done[free[0]] = waiting.pop(free[0])
    held = []
    for fqdn, name in waiting.items():
        other = _taken(name, fqdn, {**have, **done})
        reason = f"its NetBIOS name `{name}` is the nickname of `{other}` on Tableau"
        held.append(Held(fqdn, reason, f"give `{other}` another nickname first"))
    # Those that change come last, in the order in which they can.
    nicknames = {**{f: n for f, n in have.items() if f not in done}, **done}
    sentences = {
        (fqdn, NICKNAME): f"its NetBIOS name is {name}; Tableau calls a domain by its first label until told otherwise"
        for fqdn, name in done.items()
    }
    return Wanted(replace(now, nicknames=nicknames), Why("", sentences), tuple(held))


def _match(fqdn: str, names: Mapping[str, str]) -> str | None:
    return next((name for name in names if same(name) == same(fqdn)), None)


def _taken(nickname: str, fqdn: str, nicknames: Mapping[str, str]) -> str | None:
    """The other domain that has this as its nickname or name."""
    others = ((other, name) for other, name in nicknames.items() if other != fqdn)
    return next((other for other, name in others if same(nickname) in (same(name), same(other))), None)
