"""`tabwarden who` and `what`: questions to a snapshot. Nothing is written and no server is asked."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import cache
from typing import TYPE_CHECKING, Annotated, Any, NamedTuple

from tabwarden.commands._answer import PLAIN, Output
from tabwarden.commands._options import NEWEST, Asking, typed
from tabwarden.commands._parsing import CAPABILITIES, CONTENTS, PEOPLE, Argument, Option
from tabwarden.commands._words import CAPABILITY, CONTENT, PERSON, in_order, is_group
from tabwarden.model.errors import UnknownName
from tabwarden.model.names import same

if TYPE_CHECKING:
    from tabwarden.access.answer import Answer
    from tabwarden.model.site import Content, Site, User
    from tabwarden.model.usage import LastUse
    from tabwarden.questions import People, Questions, Reachable
    from tabwarden.report.table import Drawable, Row, Table

VIEW = "Read"


def who(
    capability: Annotated[str, Argument("Any name of it: Read, View, Download File, ...", of=CAPABILITIES)],
    content: Annotated[str, Argument("Path, as in `Finance/Budget`, or id.", of=CONTENTS)],
    everybody: Annotated[bool, Option("--all", about="List those who may not as well.")] = False,
    asking: Asking = NEWEST,
    output: Output = PLAIN,
) -> None:
    """The people who may, each with what decided; unknown ones are listed as unknown.

    Of a capability that projects do not have: the people who may on some of what is in it.
    """
    from tabwarden.model.capability import applies, ui_name

    questions = asking.questions()
    site = questions.site
    capability, content = in_order(site, "who", (capability, content), (CAPABILITY, CONTENT))
    on = site.find_content(content)
    named = questions.capability(capability, on)
    if applies(named, on.kind, questions.model) is False:
        _who_inside(questions, capability, on, output)
        return
    people = questions.who(named, on.id)
    may = sum(len(some.users) for some in people if some.answer.allowed)
    heading = f"{may} of {len(site.users)} people may `{ui_name(named, on.kind)}` {site.path(on.id)}"
    show_people(questions, (named, on.id), people, heading, output, everybody=everybody, use=asking.use(site))


def show_people(
    questions: Questions,
    about: tuple[str, str],
    people: list[People],
    heading: str,
    output: Output,
    *,
    everybody: bool = False,
    use: LastUse | None = None,
) -> None:
    """Who may exercise a capability on a content (`about`, by REST name and id) and what decided, in order of name.

    With `use` when each of them last did.
    """
    from tabwarden.access.answer import ALLOWED, UNKNOWN
    from tabwarden.report.answers import answer_json, people_table
    from tabwarden.report.remarks import on_demand_lines
    from tabwarden.report.table import Text

    site, admitted = questions.site, questions.admitting(*about)
    listed = [some for some in people if everybody or some.answer.verdict in (ALLOWED, UNKNOWN)]
    shown = sorted((answer for some in listed for answer in some.answers()), key=_by_name(site))
    counts: Counter[str] = Counter()
    for some in people:
        counts[some.answer.verdict] += len(some.users)
    output.warn_partial(site)
    table, last = people_table(site, shown), last_of(use, [(one.user, about[1], about[0]) for one in shown])
    output.give(
        (Text(heading, "bold"), _with_use(table, last), *on_demand_lines(admitted), *record_of(use, about[0])),
        lambda: {
            "counts": dict(counts),
            "people": [answer_json(site, answer) | used for answer, used in zip(shown, last, strict=True)],
            "on_demand": [{"id": group.id, "name": group.name} for group in admitted],
            "remarks": list(on_demand_lines(admitted)),
        },
        of=site,
    )


def last_of(use: LastUse | None, questions: Sequence[tuple[str, str, str]]) -> list[dict[str, str | None]]:
    """Of each user, content and capability the last use, as a part of JSON: nothing where nothing is known of it."""
    from tabwarden.model.usage import proves

    if use is None:
        return [{}] * len(questions)
    return [{"last_use": use.of(*one) or None} if proves(one[2]) else {} for one in questions]


def _with_use(table: Table, last: Sequence[Mapping[str, str | None]]) -> Table:
    from tabwarden.report.table import TIME, Column

    cells = [one.get("last_use") for one in last]
    return table.beside(Column("Last use", TIME), cells) if any(one for one in last) else table


def record_of(use: LastUse | None, capability: str) -> Iterator[str]:
    """What the record of use can tell: of which days it is, and whether any event proves the capability."""
    from tabwarden.model.usage import proves

    if use is None or use.days is None:
        return
    if proves(capability):
        yield f"use is kept from {use.days[0]} to {use.days[1]}; the newest days may be missing"
    else:
        yield "whether they use it nobody knows: no event tells of this capability"


def _who_inside(questions: Questions, capability: str, project: Content, output: Output) -> None:
    """Who may on something in a project that has no such capability itself; UnknownName where nothing in it has it."""
    from tabwarden.model.capability import KIND_NAMES, applies, ui_name
    from tabwarden.report.answers import inside_json, inside_table
    from tabwarden.report.table import Text

    site, kind = questions.site, KIND_NAMES[project.kind]
    named = ui_name(questions.capability(capability, project), project.kind)
    inside = (site.contents[content] for content in site.below(project.id))
    every = {content.id: (questions.capability(capability, content), content.kind) for content in inside}
    having = {i: name for i, (name, kind) in every.items() if applies(name, kind, questions.model)}
    path = site.path(project.id)
    if not having:
        more = f", and nothing in `{path}` has it" if every else f"; `tabwarden rules {typed(path)}` shows those it has"
        raise UnknownName(f"a {kind} has no capability `{named}`{more}")
    people: dict[str, list[str]] = {}
    for content, name in having.items():
        for user in questions.who_ids(name, content):
            people.setdefault(user, []).append(content)
    output.warn_partial(site)
    words = (
        f"a {kind} has no capability `{named}`; {len(people)} of {len(site.users)} people may exercise it on some of "
        f"the {len(having)} things in {path} that have it"
    )
    parts = (Text(words, "bold"), inside_table(site, len(having), people))
    output.give(parts, lambda: inside_json(site, project.id, having, people), of=site)


def _by_name(site: Site) -> Callable[[Answer], tuple[str, str]]:
    def place(answer: Answer) -> tuple[str, str]:
        user = site.users[answer.user]
        return user.name.casefold(), user.domain

    return place


def what(
    user: Annotated[str, Argument("User name, `domain\\name` or id; or a group.", of=PEOPLE)],
    content: Annotated[str | None, Argument("Path or id; without it everything she may View.", of=CONTENTS)] = None,
    all_of_them: Annotated[bool, Option("--all-sites", about="Her role and reach on every site kept.")] = False,
    beside: Annotated[
        str | None, Option("--beside", value="USER", about="Where she and this person may not do the same.", of=PEOPLE)
    ] = None,
    asking: Asking = NEWEST,
    output: Output = PLAIN,
) -> None:
    """The permission checker's grid for one content, or a list. Of a group: what the rules say of it."""
    if all_of_them:
        place = f"`{asking.snapshots}`" if asking.snapshots else "the history"
        _on_all_sites(place, asking, user, content, output)
        return
    questions = asking.questions()
    site = questions.site
    if content is not None:
        user, content = in_order(site, "what", (user, content), (PERSON, CONTENT))
    if beside is not None:
        from tabwarden.commands import _beside

        on = site.find_content(content).id if content is not None else None
        _beside.show(questions, (site.find_user(user), site.find_user(beside)), on, output)
    elif is_group(site, user):
        _of_group(questions, user, content, output)
    elif content is not None:
        _on_one(questions, user, content, output)
    else:
        _demand_person(site, user)
        _on_everything(questions, user, output, asking.use(site))


