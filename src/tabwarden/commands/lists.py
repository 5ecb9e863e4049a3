"""`tabwarden list` and `tabwarden find`: what is on a site, from a snapshot. Nothing is written, no server is asked."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, NamedTuple

from tabwarden.commands._answer import PLAIN, Output
from tabwarden.commands._options import NEWEST, Asking
from tabwarden.commands._parsing import CONTENTS, GROUPS, MOST_DAYS, Argument, Option
from tabwarden.model.errors import UnknownName

Words = Annotated[list[str] | None, Argument("Only what holds these words.")]
CHOICE = "Which, and in which order"


class Choice(NamedTuple):
    """The options of every list: which rows, in which order."""

    where: Annotated[
        list[str] | None,
        Option(
            "--where",
            about="A column, one of = != < > <= >= ~ (holds), and a value, as in `site_role=Viewer`; repeatable.",
            value="COLUMN=VALUE",
            under=CHOICE,
        ),
    ] = None
    sort: Annotated[
        str | None, Option("--sort", about="By this column; `-COLUMN` the last first.", value="COLUMN", under=CHOICE)
    ] = None


class Idle(NamedTuple):
    """The options of lists of people."""

    idle: Annotated[
        int | None,
        Option(
            "--idle",
            about="Who did not sign in for so many days, by the snapshot.",
            value="DAYS",
            least=1,
            most=MOST_DAYS,
            under=CHOICE,
        ),
    ] = None


class Inside(NamedTuple):
    """The options of lists of content."""

    project: Annotated[
        str | None,
        Option(
            "--in", about="Only what lies in this project, at any depth.", value="PROJECT", under=CHOICE, of=CONTENTS
        ),
    ] = None


ALL, ANYBODY, ANYWHERE = Choice(), Idle(), Inside()


def list_users(
    words: Words = None, choice: Choice = ALL, people: Idle = ANYBODY, asking: Asking = NEWEST, output: Output = PLAIN
) -> None:
    """Columns: user, name, e_mail, site_role, licence, last_sign_in, groups, owns. The heading counts the seats."""
    _list("users", words, choice, asking, idle=people.idle, output=output)


def list_groups(words: Words = None, choice: Choice = ALL, asking: Asking = NEWEST, output: Output = PLAIN) -> None:
    """Columns: group, domain, members, minimum_site_role, granted."""
    _list("groups", words, choice, asking, output=output)


def list_members(
    group: Annotated[str | None, Argument("The group; without it every membership.", of=GROUPS)] = None,
    choice: Choice = ALL,
    people: Idle = ANYBODY,
    asking: Asking = NEWEST,
    output: Output = PLAIN,
) -> None:
    """Columns: group, user, name, site_role, last_sign_in."""
    _list("members", None, choice, asking, idle=people.idle, group=group, output=output)


def _of_content(name: str, columns: str) -> Callable[..., None]:
    """The command that lists one kind of content."""

    def command(
        words: Words = None,
        choice: Choice = ALL,
        place: Inside = ANYWHERE,
        asking: Asking = NEWEST,
        output: Output = PLAIN,
    ) -> None:
        _list(name, words, choice, asking, project=place.project, output=output)

    command.__doc__ = f"Columns: {columns}."
    return command


list_projects = _of_content("projects", "project, owner, permissions, leaders, holds, updated")
list_workbooks = _of_content("workbooks", "workbook, owner, views, created, updated, tags")
list_views = _of_content("views", "view, owner, created, updated, tags")
list_datasources = _of_content(
    "datasources", "data_source, owner, certified, used_by_workbooks, created, updated, tags"
)
list_flows = _of_content("flows", "flow, owner, created, updated, tags")


def list_owners(
    words: Words = None, choice: Choice = ALL, people: Idle = ANYBODY, asking: Asking = NEWEST, output: Output = PLAIN
) -> None:
    """Columns: user, name, site_role, last_sign_in, projects, workbooks, data_sources, flows, others, owns."""
    _list("owners", words, choice, asking, idle=people.idle, output=output)


def list_schedules() -> None:
    """No snapshot holds them: this says where Tableau shows them."""
    raise UnknownName(
        "schedules are in no snapshot, since nobody's access hangs on them; Tableau Server shows them under Schedules, "
        "Tableau Cloud under Tasks. `tabwarden why USER ExtractRefresh CONTENT` tells who may refresh"
    )


def _list(
    name: str,
    words: list[str] | None,
    choice: Choice,
    asking: Asking,
    *,
    idle: int | None = None,
    project: str | None = None,
    group: str | None = None,
    output: Output,
) -> None:
    from tabwarden.report import lists
    from tabwarden.report.table import Text

    site = asking.site()
    inside = site.find_content(project).id if project is not None else None
    members_of = site.find_group(group).id if group is not None else None
    wanted = lists.Chosen(words or (), choice.where or (), choice.sort, idle, inside, members_of)
    selection = lists.chosen(site, name, wanted)
    counts_uses = name == "datasources"
    output.warn_partial(site, connections=counts_uses)
    parts = (Text(lists.heading(site, selection), "bold"), lists.table_of(name, selection))
    output.give(parts, lambda: lists.as_json(site, selection), of=site, connections=counts_uses)


def find(
    words: Annotated[list[str], Argument("Parts of a name, an e-mail or a path.")],
    asking: Asking = NEWEST,
    output: Output = PLAIN,
) -> None:
    """The nearest first: what is called so, what begins so, what holds the words. Exit code 1 where nothing does."""
    from tabwarden.report import finding

    site = asking.site()
    things = finding.things_called(site, words)
    if not things:
        text = " ".join(words)
        raise UnknownName(f"nothing on site `{site.name}` is called `{text}`{finding.near(site, text)}")
    output.warn_partial(site)
    output.give([finding.table_of(things)], lambda: finding.as_json(things), of=site)
