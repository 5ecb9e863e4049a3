"""The changes of a plan carried out on a connection, each with what became of it.

What is true already is never an error. A request that creates something and got no answer is looked up before it
is sent again. One person's refusal is a Result; what would refuse everybody (no answer, no session) is raised.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple
from xml.etree.ElementTree import Element

from tabwarden.effects.change import Change
from tabwarden.effects.ops.content import Move, OfContent, SetDescription, SetMode, SetOwner, SetTabs
from tabwarden.effects.ops.rules import PutRules
from tabwarden.model.errors import TableauError
from tabwarden.model.site import Grantee, Rule
from tabwarden.tableau.http.connection import Connection
from tabwarden.tableau.http.wire import element
from tabwarden.tableau.read.content import KINDS
from tabwarden.tableau.read.content import rules_of as rules_told
from tabwarden.tableau.write import bulk as write_bulk
from tabwarden.tableau.write import directory, one
from tabwarden.tableau.write.results import ALREADY, DONE, FAILED, Ids, Result, alone, sends

GRANTEES = {"user": "users", "group": "groups", "groupSet": "groupsets"}


@sends(PutRules)
def put_rules(connection: Connection, change: PutRules, ids: Ids) -> Result:
    """Give one grantee exactly these capabilities, allowed and denied, of those the change is about."""
    grantee_id = ids.need(change.grantee)
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


@sends(SetMode)
def set_mode(connection: Connection, change: SetMode, _ids: Ids) -> Result:
    """Lock or unlock a project."""
    return _update(connection, change, element("project", contentPermissions=change.mode))


@sends(SetTabs)
def set_tabs(connection: Connection, change: SetTabs, _ids: Ids) -> Result:
    """Show or hide the sheets of a workbook as tabs."""
    return _update(connection, change, element("workbook", showTabs="true" if change.shown else "false"))


@sends(SetDescription)
def set_description(connection: Connection, change: SetDescription, _ids: Ids) -> Result:
    """Another description."""
    kind = KINDS.get(change.content.kind)
    element_name = "" if kind is None else kind.element
    return _update(connection, change, element(element_name, description=change.description))


@sends(Move)
def move(connection: Connection, change: Move, _ids: Ids) -> Result:
    """Into another project; a project also to the top level."""
    if change.content.kind == "project":
        return _update(connection, change, element("project", parentProjectId=change.to.id or ""))
    return _inside(connection, change, element("project", id=str(change.to.id)))


@sends(SetOwner)
def set_owner(connection: Connection, change: SetOwner, ids: Ids) -> Result:
    """Another owner."""
    return _inside(connection, change, element("owner", id=ids.need(change.owner)))


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


REGISTERED = (directory, one)
"""The other modules that register what they send."""

BATCH = 500
WORTH_A_JOB = 10  # fewer people than this are added or removed one by one: a job takes its own requests and time
READ_BACK = "read back"  # what a synchronisation brings about is not sent, and looked at together
MEMBERSHIP_SINCE, JOBS_SINCE = "3.21", "3.15"


class _Kind(NamedTuple):
    """What makes changes fit for one request: the same operation, and on memberships the same group."""

    op: str
    group: str = ""
    by_job: bool = False


class Writer:
    """Carries out changes to users, groups, content and the nicknames of domains.

    `bulk` allows many memberships in one request (API 3.21) and, unless `jobs` says otherwise, users added and
    removed by a job (API 3.15); neither is used on a server that does not speak that version.
    """

    def __init__(self, connection: Connection, *, bulk: bool = True, jobs: bool | None = None) -> None:
        self._connection = connection
        self._memberships = bulk and connection.supports(MEMBERSHIP_SINCE)
        self._jobs = (bulk if jobs is None else jobs) and connection.supports(JOBS_SINCE)

    def together(self, changes: Sequence[Change]) -> Iterator[range]:
        """Positions of neighbours that `do` sends as one piece of work: what a journal notes before and after.

        Most are of length 1; the ranges cover `changes` in order.
        """
        start = 0
        while start < len(changes):
            kind = self._kind(changes[start])
            end = start + 1
            while kind is not None and end < len(changes) and end - start < BATCH and self._kind(changes[end]) == kind:
                end += 1
            if kind is not None and kind.by_job and end - start < WORTH_A_JOB:
                end = start + 1
            yield range(start, end)
            start = end

    def do(self, changes: Sequence[Change], known_ids: Mapping[str, str] | None = None) -> list[Result]:
        """Carry out `changes` in order; one Result each, `position` counting within `changes`.

        `known_ids` maps `Ref.key` to the id of what earlier changes created. TableauError when nothing can be
        done at all (the server does not answer, the session cannot be renewed): what was not told is unknown.
        """
        ids = Ids(known_ids or {})
        results: list[Result] = []
        for positions in self.together(changes):
            work = [changes[position] for position in positions]
            for result in self._batch(work, ids):
                placed = result._replace(position=positions.start + result.position)
                results.append(placed)
                created = changes[placed.position].creates
                if placed.new_id is not None and created is not None:
                    ids.learn(created, placed.new_id)
        return results

    def _batch(self, work: Sequence[Change], ids: Ids) -> list[Result]:
        if len(work) == 1:
            return [alone(self._connection, work[0], ids)]
        return write_bulk.together(self._connection, work, ids)

    def _kind(self, change: Change) -> _Kind | None:
        """What the change can be sent together with; None: only by itself."""
        if change.brought_by is not None:
            return _Kind(READ_BACK)
        if change.net_members and self._memberships and change.of_group is not None:
            return _Kind(change.op, change.of_group.key)
        if self._jobs and write_bulk.fits_a_job(change):
            return _Kind(change.op, by_job=True)
        return None
