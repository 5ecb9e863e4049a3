"""Invariants judged on a Site, for code hosts: a result a breach in SARIF, a test case an invariant in JUnit."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import Any

from tabwarden.audit.finding import ERROR
from tabwarden.model.site import Site
from tabwarden.plan.invariants import Judged, breach_words
from tabwarden.report.findings.junit import Case, junit
from tabwarden.report.findings.sarif import MOST_RESULTS, Result, sarif


def judged_sarif(site: Site, judged: Sequence[Judged]) -> Any:
    """A result each breach that is told and each invariant that is unknown, at the line of the invariant."""
    results = [result for one in judged if one.state != "holds" for result in _results(site, one)]
    notes = [f"{one.invariant.name}: {note}" for one in judged for note in one.notes]
    untold = sum(one.number + one.possible - len(one.breaches) - len(one.could) for one in judged)
    untold += max(len(results) - MOST_RESULTS, 0)
    notes += [f"{untold:,} more breaches are not in this file"] if untold else []
    return sarif(results[:MOST_RESULTS], {one.invariant.name: {} for one in judged}, notes)


def _results(site: Site, one: Judged) -> list[Result]:
    file, _, line = one.invariant.where.rpartition(":")
    place = file or one.invariant.where, int(line) if line.isdigit() else 1
    name, results = one.invariant.name, list[Result]()
    for breach in (*one.breaches, *one.could):
        words = breach_words(site, breach)
        mark = hashlib.sha256("\0".join((name, words)).encode("utf-8", "surrogatepass")).hexdigest()[:32]
        results.append(Result(name, ERROR, f"{name}: {words}", *place, site.path(breach.content), mark))
    if one.unknown or one.state == "unknown":
        results.append(Result(name, ERROR, f"{name}: {_unknown(one)}", *place))
    return results


def _unknown(one: Judged) -> str:
    if not one.unknown:
        return "nobody knows whether it holds: the site was read in part"
    return f"nobody knows of {one.unknown:,} whether they break it: not all was read"


def judged_junit(site: Site, judged: Sequence[Judged]) -> bytes:
    """A test case an invariant: failed where it is broken or unknown, with whoever breaks it."""
    return junit("check", site.name, [_case(site, one) for one in judged])


def _case(site: Site, one: Judged) -> Case:
    breaches = [breach_words(site, breach) for breach in (*one.breaches, *one.could)]
    untold = one.number + one.possible - len(breaches)
    lines = [*one.notes, *breaches, *([f"and {untold:,} more"] if untold else [])]
    failure = {"broken": f"broken {one.number + one.possible:,} times", "unknown": _unknown(one), "holds": ""}
    return Case("invariants", one.invariant.name, failure[one.state], one.state, lines=lines)
