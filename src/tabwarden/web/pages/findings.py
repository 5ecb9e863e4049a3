"""Findings, invariants and licences: the answers of `lint`, `check` and `licences`, and plans that mend findings."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from typing import Any

from starlette.responses import Response

from tabwarden.audit.finding import LINTS
from tabwarden.audit.lint import lint_named
from tabwarden.commands import check, licences, lint
from tabwarden.compare.what_if import written
from tabwarden.model.errors import TabwardenError
from tabwarden.report.table import Table, flat
from tabwarden.run import lint as linting
from tabwarden.run.check import invariants_there
from tabwarden.run.whatif import plan_of
from tabwarden.web.answers import Answered, Asked, answered
from tabwarden.web.rights import AUDITOR, OPERATOR
from tabwarden.web.sheets import as_csv, pieces, sheet, wants_csv
from tabwarden.web.visit import Visit, page

Keep = Callable[[Hashable, Callable[[], Any]], Any]


def asked(visit: Visit) -> Asked:
    """The site of the visit, with the settings that lints and invariants are told by."""
    return Asked(visit.site, settings=visit.house.file)


def all_findings(visit: Visit) -> Answered:
    """Those of the whole site, found once for each snapshot."""
    return visit.site.kept("findings", lambda: answered(lint.lint, asking=asked(visit)))


def judged(visit: Visit, keep: Keep | None = None) -> Answered | None:
    """The invariants as they are written now, judged once for each snapshot; None where nobody wrote any.

    `keep` is `ServedSite.kept`, or `soon` for a page that does not wait: NotYetError.
    """
    invariants = invariants_there(visit.house.file)
    if not invariants:
        return None
    key = ("invariants", repr(invariants))
    answer: Answered = (keep or visit.site.kept)(key, lambda: answered(check.check, asking=asked(visit)))
    return answer


def groups(visit: Visit, keep: Keep | None = None) -> list[dict[str, Any]]:
    """The groups of equal findings of the whole site as JSON has them, the worst first; `keep` as with `judged`."""
    make = lambda: list(all_findings(visit).document()["findings"])  # noqa: E731
    every: list[dict[str, Any]] = (keep or visit.site.kept)("groups of findings", make)
    return every


@page("/findings", AUDITOR)
def findings(visit: Visit) -> Response:
    """What is unwise, by groups of equal findings; of a project, or one lint's by themselves."""
    scope, name = visit.word("scope").strip(), visit.word("lint").strip()
    if not scope and not name:
        answer, chosen = all_findings(visit), None
    else:
        chosen = lint_named(name) if name else None
        answer = answered(lint.lint, [chosen.id] if chosen else [], scope=scope or None, asking=asked(visit))
    parts = list(flat(list(answer.parts)))
    table = next((part for part in parts if isinstance(part, Table) and part.name == "findings"), None)
    if table is not None and wants_csv(visit):
        return as_csv(table)
    facts = {
        "heading": [part for part in parts if part is not table],
        "groups": [] if chosen else answer.document()["findings"],
        "sheet": sheet(visit, table) if table is not None else None,
        # Of which lints, and in which words, findings are mended by a plan.
        "mended": {(one["lint"], one["what"]) for one in groups(visit) if one["fix"]},
        "lints": sorted(LINTS),
    }
    return visit.show("findings.html", title="Findings", notes=answer.notes, scope=scope, lint=chosen, **facts)


@page("/findings", OPERATOR, methods=("POST",))
def mend(visit: Visit) -> Response:
    """A plan of the changes that mend what a lint finds, or one finding of it."""
    words = visit.word("fix").strip()
    if not words:
        raise TabwardenError("say which lint's findings the plan is to mend, as in `rules-for-persons`")
    scope = visit.word("scope").strip()
    visit.audit("planned", f"mending {words}{f' in {scope}' if scope else ''}")
    asking, site = asked(visit), visit.site.site
    result = linting.lint(asking.questions(), asking.where, linting.Wanted(scope=scope or None))
    changes, _ = linting.changes_of(result.all, words)
    plan = plan_of(site, written(site, changes), settings=visit.settings)
    return visit.go(f"/plans/{visit.keep(plan)}")


@page("/invariants", AUDITOR)
def invariants(visit: Visit) -> Response:
    """What must always hold, and whether it does."""
    return visit.show("invariants.html", title="Invariants", answer=judged(visit))


@page("/licences", AUDITOR)
def seats(visit: Visit) -> Response:
    """Who has which seat, and who could do with less."""
    words = visit.word("idle").strip()
    visit.site.demand_settings()
    if words and not words.isdecimal():
        raise TabwardenError(f"`{words}` is no number of days")
    idle = int(words) if words else None
    answer = answered(licences.licences, idle=idle or None, settings=visit.house.file)
    shown = pieces(visit, answer.parts)
    if wants_csv(visit):
        return as_csv(shown.whole)
    return visit.show("licences.html", title="Licences", notes=answer.notes, pieces=shown, idle=words)
