"""From sites with ids to the names of a world file, the way back of `build`."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from itertools import groupby
from typing import Any

from pydantic import BaseModel

from tabwarden.model.site import ALLOW, DENY, LOCAL, Content, Group, GroupSet, Rules, Site, User
from tabwarden.model.usage import Usage
from tabwarden.sandbox.directories.directory import DirectoryText
from tabwarden.sandbox.state.server_state import Account, AccountKey, World, key_of, stable_id
from tabwarden.sandbox.worlds.build import quoted, site_id
from tabwarden.sandbox.worlds.file import (
    AppText,
    GroupSetText,
    GroupText,
    ItemText,
    ProjectText,
    ProviderText,
    RuleText,
    SettingsText,
    SiteText,
    TokenText,
    UsageText,
    UserText,
    ViewText,
    WorldText,
)


def text_of(world: World) -> WorldText:
    """The text of a whole world."""
    accounts = {key_of(a.name, a.domain): a for a in world.accounts}
    return WorldText(
        world=world.name,
        tokens=tuple(TokenText(**_same(TokenText, token)) for token in world.tokens),
        apps=tuple(AppText(**_same(AppText, app)) for app in world.apps),
        directory=DirectoryText.model_validate(dict(world.directory)),
        nicknames=dict(world.nicknames),
        sites=tuple(_with_providers(_SiteText(site, accounts).text(), world, site) for site in world.sites),
    )


_WRITTEN_OTHERWISE = ("uses", "tags", "certified", "certification_note", "connections")


def _same(text: type[BaseModel], value: object, *but: str) -> dict[str, Any]:
    """What a value has by the names of a text, but for those that are written otherwise."""
    return {name: getattr(value, name) for name in text.model_fields if name not in but and hasattr(value, name)}


def _with_providers(text: SiteText, world: World, site: Site) -> SiteText:
    providers = world.providers.get(site.id, ())
    listed = tuple(
        ProviderText.model_validate({"name": p.name, "auth_setting": p.setting, "id": p.id}) for p in providers
    )
    usage = tuple(_usage_text(site, row) for row in world.usage.get(site.id, ()))
    return text.model_copy(update={"identity_providers": listed, "usage": usage}) if listed or usage else text


def _usage_text(site: Site, row: Usage) -> UsageText:
    content = site.written(row.content) if row.content in site.contents else None
    user = site.users[row.user].qualified if row.user in site.users else row.user
    last = row.last or f"{row.day}T00:00:00Z"
    return UsageText(user=user, what=row.what, content=content, last=last, times=row.times)


class _SiteText:
    def __init__(self, site: Site, accounts: Mapping[AccountKey, Account]) -> None:
        self._site = site
        self._accounts = accounts
        self._users = {u.id: _key(u) for u in site.users.values()}
        self._groups = {g.id: _key(g) for g in site.groups.values()}
        self._sets = {s.id: s.name for s in site.group_sets.values()}

    def text(self) -> SiteText:
        site = self._site
        return SiteText(
            name=site.name,
            content_url=site.content_url,
            id=None if site.id == site_id(site.content_url) else site.id,
            settings=SettingsText(**_same(SettingsText, site.settings)),
            licences=dict(site.licences) if site.licences is not None else None,
            users={self._users[u.id]: self._user(u) for u in site.users.values()},
            groups={self._groups[g.id]: self._group(g) for g in site.groups.values()},
            group_sets={s.name: self._group_set(s) for s in site.group_sets.values()},
            projects={self._path(c): self._project(c) for c in self._in_order("project")},
            content=self._content(),
        )

    def _own_id(self, own_id: str, *names: str) -> str | None:
        return None if own_id == stable_id(self._site.content_url, *names) else own_id

    def _user(self, user: User) -> UserText:
        account = self._accounts.get(key_of(user.name, user.domain))
        return UserText(
            **_same(UserText, user, "id", "full_name"),
            role=user.site_role,
            full_name=None if user.full_name == user.name else user.full_name,
            password=account.password if account is not None and account.password != user.name else None,
            id=self._own_id(user.id, "user", user.domain, user.name),
        )

    def _group(self, group: Group) -> GroupText:
        members = tuple(sorted(self._users[m] for m in group.members or ()))
        own_id = self._own_id(group.id, "group", group.domain, group.name)
        return GroupText(
            **_same(GroupText, group, "id", "members"),
            members=members,
            on_demand=group.id in self._site.on_demand,
            id=own_id,
        )

    def _group_set(self, group_set: GroupSet) -> GroupSetText:
        groups = tuple(sorted(self._groups[g] for g in group_set.groups))
        return GroupSetText(groups=groups, id=self._own_id(group_set.id, "groupSet", group_set.name))

    def _path(self, content: Content) -> str:
        names = [quoted(content.name)]
        parent = content.parent
        while parent is not None:
            names.append(quoted(self._site.contents[parent].name))
            parent = self._site.contents[parent].parent
        return "/".join(reversed(names))

    def _in_order(self, kind: str) -> list[Content]:
        """Of a kind, parents before what lies in them, else in the site's order."""
        contents = [c for c in self._site.contents.values() if c.kind == kind]
        return sorted(contents, key=lambda c: self._path(c).count("/")) if kind == "project" else contents

    def _project(self, project: Content) -> ProjectText:
        return ProjectText(**self._of_content(ProjectText, project))

    def _of_content(self, text: type[BaseModel], content: Content) -> dict[str, Any]:
        """What projects and items have in common."""
        return {
            **_same(text, content, *_WRITTEN_OTHERWISE),
            "owner": self._users[content.owner],
            "rules": self._rules(content.rules),
            "defaults": {kind: self._rules(rules) for kind, rules in content.defaults.items()},
            "id": self._own_id(content.id, content.kind, self._path(content)),
        }

    def _content(self) -> dict[str, ItemText | tuple[ItemText, ...]]:
        items_by_path: dict[str, list[ItemText]] = {}
        for content in self._site.contents.values():
            if content.kind not in ("project", "view"):
                items_by_path.setdefault(self._path(content), []).append(self._item(content))
        return {path: items[0] if len(items) == 1 else tuple(items) for path, items in items_by_path.items()}

    def _item(self, content: Content) -> ItemText:
        site, path = self._site, self._path(content)
        sources = ((site.contents.get(use.datasource), use.auth) for use in content.uses)
        below = map(site.contents.__getitem__, site.children(content.id))
        return ItemText.model_validate(
            {
                **self._of_content(ItemText, content),
                "tags": tuple(sorted(content.tags or ())),
                "certified": bool(content.certified),
                "certification_note": content.certification_note or "",
                "connections": tuple(connection._asdict() for connection in content.connections or ()),
                "views": tuple(self._view(one, path) for one in below if one.kind == "view"),
                "uses": tuple({"datasource": self._path(c), "auth": auth} for c, auth in sources if c is not None),
            }
        )

    def _view(self, view: Content, workbook: str) -> ViewText:
        new_id = self._own_id(view.id, "view", f"{workbook}/{quoted(view.name)}")
        return ViewText(name=view.name, tags=tuple(sorted(view.tags or ())), rules=self._rules(view.rules), id=new_id)

    def _rules(self, rules: Rules | None) -> tuple[RuleText, ...]:
        ordered = sorted(rules or ())
        return tuple(self._rule(key.kind, key.id, spoken) for key, spoken in groupby(ordered, lambda r: r.grantee))

    def _rule(self, kind: str, grantee: str, spoken: Iterable[tuple[object, str, str]]) -> RuleText:
        listed = [(capability, mode) for _grantee, capability, mode in spoken]
        known = {"user": self._users, "group": self._groups, "groupSet": self._sets}[kind]
        field = {"user": "user", "group": "group", "groupSet": "group_set"}[kind]
        modes = {
            "allow": tuple(c for c, mode in listed if mode == ALLOW),
            "deny": tuple(c for c, mode in listed if mode == DENY),
        }
        return RuleText.model_validate({field: known[grantee], **modes})


def _key(named: User | Group) -> str:
    return named.name if named.domain == LOCAL else f"{named.domain}\\{named.name}"
