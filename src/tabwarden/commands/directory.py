"""`tabwarden directory read|show`: read Active Directory, keep it, look at it. How people ask; no logic."""

from __future__ import annotations

import os
from collections import Counter
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.table import Table
from rich.text import Text

from tabwarden.commands.common import AsJson, console, fail_cleanly, print_json
from tabwarden.model.errors import UnknownName
from tabwarden.model.names import same
from tabwarden.run.directory import read_directory
from tabwarden.settings import load
from tabwarden.store import directory_file
from tabwarden.want.directory import Directory, DirectoryGroup, DirectoryPerson, Trust

app = typer.Typer(no_args_is_help=True, help="Read Active Directory whole, keep it in a file, look at it.")

SettingsPath = Annotated[Path | None, typer.Option("--settings", help="File or folder; default: here.")]
Whole = Annotated[bool, typer.Option("--whole", help="Read everything, though the settings ask for changes only.")]


def register(to: typer.Typer) -> None:
    """Add the commands."""
    to.add_typer(app, name="directory")


@app.command("read", help="Read all domains of the settings and keep them in a file; nothing is kept of a part.")
@fail_cleanly
def read_command(
    out: Annotated[Path, typer.Option("--out", help="File to write; `directory: {file: ...}` in settings reads it.")],
    settings: SettingsPath = None,
    whole: Whole = False,
    as_json: AsJson = False,
) -> None:
    """Read, write the file, tell what is in it."""
    found = read_directory(load(settings, os.environ), whole=whole)
    place = directory_file.save(found, out)
    if as_json:
        print_json({"file": str(place), **_counts(found)})
        return
    _tell_domains(found)
    console().print(f"written to {place}", markup=False)


@app.command("show", help="Domains, trusts and counts; or the people of a group, or what is known of a person.")
@fail_cleanly
def show_command(
    group: Annotated[str | None, typer.Option("--group", help="A group: who is in it, nested groups resolved.")] = None,
    person: Annotated[str | None, typer.Option("--person", help="A person, by sAMAccountName, UPN or mail.")] = None,
    groups: Annotated[bool, typer.Option("--groups", help="List the groups.")] = False,
    file: Annotated[Path | None, typer.Option("--file", help="A directory file, instead of the settings.")] = None,
    settings: SettingsPath = None,
    whole: Whole = False,
    as_json: AsJson = False,
) -> None:
    """Names are compared in any letter case; `domain\\name` names one domain."""
    if sum((group is not None, person is not None, groups)) > 1:
        raise UnknownName("ask for one of `--group`, `--person` and `--groups`")
    found = directory_file.load(file) if file else read_directory(load(settings, os.environ), whole=whole)
    if group is not None:
        held = _group(found, group)
        people = sorted(map(found.people.__getitem__, found.everybody_in(held.guid)), key=_order)
        _tell_people(found, people, f"{held.domain}\\{held.name}", as_json=as_json)
    elif person is not None:
        _tell_people(found, _people(found, person), person, as_json=as_json)
    elif groups:
        _tell_groups(found, as_json=as_json)
    elif as_json:
        print_json(_counts(found))
    else:
        _tell_domains(found)


def _order(person: DirectoryPerson) -> tuple[str, str]:
    return same(person.domain), same(person.sam_account_name)


# -- finding ---------------------------------------------------------------------------------------------------


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
    found = directory.groups_named(name, domain)
    if not found:
        raise UnknownName(f"no group `{words}` in the directory; `tabwarden directory show --groups` lists them")
    if len(found) > 1:
        listed = " or ".join(f"`{g.domain}\\{g.name}`" for g in found)
        raise UnknownName(f"several groups are called `{words}`; write {listed}")
    return found[0]


def _people(directory: Directory, words: str) -> list[DirectoryPerson]:
    domain, name = _split(directory, words)
    wanted = same(name)
    found = [
        p
        for p in directory.people.values()
        if wanted in (same(p.sam_account_name), same(p.upn), same(p.email)) and (not domain or p.domain == domain)
    ]
    if not found:
        raise UnknownName(
            f"nobody in the directory is called `{words}`; give a sAMAccountName, a UPN or a mail address"
        )
    return sorted(found, key=_order)


# -- telling ---------------------------------------------------------------------------------------------------


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
    here = [p for p in directory.people.values() if p.domain == fqdn]
    states = Counter("deleted" if p.deleted else "enabled" if p.enabled else "disabled" for p in here)
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


def _tell_domains(directory: Directory) -> None:
    table = Table("domain", "NetBIOS", "enabled", "disabled", "deleted", "groups", "orphans", "trusts")
    for domain in directory.domains:
        counts = _counts_of(directory, domain.fqdn)
        hidden = not domain.sees_deleted and not counts["deleted"]
        trusts = "\n".join(map(_trust_words, _trusts(directory, domain.fqdn)))
        table.add_row(
            domain.fqdn,
            domain.netbios,
            str(counts["enabled"]),
            str(counts["disabled"]),
            "hidden" if hidden else str(counts["deleted"]),
            str(counts["groups"]),
            str(counts["orphans"]),
            trusts,
        )
    console().print(table)


def _tell_people(directory: Directory, people: list[DirectoryPerson], of: str, *, as_json: bool) -> None:
    if as_json:
        print_json([{**p._asdict(), "attributes": dict(p.attributes)} for p in people])
        return
    table = Table("account", "user principal name", "display name", "mail", "state")
    for p in people:
        state = "deleted" if p.deleted else "enabled" if p.enabled else "disabled"
        account = f"{p.domain}\\{p.sam_account_name}"
        table.add_row(*map(Text, (account, p.upn, p.display_name, p.email)), state)
    out = console()
    out.print(table)
    out.print(f"{len(people)} of {len(directory.people)} people: {of}", markup=False)


def _tell_groups(directory: Directory, *, as_json: bool) -> None:
    held = sorted(directory.groups.values(), key=lambda g: (same(g.domain), same(g.name)))
    if as_json:
        print_json([{**g._asdict(), "members": sorted(g.members)} for g in held])
        return
    table = Table("group", "people, nested groups resolved", "direct members", "orphans", "others")
    for g in held:
        counts = (len(directory.everybody_in(g.guid)), len(g.members), len(g.orphans), g.others)
        table.add_row(Text(f"{g.domain}\\{g.name}"), *map(str, counts))
    console().print(table)
