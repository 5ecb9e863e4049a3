"""Many changes in few requests: memberships of a group at once, users added and removed by a job.

The server's answer to many is short, so what became of each is read back; whoever is not as wanted then is tried
alone, which tells why.
"""

from __future__ import annotations

import csv
import io
import logging
import re
import time
from collections.abc import Mapping, Sequence
from xml.etree.ElementTree import Element

from tabwarden.effects.change import Change
from tabwarden.effects.ops.memberships import AddToGroup, RemoveFromGroup
from tabwarden.effects.ops.rules import PutRules
from tabwarden.effects.ops.users import AddUser, RemoveUser
from tabwarden.model.errors import TableauError
from tabwarden.model.roles import current_role
from tabwarden.model.site import User
from tabwarden.model.tables import grouped
from tabwarden.tableau.http.connection import Connection
from tabwarden.tableau.http.wire import Part, element, with_ids
from tabwarden.tableau.read.people import read_users
from tabwarden.tableau.write.content import rows_put
from tabwarden.tableau.write.one import added_as, authentication, called
from tabwarden.tableau.write.results import (
    ALREADY,
    DONE,
    Ids,
    Result,
    alone,
    failed_by,
    is_for_all,
    is_lost,
    not_there,
    pick,
)

log = logging.getLogger(__name__)

KINDS = frozenset({"userimport", "userdelete", "groupimport", "groupsync"})
LISTED_SINCE = "3.1"
FIRST_POLL, LONGEST_POLL, LONGEST_JOB = 0.2, 20.0, 3600.0
GONE = ("404018", "400031")  # finished jobs are cleaned away


def wait_for_job(connection: Connection, job_id: str) -> Element | None:
    """The job as it is told when it is over, asking ever more seldom; None where it is cleaned away already."""
    pause, ends = FIRST_POLL, time.monotonic() + LONGEST_JOB
    while time.monotonic() < ends:
        try:
            answer = connection.call("GET", f"jobs/{job_id}")
        except TableauError as error:
            if error.code in GONE:
                return None
            raise
        job_told = answer.find("job") if answer is not None else None
        if job_told is not None and (job_told.get("completedAt") or job_told.get("progress") == "100"):
            return job_told
        time.sleep(pause)
        pause = min(pause * 1.5, LONGEST_POLL)
    raise TableauError(f"the job {job_id} was not over within an hour; look at the server's jobs page", 408)


def wait_for_user_jobs(connection: Connection) -> None:
    """Until no import, deletion or synchronisation of people is under way on the site.

    TableauError (408) after an hour of it. Where the server does not tell its jobs there is nothing to wait for: an
    import that comes twice changes nothing.
    """
    if not connection.supports(LISTED_SINCE):
        return
    pause, ends = FIRST_POLL, time.monotonic() + LONGEST_JOB
    while time.monotonic() < ends:
        try:
            jobs = connection.pages("jobs", "backgroundJob")
        except TableauError as error:
            if error.status not in (400, 403, 404):
                raise
            log.debug("the server does not list its jobs: %s", error)
            return
        if not any(job.get("jobType", "").casefold() in KINDS and not job.get("endedAt") for job in jobs):
            return
        log.info("an import, deletion or synchronisation of people is under way; waiting for its end")
        time.sleep(pause)
        pause = min(pause * 1.5, LONGEST_POLL)
    raise TableauError("an import or synchronisation takes over an hour; look at the server's jobs page", 408)


# Licence, administrator and publisher columns of an import file by site role ("CSV Import File Guidelines").
COLUMNS_OF: Mapping[str, tuple[str, str, str]] = {
    "SiteAdministratorCreator": ("Creator", "Site", "1"),
    "SiteAdministratorExplorer": ("Explorer", "Site", "1"),
    "Creator": ("Creator", "None", "1"),
    "ExplorerCanPublish": ("Explorer", "None", "1"),
    "Explorer": ("Explorer", "None", "0"),
    "Viewer": ("Viewer", "None", "0"),
    "Unlicensed": ("Unlicensed", "None", "0"),
}
_PLAIN_NAME = re.compile(r'[^\s,"]+')


def together(connection: Connection, work: Sequence[Change], ids: Ids) -> list[Result]:
    """Neighbours that fit for one request or job; all are of one class."""
    if isinstance(work[0], AddUser):
        return users_added(connection, [change for change in work if isinstance(change, AddUser)], ids)
    if isinstance(work[0], RemoveUser):
        return users_removed(connection, [change for change in work if isinstance(change, RemoveUser)], ids)
    if isinstance(work[0], PutRules):
        return _rows([change for change in work if isinstance(change, PutRules)], connection, ids)
    moves = [change for change in work if isinstance(change, AddToGroup | RemoveFromGroup)]
    return memberships(connection, moves, ids)


def _rows(work: Sequence[PutRules], connection: Connection, ids: Ids) -> list[Result]:
    """Rows of one list; where they are refused together, each is tried alone, which tells whose was refused."""
    there = [change for change in work if ids.of(change.grantee) is not None and ids.of(change.content) is not None]
    if len(there) == len(work):
        try:
            result = rows_put(connection, work, ids)
        except TableauError as error:
            if is_for_all(error):
                raise
        else:
            return [result._replace(position=position) for position in range(len(work))]
    return [alone(connection, change, ids)._replace(position=position) for position, change in enumerate(work)]


# -- memberships ----------------------------------------------------------------------------------------------


