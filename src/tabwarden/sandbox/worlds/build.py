"""From a world file's names to sites with ids, and back.

Content without rules starts as Tableau would have made it: items with their project's defaults, nested projects with
their parent's rules, views with their workbook's.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from types import MappingProxyType
from urllib.parse import unquote

from tabwarden.model.capability import KINDS, LEADER_CAPABILITIES, TEMPLATES, applies
from tabwarden.model.errors import WorldError
from tabwarden.model.feeds import DataConnection
from tabwarden.model.names import same
from tabwarden.model.roles import TIERS, is_known, licence_of
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
    GroupSet,
    Rule,
    Rules,
    Site,
    Use,
    User,
)
from tabwarden.model.site_settings import SiteSettings
from tabwarden.sandbox.state.server_state import stable_id
from tabwarden.sandbox.worlds.file import ItemText, ProjectText, RuleText, SiteText, UserText


def site_id(content_url: str) -> str:
    """The id of the site at a content URL in every world that does not say otherwise."""
    return stable_id("site", content_url)


class SiteBuilder:
    """Builds one site from its text; `problems` collects every name that means nothing."""

    def __init__(self, text: SiteText) -> None:
        self._text = text
        self._url = text.content_url
        self.problems: list[str] = []
        self._users: dict[str, User] = {}
        self._groups: dict[str, Group] = {}
        self._sets: dict[str, GroupSet] = {}
        self._contents: dict[str, Content] = {}
        self._paths: dict[tuple[str, str], Content] = {}

    def build(self) -> Site:
        """The site; look at `problems` before using it."""
        text = self._text
        for key, user in text.users.items():
            self._users[key] = self._user(key, user)
        self._make_groups()
        for path, project in text.projects.items():
            self._keep(path, self._project(path, project))
        for path, items in text.content.items():
            for item in items if isinstance(items, tuple) else (items,):
                self._item(path, item)
        self._link_uses()
        self._check()
        site = Site(
            id=text.id or site_id(self._url),
            name=text.name,
            content_url=self._url,
            users={u.id: u for u in self._users.values()},
            groups={g.id: g for g in self._groups.values()},
            group_sets={s.id: s for s in self._sets.values()},
            contents=self._contents,
            settings=SiteSettings(**text.settings.model_dump()),
            licences=dict(text.licences) if text.licences is not None else None,
            on_demand=frozenset(self._groups[key].id for key, group in text.groups.items() if group.on_demand),
        )
        self._check_counts(site)
        return site

    # -- what a server could not hold -------------------------------------------------------------------------

    def _check(self) -> None:
        """References and names: each stands once, and for something."""
        text, providers = self._text, {one.id for one in self._text.identity_providers if one.id}
        self._each_once("users", (f"{u.domain}\\{u.name}" for u in self._users.values()))
        self._each_once("groups", (f"{g.domain}\\{g.name}" for g in self._groups.values()))
        self._each_once("group_sets", text.group_sets)
        self._each_once("identity_providers", (one.name for one in text.identity_providers))
        things: list[User | Group | GroupSet | Content] = [*self._users.values(), *self._groups.values()]
        self._each_once("id", (one.id for one in (*things, *self._sets.values(), *self._paths.values())))
        for key, user in text.users.items():
            domain = key.rpartition("\\")[0]
            if domain and domain.casefold() != user.domain.casefold():
                self.problems.append(f"users.{key}: its domain is `{user.domain}`; write the same in both places")
            if user.idp_configuration_id and providers and user.idp_configuration_id not in providers:
                self.problems.append(f"users.{key}: no identity provider has the id `{user.idp_configuration_id}`")
        for key, group in text.groups.items():
            self._each_once(f"groups.{key}.members", group.members)
            if group.minimum_site_role is not None and not is_known(group.minimum_site_role):
                self.problems.append(f"groups.{key}: no site role `{group.minimum_site_role}`")
        for path in (*text.projects, *text.content):
            if not all(part.strip() for part in path.split("/")):
                self.problems.append(f"`{path}`: a part of the path is empty")
        for content in self._paths.values():
            if content.kind not in KINDS:
                self.problems.append(f"content.{content.name}: no kind `{content.kind}`; known are {', '.join(KINDS)}")

    def _each_once(self, place: str, names: Iterable[str]) -> None:
        met: set[str] = set()
        for name in names:
            if same(name) in met:
                self.problems.append(f"{place}: `{name.removeprefix(LOCAL + chr(92))}` stands twice")
            elif not name.rpartition("\\")[2].strip():
                self.problems.append(f"{place}: a name is empty")
            met.add(same(name))

    def _check_counts(self, site: Site) -> None:
        """No more people than seats, of tiers that there are."""
        for tier, seats in (site.licences or {}).items():
            if tier not in TIERS or seats < 0:
                self.problems.append(f"licences.{tier}: {seats} seats; write a number from 0 for {', '.join(TIERS)}")
            taken = sum(licence_of(user.site_role) == tier for user in site.users.values())
            if 0 <= seats < taken:
                self.problems.append(f"licences.{tier}: {seats} seats for {taken} people")

    # -- people -----------------------------------------------------------------------------------------------

    def _user(self, key: str, text: UserText) -> User:
        name = plain_name(key)
        if not is_known(text.role):
            self.problems.append(f"users.{key}: no site role `{text.role}`")
        return User(
            text.id or stable_id(self._url, "user", text.domain, name),
            name,
            text.role,
            text.domain,
            name if text.full_name is None else text.full_name,
            text.email,
            text.auth_setting,
            text.last_login,
            text.idp_configuration_id,
        )

    def _make_groups(self) -> None:
        if ALL_USERS not in self._text.groups:
            group = Group(stable_id(self._url, "group", LOCAL, ALL_USERS), ALL_USERS, everyone=True)
            self._groups[ALL_USERS] = group
        for key, text in self._text.groups.items():
            name, everyone = plain_name(key), key == ALL_USERS
            members = frozenset(i for n in text.members for i in self._ids(self._users, n, f"groups.{key}"))
            new_id = text.id or stable_id(self._url, "group", text.domain, name)
            role, mode = text.minimum_site_role, text.grant_on
            self._groups[key] = Group(new_id, name, text.domain, members, role, mode, everyone)
        for key, text_set in self._text.group_sets.items():
            groups = frozenset(i for n in text_set.groups for i in self._ids(self._groups, n, f"group_sets.{key}"))
            self._sets[key] = GroupSet(text_set.id or stable_id(self._url, "groupSet", key), key, groups)

    def _ids(self, known: Mapping[str, User | Group | GroupSet], name: str, place: str) -> Iterator[str]:
        if name in known:
            yield known[name].id
        else:
            self.problems.append(f"{place}: nothing is called `{name}`")

    # -- content ----------------------------------------------------------------------------------------------

    def _keep(self, path: str, content: Content) -> None:
        if (content.kind, path) in self._paths:
            self.problems.append(f"content.{path}: two of kind {content.kind}")
        self._paths[(content.kind, path)] = self._contents[content.id] = content

    def _parent(self, path: str) -> Content | None:
        above = path.rpartition("/")[0]
        if not above:
            return None
        parent = self._paths.get(("project", above))
        if parent is None:
            self.problems.append(f"{path}: no project `{above}` before it")
        return parent

    def _owner(self, path: str, name: str) -> str:
        return next(self._ids(self._users, name, f"{path}.owner"), "")

    def _project(self, path: str, text: ProjectText) -> Content:
        parent = self._parent(path)
        inherited = parent is not None and parent.mode == LOCKED
        mode = text.mode or (LOCKED if inherited else CUSTOMIZABLE)
        given = parent.rules or frozenset() if parent is not None else frozenset()
        rules = frozenset(r for r in given if r.capability not in LEADER_CAPABILITIES)
        defaults: Mapping[str, Rules | None] = parent.defaults if parent is not None else {}
        if text.rules is not None:
            rules = self._rules(text.rules, "project", path)
        if text.defaults is not None:
            defaults = {k: self._rules(r, k, f"{path}.defaults.{k}") for k, r in text.defaults.items()}
        return Content(
            text.id or stable_id(self._url, "project", path),
            "project",
            _name(path),
            parent.id if parent is not None else None,
            self._owner(path, text.owner),
            rules,
            mode,
            MappingProxyType(dict(defaults)),
            description=text.description,
            created=text.created,
            updated=text.updated,
        )

    def _database(self, path: str) -> Content | None:
        """The database that a table lies in."""
        database = self._paths.get(("database", path.rpartition("/")[0]))
        if database is None:
            self.problems.append(f"content.{path}: a table lies in a database, which comes before it")
        return database

    def _item(self, path: str, text: ItemText) -> None:
        parent = (
            self._database(path) if text.kind == "table" else None if text.kind == "collection" else self._parent(path)
        )
        if text.kind != "database" and (text.defaults or text.mode != CUSTOMIZABLE):
            self.problems.append(f"content.{path}: only a database has a mode and defaults")
        defaults = {k: self._rules(r, k, f"content.{path}.defaults.{k}") for k, r in text.defaults.items()}
        owner = self._owner(path, text.owner)
        rules = self._rules(text.rules, text.kind, path) if text.rules is not None else None
        if rules is None:
            rules = (parent.defaults.get(text.kind) if parent is not None else None) or frozenset()
        content = Content(
            text.id or stable_id(self._url, text.kind, path),
            text.kind,
            _name(path),
            parent.id if parent is not None else None,
            owner,
            rules,
            text.mode,
            MappingProxyType(defaults),
            tabs=text.tabs,
            description=text.description,
            created=text.created,
            updated=text.updated,
            tags=frozenset(text.tags),
            certified=text.certified,
            certification_note=text.certification_note,
            connections=tuple(
                sorted((DataConnection(c.kind, c.server, c.user, c.embedded) for c in text.connections), key=repr)
            ),
        )
        self._keep(path, content)
        for view in text.views:
            place = f"{path}/{quoted(view.name)}"
            own = self._rules(view.rules, "view", place) if view.rules is not None else view_rules(rules)
            new_id = view.id or stable_id(self._url, "view", place)
            born = Content(
                new_id, "view", view.name, content.id, owner, own, created=text.created, updated=text.updated
            )
            born = replace(born, tags=frozenset(view.tags))
            self._keep(place, born)

    def _link_uses(self) -> None:
        for path, items in self._text.content.items():
            for item in items if isinstance(items, tuple) else (items,):
                uses = []
                for use in item.uses:
                    source = self._paths.get(("datasource", use.datasource))
                    if source is None:
                        self.problems.append(f"{path}.uses: no data source `{use.datasource}`")
                    else:
                        uses.append(Use(source.id, use.auth))
                if uses:
                    content = self._paths[(item.kind, path)]
                    self._contents[content.id] = replace(content, uses=tuple(uses))

    # -- rules ------------------------------------------------------------------------------------------------

    def _rules(self, texts: Iterable[RuleText], kind: str, place: str) -> Rules:
        rules: set[Rule] = set()
        for text in texts:
            grantee = self._grantee(text, place)
            if grantee is None:
                continue
            allowed = [*text.allow, *(["ProjectLeader"] if text.leader else [])]
            if text.template is not None:
                template = TEMPLATES.get(kind, {}).get(text.template)
                if template is None:
                    self.problems.append(f"{place}: no template `{text.template}` for a {kind}")
                allowed.extend(template or ())
            for capability, mode in (*((c, ALLOW) for c in allowed), *((c, DENY) for c in text.deny)):
                if applies(capability, kind) is False:
                    self.problems.append(f"{place}: a {kind} has no capability `{capability}`")
                rules.add(Rule(grantee, capability, mode))
        return frozenset(rules)

    def _grantee(self, text: RuleText, place: str) -> Grantee | None:
        named: list[tuple[str, str | None, Mapping[str, User | Group | GroupSet]]] = [
            ("user", text.user, self._users),
            ("group", text.group, self._groups),
            ("groupSet", text.group_set, self._sets),
        ]
        given = [(kind, name, known) for kind, name, known in named if name is not None]
        if len(given) != 1:
            self.problems.append(f"{place}: a rule needs one of user, group, group_set")
            return None
        kind, name, known = given[0]
        grantee_id = next(self._ids(known, name or "", place), None)
        return Grantee(kind, grantee_id) if grantee_id is not None else None


def view_rules(rules: Rules) -> Rules:
    """The workbook's rules as its views keep them: without capabilities that views do not have."""
    return frozenset(r for r in rules if applies(r.capability, "view") is not False)


def plain_name(key: str) -> str:
    """The name in `domain\\name`."""
    return key.rpartition("\\")[2]


def _name(path: str) -> str:
    return unquote(path.rpartition("/")[2])


def quoted(name: str) -> str:
    """A name as part of a path; a slash within it is written %2F."""
    return name.replace("%", "%25").replace("/", "%2F")


def build_site(text: SiteText) -> Site:
    """The site of a text; WorldError with every name that means nothing."""
    builder = SiteBuilder(text)
    site = builder.build()
    if builder.problems:
        raise WorldError(f"site `{text.name}` has mistakes:", *(f"  {line}" for line in builder.problems))
    return site
