"""Two people side by side, for `tabwarden what --beside` and its page: what only the one may, what only the other."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tabwarden.access.answer import Answer
    from tabwarden.commands._answer import Output
    from tabwarden.compare.people import Beside
    from tabwarden.model.site import User
    from tabwarden.questions import Questions
    from tabwarden.report.table import Row, Table

Pair = tuple["User", "User"]


def show(questions: Questions, pair: Pair, content: str | None, output: Output) -> None:
    """Where two people may not do the same, on one content (id) or on everything, and on what that rests."""
    from tabwarden.report.answers import answer_json
    from tabwarden.report.table import Text

    site = questions.site
    people = [{"id": one.id, "name": one.name, "domain": one.domain, "site_role": one.site_role} for one in pair]
    names = " and ".join(site.called(person.id) for person in pair)
    output.warn_partial(site)
    if content is not None:
        both = list(zip(*(questions.on(person.id, content) for person in pair), strict=True))
        differ = sum(two[0].verdict != two[1].verdict for two in both)
        heading = f"{names} differ in {differ} of {len(both)} capabilities of {site.path(content)}"
        output.give(
            (Text(heading, "bold"), on_one(questions, pair, content)),
            lambda: {"people": people, "answers": [[answer_json(site, one) for one in two] for two in both]},
            of=site,
        )
        return
    rows = questions.beside(pair[0].id, pair[1].id)
    heading = f"{names} may not do the same on {len(rows)} things"
    parts = (Text(heading, "bold"), on_everything(questions, pair, rows))
    output.give(parts, lambda: {"people": people, "contents": [_json(row) for row in rows]}, of=site)


def _json(row: Beside) -> dict[str, Any]:
    return {"id": row.content, "kind": row.kind, "path": row.path, "only_one": row.more, "only_other": row.less}


def on_one(questions: Questions, pair: Pair, content: str) -> Table:
    """Each capability of a content for both, those on which they differ first."""
    from tabwarden.report.answers import asked_name, decider, mark
    from tabwarden.report.table import MARK, NAME, Column, Table

    site, names = questions.site, [questions.site.called(person.id) for person in pair]
    both = zip(*(questions.on(person.id, content) for person in pair), strict=True)
    rows = sorted(both, key=lambda two: two[0].verdict == two[1].verdict)
    heads = [
        (Column(name, MARK, one), Column("because", called=f"because_{one}"))
        for name, one in zip(names, ("one", "other"), strict=True)
    ]
    table = Table(Column("Capability", NAME), Column("", MARK, "differs"), *heads[0], *heads[1], name="people")
    for two in rows:
        differs = "differs" if two[0].verdict != two[1].verdict else ""
        cells = [cell for answer in two for cell in (mark(answer), decider(site, answer))]
        table.add_row(asked_name(site, two[0]), differs, *cells)
    return table


def on_everything(questions: Questions, pair: Pair, rows: list[Beside]) -> Table:
    """Each content on which they differ: what only the one may, what only the other, and by what."""
    from tabwarden.model.capability import KIND_NAMES, ui_name
    from tabwarden.report.table import CONTENT, MARK, NAME, Column, Rows, Table

    first, second = (questions.site.called(person.id) for person in pair)
    columns = (
        Column("Content", NAME, of=CONTENT),
        Column("Kind", MARK),
        Column(f"Only {first}", called="only_one"),
        Column(f"Only {second}", called="only_other"),
        Column("Rests on", called="rests_on"),
    )

    def cells(row: Beside) -> Row:
        more, less = (", ".join(ui_name(name, row.kind) for name in names) for names in (row.more, row.less))
        return row.path, KIND_NAMES[row.kind], more, less, _rests_on(questions, pair, row)

    return Table(*columns, name="contents", rows=Rows(rows, cells))


def _rests_on(questions: Questions, pair: Pair, row: Beside) -> str:
    """What decides for both about the first capability in which they differ."""
    from tabwarden.model.capability import ui_name
    from tabwarden.report.answers import decider

    capability = (*row.more, *row.less)[0]
    answers = (_answer(questions, person, capability, row.content) for person in pair)
    first, second = (decider(questions.site, answer) for answer in answers)
    return f"{ui_name(capability, row.kind)}: {first}, against {second}"


def _answer(questions: Questions, person: User, capability: str, content: str) -> Answer:
    from tabwarden.access.question import Asked

    question = Asked(person.id, capability, content, model=questions.model, open_points=questions.open_points)
    return questions.answer(question)
