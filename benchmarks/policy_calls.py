"""How many requests a policy takes to write, counted by the server, beside tableauserverclient's way.

1,000 workbooks x 5 groups x 12 capabilities: from nothing, a tenth of the contents changed, nothing changed.
`python benchmarks/policy_calls.py [--contents 1000]`
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
from tabwarden.settings import Settings, load

GROUPS = 5
HIGH = {"count": 10**6, "percent": 100}
TWELVE = [name for name in capabilities_of("workbook") if name not in ("Connect", "VizqlDataApiAccess")][:12]


def counted(sandbox: Sandbox) -> str:
    """Requests that write, by method."""
    methods = Counter(
        entry.method for entry in sandbox.log.entries if entry.method != "GET" and "auth" not in entry.path
    )
    return ", ".join(f"{number:,} {method}" for method, number in sorted(methods.items())) or "no writes"


def planned_and_done(sandbox: Sandbox, settings: Settings, policy: Path) -> str:
    """Plan the policy and apply it; what the server counted meanwhile."""
    plan = plan_policy(settings, [policy])
    sandbox.log.clear()
    with connected(settings) as connection:
        if plan.changes:
            context = Context(settings, connection)
            assert apply(plan, connection, terms_of(context)).succeeded
    return counted(sandbox)


def text(number: int, changed: int) -> str:
    """The policy: twelve capabilities for five groups; of the first `changed` contents one fewer."""
    entries = []
    for first, last, names in ((0, changed, TWELVE[:-1]), (changed, number, TWELVE)):
        rows = [{"group": f"Group {n}", "all": {"allow": names}} for n in range(GROUPS)]
        entries.append(
            {"paths": [f"Default/Book {n}" for n in range(first, last)] or ["Default/Nothing*"], "rules": rows}
        )
    return json.dumps({"content": entries})


def by_client(sandbox: Sandbox, number: int) -> str:
    """The same with tableauserverclient: one `update_permissions` a workbook."""
    sandbox.log.clear()
    server = TSC.Server(sandbox.url, use_server_version=True)
    with server.auth.sign_in(TSC.PersonalAccessTokenAuth("tok", SECRET, URL)):
        groups = [g for g in TSC.Pager(server.groups) if g.name.startswith("Group ")]
        books = list(TSC.Pager(server.workbooks))[:number]
        rules = [TSC.PermissionsRule(group.to_reference(), dict.fromkeys(TWELVE, "Allow")) for group in groups]
        for book in books:
            server.workbooks.update_permissions(book, rules)
    return counted(sandbox)


def main() -> None:
    """Print a line a case."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--contents", type=int, default=1000)
    number = parser.parse_args().contents
    held = world()
    (site,) = held.sites
    groups = [Group(f"bench-{n}", f"Group {n}") for n in range(GROUPS)]
    default = Content("p-bench", "project", "Default", None, "u-ada")
    books = [Content(f"b-{n}", "workbook", f"Book {n}", "p-bench", "u-ada") for n in range(number)]
    site = replace(site, contents={}).with_groups(*groups).with_contents(default, *books)
    with tempfile.TemporaryDirectory() as name, running(replace(held, sites=(site,))) as sandbox:
        folder = Path(name)
        pat = {"pat": {"name": "tok", "secret": "env:PAT"}}
        tableau = {"server": sandbox.url, "site": URL, "auth": pat}
        settings_file, policy = folder / "settings.yaml", folder / "policy.yaml"
        settings_file.write_text(json.dumps({"tableau": tableau, "stops": {"rules_removed": HIGH}}), encoding="utf-8")
        settings = load(settings_file, {"PAT": SECRET})
        for words, changed in (
            ("from nothing", 0),
            ("a tenth changed", number // 10),
            ("nothing changed", number // 10),
        ):
            policy.write_text(text(number, changed), encoding="utf-8")
            print(f"{words}: {planned_and_done(sandbox, settings, policy)}")
        sandbox.state.put(site)
        print(f"tableauserverclient, from nothing: {by_client(sandbox, number)}")


if __name__ == "__main__":
    main()
