"""What provisioning costs in requests, counted by the sandbox: Tabwarden beside the provisioner it follows.

    python benchmarks/provisioning_calls.py [--people 1000] [--skip-seed]

So many people join and as many leave. Tabwarden does it three times, as servers of different ages allow; the way of
the seed (Tab_User_Provisioner: a sign-in per task, a look-up per step) is done for real with tableauserverclient.
Exit code 1 when a limit is passed.
"""

from __future__ import annotations

import argparse
import csv
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import fields, replace
from pathlib import Path
from typing import NamedTuple

import tableauserverclient as tsc

from drawn import Console, Table
from tabwarden.model.site import ALL_USERS, Group, Site, User
from tabwarden.plan.stops import Limit, Limits
from tabwarden.run.apply import judge_and_do, terms_of
from tabwarden.run.context import Context, connected
from tabwarden.run.provision import decide, gather
from tabwarden.sandbox.http.server import Sandbox, running
from tabwarden.sandbox.state.personality import personality
from tabwarden.sandbox.state.server_state import AccessToken, Account, World
from tabwarden.settings import Settings, load

GROUP = "Grant_Role_On_Sign_In"


class Way(NamedTuple):
    """One way of doing the work: `limit` is the most requests it may take, from the number of people."""

    name: str
    api_version: str
    limit: Callable[[int], int] | None
    jobs: bool | None = None


class Cost(NamedTuple):
    """What a way took."""

    way: Way
    limit: int | None
    counts: dict[str, int]
    seconds: float

    @property
    def requests(self) -> int:
        return sum(self.counts.values())

    @property
    def is_within(self) -> bool:
        return self.limit is None or self.requests <= self.limit


WAYS = (
    Way("Tabwarden, a server before bulk calls", "3.14", lambda people: 4 * people + 60),
    Way("Tabwarden, with bulk membership", "3.21", lambda people: 2 * people + 50, jobs=False),
    Way("Tabwarden, with users import too", "3.27", lambda people: people + 60),
)
SEED = Way("the seed's way", "3.16", None)


def world(people: int) -> World:
    """A site with the leavers as Viewers in the group, and one administrator."""
    leavers = [User(f"u-{name}", name, "Viewer") for name in names("leaver", people)]
    users = {user.id: user for user in (User("u-ada", "ada", "ServerAdministrator"), *leavers)}
    members = frozenset(user.id for user in leavers)
    groups = {
        "g-all": Group("g-all", ALL_USERS, everyone=True),
        "g-grant": Group("g-grant", GROUP, members=members, minimum_site_role="Viewer", grant_on="onLogin"),
    }
    site = Site("s-1", "Benchmark", "benchmark", users, groups)
    accounts = tuple(Account(user.name, user.name) for user in users.values())
    return World("benchmark", (site,), accounts, (AccessToken("tok", "sec", "ada"),))


def names(word: str, people: int) -> list[str]:
    """So many user names."""
    return [f"{word}{number:05d}@example.com" for number in range(people)]


def measured(way: Way, people: int, work: Callable[[Sandbox, Way, int], None]) -> Cost:
    """One way on a fresh sandbox; the work is checked by what the site is like afterwards."""
    with running(world(people), plays=personality(api_version=way.api_version)) as sandbox:
        began = time.perf_counter()
        work(sandbox, way, people)
        seconds = time.perf_counter() - began
        site = sandbox.site("benchmark")
        members = {site.users[user].name for user in site.members("g-grant")}
        roles = {user.site_role for user in site.users.values() if user.name != "ada"}
        assert members == set(names("joiner", people)), "the joiners are the members"
        assert roles == {"Unlicensed"}, "nobody but the administrator has a licence"
        assert len(site.users) == 2 * people + 1, "everybody is on the site"
        return Cost(way, way.limit(people) if way.limit else None, sandbox.log.counts(), seconds)


# -- Tabwarden ---------------------------------------------------------------------------------------------------


def with_tabwarden(sandbox: Sandbox, way: Way, people: int) -> None:
    """As `tabwarden run provision` does it, with imports as the way says."""
    with tempfile.TemporaryDirectory() as place:
        settings = settings_in(Path(place), sandbox, people)
        with connected(settings) as connection:
            gathered = gather(Context(settings, connection))
            plan = decide(Context(settings, connection), gathered, with_contents=False)
            assert gathered.now is not None
            limits = Limits(**{limit.name: Limit(people, 100) for limit in fields(Limits)})
            terms = replace(terms_of(Context(settings, connection)), jobs=way.jobs, limits=limits)
            assert judge_and_do(plan, connection, terms, gathered.now).succeeded


