"""A case file's questions put to a Site that was read: people, content and capabilities by their names there.

"Test permissions out" (blog, best practices). Not the cases that bring their own site (`running`).
"""

from __future__ import annotations

from tabwarden.access.abilities import can
from tabwarden.access.answer import Answer
from tabwarden.access.reference import may
from tabwarden.cases.file import Case, Json
from tabwarden.cases.running import MISTAKES, Verdict, differences, mistake, switches_of
from tabwarden.change.whatif import done
from tabwarden.model.capability import capability_named
from tabwarden.model.errors import UnknownName
from tabwarden.model.site import Content, Site
from tabwarden.model.switches import Switches


def run_on(site: Site, case: Case) -> Verdict:
    """The case's question to this Site, its own setup left aside; `steps` are changes in the words of what-if.

    Under both models where it says so. An event of provisioning is no question and fails with that.
    """
    if case.kind == "provisioning":
        return Verdict(case, ("the case cannot be run: an event is not a question that a snapshot answers",))
    for model in ("current", "classic") if case.model == "both" else (case.model,):
        verdict = _run(site, case, model)
        if not verdict.passed:
            break
    return verdict


def _run(site: Site, case: Case, model: str) -> Verdict:
    question = case.raw["question"]
    try:
        switches = switches_of(case)
        site = _after(site, question.get("steps") or (), switches)
        answer = _ask(site, question, model, switches)
    except MISTAKES as error:
        return Verdict(case, (mistake(error),))
    return Verdict(case, tuple(differences(case, answer)), answer, site)


def _after(site: Site, steps: object, switches: Switches) -> Site:
    if not isinstance(steps, list | tuple) or any(not isinstance(step, str) for step in steps):
        raise UnknownName("the steps to take on a snapshot are changes in words, as in `lock Finance`")
    after, tried = done(site, steps, switches)
    refused = [f"`{t.words}` ({t.because})" for t in tried if not t.done]
    if refused:
        raise UnknownName(f"Tableau would refuse {', '.join(refused)}")
    return after


def _ask(site: Site, question: Json, model: str, switches: Switches) -> Answer:
    user = site.find_user(str(question["user"])).id
    held = _content(site, question.get("object"))
    if "capability" in question:
        if held is None:
            raise UnknownName(f"`{question['capability']}` needs an object to be asked about")
        capability = capability_named(str(question["capability"]), held.kind)
        return may(site, user, capability, held.id, model=model, switches=switches)
    target, to = _content(site, question.get("target")), question.get("to")
    return can(
        site,
        user,
        question["action"],
        held.id if held is not None else None,
        target=target.id if target is not None else None,
        to=site.find_user(str(to)).id if to is not None else None,
        model=model,
        switches=switches,
    )


def _content(site: Site, words: object) -> Content | None:
    """By path, `kind:path` or id; `content:` before a path says nothing."""
    return None if words is None else site.find_content(str(words).removeprefix("content:"))
