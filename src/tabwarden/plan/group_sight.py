"""What people keep who leave a group: content seen through All Users, and content owned without a licence.

Asked of the whole-site engine on the Site as it would be; it changes nothing and decides nothing.
Source: "User Management in Active Directory Deployments": who is only out of a group still has everything that All
Users is granted, and nobody is removed, so that content can be audited and handed over.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace

from tabwarden.engine.convert import columns_of
from tabwarden.engine.engine import Engine
from tabwarden.model.names import some
from tabwarden.model.roles import is_licensed
from tabwarden.model.site import Site, User

VIEW = "Read"


def kept_through_all_users(after: Site, left: Iterable[str]) -> Mapping[str, tuple[str, ...]]:
    """Of each user of `left` the contents she may View although she is in no group but All Users would see them too.

    Somebody of the same site role who is in All Users alone and owns nothing is asked beside her: what both may View
    she keeps through All Users.
    """
    users = [user for user in left if user in after.users and is_licensed(after.users[user].site_role)]
    if not users or not after.contents:
        return {}
    roles = {after.users[user].site_role for user in users}
    probes = {role: User(f"probe:{role}", f"probe:{role}", role) for role in roles}
    engine = Engine(columns_of(replace(after, users={**after.users, **{p.id: p for p in probes.values()}})))
    number = {user: n for n, user in enumerate(engine.columns.ids("user"))}
    names = engine.columns.ids("content")
    everybodys = {role: set(engine.what_ids(number[probe.id], VIEW).tolist()) for role, probe in probes.items()}
    contents_by_user = {}
    for user in users:
        mine = set(engine.what_ids(number[user], VIEW).tolist()) & everybodys[after.users[user].site_role]
        contents_by_user[user] = tuple(sorted((names[n] for n in mine), key=after.path))
    return contents_by_user


def unlicensed_owners(after: Site) -> Mapping[str, tuple[str, ...]]:
    """Of each Unlicensed user the contents that are still the user's; views count with their workbook."""
    owned_by_user: defaultdict[str, list[str]] = defaultdict(list)
    for content in after.contents.values():
        owner = after.users.get(content.owner)
        if content.kind != "view" and owner is not None and not is_licensed(owner.site_role):
            owned_by_user[owner.id].append(content.id)
    return {user: tuple(sorted(owned, key=after.path)) for user, owned in sorted(owned_by_user.items())}


def sight_remarks(after: Site, left: Mapping[str, Sequence[str]]) -> Iterator[str]:
    """Both, a sentence for each person."""
    contents_by_user = kept_through_all_users(after, left)
    for user, groups in left.items():
        who, role = after.called(user), after.users[user].site_role
        out = f"`{who}` is out of {', '.join(f'`{group}`' for group in groups)} and stays {role}"
        if not is_licensed(role):
            yield f"{out}, on the site and in All Users"
        elif user in contents_by_user:
            yield f"{out}: may sign in, and View through All Users {_listed(after, contents_by_user[user])}"
        else:
            yield f"{out}: may sign in; what All Users lets people View is not known, read the site first"
    for user, owned in unlicensed_owners(after).items():
        yield f"`{after.called(user)}` is Unlicensed and owns {_listed(after, owned)}; give it to somebody else"


def _listed(after: Site, contents: Sequence[str]) -> str:
    if not contents:
        return "nothing"
    things = "1 thing" if len(contents) == 1 else f"{len(contents)} things"
    return f"{things}: {some([after.path(content) for content in contents])}"
