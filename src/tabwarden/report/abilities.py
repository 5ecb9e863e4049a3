"""What belongs to some abilities beside the Answer: where a copy can go, what a previous owner loses."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from tabwarden.access.abilities.ability import missing
from tabwarden.access.answer import Answer
from tabwarden.compare.handover import Handover
from tabwarden.model.capability import ui_name
from tabwarden.model.site import Site
from tabwarden.report.access_changes import shift_json
from tabwarden.report.answers import condition_name, mark, reason
from tabwarden.report.table import MARK, NAME, Column, Table


def targets_table(site: Site, targets: Iterable[tuple[str, Answer]]) -> Table:
    """Each project as the target; of a refusal what is missing."""
    table = Table(Column("To", NAME), Column("May", MARK), "Missing", name="targets")
    for project, answer in targets:
        table.add_row(target_name(site, project), mark(answer), "; ".join(_missing(site, answer)))
    return table


def _missing(site: Site, answer: Answer) -> Iterator[str]:
    for part in missing(answer):
        yield f"{condition_name(site, part)} ({reason(site, part)})"


def targets_json(site: Site, targets: Iterable[tuple[str, Answer]]) -> list[dict[str, Any]]:
    return [
        {
            **_target_json(site, project),
            "verdict": answer.verdict,
            "missing": [{"condition": condition_name(site, p), "because": p.because} for p in missing(answer)],
        }
        for project, answer in targets
    ]


def target_name(site: Site, target: str) -> str:
    """A project's path; Personal Space and the top level by their names."""
    return site.path(target) if target in site.contents else target


def _target_json(site: Site, target: str) -> dict[str, Any]:
    if target not in site.contents:
        return {"place": target}
    return {"project": {"id": target, "path": site.path(target)}}


def handover_lines(site: Site, handed: Handover) -> Iterator[str]:
    """`the previous owner, bob, then loses Delete, Move on Finance/Budget`."""
    owner = site.called(handed.owner)
    if not handed.lost:
        yield f"the previous owner, {owner}, loses nothing by it"
    by_content: dict[str, list[str]] = {}
    for shift in handed.lost:
        for content in shift.contents:
            names = (ui_name(capability, site.contents[content].kind) for capability in shift.capabilities)
            by_content.setdefault(content, []).extend(names)
    for content, lost in by_content.items():
        yield f"the previous owner, {owner}, then loses {', '.join(lost)} on {site.path(content)}"


def handover_json(site: Site, handed: Handover) -> dict[str, Any]:
    user = site.users[handed.owner]
    return {
        "id": user.id,
        "name": user.name,
        "domain": user.domain,
        "loses": [shift_json(site, handed.after, shift) for shift in handed.lost],
    }
