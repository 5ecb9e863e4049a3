"""A sandbox with a small company, lists of joiners and leavers as files, and settings that join them.

Used by the tests of provisioning end to end; everything in it is real but the company.
"""

from __future__ import annotations

import csv
import json
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from people_site import GROUP

from tabwarden.model.site import ALL_USERS, Content, Group, Site, User
from tabwarden.model.site_settings import SiteSettings
from tabwarden.plan.plan import Plan, Waiver
from tabwarden.plan.waivers import parse_waivers
from tabwarden.run.apply import Applied, apply, terms_of
from tabwarden.run.context import Context, connected
from tabwarden.run.plans import keep_plan
from tabwarden.run.provision import plan_provision, run_provision
from tabwarden.run.undo import plan_undo
from tabwarden.sandbox.http.server import Sandbox, running
from tabwarden.sandbox.state.personality import Personality, personality
from tabwarden.sandbox.state.server_state import AccessToken, Account, World
from tabwarden.settings import Settings, load

URL = "people"
WRITES = ("POST", "PUT", "DELETE")
SECRET = "never-to-be-told-4711"
GRANTING = Group("g-grant", GROUP, minimum_site_role="Viewer", grant_on="onLogin")
STAFF = {
    "ada": "ServerAdministrator",
    "sam": "SiteAdministratorCreator",
    "cleo@a.example": "Creator",
    "vic@a.example": "Viewer",
    "una@a.example": "Unlicensed",
}


def world(
    roles: Mapping[str, str] | None = None,
    members: tuple[str, ...] = ("vic@a.example",),
    *,
    owners: tuple[str, ...] = (),
    group: Group | None = GRANTING,
    more_groups: tuple[Group, ...] = (),
    seats: Mapping[str, int] | None = None,
    admin_mode: str = "ContentAndUsers",
) -> World:
    """One site with these users (`domain\\name` too; the id is `u-` and the name); each owner owns a workbook."""
    users = {}
    for words, role in (roles or STAFF).items():
        domain, _, name = words.rpartition("\\")
        users[f"u-{words}"] = User(f"u-{words}", name, role, domain or "local")
    groups = {"g-all": Group("g-all", ALL_USERS, everyone=True)}
    if group is not None:
        groups[group.id] = replace(group, members=frozenset(f"u-{name}" for name in members))
    groups |= {g.id: g for g in more_groups}
    contents = {"p-default": Content("p-default", "project", "Default", None, "u-ada")}
    for number, name in enumerate(owners):
        book = Content(f"w-{number}", "workbook", f"Book {number}", "p-default", f"u-{name}")
        contents[book.id] = book
    site = Site("s-people", "People", URL, users, groups, {}, contents, SiteSettings(admin_mode=admin_mode), seats)
    accounts = tuple(Account(user.name, user.name, user.domain) for user in users.values())
    tokens = (AccessToken("tok", SECRET, "ada"), AccessToken("sam", SECRET, "sam"))
    return World("people", (site,), accounts, tokens)


def staff(count: int, start: int = 0) -> list[str]:
    """So many names."""
    return [f"p{number:04d}@a.example" for number in range(start, start + count)]


