"""The facts a plan rests on, as flat words: seen at planning, compared before applying. Not the changes.

user:local\\jane                  site role, None when not on the site
id of user:local\\jane            her id, None when not on the site
group:local\\viewers              `minimum site role, mode`, None when there is no such group
id of group:local\\viewers
user:local\\jane in group:...     True or False
groups of user:local\\jane        only of a person who is removed: keys of her groups, sorted
rules for user:local\\jane         only where they were carried over to somebody: how many, and a word for all of them

nickname of west.corp.example     of a domain of the server, None when it is not known there

Those of content are in `content_facts`.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence

from tabwarden.model.names import same
from tabwarden.model.site import LOCAL, Group, Site, User
from tabwarden.plan.content_facts import content_facts, fact_name, wanted
from tabwarden.plan.plan import (
    ADD_TO_GROUP,
    ADD_USER,
    CREATE_GROUP,
    DELETE_GROUP,
    IMPORT_GROUP,
    OF_CONTENT,
    OF_DIRECTORY,
    REMOVE_FROM_GROUP,
    REMOVE_USER,
    SET_NICKNAME,
    SET_SITE_ROLE,
    UPDATE_GROUP,
    Change,
    Fields,
    Ref,
    Value,
)

USER = "user"


def user_of(site: Site, ref: Ref) -> User | None:
    """The user a Ref means: by id, else by domain and name.

    A name without domain also means the one user of that name whatever his domain: the server names the domain
    of whom we added.
    """
    if ref.id is not None:
        return site.users.get(ref.id)
    found = [site.users[u] for u in site.users_named(f"{ref.domain}\\{ref.name}")]
    if not found and ref.domain.casefold() == LOCAL:
        found = [site.users[u] for u in site.users_named(ref.name)]
    return found[0] if len(found) == 1 else None


def group_of(site: Site, ref: Ref) -> Group | None:
    """The group a Ref means: by id, else by domain and name."""
    if ref.id is not None:
        return site.groups.get(ref.id)
    key = ref.key
    return next((g for g in site.groups.values() if Ref("group", g.name, g.domain).key == key), None)


def membership_of(user: Ref, group: Ref) -> str:
    """The name of the fact that `user` is in `group`."""
    return f"{user.key} in {group.key}"


def nickname_of(site: Site, domain: Ref | None) -> str | None:
    """The nickname of a domain on the server; None where it is not known there, or was not read."""
    known = (site.nicknames or {}).items()
    return next((nickname for fqdn, nickname in known if domain and same(fqdn) == same(domain.name)), None)


def _nickname_fact(change: Change) -> str:
    return f"nickname of {change.domain.name.casefold() if change.domain else ''}"


def facts(site: Site, changes: Sequence[Change]) -> Fields:
    """What `changes` touch, as it is on `site`."""
    found: dict[str, Value] = {}
    groups: dict[Ref, Group | None] = {}
    for change in changes:
        if change.op == SET_NICKNAME:
            found[_nickname_fact(change)] = nickname_of(site, change.domain)
        user = user_of(site, change.user) if change.user else None
        if change.group and change.group not in groups:
            groups[change.group] = group_of(site, change.group)
        group = groups[change.group] if change.group else None
        for ref in (change.user, change.heir):
            if ref is not None:
                held = user_of(site, ref)
                found[ref.key] = held.site_role if held else None
                found[f"id of {ref.key}"] = held.id if held else None
        if change.group:
            found[change.group.key] = _grants(group)
            found[f"id of {change.group.key}"] = group.id if group else None
        if change.user and change.group:
            is_in = user is not None and group is not None and user.id in site.members(group.id)
            found[membership_of(change.user, change.group)] = is_in
        if change.op == REMOVE_USER and change.user:
            found[f"groups of {change.user.key}"] = _groups_of(site, user)
            if "rules" in change.before:
                found[f"rules for {change.user.key}"] = rules_for(site, user.id if user else "")
    return {**found, **content_facts(site, changes)}


NO_RULES_FOR = "none"


def rules_for(site: Site, user: str) -> str:
    """All rules that name a user, as one word that differs when one of them does: `3 rules, 0c9a1b2c3d4e`."""
    told = sorted(
        f"{content.id} {kind} {rule.capability} {rule.mode}"
        for content in site.contents.values()
        for kind, listed in (("", content.rules), *content.defaults.items())
        for rule in listed or ()
        if rule.grantee == (USER, user)
    )
    word = hashlib.sha256("\n".join(told).encode()).hexdigest()[:12]
    return f"{len(told)} rules, {word}" if told else NO_RULES_FOR


def after(seen: Fields, done: Iterable[Change]) -> Fields:
    """What `seen` becomes when these changes are done; the ids of what they create are not known and left out."""
    facts = dict(seen)
    for change in done:
        _move_on(facts, change)
    return facts


def differences(expected: Fields, now: Fields, open_changes: Iterable[Change] = ()) -> tuple[str, ...]:
    """What is not as expected, a line each.

    `open_changes` may or may not have been done (their end was not recorded): either is as expected.
    """
    either = after(expected, open_changes)
    unsure = {key for key in expected if expected[key] != either.get(key, _UNKNOWN)}
    lines = []
    for key in sorted(expected):
        here = now.get(key)
        known = key in now and (here == expected[key] or (key in unsure and here == either.get(key, here)))
        if not known:
            lines.append(f"{key}: was `{_word(expected[key])}`, is `{_word(here)}`")
    return tuple(lines)


_UNKNOWN = "\0"


def _move_on(facts: dict[str, Value], change: Change) -> None:
    user, group = change.user, change.group
    if change.op in OF_CONTENT:
        facts[fact_name(change)] = wanted(change)
    elif change.op == SET_NICKNAME:
        facts[_nickname_fact(change)] = change.after["nickname"]
    elif user and change.op == ADD_USER:
        facts[user.key] = change.after["site_role"]
        facts.pop(f"id of {user.key}", None)
    elif user and change.op == SET_SITE_ROLE:
        facts[user.key] = change.after["site_role"]
    elif user and change.op == REMOVE_USER:
        _forget(facts, user)
    elif user and group and change.op in (ADD_TO_GROUP, REMOVE_FROM_GROUP):
        joins = change.op == ADD_TO_GROUP
        facts[membership_of(user, group)] = joins
        _regroup(facts, user, group, joins=joins)
    elif group and change.op in (CREATE_GROUP, UPDATE_GROUP, *OF_DIRECTORY):
        facts[group.key] = _words(change.after)
        if change.op in (CREATE_GROUP, IMPORT_GROUP):
            facts.pop(f"id of {group.key}", None)
    elif group and change.op == DELETE_GROUP:
        facts[group.key] = facts[f"id of {group.key}"] = None
        for key in [key for key in facts if key.endswith(f" in {group.key}")]:
            facts[key] = False


def _forget(facts: dict[str, Value], user: Ref) -> None:
    facts[user.key] = facts[f"id of {user.key}"] = None
    facts[f"groups of {user.key}"] = ()
    if f"rules for {user.key}" in facts:
        facts[f"rules for {user.key}"] = NO_RULES_FOR
    start = f"{user.key} in "
    for key in [key for key in facts if key.startswith(start)]:
        facts[key] = False


def _regroup(facts: dict[str, Value], user: Ref, group: Ref, *, joins: bool) -> None:
    held = facts.get(f"groups of {user.key}")
    if isinstance(held, tuple):
        rest = {key for key in held if key != group.key}
        facts[f"groups of {user.key}"] = tuple(sorted(rest | {group.key} if joins else rest))


def _groups_of(site: Site, user: User | None) -> tuple[str, ...]:
    if user is None:
        return ()
    groups = (site.groups[g] for g in site.groups_of(user.id))
    return tuple(sorted(Ref("group", g.name, g.domain).key for g in groups if not g.everyone))


def _grants(group: Group | None) -> Value:
    if group is None:
        return None
    return _words({"minimum_site_role": group.minimum_site_role, "grant_on": group.grant_on})


def _words(grants: Mapping[str, Value]) -> str:
    return f"{grants['minimum_site_role'] or 'no minimum role'}, {grants['grant_on'] or 'no mode'}"


def _word(value: Value) -> str:
    if value is None:
        return "not there"
    return ", ".join(value) if isinstance(value, tuple) else str(value)
