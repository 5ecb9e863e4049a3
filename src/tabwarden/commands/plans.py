"""`tabwarden plan list` and `plan show`: the plans of the store and what became of each. No server is asked."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

from tabwarden.commands._answer import PLAIN, Output
from tabwarden.commands._options import SettingsPath, StoreWords
from tabwarden.commands._parsing import Argument, Option

if TYPE_CHECKING:
    from pathlib import Path

    from tabwarden.report.table import Table
    from tabwarden.run.plans import KeptPlan

PlanWords = Annotated[str, Argument("A plan's number or id as `plan list` has them, or its file.", name="PLAN")]
PlanOrLast = Annotated[
    str,
    Argument("A plan's number or id as `plan list` has them, its file, or `last`: the site's that waits.", name="PLAN"),
]
USUAL = 20


def plan_list(
    waiting: Annotated[bool, Option("--waiting", about="Only those that wait to be applied.")] = False,
    store: StoreWords = None,
    settings: SettingsPath = None,
    output: Output = PLAIN,
) -> None:
    """The newest first, each with its number, when and by whom it was made, and what became of it."""
    from tabwarden.run.plans import WAITING, kept_plans

    plans = [
        kept_plan for kept_plan in kept_plans(_folder(store, settings)) if not waiting or kept_plan.state == WAITING
    ][::-1]
    none = "no plan waits" if waiting else "no plan was made yet; `tabwarden plan --help` tells how one is"
    output.give([_table(plans) if plans else none], lambda: [plan_as_json(kept_plan) for kept_plan in plans])


def plan_show(plan: PlanWords, store: StoreWords = None, settings: SettingsPath = None, output: Output = PLAIN) -> None:
    """With what it does to people as it was shown when it was made, and what became of it since."""
    from tabwarden.report.plans import plan_json, plan_table
    from tabwarden.report.table import Text
    from tabwarden.run.plans import kept_plans, load_plan, plan_meant

    folder = _folder(store, settings)
    path = plan_meant(folder, plan)
    whole = load_plan(path)
    kept_plan = next((kept_plan for kept_plan in kept_plans(folder) if kept_plan.id == whole.id), None)
    heading = f"plan {kept_plan.number} of {_made(kept_plan)}: {became(kept_plan)}" if kept_plan else f"plan {path}"
    output.give(
        [Text(heading, "bold"), plan_table(whole)],
        lambda: {"file": str(path), **(plan_as_json(kept_plan) if kept_plan else {}), **plan_json(whole)},
    )


def plan_as_json(kept_plan: KeptPlan) -> dict[str, object]:
    """One plan of the list, by its fields; times are ISO, UTC."""
    record = kept_plan.record
    return {
        "number": kept_plan.number,
        "plan": kept_plan.id,
        "kind": kept_plan.kind,
        "site": kept_plan.site,
        "made": kept_plan.made_at,
        "by": kept_plan.by,
        "says": kept_plan.says,
        "changes": kept_plan.changes,
        "state": kept_plan.state,
        "stops": list(kept_plan.stops),
        "accept": list(kept_plan.accept),
        "begun": record.started or None,
        "begun_by": record.by or None,
        "finished": record.finished or None,
        "done": len(record.ended) - kept_plan.not_done,
        "not_done": kept_plan.not_done,
        "file": str(kept_plan.path),
    }


def _folder(store: str | None, settings: Path | None) -> Path:
    """Where plans lie: in the folder of `--store`, else of the settings."""
    import os
    from pathlib import Path

    if store and "://" not in store:
        return Path(store)
    from tabwarden.settings import load_store

    return load_store(settings, os.environ).folder


def _table(plans: list[KeptPlan]) -> Table:
    from tabwarden.report.table import NUMBER, Column, Table

    table = Table(Column("Plan", NUMBER), "Made", "What it does", "What became of it", name="plans", shown=USUAL)
    for kept_plan in plans:
        table.add_row(kept_plan.number, _made(kept_plan), f"{kept_plan.kind}: {kept_plan.says}", became(kept_plan))
    return table


def _made(kept_plan: KeptPlan) -> str:
    from tabwarden.report.plans import minute

    return f"{minute(kept_plan.made_at)}{f' by {kept_plan.by}' if kept_plan.by else ''}"


def became(kept_plan: KeptPlan) -> str:
    """`waits`, or what was done of it, when and by whom."""
    from tabwarden.report.plans import minute
    from tabwarden.run.plans import APPLIED, BEGUN, GONE, STOPPED

    record = kept_plan.record
    by = f" by {record.by}" if record.by else ""
    if kept_plan.state == APPLIED:
        lacking = f"; {kept_plan.not_done} of {kept_plan.changes} changes not done" if kept_plan.not_done else ""
        return f"applied {minute(record.started)}{by}{lacking}"
    if kept_plan.state == BEGUN:
        how_far = f"{len(record.ended)} of {kept_plan.changes} changes"
        return f"begun {minute(record.started)}{by}, {how_far}; apply it again to go on"
    if kept_plan.state == GONE:
        return "its file is gone"
    if kept_plan.state == STOPPED:
        return f"stopped: {', '.join(kept_plan.stops) or 'nothing to do'}"
    accept = "".join(f" --accept {one}" for one in kept_plan.accept)
    return f"waits for{accept}" if accept else "waits"
