"""What `import tabwarden` offers: open a site as it was read, and ask it by names.

Everything here takes and gives names as people type them (`ann`, `Finance/Budget`, `View`); a name that fits nobody
is an UnknownName with the nearest ones. What is not exported by `tabwarden` may move between releases.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from tabwarden.access.answer import Answer
from tabwarden.model.errors import TabwardenError, UnknownName
from tabwarden.model.open_points import CURRENT, DOCUMENTED, OpenPoints
from tabwarden.model.site import Site, User
from tabwarden.questions import Questions

if TYPE_CHECKING:
    from tabwarden.compare.access_changes import Reach
    from tabwarden.compare.fix import Fix as _Fix
    from tabwarden.compare.snapshots import Compared
    from tabwarden.effects.change import Change
    from tabwarden.engine.columns import Columns
    from tabwarden.engine.engine import Engine
    from tabwarden.plan.plan import Plan

LAST = "last"
NARROWER, WIDER, BOTH, SAME, UNSURE = "narrower", "wider", "both", "same", "unknown"


class Why:
    """One Answer in names: whether somebody may, and everything that decided it. It refuses to be a bool."""

    def __init__(self, site: Site, answer: Answer) -> None:
        self._site, self.answer = site, answer

    @property
    def allowed(self) -> bool:
        """True only for a yes; a no and an unknown are both not allowed."""
        return self.answer.allowed

    @property
    def verdict(self) -> str:
        """allowed, denied or unknown (a fact that decides was not read)."""
        return self.answer.verdict

    @cached_property
    def user(self) -> str:
        """The user name, as `domain\\name` where it is not the only one."""
        return self._site.called(self.answer.user)

    @cached_property
    def sentence(self) -> str:
        """One sentence that a manager understands."""
        from tabwarden.report.answers import sentence

        return sentence(self._site, self.answer)

    @cached_property
    def trace(self) -> tuple[tuple[str, str], ...]:
        """The steps in order, as (step, words): ceiling, override, level, winning rule, losing rules."""
        from tabwarden.report.answers import trace

        return tuple(trace(self._site, self.answer))

    @cached_property
    def deciding(self) -> tuple[str, ...]:
        """The rules that decided, in words: `Allow View to group Finance`."""
        from tabwarden.report.answers import rule_words

        return tuple(rule_words(self._site, rule) for rule in self.answer.deciding)

    def __bool__(self) -> bool:
        raise TypeError("an answer is not a bool: ask `.allowed`")

    def __repr__(self) -> str:
        return f"<{self.verdict}: {self.sentence}>"


class _Table:
    """Rows that become a data frame."""

    def rows(self) -> list[dict[str, Any]]:
        """A dictionary a row, all with the same keys."""
        raise NotImplementedError

    def to_frame(self) -> Any:
        """The rows as a Polars frame, or a pandas one where Polars is not there; TabwardenError without either."""
        try:
            import polars
        except ImportError:
            try:
                import pandas
            except ImportError:
                raise TabwardenError("a frame takes polars or pandas; install one, or use `.rows()`") from None
            return pandas.DataFrame(self.rows())
        return polars.DataFrame(self.rows())


class Who(_Table):
    """The people of a site for one capability on one content."""

    def __init__(self, questions: Questions, capability: str, content: str) -> None:
        self._site, self._groups = questions.site, questions.who(capability, content)

    @cached_property
    def people(self) -> tuple[str, ...]:
        """Names of those who may, in the order of the site."""
        may = {user for group in self._groups if group.answer.allowed for user in group.users}
        return tuple(self._site.called(user) for user in self._site.users if user in may)

    @property
    def answers(self) -> Iterator[Why]:
        """Everybody's answer with its reasons, those who may not included."""
        return (Why(self._site, answer) for group in self._groups for answer in group.answers())

    def rows(self) -> list[dict[str, Any]]:
        """user, verdict, because (a sentence)."""
        return [{"user": why.user, "verdict": why.verdict, "because": why.sentence} for why in self.answers]

    def __iter__(self) -> Iterator[str]:
        return iter(self.people)

    def __len__(self) -> int:
        return len(self.people)


class Reachable(NamedTuple):
    """A content that somebody may View, and all capabilities she has there, as the dialog names them."""

    path: str
    kind: str
    capabilities: tuple[str, ...]


