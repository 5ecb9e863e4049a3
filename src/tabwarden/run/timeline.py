"""Who could do it on a day, since when, and which change caused it: told by the snapshots of the history, in order."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, NamedTuple

from tabwarden.compare.access_changes import Decision, Under
from tabwarden.compare.cause import ABILITY, CAN, CANNOT, cause, standing
from tabwarden.compare.snapshots import ADDED, CONTENT, Fact
from tabwarden.model.capability import LEADER, applies
from tabwarden.model.errors import AmbiguousName, UnknownName
from tabwarden.model.site import Content, Rule, Site, User

if TYPE_CHECKING:
    from tabwarden.store.history import History
    from tabwarden.store.snapshots import Snapshot

Progress = Callable[[int, int], None]


class Turn(NamedTuple):
    """An answer that became another one: `now` is can, cannot or unknown from `snapshot` on, because of `facts`.

    `facts` is empty where it was so in the first snapshot: since when is not known. `pair` are the Sites before and
    after, by which the facts are told.
    """

    decision: Decision
    now: str
    snapshot: Snapshot
    facts: tuple[Fact, ...]
    pair: tuple[Site, Site]
    under: Under = Under()


@dataclass(frozen=True, slots=True)
class Subject:
    """What is asked about: a content, a person, or one person on one content.

    `called` is how she is written, `path` how the content is.
    """

    content: Content | None = None
    user: User | None = None
    called: str = field(default="", compare=False)
    path: str = field(default="", compare=False)


def subject_of(site: Site, words: Sequence[str]) -> Subject:
    """What one or two words mean: content by path, people by name, `user:` or `content:` before a word that is both."""
    subject = Subject()
    for name in words:
        thing = _meant(site, name)
        if isinstance(thing, User):
            subject = replace(subject, user=thing, called=site.called(thing.id))
        else:
            subject = replace(subject, content=thing, path=site.path(thing.id))
    if len(words) > 1 and (subject.content is None or subject.user is None):
        raise UnknownName("give a content and a person, as in `tabwarden history Finance/Budget jane`")
    return subject


def subject_on(history: History, chain: Sequence[Snapshot], words: Sequence[str]) -> Subject:
    """What words mean in the last snapshot of a chain; UnknownName that tells until when it was there, if it was."""
    try:
        return subject_of(history.open(chain[-1].number), words)
    except AmbiguousName:
        raise
    except UnknownName as error:
        for snapshot in reversed(chain[:-1]):
            try:
                subject_of(history.open(snapshot.number), words)
            except UnknownName:
                continue
            raise UnknownName(
                *error.lines, f"it was there until {snapshot.words}; ask with `--on {snapshot.number}`"
            ) from None
        raise


def _meant(site: Site, words: str) -> User | Content:
    kind, colon, rest = words.partition(":")
    if colon and kind == "user":
        return site.find_user(rest)
    if colon and kind == "content":
        return site.find_content(rest)
    things: list[User | Content] = []
    problems: list[str] = []
    for find in (site.find_content, site.find_user):
        try:
            things.append(find(words))
        except AmbiguousName:
            raise
        except UnknownName as error:
            problems += error.lines
    if len(things) > 1:
        raise AmbiguousName(f"`{words}` is both; say which:", [f"content:{words}", f"user:{words}"])
    if not things:
        raise UnknownName(*problems)
    return things[0]


def turns(
    history: History,
    chain: Sequence[Snapshot],
    subject: Subject,
    capability: str,
    *,
    under: Under | None = None,
    progress: Progress | None = None,
) -> Iterator[Turn]:
    """Every answer that became another one, snapshot after snapshot; what holds in the first comes first.

    Only answers that a difference can have turned are asked again.
    """
    standings: dict[tuple[str, str], str] = {}
    earlier: Site | None = None
    for number, (snapshot, site) in enumerate(history.walk(chain[0].number, chain[-1].number)):
        for user, content in _to_ask(earlier, site, subject, capability):
            decision = (user, content, capability)
            now, was = standing(site, decision, under), standings.get((user, content), CANNOT)
            if now == was:
                continue
            standings[user, content] = now
            facts = cause(earlier, site, decision, under) if earlier is not None else ()
            yield Turn(decision, now, snapshot, facts, (earlier or site, site), under or Under())
        earlier = site
        if progress is not None:
            progress(number + 1, len(chain))


def causes(history: History, chain: Sequence[Snapshot], decisions: Collection[Decision]) -> dict[Decision, Turn]:
    """Of decisions the last turn of each, all in one walk through the history."""
    last: dict[Decision, Turn] = {}
    earlier: Site | None = None
    for snapshot, site in history.walk(chain[0].number, chain[-1].number):
        touched = _touched(earlier, site) if earlier is not None else None
        for decision in decisions:
            # An ability looks at other things too, such as the sources of a workbook.
            whom = touched if touched and decision[2].startswith(ABILITY) else decision[:2]
            if touched is not None and touched.isdisjoint(whom):
                continue
            now, was = standing(site, decision, None), last[decision].now if decision in last else CANNOT
            if now != was:
                facts = cause(earlier, site, decision, None) if earlier is not None else ()
                last[decision] = Turn(decision, now, snapshot, facts, (earlier or site, site))
        earlier = site
    return last


def rule_causes(history: History, chain: Sequence[Snapshot], rules: Mapping[Decision, Rule]) -> dict[Decision, Turn]:
    """Of rules, by a decision whose content keeps each, since when it stands there, all in one walk; as `causes`."""
    last: dict[Decision, Turn] = {}
    earlier: Site | None = None
    for snapshot, site in history.walk(chain[0].number, chain[-1].number):
        for decision, rule in rules.items():
            content = decision[1]
            kinds, before = _kept_for(site, content, rule), _kept_for(earlier, content, rule)
            if not kinds or (kinds == before and decision in last):
                continue
            facts: tuple[Fact, ...] = ()
            if earlier is not None and content not in earlier.contents:
                facts = (Fact(CONTENT, content, ADDED),)
            elif earlier is not None:
                new = frozenset({rule})
                facts = tuple(
                    Fact(CONTENT, content, "default_rules" if kind else "rules", frozenset(), new, kind or None)
                    for kind in sorted(kinds - before)
                )
            last[decision] = Turn(decision, CAN, snapshot, facts, (earlier or site, site))
        earlier = site
    return last


def _kept_for(site: Site | None, content: str, rule: Rule) -> frozenset[str]:
    """Where a content keeps that rule: '' its own list, a kind its list for new content of that kind."""
    thing = site.contents.get(content) if site is not None else None
    if thing is None:
        return frozenset()
    lists = {"": thing.rules, **thing.defaults}
    return frozenset(kind for kind, rules in lists.items() if rule in (rules or ()))


def standing_on(turns: Sequence[Turn]) -> dict[tuple[str, str], Turn]:
    """The last turn of each person and content, of those who can or of whom it is unknown."""
    last: dict[tuple[str, str], Turn] = {}
    for turn in turns:
        last[turn.decision[0], turn.decision[1]] = turn
    return {pair: turn for pair, turn in last.items() if turn.now != CANNOT}


def in_order(turns: Iterable[Turn]) -> list[Turn]:
    """What turned last comes first, then by name and path."""
    return sorted(turns, key=lambda turn: (-turn.snapshot.number, *_names(turn)))


def _names(turn: Turn) -> tuple[str, str]:
    (user, content, _), (_, site) = turn.decision, turn.pair
    return site.called(user).casefold(), site.path(content).casefold() if content in site.contents else ""


def can_see(turn: Turn) -> bool:
    """Whether the answer is a sure yes."""
    return turn.now == CAN


def _to_ask(before: Site | None, after: Site, subject: Subject, capability: str) -> Iterator[tuple[str, str]]:
    """The pairs whose answer may be another one than in the snapshot before."""
    if subject.content is not None and subject.user is not None:
        pairs = [(subject.user.id, subject.content.id)]
    elif subject.content is not None:
        users = dict.fromkeys([*(before.users if before else ()), *after.users])
        pairs = [(user, subject.content.id) for user in users]
    elif subject.user is not None:
        contents = dict.fromkeys([*(before.contents if before else ()), *after.contents])
        pairs = [(subject.user.id, c) for c in contents if _fits(before, after, c, capability)]
    else:
        pairs = []
    if before is None:
        yield from pairs
        return
    touched = _touched(before, after)
    for user, content in pairs:
        if touched is None or user in touched or content in touched:
            yield user, content


def _fits(before: Site | None, after: Site, content: str, capability: str) -> bool:
    thing = after.contents.get(content) or (before.contents.get(content) if before else None)
    return thing is not None and (capability == LEADER or applies(capability, thing.kind) is not False)


def _touched(before: Site, after: Site) -> frozenset[str] | None:
    """Ids of the people and contents whose answers may differ; None: anybody's on anything."""
    if before.settings != after.settings or before.groups != after.groups or before.group_sets != after.group_sets:
        return None
    users_or_contents = {u for u in {*before.users, *after.users} if before.users.get(u) != after.users.get(u)}
    for content in {*before.contents, *after.contents}:
        if before.contents.get(content) is after.contents.get(content):
            continue
        if before.contents.get(content) != after.contents.get(content):
            users_or_contents.add(content)
            for site in (before, after):
                if content in site.contents:
                    users_or_contents.update(site.below(content))
    return frozenset(users_or_contents)
