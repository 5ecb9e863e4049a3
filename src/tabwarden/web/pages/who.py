"""Who can: everybody who may do something with a content and by what; and the rules of a content."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from starlette.responses import Response

from tabwarden.access.answer import ALLOWED, DENIED, UNKNOWN, Answer
from tabwarden.commands import rules, who_what
from tabwarden.model.capability import KIND_NAMES, applies, capabilities_of, kind_named, ui_name
from tabwarden.model.names import same
from tabwarden.model.roles import ui_role
from tabwarden.model.usage import proves
from tabwarden.report.answers import decider, mark
from tabwarden.report.remarks import on_demand_lines
from tabwarden.report.table import MARK, NAME, PERSON, TIME, Column, Row, Rows, Table
from tabwarden.web.answers import answered
from tabwarden.web.asking import asking_of, shown
from tabwarden.web.pictures import columns_of_use
from tabwarden.web.rights import AUDITOR
from tabwarden.web.sheets import as_csv, sheet, wants_csv
from tabwarden.web.visit import Visit, page

if TYPE_CHECKING:
    from tabwarden.model.site import Content, Site
    from tabwarden.model.usage import LastUse
    from tabwarden.questions import People, Questions

MAY, MAY_NOT, NOT_KNOWN, EVERYBODY = "may", "may not", "unknown", "everybody"
VERDICTS = {MAY: (ALLOWED,), MAY_NOT: (DENIED,), NOT_KNOWN: (UNKNOWN,), EVERYBODY: (ALLOWED, DENIED, UNKNOWN)}
DECIDERS = 12  # that are shown


class Wanted(NamedTuple):
    """Which people are wanted: by answer (a key of VERDICTS), by what decided, by a part of a name, by site role."""

    answer: str
    by: str
    words: str
    role: str


class Listed(NamedTuple):
    """The people that are wanted (ids), in order of name, of each the answer and what decided it; and counts."""

    users: Sequence[str]
    answers: Mapping[str, tuple[Answer, str]]
    counts: Counter[str]
    deciders: Sequence[tuple[str, int]]


def _listed(visit: Visit, questions: Questions, people: Iterable[People], wanted: Wanted) -> Listed:
    site, counts, deciders = questions.site, Counter[str](), Counter[str]()
    answers: dict[str, tuple[Answer, str]] = {}
    verdicts = VERDICTS.get(wanted.answer, VERDICTS[MAY])
    for some in people:
        counts[some.answer.verdict] += len(some.users)
        if some.answer.verdict not in verdicts:
            continue
        by = decider(site, some.answer)
        deciders[by] += len(some.users)
        if wanted.by in ("", by):
            answers |= dict.fromkeys(some.users, (some.answer, by))
    users: Sequence[str] = list(filter(answers.__contains__, visit.site.by_name))
    if wanted.words or wanted.role:
        users = [user for user in users if _fits(site, user, wanted)]
    return Listed(users, answers, counts, deciders.most_common(DECIDERS))


def _fits(site: Site, user: str, wanted: Wanted) -> bool:
    person = site.users[user]
    if wanted.role and ui_role(person.site_role) != wanted.role:
        return False
    return wanted.words in same(f"{person.name}\n{person.full_name}")


def _table(questions: Questions, listed: Listed, about: tuple[str, str], use: LastUse | None) -> Table:
    """The people as the command lists them, each made when he is shown; with `use` when each last did."""
    site, (capability, content) = questions.site, about
    columns = [Column("User", NAME, of=PERSON), Column("Name", NAME), Column("Site role")]
    columns += [Column("May", MARK), Column("Decided by"), *([Column("Last use", TIME)] if use is not None else [])]

    def row(user: str) -> Row:
        answer, by = listed.answers[user]
        cells = (site.called(user), site.display_name(user), ui_role(site.users[user].site_role), mark(answer))
        last = (use.of(user, content, capability) or None,) if use is not None else ()
        return (*cells, by, *last)

    return Table(*columns, name="people", rows=Rows(listed.users, row))


@page("/check/who", AUDITOR, audit="looked")
def who(visit: Visit) -> Response:
    """Everybody who may do something with a content, and by what; with counts, filters and last use."""
    content, capability = visit.word("content"), visit.word("capability", "View")
    values: dict[str, Any] = {"title": "Who can", "content": content, "capability": capability, "capabilities": ()}
    if not content:
        return shown(visit, "who.html", **values, sheet=None, inside=None)
    asking = asking_of(visit)
    questions = asking.questions()
    on = questions.site.find_content(content)
    values["capabilities"] = [ui_name(name, on.kind) for name in capabilities_of(on.kind, questions.model)]
    named = questions.capability(capability, on)
    values["capability"] = ui_name(named, on.kind)
    if applies(named, on.kind, questions.model) is False:
        return shown(
            visit, "who.html", **values, sheet=None, inside=answered(who_what.who, capability, content, asking=asking)
        )
    people = visit.site.who(questions, named, on.id)
    wanted = Wanted(visit.word("may", MAY), visit.word("by"), same(visit.word("q")), visit.word("role"))
    listed, use = _listed(visit, questions, people, wanted), asking.use(questions.site) if proves(named) else None
    table = _table(questions, listed, (named, on.id), use)
    if wants_csv(visit):
        return as_csv(table)
    facts = {
        "path": questions.site.path(on.id),
        "kind": KIND_NAMES[on.kind],
        "sheet": sheet(visit, table, of=len(listed.users)),
        "wanted": wanted,
        "counts": listed.counts,
        "total": len(questions.site.users),
        "deciders": listed.deciders,
        "most": max((number for _, number in listed.deciders), default=1),
        "roles": visit.site.roles,
        "remarks": list(on_demand_lines(questions.admitting(named, on.id))),
        "picture": _picture(people, (named, on.id), use, questions.site.taken.when),
    }
    return shown(visit, "who.html", **values, **facts, inside=None)


def _picture(people: Iterable[People], about: tuple[str, str], use: LastUse | None, now: str) -> Any:
    """How long ago those who may last did; None where no event would tell."""
    if use is None:
        return None
    may = (user for some in people if some.answer.allowed for user in some.users)
    return columns_of_use((use.of(user, about[1], about[0]) for user in may), now)


# -- a content -----------------------------------------------------------------------------------------------------


@page("/check/content", AUDITOR, audit="looked")
def content(visit: Visit) -> Response:
    """A content: the dialog of its rules, who may View it, and what it is."""
    asking, words = asking_of(visit), visit.word("content")
    questions = asking.questions()
    on = questions.site.find_content(words)
    kinds = _kinds_of_defaults(on)
    defaults = visit.word("for") or None
    answer = answered(rules.show_rules, questions.site, words, defaults, questions.open_points)
    views = len(questions.who_ids("Read", on.id))
    facts = {
        "title": questions.site.path(on.id),
        "content": words,
        "on": on,
        "kind": KIND_NAMES[on.kind],
        "owner": questions.site.called(on.owner),
        "views": views,
        "total": len(questions.site.users),
        "capabilities": [ui_name(name, on.kind) for name in capabilities_of(on.kind, questions.model)],
        "kinds": kinds,
        "defaults": defaults,
        "answer": answer,
        "inside": [questions.site.written(one) for one in _first(questions.site.children(on.id))],
        "more": max(0, len(questions.site.children(on.id)) - INSIDE),
        "above": questions.site.written(on.parent) if on.parent and on.parent in questions.site.contents else "",
    }
    return shown(visit, "content.html", **facts)


INSIDE = 50  # contents of a project that its page lists


def _first(ids: Sequence[str]) -> Iterator[str]:
    return iter(ids[:INSIDE])


def _kinds_of_defaults(content: Content) -> list[str]:
    """The kinds whose default rules a project keeps, as they are asked for."""
    if content.kind == "database":
        return [KIND_NAMES["table"]]
    named = (KIND_NAMES[kind] for kind in sorted(content.defaults)) if content.kind == "project" else ()
    return [name for name in named if kind_named(name)]
