"""A sandbox whose server is joined to its pretend directory, the same directory as values and as a file. Not a test."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from tabwarden.model.site import Site
from tabwarden.plan.plan import Plan
from tabwarden.plan.waivers import parse_waivers
from tabwarden.run.apply import Applied, apply, terms_of
from tabwarden.run.context import Context, connected
from tabwarden.run.provision import plan_provision
from tabwarden.run.rename import plan_rename
from tabwarden.run.undo import plan_undo
from tabwarden.sandbox.directories.directory import DirectoryText
from tabwarden.sandbox.http.server import Sandbox, running
from tabwarden.sandbox.worlds.file import read_text
from tabwarden.sandbox.worlds.finding import world_of
from tabwarden.settings import Settings, load
from tabwarden.store import directory_file
from tabwarden.want.directory import Directory, DirectoryGroup, DirectoryPerson, Domain, Trust

HOME, WEST, PARTNER = "corp.example", "west.na.corp.example", "partner.example"


def as_values(plain: Mapping[str, object]) -> Directory:
    """A pretend directory as values: trusted domains by a two-way trust, others trust the first and are not trusted."""
    text = DirectoryText.model_validate(dict(plain)).all_domains()
    home = next(iter(text))
    domains = tuple(Domain(f, one.netbios or f.partition(".")[0].upper()) for f, one in text.items())
    trusts = tuple(
        Trust(home, d.fqdn, d.netbios, trusts_partner=text[d.fqdn].trusted, trusted_by_partner=True)
        for d in domains[1:]
    )
    people, groups = {}, {}
    for fqdn, one in text.items():
        for name, person in one.users.items():
            upn = f"{name}@{fqdn}" if person.upn is None else person.upn
            shown = name if person.display_name is None else person.display_name
            found = DirectoryPerson(f"{fqdn}/{name}", fqdn, name, upn, shown, person.email, person.enabled)
            people[found.guid] = found
    for fqdn, one in text.items():
        for name, group in one.groups.items():
            members = {_guid(fqdn, member) for member in group.members}
            groups[f"{fqdn}/{name}"] = DirectoryGroup(f"{fqdn}/{name}", fqdn, name, frozenset(members))
    return Directory(domains, trusts, people, groups, "2026-11-21T18:00:00Z")


def _guid(fqdn: str, member: str) -> str:
    domain, _, name = member.rpartition("\\")
    return f"{domain or fqdn}/{name}"


class Desk:
    """A running sandbox, a folder with settings, and what a person would do with them."""

    def __init__(self, sandbox: Sandbox, folder: Path, site: str) -> None:
        self.sandbox, self.folder, self.url = sandbox, folder, site
        self.token = ("tok", "sec")
        self.more: dict[str, object] = {}
        self.values: Directory | None = None

    @property
    def directory(self) -> Directory:
        """The pretend directory as it is now, or the values put in its place."""
        return self.values if self.values is not None else as_values(self.sandbox.state.pretended)

    def change_directory(self, fqdn: str, users: Mapping[str, object | None]) -> None:
        """Somebody changes accounts of a domain; None deletes one."""
        plain = self.sandbox.state.pretended
        domain = plain["domains"][fqdn]
        kept = {name: user for name, user in {**domain["users"], **users}.items() if user is not None}
        self.sandbox.state.put_directory({**plain, "domains": {**plain["domains"], fqdn: {**domain, "users": kept}}})

    def list_of(self, task: str, rows: Sequence[str], heading: str = "Email Address") -> Path:
        path = self.folder / f"{task}.csv"
        path.write_text("\n".join([heading, *rows]) + "\n", encoding="utf-8")
        sources = {**dict(self.more.get("sources", {})), task: {"type": "file", "path": str(path)}}  # type: ignore[call-overload]
        self.more = {**self.more, "sources": sources}
        return path

    def provision(self, **open_points: object) -> None:
        """Joiners are added, and what the tasks say; there is no group."""
        none = {"add_joiners_to_group": False, "remove_leavers_from_group": False}
        self.more = {**self.more, "provision": {**none, **open_points}}

    @property
    def settings_path(self) -> Path:
        directory_file.save(self.directory, self.folder / "directory.json")
        name, secret = self.token
        whole = {
            "tableau": {
                "server": self.sandbox.url,
                "site": self.url,
                "auth": {"pat": {"name": name, "secret": "env:PAT"}},
            },
            "directory": {"file": str(self.folder / "directory.json")},
            "store": {"folder": str(self.folder / "store")},
            **self.more,
        }
        (self.folder / "token").write_text(secret, encoding="utf-8")
        path = self.folder / "settings.yaml"
        path.write_text(json.dumps(whole, indent=1), encoding="utf-8")
        return path

    @property
    def settings(self) -> Settings:
        return load(self.settings_path, {"PAT": self.token[1]})

    @property
    def site(self) -> Site:
        return self.sandbox.site(self.url)

    def plan(self) -> Plan:
        return plan_provision(self.settings)

    def rename(self, *words: str, upn: bool = False, keep_old: bool = False) -> Plan:
        return plan_rename(self.settings, words, upn=upn, keep_old=keep_old)

    def apply(self, plan: Plan, *accept: str) -> Applied:
        settings = self.settings
        with connected(settings) as connection:
            return apply(plan, connection, terms_of(Context(settings, connection), parse_waivers(accept)))

    def undo(self) -> Plan:
        settings = self.settings
        with connected(settings) as connection:
            return plan_undo(Context(settings, connection), None)


@contextmanager
def desk_of(folder: Path, world: str = "w0", site: str = "sandbox", *, joined: bool = True) -> Iterator[Desk]:
    """A desk on a world by name or text."""
    held = world_of(read_text(world, "joined")) if "\n" in world else world
    with running(held) as sandbox:
        if joined:
            sandbox.state.put_directory({**sandbox.state.pretended, "joined": True})
        yield Desk(sandbox, folder, site)
