"""How many requests a policy takes to write, counted by the server, beside tableauserverclient's way.

1,000 workbooks x 5 groups x 12 capabilities: from nothing, a tenth of the contents changed, nothing changed, and every
row replaced (what was allowed is denied, and the other way round); on a server that takes a whole list (POST), and on
one that takes PUT and DELETE alone. `python benchmarks/policy_calls.py [--contents 1000]`
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from collections import Counter
from dataclasses import replace
from pathlib import Path

import tableauserverclient as TSC  # noqa: N812

sys.path.insert(0, str(Path(__file__).parent.parent / "tests" / "support"))

from provisioning import SECRET, URL, world

from tabwarden.model.capability import capabilities_of
from tabwarden.model.site import Content, Group
from tabwarden.run.apply import apply, terms_of
from tabwarden.run.context import Context, connected
from tabwarden.run.policy import plan_policy
from tabwarden.sandbox.http.server import Sandbox, running
from tabwarden.sandbox.state.personality import personality
from tabwarden.settings import Settings, load

GROUPS = 5
HIGH = {"count": 10**6, "percent": 100}
TWELVE = [name for name in capabilities_of("workbook") if name not in ("Connect", "VizqlDataApiAccess")][:12]


MODES = {"Allow": "allow", "Deny": "deny"}
CASES = ("from nothing", "a tenth changed", "nothing changed", "every row replaced")
Tally = Counter[str]


def counted(sandbox: Sandbox) -> Tally:
    """Requests to lists of rules, by method; of the whole site none is read but what a plan reads anyway."""
    return Counter(entry.method for entry in sandbox.log.entries if "permissions" in entry.path)


def planned_and_done(sandbox: Sandbox, settings: Settings, policy: Path) -> Tally:
    """Plan the policy and apply it; what the server counted while the changes were carried out.

    Before them the whole site is read, as before every plan: those GETs are taken off, one a list.
    """
    plan = plan_policy(settings, [policy])
    sandbox.log.clear()
    with connected(settings) as connection:
        if plan.changes:
            context = Context(settings, connection)
            assert apply(plan, connection, terms_of(context)).succeeded
    entries = [entry for entry in sandbox.log.entries if "permissions" in entry.path]
    first = next((place for place, entry in enumerate(entries) if entry.method != "GET"), len(entries))
    read = len({entry.path for entry in entries[:first]} if first < len(entries) else [])
    tally = counted(sandbox)
    tally["GET"] = max(0, tally["GET"] - read) if first < len(entries) else 0
    return +tally


def text(number: int, changed: int, modes: tuple[str, str] = ("Allow", "Deny")) -> str:
    """The policy: six capabilities of one mode and six of the other for five groups; of the first `changed` contents
    one fewer.
    """
    entries = []
    for first, last, names in ((0, changed, TWELVE[:-1]), (changed, number, TWELVE)):
        row = {MODES[mode]: names[half::2] for half, mode in enumerate(modes)}
        rows = [{"group": f"Group {n}", "workbooks": row} for n in range(GROUPS)]
        if last > first:
            entries.append({"paths": [f"Default/Book {n}" for n in range(first, last)], "rules": rows})
    return json.dumps({"content": entries})


def rules(groups: list[TSC.GroupItem], names: list[str], modes: tuple[str, str]) -> list[TSC.PermissionsRule]:
    """The same rows in tableauserverclient's words."""
    row = {name: modes[place % 2] for place, name in enumerate(names)}
    return [TSC.PermissionsRule(group.to_reference(), dict(row)) for group in groups]


