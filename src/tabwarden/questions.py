"""What is asked of one Site: it chooses whether the reference answers or the engine, and the reference confirms.

A single answer is the reference's. Of a list of more than `FEW` answers the engine gives each, and the reference says
why, once for all of whom the same facts speak, and is asked `FEW` of them at random: where they differ, nobody is
answered. Whoever asks need not know which of the two it was (docs/decisions/0012-questions.md).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from functools import cached_property
from typing import TYPE_CHECKING, NamedTuple, TypeVar

from tabwarden.access.abilities.ability import ABOUT_A_PERSON, ANY_TARGET, OVERWRITES, ability_meant, of_kind, targets
from tabwarden.access.abilities.question import target_named
from tabwarden.access.answer import ALLOWED, DENIED, UNKNOWN, Answer, Step
from tabwarden.access.disputes import with_disputes
from tabwarden.access.few import FEW
from tabwarden.access.granted import Granted, granted, granted_on_all
from tabwarden.access.on_demand import admitting
from tabwarden.access.question import Asked
from tabwarden.access.reference import as_seen_by, capabilities_on, may
from tabwarden.compare.people import Beside, side_by_side
from tabwarden.model.capability import (
    LEADER_CAPABILITIES,
    ai_access,
    capabilities_of,
    capability_named,
    demand_known,
)
from tabwarden.model.errors import Disagreement, UnknownName
from tabwarden.model.governing import governing
from tabwarden.model.open_points import CURRENT, DOCUMENTED, MODELS, OpenPoints
from tabwarden.model.scope import shown_to
from tabwarden.model.site import Content, Grantee, Group, Site

if TYPE_CHECKING:
    from random import Random

    from tabwarden.compare.fix import Fixes
    from tabwarden.compare.handover import Handover
    from tabwarden.compare.snapshots import Compared
    from tabwarden.compare.what_if import WhatIf
    from tabwarden.engine.by_user import Masks
    from tabwarden.engine.engine import Engine

_Thing = TypeVar("_Thing")
Progress = Callable[[int, int], None]


class People(NamedTuple):
    """People (ids) to whom one answer is given; `answer` is that of the first of them."""

    users: tuple[str, ...]
    answer: Answer

    def answers(self) -> Iterator[Answer]:
        """Everybody's own."""
        return (replace(self.answer, user=user) for user in self.users)


class Reachable(NamedTuple):
    """A content that a person may View, and all that she may there (REST names, in the order of the dialog)."""

    content: str
    kind: str
    path: str
    allowed: tuple[str, ...]


