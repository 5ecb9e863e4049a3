"""Generated worlds of a stated size, for counting and timing what reads a whole site.

rest-s, rest-m and rest-l have one site each, of 500, 10,000 and 60,000 users. 70 % of the content lies in locked
projects, 30 % of the workbooks hide their tabs.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from random import Random
from typing import NamedTuple

from tabwarden.model.capability import TEMPLATES
from tabwarden.model.site import (
    ALL_USERS,
    ALLOW,
    CUSTOMIZABLE,
    DENY,
    LOCKED,
    Content,
    Grantee,
    Group,
    Rule,
    Rules,
    Site,
    Use,
    User,
)
from tabwarden.sandbox.state.server_state import AccessToken, Account, World
from tabwarden.sandbox.state.sites import stable_id
from tabwarden.sandbox.worlds.acme import ADMIN, TOKEN_NAME, TOKEN_SECRET

LOCKED_SHARE, HIDDEN_TABS = 0.7, 0.3
_ROLES, _WEIGHTS = ("Creator", "ExplorerCanPublish", "Explorer", "Viewer", "Unlicensed"), (8, 12, 20, 50, 10)
_RULED_KINDS = ("workbook", "datasource", "flow")
_GROUPS_A_USER = 6


class Size(NamedTuple):
    """How many of everything."""

    users: int
    groups: int
    projects: int
    workbooks: int
    views: int
    datasources: int
    flows: int


SIZES: Mapping[str, Size] = {
    "rest-s": Size(500, 60, 40, 300, 1_800, 120, 20),
    "rest-m": Size(10_000, 800, 400, 6_000, 40_000, 2_000, 200),
    "rest-l": Size(60_000, 3_000, 2_000, 25_000, 200_000, 8_000, 1_000),
}


def sized(name: str, seed: int = 0) -> World:
    """The world of that size; KeyError for a name that is not in `SIZES`."""
    site = _Maker(name, SIZES[name], seed).site()
    accounts = tuple(Account(user.name, user.name, user.domain) for user in site.users.values())
    return World(name, (site,), accounts, (AccessToken(TOKEN_NAME, TOKEN_SECRET, ADMIN),))


class _Maker:
    def __init__(self, name: str, size: Size, seed: int) -> None:
        self._name, self._size, self._random = name, size, Random(f"{name} {seed}")

    def site(self) -> Site:
        users = {user.id: user for user in self._users()}
        self._publishers = [u.id for u in users.values() if u.site_role in ("Creator", "ExplorerCanPublish")]
        groups = {group.id: group for group in self._groups(list(users))}
        self._grantees = [Grantee("group", group) for group in groups]
        self._people = [Grantee("user", user) for user in users]
        contents = {content.id: content for content in self._contents()}
        return Site(self._id("site"), self._name, self._name, users=users, groups=groups, contents=contents)

    def _id(self, *names: object) -> str:
        return stable_id(self._name, *(str(name) for name in names))

    def _users(self) -> Iterator[User]:
        yield User(self._id("user", ADMIN), ADMIN, "ServerAdministrator")
        roles = self._random.choices(_ROLES, _WEIGHTS, k=self._size.users - 1)
        for number, role in enumerate(roles, 1):
            name = f"user{number:05}"
            yield User(self._id("user", name), name, role, full_name=f"User {number}", email=f"{name}@example.com")

    def _groups(self, users: list[str]) -> Iterator[Group]:
        """All Users and as many others as make the number; few of them large."""
        yield Group(self._id("group", ALL_USERS), ALL_USERS, everyone=True)
        count = self._size.groups - 1
        members_of: list[set[str]] = [set() for _ in range(count)]
        for user in users:
            for _ in range(_GROUPS_A_USER):
                members_of[int(count * self._random.random() ** 1.5)].add(user)
        for number, members in enumerate(members_of, 1):
            name = f"Group {number:04}"
            yield Group(self._id("group", name), name, members=frozenset(members))

    def _contents(self) -> Iterator[Content]:
        places = [Content(self._id("project", "Default"), "project", "Default", None, self._publishers[0])]
        for number in range(1, self._size.projects):
            places.append(self._project(number, places))
        yield from places
        locked = [place for place in places if place.mode == LOCKED]
        free = [place for place in places if place.mode != LOCKED]
        sources: list[str] = []
        for kind, count in (("datasource", self._size.datasources), ("flow", self._size.flows)):
            for number in range(count):
                item = self._item(kind, number, self._place(locked, free))
                sources += [item.id] if kind == "datasource" else []
                yield item
        for number in range(self._size.workbooks):
            book = self._item("workbook", number, self._place(locked, free), self._uses(sources))
            yield book
            yield from self._views(book, number)

    def _project(self, number: int, places: list[Content]) -> Content:
        """Locked, top-level ones and free ones, some of them nested; what is below a locked one is locked with it."""
        name = f"Project {number:04}"
        free = [place for place in places[-20:] if place.mode != LOCKED]
        mode = LOCKED if self._random.random() < LOCKED_SHARE else CUSTOMIZABLE
        parent = self._random.choice(free) if mode == CUSTOMIZABLE and free and self._random.random() < 0.6 else None
        return Content(
            self._id("project", name),
            "project",
            name,
            parent.id if parent else None,
            self._random.choice(self._publishers),
            self._rules("project"),
            mode,
            {kind: self._rules(kind) for kind in _RULED_KINDS},
        )

    def _place(self, locked: list[Content], free: list[Content]) -> Content:
        return self._random.choice(locked if locked and self._random.random() < LOCKED_SHARE else free)

    def _item(self, kind: str, number: int, place: Content, uses: tuple[Use, ...] = ()) -> Content:
        name = f"{kind.capitalize()} {number:05}"
        copied = place.defaults.get(kind) or frozenset()
        mine = copied if place.mode == LOCKED or self._random.random() < 0.5 else self._rules(kind)
        tabs = self._random.random() >= HIDDEN_TABS
        owner = self._random.choice(self._publishers)
        return Content(self._id(kind, name), kind, name, place.id, owner, mine, tabs=tabs, uses=uses)

    def _uses(self, sources: list[str]) -> tuple[Use, ...]:
        if self._random.random() < 0.5:
            return ()
        return (Use(self._random.choice(sources), self._random.choice(("embed", "prompt"))),)

    def _views(self, book: Content, number: int) -> Iterator[Content]:
        """As many as are left for this workbook when the views are dealt out evenly."""
        start, end = (self._size.views * n // self._size.workbooks for n in (number, number + 1))
        inherited = frozenset(r for r in book.rules or () if r.capability in _ON_VIEWS)
        for place in range(start, end):
            name = f"Sheet {place:06}"
            alike = book.tabs or self._random.random() < 0.7
            rules = inherited if alike else self._rules("view")
            yield Content(self._id("view", name), "view", name, book.id, book.owner, rules)

    def _rules(self, kind: str) -> Rules:
        """Two to five grantees, by templates; now and then somebody is denied, or is a single person."""
        rules: set[Rule] = set()
        grantees: set[Grantee] = set()
        for _ in range(self._random.randint(2, 5)):
            alone = self._random.random() < 0.05
            grantee = self._random.choice(self._people if alone else self._grantees)
            if grantee in grantees:
                continue
            grantees.add(grantee)
            template = self._random.choices(("View", "Explore", "Publish"), (70, 25, 5))[0]
            mode = DENY if self._random.random() < 0.05 else ALLOW
            rules.update(Rule(grantee, capability, mode) for capability in TEMPLATES[kind][template])
        return frozenset(rules)


_ON_VIEWS = TEMPLATES["view"]["Administer"]
