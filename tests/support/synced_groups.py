"""A directory of plain data, a sandbox joined to it (or not), and settings that keep its groups. Not a test.

The plain data are the sandbox's own; `directory_of` makes of them the Directory that Tabwarden computes with, so that
both sides look at one directory and nothing else is shared.
"""

from __future__ import annotations

import json
import random
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from copy import deepcopy
from dataclasses import replace
from pathlib import Path
from typing import Any

from provisioning import SECRET, URL, Bench
from provisioning import world as people_world

from tabwarden.model.site import ALL_USERS, LOCAL, Content, Grantee, Group, Rule, Site, User
from tabwarden.plan.plan import Plan
from tabwarden.plan.waivers import parse_waivers
from tabwarden.run.apply import Applied
from tabwarden.run.groups import plan_groups, run_groups
from tabwarden.sandbox.http.server import running
from tabwarden.sandbox.state.personality import Personality, personality
from tabwarden.sandbox.state.server_state import World
from tabwarden.store import directory_file
from tabwarden.want.directory import Directory, DirectoryGroup, DirectoryPerson, Domain, Trust

CORP, WEST = "corp.example", "west.corp.example"
Plain = dict[str, Any]
Grants = tuple[str | None, str | None]
LOOSE = {name: {"count": 999} for name in ("licences_lost", "memberships_removed", "users_added")}


def company() -> Plain:
    """Two domains; Sales holds mia, noa, Juniors (ivy) and Westerners (wes) of the other domain."""
    return {
        "joined": True,
        "domains": {
            CORP: {
                "netbios": "CORP",
                "users": {
                    "mia": {"display_name": "Mia Miller", "email": "mia@corp.example"},
                    "noa": {"display_name": "Noa Novak", "email": "noa@corp.example"},
                    "ivy": {"display_name": "Ivy Young", "email": "ivy@corp.example"},
                    "off": {"display_name": "Otto Off", "enabled": False},
                },
                "groups": {
                    "Sales": {"members": ["mia", "noa", "off", "Juniors", f"{WEST}\\Westerners"]},
                    "Juniors": {"members": ["ivy"]},
                    "Nobody": {"members": []},
                },
            },
            WEST: {
                "netbios": "SEATTLE",
                "users": {"wes": {"display_name": "Wes West", "email": "wes@west.corp.example"}},
                "groups": {"Westerners": {"members": ["wes"]}},
            },
        },
    }


def directory_of(plain: Mapping[str, Any], *, deleted: Sequence[DirectoryPerson] = ()) -> Directory:
    """The same directory as values; guids are made of names."""
    domains = plain["domains"]
    home = next(iter(domains))
    people: dict[str, DirectoryPerson] = {one.guid: one for one in deleted}
    groups: dict[str, DirectoryGroup] = {}
    for fqdn, domain in domains.items():
        for name, told in domain.get("users", {}).items():
            upn = told["upn"] if told.get("upn") is not None else f"{name}@{fqdn}"
            shown, guid = told.get("display_name", name), _guid("p", fqdn, name)
            enabled = told.get("enabled", True)
            people[guid] = DirectoryPerson(guid, fqdn, name, upn, shown, told.get("email", ""), enabled)
        for name, told in domain.get("groups", {}).items():
            guid = _guid("g", fqdn, name)
            members = frozenset(_member(domains, fqdn, member) for member in told.get("members", ()))
            groups[guid] = DirectoryGroup(guid, fqdn, name, members)
    trusts = tuple(
        Trust(home, fqdn, _netbios(fqdn, domain), domain.get("trusted", True), trusted_by_partner=False)
        for fqdn, domain in domains.items()
        if fqdn != home
    )
    read = tuple(Domain(fqdn, _netbios(fqdn, domain)) for fqdn, domain in domains.items())
    return Directory(read, trusts, people, groups, "2026-11-21T00:00:00Z")


def _netbios(fqdn: str, domain: Mapping[str, Any]) -> str:
    return domain.get("netbios") or fqdn.partition(".")[0].upper()


def _member(domains: Mapping[str, Any], home: str, written: str) -> str:
    word, _, name = written.rpartition("\\")
    fqdn = word or home
    return _guid("p" if name in domains[fqdn].get("users", {}) else "g", fqdn, name)


def _guid(kind: str, fqdn: str, name: str) -> str:
    return f"{kind}:{fqdn}\\{name}".casefold()


# -- what people do in a directory ------------------------------------------------------------------------------