def by_client(sandbox: Sandbox, number: int) -> list[Tally]:
    """The four cases with tableauserverclient: its `update_permissions` adds, its `delete_permission` takes away.

    A script that knows, as ours does, what is there and what is wanted; it sends what differs.
    """
    tallies = []
    server = TSC.Server(sandbox.url, use_server_version=True)
    with server.auth.sign_in(TSC.PersonalAccessTokenAuth("tok", SECRET, URL)):
        groups = sorted((g for g in TSC.Pager(server.groups) if g.name.startswith("Group ")), key=lambda g: g.name)
        books = list(TSC.Pager(server.workbooks))[:number]
        endpoint = server.workbooks
        sandbox.log.clear()
        for book in books:
            endpoint.update_permissions(book, rules(groups, TWELVE, ("Allow", "Deny")))
        tallies.append(counted(sandbox))
        sandbox.log.clear()
        for book in books[: number // 10]:
            for rule in rules(groups, TWELVE, ("Allow", "Deny")):
                endpoint.delete_permission(book, TSC.PermissionsRule(rule.grantee, {TWELVE[-1]: "Deny"}))
        tallies += [counted(sandbox), Counter()]
        for book in books[: number // 10]:
            endpoint.update_permissions(book, rules(groups, TWELVE, ("Allow", "Deny")))
        sandbox.log.clear()
        for book in books:
            for rule in rules(groups, TWELVE, ("Allow", "Deny")):
                endpoint.delete_permission(book, rule)
            endpoint.update_permissions(book, rules(groups, TWELVE, ("Deny", "Allow")))
        tallies.append(counted(sandbox))
    return tallies


def by_policy(sandbox: Sandbox, folder: Path, number: int) -> list[Tally]:
    """The four cases by policies."""
    pat = {"pat": {"name": "tok", "secret": "env:PAT"}}
    tableau = {"server": sandbox.url, "site": URL, "auth": pat}
    settings_file, policy = folder / "settings.yaml", folder / "policy.yaml"
    settings_file.write_text(json.dumps({"tableau": tableau, "stops": {"rules_removed": HIGH}}), encoding="utf-8")
    settings = load(settings_file, {"PAT": SECRET})
    tallies = []
    for changed, modes in (
        (0, ("Allow", "Deny")),
        (number // 10, ("Allow", "Deny")),
        (number // 10, ("Allow", "Deny")),
        (0, ("Deny", "Allow")),
    ):
        if changed == 0 and tallies:  # the twelve everywhere again, so that every row has all to lose
            policy.write_text(text(number, 0), encoding="utf-8")
            planned_and_done(sandbox, settings, policy)
        policy.write_text(text(number, changed, modes), encoding="utf-8")
        tallies.append(planned_and_done(sandbox, settings, policy))
    return tallies


def words(tally: Tally) -> str:
    """`1,000 GET, 1,000 POST`."""
    return ", ".join(f"{number:,} {method}" for method, number in sorted(tally.items())) or "none"


def main() -> None:
    """Print a table, a line a case."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--contents", type=int, default=1000)
    number = parser.parse_args().contents
    held = world()
    (site,) = held.sites
    groups = [Group(f"bench-{n}", f"Group {n}") for n in range(GROUPS)]
    default = Content("p-bench", "project", "Default", None, "u-ada")
    books = [Content(f"b-{n}", "workbook", f"Book {n}", "p-bench", "u-ada") for n in range(number)]
    site = replace(site, contents={}).with_groups(*groups).with_contents(default, *books)
    columns, client = list[list[Tally]](), list[Tally]()
    for whole_lists in (True, False):
        plays = replace(personality(), whole_lists=whole_lists)
        with (
            tempfile.TemporaryDirectory() as name,
            running(replace(held, sites=(site,)), plays=plays) as sandbox,
        ):
            columns.append(by_policy(sandbox, Path(name), number))
            sandbox.state.put(site)
            client = by_client(sandbox, number) if whole_lists else client
    print(f"{number:,} workbooks x {GROUPS} groups x {len(TWELVE)} capabilities: requests to lists of rules\n")
    print("| | Tabwarden | Tabwarden, server without POST | tableauserverclient |\n| --- | --- | --- | --- |")
    for case, *tallies in zip(CASES, *columns, client, strict=True):
        print(f"| {case} | {' | '.join(map(words, tallies))} |")
    ratio = columns[0][3].total() / client[3].total()
    print(f"\nevery row replaced: {ratio:.3f} of tableauserverclient's requests")


if __name__ == "__main__":
    main()
