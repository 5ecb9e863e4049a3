"""Rules, projects and other content, and the site's own settings, as requests.

Rules of one content are one piece of work. Where many must go, the list is written whole (POST), as Tableau's own
migration SDK does; a server that does not take that gets a request for every rule that must go, one for all that come.
First go Allows, then Denies, then comes all that is new; where a Deny goes and another of the same capability comes,
that comes before: so at no moment has anybody more than before or afterwards.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from itertools import groupby
from xml.etree.ElementTree import Element

from tabwarden.effects.ops.content import Move, OfContent, SetDescription, SetMode, SetOwner, SetTabs
from tabwarden.effects.ops.projects import DeleteContent, NewProject
from tabwarden.effects.ops.rules import PutRules
from tabwarden.effects.ops.settings import SETTINGS_BY_REST, SetSetting
from tabwarden.effects.ref import Ref
from tabwarden.model.capability import INHERITED_LEADER
from tabwarden.model.errors import TableauError
from tabwarden.model.names import same
from tabwarden.model.site import ALLOW, DENY, LOCAL, Grantee, Rule, Rules
from tabwarden.model.site_settings import FULL, LIMITED
from tabwarden.tableau.http.connection import Connection
from tabwarden.tableau.http.wire import element
from tabwarden.tableau.read.content import KINDS
from tabwarden.tableau.read.content import rules_of as rules_told
from tabwarden.tableau.write.results import ALREADY, DONE, FAILED, Ids, Result, create, is_for_all, is_lost, sends

GRANTEES = {"user": "users", "group": "groups", "groupSet": "groupsets"}
CONFLICT = 409
WORTH_A_LIST = 3  # rules that go, from which on reading the list and writing it whole takes fewer requests


# -- rules ----------------------------------------------------------------------------------------------------


@sends(PutRules)
def put_rules(connection: Connection, change: PutRules, ids: Ids) -> Result:
    """Give one grantee exactly these capabilities, allowed and denied, of those the change is about."""
    return rows_put(connection, [change], ids)


def rows_put(connection: Connection, changes: Sequence[PutRules], ids: Ids) -> Result:
    """The rows of one list, all together. What the plan saw is believed; where a rule stands in the way, it is read."""
    first = changes[0]
    if first.content.kind not in KINDS:
        return _not_changed(first)
    place = _rules_path(first, ids)
    was, wanted = set[Rule](), set[Rule]()
    for change in changes:
        grantee = Grantee(change.grantee.kind, ids.need(change.grantee))
        was |= change.before.rules(grantee)
        wanted |= change.row.rules(grantee)
    about = {(rule.grantee, rule.capability) for rule in was | wanted}
    now: Rules | None = frozenset(was)
    if connection.takes_whole_lists and len(was - wanted) >= WORTH_A_LIST:
        now = _whole(connection, place, about, frozenset(wanted))
    try:
        if now is not None:
            return rules_changed(connection, place, now, frozenset(wanted), done=now != was)
    except TableauError as error:
        if error.status != CONFLICT:
            raise
    return rules_changed(connection, place, _about(connection.call("GET", place), about), frozenset(wanted))


def _whole(connection: Connection, place: str, about: Collection[tuple[Grantee, str]], wanted: Rules) -> Rules | None:
    """What is there of `about` once the list was written whole: `wanted`, and what others have there as it is.

    As it was where the server takes no whole list; None where that is to be read, for it gave no answer.
    """
    listed = rules_told(connection.call("GET", place))
    ours = frozenset(rule for rule in listed if (rule.grantee, rule.capability) in about)
    spoken = wanted | frozenset(rule for rule in listed - ours if rule.capability != INHERITED_LEADER)
    if not spoken or len({(rule.grantee, rule.capability) for rule in spoken}) < len(spoken):
        return ours  # an empty list and a contradiction are refused
    try:
        return _about(connection.call("POST", place, body=_spoken(spoken)), about)
    except TableauError as error:
        if is_for_all(error) and not is_lost(error):
            raise
        connection.takes_whole_lists &= error.status not in (404, 405)
        return None if is_lost(error) else ours


def _about(answer: Element | None, about: Collection[tuple[Grantee, str]]) -> Rules:
    return frozenset(rule for rule in rules_told(answer) if (rule.grantee, rule.capability) in about)


def rules_changed(connection: Connection, place: str, was: Rules, wanted: Rules, *, done: bool = False) -> Result:
    """Of the rules at a path: those that `was` holds and not `wanted` go, the others of `wanted` come."""
    gone, new = was - wanted, wanted - was
    denied = {(rule.grantee, rule.capability) for rule in gone if rule.mode == DENY}
    flips = frozenset(rule for rule in new if (rule.grantee, rule.capability) in denied)
    lifted = {capability for _, capability in denied}
    early = new - flips if any(rule.mode == DENY and rule.capability in lifted for rule in new) else frozenset()
    taken = [_take(connection, place, rule) for rule in sorted(gone) if rule.mode == ALLOW]
    _put(connection, place, early)
    taken += [_take(connection, place, rule) for rule in sorted(gone) if rule.mode == DENY]
    _put(connection, place, new - early)
    return Result(0, DONE if done or new or any(taken) else ALREADY)


def _take(connection: Connection, place: str, rule: Rule) -> bool:
    """Delete one rule; whether it was there."""
    who = f"{GRANTEES[rule.grantee.kind]}/{rule.grantee.id}"
    try:
        connection.call("DELETE", f"{place}/{who}/{rule.capability}/{rule.mode}")
    except TableauError as error:
        if error.status != 404:
            raise
        return False
    return True


def _put(connection: Connection, place: str, rules: Collection[Rule]) -> None:
    if rules:
        connection.call("PUT", place, body=_spoken(rules))


def _spoken(rules: Collection[Rule]) -> Element:
    spoken = []
    for grantee, theirs in groupby(sorted(rules), key=lambda rule: rule.grantee):
        listed = (element("capability", name=rule.capability, mode=rule.mode) for rule in theirs)
        spoken.append(
            element("granteeCapabilities", element(grantee.kind, id=grantee.id), element("capabilities", *listed))
        )
    return element("permissions", *spoken)


def _rules_path(change: PutRules, ids: Ids) -> str:
    kind = change.default_for
    if kind is None:
        return f"{_path(change, ids)}/permissions"
    return f"{_path(change, ids)}/default-permissions/{KINDS[kind].path.lower() if kind in KINDS else f'{kind}s'}"


# -- projects and other content -------------------------------------------------------------------------------


@sends(NewProject)
def new_project(connection: Connection, change: NewProject, ids: Ids) -> Result:
    """A project; another owner than whoever makes it takes a second request."""
    parent = None if change.parent is None else ids.need(change.parent)
    words = {"name": change.name, "parentProjectId": parent, "description": change.description or None}
    body = element("project", contentPermissions=change.mode, **words)
    answer = create(
        lambda: connection.call("POST", "projects", body=body), lambda: _project(connection, change.name, parent)
    )
    project = answer.find("project") if answer is not None and answer.tag != "project" else answer
    if project is None or not project.get("id"):
        return Result(0, FAILED, "", "the server said yes but named no project; look at the site")
    new_id, owner = str(project.get("id")), project.find("owner")
    if change.owner is not None and (owner is None or owner.get("id") != ids.need(change.owner)):
        given = element("project", element("owner", id=ids.need(change.owner)))
        connection.call("PUT", f"projects/{new_id}", body=given)
    return Result(0, DONE, new_id=new_id)


def _project(connection: Connection, name: str, parent: str | None) -> Element | None:
    """The project of that name in that place, where it is there."""
    all_of = connection.pages("projects", "project")
    return next(
        (p for p in all_of if same(p.get("name", "")) == same(name) and p.get("parentProjectId") == parent), None
    )


@sends(DeleteContent)
def delete_content(connection: Connection, change: DeleteContent, ids: Ids) -> Result:
    """Delete it; what is gone is gone."""
    if change.content.kind not in KINDS:
        return _not_changed(change)
    try:
        connection.call("DELETE", _path(change, ids))
    except TableauError as error:
        if error.status != 404:
            raise
        return Result(0, ALREADY, error.code)
    return Result(0, DONE)


@sends(SetMode)
def set_mode(connection: Connection, change: SetMode, ids: Ids) -> Result:
    """Lock or unlock a project or a database."""
    kind = KINDS[change.content.kind].element if change.content.kind in KINDS else ""
    return _update(connection, change, element(kind, contentPermissions=change.mode), ids)


@sends(SetTabs)
def set_tabs(connection: Connection, change: SetTabs, ids: Ids) -> Result:
    """Show or hide the sheets of a workbook as tabs."""
    return _update(connection, change, element("workbook", showTabs="true" if change.shown else "false"), ids)


@sends(SetDescription)
def set_description(connection: Connection, change: SetDescription, ids: Ids) -> Result:
    kind = KINDS.get(change.content.kind)
    element_name = "" if kind is None else kind.element
    return _update(connection, change, element(element_name, description=change.description), ids)


@sends(Move)
def move(connection: Connection, change: Move, ids: Ids) -> Result:
    """Into another project; a project also to the top level."""
    target = "" if change.to.id is None else ids.need(Ref("project", change.to.path or "", LOCAL, change.to.id))
    if change.content.kind == "project":
        return _update(connection, change, element("project", parentProjectId=target), ids)
    return _inside(connection, change, element("project", id=target), ids)


@sends(SetOwner)
def set_owner(connection: Connection, change: SetOwner, ids: Ids) -> Result:
    return _inside(connection, change, element("owner", id=ids.need(change.owner)), ids)


def _inside(connection: Connection, change: OfContent, part: Element, ids: Ids) -> Result:
    kind = KINDS.get(change.content.kind)
    return _not_changed(change) if kind is None else _update(connection, change, element(kind.element, part), ids)


def _update(connection: Connection, change: OfContent, body: Element, ids: Ids) -> Result:
    if change.content.kind not in KINDS:
        return _not_changed(change)
    connection.call("PUT", _path(change, ids), body=body)
    return Result(0, DONE)


def _not_changed(change: OfContent) -> Result:
    return Result(0, FAILED, "", f"this release changes no {change.content.kind}")


def _path(change: OfContent, ids: Ids) -> str:
    return f"{KINDS[change.content.kind].path}/{ids.need(change.content)}"


# -- the site itself ------------------------------------------------------------------------------------------


@sends(SetSetting)
def set_setting(connection: Connection, change: SetSetting, _ids: Ids) -> Result:
    """Switch one of the site's own settings."""
    name = SETTINGS_BY_REST.get(change.setting)
    if name is None:
        return Result(0, FAILED, "", "no request switches it; use the site's settings page")
    words = "true" if change.value is not (change.setting == "subscriptions") else "false"
    if change.setting == "user_visibility":
        words = FULL if change.value else LIMITED
    connection.call("PUT", "", body=element("site", **{name: words}))
    return Result(0, DONE)