def without(plain: Plain, name: str, domain: str = CORP) -> Plain:
    """Somebody is deleted."""
    new = deepcopy(plain)
    del new["domains"][domain]["users"][name]
    for fqdn, one in new["domains"].items():
        written = {name} if fqdn == domain else {f"{domain}\\{name}"}
        for group in one["groups"].values():
            group["members"] = [m for m in group["members"] if m not in written]
    return new


def disabled(plain: Plain, name: str, domain: str = CORP) -> Plain:
    """Somebody's account is disabled."""
    new = deepcopy(plain)
    new["domains"][domain]["users"][name]["enabled"] = False
    return new


def with_members(plain: Plain, group: str, *members: str, domain: str = CORP) -> Plain:
    """A group with other members."""
    new = deepcopy(plain)
    new["domains"][domain]["groups"][group] = {"members": list(members)}
    return new


# -- the sandbox ------------------------------------------------------------------------------------------------


def world(plain: Plain, *, joined: bool, users: Mapping[str, str] | None = None, **more: Any) -> World:
    """A site with administrators and `users` (`domain\\name` too), joined to the directory or without one."""
    held = people_world({"ada": "ServerAdministrator", "sam": "SiteAdministratorCreator", **(users or {})}, (), **more)
    return replace(held, directory=plain if joined else {})


class Desk(Bench):
    """A running sandbox and the settings to keep groups on it."""

    plain: Plain
    groups: list[dict[str, object]]
    joined: bool = True

    def change(self, plain: Plain) -> None:
        """The directory is another one, for Tableau and for Tabwarden."""
        self.plain = plain
        if self.joined:
            self.sandbox.state.put_directory(plain)

    @property
    def settings_path(self) -> Path:
        directory_file.save(directory_of(self.plain), self.folder / "directory.json")
        self.provision.setdefault("group", {"name": "Not used"})
        self.more |= {"directory": {"file": "directory.json"}, "groups": self.groups}
        return super().settings_path

    def plan(self) -> Plan:
        return plan_groups(self.settings)

    def run(self, *accept: str) -> Applied:
        return run_groups(self.settings, parse_waivers(accept))

    def people(self, group: str = "Sales") -> set[str]:
        """Bare names of a group's members."""
        site = self.site
        found = next(g for g in site.groups.values() if g.name == group)
        return {site.users[u].name for u in site.members(found.id)}


@contextmanager
def desk(
    folder: Path,
    *groups: dict[str, object],
    plain: Plain | None = None,
    joined: bool = True,
    held: World | None = None,
    plays: Personality | None = None,
    clock: Callable[[], float] = time.time,
) -> Iterator[Desk]:
    """A desk on a fresh sandbox; Sales is kept unless other groups are named."""
    plain = plain or company()
    kept = held or world(plain, joined=joined)
    with running(kept, plays=plays or personality(), clock=clock) as sandbox:
        opened = Desk(sandbox, folder)
        opened.plain, opened.joined = plain, joined
        opened.groups = [*groups] or [{"group": "CORP\\Sales", "minimum_site_role": "Viewer", "grant_on": "onSync"}]
        yield opened


# -- comparing --------------------------------------------------------------------------------------------------


def picture(site: Site, *, names: bool = True, apart: frozenset[str] = frozenset()) -> tuple[object, ...]:
    """A Site by names, without ids: users with role (and display name, e-mail), groups with grants and members.

    Groups of the ids `apart` are left out.
    """
    called = {u.id: f"{u.domain}\\{u.name}".casefold() for u in site.users.values()}
    return (
        {called[u.id]: (u.site_role, *((u.full_name, u.email) if names else ())) for u in site.users.values()},
        {
            f"{g.domain}\\{g.name}": (_grants(g), frozenset(called[m] for m in site.members(g.id)))
            for g in site.groups.values()
            if g.id not in apart
        },
    )


def unread(site: Site) -> frozenset[str]:
    """Ids of the groups whose members were not read."""
    return frozenset(g.id for g in site.groups.values() if g.members is None)


def _grants(group: Group) -> Grants:
    return group.minimum_site_role, group.grant_on


# -- directories and sites of chance ----------------------------------------------------------------------------

ROLES = ("Unlicensed", "Viewer", "Explorer", "ExplorerCanPublish", "Creator", "SiteAdministratorExplorer")
MINIMUMS = (*ROLES[1:], "SiteAdministratorCreator")


