"""The permission checker: a person and a content, all capabilities and abilities; each opens its why and its fixes."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import TYPE_CHECKING, NamedTuple

from starlette.responses import Response

from tabwarden.access.abilities.ability import ANY_TARGET
from tabwarden.access.answer import Answer
from tabwarden.access.question import Asked as Question
from tabwarden.commands import why
from tabwarden.model.capability import KIND_NAMES, capabilities_of
from tabwarden.model.errors import TabwardenError, UnknownName
from tabwarden.model.open_points import MODELS
from tabwarden.model.roles import ui_role
from tabwarden.model.usage import proves
from tabwarden.report.access_changes import also, fixes_heading, steps_of
from tabwarden.report.answers import asked_name, decider, grantee_name
from tabwarden.report.table import flat
from tabwarden.run.whatif import plan_of
from tabwarden.web.answers import Asked, answered
from tabwarden.web.asking import asking_of, person_asked, shown
from tabwarden.web.rights import AUDITOR, OPERATOR
from tabwarden.web.visit import Visit, page

if TYPE_CHECKING:
    from tabwarden.compare.fix import Fix, Fixes
    from tabwarden.model.site import Content, Site, User
    from tabwarden.model.usage import LastUse
    from tabwarden.questions import Questions

SNAPSHOT_GONE = "a newer snapshot has come in since this page was shown; look at what it does now, and choose again"


class GridRow(NamedTuple):
    """One capability or ability: by which words it is asked for, its name, the Answer, and those of the other models.

    `last` is the last use, None where no event would tell of it. `doubts` are open points that would turn it, `strange`
    models that have no such capability.
    """

    words: str
    name: str
    answer: Answer
    others: tuple[Answer, ...]
    last: str | None
    doubts: tuple[str, ...]
    strange: tuple[str, ...]

    @property
    def differs(self) -> bool:
        """Whether another model, or another answer to an open point, says otherwise."""
        return bool(self.doubts) or any(other.verdict != self.answer.verdict for other in self.others)


def _grid(questions: Questions, user: str, content: str, use: LastUse | None, *, models: bool) -> Iterator[GridRow]:
    site, others = questions.site, [name for name in MODELS if name != questions.model] if models else []
    kind = site.contents[content].kind
    for one in (*questions.on(user, content, doubts=True), *questions.abilities(user, content)):
        is_ability = bool(one.conditions)
        question = Question(user, one.what, content, is_ability, model=questions.model)
        question = question._replace(open_points=questions.open_points)
        answer = questions.why(question) if is_ability and models else one
        used = use.of(user, content, one.what) if use is not None and not is_ability and proves(one.what) else None
        yield GridRow(
            f"{'ability' if is_ability else 'capability'}:{one.what}",
            asked_name(site, one),
            answer,
            tuple(questions.answer(question._replace(model=name)) for name in others),
            used,
            tuple(dict.fromkeys(other.open_point for other in answer.disputed)),
            tuple(name for name in others if not is_ability and one.what not in capabilities_of(kind, name)),
        )


@page("/check", audit="looked")
def check(visit: Visit) -> Response:
    """The grid of a person on a content; without both the form that asks for them."""
    is_asked = visit.word("user") or visit.user or AUDITOR not in visit.rights
    user, content = person_asked(visit) if is_asked else "", visit.word("content")
    values = {"title": "Check", "user": user, "content": content, "models": visit.word("models") == "yes"}
    if not (user and content):
        return shown(visit, "checker.html", **values, rows=None)
    if visit.word("capability"):
        return visit.go("/check/why", user=user, capability=visit.word("capability"), content=content)
    asking = asking_of(visit)
    questions = asking.questions()
    person, on = questions.site.find_user(user), questions.site.find_content(content)
    rows = list(_grid(questions, person.id, on.id, asking.use(questions.site), models=bool(values["models"])))
    facts = {
        "heading": _heading(questions, person, on),
        "rows": rows,
        "counts": Counter(row.answer.verdict for row in rows),
        "reasons": {row.words: decider(questions.site, row.answer) for row in rows},
        "places": [(f"ability:{name}", name.replace("_", " ")) for name in ANY_TARGET if _moves(on, name)],
        "other_models": [name for name in MODELS if name != questions.model],
        "used": asking.use(questions.site) is not None,
        "model": questions.model,
    }
    return shown(visit, "checker.html", **values, **facts)


def _moves(content: Content, ability: str) -> bool:
    """Whether an ability that asks for a place makes sense for that kind."""
    return content.kind != "view" if ability == "move" else content.kind in ("workbook", "view", "datasource", "flow")


def _heading(questions: Questions, person: User, content: Content) -> str:
    site = questions.site
    who = f"{site.called(person.id)}, {ui_role(person.site_role)}"
    return f"{who}, on the {KIND_NAMES[content.kind]} {site.path(content.id)}"


# -- one capability ----------------------------------------------------------------------------------------------


@page("/check/why", audit="looked")
def reasons(visit: Visit) -> Response:
    """Why somebody may or may not: the sentence, the trace, the models, the last use, and what would change it."""
    user, content, capability = person_asked(visit), visit.word("content"), visit.word("capability")
    if not capability:
        raise UnknownName("say which capability is asked about, as in `View`")
    asking = asking_of(visit)
    questions = asking.questions()
    question = questions.asked(user, capability, content or None, to=visit.word("to") or None)
    target = visit.word("to") or None
    answer = answered(why.why, user, capability, content or None, target=target, models=True, asking=asking)
    sentence, *rest = flat(list(answer.parts))
    fixes = _fixes(visit, questions, question) if visit.word("fix") == "yes" else None
    values = {
        "title": "Why",
        "user": user,
        "content": content,
        "capability": capability,
        "to": target or "",
        "answer": answer,
        "sentence": sentence,
        "rest": rest,
        "state": questions.answer(question).verdict,
        "grantees": _grantees(questions, question),
        "last": _last(asking, questions, question),
        "fixable": AUDITOR in visit.rights,
        "fixes": fixes,
        "planning": OPERATOR in visit.rights,
        "to_ask_for": _to_ask_for(visit, question, content),
        "asked_for": "" if question.ability else question.what,
    }
    return shown(visit, "why.html", **values)


def _grantees(questions: Questions, question: Question) -> list[str]:
    """Who or which group gave or took it, as `group Sales`; names alone lead somewhere."""
    answer = questions.answer(question)
    return sorted({grantee_name(questions.site, rule.grantee) for rule in answer.deciding})


def _last(asking: Asked, questions: Questions, question: Question) -> str:
    """When she last did it, in words; empty where no event would tell of it, or no use was read."""
    use = asking.use(questions.site)
    if use is None or question.ability or question.content is None or not proves(question.what):
        return ""
    when = use.of(question.user, question.content, question.what)
    first = f"since {use.days[0]}" if use.days else ""
    return f"last used {when}" if when else f"not used {first}".strip()


def _to_ask_for(visit: Visit, question: Question, words: str) -> str:
    """What to name when one asks for more of one's own: the path, or the id where others call it otherwise."""
    if visit.user is None or question.user != visit.user.id or question.content is None:
        return ""
    return words if visit.site.site.contents_at(words) == (question.content,) else question.content


