"""`tabwarden why`: one question to a snapshot, with the trace and, where asked, fixes and models. Writes nothing."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated, Any

from tabwarden.commands._answer import PLAIN, Output
from tabwarden.commands._options import NEWEST, Asking
from tabwarden.commands._parsing import Argument, Option

if TYPE_CHECKING:
    from tabwarden.access.answer import Answer
    from tabwarden.access.question import Asked
    from tabwarden.compare.fix import Fixes
    from tabwarden.model.site import Site
    from tabwarden.questions import Questions
    from tabwarden.report.table import Drawable


def why(
    user: Annotated[str, Argument("User name, `domain\\name` or id.")],
    capability: Annotated[str, Argument("Any name of it, or `ability:web_save_as`.")],
    content: Annotated[str | None, Argument("Path, as in `Finance/Budget`, or id.")] = None,
    target: Annotated[str | None, Option("--to", about="The project to save or move to, or the new owner.")] = None,
    fix: Annotated[bool, Option("--fix", about="The smallest changes that would give, or take, it.")] = False,
    models: Annotated[bool, Option("--models", about="current, classic and deny_first side by side.")] = False,
    asking: Asking = NEWEST,
    output: Output = PLAIN,
) -> None:
    """One sentence, then ceiling, override, level, the winning rule and the losing ones."""
    from tabwarden.access.answer import UNKNOWN
    from tabwarden.model.open_points import MODELS

    questions = asking.questions()
    question = questions.asked(user, capability, content, to=target)
    answer = questions.why(question)
    ways = None
    if fix:
        with output.progress("weighing") as progress:
            ways = questions.fixes(question, progress)
    side_by_side = [question._replace(model=name).of(questions.site) for name in MODELS] if models else []
    unknown = question.ability and answer.verdict == UNKNOWN
    output.warn_partial(questions.site, of_abilities=unknown)
    output.give(
        _parts(questions, question, answer, ways, side_by_side),
        lambda: _as_json(questions, question, answer, ways, side_by_side),
        of=questions.site,
        of_abilities=unknown,
    )


def _means(site: Site, question: Asked) -> str | None:
    """What the capability lets a person do on that kind; None of an ability, or where nobody knows."""
    from tabwarden.model.means import means

    return (
        None
        if question.ability or question.content is None
        else means(question.what, site.contents[question.content].kind)
    )


def _as_json(
    questions: Questions, question: Asked, answer: Answer, ways: Fixes | None, side_by_side: list[Answer]
) -> dict[str, Any]:
    from tabwarden.report.answers import answer_json
    from tabwarden.report.remarks import remarks

    site = questions.site
    document: dict[str, Any] = {"taken": site.taken.when, **answer_json(site, answer)}
    document["means"] = _means(site, question)
    document["remarks"] = list(remarks(site, question, answer))
    places, handover = questions.places(question), questions.handover(question)
    if places or handover is not None:
        from tabwarden.report import abilities

        document |= {"targets": abilities.targets_json(site, places)} if places else {}
        if handover is not None:
            document["previous_owner"] = abilities.handover_json(site, handover)
    if ways is not None:
        from tabwarden.report.access_changes import fixes_json

        document["fix"] = fixes_json(site, ways)
    if side_by_side:
        document["models"] = {one.model: answer_json(site, one) for one in side_by_side}
    return document


def _parts(
    questions: Questions, question: Asked, answer: Answer, ways: Fixes | None, side_by_side: list[Answer]
) -> Iterator[Drawable]:
    """The answer; of saving a copy and of moving where it can go, of overwriting what the previous owner loses."""
    from tabwarden.report import answers
    from tabwarden.report.remarks import remarks
    from tabwarden.report.table import Text

    site = questions.site
    yield Text(answers.sentence(site, answer), "bold")
    meaning = _means(site, question)
    yield from [f"it lets a person {meaning}"] if meaning else []
    yield answers.trace_table(site, answer)
    yield from answers.disputed_lines(site, answer)
    yield from remarks(site, question, answer)
    places, handover = questions.places(question), questions.handover(question)
    if places or handover is not None:
        from tabwarden.report import abilities

        yield from [abilities.targets_table(site, places)] if places else []
        yield from abilities.handover_lines(site, handover) if handover is not None else ()
    if side_by_side:
        yield answers.models_table(site, side_by_side)
    if ways is not None:
        yield from _fixes(site, ways)


def _fixes(site: Site, fixes: Fixes) -> Iterator[Drawable]:
    """Each way in the words of what-if, and what else it changes."""
    from tabwarden.report.access_changes import also, fixes_heading, steps_of
    from tabwarden.report.table import Text

    yield Text(fixes_heading(fixes), "bold")
    for number, way in enumerate(fixes.ways, 1):
        for step, words in enumerate(steps_of(site, way)):
            yield f"{number}. {words}" if step == 0 else f"   {words}"
        for words in also(site, fixes, way):
            yield Text(f"     {words}", "dim")
