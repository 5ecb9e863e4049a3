"""`tabwarden plan people`, `run people` and `people show`: several sources as one roster. No logic.

Exit codes: 0 done or nothing to do, 1 an error or somebody was not done, 2 `plan` found changes, 3 a stop.
"""

from __future__ import annotations

import os
from typing import Annotated

import typer

from tabwarden.commands.common import AsJson, console, fail_cleanly, print_json
from tabwarden.commands.planning import Accept, Out, SettingsPath, add_words, plan_app, present, run_app, run_command
from tabwarden.model.errors import UnknownName
from tabwarden.model.names import same
from tabwarden.report.roster import chosen, held_words, person_table, roster_json, roster_table
from tabwarden.run.people import plan_people, run_people, show_people
from tabwarden.settings import load

people_app = typer.Typer(no_args_is_help=True, help="Several sources as one roster.")


def register(app: typer.Typer) -> None:
    """Add the commands."""
    add_words(app)
    app.add_typer(people_app, name="people")


@plan_app.command("people", help="Several sources as one roster: what would change. Writes a plan file, nothing else.")
@fail_cleanly
def plan_people_command(settings: SettingsPath = None, out: Out = None, as_json: AsJson = False) -> None:
    """Exit code 2 when there are changes, 3 when a stop forbids them."""
    found = load(settings, os.environ)
    present(plan_people(found), found, out, as_json=as_json)


@run_app.command("people", help="Several sources as one roster, all in one: one log, one mail, one exit code.")
@fail_cleanly
def run_people_command(settings: SettingsPath = None, accept: Accept = None, as_json: AsJson = False) -> None:
    """For cron. Nothing is asked; a stop leaves the plan to be looked at."""
    run_command(settings, accept, as_json, run_people)


@people_app.command(
    "show", help="The one roster: who, and which row of which source each field is from. Asks no server."
)
@fail_cleanly
def show_command(
    name: Annotated[str, typer.Argument(help="A user name, an e-mail or a key; without one: everybody.")] = "",
    settings: SettingsPath = None,
    as_json: AsJson = False,
) -> None:
    """Held people are listed with what to do; nothing is written."""
    found = show_people(load(settings, os.environ))
    people = chosen(found.standings, name)
    held = [one for one in (*found.merged.held, *found.standings.held) if same(one.person) == same(name.strip())]
    if name and not people and not held:
        raise UnknownName(f"nobody is called `{name}` in the sources; `tabwarden people show` lists everybody")
    if as_json:
        print_json(roster_json(found.merged, found.standings, people))
        return
    out = console()
    if not name:
        out.print(roster_table(found.merged, found.standings))
        for row in found.refused:
            out.print(f"row {row.row} of {row.source} (`{row.value}`) {row.reason}", markup=False)
    for one in people if name else ():
        out.print(person_table(one))
    if name and held:
        out.print(held_words(held))
