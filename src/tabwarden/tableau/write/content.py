"""One change to content: a rule row, a lock, tabs, a place, an owner.

A rule row is compared with what the server holds at that moment, and only what differs is sent: what a lock or tabs
did to it in between does not matter. What is true already is never an error.
"""

from __future__ import annotations

from xml.etree.ElementTree import Element

from tabwarden.effects.ops.content import Move, OfContent, SetMode, SetOwner, SetTabs
from tabwarden.effects.ops.rules import PutRules
from tabwarden.model.errors import TableauError
from tabwarden.model.site import Grantee, Rule
from tabwarden.tableau.http.connection import Connection
from tabwarden.tableau.http.wire import element
from tabwarden.tableau.read.content import KINDS
from tabwarden.tableau.read.content import rules_of as rules_told
from tabwarden.tableau.write.results import ALREADY, DONE, FAILED, Ids, Result, not_there, sends

GRANTEES = {"user": "users", "group": "groups", "groupSet": "groupsets"}


@sends(PutRules)
def put_rules(connection: Connection, change: PutRules, ids: Ids) -> Result:
    """Give one grantee exactly these capabilities, allowed and denied, of those the change is about."""
    grantee_id = ids.of(change.grantee)
    if grantee_id is None:
        return not_there(change.grantee)
    if change.content.kind not in KINDS:
        return _not_changed(change)
    grantee, place = Grantee(change.grantee.kind, grantee_id), _rules_path(change)
    was, wanted = change.before.rules(grantee), change.row.rules(grantee)
    about = {rule.capability for rule in was | wanted}
    rules = rules_told(connection.call("GET", place))
    now = frozenset(rule for rule in rules if rule.grantee == grantee and rule.capability in about)
    if now == wanted:
        return Result(0, ALREADY)
    for rule in sorted(now - wanted):
        _take(connection, place, rule)
    if wanted - now:
        connection.call("PUT", place, body=_permissions(grantee, wanted - now))
    return Result(0, DONE)


def _take(connection: Connection, place: str, rule: Rule) -> None:
    """Delete one rule; one that is gone is gone."""
    who = f"{GRANTEES[rule.grantee.kind]}/{rule.grantee.id}"
    try:
        connection.call("DELETE", f"{place}/{who}/{rule.capability}/{rule.mode}")
    except TableauError as error:
        if error.status != 404:
            raise


def _permissions(grantee: Grantee, rules: frozenset[Rule]) -> Element:
    listed = (element("capability", name=rule.capability, mode=rule.mode) for rule in sorted(rules))
    spoken = element("granteeCapabilities", element(grantee.kind, id=grantee.id), element("capabilities", *listed))
    return element("permissions", spoken)


def _rules_path(change: PutRules) -> str:
    kind = change.default_for
    if kind is None:
        return f"{_path(change)}/permissions"
    return f"{_path(change)}/default-permissions/{KINDS[kind].path.lower() if kind in KINDS else f'{kind}s'}"


# -- everything else is one update ----------------------------------------------------------------------------


@sends(SetMode)
def set_mode(connection: Connection, change: SetMode, _ids: Ids) -> Result:
    """Lock or unlock a project."""
    return _update(connection, change, element("project", contentPermissions=change.mode))


@sends(SetTabs)
def set_tabs(connection: Connection, change: SetTabs, _ids: Ids) -> Result:
    """Show or hide the sheets of a workbook as tabs."""
    return _update(connection, change, element("workbook", showTabs="true" if change.shown else "false"))


@sends(Move)
def move(connection: Connection, change: Move, _ids: Ids) -> Result:
    """Into another project; a project also to the top level."""
    if change.content.kind == "project":
        return _update(connection, change, element("project", parentProjectId=change.to.id or ""))
    return _inside(connection, change, element("project", id=str(change.to.id)))


@sends(SetOwner)
def set_owner(connection: Connection, change: SetOwner, ids: Ids) -> Result:
    """Another owner."""
    owner = ids.of(change.owner)
    return not_there(change.owner) if owner is None else _inside(connection, change, element("owner", id=owner))


def _inside(connection: Connection, change: OfContent, part: Element) -> Result:
    kind = KINDS.get(change.content.kind)
    return _not_changed(change) if kind is None else _update(connection, change, element(kind.element, part))


def _update(connection: Connection, change: OfContent, body: Element) -> Result:
    if change.content.kind not in KINDS:
        return _not_changed(change)
    connection.call("PUT", _path(change), body=body)
    return Result(0, DONE)


def _not_changed(change: OfContent) -> Result:
    return Result(0, FAILED, "", f"this release changes no {change.content.kind}")


def _path(change: OfContent) -> str:
    return f"{KINDS[change.content.kind].path}/{change.id}"
