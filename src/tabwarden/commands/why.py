"""`tabwarden why`: one question to a snapshot, with the trace and, where asked, fixes and models. Writes nothing."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from tabwarden.commands._answer import PLAIN, Output
from tabwarden.commands._options import NEWEST, Asking, typed
from tabwarden.commands._parsing import ANYTHING, CAPABILITIES, CONTENTS, PEOPLE, Argument, Option
from tabwarden.commands._words import CAPABILITY, CONTENT, IS, PERSON, in_order, is_capability, is_content, is_group
from tabwarden.model.errors import UnknownName

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tabwarden.access.answer import Answer
    from tabwarden.access.question import Asked
    from tabwarden.compare.fix import Fixes
    from tabwarden.model.site import Site
    from tabwarden.questions import Questions
    from tabwarden.report.table import Drawable


def why(
    user: Annotated[str, Argument("User name, `domain\\name` or id; or a group.", of=PEOPLE)],
    capability: Annotated[str, Argument("Any name of it, or `ability:web_save_as`.", of=CAPABILITIES)],
    content: Annotated[str | None, Argument("Path, as in `Finance/Budget`, or id.", of=CONTENTS)] = None,
    target: Annotated[
        str | None, Option("--to", about="The project to save or move to, or the new owner.", of=ANYTHING)
    ] = None,
    fix: Annotated[bool, Option("--fix", about="The smallest changes that would give, or take, it.")] = False,
    choose: Annotated[
        int | None, Option("--choose", about="With --fix: the number of the way that becomes a plan.")
    ] = None,
    out: Annotated[Path | None, Option("--out", about="With --choose: where to write that plan.")] = None,
    models: Annotated[bool, Option("--models", about="current, classic and deny_first side by side.")] = False,
    asking: Asking = NEWEST,
    output: Output = PLAIN,
) -> None:
    """One sentence, then ceiling, override, level, the winning rule and the losing ones.

    Of a group: who in it may, each with what decided.
    """
    from tabwarden.access.answer import UNKNOWN
    from tabwarden.model.open_points import MODELS

    if (choose is None) is not (out is None) or (choose is not None and not fix):
        raise UnknownName("say `--fix --choose NUMBER --out FILE` to make a plan of a way, all three of them")
    questions = asking.questions()
    if content is None:
        _demand_capability(questions.site, user, capability)
    else:
        words = (user, capability, content)
        user, capability, content = in_order(questions.site, "why", words, (PERSON, CAPABILITY, CONTENT))
    if content is not None and is_group(questions.site, user):
        _of_group(questions, (user, capability, content), {"--to": target, "--fix": fix, "--models": models}, output)
        return
    question = questions.asked(user, capability, content, to=target)
    answer = questions.why(question)
    ways = None
    if fix:
        with output.progress("weighing") as progress:
            ways = questions.fixes(question, progress)
    if ways is not None and choose is not None and out is not None:
        _keep(questions.site, ways, choose, out, asking.settings)
    side_by_side = [questions.answer(question._replace(model=name)) for name in MODELS] if models else []
    unknown = question.ability and answer.verdict == UNKNOWN
    output.warn_partial(questions.site, connections=unknown)
    output.give(
        _parts(questions, question, answer, ways, side_by_side),
        lambda: _as_json(questions, question, answer, ways, side_by_side),
        of=questions.site,
        connections=unknown,
    )


def _keep(site: Site, ways: Fixes, number: int, path: Path, settings: Path | None) -> None:
    """The way of that number as a plan in a file. UnknownName where there is no such way."""
    from tabwarden.commands._output import say
    from tabwarden.run.whatif import plan_of

    if not 1 <= number <= len(ways.ways):
        raise UnknownName(f"there is no way {number}: {len(ways.ways)} are told; choose one of them by its number")
    plan = plan_of(site, ways.ways[number - 1].changes(site), path, settings=settings)
    say(f"plan {plan.id} written to {path}; next: tabwarden apply {path}")


def _demand_capability(site: Site, user: str, words: str) -> None:
    """UnknownName for a person and a content alone, in either order, which ask of no capability."""
    for person, content in ((user, words), (words, user)):
        if IS[PERSON](site, person) and not is_capability(site, content) and is_content(site, content):
            from tabwarden.model.errors import UnknownName

            raise UnknownName(
                f"say which capability of `{person}` on `{content}` is asked about, as in `tabwarden why "
                f"{typed(person)} View {typed(content)}`; `tabwarden what {typed(person)} {typed(content)}` tells all"
            )


def _of_group(questions: Questions, words: tuple[str, str, str], options: Mapping[str, object], output: Output) -> None:
    """The people of a group who may; UnknownName with options, or for an ability, that are about one person."""
    from tabwarden.commands.who_what import show_people
    from tabwarden.model.capability import ui_name

    site, name = questions.site, words[0]
    group, on = site.find_group(name), site.find_content(words[2])
    given = next((option for option, value in options.items() if value), None)
    if given is not None:
        raise UnknownName(f"`{name}` is a group, and `{given}` is about one person; name a member")
    named = questions.capability(words[1].removeprefix("capability:"), on)
    members = site.members(group.id)
    inside = ((some, tuple(user for user in some.users if user in members)) for some in questions.who(named, on.id))
    people = [some._replace(users=users) for some, users in inside if users]
    may = sum(len(some.users) for some in people if some.answer.allowed)
    heading = f"{may} of {len(members)} people in the group {group.name} may `{ui_name(named, on.kind)}` "
    heading += site.path(on.id)
    show_people(questions, (named, on.id), people, heading, output, everybody=True)


def _means(site: Site, question: Asked) -> str | None:
    """What the capability lets a person do on that kind; None of an ability, or where nobody knows."""
    from tabwarden.model.means import means

    return (
        None
        if question.ability or question.content is None
        else means(question.what, site.contents[question.content].kind)
    )


def _remarks(questions: Questions, question: Asked, answer: Answer) -> Iterator[str]:
    """What surprises; it names others, and so nobody is told it of himself alone."""
    from tabwarden.report.remarks import remarks

    return iter(()) if questions.of_oneself else remarks(questions.site, question, answer)


def _as_json(
    questions: Questions, question: Asked, answer: Answer, ways: Fixes | None, side_by_side: list[Answer]
) -> dict[str, Any]:
    from tabwarden.report.answers import answer_json

    site = questions.site
    document: dict[str, Any] = {"taken": site.taken.when, **answer_json(site, answer)}
    document["means"] = _means(site, question)
    document["remarks"] = list(_remarks(questions, question, answer))
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
    from tabwarden.report.table import Text

    site = questions.site
    yield Text(answers.sentence(site, answer), "bold")
    meaning = _means(site, question)
    yield from [f"it lets a person {meaning}"] if meaning else []
    yield answers.trace_table(site, answer)
    yield from answers.disputed_lines(site, answer)
    yield from _remarks(questions, question, answer)
    places, handover = questions.places(question), questions.handover(question)
    if places or handover is not None:
        from tabwarden.report import abilities

        yield from [abilities.targets_table(site, places)] if places else []
        yield from abilities.handover_lines(site, handover) if handover is not None else ()
    if side_by_side:
        from tabwarden.report.models import models_table

        yield models_table(site, side_by_side)
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