def _demand_person(site: Site, words: str) -> None:
    """UnknownName where content is named, and nobody has that name."""
    from tabwarden.model.capability import KIND_NAMES
    from tabwarden.model.resolver import contents_meant, users_meant

    contents = () if users_meant(site, words) else contents_meant(site, words)
    if contents:
        kind, path = site.contents[contents[0]].kind, typed(site.written(contents[0]))
        raise UnknownName(
            f"`{words}` is a {KIND_NAMES[kind]}, and nobody has that name; `tabwarden who View {path}` tells "
            f"who may see it, `tabwarden rules {path}` its rules"
        )


def _of_group(questions: Questions, words: str, content: str | None, output: Output) -> None:
    """What rules say of a group, and on one content how many of its members may."""
    from tabwarden.report import groups
    from tabwarden.report.table import Text

    site = questions.site
    group = site.find_group(words)
    if content is None:
        rows = questions.granted(group.id)
        output.warn_partial(site)
        heading = Text(groups.granted_heading(site, group, rows), "bold")
        parts = (heading, groups.granted_table(rows), groups.BESIDE)
        output.give(parts, lambda: groups.granted_json(site, group, rows), of=site)
        return
    on = site.find_content(content)
    count = groups.members_who_may(questions, group, on)
    granted = questions.granted(group.id, on.id)
    output.warn_partial(site)
    answer = (
        Text(groups.on_one_heading(site, group, on), "bold"),
        groups.on_one_table(site, group, on, granted, count),
    )
    output.give(answer, lambda: groups.on_one_json(site, group, on, granted, count), of=site)


