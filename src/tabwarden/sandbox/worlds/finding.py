"""Worlds by name or file: packaged ones such as w0, the generated acme, a YAML file of your own."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import replace
from importlib import resources
from pathlib import Path
from random import Random
from typing import Any, NamedTuple

from tabwarden.model.capability import TEMPLATES
from tabwarden.model.errors import WorldError
from tabwarden.model.site import (
    ALL_USERS,
    ALLOW,
    CUSTOMIZABLE,
    DENY,
    LOCAL,
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
from tabwarden.model.takes import IdentityProvider
from tabwarden.model.usage import PROOFS, SIGN_IN, STANDING, Usage
from tabwarden.sandbox.directories.directory import pretend_directory
from tabwarden.sandbox.state.server_state import (
    AccessToken,
    Account,
    AccountKey,
    ConnectedApp,
    World,
    key_of,
    stable_id,
)
from tabwarden.sandbox.worlds import acme
from tabwarden.sandbox.worlds import file as world_file
from tabwarden.sandbox.worlds.acme import ADMIN, TOKEN_NAME, TOKEN_SECRET
from tabwarden.sandbox.worlds.build import build_site, plain_name
from tabwarden.sandbox.worlds.file import SiteText, WorldText
from tabwarden.sandbox.worlds.save import text_of

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
    site = _SizedMaker(name, SIZES[name], seed).site()
    accounts = tuple(Account(user.name, user.name, user.domain) for user in site.users.values())
    return World(name, (site,), accounts, (AccessToken(TOKEN_NAME, TOKEN_SECRET, ADMIN),))


class _SizedMaker:
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


MAIL_DOMAIN = "example.com"


def as_cloud(world: World) -> World:
    """The world as Cloud would have it: local user names are e-mail addresses; ids and passwords stay."""
    named = _addresses(world)

    def renamed(user: User) -> User:
        return replace(user, name=named.get(key_of(user.name, user.domain), user.name))

    return replace(
        world,
        sites=tuple(site.with_users(*map(renamed, site.users.values())) for site in world.sites),
        accounts=tuple(replace(a, name=named.get(key_of(a.name, a.domain), a.name)) for a in world.accounts),
        tokens=tuple(replace(t, user=named.get(key_of(t.user, t.domain), t.user)) for t in world.tokens),
    )


def _addresses(world: World) -> Mapping[AccountKey, str]:
    """The new name of every local account whose name is no address: its e-mail where that is free."""
    everybody = [user for site in world.sites for user in site.users.values() if user.domain == LOCAL]
    taken = {user.name.casefold() for user in everybody if "@" in user.name}
    addresses: dict[AccountKey, str] = {}
    for user in everybody:
        key = key_of(user.name, user.domain)
        if "@" in user.name or key in addresses:
            continue
        free = "@" in user.email and user.email.casefold() not in taken
        addresses[key] = user.email if free else f"{user.name}@{MAIL_DOMAIN}"
        taken.add(addresses[key].casefold())
    return addresses


PACKAGED = ("w0", "company", "empty", "casual-users", "william", "erin")
GENERATED: Mapping[str, Callable[[int], WorldText]] = {"acme": acme.acme}


def find_world(name: str, *, seed: int = 0) -> World:
    """The world of a name (`PACKAGED`, `GENERATED`, `SIZES`) or of a YAML file; `seed` is for generated ones."""
    if name in SIZES:
        return sized(name, seed)
    return world_of(find_text(name, seed=seed))


def find_text(name: str, *, seed: int = 0) -> WorldText:
    """The text of a world by name or file."""
    if name in GENERATED:
        return GENERATED[name](seed)
    if name in SIZES:
        return text_of(sized(name, seed))
    if name in PACKAGED:
        packaged = resources.files("tabwarden.sandbox") / "worlds" / f"{name}.yaml"
        return world_file.read_text(packaged.read_text(encoding="utf-8"), name)
    path = Path(name)
    if not path.is_file():
        known = ", ".join((*PACKAGED, *GENERATED, *SIZES))
        raise WorldError(f"no world `{name}`; give one of {known}, or a YAML file")
    return world_file.read_file(path)


def world_of(text: WorldText) -> World:
    """Sites, accounts and tokens of a text. The password of an account is its name unless a site's user says other."""
    urls = [site.content_url.casefold() for site in text.sites]
    if len(set(urls)) < len(urls):
        raise WorldError(f"world `{text.world}` has two sites at one content URL")
    sites = tuple(build_site(site) for site in text.sites)
    _check_references(text, sites)
    providers = {site.id: _providers(site.id, one) for site, one in zip(sites, text.sites, strict=True)}
    return World(
        text.world,
        sites,
        tuple(_accounts(text.sites)),
        tuple(AccessToken(t.name, t.secret, t.user, t.domain) for t in text.tokens),
        tuple(ConnectedApp(a.client_id, a.secret_id, a.secret, a.name) for a in text.apps),
        _directory(text),
        dict(text.nicknames),
        {site: listed for site, listed in providers.items() if listed},
        {site.id: _usage(site, one) for site, one in zip(sites, text.sites, strict=True) if one.usage},
    )


def _usage(site: Site, text: SiteText) -> tuple[Usage, ...]:
    """What people did and have on a site; UnknownName or WorldError for who or what is not there."""
    rows = []
    for one in text.usage:
        if one.what not in PROOFS and one.what not in (SIGN_IN, *STANDING):
            raise WorldError(f"usage of site `{text.name}`: nothing is called `{one.what}`; give {', '.join(PROOFS)}")
        content = site.find_content(one.content).id if one.content else ""
        rows.append(Usage(one.last[:10], one.what, site.find_user(one.user).id, content, one.times, one.last, "world"))
    return tuple(rows)


def _check_references(text: WorldText, sites: tuple[Site, ...]) -> None:
    """WorldError for sites of one id, and for tokens of nobody or that stand twice."""
    people = {key_of(user.name, user.domain) for site in sites for user in site.users.values()}
    problems = [f"  tokens.{t.name}: no user `{t.user}`" for t in text.tokens if key_of(t.user, t.domain) not in people]
    tokens = Counter((t.name, *key_of(t.user, t.domain)) for t in text.tokens)
    apps = Counter((app.client_id, app.secret_id) for app in text.apps)
    ids = Counter(site.id for site in sites)
    for what, counts in (("tokens", tokens), ("apps", apps), ("sites", ids)):
        problems += [
            f"  {what}: `{name if isinstance(name, str) else name[0]}` stands twice"
            for name, count in counts.items()
            if count > 1
        ]
    if problems:
        raise WorldError(f"world `{text.world}` has mistakes:", *problems)


def _providers(site: str, text: SiteText) -> tuple[IdentityProvider, ...]:
    return tuple(
        IdentityProvider(one.id or stable_id("identityProvider", site, one.name), one.name, one.auth_setting)
        for one in text.identity_providers
    )


def _directory(text: WorldText) -> Mapping[str, Any]:
    """The pretend directory as plain data, once it is known to be without mistakes."""
    plain: Mapping[str, Any] = text.directory.model_dump(mode="json", exclude_defaults=True)
    pretend_directory(plain)
    return plain


def _accounts(sites: Iterable[SiteText]) -> Iterable[Account]:
    accounts: dict[tuple[str, str], Account] = {}
    for site in sites:
        for key, user in site.users.items():
            name = plain_name(key)
            account = Account(name, user.password or name, user.domain)
            if user.password is not None or key_of(name, user.domain) not in accounts:
                accounts[key_of(name, user.domain)] = account
    return accounts.values()
