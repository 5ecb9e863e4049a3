"""One question with its full reason, by plain dictionaries: for a single answer they beat arrays.

The Answer equals the reference's: verdict, reason, deciding and losing rules, ceiling, governing list and trace.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import MISSING, fields
from typing import NamedTuple

from tabwarden.access.answer import ALLOWED, DENIED, UNKNOWN, Answer, Losing, Step, Verdict
from tabwarden.engine.columns import NONE
from tabwarden.engine.explain_facts import Gate, Lookups, Person, Place, Power, SpeakingRule
from tabwarden.engine.index import Parts
from tabwarden.model.capability import CHANGE_PERMISSIONS
from tabwarden.model.open_points import DENY_FIRST
from tabwarden.model.site import ALLOW, DENY, Rule

_WORD = {True: "yes", False: "no", None: "unknown"}
_NO_OVERRIDE = Step("override", "none")
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


class One:
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
        asked = lookups.asked.get(capability) or lookups.named(capability)
        gate = asked.gates.get(person.role << 8 | place.code) or lookups.gate(person, place, asked)
        speaking = asked.speaking.get(place.rules)
        if speaking is None:
            speaking = lookups.speaking_of(place.rules, asked.name)
        mine = person.grantees
        deciding: tuple[Rule, ...] = ()
        losing: tuple[Losing, ...] = ()
        override = _NO_OVERRIDE
        if gate.alone is not None:
            verdict, because, override, spoke = gate.alone
            if speaking:
                either = mine | person.perhaps if person.perhaps else mine
                losing = tuple([Losing(rule, because) for grantee, _, rule in speaking if grantee in either])
        elif not gate.plain or place.owner == person.number or not place.ruling.isdisjoint(mine):
            return self._whole(Question(user, content, person, place, gate, asked.name, speaking))
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
        for put, value in _UNSAID:
            put(answer, value)
        _verdict(answer, verdict)
        _because(answer, because)
        _user(answer, user)
        _what(answer, asked.name)
        _content(answer, content)
        _model(answer, self.model)
        _deciding(answer, deciding)
        _losing(answer, losing)
        _ceiling(answer, gate.ceiling)
        _governing(answer, place.governing)
        _steps(answer, (*gate.steps, override, place.level, spoke))
        return answer

    def _whole(self, asked: Question) -> Answer:
        """The steps one by one, for whom or where more than role and rules decides."""
        sure, perhaps = asked.person.grantees, asked.person.perhaps
        asked = asked._replace(
            speaking=[each for each in asked.speaking if each.grantee in sure or each.grantee in perhaps]
        )
        if self.model == DENY_FIRST:
            found = self._deny_first(asked)
            if found is not None:
                return found
        return self._tableau(asked)

    def _deny_first(self, asked: Question) -> Answer | None:
        """The mirror model: any Deny wins over everything but an administrator."""
        if asked.place.rules == NONE:
            return self._decided(asked, UNKNOWN, "not_read")
        denies = [each for each in asked.speaking if each.rule.mode == DENY]
        sure = tuple(each.rule for each in denies if each.grantee in asked.person.grantees)
        if sure:
            return self._decided(asked, DENIED, "deny_rule", deciding=sure)
        return self._decided(asked, UNKNOWN, "not_read") if denies else None

    def _tableau(self, asked: Question) -> Answer:
        """Steps 2b to 6."""
        person, place = asked.person, asked.place
        power = self.lookups.power(person, place.project)
        if power is None and place.owner == person.number:
            power = Power("content_owner", place.owned, None)
        editable = self._editable(asked) if asked.capability == CHANGE_PERMISSIONS else True
        if power is not None:
            if editable:
                override = Step("override", power.reason, (power.at,))
                return self._decided(asked, ALLOWED, power.reason, override=override, at=power)
            return self._decided(asked, *_locked(editable), override=Step("override", power.reason))
        verdict, because, deciding = self._by_rules(asked)
        if verdict == DENIED or editable:
            return self._decided(asked, verdict, because, deciding=deciding)
        barred = _locked(editable)
        lock = (Step("lock", _WORD[editable]),)
        return self._decided(asked, verdict, because, deciding=deciding, barred=barred, lock=lock)

    def _by_rules(self, asked: Question) -> tuple[Verdict, str, tuple[Rule, ...]]:
        place, person = asked.place, asked.person
        if place.rules == NONE:
            return UNKNOWN, "not_read", ()
        if not person.perhaps:
            step = min((each.step for each in asked.speaking), default=self.silent)
            because = self.because[step]
            verdict: Verdict = ALLOWED if because.endswith("_allow") else DENIED
        else:
            sure = [each for each in asked.speaking if each.grantee in person.grantees]
            step = min((each.step for each in sure), default=self.silent)
            because = self.because[step]
            verdict = ALLOWED if because.endswith("_allow") else DENIED
            for mode in (ALLOW, DENY):
                if self._with(asked, mode) != verdict:
                    return UNKNOWN, "not_read", ()
        # What was not read about leaders matters only to somebody the rules leave outside.
        if verdict == DENIED and self.lookups.power_unknown(person, place.project):
            return UNKNOWN, "not_read", ()
        mine = person.grantees
        deciding = tuple(each.rule for each in asked.speaking if each.step == step and each.grantee in mine)
        return verdict, because, deciding

    def _with(self, asked: Question, mode: str) -> str:
        """The verdict if every rule of that mode which perhaps speaks did speak."""
        sure = asked.person.grantees
        steps = (each.step for each in asked.speaking if each.rule.mode == mode or each.grantee in sure)
        return ALLOWED if self.because[min(steps, default=self.silent)].endswith("_allow") else DENIED

    def _editable(self, asked: Question) -> bool | None:
        """Whether locks leave the editing of permissions to the person; None when what decides was not read."""
        place = asked.place
        if place.lock_unread:
            return None
        if place.lock == NONE or self.lookups.power(asked.person, place.lock) is not None:
            return True
        return None if self.lookups.power_unknown(asked.person, place.lock) else False

    def _decided(
        self,
        asked: Question,
        verdict: Verdict,
        because: str,
        *,
        deciding: tuple[Rule, ...] = (),
        override: Step = _NO_OVERRIDE,
        at: Power | None = None,
        barred: tuple[Verdict, str] | None = None,
        lock: tuple[Step, ...] = (),
    ) -> Answer:
        """The Answer; `barred` is what a lock makes of what the rules gave."""
        rules = Step("rules", because if deciding else ("unknown" if verdict == UNKNOWN else "none"))
        losing = tuple(Losing(each.rule, because) for each in asked.speaking if each.rule not in deciding)
        if barred is not None:
            verdict, because = barred
        leading = (at.rule,) if at is not None and at.rule is not None else ()
        return Answer(
            verdict,
            because,
            asked.user,
            asked.capability,
            asked.content,
            self.model,
            deciding or leading,
            losing,
            at.at if at is not None else None,
            asked.gate.ceiling,
            asked.place.governing,
            (*asked.gate.steps, override, asked.place.level, rules, *lock),
        )


def _locked(editable: bool | None) -> tuple[Verdict, str]:
    """What a lock makes of an answer, whether it is there or nobody read."""
    return (UNKNOWN, "not_read") if editable is None else (DENIED, "locked_project")