class Questions:
    """The questions to one Site under one model and its open points; UnknownName for a model there is not.

    People, contents and capabilities are ids and REST names; `asked`, `capability` and `Site.find_*` say what words
    mean. Disagreement where engine and reference differ.
    """

    of_oneself = False  # whether they may name nobody else (`mirror.own`)

    def __init__(self, site: Site, *, model: str = CURRENT, open_points: OpenPoints = DOCUMENTED) -> None:
        if model not in MODELS:
            raise UnknownName(f"no model is called `{model}`; models are {', '.join(MODELS)}")
        self.site, self.model, self.open_points = site, model, open_points
        self._answers = 0  # that the reference gave to lists

    @cached_property
    def engine(self) -> Engine:
        """The engine over the Site's columns, which are opened where they lie beside it, and else made."""
        from tabwarden.engine.convert import columns_of
        from tabwarden.engine.engine import Engine

        return Engine(columns_of(self.site), self.model, self.open_points)

    # -- what words ask -------------------------------------------------------------------------------------------

    def asked(self, user: str, words: str, content: str | None = None, *, to: str | None = None) -> Asked:
        """What words ask: a user's name, a capability or ability by name, a content's path.

        `to` is the project it goes to, for what is handed to or is about a person that person. Where a word names
        both, as `publish` does, the capability is meant where the kind has it; `ability:publish` and
        `capability:publish` say which. UnknownName or AmbiguousName for words that mean nothing, or several things.
        """
        site = self.site
        person = site.find_user(user)
        on = site.find_content(content) if content is not None else None
        prefix, _, rest = words.strip().partition(":")
        by_name = prefix.casefold() == "capability"
        words = rest if by_name else words
        action = None if by_name else ability_meant(words, on)
        if action is None:
            if on is None:
                raise UnknownName(f"`{words}` needs a content to be asked about; give its path, as in `Finance/Budget`")
            named = self.capability(words, on)
            return Asked(person.id, named, on.id, model=self.model, open_points=self.open_points)
        about = on.id if on else None
        question = Asked(person.id, action, about, ability=True, model=self.model, open_points=self.open_points)
        if to is None:
            return question
        if action in ABOUT_A_PERSON:
            return question._replace(to=site.find_user(to).id)
        return question._replace(target=target_named(to) or site.find_content(to).id)

    def capability(self, words: str, content: Content) -> str:
        """A capability by any of its names; one unknown to this release only if a rule of the site names it.

        UnknownName too for one that the model cannot know.
        """
        try:
            name = ai_access(words, self.open_points) or capability_named(words, content.kind)
        except UnknownName:
            strange = next((name for name in self._strange if name.casefold() == words.strip().casefold()), None)
            if strange is None:
                raise
            name = strange
        demand_known(name, self.model)
        return name

    @cached_property
    def _strange(self) -> tuple[str, ...]:
        """Capabilities that rules name, as far as nobody knows them or a name means another one."""
        if self.site.columns_beside is not None:
            return tuple(self.engine.columns.vocabulary.capabilities)
        contents = self.site.contents.values()
        lists = (rules for content in contents for rules in (content.rules, *content.defaults.values()))
        return tuple(sorted({rule.capability for rules in lists for rule in rules or ()}))

    # -- one answer ------------------------------------------------------------------------------------------------

    def why(self, question: Asked) -> Answer:
        """The reference's Answer, with the open points that would turn it. KeyError for who or what is not there."""
        answer = with_disputes(lambda under: question._replace(open_points=under).of(self.site), question.open_points)
        return self._shown(answer)

    def answer(self, question: Asked) -> Answer:
        """The reference's Answer under the model and the open points of the question, and no others."""
        return self._shown(question.of(self.site))

    @cached_property
    def _reader(self) -> str | None:
        """Whom the server lists what he may View, and nothing else (`model.scope`)."""
        return shown_to(self.site)

    def _shown(self, answer: Answer) -> Answer:
        """What a limited reader was shown counts as View for him, though the rules that let him in were not read."""
        if (answer.user, answer.what) != (self._reader, VIEW) or answer.allowed or answer.conditions:
            return answer
        return replace(answer, verdict=ALLOWED, because="shown", steps=(*answer.steps, Step("shown", "yes")))

    def on(self, user: str, content: str, *, doubts: bool = False) -> list[Answer]:
        """One person's Answer for every capability of a content; with the open points that would turn it (`doubts`)."""
        ask = self.why if doubts else self.answer
        question = Asked(user, "", content, model=self.model, open_points=self.open_points)
        names = capabilities_on(self.site, content, self.model)
        return [ask(question._replace(what=name)) for name in names]

    def abilities(self, user: str, content: str) -> list[Answer]:
        """One person's Answer for every ability that a content of that kind knows, but for those that ask for a
        target or a person to be judged.
        """
        question = Asked(user, "", content, True, model=self.model, open_points=self.open_points)
        names = of_kind(self.site.contents[content].kind)
        answers = [self.answer(question._replace(what=name)) for name in names]
        return [one for one in answers if all(part.because != "not_applicable" for part in (one, *one.conditions))]

    def _may(self, user: str, capability: str, content: str) -> Answer:
        return may(self.site, user, capability, content, model=self.model, open_points=self.open_points)

    def places(self, question: Asked) -> tuple[tuple[str, Answer], ...]:
        """Of an ability whose target was left open: every project with the Answer for it as the target."""
        if (
            not question.ability
            or question.what not in ANY_TARGET
            or question.target is not None
            or question.content is None
        ):
            return ()
        return targets(
            self.site,
            question.user,
            question.what,
            question.content,
            model=question.model,
            open_points=question.open_points,
        )

    def handover(self, question: Asked) -> Handover | None:
        """Of an ability that overwrites content: what the previous owner loses."""
        if not question.ability or question.what not in OVERWRITES or question.content is None:
            return None
        if self.site.contents[question.content].kind == "project":
            return None
        from tabwarden.compare.handover import overwritten

        return overwritten(
            self.site, question.content, question.user, model=question.model, open_points=question.open_points
        )

    def admitting(self, capability: str, content: str) -> list[Group]:
        """The groups through which people in whom no snapshot holds may do it (`access.on_demand`)."""
        return list(admitting(self.site, capability, content, model=self.model, open_points=self.open_points))

    # -- who -------------------------------------------------------------------------------------------------------

    def who(self, capability: str, content: str, confirm: int = FEW) -> list[People]:
        """Everybody by the answer they are given, so that each person is in one of the lists.

        The reference gives each list its answer, and is asked about `confirm` people at random beside that.
        """
        if len(self.site.users) <= FEW:
            return [People((user,), self._shown(self._may(user, capability, content))) for user in self.site.users]
        from tabwarden.engine.memberships import people_alike

        columns = self.engine.columns
        number, ids = columns.number("content", content), columns.ids("user")
        groups, apart = self._speaking(capability, content)
        verdicts = self.engine.verdicts(capability, number)
        people_by_answer, place_of = [], verdicts.astype("int64")  # of each person that of his answer
        for place, numbers in enumerate(people_alike(columns, groups, apart)):
            answer = self._may(ids[numbers[0]], capability, content)
            for other in numbers[verdicts[numbers] != VERDICTS.index(answer.verdict)].tolist():
                raise _disagreement(ids[other], capability, content)
            place_of[numbers] = place
            people_by_answer.append(People(tuple(map(ids.__getitem__, numbers.tolist())), answer))
        for number in self._dice(f"{capability} {content}").sample(range(len(ids)), min(confirm, len(ids))):
            answer = people_by_answer[place_of[number]].answer
            if self._may(ids[number], capability, content) != replace(answer, user=ids[number]):
                raise _disagreement(ids[number], capability, content)
        return people_by_answer if self._reader is None else list(self._reader_apart(people_by_answer))

    def _reader_apart(self, people: Iterable[People]) -> Iterator[People]:
        """A limited reader has an answer of his own."""
        for some in people:
            others = tuple(user for user in some.users if user != self._reader)
            if others:
                yield People(others, replace(some.answer, user=others[0]))
            if self._reader in some.users:
                yield People((self._reader,), self._shown(replace(some.answer, user=self._reader)))

    def who_ids(self, capability: str, content: str) -> list[str]:
        """Ids of those who may, in the order of the site; asked of many contents it is worth the engine."""
        reader = self._reader if capability == VIEW else None
        self._answers += len(self.site.users)
        if self._answers <= FEW:
            return [u for u in self.site.users if u == reader or self._may(u, capability, content).allowed]
        columns, names = self.engine.columns, self.engine.columns.names
        numbers = self.engine.who_ids(capability, columns.number("content", content))
        rows = numbers.tolist() if reader is None else sorted({*numbers.tolist(), columns.number("user", reader)})
        return names.words.at(names.user_id[rows]).all()

    def _speaking(self, capability: str, content: str) -> tuple[set[str], set[str]]:
        """Groups and people (ids) that the reference looks at for a capability on a content, whoever is asked about."""
        site = as_seen_by(self.site, self.model)
        on = site.contents[content]
        owned = site.contents.get(on.parent or "", on) if on.kind == "view" else on
        named = {rule.grantee for rule in governing(site, content).rules or () if rule.capability == capability}
        users = {on.owner, owned.owner}
        for project in site.ancestors(content if on.kind == "project" else site.project_of(content)):
            users.add(site.contents[project].owner)
            rules = site.contents[project].rules or ()
            named |= {rule.grantee for rule in rules if rule.capability in LEADER_CAPABILITIES}
        groups = {grantee.id for grantee in named if grantee.kind == "group"}
        sets = (site.group_sets.get(grantee.id) for grantee in named if grantee.kind == "groupSet")
        groups |= {group for group_set in sets if group_set is not None for group in group_set.groups}
        return groups, users | {grantee.id for grantee in named if grantee.kind == "user"}

    # -- what ------------------------------------------------------------------------------------------------------

    def what(self, user: str) -> Masks:
        """All a person may, on every content: masks of the engine's capabilities, contents by number."""
        masks = self.engine.what(self.engine.columns.number("user", user))
        if user != self._reader:
            return masks
        view = masks.allowed.dtype.type(1 << self.engine.bit(VIEW))
        return masks._replace(
            allowed=masks.allowed | view, unknown=None if masks.unknown is None else masks.unknown & ~view
        )

    def what_ids(self, user: str, capability: str) -> list[str]:
        """Ids of the contents on which a person may exercise a capability, in the order of the site.

        Asked again and again, of one person after another, it is worth the engine on a small site too.
        """
        if (user, capability) == (self._reader, VIEW):
            return list(self.site.contents)
        self._answers += len(self.site.contents)
        if self._answers <= FEW:
            return [content for content in self.site.contents if self._may(user, capability, content).allowed]
        columns = self.engine.columns
        numbers = self.engine.what_ids(columns.number("user", user), capability)
        return columns.names.words.at(columns.names.content_id[numbers]).all()

    def views(self, user: str) -> int:
        """How many contents a person may View."""
        if len(self.site.contents) <= FEW:
            return len(self.what_ids(user, "Read"))
        return len(self.engine.what_ids(self.engine.columns.number("user", user), "Read"))

    def reach(self, user: str) -> list[Reachable]:
        """Everything that a person may View, with all she may there, in order of path."""
        small = len(self.site.contents) <= FEW
        one_by_one = small or user == self._reader
        contents = list(self._reach_asked(user)) if one_by_one else self._reach_by_engine(user)
        return sorted(contents, key=lambda reachable: reachable.path.casefold())

    def _reach_asked(self, user: str) -> Iterator[Reachable]:
        for content in self.site.contents.values():
            if self._shown(self._may(user, VIEW, content.id)).allowed:
                allowed = tuple(answer.what for answer in self.on(user, content.id) if answer.allowed)
                yield Reachable(content.id, content.kind, self.site.path(content.id), allowed)

    def _reach_by_engine(self, user: str) -> list[Reachable]:
        from tabwarden.engine.by_user import reachable

        rows = reachable(self.engine.parts, self.engine.columns.number("user", user))
        contents = [Reachable(*row) for row in rows]
        alike = {(one.kind, one.allowed): one for one in reversed(contents)}
        for one in alike.values():
            if tuple(answer.what for answer in self.on(user, one.content) if answer.allowed) != one.allowed:
                raise _disagreement(user, "Read", one.content)
        by_content, dice = {one.content: one for one in contents}, self._dice(user)
        for content in dice.sample(ids := self.engine.columns.ids("content"), min(FEW, len(ids))):
            row, kind = by_content.get(content), self.site.contents[content].kind
            capability = "Read" if row is None else dice.choice(capabilities_of(kind, self.model))
            allowed = row is not None and capability in row.allowed
            if self._may(user, capability, content).allowed != allowed:
                raise _disagreement(user, capability, content)
        return contents

    def beside(self, user: str, other: str) -> list[Beside]:
        """Where two people may not do the same, in order of path; what somebody may not View he may not do at all."""
        return side_by_side(self.reach(user), self.reach(other))

    def _dice(self, about: str) -> Random:
        """What is confirmed is chosen by it: other answers in each snapshot, the same for the same question."""
        from random import Random

        return Random(f"{self.site.taken.when} {about}")

    def granted(self, group: str, content: str | None = None) -> list[Granted]:
        """What the rules that count say of a group: on everything of which they say something, or on one content.

        Of one whose rules were not read nothing.
        """
        site, grantee = as_seen_by(self.site, self.model), Grantee("group", group)
        if content is None:
            return list(granted_on_all(site, grantee))
        return [one for one in (granted(site, grantee, content),) if one is not None]

    # -- two Sites -------------------------------------------------------------------------------------------------

    def compare(self, later: Site, progress: Progress | None = None) -> Compared:
        """This Site and a later one side by side: facts, access, what is unknown. UnknownName for another site's."""
        from tabwarden.compare.access_changes import Under
        from tabwarden.compare.snapshots import compared

        return compared(self.site, later, Under(self.model, self.open_points), progress)

    def what_if(self, sentences: Iterable[str], progress: Progress | None = None) -> WhatIf:
        """What changes would do to people; UnknownName with every sentence that is not understood."""
        from tabwarden.compare.what_if import what_if

        return what_if(self.site, sentences, model=self.model, open_points=self.open_points, progress=progress)

    def fixes(self, question: Asked, progress: Progress | None = None) -> Fixes:
        """The smallest changes that turn an Answer."""
        from tabwarden.compare.fix import fixes

        return fixes(self.site, question, progress=progress)


VIEW = "Read"
VERDICTS = (DENIED, ALLOWED, UNKNOWN)  # as the engine numbers them


def _disagreement(user: str, capability: str, content: str) -> Disagreement:
    return Disagreement(
        f"engine and reference disagree about `{capability}` of user `{user}` on content `{content}`; "
        "nothing of this list is told, please report it with the snapshot"
    )
