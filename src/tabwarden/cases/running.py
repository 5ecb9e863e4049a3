"""Running a case: its steps done, its question put in every way, its event to the life-cycle, the differences named."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import Any

from tabwarden.access.abilities.question import TOP_LEVEL, target_named
from tabwarden.access.answer import ALLOWED, Answer
from tabwarden.access.question import Asked
from tabwarden.cases.events import Happened, happen
from tabwarden.cases.file import Case, Json, grantee_of, named_project, rules_of, site_of, thing_on
from tabwarden.cases.ways import Opened, Said, Way, check
from tabwarden.effects import content
from tabwarden.model.capability import demand_known
from tabwarden.model.errors import TabwardenError, UnknownName
from tabwarden.model.governing import managing_project
from tabwarden.model.open_points import OpenPoints, open_points_from
from tabwarden.model.roles import current_role
from tabwarden.model.site import ALL_USERS, CUSTOMIZABLE, Content, Rules, Site

# Three codes are on record for a user who exists (tableau-permissions §8.4).
USER_EXISTS = ("409000", "409017", "409107")


@dataclass(frozen=True, slots=True)
class Verdict:
    """What came out: `problems` is empty when the case passes; `answer` is the last answer, for its trace.

    `ways` tells of every way that could be asked whether it said what the case states.
    """

    case: Case
    problems: tuple[str, ...]
    answer: Answer | None = None
    site: Site | None = None
    ways: Mapping[str, bool] = field(default_factory=dict)

    @property
    def passed(self) -> bool:
        """Whether everything the case states came out."""
        return not self.problems


ONE_WAY: Mapping[str, Way] = MappingProxyType({"check": check})


def run(case: Case, ways: Mapping[str, Way] = ONE_WAY) -> Verdict:
    """Run one case in each of these ways, under its model or under both where it says so.

    An event of provisioning is asked of the life-cycle, whatever the ways.
    """
    if case.problems:
        return Verdict(case, case.problems)
    if case.kind == "provisioning":
        return _provisioning(case)
    try:
        site = site_of(case.raw["setup"])
        for step in case.raw["question"].get("steps", ()):
            site = _STEPS[step["op"]](site, step)
        question = _put(site, case)
        return judged(case, Opened(site), question, ways)
    except MISTAKES as error:
        return Verdict(case, (mistake(error),))


def judged(case: Case, opened: Opened, question: Asked, ways: Mapping[str, Way]) -> Verdict:
    """The question put in every way under every model of the case, until one of the models fails."""
    agreed: dict[str, bool] = {}
    for model in ("current", "classic") if case.model == "both" else (case.model,):
        under_model = question._replace(model=model)
        if not question.ability:
            demand_known(question.what, model)
        answer = under_model.of(opened.site)
        problems: dict[str, list[str]] = {}
        for name, way in ways.items():
            said = way(opened, under_model)
            if said is not None:
                differing = list(differences(case, said))
                agreed[name] = agreed.get(name, True) and not differing
                for words in differing:
                    problems.setdefault(words, []).append(name)
        if problems:
            break
    listed = (f"{words} (model {model}{_by(names)})" for words, names in problems.items())
    return Verdict(case, tuple(listed), answer, opened.site, agreed)


def _by(names: list[str]) -> str:
    """Which ways said so; the plain check needs no mention."""
    return "" if names == ["check"] else f"; {', '.join(names)}"


# What a case with a mistake in it leads to; the case fails and the others go on.
MISTAKES = (KeyError, TypeError, ValueError, AttributeError, TabwardenError)


def mistake(error: Exception) -> str:
    """What is wrong with a case that cannot be run."""
    what = f"`{error.args[0]}` is missing or names nothing" if isinstance(error, KeyError) else str(error)
    return f"the case cannot be run: {what}"


def open_points_of(case: Case) -> OpenPoints:
    """The open points as the case has them: `open_points: {name: value}`, or the one word `blog`."""
    given = case.raw.get("open_points") or {}
    if isinstance(given, str):
        return open_points_from((given,))
    return open_points_from(f"{name}={value}" for name, value in given.items())


def _put(site: Site, case: Case) -> Asked:
    """The question by ids."""
    question, open_points = case.raw["question"], open_points_of(case)
    user, about, target = question["user"], question.get("object"), question.get("target")
    about = None if about is None else thing_on(site, about, "question.object")
    if "capability" in question:
        return Asked(user, question["capability"], about, open_points=open_points)
    if target is not None:
        target = target_named(target) or thing_on(site, target, "question.target", project=True)
    elif question["action"] == "move":
        target = TOP_LEVEL
    return Asked(user, question["action"], about, True, target, question.get("to"), open_points=open_points)


def differences(case: Case, said: Said) -> Iterator[str]:
    """Where what was said is not what the case states; the reason is compared of capabilities, where one is given."""
    expected = case.raw["expected"]
    verdict = "allow" if said.verdict == ALLOWED else "deny"
    if verdict != expected:
        reason = f" because {said.because}" if said.because is not None else ""
        yield f"expected {expected}, found {said.verdict}{reason}"
    because = case.raw.get("because")
    if case.kind == "capability" and because and said.because not in (None, because):
        yield f"expected because {because}, found {said.because}"


def _provisioning(case: Case) -> Verdict:
    try:
        happened = happen(case.raw["setup"], case.raw["question"])
    except MISTAKES as error:
        return Verdict(case, (mistake(error),))
    return Verdict(case, tuple(_event_differences(case, happened)))


def _event_differences(case: Case, happened: Happened) -> Iterator[str]:
    expected, verdict = case.raw["expected"], "allow" if happened.done else "deny"
    if verdict != expected:
        yield f"expected {expected}, found {verdict} because {happened.because}"
    for name, value in (case.raw.get("result") or {}).items():
        if name not in happened.facts:
            yield f"no fact is called `{name}`; facts here are {', '.join(sorted(happened.facts))}"
            continue
        actual = happened.facts[name]
        if not _same(name, value, actual):
            yield f"expected {name} {value!r}, found {actual!r}"


def _same(name: str, expected: Any, actual: Any) -> bool:
    """Groups compare as sets in which everybody's All Users is understood; of several codes any one is right."""
    if name == "groups" and isinstance(expected, list) and actual is not None:
        return {*expected, ALL_USERS} == {*actual, ALL_USERS}
    if name == "error" and str(expected) in USER_EXISTS:
        return actual in USER_EXISTS
    if name == "owner_of" and isinstance(expected, dict):
        return all(actual.get(content) == owner for content, owner in expected.items())
    if name in ("site_role", "role") and isinstance(expected, str):
        return current_role(expected) == current_role(str(actual))
    return bool(expected == actual)


