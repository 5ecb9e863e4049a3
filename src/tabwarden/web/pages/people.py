"""What may she, two people side by side, and lists of people and groups: each name leads to its own page."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from starlette.responses import Response

from tabwarden.commands import _beside, lists, who_what
from tabwarden.model.capability import KIND_NAMES
from tabwarden.model.names import same
from tabwarden.model.roles import licence_of, ui_role
from tabwarden.report.table import TIME, Column
from tabwarden.web.answers import answered
from tabwarden.web.asking import asking_of, person_asked, shown
from tabwarden.web.pictures import columns_of_use
from tabwarden.web.rights import AUDITOR
from tabwarden.web.sheets import as_csv, sheet, table_in, wants_csv
from tabwarden.web.visit import Visit, page

if TYPE_CHECKING:
    from tabwarden.model.site import User
    from tabwarden.questions import Questions


VIEW = "Read"


@page("/check/what", audit="looked")
def what(visit: Visit) -> Response:
    """Everything that somebody may View, with all that she may there."""
    user, asking, kind, words = person_asked(visit), asking_of(visit), visit.word("kind"), same(visit.word("q"))
    questions = asking.questions()
    person, site = questions.site.find_user(user), questions.site
    key = ("reach", person.id, questions.of_oneself, questions.model, questions.open_points)
    every = visit.site.kept(key, lambda: questions.reach(person.id), len)
    rows = [row for row in every if kind in ("", KIND_NAMES[row.kind]) and words in same(row.path)]
    table, use = who_what.reach_table(rows), asking.use(site)
    last = [use.of(person.id, row.content, VIEW) for row in rows] if use is not None else []
    if last:
        table = table.beside(Column("Last use", TIME), [when or None for when in last])
    if wants_csv(visit):
        return as_csv(table)
    facts = {
        "title": "What may she" if AUDITOR in visit.rights else "What may I",
        "user": user,
        "person": person,
        "role": ui_role(person.site_role),
        "licence": licence_of(person.site_role) or "none",
        "groups": _groups(questions, person) if AUDITOR in visit.rights else (),
        "heading": f"{site.called(person.id)}, {ui_role(person.site_role)}, may View {len(every)} things",
        "notes": list(who_what.record_of(use, VIEW)),
        "sheet": sheet(visit, table, of=len(every)),
        "kinds": sorted({KIND_NAMES[row.kind] for row in every}),
        "kind": kind,
        "picture": columns_of_use(last, site.taken.when) if last else None,
    }
    return shown(visit, "what.html", **facts)


def _groups(questions: Questions, person: User) -> list[str]:
    site = questions.site
    names = (site.groups[group].name for group in site.groups_of(person.id) if not site.groups[group].everyone)
    return sorted(names, key=same)


# -- two people ----------------------------------------------------------------------------------------------------


@page("/check/compare", AUDITOR, audit="looked")
def compare(visit: Visit) -> Response:
    """What one may and the other not, on one content or on everything, and on what that rests."""
    one, other, content = visit.word("one"), visit.word("other"), visit.word("content")
    values: dict[str, Any] = {"title": "Compare two people", "one": one, "other": other, "content": content}
    if not (one and other):
        return shown(visit, "compare.html", **values, sheet=None)
    questions = asking_of(visit).questions()
    pair = questions.site.find_user(one), questions.site.find_user(other)
    if content:
        table = _beside.on_one(questions, pair, questions.site.find_content(content).id)
    else:
        table = _beside.on_everything(questions, pair, questions.beside(pair[0].id, pair[1].id))
    if wants_csv(visit):
        return as_csv(table)
    groups = [set(_groups(questions, person)) for person in pair]
    facts = {
        "pair": [(questions.site.called(person.id), ui_role(person.site_role)) for person in pair],
        "only": [sorted(groups[0] - groups[1], key=same), sorted(groups[1] - groups[0], key=same)],
        "both": sorted(groups[0] & groups[1], key=same),
        "sheet": sheet(visit, table),
    }
    return shown(visit, "compare.html", **values, **facts)


# -- lists ---------------------------------------------------------------------------------------------------------


@page("/check/people", AUDITOR, audit="looked")
def people(visit: Visit) -> Response:
    """Everybody on the site."""
    return _list(visit, "People", "people.html", lists.list_users)


@page("/check/groups", AUDITOR, audit="looked")
def groups(visit: Visit) -> Response:
    """Every group, its members and the role it grants."""
    return _list(visit, "Groups", "people.html", lists.list_groups)


def _list(visit: Visit, title: str, template: str, command: Callable[..., None]) -> Response:
    answer = visit.site.kept(("list", title), lambda: answered(command, asking=asking_of(visit)))
    table = table_in(answer)
    if wants_csv(visit):
        return as_csv(table)
    path = visit.request.url.path
    return shown(visit, template, title=title, heading=answer.parts[0], sheet=sheet(visit, table), path=path)


MEMBER = ("user", "name", "site_role", "last_sign_in")


@page("/check/group", AUDITOR, audit="looked")
def group(visit: Visit) -> Response:
    """One group: its members, what the rules say of it, the role it grants; on one content how many of it may."""
    words, content, asking = visit.word("group"), visit.word("content"), asking_of(visit)
    site = asking.questions().site
    there = site.find_group(words)
    members = table_in(answered(lists.list_members, there.id, asking=asking)).of(MEMBER)
    granted = answered(who_what.what, f'"{there.id}"', content or None, asking=asking)
    table = table_in(granted)
    wanted = table if visit.word("part") == "rules" else members
    if wants_csv(visit):
        return as_csv(wanted)
    facts = {
        "title": f"Group {there.name}",
        "group": there,
        "words": words,
        "content": content,
        "granted": granted,
        "role": ui_role(there.minimum_site_role) if there.minimum_site_role else "",
        "granted_when": {"onLogin": "on sign-in", "onSync": "on sync"}.get(there.grant_on or "", ""),
        "members": sheet(visit, members),
        "rules": table,
    }
    return shown(visit, "group.html", **facts)
