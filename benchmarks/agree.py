"""Whether what is measured is right: a sample of every way of answering against the reference. Not a measurement."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from tabwarden.access.reference import may
from tabwarden.engine.columns import NONE, Array, Columns
from tabwarden.engine.convert import rule_list
from tabwarden.engine.engine import Engine
from tabwarden.model.site import Content, Group, GroupSet, Site, User


class Different(Exception):
    """Two ways of answering disagree: no figure may be printed."""


def same(what: str, left: object, right: object) -> None:
    """Raise Different where two answers differ."""
    if not np.array_equal(np.asarray(left), np.asarray(right)):
        raise Different(f"`{what}` answers differently")


def slice_of(columns: Columns, users: Array, contents: Array) -> Site:
    """The part of a site on which the answers about these users and contents hang, as a Site."""
    held, names, words = columns.contents, columns.names, columns.vocabulary
    wanted = set(contents.tolist())
    for content in contents.tolist():
        while (content := int(held.parent[content])) != NONE:
            wanted.add(content)
    group_ids, set_ids = columns.ids("group"), columns.ids("group_set")
    group = np.repeat(np.arange(len(group_ids)), np.diff(columns.groups.offsets))
    mine = np.isin(columns.groups.members, users)
    members: dict[int, set[str]] = {}
    for each, user in zip(group[mine].tolist(), columns.groups.members[mine].tolist(), strict=True):
        members.setdefault(each, set()).add(columns.id_of("user", user))
    groups = {
        name: Group(name, name, members=frozenset(members.get(n, ())), everyone=bool(columns.groups.everyone[n]))
        for n, name in enumerate(group_ids)
    }
    offsets, of_set = columns.group_sets.offsets, columns.group_sets.groups
    sets = {
        name: GroupSet(name, name, frozenset(group_ids[g] for g in of_set[offsets[n] : offsets[n + 1]].tolist()))
        for n, name in enumerate(set_ids)
    }
    people = {
        (name := columns.id_of("user", u)): User(name, name, words.roles[int(columns.users.role[u])])
        for u in users.tolist()
    }
    del names
    kept = {columns.id_of("content", c): _content(columns, c) for c in sorted(wanted)}
    return replace(columns.about, users=people, groups=groups, group_sets=sets, contents=kept)


def _content(columns: Columns, number: int) -> Content:
    held, words = columns.contents, columns.vocabulary
    rows = np.flatnonzero(columns.defaults.content == number)
    parent = int(held.parent[number])
    name = columns.id_of("content", number)
    return Content(
        name,
        words.kinds[int(held.kind[number])],
        name,
        None if parent == NONE else columns.id_of("content", parent),
        columns.id_of("user", int(held.owner[number])),
        rules=rule_list(columns, int(held.rules[number])),
        mode=words.modes[int(held.mode[number])],
        defaults={
            words.kinds[int(columns.defaults.kind[r])]: rule_list(columns, int(columns.defaults.rules[r])) for r in rows
        },
        tabs=bool(held.tabs[number]),
    )


def verify(engine: Engine, users: Array, contents: Array) -> None:
    """Raise Different where any way of asking disagrees with the reference on these users and contents."""
    columns, site = engine.columns, slice_of(engine.columns, users, contents)
    mirror = engine.mirror("Read")
    whats = {user: engine.what(user).allowed for user in users.tolist()}
    for bit, capability in enumerate(engine.capabilities):
        pairs = np.array([(u, c) for u in users.tolist() for c in contents.tolist()])
        many = engine.check_many(pairs[:, 0], capability, pairs[:, 1])
        rows = {content: engine.who(capability, content).allowed for content in contents.tolist()}
        for (user, content), verdict in zip(pairs.tolist(), many.tolist(), strict=True):
            names = columns.id_of("user", user), capability, columns.id_of("content", content)
            answer = may(site, *names)
            ways = [
                engine.check(*names) == answer,
                verdict == answer.allowed,
                bool(whats[user][content] >> bit & 1) == answer.allowed,
                bool(int(rows[content][user >> 6]) >> (user & 63) & 1) == answer.allowed,
            ]
            if capability == "Read":
                ways.append(bool(int(mirror.row(content)[user >> 6]) >> (user & 63) & 1) == answer.allowed)
            if not all(ways):
                raise Different(f"the engine and the reference differ on {names}: {ways}")
