"""A Site in which nobody and nothing can be recognised, and every question has the same answer.

Every name, id and text becomes a token that a key makes of it: the same each time under the same key, so that exports
of several days can be compared. Whoever has the key can find out whose token one is. Left as they are: site roles,
kinds, capabilities, modes, times, numbers, and the two names that Tableau itself gives (`All Users`, `Default`).
"""

from __future__ import annotations

import hashlib
import hmac
import re
from collections.abc import Mapping
from dataclasses import replace

from tabwarden.model.capability import CAPABILITIES, INHERITED_LEADER, KINDS
from tabwarden.model.feeds import DataConnection
from tabwarden.model.governing import LOCKED_TO_DATABASE
from tabwarden.model.roles import LEGACY_ROLES, SITE_ROLES, TIERS
from tabwarden.model.scope import OUTSIDE
from tabwarden.model.site import (
    ALL_USERS,
    ALLOW,
    DEFAULT_PROJECT,
    DENY,
    LOCAL,
    MODES,
    ON_LOGIN,
    ON_SYNC,
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

LENGTH = 12
_TIME = re.compile(r"\d{4}-\d\d-\d\d(T\d\d:\d\d(:\d\d(\.\d+)?)?(Z|[+-]\d\d:?\d\d)?)?")
_SIGN_IN = ("SAML", "ServerDefault", "OpenID", "TableauIDWithMFA")
_SETTINGS = ("ContentAndUsers", "ContentOnly", "FULL", "LIMITED", "embed", "prompt", "unread")
_OWN = (*_SIGN_IN, *_SETTINGS, ON_LOGIN, ON_SYNC, LOCKED_TO_DATABASE, INHERITED_LEADER, LOCAL, ALLOW, DENY)
_GRANTEES = ("user", "group", "groupSet")
_PLAIN = frozenset({*SITE_ROLES, *LEGACY_ROLES, *KINDS, *MODES, *CAPABILITIES, *TIERS, *_GRANTEES, *_OWN})


def pseudonymised(site: Site, key: bytes) -> Site:
    """`site` under pseudonyms; the same key gives the same tokens."""
    return _Tokens(key).site(site)


class _Tokens:
    def __init__(self, key: bytes) -> None:
        self.key = key

    def token(self, kind: str, words: str) -> str:
        """`user-4f0c81d2aa31`: the same for the same words, of names in any letter case."""
        text = f"{kind}\0{words.casefold()}".encode("utf-8", "surrogatepass")
        return f"{kind}-{hmac.new(self.key, text, hashlib.sha256).hexdigest()[:LENGTH]}"

    def id(self, value: str) -> str:
        return self.token("id", value) if value else value

    def word(self, words: str) -> str:
        """A word of Tableau's own as it is, any other as a token: a name may stand where none is expected."""
        return words if words in _PLAIN or not words else self.token("word", words)

    def time(self, words: str) -> str:
        return words if _TIME.fullmatch(words) else ""

    def site(self, site: Site) -> Site:
        taken = site.taken
        return Site(
            id=self.id(site.id),
            name=self.token("site", site.name),
            content_url=self.token("site", site.content_url),
            users={u.id: u for u in map(self.user, site.users.values())},
            groups={g.id: g for g in map(self.group, site.groups.values())},
            group_sets={s.id: s for s in map(self.group_set, site.group_sets.values())},
            contents={c.id: c for c in map(self.content, site.contents.values())},
            settings=replace(
                site.settings,
                admin_mode=self.word(site.settings.admin_mode),
                user_visibility=self.word(site.settings.user_visibility),
            ),
            licences=None if site.licences is None else {self.word(t): n for t, n in site.licences.items()},
            taken=replace(
                taken,
                where=self.token("server", taken.where),
                when=self.time(taken.when),
                by=self.token("user", taken.by),
                by_role=self.word(taken.by_role),
            ),
            partial=tuple(map(self.left_out, site.partial)),
            nicknames=None if site.nicknames is None else self.domains(site.nicknames),
            on_demand=frozenset(map(self.id, site.on_demand)),
        )

    def left_out(self, words: str) -> str:
        """That some projects were read stays said: such a snapshot is no history of the whole site."""
        return f"{OUTSIDE if words.startswith(OUTSIDE) else ''}{self.token('left-out', words)}"

    def user(self, user: User) -> User:
        return User(
            self.id(user.id),
            self.token("user", user.name),
            self.word(user.site_role),
            self.domain(user.domain),
            self.token("person", user.full_name) if user.full_name else "",
            "",
            None if user.auth_setting is None else self.word(user.auth_setting),
            None if user.last_login is None else self.time(user.last_login),
            None if user.idp_configuration_id is None else self.id(user.idp_configuration_id),
        )

    def domain(self, domain: str) -> str:
        return domain if domain.casefold() == LOCAL else self.token("domain", domain)

    def domains(self, nicknames: Mapping[str, str]) -> dict[str, str]:
        return {self.domain(fqdn): self.domain(nickname) for fqdn, nickname in nicknames.items()}

    def group(self, group: Group) -> Group:
        return Group(
            self.id(group.id),
            group.name if group.name == ALL_USERS else self.token("group", group.name),
            self.domain(group.domain),
            None if group.members is None else frozenset(map(self.id, group.members)),
            None if group.minimum_site_role is None else self.word(group.minimum_site_role),
            None if group.grant_on is None else self.word(group.grant_on),
            group.everyone,
        )

    def group_set(self, group_set: GroupSet) -> GroupSet:
        return GroupSet(
            self.id(group_set.id), self.token("group-set", group_set.name), frozenset(map(self.id, group_set.groups))
        )

    def content(self, content: Content) -> Content:
        built_in = content.kind == "project" and content.parent is None and content.name.casefold() == DEFAULT_PROJECT
        return Content(
            self.id(content.id),
            self.word(content.kind),
            content.name if built_in else self.token(self.word(content.kind), content.name),
            None if content.parent is None else self.id(content.parent),
            self.id(content.owner),
            self.rules(content.rules),
            self.word(content.mode),
            {self.word(kind): self.rules(rules) for kind, rules in content.defaults.items()},
            content.tabs,
            tuple(Use(self.id(use.datasource), self.word(use.auth)) for use in content.uses),
            "",
            self.time(content.created),
            self.time(content.updated),
            None if content.tags is None else frozenset(self.token("tag", tag) for tag in content.tags),
            content.certified,
            "",
            None if content.connections is None else tuple(map(self.connection, content.connections)),
        )

    def connection(self, connection: DataConnection) -> DataConnection:
        kind, server, user, embedded = connection
        return DataConnection(
            self.token("data", kind),
            server and self.token("server", server),
            user and self.token("user", user),
            embedded,
        )

    def rules(self, rules: Rules | None) -> Rules | None:
        if rules is None:
            return None
        return frozenset(
            Rule(Grantee(self.word(r.grantee.kind), self.id(r.grantee.id)), self.word(r.capability), self.word(r.mode))
            for r in rules
        )
