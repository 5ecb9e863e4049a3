"""What somebody is told of himself names nothing that Tableau does not show him, and is what the whole site answers."""

from __future__ import annotations

import inspect
import json
import re
from dataclasses import replace

import pytest
from dense_sites import UNREAD_SHARES, dense_site
from small_site import group, project, site, workbook

from tabwarden.access.answer import Answer
from tabwarden.access.question import Asked
from tabwarden.commands._options import Asking
from tabwarden.commands.who_what import what
from tabwarden.commands.why import why
from tabwarden.mirror import own
from tabwarden.mirror.own import NOT_SHOWN, OF_HIS, OwnQuestions
from tabwarden.model.capability import CHANGE_PERMISSIONS
from tabwarden.model.errors import UnknownName
from tabwarden.model.site import Site
from tabwarden.questions import Questions
from tabwarden.report.answers import answer_json, decider, sentence, trace
from tabwarden.report.table import Table, flat, words_of
from tabwarden.web.answers import answered


def _loud(quiet: Site) -> Site:
    """The same Site, in which every name is found again wherever it is told."""
    tables = {
        name: {key: replace(thing, name=f"«{key}»") for key, thing in getattr(quiet, name).items()}
        for name in ("users", "groups", "group_sets", "contents")
    }
    return replace(quiet, **tables)


class _OfOneself(Asking):
    """A question of somebody about himself, as the pages put it."""

    own: OwnQuestions

    def questions(self) -> Questions:
        return self.own

    def use(self, site: Site) -> None:
        del site


def _everything_told(questions: OwnQuestions, user: str) -> str:
    """What he is told: his contents, each capability and ability of them, and some with all that `why` tells."""
    asking = _OfOneself()
    asking.own = questions
    site, words = questions.site, []
    answers = [answered(what, user, asking=asking)]
    for content in site.contents:
        every = (*questions.on(user, content), *questions.abilities(user, content))
        words += [json.dumps(answer_json(site, one), ensure_ascii=False) for one in every]
        words += [f"{decider(site, one)} {sentence(site, one)}" for one in every]
        some = ("capability:Read", "ability:see_data", "ability:move")
        answers += [answered(why, user, one, content, asking=asking, models=True) for one in some]
    for answer in answers:
        words += [json.dumps(answer.document(), ensure_ascii=False), *answer.notes]
        for part in flat(list(answer.parts)):
            rows = [[words_of(cell) for cell in row] for row in part.rows] if isinstance(part, Table) else part.words
            words.append(str(rows))
    return "\n".join(words)


def _leaks(whole: Site, user: str) -> set[str]:
    """The hidden things that he is told of; groups are hidden where he sets permissions nowhere."""
    questions = Questions(whole)
    told = _everything_told(OwnQuestions(questions, user), user)
    shown = set(questions.what_ids(user, "Read"))
    somewhere = any(
        questions.answer(Asked(user, what_, one, what_ != CHANGE_PERMISSIONS)).allowed
        for one in shown
        for what_ in (CHANGE_PERMISSIONS, "set_project_rules")
    )
    hidden = {*whole.users, *whole.contents} - shown - {user}
    if not somewhere:
        hidden |= {key for key, one in whole.groups.items() if not one.everyone} | {*whole.group_sets}
    return {key for key in hidden if f"«{key}»" in told or re.search(rf"\b{key}\b", told)}


@pytest.mark.parametrize("seed", range(10))
def test_nothing_hidden_is_named(seed: int) -> None:
    whole = _loud(dense_site(seed, unread=UNREAD_SHARES[seed % 4], users=4, items=6))
    user = sorted(whole.users)[seed % len(whole.users)]
    assert _leaks(whole, user) == set()


