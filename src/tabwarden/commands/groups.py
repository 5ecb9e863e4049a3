"""`tabwarden plan groups` and `run groups`: groups of the directory kept on Tableau."""

from __future__ import annotations

from tabwarden.commands._options import Accept, AsJson, Out, SettingsPath, load_settings


def plan_groups(settings: SettingsPath = None, out: Out = None, as_json: AsJson = False) -> None:
    """Exit code 2 when there are changes, 3 when a stop forbids them."""
    from tabwarden.commands._plans import present
    from tabwarden.run import groups

    loaded = load_settings(settings)
    present(groups.plan_groups(loaded), loaded, out, as_json=as_json)


def run_groups(settings: SettingsPath = None, accept: Accept = None, as_json: AsJson = False) -> None:
    """For cron. Nothing is asked; a stop leaves the plan to be looked at."""
    from tabwarden.commands._plans import run_command
    from tabwarden.run import groups

    run_command(settings, accept, as_json, groups.run_groups)
