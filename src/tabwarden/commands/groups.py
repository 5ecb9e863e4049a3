"""`tabwarden plan groups` and `run groups`: groups of the directory kept on Tableau. How people start them; no logic.

Exit codes: 0 done or nothing to do, 1 an error or somebody was not done, 2 `plan` found changes, 3 a stop.
"""

from __future__ import annotations

import os

import typer

from tabwarden.commands.common import AsJson, fail_cleanly
from tabwarden.commands.planning import (
    Accept,
    Out,
    SettingsPath,
    add_words,
    plan_app,
    present,
    run_app,
    run_command,
)
from tabwarden.run.groups import plan_groups, run_groups
from tabwarden.settings import load


def register(app: typer.Typer) -> None:
    """Add the commands."""
    add_words(app)


@plan_app.command("groups", help="Groups of the directory: what would change. Writes a plan file, nothing else.")
@fail_cleanly
def plan_groups_command(settings: SettingsPath = None, out: Out = None, as_json: AsJson = False) -> None:
    """Exit code 2 when there are changes, 3 when a stop forbids them."""
    found = load(settings, os.environ)
    present(plan_groups(found), found, out, as_json=as_json)


@run_app.command("groups", help="Groups of the directory, all in one: one log, one mail, one exit code.")
@fail_cleanly
def run_groups_command(settings: SettingsPath = None, accept: Accept = None, as_json: AsJson = False) -> None:
    """For cron. Nothing is asked; a stop leaves the plan to be looked at."""
    run_command(settings, accept, as_json, run_groups)