def chance_directory(rng: random.Random, people: int = 7, groups: int = 4) -> Plain:
    """Two domains with people, some disabled, and groups within groups, cycles among them."""
    plain: Plain = {"joined": True, "domains": {}}
    for fqdn in (CORP, WEST):
        users = {}
        for number in range(people):
            name = rng.choice(("p", "averylongaccountname")) + f"{number}"
            users[name] = {
                "display_name": f"Person {rng.randrange(5)}",
                "email": rng.choice(("", f"{name}@{fqdn}")),
                "enabled": rng.random() < 0.8,
                "upn": rng.choice((f"{name}@{fqdn}", f"u{number}@{fqdn}")),
            }
        plain["domains"][fqdn] = {"netbios": fqdn[:4].upper(), "users": users, "groups": {}}
    for fqdn in (CORP, WEST):
        for number in range(groups):
            own = [*plain["domains"][fqdn]["users"], *(f"g{n}" for n in range(groups) if n != number)]
            other = WEST if fqdn == CORP else CORP
            foreign = [f"{other}\\{n}" for n in (*plain["domains"][other]["users"], *(f"g{n}" for n in range(groups)))]
            members = [m for m in own if rng.random() < 0.3] + [m for m in foreign if rng.random() < 0.08]
            plain["domains"][fqdn]["groups"][f"g{number}"] = {"members": members}
    return plain


def chance_rules(rng: random.Random, plain: Plain, by: str) -> list[dict[str, object]]:
    """Some of the groups of both domains, in any order, each with a role or without."""
    rules: list[dict[str, object]] = []
    for fqdn, domain in plain["domains"].items():
        for name in domain["groups"]:
            if rng.random() < 0.6:
                rule: dict[str, object] = {"group": f"{fqdn}\\{name}", "by": by, "may_be_empty": True}
                if by != "import":
                    rule["into"] = f"{fqdn} {name}"
                if rng.random() < 0.8:
                    rule["minimum_site_role"] = rng.choice((*MINIMUMS, "Unlicensed"))
                    rule["grant_on"] = rng.choice(("onLogin", "onSync"))
                rules.append(rule)
    rng.shuffle(rules)
    return rules


def chance_site(rng: random.Random, plain: Plain, *, joined: bool = True) -> tuple[Site, tuple[str, ...]]:
    """A site with some of the people, strangers and those long gone among them, and some of the groups."""
    users = {"u-ada": User("u-ada", "ada", "ServerAdministrator"), "u-sam": User("u-sam", "sam", ROLES[5])}
    for fqdn, domain in plain["domains"].items():
        names = [*domain["users"], "gone1", "gone2", "u1"]
        for name in names:
            if rng.random() < 0.6:
                where = fqdn if joined and rng.random() < 0.9 else LOCAL
                user = User(f"u-{where}-{name}", name, rng.choice(ROLES[:5]), where, rng.choice(("Person 1", name)))
                users[user.id] = user
    groups = {"g-all": Group("g-all", ALL_USERS, everyone=True)}
    for fqdn, domain in plain["domains"].items():
        for name in domain["groups"]:
            if rng.random() < 0.5:
                where, called = (fqdn, name) if joined else (LOCAL, f"{fqdn} {name}")
                members = frozenset(u for u in users if u != "u-ada" and rng.random() < 0.4)
                grants: Grants = rng.choice(((None, None), (rng.choice(MINIMUMS), rng.choice(("onLogin", "onSync")))))
                group = Group(f"g-{fqdn}-{name}", called, where, members, *grants)
                groups[group.id] = group
    local = frozenset(u for u in users if u.startswith("u-") and rng.random() < 0.2)
    groups["g-local"] = Group("g-local", "Local", LOCAL, local, *rng.choice(((None, None), ("Viewer", "onLogin"))))
    seats = rng.choice((None, {"Creator": 4, "Explorer": 5, "Viewer": 6}))
    site = Site("s-people", "People", URL, users, groups, {}, {}, licences=seats)
    return site, tuple(users)


def with_book(site: Site) -> Site:
    """A workbook that All Users may View, and one that mia owns and nobody else may."""
    everyone = next(g.id for g in site.groups.values() if g.everyone)
    mia = next(u.id for u in site.users.values() if u.name == "mia")
    view = frozenset({Rule(Grantee("group", everyone), "Read", "Allow")})
    project = Content("p-open", "project", "Open", None, "u-ada", view)
    book = Content("w-open", "workbook", "Prices", "p-open", "u-ada", view)
    own = Content("w-mia", "workbook", "Drafts", "p-open", mia, frozenset())
    return replace(site, contents={**site.contents, "p-open": project, "w-open": book, "w-mia": own})


def dumped(value: object) -> str:
    """For messages of a failed comparison."""
    return json.dumps(value, indent=1, default=sorted, sort_keys=True)


__all__ = ["SECRET", "Desk", "chance_directory", "chance_rules", "chance_site", "company", "desk", "directory_of"]