def _on_one(questions: Questions, user: str, content: str, output: Output) -> None:
    from tabwarden.model.capability import KIND_NAMES
    from tabwarden.model.roles import ui_role
    from tabwarden.report.answers import answer_json, checker_grid
    from tabwarden.report.table import Text

    site = questions.site
    person, on = site.find_user(user), site.find_content(content)
    answers = questions.on(person.id, on.id)
    output.warn_partial(site)
    kind = KIND_NAMES[on.kind]
    words = f"{site.called(person.id)}, {ui_role(person.site_role)}, on the {kind} {site.path(on.id)}"
    parts = (Text(words, "bold"), checker_grid(site, answers))
    output.give(parts, lambda: [answer_json(site, answer) for answer in answers], of=site)


@cache
def _template(kind: str, allowed: tuple[str, ...]) -> str:
    from tabwarden.model.capability import template_of

    return template_of(kind, frozenset(allowed), frozenset())


def _on_everything(questions: Questions, user: str, output: Output, use: LastUse | None) -> None:
    from tabwarden.model.roles import ui_role
    from tabwarden.report.table import Text

    site, person = questions.site, questions.site.find_user(user)
    rows = questions.reach(person.id)
    words = f"{site.called(person.id)}, {ui_role(person.site_role)}, may View {len(rows)} things"
    output.warn_partial(site)
    last = last_of(use, [(person.id, row.content, VIEW) for row in rows])
    parts: list[Drawable] = [Text(words, "bold"), _with_use(reach_table(rows), last), *record_of(use, VIEW)]
    output.give(parts, lambda: _reach_json(person, rows, last), of=site)


def reach_table(rows: Sequence[Reachable]) -> Table:
    """What somebody may View and all that she may there; a row is made when it is looked at."""
    from tabwarden.model.capability import KIND_NAMES
    from tabwarden.report.table import CONTENT, MARK, NAME, Column, Rows, Table

    alike = Counter((row.kind, row.path) for row in rows)

    def cells(row: Reachable) -> Row:
        path = row.path if alike[row.kind, row.path] == 1 else f"{row.path} ({row.content})"
        kind = KIND_NAMES[row.kind]
        return path, kind, _template(row.kind, row.allowed), _names(row.kind, row.allowed)

    columns = (Column("Content", NAME, of=CONTENT), Column("Kind", MARK), Column("As template", MARK), "May")
    return Table(*columns, name="contents", rows=Rows(rows, cells))


