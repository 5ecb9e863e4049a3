"""`tabwarden list` and `tabwarden find`: what is on a site, from a snapshot. Nothing is written, no server is asked."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, NamedTuple

from tabwarden.commands._options import NEWEST, AsJson, Asking
from tabwarden.commands._output import print_json, show, warn_partial
from tabwarden.commands._parsing import Argument, Option

if TYPE_CHECKING:
    from tabwarden.model.site import Site

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
            under=CHOICE,
        ),
    ] = None


class Inside(NamedTuple):
    """The options of lists of content."""

    project: Annotated[
        str | None, Option("--in", about="Only what lies in this project, at any depth.", value="PROJECT", under=CHOICE)
    ] = None


ALL, ANYBODY, ANYWHERE = Choice(), Idle(), Inside()


def list_users(
    words: Words = None, choice: Choice = ALL, people: Idle = ANYBODY, asking: Asking = NEWEST, as_json: AsJson = False
) -> None:
    """Columns: user, name, e_mail, site_role, licence, last_sign_in, groups, owns. The heading counts the seats."""
    _list("users", words, choice, asking, idle=people.idle, as_json=as_json)


def list_groups(words: Words = None, choice: Choice = ALL, asking: Asking = NEWEST, as_json: AsJson = False) -> None:
    """Columns: group, domain, members, minimum_site_role, granted."""
    _list("groups", words, choice, asking, as_json=as_json)


def list_members(
    group: Annotated[str | None, Argument("The group; without it every membership.")] = None,
    choice: Choice = ALL,
    people: Idle = ANYBODY,
    asking: Asking = NEWEST,
    as_json: AsJson = False,
) -> None:
    """Columns: group, user, name, site_role, last_sign_in."""
    _list("members", None, choice, asking, idle=people.idle, group=group, as_json=as_json)


def list_projects(
    words: Words = None,
    choice: Choice = ALL,
    place: Inside = ANYWHERE,
    asking: Asking = NEWEST,
    as_json: AsJson = False,
) -> None:
    """Columns: project, owner, permissions, leaders, holds, updated."""
    _list("projects", words, choice, asking, project=place.project, as_json=as_json)


def list_workbooks(
    words: Words = None,
    choice: Choice = ALL,
    place: Inside = ANYWHERE,
    asking: Asking = NEWEST,
    as_json: AsJson = False,
) -> None:
    """Columns: workbook, owner, views, created, updated."""
    _list("workbooks", words, choice, asking, project=place.project, as_json=as_json)


def list_views(
    words: Words = None,
    choice: Choice = ALL,
    place: Inside = ANYWHERE,
    asking: Asking = NEWEST,
    as_json: AsJson = False,
) -> None:
    """Columns: view, owner, created, updated."""
    _list("views", words, choice, asking, project=place.project, as_json=as_json)


def list_datasources(
    words: Words = None,
    choice: Choice = ALL,
    place: Inside = ANYWHERE,
    asking: Asking = NEWEST,
    as_json: AsJson = False,
) -> None:
    """Columns: data_source, owner, used_by_workbooks (where connections were read), created, updated."""
    _list("datasources", words, choice, asking, project=place.project, as_json=as_json)


def list_flows(
    words: Words = None,
    choice: Choice = ALL,
    place: Inside = ANYWHERE,
    asking: Asking = NEWEST,
    as_json: AsJson = False,
) -> None:
    """Columns: flow, owner, created, updated."""
    _list("flows", words, choice, asking, project=place.project, as_json=as_json)


def list_owners(
    words: Words = None, choice: Choice = ALL, people: Idle = ANYBODY, asking: Asking = NEWEST, as_json: AsJson = False
) -> None:
    """Columns: user, name, site_role, last_sign_in, projects, workbooks, data_sources, flows, others, owns."""
    _list("owners", words, choice, asking, idle=people.idle, as_json=as_json)


def list_schedules() -> None:
    """No snapshot holds them: this says where Tableau shows them."""
    from tabwarden.model.errors import UnknownName

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
    as_json: bool,
) -> None:
    from tabwarden.report import lists
    from tabwarden.run.open_snapshot import open_site

    site = open_site(asking.where)
    inside = site.find_content(project).id if project is not None else None
    members_of = site.find_group(group).id if group is not None else None
    wanted = lists.Chosen(words or (), choice.where or (), choice.sort, idle, inside, members_of)
    selection = lists.chosen(site, name, wanted)
    if as_json:
        print_json(lists.as_json(site, selection))
        return
    _warn(site, connections=name == "datasources")
    show(lists.heading(site, selection), style="bold")
    if selection.rows:
        show(lists.table_of(selection))


def _warn(site: Site, *, connections: bool = False) -> None:
    """Say what was not read, connections of workbooks where the list counts them."""
    from dataclasses import replace

    from tabwarden.model.scope import CONNECTIONS

    partial = tuple(one for one in site.partial if connections or one != CONNECTIONS)
    warn_partial(replace(site, partial=partial))


def find(
    words: Annotated[list[str], Argument("Parts of a name, an e-mail or a path.")],
    asking: Asking = NEWEST,
    as_json: AsJson = False,
) -> None:
    """The nearest first: what is called so, what begins so, what holds the words. Exit code 1 where nothing does."""
    from tabwarden.model.errors import UnknownName
    from tabwarden.report import finding
    from tabwarden.run.open_snapshot import open_site

    site = open_site(asking.where)
    things = finding.things_called(site, words)
    if not things:
        text = " ".join(words)
        raise UnknownName(f"nothing on site `{site.name}` is called `{text}`{finding.near(site, text)}")
    if as_json:
        print_json(finding.as_json(things))
    else:
        _warn(site)
        show(finding.table_of(things))