# -- steps ---------------------------------------------------------------------------------------------------


def _about(site: Site, step: Json) -> str:
    """The content a step is about: `object`, `project` or `workbook`."""
    words = step.get("object") or step.get("workbook")
    if words is not None:
        return thing_on(site, words, step["op"])
    if step.get("project") is None:
        raise UnknownName(f"the step `{step['op']}` needs an `object`, a `project` or a `workbook`")
    return thing_on(site, str(named_project(step["project"])), f"{step['op']}.project")


def _rules(step: Json) -> Rules:
    return rules_of(step["rules"] if "rules" in step else [step["rule"]])


def _default_for(step: Json) -> str | None:
    return step.get("default_for")


def _create_project(site: Site, step: Json) -> Site:
    name, mode = step["id"], step.get("mode") or CUSTOMIZABLE
    owner = step.get("owner") or step.get("by") or ""
    return content.create_project(
        site, Content(f"project:{name}", "project", name, named_project(step.get("parent")), owner, mode=mode)
    )


def _publish(site: Site, step: Json) -> Site:
    """New content, or over what is there: then who publishes becomes the owner and old views keep their rules."""
    name, by = f"content:{step['id']}", step.get("by") or ""
    views = [Content(f"content:{v}", "view", v, name, by) for v in step.get("views") or ()]
    if name in site.contents:
        site = content.overwrite(site, name, by, [v for v in views if v.id not in site.contents])
        if step.get("tabs") is None or step["tabs"] == site.contents[name].tabs:
            return site
        return content.show_tabs(site, name) if step["tabs"] else content.hide_tabs(site, name)
    project = thing_on(site, str(named_project(step["project"])), "publish.project")
    born = Content(name, step["type"], step["id"], project, by, tabs=step.get("tabs") is not False)
    site = content.publish(site, born, views)
    if "rules" in step and managing_project(site, project) is None:
        # The publisher's own choice in the dialog, which a lock does not offer.
        site = content.replace_rules(site, name, _rules(step))
        site = content.hide_tabs(content.show_tabs(site, name), name) if not born.tabs else site
    return site


def _set_role(site: Site, step: Json) -> Site:
    return site.with_users(replace(site.users[step["user"]], site_role=step["role"]))


def _move(site: Site, step: Json) -> Site:
    target = step.get("target")
    return content.move(
        site, _about(site, step), None if target is None else thing_on(site, target, "move.target", project=True)
    )


_STEPS: Mapping[str, Callable[[Site, Json], Site]] = {
    "set_mode": lambda site, step: content.set_mode(site, _about(site, step), step["mode"]),
    "show_tabs": lambda site, step: content.show_tabs(site, _about(site, step)),
    "hide_tabs": lambda site, step: content.hide_tabs(site, _about(site, step)),
    "add_rule": lambda site, step: content.add_rules(
        site, _about(site, step), _rules(step), default_for=_default_for(step)
    ),
    "remove_rule": lambda site, step: content.remove_rules(
        site, _about(site, step), _rules(step), default_for=_default_for(step)
    ),
    "publish": _publish,
    "create_project": _create_project,
    "move": _move,
    "overwrite": lambda site, step: content.overwrite(site, _about(site, step), step["by"]),
    "change_owner": lambda site, step: content.change_owner(site, _about(site, step), step["to"]),
    "set_role": _set_role,
    "remove_leader": lambda site, step: content.remove_leader(site, _about(site, step), grantee_of(step["grantee"])),
    "assign_to_contents": lambda site, step: content.assign_to_contents(site, _about(site, step)),
}
