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
USUAL = 20


def plan_list(
    waiting: Annotated[bool, Option("--waiting", about="Only those that wait to be applied.")] = False,
    store: StoreWords = None,
    settings: SettingsPath = None,
    output: Output = PLAIN,
) -> None:
    """The newest first, each with its number, when and by whom it was made, and what became of it."""
    from tabwarden.run.plans import WAITING, kept_plans

    plans = [kept for kept in kept_plans(_folder(store, settings)) if not waiting or kept.state == WAITING][::-1]
    none = "no plan waits" if waiting else "no plan was made yet; `tabwarden plan --help` tells how one is"
    output.give([_table(plans) if plans else none], lambda: [plan_as_json(kept) for kept in plans])


def plan_show(plan: PlanWords, store: StoreWords = None, settings: SettingsPath = None, output: Output = PLAIN) -> None:
    """With what it does to people as it was shown when it was made, and what became of it since."""
    from tabwarden.report.plans import plan_json, plan_table
    from tabwarden.report.table import Text
    from tabwarden.run.plans import kept_plans, load_plan, plan_meant

    folder = _folder(store, settings)
    path = plan_meant(folder, plan)
    whole = load_plan(path)
    kept = next((kept for kept in kept_plans(folder) if kept.id == whole.id), None)
    heading = f"plan {kept.number} of {_made(kept)}: {_became(kept)}" if kept else f"plan {path}"
    output.give(
        [Text(heading, "bold"), plan_table(whole)],
        lambda: {"file": str(path), **(plan_as_json(kept) if kept else {}), **plan_json(whole)},
    )


def plan_as_json(kept: KeptPlan) -> dict[str, object]:
    """One plan of the list, by its fields; times are ISO, UTC."""
    record = kept.record
    return {
        "number": kept.number,
        "plan": kept.id,
        "kind": kept.kind,
        "site": kept.site,
        "made": kept.made,
        "by": kept.by,
        "says": kept.says,
        "changes": kept.changes,
        "state": kept.state,
        "stops": list(kept.stops),
        "accept": list(kept.accept),
        "begun": record.started or None,
        "begun_by": record.by or None,
        "finished": record.finished or None,
        "done": len(record.ended) - kept.not_done,
        "not_done": kept.not_done,
        "file": str(kept.path),
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
    for kept in plans:
        table.add_row(kept.number, _made(kept), f"{kept.kind}: {kept.says}", _became(kept))
    return table


def _made(kept: KeptPlan) -> str:
    from tabwarden.report.plans import minute

    return f"{minute(kept.made)}{f' by {kept.by}' if kept.by else ''}"


def _became(kept: KeptPlan) -> str:
    """`waits`, or what was done of it, when and by whom."""
    from tabwarden.report.plans import minute
    from tabwarden.run.plans import APPLIED, BEGUN, GONE, STOPPED

    record = kept.record
    by = f" by {record.by}" if record.by else ""
    if kept.state == APPLIED:
        lacking = f"; {kept.not_done} of {kept.changes} changes not done" if kept.not_done else ""
        return f"applied {minute(record.started)}{by}{lacking}"
    if kept.state == BEGUN:
        how_far = f"{len(record.ended)} of {kept.changes} changes"
        return f"begun {minute(record.started)}{by}, {how_far}; apply it again to go on"
    if kept.state == GONE:
        return "its file is gone"
    if kept.state == STOPPED:
        return f"stopped: {', '.join(kept.stops) or 'nothing to do'}"
    accept = "".join(f" --accept {one}" for one in kept.accept)
    return f"waits for{accept}" if accept else "waits"
