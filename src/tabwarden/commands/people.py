"""`tabwarden plan people`, `run people` and `people show`: several sources as one roster."""

from __future__ import annotations

from typing import Annotated

from tabwarden.commands._options import Accept, AsJson, Out, SettingsPath, load_settings
from tabwarden.commands._output import print_json, show
from tabwarden.commands._parsing import Argument


def plan_people(settings: SettingsPath = None, out: Out = None, as_json: AsJson = False) -> None:
    """Exit code 2 when there are changes, 3 when a stop forbids them."""
    from tabwarden.commands._plans import present
    from tabwarden.run import people

    loaded = load_settings(settings)
    present(people.plan_people(loaded), loaded, out, as_json=as_json)


def run_people(settings: SettingsPath = None, accept: Accept = None, as_json: AsJson = False) -> None:
    """For cron. Nothing is asked; a stop leaves the plan to be looked at."""
    from tabwarden.commands._plans import run_command
    from tabwarden.run import people

    run_command(settings, accept, as_json, people.run_people)


def people_show(
    name: Annotated[str, Argument("A user name, an e-mail or a key; without one: everybody.")] = "",
    settings: SettingsPath = None,
    as_json: AsJson = False,
) -> None:
    """Held people are listed with what to do; nothing is written."""
    from tabwarden.model.errors import UnknownName
    from tabwarden.model.names import same
    from tabwarden.report.roster import chosen, held_words, person_table, roster_json, roster_table
    from tabwarden.run.people import show_people

    roster = show_people(load_settings(settings))
    people = chosen(roster.standings, name)
    left_alone = [
        one for one in (*roster.merged.held, *roster.standings.held) if same(one.person) == same(name.strip())
    ]
    if name and not people and not left_alone:
        raise UnknownName(f"nobody is called `{name}` in the sources; `tabwarden people show` lists everybody")
    if as_json:
        print_json(roster_json(roster.merged, roster.standings, people))
    elif name:
        show(*map(person_table, people))
        show(*([held_words(left_alone)] if left_alone else ()))
    else:
        show(roster_table(roster.merged, roster.standings))
        for row in roster.refused:
            show(f"row {row.row} of {row.source} (`{row.value}`) {row.reason}")
