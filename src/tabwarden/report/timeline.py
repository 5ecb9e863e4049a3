"""Who could do it, since when and why, in words, tables and JSON."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any, Protocol

from tabwarden.compare.access_changes import Count, Decision, Reach, Under
from tabwarden.compare.cause import CAN, CANNOT, answer_of
from tabwarden.compare.snapshots import Compared, Fact, Unknown
from tabwarden.model.scope import of_rules
from tabwarden.model.site import Site
from tabwarden.report.answers import decider
from tabwarden.report.comparison import fact_json, fact_words
from tabwarden.report.table import CONTENT, MARK, NAME, NUMBER, PERSON, TIME, Column, Table, Text

WORDS = {CAN: "yes", CANNOT: "no"}


class Snapshot(Protocol):
    """A snapshot of the history, as far as it is told."""

    @property
    def number(self) -> int:
        """Its number."""

    @property
    def taken(self) -> str:
        """When it was read."""


class Turned(Protocol):
    """An answer that became another one."""

    @property
    def decision(self) -> Decision:
        """User, content, capability."""

    @property
    def now(self) -> str:
        """Can, cannot or unknown."""

    @property
    def snapshot(self) -> Snapshot:
        """The first snapshot in which it is so."""

    @property
    def facts(self) -> tuple[Fact, ...]:
        """What caused it."""

    @property
    def under(self) -> Under:
        """The model and open points it was asked under."""

    @property
    def pair(self) -> tuple[Site, Site]:
        """The Sites before and after."""


def standing_table(turns: Sequence[Turned], *, by_content: bool) -> Table:
    """Those who can (or what one can), since when, because of what; `by_content`: of one person on many things."""
    table = Table(
        Column("What" if by_content else "Who", NAME, of=CONTENT if by_content else PERSON),
        Column("May", MARK, "answer"),
        Column("Since", NAME),
        "Because of",
        name="standing",
    )
    for turn in turns:
        user, content, _ = turn.decision
        site = turn.pair[1]
        name = site.path(content) if by_content else _user(turn, user)
        table.add_row(*map(Text, (name, WORDS.get(turn.now, turn.now), since(turn), because(turn))))
    return table


def turns_table(turns: Iterable[Turned]) -> Table:
    """Every turn of one answer, in order."""
    table = Table(Column("From", NAME), Column("May", MARK, "answer"), "Because of", name="turns")
    for turn in turns:
        table.add_row(*map(Text, (since(turn), WORDS.get(turn.now, turn.now), because(turn))))
    return table


def since(turn: Turned) -> str:
    """The snapshot from which it is so; at the first one it may have been so before."""
    words = f"{turn.snapshot.taken} (snapshot {turn.snapshot.number})"
    return words if turn.facts else f"{words} or before"


def because(turn: Turned) -> str:
    """The change in words, each fact of it."""
    return "; ".join(_words(turn, fact) for fact in turn.facts) or f"{_decider(turn)}, in the first snapshot already"


def _decider(turn: Turned) -> str:
    """What decided where no change is known: a rule, a role, an owner."""
    if turn.decision[0] not in turn.pair[1].users:  # it is of a rule
        return "the rule"
    return decider(turn.pair[1], answer_of(turn.pair[1], turn.decision, turn.under))


def _words(turn: Turned, fact: Fact) -> str:
    thing, what, was, now = fact_words(_compared(turn), fact)
    if not what:
        return f"{thing}: {now}"
    sides = " ".join(side for side in (was, now) if side)
    return f"{thing}: {what} {sides}" if sides[:1] in "+-" else f"{thing}: {what} {was} -> {now}"


def turns_json(turns: Iterable[Turned]) -> list[dict[str, Any]]:
    """Each turn with ids, names, the snapshot and the facts."""
    return list(map(_turn_json, turns))


def _turn_json(turn: Turned) -> dict[str, Any]:
    user, content, capability = turn.decision
    holder = next((site for site in reversed(turn.pair) if content in site.contents), turn.pair[1])
    return {
        "user": {"id": user, **_named(turn, user)},
        "content": {"id": content, "path": holder.path(content)},
        "capability": capability,
        "answer": WORDS.get(turn.now, turn.now),
        "since": {"snapshot": turn.snapshot.number, "taken": turn.snapshot.taken, "or_before": not turn.facts},
        "because": [{"words": _words(turn, fact), **fact_json(_compared(turn), fact)} for fact in turn.facts],
    }


def _user(turn: Turned, user: str) -> str:
    return next((site.called(user) for site in reversed(turn.pair) if user in site.users), user)


def _named(turn: Turned, user: str) -> dict[str, str]:
    user_there = next((site.users[user] for site in reversed(turn.pair) if user in site.users), None)
    return {"name": user} if user_there is None else {"name": user_there.name, "domain": user_there.domain}


def _compared(turn: Turned) -> Compared:
    nothing = Unknown(0, frozenset(), {})
    return Compared(*turn.pair, turn.facts, Reach(Count(), ()), (nothing, nothing))


def snapshots_table(snapshots: Iterable[Any]) -> Table:
    """The snapshots of a history, one a line."""
    columns = (Column("#", NUMBER, "number"), Column("Taken", TIME), Column("Site", NAME), Column("By", NAME))
    counts = (Column("Users", NUMBER), Column("Content", NUMBER), Column("Rules", NUMBER))
    table = Table(*columns, *counts, Column("Limited", called="limited"), name="snapshots")
    for snapshot in snapshots:
        lacks = "; ".join(of_rules(snapshot.partial)) or snapshot.scope
        row = (
            snapshot.number,
            snapshot.taken,
            snapshot.name,
            snapshot.reader,
            snapshot.users,
            snapshot.contents,
            snapshot.rules,
            lacks,
        )
        table.add_row(*row)
    return table


def snapshots_json(snapshots: Iterable[Any]) -> Iterator[dict[str, Any]]:
    for snapshot in snapshots:
        document = snapshot._asdict()
        document.pop("site")
        yield {**document, "partial": list(snapshot.partial), "limited": snapshot.limited}
