"""Invariants asked of a snapshot: which hold, who breaks which, and which change of the history made it so."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple

from tabwarden.compare.access_changes import Decision
from tabwarden.model.errors import SettingsError
from tabwarden.model.names import some as some_of
from tabwarden.model.site import Site
from tabwarden.places import located
from tabwarden.plan.breaches import Breach, rule_key
from tabwarden.plan.invariants import Invariants, Judged, Progress, headline
from tabwarden.run import history
from tabwarden.run.context import invariants_of
from tabwarden.run.elsewhere import done
from tabwarden.run.timeline import Turn, causes, rule_causes
from tabwarden.settings import load
from tabwarden.settings.invariants import INVARIANTS, load_invariants
from tabwarden.want.invariants import Invariant

MOST_CAUSES = 20  # breaches by people whose change is looked up, of each invariant the first ones


class Checked(NamedTuple):
    """Every invariant judged on one Site, and of breaches that stand in the history the change that made each."""

    site: Site
    judged: list[Judged]
    turns: Mapping[Decision, Turn] = {}


def invariants_at(path: Path | None, settings: Path | None) -> tuple[Invariant, ...]:
    """Those of a file; without one those of the settings, else of `invariants.yaml` here. SettingsError without any."""
    invariants = load_invariants(path) if path is not None else invariants_there(settings)
    if not invariants:
        raise SettingsError([f"there are no invariants: name a file, or write `{INVARIANTS}` beside the settings"])
    return invariants


def invariants_there(settings: Path | None) -> tuple[Invariant, ...]:
    """Those of the settings; where there are none, of `invariants.yaml` here, if it is there."""
    if located(settings, os.environ).path is not None:
        return invariants_of(load(settings, os.environ))
    return load_invariants(Path(INVARIANTS)) if Path(INVARIANTS).is_file() else ()


def checked(site: Site, invariants: Sequence[Invariant], progress: Progress | None = None) -> Checked:
    """Each invariant on the Site today. SettingsError with file and line of every name that fits nothing there."""
    today = datetime.now(UTC).date().isoformat()
    laid = Invariants(site, invariants, today)
    if laid.problems:
        raise SettingsError(laid.problems)
    elsewhere = done("check", [site], (invariants, today), {"site": site})
    return Checked(site, laid.judge(progress) if elsewhere is None else elsewhere)


class Said(NamedTuple):
    """What the invariants say of a Site in a line, '' where there are none; `failed`: they could not be judged."""

    words: str = ""
    failed: bool = False
    broken: bool = False


def said_of(site: Site, invariants: Callable[[], Sequence[Invariant]]) -> Said:
    """What they say of a Site that is told of anyhow: a mistake in their file is among the words, and no error."""
    try:
        some = invariants()
        result = checked(site, some) if some else None
    except SettingsError as error:
        return Said(f"the invariants were not checked: {'; '.join(error.problems)}", failed=True)
    if result is None:
        return Said()
    names = [one.invariant.name for one in result.judged if one.state != "holds"]
    words = f"{headline(result.judged)}{f': {some_of(names)}; see `tabwarden check`' if names else ''}"
    return Said(words, broken=bool(names))


def with_causes(checked: Checked, store: str, words: str, site_url: str | None, settings: Path | None) -> Checked:
    """The same with the change that made each of the first breaches so; without it where the history cannot tell."""
    breaches = [breach for one in checked.judged for breach in one.breaches[:MOST_CAUSES]]
    decisions = [decision_of(one) for one in breaches if one.user][:MOST_CAUSES]
    rules = {decision_of(one): one.rule for judged in checked.judged for one in judged.breaches if one.rule is not None}
    if not decisions and not rules:
        return checked
    with history.opened(store) as opened:
        last = history.snapshot_of(opened, words, site_url, settings=settings)
        chain = [one for one in opened.snapshots() if one.site == last.site and one.number <= last.number]
        turns = causes(opened, chain, decisions) if decisions else {}
        return checked._replace(turns=turns | (rule_causes(opened, chain, rules) if rules else {}))


def decision_of(breach: Breach) -> Decision:
    """By which its turn is found: who, or which rule, on what."""
    return breach.user or rule_key(breach.rule), breach.content, breach.what