class What(_Table):
    """Everything that one person may View, with all that she may do there."""

    def __init__(self, questions: Questions, user: str) -> None:
        from tabwarden.model.capability import ui_name

        self.contents = tuple(
            Reachable(row.path, row.kind, tuple(ui_name(name, row.kind) for name in row.allowed))
            for row in questions.reach(user)
        )

    def rows(self) -> list[dict[str, Any]]:
        """path, kind, capabilities (a list)."""
        return [{**row._asdict(), "capabilities": list(row.capabilities)} for row in self.contents]

    def __iter__(self) -> Iterator[Reachable]:
        return iter(self.contents)

    def __len__(self) -> int:
        return len(self.contents)


class Grid(_Table):
    """The permission checker: every capability of one person on one content."""

    def __init__(self, site: Site, answers: Iterable[Answer]) -> None:
        self.answers = tuple(Why(site, answer) for answer in answers)
        self._site = site

    @cached_property
    def allowed(self) -> tuple[str, ...]:
        """The capabilities she has, as the dialog names them."""
        return tuple(row["capability"] for row in self.rows() if row["verdict"] == "allowed")

    def rows(self) -> list[dict[str, Any]]:
        """capability, verdict, because (a sentence)."""
        from tabwarden.report.answers import asked_name

        return [
            {"capability": asked_name(self._site, why.answer), "verdict": why.verdict, "because": why.sentence}
            for why in self.answers
        ]


@dataclass(frozen=True, slots=True)
class AccessChange:
    """The same people who gain (or lose) the same capabilities on the same contents for one reason, by name."""

    people: tuple[str, ...]
    verb: str
    capabilities: tuple[str, ...]
    contents: tuple[str, ...]
    because: str


class AccessChanges(_Table):
    """Whose access differs between two Sites."""

    def __init__(self, before: Site, after: Site, reach: Reach) -> None:
        from tabwarden.report.access_changes import lines

        self.before, self.after, self._reach = before, after, reach
        self.changes = tuple(AccessChange(*line) for line in lines(before, after, reach.shifts))

    @property
    def gained(self) -> tuple[AccessChange, ...]:
        """What people surely gain."""
        return tuple(change for change in self.changes if change.verb == "gains")

    @property
    def lost(self) -> tuple[AccessChange, ...]:
        """What people surely lose."""
        return tuple(change for change in self.changes if change.verb == "loses")

    @property
    def decisions(self) -> int:
        """How many decisions (person x content x capability) differ."""
        return self._reach.count.decisions

    @property
    def verdict(self) -> str:
        """narrower, wider, both, same; unknown where facts that decide were not read."""
        count = self._reach.count
        if count.unsure:
            return UNSURE
        if not count.decisions:
            return SAME
        return BOTH if count.gained and count.lost else WIDER if count.gained else NARROWER

    def rows(self) -> list[dict[str, Any]]:
        """people, verb, capabilities, contents (lists), because."""
        return [
            {
                "people": list(change.people),
                "verb": change.verb,
                "capabilities": list(change.capabilities),
                "contents": list(change.contents),
                "because": change.because,
            }
            for change in self.changes
        ]


class Planned(AccessChanges):
    """Changes that were tried and can be applied."""

    def _written(self) -> tuple[Change, ...]:
        """What a plan writes for them, in order."""
        raise NotImplementedError

    def plan(self, path: str | Path | None = None) -> Plan:
        """The plan that does them, with its impact and stops; written to `path`, `tabwarden apply` does it.

        TabwardenError where this release cannot write one of them to Tableau.
        """
        from tabwarden.run.whatif import plan_of

        return plan_of(self.before, self._written(), None if path is None else Path(path))


class WhatIf(Planned):
    """What changes would do to people; nothing was written."""

    def __init__(self, questions: Questions, sentences: tuple[str, ...]) -> None:
        self.outcome = questions.what_if(sentences)
        super().__init__(self.outcome.before, self.outcome.after, self.outcome.reach)

    def _written(self) -> tuple[Change, ...]:
        """What a plan writes for those that Tableau would not refuse, in order."""
        return self.outcome.changes


class Fix(Planned):
    """One smallest way to turn an answer, with everything else that it changes."""

    def __init__(self, site: Site, fix: _Fix) -> None:
        from tabwarden.report.access_changes import after_fix, steps_of

        super().__init__(site, after_fix(site, fix), fix.reach)
        self.steps = tuple(steps_of(site, fix))
        self._fix = fix

    def _written(self) -> tuple[Change, ...]:
        """What a plan writes for it, in order."""
        return self._fix.changes(self.before)


