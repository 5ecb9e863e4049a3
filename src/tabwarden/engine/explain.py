"""One question with its full reason, by plain dictionaries: for a single answer they beat arrays.

The Answer equals the reference's: verdict, reason, deciding and losing rules, ceiling, governing list and trace.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import MISSING, fields
from typing import NamedTuple

from tabwarden.access.answer import ALLOWED, DENIED, UNKNOWN, Answer, Losing, Step, Verdict
from tabwarden.engine.columns import NONE
from tabwarden.engine.explain_facts import NO_OVERRIDE, WORD, Gate, Lookups, Person, Place, Power, SpeakingRule
from tabwarden.engine.index import Parts
from tabwarden.model.capability import CHANGE_PERMISSIONS
from tabwarden.model.open_points import DENY_FIRST
from tabwarden.model.roles import is_admin
from tabwarden.model.site import ALLOW, DENY, Rule

_SILENT = Step("rules", "none")

# An Answer filled slot by slot, in half the time of its constructor, which is a third of a question.
_new = object.__new__
_SAID = tuple("verdict because user what content model deciding losing ceiling governing steps".split())
_verdict, _because, _user, _what, _content, _model, _deciding, _losing, _ceiling, _governing, _steps = (
    getattr(Answer, name).__set__ for name in _SAID
)
_UNSAID = tuple(
    (getattr(Answer, field.name).__set__, () if field.default_factory is not MISSING else field.default)
    for field in fields(Answer)
    if field.name not in _SAID
)


class Question(NamedTuple):
    """One question with everything that was looked up for it; `speaking` are the rules that speak of the person, for
    sure or perhaps, in order."""

    user: str
    content: str
    person: Person
    place: Place
    gate: Gate
    capability: str
    speaking: Sequence[SpeakingRule]


class SingleAnswers:
    """Single answers of one site."""

    def __init__(self, parts: Parts) -> None:
        self.lookups = Lookups(parts)
        self.model = parts.model
        self.because = (*(step[2] for step in self.lookups.order), "default_deny")
        self.silent = len(self.lookups.order)
        self.outcome = [
            (code, ALLOWED if mode == ALLOW else DENIED, Step("rules", code)) for _, mode, code in self.lookups.order
        ]

    def answer(self, user: str, capability: str, content: str) -> Answer:
        """The Answer to one question, by ids."""
        lookups = self.lookups
        person = lookups.persons.get(user) or lookups.person(user)
        place = lookups.places.get(content) or lookups.place(content)
        of_capability = lookups.capabilities.get(capability) or lookups.named(capability)
        gate = of_capability.gates.get(person.role << 8 | place.column) or lookups.gate(person, place, of_capability)
        speaking = of_capability.speaking.get(place.rules)
        if speaking is None:
            speaking = lookups.speaking_of(place.rules, of_capability.name)
        mine = person.grantees
        deciding: tuple[Rule, ...] = ()
        losing: tuple[Losing, ...] = ()
        override = NO_OVERRIDE
        if gate.alone is not None:
            verdict, because, override, spoke = gate.alone
            if speaking:
                either = mine | person.perhaps if person.perhaps else mine
                losing = tuple([Losing(rule, because) for grantee, _, rule in speaking if grantee in either])
        elif not gate.plain or place.owner == person.number or not place.ruling.isdisjoint(mine):
            return self._whole(Question(user, content, person, place, gate, of_capability.name, speaking))
        else:  # what nearly every question is: the rules decide
            hits = [(step, rule) for grantee, step, rule in speaking if grantee in mine]
            if not hits:
                verdict, because, spoke = DENIED, "default_deny", _SILENT
            elif len(hits) == 1:
                step, rule = hits[0]
                because, verdict, spoke = self.outcome[step]
                deciding = (rule,)
            else:
                first = min(hits)[0]
                because, verdict, spoke = self.outcome[first]
                deciding = tuple([rule for step, rule in hits if step == first])
                if len(deciding) < len(hits):
                    losing = tuple([Losing(rule, because) for step, rule in hits if step != first])
        answer = _new(Answer)
        for fill, value in _UNSAID:
            fill(answer, value)
        _verdict(answer, verdict)
        _because(answer, because)
        _user(answer, user)
        _what(answer, of_capability.name)
        _content(answer, content)
        _model(answer, self.model)
        _deciding(answer, deciding)
        _losing(answer, losing)
        _ceiling(answer, gate.ceiling)
        _governing(answer, place.governing)
        _steps(answer, (*gate.steps, override, place.level, spoke))
        return answer

    def _whole(self, question: Question) -> Answer:
        """The steps one by one, for whom or where more than role and rules decides."""
        sure, perhaps = question.person.grantees, question.person.perhaps
        question = question._replace(
            speaking=[speaker for speaker in question.speaking if speaker.grantee in sure or speaker.grantee in perhaps]
        )
        if self.model == DENY_FIRST:
            answer = self._deny_first(question)
            if answer is not None:
                return answer
        return self._tableau(question)

    def _deny_first(self, question: Question) -> Answer | None:
        """The mirror model: any Deny wins over everything but an administrator."""
        if question.place.rules == NONE:
            return self._decided(question, UNKNOWN, "not_read")
        denies = [speaker for speaker in question.speaking if speaker.rule.mode == DENY]
        sure = tuple(speaker.rule for speaker in denies if speaker.grantee in question.person.grantees)
        if sure:
            return self._decided(question, DENIED, "deny_rule", deciding=sure)
        return self._decided(question, UNKNOWN, "not_read") if denies else None

    def _tableau(self, question: Question) -> Answer:
        """Steps 2b to 6."""
        person, place = question.person, question.place
        if place.owner != person.number and is_admin(person.word):
            return self._decided(question, DENIED, "personal_space")
        power = self.lookups.power(person, place.project)
        if power is None and place.owner == person.number:
            power = Power("content_owner", place.owned, None)
        editable = self._editable(question) if question.capability == CHANGE_PERMISSIONS else True
        if power is not None:
            if editable:
                override = Step("override", power.reason, (power.at,))
                return self._decided(question, ALLOWED, power.reason, override=override, at=power)
            return self._decided(question, *_locked(editable), override=Step("override", power.reason))
        verdict, because, deciding = self._by_rules(question)
        if verdict == DENIED or editable:
            return self._decided(question, verdict, because, deciding=deciding)
        barred = _locked(editable)
        lock = (Step("lock", WORD[editable]),)
        return self._decided(question, verdict, because, deciding=deciding, barred=barred, lock=lock)

    def _by_rules(self, question: Question) -> tuple[Verdict, str, tuple[Rule, ...]]:
        place, person = question.place, question.person
        if place.rules == NONE:
            return UNKNOWN, "not_read", ()
        if not person.perhaps:
            step = min((speaker.step for speaker in question.speaking), default=self.silent)
            because = self.because[step]
            verdict: Verdict = ALLOWED if because.endswith("_allow") else DENIED
        else:
            sure = [speaker for speaker in question.speaking if speaker.grantee in person.grantees]
            step = min((speaker.step for speaker in sure), default=self.silent)
            because = self.because[step]
            verdict = ALLOWED if because.endswith("_allow") else DENIED
            for mode in (ALLOW, DENY):
                if self._with(question, mode) != verdict:
                    return UNKNOWN, "not_read", ()
        # What was not read about leaders matters only to somebody the rules leave outside.
        if verdict == DENIED and self.lookups.power_unknown(person, place.project):
            return UNKNOWN, "not_read", ()
        mine = person.grantees
        deciding = tuple(rule for grantee, at, rule in question.speaking if at == step and grantee in mine)
        return verdict, because, deciding

    def _with(self, question: Question, mode: str) -> str:
        """The verdict if every rule of that mode which perhaps speaks did speak."""
        sure = question.person.grantees
        steps = (speaker.step for speaker in question.speaking if speaker.rule.mode == mode or speaker.grantee in sure)
        return ALLOWED if self.because[min(steps, default=self.silent)].endswith("_allow") else DENIED

    def _editable(self, question: Question) -> bool | None:
        """Whether locks leave the editing of permissions to the person; None when what decides was not read."""
        place = question.place
        if place.lock_unread:
            return None
        if place.lock == NONE or self.lookups.power(question.person, place.lock) is not None:
            return True
        return None if self.lookups.power_unknown(question.person, place.lock) else False

    def _decided(
        self,
        question: Question,
        verdict: Verdict,
        because: str,
        *,
        deciding: tuple[Rule, ...] = (),
        override: Step = NO_OVERRIDE,
        at: Power | None = None,
        barred: tuple[Verdict, str] | None = None,
        lock: tuple[Step, ...] = (),
    ) -> Answer:
        """The Answer; `barred` is what a lock makes of what the rules gave."""
        rules = Step("rules", because if deciding else ("unknown" if verdict == UNKNOWN else "none"))
        losing = tuple(Losing(speaker.rule, because) for speaker in question.speaking if speaker.rule not in deciding)
        if barred is not None:
            verdict, because = barred
        leading = (at.rule,) if at is not None and at.rule is not None else ()
        return Answer(
            verdict,
            because,
            question.user,
            question.capability,
            question.content,
            self.model,
            deciding or leading,
            losing,
            at.at if at is not None else None,
            question.gate.ceiling,
            question.place.governing,
            (*question.gate.steps, override, question.place.level, rules, *lock),
        )


def _locked(editable: bool | None) -> tuple[Verdict, str]:
    """What a lock makes of an answer, whether it is there or nobody read."""
    return (UNKNOWN, "not_read") if editable is None else (DENIED, "locked_project")
