"""One change to content: a rule row, a lock, tabs, a place, an owner. Not users and groups (`write_one`).

A rule row is compared with what the server holds at that moment, and only what differs is sent: what a lock or tabs
did to it in between does not matter. What is true already is never an error.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from xml.etree.ElementTree import Element

from tabwarden.model.errors import TableauError
from tabwarden.model.site import Grantee, Rule
from tabwarden.plan.content_facts import rules_of
from tabwarden.plan.plan import MOVE, SET_MODE, SET_OWNER, SET_RULE, SET_TABS, Change
from tabwarden.tableau.http.connection import Connection
from tabwarden.tableau.http.wire import element
from tabwarden.tableau.read.content import KINDS
from tabwarden.tableau.read.content import rules_of as rules_told
from tabwarden.tableau.write.results import ALREADY, DONE, FAILED, Ids, Result, attempted, not_there

GRANTEES = {"user": "users", "group": "groups", "groupSet": "groupsets"}


def set_rule(connection: Connection, change: Change, ids: Ids) -> Result:
    """Give one grantee exactly these capabilities, allowed and denied, of those the change is about."""
    grantee_id = ids.of(change.grantee)
    if change.grantee is None or grantee_id is None:
        return not_there(change.grantee)
    grantee = Grantee(change.grantee.kind, grantee_id)
    place = _rules_path(change)
    was, wanted = (rules_of(fields, grantee) for fields in (change.before, change.after))
    about = {rule.capability for rule in was | wanted}
    told = rules_told(connection.call("GET", place))
    held = frozenset(rule for rule in told if rule.grantee == grantee and rule.capability in about)
    if held == wanted:
        return Result(0, ALREADY)
    for rule in sorted(held - wanted):
        _take(connection, place, rule)
    if wanted - held:
        connection.call("PUT", place, body=_permissions(grantee, wanted - held))
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


def _rules_path(change: Change) -> str:
    kind = change.before.get("default_for")
    if not isinstance(kind, str):
        return f"{_path(change)}/permissions"
    return f"{_path(change)}/default-permissions/{KINDS[kind].path.lower() if kind in KINDS else f'{kind}s'}"


# -- everything else is one update ----------------------------------------------------------------------------


def set_mode(connection: Connection, change: Change, _ids: Ids) -> Result:
    """Lock or unlock a project."""
    return _update(connection, change, element("project", contentPermissions=str(change.after["mode"])))


def set_tabs(connection: Connection, change: Change, _ids: Ids) -> Result:
    """Show or hide the sheets of a workbook as tabs."""
    return _update(connection, change, element("workbook", showTabs="true" if change.after["tabs"] else "false"))


def move(connection: Connection, change: Change, _ids: Ids) -> Result:
    """Into another project; a project also to the top level."""
    parent = change.after["parent"]
    if change.content is not None and change.content.kind == "project":
        return _update(connection, change, element("project", parentProjectId=str(parent or "")))
    return _update(connection, change, element(_tag(change), element("project", id=str(parent))))


def set_owner(connection: Connection, change: Change, ids: Ids) -> Result:
    """Another owner."""
    owner = ids.of(change.grantee)
    if owner is None:
        return not_there(change.grantee)
    return _update(connection, change, element(_tag(change), element("owner", id=owner)))


def _update(connection: Connection, change: Change, body: Element) -> Result:
    connection.call("PUT", _path(change), body=body)
    return Result(0, DONE)


def _tag(change: Change) -> str:
    return KINDS[change.content.kind].element if change.content else ""


def _path(change: Change) -> str:
    if change.content is None or change.content.id is None:
        raise TypeError("a change to content without the content it is about")
    return f"{KINDS[change.content.kind].path}/{change.content.id}"


OPS: Mapping[str, Callable[[Connection, Change, Ids], Result]] = MappingProxyType(
    {SET_RULE: set_rule, SET_MODE: set_mode, SET_TABS: set_tabs, MOVE: move, SET_OWNER: set_owner}
)


def alone(connection: Connection, change: Change, ids: Ids) -> Result:
    """Carry out one change; a refusal of it is a Result, what would refuse everybody is raised."""
    if change.content is not None and change.content.kind not in KINDS:
        return Result(0, FAILED, "", f"this release changes no {change.content.kind}")
    return attempted(lambda: OPS[change.op](connection, change, ids))
