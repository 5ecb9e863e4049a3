"""A policy planned for the site as it is now, and the policy of a site as text."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any

from tabwarden.compare.beside import past_filters
from tabwarden.effects.change import Change
from tabwarden.effects.ops.settings import is_on, switched
from tabwarden.importers import imported
from tabwarden.model.errors import SettingsError, UnknownName
from tabwarden.model.names import some, visible
from tabwarden.model.site import Site
from tabwarden.model.usage import what_of
from tabwarden.plan.build import build
from tabwarden.plan.order import diff
from tabwarden.plan.plan import Plan
from tabwarden.plan.restore import restored
from tabwarden.report.findings.sarif import Result, sarif
from tabwarden.report.plans import minute, sentences
from tabwarden.run.context import Context, running
from tabwarden.run.planning import basis_of
from tabwarden.run.usage import CONTENT_IDS
from tabwarden.safe_files import read_text
from tabwarden.settings import Settings
from tabwarden.settings.policy import load_policy
from tabwarden.store.usage.days import kept_activity
from tabwarden.tableau.read.site import read_site
from tabwarden.troubles import why
from tabwarden.want.policy.export import Export
from tabwarden.want.policy.wanted import WantedContent, wanted_content
from tabwarden.want.policy.wishes import Policy
from tabwarden.want.wanted import Why

KIND = "policy"
MOST_HANDS = 20
FOLDER = Path("policy")
BECAUSE = "as the policy says"
HAND = "; changed last by "
NOBODY_KNOWS = "nobody can know who changed it last"
KEEP_EVENTS = "no event is kept; `tabwarden read --activity FILE` and `read --use --repository` keep them"
WIDTH = 120
SECTIONS = ("site", "templates", "packs", "use", "projects", "content")
BLOCKS = {"site": 0, "packs": 3}  # levels of a section of which each entry has lines of its own; else 1
PLAIN = re.compile(r"[A-Za-z](?:[\w ./@-]*\w)?", re.ASCII)  # needs no quotes in YAML, but for these:
NO_TEXT = frozenset({"y", "n", "yes", "no", "on", "off", "true", "false", "null"})


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
    last = last_hands(site, changes, kept_activity(context.store, site.id))
    changes = tuple(_with_hand(site, change, last) for change in changes)
    notes = (*wanted.notes, *work.notes, *past_filters(site, work.site), *_hands(site, changes, last))
    basis = replace(basis_of(context, KIND, context.site(site.name), site), takes=context.takes)
    return build(basis, site, changes, held=work.held, notes=notes)


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
    """The site with the switches of the policy. SettingsError with every one that it does not tell."""
    untold = [
        f"{where}: this site tells no switch `{setting.replace('_', ' ')}`; take it out, or ask as an administrator"
        for setting, (_value, where) in policy.switches.items()
        if is_on(site, setting) is None
    ]
    if untold:
        raise SettingsError(untold)
    for setting, (value, _where) in policy.switches.items():
        site = switched(site, setting, value=value)
    return site


def _with_place(change: Change, wanted: WantedContent) -> Change:
    """The change with the line of the policy that wants it."""
    where = wanted.places.get(change.of_content.id or "") if change.of_content is not None else None
    return change if where is None else change.but(because=f"{BECAUSE} in {where}")


def last_hands(
    site: Site, changes: Iterable[Change], events: Iterable[Mapping[str, Any]]
) -> Mapping[str, Mapping[str, Any]]:
    """By id of what these changes are about the event by which it was changed last, of those kept, oldest first."""
    ids = {change.of_content.id or "" for change in changes if change.of_content is not None} & site.contents.keys()
    last: dict[str, Mapping[str, Any]] = {}
    for event in events if ids else ():
        content = next((str(event[name]) for name in CONTENT_IDS if event.get(name)), "")
        if content in ids and what_of(str(event["eventType"])) is None:
            last[content] = event
    return last


def _with_hand(site: Site, change: Change, last: Mapping[str, Mapping[str, Any]]) -> Change:
    """The change with who changed last what it is about, where that is known."""
    event = None if change.of_content is None else last.get(change.of_content.id or "")
    return change if event is None else change.but(because=f"{change.because}{HAND}{_by(site, event)}")


def _hands(site: Site, changes: Iterable[Change], last: Mapping[str, Mapping[str, Any]]) -> tuple[str, ...]:
    """Who changed last what differs, and of what nobody can know."""
    ids = {change.of_content.id or "" for change in changes if change.of_content is not None} & site.contents.keys()
    lines = [
        f"`{site.path(content)}` was changed last by {_by(site, event)}" for content, event in sorted(last.items())
    ]
    unknown = sorted(site.path(content) for content in ids - last.keys())
    if unknown:
        lines.append(f"{NOBODY_KNOWS} of {some(unknown)}: {KEEP_EVENTS}")
    more = [f"and {len(lines) - MOST_HANDS} more whose last change is known"] if len(lines) > MOST_HANDS else []
    return (*lines[-MOST_HANDS:], *more)


def _by(site: Site, event: Mapping[str, Any]) -> str:
    actor = str(event.get("actorUserLuid") or "")
    who = f"`{site.called(actor)}`" if actor in site.users else "somebody who is not on the site"
    return f"{who} on {minute(str(event['eventTime']))} ({str(event['eventType']).replace('_', ' ')})"


# -- as text ----------------------------------------------------------------------------------------------------


def import_policy(file: Path, site: Site | None) -> str:
    """Another tool's file as a policy; SettingsError where it cannot be read, UnknownName where it is nobody's."""
    try:
        tool, export = imported(read_text(file), site)
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsError([f"`{file}` cannot be read: {why(error)}"]) from None
    return f"# as {tool} has it\n{policy_text(export)}"


def policy_text(export: Export) -> str:
    """A line an entry where it fits, else as many as it takes."""
    lines = [f"# {visible(remark)}" for remark in export.remarks]
    for heading in SECTIONS:
        if value := getattr(export, heading):
            lines += _told(f"{heading}:", value, "", blocks=BLOCKS.get(heading, 1))
    return "\n".join(lines) + "\n"


def _told(before: str, value: Any, indent: str, *, blocks: int = 0) -> Iterator[str]:
    """The lines of a value behind `before`; of so many levels every key or item has lines of its own."""
    words = isinstance(value, list) and all(isinstance(one, str) for one in value)
    if not blocks or words or not value or not isinstance(value, dict | list):
        yield from _filled(f"{indent}{before} ", _pieces(value, WIDTH - len(indent) - len(before) - 1), f"{indent}    ")
        return
    yield f"{indent}{before}"
    if isinstance(value, dict):
        for key, one in value.items():
            yield from _told(f"{_scalar(key)}:", one, f"{indent}  ", blocks=blocks - 1)
    else:
        for one in value:
            yield from _told("-", one, f"{indent}  ")


def _filled(line: str, pieces: Iterable[str], indent: str) -> Iterator[str]:
    start = line
    for piece in pieces:
        if len(line) + len(piece) > WIDTH and line not in (start, indent):
            yield line.rstrip()
            line = indent
        line += f"{piece} "
    yield line.rstrip()


def _pieces(value: Any, width: int) -> list[str]:
    """A value on one line of YAML; what is wider than that in the pieces that it may be broken into."""
    if len(words := _flow(value)) <= width or not value or not isinstance(value, dict | list):
        return [words]
    pieces: list[str] = []
    for key, one in value.items() if isinstance(value, dict) else (("", one) for one in value):
        first, *others = _pieces(one, width - len(key) - 4)
        pieces += [f"{_scalar(key)}: {first}" if isinstance(value, dict) else first, *others]
        pieces[-1] += ","
    begin, end = "{}" if isinstance(value, dict) else "[]"
    pieces[0] = begin + pieces[0]
    pieces[-1] = pieces[-1][:-1] + end
    return pieces


def _flow(value: Any) -> str:
    """Any value on one line of YAML."""
    if isinstance(value, dict):
        return "{" + ", ".join(f"{_flow(key)}: {_flow(one)}" for key, one in value.items()) + "}"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(map(_flow, value)) + "]"
    return _scalar(value)


@cache
def _scalar(value: Any) -> str:
    """A word as it may stand in a list on one line."""
    if isinstance(value, str) and PLAIN.fullmatch(value) and value.casefold() not in NO_TEXT:
        return value
    import yaml

    style = '"' if isinstance(value, str) and not value.isprintable() else None
    text = yaml.safe_dump([value], default_flow_style=True, default_style=style, width=10**9, allow_unicode=True)
    return str(text).strip()[1:-1]


def drift_sarif(plan: Plan) -> Any:
    """What differs from the policy as SARIF: a result a change, at the line that wants it, with who changed it."""
    results = []
    for change, words in zip(plan.changes, sentences(plan.changes), strict=True):
        because, _, hand = change.because.partition(HAND)
        file, _, line = because.rpartition(" in ")[2].rpartition(":")
        number = int(line) if line.isdigit() else 1
        last = f"changed last by {hand}" if hand else NOBODY_KNOWS
        said = f"the site differs from the policy; it takes: {words}; {last}"
        results.append(Result(change.op, "warning", said, file or "policy", number))
    return sarif(results, {})