def _reach_json(person: User, rows: Sequence[Reachable], last: Sequence[Mapping[str, str | None]]) -> dict[str, Any]:
    listed = [
        {
            "id": row.content,
            "kind": row.kind,
            "path": row.path,
            "allowed": row.allowed,
            "as_template": _template(row.kind, row.allowed),
            **used,
        }
        for row, used in zip(rows, last, strict=True)
    ]
    return {"user": person.name, "domain": person.domain, "site_role": person.site_role, "contents": listed}


@cache
def _names(kind: str, allowed: tuple[str, ...]) -> str:
    from tabwarden.model.capability import ui_name

    return ", ".join(ui_name(capability, kind) for capability in allowed)


class _OnSite(NamedTuple):
    """A person on one site; `content` is what was asked about there, None where that is not on this site."""

    site: Site
    person: User
    views: int
    content: Content | None
    allowed: tuple[str, ...]


def _on_all_sites(place: str, asking: Asking, user: str, content: str | None, output: Output) -> None:
    """The same person has a role of her own on each site; nothing is shared between them (blog, introduction).

    She is one by user name and domain, and by a key of a roster where her user name is another.
    """
    from pathlib import Path

    from tabwarden.model.roles import licence_of, ui_role
    from tabwarden.report.table import NAME, NUMBER, Column, Table
    from tabwarden.run.history import store_named
    from tabwarden.run.persons import everywhere

    sites = {id(questions.site): questions for questions in asking.everywhere()}
    store = store_named(asking.store, asking.settings) if asking.snapshots is None else "://"
    people = everywhere(None if "://" in store else Path(store), [one.site for one in sites.values()], user)
    rows = [_on_site(sites[id(site)], person.id, content) for site, person in people]
    if not rows:
        raise UnknownName(f"no user `{user}` on any site in {place}")
    if content is not None and not any(row.content for row in rows):
        raise UnknownName(f"no content `{content}` on any site in {place} that has the user `{user}`")
    columns = (Column("Site", NAME), Column("User", NAME), "Site role", "Licence", Column("May View", NUMBER))
    table = Table(*columns, *(["On it"] if content is not None else []), name="sites")
    several = len({same(row.person.domain) for row in rows}) > 1
    for row in rows:
        site, role = row.site, row.person.site_role
        called = f"{row.person.domain}\\{row.person.name}" if several else site.called(row.person.id)
        cells = (site.name, called, ui_role(role), licence_of(role) or "none", row.views)
        table.add_row(*cells, *([_there(row)] if content is not None else []))
    output.give([table], lambda: [_on_site_json(row, content) for row in rows])


def _on_site(questions: Questions, user: str, words: str | None) -> _OnSite:
    site = questions.site
    try:
        content = site.find_content(words) if words is not None else None
    except UnknownName:
        content = None
    allowed = tuple(a.what for a in questions.on(user, content.id) if a.allowed) if content is not None else ()
    return _OnSite(site, site.users[user], questions.views(user), content, allowed)


def _on_site_json(row: _OnSite, words: str | None) -> dict[str, Any]:
    from tabwarden.model.roles import licence_of

    person, content = row.person, row.content
    document: dict[str, Any] = {
        "site": row.site.content_url,
        "user": person.name,
        "domain": person.domain,
        "site_role": person.site_role,
        "licence": licence_of(person.site_role),
        "views": row.views,
    }
    if words is not None:
        document["content"] = content and {
            "id": content.id,
            "kind": content.kind,
            "path": row.site.path(content.id),
            "allowed": row.allowed,
            "as_template": _template(content.kind, row.allowed),
        }
    return document


def _there(row: _OnSite) -> str:
    if row.content is None:
        return "not on this site"
    kind = row.content.kind
    return f"{_template(kind, row.allowed)}: {_names(kind, row.allowed) or 'nothing'}"
