"""Sampling people: what a Site says they may see beside what the server lists for them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from random import Random

import numpy as np

from tabwarden.engine.convert import columns_of
from tabwarden.engine.engine import Engine
from tabwarden.model.roles import is_licensed
from tabwarden.model.scope import scope_of
from tabwarden.model.site import Site, User
from tabwarden.run.context import connected
from tabwarden.settings import Settings
from tabwarden.tableau.http.connection import Connection
from tabwarden.tableau.http.reader import Progress
from tabwarden.tableau.read.listed import can_stand_in, listed_for, workbooks_of

VIEW = "Read"
MOST_TOLD = 50
_ALLOWED, _UNKNOWN = 1, 2


@dataclass(slots=True)
class Verified:
    """Whom we looked at, which kinds of content, how many answers were compared, and what differs, a line each.

    `unknown` counts the answers the Site does not give; they are compared with nothing.
    """

    people: tuple[str, ...]
    kinds: tuple[str, ...] = ()
    answers: int = 0
    unknown: int = 0
    differences: list[str] = field(default_factory=list)
    not_verified: list[str] = field(default_factory=list)


def verify(
    settings: Settings, site: Site, people: int, progress: Progress | None = None, *, seed: int | None = None
) -> Verified:
    """So many people of the site, drawn by chance, compared with the server as it is now."""
    with connected(settings) as connection:
        return verify_on(connection, site, people, progress, seed=seed)


def verify_on(
    connection: Connection, site: Site, people: int, progress: Progress | None = None, *, seed: int | None = None
) -> Verified:
    """As `verify`, over a connection: workbooks of everybody, and every kind where we may sign in in people's place."""
    chosen = _sample(site, people, seed)
    verified = Verified(tuple(site.called(user.id) for user in chosen))
    if not chosen:
        return verified
    seen = _Seen(site)
    stands_in = can_stand_in(connection)
    if not stands_in:
        why = f"only a server administrator with a password or token can, and `{connection.reader.name}` is none"
        verified.not_verified.append(f"everything but workbooks: {why}")
    workbooks = workbooks_of(connection, [user.id for user in chosen])
    kinds: set[str] = set()
    for number, user in enumerate(chosen, 1):
        in_his_place = listed_for(connection, user.id) if stands_in and is_licensed(user.site_role) else None
        listings = {**(in_his_place or {}), **({"workbook": workbooks[user.id]} if user.id in workbooks else {})}
        if stands_in and is_licensed(user.site_role) and in_his_place is None:
            verified.not_verified.append(
                f"everything but workbooks of `{site.called(user.id)}`: the sign-in was refused"
            )
        if "workbook" not in listings:
            verified.not_verified.append(f"workbooks of `{site.called(user.id)}`: the server refuses to list them")
        kinds |= set(listings)
        _compare(verified, user, seen, listings)
        if progress is not None:
            progress(number, len(chosen))
    verified.kinds = tuple(sorted(kinds))
    return verified


def _sample(site: Site, people: int, seed: int | None) -> list[User]:
    """People drawn by chance among those whose site role is known, in order of name."""
    known = sorted((user for user in site.users.values() if user.site_role), key=lambda u: (u.name, u.id))
    return sorted(Random(seed).sample(known, min(people, len(known))), key=lambda u: u.name)


class _Seen:
    """What a Site says about who may view what."""

    def __init__(self, site: Site) -> None:
        self.site = site
        self.engine = Engine(columns_of(site))
        self.numbers = self.engine.columns.user_numbers
        self.contents = [(content.id, content.kind) for content in site.contents.values()]

    def verdicts(self, user: User) -> Iterator[tuple[str, str, int]]:
        """Id, kind and verdict of every content."""
        contents = np.arange(len(self.contents))
        verdicts = self.engine.check_many(np.full_like(contents, self.numbers[user.id]), VIEW, contents)
        for (content, kind), verdict in zip(self.contents, verdicts.tolist(), strict=True):
            yield content, kind, verdict


def _compare(verified: Verified, user: User, seen: _Seen, listings: Mapping[str, frozenset[str]]) -> None:
    def differs(words: str) -> None:
        if len(verified.differences) < MOST_TOLD:
            verified.differences.append(words)

    name = seen.site.called(user.id)
    for content, kind, verdict in seen.verdicts(user):
        if kind not in listings:
            continue
        if verdict == _UNKNOWN:
            verified.unknown += 1
            continue
        verified.answers += 1
        listed = content in listings[kind]
        if listed != (verdict == _ALLOWED):
            ours, theirs = ("sees", "does not list") if verdict == _ALLOWED else ("does not see", "lists")
            differs(f"`{name}` {ours} {kind} `{seen.site.path(content)}` by the snapshot; the server {theirs} it")
    for kind, ids in listings.items():
        missing = sorted(ids - seen.site.contents.keys())
        if scope_of(seen.site):
            verified.unknown += len(missing)
            continue
        for content in missing:
            differs(f"the server lists `{name}` a {kind} ({content}) that the snapshot does not have")