def settings_in(folder: Path, sandbox: Sandbox, people: int) -> Settings:
    """Two lists and the settings that name them."""
    for task in ("joiner", "leaver"):
        with (folder / f"{task}s.csv").open("w", newline="", encoding="utf-8") as file:
            csv.writer(file).writerows([["Email Address"], *([name] for name in names(task, people))])
    path = folder / "settings.yaml"
    path.write_text(
        f"tableau: {{server: '{sandbox.url}', site: benchmark, auth: {{pat: {{name: tok, secret: 'env:PAT'}}}}}}\n"
        "sources:\n  joiners: {type: file, path: joiners.csv}\n  leavers: {type: file, path: leavers.csv}\n"
        f"provision: {{group: {{name: {GROUP}}}}}\n",
        encoding="utf-8",
    )
    return load(path, {"PAT": "sec"})


# -- the seed ----------------------------------------------------------------------------------------------------


def as_the_seed(sandbox: Sandbox, way: Way, people: int) -> None:
    """The seed's default tasks in its order: each signs in, each step looks the person up by name first."""
    joiners, leavers = names("joiner", people), names("leaver", people)

    def add(server: tsc.Server) -> None:
        for name in joiners:
            server.users.add(tsc.UserItem(name, "Unlicensed"))

    def into_group(server: tsc.Server) -> None:
        group = _group(server)
        for name in joiners:
            server.groups.add_user(group, _user(server, name).id)

    def out_of_group(server: tsc.Server) -> None:
        group = _group(server)
        for name in leavers:
            server.groups.remove_user(group, _user(server, name).id)

    def unlicense(server: tsc.Server) -> None:
        for name in leavers:
            user = _user(server, name)
            user.site_role = "Unlicensed"
            server.users.update(user)

    for task in (add, into_group, out_of_group, unlicense):
        server = tsc.Server(sandbox.url)
        server.version = way.api_version
        with server.auth.sign_in(tsc.PersonalAccessTokenAuth("tok", "sec", "benchmark")):
            task(server)


def _user(server: tsc.Server, name: str) -> tsc.UserItem:
    options = tsc.RequestOptions()
    options.filter.add(tsc.Filter(tsc.RequestOptions.Field.Name, tsc.RequestOptions.Operator.Equals, name))
    return server.users.get(options)[0][0]


def _group(server: tsc.Server) -> tsc.GroupItem:
    options = tsc.RequestOptions()
    options.filter.add(tsc.Filter(tsc.RequestOptions.Field.Name, tsc.RequestOptions.Operator.Equals, GROUP))
    return server.groups.get(options)[0][0]


# -- the table ---------------------------------------------------------------------------------------------------


def costs(people: int, *, seed: bool = True) -> list[Cost]:
    """Every way, one after the other."""
    found = [measured(way, people, with_tabwarden) for way in WAYS]
    return [*found, measured(SEED, people, as_the_seed)] if seed else found


def table(found: list[Cost], people: int) -> Table:
    """Requests beside limits, and where they went."""
    made = Table(
        title=f"{people:,} joiners and {people:,} leavers, requests counted by the server", title_justify="left"
    )
    for column in ("way", "API", "requests", "limit", "seconds", "where they went"):
        made.add_column(column, justify="right" if column in ("requests", "limit", "seconds") else "left")
    for cost in found:
        limit = "" if cost.limit is None else f"{cost.limit:,}"
        most = sorted(cost.counts.items(), key=lambda item: -item[1])[:5]
        where = ", ".join(f"{number:,} {name.replace('sites/{site}/', '')}" for name, number in most)
        seconds = f"{cost.seconds:.1f}"
        made.add_row(cost.way.name, cost.way.api_version, f"{cost.requests:,}", limit, seconds, where)
    return made


def main(words: list[str]) -> int:
    """Measure, print, judge."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--people", type=int, default=1000, help="how many join, and how many leave")
    parser.add_argument("--skip-seed", action="store_true", help="only Tabwarden")
    asked = parser.parse_args(words)
    found = costs(asked.people, seed=not asked.skip_seed)
    out = Console()
    (out if out.is_terminal else Console(width=170)).print(table(found, asked.people))
    return 0 if all(cost.is_within for cost in found) else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
