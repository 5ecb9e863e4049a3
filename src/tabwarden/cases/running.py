"""Running a case: its question put to the reference, its event to the life-cycle, and the differences named."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from tabwarden.access.abilities import can
from tabwarden.access.answer import ALLOWED, Answer
from tabwarden.access.reference import may
from tabwarden.cases.events import Happened, happen
from tabwarden.cases.file import Case, Json, content_id, site_of
from tabwarden.cases.steps import apply_step
from tabwarden.model.errors import TabwardenError
from tabwarden.model.roles import current_role
from tabwarden.model.site import ALL_USERS, Site
from tabwarden.model.switches import Switches, switches_from

# Three codes are on record for a user who exists (tableau-permissions §8.4).
USER_EXISTS = ("409000", "409017", "409107")


@dataclass(frozen=True, slots=True)
class Verdict:
    """What came out: `problems` is empty when the case passes; `answer` is the last answer, for its trace."""

    case: Case
    problems: tuple[str, ...]
    answer: Answer | None = None
    site: Site | None = None

    @property
    def passed(self) -> bool:
        """Whether everything the case states came out."""
        return not self.problems


def run(case: Case) -> Verdict:
    """Run one case under its model, or under both where it says so."""
    if case.kind == "provisioning":
        return _provisioning(case)
    models = ("current", "classic") if case.model == "both" else (case.model,)
    for model in models:
        verdict = _question(case, model)
        if not verdict.passed:
            return verdict
    return verdict


def _question(case: Case, model: str) -> Verdict:
    try:
        site = site_of(case.raw["setup"])
        question = case.raw["question"]
        for step in question.get("steps", ()):
            site = apply_step(site, step)
        answer = _ask(site, question, model, switches_of(case))
    except MISTAKES as error:
        return Verdict(case, (mistake(error),))
    return Verdict(case, tuple(differences(case, answer)), answer, site)


# What a case with a mistake in it leads to; the case fails and the others go on.
MISTAKES = (KeyError, TypeError, ValueError, AttributeError, TabwardenError)


def mistake(error: Exception) -> str:
    """What is wrong with a case that cannot be run."""
    what = f"`{error.args[0]}` is missing or names nothing" if isinstance(error, KeyError) else str(error)
    return f"the case cannot be run: {what}"


def switches_of(case: Case) -> Switches:
    """The open points as the case has them: `switches: {name: value}`."""
    return switches_from(f"{name}={value}" for name, value in (case.raw.get("switches") or {}).items())


def _ask(site: Site, question: Json, model: str, switches: Switches) -> Answer:
    user, about = question["user"], content_id(site, question.get("object"))
    if "capability" in question:
        return may(site, user, question["capability"], str(about), model=model, switches=switches)
    target = content_id(site, question.get("target"), project=True)
    to = question.get("to")
    return can(site, user, question["action"], about, target=target, to=to, model=model, switches=switches)


def differences(case: Case, answer: Answer) -> Iterator[str]:
    """Where the answer is not what the case states."""
    expected = case.raw["expected"]
    found = "allow" if answer.verdict == ALLOWED else "deny"
    if found != expected:
        yield f"expected {expected}, found {answer.verdict} because {answer.because} (model {answer.model})"
    because = case.raw.get("because")
    if case.kind == "capability" and because and because != answer.because:
        yield f"expected because {because}, found {answer.because} (model {answer.model})"


def _provisioning(case: Case) -> Verdict:
    try:
        happened = happen(case.raw["setup"], case.raw["question"])
    except MISTAKES as error:
        return Verdict(case, (mistake(error),))
    return Verdict(case, tuple(_event_differences(case, happened)))


def _event_differences(case: Case, happened: Happened) -> Iterator[str]:
    expected, found = case.raw["expected"], "allow" if happened.done else "deny"
    if found != expected:
        yield f"expected {expected}, found {found} because {happened.because}"
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
    if name in ("site_role", "role") and isinstance(expected, str):
        return current_role(expected) == current_role(str(actual))
    return bool(expected == actual)
