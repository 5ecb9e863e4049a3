"""`tabwarden licences` and `plan licences`: who has which seat, since when, who uses it, and who could do with less."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

from tabwarden.commands._answer import PLAIN, Output
from tabwarden.commands._options import Out, SettingsPath, load_settings
from tabwarden.commands._output import ERROR, leave
from tabwarden.commands._parsing import MOST_DAYS, Option
from tabwarden.model.errors import TabwardenError

if TYPE_CHECKING:
    from tabwarden.model.site import User
    from tabwarden.report.table import Drawable
    from tabwarden.run.licences import Licences

TO = ("Unlicensed", "Viewer", "Explorer", "ExplorerCanPublish")
Lower = Annotated[str, Option("--to", about="The site role they would get.", choices=TO)]


def licences(
    idle: Annotated[
        int | None, Option("--idle", least=1, most=MOST_DAYS, value="DAYS", about="Only who was not seen so long.")
    ] = None,
    to: Lower = TO[0],
    warn: Annotated[bool, Option("--warn", about="With --idle: write a mail to each, once.")] = False,
    settings: SettingsPath = None,
    output: Output = PLAIN,
) -> None:
    """By the newest snapshot, the history and the use that was read; nothing is written to Tableau."""
    from tabwarden.model.roles import role_named
    from tabwarden.run.licences import idle_people, people_told
    from tabwarden.run.licences import licences as known_of
    from tabwarden.run.licences import warn as write_to

    if warn and idle is None:
        raise TabwardenError("`--warn` goes with `--idle DAYS`: who is to be warned")
    role_named(to)
    loaded = load_settings(settings)
    known = known_of(loaded)
    people = people_told(known) if idle is None else idle_people(known, idle, to)
    if not warn:
        output.give(_parts(known, people, to), lambda: _as_json(known, people, to))
        return
    mails = list(write_to(loaded, known, idle or 0, to))
    lines = [f"{known.site.called(user.id)}: {problem or 'warned'}" for user, problem in mails]
    output.give(lines or ["everybody was warned already, or nobody is idle"], lambda: {"warned": lines})
    if any(problem for _, problem in mails):
        leave(ERROR)


def plan_licences(
    idle: Annotated[
        int, Option("--idle", least=1, most=MOST_DAYS, value="DAYS", about="Who was not seen for so many days.")
    ] = 90,
    to: Lower = TO[0],
    warned: Annotated[
        int | None,
        Option(
            "--warned",
            least=0,
            most=MOST_DAYS,
            value="DAYS",
            about="Only whom a mail (`licences --warn`) told so long ago.",
        ),
    ] = None,
    settings: SettingsPath = None,
    out: Out = None,
    output: Output = PLAIN,
) -> None:
    """Administrators, protected people and who runs this are left as they are. Exit code 2 when there are changes."""
    from tabwarden.commands._plans import present
    from tabwarden.run.licences import plan_licences as planned

    loaded = load_settings(settings)
    present(planned(loaded, idle, to, warned), loaded, out, output)


def _parts(known: Licences, people: list[User], to: str) -> list[Drawable]:
    from tabwarden.report.lists import seats
    from tabwarden.report.table import NAME, NUMBER, PERSON, TIME, Column, Table, Text

    tiers = Table("Licence", Column("Taken", NUMBER), Column("Seats", NUMBER), name="seats")
    for tier, (taken, of) in seats(known.site).items():
        tiers.add_row(tier, taken, of)
    columns = (Column("User", NAME, of=PERSON), "Site role", Column("Since", TIME), Column("Last sign-in", TIME))
    more = (Column("Last use", TIME), "Would do with", f"Would lose as {to}", "Remark")
    table = Table(*columns, *more, name="people")
    for user in people:
        table.add_row(*_row(known, user, to).values())
    days = known.use.days if known.use is not None else None
    record = f"use is kept from {days[0]} to {days[1]}; the newest days may be missing" if days else NOT_READ
    return [tiers, table, Text(record)]


NOT_READ = "no use is kept, so nobody knows what is used: `tabwarden read --use` reads what the site tells"


def _row(known: Licences, user: User, to: str) -> dict[str, Any]:
    """What is told of one person, by column; what nobody knows is empty."""
    from tabwarden.model.capability import ui_name
    from tabwarden.model.roles import ui_role
    from tabwarden.want import licences as want

    seen = known.seen[user.id]
    lost = want.cost(user, to, known.use) if known.use is not None else ()
    enough = want.needs(user, known.use)
    return {
        "user": known.site.called(user.id),
        "site_role": ui_role(user.site_role),
        "since": seen.role_since or None,
        "last_sign_in": seen.sign_in or None,
        "last_use": seen.used or None,
        "would_do_with": ui_role(enough) if enough else None,
        "would_lose": ", ".join(ui_name(name) for name in lost),
        "remark": want.remark(user, known.use),
    }


def _as_json(known: Licences, people: list[User], to: str) -> dict[str, Any]:
    from tabwarden.report.lists import seats

    return {
        "seats": {tier: {"taken": taken, "of": of} for tier, (taken, of) in seats(known.site).items()},
        "use": known.use.days if known.use is not None else None,
        "people": [_row(known, user, to) for user in people],
    }
