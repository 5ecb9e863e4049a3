"""The changes of a plan carried out on a connection, each with what became of it. Not their order, not the journal.

What is true already is never an error. A request that creates something and got no answer is looked up before it
is sent again. One person's refusal is a Result; what would refuse everybody (no answer, no session) is raised.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

from tabwarden.plan.plan import ADD_TO_GROUP, ADD_USER, REMOVE_FROM_GROUP, REMOVE_USER, SET_NICKNAME, Change, Ref
from tabwarden.tableau.http.connection import Connection
from tabwarden.tableau.write import bulk as write_bulk
from tabwarden.tableau.write import content, directory, domains, one
from tabwarden.tableau.write.results import FAILED, Ids, Result

__all__ = ["Result", "Writer"]

BATCH = 500
WORTH_A_JOB = 10  # fewer people than this are added or removed one by one: a job takes its own requests and time
READ_BACK = "read back"  # what a synchronisation brings about is not sent, and looked at together
MEMBERSHIP_SINCE, JOBS_SINCE = "3.21", "3.15"


class _Kind(NamedTuple):
    """What makes changes fit for one request: the same operation, and on memberships the same group."""

    op: str
    group: str = ""


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
            if kind is not None and kind.op in (ADD_USER, REMOVE_USER) and end - start < WORTH_A_JOB:
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
                subject = _created(changes[placed.position])
                if placed.new_id is not None and subject is not None:
                    ids.learn(subject, placed.new_id)
        return results

    def _batch(self, work: Sequence[Change], ids: Ids) -> list[Result]:
        if len(work) == 1:
            return [self._one(work[0], ids)]
        match work[0].op:
            case op if op in (ADD_TO_GROUP, REMOVE_FROM_GROUP):
                return write_bulk.memberships(self._connection, work, ids)
            case op if op == ADD_USER:
                return write_bulk.users_added(self._connection, work, ids)
            case _:
                return write_bulk.users_removed(self._connection, work, ids)

    def _one(self, change: Change, ids: Ids) -> Result:
        if change.op in content.OPS:
            return content.alone(self._connection, change, ids)
        if change.op in directory.OPS:
            return directory.alone(self._connection, change, ids)
        if change.op == SET_NICKNAME:
            return domains.set_nickname(self._connection, change)
        if change.op not in one.OPS:
            return Result(0, FAILED, "", f"this release cannot carry out `{change.op}`")
        return one.alone(self._connection, change, ids)

    def _kind(self, change: Change) -> _Kind | None:
        """What the change can be sent together with; None: only by itself."""
        if change.brought_by is not None:
            return _Kind(READ_BACK)
        if change.op in (ADD_TO_GROUP, REMOVE_FROM_GROUP) and self._memberships and change.group is not None:
            return _Kind(change.op, change.group.key)
        if change.op in (ADD_USER, REMOVE_USER) and self._jobs and write_bulk.fits_a_job(change):
            return _Kind(change.op)
        return None


def _created(change: Change) -> Ref | None:
    return change.user if change.op == ADD_USER else change.group