class Way(NamedTuple):
    """One way to turn the answer: its steps in words, and what else it changes."""

    steps: list[str]
    also: list[str]
    people: int
    decisions: int


def ways_of(site: Site, fixes: Fixes) -> list[Way]:
    """What would turn an answer, best first, each with its effect on people."""
    user = fixes.question.user
    return [
        Way(steps_of(site, way), also(site, fixes, way), way.reach.count.others(user), way.decisions)
        for way in fixes.ways
    ]


def way_chosen(fixes: Fixes, visit: Visit) -> Fix:
    """The way that a form chose by its number; TabwardenError where it was shown of an older snapshot."""
    if visit.word("tag") != visit.site.tag:
        raise TabwardenError(SNAPSHOT_GONE)
    number = visit.word("choose")
    if not number.isdecimal() or not 1 <= int(number) <= len(fixes.ways):
        raise UnknownName(f"there is no way `{number}`: {len(fixes.ways)} are told; choose one of them by its number")
    return fixes.ways[int(number) - 1]


def _fixes(visit: Visit, questions: Questions, question: Question) -> tuple[str, list[Way]]:
    """What would turn it, in words."""
    if AUDITOR not in visit.rights:
        raise UnknownName("what would change an answer tells of others; that is asked by whoever has `auditor`")
    fixes = questions.fixes(question)
    return fixes_heading(fixes), ways_of(questions.site, fixes)


@page("/check/plan", OPERATOR, methods=("POST",))
def plan_fix(visit: Visit) -> Response:
    """The way of that number becomes a plan of the store; nothing is applied."""
    if AUDITOR not in visit.rights:
        raise UnknownName("making a plan of a way takes the right `auditor` too, since it tells of others")
    asking, words = asking_of(visit), visit.word("content") or None
    questions = asking.questions()
    question = questions.asked(visit.word("user"), visit.word("capability"), words, to=visit.word("to") or None)
    changes = way_chosen(questions.fixes(question), visit).changes(questions.site)
    plan = plan_of(questions.site, changes, settings=visit.settings)
    number = visit.keep(plan)
    visit.audit("planned", f"plan {number} ({plan.id})")
    return visit.go(f"/plans/{number}")