class Bench:
    """A running sandbox, a folder with settings and lists, and what a person would do with them."""

    def __init__(self, sandbox: Sandbox, folder: Path) -> None:
        self.sandbox, self.folder = sandbox, folder
        self.provision: dict[str, object] = {}
        self.stops: dict[str, object] = {
            name: {"count": 999} for name in ("licences_lost", "memberships_removed", "users_added")
        }
        self.more: dict[str, object] = {}
        self.token = "tok"
        self.api_version: str | None = None
        self.lists: dict[str, Path] = {}
        self.source: dict[str, Mapping[str, object]] = {}

    # -- what is given ----------------------------------------------------------------------------------------

    def joiners(self, *names: str | None) -> None:
        self._list("joiners", names)

    def leavers(self, *names: str | None) -> None:
        self._list("leavers", names)

    def file(self, task: str, content: bytes, name: str = "list.csv", **options: object) -> None:
        """A list as somebody saved it, with the keys of its source."""
        self.lists[task] = self.folder / name
        self.lists[task].write_bytes(content)
        self.source[task] = options

    def _list(self, task: str, names: tuple[str | None, ...]) -> None:
        path = self.folder / f"{task}.csv"
        with path.open("w", newline="", encoding="utf-8") as file:
            writer = csv.writer(file)
            writer.writerow(["Email Address", "Since"])
            writer.writerows([name if name is not None else "", "2026"] for name in names)
        self.lists[task] = path

    @property
    def settings_path(self) -> Path:
        """settings.yaml as it stands now; JSON is YAML."""
        tableau: dict[str, object] = {
            "server": self.sandbox.url,
            "site": URL,
            "auth": {"pat": {"name": self.token, "secret": "env:PAT"}},
            "retries": 3,
        }
        if self.api_version:
            tableau["api_version"] = self.api_version
        whole = {
            "tableau": tableau,
            "sources": {
                task: {"type": "file", "path": str(path), **self.source.get(task, {})}
                for task, path in self.lists.items()
            },
            "provision": {"group": {"name": GROUP}, **self.provision},
            "stops": self.stops,
            **self.more,
        }
        path = self.folder / "settings.yaml"
        path.write_text(json.dumps(whole, indent=1), encoding="utf-8")
        return path

    @property
    def environment(self) -> dict[str, str]:
        return {"PAT": SECRET}

    @property
    def settings(self) -> Settings:
        return load(self.settings_path, self.environment)

    # -- what is done -----------------------------------------------------------------------------------------

    def plan(self) -> Plan:
        return plan_provision(self.settings)

    def run(self, *accept: str) -> Applied:
        return run_provision(self.settings, parse_waivers(accept))

    def apply(self, plan: Plan, *accept: str, bulk: bool | None = None) -> Applied:
        settings = self.settings
        waivers: tuple[Waiver, ...] = parse_waivers(accept)
        with connected(settings) as connection:
            terms = terms_of(Context(settings, connection), waivers)
            return apply(plan, connection, terms if bulk is None else replace(terms, bulk=bulk))

    def undo(self) -> Plan:
        settings = self.settings
        with connected(settings) as connection:
            return plan_undo(Context(settings, connection), None)

    def keep(self, plan: Plan, name: str = "plan.json") -> Path:
        return keep_plan(plan, self.folder / name)

    # -- what came of it --------------------------------------------------------------------------------------

    @property
    def site(self) -> Site:
        return self.sandbox.site(URL)

    def role(self, name: str) -> str | None:
        ids = self.site.users_named(name)
        return self.site.users[ids[0]].site_role if len(ids) == 1 else None

    def members(self, group: str = GROUP) -> set[str]:
        found = self.site.find_group(group)
        return {self.site.users[u].name for u in self.site.members(found.id)}

    def writes(self, *, succeeded: bool = True) -> Counter[str]:
        """Successful writes by endpoint."""
        return Counter(entry.endpoint for entry in self.sandbox.log.writes(succeeded=succeeded))

    def kept_files(self) -> dict[Path, bytes]:
        """What is kept between runs; the lock file names who holds it."""
        files = (path for path in self.folder.rglob("*") if path.is_file() and path.suffix != ".lock")
        return {path: path.read_bytes() for path in files}

    def change_site(self, site: Site) -> None:
        """Somebody else changes the site meanwhile."""
        self.sandbox.state.put(site)


@contextmanager
def bench(
    folder: Path,
    held: World | None = None,
    *,
    plays: Personality | None = None,
    clock: Callable[[], float] = time.time,
) -> Iterator[Bench]:
    """A bench on a fresh sandbox."""
    with running(held or world(), plays=plays or personality(), clock=clock) as sandbox:
        yield Bench(sandbox, folder)


def by_name(site: Site) -> tuple[object, ...]:
    """A Site without the ids Tableau invents."""
    names = {u.id: f"{u.domain}\\{u.name}" for u in site.users.values()}
    return (
        {names[u.id]: (u.site_role, u.auth_setting) for u in site.users.values()},
        {
            g.name: (g.minimum_site_role, g.grant_on, frozenset(names[m] for m in g.members or ()))
            for g in site.groups.values()
        },
        {c.id: names.get(c.owner) for c in site.contents.values()},
    )
