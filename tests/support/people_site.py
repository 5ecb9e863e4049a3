"""Small Sites and rosters for the tests of provisioning, as values."""

from __future__ import annotations

from dataclasses import replace

from tabwarden.model.site import ALL_USERS, Group, Site, Taken, User
from tabwarden.want.roster import Person, Roster

GROUP = "Grant_Role_On_Sign_In"


def site(roles: dict[str, str], members: tuple[str, ...] = (), **more: object) -> Site:
    """Users by name (`domain\\name` too; the id is `u-` and the name), one group that grants Viewer on sign-in."""
    users = {}
    for words, role in roles.items():
        domain, _, name = words.rpartition("\\")
        users[f"u-{words}"] = User(f"u-{words}", name, role, domain or "local")
    groups = {
        "g-all": Group("g-all", ALL_USERS, everyone=True),
        "g-grant": Group("g-grant", GROUP, members=_ids(members), minimum_site_role="Viewer", grant_on="onLogin"),
    }
    made = Site(users=users, groups=groups, taken=Taken(by="ada", by_role="ServerAdministrator"))
    return replace(made, **more)  # type: ignore[arg-type]


def _ids(names: tuple[str, ...]) -> frozenset[str]:
    return frozenset(f"u-{name}" for name in names)


def roster(source: str, *names: str) -> Roster:
    people = tuple(Person(name, "", "", "", row, f"{source}.csv") for row, name in enumerate(names, 1))
    return Roster(f"{source}.csv", people, count=len(people))


def joiners(*names: str) -> Roster:
    return roster("joiners", *names)


def leavers(*names: str) -> Roster:
    return roster("leavers", *names)
