"""A bench with several sources of people: their rows as files, the settings that join them. Not a test."""

from __future__ import annotations

import csv
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from provisioning import Bench, world

from tabwarden.model.site import Group
from tabwarden.plan.plan import Plan
from tabwarden.plan.waivers import parse_waivers
from tabwarden.run.apply import Applied
from tabwarden.run.people import OneRoster, plan_people, run_people, show_people
from tabwarden.sandbox.http.server import running
from tabwarden.sandbox.state.personality import personality
from tabwarden.sandbox.state.server_state import World

HEAD = ("id", "login", "name", "mail", "department", "title", "status", "groups")
COLUMNS: Mapping[str, Any] = {
    "key": {"employee": "id"},
    "name": "login",
    "full_name": "name",
    "email": "mail",
    "department": "department",
    "title": "title",
    "status": "status",
    "groups": "groups",
}
Row = Mapping[str, str]


class Several(Bench):
    """`tell` writes what a source says today; `people` is the rest of the section."""

    people: dict[str, Any]

    def tell(self, name: str, rows: Sequence[Row], **more: Any) -> None:
        """Rows by column; `more` are keys of the source in the settings, kept from one telling to the next."""
        path = self.folder / f"{name}.csv"
        with path.open("w", newline="", encoding="utf-8") as file:
            writer = csv.DictWriter(file, HEAD, restval="")
            writer.writeheader()
            writer.writerows(rows)
        sources: list[dict[str, Any]] = self.people.setdefault("sources", [])
        known = next((one for one in sources if one["name"] == name), None)
        if known is None:
            known = {
                "name": name,
                "from": {"type": "file", "path": str(path)},
                "columns": dict(COLUMNS),
                "left": ["left"],
            }
            sources.append(known)
        known.update(more)

    def plan(self) -> Plan:
        return plan_people(self.settings)

    def run(self, *accept: str) -> Applied:
        return run_people(self.settings, parse_waivers(accept))

    def show(self) -> OneRoster:
        return show_people(self.settings)

    def steps(self, plan: Plan) -> list[str]:
        """`add_to_group una Sales`, in order."""
        return [
            " ".join(
                (
                    c.op,
                    c.person.partition("@")[0],
                    *((c.of_group.name,) if c.of_group is not None and c.of_user else ()),
                )
            )
            for c in plan.changes
        ]

    def groups_of(self, name: str) -> set[str]:
        """Names of her groups but All Users."""
        (user,) = self.site.users_named(name)
        groups = (self.site.groups[g] for g in self.site.groups_of(user))
        return {group.name for group in groups if not group.everyone}


@contextmanager
def several(folder: Path, held: World | None = None, **plays: Any) -> Iterator[Several]:
    """A bench on a fresh sandbox with the groups Sales and Finance, and a group nobody maps."""
    groups = (Group("g-sales", "Sales"), Group("g-finance", "Finance"), Group("g-choir", "Choir"))
    with running(held or world(more_groups=groups), plays=personality(**plays)) as sandbox:
        bench = Several(sandbox, folder)
        bench.people = {
            "mapping": [
                {"when": {"department": "Sales*"}, "groups": ["Sales"]},
                {"when": {"department": "Finance"}, "groups": ["Finance"]},
            ]
        }
        bench.more = {"people": bench.people}
        bench.stops["source_shrank"] = {"count": 99}
        yield bench
