"""`tabwarden directory read|show`: read Active Directory, keep it, look at it."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from tabwarden.commands._answer import PLAIN, Output
from tabwarden.commands._options import SettingsPath, load_settings
from tabwarden.commands._parsing import Option
from tabwarden.model.errors import UnknownName
from tabwarden.model.names import same

if TYPE_CHECKING:
    from tabwarden.report.table import Drawable
    from tabwarden.want.directory import Directory, DirectoryGroup, DirectoryPerson, Trust

Whole = Annotated[bool, Option("--whole", about="Read everything, though the settings ask for changes only.")]


def directory_read(
    out: Annotated[Path, Option("--out", about="File to write; `directory: {file: ...}` in settings reads it.")],
    settings: SettingsPath = None,
    whole: Whole = False,
    output: Output = PLAIN,
) -> None:
    """Read, write the file, tell what is in it."""
    from tabwarden.run.directory import read_directory
    from tabwarden.store import directory_file

    directory = read_directory(load_settings(settings), whole=whole)
    path = directory_file.save(directory, out)
    parts = [*_domains(directory), f"written to {path}"]
    output.give(parts, lambda: {"file": str(path), **_counts(directory)})


def directory_show(
    group: Annotated[str | None, Option("--group", about="A group: who is in it, nested groups resolved.")] = None,
    person: Annotated[str | None, Option("--person", about="A person, by sAMAccountName, UPN or mail.")] = None,
    groups: Annotated[bool, Option("--groups", about="List the groups.")] = False,
    file: Annotated[Path | None, Option("--file", about="A directory file, instead of the settings.")] = None,
    settings: SettingsPath = None,
    whole: Whole = False,
    output: Output = PLAIN,
) -> None:
    """Names are compared in any letter case; `domain\\name` names one domain."""
    from tabwarden.run.directory import read_directory
    from tabwarden.store import directory_file

    if sum((group is not None, person is not None, groups)) > 1:
        raise UnknownName("ask for one of `--group`, `--person` and `--groups`")
    directory = directory_file.load(file) if file else read_directory(load_settings(settings), whole=whole)
    if group is not None:
        named = _group(directory, group)
        people = sorted(map(directory.people.__getitem__, directory.everybody_in(named.guid)), key=_order)
        _show_people(directory, people, f"{named.domain}\\{named.name}", output)
    elif person is not None:
        _show_people(directory, _people(directory, person), person, output)
    elif groups:
        _show_groups(directory, output)
    else:
        output.give(_domains(directory), lambda: _counts(directory))


def _order(person: DirectoryPerson) -> tuple[str, str]:
    return same(person.domain), same(person.sam_account_name)


def _split(directory: Directory, words: str) -> tuple[str, str]:
    """The FQDN before a backslash ('' where there is none) and the name."""
    before, slash, name = words.rpartition("\\")
    if not slash:
        return "", words
    domain = directory.domain(before)
    if domain is None:
        known = ", ".join(f"`{d.fqdn}`" for d in directory.domains)
        raise UnknownName(f"no domain `{before}` was read; there are {known}")
    return domain.fqdn, name


def _group(directory: Directory, words: str) -> DirectoryGroup:
    domain, name = _split(directory, words)
    groups = directory.groups_named(name, domain)
    if not groups:
        raise UnknownName(f"no group `{words}` in the directory; `tabwarden directory show --groups` lists them")
    if len(groups) > 1:
        listed = " or ".join(f"`{g.domain}\\{g.name}`" for g in groups)
        raise UnknownName(f"several groups are called `{words}`; write {listed}")
    return groups[0]


def _people(directory: Directory, words: str) -> list[DirectoryPerson]:
    domain, name = _split(directory, words)
    wanted = same(name)
    people = [
        p
        for p in directory.people.values()
        if wanted in (same(p.sam_account_name), same(p.upn), same(p.email)) and (not domain or p.domain == domain)
    ]
    if not people:
        raise UnknownName(
            f"nobody in the directory is called `{words}`; give a sAMAccountName, a UPN or a mail address"
        )
    return sorted(people, key=_order)


def _counts(directory: Directory) -> dict[str, Any]:
    return {
        "when": directory.when,
        "domains": [
            {
                **d._asdict(),
                **_counts_of(directory, d.fqdn),
                "trusts": [_trust_words(t) for t in _trusts(directory, d.fqdn)],
            }
            for d in directory.domains
        ],
    }


def _counts_of(directory: Directory, fqdn: str) -> dict[str, int]:
    people = [p for p in directory.people.values() if p.domain == fqdn]
    states = Counter("deleted" if p.deleted else "enabled" if p.enabled else "disabled" for p in people)
    groups = [g for g in directory.groups.values() if g.domain == fqdn]
    return {
        **{word: states[word] for word in ("enabled", "disabled", "deleted")},
        "groups": len(groups),
        "orphans": sum(len(g.orphans) for g in groups),
    }


def _trusts(directory: Directory, fqdn: str) -> list[Trust]:
    return [trust for trust in directory.trusts if trust.domain == fqdn]


def _trust_words(trust: Trust) -> str:
    """A trust with its direction."""
    if trust.trusts_partner and trust.trusted_by_partner:
        return f"trusts {trust.partner} and is trusted by it"
    return f"trusts {trust.partner}" if trust.trusts_partner else f"is trusted by {trust.partner}"


def _domains(directory: Directory) -> list[Drawable]:
    from tabwarden.report.table import NAME, NUMBER, Column, Table

    numbers = (Column(word, NUMBER) for word in ("Enabled", "Disabled", "Deleted", "Groups", "Orphans"))
    table = Table(Column("Domain", NAME), Column("NetBIOS", NAME), *numbers, name="domains")
    for domain in directory.domains:
        counts = _counts_of(directory, domain.fqdn)
        hidden = not domain.sees_deleted and not counts["deleted"]
        table.add_row(
            domain.fqdn,
            domain.netbios,
            counts["enabled"],
            counts["disabled"],
            "hidden" if hidden else counts["deleted"],
            counts["groups"],
            counts["orphans"],
        )
    trusts = ((domain.fqdn, trust) for domain in directory.domains for trust in _trusts(directory, domain.fqdn))
    return [table, *(f"{fqdn} {_trust_words(trust)}" for fqdn, trust in trusts)]


def _show_people(directory: Directory, people: list[DirectoryPerson], of: str, output: Output) -> None:
    from tabwarden.report.table import MARK, NAME, Column, Table

    names = ("Account", "User principal name", "Display name", "Mail")
    table = Table(*(Column(name, NAME) for name in names), Column("State", MARK), name="people")
    for p in people:
        state = "deleted" if p.deleted else "enabled" if p.enabled else "disabled"
        account = f"{p.domain}\\{p.sam_account_name}"
        table.add_row(account, p.upn, p.display_name, p.email, state)
    words = f"{len(people)} of {len(directory.people)} people: {of}"
    output.give([table, words], lambda: [{**p._asdict(), "attributes": dict(p.attributes)} for p in people])


def _show_groups(directory: Directory, output: Output) -> None:
    from tabwarden.report.table import NAME, NUMBER, Column, Table

    groups = sorted(directory.groups.values(), key=lambda g: (same(g.domain), same(g.name)))
    people = Column("People, nested groups resolved", NUMBER, "people")
    numbers = (Column(word, NUMBER) for word in ("Direct members", "Orphans", "Others"))
    table = Table(Column("Group", NAME), people, *numbers, name="groups")
    for g in groups:
        counts = (len(directory.everybody_in(g.guid)), len(g.members), len(g.orphans), g.others)
        table.add_row(f"{g.domain}\\{g.name}", *counts)
    output.give([table], lambda: [{**g._asdict(), "members": sorted(g.members)} for g in groups])