@pytest.mark.parametrize("name", ["_place", "_grantee"])
def test_a_name_that_slips_through_is_caught(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def slips(_: OwnQuestions, given: object, **__: object) -> object:
        return given.id if name == "_grantee" else given  # type: ignore[attr-defined]

    seeds = (_loud(dense_site(seed, users=4, items=6)) for seed in range(10))
    monkeypatch.setattr(OwnQuestions, name, slips)
    assert any(_leaks(whole, sorted(whole.users)[n % len(whole.users)]) for n, whole in enumerate(seeds))


@pytest.mark.parametrize("seed", range(10))
def test_the_verdicts_are_those_of_the_whole_site(seed: int) -> None:
    questions = Questions(dense_site(seed))
    for user in questions.site.users:
        mine = OwnQuestions(questions, user)
        assert set(mine.site.contents) == set(questions.what_ids(user, "Read"))
        for content in mine.site.contents:
            for told, whole in zip(mine.on(user, content), questions.on(user, content), strict=True):
                assert (told.verdict, told.because) == (whole.verdict, whole.because)


def test_every_question_is_answered_for_oneself_or_not_at_all() -> None:
    """A method that is added to Questions would evaluate on a Site without rules, and so tell nonsense."""
    only_words = {"asked", "capability"}
    public = {name for name, _ in inspect.getmembers(Questions, inspect.isfunction) if not name.startswith("_")}
    assert public - only_words <= set(vars(OwnQuestions))


@pytest.fixture
def company() -> OwnQuestions:
    """Ann sees a workbook in a project that she does not see, by a rule for a group of hers."""
    return OwnQuestions(
        Questions(
            site(
                project("Plans"),
                project("Secret", "Plans", workbook=("group:buyers +Read", "user:bob -Read"), mode="LockedToProject"),
                workbook("Budget", "Secret"),
                workbook("Hidden", "Plans"),
                users=["ann:Viewer"],
                groups=[group("buyers", "ann")],
            )
        ),
        "ann",
    )


def test_reasons_name_neither_groups_nor_hidden_projects(company: OwnQuestions) -> None:
    (answer,) = (one for one in company.on("ann", "Budget") if one.what == "Read")
    assert sentence(company.site, answer) == f"ann has `View` on Budget: a rule allows it to group {OF_HIS}."
    assert answer.governing is not None
    assert answer.governing.holder == NOT_SHOWN


def test_a_place_is_told_by_no_path_that_leads_through_what_is_hidden() -> None:
    """Moving goes to the first place that takes it, which Tableau names without what holds it."""
    secret = [project("Secret"), project("Open", "Secret", "group:buyers +Read", "group:buyers +Write")]
    owned = workbook("Budget", None, owner="ann")
    own_project = project("Own", None, owner="ann")
    whole = site(
        *secret,
        own_project,
        replace(owned, parent="Own"),
        users=["ann:Creator"],
        groups=[group("buyers", "ann")],
    )
    question = Asked("ann", "move", "Budget", ability=True)
    assert "Secret/Open" in sentence_and_trace(whole, Questions(whole).why(question))
    mine = OwnQuestions(Questions(whole), "ann")
    assert "Secret" not in sentence_and_trace(mine.site, mine.why(question))


def sentence_and_trace(of: Site, answer: Answer) -> str:
    return f"{sentence(of, answer)} {trace(of, answer)}"


def test_hidden_and_absent_are_not_found_alike(company: OwnQuestions) -> None:
    def words(content: str) -> str:
        with pytest.raises(UnknownName) as error:
            company.asked("ann", "View", content)
        return str(error.value).replace(content, "")

    assert words("Plans/Hidden") == words("Plans/Absent") == words("Secret")


def test_a_guess_costs_no_search_where_much_is_seen(company: OwnQuestions, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(UnknownName, match="near it"):
        company.asked("ann", "View", "Bugdet")
    monkeypatch.setattr(own, "FEW", 0)
    with pytest.raises(UnknownName, match="give its path"):
        company.asked("ann", "View", "Bugdet")
    assert company.asked("ann", "View", "Budget").content == "Budget"


def test_about_others_nothing_is_answered(company: OwnQuestions) -> None:
    for refused in (lambda: company.who("Read", "Budget"), lambda: company.reach("bob"), lambda: company.what("ann")):
        with pytest.raises(UnknownName, match="auditor"):
            refused()


def test_where_he_sets_permissions_groups_have_their_names() -> None:
    rules = ("group:buyers -Read", "user:ann +Read", f"user:ann +{CHANGE_PERMISSIONS}", "user:bob -Read")
    things = (project("Plans"), workbook("Budget", "Plans", *rules))
    whole = site(*things, users=["ann:ExplorerCanPublish"], groups=[group("buyers", "ann")])
    answer: Answer = OwnQuestions(Questions(whole), "ann").why(Asked("ann", "Read", "Budget"))
    assert [lost.rule.grantee.id for lost in answer.losing] == ["buyers"]
    assert own.OF_HIS not in sentence(whole, answer)