class Comparison(AccessChanges):
    """Two reads of one site side by side."""

    def __init__(self, compared: Compared) -> None:
        super().__init__(compared.before, compared.after, compared.reach)
        self.compared = compared

    @property
    def facts(self) -> tuple[tuple[str, ...], ...]:
        """What differs besides people's access, each as (of what, which, before, after)."""
        from tabwarden.report.comparison import fact_words

        return tuple(fact_words(self.compared, fact) for fact in self.compared.facts)


class TableauSite:
    """One Tableau site as it was at one moment; `facts` are its values, all questions go by names.

    `model` and `open_points` are those of docs/explanation/permission-model.md.
    """

    def __init__(self, facts: Site, *, model: str = CURRENT, open_points: OpenPoints = DOCUMENTED) -> None:
        self.facts = facts
        self.questions = Questions(facts, model=model, open_points=open_points)

    def why(self, user: str, capability: str, content: str | None = None, *, to: str | None = None) -> Why:
        """May she, and why: a capability or ability by any of its names; `to` is a target project or person."""
        question = self.questions.asked(user, capability, content, to=to)
        return Why(self.facts, self.questions.why(question))

    def who(self, capability: str, content: str) -> Who:
        """Who may exercise a capability on a content."""
        on = self.facts.find_content(content)
        return Who(self.questions, self.questions.capability(capability, on), on.id)

    def what(self, user: str, content: str | None = None) -> What | Grid:
        """All that one person may do: on everything she may View, or every capability on one content."""
        person = self.facts.find_user(user)
        if content is None:
            return What(self.questions, person.id)
        return Grid(self.facts, self.questions.on(person.id, self.facts.find_content(content).id))

    def what_if(self, *changes: str) -> WhatIf:
        """What changes in words would do to people: `lock Finance`, `add ann to Finance`."""
        if changes:
            return WhatIf(self.questions, changes)
        raise UnknownName("there is no change to try; give one in words, as `lock Finance`")

    def fixes(self, user: str, capability: str, content: str | None = None, *, to: str | None = None) -> list[Fix]:
        """The smallest changes that turn the answer, best first; none where what decides was not read."""
        question = self.questions.asked(user, capability, content, to=to)
        return [Fix(self.facts, way) for way in self.questions.fixes(question).ways]

    def compare(self, later: TableauSite) -> Comparison:
        """This read and a later one of the same site."""
        return Comparison(self.questions.compare(later.facts))

    @property
    def users(self) -> tuple[User, ...]:
        """Everybody on the site: docs/reference/python.md."""
        return tuple(self.facts.users.values())

    @property
    def columns(self) -> Columns:
        """The site as arrays (docs/reference/columns.md)."""
        return self.engine.columns

    @property
    def engine(self) -> Engine:
        """The whole-site engine over the columns: numbers and masks instead of names."""
        return self.questions.engine

    def __repr__(self) -> str:
        users, contents = len(self.facts.users), len(self.facts.contents)
        where, when = self.facts.name or self.facts.content_url or "site", self.facts.taken.when or "-"
        return f"<{where}: {users:,} users, {contents:,} contents, read {when}>"


def open(  # noqa: A001 - it is called `tabwarden.open`
    what: str | Path = LAST,
    *,
    site: str | None = None,
    store: str | Path | None = None,
    model: str = CURRENT,
    open_points: OpenPoints = DOCUMENTED,
) -> TableauSite:
    """A site as it was read: `last`, `previous`, a day, a number of the history, a snapshot's folder, or a world.

    `store` is the folder or URL of the history (None: the one the settings here name), `site` the content URL where
    the history or the world has several. UnknownName where there is no such snapshot or world.
    """
    from tabwarden.run.open_snapshot import Where, open_site

    history = str(store) if store is not None else None
    facts = _of_a_world(str(what), site) or open_site(Where(path=what, site=site, store=history))
    return TableauSite(facts, model=model, open_points=open_points)


def _of_a_world(name: str, site: str | None) -> Site | None:
    from tabwarden.sandbox.worlds.finding import GENERATED, PACKAGED, find_world

    if name not in (*PACKAGED, *GENERATED):
        return None
    sites = [one for one in find_world(name).sites if site in (None, one.content_url, one.name)]
    if not sites:
        raise UnknownName(f"the world `{name}` has no site `{site}`")
    return sites[0]
