"""A world as Tableau Server's repository, written into a real PostgreSQL that does not have its tables yet.

Numbers are given in the order of the sites, so that the same world makes the same rows. As in the real one, rules of
content in locked projects stay as stale rows, and owners and administrators have none.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from itertools import count
from typing import Any, NamedTuple

from tabwarden.extras import install
from tabwarden.model.capability import CAPABILITIES, READ_ONLY, ui_name
from tabwarden.model.errors import WorldError
from tabwarden.model.governing import managing_project
from tabwarden.model.roles import current_role, is_server_admin, rank, ui_role
from tabwarden.model.site import ALLOW, CUSTOMIZABLE, LOCAL, LOCKED, Content, Grantee, Group, Rules, Site, User
from tabwarden.sandbox.repository import tables as schema
from tabwarden.sandbox.repository.usage import write_usage
from tabwarden.sandbox.state.server_state import World, key_of
from tabwarden.troubles import of_database
from tabwarden.workgroup import NEWEST, RELEASES, SITE_ROLE_IDS
from tabwarden.workgroup import schema as schema_of

Row = Mapping[str, Any]


class Export(NamedTuple):
    """Rows of each table, and how many contents of which kinds this release of the repository has no table for."""

    rows: Mapping[str, Sequence[Row]]
    left_out: Mapping[str, int]


def internal_name(capability: str) -> str:
    """What the repository calls a capability: `ExportImage` is `export_image` (believed beyond `read`)."""
    return "".join("_" + c.lower() if c.isupper() else c for c in capability).lstrip("_")


def rows_of(world: World, release: str = NEWEST) -> Export:
    """The repository of a server of that release that has these sites; what it has no column for is not told."""
    return _Rows(world, release).export()


class _Rows:
    def __init__(self, world: World, release: str) -> None:
        self._world = world
        self._schema = schema_of(release)
        self._empty = {table: dict.fromkeys(columns) for table, columns in self._schema.items()}
        self._rows: dict[str, list[Row]] = {name: [] for name in self._schema}
        self._numbers: dict[tuple[str, str], int] = {}
        self._left_out: Counter[str] = Counter()
        self._domains: dict[str, int] = {}
        self._accounts: dict[tuple[str, str], int] = {}
        self._capabilities: dict[str, int] = {}

    def export(self) -> Export:
        self._write_codes()
        for site_number, site in enumerate(self._world.sites, 1):
            self._site(site, site_number)
        return Export(self._rows, dict(self._left_out))

    def _add(self, table: str, **values: Any) -> int:
        """One more row; columns that are not named are null. Its id is its place unless it says another.

        What this release has no column for is left out; 0 where it does not have the table.
        """
        if table not in self._schema:
            return 0
        rows, empty = self._rows[table], self._empty[table]
        if values.get("luid") is not None and not schema.is_luid(values["luid"]):
            raise WorldError(
                f"`{values['luid']}` is no id as a server gives them; leave it out of the world, or give a UUID"
            )
        number: int = values.setdefault("id", len(rows) + 1)
        values.setdefault("type_id", number)
        rows.append(empty | {name: value for name, value in values.items() if name in empty})
        return number

    def _has(self, kind: str) -> bool:
        """Whether this release has a table for a kind of content."""
        return "name" in self._schema.get(schema.TABLE_OF_KIND[kind], ()) and (
            kind != "collection" or "list_type" in self._schema["asset_lists"]
        )

    def _write_codes(self) -> None:
        for number, name in schema.SITE_ROLES.items():
            role = SITE_ROLE_IDS[str(number)]
            self._add("site_roles", id=number, name=name, display_name=ui_role(role), licensing_rank=rank(role))
        spoken = {r.capability for s in self._world.sites for r in _rules_of(s)} - set(CAPABILITIES)
        free = (n for n in count(1) if n not in schema.FIRST_CAPABILITIES.values())
        for name in (*CAPABILITIES, *sorted(spoken)):
            if name not in READ_ONLY:
                number = schema.FIRST_CAPABILITIES.get(name) or next(free)
                self._capabilities[name] = number
                display = ui_name(name) if name in CAPABILITIES else name
                self._add("capabilities", id=number, name=internal_name(name), display_name=display)

    # -- people -----------------------------------------------------------------------------------------------

    def _domain(self, name: str) -> int:
        key = name.casefold()
        if key not in self._domains:
            nickname = next(
                (n for d, n in self._world.nicknames.items() if d.casefold() == key), name.partition(".")[0]
            )
            family = "local" if key == LOCAL else "active_directory"
            self._domains[key] = self._add("domains", name=name, short_name=nickname, family=family, active=True)
        return self._domains[key]

    def _account(self, user: User) -> int:
        key = key_of(user.name, user.domain)
        if key not in self._accounts:
            level = schema.SERVER_ADMINISTRATOR if is_server_admin(user.site_role) else 0
            self._accounts[key] = self._add(
                "system_users",
                name=user.name,
                email=user.email or None,
                friendly_name=user.full_name or user.name,
                domain_id=self._domain(user.domain),
                admin_level=level,
                # What nobody may ever read is there to be found in a reader that asked for it.
                hashed_password="pretend-hash",
                salt="pretend-salt",
                keychain="pretend-keychain",
                protected_password="pretend-password",
                **schema.since("", ""),
            )
        return self._accounts[key]

    def _people(self, site: Site, number: int) -> None:
        for user in site.users.values():
            self._numbers["account", user.id] = self._account(user)
            self._numbers["user", user.id] = self._add(
                "users",
                luid=user.id,
                site_id=number,
                system_user_id=self._account(user),
                site_role_id=schema.NUMBER_OF_ROLE[current_role(user.site_role)],
                login_at=schema.moment(user.last_login),
                **schema.since("", ""),
            )
        for group in site.groups.values():
            self._numbers["group", group.id] = self._group(site, number, group)
        for group_set in site.group_sets.values():
            set_number = self._add("groupsets", luid=group_set.id, name=group_set.name, site_id=number)
            self._numbers["groupSet", group_set.id] = set_number
            for group_id in sorted(group_set.groups):
                group_number = self._numbers["group", group_id]
                self._add("groupset_groups", groupset_id=set_number, group_id=group_number, site_id=number)

    def _group(self, site: Site, number: int, group: Group) -> int:
        minimum = None
        if group.minimum_site_role is not None:
            minimum = schema.NUMBER_OF_ROLE[current_role(group.minimum_site_role)]
        group_number = self._add(
            "groups",
            luid=group.id,
            name=group.name,
            site_id=number,
            domain_id=self._domain(group.domain),
            system=group.everyone,
            minimum_site_role_id=minimum,
            minimum_site_role=None if minimum is None else schema.SITE_ROLES[minimum],
            grant_license_mode=schema.GRANT_MODES.get(group.grant_on or ""),
            **schema.since("", ""),
        )
        for member in sorted(site.members(group.id), key=lambda user: self._numbers["user", user]):
            self._add("group_users", group_id=group_number, user_id=self._numbers["user", member], site_id=number)
        return group_number

    # -- content ----------------------------------------------------------------------------------------------

    def _site(self, site: Site, number: int) -> None:
        settings = site.settings
        self._add(
            "sites",
            luid=site.id,
            name=site.name,
            url_namespace=site.content_url,
            status="active",
            content_admin_mode=schema.CONTENT_ADMIN_MODES[settings.admin_mode],
            user_visibility=schema.USER_VISIBILITIES[settings.user_visibility],
            commenting_enabled=settings.commenting,
            web_editing_enabled=settings.web_authoring,
            authoring_disabled=not settings.web_authoring,
            subscriptions_enabled=settings.subscriptions,
            subscribe_others_enabled=settings.subscribe_others,
            data_alerts_enabled=settings.data_alerts,
            version_history_enabled=settings.revision_history,
            personal_space_enabled=settings.personal_space,
            group_sets_enabled=settings.group_sets,
            explain_data_enabled=settings.explain_data,
            tier_author_capacity=(site.licences or {}).get("Creator"),
            tier_interactor_capacity=(site.licences or {}).get("Explorer"),
            tier_basic_user_capacity=(site.licences or {}).get("Viewer"),
            **schema.since("", ""),
        )
        self._people(site, number)
        places: defaultdict[str, int] = defaultdict(int)
        listed = [content for content in _parents_first(site) if self._has(content.kind)]
        self._left_out.update(content.kind for content in site.contents.values() if not self._has(content.kind))
        for content in listed:
            places[content.parent or ""] += 1
            self._content(site, number, content, places[content.parent or ""])
        for content in listed:
            self._rules_on(content, number)
            self._connections(number, content)
        write_usage(self._add, self._numbers, number, site, self._world.usage.get(site.id, ()))

    def _content(self, site: Site, number: int, content: Content, place: int) -> None:
        table = schema.TABLE_OF_KIND[content.kind]
        parent = self._numbers["content", content.parent] if content.parent else None
        values: dict[str, Any] = {
            "luid": content.id,
            "name": content.name,
            "site_id": number,
            "owner_id": self._numbers.get(("user", content.owner)),
            "project_id": parent,
            "parent_project_id": parent,
            "workbook_id": parent if content.kind == "view" else None,
            "database_id": parent,
            "contact_id": self._numbers.get(("user", content.owner)),
            "contact_type": "user",
            "list_type": "collection",
            "visibility": "public" if content.rules else "private",
            "description": content.description or None,
            "is_deleted": False,
            "state": "active",
            "is_certified": bool(content.certified),
            "certification_note": content.certification_note or None,
            "is_private": False,
            "activated": True,
            "hidden": False,
            "is_tombstoned": False,
            "connectable": True,
            "display_tabs": content.tabs,
            "index": place,
            "sheettype": "view",
            "repository_url": content.name.replace(" ", ""),
            "controlled_permissions_enabled": content.mode != CUSTOMIZABLE,
            "embedded": "pretend-keychain",
            "nested_projects_permissions_included": content.mode == LOCKED,
            **schema.since(content.created, content.updated),
        }
        content_number = self._add(table, **values)
        self._numbers["content", content.id] = content_number
        if content.kind == "project":
            manager = managing_project(site, content.id)
            controlling = (
                content_number if manager == content.id else self._numbers["content", manager] if manager else None
            )
            if "controlling_permissions_project_id" in self._empty[table]:
                self._rows[table][-1] = {
                    **self._rows[table][-1],
                    "controlling_permissions_project_id": controlling,
                }
        if content.kind not in ("view", "table") and parent is not None:
            self._add(
                "projects_contents",
                project_id=parent,
                site_id=number,
                content_id=content_number,
                content_type=content.kind,
            )

    def _connections(self, number: int, content: Content) -> None:
        """What feeds a workbook or data source; flows have no rows there."""
        owner = {"owner_id": self._numbers["content", content.id], "site_id": number, "keychain": "pretend-keychain"}
        for one in content.connections or () if content.kind in ("workbook", "datasource") else ():
            self._add(
                "data_connections",
                owner_type=schema.TYPE_OF_KIND[content.kind],
                dbclass=one.kind,
                server=one.server,
                username=one.user,
                password=bool(one.embedded),
                state="active",
                **owner,
            )
        for use in content.uses:
            self._add(
                "data_connections",
                owner_type="Workbook",
                datasource_id=self._numbers["content", use.datasource],
                dbclass="sqlproxy",
                password=use.auth == "embed",
                **owner,
            )

    # -- rules ------------------------------------------------------------------------------------------------

    def _rules_on(self, content: Content, site: int) -> None:
        number = self._numbers["content", content.id]
        kind = schema.TYPE_OF_KIND[content.kind]
        for row in self._rule_rows(content.rules or frozenset()):
            self._add("next_gen_permissions", authorizable_type=kind, authorizable_id=number, site_id=site, **row)
        for of, rules in sorted(content.defaults.items()):
            for row in self._rule_rows(rules or frozenset()):
                place = {"container_id": number, "container_type": kind, "project_id": number, "site_id": site}
                self._add("permissions_templates", template_type=schema.TYPE_OF_KIND[of], **place, **row)

    def _rule_rows(self, rules: Rules) -> Iterable[dict[str, Any]]:
        for rule in sorted(rules):
            # A release without group sets has no rules for them.
            if rule.capability not in READ_ONLY and self._numbers[rule.grantee.kind, rule.grantee.id]:
                yield {
                    "grantee_type": schema.GRANTEE_TYPES[rule.grantee.kind],
                    "grantee_id": self._numbers[rule.grantee.kind, rule.grantee.id],
                    "capability_id": self._capabilities[rule.capability],
                    "permission": _permission(rule.grantee, rule.mode),
                }


def _permission(grantee: Grantee, mode: str) -> int:
    """1 to 4; a group set's rules have the codes of groups [B]."""
    if grantee.kind == "user":
        return schema.USER_ALLOW if mode == ALLOW else schema.USER_DENY
    return schema.GROUP_ALLOW if mode == ALLOW else schema.GROUP_DENY


