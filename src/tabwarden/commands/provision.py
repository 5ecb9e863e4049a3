"""`tabwarden plan` and `run` of `provision`, `groups` and `people`; `plan undo`, `apply` and `people show`."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from importlib import import_module
from typing import TYPE_CHECKING, Annotated

from tabwarden.commands._answer import COLLECTED, PLAIN, Output
from tabwarden.commands._options import Accept, Out, SettingsPath, load_settings
from tabwarden.commands._output import confirmed, leave, show
from tabwarden.commands._parsing import CONTENTS, GROUPS, SNAPSHOTS, Argument, Option
from tabwarden.commands.plans import PlanOrLast
from tabwarden.model.errors import TabwardenError, UnknownName
from tabwarden.model.names import same
from tabwarden.places import Meant, about, browser_address

if TYPE_CHECKING:
    from pathlib import Path

    from tabwarden.log import RunLog
    from tabwarden.plan.plan import Plan
    from tabwarden.report.table import Drawable
    from tabwarden.run.apply import Applied
    from tabwarden.settings import Settings

LAST = "last"


def _planning(kind: str) -> Callable[..., None]:
    """`plan KIND`: what `plan_KIND` of that run decides."""

    def plan(settings: SettingsPath = None, out: Out = None, output: Output = PLAIN) -> None:
        """Exit code 2 when there are changes, 3 when a stop forbids them."""
        from tabwarden.commands._plans import present
        from tabwarden.model.codec import collected_later

        loaded = load_settings(settings)
        with collected_later():
            decided = getattr(import_module(f"tabwarden.run.{kind}"), f"plan_{kind}")(loaded)
            present(decided, loaded, out, output)

    return plan


def _running(kind: str) -> Callable[..., None]:
    """`run KIND`: what `run_KIND` of that run does."""

    def run(settings: SettingsPath = None, accept: Accept = None, output: Output = PLAIN) -> None:
        """For cron. Nothing is asked; a stop leaves the plan to be looked at."""
        from tabwarden.commands._plans import run_command

        run_command(settings, accept, output, getattr(import_module(f"tabwarden.run.{kind}"), f"run_{kind}"))

    return run


plan_provision, plan_groups, plan_people = map(_planning, ("provision", "groups", "people"))
run_provision, run_groups, run_people = map(_running, ("provision", "groups", "people"))


def plan_undo(
    plan: Annotated[str | None, Argument("The plan that was applied: its number, id or file.")] = None,
    last: Annotated[bool, Option("--last", about="The plan applied last to this site.")] = False,
    to: Annotated[
        str | None,
        Option("--to", about="A day (2026-11-21), a number of the history, `last`, `previous`.", of=SNAPSHOTS),
    ] = None,
    project: Annotated[
        str | None, Option("--project", about="With --to: a project and all in it.", of=CONTENTS)
    ] = None,
    group: Annotated[str | None, Option("--group", about="With --to: a group and the rules for it.", of=GROUPS)] = None,
    user: Annotated[str | None, Option("--user", about="With --to: a person and the rules for her.")] = None,
    settings: SettingsPath = None,
    out: Out = None,
    output: Output = PLAIN,
) -> None:
    """A plan with an impact of its own; apply it to undo."""
    from tabwarden.commands._plans import present
    from tabwarden.run import undo
    from tabwarden.run.context import running
    from tabwarden.run.plans import plan_meant

    named = [name for name in (project, group, user) if name is not None]
    if [plan is not None, last, to is not None].count(True) != 1:
        raise UnknownName("say what to undo: a plan (its number, id or file), `--last`, or `--to` a day")
    if len(named) > 1 or (named and to is None):
        raise UnknownName("name one of `--project`, `--group` and `--user`, with `--to`; without them it is everything")
    loaded = load_settings(settings)
    with running(loaded) as context:
        if to is not None:
            undoing = undo.plan_undo_to(context, to, undo.Scope(project, group, user))
        else:
            undoing = undo.plan_undo(context, plan_meant(context.store, plan, "--last") if plan is not None else None)
    present(undoing, loaded, out, output)


def apply(
    plan: PlanOrLast,
    accept: Accept = None,
    yes: Annotated[bool, Option("--yes", about="Do not ask, at a terminal either.")] = False,
    settings: SettingsPath = None,
    output: Output = PLAIN,
) -> None:
    """What was looked at is what is done: a plan that is no longer true is a stop."""
    from tabwarden.commands._plans import applied_json, exit_code, log, logged
    from tabwarden.plan.waivers import parse_waivers
    from tabwarden.run import apply as applying
    from tabwarden.run.context import Context, connected
    from tabwarden.run.plans import load_plan, plan_meant
    from tabwarden.run.run_log import log_result

    waivers = parse_waivers(accept or ())
    loaded = load_settings(settings)
    path = _last(loaded) if plan == LAST else plan_meant(loaded.store.folder, plan, LAST)
    if path is None:
        output.give(["no plan waits"], lambda: {"plan": None, "exit_code": 0})
        return
    sealed = load_plan(path)
    if loaded.is_of_several:
        loaded = _of_site(sealed, settings)
    if not yes:
        _ask(sealed, hidden=output.quiet or bool(output.form))
    bar = output.progress("applying")
    with logged(loaded, quiet=True) as run_log, connected(loaded) as connection, bar as progress:
        log.info("apply %s (%s)", path, sealed.id)
        context = Context(loaded, connection, lambda done, of, _words: progress(done, of))
        applied = applying.apply(sealed, connection, applying.terms_of(context, waivers))
        log_result(applied)
    code = exit_code(applied)
    document = {"log": str(run_log.path), "exit_code": code}
    output.give(_parts(applied, run_log), lambda: {**applied_json(applied), **document})
    leave(code)


def _last(settings: Settings) -> Path | None:
    from tabwarden.run.plans import last_waiting
    from tabwarden.tableau.http.address import address_of

    tableau = settings.of_one_site().tableau
    return last_waiting(settings.store.folder, address_of(tableau.server), tableau.site)


def _of_site(plan: Plan, settings: Path | None) -> Settings:
    """The settings for the site of a plan, where they are for several."""

    with about(Meant(browser_address(plan.site.where, plan.site.content_url))):
        return load_settings(settings)


def _ask(plan: Plan, *, hidden: bool) -> None:
    """At a terminal: what it does to people, and whether that is to be done."""
    if not sys.stdin.isatty():
        return
    from tabwarden.report.plans import count_of, headline, impact_table, minute, stops_table

    if not hidden:
        show(impact_table(plan.impact), *([stops_table(plan.stops)] if plan.stops else ()))
    where = f"`{plan.site.name or plan.site.content_url or 'Default'}` on {plan.site.where}"
    details = f"`{plan.kind}`, made {minute(plan.made_at)}, {count_of(len(plan.changes), 'change', 'changes')}"
    if not confirmed(f"{headline(plan)} ({details}): apply it to {where}?"):
        raise TabwardenError("nothing was written: answer `yes`, or add `--yes`")


def _parts(applied: Applied, run_log: RunLog) -> Iterator[Drawable]:
    from tabwarden.report.plans import stops_table
    from tabwarden.report.table import Text
    from tabwarden.run.run_log import result_words

    yield from applied.wrong_waivers
    if applied.stops:
        yield stops_table(applied.stops)
    else:
        yield from [stops_table(applied.plan.stops_of_lists)] if applied.plan.stops_of_lists else ()
        yield Text(f"{'resumed: ' if applied.resumed else ''}{result_words(applied)}", "bold")
        for change, entry in applied.not_done:
            remedy = entry.remedy if entry is not None else "not begun; apply the plan again"
            yield f"ERROR {change.not_done(entry.code if entry else '', remedy)}"
        for change, entry in applied.otherwise:
            yield f"note: {change.done()}: {entry.remedy}"
        if applied.broken_off:
            yield f"broken off: {applied.broken_off}; apply the plan again to go on"
    if COLLECTED.get() is None:  # else it is the log of all sites
        yield Text(f"log: {run_log.path}", "command")


def people_show(
    name: Annotated[str, Argument("A user name, an e-mail or a key; without one: everybody.")] = "",
    settings: SettingsPath = None,
    output: Output = PLAIN,
) -> None:
    """Held people are listed with what to do; nothing is written."""
    from tabwarden.report.roster import chosen, held_words, person_table, roster_json, roster_table
    from tabwarden.run.people import show_people

    roster = show_people(load_settings(settings))
    people = chosen(roster.standings, name)
    left_alone = [
        one for one in (*roster.merged.held, *roster.standings.held) if same(one.person) == same(name.strip())
    ]
    if name and not people and not left_alone:
        raise UnknownName(f"nobody is called `{name}` in the sources; `tabwarden people show` lists everybody")
    if name:
        parts = [*map(person_table, people), *([held_words(left_alone)] if left_alone else ())]
    else:
        refused = (f"row {row.row} of {row.source} (`{row.value}`) {row.reason}" for row in roster.refused)
        parts = [roster_table(roster.merged, roster.standings), *refused]
    output.give(parts, lambda: roster_json(roster.merged, roster.standings, people))
