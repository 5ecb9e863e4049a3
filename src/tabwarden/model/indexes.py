"""What is counted of a Site to answer at once: who is in what, what lies where, what is called how, who owns what.

Counted whole when first asked for; of a Site that was made of another, carried over with what differs.
An index of names or places maps a key to ids, in their order on the Site, whatever came later last.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping, Sequence
from functools import lru_cache
from typing import Any

from tabwarden.model.names import same
from tabwarden.model.tables import with_these

Site = Any  # a Site, whose module imports this one
Index = Mapping[Any, tuple[str, ...]]
Keys = Callable[[Site, str], Iterable[Hashable]]


def _group_names(site: Site, key: str) -> Iterable[str]:
    group = site.groups[key]
    return dict.fromkeys((same(group.name), same(f"{group.domain}\\{group.name}")))


def called(site: Site, user: str) -> Iterator[tuple[str, str]]:
    """The user name and the display name of a user."""
    person = site.users[user]
    yield "name", same(person.name)
    if person.full_name:
        yield "full name", same(person.full_name)


@lru_cache(maxsize=100_000)
def _grantees(rules: Iterable[Any]) -> frozenset[Any]:
    return frozenset(rule.grantee for rule in rules)


def _spoken_of(site: Site, content: str) -> frozenset[Any]:
    thing = site.contents[content]
    return frozenset().union(*map(_grantees, filter(None, (thing.rules, *thing.defaults.values()))))


_INDEXES: Mapping[str, Mapping[str, Keys]] = {
    "users": {"_users_by_name": lambda site, user: (same(site.users[user].name),), "_users_by_called": called},
    "groups": {"_groups_by_name": _group_names},
    "contents": {
        "_children": lambda site, content: (site.contents[content].parent,),
        "_contents_by_path": lambda site, content: (same(site.path(content)),),
        "_contents_by_owner": lambda site, content: (site.contents[content].owner,),
        "_contents_by_grantee": _spoken_of,
    },
}
_OF_PLACES = ("_children", "_contents_by_path")


def counted(site: Site, name: str) -> Index:
    """An index of a whole Site."""
    table = next(table for table, indexes in _INDEXES.items() if name in indexes)
    keys, ids = _INDEXES[table][name], dict[Hashable, tuple[str, ...]]()
    more = defaultdict[Hashable, list[str]](list)
    for one in getattr(site, table):
        alone = (one,)
        for key in keys(site, one):
            if ids.setdefault(key, alone) is not alone:
                more[key].append(one)
    for key, listed in more.items():
        ids[key] = (*ids[key], *listed)
    return ids


def under(index: Index, name: str) -> tuple[str, ...]:
    """What is called so in any letter case, blanks around it apart."""
    ids = index.get(same(name), ())
    return ids or (index.get(same(bare), ()) if (bare := name.strip()) != name else ())


def users_under(site: Site, name: str) -> tuple[str, ...]:
    """The users of that name, or of `domain\\name`: the index has the bare names alone, for there are millions."""
    index: Index = site._users_by_name
    if "\\" not in name:
        return index.get(same(name), ()) or under(index, name)
    ids, bare = _with_domain(site, index, same(name)), name.strip()
    return ids if ids or bare == name else _with_domain(site, index, same(bare))


def _with_domain(site: Site, index: Index, key: str) -> tuple[str, ...]:
    lists, users = [index.get(key, ())], site.users
    domain, parted, bare = key.partition("\\")
    if not lists[0] and "\\" not in bare and bare not in index:  # as of all who are new
        return ()
    while parted:
        theirs = index.get(bare, ())
        of_it = (user for user in theirs if same(users[user].domain) == domain and same(users[user].name) == bare)
        lists += [tuple(of_it)] if theirs else ()
        more, parted, bare = bare.partition("\\")
        domain = f"{domain}\\{more}"
    fitting = [ids for ids in lists if ids]
    if len(fitting) > 1:
        every = frozenset().union(*fitting)
        return tuple(user for user in users if user in every)
    return fitting[0] if fitting else ()


def carried(before: Site, after: Site, table: str, ids: Iterable[str]) -> dict[str, object]:
    """The indexes that `before` has counted, for `after`, which differs in these things of one table."""
    counted_before = before.__dict__
    if table == "contents" and "_contents_by_path" in counted_before:
        before.children(None)  # paths of what lies below are found by it, so it is counted and carried too
    later = {name: counted_before[name] for name in CARRIED if name in counted_before}
    old, new = getattr(before, table), getattr(after, table)
    differ = [one for one in ids if old.get(one) is not new.get(one)]
    moved = _moved(differ, old, new) if table == "contents" else ()
    for name, keys in _INDEXES.get(table, {}).items():
        reached = differ if name not in _OF_PLACES else moved
        if name in later and reached:
            if name == "_contents_by_path":  # with a thing the paths of all below it
                reached = list(dict.fromkeys(below for one in moved for below in (one, *before.below(one))))
                keys = _by_path()
            later[name] = _with_keys((before, after), table, later[name], keys, reached)
    if "_groups_of" in later and table in ("users", "groups"):
        groups = with_these(later["_groups_of"], _memberships(before, after, table, differ, later["_groups_of"]))
        later["_groups_of"] = groups
    if table == "users" and "_repeated" in later:
        later["_repeated"] = _repetitions(before, after, differ, later)
    return later


CARRIED = (*(name for names in _INDEXES.values() for name in names), "_groups_of", "_repeated")


def _by_path() -> Keys:
    """The paths of things, each made of that of what holds it where that was asked for before."""
    paths: dict[tuple[int, str | None], str] = {}

    def keys(site: Site, content: str) -> Iterable[str]:
        thing = site.contents[content]
        above = paths.get((id(site), thing.parent))
        path = paths[id(site), content] = site.path(content) if above is None else f"{above}/{thing.name}"
        return (same(path),)

    return keys


def _moved(differ: list[str], old: Mapping[str, Any], new: Mapping[str, Any]) -> Sequence[str]:
    """Which of the contents that differ come, go, or are in another place or called otherwise."""
    pairs = ((one, old.get(one), new.get(one)) for one in differ)
    return [
        one for one, was, now in pairs if was is None or now is None or was.parent != now.parent or was.name != now.name
    ]


def _with_keys(sites: tuple[Site, Site], table: str, index: Index, keys: Keys, ids: Iterable[str]) -> Index:
    """The index with what these ids are found under now."""
    changed: dict[Hashable, tuple[str, ...]] = {}
    for one in ids:
        was, now = (dict.fromkeys(keys(site, one)) if one in getattr(site, table) else () for site in sites)
        for key in was:
            if key not in now:
                listed = changed[key] if key in changed else index.get(key, ())
                changed[key] = tuple(other for other in listed if other != one)
        for key in now:
            if key not in was:
                changed[key] = (*(changed[key] if key in changed else index.get(key, ())), one)
    return with_these(index, changed) if changed else index


# -- who is in what -----------------------------------------------------------------------------------------------


def groups_of(site: Site) -> Mapping[str, frozenset[str]]:
    """Ids of the groups of each user, All Users included."""
    groups: dict[str, frozenset[str]] = {}
    nothing: frozenset[str] = frozenset()
    for group in site.groups:
        with_it: dict[frozenset[str], frozenset[str]] = {}  # people in the same groups share what says so
        for member in site.members(group):
            mine = groups.get(member, nothing)
            ours = with_it.get(mine)
            if ours is None:
                ours = with_it[mine] = mine | {group}
            groups[member] = ours
    return groups


def _memberships(
    before: Site, after: Site, table: str, differ: list[str], index: Mapping[str, frozenset[str]]
) -> Mapping[str, frozenset[str]]:
    """The groups of whom the difference concerns."""
    changed: dict[str, frozenset[str]] = {}
    nothing: frozenset[str] = frozenset()
    if table == "users":
        everyone = frozenset(group.id for group in after.groups.values() if group.everyone)
        for user in differ:
            if (user in before.users) != (user in after.users):
                groups = index.get(user, nothing)
                changed[user] = groups | everyone if user in after.users else groups - everyone
        return changed
    for group in differ:
        old, new = before.groups.get(group), after.groups.get(group)
        if old and new and old.members is new.members and old.everyone == new.everyone:
            continue
        for user in (before.members(group) if old else nothing) ^ (after.members(group) if new else nothing):
            groups = changed[user] if user in changed else index.get(user, nothing)
            changed[user] = groups ^ {group}
    return changed


# -- whose name is somebody else's too ------------------------------------------------------------------------------


def repeated(site: Site) -> Mapping[str, bool]:
    """The users whose user name or display name somebody else has too."""
    return {user: True for users in site._users_by_called.values() if len(users) > 1 for user in users}


def _repetitions(before: Site, after: Site, differ: list[str], later: dict[str, Any]) -> Mapping[str, bool]:
    """The same for a Site that differs in these users."""
    if "_users_by_called" not in later:
        by_called = before._users_by_called
        later["_users_by_called"] = _with_keys((before, after), "users", by_called, called, differ)
    by_called = later["_users_by_called"]
    keys = {key for site in (before, after) for user in differ if user in site.users for key in called(site, user)}
    flags = dict.fromkeys((user for user in differ if user not in after.users), False)
    flags |= {
        user: any(len(by_called.get(key, ())) > 1 for key in called(after, user))
        for key in keys
        for user in by_called.get(key, ())
    }
    flagged: Mapping[str, bool] = with_these(later["_repeated"], flags)
    return flagged