def memberships(connection: Connection, work: Sequence[AddToGroup | RemoveFromGroup], ids: Ids) -> list[Result]:
    """Users into, or out of, one group; `work` is of one operation and one group."""
    results: dict[int, Result] = {}
    group_id = ids.of(work[0].group)
    if group_id is None:
        return [not_there(change.group)._replace(position=position) for position, change in enumerate(work)]
    users: dict[str, int] = {}
    for position, change in enumerate(work):
        user_id = ids.of(change.user)
        if user_id is None:
            results[position] = not_there(change.user)
        elif user_id in users:
            results[position] = Result(0, ALREADY)
        else:
            users[user_id] = position
    joins = work[0].joins
    for user_id, result in _settle(connection, group_id, list(users), joins=joins).items():
        results[users[user_id]] = result
    return [results[position]._replace(position=position) for position in range(len(work))]


def _settle(connection: Connection, group_id: str, users: list[str], *, joins: bool) -> dict[str, Result]:
    """What becomes of each: all at once; after a refusal those who are as wanted are told apart, others halved."""
    if not users:
        return {}
    try:
        _send(connection, group_id, users, joins=joins)
    except TableauError as error:
        if error.status in (401, 403, 429):
            if is_for_all(error):
                raise
            return dict.fromkeys(users, failed_by(error))
        return _after_refusal(connection, group_id, users, error, joins=joins)
    return dict.fromkeys(users, Result(0, DONE))


def _send(connection: Connection, group_id: str, users: list[str], *, joins: bool) -> None:
    body = with_ids("user", users, "users")
    if joins:
        connection.call("POST", f"groups/{group_id}/users", body=body)
    else:
        connection.call("PUT", f"groups/{group_id}/users/remove", body=body)


def _after_refusal(
    connection: Connection, group_id: str, users: list[str], error: TableauError, *, joins: bool
) -> dict[str, Result]:
    try:
        members = {one.get("id", "") for one in connection.pages(f"groups/{group_id}/users", "user")}
    except TableauError as gone:
        if gone.status != 404:
            raise
        result = failed_by(gone, "the group is gone") if joins else Result(0, ALREADY, gone.code)
        return dict.fromkeys(users, result)
    as_wanted = [user for user in users if (user in members) == joins]
    rest = [user for user in users if (user in members) != joins]
    # After a lost answer those in place are our own doing; after a refusal they were there before.
    settled = dict.fromkeys(as_wanted, Result(0, DONE if is_lost(error) else ALREADY, error.code))
    if as_wanted:
        return settled | _settle(connection, group_id, rest, joins=joins)
    if is_for_all(error):
        raise error
    if len(rest) == 1:
        return {rest[0]: failed_by(error)}
    half = len(rest) // 2
    first = _settle(connection, group_id, rest[:half], joins=joins)
    return first | _settle(connection, group_id, rest[half:], joins=joins)


# -- users by a job -------------------------------------------------------------------------------------------


def fits_a_job(change: Change) -> bool:
    """Whether a user can be added or removed by a file: a plain name, a role the file has, nothing to hand over."""
    if isinstance(change, RemoveUser):
        fits = change.needs is None
    else:
        fits = isinstance(change, AddUser) and not change.given and current_role(change.role) in COLUMNS_OF
    return fits and change.of_user is not None and _PLAIN_NAME.fullmatch(change.of_user.qualified) is not None


def users_added(connection: Connection, work: Sequence[AddUser], ids: Ids) -> list[Result]:
    """Users added by one import job; who is not on the site afterwards is tried alone."""
    rows: list[Sequence[str]] = []
    settings = element("tsRequest")
    for change in work:
        name = change.user.qualified
        rows.append((name, "", change.full_name, *COLUMNS_OF[current_role(change.role)], change.email))
        settings.append(element("user", name=name, **authentication(change)))
    try:
        answer = connection.call("POST", "users/import", body=settings, multipart={"tableau_user_import": _file(rows)})
        _wait_for(connection, answer)
    except TableauError as error:
        if error.status in (401, 429):
            raise
        # Refused, or nobody knows: the list decides, and single requests do the rest.
    by_name = _users_by_name(connection)
    results = []
    for position, change in enumerate(work):
        user = pick(by_name.get(change.user.name.casefold(), []), change.user)
        if user is None:
            result = alone(connection, change, ids)
        else:
            result = called(connection, user, change, added_as(user, change))
        results.append(result._replace(position=position))
    return results


def users_removed(connection: Connection, work: Sequence[RemoveUser], ids: Ids) -> list[Result]:
    """Users removed by one job; who is on the site afterwards is tried alone, which tells why."""
    try:
        rows = [(change.user.qualified,) for change in work]
        answer = connection.call("POST", "users/delete", multipart={"tableau_user_delete": _file(rows)})
        _wait_for(connection, answer)
    except TableauError as error:
        if error.status in (401, 429):
            raise
    there = {user.id for user in read_users(connection)}
    results = []
    for position, change in enumerate(work):
        stayed = ids.of(change.user) in there
        result = alone(connection, change, ids) if stayed else Result(0, DONE)
        results.append(result._replace(position=position))
    return results


def _wait_for(connection: Connection, answer: Element | None) -> None:
    """Until the job of this answer is over; how it went, the lists tell."""
    job = answer.find("job") if answer is not None else None
    job_id = job.get("id") if job is not None else None
    if job_id is not None:
        wait_for_job(connection, job_id)


def _file(rows: Sequence[Sequence[str]]) -> Part:
    with io.StringIO(newline="") as out:
        csv.writer(out, lineterminator="\n").writerows(rows)
        return Part("users.csv", out.getvalue().encode())


def _users_by_name(connection: Connection) -> Mapping[str, list[User]]:
    return grouped((user.name.casefold(), user) for user in read_users(connection))
