"""A policy planned for the site as it is now, and the policy of a site as text."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from tabwarden.compare.beside import past_filters
from tabwarden.effects.change import Change
from tabwarden.effects.ops.settings import switched
from tabwarden.model.errors import SettingsError, UnknownName
from tabwarden.model.names import some
from tabwarden.model.site import Site
from tabwarden.model.usage import Usage, what_of
from tabwarden.plan.build import build
from tabwarden.plan.order import diff
from tabwarden.plan.plan import Plan
from tabwarden.plan.restore import restored
from tabwarden.report.findings.sarif import Result, sarif
from tabwarden.report.plans import minute, sentences
from tabwarden.run.context import Context, running
from tabwarden.run.planning import basis_of
from tabwarden.run.usage import CONTENT_IDS
from tabwarden.settings import Settings
from tabwarden.settings.policy import load_policy
from tabwarden.store.usage.days import kept, kept_activity
from tabwarden.tableau.read.site import read_site
from tabwarden.want.policy.export import Export
from tabwarden.want.policy.wanted import WantedContent, wanted_content
from tabwarden.want.policy.wishes import Policy
from tabwarden.want.wanted import Why

KIND = "policy"
MOST_HANDS = 20
LATELY = 90  # days
FOLDER = Path("policy")
BECAUSE = "as the policy says"


def plan_policy(settings: Settings, paths: Sequence[Path], scope: str | None = None) -> Plan:
    """The plan that makes the site, or a project and all in it, what the files say; the site is read whole.

    SettingsError with every problem of the files, with file and line, UnknownName for a scope that is no project.
    """
    policy = load_policy(paths or (FOLDER,))
    with running(settings) as context:
        return decide(context, read_site(context.connection), policy, scope)


def decide(context: Context, site: Site, policy: Policy, scope: str | None = None) -> Plan:
    """As `plan_policy`, of a Site that was just read."""
    wanted = _wanted(site, policy, scope)
    work = restored(site, wanted.site, wanted.scope - wanted.make, BECAUSE, make=wanted.make)
    switched = _switched(site, policy) if scope is None else site
    changes = (*diff(site, switched, Why(BECAUSE)), *(_with_place(change, wanted) for change in work.changes))
    hands = last_hands(site, changes, kept_activity(context.store, site.id))
    notes = (*wanted.notes, *work.notes, *past_filters(site, work.site), *hands)
    basis = replace(basis_of(context, KIND, context.site(site.name), site), takes=context.takes)
    plan = build(basis, site, changes, held=work.held, notes=notes)
    since = (datetime.now(UTC) - timedelta(days=LATELY)).date().isoformat()
    return replace(plan, notes=(*plan.notes, *used_lately(site, plan, kept(context.store, site.id, since))))


def _wanted(site: Site, policy: Policy, scope: str | None) -> WantedContent:
    within = None
    if scope is not None:
        project = site.find_content(scope)
        if project.kind != "project":
            raise UnknownName(f"`{scope}` is a {project.kind}, not a project")
        within = site.path(project.id)
    wanted = wanted_content(site, policy, datetime.now(UTC).date().isoformat(), within)
    if wanted.problems:
        raise SettingsError(wanted.problems)
    return wanted


def _switched(site: Site, policy: Policy) -> Site:
    for setting, (value, _where) in policy.switches.items():
        site = switched(site, setting, value=value)
    return site


def _with_place(change: Change, wanted: WantedContent) -> Change:
    """The change with the line of the policy that wants it."""
    where = wanted.places.get(change.of_content.id or "") if change.of_content is not None else None
    return change if where is None else change.but(because=f"{BECAUSE} in {where}")


def used_lately(site: Site, plan: Plan, rows: Iterable[Usage]) -> tuple[str, ...]:
    """Of those who lose sight of something, who used it: nothing where no use was read."""
    ids = {user.qualified: user.id for user in site.users.values()}
    lists = ((one, name) for one in plan.impact.contents or () for name in one.lost if name in ids)
    losing = {(ids[name], one.content): one.path for one, name in lists}
    users = [(row.user, row.content) for row in rows if row.user] if losing else []
    if not users:
        return ()
    theirs = sorted(losing.keys() & set(users))
    number, of_all = len({user for user, _ in theirs}), len({user for user, _ in losing})
    pairs = some([f"{site.called(user)}: {losing[user, content]}" for user, content in theirs])
    end = f": {pairs}" if theirs else ""
    return (f"{number} of {of_all} who lose sight of something used it in the last {LATELY} days{end}",)


def last_hands(site: Site, changes: Iterable[Change], events: Iterable[Mapping[str, Any]]) -> tuple[str, ...]:
    """Who changed last what these changes are about, and when, by the events of the activity log, oldest first."""
    ids = (change.of_content.id or "" for change in changes if change.of_content is not None)
    about = {content: site.path(content) for content in ids if content in site.contents}
    last: dict[str, Mapping[str, Any]] = {}
    for event in events if about else ():
        content = next((str(event[name]) for name in CONTENT_IDS if event.get(name)), "")
        if content in about and what_of(str(event["eventType"])) is None:
            last[content] = event
    lines = [_by(site, about[content], event) for content, event in sorted(last.items())]
    unknown = sorted(about[content] for content in about.keys() - last.keys())
    if unknown:
        lines.append(
            f"who changed {some(unknown)} no activity log tells that `tabwarden read --activity FILE` has kept"
        )
    more = [f"and {len(lines) - MOST_HANDS} more whose last change is known"] if len(lines) > MOST_HANDS else []
    return (*lines[-MOST_HANDS:], *more)


def _by(site: Site, path: str, event: Mapping[str, Any]) -> str:
    actor = str(event.get("actorUserLuid") or "")
    who = f"`{site.called(actor)}`" if actor in site.users else "somebody who is not on the site"
    what = str(event["eventType"]).replace("_", " ")
    return f"`{path}` was changed last by {who} on {minute(str(event['eventTime']))} ({what})"


# -- as text ----------------------------------------------------------------------------------------------------


def policy_text(export: Export) -> str:
    """One line a project or list of contents where that is short, a line a row where it is not."""
    parts = [f"# {remark}" for remark in export.remarks]
    if export.site:
        parts.append(f"site: {_flow(export.site)}")
    for heading, entries in (("projects", list(export.projects.items())), ("content", export.content)):
        if entries:
            parts.append(f"{heading}:")
            parts += [line for entry in entries for line in _entry(entry)]
    return "\n".join(parts) + "\n"


def _entry(entry: Any) -> list[str]:
    if isinstance(entry, tuple):
        name, fields = entry
        return [f"  {_flow(name)}: {_flow(fields)}"]
    return [f"  - {_flow(entry)}"]


def _flow(value: Any) -> str:
    """Any value on one line of YAML."""
    import yaml

    dumper = getattr(yaml, "CSafeDumper", yaml.SafeDumper)
    text: str = yaml.dump(
        value, Dumper=dumper, default_flow_style=True, width=10**9, allow_unicode=True, sort_keys=False
    )
    return text.strip().removesuffix("...").strip()


def drift_sarif(plan: Plan) -> Any:
    """What differs from the policy as SARIF: one result a change, at the line that wants it."""
    results = []
    for change, words in zip(plan.changes, sentences(plan.changes), strict=True):
        file, _, line = change.because.rpartition(" in ")[2].rpartition(":")
        number = int(line) if line.isdigit() else 1
        said = f"the site differs from the policy; it takes: {words}"
        results.append(Result(change.op, "warning", said, file or "policy", number))
    return sarif(results, {})