def _rules_of(site: Site) -> Iterable[Any]:
    for content in site.contents.values():
        yield from content.rules or ()
        for rules in content.defaults.values():
            yield from rules or ()


def _parents_first(site: Site) -> list[Content]:
    depth: dict[str | None, int] = {None: 0}

    def of(content: Content) -> int:
        if content.id not in depth:
            depth[content.id] = 1 + (of(site.contents[content.parent]) if content.parent else 0)
        return depth[content.id]

    return sorted(site.contents.values(), key=of)


READER = "readonly"


def export(world: World, url: str, release: str = NEWEST) -> Export:
    """Make the tables of a release in the database at `url` and fill them, all or nothing.

    The role `readonly`, where the server has it, may read them, as on Tableau Server.
    WorldError when the database cannot be reached, or holds one of the tables already, or for an unknown release.
    """
    if release not in RELEASES:
        raise WorldError(f"the tables of `{release}` are not known; give one of {', '.join(RELEASES)}")
    try:
        import psycopg
    except ImportError as missing:
        raise WorldError(f"an export needs PostgreSQL's driver; {install('[postgres]')}") from missing
    export_rows = rows_of(world, release)
    try:
        with psycopg.connect(url) as connection, connection.cursor() as cursor:
            _write(cursor, export_rows.rows, schema_of(release))
    except psycopg.errors.DuplicateTable as there:
        table = str(there.diag.message_primary)
        raise WorldError(f"{table}: give an empty database, an export replaces nothing") from None
    except psycopg.Error as failed:
        # The driver's words may hold the URL, and the URL a password.
        raise WorldError(f"the database did not take the export: {of_database(failed)}") from None
    return export_rows


def _write(cursor: Any, rows: Mapping[str, Sequence[Row]], tables: Mapping[str, Mapping[str, str]]) -> None:
    from psycopg import sql

    for table, columns in tables.items():
        name, names = sql.Identifier(table), sql.SQL(", ").join(map(sql.Identifier, columns))
        typed = sql.SQL(", ").join(sql.SQL("{} " + type_).format(sql.Identifier(c)) for c, type_ in columns.items())
        key = sql.Identifier(next(iter(columns)))
        cursor.execute(sql.SQL("create table {} ({}, primary key ({}))").format(name, typed, key))
        with cursor.copy(sql.SQL("copy {} ({}) from stdin").format(name, names)) as copy:
            for row in rows[table]:
                copy.write_row(list(row.values()))
    cursor.execute("select 1 from pg_roles where rolname = %s", (READER,))
    if cursor.fetchone() is not None:
        for table in tables:
            cursor.execute(sql.SQL("grant select on {} to {}").format(sql.Identifier(table), sql.Identifier(READER)))
