"""What somebody may be told of himself: his own answers, in words that name nothing which Tableau does not show him.

He is on a site of his own (`OwnQuestions.site`): himself, and what he may View, each content under the nearest thing
above it that he sees. So what is hidden cannot be named, and is not found as little as what is not there. The answers
are those of the whole site. In their reasons, groups have their names where he may set permissions, for there Tableau's
own dialog shows them; nobody else is named anywhere.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from functools import cached_property
from typing import Any, NoReturn

from tabwarden.access.abilities.question import PERSONAL_SPACE, TOP_LEVEL
from tabwarden.access.answer import Answer, Disputed, Losing, Step
from tabwarden.access.few import FEW
from tabwarden.access.question import Asked
from tabwarden.model.capability import CHANGE_PERMISSIONS
from tabwarden.model.errors import UnknownName
from tabwarden.model.governing import Governing
from tabwarden.model.resolver import contents_meant
from tabwarden.model.site import NO_RULES, Content, Grantee, Rule, Site
from tabwarden.questions import VIEW, Questions, Reachable

NOT_SHOWN, OF_HIS = "(not shown)", "(of yours)"


class OwnQuestions(Questions):
    """The questions of one person about himself; whatever is about others is an UnknownName."""

    of_oneself = True

    def __init__(self, whole: Questions, user: str) -> None:
        super().__init__(_seen_by(whole, user), model=whole.model, open_points=whole.open_points)
        self._whole, self._user = whole, user

    def why(self, question: Asked) -> Answer:
        """As the whole site answers it, with the open points that would turn it."""
        return self._own(self._whole.why(question))

    def answer(self, question: Asked) -> Answer:
        """As the whole site answers it."""
        return self._own(self._whole.answer(question))

    def on(self, user: str, content: str, *, doubts: bool = False) -> list[Answer]:
        """His own Answer for every capability of a content that he sees."""
        shown = self.site.contents[content].id
        return [self._own(answer) for answer in self._whole.on(user, shown, doubts=doubts)]

    def abilities(self, user: str, content: str) -> list[Answer]:
        """His own Answer for every ability of a content that he sees."""
        shown = self.site.contents[content].id
        return [self._own(answer) for answer in self._whole.abilities(user, shown)]

    def reach(self, user: str) -> list[Reachable]:
        """Everything that he may View, by the names that he sees."""
        self._demand(user)
        rows = (row._replace(path=self.site.path(row.content)) for row in self._whole.reach(user))
        return sorted(rows, key=lambda reachable: reachable.path.casefold())

    def views(self, user: str) -> int:
        """How many contents he may View."""
        self._demand(user)
        return len(self.site.contents)

    def places(self, question: Asked) -> tuple[tuple[str, Answer], ...]:
        """Of an ability whose target was left open: those that he sees."""
        places = self._whole.places(question)
        shown = (*self.site.contents, PERSONAL_SPACE, TOP_LEVEL)
        return tuple((place, self._own(answer)) for place, answer in places if place in shown)

    def handover(self, question: Asked) -> None:
        """What somebody else loses is not told."""
        del question

    def _about_others(self, *_: Any, **__: Any) -> NoReturn:
        raise UnknownName("you may ask what you may do yourself; about others asks whoever has the right `auditor`")

    who = who_ids = what = what_ids = granted = admitting = compare = what_if = fixes = beside = _about_others

    def _demand(self, user: str) -> None:
        if user != self._user:
            self._about_others()

    # -- in words of his own -------------------------------------------------------------------------------------

    def _own(self, answer: Answer) -> Answer:
        """The same Answer without a name that he is not shown."""
        self._demand(answer.user)
        return self._worded(answer, named=self._sets_permissions(answer.content))

    @cached_property
    def _set(self) -> dict[str, bool]:
        return {}

    def _sets_permissions(self, content: str | None) -> bool:
        """Whether Tableau opens the dialog of permissions for him there."""
        thing = self._whole.site.contents.get(content or "")
        if thing is None:
            return False
        if thing.id not in self._set:
            project = thing.kind == "project"
            what = "set_project_rules" if project else CHANGE_PERMISSIONS
            under = self._whole
            question = Asked(self._user, what, thing.id, project, model=under.model, open_points=under.open_points)
            self._set[thing.id] = self._whole.answer(question).allowed
        return self._set[thing.id]

    def _worded(self, answer: Answer, *, named: bool) -> Answer:
        return replace(
            answer,
            content=self._place(answer.content),
            at=self._place(answer.at),
            governing=answer.governing and self._governing(answer.governing),
            deciding=self._rules(answer.deciding, named=named),
            losing=tuple(Losing(self._rule(lost.rule, named=named), lost.to) for lost in answer.losing),
            steps=tuple(map(self._step, answer.steps)),
            conditions=tuple(self._worded(part, named=named) for part in answer.conditions),
            disputed=tuple(self._disputed(other, named=named) for other in answer.disputed),
        )

    def _disputed(self, other: Disputed, *, named: bool) -> Disputed:
        return other._replace(deciding=self._rules(other.deciding, named=named), at=self._place(other.at))

    def _governing(self, governing: Governing) -> Governing:
        return governing._replace(holder=str(self._place(governing.holder)), rules=NO_RULES)

    def _rules(self, rules: tuple[Rule, ...], *, named: bool) -> tuple[Rule, ...]:
        return tuple(self._rule(rule, named=named) for rule in rules)

    def _rule(self, rule: Rule, *, named: bool) -> Rule:
        return rule._replace(grantee=Grantee(rule.grantee.kind, self._grantee(rule.grantee, named=named)))

    def _grantee(self, grantee: Grantee, *, named: bool) -> str:
        """What he is told of somebody whom a rule speaks of; `site.groups` of his own holds nobody."""
        site = self._whole.site
        if grantee.kind == "user":
            return grantee.id if grantee.id == self._user else NOT_SHOWN
        thing = site.groups.get(grantee.id) if grantee.kind == "group" else site.group_sets.get(grantee.id)
        if thing is not None and (named or getattr(thing, "everyone", False)):
            return thing.name
        mine = site.groups_of(self._user) if grantee.kind == "group" else site.group_sets_of(self._user)
        return OF_HIS if grantee.id in mine else NOT_SHOWN

    def _place(self, content: str | None) -> str | None:
        return content if content is None or content in self.site.contents else NOT_SHOWN

    def _step(self, step: Step) -> Step:
        """Without ids of what he does not see; a condition in words tells of no place, whose path may be hidden."""
        if step.name == "condition":
            return step._replace(detail=tuple(words.partition(": ")[0] for words in step.detail))
        return step._replace(detail=tuple(map(self._detail, step.detail)))

    def _detail(self, words: str) -> str:
        site, own = self._whole.site, self.site
        if words in own.contents or words == self._user:
            return words
        hidden = words in site.contents or words in site.users or words in site.groups or words in site.group_sets
        return NOT_SHOWN if hidden else words


def _seen_by(whole: Questions, user: str) -> Site:
    """The site as somebody sees it: himself and what he may View, without a rule."""
    site = whole.site
    return _OwnSite(
        id=site.id,
        name=site.name,
        content_url=site.content_url,
        users={user: site.users[user]},
        contents=_Seen(site, whole.what_ids(user, VIEW), user),
        settings=site.settings,
        taken=site.taken,
        partial=site.partial,
    )


class _OwnSite(Site):
    """A Site that tells what is called nearly so of few contents alone: whoever guesses does not cost a second."""

    def find_content(self, words: str) -> Content:
        """The one content that is meant by path, `kind:path` or id."""
        if len(self.contents) > FEW and not contents_meant(self, words):
            raise UnknownName(f"no content `{words}` on site `{self.name}`; give its path, as in `Finance/Budget`")
        return super().find_content(words)


class _Seen(Mapping[str, Content]):
    """The contents that somebody sees, each under the nearest thing above it that he sees."""

    def __init__(self, site: Site, ids: list[str], user: str) -> None:
        self._site, self._user = site, user
        self._ids: dict[str, Content | None] = dict.fromkeys(ids)

    def __getitem__(self, key: str) -> Content:
        content = self._ids[key]
        if content is None:
            content = self._ids[key] = self._seen(self._site.contents[key])
        return content

    def __contains__(self, key: object) -> bool:
        return key in self._ids

    def _seen(self, content: Content) -> Content:
        """Without a rule, and under the nearest thing above it that he sees."""
        above = (parent for parent in self._site.ancestors(content.parent) if parent in self._ids)
        own = content.owner == self._user
        return Content(
            content.id,
            content.kind,
            content.name,
            next(above, None),
            self._user if own else NOT_SHOWN,
            description=content.description,
            tabs=content.tabs,
        )

    def __iter__(self) -> Iterator[str]:
        return iter(self._ids)

    def __len__(self) -> int:
        return len(self._ids)
