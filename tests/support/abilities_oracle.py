"""A second opinion on abilities: what each asks for, as a table in words, and the few that are more. Not a test.

`Write@place` is the reference's answer for a capability somewhere; the other words are plain facts.
Source: tableau-permissions §6.2 and §7, the permissions paper and the blog.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import NamedTuple

from tabwarden.access.powers import power_is_unknown, power_over
from tabwarden.access.reference import as_seen_by, may
from tabwarden.model.governing import lock_is_unknown, managing_project
from tabwarden.model.open_points import OpenPoints
from tabwarden.model.roles import current_role, is_admin, is_known, licence_of, publishes
from tabwarden.model.site import Content, Site, Use
from tabwarden.model.site_settings import setting_against

NO, YES, UNKNOWN = "denied", "allowed", "unknown"


class Said(NamedTuple):
    """One condition as it should be told: verdict, reason, what a plain fact asks for, where a power comes from."""

    verdict: str
    because: str
    what: str = ""
    at: str | None = None


class Asked(NamedTuple):
    """One question about an ability."""

    site: Site
    user: str
    action: str
    content: str
    target: str | None
    to: str | None
    model: str
    open_points: OpenPoints


TABLE = {
    "publish_new_datasource_external": "publishes-any publish",
    "download": "ExportXml@workbook Read@workbook",
    "create_metric": "in-project publishes ViewUnderlyingData@it Write@target-or-project",
    "query_api": "Read@it direct-connect VizqlDataApiAccess@it",
    "use_filters": "Read@it Filter@it",
    "use_actions": "Read@it",
    "save_custom_view": "no-guest Read@it filter-by-point",
    "default_custom_view": "no-guest Read@it filter-by-point",
    "share_custom_view": "no-guest Read@it filter-by-point ShareView@it",
    "tag": "no-guest sees-all Read@it",
    "read_comments": "Read@it ViewComments@it",
    "comment": "Read@it AddComment@it",
    "edit_comment": "never",
    "set_data_alert": "in-project alerts alerts-shown from-explorer no-prompts Read@it",
    "see_site_role": "licence sees-role",
    "see_other_users": "licence sees-others",
    "web_create": "authoring publishes-any Write@it",
    "create_top_level_project": "admin",
    "create_nested_project": "publishes rules-it",
}


def conditions(asked: Asked) -> list[Said]:
    """What the ability asks for, one by one, and how each stands."""
    asked = asked._replace(site=as_seen_by(asked.site, asked.model))
    if not is_known(_role(asked)):
        return [Said(UNKNOWN, "role_unknown")]
    if asked.action in TABLE:
        return _listed(asked, TABLE[asked.action])
    return list(MORE[asked.action](asked))


def summed(parts: list[Said]) -> tuple[str, str]:
    """The verdict and reason of them all."""
    for verdict in (NO, UNKNOWN):
        reasons = [part.because for part in parts if part.verdict == verdict]
        if reasons:
            return verdict, reasons[0]
    told = [part.because for part in parts if part.because != "ok"]
    return YES, told[-1] if told else "ok"


# -- the words ------------------------------------------------------------------------------------------------


def _listed(asked: Asked, words: str) -> list[Said]:
    found: list[Said] = []
    for word in words.split():
        found += WORDS[word](asked) if word in WORDS else [_capability(asked, word)]
    return found


def _capability(asked: Asked, word: str) -> Said:
    capability, _, where = word.partition("@")
    return _may(asked, capability, _place(asked, where))


def _place(asked: Asked, where: str) -> str | None:
    site, held = asked.site, _held(asked)
    return {
        "it": asked.content,
        "workbook": held.parent if held.kind == "view" and held.parent else asked.content,
        "project": site.project_of(asked.content),
        "target": asked.target,
        "target-or-project": asked.target or site.project_of(asked.content),
    }[where]


def _may(asked: Asked, capability: str, content: str | None) -> Said:
    if content not in asked.site.contents:
        off = setting_against(asked.site.settings, capability)
        if off or licence_of(_role(asked)) is None:
            return Said(NO, "site_setting" if off else "site_role")
        return Said(YES, "admin") if _boss(asked) else Said(UNKNOWN, "not_read")
    answer = may(asked.site, asked.user, capability, str(content), model=asked.model, open_points=asked.open_points)
    return Said(answer.verdict, answer.because, at=answer.at)


def _fact(fact: bool, because: str, what: str, yes: str = "ok") -> list[Said]:
    return [Said(YES, yes, what) if fact else Said(NO, because, what)]


def _role(asked: Asked) -> str:
    return current_role(asked.site.users[asked.user].site_role)


def _boss(asked: Asked) -> bool:
    return is_admin(_role(asked))


def _held(asked: Asked) -> Content:
    return asked.site.contents[asked.content]


def _publishes(asked: Asked) -> list[Said]:
    return _fact(publishes(_role(asked)) in ("existing", "any"), "site_role", "a site role that publishes")


def _rules(asked: Asked, project: str | None, otherwise: str = "not_leader") -> Said:
    what = "owning or leading the project"
    if _boss(asked):
        return Said(YES, "admin", what)
    power = power_over(asked.site, asked.user, project, asked.model)
    if power is not None:
        return Said(YES, power.reason, what, power.at)
    return Said(UNKNOWN, "not_read") if power_is_unknown(asked.site, asked.user, project) else Said(NO, otherwise, what)


def _owns(asked: Asked, yes: str) -> Said:
    if _boss(asked):
        return Said(YES, "admin", "owning it")
    return _fact(_held(asked).owner == asked.user, "not_owner", "owning it", yes)[0]


def _admin(asked: Asked) -> list[Said]:
    return _fact(_boss(asked), "admin_only", "administering the site", "admin")


def _sees_others(asked: Asked) -> list[Said]:
    if _boss(asked) or asked.to == asked.user:
        return [Said(YES, "admin" if _boss(asked) else "oneself", "site setting")]
    return _fact(_sees(asked), "site_setting", "full user visibility on this site")


def _full(asked: Asked) -> bool:
    return asked.site.settings.user_visibility == "FULL"


def _sees(asked: Asked) -> bool:
    return _full(asked) or _boss(asked) or _role(asked) == "Creator"


def _private(asked: Asked) -> bool:
    held = _held(asked)
    held = asked.site.contents.get(held.parent or "", held) if held.kind == "view" else held
    return held.parent is None and held.kind not in ("project", "database", "table", "collection", "view")


def _of_kind(asked: Asked, kinds: str, words: str) -> Said:
    return _fact(_held(asked).kind in kinds.split(), "not_applicable", words)[0]


def _no_prompts(asked: Asked) -> list[Said]:
    book = asked.site.contents.get(str(_place(asked, "workbook")))
    how = {use.auth for use in book.uses} if book is not None else {"unread"}
    if "prompt" not in how and how - {"embed"}:
        return [Said(UNKNOWN, "not_read")]
    return _fact("prompt" not in how, "prompted", "data that nobody is prompted for")


def _sees_role(asked: Asked) -> list[Said]:
    own = asked.to in (None, asked.user)
    return _fact(own or _boss(asked), "admin_only", "administering the site", "oneself" if own else "admin")


def _direct_connect(asked: Asked) -> list[Said]:
    answer = may(asked.site, asked.user, "Connect", asked.content, model=asked.model, open_points=asked.open_points)
    by_project = answer.governing is not None and answer.governing.level == "project_default"
    by_rule = answer.because in ("user_allow", "group_allow", "groupset_allow")
    if asked.open_points.project_connect_is_for_workbooks and by_project and by_rule:
        return [Said(NO, "project_connect")]
    return [Said(answer.verdict, answer.because, at=answer.at)]


def _own_connect(asked: Asked, use: Use) -> Said:
    said = _may(asked, "Connect", use.datasource)
    return said._replace(because="missing_connect") if said.verdict == NO else said


def _web(asked: Asked) -> list[Said]:
    book = asked.site.contents.get(str(_place(asked, "workbook")))
    lost = [] if _boss(asked) else [Said(UNKNOWN, "not_read")]
    if _held(asked).kind == "datasource":
        return _listed(asked, "authoring from-explorer Read@it direct-connect")
    connects = lost if book is None else [_own_connect(asked, use) for use in book.uses]
    return [*_authoring(asked), _capability(asked, "WebAuthoring@it"), *connects, _capability(asked, "Read@it")]


def _save_as(asked: Asked) -> Iterator[Said]:
    copy = [] if _held(asked).kind == "datasource" else [_capability(asked, "ExportXml@workbook")]
    own = [*_space(asked), *WORDS["from-explorer"](asked)]
    yield from _web(asked)
    if asked.target == "Personal Space":
        yield from (*copy, *own)
        return
    publishes, place = _publishes(asked), _saves_somewhere(asked)
    if (
        asked.target is None
        and {p.verdict for p in (*publishes, *place)} != {YES}
        and {p.verdict for p in own} == {YES}
    ):
        yield from (*copy, *own)
    else:
        yield from (*publishes, *copy, *place)


def _space(asked: Asked) -> list[Said]:
    return _fact(asked.site.settings.personal_space, "site_setting", "Personal Space on this site")


def _overwrite(asked: Asked) -> Iterator[Said]:
    if _held(asked).kind == "datasource" or _private(asked):
        yield from _save(asked)
    else:
        yield from _web(asked)
        yield from _listed(asked, "publishes ExportXml@workbook Write@workbook Write@project")


def _save(asked: Asked) -> Iterator[Said]:
    if _held(asked).kind == "datasource":
        yield _of_kind(asked, "workbook view", "a workbook or view")
        return
    yield from _web(asked)
    yield from _listed(asked, "from-explorer owns-workbook" if _private(asked) else "publishes owns-workbook")
    if not _private(asked):
        yield from WORDS["project-by-point"](asked)


def _subscribe(asked: Asked) -> Iterator[Said]:
    settings, mailed = asked.site.settings, asked._replace(user=asked.to or asked.user)
    yield _of_kind(asked, "workbook view", "a workbook or view")
    yield from WORDS["in-project"](asked)
    yield from _fact(settings.subscriptions, "site_setting", "subscriptions on this site")
    if mailed.user != asked.user:
        yield from _fact(settings.subscribe_others, "site_setting", "subscribing others on this site")
        book = _place(asked, "workbook")
        owns = _owns(asked._replace(content=str(book)), "content_owner") if book in asked.site.contents else None
        yield owns if owns and owns.verdict == YES else _rules(asked, _place(asked, "project"))
    yield from _fact(_role(mailed) != "Guest", "site_role", "a recipient with an address")
    yield from _no_prompts(asked)
    yield _capability(mailed, "Read@it")


def _with_image(asked: Asked) -> Iterator[Said]:
    yield from _subscribe(asked)
    yield _capability(asked._replace(user=asked.to or asked.user), "ExportImage@it")


def _on_data(asked: Asked, kinds: str, words: str, more: str) -> Iterator[Said]:
    yield _of_kind(asked, kinds, words)
    yield from _listed(asked, more)


def _authoring(asked: Asked) -> list[Said]:
    return _fact(asked.site.settings.web_authoring, "site_setting", "web editing on this site")


def _saves_somewhere(asked: Asked) -> list[Said]:
    if asked.target is not None:
        return [_capability(asked, "Write@target")]
    site = asked.site
    projects = sorted((site.path(c.id).casefold(), c.id) for c in site.contents.values() if c.kind == "project")
    found = [_may(asked, "Write", project) for _, project in projects]
    for verdict in (YES, UNKNOWN):
        for said in found:
            if said.verdict == verdict:
                return [said]
    return [Said(NO, "default_deny", "Publish on any project")]


def _owns_workbook(asked: Asked) -> list[Said]:
    book = asked.site.contents.get(str(_place(asked, "workbook")), _held(asked))
    return _fact(book.owner == asked.user, "not_owner", "owning it", "content_owner")


WORDS: dict[str, Callable[[Asked], list[Said]]] = {
    "publish": lambda a: list(_publish(a)),
    "publishes": _publishes,
    "publishes-any": lambda a: _fact(publishes(_role(a)) == "any", "site_role", "a site role that publishes any data"),
    "no-guest": lambda a: _fact(_role(a) != "Guest", "site_role", "a site role that keeps something"),
    "from-explorer": lambda a: _fact(
        _role(a) not in ("Viewer", "Guest", "SupportUser", "Unlicensed"), "site_role", "a site role from Explorer up"
    ),
    "in-project": lambda a: _fact(not _private(a), "personal_space", "content that lies in a project"),
    "sees-all": lambda a: _fact(_sees(a), "site_setting", "full user visibility, or a site role that sees everybody"),
    "alerts": lambda a: _fact(a.site.settings.data_alerts, "site_setting", "data alerts on this site"),
    "alerts-shown": lambda a: _fact(_full(a), "site_setting", "full user visibility, which data alerts need"),
    "no-prompts": _no_prompts,
    "licence": lambda a: _fact(licence_of(_role(a)) is not None, "site_role", "a licence"),
    "filter-by-point": lambda a: [_capability(a, "Filter@it")] if a.open_points.custom_views_need_filter else [],
    "project-by-point": lambda a: [_capability(a, "Write@project")] if a.open_points.save_needs_publish else [],
    "never": lambda _: [Said(NO, "never_edited", "editing a comment")],
    "direct-connect": _direct_connect,
    "sees-others": _sees_others,
    "sees-role": _sees_role,
    "authoring": _authoring,
    "owns-workbook": _owns_workbook,
    "admin": _admin,
    "rules-it": lambda a: [_rules(a, a.content)],
}


# -- those that are more than a list --------------------------------------------------------------------------


def _publish(asked: Asked) -> Iterator[Said]:
    yield from _listed(asked, "publishes Write@it")
    if _held(asked).kind != "project":
        yield from () if _private(asked) else (_capability(asked, "Write@project"),)
    elif asked.open_points.nested_publish_needs_parent and _held(asked).parent is not None:
        yield _may(asked, "Write", _held(asked).parent)


def _see_data(asked: Asked) -> Iterator[Said]:
    yield _capability(asked, "Read@it")
    if _held(asked).kind == "datasource":
        yield from _direct_connect(asked)
        return
    book = asked.site.contents.get(str(_place(asked, "workbook")))
    if book is None:
        yield from () if _boss(asked) else (Said(UNKNOWN, "not_read"),)
        return
    for use in reversed(book.uses):
        if use.auth == "embed":
            guest = _role(asked) == "Guest" and _may(asked, "Read", use.datasource).verdict != YES
            given = Said(YES, "embedded_credentials", "access to the data source")
            yield Said(UNKNOWN, "guest_extract") if guest else given
            continue
        if asked.open_points.prompted_needs_view:
            yield _may(asked, "Read", use.datasource)
        yield _connect_through(asked, use)


def _connect_through(asked: Asked, use: Use) -> Said:
    site, own = asked.site, _own_connect(asked, use)
    project = site.project_of(use.datasource) if use.datasource in site.contents else None
    if not asked.open_points.project_connect_is_for_workbooks or own.verdict != NO or project not in site.contents:
        return own
    answer = may(site, asked.user, "Connect", use.datasource, model=asked.model, open_points=asked.open_points)
    if answer.deciding:
        return own
    held = site.contents[use.datasource]
    rules = site.contents[str(project)].defaults.get("datasource", frozenset())
    fields = {name: getattr(held, name) for name in held.__slots__}
    elsewhere = asked._replace(site=site.with_contents(Content(**{**fields, "rules": rules})))
    given = _may(elsewhere, "Connect", use.datasource)
    return given if given.verdict == YES else own


def _delete_comment(asked: Asked) -> Iterator[Said]:
    own = asked.to == asked.user
    if own or _boss(asked):
        yield from _listed(asked, "licence")
        yield Said(YES, "own_comment" if own else "admin", "the right to delete it")
        return
    yield _capability(asked, "Read@it")
    if _owns_workbook(asked)[0].verdict == YES:
        yield Said(YES, "content_owner", "owning it")
    else:
        yield _rules(asked, _place(asked, "project"), "not_owner")


def _schedule(asked: Asked) -> Iterator[Said]:
    yield _capability(asked, "Execute@it" if _held(asked).kind == "flow" else "ExtractRefresh@it")


def _move(asked: Asked) -> Iterator[Said]:
    kind = _held(asked).kind
    if kind in ("view", "table"):
        yield Said(NO, "not_applicable", "content that lies in a project")
    elif asked.target == "Personal Space":
        yield _of_kind(asked, "workbook", "a workbook")
        yield from _space(asked)
        yield from WORDS["from-explorer"](asked)
        yield from _fact(_held(asked).owner == asked.user, "not_owner", "owning it", "content_owner")
    elif asked.target == "top level":
        yield _of_kind(asked, "project", "a project")
        yield from _admin(asked)
    elif _boss(asked):
        yield from _admin(asked)
    elif asked.target is None:
        yield from _goes_somewhere(asked)
    else:
        yield from _publishes(asked)
        yield from _taken(asked, asked.target)
        yield _moves_away(asked)


def _taken(asked: Asked, target: str) -> list[Said]:
    if _held(asked).kind == "project":
        return [_rules(asked, target)]
    return [_may(asked, "Read", target), _may(asked, "Write", target)]


def _moves_away(asked: Asked) -> Said:
    if _held(asked).kind == "project":
        return _rules(asked, asked.content)
    power = power_over(asked.site, asked.user, _place(asked, "project"), asked.model)
    if power is not None or _held(asked).owner == asked.user:
        return Said(YES, power.reason if power else "content_owner", "owning it or leading its project")
    return _capability(asked, "ChangeHierarchy@it")


def _goes_somewhere(asked: Asked) -> list[Said]:
    site, held = asked.site, _held(asked)
    own = {held.parent, asked.content, *site.below(asked.content)}
    projects = sorted((site.path(c.id).casefold(), c.id) for c in site.contents.values() if c.kind == "project")
    last = "top level" if held.kind == "project" else "Personal Space"
    each = {t: list(_move(asked._replace(target=t))) for t in (*(p for _, p in projects if p not in own), last)}
    for target, parts in each.items():
        if {part.verdict for part in parts} == {YES}:
            name = site.path(target) if target in site.contents else target
            return [*parts, Said(YES, "ok", f"a place that takes it: {name}")]
    nowhere = [*_publishes(asked), _moves_away(asked), Said(NO, "no_target", "a place that takes it")]
    return next((parts for parts in each.values() if NO not in {part.verdict for part in parts}), nowhere)


def _delete(asked: Asked) -> Iterator[Said]:
    held = _held(asked)
    if held.kind == "collection":
        yield _owns(asked, "content_owner")
    elif held.kind != "project":
        yield _capability(asked, "Delete@it")
    elif held.parent is None and held.name.casefold() == "default":
        yield Said(NO, "default_project", "a project other than Default")
    elif held.parent is not None:
        yield from _listed(asked, "publishes rules-it")
    elif not asked.open_points.owner_deletes_top_level:
        yield from _admin(asked)
    else:
        yield from _publishes(asked)
        owns = _owns(asked, "project_owner")
        yield owns if owns.verdict == YES else owns._replace(because="admin_only")


def _rename(asked: Asked) -> Iterator[Said]:
    if _held(asked).kind == "collection":
        yield _owns(asked, "content_owner")
        return
    yield from _listed(asked, "publishes rules-it" if _held(asked).kind == "project" else "publishes Write@it")


def _heir(asked: Asked) -> Iterator[Said]:
    if asked.to is None:
        return
    role, what = current_role(asked.site.users[asked.to].site_role), "a new owner whose site role can own it"
    if not is_known(role):
        yield Said(UNKNOWN, "not_read")
    elif role == "Guest":
        yield Said(NO, "guest_cannot_own", what)
    else:
        any_licence = _held(asked).kind not in ("project", "metric", "lens") and asked.open_points.explorers_own_content
        weak = ("Unlicensed", "SupportUser") if any_licence else ("Unlicensed", "SupportUser", "Viewer", "Explorer")
        yield from _fact(role not in weak, "site_role", what)


def _project_owner(asked: Asked) -> Iterator[Said]:
    yield from _publishes(asked)
    yield _owns(asked, "project_owner")
    yield from _heir(asked)


def _content_owner(asked: Asked) -> Iterator[Said]:
    if _held(asked).kind == "project":
        yield from _project_owner(asked)
        return
    if _held(asked).kind == "view":
        yield Said(NO, "not_applicable", "content that has an owner of its own")
        return
    yield from _publishes(asked)
    if _held(asked).kind == "flow":
        if asked.open_points.flow_owner_changes_owner:
            yield _owns(asked, "content_owner")
        else:
            yield from _admin(asked)
            yield from _fact(asked.to in (None, asked.user), "admin_only", "taking it oneself", "oneself")
        yield from _heir(asked)
        return
    owner, leads = _owns(asked, "content_owner"), _rules(asked, _place(asked, "project"))
    by_leading = owner.verdict == NO and leads.verdict != NO and asked.open_points.leader_changes_owner
    yield leads if by_leading else owner
    yield from _heir(asked)


def _project_rules(asked: Asked) -> Iterator[Said]:
    yield from _listed(asked, "publishes sees-all")
    leads = _rules(asked, asked.content)
    manager = managing_project(asked.site, asked.content)
    if _boss(asked) or leads.verdict == NO:
        yield leads
    elif lock_is_unknown(asked.site, asked.content):
        yield Said(UNKNOWN, "not_read")
    else:
        yield leads if manager in (None, asked.content) else _rules(asked, manager, "locked_project")


def _view_rules(asked: Asked) -> Iterator[Said]:
    held, site = _held(asked), asked.site
    project = site.project_of(asked.content)
    book = site.contents.get(held.parent or "")
    if held.kind != "view":
        yield Said(NO, "not_applicable", "a view")
        return
    if _private(asked):
        yield from WORDS["in-project"](asked)
        return
    if book is None or project is None or project not in site.contents:
        yield Said(UNKNOWN, "not_read")
        return
    hidden = _fact(not book.tabs, "tabs_shown", "hidden tabs")
    locked = managing_project(site, project) is not None
    if lock_is_unknown(site, project) and not locked:
        yield from hidden
        yield Said(UNKNOWN, "not_read")
    else:
        yield from _fact(not locked, "locked_project", "a project that is not locked")
        yield from hidden
        yield _capability(asked, "ChangePermissions@it")


def _table_rules(asked: Asked) -> Iterator[Said]:
    """On the database where that is locked."""
    own, database = _capability(asked, "ChangePermissions@it"), asked.site.contents.get(_held(asked).parent or "")
    if database is None or (database.kind, database.mode) != ("database", "LockedToDatabase"):
        yield own
        return
    there = _may(asked, "ChangePermissions", database.id)
    yield there._replace(because="locked_database") if (own.verdict, there.verdict) == (YES, NO) else there


def _collection_rules(asked: Asked) -> Iterator[Said]:
    yield from _listed(asked, "sees-all")
    yield _owns(asked, "content_owner")


def _set_permissions(asked: Asked) -> Iterator[Said]:
    by_kind = {
        "project": _project_rules,
        "view": _view_rules,
        "table": _table_rules,
        "collection": _collection_rules,
    }
    kind = _held(asked).kind
    return by_kind[kind](asked) if kind in by_kind else iter([_capability(asked, "ChangePermissions@it")])


MORE: dict[str, Callable[[Asked], Iterator[Said]]] = {
    "publish": _publish,
    "see_data": _see_data,
    "web_edit": lambda a: iter(_web(a)),
    "web_save_as": _save_as,
    "web_overwrite": _overwrite,
    "file_save_menu": _save,
    "subscribe": _subscribe,
    "subscribe_with_image": _with_image,
    "follow_metric": lambda a: _on_data(a, "datasource", "a data source", "Read@it direct-connect"),
    "define_metric": lambda a: _on_data(
        a, "datasource", "a data source", "Read@it direct-connect publishes PulseMetricDefine@it"
    ),
    "connect_from_desktop": lambda a: _on_data(
        a,
        "datasource virtualconnection",
        "a data source or virtual connection",
        "from-explorer Read@it direct-connect",
    ),
    "delete_comment": _delete_comment,
    "change_refresh_schedule": _schedule,
    "move": _move,
    **dict.fromkeys(("delete", "delete_top_level_project", "delete_nested_project"), _delete),
    "rename": _rename,
    **dict.fromkeys(("change_project_owner", "assign_project_owner"), _project_owner),
    "change_content_owner": _content_owner,
    **dict.fromkeys(("set_project_leader", "set_content_permissions_mode", "set_project_rules"), _project_rules),
    "set_permissions": _set_permissions,
    "set_view_rules": _view_rules,
}
